-- The promised functions: names, parameters with their defaults, results.
\set QUIET 1
BEGIN;
SELECT * FROM no_plan();

CREATE TEMP TABLE promised (name text, arguments text, result text);
INSERT INTO promised VALUES
	('create_chain', 'name text, key text DEFAULT NULL::text', NULL),
	('propose_contract', 'definition jsonb, chain text DEFAULT ''main''::text', 'integer'),
	('approve_contract', 'contract text, version integer, member text, signature text, action text DEFAULT ''activate''::text, chain text DEFAULT ''main''::text', 'void'),
	('approval_payload', 'contract text, version integer, action text DEFAULT ''activate''::text, chain text DEFAULT ''main''::text', 'text'),
	('activate_contract', 'contract text, version integer DEFAULT NULL::integer, active_from timestamp with time zone DEFAULT NULL::timestamp with time zone, breaches bigint DEFAULT 0, chain text DEFAULT ''main''::text', 'timestamp with time zone'),
	('retire_contract', 'contract text, reason text, active_until timestamp with time zone DEFAULT NULL::timestamp with time zone, chain text DEFAULT ''main''::text', 'timestamp with time zone'),
	('replay', 'contract text, version integer DEFAULT NULL::integer, "from" timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone, chain text DEFAULT ''main''::text, OUT relation regclass, OUT ledger_seq bigint, OUT accepted_at timestamp with time zone, OUT judged_by integer, OUT answer text, OUT rule text, OUT code text, OUT message text, OUT detail text, OUT hint text', 'SETOF record'),
	('seal', 'chain text DEFAULT ''main''::text', 'bigint'),
	('checkpoint', 'chain text DEFAULT ''main''::text, height bigint DEFAULT NULL::bigint, final boolean DEFAULT false', 'text'),
	('create_node', 'name text, key text DEFAULT NULL::text', 'text'),
	('key_rotations', 'chain text DEFAULT ''main''::text, OUT ledger_seq bigint, OUT height bigint, OUT old_key text, OUT new_key text, OUT receipt text', 'SETOF record'),
	('rotate_log_key', 'chain text, key text DEFAULT NULL::text', 'text'),
	('rotate_cosigner_key', 'key text DEFAULT NULL::text', 'text'),
	('cosigner_key', '', 'text'),
	('verifier_key', 'chain text DEFAULT ''main''::text', 'text'),
	('root_hash', 'chain text, tree_size bigint', 'bytea'),
	('leaf_index', 'relation regclass, ledger_seq bigint', 'bigint'),
	('leaf_data', 'relation regclass, ledger_seq bigint', 'bytea'),
	('leaf_hash', 'relation regclass, ledger_seq bigint', 'bytea'),
	('inclusion_proof', 'relation regclass, ledger_seq bigint, OUT chain text, OUT leaf_index bigint, INOUT tree_size bigint DEFAULT NULL::bigint, OUT leaf_hash bytea, OUT path bytea[], OUT root_hash bytea', 'record'),
	('consistency_proof', 'chain text, from_size bigint, to_size bigint DEFAULT NULL::bigint', 'bytea[]'),
	('verify_inclusion', 'leaf_hash bytea, leaf_index bigint, tree_size bigint, path bytea[], root_hash bytea', 'boolean'),
	('verify_consistency', 'from_size bigint, from_root bytea, to_size bigint, to_root bytea, path bytea[]', 'boolean'),
	('verify', 'relation regclass DEFAULT NULL::regclass, checkpoint text DEFAULT NULL::text', NULL),
	('verify_indexes', 'relation regclass', NULL),
	('signature_verdict', 'relation regclass, ledger_seq bigint, OUT answer text, OUT reason text, OUT explanation text, OUT member text, OUT signed_by text, OUT key text, OUT key_seq bigint, OUT registered_at timestamp with time zone, OUT accepted_at timestamp with time zone, OUT ended_at timestamp with time zone, OUT end_seq bigint, OUT compromised_since timestamp with time zone, OUT seen_by timestamp with time zone', 'record'),
	('verify_signatures', 'INOUT relation regclass DEFAULT NULL::regclass, OUT ledger_seq bigint, OUT answer text, OUT reason text, OUT explanation text, OUT member text, OUT signed_by text, OUT key text, OUT key_seq bigint, OUT registered_at timestamp with time zone, OUT accepted_at timestamp with time zone, OUT ended_at timestamp with time zone, OUT end_seq bigint, OUT compromised_since timestamp with time zone, OUT seen_by timestamp with time zone', 'SETOF record'),
	('evidence', 'relation regclass, ledger_seq bigint, OUT file text, OUT content bytea', 'SETOF record'),
	('receipt', 'relation regclass, ledger_seq bigint, tree_size bigint DEFAULT NULL::bigint, final boolean DEFAULT false', 'text'),
	('set_policy', 'chain text, policy text', 'text'),
	('add_cosignature', 'chain text, lines text, tree_size bigint DEFAULT NULL::bigint', 'integer'),
	('wait_for_final', 'relation regclass, ledger_seq bigint, timeout interval DEFAULT ''00:00:10''::interval', 'text'),
	('wait_for_seal', 'relation regclass, ledger_seq bigint, timeout interval DEFAULT ''00:00:10''::interval, OUT receipt text, OUT timestamps bytea[]', 'record'),
	('timestamp_request', 'checkpoint text DEFAULT seoulchain.checkpoint()', 'bytea'),
	('add_timestamp', 'token bytea, unasked boolean DEFAULT false, OUT chain text, OUT tree_size bigint, OUT "time" timestamp with time zone', 'record'),
	('open_chain', 'name text', NULL),
	('install_members', 'chain text DEFAULT ''main''::text, schema name DEFAULT ''members''::name', NULL),
	('add_ledger_seq', 'parent regclass', NULL),
	('add_ledger_time', 'relation regclass', NULL);

SELECT is((SELECT string_agg(pg_get_function_arguments(oid), ' | ') FROM pg_proc
		WHERE proname = promised.name AND pronamespace = 'seoulchain'::regnamespace),
	arguments, 'seoulchain.' || name || ' takes its arguments')
FROM promised ORDER BY name;
SELECT is((SELECT string_agg(pg_get_function_result(oid), ' | ') FROM pg_proc
		WHERE proname = promised.name AND pronamespace = 'seoulchain'::regnamespace),
	result, 'seoulchain.' || name || ' gives its result')
FROM promised WHERE result IS NOT NULL ORDER BY name;

-- a fault is a row of these columns, from both verifiers
SELECT is((SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'seoulchain.fault'::regclass AND attnum > 0),
	'chain text, relation regclass, ledger_seq bigint, height bigint, fault text, expected bytea, found bytea', 'the columns of a fault');
SELECT is(pg_get_function_result(p.oid), 'SETOF seoulchain.fault', p.proname::text || ' returns faults')
FROM pg_proc p WHERE p.pronamespace = 'seoulchain'::regnamespace AND p.proname IN ('verify', 'verify_indexes') ORDER BY p.proname;

SELECT has_view('seoulchain', 'block', 'the view of blocks');
SELECT is((SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'seoulchain.block'::regclass AND attnum > 0),
	'chain text, height bigint, prev_hash bytea, block_hash bytea, first_leaf bigint, tree_size bigint, root_hash bytea, members int8multirange, sealed_at timestamp with time zone',
	'the columns of block');

-- a table USING ledger gains one trailing nullable column
CREATE TABLE t (id int, v text) USING ledger;
SELECT columns_are('t', ARRAY['id', 'v', 'ledger_seq']);
SELECT col_type_is('t', 'ledger_seq', 'bigint', 'ledger_seq is a bigint');
SELECT col_is_null('t', 'ledger_seq', 'it may be null');
SELECT col_hasnt_default('t', 'ledger_seq', 'it has no default');

SELECT * FROM finish();
ROLLBACK;
