# Nodes, keys and signing memory: what is made, what is refused, and when nothing is signed.
use strict;
use warnings;
use File::Copy;
use File::Path qw(rmtree);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my ($status, $out, $err);
my $keys = key_directory();
my $node = PostgreSQL::Test::Cluster->new('node');
$node->init(allows_streaming => 1, extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'seoulchain'\nautovacuum = on\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION seoulchain');
my $data = $node->data_dir;
sub sql { return $node->safe_psql('postgres', shift) }

sub refused
{
	my ($statement, $pattern, $what, $on) = @_;
	my ($st, $o, $e) = ($on // $node)->psql('postgres', $statement);
	like($e, $pattern, $what);
	return;
}

sub use_directory
{
	my $dir = shift;
	$node->append_conf('postgresql.conf', "seoulchain.sign_key_directory = '$dir'");
	$node->reload;
	return;
}

# directories that are refused
refused(q{SELECT seoulchain.create_node('seoul.go.kr/city-hall')}, qr/sign_key_directory is not set.*HINT/s, 'no directory');
mkdir "$data/keys", 0700 or die;
my $offset = -s $node->logfile;
use_directory("$data/keys");
ok(wait_for_log_line($node, qr/invalid value for parameter "seoulchain.sign_key_directory"/, $offset), 'a directory inside the data directory');
my $link = PostgreSQL::Test::Utils::tempdir() . '/link';
symlink "$data/keys", $link or die;
$offset = -s $node->logfile;
use_directory($link);
ok(wait_for_log_line($node, qr/inside the data directory/, $offset), 'a link into the data directory');
use_directory("$keys/none");
$node->poll_query_until('postgres', "SELECT current_setting('seoulchain.sign_key_directory') = '$keys/none'");
sleep 1;
refused(q{SELECT seoulchain.create_node('seoul.go.kr/city-hall')}, qr/could not use key directory.*HINT/s, 'a directory that is not there');
chmod 0750, $keys;
use_directory($keys);
$node->poll_query_until('postgres', "SELECT current_setting('seoulchain.sign_key_directory') = '$keys'");
sleep 1;
refused(q{SELECT seoulchain.create_node('seoul.go.kr/city-hall')}, qr/open to others.*chmod 0700/s, 'a lax directory');
chmod 0700, $keys;

# names
foreach my $bad ('seoul', 'a/b/c', 'Seoul/x', 'a b/c', 'a+b/c', '/x', 'x/', '../x', 'unnamed/x', 'a/b/', 'a/' . 'x' x 200)
{
	refused("SELECT seoulchain.create_node('$bad')", qr/no name for a node/, "refused as a name: $bad");
}

# an attempt that is rolled back, then the node
my $first = sql(q{BEGIN; SELECT seoulchain.create_node('seoul.go.kr/city-hall'); ROLLBACK});
my $cosigner = sql(q{SELECT seoulchain.create_node('seoul.go.kr/city-hall')});
is($cosigner, $first, 'a key that was made by an attempt rolled back is found again');
like($cosigner, qr{^seoul\.go\.kr/city-hall\+[0-9a-f]{8}\+B}, 'a cosigner key, type 0x04');
is(sql('SELECT seoulchain.cosigner_key()'), $cosigner, 'cosigner_key() gives it again');
refused(q{SELECT seoulchain.create_node('seoul.go.kr/b')}, qr/is node "seoul.go.kr\/city-hall" already/, 'one node a database');
my ($dir) = glob "$keys/*";
is(sprintf('%04o', (stat $_)[2] & 07777), '0600', "mode of $_") foreach glob "$dir/*";

# a named chain
sql(q{CREATE TABLE t (id int, v text) USING ledger; INSERT INTO t SELECT g FROM generate_series(1, 1000) g});
sql('SELECT seoulchain.seal()');
is(sql('SELECT signed_height = height FROM seoulchain.seal_status'), 't', 'sealed and signed');
my $key = sql('SELECT seoulchain.verifier_key()');
like($key, qr{^seoul\.go\.kr/city-hall/main\+[0-9a-f]{8}\+A}, 'a log key, type 0x01, named by the origin');
my $note = sql('SELECT seoulchain.checkpoint()');
like($note, qr{\Aseoul\.go\.kr/city-hall/main\n\d+\n\S+\n\n\x{e2}\x{80}\x{94} seoul\.go\.kr/city-hall/main \S+\n\x{e2}\x{80}\x{94} seoul\.go\.kr/city-hall \S+\n?\z},
	'log line first, then the cosignature');
like(sql(q{SELECT leaf FROM seoulchain.event WHERE ledger_seq = 1}), qr/\Q"key":"$key"\E/, 'leaf 0 has the log key');
is(sql('SELECT signing FROM seoulchain.seal_status'), 'on', 'the status says so');
my $bindir = $node->config_data('--bindir');
my $file = PostgreSQL::Test::Utils::tempdir() . '/checkpoint';
append_to_file($file, $note);
command_ok([ "$bindir/seoulchain-verify", '--key', $key, $file ], 'seoulchain-verify accepts it by the log key');
is(slurp_file("$dir/memory") =~ /^seoul\.go\.kr\/city-hall\/main (\d+) / ? $1 : '', sql('SELECT max(tree_size) FROM seoulchain.block'),
	'signing memory has the last size');

my ($memory, $log_key) = ("$dir/memory", (glob "$dir/*main.log.key")[0]);

# lax, missing, wrong key files: nothing is signed
sub suspended
{
	my ($pattern, $what) = @_;
	sql('INSERT INTO t VALUES (1)');
	refused('SELECT seoulchain.seal()', qr/signing of chain "main" is suspended: .*$pattern/, $what);
	like(sql('SELECT signing FROM seoulchain.seal_status'), qr/^suspended: .*$pattern/, "the status too: $what");
	is(sql('SELECT max(height) > (SELECT max(height) FROM seoulchain.signature) FROM seoulchain.block'), 't', "sealed, not signed: $what");
	return;
}
chmod 0640, $log_key;
suspended('is open to others', 'a lax key file');
chmod 0600, $log_key;
sql('SELECT seoulchain.seal()');
is(sql('SELECT signing FROM seoulchain.seal_status'), 'on', 'put right, it signs again');
is(sql('SELECT max(height) = (SELECT max(height) FROM seoulchain.signature) FROM seoulchain.block'), 't', 'all blocks are signed then');
rename $log_key, "$log_key.away";
suspended('is missing', 'a missing key file');
rename "$log_key.away", $log_key;
move($memory, "$memory.away");
suspended('signing memory has no entry', 'a missing memory');
move("$memory.away", $memory);
{
	my $whole = slurp_file($memory);
	append_to_file($memory, "garbage\n");
	suspended('cannot use signing memory', 'a damaged memory');
	refused('SELECT seoulchain.seal()', qr/HINT: .*signs again once the reason is gone/, 'nobody is told to resume then');
	refused(q{SELECT seoulchain.resume_signing('main')}, qr/cannot use signing memory/, 'nor could they');
	open(my $file, '>', $memory) or die;
	print $file $whole;
	close $file;
}
sql('SELECT seoulchain.seal()');
is(sql('SELECT signing FROM seoulchain.seal_status'), 'on', 'all put right');
refused(q{SELECT seoulchain.resume_signing('main')}, qr/is not suspended/, 'nothing to resume');

# another database under the same name
sql('CREATE DATABASE twin');
$node->safe_psql('twin', 'CREATE EXTENSION seoulchain');
{
	my ($status, $out, $err) = $node->psql('twin', q{SELECT seoulchain.create_node('seoul.go.kr/city-hall')});
	like($err, qr/another database has a key of the name "seoul.go.kr\/city-hall".*HINT/s, 'no two databases of a server under one name');
}
like($node->safe_psql('twin', q{SELECT seoulchain.create_node('seoul.go.kr/archive')}), qr{^seoul\.go\.kr/archive\+}, 'another name is free');
sql('DROP DATABASE twin');

# a backup, work after it, and the backup restored while memory is ahead
$node->backup('base');
my $cold = PostgreSQL::Test::Utils::tempdir() . '/cold';
$node->stop;
PostgreSQL::Test::RecursiveCopy::copypath($data, $cold);
$node->start;
sql('INSERT INTO t SELECT g FROM generate_series(1, 50) g');
sql('SELECT seoulchain.seal()');
my $ahead = sql('SELECT seoulchain.checkpoint()');
$node->stop;
rmtree($data);
PostgreSQL::Test::RecursiveCopy::copypath($cold, $data);
chmod 0700, $data;
$node->start;
suspended('a tree of \d+ leaves has been signed, this one has \d+', 'an old copy of the cluster');
sql('INSERT INTO t SELECT g FROM generate_series(1, 500) g');
refused('SELECT seoulchain.seal()', qr/does not extend the one of \d+ leaves/, 'also when it has grown beyond what was signed');
my $signed = sql('SELECT seoulchain.checkpoint()');
sql(q{SELECT seoulchain.resume_signing('main')});
sql('SELECT seoulchain.seal()');
is(sql('SELECT signing FROM seoulchain.seal_status'), 'on', 'until an operator resumes it');
isnt(sql('SELECT seoulchain.checkpoint()'), $signed, 'and there is a new checkpoint');
like(sql(q{SELECT leaf FROM seoulchain.event WHERE leaf LIKE '%resume_signing%'}), qr/"memory":"\d+ .*"reason":".*does not extend/, 'by a recorded event that says why');

# a promoted standby: another timeline, and first of all without the keys
$node->backup('again');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'again', has_streaming => 1);
$standby->start;
sql('INSERT INTO t VALUES (7)');
sql('SELECT seoulchain.seal()');
$node->wait_for_catchup($standby);
refused('SELECT seoulchain.seal()', qr/standby seals and signs nothing/, 'a standby does not seal', $standby);
$node->stop;
$standby->promote;
$standby->safe_psql('postgres', 'INSERT INTO t VALUES (8)');
refused('SELECT seoulchain.seal()', qr/signing of chain "main" is suspended.*timeline 1, this is timeline 2/s, 'a promoted standby signs nothing', $standby);
$standby->safe_psql('postgres', q{SELECT seoulchain.resume_signing('main')});
$standby->safe_psql('postgres', 'SELECT seoulchain.seal()');
is($standby->safe_psql('postgres', 'SELECT signing FROM seoulchain.seal_status'), 'on', 'until it is resumed there');
$standby->safe_psql('postgres', 'INSERT INTO t VALUES (9)');
isnt($standby->safe_psql('postgres', 'SELECT seoulchain.seal()'), '', 'then it goes on');

# the old primary comes back: it must not sign beside the new one
$node->start;
suspended('(timeline|has been signed)', 'the old primary');
$node->stop;
$standby->stop;
done_testing();
