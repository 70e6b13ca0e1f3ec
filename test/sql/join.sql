--
-- How tables join a chain.
--
CREATE SCHEMA joins;
SET search_path = joins;
\set VERBOSITY default

-- events of a table, without what differs between runs
CREATE VIEW joins.events AS
	SELECT l.ledger_name, (e.leaf::json -> 'event')::text AS event
	FROM seoulchain.event e JOIN seoulchain.ledger l USING (table_id)
	WHERE l.ledger_name LIKE 'joins.%'
	ORDER BY e.ledger_seq;

-- the plain form
CREATE TABLE ballot (id int PRIMARY KEY, voter text NOT NULL, weight numeric(6,2)) USING ledger;
SELECT attname, atttypid::regtype, attnotnull, atthasdef FROM pg_attribute
	WHERE attrelid = 'ballot'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO ballot VALUES (1, 'kim', 1.5), (2, 'lee', 2);
SELECT ledger_name, relation, dropped_seq FROM seoulchain.ledger WHERE relation = 'ballot'::regclass;
SELECT attnum, column_name, c.ledger_name FROM seoulchain.ledger_column c
	JOIN seoulchain.ledger l USING (table_id) WHERE relation = 'ballot'::regclass ORDER BY 1;
-- rows come after their table, in the order of insertion
SELECT id, ledger_seq > joined_seq AS after_join, ledger_seq - lag(ledger_seq) OVER (ORDER BY id) AS step
	FROM ballot, seoulchain.ledger WHERE relation = 'ballot'::regclass ORDER BY id;

-- by the default access method, in a schema's definition, with LIKE
SET default_table_access_method = ledger;
CREATE TABLE by_default (a int);
CREATE SCHEMA joins_inner CREATE TABLE inner_table (a int);
RESET default_table_access_method;
CREATE TABLE like_heap (a int, b text DEFAULT 'x');
CREATE TABLE like_ledger (LIKE like_heap INCLUDING ALL, c date) USING ledger;
CREATE TABLE like_ledger2 (LIKE like_ledger INCLUDING ALL) USING ledger;
CREATE TABLE like_plain (LIKE like_ledger, d int);
CREATE TABLE like_plain_all (LIKE ballot INCLUDING ALL, d int);
CREATE TABLE like_two (LIKE ballot, before int, LIKE like_ledger, after int) USING ledger;
CREATE TABLE like_two_all (LIKE ballot INCLUDING INDEXES, LIKE like_ledger INCLUDING DEFAULTS) USING ledger;
SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'like_two'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attrelid::regclass, string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
	WHERE attrelid IN ('by_default'::regclass, 'joins_inner.inner_table'::regclass, 'like_ledger'::regclass,
		'like_ledger2'::regclass, 'like_plain'::regclass, 'like_plain_all'::regclass)
		AND attnum > 0 AND NOT attisdropped
	GROUP BY 1 ORDER BY min(attrelid::regclass::text);
DROP TABLE joins_inner.inner_table;
DROP SCHEMA joins_inner;

-- IF NOT EXISTS
CREATE TABLE IF NOT EXISTS ballot (other int) USING ledger;
CREATE TABLE IF NOT EXISTS ballot USING ledger AS SELECT 1 AS other;
SELECT count(*) FROM seoulchain.ledger WHERE relation = 'ballot'::regclass;

-- CREATE TABLE AS: the table joins before its first row
CREATE TABLE as_select USING ledger AS SELECT g AS id, 'v' || g AS v FROM generate_series(1, 3) g ORDER BY g DESC;
CREATE TABLE as_hidden (n) USING ledger AS SELECT g, upper('x' || g) FROM generate_series(1, 3) g ORDER BY -g, g % 2 LIMIT 2;
CREATE TABLE as_union USING ledger AS SELECT 1 AS a UNION SELECT 2 UNION ALL SELECT 2 ORDER BY a;
CREATE TABLE as_distinct USING ledger AS SELECT DISTINCT g % 2 AS a FROM generate_series(1, 9) g;
CREATE TABLE as_distinct_on USING ledger AS SELECT DISTINCT ON (g % 2) g % 2 AS a, g FROM generate_series(1, 9) g ORDER BY g % 2, g DESC;
CREATE TABLE as_group USING ledger AS SELECT g % 2 AS a, count(*) AS n FROM generate_series(1, 9) g GROUP BY 1 HAVING count(*) > 1 ORDER BY 1;
CREATE TABLE as_values USING ledger AS VALUES (1, 'a'), (2, 'b');
CREATE TABLE as_table USING ledger AS TABLE like_heap;
CREATE TABLE as_with USING ledger AS WITH w AS (INSERT INTO like_heap VALUES (7) RETURNING a) SELECT a FROM w;
CREATE TABLE as_with_union USING ledger AS WITH w AS (INSERT INTO like_heap VALUES (8) RETURNING a) SELECT a FROM w UNION SELECT 9;
CREATE TABLE as_with_ledger USING ledger AS WITH w AS (INSERT INTO as_with SELECT generate_series(1, 3) RETURNING a) SELECT a FROM w;
CREATE TABLE as_no_data USING ledger AS SELECT 1 AS a WITH NO DATA;
CREATE TABLE as_empty USING ledger AS SELECT 1 AS a WHERE false;
SET default_table_access_method = ledger;
SELECT 5 AS five INTO select_into;
RESET default_table_access_method;
-- what EXPLAIN prints differs between majors
DO $$BEGIN EXECUTE 'EXPLAIN (ANALYZE) CREATE TABLE as_explained USING ledger AS SELECT 1 AS a'; END$$;

-- rows in their order, and how far behind the join event each stands
CREATE FUNCTION rows_of(t regclass, OUT "row" jsonb, OUT after_join int8) RETURNS SETOF record
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT to_jsonb(t) - %L, ledger_seq - joined_seq FROM %s t, seoulchain.ledger WHERE relation = %s ORDER BY ledger_seq',
		'ledger_seq', t, t::oid);
END
$$;
SELECT t, r.* FROM unnest(ARRAY['as_select', 'as_hidden', 'as_union', 'as_distinct_on', 'as_group', 'as_values',
	'as_with', 'as_with_union', 'as_with_ledger', 'as_no_data', 'as_empty', 'select_into', 'as_explained']::regclass[]) WITH ORDINALITY u(t, n),
	rows_of(t) r ORDER BY n, after_join;
SELECT l.relation, c.column_name FROM seoulchain.ledger l JOIN seoulchain.ledger_column c USING (table_id)
	WHERE relation IN ('as_hidden'::regclass, 'as_no_data'::regclass, 'as_empty'::regclass) ORDER BY relation::text, attnum;

-- from EXECUTE, names too many or taken
PREPARE p AS SELECT 1 AS a;
CREATE TABLE as_execute USING ledger AS EXECUTE p;
CREATE TABLE as_names (a, b) USING ledger AS SELECT 1;
CREATE TABLE as_taken USING ledger AS SELECT * FROM ballot;
CREATE TABLE as_taken (ledger_seq) USING ledger AS SELECT 1;
CREATE TABLE as_renamed (a, b, c, d) USING ledger AS SELECT * FROM ballot;
CREATE TABLE taken (id int, ledger_seq bigint) USING ledger;

-- what cannot be a ledger table
CREATE TEMPORARY TABLE bad (a int) USING ledger;
CREATE TABLE pg_temp.bad (a int) USING ledger;
CREATE TEMPORARY TABLE bad USING ledger AS SELECT 1 AS a;
CREATE UNLOGGED TABLE bad (a int) USING ledger;
CREATE UNLOGGED TABLE bad USING ledger AS SELECT 1 AS a;
CREATE TYPE typed AS (a int);
CREATE TABLE bad OF typed USING ledger;
CREATE TABLE bad (b int) INHERITS (like_heap) USING ledger;
CREATE TABLE bad (b int) INHERITS (ballot);
CREATE TABLE bad () INHERITS (like_heap, ballot);
CREATE MATERIALIZED VIEW bad USING ledger AS SELECT 1 AS a;
CREATE TABLE bad (a typed) USING ledger;
CREATE TABLE bad (a money) USING ledger;
CREATE TABLE bad USING ledger AS SELECT 'pg_class'::regclass AS a;
CREATE FOREIGN TABLE bad (a int) SERVER none USING ledger;
SET default_table_access_method = ledger;
CREATE TEMPORARY TABLE bad (a int);
CREATE MATERIALIZED VIEW bad AS SELECT 1 AS a;
RESET default_table_access_method;
SELECT to_regclass('bad');

-- types in the join event
CREATE TYPE color AS ENUM ('red', 'green');
CREATE DOMAIN km AS numeric(8,1) CHECK (VALUE >= 0);
CREATE TABLE types (
	a int, b varchar(10), c numeric(10,2), d timestamptz(3), e uuid, f text[], g color, h color[], i km,
	j int8range, k interval day to second, l char(3), m bit varying(5), o bytea, p double precision,
	q int GENERATED ALWAYS AS (a + 1) STORED, "odd ""name" jsonb) USING ledger;
SELECT * FROM events WHERE ledger_name = 'joins.types';

-- a name is used once in a chain
CREATE TABLE again (a int) USING ledger;
DROP TABLE again;
CREATE TABLE again (a int) USING ledger;
BEGIN;
DROP TABLE again;
CREATE TABLE again (a int) USING ledger;
COMMIT;
SELECT ledger_name, relation <> 0 AS there, dropped_seq > joined_seq AS dropped FROM seoulchain.ledger
	WHERE ledger_name LIKE 'joins.again%' ORDER BY table_id;
SELECT * FROM events WHERE ledger_name LIKE 'joins.again%';

-- a table that was not created did not join
BEGIN;
CREATE TABLE gone (a int) USING ledger;
SAVEPOINT s;
CREATE TABLE gone2 (a int) USING ledger;
INSERT INTO gone2 VALUES (1);
ROLLBACK TO s;
INSERT INTO gone VALUES (1);
ROLLBACK;
SELECT count(*) FROM seoulchain.ledger WHERE ledger_name LIKE 'joins.gone%';

-- another chain
SET seoulchain.default_chain = 'Upper';
SET seoulchain.default_chain = 'witness';
SET seoulchain.default_chain = 'joins-2';
CREATE TABLE elsewhere (a int) USING ledger;
INSERT INTO elsewhere VALUES (1) RETURNING *;
CREATE TABLE ballot2 (a int) USING ledger;
RESET seoulchain.default_chain;
SELECT name, origin ~ '^unnamed/[0-9a-f]{32}/joins-2$' AS unnamed, log_key FROM seoulchain.chain WHERE name = 'joins-2';
SELECT ledger_name FROM seoulchain.ledger JOIN seoulchain.chain USING (chain_id) WHERE name = 'joins-2' ORDER BY 1;

-- from functions, by ordinary roles
CREATE ROLE joins_user;
GRANT CREATE, USAGE ON SCHEMA joins TO joins_user;
SET ROLE joins_user;
DO $$
BEGIN
	FOR i IN 1..3 LOOP
		EXECUTE format('CREATE TABLE made_%s (a int) USING ledger', i);
		EXECUTE format('INSERT INTO made_%s SELECT generate_series(1, 2)', i);
	END LOOP;
END
$$;
SET seoulchain.restore = on;
CREATE TABLE made_like (LIKE ballot);
-- chains are the operator's
SET seoulchain.default_chain = 'joins-mine';
CREATE TABLE mine (a int) USING ledger;
RESET seoulchain.default_chain;
RESET ROLE;
SELECT relation, count(c.*) FROM seoulchain.ledger LEFT JOIN seoulchain.ledger_column c USING (table_id)
	WHERE relation::text LIKE 'made%' GROUP BY 1 ORDER BY min(relation::text);

-- an extension cannot own one
CREATE TABLE owned (a int) USING ledger;
ALTER EXTENSION seoulchain ADD TABLE owned;

SET client_min_messages = warning;
DROP SCHEMA joins CASCADE;
SELECT count(*) FILTER (WHERE dropped_seq IS NULL) AS left, count(*) FILTER (WHERE relation <> 0) AS there
	FROM seoulchain.ledger WHERE ledger_name LIKE 'joins.%';
DROP ROLE joins_user;
