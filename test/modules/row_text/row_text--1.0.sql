\echo Use "CREATE EXTENSION row_text" to load this file. \quit

CREATE FUNCTION row_text.leaf(relation regclass, "row" record, ledger_seq bigint DEFAULT 1000) RETURNS text
	AS 'MODULE_PATHNAME', 'row_text_leaf' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION row_text.leaf(regclass, record, bigint) IS 'the leaf that the encoder makes of a row of the relation';

CREATE FUNCTION row_text.nanoseconds(relation regclass, "row" record, loops integer, hash boolean) RETURNS double precision
	AS 'MODULE_PATHNAME', 'row_text_nanoseconds' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION row_text.nanoseconds(regclass, record, integer, boolean) IS 'processor time to make the row''s leaf once, with its hash or without';

CREATE FUNCTION row_text.type_check(type oid, typmod integer, "column" text) RETURNS void
	AS 'MODULE_PATHNAME', 'row_text_type_check' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION row_text.type_check(oid, integer, text) IS 'the error that a column of the type would raise';

CREATE FUNCTION row_text.type_is_allowed(type oid) RETURNS boolean
	AS 'MODULE_PATHNAME', 'row_text_type_is_allowed' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION row_text.type_is_allowed(oid) IS 'may a column of a ledger table have the type?';

/* as in sql/21_allowed_type.sql */
CREATE SCHEMA IF NOT EXISTS seoulchain;
CREATE TABLE IF NOT EXISTS seoulchain.allowed_type (type regtype PRIMARY KEY, reason text NOT NULL);
