/*
 * Signed rows: which tables take signed rows only, and what was signed.
 */
CREATE TABLE seoulchain.signature_rule (
	table_id int4 NOT NULL,
	rule_seq int8 NOT NULL,
	signer text NOT NULL,
	signature text NOT NULL,
	columns text[] NOT NULL,
	PRIMARY KEY (table_id, rule_seq)
);
COMMENT ON TABLE seoulchain.signature_rule IS 'which ledger tables take signed rows only; a table''s last rule is in force';
COMMENT ON COLUMN seoulchain.signature_rule.table_id IS 'the ledger table';
COMMENT ON COLUMN seoulchain.signature_rule.rule_seq IS 'ledger_seq of the event; rows with a greater one are under the rule, until the next';
COMMENT ON COLUMN seoulchain.signature_rule.signer IS 'ledger name of the column that names the member who signs';
COMMENT ON COLUMN seoulchain.signature_rule.signature IS 'ledger name of the column that holds the signature';
COMMENT ON COLUMN seoulchain.signature_rule.columns IS 'ledger names of the signed columns';

/* follows from the rows: rebuild_signed_payloads() makes it again */
CREATE TABLE seoulchain.signed_payload (
	chain_id int4 NOT NULL,
	digest uuid NOT NULL,
	table_id int4 NOT NULL,
	ledger_seq int8 NOT NULL,
	PRIMARY KEY (chain_id, digest)
);
COMMENT ON TABLE seoulchain.signed_payload IS 'payloads that members have signed: each counts once';
COMMENT ON COLUMN seoulchain.signed_payload.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.signed_payload.digest IS 'first 128 bits of the SHA-256 over the SHA-256 of the payload and the signer''s name';
COMMENT ON COLUMN seoulchain.signed_payload.table_id IS 'the ledger table of the row';
COMMENT ON COLUMN seoulchain.signed_payload.ledger_seq IS 'the row';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.signature_rule', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.signed_payload', '');

CREATE FUNCTION seoulchain.require_signature(relation regclass, signer name, signature name, VARIADIC columns name[] DEFAULT '{}')
	RETURNS void
	AS 'MODULE_PATHNAME', 'sc_require_signature' LANGUAGE C STRICT;
COMMENT ON FUNCTION seoulchain.require_signature(regclass, name, name, name[]) IS
	'from now on rows of the ledger table have to be signed by the member whom column signer names; for its owner';

CREATE FUNCTION seoulchain.check_signature() RETURNS trigger
	AS 'MODULE_PATHNAME', 'sc_check_signature' LANGUAGE C;
COMMENT ON FUNCTION seoulchain.check_signature() IS 'trigger of require_signature(): checks the signature of a row';

CREATE FUNCTION seoulchain.signing_payload(relation regclass, "row" record) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_signing_payload' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION seoulchain.signing_payload(regclass, record) IS
	'the exact text that the signer of this row signs: canonical JSON, without a newline at its end';

CREATE FUNCTION seoulchain.rebuild_signed_payloads(relation regclass) RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_rebuild_signed_payloads' LANGUAGE C STRICT;
COMMENT ON FUNCTION seoulchain.rebuild_signed_payloads(regclass) IS
	'makes the table''s part of signed_payload again from its rows; returns how many rows it has';
