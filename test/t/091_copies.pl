# Copies: what another node's events make here, who may write it, and what hostile events cannot do.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::City;
use Seoulchain::Rules qw(put_rule);
use Seoulchain::Sign;
use Seoulchain::Test;

my $city = Seoulchain::City->new(nodes => [qw(hall shop)]);
my $origin = $city->origin('hall');

# settings of the origin's sessions and walsenders must not show in leaves of copies
$city->sql('hall', q{ALTER DATABASE postgres SET timezone = 'Asia/Seoul'; ALTER DATABASE postgres SET bytea_output = 'escape'});
$city->sql('shop', q{ALTER DATABASE postgres SET timezone = 'America/New_York'; ALTER DATABASE postgres SET datestyle = 'SQL, DMY'});

# --- every kind of column -------------------------------------------------------------------------
$city->sql('hall', <<'SQL');
CREATE SCHEMA hall;
CREATE SCHEMA "odd.schema";
CREATE TYPE hall.colour AS ENUM ('red', 'blue');
CREATE DOMAIN hall.km AS numeric(10,2) CHECK (VALUE >= 0);
CREATE DOMAIN hall.moment AS timestamptz;
CREATE DOMAIN hall.code AS bytea;
CREATE TYPE hall.span AS RANGE (subtype = timestamptz);
CREATE TABLE hall.kinds (
	b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, n2 numeric(10,2), t text, v varchar(10), c char(5), na name,
	by bytea, u uuid, d date, ti time, tz timetz(3), ts timestamp, tsz timestamptz(3), iv interval, ivf interval day to second,
	bi bit(3), vb varbit, j json, jb jsonb, ine inet, ci cidr, m macaddr, p point, tv tsvector, l pg_lsn,
	ia int[], ta text[], tsa timestamptz[], r4 int4range, rz tstzrange, mr int4multirange,
	e hall.colour, ea hall.colour[], k hall.km, ka hall.km[], mo hall.moment, moa hall.moment[], co hall.code, sp hall.span,
	"odd ""name" text, g int GENERATED ALWAYS AS (i4 * 2) STORED
) USING ledger;
CREATE TABLE "odd.schema"."odd.table" (a int) USING ledger;
CREATE TABLE hall.again (a int) USING ledger;
SQL
my $kinds = <<'SQL';
INSERT INTO hall.kinds VALUES (true, -1, 2, 3, 1.5, 1e-300, 1.50, 1.5, 'text "x" \ ü', 'v', 'c', 'na', '\x00ff41', '6ecd8c99-4036-403d-bf84-cf8400f67836',
	'2026-11-23', '10:00:00.5', '10:00+09', '2026-11-23 10:00', '2026-11-23 10:00+00', '1 year 2 mons -3 days 04:05:06', '1 day 02:00',
	'101', '10', '{"a" : 1}', '{"b": [1, null]}', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '(1,2.5)', 'a fat cat', '1/2',
	'{1,NULL,3}', '{a,"b c"}', '{2026-11-23 10:00+00}', '[1,5)', '[2026-01-01 00:00+00,2026-01-02 00:00+00)', '{[1,3),[5,8)}',
	'red', '{red,blue}', 12.5, '{1.25,2}', '2026-11-23 10:00+00', '{2026-11-23 10:00+00}', '\x00ff41', '[2026-01-01 00:00+00,2026-01-02 00:00+00)', 'odd');
INSERT INTO hall.kinds (i4) VALUES (NULL), (7);
INSERT INTO hall.kinds (t, by) VALUES (repeat('long', 1000), decode(repeat('ab', 5000), 'hex'));
INSERT INTO "odd.schema"."odd.table" SELECT generate_series(1, 3000);
SQL
$city->sql('hall', $kinds);
$city->sql('hall', 'SELECT seoulchain.seal()');

$city->add_peers('hall', 'shop');
$city->follow('shop', 'hall');
ok($city->wait_cosigned('hall'), 'blocks of tables with every kind of column are recomputed and cosigned') or do { $city->tell; done_testing(); exit };
$city->sql('hall', $kinds);
ok($city->wait_cosigned('hall'), 'rows that come one by one too');
is($city->sql('shop', q{SELECT count(*) FROM hall.kinds}), 8, 'the rows are there');
is($city->sql('shop', q{SELECT count(*), count(DISTINCT ledger_seq) FROM "odd.schema"."odd.table"}), '6000|6000', 'rows of a table with dots in its name');
is($city->sql('shop', q{SELECT string_agg(attname || ' ' || format_type(atttypid, -1), ', ' ORDER BY attnum) FROM pg_attribute
	WHERE attrelid = 'hall.kinds'::regclass AND attname IN ('n2', 'c', 'e', 'ea', 'k', 'ka', 'mo', 'moa', 'co', 'sp', 'g', 'ledger_seq')}),
	'n2 numeric, c bpchar, e text, ea text, k numeric, ka numeric[], mo timestamp with time zone, moa timestamp with time zone[], co bytea, '
	  . 'sp tstzrange, ledger_seq bigint', 'types are built-in ones or text; generated columns are not copied');
sub refused
{
	my ($name, $statement, $why, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out, $err) = $city->node($name)->psql('postgres', $statement);
	return like($err, $why, "$what is refused");
}

# what both nodes say alike
sub same_answer
{
	my ($what, $hall, $shop) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $same = q{SET bytea_output = 'hex'; SET timezone = 'UTC'; SET datestyle = 'ISO'; };
	return is($city->sql('shop', $same . ($shop // $hall)), $city->sql('hall', $same . $hall), $what);
}

# --- what can be asked of a copy ------------------------------------------------------------------
same_answer('the copy has its leaves', q{SELECT ledger_seq, seoulchain.leaf_index('hall.kinds', ledger_seq),
	encode(seoulchain.leaf_data('hall.kinds', ledger_seq), 'hex') FROM hall.kinds ORDER BY ledger_seq});
my $lines = q{SELECT string_agg(l, E'\n' ORDER BY l) FROM regexp_split_to_table(seoulchain.checkpoint('%s'), E'\n') l WHERE l !~ '^— city/shop'};
same_answer('checkpoint() of a copy', sprintf($lines, 'main'), sprintf($lines, $origin));
same_answer('root_hash() of a copy', q{SELECT seoulchain.root_hash('main', 10)}, "SELECT seoulchain.root_hash('$origin', 10)");
same_answer('consistency_proof() of a copy', q{SELECT seoulchain.consistency_proof('main', 5)}, "SELECT seoulchain.consistency_proof('$origin', 5)");
same_answer('inclusion_proof() of a copy', q{SELECT leaf_index, path, root_hash FROM seoulchain.inclusion_proof('hall.kinds', (SELECT min(ledger_seq) FROM hall.kinds))});
same_answer('verifier_key() of a copy', q{SELECT seoulchain.verifier_key('main')}, "SELECT seoulchain.verifier_key('$origin')");
like($city->sql('shop', q{SELECT seoulchain.receipt('hall.kinds', (SELECT min(ledger_seq) FROM hall.kinds))}), qr/\Q$origin\E/, 'receipt() of a row of a copy');
is($city->sql('shop', q{SELECT seoulchain.wait_for_seal('hall.kinds', (SELECT max(ledger_seq) FROM hall.kinds), '1 s') IS NOT NULL}), 't', 'wait_for_seal() of a row of a copy');
is($city->sql('shop', "SELECT open, signing FROM seoulchain.seal_status WHERE chain = '$origin'"), 't|copy', 'seal_status tells that it is a copy');

# --- what cannot be done to a copy ----------------------------------------------------------------
my $copy = qr/(ledger table "\w+" is a copy|chain ".*" is a copy of another node's chain)/;
refused('shop', $_->[0], $copy, $_->[1]) foreach
	[ 'INSERT INTO hall.again VALUES (1)', 'INSERT' ],
	[ 'INSERT INTO hall.again VALUES (1) ON CONFLICT DO NOTHING', 'INSERT ... ON CONFLICT' ],
	[ "COPY hall.again FROM PROGRAM 'echo 1'", 'COPY' ],
	[ 'ALTER TABLE hall.again ADD COLUMN x int', 'ADD COLUMN' ],
	[ 'ALTER TABLE hall.again RENAME TO other', 'RENAME' ],
	[ 'ALTER TABLE hall.again RENAME a TO b', 'RENAME COLUMN' ],
	[ 'ALTER TABLE hall.again SET SCHEMA public', 'SET SCHEMA' ],
	[ 'ALTER SCHEMA hall RENAME TO hell', 'renaming the schema' ],
	[ 'DROP TABLE hall.again', 'DROP TABLE' ],
	[ 'DROP SCHEMA hall CASCADE', 'DROP SCHEMA CASCADE' ],
	[ 'CREATE UNIQUE INDEX ON hall.again (a)', 'a unique index' ],
	[ 'CREATE INDEX ON hall.again ((1 / a))', 'an index on an expression' ],
	[ 'CREATE INDEX ON hall.again (a) WHERE 1 / a > 0', 'a partial index' ],
	[ 'ALTER TABLE hall.again ADD CHECK (a > 0)', 'CHECK' ],
	[ 'ALTER TABLE hall.again ALTER a SET NOT NULL', 'NOT NULL' ],
	[ 'ALTER TABLE hall.again ALTER a SET DEFAULT 1', 'DEFAULT' ],
	[ 'ALTER TABLE hall.again ADD FOREIGN KEY (a) REFERENCES hall.again (a)', 'FOREIGN KEY' ],
	[ 'ALTER TABLE hall.again ENABLE ROW LEVEL SECURITY', 'row level security' ],
	[ 'CREATE POLICY p ON hall.again', 'a policy' ],
	[ 'CREATE RULE r AS ON INSERT TO hall.again DO INSTEAD NOTHING', 'a rule' ],
	[ 'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$; CREATE TRIGGER t BEFORE INSERT ON hall.again FOR EACH ROW EXECUTE FUNCTION f()', 'a trigger' ],
	[ "SELECT seoulchain.add_ledger_time('hall.again')", 'add_ledger_time()' ],
	[ "SELECT seoulchain.require_signature('hall.kinds', 't', 'v')", 'require_signature()' ],
	[ "SELECT seoulchain.seal('$origin')", 'seal()' ],
	[ "SELECT seoulchain.rotate_log_key('$origin')", 'rotate_log_key()' ],
	[ "SELECT seoulchain.install_members('$origin')", 'install_members()' ],
	[ qq{SELECT seoulchain.propose_contract('{"contract": "c"}', '$origin')}, 'propose_contract()' ],
	[ "SELECT seoulchain.resume_signing('$origin')", 'resume_signing()' ];
refused('shop', "SELECT seoulchain.share('$origin', 'city/hall')", qr/is a copy of another node's/, 'share()');
refused('shop', "SET seoulchain.default_chain = '$origin'", qr/invalid value/, 'a default chain that is a copy');
refused('shop', "UPDATE hall.again SET a = 1", qr/append-only/, 'UPDATE');
refused('shop', "DELETE FROM hall.kinds", qr/append-only/, 'DELETE');
refused('shop', "TRUNCATE hall.again", qr/append-only/, 'TRUNCATE');
refused('shop', "SELECT seoulchain.create_chain('$origin')", qr/is no name for a chain/, 'create_chain()');
refused('shop', "SELECT seoulchain.open_chain('$origin')", qr/open already/, 'open_chain()');
refused('shop', "SELECT seoulchain.drop_copy('$origin')", qr/is followed/, 'drop_copy() of a chain that is followed');
$city->sql('shop', 'CREATE INDEX ON hall.kinds (t, i4); GRANT SELECT ON hall.kinds TO PUBLIC; VACUUM FULL hall.kinds; CLUSTER hall.again USING again_ledger_seq_idx');

# --- tables and columns change ----------------------------------------------------------------------
$city->sql('hall', q{ALTER TABLE hall.again ADD COLUMN b hall.km DEFAULT 3, ADD COLUMN c text});
$city->sql('hall', q{INSERT INTO hall.again (a) VALUES (1); INSERT INTO hall.again (a, b, c) VALUES (2, 2.5, 'x')});
$city->sql('hall', q{ALTER TABLE hall.again RENAME b TO c2});
$city->sql('hall', q{INSERT INTO hall.again (a, c2) VALUES (3, 4)});
$city->sql('hall', q{BEGIN; ALTER TABLE hall.again RENAME c TO tmp; ALTER TABLE hall.again RENAME c2 TO c; ALTER TABLE hall.again RENAME tmp TO c2; COMMIT});
$city->sql('hall', q{INSERT INTO hall.again (a, c, c2) VALUES (4, 5, 'swapped')});
$city->sql('hall', q{CREATE SCHEMA other; ALTER TABLE hall.again SET SCHEMA other});
$city->sql('hall', q{INSERT INTO other.again VALUES (5)});
$city->sql('hall', q{ALTER TABLE other.again RENAME TO "a.b"; ALTER TABLE other."a.b" RENAME a TO "spaced out"});
$city->sql('hall', q{INSERT INTO other."a.b" VALUES (6)});
$city->sql('hall', q{ALTER SCHEMA other RENAME TO another});
$city->sql('hall', q{INSERT INTO another."a.b" VALUES (7)});
$city->sql('hall', q{CREATE TABLE hall.again (z int) USING ledger});
$city->sql('hall', q{INSERT INTO hall.again VALUES (100)});
$city->sql('hall', q{SELECT seoulchain.add_ledger_time('hall.again')});
$city->sql('hall', q{INSERT INTO hall.again VALUES (101)});
$city->sql('hall', q{CREATE TABLE hall.part (id int, y int) PARTITION BY LIST (y); SELECT seoulchain.add_ledger_seq('hall.part');
	CREATE TABLE hall.part26 PARTITION OF hall.part FOR VALUES IN (26) USING ledger});
$city->sql('hall', q{INSERT INTO hall.part VALUES (1, 26)});
$city->sql('hall', q{CREATE TABLE hall.gone (a int) USING ledger; DROP TABLE hall.gone; CREATE TABLE hall.gone (b text) USING ledger});
$city->sql('hall', q{INSERT INTO hall.gone VALUES ('second')});
ok($city->wait_cosigned('hall'), 'blocks behind changes of tables are cosigned') or do { $city->tell; done_testing(); exit };
same_answer("rows of $_ are the same", "SELECT * FROM $_ ORDER BY ledger_seq") foreach 'another."a.b"', 'hall.again', 'hall.part26', 'hall.gone';
is($city->sql('shop', q{SELECT count(*) FROM hall.again WHERE ledger_time IS NOT NULL}), 1, 'acceptance times are the origin\'s');

# --- on a shared chain, rows and changes of tables are apart ----------------------------------------
my $apart = qr/rows of chain "main" and a change of its tables cannot be one transaction/;
refused('hall', $_->[0], $apart, $_->[1]) foreach
	[ 'BEGIN; CREATE TABLE hall.x (a int) USING ledger; INSERT INTO hall.x VALUES (1); COMMIT', 'CREATE TABLE and INSERT in one transaction' ],
	[ 'BEGIN; INSERT INTO hall.gone VALUES (1); ALTER TABLE hall.gone ADD COLUMN c int; COMMIT', 'INSERT and ADD COLUMN' ],
	[ 'BEGIN; SAVEPOINT s; INSERT INTO hall.gone VALUES (1); RELEASE s; ALTER TABLE hall.gone RENAME b TO c; COMMIT', 'INSERT in a savepoint and RENAME' ],
	[ 'CREATE TABLE hall.x USING ledger AS SELECT 1 AS a', 'CREATE TABLE AS' ];
$city->sql('hall', q{BEGIN; SAVEPOINT s; INSERT INTO hall.gone VALUES (1); ROLLBACK TO s; ALTER TABLE hall.gone ADD COLUMN c int; COMMIT});
$city->sql('hall', q{BEGIN; SAVEPOINT s; ALTER TABLE hall.gone ADD COLUMN d int; ROLLBACK TO s; INSERT INTO hall.gone (b) VALUES ('third'); COMMIT});
refused('hall', 'DROP TABLE hall.gone', qr/cannot be dropped/, 'DROP of a table with rows');
$city->sql('hall', q{CREATE FUNCTION hall.judge() RETURNS text LANGUAGE sql AS 'SELECT NULL::text'});
refused('hall', q{SELECT seoulchain.propose_contract('{"contract": "sql", "ordinance": {"name": "Ordinance", "number": 1, "from": "2026-01-01"}, "tables": [{"table": "hall.part26", "rules": [{"name": "sql", "parameters": {"function": "hall.judge"}}]}]}')},
	qr/chains that are not shared/, 'a rule in SQL');

# --- members, signatures, contracts, keys ---------------------------------------------------------
my $key = make_key('ed25519');
$city->sql('hall', q{SELECT seoulchain.install_members('main', 'hall_members')});
$city->sql('hall', q{CREATE TABLE hall.vote (id int, voter text, choice text, sig text) USING ledger});
$city->sql('hall', q{SELECT seoulchain.require_signature('hall.vote', 'voter', 'sig')});
$city->sql('hall', qq{INSERT INTO hall_members.member (member, kind) VALUES ('kim', 'citizen');
	INSERT INTO hall_members.key (member, key, algorithm, public_key) VALUES ('kim', 'k', 'EdDSA', '\\x@{[unpack 'H*', public_der($key)]}')});
my $payload = $city->sql('hall', q{SELECT seoulchain.signing_payload('hall.vote', jsonb_populate_record(NULL::hall.vote, '{"id":1,"voter":"kim","choice":"yes"}'))});
$city->sql('hall', "INSERT INTO hall.vote VALUES (1, 'kim', 'yes', '@{[jws($key, $payload)]}')");
$city->sql('hall', q{CREATE TABLE hall.one (id int, v text) USING ledger});
put_rule($city->node('hall'), 'hall.one', 'first', 'one_per', '{"key": ["id"]}');
$city->sql('hall', q{INSERT INTO hall.one VALUES (1, 'a')});
put_rule($city->node('hall'), 'hall.one', 'second', 'one_per', '{"key": ["id", "v"]}');
$city->sql('hall', q{SELECT seoulchain.retire_contract('second', 'enough')});
$city->sql('hall', q{SELECT seoulchain.rotate_log_key('main')});
$city->sql('hall', q{INSERT INTO hall.one VALUES (2, 'a')});
ok($city->wait_cosigned('hall'), 'blocks behind members, contracts and a change of key are cosigned') or do { $city->tell; done_testing(); exit };
same_answer('contracts', q{SELECT contract, version, state, active_from, active_until FROM seoulchain.contract_versions WHERE chain = 'main'},
	"SELECT contract, version, state, active_from, active_until FROM seoulchain.contract_versions WHERE chain = '$origin'");
same_answer('their rules', q{SELECT rule, rule_version, digest, parameters, active_from, active_until, ordinal FROM seoulchain.contract_rule ORDER BY rule_id},
	qq{SELECT r.rule, r.rule_version, r.digest, r.parameters, r.active_from, r.active_until, r.ordinal FROM seoulchain.contract_rule r JOIN seoulchain.contract c USING (contract_id)
		JOIN seoulchain.chain n USING (chain_id) WHERE n.name = '$origin' ORDER BY rule_id});
same_answer('signature rules', q{SELECT rule_seq, signer, signature, columns FROM seoulchain.signature_rule});
same_answer('keys that were replaced', q{SELECT ledger_seq, old_key, new_key FROM seoulchain.rotation});
same_answer('verifier_key() behind a change of key', q{SELECT seoulchain.verifier_key('main')}, "SELECT seoulchain.verifier_key('$origin')");
is($city->sql('shop', q{SELECT count(*) FROM seoulchain.verify_signatures('hall.vote')}), '0', 'signatures are verified on a copy');
is($city->sql('shop', q{SELECT count(*) FROM seoulchain.verify_indexes('hall.vote')}), '0', 'and indexes');
$city->all_intact('verify() has nothing to say, of the copy neither');
$city->no_dispute('nor has anybody a dispute');


# --- dump and restore -----------------------------------------------------------------------------
my $shop = $city->node('shop');
my $dump = $shop->backup_dir . '/copies.dump';
mkdir $shop->backup_dir;
command_ok([ 'pg_dump', '-Fc', '--no-subscriptions', '-f', $dump, '-d', $shop->connstr('postgres') ], 'a database with copies is dumped');
$city->sql('shop', 'CREATE DATABASE restored');
{
	local $ENV{PGOPTIONS} = '-c seoulchain.restore=on';
	command_ok([ 'pg_restore', '--exit-on-error', '-d', $shop->connstr('restored'), $dump ], 'and restored');
}
my ($status, $out, $err) = $shop->psql('restored', 'INSERT INTO hall.one VALUES (9)');
like($err, qr/closed/, 'the restored copy is closed');
$shop->safe_psql('restored', "SELECT seoulchain.open_chain('$origin')");
($status, $out, $err) = $shop->psql('restored', 'INSERT INTO hall.one VALUES (9)');
like($err, $copy, 'opened, it is a copy again');
is($shop->safe_psql('restored', "SELECT chain, relation, ledger_seq, fault FROM seoulchain.verify()"), '', 'and intact');
is($shop->safe_psql('restored', "SELECT seoulchain.checkpoint('$origin')"), $city->sql('shop', "SELECT seoulchain.checkpoint('$origin')"), 'its checkpoint is there');

# --- damage to a copy is found --------------------------------------------------------------------
$shop->safe_psql('restored', q{SET allow_system_table_mods = on;
	UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = 'hall.one'::regclass;
	UPDATE hall.one SET v = 'forged' WHERE id = 1; DELETE FROM hall.one WHERE id = 2;
	UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger') WHERE oid = 'hall.one'::regclass;
	UPDATE seoulchain.event SET leaf = replace(leaf, 'hall.vote', 'hall.veto') WHERE leaf LIKE '%"type":"join"%hall.vote%'});
is($shop->safe_psql('restored', "SELECT string_agg(DISTINCT fault, ', ' ORDER BY fault) FROM seoulchain.verify() WHERE chain = '$origin'"),
	'event altered, registry altered, row altered, row missing', 'verify() names the damage of a copy');

# --- given up, dropped, followed again ------------------------------------------------------------
my $first = $city->sql('shop', "SELECT chain_id FROM seoulchain.chain WHERE name = '$origin'");
$city->sql('shop', "SELECT seoulchain.unfollow('$origin')");
$city->sql('shop', 'CREATE VIEW public.sees AS SELECT * FROM hall.one');
refused('shop', "SELECT seoulchain.drop_copy('$origin')", qr/depend/, 'drop_copy() of tables that a view uses');
$city->sql('shop', 'DROP VIEW public.sees');
ok($shop->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_subscription_rel r JOIN pg_class c ON c.oid = r.srrelid WHERE c.relnamespace = 'hall'::regnamespace)"),
	'nothing comes for its tables any more');
$city->sql('shop', "SELECT seoulchain.drop_copy('$origin')");
is($city->sql('shop', q{SELECT to_regclass('hall.one') IS NULL, count(*) FROM seoulchain.chain WHERE copy}), 't|0', 'a copy is dropped as a whole');
is($city->sql('shop', "SELECT (SELECT count(*) FROM seoulchain.event WHERE chain_id = $first) + (SELECT count(*) FROM seoulchain.chain_block WHERE chain_id = $first)
	+ (SELECT count(*) FROM seoulchain.contract WHERE chain_id = $first)"), 0, 'with its events, blocks and contracts');
$city->sql('shop', "SELECT seoulchain.follow('$origin')");
$city->sql('hall', q{INSERT INTO hall.one VALUES (3, 'again')});
ok($city->wait_cosigned('hall'), 'followed again, it comes again') or $city->tell;
same_answer('with all its rows', 'SELECT * FROM hall.one ORDER BY ledger_seq');
$city->all_intact('and intact');
$city->no_dispute('without a dispute');

done_testing();
