# What nodes tell each other about others' chains: checkpoints that they saw, proofs, complaints, alarms.
#
# First the insurer's superuser makes up checkpoints, events and proofs, holds
# a row back, and is silent towards hall alone.  Then the inspector's runs a
# second server from a copy of his data and key directories and shows it to
# the insurer, while hall sees the first.
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

sub hall { return $city->sql('hall', shift) }
sub insurer { return $city->sql('insurer', shift) }

# the insurer's superuser sends hall an event of his chain that is in no block; %s is its number
sub send_event
{
	my ($seqs, $event) = @_;
	return insurer(sprintf q{INSERT INTO seoulchain.message SELECT 'city/insurer', 'city/hall', 'event', 'city/insurer/main', g,
		'{"chain":"city/insurer/main","event":' || replace(convert_from(decode('%s', 'hex'), 'UTF8'), '%%s', g::text) || ',"seq":"' || g || '"}' FROM %s g},
		unpack('H*', $event), $seqs);
}

# what hall's alarms say of that kind
sub alarms { my ($kind, $about) = @_; return hall("SELECT count(*) FROM seoulchain.alarms WHERE kind = '$kind' AND about = '$about'") }
sub wait_alarm
{
	my ($kind, $about, $what, $raised) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($city->wait_for('hall', "SELECT count(*) = " . ($raised // 1) . " FROM seoulchain.alarms WHERE kind = '$kind' AND about = '$about'", $what), $what);
}

# a text as JSON
sub json { my $text = shift; $text =~ s/\n/\\n/g; return "\"$text\"" }

# a part of a dispute file
sub part { my ($name, $text) = @_; return "$name " . length($text) . "\n$text" }

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

# a number that no row has: of an insert that was rolled back, so later rows have greater ones
my ($held) = insurer('BEGIN; INSERT INTO insurer.daily VALUES (0) RETURNING ledger_seq; ROLLBACK') =~ /(\d+)/;

# a peer that shows a checkpoint which the log never signed; its event is in no block
my $good = $city->sql('inspector', 'SELECT seoulchain.checkpoint()');
my $forged = $good =~ s/^(.*\n.*\n)....../$1AAAAAA/r;
my $beyond = $good =~ s/^(.*\n)\d+/${1}999999/r;
my $ours = $beyond =~ s{^city/inspector}{city/hall}r;
send_event("generate_series($held, $held)", '{"checkpoints":[' . join(',', map { json($_) } $forged, $beyond, $ours) . '],"type":"seen"}');
wait_alarm('forged checkpoint', 'city/insurer/main', 'a forged checkpoint is an alarm about who showed it');
$city->no_dispute('and no dispute', 'insurer', 'inspector');

wait_alarm('no blocks', 'city/insurer/main', 'an event that waits while no block comes at all is an alarm');

# nor is the event sealed: after two more blocks and the time that is set that is an alarm
my $day = 10;
for (1 .. 100)
{
	insurer('INSERT INTO insurer.daily VALUES (' . $day++ . ')');
	last if !$city->wait_cosigned('insurer');
	last if alarms('row not sealed', 'city/insurer/main');
}
is(alarms('row not sealed', 'city/insurer/main'), 1, 'an event that came and is in no block is an alarm');
is(alarms('no blocks', 'city/insurer/main'), 0, 'and the other one is over');
$city->no_dispute('and no dispute: it may have been lost');

ok($city->wait_for('hall', 'SELECT count(*) = 0 FROM seoulchain.seen WHERE tree_size = 999999'), 'what nobody signed is forgotten');
is(hall(q{SELECT count(*) FROM seoulchain.alarms WHERE kind IN ('later blocks elsewhere', 'own chain seen ahead')}), 0, 'and says nothing of later blocks');

# two events under one number
send_event("generate_series($held, $held)", '{"checkpoints":[],"type":"seen"}');
ok($city->wait_for('hall', "SELECT count(*) = 1 FROM seoulchain.dispute WHERE fault = 'two events' AND ledger_seq = $held AND NOT proof"), 'two events under one number are a complaint');
insurer('INSERT INTO insurer.daily VALUES (' . $day++ . ')');
ok($city->wait_cosigned('insurer'), 'which holds no cosignature back');

# the complaint is recorded and heard, and its file says what it is
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.disputes WHERE fault = 'two events' AND recorded_in = 'city/hall/main'});
$city->wait_cosigned('hall');
ok($city->wait_for('inspector', q{SELECT count(*) = 1 FROM seoulchain.disputes WHERE filed_by = 'city/hall' AND origin = 'city/insurer/main' AND NOT proof}),
	'others hear of the complaint');
my $text = hall("SELECT seoulchain.dispute_evidence('city/insurer/main', 'two events', NULL, $held)");
my $hall_key = hall('SELECT seoulchain.verifier_key()');
my ($code, $words) = verify(write_file('complaint', $text), $hall_key);
is($code, 5, 'seoulchain-verify does not decide a complaint');
like($words, qr{A COMPLAINT.*recorded in    city/hall/main.*two events}s, 'and says whose word it is');
($code, $words) = verify(write_file('stranger', $text), $city->sql('inspector', 'SELECT seoulchain.verifier_key()'));
is($code, 5, 'nor for somebody who does not know that key');
like($words, qr/does not show who says so/, 'who is told that nobody stands behind it');
is((verify(write_file('edited', $text =~ s/this node was/that node was/r), $hall_key))[0], 1, 'edited, it is refused');
is((verify(write_file('cut', substr($text, 0, length($text) - 40)), $hall_key))[0], 1, 'cut short too');
is(hall(q{SELECT seoulchain.settle_dispute('city/insurer/main', 'it was a test')}), 1, 'a complaint can be settled');
is(hall(q{SELECT seoulchain.settle_dispute('city/insurer/main', 'again')}), 0, 'once');
is(hall(q{SELECT count(*) FROM seoulchain.alarms WHERE kind = 'complaint about a chain'}), 0, 'then it is no alarm');
like(($city->node('hall')->psql('postgres', q{SET ROLE pg_read_all_data; SELECT seoulchain.settle_dispute('city/insurer/main', 'no')}))[2],
	qr/permission denied/, 'not by everybody');
is(hall(q{SELECT count(*) FROM seoulchain.event WHERE leaf::jsonb #>> '{event,type}' = 'settled'}), 1, 'which is on the chain');

# what hall has said it cannot take back
hall('DELETE FROM seoulchain.dispute');
is($city->sql('inspector', q{SELECT count(*) FROM seoulchain.disputes WHERE filed_by = 'city/hall' AND origin = 'city/insurer/main' AND fault = 'two events'}), 1,
	'a dispute that its own superuser deletes stays with the others');

# false proofs against an honest node, a flood of them: nobody believes one
my $start = "seoulchain-dispute\@v1\nkind ";
my %lies = (
	'same note' => "${start}two-roots\n" . part('checkpoint', $good) . part('checkpoint', $good),
	'forged note' => "${start}two-roots\n" . part('checkpoint', $good) . part('checkpoint', $forged),
	'no proof' => "${start}complaint\n" . part('by', "city/inspector\n") . part('origin', "city/inspector/main\n") . part('fault', "two roots\n") . part('detail', "x\n"),
	'cut' => substr("${start}two-roots\n" . part('checkpoint', $good) . part('checkpoint', $forged), 0, 300),
	'rubbish' => 'rubbish');
my $number = 900000;
foreach my $lie (sort keys %lies)
{
	my $key = $city->sql('inspector', 'SELECT seoulchain.verifier_key()');
	isnt((verify(write_file("lie $lie", $lies{$lie} =~ s/\n\z//r), $key))[0], 0, "$lie: seoulchain-verify does not believe it");
	send_event("generate_series($number, $number + 249)", '{"evidence":"00","fault":"%s","file":' . json($lies{$lie})
		. ',"kind":"proof","origin":"city/inspector/main","type":"dispute"}');
	$number += 250;
}
ok($city->wait_for('hall', "SELECT max(ledger_seq) = $number - 1 FROM seoulchain.event WHERE ledger_seq < 1000000"), 'a flood of false proofs comes');
is(hall(q{SELECT count(*) FROM seoulchain.disputes WHERE origin = 'city/inspector/main' AND filed_by = 'city/insurer'}), 1000, 'some of it is kept, under the name of who says so');
$city->sql('inspector', 'INSERT INTO inspector.daily VALUES (5)');
ok($city->wait_cosigned('inspector', by => ['hall']), 'hall goes on cosigning whom it is about');
is(hall(q{SELECT count(*) FROM seoulchain.dispute WHERE origin = 'city/inspector/main'}), 0, 'and says nothing against him');
is(hall(q{SELECT count(*) FROM seoulchain.alarms WHERE about LIKE 'city/inspector%'}), 0, 'not even an alarm');

# what he has no say in
insurer(q{INSERT INTO seoulchain.message VALUES ('city/insurer', 'city/hall', 'event', 'city/inspector/main', 1, '{}')});
wait_alarm('message refused', 'city/insurer', 'a message in another name is an alarm');
# where it was made up it would look like an event of a chain that is followed
insurer(q{DELETE FROM seoulchain.message WHERE origin = 'city/inspector/main' AND kind = 'event'});
is(hall(q{SELECT seoulchain.clear_alarm('message refused', 'city/insurer')}), 't', 'which can be cleared');
is(hall(q{SELECT seoulchain.clear_alarm('message refused', 'city/insurer')}), 'f', 'once');

# silent towards hall alone
my $sent = insurer(q{SELECT sent_height FROM seoulchain.share WHERE node = 'city/hall'});
insurer(q{UPDATE seoulchain.share SET sent_height = 1000000 WHERE node = 'city/hall'});
insurer('INSERT INTO insurer.daily VALUES (' . $day++ . ')');
ok($city->wait_cosigned('insurer', by => ['inspector']), 'one node gets the blocks');
$city->sql('inspector', 'INSERT INTO inspector.daily VALUES (6)');
wait_alarm('later blocks elsewhere', 'city/insurer/main', 'the other hears from it that there are some');
my $reached = insurer(q{SELECT max(height) FROM seoulchain.block WHERE chain = 'main'});
insurer("UPDATE seoulchain.share SET sent_height = $sent WHERE node = 'city/hall'");
insurer('INSERT INTO insurer.daily VALUES (' . $day++ . ')');
ok($city->wait_cosigned('insurer'), 'they come');
wait_alarm('later blocks elsewhere', 'city/insurer/main', 'and the alarm is over', 0);
$city->no_dispute('none of that is a dispute', 'insurer', 'inspector');

# rows that cannot be applied
my $rename = q{SET allow_system_table_mods = on; UPDATE pg_attribute SET attname = '%s' WHERE attrelid = 'insurer.daily'::regclass AND attname = '%s'};
hall(sprintf $rename, 'idx', 'id');
insurer('INSERT INTO insurer.daily VALUES (' . $day++ . ')');
wait_alarm('apply error', 'city/insurer', 'rows that cannot be applied are an alarm');
hall(sprintf $rename, 'id', 'idx');
ok($city->wait_cosigned('insurer'), 'replication goes on when the reason is gone');

# two servers of one node
my $first = $city->node('inspector');
$first->stop;
wait_alarm('nothing arrives', 'city/inspector', 'a node that is gone is an alarm');
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
# the network worker may be changing it at the same moment
for (1 .. 50)
{
	last if $city->node('insurer')->psql('postgres', "ALTER SUBSCRIPTION $subscription CONNECTION '$other_way'") == 0;
}
like($city->sql('insurer', "SELECT subconninfo FROM pg_subscription WHERE subname = '$subscription'"), qr/port=@{[ $clone->port ]}/, 'one node is led to another server');
$first->start;
$clone->start;
# what each of them sends is read from here on
my $run = 'SELECT run FROM seoulchain.run ORDER BY since DESC LIMIT 1';
foreach my $pair (['hall', $first], ['insurer', $clone])
{
	my ($name, $server) = @$pair;
	ok($server->poll_query_until('postgres', 'SELECT max(since) > pg_postmaster_start_time() FROM seoulchain.run'), "the server that $name meets has begun a run");
	ok($city->wait_for($name, "SELECT run = '" . $server->safe_psql('postgres', $run) . q{' FROM seoulchain.lineage WHERE peer = 'city/inspector'}), "$name has met its server");
}
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
wait_alarm('nothing arrives', 'city/inspector', 'and none when it is back', 0);
# one block of each is enough
foreach my $name (@honest)
{
	$city->sql($name, "INSERT INTO $name.daily VALUES (301)");
	$city->seal($name);
}
my $key = $first->safe_psql('postgres', 'SELECT seoulchain.verifier_key()');
foreach my $name (@honest)
{
	ok($city->wait_for($name, "SELECT count(*) > 0 FROM seoulchain.dispute WHERE origin = '$origin' AND proof"), "$name has the proof");
	my $fault = $city->sql($name, "SELECT fault FROM seoulchain.dispute WHERE origin = '$origin' AND proof LIMIT 1");
	my $proof = $city->sql($name, "SELECT seoulchain.dispute_evidence('$origin', '$fault')");
	my $file = write_file("proof.$name", $proof);
	my ($code, $words) = verify($file, $key);
	is($code, 0, "the proof of $name holds for a stranger");
	like($words, qr/PROOF: (two different histories|history was rewritten).*signed both    $origin/s, 'and convicts the inspector');
	($code) = verify($file, $city->sql('hall', 'SELECT seoulchain.verifier_key()'));
	is($code, 2, 'nobody else');
	is((verify(write_file("cut.$name", substr($proof, 0, length($proof) - 30)), $key))[0], 1, 'cut short it proves nothing');
	is((verify(write_file("edited.$name", $proof =~ s/\d(?=\n)/9/r), $key))[0], 1, 'nor edited');
	like($city->sql($name, "SELECT seoulchain.settle_dispute('$origin', 'no')"), qr/^\d+$/, 'a proof is not settled');
	is($city->sql($name, "SELECT count(*) > 0 FROM seoulchain.dispute WHERE origin = '$origin' AND proof AND settled_at IS NULL"), 't', 'and stays');
	ok($city->wait_for($name, "SELECT count(*) > 0 FROM seoulchain.disputes WHERE filed_by <> 'city/$name' AND origin = '$origin' AND proof"),
		"$name hears that others have proofs too");
}

# he learns himself that his key is used elsewhere
ok($city->wait_for('inspector', "SELECT count(*) > 0 FROM seoulchain.alarms WHERE kind = 'own chain seen ahead' AND about = '$origin'"),
	'the first server learns of the second');

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
# two servers that want one slot leave no connections behind
ok($city->wait_for($_, q{SELECT count(*) <= 1 FROM pg_stat_activity WHERE backend_type = 'walsender' AND state = 'idle'}), "$_ keeps its senders") foreach @honest;
$clone->stop('immediate');
done_testing();
