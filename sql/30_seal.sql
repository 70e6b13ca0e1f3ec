/*
 * Blocks and the tree.  The sealing worker writes these tables.
 */
CREATE TABLE seoulchain.chain_block (
	chain_id int4 NOT NULL,
	height int8 NOT NULL,
	prev_hash bytea NOT NULL,
	block_hash bytea NOT NULL,
	first_leaf int8 NOT NULL,
	tree_size int8 NOT NULL,
	root_hash bytea NOT NULL,
	members int8multirange NOT NULL,
	sealed_at timestamptz NOT NULL,
	PRIMARY KEY (chain_id, height)
);
CREATE UNIQUE INDEX chain_block_tree_size ON seoulchain.chain_block (chain_id, tree_size);
COMMENT ON TABLE seoulchain.chain_block IS 'sealed blocks; the view block shows them by chain name';
COMMENT ON COLUMN seoulchain.chain_block.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.chain_block.height IS 'its place among the blocks, from 0';
COMMENT ON COLUMN seoulchain.chain_block.prev_hash IS 'block_hash of the block before; 32 zero bytes in the first';
COMMENT ON COLUMN seoulchain.chain_block.block_hash IS 'SHA256(block leaf || root_hash)';
COMMENT ON COLUMN seoulchain.chain_block.first_leaf IS 'leaf index of its first leaf';
COMMENT ON COLUMN seoulchain.chain_block.tree_size IS 'leaves of the chain''s tree with this block, its block leaf included';
COMMENT ON COLUMN seoulchain.chain_block.root_hash IS 'root of the tree of tree_size leaves';
COMMENT ON COLUMN seoulchain.chain_block.members IS 'ledger_seq numbers of the block''s leaves';
COMMENT ON COLUMN seoulchain.chain_block.sealed_at IS 'when it was sealed, by this server''s clock; never before the block before';

CREATE TABLE seoulchain.block_range (
	chain_id int4 NOT NULL,
	lower int8 NOT NULL,
	upper int8 NOT NULL,
	height int8 NOT NULL,
	first_leaf int8 NOT NULL,
	PRIMARY KEY (chain_id, lower)
);
COMMENT ON TABLE seoulchain.block_range IS 'ranges [lower, upper) of ledger_seq and where their leaves stand';
COMMENT ON COLUMN seoulchain.block_range.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.block_range.lower IS 'the first ledger_seq';
COMMENT ON COLUMN seoulchain.block_range.upper IS 'the ledger_seq behind the last';
COMMENT ON COLUMN seoulchain.block_range.height IS 'the block that holds them';
COMMENT ON COLUMN seoulchain.block_range.first_leaf IS 'leaf index of lower; the others follow';

CREATE TABLE seoulchain.tree (
	chain_id int4 NOT NULL,
	level int2 NOT NULL,
	tile int8 NOT NULL,
	hashes bytea NOT NULL,
	places bytea,
	PRIMARY KEY (chain_id, level, tile)
);
ALTER TABLE seoulchain.tree ALTER COLUMN hashes SET STORAGE EXTERNAL, ALTER COLUMN places SET STORAGE EXTERNAL;
COMMENT ON TABLE seoulchain.tree IS 'the Merkle tree in complete subtrees of 256 (C2SP tiles)';
COMMENT ON COLUMN seoulchain.tree.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.tree.level IS '0 for leaf hashes; each level above has a 256th of the hashes';
COMMENT ON COLUMN seoulchain.tree.tile IS 'number of the tile in its level, from 0';
COMMENT ON COLUMN seoulchain.tree.hashes IS 'up to 256 hashes; hash i of tile n at level l is the root of leaves [(n*256+i)*256^l, (n*256+i+1)*256^l)';
COMMENT ON COLUMN seoulchain.tree.places IS 'level 0: where the leaves'' rows were stored when sealed, a hint (src/seal/places.h)';

CREATE TABLE seoulchain.signature (
	chain_id int4 NOT NULL,
	height int8 NOT NULL,
	tree_size int8 NOT NULL,
	lines text NOT NULL,
	PRIMARY KEY (chain_id, height)
);
CREATE UNIQUE INDEX signature_tree_size ON seoulchain.signature (chain_id, tree_size);
COMMENT ON TABLE seoulchain.signature IS 'signature lines of the blocks'' checkpoints; a row is written once the block is durable';
COMMENT ON COLUMN seoulchain.signature.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.signature.height IS 'the block';
COMMENT ON COLUMN seoulchain.signature.tree_size IS 'the size that its checkpoint states';
COMMENT ON COLUMN seoulchain.signature.lines IS 'signed-note lines; empty for a chain without a node';

CREATE TABLE seoulchain.rotation (
	chain_id int4 NOT NULL,
	ledger_seq int8 NOT NULL,
	old_key text NOT NULL,
	new_key text NOT NULL,
	PRIMARY KEY (chain_id, ledger_seq)
);
COMMENT ON TABLE seoulchain.rotation IS 'keys that were replaced: the history of log and cosigner keys';
COMMENT ON COLUMN seoulchain.rotation.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.rotation.ledger_seq IS 'the event that says so; the block that holds it is signed by both keys';
COMMENT ON COLUMN seoulchain.rotation.old_key IS 'C2SP verifier key in force until then';
COMMENT ON COLUMN seoulchain.rotation.new_key IS 'C2SP verifier key that follows it, of the same name';

CREATE TABLE seoulchain.rejected (
	chain_id int4 NOT NULL,
	ledger_seq int8,
	table_id int4,
	leaf_hash bytea,
	entries bytea,
	reason text NOT NULL,
	found_at timestamptz NOT NULL
);
COMMENT ON TABLE seoulchain.rejected IS 'journal entries that could not be sealed, kept as evidence: somebody has written the journal by hand; verify() reports each';
COMMENT ON COLUMN seoulchain.rejected.chain_id IS 'the chain that the entry names';
COMMENT ON COLUMN seoulchain.rejected.ledger_seq IS 'a number that was sealed already, or twice in the journal';
COMMENT ON COLUMN seoulchain.rejected.table_id IS 'the ledger table that the entry names';
COMMENT ON COLUMN seoulchain.rejected.leaf_hash IS 'the leaf hash of the entry';
COMMENT ON COLUMN seoulchain.rejected.entries IS 'bytes that are no journal entry';
COMMENT ON COLUMN seoulchain.rejected.reason IS 'why it was not sealed';
COMMENT ON COLUMN seoulchain.rejected.found_at IS 'when the sealing worker met it';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.chain_block', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.block_range', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.tree', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.signature', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.rotation', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.rejected', '');

