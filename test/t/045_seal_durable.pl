# No signature before the block is safe: synchronous standbys, a rollback around seal(), a crash under synchronous_commit = off.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $keys = key_directory();
my $node = ledger_node('node', init => [ allows_streaming => 1 ], 'seoulchain.seal_interval' => 0, 'seoulchain.sign_key_directory' => $keys);
sub sql { return $node->safe_psql('postgres', shift) }
sub blocks { return sql('SELECT count(*) || $$ $$ || (SELECT count(*) FROM seoulchain.signature) FROM seoulchain.chain_block') }
my $sealer = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'seoulchain sealer'};

sql(q{SELECT seoulchain.create_node('seoul.go.kr/durable')});
sql('CREATE TABLE t (id int) USING ledger');
sql('SELECT seoulchain.seal()');
is(blocks(), '1 1', 'a block, signed');

# a standby that never answers
$node->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'");
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('synchronous_standby_names') = 'nobody'});
sql('SET synchronous_commit = local; INSERT INTO t VALUES (1)');
my ($status, $out, $err) = $node->psql('postgres', q{SET statement_timeout = '1500ms'; SELECT seoulchain.seal()});
like($err, qr/canceling statement/, 'seal() waits for the synchronous standby');
is(blocks(), '1 1', 'nothing is shown meanwhile');
my ($size) = slurp_file((glob "$keys/*/memory")[0]) =~ /main (\d+) /;
is($size, sql('SELECT max(tree_size) FROM seoulchain.block'), 'nor signed');

# cancelling the wait must not let a signature out
my $pid = sql($sealer);
sql("SELECT pg_cancel_backend($pid)");
sleep 1;
is(sql($sealer), $pid, 'the worker does not hear pg_cancel_backend');
is(blocks(), '1 1', 'still nothing');
sql("SELECT pg_terminate_backend($pid)");
$node->poll_query_until('postgres', "SELECT EXISTS ($sealer AND pid <> $pid)");
sleep 1;
is(blocks(), '2 1', 'a worker that was terminated leaves the block, its successor does not sign it');
$node->stop('immediate');
$node->start;
sleep 1;
is(blocks(), '2 1', 'nor does the one after a crash');
($size) = slurp_file((glob "$keys/*/memory")[0]) =~ /main (\d+) /;
is($size, sql('SELECT tree_size FROM seoulchain.block WHERE height = 0'), 'signing memory was not touched');

$node->append_conf('postgresql.conf', "synchronous_standby_names = ''");
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM seoulchain.signature}), 'without a standby to wait for it is signed, without being asked');

# sealed and signed in a transaction that rolls back, after commits that were not waited for; then a crash
sql(q{SET synchronous_commit = off; INSERT INTO t SELECT g FROM generate_series(1, 100) g});
is(sql('SET synchronous_commit = off; BEGIN; INSERT INTO t VALUES (-1); SELECT seoulchain.seal(); ROLLBACK'), '2', 'seal() in a transaction that rolls back');
my $note = sql('SELECT seoulchain.checkpoint()');
sql('SET synchronous_commit = off; INSERT INTO t VALUES (101)');
$node->stop('immediate');
$node->start;
is(sql('SELECT seoulchain.checkpoint()'), $note, 'the block is there after a crash, and its checkpoint');
is(sql('SELECT count(*) FROM t WHERE id BETWEEN 1 AND 100'), '101', 'with its rows');
sql('SELECT seoulchain.seal()');
is(sql('SELECT signing FROM seoulchain.seal_status'), 'on', 'signing goes on');
is_intact($node, 'all is intact');
$node->stop;
done_testing();
