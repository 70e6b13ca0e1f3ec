
/*
 * Signatures judged by a key that the caller brings: for auditors, and for
 * whoever wants to see why a signature is refused.
 */
CREATE FUNCTION seoulchain.verify_signature(key bytea, message bytea, signature bytea) RETURNS boolean
	AS 'MODULE_PATHNAME', 'sc_verify_signature' LANGUAGE C IMMUTABLE STRICT COST 5000 PARALLEL SAFE;
COMMENT ON FUNCTION seoulchain.verify_signature(bytea, bytea, bytea) IS
	'does the bare signature verify? Ed25519, ES256 (r and s, 32 bytes each) or PS256, as the key says: 32 raw bytes, or PEM or DER of a public key or certificate';

CREATE FUNCTION seoulchain.verify_jws(jws text, key bytea, payload bytea, typ text DEFAULT 'seoulchain-row+jws') RETURNS text
	AS 'MODULE_PATHNAME', 'sc_verify_jws' LANGUAGE C IMMUTABLE COST 5000 PARALLEL SAFE;
COMMENT ON FUNCTION seoulchain.verify_jws(text, bytea, bytea, text) IS
	'why the detached JWS is no signature of the payload by this key; NULL when it is. typ NULL takes any; kid and x5t#S256 are not looked at';
