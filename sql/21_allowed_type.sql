/*
 * Extension types that somebody has reviewed.  A table and not a setting:
 * pg_dump carries it, DROP TYPE can be traced in it, and each row says why.
 */
CREATE TABLE seoulchain.allowed_type (
	type regtype PRIMARY KEY,
	reason text NOT NULL,
	added_by name NOT NULL DEFAULT session_user,
	added_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE seoulchain.allowed_type IS 'base types made by CREATE TYPE that columns of ledger tables may have';
COMMENT ON COLUMN seoulchain.allowed_type.type IS 'a base type whose values have one text for ever';
COMMENT ON COLUMN seoulchain.allowed_type.reason IS 'how that was found out';
COMMENT ON COLUMN seoulchain.allowed_type.added_by IS 'who added it';
COMMENT ON COLUMN seoulchain.allowed_type.added_at IS 'when it was added';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.allowed_type', '');

