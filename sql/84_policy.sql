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
