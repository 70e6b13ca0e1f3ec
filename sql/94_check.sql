/*
 * Checks of other nodes' blocks: member signatures and contracts.
 */
CREATE TABLE seoulchain.followed_rule (
	rule_id int4 PRIMARY KEY
);
COMMENT ON TABLE seoulchain.followed_rule IS 'rules on tables of copies that keep state here, in rule_state, since the block that first needed it';
COMMENT ON COLUMN seoulchain.followed_rule.rule_id IS 'the rule, as in contract_rule';
SELECT pg_catalog.pg_extension_config_dump('seoulchain.followed_rule', '');

CREATE VIEW seoulchain.followed_rules AS
	SELECT h.origin AS chain, c.name AS contract, r.version, l.ledger_name AS relation, r.rule, r.rule_version, r.active_from, r.active_until,
		CASE WHEN n.rule IS NULL OR n.version <> r.rule_version OR n.rule = 'sql' THEN 'not here: blocks wait'
			WHEN n.digest <> pg_catalog.encode(r.digest, 'hex') THEN 'other sources: what they refuse waits'
			ELSE 'as activated' END AS judged,
		f.rule_id IS NOT NULL AS keeps_state
	FROM seoulchain.contract_rule r JOIN seoulchain.contract c USING (contract_id) JOIN seoulchain.chain h USING (chain_id)
		JOIN seoulchain.ledger l USING (table_id) LEFT JOIN seoulchain.rules n ON n.rule = r.rule LEFT JOIN seoulchain.followed_rule f USING (rule_id)
	WHERE h.copy;
COMMENT ON VIEW seoulchain.followed_rules IS 'rules of contracts on tables of copies, and whether this node can judge by them';
COMMENT ON COLUMN seoulchain.followed_rules.chain IS 'origin of the chain';
COMMENT ON COLUMN seoulchain.followed_rules.contract IS 'the contract';
COMMENT ON COLUMN seoulchain.followed_rules.version IS 'the version that brought the rule';
COMMENT ON COLUMN seoulchain.followed_rules.relation IS 'ledger name of the table';
COMMENT ON COLUMN seoulchain.followed_rules.rule IS 'the rule';
COMMENT ON COLUMN seoulchain.followed_rules.rule_version IS 'its version, as activated';
COMMENT ON COLUMN seoulchain.followed_rules.active_from IS 'it judges rows accepted from then on';
COMMENT ON COLUMN seoulchain.followed_rules.active_until IS 'and before this';
COMMENT ON COLUMN seoulchain.followed_rules.judged IS 'whether this node has the rule, and from the same sources';
COMMENT ON COLUMN seoulchain.followed_rules.keeps_state IS 'whether a block has needed its state yet';
