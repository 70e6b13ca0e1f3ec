-- Acceptance time: the column ledger_time, who fills it, and what leaves say.
SET client_min_messages = warning;
CREATE SCHEMA acceptance;
SET search_path = acceptance;
\set leaf 'convert_from(seoulchain.leaf_data(tableoid, ledger_seq), ''UTF8'')::json'
CREATE VIEW said AS SELECT leaf::json -> 'event' AS event, leaf::json ->> 'table' AS "table"
	FROM seoulchain.event WHERE leaf::json ->> 'table' LIKE 'acceptance.%' ORDER BY ledger_seq;

CREATE TABLE permit (id int, note text) USING ledger;
INSERT INTO permit VALUES (1, 'before');
SELECT seoulchain.add_ledger_time('permit');
SELECT seoulchain.add_ledger_time('permit');	-- has it already
SELECT * FROM said;
\d permit
INSERT INTO permit VALUES (2, 'after') RETURNING id, ledger_time IS NOT NULL AS has_time;
INSERT INTO permit VALUES (3, 'with many'), (4, 'in one statement');
INSERT INTO permit SELECT i, 'more' FROM generate_series(5, 7) i;
CREATE UNIQUE INDEX permit_id ON permit (id);
INSERT INTO permit VALUES (7, 'twice'), (8, 'once') ON CONFLICT DO NOTHING;
MERGE INTO permit USING (VALUES (9)) v (id) ON permit.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'merged');
COPY permit FROM stdin;
10	copied
11	copied
\.
SELECT id, ledger_time BETWEEN now() - interval '1 minute' AND clock_timestamp() AS right_time, note FROM permit ORDER BY id;

-- the leaf holds it from the event on, in UTC, and not as a column
SELECT id, :leaf -> 'columns' AS columns,
	(:leaf ->> 'time')::timestamptz = ledger_time AS same,
	:leaf ->> 'time' = to_char(ledger_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') ||
		regexp_replace(regexp_replace(to_char(ledger_time, '.US'), '0+$', ''), '\.$', '') || '+00' AS utc
FROM permit WHERE id < 4 ORDER BY id;

-- the ledger's to give
INSERT INTO permit (id, ledger_time) VALUES (12, '2018-01-01 00:00:00+00');
COPY permit (id, ledger_time) FROM stdin;
12	2018-01-01 00:00:00+00
\.
CREATE FUNCTION set_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.ledger_time := '2018-01-01 00:00:00+00'; RETURN NEW; END $$;
CREATE TRIGGER set_time BEFORE INSERT ON permit FOR EACH ROW EXECUTE FUNCTION set_time();
INSERT INTO permit VALUES (12, 'by a trigger');
DROP TRIGGER set_time ON permit;

-- and to keep
ALTER TABLE permit DROP COLUMN ledger_time;
ALTER TABLE permit ALTER COLUMN ledger_time TYPE text;
ALTER TABLE permit ALTER COLUMN ledger_time SET DEFAULT now();
ALTER TABLE permit ALTER COLUMN ledger_time SET NOT NULL;
ALTER TABLE permit RENAME COLUMN ledger_time TO accepted;
ALTER TABLE permit ADD COLUMN year numeric GENERATED ALWAYS AS (extract(year FROM ledger_time AT TIME ZONE 'UTC')) STORED;
UPDATE permit SET ledger_time = NULL;
CREATE INDEX ON permit (ledger_time);

-- the name is reserved in ledger tables
CREATE TABLE own (ledger_time timestamptz) USING ledger;
CREATE TABLE own USING ledger AS SELECT now() AS ledger_time;
CREATE TABLE own (ledger_time) USING ledger AS SELECT now();
CREATE TABLE own (id int, at timestamptz) USING ledger;
ALTER TABLE own ADD COLUMN ledger_time timestamptz;
ALTER TABLE own RENAME COLUMN at TO ledger_time;
DROP TABLE own;
CREATE TABLE copied USING ledger AS SELECT id, note FROM permit;
CREATE TABLE alike (LIKE permit) USING ledger;
CREATE TABLE plain (LIKE permit);
CREATE TABLE plain_all (LIKE permit INCLUDING ALL);
SELECT attrelid::regclass, string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid IN ('copied'::regclass, 'alike'::regclass, 'plain'::regclass, 'plain_all'::regclass) AND attnum > 0 AND NOT attisdropped GROUP BY 1 ORDER BY 1;

-- partitions have it all or none
CREATE TABLE trip (day date, id int) PARTITION BY RANGE (day);
SELECT seoulchain.add_ledger_seq('trip');
CREATE TABLE trip_a PARTITION OF trip FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') USING ledger;
CREATE TABLE trip_b PARTITION OF trip FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') USING ledger;
SELECT seoulchain.add_ledger_time('trip_a');
CREATE TABLE trip_c PARTITION OF trip FOR VALUES FROM ('2026-03-01') TO ('2026-04-01') USING ledger;
SELECT * FROM said WHERE "table" LIKE '%trip%' AND event ->> 'type' = 'time';
INSERT INTO trip SELECT '2026-01-15'::date + 28 * i, i FROM generate_series(0, 2) i;
SELECT tableoid::regclass, id, :leaf ->> 'time' IS NOT NULL AS in_leaf FROM trip ORDER BY id;
CREATE TABLE trip_d (day date, id int) USING ledger;
ALTER TABLE trip ATTACH PARTITION trip_d FOR VALUES FROM ('2026-04-01') TO ('2026-05-01');
SELECT seoulchain.add_ledger_time('trip_d');
ALTER TABLE trip ATTACH PARTITION trip_d FOR VALUES FROM ('2026-04-01') TO ('2026-05-01');
CREATE TABLE trap (day date) PARTITION BY RANGE (day);
SELECT seoulchain.add_ledger_seq('trap');
CREATE TABLE trap_a (day date) USING ledger;
SELECT seoulchain.add_ledger_time('trap_a');
ALTER TABLE trap ATTACH PARTITION trap_a FOR VALUES FROM ('2026-04-01') TO ('2026-05-01');
CREATE TABLE split (ledger_time timestamptz) PARTITION BY RANGE (ledger_time);
SELECT seoulchain.add_ledger_seq('split');
CREATE TABLE split_a PARTITION OF split FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') USING ledger;

-- for the owner; not for other tables, nor while rows are being inserted
CREATE ROLE passer_by;
GRANT USAGE ON SCHEMA acceptance TO passer_by;
SET ROLE passer_by;
SELECT seoulchain.add_ledger_time('acceptance.alike');
RESET ROLE;
DROP OWNED BY passer_by;
DROP ROLE passer_by;
SELECT seoulchain.add_ledger_time('plain');
CREATE FUNCTION want_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM seoulchain.add_ledger_time('alike'); RETURN NEW; END $$;
CREATE TRIGGER want_time BEFORE INSERT ON alike FOR EACH ROW EXECUTE FUNCTION want_time();
INSERT INTO alike VALUES (1);
DROP TRIGGER want_time ON alike;

-- what is rolled back leaves nothing
BEGIN;
SAVEPOINT a;
SELECT seoulchain.add_ledger_time('alike');
INSERT INTO alike VALUES (1);
ROLLBACK TO a;
INSERT INTO alike VALUES (2);
COMMIT;
SELECT id, :leaf -> 'time' AS time FROM alike;

SELECT seoulchain.seal() IS NOT NULL AS sealed;
SELECT * FROM seoulchain.verify();
SET client_min_messages = error;
DROP SCHEMA acceptance CASCADE;
