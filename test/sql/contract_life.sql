--
-- Contracts come into force and end; rows that are there; what other versions say of the past.
--
CREATE SCHEMA town;
SET search_path = town;
-- numbers of rows stand in answers: a chain of its own
SET seoulchain.default_chain = 'town';
\set SHOW_CONTEXT never
CREATE TABLE ballot (election text, voter text, choice text) USING ledger;
INSERT INTO ballot VALUES ('mayor', 'kim', 'a'), ('mayor', 'lee', 'b'), ('mayor', 'kim', 'b');
CREATE FUNCTION definition(VARIADIC key text[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('contract', 'town', 'ordinance', jsonb '{"name": "Voting Ordinance", "number": 123, "from": "2026-01-01"}',
		'tables', jsonb_build_array(jsonb_build_object('table', 'town.ballot', 'rules',
			jsonb_build_array(jsonb_build_object('name', 'one_per', 'parameters', jsonb_build_object('key', to_jsonb(key)))))))
$$;

SELECT seoulchain.activate_contract('town', chain => 'town');
SELECT seoulchain.propose_contract(definition('election', 'voter'), 'town');
SELECT seoulchain.activate_contract('town', 7, chain => 'town');
SELECT seoulchain.activate_contract(NULL, chain => 'town');

-- rows that break it already are listed
SELECT seoulchain.activate_contract('town', chain => 'town');
SELECT relation, accepted_at, judged_by, answer, rule, code, message, hint FROM seoulchain.contract_breaches('town', 1, 'town');
SELECT seoulchain.activate_contract('town', breaches => 2, chain => 'town');
SELECT count(*) FROM pg_attribute WHERE attrelid = 'ballot'::regclass AND attname = 'ledger_time';

-- times
SELECT seoulchain.activate_contract('town', active_from => '2001-01-01 00:00+00', breaches => 1, chain => 'town');
SELECT seoulchain.activate_contract('town', active_from => 'infinity', breaches => 1, chain => 'town');
SELECT seoulchain.activate_contract('town', active_from => '2222-01-01 00:00+00', breaches => 1, chain => 'town');
SELECT version, state, active_from AT TIME ZONE 'UTC' AS "from", active_until FROM seoulchain.contract_versions WHERE contract = 'town';
SELECT contract, version, relation, ordinal, rule, rule_version, parameters FROM seoulchain.contract_rules WHERE contract = 'town';
SELECT seoulchain.activate_contract('town', 1, chain => 'town');

-- a version takes the place of the one before, which must have begun by then
SELECT seoulchain.propose_contract(definition('election', 'voter', 'choice'), 'town');
SELECT seoulchain.activate_contract('town', active_from => '2221-01-01 00:00+00', chain => 'town');
SELECT seoulchain.activate_contract('town', active_from => '2223-01-01 00:00+00', breaches => 1, chain => 'town');
SELECT seoulchain.activate_contract('town', active_from => '2223-01-01 00:00+00', chain => 'town') AT TIME ZONE 'UTC';
SELECT version, state, active_from AT TIME ZONE 'UTC' AS "from", active_until AT TIME ZONE 'UTC' AS until FROM seoulchain.contract_versions WHERE contract = 'town';
SELECT version, active_from AT TIME ZONE 'UTC' AS "from", active_until AT TIME ZONE 'UTC' AS until FROM seoulchain.contract_rules WHERE contract = 'town';

-- an older version does not come back
SELECT seoulchain.propose_contract(definition('voter'), 'town');
SELECT seoulchain.propose_contract(definition('election'), 'town');
BEGIN;
SELECT seoulchain.activate_contract('town', 4, '2224-01-01 00:00+00', 2, chain => 'town') AT TIME ZONE 'UTC';
SELECT seoulchain.activate_contract('town', 3, chain => 'town');
ROLLBACK;
SELECT version, state FROM seoulchain.contract_versions WHERE contract = 'town';

-- retirement
SELECT seoulchain.retire_contract('town', 'the ordinance was repealed', '2222-06-01 00:00+00', chain => 'town');
SELECT seoulchain.retire_contract('town', 'the ordinance was repealed', '2225-01-01 00:00+00', chain => 'town') AT TIME ZONE 'UTC';
SELECT seoulchain.retire_contract('town', 'the ordinance was repealed', '2225-01-01 00:00+00', chain => 'town');
SELECT seoulchain.retire_contract('tax', 'unknown', chain => 'town');
SELECT leaf::jsonb -> 'event' FROM seoulchain.event WHERE leaf LIKE '%"contract":"town"%' AND (leaf LIKE '%"action":"retire"%' OR leaf LIKE '%"action":"supersede"%') ORDER BY ledger_seq;
SELECT leaf::jsonb -> 'event' #- '{rules,0,digest}' #- '{libraries,0,sha256}' FROM seoulchain.event WHERE leaf LIKE '%"contract":"town"%' AND leaf LIKE '%"action":"activate"%' ORDER BY ledger_seq;

-- what any version says of rows, and the rules in force then: none was
SELECT seoulchain.seal('town') >= 0;
SELECT * FROM seoulchain.replay('town', 1, chain => 'town');
SELECT relation, ledger_seq, judged_by, answer, code FROM seoulchain.replay('town', 2, chain => 'town');
SELECT relation, ledger_seq, judged_by, answer, message FROM seoulchain.replay('town', 3, chain => 'town');
SELECT relation, ledger_seq, judged_by, answer FROM seoulchain.replay('town', chain => 'town');
SELECT * FROM seoulchain.replay('town', 9, chain => 'town');
SELECT * FROM seoulchain.replay('tax', chain => 'town');
SELECT * FROM seoulchain.replay(NULL, chain => 'town');
-- rows of a time
SELECT count(*) FROM seoulchain.replay('town', 1, until => '2001-01-01', chain => 'town');
SELECT count(*) FROM seoulchain.replay('town', 1, "from" => '2001-01-01', until => 'infinity', chain => 'town');

-- only who may read the rows
CREATE ROLE contract_reader;
SET ROLE contract_reader;
SELECT count(*) FROM seoulchain.replay('town', 1, chain => 'town');
SELECT count(*) FROM seoulchain.contract_breaches('town', 1, 'town');
RESET ROLE;
GRANT USAGE ON SCHEMA town TO contract_reader;
GRANT SELECT ON ballot TO contract_reader;
SET ROLE contract_reader;
SELECT count(*) FROM seoulchain.replay('town', 1, chain => 'town');
RESET ROLE;
ALTER TABLE ballot ENABLE ROW LEVEL SECURITY;
SET ROLE contract_reader;
SELECT count(*) FROM seoulchain.replay('town', 1, chain => 'town');
RESET ROLE;

-- an operator who does not own the table
SELECT seoulchain.propose_contract(definition('election', 'voter', 'choice') || '{"contract": "second"}', 'town');
GRANT seoulchain_operator TO contract_reader;
SET ROLE contract_reader;
SELECT seoulchain.activate_contract('second', chain => 'town');
RESET ROLE;
REVOKE ALL ON ballot FROM contract_reader;
REVOKE ALL ON SCHEMA town FROM contract_reader;
DROP ROLE contract_reader;
SELECT * FROM seoulchain.verify();
-- tables under contracts can be dropped; the chain keeps their rules
SET client_min_messages = warning;
DROP SCHEMA town CASCADE;
SELECT contract, version, relation, "table" FROM seoulchain.contract_rules WHERE contract = 'town';
SELECT * FROM seoulchain.replay('town', 1, chain => 'town');
SELECT * FROM seoulchain.verify();
