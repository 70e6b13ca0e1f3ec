# Copies: what another node's events make here, who may write it, and what hostile events cannot do.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::City;
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
$city->all_intact('verify() has nothing to say, of the copy neither');
$city->no_dispute('nor has anybody a dispute');

done_testing();
