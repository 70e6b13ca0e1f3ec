/*
 * The outside world: chains that everybody may read as a C2SP log, requests
 * to public witnesses, and this node as a public witness for others' logs.
 */
CREATE TABLE seoulchain.public_chain (
	chain_id int4 PRIMARY KEY,
	ledger_seq int8 NOT NULL,
	since timestamptz NOT NULL
);
COMMENT ON TABLE seoulchain.public_chain IS 'chains whose leaves everybody may read; once public, for ever';
COMMENT ON COLUMN seoulchain.public_chain.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.public_chain.ledger_seq IS 'the event that says so';
COMMENT ON COLUMN seoulchain.public_chain.since IS 'when it was recorded here';

CREATE TABLE seoulchain.witness_key (
	name text COLLATE "C" PRIMARY KEY,
	key text NOT NULL,
	created_at timestamptz NOT NULL
);
COMMENT ON TABLE seoulchain.witness_key IS 'the key with which this node answers add-checkpoint requests: no row or one';
COMMENT ON COLUMN seoulchain.witness_key.name IS '<network>/<node>/witness';
COMMENT ON COLUMN seoulchain.witness_key.key IS 'C2SP verifier key; it says that a log''s checkpoints are consistent, not that its rows were recomputed';
COMMENT ON COLUMN seoulchain.witness_key.created_at IS 'when it was made';

CREATE TABLE seoulchain.witnessed_log (
	origin text COLLATE "C" NOT NULL,
	key text COLLATE "C" NOT NULL,
	added_at timestamptz NOT NULL,
	PRIMARY KEY (origin, key)
);
COMMENT ON TABLE seoulchain.witnessed_log IS 'logs of others whose checkpoints this node cosigns as a public witness';
COMMENT ON COLUMN seoulchain.witnessed_log.origin IS 'the first line of the log''s checkpoints';
COMMENT ON COLUMN seoulchain.witnessed_log.key IS 'C2SP verifier key of the log; several while a log changes its key';
COMMENT ON COLUMN seoulchain.witnessed_log.added_at IS 'when it was added';

CREATE TABLE seoulchain.witnessed_checkpoint (
	origin text COLLATE "C" PRIMARY KEY,
	tree_size int8 NOT NULL,
	root_hash bytea NOT NULL,
	checkpoint text NOT NULL,
	cosigned_at timestamptz NOT NULL
);
COMMENT ON TABLE seoulchain.witnessed_checkpoint IS 'the last checkpoint of each log that this node cosigned as a public witness; its memory beside the keys says the same';
COMMENT ON COLUMN seoulchain.witnessed_checkpoint.origin IS 'the log';
COMMENT ON COLUMN seoulchain.witnessed_checkpoint.tree_size IS 'size that the checkpoint states';
COMMENT ON COLUMN seoulchain.witnessed_checkpoint.root_hash IS 'root that it states';
COMMENT ON COLUMN seoulchain.witnessed_checkpoint.checkpoint IS 'the signed note, as the log sent it';
COMMENT ON COLUMN seoulchain.witnessed_checkpoint.cosigned_at IS 'when, by this server''s clock';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.public_chain', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.witness_key', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.witnessed_log', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.witnessed_checkpoint', '');

CREATE VIEW seoulchain.public_chains AS
	SELECT c.name AS chain, c.origin, c.log_key, p.since
	FROM seoulchain.public_chain p JOIN seoulchain.chain c USING (chain_id);
COMMENT ON VIEW seoulchain.public_chains IS 'chains whose leaves everybody may read';
COMMENT ON COLUMN seoulchain.public_chains.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.public_chains.origin IS 'the first line of its checkpoints';
COMMENT ON COLUMN seoulchain.public_chains.log_key IS 'C2SP verifier key of the log';
COMMENT ON COLUMN seoulchain.public_chains.since IS 'when it was made public, by this server''s clock';

CREATE FUNCTION seoulchain.set_public(chain text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_set_public' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.set_public(text) IS 'makes every leaf of a chain readable by everybody, for ever, by a recorded event';

CREATE FUNCTION seoulchain.tile(chain text, path text) RETURNS bytea
	AS 'MODULE_PATHNAME', 'sc_tile' LANGUAGE C STRICT VOLATILE COST 10000;
COMMENT ON FUNCTION seoulchain.tile(text, text) IS 'a file of the chain''s C2SP tlog-tiles log: checkpoint, tile/<L>/<N>[.p/<W>] or tile/entries/<N>[.p/<W>]';

CREATE FUNCTION seoulchain.tile_paths(from_size bigint, to_size bigint) RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'sc_tile_paths' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION seoulchain.tile_paths(bigint, bigint) IS 'paths of the tiles that a log of to_size leaves has and one of from_size leaves has not';

CREATE FUNCTION seoulchain.witness_request(chain text, old_size bigint DEFAULT 0) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_witness_request' LANGUAGE C STRICT VOLATILE COST 10000;
COMMENT ON FUNCTION seoulchain.witness_request(text, bigint) IS 'the body of an add-checkpoint request (C2SP tlog-witness) about the newest checkpoint, for a witness that holds old_size';

CREATE FUNCTION seoulchain.add_witnessed_log(key text, origin text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_add_witnessed_log' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.add_witnessed_log(text, text) IS 'has this node cosign the consistent checkpoints of another''s log, as a public witness; returns the witness''s verifier key';

CREATE FUNCTION seoulchain.remove_witnessed_log(origin text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_remove_witnessed_log' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.remove_witnessed_log(text) IS 'ends that; what was cosigned last is kept';

CREATE FUNCTION seoulchain.witness_key() RETURNS text
	AS 'MODULE_PATHNAME', 'sc_witness_key' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.witness_key() IS 'verifier key of this node as a public witness; NULL while it witnesses no log';

CREATE FUNCTION seoulchain.witness_answer(request text, OUT code integer, OUT body text)
	AS 'MODULE_PATHNAME', 'sc_witness_answer' LANGUAGE C STRICT VOLATILE COST 10000;
COMMENT ON FUNCTION seoulchain.witness_answer(text) IS 'judges an add-checkpoint request (C2SP tlog-witness): the HTTP status and the body of the answer';

CREATE FUNCTION seoulchain.resume_witness(origin text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_resume_witness' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.resume_witness(text) IS 'lets a witness that was restored, promoted or moved go on with a log from the newest checkpoint that it knows of';

