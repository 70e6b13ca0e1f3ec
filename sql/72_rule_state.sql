/*
 * What rules keep: derived from the rows of ledger tables, rebuilt by
 * rebuild_state(), compared by verify().  The insert path writes these tables
 * below SQL; nobody else may.
 */
CREATE TABLE seoulchain.rule_state (
	rule_id int4 NOT NULL,
	key text COLLATE "C" NOT NULL,
	value text COLLATE "C"
);
/* a value changes often, its key never: room on the page keeps updates out of the index */
ALTER TABLE seoulchain.rule_state SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE UNIQUE INDEX rule_state_key ON seoulchain.rule_state (rule_id, key);
COMMENT ON TABLE seoulchain.rule_state IS 'what rules keep under their keys; written by the insert path alone';
COMMENT ON COLUMN seoulchain.rule_state.rule_id IS 'the rule on its table, as in contract_rule';
COMMENT ON COLUMN seoulchain.rule_state.key IS 'the key: a JSON array of column values, or sha256: and its hash when it is long';
COMMENT ON COLUMN seoulchain.rule_state.value IS 'what is kept; NULL = nothing yet, the row only holds the key''s lock';

CREATE TABLE seoulchain.rule_delta (
	rule_id int4 NOT NULL,
	key text COLLATE "C" NOT NULL,
	amount text COLLATE "C" NOT NULL
);
ALTER TABLE seoulchain.rule_delta SET (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX rule_delta_key ON seoulchain.rule_delta (rule_id, key);
COMMENT ON TABLE seoulchain.rule_delta IS 'what was added to keys without waiting for anybody; whoever locks a key next adds it to its value';
COMMENT ON COLUMN seoulchain.rule_delta.rule_id IS 'the rule on its table';
COMMENT ON COLUMN seoulchain.rule_delta.key IS 'the key';
COMMENT ON COLUMN seoulchain.rule_delta.amount IS 'decimal number to add';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.rule_state', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.rule_delta', '');

CREATE FUNCTION seoulchain.rebuild_state(relation regclass) RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_rebuild_state_sql' LANGUAGE C STRICT;
COMMENT ON FUNCTION seoulchain.rebuild_state(regclass) IS
	'makes what the rules of a ledger table keep anew from its rows; returns how many rows it has read';

CREATE FUNCTION seoulchain.rules()
	RETURNS TABLE (rule text, version text, library text, digest text, meaning text, parameters text)
	AS 'MODULE_PATHNAME', 'sc_rules' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION seoulchain.rules() IS 'the rule functions of this node';

CREATE VIEW seoulchain.rules AS SELECT * FROM seoulchain.rules();
COMMENT ON VIEW seoulchain.rules IS 'the rule functions of this node: built in, and those of seoulchain.rule_libraries';
COMMENT ON COLUMN seoulchain.rules.rule IS 'name of the rule';
COMMENT ON COLUMN seoulchain.rules.version IS 'its version';
COMMENT ON COLUMN seoulchain.rules.library IS 'the library it comes from; NULL = built in';
COMMENT ON COLUMN seoulchain.rules.digest IS 'SHA-256 over its sources, hex';
COMMENT ON COLUMN seoulchain.rules.meaning IS 'what it holds';
COMMENT ON COLUMN seoulchain.rules.parameters IS 'what a contract gives to it';
