--
-- What may be altered of a ledger table, what not, and what the chain is told.
--
CREATE SCHEMA ddl;
SET search_path = ddl;
CREATE VIEW events AS
	SELECT l.ledger_name, (e.leaf::json -> 'event')::text AS event
	FROM seoulchain.event e JOIN seoulchain.ledger l USING (table_id)
	WHERE l.ledger_name LIKE 'ddl%'
	ORDER BY e.ledger_seq;
CREATE VIEW columns AS
	SELECT relation, attnum, column_name, c.ledger_name FROM seoulchain.ledger_column c JOIN seoulchain.ledger l USING (table_id)
	WHERE l.ledger_name LIKE 'ddl%' ORDER BY table_id, attnum;
CREATE TABLE car (id int PRIMARY KEY, km numeric(8,1), note text) USING ledger;
INSERT INTO car VALUES (1, 10.5, 'a'), (2, 20, 'b');

-- adding columns
ALTER TABLE car ADD COLUMN color varchar(20);
ALTER TABLE car ADD COLUMN doors int DEFAULT 4, ADD COLUMN twice numeric GENERATED ALWAYS AS (km * 2) STORED;
ALTER TABLE car ADD COLUMN IF NOT EXISTS color text;
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
ALTER TABLE car ADD COLUMN seats positive;
ALTER TABLE car ADD COLUMN bad positive NOT NULL;
ALTER TABLE car ADD COLUMN added timestamptz DEFAULT now();
ALTER TABLE car ADD COLUMN bad timestamptz DEFAULT clock_timestamp();
ALTER TABLE car ADD COLUMN bad serial;
ALTER TABLE car ADD COLUMN bad int GENERATED ALWAYS AS IDENTITY;
ALTER TABLE car ADD COLUMN bad uuid DEFAULT gen_random_uuid(), ADD COLUMN fine int;
CREATE DOMAIN volatile_domain AS double precision DEFAULT random();
ALTER TABLE car ADD COLUMN bad volatile_domain;
ALTER TABLE car ADD COLUMN stamp timestamptz, ALTER COLUMN stamp SET DEFAULT clock_timestamp();
ALTER TABLE car ADD COLUMN bad money;
ALTER TABLE car ADD COLUMN ledger_seq bigint;
INSERT INTO car (id, km, color, seats) VALUES (3, 30, 'red', 5);
SELECT id, km, note, color, doors, twice, seats, stamp IS NOT NULL AS stamped FROM car ORDER BY id;
SELECT event FROM events;
SELECT * FROM columns;

-- a computed column that is computed no more is recorded from then on
ALTER TABLE car ALTER COLUMN twice DROP EXPRESSION;
SELECT event FROM events OFFSET 6;

-- renames
ALTER TABLE car RENAME COLUMN note TO remark;
ALTER TABLE car ADD COLUMN note text;
ALTER TABLE car RENAME TO vehicle;
CREATE SCHEMA ddl_other;
ALTER TABLE vehicle SET SCHEMA ddl_other;
ALTER SCHEMA ddl_other RENAME TO ddl_third;
ALTER TABLE ddl_third.vehicle RENAME TO car;
ALTER TABLE ddl_third.car SET SCHEMA ddl;
BEGIN;
ALTER TABLE car RENAME COLUMN color TO paint;
SAVEPOINT s;
ALTER TABLE car RENAME COLUMN paint TO lost;
ROLLBACK TO s;
INSERT INTO car (id, paint) VALUES (4, 'blue');
COMMIT;
SELECT ledger_name, event FROM events OFFSET 7;
SELECT * FROM columns;
SELECT relation, ledger_name FROM seoulchain.ledger WHERE ledger_name LIKE 'ddl%';

-- the column of the ledger
ALTER TABLE car RENAME COLUMN ledger_seq TO seq;
ALTER TABLE car RENAME COLUMN remark TO ledger_seq;
ALTER TABLE car ALTER COLUMN ledger_seq SET DEFAULT 1;
ALTER TABLE car ALTER COLUMN ledger_seq SET NOT NULL;
ALTER TABLE car ALTER COLUMN ledger_seq TYPE int;
ALTER TABLE car ALTER COLUMN ledger_seq ADD GENERATED ALWAYS AS IDENTITY;
ALTER TABLE car DROP COLUMN ledger_seq;
ALTER TABLE car DROP CONSTRAINT car_pkey, ADD PRIMARY KEY (ledger_seq);
ALTER TABLE car ADD COLUMN next int8 GENERATED ALWAYS AS (ledger_seq + 1) STORED;
CREATE TABLE bad (a int, b int8 GENERATED ALWAYS AS (ledger_seq + 1) STORED) USING ledger;
CREATE TABLE bad (a int, PRIMARY KEY (ledger_seq)) USING ledger;
CREATE TABLE bad (a int, PRIMARY KEY (a, ledger_seq)) USING ledger;
CREATE TABLE good (a int, UNIQUE (ledger_seq)) USING ledger;
CREATE UNIQUE INDEX car_seq ON car (ledger_seq);
ALTER TABLE car ADD PRIMARY KEY USING INDEX car_seq;
ALTER TABLE car ALTER COLUMN ledger_seq SET STATISTICS 10;
COMMENT ON COLUMN car.ledger_seq IS 'its number';

-- what would rewrite history
ALTER TABLE car ALTER COLUMN km TYPE int;
ALTER TABLE car ALTER COLUMN note TYPE varchar USING 'x';
ALTER TABLE car DROP COLUMN note;
ALTER TABLE car DROP COLUMN IF EXISTS note CASCADE;
ALTER TABLE car SET ACCESS METHOD heap;
ALTER TABLE car SET ACCESS METHOD ledger;
ALTER TABLE car SET UNLOGGED;
ALTER TABLE car SET LOGGED;
CREATE TABLE plain (id int, km numeric(8,1));
ALTER TABLE plain SET ACCESS METHOD ledger;
INSERT INTO plain VALUES (1, 1);
ALTER TABLE plain SET ACCESS METHOD ledger;
CREATE MATERIALIZED VIEW matview AS SELECT * FROM plain;
ALTER MATERIALIZED VIEW matview SET ACCESS METHOD ledger;
ALTER TABLE matview SET ACCESS METHOD ledger;
CREATE TABLE parent (id int NOT NULL);
ALTER TABLE car INHERIT parent;
ALTER TABLE car NO INHERIT parent;
CREATE TABLE child (LIKE car);
ALTER TABLE child ADD COLUMN ledger_seq bigint;
ALTER TABLE child INHERIT car;
CREATE TYPE car_type AS (a int);
CREATE TABLE good2 (a int) USING ledger;
ALTER TABLE good2 OF car_type;
DROP DOMAIN positive CASCADE;
CREATE TYPE color AS ENUM ('red', 'green', 'blue');
CREATE DOMAIN color_domain AS color CHECK (VALUE <> 'green');
CREATE TYPE color_range AS RANGE (subtype = color);
CREATE TABLE colors (a color) USING ledger;
DROP TYPE color CASCADE;
ALTER TYPE color RENAME VALUE 'red' TO 'crimson';
CREATE TABLE colors_array (a color_domain[]) USING ledger;
DROP TABLE colors;
ALTER TYPE color RENAME VALUE 'red' TO 'crimson';
CREATE TABLE colors_range (a color_multirange) USING ledger;
DROP TABLE colors_array;
ALTER TYPE color RENAME VALUE 'red' TO 'crimson';
ALTER TYPE color ADD VALUE 'yellow';
ALTER TYPE color RENAME TO colour;
DROP TABLE colors_range;
ALTER TYPE colour RENAME VALUE 'red' TO 'crimson';
CREATE SCHEMA ddl_owned CREATE TABLE t (a int);
CREATE TYPE ddl_owned.mood AS ENUM ('sad', 'ok');
CREATE TABLE moods (a ddl_owned.mood) USING ledger;
DROP SCHEMA ddl_owned CASCADE;
CREATE ROLE ddl_user;
ALTER TYPE ddl_owned.mood OWNER TO ddl_user;
DROP OWNED BY ddl_user CASCADE;
DROP TABLE moods;
-- table and type together are a drop like any other
SET client_min_messages = warning;
CREATE TABLE ddl_owned.moods (a ddl_owned.mood) USING ledger;
DROP SCHEMA ddl_owned CASCADE;
GRANT CREATE, USAGE ON SCHEMA ddl TO ddl_user;
SET ROLE ddl_user;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE owned_table (a mood) USING ledger;
CREATE TABLE owned_later (a mood) USING ledger;
RESET ROLE;
DROP OWNED BY ddl_user;
DROP ROLE ddl_user;
RESET client_min_messages;
SELECT ledger_name, relation <> 0 AS there FROM seoulchain.ledger WHERE ledger_name LIKE 'ddl.owned%';

-- a function that inserts while the table is altered
CREATE TABLE busy (id int) USING ledger;
INSERT INTO busy VALUES (1);
CREATE FUNCTION insert_busy() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	IF set_config('ddl.calls', (current_setting('ddl.calls')::int + 1)::text, false) = '1' THEN
		INSERT INTO ddl.busy VALUES (2);
	END IF;
	RETURN 1;
END
$$;
SET ddl.calls = 0;
ALTER TABLE busy ADD COLUMN n int, ADD CHECK (insert_busy() > 0);
ALTER TABLE busy ADD COLUMN n int;

-- the same while CLUSTER sorts by an expression: the row would stay in the storage that is left behind
CREATE FUNCTION quiet(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN ddl.insert_busy() * $1; END';
SET ddl.calls = 5;
CREATE INDEX busy_quiet ON busy (quiet(id));
SET ddl.calls = 0;
CLUSTER busy USING busy_quiet;
SELECT id FROM busy;

-- a command that rewrites honestly leaves the rows alone
ALTER TABLE car ADD COLUMN half numeric GENERATED ALWAYS AS (km / 2) STORED;
VACUUM FULL car;
CLUSTER car USING car_seq;
SELECT id, km, half FROM car ORDER BY ledger_seq;
SELECT count(*) = count(DISTINCT ledger_seq) AS numbered FROM car;

-- a type taken off the list of reviewed ones stays where it is
CREATE EXTENSION citext SCHEMA ddl;
INSERT INTO seoulchain.allowed_type (type, reason) VALUES ('citext', 'its text is the stored text');
CREATE TABLE plate (number citext) USING ledger;
DELETE FROM seoulchain.allowed_type WHERE type = 'citext'::regtype;
ALTER TABLE plate ADD COLUMN city text;
INSERT INTO plate (number, city) VALUES ('12 ga 3456', 'Seoul');
ALTER TABLE plate ADD COLUMN old_number citext;
DROP EXTENSION citext CASCADE;

SET client_min_messages = warning;
DROP SCHEMA ddl CASCADE;
