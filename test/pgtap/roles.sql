-- Who may do what: anybody, a reader with row security, the auditor, the operator.
CREATE ROLE roles_clerk;
CREATE ROLE roles_reader;
CREATE ROLE roles_writer;
CREATE ROLE roles_auditor IN ROLE seoulchain_auditor;
CREATE ROLE roles_operator IN ROLE seoulchain_operator;
CREATE TABLE public.paper (id int, owner text, v text) USING ledger;
INSERT INTO paper VALUES (1, 'roles_reader', 'seen'), (2, 'somebody', 'unseen');
ALTER TABLE paper ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON paper FOR SELECT USING (owner = current_user);
CREATE POLICY add ON paper FOR INSERT WITH CHECK (true);
GRANT SELECT ON paper TO roles_reader;
GRANT INSERT ON paper TO roles_writer;
CREATE TABLE public.plain (id int);
SELECT seoulchain.seal() \g /dev/null

BEGIN;
SELECT * FROM no_plan();

-- runs a statement as a role: 'done', or the error's SQLSTATE
CREATE FUNCTION pg_temp.as_role(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text := 'done';
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		state := SQLSTATE;
	END;
	RESET ROLE;
	RETURN state;
END
$$;
GRANT EXECUTE ON FUNCTION pg_temp.as_role TO PUBLIC;
CREATE TEMP TABLE seq AS SELECT id, ledger_seq FROM paper;
GRANT SELECT ON seq TO PUBLIC;

-- row functions are for whoever may SELECT that row
CREATE TEMP TABLE row_call (call text);
INSERT INTO row_call VALUES
	('seoulchain.leaf_index(''paper'', %s)'), ('seoulchain.leaf_data(''paper'', %s)'), ('seoulchain.leaf_hash(''paper'', %s)'),
	('seoulchain.inclusion_proof(''paper'', %s)'), ('seoulchain.receipt(''paper'', %s)');
SELECT is(pg_temp.as_role('roles_reader', 'SELECT ' || format(call, (SELECT ledger_seq FROM seq WHERE id = 1))), 'done',
	'a reader, a visible row: ' || call) FROM row_call;
SELECT isnt(pg_temp.as_role('roles_reader', 'SELECT ' || format(call, (SELECT ledger_seq FROM seq WHERE id = 2))), 'done',
	'a reader, a row hidden by row security: ' || call) FROM row_call;
SELECT is(pg_temp.as_role('roles_clerk', 'SELECT ' || format(call, (SELECT ledger_seq FROM seq WHERE id = 1))), '42501',
	'no SELECT, no answer: ' || call) FROM row_call;
SELECT is(pg_temp.as_role('roles_auditor', 'SELECT ' || format(call, (SELECT ledger_seq FROM seq WHERE id = 2))), 'done',
	'the auditor sees every row: ' || call) FROM row_call;

-- the auditor reads and proves everything, and changes nothing
SELECT is(pg_temp.as_role('roles_auditor', statement), 'done', 'the auditor: ' || statement)
FROM (VALUES ('SELECT * FROM seoulchain.verify()'), ('SELECT * FROM seoulchain.verify(''paper'')'),
	('SELECT * FROM seoulchain.verify_indexes(''paper'')'), ('SELECT seoulchain.checkpoint()'),
	('SELECT * FROM seoulchain.block'), ('SELECT seoulchain.root_hash(''main'', 1)'),
	('SELECT seoulchain.consistency_proof(''main'', 1)')) AS s (statement);
SELECT is(pg_temp.as_role('roles_auditor', statement), '42501', 'the auditor may not: ' || statement)
FROM (VALUES ('SELECT seoulchain.seal()'), ('SELECT seoulchain.create_chain(''mine'')'), ('SELECT seoulchain.create_node(''a/b'')'),
	('SELECT seoulchain.open_chain(''main'')'), ('INSERT INTO paper VALUES (3)'), ('SELECT * FROM paper')) AS s (statement);

-- the operator seals and manages
SELECT is(pg_temp.as_role('roles_operator', statement), 'done', 'the operator: ' || statement)
FROM (VALUES ('SELECT seoulchain.seal()'), ('SELECT seoulchain.create_chain(''managed'')'), ('SELECT * FROM seoulchain.block')) AS s (statement);
SELECT is(pg_temp.as_role('roles_operator', statement), '42501', 'the operator may not: ' || statement)
FROM (VALUES ('SELECT * FROM paper'), ('INSERT INTO paper VALUES (3)'), ('DELETE FROM seoulchain.journal'),
	('SELECT seoulchain.leaf_data(''paper'', 3)')) AS s (statement);

-- writing rows is ordinary GRANT INSERT, and needs nothing of the extension
SELECT is(pg_temp.as_role('roles_writer', 'INSERT INTO paper VALUES (3, ''roles_writer'', ''w'')'), 'done', 'INSERT is what GRANT INSERT says');
SELECT is(pg_temp.as_role('roles_writer', statement), '42501', 'a writer may not: ' || statement)
FROM (VALUES ('SELECT seoulchain.seal()'), ('SELECT seoulchain.leaf_data(''paper'', 3)'), ('INSERT INTO seoulchain.journal VALUES (1, '''')')) AS s (statement);

-- anybody
SELECT is(pg_temp.as_role('roles_clerk', statement), '42501', 'anybody may not: ' || statement)
FROM (VALUES ('SELECT seoulchain.seal()'), ('SELECT seoulchain.create_chain(''mine'')'), ('SELECT seoulchain.create_node(''a/b'')'),
	('SELECT seoulchain.open_chain(''main'')'), ('SELECT seoulchain.add_ledger_seq(''plain'')'), ('SELECT seoulchain.add_ledger_time(''paper'')'),
	('SELECT * FROM seoulchain.verify()'), ('SELECT * FROM seoulchain.verify_indexes(''paper'')'),
	('SET seoulchain.restore = on')) AS s (statement);
-- everybody may check what somebody else proved
SELECT is(pg_temp.as_role('roles_clerk', statement), 'done', 'anybody: ' || statement)
FROM (VALUES ('SELECT seoulchain.verify_inclusion(sha256(''''), 0, 1, ''{}'', sha256(''''))'),
	('SELECT seoulchain.verify_consistency(1, sha256(''''), 1, sha256(''''), ''{}'')')) AS s (statement);

-- none but the extension's owner writes its tables and sequences
SELECT is_empty($$
	SELECT r.rolname, c.oid::regclass
	FROM pg_class c, (VALUES ('roles_clerk'), ('roles_auditor'), ('roles_operator')) AS r (rolname)
	WHERE c.relnamespace = 'seoulchain'::regnamespace AND c.relkind IN ('r', 'v')
		AND has_table_privilege(r.rolname, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')
		AND (r.rolname, c.relname) <> ('roles_operator', 'allowed_type')$$,
	'nobody else may write the extension''s tables; the operator reviews types');
SELECT is_empty($$
	SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'seoulchain'::regnamespace AND c.relkind = 'S'
		AND (has_sequence_privilege('roles_operator', c.oid, 'USAGE, UPDATE') OR has_sequence_privilege('roles_clerk', c.oid, 'USAGE, UPDATE'))$$,
	'nor its sequences');
SELECT is_empty($$
	SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'seoulchain'::regnamespace AND c.relkind IN ('r', 'v')
		AND c.relname NOT IN ('block', 'timestamps', 'allowed_type', 'contracts', 'contract_versions', 'contract_rules', 'approvals', 'rules',
			'members', 'member_keys', 'delegations', 'public_chains', 'policies', 'cosignatures_missing') AND has_table_privilege('roles_clerk', c.oid, 'SELECT')$$,
	'anybody reads blocks, timestamps, allowed types, contracts, rules and policies, and nothing else');
SELECT ok(NOT has_schema_privilege('roles_clerk', 'seoulchain', 'CREATE'), 'nobody creates objects in the schema');

SELECT * FROM finish();
ROLLBACK;
DROP TABLE paper, plain;
DROP ROLE roles_clerk, roles_reader, roles_writer, roles_auditor, roles_operator;
