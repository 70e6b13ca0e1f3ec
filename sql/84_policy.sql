/*
 * Policies: which witnesses must have cosigned a checkpoint before it is final.
 */
CREATE TABLE seoulchain.policy (
	chain_id int4 NOT NULL,
	ledger_seq int8 NOT NULL,
	policy text NOT NULL,
	PRIMARY KEY (chain_id, ledger_seq)
);
COMMENT ON TABLE seoulchain.policy IS 'the policies of chains, those that were replaced included';
COMMENT ON COLUMN seoulchain.policy.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.policy.ledger_seq IS 'the event that recorded it';
COMMENT ON COLUMN seoulchain.policy.policy IS 'C2SP tlog-policy';
SELECT pg_catalog.pg_extension_config_dump('seoulchain.policy', '');

CREATE FUNCTION seoulchain.set_policy(chain text, policy text) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_set_policy' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.set_policy(text, text) IS 'records which witnesses must have cosigned a checkpoint of the chain before it is final (C2SP tlog-policy); says what that is worth';

CREATE FUNCTION seoulchain.policies(OUT chain text, OUT ledger_seq bigint, OUT leaf_index bigint, OUT policy text,
		OUT overlap integer, OUT since bigint, OUT in_force boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_policies' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.policies() IS 'the policies of every chain, what each is worth, and which is in force';

CREATE VIEW seoulchain.policies AS SELECT * FROM seoulchain.policies();
COMMENT ON VIEW seoulchain.policies IS 'the policies of every chain, what each is worth, and which is in force';
COMMENT ON COLUMN seoulchain.policies.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.policies.ledger_seq IS 'the event that recorded it';
COMMENT ON COLUMN seoulchain.policies.leaf_index IS 'its leaf; NULL while it is not sealed';
COMMENT ON COLUMN seoulchain.policies.policy IS 'C2SP tlog-policy';
COMMENT ON COLUMN seoulchain.policies.overlap IS 'how many witnesses, the chain''s own node not counted, any two quorums share; it holds while fewer lie';
COMMENT ON COLUMN seoulchain.policies.since IS 'it decides about trees of more leaves; NULL while the policy before it is in force';
COMMENT ON COLUMN seoulchain.policies.in_force IS 'whether it decides about the next checkpoint';

CREATE FUNCTION seoulchain.wait_for_final(relation regclass, ledger_seq int8, timeout interval DEFAULT '10 s') RETURNS text
	AS 'MODULE_PATHNAME', 'sc_wait_for_final' LANGUAGE C VOLATILE STRICT COST 1000 PARALLEL UNSAFE;
COMMENT ON FUNCTION seoulchain.wait_for_final(regclass, int8, interval) IS 'waits until enough witnesses have cosigned a checkpoint that holds a committed row; its receipt, or NULL when the time is over';

CREATE FUNCTION seoulchain.add_cosignature(chain text, lines text, tree_size bigint DEFAULT NULL) RETURNS integer
	AS 'MODULE_PATHNAME', 'sc_add_cosignature' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.add_cosignature(text, text, bigint) IS 'keeps cosignatures of known keys that a witness gave, over the checkpoint of tree_size leaves or one of the newest; how many are new';

CREATE FUNCTION seoulchain.cosignatures_missing(OUT chain text, OUT height bigint, OUT tree_size bigint, OUT witness text,
		OUT key_name text, OUT final boolean, OUT final_height bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_cosignatures_missing' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.cosignatures_missing() IS 'the witnesses of policies in force that have not cosigned the newest signed block';

CREATE VIEW seoulchain.cosignatures_missing AS SELECT * FROM seoulchain.cosignatures_missing();
COMMENT ON VIEW seoulchain.cosignatures_missing IS 'the witnesses of policies in force that have not cosigned the newest signed block';
COMMENT ON COLUMN seoulchain.cosignatures_missing.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.cosignatures_missing.height IS 'its newest signed block';
COMMENT ON COLUMN seoulchain.cosignatures_missing.tree_size IS 'leaves of that block''s tree';
COMMENT ON COLUMN seoulchain.cosignatures_missing.witness IS 'the witness, as the policy names it';
COMMENT ON COLUMN seoulchain.cosignatures_missing.key_name IS 'name of its key';
COMMENT ON COLUMN seoulchain.cosignatures_missing.final IS 'whether the block is final without it';
COMMENT ON COLUMN seoulchain.cosignatures_missing.final_height IS 'the newest final block';

CREATE FUNCTION seoulchain.accept_cosignature() RETURNS trigger
	AS 'MODULE_PATHNAME', 'sc_accept_cosignature' LANGUAGE C;
COMMENT ON FUNCTION seoulchain.accept_cosignature() IS 'trigger of cosignature: takes from a peer its own cosignatures only';
CREATE TRIGGER accept_cosignature BEFORE INSERT ON seoulchain.cosignature
	FOR EACH ROW EXECUTE FUNCTION seoulchain.accept_cosignature();
ALTER TABLE seoulchain.cosignature ENABLE ALWAYS TRIGGER accept_cosignature;
COMMENT ON TRIGGER accept_cosignature ON seoulchain.cosignature IS 'takes from a peer its own cosignatures only';
