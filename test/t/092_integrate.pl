# Blocks of another node's chain: integrated from what replication brings, compared, cosigned; and what stops them.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run;
use Seoulchain::City;
use Seoulchain::Test;
use Test::More;

my $city = Seoulchain::City->new(nodes => [qw(a b)]);
sub a { return $city->sql('a', shift) }
sub b { return $city->sql('b', shift) }
my $origin = $city->origin('a');

# what both sides must agree about
sub same_chain
{
	my ($what, $chain) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$chain //= 'main';
	my $theirs = $city->origin('a', $chain);
	my $blocks = q{SELECT height, encode(prev_hash, 'hex'), encode(block_hash, 'hex'), first_leaf, tree_size, encode(root_hash, 'hex'), members,
		sealed_at, (SELECT md5(lines) FROM seoulchain.signature s JOIN seoulchain.chain c USING (chain_id) WHERE c.name = k.chain AND s.height = k.height)
		FROM seoulchain.block k WHERE chain = '%s' ORDER BY height};
	is(b(sprintf $blocks, $theirs), a(sprintf $blocks, $chain), "$what: the same blocks and checkpoints");
	my $ranges = q{SELECT lower, upper, height, first_leaf FROM seoulchain.block_range r JOIN seoulchain.chain c USING (chain_id) WHERE c.name = '%s' ORDER BY lower};
	is(b(sprintf $ranges, $theirs), a(sprintf $ranges, $chain), "$what: the same members");
	my $tree = q{SELECT level, tile, md5(hashes) FROM seoulchain.tree JOIN seoulchain.chain c USING (chain_id) WHERE c.name = '%s' ORDER BY level, tile};
	return is(b(sprintf $tree, $theirs), a(sprintf $tree, $chain), "$what: the same tree");
}

# history before anybody follows: tables that take turns, several sessions at once, rolled back parts
a('CREATE SCHEMA a; CREATE TABLE a.car (id int, plate text) USING ledger; CREATE TABLE a.trip (car int, km numeric, at timestamptz) USING ledger');
foreach my $round (1 .. 12)
{
	my @sessions = map { $city->node('a')->background_psql('postgres') } 1 .. 3;
	$_->query_safe('BEGIN') foreach @sessions;
	foreach my $step (1 .. 3)
	{
		$sessions[$_]->query_safe("INSERT INTO a.car SELECT g, 'p' || g FROM generate_series(1, 40 + $_) g; INSERT INTO a.trip VALUES ($step, 0.5, now())") foreach 0 .. 2;
	}
	$sessions[1]->query_safe('SAVEPOINT s; INSERT INTO a.trip SELECT g, g, now() FROM generate_series(1, 300) g; ROLLBACK TO s');
	$sessions[2]->query_safe($round % 3 ? 'COMMIT' : 'ROLLBACK');
	$city->seal('a') if $round % 2;
	$_->query_safe('COMMIT') foreach @sessions[ 0, 1 ];
	$_->quit foreach @sessions;
	$city->seal('a');
}
$city->join_with('b', 'a');
ok($city->settle, 'a late joiner integrates what was sealed before it came');
$city->same_everywhere('a', 'a.car', 'cars arrived');
$city->same_everywhere('a', 'a.trip', 'trips arrived');
same_chain('late joiner');
is(b('SELECT count(*) FROM seoulchain.journal_copy j JOIN seoulchain.chain c USING (chain_id) WHERE c.copy'), 0, 'nothing is left in the journal');

# live: one block after the other, with a schema event between them
foreach my $round (1 .. 3)
{
	a("INSERT INTO a.car SELECT g, 'q' || g FROM generate_series(1, 300) g");
	a("ALTER TABLE a.car ADD COLUMN color$round text") if $round < 3;
	a("INSERT INTO a.car (id, color1) VALUES ($round, 'red')");
	ok($city->wait_cosigned('a'), "block after block, round $round");
}
same_chain('live');
is(b('SELECT count(*) FROM seoulchain.message WHERE kind IN ($$block$$, $$event$$) AND sender = $$city/a$$'), 0, 'announcements are gone when they have served');

# cosignatures: by the key of the node, over the checkpoint, one for each block
my $bindir = $city->node('a')->config_data('--bindir');
my $log_key = a('SELECT seoulchain.verifier_key()');
sub verified
{
	my ($size) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/checkpoint';
	my $line = a("SELECT line FROM seoulchain.cosignature WHERE origin = '$origin' AND tree_size = $size AND witness = 'city/b'");
	my $note = a("SELECT seoulchain.checkpoint('main', (SELECT height FROM seoulchain.block WHERE chain = 'main' AND tree_size = $size))");
	chomp($line, $note);
	append_to_file($file, index($note, $line) < 0 ? "$note\n$line\n" : "$note\n");
	my $key = b('SELECT seoulchain.cosigner_key()');
	my ($out, $err);
	IPC::Run::run [ "$bindir/seoulchain-verify", '--key', $log_key, '--key', $key, $file ], '>', \$out, '2>', \$err;
	return $out =~ /city\/b/ ? $out : diag($out . $err) && 0;
}
ok(verified(a('SELECT max(tree_size) FROM seoulchain.block')), 'seoulchain-verify takes the cosignature');
is(a("SELECT count(*) FROM seoulchain.block k WHERE chain = 'main' AND NOT EXISTS (SELECT FROM seoulchain.cosignature s
	WHERE s.origin = '$origin' AND s.tree_size = k.tree_size AND s.witness = 'city/b')"), 0, 'every block is cosigned');

# other keys: the origin's log key and cosigner key, and the witness's own
foreach my $change ("a SELECT seoulchain.rotate_log_key('main')", 'a SELECT seoulchain.rotate_cosigner_key()', 'b SELECT seoulchain.rotate_cosigner_key()')
{
	my ($node, $statement) = $change =~ /^(.) (.*)/;
	$city->sql($node, $statement);
	a("INSERT INTO a.car VALUES (1, 'after a change of key')");
	ok($city->wait_cosigned('a'), "cosigned after $statement at $node");
	a("INSERT INTO a.car VALUES (2, 'and once more')");
	ok($city->wait_cosigned('a'), 'and the block after');
	$log_key = a('SELECT seoulchain.verifier_key()');
	ok(verified(a('SELECT max(tree_size) FROM seoulchain.block')), 'with the new keys');
}
same_chain('rotations');

# signing memory holds for copies, too
my $memory = $city->keys_of('b');
($memory) = grep { -f } ("$memory/memory", glob("$memory/*/memory"));
my $good = slurp_file($memory);
like($good, qr/^\Q$origin\E \d+ /m, 'signing memory has the followed chain');
(my $ahead = $good) =~ s/^(\Q$origin\E) (\d+)/"$1 " . ($2 + 1000)/me;
sub write_memory { my $text = shift; open(my $f, '>', $memory) or die; print $f $text; close $f; chmod 0600, $memory; return }
write_memory($ahead);
a("INSERT INTO a.car VALUES (3, 'while memory is ahead')");
my $size = $city->seal('a');
ok($city->wait_for('b', "SELECT signing LIKE 'suspended: a tree of % leaves has been signed%' AND tree_size = $size FROM seoulchain.seal_status WHERE chain = '$origin'"),
	'a node behind its signing memory integrates and does not cosign');
write_memory($good);
a("INSERT INTO a.car VALUES (4, 'memory is right again')");
ok($city->wait_cosigned('a'), 'then it cosigns what it has missed');

# kill -9 in the middle
foreach my $round (1 .. 6)
{
	my $insert = $city->node('a')->background_psql('postgres');
	$insert->query_until(qr/started/, "\\echo started\nDO \$\$ BEGIN FOR i IN 1..40 LOOP INSERT INTO a.trip SELECT g, i, now() FROM generate_series(1, 500) g; COMMIT; PERFORM seoulchain.seal(); END LOOP; END \$\$;\n");
	select(undef, undef, undef, 0.1 + 0.15 * $round);
	$city->kill_node($round % 3 ? 'b' : 'a');
	eval { $insert->quit };
	$city->start_node($round % 3 ? 'b' : 'a');
}
ok($city->settle, 'cosigned after crashes');
same_chain('crashes');
$city->same_everywhere('a', 'a.trip', 'every row once');
$city->no_dispute('no dispute so far');

# while the copy's chain is locked its announcements gather: then one in the middle is spoilt
sub gather
{
	my ($code) = @_;
	my $lock = $city->node('b')->background_psql('postgres');
	b('CREATE INDEX IF NOT EXISTS trip_seq ON a.trip (ledger_seq)') if b(q{SELECT count(*) FROM pg_index WHERE indrelid = 'a.trip'::regclass}) == 0;
	my $index = b(q{SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'a.trip'::regclass LIMIT 1});
	$lock->query_safe("BEGIN; CLUSTER a.trip USING " . ($index =~ s/.*\.//r));
	$code->();
	$lock->query_safe('COMMIT');
	$lock->quit;
	return;
}
my $before = b("SELECT height FROM seoulchain.seal_status WHERE chain = '$origin'");
my $spoilt;
gather(sub {
	foreach my $i (1 .. 4) { a("INSERT INTO a.car VALUES ($i, 'gathered')"); $city->seal('a'); }
	$spoilt = $before + 3;
	$city->wait_for('b', "SELECT count(*) >= 4 FROM seoulchain.message WHERE kind = 'block'");
	b("UPDATE seoulchain.message SET body = replace(body, '\"height\":\"$spoilt\"', '\"height\":\"9$spoilt\"') WHERE kind = 'block' AND number = $spoilt");
});
ok($city->wait_for('b', "SELECT count(*) = 1 FROM seoulchain.dispute WHERE origin = '$origin' AND height = $spoilt AND NOT proof"), 'a spoilt announcement is reported');
is(b("SELECT height FROM seoulchain.seal_status WHERE chain = '$origin'"), $spoilt - 1, 'those before it were integrated, it and those after were not');
like(b("SELECT waiting FROM seoulchain.seal_status WHERE chain = '$origin'"), qr/height/, 'the status says why');
b("UPDATE seoulchain.message SET body = replace(body, '\"height\":\"9$spoilt\"', '\"height\":\"$spoilt\"') WHERE kind = 'block' AND number = $spoilt");
a("INSERT INTO a.car VALUES (5, 'mended')");
$size = $city->seal('a');
ok($city->wait_for('b', "SELECT tree_size = $size FROM seoulchain.seal_status WHERE chain = '$origin'"), 'put right, the chain goes on');
like(b("SELECT signing FROM seoulchain.seal_status WHERE chain = '$origin'"), qr/^suspended: .*dispute/, 'but is not cosigned while it is disputed');
same_chain('spoilt announcement');
is(a("SELECT max(tree_size) < $size FROM seoulchain.cosignature WHERE origin = '$origin' AND witness = 'city/b'"), 't', 'so no cosignature arrives');

done_testing();
