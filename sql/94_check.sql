/*
 * Checks of other nodes' blocks: member signatures and contracts.
 */
CREATE TABLE seoulchain.followed_rule (
	rule_id int4 PRIMARY KEY
);
COMMENT ON TABLE seoulchain.followed_rule IS 'rules on tables of copies that keep state here, in rule_state, since the block that first needed it';
COMMENT ON COLUMN seoulchain.followed_rule.rule_id IS 'the rule, as in contract_rule';
SELECT pg_catalog.pg_extension_config_dump('seoulchain.followed_rule', '');
