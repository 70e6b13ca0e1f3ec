
# What only newer PostgreSQL has: each statement on a ledger table, on the majors that know it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $node = ledger_node('majors', 'seoulchain.seal_interval' => 0);
my $major = int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000);

sub sql { return $node->safe_psql('postgres', shift) }
sub refused
{
	my ($statement, $pattern, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out, $err) = $node->psql('postgres', $statement);
	return like($err, $pattern, $what);
}

# a partitioned table of any major is no ledger table itself
sql(q{CREATE TABLE plain_parent (id int, day date) PARTITION BY RANGE (day); SELECT seoulchain.add_ledger_seq('plain_parent')});
is(sql(q{SELECT count(*) FROM seoulchain.ledger}), '0', 'a partitioned table joins no chain');

if ($major < 17)
{
	refused('CREATE TABLE trip (id int, day date) PARTITION BY RANGE (day) USING ledger', qr/ERROR/, "$major: USING on a partitioned table is refused");
}
else
{
	# a partitioned table USING ledger
	sql('CREATE TABLE trip (id int, day date) PARTITION BY RANGE (day) USING ledger');
	is(sql(q{SELECT attname FROM pg_attribute WHERE attrelid = 'trip'::regclass AND attnum > 0 ORDER BY attnum}), "id\nday\nledger_seq", 'gets ledger_seq');
	sql(q{CREATE TABLE trip_1 PARTITION OF trip FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')});
	sql(q{CREATE TABLE trip_2 PARTITION OF trip FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST (id)});
	sql(q{CREATE TABLE trip_2_1 PARTITION OF trip_2 FOR VALUES IN (2)});
	is(sql(q{SELECT ledger_name FROM seoulchain.ledger ORDER BY 1}), "public.trip_1\npublic.trip_2_1", 'its partitions and theirs inherit the access method and join');
	is(sql(q{INSERT INTO trip VALUES (1, '2026-01-01'), (2, '2026-02-02') RETURNING ledger_seq IS NOT NULL}), "t\nt", 'routed rows get numbers');
	refused(q{CREATE TABLE trip_3 PARTITION OF trip FOR VALUES FROM ('2026-03-01') TO ('2026-04-01') USING heap}, qr/ledger.*HINT/s, 'a heap partition is refused');
	refused(q{CREATE UNLOGGED TABLE trip_3 PARTITION OF trip FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')}, qr/unlogged.*HINT/s, 'and an unlogged one');
	refused('CREATE TABLE seq (ledger_seq int, day date) PARTITION BY RANGE (day) USING ledger', qr/reserved/, 'its own column of that name is refused');
	refused('UPDATE trip SET id = 3', qr/append-only/, 'UPDATE through it is refused');
	refused('ALTER TABLE trip DROP COLUMN id', qr/DROP COLUMN was refused/, 'DROP COLUMN too');
	sql('ALTER TABLE trip SET ACCESS METHOD heap');
	refused(q{CREATE TABLE trip_3 PARTITION OF trip FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')}, qr/USING ledger/, 'made heap: new partitions do not become heap by accident');
	sql(q{ALTER TABLE trip SET ACCESS METHOD ledger; CREATE TABLE trip_3 PARTITION OF trip FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')});
	sql(q{ALTER TABLE trip DETACH PARTITION trip_3; ALTER TABLE trip ATTACH PARTITION trip_3 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')});

	# dump and restore
	sql('SELECT seoulchain.seal()');
	my $dump = $node->basedir . '/dump';
	$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
	sql('CREATE DATABASE restored');
	{
		local $ENV{PGOPTIONS} = '-c seoulchain.restore=on';
		$node->command_ok([ 'pg_restore', '--exit-on-error', '-j2', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
	}
	is($node->safe_psql('restored', q{SELECT relname FROM pg_class JOIN pg_am a ON relam = a.oid WHERE amname = 'ledger' ORDER BY 1}),
		"trip\ntrip_1\ntrip_2\ntrip_2_1\ntrip_3", 'the access methods come back');
	$node->safe_psql('restored', q{SELECT seoulchain.open_chain('main')});
	$node->safe_psql('restored', q{INSERT INTO trip VALUES (1, '2026-01-05')});
	is_intact($node, 'the restored chain, open', 'restored');

	# SET ACCESS METHOD DEFAULT, SET EXPRESSION
	sql('CREATE TABLE t (id int PRIMARY KEY, v text, len int GENERATED ALWAYS AS (length(v)) STORED) USING ledger');
	refused('ALTER TABLE t SET ACCESS METHOD DEFAULT', qr/append-only.*SET ACCESS METHOD was refused/s, 'SET ACCESS METHOD DEFAULT');
	refused('ALTER TABLE t ALTER COLUMN len SET EXPRESSION AS (length(v) + 1)', qr/SET EXPRESSION was refused/, 'SET EXPRESSION');
	refused('ALTER TABLE t ALTER COLUMN ledger_seq SET EXPRESSION AS (1)', qr/ERROR/, 'SET EXPRESSION of ledger_seq');

	# MERGE
	is(sql(q{MERGE INTO t USING (VALUES (1, 'a'), (2, 'b')) s (id, v) ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v) RETURNING merge_action(), t.id, len, ledger_seq IS NOT NULL}),
		"INSERT|1|1|t\nINSERT|2|1|t", 'MERGE ... RETURNING');
	refused('MERGE INTO t USING (VALUES (1)) s (id) ON t.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE', qr/append-only/, 'WHEN NOT MATCHED BY SOURCE');
	sql('CREATE VIEW tv AS SELECT id, v FROM t');
	refused('MERGE INTO tv USING (VALUES (1)) s (id) ON tv.id = s.id WHEN MATCHED THEN DELETE', qr/append-only/, 'MERGE through a view');

	# COPY ... ON_ERROR
	my $file = $node->basedir . '/rows';
	append_to_file($file, "3\tc\nx\td\n5\te\n");
	sql("COPY t FROM '$file' (ON_ERROR ignore)");
	is(sql('SELECT id FROM t WHERE ledger_seq IS NOT NULL ORDER BY 1'), "1\n2\n3\n5", 'COPY ... ON_ERROR ignore: what was read is recorded');
	sql('SELECT seoulchain.seal()');
	is_sealed($node, 't', 4, 'and sealed');
}

if ($major >= 18)
{
	# generated columns that are not stored are not in the leaf
	sql('CREATE TABLE v (id int, twice int GENERATED ALWAYS AS (id * 2) VIRTUAL, s text) USING ledger');
	is(sql(q{INSERT INTO v VALUES (21, default, 'x') RETURNING old.ledger_seq IS NULL, new.ledger_seq IS NOT NULL, new.twice}), 't|t|42', 'OLD and NEW in RETURNING; a virtual column');
	sql('ALTER TABLE v ADD COLUMN thrice int GENERATED ALWAYS AS (id * 3) VIRTUAL; INSERT INTO v (id) VALUES (4); SELECT seoulchain.seal()');
	is(sql(q{SELECT string_agg(twice || ' ' || thrice, ',' ORDER BY id) FROM v}), '8 12,42 63', 'and another one');
	unlike(sql(q{SELECT string_agg(convert_from(seoulchain.leaf_data('v', ledger_seq), 'UTF8'), E'\n') FROM v}), qr/twice|thrice/, 'are in no leaf');
	refused('ALTER TABLE v ADD COLUMN n bigint GENERATED ALWAYS AS (ledger_seq) VIRTUAL', qr/ledger_seq/, 'none computes from ledger_seq');
	refused('ALTER TABLE v ALTER COLUMN twice SET EXPRESSION AS (id)', qr/SET EXPRESSION was refused/, 'SET EXPRESSION of a virtual column');

	# NOT NULL is a constraint of its own
	foreach my $valid ('', ' NOT VALID')
	{
		refused("ALTER TABLE v ADD CONSTRAINT nn NOT NULL ledger_seq$valid", qr/column "ledger_seq" of ledger table "v" cannot be changed/, "NOT NULL on ledger_seq$valid");
		refused("ALTER TABLE trip ADD CONSTRAINT nn NOT NULL ledger_seq$valid", qr/column "ledger_seq" of ledger table "trip_\w+" cannot be changed/, "through the parent$valid");
	}
	refused('ALTER TABLE v ADD PRIMARY KEY (ledger_seq)', qr/column "ledger_seq" of ledger table "v" cannot be changed/, 'by a primary key');
	sql('ALTER TABLE v ADD CONSTRAINT idnn NOT NULL id NOT VALID; ALTER TABLE v VALIDATE CONSTRAINT idnn');
	sql('ALTER TABLE v ADD CONSTRAINT positive CHECK (id > 0) NOT ENFORCED; INSERT INTO v (id) VALUES (-1)');
	sql('ALTER TABLE v ADD CONSTRAINT one FOREIGN KEY (id) REFERENCES t NOT ENFORCED; INSERT INTO v (id) VALUES (-2)');

	# periods
	sql('CREATE TABLE lease (r int4range, during daterange, PRIMARY KEY (r, during WITHOUT OVERLAPS)) USING ledger');
	sql(q{INSERT INTO lease VALUES ('[1,2)', '[2026-01-01,2026-02-01)')});
	refused(q{INSERT INTO lease VALUES ('[1,2)', '[2026-01-15,2026-03-01)')}, qr/conflicting key/, 'WITHOUT OVERLAPS');
	sql('CREATE TABLE guest (r int4range, during daterange, FOREIGN KEY (r, PERIOD during) REFERENCES lease (r, PERIOD during)) USING ledger');
	sql(q{INSERT INTO guest VALUES ('[1,2)', '[2026-01-03,2026-01-05)')});
	refused(q{INSERT INTO guest VALUES ('[1,2)', '[2026-02-03,2026-02-05)')}, qr/foreign key/, 'a PERIOD foreign key');
	sql('SELECT seoulchain.seal()');
	is_sealed($node, 'lease', 1, 'the row that was taken is sealed');
}

sql('CREATE TABLE last (id int) USING ledger; INSERT INTO last VALUES (1)');
sql('SELECT seoulchain.seal()');
is_intact($node, 'and verify() has nothing to say');
done_testing();
