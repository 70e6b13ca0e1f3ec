# No false alarm: everything that is allowed, and verify() has nothing to say; its progress and cancelling.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $node = ledger_node('control', 'seoulchain.seal_interval' => '200ms', 'seoulchain.sign_key_directory' => key_directory(),
	wal_level => 'logical');
$node->safe_psql('postgres', q{SELECT seoulchain.create_node('seoul.go.kr/control')});
$node->safe_psql('postgres', q{CREATE TYPE mood AS ENUM ('calm', 'busy'); CREATE DOMAIN km AS int CHECK (VALUE >= 0)});

# name, SQL (each string is a session's statements); seal() after each
my @work = (
	[ 'every kind of type', q{CREATE TABLE types (i2 smallint, i4 int, i8 bigint, b bool, f4 real, f8 double precision, n numeric(12,3), t text,
		c char(8), vc varchar(20), nm name, by bytea, u uuid, d date, tm time, tz timetz, ts timestamp, tsz timestamptz, iv interval,
		bt bit(5), vb varbit, js json, jb jsonb, ip inet, cd cidr, mac macaddr, p point, l lseg, pa path, po polygon, ci circle, bx box,
		tv tsvector, tq tsquery, r int4range, mr nummultirange, a int[], aa text[][], m mood, k km, lsn pg_lsn, ra daterange[], ja jsonb[]) USING ledger},
		q{INSERT INTO types VALUES (-1, 2, 3, true, 1.5, 1e300, 12.345, repeat('long ', 5000), 'abc', 'var', 'name', '\xdeadbeef', gen_random_uuid(),
		'-infinity', '12:34:56.789', '12:34:56+09', '2018-11-01 10:00', 'infinity', '1 year 2 mons 3 days 04:05:06.7', B'10101', B'1', '{"a": [1, 2]}',
		'{"a": {"b": [1, null, true, "x", 1.5e10]}, "c": {}}', '192.168.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03', '(1,2)', '[(0,0),(1,1)]',
		'((0,0),(1,1),(2,0))', '((0,0),(1,1),(2,0))', '<(0,0),2>', '(1,1),(0,0)', 'a fat:2,4 cat:3B', 'fat & (rat | !cat:*)', '[1,10)', '{[1,2],(3,)}', '{1,NULL,3}',
		'{{a,b},{"c d",NULL}}', 'busy', 7, '0/16B3748', '{"[2020-01-01,2021-01-01)",empty}', ARRAY['{"x": 1}'::jsonb, NULL])}, q{INSERT INTO types (i2) VALUES (NULL)} ],
	[ 'plain rows', q{CREATE TABLE t (id int PRIMARY KEY, v text, c text, UNIQUE (v)) USING ledger; CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 100)},
		q{INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 3000) i} ],
	[ 'VACUUM FULL', 'VACUUM FULL t' ],
	[ 'CLUSTER', 'CLUSTER t USING t_v_key', 'INSERT INTO t SELECT i FROM generate_series(3001, 3100) i' ],
	[ 'REINDEX', 'REINDEX TABLE t', 'REINDEX TABLE CONCURRENTLY t' ],
	[ 'CREATE INDEX CONCURRENTLY', 'CREATE INDEX CONCURRENTLY t_c ON t (c) WHERE c IS NOT NULL', 'DROP INDEX CONCURRENTLY t_c' ],
	[ 'ADD COLUMN with a default', q{ALTER TABLE t ADD COLUMN n int DEFAULT 7, ADD COLUMN e text}, q{INSERT INTO t (id, v) SELECT i, 'new ' || i FROM generate_series(4001, 4100) i} ],
	[ 'renames', 'ALTER TABLE t RENAME COLUMN v TO value', 'ALTER TABLE t RENAME TO renamed', 'CREATE SCHEMA other', 'ALTER TABLE renamed SET SCHEMA other',
		'INSERT INTO other.renamed (id, value) VALUES (5001, $$after$$)', 'ALTER TABLE other.renamed SET SCHEMA public', 'ALTER TABLE renamed RENAME TO t' ],
	[ 'row locks and foreign keys', 'ALTER TABLE t ADD COLUMN p int REFERENCES parent', 'CREATE TABLE child (id int REFERENCES t) USING ledger',
		'INSERT INTO t (id, p) SELECT i, 1 + i % 100 FROM generate_series(6001, 6200) i', 'INSERT INTO child SELECT i FROM generate_series(6001, 6200) i',
		'BEGIN; SELECT * FROM t WHERE id < 50 FOR UPDATE; SAVEPOINT s; SELECT * FROM t WHERE id < 60 FOR SHARE; COMMIT', 'SELECT * FROM t FOR KEY SHARE' ],
	[ 'aborted transactions and savepoints', 'BEGIN; INSERT INTO t (id) SELECT generate_series(7001, 7300); ROLLBACK',
		'BEGIN; INSERT INTO t (id) VALUES (7400); SAVEPOINT a; INSERT INTO t (id) VALUES (7401); ROLLBACK TO a; INSERT INTO t (id) VALUES (7402); RELEASE a; COMMIT',
		q{DO $$ BEGIN FOR i IN 1..300 LOOP BEGIN INSERT INTO t (id) VALUES (8000 + i); IF i % 3 = 0 THEN RAISE 'no'; END IF; EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$} ],
	[ 'two-phase commit', q{BEGIN; INSERT INTO t (id) VALUES (9001), (9002); PREPARE TRANSACTION 'one'}, q{BEGIN; INSERT INTO t (id) VALUES (9003); PREPARE TRANSACTION 'two'},
		q{INSERT INTO t (id) VALUES (9004)}, q{COMMIT PREPARED 'one'}, q{ROLLBACK PREPARED 'two'} ],
	[ 'ANALYZE, VACUUM, FREEZE', 'ANALYZE t', 'VACUUM t', 'VACUUM FREEZE t' ],
	[ 'partitions', q{CREATE TABLE part (k int, v text, ledger_seq bigint) PARTITION BY RANGE (k)}, q{CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (100) USING ledger},
		q{CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (100) TO (200) USING ledger}, q{INSERT INTO part (k) SELECT generate_series(0, 199)},
		q{ALTER TABLE part DETACH PARTITION part1}, q{INSERT INTO part1 (k) VALUES (50)}, q{ALTER TABLE part ATTACH PARTITION part1 FOR VALUES FROM (0) TO (100)} ],
	[ 'ON CONFLICT and COPY', q{INSERT INTO t (id) SELECT generate_series(1, 9100) ON CONFLICT DO NOTHING}, q{COPY (SELECT i, 'copied ' || i FROM generate_series(20001, 25000) i) TO '/tmp/seoulchain_control_copy'} ],
	[ 'row security', 'ALTER TABLE t ENABLE ROW LEVEL SECURITY', 'CREATE POLICY p ON t USING (id > 10)' ],
	[ 'DROP TABLE', q{CREATE TABLE short (id int) USING ledger}, q{INSERT INTO short SELECT generate_series(1, 600)}, q{DROP TABLE short} ],
	[ 'a second chain', q{SELECT seoulchain.create_chain('second')}, q{SET seoulchain.default_chain = 'second'; CREATE TABLE u (id int) USING ledger; INSERT INTO u SELECT generate_series(1, 300)},
		q{BEGIN; INSERT INTO u VALUES (1); INSERT INTO t (id) VALUES (30001); COMMIT} ],
	[ 'TRUNCATE and the like, refused', q{TRUNCATE t}, q{DELETE FROM t}, q{UPDATE t SET n = 1}, q{ALTER TABLE t DROP COLUMN n} ],
);

foreach my $work (@work)
{
	my ($name, @sql) = @$work;
	foreach my $sql (@sql)
	{
		$sql =~ s,'/tmp/seoulchain_control_copy',"'" . $node->basedir . "/copy.txt'",e;
		my ($status, $out, $err) = $node->psql('postgres', $sql);
		next if $name =~ /refused/;
		is($status, 0, "$name works") or diag("$sql: $err") if $status != 0;
	}
	is_intact($node, "$name: before sealing");
	seal($node);
	is_intact($node, $name);
}

# inside a transaction that has written: its own rows are passed over
is($node->safe_psql('postgres', q{BEGIN; CREATE TABLE own (id int) USING ledger; INSERT INTO own VALUES (1); INSERT INTO t (id) VALUES (40001);
	SAVEPOINT s; INSERT INTO t (id) VALUES (40002); SELECT count(*) FROM seoulchain.verify(); ROLLBACK}), '0', 'rows of the running transaction');
is($node->safe_psql('postgres', q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t \g /dev/null
	SELECT count(*) FROM seoulchain.verify(); COMMIT}), '0', 'in a repeatable read transaction');
$node->safe_psql('postgres', 'CREATE TABLE rewritten (id int) USING ledger; INSERT INTO rewritten SELECT generate_series(1, 100)');
seal($node);
$node->safe_psql('postgres', 'INSERT INTO rewritten VALUES (101)');
is($node->safe_psql('postgres', q{BEGIN; ALTER TABLE rewritten ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) STORED;
	INSERT INTO rewritten VALUES (102); SELECT count(*) FROM seoulchain.verify(); COMMIT}), '0', 'rows that the running transaction has rewritten');
is($node->safe_psql('postgres', q{SELECT count(*) FROM seoulchain.verify('rewritten')}), '0', 'and once it is committed');
is($node->safe_psql('postgres', q{BEGIN READ ONLY; SELECT count(*) FROM seoulchain.verify(); COMMIT}), '0', 'in a read only transaction');

# while others insert and the worker seals
my $script = $node->basedir . '/insert.sql';
append_to_file($script, q{INSERT INTO u SELECT generate_series(1, 3);} . "\n");
my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', '4', '-T', '8', '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'>', \my $bench_out, '2>', \my $bench_err);
my $alarms = 0;
my $runs = 0;
my $until = time + 7;
while (time < $until) { $alarms += $node->safe_psql('postgres', 'SELECT count(*) FROM seoulchain.verify()'); $runs++ }
$bench->finish;
is($alarms, 0, "no false alarm in $runs runs beside four writers");
is_intact($node, 'and after them');

# a crash
$node->safe_psql('postgres', 'INSERT INTO t (id) SELECT generate_series(50001, 50500)');
$node->stop('immediate');
$node->start;
is_intact($node, 'after a crash');
seal($node);
is_intact($node, 'after a crash, sealed');

# indexes agree too
is($node->safe_psql('postgres', "SELECT * FROM seoulchain.verify_indexes('t')"), '', 'the indexes of t agree with it');
is($node->safe_psql('postgres', "SELECT * FROM seoulchain.verify_indexes('child')"), '', 'a table without indexes');

# dumped and restored: closed, and whole; then opened, and whole
$node->command_ok([ 'pg_dump', '-Fc', '-f', $node->basedir . '/dump', $node->connstr('postgres') ], 'pg_dump');
my $restored = ledger_node('restored', extension => 0);
{
	local $ENV{PGOPTIONS} = '-c seoulchain.restore=on';
	$restored->command_ok([ 'pg_restore', '-j', '2', '-d', $restored->connstr('postgres'), $node->basedir . '/dump' ], 'pg_restore');
}
is_intact($restored, 'a restored database');
$restored->safe_psql('postgres', "SELECT seoulchain.open_chain(name) FROM seoulchain.chain");
$restored->safe_psql('postgres', 'INSERT INTO t (id) VALUES (60001)');
# sealed, but not signed: the node's keys have not come along
$restored->psql('postgres', 'SELECT seoulchain.seal()');
$restored->poll_query_until('postgres', "SELECT seoulchain.leaf_index('t', ledger_seq) IS NOT NULL FROM t WHERE id = 60001") or die 'not sealed';
is_intact($restored, 'opened, written to and sealed');
$restored->stop;

# what others see of a run, and cancelling it
$node->safe_psql('postgres', q{CREATE TABLE large (id int, v text) USING ledger; INSERT INTO large SELECT i, repeat('x', 200) FROM generate_series(1, 300000) i});
seal($node);
my $seen = '';
my ($in, $out, $err) = ('', '', '');
my $psql = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT count(*) FROM seoulchain.verify(), generate_series(1, 50)' ],
	'>', \$out, '2>', \$err);
foreach (1 .. 1000)
{
	$seen = $node->safe_psql('postgres', 'SELECT database, phase, started_at <= clock_timestamp() FROM seoulchain.verify_progress');
	last if $seen ne '';
}
like($seen, qr/^postgres\|(reading registry|recomputing tree|comparing rows|looking for missing rows)\|t/, 'the view shows the run');
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM seoulchain.verify_progress});
$psql->finish;
like($err, qr/canceling statement due to user request|^$/, 'it can be cancelled');
is($node->safe_psql('postgres', 'SELECT count(*) FROM seoulchain.verify_progress'), '0', 'and leaves the view');

$node->stop;
done_testing();
