# wait_for_seal: the receipt of a row that was just committed, and every way of waiting in vain.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Test;
use Test::More;
use IPC::Run;
use Time::HiRes qw(time);

my $keys = key_directory();
my $node = ledger_node('waited', 'seoulchain.sign_key_directory' => $keys);
sub sql { return $node->safe_psql('postgres', shift) }

sub refused
{
	my ($statement, $pattern, $what, $db) = @_;
	my $start = time;
	my ($status, $out, $err) = $node->psql($db // 'postgres', $statement);
	like($err, $pattern, $what);
	cmp_ok(time - $start, '<', 8, '... at once');
	return;
}

sub interval
{
	my $value = shift;
	sql("ALTER SYSTEM SET seoulchain.seal_interval = '$value'");
	sql('SELECT pg_reload_conf()');
	$node->poll_query_until('postgres', "SELECT current_setting('seoulchain.seal_interval') = '$value'") or die;
	return;
}

# what seoulchain-verify says of a receipt
sub verified
{
	my ($receipt, $key, @more) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/receipt';
	PostgreSQL::Test::Utils::append_to_file($file, "$receipt\n");
	my ($out, $err);
	my $bin = $node->config_data('--bindir');
	IPC::Run::run [ "$bin/seoulchain-verify", defined $key ? ('--key', $key) : (), @more, $file ], '>', \$out, '2>', \$err;
	return $out . $err;
}

# a chain without a node: the checkpoint has no signature line
sql('CREATE TABLE early (id int) USING ledger');
my $receipt = sql(q{INSERT INTO early VALUES (1) RETURNING ledger_seq}) && sql(q{SELECT receipt FROM early, seoulchain.wait_for_seal('early', ledger_seq)});
like($receipt, qr{^c2sp.org/tlog-proof\@v1\n.*unnamed/}s, 'a receipt of a chain without a node');
unlike($receipt, qr/\x{e2}\x{80}\x{94} /, 'has no signature');

# a named chain
sql(q{SELECT seoulchain.create_node('seoul.go.kr/city-hall'); SELECT seoulchain.create_chain('city')});
sql(q{SET seoulchain.default_chain = 'city'; CREATE TABLE t (id int, owner text DEFAULT 'x') USING ledger});
my $key = sql(q{SELECT seoulchain.verifier_key('city')});
my $seq = sql(q{INSERT INTO t VALUES (1) RETURNING ledger_seq});
$receipt = sql("SELECT receipt FROM seoulchain.wait_for_seal('t', $seq)");
like(verified($receipt, $key), qr/VERIFIED/, 'seoulchain-verify believes the receipt');
is(sql("SELECT timestamps FROM seoulchain.wait_for_seal('t', $seq, '0 s')"), '{}', 'no timestamps yet; a sealed row does not wait');
is(sql("SELECT receipt = seoulchain.receipt('t', $seq) FROM seoulchain.wait_for_seal('t', $seq)"), 't', 'the same as receipt()');
is(sql("SELECT seoulchain.receipt('t', $seq, tree_size) IS NOT NULL FROM seoulchain.block WHERE chain = 'city' ORDER BY height DESC LIMIT 1"), 't', 'receipt() in a checkpoint of that size');
refused("SELECT seoulchain.receipt('t', $seq, 1)", qr/no checkpoint of 1 leaves that holds the row/, 'not in one before the row');
refused("SELECT seoulchain.receipt('t', $seq, 0)", qr/no checkpoint of 0 leaves that holds the row/, 'nor in an empty one');
refused("SELECT seoulchain.receipt('t', $seq, 1000000)", qr/no checkpoint of 1000000 leaves/, 'nor in one that is to come');

# the transaction's own rows would be waited for for ever
my $own = qr/is not committed yet.*waiting transaction itself.*HINT:  Commit/s;
refused(q{BEGIN; INSERT INTO t VALUES (2); SELECT seoulchain.wait_for_seal('t', max(ledger_seq)) FROM t; COMMIT}, $own, 'a row of the running transaction');
refused(q{INSERT INTO t VALUES (3) RETURNING seoulchain.wait_for_seal('t', ledger_seq)}, $own, 'a row of the running command');
refused(q{WITH i AS (INSERT INTO t VALUES (4) RETURNING ledger_seq) SELECT w.* FROM i, seoulchain.wait_for_seal('t', ledger_seq) w}, $own, 'in a CTE');
refused(q{BEGIN; SAVEPOINT a; INSERT INTO t VALUES (5); RELEASE a; SELECT seoulchain.wait_for_seal('t', max(ledger_seq)) FROM t}, $own, 'a row of a subtransaction');
refused(q{BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO t VALUES (5); SELECT seoulchain.wait_for_seal('t', max(ledger_seq)) FROM t}, $own, 'in REPEATABLE READ');

# rows that are not there
refused(q{SELECT seoulchain.wait_for_seal('t', 999999)}, qr/has no row with ledger_seq 999999/, 'a number that nobody has');
sql(q{SET seoulchain.default_chain = 'city'; CREATE TABLE beside (id int) USING ledger});
refused("SELECT seoulchain.wait_for_seal('beside', $seq)", qr/"beside" has no row/, 'a row of another table');
refused(q{SELECT seoulchain.wait_for_seal('pg_class', 1)}, qr/not a ledger table/, 'no ledger table');
refused("SELECT seoulchain.wait_for_seal('t', $seq, '-1 s')", qr/timeout must not be negative/, 'a negative timeout');
refused("SELECT seoulchain.wait_for_seal('t', $seq, '-200000 years')", qr/timeout must not be negative/, 'a very negative one');
isnt(sql("SELECT receipt FROM seoulchain.wait_for_seal('t', $seq, '170000000 years')"), '', 'patience without end');
is(sql("SELECT seoulchain.wait_for_seal(NULL, $seq) IS NULL"), 't', 'NULL in, NULL out');

# from here on nothing is sealed by time
sql(q{SELECT seoulchain.seal('city')});
interval('1h');
my $other = $node->background_psql('postgres', on_error_stop => 0);
$seq = sql(q{INSERT INTO t VALUES (10) RETURNING ledger_seq});
my $start = time;
is(sql("SELECT receipt IS NULL AND timestamps IS NULL FROM seoulchain.wait_for_seal('t', $seq, '300 ms')"), 't', 'NULLs when the time is over');
cmp_ok(time - $start, '<', 5, 'which is soon');
is(sql("SELECT receipt IS NULL FROM seoulchain.wait_for_seal('t', $seq, '0 s')"), 't', 'without waiting at all');
refused("SET statement_timeout = '300 ms'; SELECT seoulchain.wait_for_seal('t', $seq, '1 hour')", qr/canceling statement due to statement timeout/, 'statement_timeout holds');

# in the background: cancelled, then woken by another session's seal()
sub wait_in_background
{
	my ($session, $statement) = @_;
	$session->query_until(qr/begun/, "\\echo begun\n$statement;\n\\echo ended\n");
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%wait_for_seal%' AND query NOT LIKE '%pg_stat_activity%' AND state = 'active' AND wait_event_type = 'Extension'}) or die;
	return;
}
wait_in_background($other, "SELECT seoulchain.wait_for_seal('t', $seq, '1 hour')");
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%wait_for_seal%' AND pid <> pg_backend_pid()});
$other->query_until(qr/ended/, "\n");
pass('a waiting session can be cancelled');
$other->quit;
$other = $node->background_psql('postgres', on_error_stop => 0);
wait_in_background($other, "SELECT 'got ' || length(receipt) FROM seoulchain.wait_for_seal('t', $seq, '1 hour')");
$start = time;
is(sql(q{SELECT seoulchain.seal('city') IS NOT NULL}), 't', 'somebody else seals');
like($other->query_until(qr/ended/, "\n"), qr/got \d+/, 'and the waiting session has its receipt');
cmp_ok(time - $start, '<', 5, 'soon');
$other->quit;

# an old snapshot makes no difference
my $repeatable = $node->background_psql('postgres', on_error_stop => 0);
$repeatable->query_until(qr/1/, "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 1 FROM t LIMIT 1;\n");
$seq = sql(q{INSERT INTO t VALUES (11) RETURNING ledger_seq});
sql(q{SELECT seoulchain.seal('city')});
like($repeatable->query_until(qr/ended/, "SELECT 'got ' || length(receipt) FROM seoulchain.wait_for_seal('t', $seq);\n\\echo ended\n"), qr/got \d+/, 'a snapshot from before the row was inserted');
$repeatable->quit;

# another session's row is not there before it commits
$other = $node->background_psql('postgres', on_error_stop => 0);
$other->query_until(qr/done/, "BEGIN;\nINSERT INTO t VALUES (12);\n\\echo done\n");
refused("SELECT seoulchain.wait_for_seal('t', $seq + 1)", qr/has no row/, 'a row that another transaction has not committed');
$other->quit;

# who may wait
sql(q{CREATE ROLE nobody; CREATE ROLE reader; CREATE ROLE partly; CREATE ROLE op IN ROLE seoulchain_operator; GRANT SELECT ON t TO reader, op; GRANT SELECT (id) ON t TO partly});
$seq = sql(q{INSERT INTO t VALUES (20, 'reader') RETURNING ledger_seq});
my $hidden = sql(q{INSERT INTO t VALUES (21, 'nobody') RETURNING ledger_seq});
refused("SET ROLE $_; SELECT seoulchain.wait_for_seal('t', $seq)", qr/permission denied/, "no right to read the row: $_") foreach qw(nobody partly);
interval('0');
is(sql("SET ROLE reader; SELECT receipt IS NULL FROM seoulchain.wait_for_seal('t', $seq, '500 ms')"), 't', 'seal_interval 0: a reader waits for somebody to ask');
is(sql("SET ROLE op; SELECT receipt IS NULL FROM seoulchain.wait_for_seal('t', $seq)"), 'f', 'an operator asks');
is(sql("SET ROLE reader; SELECT receipt IS NULL FROM seoulchain.wait_for_seal('t', $hidden)"), 'f', 'now the reader has his receipt, too');
sql(q{ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON t TO reader USING (owner = current_user)});
is(sql("SET ROLE reader; SELECT receipt IS NULL FROM seoulchain.wait_for_seal('t', $seq)"), 'f', 'row security: his own row');
refused("SET ROLE reader; SELECT seoulchain.wait_for_seal('t', $hidden)", qr/has no row with ledger_seq/, 'not the others');

# signing suspended
my ($file) = glob "$keys/*/*city.log.key";
rename $file, "$file.away" or die;
$seq = sql(q{INSERT INTO t VALUES (30) RETURNING ledger_seq});
refused("SELECT seoulchain.wait_for_seal('t', $seq)", qr/signing of chain "city" is suspended: .*row is sealed/s, 'signing is suspended');
rename "$file.away", $file or die;
is(sql("SELECT receipt IS NULL FROM seoulchain.wait_for_seal('t', $seq)"), 'f', 'and works again');

# sealing fails
sql(q{CREATE TABLE kept AS SELECT * FROM seoulchain.tree; UPDATE seoulchain.tree SET hashes = sha256('x') || substr(hashes, 33)});
$seq = sql(q{INSERT INTO t VALUES (31) RETURNING ledger_seq});
refused("SELECT seoulchain.wait_for_seal('t', $seq)", qr/cannot be sealed at present: .*has failed since.*No row is lost/s, 'sealing fails');
sql(q{UPDATE seoulchain.tree t SET hashes = k.hashes FROM kept k WHERE (t.chain_id, t.level, t.tile) = (k.chain_id, k.level, k.tile)});
sql(q{SELECT seoulchain.seal('city')});
is(sql("SELECT receipt IS NULL FROM seoulchain.wait_for_seal('t', $seq)"), 'f', 'repaired');
is_intact($node, 'and whole');

# a copy of the database: its chains are closed
interval('1h');
my $sealed = $seq;
$seq = sql(q{INSERT INTO t VALUES (40) RETURNING ledger_seq});
$node->safe_psql('template1', 'CREATE DATABASE copy TEMPLATE postgres');
refused("SELECT seoulchain.wait_for_seal('t', $seq)", qr/closed|not open/, 'a closed chain', 'copy');
is($node->safe_psql('copy', "SELECT receipt IS NULL FROM seoulchain.wait_for_seal('t', $sealed)"), 'f', 'what is sealed is proven there, too');

# a standby: what has arrived
$node->append_conf('postgresql.conf', "wal_level = replica\nmax_wal_senders = 5\n");
$node->append_conf('pg_hba.conf', 'local replication all trust');
$node->restart;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$seq = sql(q{INSERT INTO t VALUES (41) RETURNING ledger_seq});
$node->wait_for_catchup($standby, 'replay');
is($standby->safe_psql('postgres', "SELECT receipt IS NULL FROM seoulchain.wait_for_seal('t', $sealed)"), 'f', 'a standby has the receipts of what it has');
like(($standby->psql('postgres', "SELECT seoulchain.wait_for_seal('t', $seq)"))[2], qr/standby seals and signs nothing.*primary/s, 'and does not wait');
$standby->stop;

# no worker
my $few = ledger_node('few', max_worker_processes => 1);
$few->safe_psql('postgres', 'CREATE TABLE t (id int) USING ledger');
$seq = $few->safe_psql('postgres', 'INSERT INTO t VALUES (1) RETURNING ledger_seq');
like(($few->psql('postgres', "SELECT seoulchain.wait_for_seal('t', $seq, '1 s')"))[2], qr/no sealing worker is running/, 'no worker');

done_testing();
