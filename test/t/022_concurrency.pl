# Many sessions insert in every way at once while blocks are sealed: nothing lost, nothing twice.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $node = ledger_node('concurrency', 'seoulchain.seal_interval' => '100ms');
$node->safe_psql('postgres', <<'SQL');
SELECT seoulchain.create_chain('other');
CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY, client int, v text) USING ledger;
CREATE UNIQUE INDEX ON t (v);
SET seoulchain.default_chain = 'other';
CREATE TABLE o (client int, v text) USING ledger;
-- every row that a client was told is committed, or was told is not
CREATE TABLE told (v text PRIMARY KEY);
SQL

# each transaction picks one way to insert; told has exactly the rows that count
my %ways = (
	plain => 'BEGIN; INSERT INTO t (client, v) VALUES (:client_id, :key); INSERT INTO told VALUES (:key); COMMIT;',
	savepoint => 'BEGIN; SAVEPOINT a; INSERT INTO t (client, v) VALUES (:client_id, :key || \'-\'); ROLLBACK TO a; '
	  . 'INSERT INTO t (client, v) VALUES (:client_id, :key); INSERT INTO told VALUES (:key); COMMIT;',
	rollback => 'BEGIN; INSERT INTO t (client, v) VALUES (:client_id, :key); INSERT INTO o VALUES (:client_id, :key); ROLLBACK;',
	batch => 'BEGIN; INSERT INTO t (client, v) SELECT :client_id, :key || \'/\' || g FROM generate_series(1, 30) g; '
	  . 'INSERT INTO told SELECT :key || \'/\' || g FROM generate_series(1, 30) g; COMMIT;',
	conflict => 'INSERT INTO t (client, v) VALUES (:client_id, \'shared \' || (:n % 50)) ON CONFLICT DO NOTHING;',
	two_chains => 'BEGIN; INSERT INTO o VALUES (:client_id, :key); INSERT INTO t (client, v) VALUES (:client_id, :key); '
	  . 'INSERT INTO told VALUES (:key); COMMIT;',
	seal => 'SELECT seoulchain.seal();');
my %weight = (plain => 10, savepoint => 4, rollback => 3, batch => 3, conflict => 3, two_chains => 4, seal => 1);
my @files;
foreach my $way (sort keys %ways)
{
	my $file = $node->basedir . "/$way.pgbench";
	append_to_file($file, "\\set n random(1, 1000000000)\n\\set m random(1, 1000000000)\n"
		  . ($ways{$way} =~ s/:key/(:n::text || ' ' || :m::text || ' ' || :client_id::text)/gr) . "\n");
	push @files, '-f', "$file\@$weight{$way}";
}
my $seconds = long_run() ? 120 : 12;
$node->command_ok([ 'pgbench', '-n', '-c', '8', '-j', '2', '-T', $seconds, @files, 'postgres' ], '8 clients, seven ways to insert');
seal($node);
seal($node, 'other');

my $rows = $node->safe_psql('postgres', 'SELECT count(*) FROM t');
cmp_ok($rows, '>', 100, "$rows rows were inserted");
is_sealed($node, 't', $rows, 'every row is sealed, at a leaf of its own');
is_sealed($node, 'o', $node->safe_psql('postgres', 'SELECT count(*) FROM o'), 'the other chain\'s too');
is($node->safe_psql('postgres', q{SELECT count(*) FROM told FULL JOIN (SELECT v FROM t WHERE v NOT LIKE 'shared %') AS t USING (v) WHERE told.v IS NULL OR t.v IS NULL}),
	'0', 'what clients were told is what the ledger holds');
is($node->safe_psql('postgres', <<'SQL'), '0', 'blocks follow each other without a gap');
SELECT count(*) FROM (
	SELECT height, first_leaf, prev_hash, row_number() OVER w - 1 AS expected_height,
		lag(tree_size, 1, 0::bigint) OVER w AS expected_leaf, lag(block_hash) OVER w AS expected_hash
	FROM seoulchain.block WINDOW w AS (PARTITION BY chain ORDER BY height)) AS b
WHERE height <> expected_height OR first_leaf <> expected_leaf OR prev_hash <> expected_hash
SQL
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM seoulchain.block'), '>', 10, 'many blocks were sealed meanwhile');
is_intact($node, 'the ledger is intact');
is($node->safe_psql('postgres', q{SELECT count(*) FROM seoulchain.verify_indexes('t')}), '0', 'and so are its indexes');

done_testing();
