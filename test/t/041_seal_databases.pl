# Commands that want a database for themselves, while its sealing worker is there; many databases; DROP EXTENSION.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $node = ledger_node('node', extension => 0);
my $workers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'seoulchain sealer' AND datname = '%s'};

sub works
{
	my ($statement, $what) = @_;
	my $begun = time;
	my ($status, $out, $err) = $node->psql('postgres', $statement);
	is($status, 0, $what) or diag($err);
	cmp_ok(time - $begun, '<', 5, "and soon: $what");
	return;
}

sub worker_in
{
	my ($db, $what) = @_;
	return ok($node->poll_query_until('postgres', sprintf($workers, $db), '1'), $what);
}

# one worker in each database with the extension, none in the others
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(a b plain);
foreach my $db (qw(a b))
{
	$node->safe_psql($db, 'CREATE EXTENSION seoulchain; CREATE TABLE t (id int) USING ledger; INSERT INTO t SELECT generate_series(1, 300)');
	worker_in($db, "database $db has a worker");
}
is($node->safe_psql('postgres', sprintf($workers, 'plain')), '0', 'a database without the extension has none');
seal($node, 'main', 'a');

# a template copy: closed until it is opened
$node->safe_psql('a', 'INSERT INTO t VALUES (301)');
works('CREATE DATABASE copy TEMPLATE a', 'CREATE DATABASE ... TEMPLATE');
worker_in('a', 'the worker comes back');
is($node->safe_psql('a', 'INSERT INTO t VALUES (302); SELECT seoulchain.seal()') ne '', 1, 'the original goes on');
is($node->safe_psql('copy', 'SELECT open FROM seoulchain.seal_status'), 'f', 'the copy is closed');
my ($status, $out, $err) = $node->psql('copy', 'INSERT INTO t VALUES (1)');
like($err, qr/chain "main" is closed.*open_chain/s, 'its tables take no rows');
($status, $out, $err) = $node->psql('copy', 'SELECT seoulchain.seal()');
like($err, qr/chain "main" is closed.*open_chain/s, 'and it cannot be sealed');
is($node->safe_psql('copy', 'SELECT count(*) FROM t'), '301', 'it can be read');
like($node->safe_psql('copy', 'SELECT seoulchain.checkpoint()'), qr/^unnamed/, 'it shows its checkpoint');
$node->safe_psql('copy', q{SELECT seoulchain.open_chain('main')});
($status, $out, $err) = $node->psql('copy', q{SELECT seoulchain.open_chain('main')});
like($err, qr/is open already/, 'a chain is opened once');
isnt($node->safe_psql('copy', 'INSERT INTO t VALUES (303); SELECT seoulchain.seal()'), '', 'once opened it goes on');
is($node->safe_psql('copy', <<'SQL'), '302|0', 'and its rows are sealed once');
SELECT count(*), count(*) FILTER (WHERE 1 <> (SELECT count(*) FROM seoulchain.block_range m WHERE m.lower <= t.ledger_seq AND t.ledger_seq < m.upper)) FROM t
SQL
is($node->safe_psql('copy', q{SELECT count(*) FROM seoulchain.event WHERE leaf LIKE '%"type":"open"%'}), '1', 'the opening is a leaf');

# the others
works('ALTER DATABASE copy RENAME TO renamed', 'ALTER DATABASE ... RENAME');
worker_in('renamed', 'the worker comes back');
my $space = PostgreSQL::Test::Utils::tempdir();
$node->safe_psql('postgres', "CREATE TABLESPACE elsewhere LOCATION '$space'");
works('ALTER DATABASE renamed SET TABLESPACE elsewhere', 'ALTER DATABASE ... SET TABLESPACE');
isnt($node->safe_psql('renamed', 'INSERT INTO t VALUES (304); SELECT seoulchain.seal()'), '', 'it goes on in the new place');
works('DROP DATABASE renamed', 'DROP DATABASE');
works('DROP DATABASE plain', 'DROP DATABASE without the extension');

# a command that fails lets the worker come back
my $guest = $node->background_psql('b');
$guest->query_safe('SELECT 1');
($status, $out, $err) = $node->psql('postgres', 'ALTER DATABASE b RENAME TO c');
like($err, qr/is being accessed by other users/, 'other sessions still count');
worker_in('b', 'after a failed command the worker comes back');
$guest->quit;

# somebody who may not drop it cannot send the worker away
$node->safe_psql('postgres', 'CREATE ROLE anybody');
my $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'seoulchain sealer' AND datname = 'b'});
($status, $out, $err) = $node->psql('postgres', 'SET ROLE anybody; DROP DATABASE b');
like($err, qr/must be owner/, 'DROP DATABASE is refused to others');
is($node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'seoulchain sealer' AND datname = 'b'}), $pid, 'and the worker stays');

# extensions come and go
$node->safe_psql('postgres', 'CREATE DATABASE e');
$node->safe_psql('e', 'CREATE EXTENSION seoulchain');
worker_in('e', 'CREATE EXTENSION brings the worker');
my $offset = -s $node->logfile;
($status, $out, $err) = $node->psql('e', 'DROP EXTENSION seoulchain');
is($status, 0, 'DROP EXTENSION does not wait for it') or diag($err);
ok($node->poll_query_until('postgres', sprintf($workers, 'e'), '0'), 'and it leaves');
unlike(slurp_file($node->logfile, $offset), qr/ERROR:/, 'without an error in the log');
$node->safe_psql('e', 'CREATE EXTENSION seoulchain; CREATE TABLE t (id int) USING ledger');
isnt($node->safe_psql('e', 'INSERT INTO t VALUES (1); SELECT seoulchain.seal()'), '', 'a second CREATE EXTENSION seals');
$node->safe_psql('e', 'BEGIN; CREATE TABLE u (id int) USING ledger; ROLLBACK');
($status, $out, $err) = $node->psql('e', 'BEGIN; SELECT 1; CREATE EXTENSION IF NOT EXISTS seoulchain; ROLLBACK');
is($status, 0, 'CREATE EXTENSION that does nothing');

# without room for workers: a clear error
$node->append_conf('postgresql.conf', 'max_worker_processes = 1');
$node->restart;
($status, $out, $err) = $node->psql('a', 'SELECT seoulchain.seal()');
like($err, qr/no sealing worker is running.*max_worker_processes/s, 'no worker: an error with a hint');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
isnt($node->safe_psql('a', 'INSERT INTO t VALUES (9); SELECT seoulchain.seal()'), '', 'with room again it seals');
$node->stop;
done_testing();
