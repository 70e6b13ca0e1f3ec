
/*
 * Members and their keys.  The ledger tables that hold them are made by
 * install_members() and belong to whoever calls it; this table only says
 * which they are.
 */
CREATE TABLE seoulchain.member_registry (
	chain_id int4 PRIMARY KEY,
	member regclass NOT NULL,
	key regclass NOT NULL,
	status regclass NOT NULL,
	delegation regclass NOT NULL,
	authority regclass NOT NULL,
	crl regclass NOT NULL
);
COMMENT ON TABLE seoulchain.member_registry IS 'in which ledger tables a chain keeps its members';
COMMENT ON COLUMN seoulchain.member_registry.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.member_registry.member IS 'who may sign';
COMMENT ON COLUMN seoulchain.member_registry.key IS 'their keys';
COMMENT ON COLUMN seoulchain.member_registry.status IS 'suspensions, resumptions, revocations';
COMMENT ON COLUMN seoulchain.member_registry.delegation IS 'who may sign in whose name';
COMMENT ON COLUMN seoulchain.member_registry.authority IS 'authorities whose certificates count';
COMMENT ON COLUMN seoulchain.member_registry.crl IS 'their revocation lists';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.member_registry', '');

CREATE FUNCTION seoulchain.install_members(chain text DEFAULT 'main', schema name DEFAULT 'members') RETURNS void
	AS 'MODULE_PATHNAME', 'sc_install_members' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.install_members(text, name) IS
	'makes the ledger tables in which a chain keeps its members and their keys; they belong to the caller';

CREATE FUNCTION seoulchain.normalise_member() RETURNS trigger
	AS 'MODULE_PATHNAME', 'sc_normalise_member' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.normalise_member() IS
	'trigger of these tables: brings keys, certificates and lists into the one form in which they are kept';
