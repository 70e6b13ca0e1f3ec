--
-- Changing rows of a ledger table is refused, on every path of SQL, for the superuser too.
--
CREATE SCHEMA refuse;
SET search_path = refuse;
CREATE TABLE ballot (id int PRIMARY KEY, voter text) USING ledger;
INSERT INTO ballot VALUES (1, 'kim'), (2, 'lee');
CREATE TABLE other (id int PRIMARY KEY, voter text);
INSERT INTO other VALUES (1, 'choi'), (3, 'park');

-- the error itself
DO $$
DECLARE
	detail text;
	hint text;
BEGIN
	UPDATE refuse.ballot SET voter = 'x';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE NOTICE '% | % | % | %', sqlstate, sqlerrm, detail, hint;
END
$$;
\set SHOW_CONTEXT never

UPDATE ballot SET voter = 'x' WHERE id = 1;
UPDATE ballot SET voter = 'x' WHERE false;
UPDATE ballot SET voter = other.voter FROM other WHERE other.id = ballot.id;
UPDATE ONLY ballot SET ledger_seq = 7;
DELETE FROM ballot;
DELETE FROM ballot WHERE id = 99;
DELETE FROM ballot USING other WHERE other.id = ballot.id;
TRUNCATE ballot;
TRUNCATE other, ballot;
BEGIN;
CREATE TABLE fresh (a int) USING ledger;
INSERT INTO fresh VALUES (1);
SAVEPOINT s;
TRUNCATE fresh;
ROLLBACK;

-- ON CONFLICT and MERGE
INSERT INTO ballot VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET voter = excluded.voter;
INSERT INTO ballot VALUES (9, 'x') ON CONFLICT (id) DO UPDATE SET voter = excluded.voter;
MERGE INTO ballot b USING other o ON b.id = o.id WHEN MATCHED THEN UPDATE SET voter = o.voter;
MERGE INTO ballot b USING other o ON b.id = o.id WHEN MATCHED THEN DELETE;
MERGE INTO ballot b USING other o ON b.id = o.id
	WHEN MATCHED AND false THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (o.id, o.voter);
SELECT id, voter FROM ballot ORDER BY id;

-- WITH, cursors, prepared statements, EXPLAIN, functions, DO
WITH w AS (DELETE FROM ballot RETURNING *) SELECT * FROM w;
WITH w AS (UPDATE ballot SET voter = 'x' RETURNING *) INSERT INTO other SELECT id + 10, voter FROM w;
WITH w AS (DELETE FROM ballot) SELECT 1;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM ballot FOR UPDATE;
MOVE c;
UPDATE ballot SET voter = 'x' WHERE CURRENT OF c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM ballot FOR UPDATE;
MOVE c;
DELETE FROM ballot WHERE CURRENT OF c;
ROLLBACK;
PREPARE up(int) AS UPDATE ballot SET voter = 'x' WHERE id = $1;
EXECUTE up(1);
DEALLOCATE up;
COPY (DELETE FROM ballot RETURNING id) TO stdout;
CREATE TABLE taken AS WITH w AS (DELETE FROM ballot RETURNING *) SELECT * FROM w;
SELECT * FROM ballot WHERE id IN (WITH w AS (UPDATE ballot SET id = 1 RETURNING id) SELECT id FROM w);
EXPLAIN (COSTS OFF) DELETE FROM ballot;
EXPLAIN ANALYZE DELETE FROM ballot;
DO $$ BEGIN DELETE FROM ballot; END $$;
CREATE FUNCTION change_sql() RETURNS void LANGUAGE sql AS 'UPDATE refuse.ballot SET voter = NULL';
SELECT change_sql();

-- views and rules
CREATE VIEW ballot_view AS SELECT id, voter FROM ballot WHERE id < 100;
INSERT INTO ballot_view VALUES (4, 'jung');
UPDATE ballot_view SET voter = 'x';
DELETE FROM ballot_view;
CREATE RULE other_delete AS ON DELETE TO other DO ALSO DELETE FROM ballot WHERE id = old.id;
DELETE FROM other WHERE id = 1;
DROP RULE other_delete ON other;
CREATE RULE "_RETURN" AS ON SELECT TO ballot DO INSTEAD SELECT 1 AS id, 'x'::text AS voter, 1::bigint AS ledger_seq;
CREATE TABLE empty (a int) USING ledger;
CREATE RULE "_RETURN" AS ON SELECT TO empty DO INSTEAD SELECT 1 AS a, 1::bigint AS ledger_seq;

-- foreign keys: the ledger side never follows
CREATE TABLE child_cascade (ballot int REFERENCES other ON DELETE CASCADE ON UPDATE CASCADE) USING ledger;
INSERT INTO child_cascade VALUES (1);
DELETE FROM other WHERE id = 1;
UPDATE other SET id = 5 WHERE id = 1;
CREATE TABLE child_null (ballot int REFERENCES other ON DELETE SET NULL) USING ledger;
INSERT INTO child_null VALUES (3);
DELETE FROM other WHERE id = 3;
CREATE TABLE child_default (ballot int DEFAULT 1 REFERENCES other ON DELETE SET DEFAULT) USING ledger;
INSERT INTO child_default VALUES (3);
TRUNCATE other CASCADE;
SELECT * FROM other ORDER BY id;

-- a supplied ledger_seq
INSERT INTO ballot (id, ledger_seq) VALUES (5, 1);
INSERT INTO ballot VALUES (5, 'x', 1);
INSERT INTO ballot (id, ledger_seq) VALUES (5, NULL), (6, DEFAULT);
INSERT INTO ballot SELECT id + 10, voter, sign(ledger_seq) FROM ballot;
INSERT INTO ballot (id, ledger_seq) OVERRIDING SYSTEM VALUE VALUES (7, 1);
INSERT INTO ballot (id, ledger_seq) VALUES (7, 1) ON CONFLICT DO NOTHING;
CREATE FUNCTION supply() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.ledger_seq := 1; RETURN new; END';
CREATE TRIGGER supply BEFORE INSERT ON ballot FOR EACH ROW EXECUTE FUNCTION supply();
INSERT INTO ballot VALUES (7, 'x');
DROP TRIGGER supply ON ballot;
COPY ballot (id, ledger_seq) FROM stdin;
7	1
\.

-- functions that lie about being immutable
CREATE FUNCTION run(text) RETURNS int LANGUAGE plpgsql AS 'BEGIN EXECUTE $1; RETURN 1; END';
CREATE FUNCTION liar(text, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN refuse.run($1) * $2; END';
-- an index that is being built cannot be planned with, so the words differ: what counts is that it fails
CREATE FUNCTION attempt(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE $1;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE WHEN sqlstate = 'XX001' THEN 'refused by the planner' ELSE sqlerrm END;
END
$$;
SELECT attempt($$CREATE INDEX liar_index ON ballot (liar('DELETE FROM refuse.ballot', id))$$);
SELECT attempt($$CREATE INDEX liar_index ON ballot (liar('UPDATE refuse.ballot SET voter = NULL', id))$$);
SELECT attempt($$CREATE INDEX liar_index ON ballot (id) WHERE liar('DELETE FROM refuse.ballot', id) > 0$$);
CREATE INDEX liar_index ON ballot (liar('TRUNCATE refuse.ballot', id));
CREATE INDEX CONCURRENTLY liar_index ON ballot (liar('DELETE FROM refuse.ballot', id));
DROP INDEX liar_index;
CREATE INDEX liar_index ON ballot (liar('ALTER TABLE refuse.ballot DROP COLUMN voter', id));
CREATE INDEX liar_index ON ballot (liar('ALTER TABLE refuse.ballot ALTER voter TYPE varchar', id));
CREATE INDEX liar_index ON ballot (liar('ALTER TABLE refuse.ballot SET ACCESS METHOD heap', id));
ALTER TABLE ballot ADD CONSTRAINT liar CHECK (liar('DELETE FROM refuse.ballot', id) > 0);
ALTER TABLE ballot ADD COLUMN lie int GENERATED ALWAYS AS (liar('DELETE FROM refuse.ballot', id)) STORED;
-- the new storage of a table that is being rewritten has a name while that lasts
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION insert_into_storage() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO refuse.%I (id) VALUES (1)', 'pg_temp_' || 'refuse.ballot'::regclass::oid);
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RAISE EXCEPTION '%', regexp_replace(sqlerrm, '\d+', 'N');
END
$$;
ALTER TABLE ballot ADD COLUMN lie positive, ADD CHECK (insert_into_storage() = 'done');
CREATE FUNCTION trigger_liar() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE tg_argv[0]; RETURN new; END $$;
CREATE TRIGGER liar BEFORE INSERT ON ballot FOR EACH ROW EXECUTE FUNCTION trigger_liar('DELETE FROM refuse.ballot');
INSERT INTO ballot VALUES (7, 'x');
DROP TRIGGER liar ON ballot;
CREATE TRIGGER liar AFTER INSERT ON ballot FOR EACH STATEMENT EXECUTE FUNCTION trigger_liar('TRUNCATE refuse.ballot');
INSERT INTO ballot VALUES (7, 'x');
DROP TRIGGER liar ON ballot;
CREATE TRIGGER liar AFTER INSERT ON ballot FOR EACH ROW EXECUTE FUNCTION trigger_liar('UPDATE refuse.ballot SET voter = NULL');
INSERT INTO ballot VALUES (7, 'x');
INSERT INTO ballot VALUES (1, 'x') ON CONFLICT DO NOTHING;
DROP TRIGGER liar ON ballot;
ALTER TABLE ballot ALTER voter SET DEFAULT liar('DELETE FROM refuse.ballot', 1)::text;
INSERT INTO ballot (id) VALUES (7);
ALTER TABLE ballot ALTER voter DROP DEFAULT;

-- after all of this
SELECT id, voter FROM ballot ORDER BY id;
SELECT count(*) FROM pg_attribute WHERE attrelid = 'ballot'::regclass AND attisdropped;

-- the extension stays while there are ledger tables
DROP EXTENSION seoulchain;
DROP EXTENSION seoulchain CASCADE;
SET client_min_messages = warning;
DROP SCHEMA seoulchain CASCADE;
RESET client_min_messages;
DROP ACCESS METHOD ledger CASCADE;
ALTER EXTENSION seoulchain DROP ACCESS METHOD ledger;
ALTER EXTENSION seoulchain DROP TABLE seoulchain.ledger;
DROP TABLE seoulchain.ledger;
DROP FUNCTION seoulchain.ledger_handler(internal) CASCADE;
SET client_min_messages = warning;
DROP SCHEMA refuse, seoulchain CASCADE;
DROP SCHEMA seoulchain, refuse CASCADE;
DROP SCHEMA refuse CASCADE;
