# Cheats by the superuser of one agency against the others: each is named, nobody honest is accused, replication goes on, final rows stay.
#
# The inspector cheats, each time on a chain of its own; hall and insurer follow.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::Test;
use Test::More;

my $city = Seoulchain::City->new(nodes => [qw(hall inspector insurer)], most => 4, links => 1, settings => { 'seoulchain.seal_interval' => '200ms' });
my @honest = qw(hall insurer);
my $columns = 'id int, km int, note text';
$city->mesh;
$city->settle or BAIL_OUT('the nodes do not follow each other');

sub inspector { return $city->sql('inspector', shift) }
sub digest { my ($node, $chain) = @_; return $city->rows_digest($node, "inspector.$chain") }

# a chain of the inspector's with rows that everybody has cosigned, three blocks of them; final is what hall and insurer both have
my %final;
sub honest_chain
{
	my ($chain, @followers) = @_;
	@followers = @honest if !@followers;
	ok($city->follow_table('inspector', $chain, $columns, @followers), "$chain: a chain that @followers follow");
	foreach my $block (1 .. 3)
	{
		inspector("INSERT INTO inspector.$chain SELECT g, 1000 * $block + g, 'block $block' FROM generate_series(1, 10) g");
		$city->seal('inspector', $chain);
	}
	ok($city->wait_cosigned('inspector', chain => $chain), "$chain: rows are cosigned");
	if (@followers == 2)
	{
		ok($city->set_policy('inspector', chain => $chain, witnesses => \@honest), "$chain: final is what both others have cosigned");
		$final{$chain} = sealed_rows('inspector', $chain);
	}
	return;
}

# the rows of the first three blocks, which are final
sub sealed_rows { my ($node, $chain) = @_; return $city->sql($node, "SELECT count(*), md5(string_agg(concat_ws('|', ledger_seq, id, km, note), E'\\n' ORDER BY ledger_seq)) FROM inspector.$chain WHERE km BETWEEN 1001 AND 3010 AND note LIKE 'block _'") }

# one test: every honest node has what was final
sub final_rows_kept
{
	my $chain = shift;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like($final{$chain}, qr/^30\|/, "$chain: thirty rows were final");
	is(sealed_rows($_, $chain), $final{$chain}, "$chain: $_ has every one as it was") foreach @honest;
	return;
}

# one test: the inspector gets no receipt by which a row is final
sub never_final
{
	my ($chain, $seq) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my (undef, $out, $err) = $city->node('inspector')->psql('postgres', "SELECT seoulchain.receipt('inspector.$chain', $seq, final => true)");
	return ok($out eq '' && $err =~ /ERROR/, "$chain: the inspector cannot show the forged row as final") || diag("$out$err");
}

# row of a chain with this number of kilometres
sub row_with { my ($chain, $km) = @_; return inspector("SELECT ledger_seq FROM inspector.$chain WHERE km = $km") }

# one test: this node disputes that chain, with a proof or at least a complaint
sub named
{
	my ($node, $chain, $proof, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $origin = $city->origin('inspector', $chain);
	return ok($city->wait_for($node, "SELECT count(*) > 0 FROM seoulchain.dispute WHERE origin = '$origin'" . ($proof ? ' AND proof' : ''),
			"a dispute about $origin"), "$chain: $node $what")
	  && is($city->sql($node, "SELECT count(*) FROM seoulchain.dispute WHERE origin = '$origin' AND (evidence IS NULL OR detail = '')"), 0,
		"$chain: with evidence");
}

# one test: what seoulchain-verify says of a node's evidence against a chain
sub judged
{
	my ($node, $chain, $proof, $pattern) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $origin = $city->origin('inspector', $chain);
	my $evidence = $city->sql($node, "SELECT evidence FROM seoulchain.dispute WHERE origin = '$origin' ORDER BY proof = $proof DESC, found_at LIMIT 1");
	my $file = PostgreSQL::Test::Utils::tempdir() . "/$node.$chain";
	append_to_file($file, "$evidence\n");
	my $key = inspector("SELECT seoulchain.verifier_key('$chain')");
	my ($out, $err);
	IPC::Run::run([ 'seoulchain-verify', '--key', $key, '--key', $city->key($node), $file ], '>', \$out, '2>', \$err);
	return like("$out$err", $pattern, "$chain: seoulchain-verify judges the evidence of $node");
}

# what seoulchain-verify says of a node's proof that a row of a chain breaks its contract
sub proof_of_rule
{
	my ($node, $table, $where, $chain) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . "/$node.rule";
	append_to_file($file, $city->sql($node, "SELECT seoulchain.rule_evidence('$table', ledger_seq) FROM $table WHERE $where") . "\n");
	my ($out, $err);
	IPC::Run::run([ 'seoulchain-verify', '--key', inspector("SELECT seoulchain.verifier_key('$chain')"), $file ], '>', \$out, '2>', \$err);
	return "$out$err";
}

# one test: all other chains go on as if nothing had happened
sub others_go_on
{
	my $what = shift;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($city->settle, "$what: the other chains are cosigned on");
}

# 1. a sealed and cosigned row rewritten, its block sealed and signed again, and shown to all
honest_chain('rewritten');
my $forged = row_with('rewritten', 3005);
$city->forge('inspector', 'inspector.rewritten', $forged, 'km = 5', 1);
inspector("SELECT seoulchain.seal('rewritten')");
foreach my $node (@honest)
{
	named($node, 'rewritten', 1, 'proves that two histories were signed');
	judged($node, 'rewritten', 'true', qr/PROOF/);
}
final_rows_kept('rewritten');
never_final('rewritten', $forged);
others_go_on('rewritten');

# 2. the same in an older block, not shown; the next block gives it away
honest_chain('older');
$forged = row_with('older', 1005);
$city->forge('inspector', 'inspector.older', $forged, 'km = 5', 0);
foreach my $block (4 .. 8)
{
	inspector("INSERT INTO inspector.older SELECT g, 1000 * $block + g, 'afterwards' FROM generate_series(1, 10) g");
	$city->seal('inspector', 'older');
}
named($_, 'older', 0, 'disputes a block that does not extend what it holds') foreach @honest;
final_rows_kept('older');
never_final('older', $forged);
others_go_on('older');

# 3. an older block sealed anew with what came behind it, and announced in its place: other sizes, so no two roots meet
honest_chain('shorter');
$forged = row_with('shorter', 2005);
$city->forge('inspector', 'inspector.shorter', $forged, 'km = 5', 1);
inspector("SELECT seoulchain.seal('shorter')");
named($_, 'shorter', 0, 'disputes a block that it has as another one') foreach @honest;
final_rows_kept('shorter');
never_final('shorter', $forged);
others_go_on('shorter');

# 4. a row changed after it was sent and before it was sealed
honest_chain('hasty');
inspector("ALTER SYSTEM SET seoulchain.seal_interval = '1h'");
inspector('SELECT pg_reload_conf()');
inspector("INSERT INTO inspector.hasty VALUES (1, 7000, 'as it was')");
my $seq = row_with('hasty', 7000);
$city->wait_for($_, 'SELECT count(*) = 1 FROM inspector.hasty WHERE km = 7000', 'the row') foreach @honest;
inspector($_)
  foreach q{SET allow_system_table_mods = on; UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = 'inspector.hasty'::regclass},
  "UPDATE inspector.hasty SET km = 70 WHERE ledger_seq = $seq",
  q{SET allow_system_table_mods = on; UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger') WHERE oid = 'inspector.hasty'::regclass},
  "UPDATE seoulchain.journal SET entries = overlay(entries PLACING seoulchain.leaf_hash('inspector.hasty', $seq) FROM 25)
	WHERE chain_id = (SELECT chain_id FROM seoulchain.chain WHERE name = 'hasty')",
  "SELECT seoulchain.seal('hasty')", 'ALTER SYSTEM RESET seoulchain.seal_interval', 'SELECT pg_reload_conf()';
foreach my $node (@honest)
{
	named($node, 'hasty', 0, 'complains that the block does not hold the row that it received');
	is($city->sql($node, "SELECT km FROM inspector.hasty WHERE ledger_seq = $seq"), 7000, "hasty: $node has it as it was");
}
final_rows_kept('hasty');
never_final('hasty', $seq);
others_go_on('hasty');

# 5. two faces: hall has one history; the inspector rewrites it while hall cannot be reached, and the insurer comes late and gets the other
honest_chain('faces', 'hall');
$forged = row_with('faces', 3005);
my $face = sealed_rows('hall', 'faces');
$city->cut('hall', 'inspector');
$city->forge('inspector', 'inspector.faces', $forged, 'km = 5', 1);
inspector("SELECT seoulchain.seal('faces')");
$city->follow('insurer', 'inspector', 'faces');
ok($city->wait_cosigned('inspector', chain => 'faces', by => ['insurer']), 'faces: the insurer, who knows nothing else, cosigns the second face');
# each face has one cosignature: by a policy of both neither is final
is($city->sql('inspector', sprintf q{SELECT seoulchain.set_policy('faces', E'log %s\nwitness hall %s\nwitness insurer %s\ngroup both all hall insurer\nquorum both\n') <> ''},
	inspector("SELECT seoulchain.verifier_key('faces')"), map { $city->key($_) } @honest), 't', 'faces: a policy that asks for both');
inspector("SELECT seoulchain.seal('faces')");
never_final('faces', $forged);
# hall says what it saw on its own chain, the insurer compares
$city->sql('hall', 'CREATE SCHEMA hall');
$city->sql('hall', 'CREATE TABLE hall.daily (id int) USING ledger');
$city->sql('insurer', 'CREATE SCHEMA insurer');
$city->sql('insurer', 'CREATE TABLE insurer.daily (id int) USING ledger');
foreach my $day (1 .. 3)
{
	$city->sql($_, "INSERT INTO $_.daily VALUES ($day)") foreach @honest;
	ok($city->wait_cosigned('hall', by => ['insurer']) && $city->wait_cosigned('insurer', by => ['hall']), "faces: day $day");
}
named('insurer', 'faces', 1, 'proves the two faces from what hall republished, with the inspector cut off from hall');
judged('insurer', 'faces', 'true', qr/PROOF/);
$city->heal('hall', 'inspector');
named('hall', 'faces', 1, 'does so too');
judged('hall', 'faces', 'true', qr/PROOF/);
is(sealed_rows('hall', 'faces'), $face, 'faces: hall has the rows that it cosigned as they were');
others_go_on('faces');

# the same for two who are no peers of each other, and meet through hall alone: the insurer has one history, as hall, the archive the other
honest_chain('third');
$city->cut($_, 'inspector') foreach @honest;
$city->forge('inspector', 'inspector.third', row_with('third', 3005), 'km = 5', 1);
inspector("SELECT seoulchain.seal('third')");
$city->add_node('archive');
$city->sql('archive', 'CREATE SCHEMA archive; CREATE TABLE archive.daily (id int) USING ledger');
$city->join_with('archive', 'hall');
$city->add_peers('archive', 'inspector');
$city->follow('archive', 'inspector', 'third');
ok($city->wait_cosigned('inspector', chain => 'third', by => ['archive']), 'third: the archive cosigns the second face');
# whose copy is the longer has the proof, when the other has made a block
foreach my $node (qw(hall archive))
{
	$city->sql($node, "INSERT INTO $node.daily VALUES (10)");
	$city->seal($node);
}
named($_, 'third', 1, 'proves it, from one block of hall or of the archive') foreach qw(hall archive);
judged($_, 'third', 'true', qr/PROOF/) foreach qw(hall archive);
named('insurer', 'third', 1, 'takes it over from hall, without knowing the archive');
$city->heal($_, 'inspector') foreach @honest;
others_go_on('third');

# who has heard of a proof before he followed the chain believes it then
$city->sql('archive', 'DELETE FROM seoulchain.seen');
$city->follow('archive', 'inspector', 'rewritten');
named('archive', 'rewritten', 1, 'judges what it has heard before');

# 6. a contract broken: an odometer that runs backwards, inserted with the rule out of the way
honest_chain('odometer');
inspector($_)
  foreach q{SELECT seoulchain.propose_contract('{"contract": "odometer", "ordinance": {"name": "Ordinance on Used Cars", "number": 12, "from": "2026-01-01"},
	"tables": [{"table": "inspector.odometer", "rules": [{"name": "monotonic", "parameters": {"key": ["note"], "value": "km"}}]}]}', 'odometer')},
  q{SELECT seoulchain.activate_contract('odometer', chain => 'odometer', breaches => (SELECT count(*) FROM seoulchain.contract_breaches('odometer', 1, 'odometer')))},
  q{INSERT INTO inspector.odometer VALUES (1, 100, 'car'), (2, 200, 'car')};
ok($city->wait_cosigned('inspector', chain => 'odometer'), 'odometer: rows under a contract are cosigned');
like(($city->node('inspector')->psql('postgres', q{INSERT INTO inspector.odometer VALUES (3, 50, 'car')}))[2], qr/contract/, 'odometer: it refuses to run backwards');
inspector($_)
  foreach 'CREATE TABLE public.kept AS SELECT * FROM seoulchain.rule_state', "UPDATE seoulchain.rule_state SET value = '1'";
inspector(q{INSERT INTO inspector.odometer VALUES (3, 50, 'car')});
inspector("SELECT seoulchain.seal('odometer')");
named($_, 'odometer', 0, 'names the row that broke the contract') foreach @honest;
judged($_, 'odometer', 'false', qr/COMPLAINT/) foreach @honest;
like(proof_of_rule('hall', 'inspector.odometer', 'km = 50', 'odometer'), qr/PROOF: a row breaks its contract/, 'odometer: hall can prove it to a stranger');
is($city->sql('hall', q{SELECT count(*) FROM inspector.odometer WHERE km = 50}), 1, 'odometer: the row is there all the same');
final_rows_kept('odometer');
never_final('odometer', row_with('odometer', 50));
others_go_on('odometer');

# 7. a unique constraint of its own, which followers do not have: replication does not stop; what is to be held against it is declared as a contract
honest_chain('unique_id');
inspector($_)
  foreach 'CREATE UNIQUE INDEX once ON inspector.unique_id (km)', 'DROP INDEX inspector.once',
  q{INSERT INTO inspector.unique_id VALUES (1, 1001, 'again')};
ok($city->wait_cosigned('inspector', chain => 'unique_id'), 'unique_id: the row is followed and cosigned: it is what the inspector says');
$city->same_everywhere('inspector', 'inspector.unique_id', 'unique_id: followers have it', @honest);
inspector($_)
  foreach q{SELECT seoulchain.propose_contract('{"contract": "once", "ordinance": {"name": "Ordinance on Plates", "number": 3, "from": "2026-01-01"},
	"tables": [{"table": "inspector.unique_id", "rules": [{"name": "one_per", "parameters": {"key": ["id", "note"]}}]}]}', 'unique_id')},
  q{SELECT seoulchain.activate_contract('once', chain => 'unique_id', breaches => (SELECT count(*) FROM seoulchain.contract_breaches('once', 1, 'unique_id')))},
  q{INSERT INTO inspector.unique_id VALUES (77, 9001, 'mine')};
ok($city->wait_cosigned('inspector', chain => 'unique_id'), 'unique_id: a row under the contract is cosigned');
like(($city->node('inspector')->psql('postgres', q{INSERT INTO inspector.unique_id VALUES (77, 9002, 'mine')}))[2], qr/contract/, 'unique_id: a second one is refused');
inspector($_)
  foreach q{DELETE FROM seoulchain.rule_state},
  q{INSERT INTO inspector.unique_id VALUES (77, 9002, 'mine')}, "SELECT seoulchain.seal('unique_id')";
foreach my $node (@honest)
{
	named($node, 'unique_id', 0, 'names the second row of one key');
	is($city->sql($node, q{SELECT fault, ledger_seq FROM seoulchain.dispute WHERE origin = 'city/inspector/unique_id'}), 'broken rule|' . row_with('unique_id', 9002),
		"unique_id: $node says which rule and row");
}
final_rows_kept('unique_id');
never_final('unique_id', row_with('unique_id', 9002));
others_go_on('unique_id');

# in the end: nobody honest is accused, by nobody
foreach my $node ($city->names)
{
	is($city->sql($node, q{SELECT count(*) FROM seoulchain.dispute WHERE origin !~ '^city/inspector/(rewritten|older|shorter|hasty|faces|third|odometer|unique_id)$'}), 0,
		"$node disputes nothing else");
}
others_go_on('in the end');
done_testing();
