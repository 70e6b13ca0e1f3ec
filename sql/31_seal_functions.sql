
/*
 * Blocks as people read them, and what moves sealing.
 */
CREATE VIEW seoulchain.block AS
	SELECT c.name AS chain, b.height, b.prev_hash, b.block_hash, b.first_leaf, b.tree_size, b.root_hash,
		b.members, b.sealed_at
	FROM seoulchain.chain_block b JOIN seoulchain.chain c USING (chain_id);
COMMENT ON VIEW seoulchain.block IS 'sealed blocks of every chain';
COMMENT ON COLUMN seoulchain.block.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.block.height IS 'its place among the blocks, from 0';
COMMENT ON COLUMN seoulchain.block.prev_hash IS 'block_hash of the block before; 32 zero bytes in the first';
COMMENT ON COLUMN seoulchain.block.block_hash IS 'SHA256(block leaf || root_hash)';
COMMENT ON COLUMN seoulchain.block.first_leaf IS 'leaf index of its first leaf';
COMMENT ON COLUMN seoulchain.block.tree_size IS 'leaves of the chain''s tree with this block, its block leaf included';
COMMENT ON COLUMN seoulchain.block.root_hash IS 'root of the tree of tree_size leaves';
COMMENT ON COLUMN seoulchain.block.members IS 'ledger_seq numbers of the block''s leaves';
COMMENT ON COLUMN seoulchain.block.sealed_at IS 'when it was sealed, by this server''s clock; never before the block before';

CREATE FUNCTION seoulchain.seal(chain text DEFAULT 'main') RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_seal' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.seal(text) IS 'seals what is committed so far and waits until it is signed; the last block''s height, NULL when there was nothing to seal';

CREATE FUNCTION seoulchain.checkpoint(chain text DEFAULT 'main', height bigint DEFAULT NULL, final boolean DEFAULT false) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_checkpoint' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.checkpoint(text, bigint, boolean) IS 'the signed checkpoint of a block, the newest one without a height';

CREATE FUNCTION seoulchain.root_hash(chain text, tree_size bigint) RETURNS bytea
	AS 'MODULE_PATHNAME', 'sc_root_hash' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.root_hash(text, bigint) IS 'root of the chain''s tree at a size';

CREATE FUNCTION seoulchain.create_node(name text, key text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_create_node' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.create_node(text, text) IS 'makes this database a node, <network>/<node>, with a new cosigner key or the one in hardware that a pkcs11: URI names; returns it';

CREATE FUNCTION seoulchain.cosigner_key() RETURNS text
	AS 'MODULE_PATHNAME', 'sc_cosigner_key' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.cosigner_key() IS 'the node''s cosigner key in C2SP verifier form; NULL while there is no node';

CREATE FUNCTION seoulchain.create_chain(name text, key text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_create_chain' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.create_chain(text, text) IS 'makes a chain of this node, with a new log key or the one in hardware that a pkcs11: URI names; returns its origin';

CREATE FUNCTION seoulchain.rotate_log_key(chain text, key text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_rotate_log_key' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.rotate_log_key(text, text) IS 'has another key follow the chain''s log key, by an event that both sign; returns it';

CREATE FUNCTION seoulchain.rotate_cosigner_key(key text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_rotate_cosigner_key' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.rotate_cosigner_key(text) IS 'has another key follow the node''s cosigner key on all its chains, by events that both sign; returns it';

CREATE FUNCTION seoulchain.verifier_key(chain text DEFAULT 'main') RETURNS text
	AS 'MODULE_PATHNAME', 'sc_verifier_key' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.verifier_key(text) IS 'the chain''s log key in C2SP verifier form; NULL for an unnamed chain';

CREATE FUNCTION seoulchain.resume_signing(chain text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_resume_signing' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.resume_signing(text) IS 'lets a chain whose signing is suspended sign again, by a recorded event';

CREATE FUNCTION seoulchain.open_chain(name text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_open_chain' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.open_chain(text) IS 'makes a restored or copied chain writable here, after checking it';

CREATE FUNCTION seoulchain.seal_status(OUT chain text, OUT open boolean, OUT height bigint, OUT tree_size bigint,
		OUT sealed_at timestamptz, OUT signed_height bigint, OUT pending boolean, OUT signing text,
		OUT last_error text, OUT last_error_at timestamptz, OUT failing_since timestamptz, OUT attempts integer,
		OUT waiting text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_seal_status' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.seal_status() IS 'how far each chain is sealed and signed, and what went wrong last';

CREATE VIEW seoulchain.seal_status AS SELECT * FROM seoulchain.seal_status();
COMMENT ON VIEW seoulchain.seal_status IS 'how far each chain is sealed and signed, and what went wrong last';
COMMENT ON COLUMN seoulchain.seal_status.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.seal_status.open IS 'whether it is open in this database';
COMMENT ON COLUMN seoulchain.seal_status.height IS 'height of the last block';
COMMENT ON COLUMN seoulchain.seal_status.tree_size IS 'leaves of its tree';
COMMENT ON COLUMN seoulchain.seal_status.sealed_at IS 'when the last block was sealed';
COMMENT ON COLUMN seoulchain.seal_status.signed_height IS 'height of the last signed block';
COMMENT ON COLUMN seoulchain.seal_status.pending IS 'whether committed rows wait for a block';
COMMENT ON COLUMN seoulchain.seal_status.signing IS 'on, none (no node), copy (this node cosigns it), unknown, or suspended and why';
COMMENT ON COLUMN seoulchain.seal_status.last_error IS 'what made sealing fail last';
COMMENT ON COLUMN seoulchain.seal_status.last_error_at IS 'when that was';
COMMENT ON COLUMN seoulchain.seal_status.failing_since IS 'since when sealing fails; NULL while it works';
COMMENT ON COLUMN seoulchain.seal_status.attempts IS 'how often it failed in a row';
COMMENT ON COLUMN seoulchain.seal_status.waiting IS 'of a copy: what its next block waits for, or why it cannot be integrated';
