
/*
 * Time from outside: authorities whose word counts, and what they said of
 * checkpoints (RFC 3161).
 */
CREATE TABLE seoulchain.time_authority (
	digest bytea PRIMARY KEY,
	name text NOT NULL,
	subject text NOT NULL,
	certificate bytea NOT NULL,
	trusted boolean NOT NULL,
	added_by name NOT NULL,
	added_at timestamptz NOT NULL
);
COMMENT ON TABLE seoulchain.time_authority IS 'certificates of the authorities whose timestamps count';
COMMENT ON COLUMN seoulchain.time_authority.digest IS 'SHA-256 of the certificate';
COMMENT ON COLUMN seoulchain.time_authority.name IS 'name of the authority here; it may have several certificates';
COMMENT ON COLUMN seoulchain.time_authority.subject IS 'the certificate''s subject';
COMMENT ON COLUMN seoulchain.time_authority.certificate IS 'the certificate, DER';
COMMENT ON COLUMN seoulchain.time_authority.trusted IS 'true: chains may end in it; false: it only helps to complete them';
COMMENT ON COLUMN seoulchain.time_authority.added_by IS 'who added it';
COMMENT ON COLUMN seoulchain.time_authority.added_at IS 'when it was added';

CREATE TABLE seoulchain.time_crl (
	digest bytea PRIMARY KEY,
	issuer text NOT NULL,
	this_update timestamptz NOT NULL,
	crl bytea NOT NULL,
	added_by name NOT NULL,
	added_at timestamptz NOT NULL
);
COMMENT ON TABLE seoulchain.time_crl IS 'certificate revocation lists by which timestamps are judged; kept, since an authority takes expired certificates off its list';
COMMENT ON COLUMN seoulchain.time_crl.digest IS 'SHA-256 of the list';
COMMENT ON COLUMN seoulchain.time_crl.issuer IS 'the authority that made it, by its own word';
COMMENT ON COLUMN seoulchain.time_crl.this_update IS 'when it was made';
COMMENT ON COLUMN seoulchain.time_crl.crl IS 'the list, DER';
COMMENT ON COLUMN seoulchain.time_crl.added_by IS 'who added it';
COMMENT ON COLUMN seoulchain.time_crl.added_at IS 'when it was added';

/* not dumped: an answer that was not there before the dump is asked for again */
CREATE TABLE seoulchain.timestamp_nonce (
	chain_id int4 NOT NULL,
	tree_size int8 NOT NULL,
	nonce bytea NOT NULL,
	requested_at timestamptz NOT NULL
);
COMMENT ON TABLE seoulchain.timestamp_nonce IS 'timestamp requests of the last day that were not answered';
COMMENT ON COLUMN seoulchain.timestamp_nonce.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.timestamp_nonce.tree_size IS 'the checkpoint''s size';
COMMENT ON COLUMN seoulchain.timestamp_nonce.nonce IS 'random number that the answer has to repeat';
COMMENT ON COLUMN seoulchain.timestamp_nonce.requested_at IS 'when the request was made';

CREATE TABLE seoulchain.checkpoint_timestamp (
	digest bytea PRIMARY KEY,
	chain_id int4 NOT NULL,
	tree_size int8 NOT NULL,
	"time" timestamptz NOT NULL,
	latest timestamptz NOT NULL,
	authority text NOT NULL,
	token bytea NOT NULL
);
CREATE INDEX checkpoint_timestamp_tree_size ON seoulchain.checkpoint_timestamp (chain_id, tree_size);
COMMENT ON TABLE seoulchain.checkpoint_timestamp IS 'timestamp tokens of checkpoints; the view timestamps shows them by chain name';
COMMENT ON COLUMN seoulchain.checkpoint_timestamp.digest IS 'SHA-256 of the token';
COMMENT ON COLUMN seoulchain.checkpoint_timestamp.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.checkpoint_timestamp.tree_size IS 'size of the checkpoint that is stamped';
COMMENT ON COLUMN seoulchain.checkpoint_timestamp."time" IS 'when the authority saw it';
COMMENT ON COLUMN seoulchain.checkpoint_timestamp.latest IS 'time, later by the accuracy that the token states, a second if it states none';
COMMENT ON COLUMN seoulchain.checkpoint_timestamp.authority IS 'name of the authority when the token was added';
COMMENT ON COLUMN seoulchain.checkpoint_timestamp.token IS 'the bare token, DER';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.time_authority', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.time_crl', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.checkpoint_timestamp', '');

CREATE VIEW seoulchain.timestamps AS
	SELECT c.name AS chain, b.height, t.tree_size, t."time", t.latest, t.authority, t.token
	FROM seoulchain.checkpoint_timestamp t JOIN seoulchain.chain c USING (chain_id)
		LEFT JOIN seoulchain.chain_block b ON b.chain_id = t.chain_id AND b.tree_size = t.tree_size;
COMMENT ON VIEW seoulchain.timestamps IS 'when checkpoints existed, by the word of authorities outside; seoulchain.checkpoint(chain, height) is what is stamped';
COMMENT ON COLUMN seoulchain.timestamps.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.timestamps.height IS 'the block whose checkpoint it is';
COMMENT ON COLUMN seoulchain.timestamps.tree_size IS 'size of the checkpoint';
COMMENT ON COLUMN seoulchain.timestamps."time" IS 'when the authority saw it, by its clock';
COMMENT ON COLUMN seoulchain.timestamps.latest IS 'everything below tree_size existed then: time, later by the accuracy that the token states, a second if it states none';
COMMENT ON COLUMN seoulchain.timestamps.authority IS 'name of the authority when the token was added';
COMMENT ON COLUMN seoulchain.timestamps.token IS 'RFC 3161 timestamp token, DER';

CREATE FUNCTION seoulchain.add_time_authority(name text, certificate bytea, trusted boolean DEFAULT true) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_add_time_authority' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.add_time_authority(text, bytea, boolean) IS 'registers a certificate (PEM or DER) of an authority whose timestamps count; returns its subject';

CREATE FUNCTION seoulchain.remove_time_authority(name text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_remove_time_authority' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.remove_time_authority(text) IS 'timestamps of the authority count no more; how many certificates were removed';

CREATE FUNCTION seoulchain.add_time_crl(crl bytea) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_add_time_crl' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.add_time_crl(bytea) IS 'adds a certificate revocation list (PEM or DER) by which timestamps are judged; returns its issuer';

CREATE FUNCTION seoulchain.timestamp_request(checkpoint text DEFAULT seoulchain.checkpoint()) RETURNS bytea
	AS 'MODULE_PATHNAME', 'sc_request_timestamp' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.timestamp_request(text) IS 'a request (RFC 3161, DER) to an authority to stamp a checkpoint; the answer goes to add_timestamp()';

CREATE FUNCTION seoulchain.add_timestamp(token bytea, unasked boolean DEFAULT false,
		OUT chain text, OUT tree_size bigint, OUT "time" timestamptz) RETURNS record
	AS 'MODULE_PATHNAME', 'sc_add_timestamp' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.add_timestamp(bytea, boolean) IS 'verifies and keeps an authority''s answer to timestamp_request(); unasked: also a token that others asked for';
