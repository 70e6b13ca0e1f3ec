# Recording: every committed row comes into a block exactly once, in bounded memory.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $node = ledger_node('recording', max_wal_size => '4GB');
my ($status, $out, $err);

# savepoints, kept and taken back, nested
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE saved (id int) USING ledger;
BEGIN;
INSERT INTO saved VALUES (1);
SAVEPOINT a;
INSERT INTO saved VALUES (2);
SAVEPOINT b;
INSERT INTO saved VALUES (-3);
ROLLBACK TO b;
INSERT INTO saved VALUES (4);
SAVEPOINT c;
INSERT INTO saved VALUES (-5);
RELEASE c;
ROLLBACK TO b;
INSERT INTO saved VALUES (6);
RELEASE a;
SAVEPOINT d;
INSERT INTO saved SELECT generate_series(-2000, -1001);
ROLLBACK TO d;
INSERT INTO saved SELECT generate_series(1001, 2000);
COMMIT;
BEGIN;
INSERT INTO saved VALUES (-7);
ROLLBACK;
SQL
seal($node);
is($node->safe_psql('postgres', 'SELECT string_agg(id::text, $$ $$ ORDER BY id) FROM saved WHERE id < 1000'), '1 2 6', 'what savepoints kept');
is_sealed($node, 'saved', 1003, 'is sealed');
is_intact($node, 'and nothing that they took back');

# several chains in one transaction, half of it in savepoints
$node->safe_psql('postgres', <<'SQL');
SELECT seoulchain.create_chain('wages');
CREATE TABLE at_main (id int) USING ledger;
SET seoulchain.default_chain = 'wages';
CREATE TABLE at_wages (id int) USING ledger;
SQL
$node->safe_psql('postgres', <<'SQL');
BEGIN;
INSERT INTO at_main VALUES (1);
INSERT INTO at_wages VALUES (1);
SAVEPOINT a;
INSERT INTO at_main VALUES (-2);
INSERT INTO at_wages VALUES (-2);
ROLLBACK TO a;
INSERT INTO at_wages SELECT generate_series(2, 500);
INSERT INTO at_main SELECT generate_series(2, 300);
COMMIT;
SQL
seal($node);
seal($node, 'wages');
is_sealed($node, 'at_main', 300, 'one transaction, two chains: the first');
is_sealed($node, 'at_wages', 500, 'the second');
is_intact($node, 'both intact');

# read only after the insert
$node->safe_psql('postgres', 'BEGIN; INSERT INTO saved VALUES (3001); SET TRANSACTION READ ONLY; COMMIT');
# SERIALIZABLE, prepared, prepared with savepoints and a restart in between
$node->safe_psql('postgres', 'BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO saved VALUES (3002); COMMIT');
$node->safe_psql('postgres', q{BEGIN; INSERT INTO saved VALUES (3003); SAVEPOINT a; INSERT INTO saved VALUES (3004); PREPARE TRANSACTION 'kept'});
$node->safe_psql('postgres', q{BEGIN; INSERT INTO saved VALUES (-3005); PREPARE TRANSACTION 'dropped'});
seal($node);
$node->stop('immediate');
$node->start;
$node->safe_psql('postgres', q{COMMIT PREPARED 'kept'; ROLLBACK PREPARED 'dropped'});
# a deferred trigger inserts while the transaction commits
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE plain (id int);
CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO saved VALUES (NEW.id); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER note_it AFTER INSERT ON plain DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_it();
INSERT INTO plain VALUES (3006);
SQL
# a cursor held over the commit, a procedure that commits by itself
$node->safe_psql('postgres', <<'SQL');
CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 10 LOOP
		INSERT INTO saved VALUES (4000 + i);
		IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF;
	END LOOP;
END $$;
CALL commits();
SQL
seal($node);
is($node->safe_psql('postgres', 'SELECT string_agg(id::text, $$ $$ ORDER BY id) FROM saved WHERE id > 3000 OR id < 0'),
	'3001 3002 3003 3004 3006 4002 4004 4006 4008 4010', 'rows of transactions that end in unusual ways');
is_sealed($node, 'saved', 1013, 'are sealed');
is_intact($node, 'and nothing else');

# bounded memory: the same session reports its own private memory before and after
sub grows_little
{
	my ($setup, $sql, $limit_mb, $what) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 1);
	$session->query_safe($setup);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	my $before = anon_memory($pid);
	$session->query_safe('BEGIN');
	$session->query_safe($sql);
	my $during = anon_memory($pid);
	$session->query_safe('COMMIT');
	$session->quit;
	cmp_ok(($during - $before) / 1024, '<', $limit_mb, sprintf('%s: %.1f MB more', $what, ($during - $before) / 1024));
	return;
}

# the same loops on heap tell what the server itself needs
my $blocks = 1_000_000;
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE blocks (id int) USING ledger;
CREATE TABLE warm (id int) USING ledger;
CREATE PROCEDURE each_in_a_block(rows int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. rows LOOP
		BEGIN
			INSERT INTO blocks VALUES (i);
		EXCEPTION WHEN unique_violation THEN
			NULL;
		END;
	END LOOP;
END $$;
CREATE PROCEDURE half_taken_back(rows int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. rows LOOP
		BEGIN
			INSERT INTO blocks VALUES (i);
			IF i % 2 = 0 THEN RAISE unique_violation; END IF;
		EXCEPTION WHEN unique_violation THEN
			NULL;
		END;
	END LOOP;
END $$;
SQL
grows_little('INSERT INTO warm SELECT generate_series(1, 1000)', "CALL each_in_a_block($blocks)", 100,
	"$blocks inserts, each in its own exception block");
seal($node);
is_sealed($node, 'blocks', $blocks, 'all are sealed');
grows_little('INSERT INTO warm SELECT generate_series(1, 1000)', 'CALL half_taken_back(100000)', 100,
	'100000 inserts, every other taken back');
seal($node);
is_sealed($node, 'blocks', $blocks + 50_000, 'each at a leaf of its own');
is_intact($node, 'a million small subtransactions, intact');

my $many = long_run() ? 10_000_000 : 1_000_000;
$node->safe_psql('postgres', 'CREATE TABLE many (id int, v text) USING ledger');
grows_little('INSERT INTO warm SELECT generate_series(1, 1000)',
	"INSERT INTO many SELECT g, 'row ' || g FROM generate_series(1, $many) g", 100, "$many rows in one transaction");
seal($node);
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT ledger_seq FROM many WHERE id % 1000 = 0 OFFSET 0) AS m WHERE seoulchain.leaf_index('many', ledger_seq) IS NULL}), '0', 'they are sealed');
is($node->safe_psql('postgres', q{SELECT count(*) FROM many WHERE ledger_seq IS NULL}), '0', 'every one has its number');
is($node->safe_psql('postgres', 'SELECT count(DISTINCT ledger_seq) FROM many'), $many, 'and no number twice');
is_intact($node, 'and they are intact');

done_testing();
