# Rotation of log and cosigner keys: who signs which block, what is refused, crashes at every step.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Fcntl qw(:DEFAULT :flock);
use MIME::Base64;
use Seoulchain::Test;

my $keys = key_directory();
my $node = ledger_node('rotation', 'seoulchain.sign_key_directory' => $keys, 'seoulchain.seal_interval' => '0');
sub sql { return $node->safe_psql('postgres', shift) }
sub refused
{
	my ($statement, $pattern, $what) = @_;
	my ($st, $o, $e) = $node->psql('postgres', $statement);
	like($e, $pattern, $what);
	return;
}
# names and key ids of the lines under a block's checkpoint: "log 1234abcd, node ..."
sub signers
{
	my $height = shift;
	my $note = sql("SELECT seoulchain.checkpoint('main', $height)");
	return join ' ', map { unpack('H8', decode_base64($_)) } $note =~ /^\x{e2}\x{80}\x{94} \S+ (\S+)$/mg;
}
sub id { my $key = shift; return (split /\+/, $key)[1] }
sub sealed { my $statement = shift; sql($statement); return sql('SELECT seoulchain.seal()') }

my $cosigner = sql(q{SELECT seoulchain.create_node('seoul.go.kr/city-hall')});
sql('CREATE TABLE t (id int) USING ledger');
my $h0 = sealed('INSERT INTO t VALUES (1)');
my $old = sql('SELECT seoulchain.verifier_key()');
is(signers($h0), id($old) . ' ' . id($cosigner), 'one log key and one cosigner key');

# a rotation that is rolled back leaves everything as it was
sql(q{BEGIN; SELECT seoulchain.rotate_log_key('main'); ROLLBACK});
is(sql('SELECT seoulchain.verifier_key()'), $old, 'rolled back, the old key is the key');
my $h1 = sealed('INSERT INTO t VALUES (2)');
is(signers($h1), id($old) . ' ' . id($cosigner), 'and signs alone');

# the rotation
my $new = sql(q{SELECT seoulchain.rotate_log_key('main')});
isnt($new, $old, 'another key');
is(sql('SELECT seoulchain.verifier_key()'), $new, 'verifier_key() gives it');
refused(q{SELECT seoulchain.rotate_log_key('main')}, qr/last change of this key is not signed yet.*HINT.*seal/s, 'no second one before the first is signed');
my $h2 = sealed('INSERT INTO t VALUES (3)');
is(signers($h2), id($old) . ' ' . id($new) . ' ' . id($cosigner), 'the block that holds the event is signed by both');
my $h3 = sealed('INSERT INTO t VALUES (4)');
is(signers($h3), id($new) . ' ' . id($cosigner), 'later ones by the new key alone');
is_intact($node, 'verify() finds nothing wrong across the rotation');
foreach my $height ($h0, $h1, $h2, $h3)
{
	is(sql("SELECT string_agg(fault, ',') FROM seoulchain.verify(NULL, seoulchain.checkpoint('main', $height))"), '', "a checkpoint of block $height is still believed");
}

# one worker at a time looks whether a key or a name is another's, and keeps its own
sysopen(my $folder, $keys, O_RDONLY | O_DIRECTORY) or die;
flock($folder, LOCK_EX) or die;
my $waiting = $node->background_psql('postgres', on_error_stop => 0);
$waiting->query_until(qr/begun/, "\\echo begun\nSELECT seoulchain.create_chain('later');\n\\echo ended\n");
sleep 2;
is(scalar(grep { /later/ } glob "$keys/*/*"), 0, 'while another worker keeps a key, none is kept');
flock($folder, LOCK_UN) or die;
$waiting->query_until(qr/ended/, "\n");
is(scalar(grep { /later\.log\.key$/ } glob "$keys/*/*"), 1, 'then it is');
$waiting->quit;

# the cosigner key
my $cosigner2 = sql('SELECT seoulchain.rotate_cosigner_key()');
is(sql('SELECT seoulchain.cosigner_key()'), $cosigner2, 'cosigner_key() gives the new one');
refused('SELECT seoulchain.rotate_cosigner_key()', qr/last change of this key is not signed yet/, 'nor a second one of the cosigner');
my $h4 = sealed('INSERT INTO t VALUES (5)');
is(signers($h4), id($new) . ' ' . id($cosigner) . ' ' . id($cosigner2), 'both cosigner keys sign the block of the event');
my $h5 = sealed('INSERT INTO t VALUES (6)');
is(signers($h5), id($new) . ' ' . id($cosigner2), 'then the new one alone');
is_intact($node, 'intact after both');

# the history, and the receipts that convince holders of the old keys
is(sql('SELECT height, old_key, new_key FROM seoulchain.key_rotations()'), "$h2|$old|$new\n$h4|$cosigner|$cosigner2", 'key_rotations() has the history');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $verify = $node->config_data('--bindir') . '/seoulchain-verify';
sub file
{
	my ($name, $text) = @_;
	open(my $file, '>:raw', "$dir/$name") or die;
	print $file $text;
	close $file;
	return "$dir/$name";
}
sub verdict
{
	my ($code, $pattern, $what, @arguments) = @_;
	my ($out, $err);
	IPC::Run::run([ $verify, @arguments ], '<', \undef, '>', \$out, '2>', \$err);
	is($? >> 8, $code, $what);
	like("$out$err", $pattern, "$what: what it says");
	return;
}
my $rotation = file('rotation', sql("SELECT receipt FROM seoulchain.key_rotations() WHERE new_key = '$new'"));
my $rotation2 = file('rotation2', sql("SELECT receipt FROM seoulchain.key_rotations() WHERE new_key = '$cosigner2'"));
my ($before, $handover, $after) = map { file("checkpoint$_", sql("SELECT seoulchain.checkpoint('main', $_)")) } $h1, $h2, $h5;
my $row = file('row', sql(q{SELECT seoulchain.receipt('t', ledger_seq) FROM t WHERE id = 1}));
verdict(0, qr/VERIFIED/, 'the old key, an old checkpoint', '--key', $old, $before);
verdict(0, qr/VERIFIED/, 'the old key, the checkpoint that both signed', '--key', $old, $handover);
verdict(2, qr/nobody whom you trust/, 'the old key alone, a new receipt', '--key', $old, $row);
verdict(0, qr/Another key follows.*\Q$old\E.*\Q$new\E.*row: VERIFIED/s, 'the old key and the rotation, a new receipt', '--key', $old, '--rotation', $rotation, $row);
verdict(0, qr/VERIFIED/, 'the old key and the rotation, an old checkpoint', '--key', $old, '--rotation', $rotation, $before);
verdict(2, qr/nobody whom you trust/, 'the new key vouches for nothing before its time', '--key', $new, $before);
verdict(0, qr/VERIFIED/, 'both old keys and both rotations, in any order', '--key', $cosigner, '--key', $old, '--rotation', $rotation2, '--rotation', $rotation, $row);
verdict(2, qr/nobody whom you trust|not every key/, 'one rotation is not the other', '--key', $cosigner, '--key', $old, '--rotation', $rotation, $row);
verdict(2, qr/not about a key that you gave/, 'a rotation of somebody else\'s key', '--key', $new, '--rotation', $rotation, $row);

# consistency across the rotation
my ($size1, $size2) = map { sql("SELECT tree_size FROM seoulchain.block WHERE height = $_") } $h1, $h5;
my $proof = file('proof', sql("SELECT encode(h, 'base64') FROM unnest(seoulchain.consistency_proof('main', $size1, $size2)) WITH ORDINALITY AS p(h, n) ORDER BY n") . "\n");
verdict(0, qr/CONSISTENT/, 'consistent across the rotation', '--key', $old, '--rotation', $rotation, '--consistency', $proof, $before, $after);

# a rotation that only one of the keys signed
my $text = slurp_file($rotation);
my @lines = $text =~ /^(\x{e2}\x{80}\x{94} \S+main \S+\n)/mg;
is(scalar(@lines), 2, 'two lines of log keys');
foreach my $n (0, 1)
{
	(my $half = $text) =~ s/\Q$lines[$n]\E//;
	verdict(2, qr/not believed: its checkpoint does not bear the signatures of both/, "a rotation without line $n", '--key', $old, '--rotation', file("half$n", $half), $row);
}
verdict(1, qr/no change of key/, 'a receipt of something else', '--key', $old, '--rotation', $row, $row);
verdict(1, qr/NOT TRUE/, 'a checkpoint is no rotation', '--key', $old, '--rotation', $after, $row);
{
	my ($extra) = $text =~ /^extra (\S+)$/m;
	(my $leaf = decode_base64($extra)) =~ s/"new":"/"new":"x/;
	my $forged = encode_base64($leaf, '');
	(my $altered = $text) =~ s/\Q$extra\E/$forged/;
	verdict(1, qr/NOT TRUE/, 'an altered rotation', '--key', $old, '--rotation', file('altered', $altered), $row);
}

# what the old key signs after its rotation: its thief makes a checkpoint of a tree of his own
my ($old_file) = grep { !/\.[0-9a-f]{8}\.log/ } glob "$keys/*/*main.log.key";
my $seed = substr(decode_base64((split /\+/, slurp_file($old_file), 5)[4]), 1);
file('old.pem', "-----BEGIN PRIVATE KEY-----\n" . encode_base64(pack('H*', '302e020100300506032b657004220420') . $seed) . "-----END PRIVATE KEY-----\n");
my $forged_text = "seoul.go.kr/city-hall/main\n" . ($size2 + 5) . "\n" . encode_base64('x' x 32, '') . "\n";
file('forged.text', $forged_text);
system('openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', "$dir/old.pem", '-in', "$dir/forged.text", '-out', "$dir/forged.sig") == 0 or die;
my $forged = file('forged', "$forged_text\n\x{e2}\x{80}\x{94} seoul.go.kr/city-hall/main "
	  . encode_base64(pack('H8', id($old)) . slurp_file("$dir/forged.sig"), '') . "\n");
verdict(0, qr/VERIFIED/, 'who knows nothing of the rotation believes it', '--key', $old, $forged);
verdict(2, qr/key that was in force at this size/, 'who was shown the rotation does not', '--key', $old, '--rotation', $rotation, $forged);
is(sql("SELECT fault FROM seoulchain.verify(NULL, '$forged_text\n' || E'\\u2014 seoul.go.kr/city-hall/main " . encode_base64(pack('H8', id($old)) . slurp_file("$dir/forged.sig"), '') . "\\n') WHERE fault = 'checkpoint signature wrong'"),
	'checkpoint signature wrong', 'nor does verify()');

# approved algorithms: keys and followers are judged by name
verdict(3, qr/profile kcmvp does not allow Ed25519, the algorithm of key seoul.go.kr\/city-hall\/main/, 'an Ed25519 key under kcmvp', '--profile', 'kcmvp', '--key', $new, $after);

# kill -9 between every two steps; a session that asks waits for the next worker
sub crash { kill_server($node); $node->start; return }
my $present = sql('SELECT seoulchain.verifier_key()');
my $session = $node->background_psql('postgres');
$session->query_safe('BEGIN');
$session->query_safe(q{SELECT seoulchain.rotate_log_key('main')});
kill_server($node);
eval { $session->quit };
$node->start;
is(sql('SELECT seoulchain.verifier_key()'), $present, 'crashed before the commit: the key file is there, the old key is the key');
my $third = sql(q{SELECT seoulchain.rotate_log_key('main')});
crash();
is(sql('SELECT seoulchain.verifier_key()'), $third, 'crashed before the block: the rotation stands');
refused(q{SELECT seoulchain.rotate_log_key('main')}, qr/not signed yet/, 'and waits for its signatures');
my ($third_file) = glob "$keys/*/*main." . id($third) . '.log.key';
rename $third_file, "$third_file.away" or die;
refused('SELECT seoulchain.seal()', qr/suspended: .*is missing/, 'sealed without the new key, it is not signed');
crash();
rename "$third_file.away", $third_file or die;
my $h6 = sealed('INSERT INTO t VALUES (7)');
my $block = sql("SELECT height FROM seoulchain.key_rotations() WHERE new_key = '$third'");
is(signers($block), id($present) . ' ' . id($third) . ' ' . id($cosigner2), 'crashed before the signature: both sign afterwards');
is(signers($h6), id($third) . ' ' . id($cosigner2), 'and the new key goes on');

# in a prepared transaction
my $before_prepared = sql('SELECT seoulchain.verifier_key()');
sql(q{BEGIN; SELECT seoulchain.rotate_log_key('main'); PREPARE TRANSACTION 'rotation'});
is(sql('SELECT seoulchain.verifier_key()'), $before_prepared, 'prepared, it is not in force');
refused(q{SET lock_timeout = '200ms'; SELECT seoulchain.rotate_log_key('main')}, qr/lock timeout/, 'and holds up the next one');
my $h7 = sealed('INSERT INTO t VALUES (8)');
is(signers($h7), id($before_prepared) . ' ' . id($cosigner2), 'blocks are signed meanwhile');
crash();
sql(q{COMMIT PREPARED 'rotation'});
sealed('INSERT INTO t VALUES (9)');
my $fourth = sql('SELECT seoulchain.verifier_key()');
isnt($fourth, $before_prepared, 'committed, it is');
sql(q{BEGIN; SELECT seoulchain.rotate_cosigner_key(); PREPARE TRANSACTION 'rotation'});
sql(q{ROLLBACK PREPARED 'rotation'});
is(sql('SELECT seoulchain.cosigner_key()'), $cosigner2, 'a prepared one that is rolled back leaves the key');
is_intact($node, 'intact after crashes and prepared transactions');

# who may, and what has no key
sql('CREATE ROLE clerk');
refused(q{SET ROLE clerk; SELECT seoulchain.rotate_log_key('main')}, qr/permission denied/, 'not for everybody');
refused(q{SELECT seoulchain.rotate_log_key('none')}, qr/none/, 'no such chain');
is(sql(q{SELECT seoulchain.rotate_log_key(NULL) IS NULL}), 't', 'NULL gives NULL');

# both rotations in one transaction, with a second chain that shares the cosigner
sql(q{SELECT seoulchain.create_chain('side')});
sql(q{BEGIN; SELECT seoulchain.rotate_log_key('main'); SELECT seoulchain.rotate_cosigner_key(); COMMIT});
seal($node, $_) foreach qw(main side);
is(scalar(split / /, signers(sql('SELECT max(height) FROM seoulchain.block WHERE chain = \'main\''))), 4, 'two log keys and two cosigner keys sign');
is(sql(q{SELECT count(*) FROM seoulchain.key_rotations('side')}), '1', 'the cosigner changed on the other chain too');
is_intact($node, 'intact on both chains');

# dumped and restored into another cluster with the keys brought along: signing goes on after open_chain
my $there = key_directory();
my $copy = ledger_node('copy', 'seoulchain.sign_key_directory' => $there, 'seoulchain.seal_interval' => '0', extension => 0);
my $dump = "$dir/dump.sql";
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'dump');
my $history = sql('SELECT * FROM seoulchain.key_rotations()');
my ($folder) = glob "$keys/*";
$node->stop;
$copy->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', $copy->connstr('postgres'), '-c', 'SET seoulchain.restore = on', '-f', $dump ], 'restore');
is($copy->safe_psql('postgres', 'SELECT * FROM seoulchain.key_rotations()'), $history, 'the history came along');
my $oid = $copy->safe_psql('postgres', 'SELECT oid FROM pg_database WHERE datname = current_database()');
mkdir "$there/$oid", 0700 or die;
foreach my $from (glob "$folder/*")
{
	my ($name) = $from =~ m{([^/]+)$};
	open(my $to, '>:raw', "$there/$oid/$name") or die;
	print $to slurp_file($from);
	close $to;
	chmod 0600, "$there/$oid/$name";
}
$copy->safe_psql('postgres', "SELECT seoulchain.open_chain('$_')") foreach qw(main side);
$copy->safe_psql('postgres', 'INSERT INTO t VALUES (10)');
$copy->psql('postgres', "SELECT seoulchain.seal('main')");
$copy->safe_psql('postgres', q{SELECT seoulchain.resume_signing('main')});
$copy->safe_psql('postgres', q{SELECT seoulchain.seal('main')});
is($copy->safe_psql('postgres', q{SELECT signing FROM seoulchain.seal_status WHERE chain = 'main'}), 'on', 'the restored chain signs with the last key');
is_intact($copy, 'and is intact with all its keys');
my $fifth = $copy->safe_psql('postgres', q{SELECT seoulchain.rotate_log_key('main')});
$copy->safe_psql('postgres', q{SELECT seoulchain.seal('main')});
is($copy->safe_psql('postgres', q{SELECT signing FROM seoulchain.seal_status WHERE chain = 'main'}), 'on', 'and rotates again');
done_testing();
