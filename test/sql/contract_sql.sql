--
-- Rules in SQL and PL/pgSQL: prototypes, on chains that nobody else follows.
--
CREATE SCHEMA proto;
SET search_path = proto;
SET seoulchain.default_chain = 'proto';
\set SHOW_CONTEXT never
CREATE TABLE fare (card text, won numeric(10, 2), at_night boolean) USING ledger;
CREATE FUNCTION judge(fare jsonb, accepted_at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF (fare ->> 'won')::numeric > 1000 THEN
		RETURN format('%s won is too much for a ride', fare ->> 'won');
	END IF;
	RETURN CASE WHEN accepted_at IS NULL THEN 'no time' END;
END $$;
CREATE FUNCTION wrong(fare jsonb) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE FUNCTION number(fare jsonb, accepted_at timestamptz) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION definition(function text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('contract', 'fare', 'ordinance', jsonb '{"name": "Ordinance on Fares", "number": 1, "from": "2026-01-01"}',
		'tables', jsonb_build_array(jsonb_build_object('table', 'proto.fare', 'rules',
			jsonb_build_array(jsonb_build_object('name', 'sql', 'parameters', jsonb_build_object('function', function, 'columns', jsonb '["won", "card"]'))))),
		'tests', jsonb '[{"name": "too much", "rows": [{"table": "proto.fare", "time": "2026-01-01T00:00:00+09:00", "columns": {"won": "2000"},
			"answer": {"rule": "sql", "code": "refused", "message": "2000 won is too much for a ride"}}]}]')
$$;
SELECT seoulchain.propose_contract(definition('proto.missing'), 'proto');
SELECT seoulchain.propose_contract(definition('proto.wrong'), 'proto');
SELECT seoulchain.propose_contract(definition('proto.number'), 'proto');
SELECT seoulchain.propose_contract(definition('judge'), 'proto');
SELECT seoulchain.propose_contract(definition('"'), 'proto');
SELECT seoulchain.propose_contract(definition('proto.judge'), 'proto');
INSERT INTO fare VALUES ('a', 1500, true);
SELECT seoulchain.activate_contract('fare', chain => 'proto');
SELECT seoulchain.activate_contract('fare', breaches => 1, chain => 'proto') IS NOT NULL AS active;
INSERT INTO fare VALUES ('a', 1250.5, true);
INSERT INTO fare VALUES ('a', 950, true), ('b', NULL, false);
-- a function that throws ends the statement, one that runs too long is cancelled
CREATE OR REPLACE FUNCTION judge(fare jsonb, accepted_at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'no judgement about %', fare ->> 'card'; END $$;
INSERT INTO fare VALUES ('a', 1, true);
CREATE OR REPLACE FUNCTION judge(fare jsonb, accepted_at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
SET statement_timeout = 100;
INSERT INTO fare VALUES ('a', 1, true);
RESET statement_timeout;
-- or one that writes to the same table
CREATE OR REPLACE FUNCTION judge(fare jsonb, accepted_at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
BEGIN INSERT INTO proto.fare VALUES ('c', 1, true); RETURN NULL; END $$;
INSERT INTO fare VALUES ('a', 1, true);
DROP FUNCTION judge;
INSERT INTO fare VALUES ('a', 1, true);
-- nor one of the name that returns something else
CREATE FUNCTION judge(fare jsonb, accepted_at timestamptz) RETURNS int LANGUAGE sql RETURN 12345;
INSERT INTO fare VALUES ('a', 1, true);
DROP FUNCTION judge;
CREATE FUNCTION judge(fare jsonb, accepted_at timestamptz) RETURNS SETOF text LANGUAGE sql RETURN 'many';
INSERT INTO fare VALUES ('a', 1, true);
SELECT card, won FROM fare ORDER BY ledger_seq;
SELECT * FROM seoulchain.verify();
SET client_min_messages = warning;
DROP SCHEMA proto CASCADE;
