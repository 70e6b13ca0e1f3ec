-- Everything of the extension that PUBLIC may call, by name.  A new line here is a decision.
BEGIN;
SELECT * FROM no_plan();
CREATE ROLE public_anybody;

SELECT results_eq(
	$$SELECT p.oid::regprocedure::text FROM pg_proc p
		WHERE p.pronamespace = 'seoulchain'::regnamespace AND has_function_privilege('public_anybody', p.oid, 'EXECUTE')
		ORDER BY p.oid::regprocedure::text COLLATE "C"$$,
	$$VALUES
		-- INSERT or SELECT of the members' tables, with the caller's rights
		('seoulchain.add_crl(text,bytea,text)'),
		('seoulchain.add_crl(text,text,text)'),
		('seoulchain.add_key(text,text,bytea,text)'),
		('seoulchain.add_key(text,text,text,text)'),
		-- ask whether the caller owns the table, as ALTER TABLE does
		('seoulchain.add_ledger_seq(regclass)'),
		('seoulchain.add_ledger_time(regclass)'),
		-- definitions are public
		('seoulchain.approval_payload(text,integer,text,text)'),
		-- a trigger: called by no hand
		('seoulchain.check_signature()'),
		-- what the node tells everybody
		('seoulchain.checkpoint(text,bigint,boolean)'),
		('seoulchain.consistency_proof(text,bigint,bigint)'),
		-- asks whether the caller may SELECT the tables
		('seoulchain.contract_breaches(text,integer,text)'),
		-- what the node tells everybody
		('seoulchain.cosignatures_missing()'),
		('seoulchain.cosigner_key()'),
		-- INSERT or SELECT of the members' tables, with the caller's rights
		('seoulchain.delegate(text,text,text[],timestamp with time zone,text)'),
		('seoulchain.delegations(text)'),
		('seoulchain.distrust_authority(text,text)'),
		('seoulchain.end_delegation(text,text,text[],text)'),
		-- ask whether the caller may SELECT the row
		('seoulchain.evidence(regclass,bigint)'),
		('seoulchain.inclusion_proof(regclass,bigint,bigint)'),
		-- what the node tells everybody
		('seoulchain.key_rotations(text)'),
		-- ask whether the caller may SELECT the row
		('seoulchain.leaf_data(regclass,bigint)'),
		('seoulchain.leaf_hash(regclass,bigint)'),
		('seoulchain.leaf_index(regclass,bigint)'),
		-- INSERT or SELECT of the members' tables, with the caller's rights
		('seoulchain.member_keys(text,text)'),
		('seoulchain.members(text)'),
		-- a trigger: called by no hand
		('seoulchain.normalise_member()'),
		-- what the node tells everybody
		('seoulchain.policies()'),
		-- asks whether the caller may SELECT the row
		('seoulchain.receipt(regclass,bigint,bigint,boolean)'),
		-- INSERT or SELECT of the members' tables, with the caller's rights
		('seoulchain.register_member(text,text,text,text)'),
		-- asks whether the caller may SELECT the tables
		('seoulchain.replay(text,integer,timestamp with time zone,timestamp with time zone,text)'),
		-- asks whether the caller owns the table
		('seoulchain.require_signature(regclass,name,name,name[])'),
		-- INSERT or SELECT of the members' tables, with the caller's rights
		('seoulchain.resume_key(text,text,text,text)'),
		('seoulchain.resume_member(text,text,text)'),
		('seoulchain.revoke_key(text,text,text,timestamp with time zone,text)'),
		('seoulchain.revoke_member(text,text,timestamp with time zone,text)'),
		-- what the node tells everybody
		('seoulchain.root_hash(text,bigint)'),
		-- INSERT or SELECT of the members' tables, with the caller's rights
		('seoulchain.rotate_key(text,text,text,bytea,text)'),
		('seoulchain.rotate_key(text,text,text,text,text)'),
		-- what this node can do
		('seoulchain.rules()'),
		-- asks whether the caller may SELECT the row
		('seoulchain.signature_verdict(regclass,bigint)'),
		-- made of what the caller brings
		('seoulchain.signing_payload(regclass,record)'),
		-- INSERT or SELECT of the members' tables, with the caller's rights
		('seoulchain.suspend_key(text,text,text,text)'),
		('seoulchain.suspend_member(text,text,text)'),
		-- asks whether the chain is public or the caller an auditor
		('seoulchain.tile(text,text)'),
		-- arithmetic
		('seoulchain.tile_paths(bigint,bigint)'),
		-- INSERT or SELECT of the members' tables, with the caller's rights
		('seoulchain.trust_authority(text,bytea,boolean,text)'),
		('seoulchain.trust_authority(text,text,boolean,text)'),
		-- what the node tells everybody
		('seoulchain.verifier_key(text)'),
		-- arithmetic
		('seoulchain.verify_consistency(bigint,bytea,bigint,bytea,bytea[])'),
		('seoulchain.verify_inclusion(bytea,bigint,bigint,bytea[],bytea)'),
		('seoulchain.verify_jws(text,bytea,bytea,text)'),
		('seoulchain.verify_signature(bytea,bytea,bytea)'),
		-- ask whether the caller may SELECT the row
		('seoulchain.wait_for_final(regclass,bigint,interval)'),
		('seoulchain.wait_for_seal(regclass,bigint,interval)'),
		-- what the node tells everybody
		('seoulchain.witness_key()'),
		-- a checkpoint and hashes
		('seoulchain.witness_request(text,bigint)')$$,
	'the functions that PUBLIC may execute');

SELECT results_eq(
	$$SELECT c.oid::regclass::text FROM pg_class c
		WHERE c.relnamespace = 'seoulchain'::regnamespace AND c.relkind IN ('r', 'v') AND has_table_privilege('public_anybody', c.oid, 'SELECT')
		ORDER BY c.oid::regclass::text COLLATE "C"$$,
	$$VALUES ('seoulchain.allowed_type'), ('seoulchain.approvals'), ('seoulchain.block'),
		('seoulchain.contract_rules'), ('seoulchain.contract_versions'), ('seoulchain.contracts'),
		('seoulchain.cosignatures_missing'),
		('seoulchain.delegations'), ('seoulchain.member_keys'), ('seoulchain.members'), ('seoulchain.policies'),
		('seoulchain.public_chains'), ('seoulchain.rules'), ('seoulchain.timestamps')$$,
	'the tables and views that PUBLIC may read');

-- other schemas: nothing of ours is there
SELECT is_empty($$
	SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
	WHERE e.extname = 'seoulchain' AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
		AND (SELECT pronamespace FROM pg_proc WHERE oid = d.objid) <> 'seoulchain'::regnamespace$$,
	'no function of the extension is in another schema');

SELECT * FROM finish();
ROLLBACK;
