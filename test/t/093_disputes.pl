# What nodes tell each other about others' chains: checkpoints that they saw, proofs, complaints, alarms.
#
# The inspector's superuser runs a second server from a copy of his data and
# key directories and shows it to the insurer, while hall sees the first.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::Test qw(key_directory);
use Test::More;

my $city = Seoulchain::City->new(
	nodes => [qw(hall inspector insurer)],
	settings => { 'seoulchain.seal_interval' => '200ms', 'seoulchain.network_alarm_after' => '1s' });
my @honest = qw(hall insurer);
my $origin = 'city/inspector/main';

# exit code and words of seoulchain-verify
sub verify
{
	my ($file, @keys) = @_;
	my ($out, $err);
	IPC::Run::run([ 'seoulchain-verify', (map { ('--key', $_) } @keys), $file ], '>', \$out, '2>', \$err);
	return (${^CHILD_ERROR_NATIVE} >> 8, "$out$err");
}

sub write_file
{
	my ($name, $text) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . "/$name";
	append_to_file($file, "$text\n");
	return $file;
}

$city->mesh;
$city->sql($_, "CREATE SCHEMA $_; CREATE TABLE $_.daily (id int) USING ledger") foreach $city->names;
$city->settle or BAIL_OUT('the nodes do not follow each other');
foreach my $day (1 .. 3)
{
	$city->sql($_, "INSERT INTO $_.daily VALUES ($day)") foreach $city->names;
	$city->settle;
}

# every node tells what it saw, in blocks that are there anyway
foreach my $name ($city->names)
{
	my @others = map { "city/$_/main" } $city->others($name);
	$city->sql($name, "INSERT INTO $name.daily VALUES (4)");
	$city->wait_cosigned($name);
	foreach my $other (@others)
	{
		ok( $city->wait_for($name, qq{SELECT count(*) > 0 FROM seoulchain.event e JOIN seoulchain.chain c USING (chain_id)
			WHERE c.name = 'main' AND leaf::jsonb #>> '{event,type}' = 'seen' AND leaf::jsonb #>> '{event,checkpoints}' LIKE '%$other%'}),
			"$name tells of $other");
	}
	is($city->sql($name, q{SELECT count(*) FROM seoulchain.chain_block b JOIN seoulchain.chain c USING (chain_id)
		WHERE NOT copy AND tree_size - first_leaf = 2 AND EXISTS (SELECT FROM seoulchain.event e
			WHERE e.chain_id = b.chain_id AND b.members @> e.ledger_seq AND leaf::jsonb #>> '{event,type}' = 'seen')}), 0,
		"$name makes no block of that alone");
}
$city->no_dispute('nobody disputes an honest city');
is($city->sql($_, 'SELECT count(*) FROM seoulchain.alarms'), 0, "$_ has no alarm") foreach $city->names;
is($city->sql($_, q{SELECT count(*) FROM seoulchain.verify() WHERE chain = 'main'}), 0, "$_: verify() knows these events") foreach $city->names;

# a peer that shows a checkpoint which the log never signed; its event is in no block
my $leaf = $city->sql('hall', qq{SELECT encode(convert_to('{"chain":"city/insurer/main","event":{"checkpoints":[' || to_json(
		origin || E'\n' || tree_size || E'\n' || encode(sha256('nothing'), 'base64') || E'\n\n' || split_part(lines, E'\n', 1) || E'\n')::text
		|| '],"type":"seen"},"seq":"900000"}', 'UTF8'), 'hex')
	FROM seoulchain.signature JOIN seoulchain.chain USING (chain_id) WHERE origin = '$origin' ORDER BY height DESC LIMIT 1});
$city->sql('insurer', qq{INSERT INTO seoulchain.message VALUES ('city/insurer', 'city/hall', 'event', 'city/insurer/main', 900000,
	convert_from(decode('$leaf', 'hex'), 'UTF8'))});
ok($city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.alarms WHERE kind = 'forged checkpoint' AND about = 'city/insurer/main'}),
	'a forged checkpoint is an alarm about who showed it');
$city->no_dispute('and no dispute', 'insurer', 'inspector');

# nor is the event sealed: after two more blocks and the time that is set hall complains
my $day = 10;
my $found = 0;
for (1 .. 100)
{
	$city->sql('insurer', 'INSERT INTO insurer.daily VALUES (' . $day++ . ')');
	last if !$city->wait_cosigned('insurer');
	last if $found = $city->sql('hall', q{SELECT count(*) FROM seoulchain.dispute WHERE fault = 'row not sealed' AND ledger_seq = 900000 AND NOT proof});
}
is($found, 1, 'an event that came and is in no block is a complaint, once');
ok($city->wait_cosigned('insurer'), 'which holds no cosignature back');

# the complaint is recorded and heard, and its file says what it is
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.disputes WHERE fault = 'row not sealed' AND recorded_in = 'city/hall/main'});
$city->wait_cosigned('hall');
ok($city->wait_for('inspector', q{SELECT count(*) = 1 FROM seoulchain.disputes WHERE filed_by = 'city/hall' AND origin = 'city/insurer/main' AND NOT proof}),
	'others hear of the complaint');
my $complaint = write_file('complaint', $city->sql('hall', q{SELECT seoulchain.dispute_evidence('city/insurer/main', 'row not sealed', NULL, 900000)}));
my ($code, $words) = verify($complaint, $city->sql('hall', 'SELECT seoulchain.verifier_key()'));
is($code, 5, 'seoulchain-verify does not decide a complaint');
like($words, qr{A COMPLAINT.*recorded in    city/hall/main.*row not sealed}s, 'and says whose word it is');
is($city->sql('hall', q{SELECT seoulchain.settle_dispute('city/insurer/main', 'it was a test')}), 1, 'a complaint can be settled');
is($city->sql('hall', q{SELECT count(*) FROM seoulchain.alarms WHERE kind = 'complaint about a chain'}), 0, 'then it is no alarm');

# two servers of one node
my $first = $city->node('inspector');
$first->stop;
my $clone = PostgreSQL::Test::Cluster->new('clone');
my $clone_keys = key_directory();
mkdir $clone->data_dir, 0700;
system_or_bail('cp', '-a', $first->data_dir . '/.', $clone->data_dir);
system_or_bail('cp', '-a', $city->keys_of('inspector') . '/.', $clone_keys);
$clone->append_conf('postgresql.conf', "port = " . $clone->port . "\nseoulchain.sign_key_directory = '$clone_keys'\n");
my $way = $city->conninfo('insurer', 'inspector');
my $other_way = $way =~ s/port=\d+/'port=' . $clone->port/er;
my $subscription = $city->sql('insurer', qq{SELECT subname FROM pg_subscription WHERE subconninfo LIKE '%port=@{[ $first->port ]}%'});
$city->sql('insurer', "UPDATE seoulchain.peer SET conninfo = '$other_way' WHERE name = 'city/inspector'");
$city->sql('insurer', "ALTER SUBSCRIPTION $subscription CONNECTION '$other_way'");
$first->start;
$clone->start;
$first->safe_psql('postgres', 'INSERT INTO inspector.daily VALUES (100)');
$clone->safe_psql('postgres', 'INSERT INTO inspector.daily SELECT g FROM generate_series(200, 205) g');
ok($city->wait_for('hall', 'SELECT count(*) = 1 FROM inspector.daily WHERE id = 100'), 'hall sees one server');
ok($city->wait_for('insurer', 'SELECT count(*) = 6 FROM inspector.daily WHERE id >= 200'), 'the insurer sees the other');
foreach my $pair (['hall', 'id = 100'], ['insurer', 'id = 205'])
{
	my ($name, $row) = @$pair;
	ok( $city->wait_for($name, qq{SELECT count(*) > 0 FROM seoulchain.cosignature WHERE origin = '$origin' AND witness = 'city/$name'
		AND tree_size > (SELECT seoulchain.leaf_index('inspector.daily', ledger_seq) FROM inspector.daily WHERE $row)}),
		"$name cosigned what it sees");
}
foreach my $round (1 .. 3)
{
	$city->sql($_, "INSERT INTO $_.daily VALUES (300 + $round)") foreach @honest;
	$city->seal($_) foreach @honest;
}
my $key = $first->safe_psql('postgres', 'SELECT seoulchain.verifier_key()');
foreach my $name (@honest)
{
	ok($city->wait_for($name, "SELECT count(*) > 0 FROM seoulchain.dispute WHERE origin = '$origin' AND proof"), "$name has the proof");
	my $fault = $city->sql($name, "SELECT fault FROM seoulchain.dispute WHERE origin = '$origin' AND proof LIMIT 1");
	my $file = write_file("proof.$name", $city->sql($name, "SELECT seoulchain.dispute_evidence('$origin', '$fault')"));
	my ($code, $words) = verify($file, $key);
	is($code, 0, "the proof of $name holds for a stranger");
	like($words, qr/PROOF: (two different histories|history was rewritten).*signed both    $origin/s, 'and convicts the inspector');
	($code) = verify($file, $city->sql('hall', 'SELECT seoulchain.verifier_key()'));
	is($code, 2, 'nobody else');
	like($city->sql($name, "SELECT seoulchain.settle_dispute('$origin', 'no')"), qr/^\d+$/, 'a proof is not settled');
	is($city->sql($name, "SELECT count(*) > 0 FROM seoulchain.dispute WHERE origin = '$origin' AND proof AND settled_at IS NULL"), 't', 'and stays');
	ok($city->wait_for($name, "SELECT count(*) > 0 FROM seoulchain.disputes WHERE filed_by <> 'city/$name' AND origin = '$origin' AND proof"),
		"$name hears that others have proofs too");
}

# nobody cosigns the inspector any more; all else goes on
$first->safe_psql('postgres', 'INSERT INTO inspector.daily VALUES (101)');
$first->safe_psql('postgres', 'SELECT seoulchain.seal()');
my $after = $first->safe_psql('postgres', q{SELECT max(tree_size) FROM seoulchain.block WHERE chain = 'main'});
ok($city->wait_for('hall', qq{SELECT max(tree_size) >= $after FROM seoulchain.chain_block JOIN seoulchain.chain USING (chain_id) WHERE origin = '$origin'}),
	'hall still follows');
$city->sql('hall', 'INSERT INTO hall.daily VALUES (400)');
ok($city->wait_cosigned('hall', by => ['insurer']), 'hall and insurer go on');
is($city->sql('hall', "SELECT count(*) FROM seoulchain.cosignature WHERE origin = '$origin' AND witness = 'city/hall' AND tree_size >= $after"), 0,
	'hall does not cosign it');
is($city->sql($_, "SELECT count(*) FROM seoulchain.dispute WHERE origin <> '$origin' AND settled_at IS NULL"), 0, "$_ accuses nobody else") foreach @honest;
$clone->stop('immediate');
done_testing();
