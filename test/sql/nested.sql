--
-- Commands inside commands: what one of them changes is recorded once, and no row slips in between.
--
CREATE SCHEMA nested;
SET search_path = nested;
\set SHOW_CONTEXT never
CREATE FUNCTION run(text) RETURNS int LANGUAGE plpgsql AS 'BEGIN EXECUTE $1; RETURN 1; END';
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE wage (id int) USING ledger;
INSERT INTO wage SELECT generate_series(1, 3);

-- while the rows are being rewritten a new one would stay behind in the old storage
CREATE FUNCTION insert_row() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	-- the CHECK is evaluated for the new row, too
	IF current_setting('nested.inserting', true) = 'yes' THEN
		RETURN true;
	END IF;
	PERFORM set_config('nested.inserting', 'yes', true);
	PERFORM nested.run('DO $x$ BEGIN END $x$');
	PERFORM nested.run('INSERT INTO nested.wage (id) VALUES (100)');
	RETURN true;
END
$$;
ALTER TABLE wage ADD COLUMN hours positive, ADD CHECK (insert_row());

-- COPY goes row by row when its WHERE is volatile: as ALTER TABLE itself fills the new storage
CREATE FUNCTION copy_row() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY nested.%I (id) FROM PROGRAM ''echo 55'' WHERE random() >= 0', 'pg_temp_' || 'nested.wage'::regclass::oid);
	RETURN true;
EXCEPTION WHEN OTHERS THEN
	RAISE EXCEPTION '% (%)', regexp_replace(sqlerrm, '\d+', 'N'), sqlstate;
END
$$;
ALTER TABLE wage ADD COLUMN hours positive, ADD CHECK (copy_row());
SELECT id FROM wage ORDER BY id;

-- a command that failed and was caught leaves nothing behind
DO $$
BEGIN
	BEGIN
		ALTER TABLE nested.wage ADD COLUMN z int, ADD CHECK (id > 5);
	EXCEPTION WHEN check_violation THEN
		RAISE NOTICE 'caught: %', sqlerrm;
	END;
	INSERT INTO nested.wage VALUES (4);
END
$$;
SELECT id FROM wage ORDER BY id;

-- an event trigger that goes on with the table it was called for
CREATE FUNCTION go_on() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('nested.going', true) = 'yes' THEN
		RETURN;
	END IF;
	PERFORM set_config('nested.going', 'yes', true);
	IF current_query() LIKE 'CREATE TABLE bonus%' THEN
		INSERT INTO nested.bonus (id) VALUES (1);
		EXECUTE 'ALTER TABLE nested.bonus ADD COLUMN late int';
		INSERT INTO nested.bonus (id, late) VALUES (2, 20);
		EXECUTE 'ALTER TABLE nested.bonus RENAME TO bonus_paid';
	ELSIF current_query() LIKE 'ALTER TABLE wage%' THEN
		EXECUTE 'ALTER TABLE nested.wage RENAME TO wage_paid';
	END IF;
END
$$;
CREATE EVENT TRIGGER go_on ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION go_on();
CREATE TABLE bonus (id int) USING ledger;
ALTER TABLE wage ADD COLUMN note text;
DROP EVENT TRIGGER go_on;
SELECT id, late FROM bonus_paid ORDER BY id;
INSERT INTO wage_paid (id, note) VALUES (5, 'five');
SELECT l.ledger_name, (e.leaf::json -> 'event')::text AS event FROM seoulchain.event e JOIN seoulchain.ledger l USING (table_id)
	WHERE l.ledger_name LIKE 'nested.%' ORDER BY e.ledger_seq;
SELECT seoulchain.seal() IS NOT NULL AS sealed;
SELECT convert_from(seoulchain.leaf_data('bonus_paid', ledger_seq), 'UTF8')::json -> 'columns' AS columns FROM bonus_paid ORDER BY id;
SELECT relation, fault FROM seoulchain.verify();

-- what the library goes by cannot be taken from it
ALTER SCHEMA seoulchain RENAME TO hidden;
CREATE OR REPLACE FUNCTION seoulchain.ledger_handler(internal) RETURNS table_am_handler
	LANGUAGE internal STRICT AS 'heap_tableam_handler';
SET client_min_messages = warning;
DROP SCHEMA nested CASCADE;

-- the last ledger table and the extension go in one transaction, and another one comes
CREATE DATABASE nested;
\c nested
\set SHOW_CONTEXT never
SET default_table_access_method = heap;
CREATE EXTENSION seoulchain;
SET default_table_access_method = ledger;
CREATE TABLE a (id int);
INSERT INTO a VALUES (1);
BEGIN;
INSERT INTO a VALUES (2);
SAVEPOINT s;
DROP TABLE a;
DROP EXTENSION seoulchain;
ROLLBACK TO s;
INSERT INTO a VALUES (3);
COMMIT;
SELECT seoulchain.seal() IS NOT NULL AS sealed;
SELECT * FROM seoulchain.verify();
BEGIN;
INSERT INTO a VALUES (4);
DROP TABLE a;
DROP EXTENSION seoulchain;
COMMIT;
RESET default_table_access_method;
CREATE EXTENSION seoulchain;
CREATE TABLE b (id int) USING ledger;
BEGIN;
INSERT INTO b VALUES (1);
DROP TABLE b;
DO $$ BEGIN EXECUTE 'DROP EXTENSION seoulchain'; END $$;
CREATE EXTENSION seoulchain;
CREATE TABLE c (id int) USING ledger;
INSERT INTO c VALUES (1), (2);
COMMIT;
SELECT seoulchain.seal() IS NOT NULL AS sealed;
SELECT max(tree_size) FROM seoulchain.block;
SELECT relation, ledger_seq, fault FROM seoulchain.verify();
\c sql
DROP DATABASE nested;
