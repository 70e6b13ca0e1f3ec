--
-- Definitions of contracts: what is completed, what is refused, and why.
--
CREATE SCHEMA vote;
SET search_path = vote;
SET seoulchain.default_chain = 'vote';
\set SHOW_CONTEXT never
CREATE TABLE ballot (election text, voter text, choice text) USING ledger;
CREATE TABLE plain (election text);
CREATE TABLE gone (a text) USING ledger;
DROP TABLE gone;

-- what every definition here has in common
CREATE FUNCTION definition(change jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_strip_nulls(jsonb '{"contract": "ballot", "ordinance": {"name": "Voting Ordinance", "number": 123, "article": "7", "from": "2026-01-01"},
		"tables": [{"table": "vote.ballot", "rules": [{"name": "one_per", "parameters": {"key": ["election", "voter"]}}]}]}' || change)
$$;
CREATE FUNCTION rules(VARIADIC rules jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('tables', jsonb_build_array(jsonb_build_object('table', 'vote.ballot', 'rules', to_jsonb(rules))))
$$;
CREATE FUNCTION case_of(VARIADIC rows jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('tests', jsonb_build_array(jsonb_build_object('name', 'a case', 'rows', to_jsonb(rows))))
$$;
CREATE FUNCTION case_row(columns jsonb, answer jsonb DEFAULT '"accepted"') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('table', 'vote.ballot', 'time', '2026-06-03T06:00:00+09:00', 'columns', columns, 'answer', answer)
$$;

-- members of the top
SELECT seoulchain.propose_contract('[]', 'vote');
SELECT seoulchain.propose_contract('{}', 'vote');
SELECT seoulchain.propose_contract(definition('{"contract": null}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"ordinance": null}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"tables": null}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"tables": []}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"tables": {}}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"colour": "red"}'), 'vote');
SELECT seoulchain.propose_contract(jsonb_build_object('contract', NULL), 'vote');
SELECT seoulchain.propose_contract(definition('{"contract": "two words"}'), 'vote');
SELECT seoulchain.propose_contract(definition(jsonb_build_object('contract', repeat('x', 101))), 'vote');
SELECT seoulchain.propose_contract(definition('{"contract": {"a": "b"}}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"version": "2"}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"version": "one"}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"tests": [[[[[[[[["deep"]]]]]]]]]}'), 'vote');
SELECT seoulchain.propose_contract(definition(), 'nowhere');

-- the ordinance
SELECT seoulchain.propose_contract(definition('{"ordinance": {"name": "Voting Ordinance", "from": "2026-01-01"}}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"ordinance": {"name": "Voting Ordinance", "number": "", "from": "2026-01-01"}}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"ordinance": {"name": "Voting Ordinance", "number": "1", "from": "2026-02-30"}}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"ordinance": {"name": "Voting Ordinance", "number": "1", "from": "2026-02-01", "until": "2026-01-01"}}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"ordinance": {"name": "Voting Ordinance", "number": "1", "from": "2026-02-01", "mayor": "kim"}}'), 'vote');

-- who approves
SELECT seoulchain.propose_contract(definition('{"approval": {"members": ["kim", "lee"]}}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"approval": {"members": ["kim", "kim"], "quorum": 1}}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"approval": {"members": ["kim", "lee"], "quorum": 3}}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"approval": {"members": ["kim", "lee"], "quorum": 0}}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"approval": {"members": [["kim"]], "quorum": 1}}'), 'vote');

-- tables
SELECT seoulchain.propose_contract(definition('{"tables": [{"table": "vote.ballot", "rules": []}]}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"tables": [{"table": "vote.nothing", "rules": [{"name": "one_per", "parameters": {"key": ["a"]}}]}]}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"tables": [{"table": "vote.plain", "rules": [{"name": "one_per", "parameters": {"key": ["election"]}}]}]}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"tables": [{"table": "vote.gone", "rules": [{"name": "one_per", "parameters": {"key": ["a"]}}]}]}'), 'vote');
SELECT seoulchain.propose_contract(definition('{"tables": [{"table": "vote.ballot", "rules": [{"name": "one_per", "parameters": {"key": ["voter"]}}]},
	{"table": "vote.ballot", "rules": [{"name": "one_per", "parameters": {"key": ["election"]}}]}]}'), 'vote');

-- rules and their parameters
SELECT seoulchain.propose_contract(definition(rules('{"name": "two_per"}')), 'vote');
SELECT seoulchain.propose_contract(definition(rules('{"name": "one_per", "version": "99", "parameters": {"key": ["voter"]}}')), 'vote');
SELECT seoulchain.propose_contract(definition(rules('{"name": "one_per"}')), 'vote');
SELECT seoulchain.propose_contract(definition(rules('{"name": "one_per", "parameters": ["voter"]}')), 'vote');
SELECT seoulchain.propose_contract(definition(rules('{"name": "one_per", "parameters": {"key": ["voter"], "colour": "red"}}')), 'vote');
SELECT seoulchain.propose_contract(definition(rules('{"name": "one_per", "parameters": {"key": "voter"}}')), 'vote');
SELECT seoulchain.propose_contract(definition(rules('{"name": "one_per", "parameters": {"key": ["elector"]}}')), 'vote');
SELECT seoulchain.propose_contract(definition(rules('{"name": "window", "parameters": {"from": "noon"}}')), 'vote');

-- test cases
SELECT seoulchain.propose_contract(definition('{"tests": [{"name": "a case", "rows": []}]}'), 'vote');
SELECT seoulchain.propose_contract(definition(case_of('{"table": "vote.ballot"}')), 'vote');
SELECT seoulchain.propose_contract(definition(case_of(case_row('{"elector": "kim"}'))), 'vote');
SELECT seoulchain.propose_contract(definition(case_of(case_row('{"voter": ["kim"]}'))), 'vote');
SELECT seoulchain.propose_contract(definition(case_of(case_row('{}', '"perhaps"'))), 'vote');
SELECT seoulchain.propose_contract(definition(case_of(case_row('{}') || '{"table": "vote.other"}')), 'vote');
SELECT seoulchain.propose_contract(definition(case_of(case_row('{}') || '{"time": "today"}')), 'vote');
SELECT seoulchain.propose_contract(definition(case_of(case_row('{"voter": "kim", "election": "mayor"}'), case_row('{"voter": "kim", "election": "mayor"}'))), 'vote');
SELECT seoulchain.propose_contract(definition(case_of(case_row('{"voter": "kim", "election": "mayor"}', '{"code": "taken", "message": "?", "rule": "one_per"}'))), 'vote');
SELECT seoulchain.propose_contract(definition(jsonb_build_object('tests',
	(SELECT jsonb_agg(jsonb_build_object('name', n::text, 'rows', jsonb_build_array(case_row('{"voter": "kim", "election": "mayor"}')))) FROM generate_series(1, 500) n))), 'vote');

-- nothing of all that was kept
SELECT count(*) FROM seoulchain.contract_versions WHERE chain = 'vote';
SELECT count(*) FROM seoulchain.event WHERE leaf LIKE '%"contract":"ballot"%';

-- a whole one: the same text whatever the order and the spaces, numbers become strings
SELECT seoulchain.propose_contract(definition('{"approval": {"quorum": 2, "members": ["kim", "lee", "박"]}}' ||
	case_of(case_row('{"voter": "kim", "election": "mayor"}'), case_row('{"voter": "kim", "election": "school"}'),
		case_row('{"voter": "kim", "election": "mayor"}', '{"rule": "one_per", "code": "taken", "message": "there is a row for [\"mayor\",\"kim\"] already",
			"detail": "The row with ledger_seq 1 has this key.", "hint": "One row for each key is accepted, the first."}'),
		-- a refused row leaves nothing behind
		case_row('{"voter": "lee", "election": "mayor"}'))), 'vote');
SELECT definition, state, approvals, quorum FROM seoulchain.contract_versions WHERE chain = 'vote';
SELECT digest = encode(sha256(convert_to(definition, 'UTF8')), 'hex') FROM seoulchain.contract_versions WHERE chain = 'vote';
SELECT seoulchain.propose_contract(definition('{"version": 2}'), 'vote');
SELECT chain, contract, active_version, newest_version, newest_state, ordinance FROM seoulchain.contracts WHERE chain = 'vote';
SELECT (leaf::json #>> '{event,definition}') = definition, leaf::jsonb #- '{event,definition}' #- '{event,rules,0,digest}' #- '{chain}' #- '{seq}'
	FROM seoulchain.event e JOIN seoulchain.contract_versions v ON e.ledger_seq = v.proposed_seq AND v.chain = 'vote' WHERE leaf LIKE '%/vote"%' ORDER BY v.version;
SELECT * FROM seoulchain.verify();

-- members of the operator's role propose; others do not
CREATE ROLE contract_clerk;
SET ROLE contract_clerk;
SELECT seoulchain.propose_contract('{}', 'vote');
RESET ROLE;
DROP ROLE contract_clerk;
-- tables under contracts can be dropped; the chain keeps their rules
SET client_min_messages = warning;
DROP SCHEMA vote CASCADE;
