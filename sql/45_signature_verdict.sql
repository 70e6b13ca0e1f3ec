
/*
 * Signatures of rows, judged again: who signed, and was the key valid then?
 */
CREATE FUNCTION seoulchain.signature_verdict(relation regclass, ledger_seq int8,
	OUT answer text, OUT reason text, OUT explanation text, OUT member text, OUT signed_by text, OUT key text,
	OUT key_seq int8, OUT registered_at timestamptz, OUT accepted_at timestamptz, OUT ended_at timestamptz, OUT end_seq int8,
	OUT compromised_since timestamptz, OUT seen_by timestamptz) RETURNS record
	AS 'MODULE_PATHNAME', 'sc_signature_verdict' LANGUAGE C STABLE STRICT COST 1000 PARALLEL RESTRICTED;
COMMENT ON FUNCTION seoulchain.signature_verdict(regclass, int8) IS
	'was the key valid when the row was signed? valid, doubtful, undecided or invalid, and why';

CREATE FUNCTION seoulchain.verify_signatures(INOUT relation regclass DEFAULT NULL,
	OUT ledger_seq int8,
	OUT answer text, OUT reason text, OUT explanation text, OUT member text, OUT signed_by text, OUT key text,
	OUT key_seq int8, OUT registered_at timestamptz, OUT accepted_at timestamptz, OUT ended_at timestamptz, OUT end_seq int8,
	OUT compromised_since timestamptz, OUT seen_by timestamptz) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_verify_signatures' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION seoulchain.verify_signatures(regclass) IS
	'checks every signature of signed tables again; rows that are not plainly valid, so no row means that all are';

CREATE FUNCTION seoulchain.evidence(relation regclass, ledger_seq int8, OUT file text, OUT content bytea) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_evidence' LANGUAGE C STABLE STRICT COST 10000 PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION seoulchain.evidence(regclass, int8) IS
	'the files that show an outsider who signed a row and whether the key was valid; seoulchain-verify judges them';
