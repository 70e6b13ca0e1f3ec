/*
 * Verification.
 */
CREATE TYPE seoulchain.fault AS (
	chain text,
	relation regclass,
	ledger_seq int8,
	height int8,
	fault text,
	expected bytea,
	found bytea
);
COMMENT ON TYPE seoulchain.fault IS 'one thing found wrong by verification; docs/verify.md lists the words of fault';
COMMENT ON COLUMN seoulchain.fault.chain IS 'name of the chain; its origin if it is none of this database';
COMMENT ON COLUMN seoulchain.fault.relation IS 'the table that is concerned';
COMMENT ON COLUMN seoulchain.fault.ledger_seq IS 'the row or event';
COMMENT ON COLUMN seoulchain.fault.height IS 'the block';
COMMENT ON COLUMN seoulchain.fault.fault IS 'what is wrong, one of the words in docs/verify.md';
COMMENT ON COLUMN seoulchain.fault.expected IS 'the hash that should be there';
COMMENT ON COLUMN seoulchain.fault.found IS 'the hash that is there';

CREATE FUNCTION seoulchain.verify(relation regclass DEFAULT NULL, checkpoint text DEFAULT NULL) RETURNS SETOF seoulchain.fault
	AS 'MODULE_PATHNAME', 'sc_verify' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION seoulchain.verify(regclass, text) IS 'recomputes every row, block, tree node, link and signature; no row means intact';

CREATE FUNCTION seoulchain.verify_progress(OUT pid int4, OUT datid oid, OUT relation oid, OUT phase text,
	OUT done int8, OUT total int8, OUT started_at timestamptz) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_verify_progress' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION seoulchain.verify_progress() IS 'runs of verify() and verify_indexes() in this cluster';

CREATE VIEW seoulchain.verify_progress AS
	SELECT p.pid, d.datname AS database,
		CASE WHEN d.datname = pg_catalog.current_database() THEN p.relation::pg_catalog.regclass END AS relation,
		p.phase, p.done, p.total, p.started_at
	FROM seoulchain.verify_progress() p LEFT JOIN pg_catalog.pg_database d ON d.oid = p.datid;
COMMENT ON VIEW seoulchain.verify_progress IS 'how far running verifications are; pages while rows are compared, leaves while the tree is recomputed';
COMMENT ON COLUMN seoulchain.verify_progress.pid IS 'the session that verifies';
COMMENT ON COLUMN seoulchain.verify_progress.database IS 'its database';
COMMENT ON COLUMN seoulchain.verify_progress.relation IS 'the table or index at hand';
COMMENT ON COLUMN seoulchain.verify_progress.phase IS 'what it is doing';
COMMENT ON COLUMN seoulchain.verify_progress.done IS 'how much of the phase is done';
COMMENT ON COLUMN seoulchain.verify_progress.total IS 'how much there is';
COMMENT ON COLUMN seoulchain.verify_progress.started_at IS 'when the run began';

CREATE FUNCTION seoulchain.verify_indexes(relation regclass) RETURNS SETOF seoulchain.fault
	AS 'MODULE_PATHNAME', 'sc_verify_indexes' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION seoulchain.verify_indexes(regclass) IS 'compares every index of a ledger table with its rows; no row means that they agree';
