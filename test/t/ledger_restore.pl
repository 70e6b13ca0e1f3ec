# A database with ledger tables is dumped and restored: rows, numbers and registry come back, and nothing is recorded twice.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $origin = ledger_node('origin');
$origin->safe_psql('postgres', <<'SQL');
CREATE TYPE color AS ENUM ('red', 'blue');
CREATE TABLE ballot (id int PRIMARY KEY, voter text, c color, big text, twice int GENERATED ALWAYS AS (id * 2) STORED) USING ledger;
INSERT INTO ballot SELECT g, 'v' || g, 'red', repeat(md5(g::text), 200) FROM generate_series(1, 1000) g;
CREATE INDEX ON ballot (voter);
CREATE UNIQUE INDEX ballot_seq ON ballot (ledger_seq);
ALTER TABLE ballot ADD COLUMN extra int DEFAULT 5;
ALTER TABLE ballot RENAME COLUMN voter TO elector;
INSERT INTO ballot (id, elector) VALUES (1001, 'late');
CREATE TABLE trip (id int, day date) PARTITION BY RANGE (day);
SELECT seoulchain.add_ledger_seq('trip');
CREATE TABLE trip1 PARTITION OF trip FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') USING ledger;
CREATE TABLE trip2 PARTITION OF trip FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') USING ledger;
INSERT INTO trip SELECT g, '2026-01-20'::date + g % 20 FROM generate_series(1, 100) g;
CREATE TABLE sale (id int REFERENCES ballot, x int CHECK (x > 0)) USING ledger;
INSERT INTO sale VALUES (1, 1);
SELECT seoulchain.add_ledger_time('sale');
SELECT seoulchain.add_ledger_time('trip');
INSERT INTO trip SELECT g, '2026-01-20'::date + g % 20 FROM generate_series(101, 120) g;
CREATE TABLE gone (a int) USING ledger;
INSERT INTO gone VALUES (1);
DROP TABLE gone;
CREATE TABLE "Odd ""Name" (a int) USING ledger;
INSERT INTO "Odd ""Name" VALUES (1);
CREATE VIEW ballot_view AS SELECT * FROM ballot;
CREATE MATERIALIZED VIEW ballot_counts AS SELECT c, count(*) AS n FROM ballot GROUP BY c;
SET seoulchain.default_chain = 'two';
CREATE TABLE second (a int) USING ledger;
INSERT INTO second SELECT generate_series(1, 10);
SQL
seal($origin);
seal($origin, 'two');
# and something that waits for the next block
$origin->safe_psql('postgres', "ALTER SYSTEM SET seoulchain.seal_interval = '1h'; SELECT pg_reload_conf(); INSERT INTO sale VALUES (2, 2)");

our $dump = $origin->backup_dir . '/dump';
mkdir $origin->backup_dir;
$origin->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $origin->connstr('postgres') ], 'pg_dump');

# what must be the same in the copy
my $facts = <<'SQL';
SELECT table_id, chain_id, relation, ledger_name, joined_seq, dropped_seq, time_seq FROM seoulchain.ledger ORDER BY 1;
SELECT table_id, column_name, ledger_name, joined_seq FROM seoulchain.ledger_column ORDER BY 1, 2;
SELECT chain_id, name, origin, sequence FROM seoulchain.chain ORDER BY 1;
SELECT chain_id, ledger_seq, table_id, leaf FROM seoulchain.event ORDER BY 1, 2;
SELECT chain_id, height, block_hash, root_hash FROM seoulchain.chain_block ORDER BY 1, 2;
SELECT id, elector, c, md5(big), twice, extra, ledger_seq FROM ballot ORDER BY id;
SELECT tableoid::regclass, * FROM trip ORDER BY ledger_seq;
SELECT * FROM sale ORDER BY id;
SELECT * FROM "Odd ""Name";
SELECT * FROM second ORDER BY a;
SELECT relname, amname FROM pg_class JOIN pg_am ON relam = pg_am.oid WHERE amname = 'ledger' ORDER BY 1;
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'ballot'::regclass ORDER BY indexrelid::regclass::text;
SQL
my $expected = $origin->safe_psql('postgres', $facts);

# restore OPTIONS...: dump -> database, with the setting; the program's output
my $copy = ledger_node('copy', extension => 0);
sub restore
{
	my ($db, $setting, @options) = @_;
	$copy->safe_psql('postgres', "CREATE DATABASE $db ENCODING 'UTF8' TEMPLATE template0");
	local $ENV{PGOPTIONS} = "-c seoulchain.restore=$setting";
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([ 'pg_restore', @options, '-d', $copy->connstr($db), $dump ], '>', \$out, '2>', \$err);
	return ($ok, $err);
}

my ($ok, $err) = restore('plain', 'off');
ok(!$ok, 'without the setting a restore fails');
like($err, qr/column name "ledger_seq" is reserved.*PGOPTIONS='-c seoulchain.restore=on'/s, 'and says what to do');

foreach my $jobs (1, 2)
{
	my $db = "copy$jobs";
	($ok, $err) = restore($db, 'on', '-j', $jobs);
	ok($ok, "pg_restore -j $jobs") or diag($err);
	is($copy->safe_psql($db, $facts), $expected, "everything is there (-j $jobs)");
	is($copy->safe_psql($db, 'SELECT count(*) FROM seoulchain.journal'),
		$origin->safe_psql('postgres', 'SELECT count(*) FROM seoulchain.journal'), 'nothing was recorded by the restore');
}

# the copy is closed
my $closed = qr/chain "main" is closed.*open_chain\('main'\)/s;
foreach my $statement ('INSERT INTO sale VALUES (9, 9)', 'CREATE TABLE more (a int) USING ledger', 'DROP TABLE sale',
	'ALTER TABLE sale RENAME TO sold', 'ALTER SCHEMA public RENAME TO other')
{
	my ($status, $out, $stderr) = $copy->psql('copy2', $statement);
	like($stderr, $closed, "refused while closed: $statement");
}
foreach my $statement ('ALTER TABLE sale ADD COLUMN y int', 'ALTER TABLE sale RENAME x TO z')
{
	my ($status, $out, $stderr) = $copy->psql('copy2', $statement);
	like($stderr, qr/columns of ledger table "sale" are not those of its chain.*open_chain\('main'\)/s, "refused while closed: $statement");
}
foreach my $statement ('UPDATE sale SET x = 5', 'TRUNCATE sale', 'SET seoulchain.restore = on; TRUNCATE sale',
	'SET seoulchain.restore = on; DELETE FROM sale')
{
	my ($status, $out, $stderr) = $copy->psql('copy2', $statement);
	like($stderr, qr/ledger table "sale" is append-only/, "refused in a copy: $statement");
}
$copy->safe_psql('copy2', 'CREATE INDEX ON sale (x); VACUUM FULL sale; REINDEX TABLE sale');

# opened, it goes on
$copy->safe_psql('copy2', "SELECT seoulchain.open_chain('main')");
$copy->safe_psql('copy2', 'INSERT INTO sale VALUES (3, 3)');
is($copy->safe_psql('copy2', 'SELECT count(*), count(DISTINCT ledger_seq), max(ledger_seq) FILTER (WHERE id = 3) > max(ledger_seq) FILTER (WHERE id < 3) FROM sale'),
	'3|3|t', 'rows go on with new numbers');
$copy->safe_psql('copy2', 'ALTER TABLE ballot ADD COLUMN more int; INSERT INTO ballot (id, more) VALUES (2000, 1); CREATE TABLE more (a int) USING ledger');
seal($copy, 'main', 'copy2');
is_sealed($copy, 'sale', 3, 'also the row that waited when the dump was made is sealed', 'copy2');
is($copy->safe_psql('copy2', q{SELECT id, ledger_time IS NOT NULL, convert_from(seoulchain.leaf_data('sale', ledger_seq), 'UTF8')::json ->> 'time' IS NOT NULL FROM sale ORDER BY id}),
	"1|f|f\n2|t|t\n3|t|t", 'rows keep their acceptance times, and new ones get theirs');
my ($status, $out, $stderr) = $copy->psql('copy2', 'SET seoulchain.restore = on; INSERT INTO sale VALUES (4, 4)');
like($stderr, qr/seoulchain.restore is not for tables of an open chain/, 'restore is over');
is_intact($copy, 'the opened copy is intact', 'copy2');

# a table that came back as heap does not pass
($ok, $err) = restore('heap', 'on', '--no-table-access-method');
is($copy->safe_psql('heap', "SELECT count(*) FROM pg_class JOIN pg_am ON relam = pg_am.oid WHERE amname = 'ledger'"), '0', 'restored without access methods');
($status, $out, $stderr) = $copy->psql('heap', "SELECT seoulchain.open_chain('main')");
like($stderr, qr/came back without access method ledger/, 'open_chain refuses that');

# without rows: the tables are new, and join with their first row
$origin->command_ok([ 'pg_dump', '-Fc', '--schema-only', '-f', "$dump.schema", $origin->connstr('postgres') ], 'pg_dump --schema-only');
{
	local $dump = "$dump.schema";
	($ok, $err) = restore('empty', 'on');
	ok($ok, 'restored without rows') or diag($err);
}
is($copy->safe_psql('empty', 'SELECT count(*) FROM seoulchain.ledger'), '0', 'no table has joined');
$copy->safe_psql('empty', "INSERT INTO ballot (id) VALUES (1), (2)");
is($copy->safe_psql('empty', 'SELECT ledger_name, count(*) FILTER (WHERE ledger_seq > joined_seq) FROM seoulchain.ledger, ballot GROUP BY 1'),
	'public.ballot|2', 'the first row brings its table in');
# two sessions at once
{
	my $first = $copy->background_psql('empty');
	$first->query_safe('BEGIN; INSERT INTO sale VALUES (1, 1)');
	my $second = $copy->background_psql('empty');
	$second->query_until(qr/go/, "\\echo go\nINSERT INTO sale VALUES (2, 2);\n");
	$copy->poll_query_until('empty', "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted");
	$first->query_safe('COMMIT');
	$first->quit;
	$second->quit;
}
is($copy->safe_psql('empty', "SELECT count(*) FROM seoulchain.ledger WHERE ledger_name LIKE 'public.sale%'"), '1', 'two first rows, one join');
seal($copy, 'main', 'empty');
is_sealed($copy, 'sale', 2, 'both rows are sealed', 'empty');
is_intact($copy, 'intact', 'empty');
# rows without the registry
($ok, $err) = restore('rows', 'on', '-t', 'second');
($status, $out, $stderr) = $copy->psql('rows', 'CREATE EXTENSION IF NOT EXISTS seoulchain; INSERT INTO second VALUES (1)');
like($stderr, qr/uses access method ledger but has joined no chain/, 'rows without their registry belong to no chain') if $ok;

# --clean takes the copy away again
{
	local $ENV{PGOPTIONS} = '-c seoulchain.restore=on';
	$copy->command_ok([ 'pg_restore', '--clean', '--if-exists', '-d', $copy->connstr('copy1'), $dump ], 'pg_restore --clean over a copy');
	is($copy->safe_psql('copy1', $facts), $expected, 'everything is there again');
}

# a template copy is closed as well
$copy->safe_psql('postgres', 'CREATE DATABASE clone TEMPLATE copy2');
($status, $out, $stderr) = $copy->psql('clone', 'INSERT INTO sale VALUES (9, 9)');
like($stderr, $closed, 'a template copy is closed');
$copy->safe_psql('clone', "SELECT seoulchain.open_chain('main'); INSERT INTO sale VALUES (9, 9)");

done_testing();
