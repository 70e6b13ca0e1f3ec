# A disk that is full while the worker seals: no block, no lost row, a status that says so, and work goes on.
#
# The disk is played by a limit on the size of files (the tree's TOAST table
# reaches it first): writing fails there as on a full disk, and the limit of
# running processes can be lifted.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

plan skip_all => 'prlimit is not there' if system('prlimit --version >/dev/null 2>&1') != 0;

my $node = ledger_node('node', init => [], 'seoulchain.seal_interval' => 200, autovacuum => 'off');
my $limit = 3 * 1024 * 1024;
sub sql { return $node->safe_psql('postgres', shift) }

sql(<<'SQL');
CREATE TABLE a (id int) USING ledger;
CREATE TABLE b (id int) USING ledger;
INSERT INTO a SELECT generate_series(1, 45000);
SELECT seoulchain.seal();
SQL
my $blocks = sql('SELECT count(*) FROM seoulchain.block');
my $checkpoint = sql('SELECT seoulchain.checkpoint()');

# from here on no file of the worker's grows beyond the limit
my $worker = sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'seoulchain sealer'});
system_or_bail('prlimit', '--pid', $worker, "--fsize=$limit:unlimited");
sql('INSERT INTO b SELECT generate_series(1, 60000)');
ok($node->poll_query_until('postgres', q{SELECT attempts > 0 FROM seoulchain.seal_status}), 'the status counts failed attempts');
like(sql('SELECT last_error FROM seoulchain.seal_status'), qr/could not extend file/, 'and shows the error');
is(sql('SELECT pending, failing_since IS NOT NULL, last_error_at IS NOT NULL FROM seoulchain.seal_status'), 't|t|t', 'since when, and that rows wait');
is(sql('SELECT count(*) FROM seoulchain.block'), $blocks, 'no block');
is(sql('SELECT seoulchain.checkpoint()'), $checkpoint, 'the checkpoint is the one from before');
my ($status, $out, $err) = $node->psql('postgres', 'SELECT seoulchain.seal()');
like($err, qr/could not be sealed: could not extend file.*No row is lost/s, 'seal() gives the error of the worker');
is(sql('INSERT INTO a VALUES (-1); SELECT count(*) FROM a'), '45001', 'rows can still be inserted');
is(sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'seoulchain sealer'}), $worker, 'it is the same worker all the time');

# there is room again: the worker tries again by itself
system_or_bail('prlimit', '--pid', $worker, '--fsize=unlimited:unlimited');
ok($node->poll_query_until('postgres', q{SELECT NOT pending FROM seoulchain.seal_status}), 'the worker seals when there is room again');
is(sql('SELECT attempts, failing_since IS NULL FROM seoulchain.seal_status'), '0|t', 'the status is calm again');
foreach my $table (qw(a b))
{
	is(sql(<<"SQL"), '0', "every row of $table is sealed once");
SELECT count(*) FROM $table t LEFT JOIN (SELECT generate_series(lower, upper - 1) AS n FROM seoulchain.block_range) m ON m.n = t.ledger_seq WHERE m.n IS NULL
SQL
}
my ($size) = $checkpoint =~ /\n(\d+)\n/;
my ($root) = $checkpoint =~ /\n\d+\n(.*)\n/;
is(sql("SELECT encode(seoulchain.root_hash('main', $size), 'base64')"), $root, 'the old checkpoint is extended');
$node->stop;
done_testing();
