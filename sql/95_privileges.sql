
/*
 * Who may do what, for the whole extension, on this one page.
 *
 * PUBLIC may use the schema and call what only reads or computes; every
 * function that changes state is the operator's; internal tables are for the
 * auditor's eyes.  Writing rows of ledger tables is ordinary GRANT INSERT.
 */
GRANT USAGE ON SCHEMA seoulchain TO PUBLIC;

/* nothing is PUBLIC's unless named below */
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA seoulchain FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA seoulchain FROM PUBLIC;

/* blocks, checkpoints and their timestamps are made to be shown */
GRANT SELECT ON seoulchain.block, seoulchain.timestamps, seoulchain.allowed_type, seoulchain.rules TO PUBLIC;
GRANT EXECUTE ON FUNCTION seoulchain.rules() TO PUBLIC;

/* everybody may know the rules and who approved them */
GRANT SELECT ON seoulchain.contracts, seoulchain.contract_versions, seoulchain.contract_rules, seoulchain.approvals TO PUBLIC;
GRANT EXECUTE ON FUNCTION
	seoulchain.checkpoint(text, bigint, boolean),
	seoulchain.root_hash(text, bigint),
	seoulchain.verifier_key(text),
	seoulchain.key_rotations(text),
	seoulchain.cosigner_key()
TO PUBLIC;

/* proofs: whoever may SELECT the row, which is asked inside; the others are arithmetic or show hashes */
GRANT EXECUTE ON FUNCTION
	seoulchain.leaf_index(regclass, bigint),
	seoulchain.leaf_data(regclass, bigint),
	seoulchain.leaf_hash(regclass, bigint),
	seoulchain.inclusion_proof(regclass, bigint, bigint),
	seoulchain.consistency_proof(text, bigint, bigint),
	seoulchain.signature_verdict(regclass, bigint),
	seoulchain.evidence(regclass, bigint),
	seoulchain.receipt(regclass, bigint, bigint, boolean),
	seoulchain.wait_for_seal(regclass, bigint, interval),
	seoulchain.verify_inclusion(bytea, bigint, bigint, bytea[], bytea),
	seoulchain.verify_consistency(bigint, bytea, bigint, bytea, bytea[]),
	seoulchain.verify_signature(bytea, bytea, bytea),
	seoulchain.verify_jws(text, bytea, bytea, text)
TO PUBLIC;

/* verification reads every row */
GRANT EXECUTE ON FUNCTION
	seoulchain.verify(regclass, text),
	seoulchain.verify_indexes(regclass),
	seoulchain.verify_signatures(regclass),
	seoulchain.verify_progress()
TO seoulchain_auditor;

/* what ALTER TABLE lets an owner do as well; they ask who owns the table */
GRANT EXECUTE ON FUNCTION
	seoulchain.add_ledger_seq(regclass),
	seoulchain.add_ledger_time(regclass),
	seoulchain.require_signature(regclass, name, name, name[])
TO PUBLIC;

/* the text to sign is made of what the caller brings; the trigger is called by no hand */
GRANT EXECUTE ON FUNCTION
	seoulchain.signing_payload(regclass, record),
	seoulchain.check_signature()
TO PUBLIC;

/* what counts as used follows from the rows */
GRANT EXECUTE ON FUNCTION seoulchain.rebuild_signed_payloads(regclass) TO seoulchain_operator;

/* other nodes, and what goes to and comes from them */
GRANT EXECUTE ON FUNCTION
	seoulchain.add_peer(text, text, text, name),
	seoulchain.remove_peer(text),
	seoulchain.share(text, text),
	seoulchain.unshare(text, text),
	seoulchain.follow(text),
	seoulchain.unfollow(text),
	seoulchain.open_network()
TO seoulchain_operator;

GRANT SELECT ON seoulchain.network_status, seoulchain.network_settings TO seoulchain_operator, seoulchain_auditor;
GRANT EXECUTE ON FUNCTION
	seoulchain.link_name(text, text),
	seoulchain.network_status(),
	seoulchain.network_worker_running(),
	seoulchain.network_state(text),
	seoulchain.reader_lacks(integer, text)
TO seoulchain_operator, seoulchain_auditor;

/* what replication brings */
GRANT INSERT ON seoulchain.message, seoulchain.cosignature TO seoulchain_apply;

/* what moves sealing, chains, keys and nodes */
GRANT EXECUTE ON FUNCTION
	seoulchain.seal(text),
	seoulchain.create_node(text, text),
	seoulchain.create_chain(text, text),
	seoulchain.rotate_log_key(text, text),
	seoulchain.rotate_cosigner_key(text),
	seoulchain.resume_signing(text),
	seoulchain.rebuild_state(regclass),
	seoulchain.open_chain(text)
TO seoulchain_operator;

/* who may sign: the tables themselves are their owner's to grant; the trigger is called by no hand */
GRANT EXECUTE ON FUNCTION seoulchain.install_members(text, name) TO seoulchain_operator;
GRANT EXECUTE ON FUNCTION
	seoulchain.normalise_member(),
	seoulchain.register_member(text, text, text, text),
	seoulchain.add_key(text, text, bytea, text),
	seoulchain.add_key(text, text, text, text),
	seoulchain.rotate_key(text, text, text, bytea, text),
	seoulchain.rotate_key(text, text, text, text, text),
	seoulchain.suspend_key(text, text, text, text),
	seoulchain.resume_key(text, text, text, text),
	seoulchain.revoke_key(text, text, text, timestamptz, text),
	seoulchain.suspend_member(text, text, text),
	seoulchain.resume_member(text, text, text),
	seoulchain.revoke_member(text, text, timestamptz, text),
	seoulchain.delegate(text, text, text[], timestamptz, text),
	seoulchain.end_delegation(text, text, text[], text),
	seoulchain.trust_authority(text, bytea, boolean, text),
	seoulchain.trust_authority(text, text, boolean, text),
	seoulchain.distrust_authority(text, text),
	seoulchain.add_crl(text, bytea, text),
	seoulchain.add_crl(text, text, text),
	seoulchain.members(text),
	seoulchain.member_keys(text, text),
	seoulchain.delegations(text)
TO PUBLIC;
GRANT SELECT ON seoulchain.members, seoulchain.member_keys, seoulchain.delegations TO PUBLIC;

/* whose word about time counts, and that word */
GRANT EXECUTE ON FUNCTION
	seoulchain.add_time_authority(text, bytea, boolean),
	seoulchain.remove_time_authority(text),
	seoulchain.add_time_crl(bytea),
	seoulchain.timestamp_request(text),
	seoulchain.add_timestamp(bytea, boolean)
TO seoulchain_operator;

/* the life of contracts */
GRANT EXECUTE ON FUNCTION
	seoulchain.propose_contract(jsonb, text),
	seoulchain.approve_contract(text, integer, text, text, text, text),
	seoulchain.activate_contract(text, integer, timestamptz, bigint, text),
	seoulchain.retire_contract(text, text, timestamptz, text)
TO seoulchain_operator;

/* copies of other nodes' chains */
GRANT EXECUTE ON FUNCTION seoulchain.drop_copy(text) TO seoulchain_operator;

/* definitions are public, and so is what their approvers sign */
GRANT EXECUTE ON FUNCTION seoulchain.approval_payload(text, integer, text, text) TO PUBLIC;

/* the outside world: tile() asks whether the chain is public or the caller an auditor; the others are arithmetic or show what is shown anyway */
GRANT EXECUTE ON FUNCTION
	seoulchain.tile(text, text),
	seoulchain.tile_paths(bigint, bigint),
	seoulchain.witness_request(text, bigint),
	seoulchain.witness_key()
TO PUBLIC;
GRANT SELECT ON seoulchain.public_chains TO PUBLIC;
GRANT EXECUTE ON FUNCTION
	seoulchain.set_public(text),
	seoulchain.add_witnessed_log(text, text),
	seoulchain.remove_witnessed_log(text),
	seoulchain.witness_answer(text),
	seoulchain.resume_witness(text)
TO seoulchain_operator;

/* views over all agencies' tables; they are security_invoker */
GRANT EXECUTE ON FUNCTION
	seoulchain.city_view(text),
	seoulchain.drop_city_view(text)
TO seoulchain_operator;
GRANT SELECT ON seoulchain.city_views TO seoulchain_operator;

/* watching: who runs the node */
GRANT SELECT ON seoulchain.nodes, seoulchain.lag, seoulchain.city_problems, seoulchain.city TO seoulchain_operator;
GRANT EXECUTE ON FUNCTION seoulchain.nodes(), seoulchain.lag(), seoulchain.city_problems(), seoulchain.city()
TO seoulchain_operator, seoulchain_auditor;

/* these ask whether the caller may SELECT the tables */
GRANT EXECUTE ON FUNCTION
	seoulchain.replay(text, integer, timestamptz, timestamptz, text),
	seoulchain.contract_breaches(text, integer, text)
TO PUBLIC;

/* which witnesses make a checkpoint final; what they gave and what is missing is shown to everybody */
GRANT EXECUTE ON FUNCTION
	seoulchain.set_policy(text, text),
	seoulchain.add_cosignature(text, text, bigint)
TO seoulchain_operator;
GRANT SELECT ON seoulchain.followed_rules TO seoulchain_operator;
GRANT SELECT ON seoulchain.policies, seoulchain.cosignatures_missing TO PUBLIC;
GRANT EXECUTE ON FUNCTION
	seoulchain.policies(),
	seoulchain.cosignatures_missing(),
	seoulchain.wait_for_final(regclass, bigint, interval)
TO PUBLIC;
/* comparing with peers and repairing; what peers ask is for roles that may read the whole database, as theirs may */
GRANT EXECUTE ON FUNCTION seoulchain.compare(text, boolean) TO seoulchain_operator, seoulchain_auditor;
GRANT EXECUTE ON FUNCTION seoulchain.repair(regclass), seoulchain.recover(text, text[]) TO seoulchain_operator;
GRANT EXECUTE ON FUNCTION
	seoulchain.served_chains(),
	seoulchain.served_tiles(text, smallint, bigint, integer),
	seoulchain.served_blocks(text, bigint, integer),
	seoulchain.served_events(text, bigint, integer),
	seoulchain.served_rows(text, bigint[]),
	seoulchain.served_path(text, bigint, bigint),
	seoulchain.served_faults(text),
	seoulchain.served_greatest(text),
	seoulchain.served_above(text, bigint),
	seoulchain.served_between(text, bigint, bigint, bigint),
	seoulchain.served_lineage(),
	seoulchain.served_progress(text)
TO pg_read_all_data, seoulchain_auditor;
/* what was found wrong with chains, and what operators should look at */
GRANT SELECT ON seoulchain.disputes, seoulchain.alarms TO seoulchain_operator;
GRANT EXECUTE ON FUNCTION seoulchain.dispute_evidence(text, text, bigint, bigint), seoulchain.rule_evidence(regclass, bigint) TO seoulchain_operator, seoulchain_auditor;
GRANT EXECUTE ON FUNCTION seoulchain.settle_dispute(text, text), seoulchain.clear_alarm(text, text) TO seoulchain_operator;

/* which types of extensions may stand in leaves */
GRANT SELECT, INSERT, DELETE ON seoulchain.allowed_type TO seoulchain_operator;

GRANT SELECT ON seoulchain.seal_status TO seoulchain_operator, seoulchain_auditor;
GRANT EXECUTE ON FUNCTION seoulchain.seal_status() TO seoulchain_operator, seoulchain_auditor;

GRANT SELECT ON ALL TABLES IN SCHEMA seoulchain TO seoulchain_auditor;

/* connection strings may hold passwords */
REVOKE SELECT ON seoulchain.peer FROM seoulchain_auditor;
GRANT SELECT (name, cosigner_key, role, added_at, system_identifier, database) ON seoulchain.peer TO seoulchain_auditor;
