--
-- A contract comes into force with its transaction, or not at all; names of tables and columns may change.
--
CREATE SCHEMA step;
SET search_path = step;
SET seoulchain.default_chain = 'step';
\set VERBOSITY terse
CREATE TABLE vote (voter text) USING ledger;
INSERT INTO vote VALUES ('kim');
CREATE FUNCTION propose() RETURNS int LANGUAGE sql AS $$
	SELECT seoulchain.propose_contract('{"contract": "step", "ordinance": {"name": "Ordinance on Voting", "number": "1", "from": "2026-01-01"},
		"tables": [{"table": "step.vote", "rules": [{"name": "one_per", "parameters": {"key": ["voter"]}}]}]}', 'step')
$$;
SELECT propose();

-- a savepoint takes it back, with the column of acceptance times
BEGIN;
SAVEPOINT s;
SELECT seoulchain.activate_contract('step', chain => 'step') IS NOT NULL AS active;
SAVEPOINT t;
INSERT INTO vote VALUES ('kim');
ROLLBACK TO t;
INSERT INTO vote VALUES ('lee');
ROLLBACK TO s;
INSERT INTO vote VALUES ('kim');
SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'vote'::regclass AND attnum > 0 AND NOT attisdropped;
ROLLBACK;
-- a failed insert takes it back as well
BEGIN;
SELECT seoulchain.activate_contract('step', chain => 'step') IS NOT NULL AS active;
INSERT INTO vote VALUES ('lee'), ('lee');
COMMIT;
SELECT state FROM seoulchain.contract_versions WHERE contract = 'step';

-- prepared: it counts when the prepared transaction commits
BEGIN;
SELECT seoulchain.activate_contract('step', chain => 'step') IS NOT NULL AS active;
INSERT INTO vote VALUES ('lee');
PREPARE TRANSACTION 'step';
SELECT state FROM seoulchain.contract_versions WHERE contract = 'step';
COMMIT PREPARED 'step';
INSERT INTO vote VALUES ('lee');
INSERT INTO vote VALUES ('kim');
INSERT INTO vote VALUES ('park');

-- in a transaction whose snapshot is older than the rows that break it
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM vote;
SELECT seoulchain.retire_contract('step', 'to see it end', chain => 'step') IS NOT NULL AS retired;
INSERT INTO vote VALUES ('lee');
COMMIT;

-- new names mean the old table and column
ALTER TABLE vote RENAME COLUMN voter TO elector;
ALTER TABLE vote RENAME TO ballot;
SELECT propose();
SELECT seoulchain.activate_contract('step', breaches => 1, chain => 'step') IS NOT NULL AS active;
INSERT INTO ballot VALUES ('kim');
-- a new table of the old name is another one to the chain
CREATE TABLE vote (voter text) USING ledger;
INSERT INTO vote VALUES ('kim'), ('kim');
SELECT "table", relation, version FROM seoulchain.contract_rules WHERE contract = 'step';

SELECT seoulchain.seal('step') >= 0 AS sealed;
SELECT relation, judged_by, answer, message FROM seoulchain.replay('step', chain => 'step');
SELECT relation, judged_by, answer, message FROM seoulchain.replay('step', 2, chain => 'step');
SELECT * FROM seoulchain.verify();
SET client_min_messages = warning;
DROP SCHEMA step CASCADE;
