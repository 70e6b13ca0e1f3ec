
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

/*
 * What registrars do.  Each is one INSERT with the caller's rights: GRANT INSERT, SELECT on the tables.
 */
CREATE FUNCTION seoulchain.register_member(member text, kind text, name text DEFAULT NULL, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_register_member' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.register_member(text, text, text, text) IS 'registers a member: citizen, clerk, agency or device; its ledger_seq';

CREATE FUNCTION seoulchain.add_key(member text, key text, public_key bytea, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_add_key' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.add_key(text, text, bytea, text) IS 'registers a key: 32 raw bytes (Ed25519), DER, or a certificate; its ledger_seq';

CREATE FUNCTION seoulchain.add_key(member text, key text, public_key text, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_add_key' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.add_key(text, text, text, text) IS 'the same from PEM, or from hex behind \x';

CREATE FUNCTION seoulchain.rotate_key(member text, replaces text, key text, public_key bytea, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_rotate_key' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.rotate_key(text, text, text, bytea, text) IS 'registers a key with which another one of the member ends';

CREATE FUNCTION seoulchain.rotate_key(member text, replaces text, key text, public_key text, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_rotate_key' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.rotate_key(text, text, text, text, text) IS 'the same from PEM, or from hex behind \x';

CREATE FUNCTION seoulchain.suspend_key(member text, key text, reason text, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_key_status' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.suspend_key(text, text, text, text) IS 'signatures by the key are refused until it is resumed';

CREATE FUNCTION seoulchain.resume_key(member text, key text, reason text, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_key_status' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.resume_key(text, text, text, text) IS 'ends the suspension of a key';

CREATE FUNCTION seoulchain.revoke_key(member text, key text, reason text, compromised_since timestamptz DEFAULT NULL, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_key_revoke' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.revoke_key(text, text, text, timestamptz, text) IS 'signatures by the key are refused for ever; those since compromised_since are in doubt';

CREATE FUNCTION seoulchain.suspend_member(member text, reason text, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_member_status' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.suspend_member(text, text, text) IS 'suspends every key of a member, those registered later included';

CREATE FUNCTION seoulchain.resume_member(member text, reason text, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_member_status' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.resume_member(text, text, text) IS 'ends the suspension of a member';

CREATE FUNCTION seoulchain.revoke_member(member text, reason text, compromised_since timestamptz DEFAULT NULL, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_member_revoke' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.revoke_member(text, text, timestamptz, text) IS 'revokes a member and every key it has, for ever';

CREATE FUNCTION seoulchain.delegate(member text, delegate text, tables text[], until timestamptz, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_delegate' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.delegate(text, text, text[], timestamptz, text) IS 'lets another member sign in its name for ledger tables, by ledger name, until a date';

CREATE FUNCTION seoulchain.end_delegation(member text, delegate text, tables text[] DEFAULT NULL, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_end_delegation' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.end_delegation(text, text, text[], text) IS 'ends a delegation before its date, for some tables or all';

CREATE FUNCTION seoulchain.trust_authority(authority text, certificate bytea, intermediate boolean DEFAULT false, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_trust_authority' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.trust_authority(text, bytea, boolean, text) IS 'registers the certificate of an authority, trusted by itself or an intermediate that completes chains';

CREATE FUNCTION seoulchain.trust_authority(authority text, certificate text, intermediate boolean DEFAULT false, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_trust_authority' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.trust_authority(text, text, boolean, text) IS 'the same from PEM, or from hex behind \x';

CREATE FUNCTION seoulchain.distrust_authority(authority text, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_distrust_authority' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.distrust_authority(text, text) IS 'ends the trust in an authority: keys whose certificates rest on it are refused from now on';

CREATE FUNCTION seoulchain.add_crl(authority text, crl bytea, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_add_crl' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.add_crl(text, bytea, text) IS 'puts a revocation list of an authority on record';

CREATE FUNCTION seoulchain.add_crl(authority text, crl text, chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_add_crl' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.add_crl(text, text, text) IS 'the same from PEM, or from hex behind \x';

/*
 * How members, keys and delegations stand now.
 */
CREATE FUNCTION seoulchain.members(chain text DEFAULT 'main', OUT member text, OUT kind text, OUT name text, OUT registered_at timestamptz,
		OUT state text, OUT since timestamptz, OUT why text, OUT good_keys integer)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_members' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.members(text) IS 'the members of a chain and how they stand now; for whoever may read the tables';

CREATE FUNCTION seoulchain.member_keys(chain text DEFAULT 'main', whose text DEFAULT NULL, OUT member text, OUT key text, OUT algorithm text,
		OUT thumbprint text, OUT certificate boolean, OUT registered_at timestamptz, OUT state text, OUT since timestamptz,
		OUT until timestamptz, OUT why text, OUT compromised_since timestamptz, OUT ledger_seq bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_member_keys' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.member_keys(text, text) IS 'the keys of a member, or of all, and how they stand now; for whoever may read the tables';

CREATE FUNCTION seoulchain.delegations(chain text DEFAULT 'main', OUT member text, OUT delegate text, OUT "table" text,
		OUT since timestamptz, OUT until timestamptz, OUT ledger_seq bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_delegations' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.delegations(text) IS 'who may sign in whose name now; for whoever may read the table';

CREATE VIEW seoulchain.members AS
	SELECT c.name AS chain, m.member, m.kind, m.name, m.registered_at, m.state, m.since, m.why, m.good_keys
	FROM seoulchain.member_registry r JOIN seoulchain.chain c USING (chain_id), LATERAL seoulchain.members(c.name) m;
COMMENT ON VIEW seoulchain.members IS 'the members of every chain and how they stand now';
COMMENT ON COLUMN seoulchain.members.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.members.member IS 'the name that signed rows hold';
COMMENT ON COLUMN seoulchain.members.kind IS 'citizen, clerk, agency or device';
COMMENT ON COLUMN seoulchain.members.name IS 'what people call it';
COMMENT ON COLUMN seoulchain.members.registered_at IS 'acceptance time of the registration';
COMMENT ON COLUMN seoulchain.members.state IS 'good, suspended or revoked';
COMMENT ON COLUMN seoulchain.members.since IS 'since when, unless good';
COMMENT ON COLUMN seoulchain.members.why IS 'the reason that was given';
COMMENT ON COLUMN seoulchain.members.good_keys IS 'how many of its keys may sign now';

CREATE VIEW seoulchain.member_keys AS
	SELECT c.name AS chain, m.member, m.key, m.algorithm, m.thumbprint, m.certificate, m.registered_at, m.state, m.since, m.until, m.why, m.compromised_since, m.ledger_seq
	FROM seoulchain.member_registry r JOIN seoulchain.chain c USING (chain_id), LATERAL seoulchain.member_keys(c.name) m;
COMMENT ON VIEW seoulchain.member_keys IS 'the keys of members and how they stand now';
COMMENT ON COLUMN seoulchain.member_keys.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.member_keys.member IS 'whose key';
COMMENT ON COLUMN seoulchain.member_keys.key IS 'its name, a kid';
COMMENT ON COLUMN seoulchain.member_keys.algorithm IS 'EdDSA, ES256 or PS256';
COMMENT ON COLUMN seoulchain.member_keys.thumbprint IS 'SHA-256 of the key in DER';
COMMENT ON COLUMN seoulchain.member_keys.certificate IS 'whether it came with a certificate';
COMMENT ON COLUMN seoulchain.member_keys.registered_at IS 'acceptance time of the registration';
COMMENT ON COLUMN seoulchain.member_keys.state IS 'good, suspended, revoked, replaced, or certificate when that is not good';
COMMENT ON COLUMN seoulchain.member_keys.since IS 'since when it is so';
COMMENT ON COLUMN seoulchain.member_keys.until IS 'until when it will be so, as far as is known';
COMMENT ON COLUMN seoulchain.member_keys.why IS 'why it is not good';
COMMENT ON COLUMN seoulchain.member_keys.compromised_since IS 'since when its signatures are in doubt';
COMMENT ON COLUMN seoulchain.member_keys.ledger_seq IS 'number of the row that registered it';

CREATE VIEW seoulchain.delegations AS
	SELECT c.name AS chain, m.member, m.delegate, m."table", m.since, m.until, m.ledger_seq
	FROM seoulchain.member_registry r JOIN seoulchain.chain c USING (chain_id), LATERAL seoulchain.delegations(c.name) m;
COMMENT ON VIEW seoulchain.delegations IS 'who may sign in whose name now';
COMMENT ON COLUMN seoulchain.delegations.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.delegations.member IS 'in whose name';
COMMENT ON COLUMN seoulchain.delegations.delegate IS 'who signs';
COMMENT ON COLUMN seoulchain.delegations."table" IS 'ledger name of the table';
COMMENT ON COLUMN seoulchain.delegations.since IS 'since when';
COMMENT ON COLUMN seoulchain.delegations.until IS 'until when';
COMMENT ON COLUMN seoulchain.delegations.ledger_seq IS 'number of the row that says so';
