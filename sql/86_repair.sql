/*
 * Comparing with peers, repairing tables, recovering chains.
 */
CREATE TABLE seoulchain.repair (
	repaired_at timestamptz NOT NULL,
	origin text COLLATE "C" NOT NULL,
	ledger_name text COLLATE "C",
	ledger_seq int8,
	action text NOT NULL,
	peer text COLLATE "C",
	leaf_hash bytea,
	tree_size int8
);
CREATE INDEX repair_origin ON seoulchain.repair (origin, ledger_seq);
COMMENT ON TABLE seoulchain.repair IS 'what repair() and recover() changed in ledger tables, below the access method';
COMMENT ON COLUMN seoulchain.repair.repaired_at IS 'when, by this server''s clock';
COMMENT ON COLUMN seoulchain.repair.origin IS 'the chain';
COMMENT ON COLUMN seoulchain.repair.ledger_name IS 'the table''s name in its chain; NULL for blocks';
COMMENT ON COLUMN seoulchain.repair.ledger_seq IS 'the row; NULL for pages and for tuples without a number';
COMMENT ON COLUMN seoulchain.repair.action IS 'what was done: row restored, tuple removed, page made anew, block recovered';
COMMENT ON COLUMN seoulchain.repair.peer IS 'the node that the row came from';
COMMENT ON COLUMN seoulchain.repair.leaf_hash IS 'leaf hash of the row restored';
COMMENT ON COLUMN seoulchain.repair.tree_size IS 'the final checkpoint that it was proven against';
SELECT pg_catalog.pg_extension_config_dump('seoulchain.repair', '');

/* what peers may ask; whoever may read the whole database may call them */
CREATE FUNCTION seoulchain.served_chains(OUT origin text, OUT own boolean, OUT height int8, OUT tree_size int8, OUT root_hash bytea)
	RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT c.origin, NOT c.copy, s.height, s.tree_size, b.root_hash
		FROM seoulchain.chain c
			LEFT JOIN LATERAL (SELECT g.height, g.tree_size FROM seoulchain.signature g WHERE g.chain_id = c.chain_id
				ORDER BY g.height DESC LIMIT 1) s ON true
			LEFT JOIN seoulchain.chain_block b ON b.chain_id = c.chain_id AND b.height = s.height;
	END;
COMMENT ON FUNCTION seoulchain.served_chains() IS 'the chains that this node holds, its own and copies, with the newest signed block of each';

CREATE FUNCTION seoulchain.served_tiles(origin text, level int2, first_tile int8, tiles int4, OUT tile int8, OUT hashes bytea)
	RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT t.tile, t.hashes
		FROM seoulchain.tree t JOIN seoulchain.chain c ON c.chain_id = t.chain_id
		WHERE c.origin = served_tiles.origin AND t.level = served_tiles.level
			AND t.tile >= first_tile AND t.tile < first_tile + tiles
		ORDER BY t.tile;
	END;
COMMENT ON FUNCTION seoulchain.served_tiles(text, int2, int8, int4) IS 'tiles of a chain''s tree as this node stores them';

CREATE FUNCTION seoulchain.served_blocks(origin text, first_height int8, blocks int4, OUT height int8, OUT prev_hash bytea,
		OUT first_leaf int8, OUT tree_size int8, OUT root_hash bytea, OUT members text, OUT sealed_at int8, OUT lines text)
	RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT b.height, b.prev_hash, b.first_leaf, b.tree_size, b.root_hash, b.members::text,
			(EXTRACT(epoch FROM b.sealed_at - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8, s.lines
		FROM seoulchain.chain c JOIN seoulchain.chain_block b ON b.chain_id = c.chain_id
			JOIN seoulchain.signature s ON s.chain_id = b.chain_id AND s.height = b.height
		WHERE c.origin = served_blocks.origin AND b.height >= first_height AND b.height < first_height + blocks
		ORDER BY b.height;
	END;
COMMENT ON FUNCTION seoulchain.served_blocks(text, int8, int4) IS 'signed blocks of a chain that this node holds; sealed_at in microseconds since 2000-01-01 UTC';

CREATE FUNCTION seoulchain.served_events(origin text, beyond int8, events int4, OUT ledger_seq int8, OUT leaf text)
	RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		SELECT e.ledger_seq, e.leaf
		FROM seoulchain.chain c JOIN seoulchain.event e ON e.chain_id = c.chain_id
		WHERE c.origin = served_events.origin AND e.ledger_seq > beyond
		ORDER BY e.ledger_seq LIMIT events;
	END;
COMMENT ON FUNCTION seoulchain.served_events(text, int8, int4) IS 'events of a chain that this node holds, by ledger_seq';

CREATE FUNCTION seoulchain.served_rows(origin text, ledger_seqs int8[], OUT ledger_seq int8, OUT relation text,
		OUT names text[], OUT texts text[], OUT accepted int8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_served_rows' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION seoulchain.served_rows(text, int8[]) IS 'sealed rows of a chain as this node stores them: the text of every column; accepted in microseconds since 2000-01-01 UTC';

CREATE FUNCTION seoulchain.served_path(origin text, ledger_seq int8, tree_size int8, OUT leaf_index int8, OUT path bytea[])
	RETURNS record
	AS 'MODULE_PATHNAME', 'sc_served_path' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION seoulchain.served_path(text, int8, int8) IS 'where a number''s leaf stands, and the path that proves it in the tree of that size; NULLs when it is not there';

CREATE FUNCTION seoulchain.served_faults(origin text) RETURNS SETOF seoulchain.fault
	AS 'MODULE_PATHNAME', 'sc_served_faults' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION seoulchain.served_faults(text) IS 'what verify() finds on one chain that this node holds';

CREATE FUNCTION seoulchain.compare(node text, rows boolean DEFAULT true, OUT chain text, OUT relation text, OUT ledger_seq int8,
		OUT what text, OUT here bytea, OUT there bytea)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_compare' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION seoulchain.compare(text, boolean) IS 'every row that differs between this node and a peer, on every chain that both hold; without rows only the trees are compared';

CREATE FUNCTION seoulchain.repair(relation regclass, OUT ledger_seq int8, OUT action text, OUT peer text, OUT detail text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_repair' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION seoulchain.repair(regclass) IS 'brings damaged and lost rows of a ledger table back from peers, each proven against a final checkpoint; tells what was done and what could not be';

/* chains of this node that come back from its peers */
CREATE TABLE seoulchain.recovery (
	origin text COLLATE "C" PRIMARY KEY,
	since timestamptz NOT NULL,
	without text[] NOT NULL DEFAULT '{}',
	reason text NOT NULL,
	detail text
);
COMMENT ON TABLE seoulchain.recovery IS 'chains of this node that are being brought back from its peers; the network worker works on them';
COMMENT ON COLUMN seoulchain.recovery.origin IS 'the chain';
COMMENT ON COLUMN seoulchain.recovery.since IS 'since when';
COMMENT ON COLUMN seoulchain.recovery.without IS 'peers that the operator does not wait for';
COMMENT ON COLUMN seoulchain.recovery.reason IS 'why it is being recovered';
COMMENT ON COLUMN seoulchain.recovery.detail IS 'how far it is, and what it waits for';
SELECT pg_catalog.pg_extension_config_dump('seoulchain.recovery', '');

CREATE FUNCTION seoulchain.served_greatest(origin text) RETURNS int8
	AS 'MODULE_PATHNAME', 'sc_served_greatest' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION seoulchain.served_greatest(text) IS 'the greatest ledger_seq of a chain that this node has heard of, sealed or not, or one more';

CREATE FUNCTION seoulchain.recover(chain text DEFAULT 'main', without text[] DEFAULT '{}') RETURNS void
	AS 'MODULE_PATHNAME', 'sc_recover' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION seoulchain.recover(text, text[]) IS 'has this node ask its peers what it signed last on a chain of its own and bring back what it lost; without: peers that are not waited for';

CREATE TABLE seoulchain.lineage (
	peer text COLLATE "C" PRIMARY KEY,
	lineage text NOT NULL,
	since timestamptz NOT NULL,
	run text
);
COMMENT ON TABLE seoulchain.lineage IS 'under which histories of the two servers the subscription to a peer was made';
COMMENT ON COLUMN seoulchain.lineage.peer IS 'the peer; empty for this node itself';
COMMENT ON COLUMN seoulchain.lineage.lineage IS 'system identifier, timeline and number of losses of the peer, then of this node; broken while it is made anew; of this node itself the number only';
COMMENT ON COLUMN seoulchain.lineage.since IS 'since when';
COMMENT ON COLUMN seoulchain.lineage.run IS 'the run of the peer''s server that this node saw last';
SELECT pg_catalog.pg_extension_config_dump('seoulchain.lineage', '');

CREATE TABLE seoulchain.run (
	run text COLLATE "C" PRIMARY KEY,
	since timestamptz NOT NULL
);
COMMENT ON TABLE seoulchain.run IS 'runs of this node''s server, by random names: a peer that has seen one which is not here tells that this server is an old copy';
COMMENT ON COLUMN seoulchain.run.run IS 'its name';
COMMENT ON COLUMN seoulchain.run.since IS 'when it began';
SELECT pg_catalog.pg_extension_config_dump('seoulchain.run', '');

CREATE FUNCTION seoulchain.served_lineage() RETURNS text
	AS 'MODULE_PATHNAME', 'sc_served_lineage' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION seoulchain.served_lineage() IS 'which history this server''s WAL belongs to: system identifier, timeline, and a number that changes when something was lost';

CREATE FUNCTION seoulchain.served_progress(publisher text) RETURNS pg_lsn
	AS 'MODULE_PATHNAME', 'sc_served_progress' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION seoulchain.served_progress(text) IS 'how far this node has applied what a peer sent, in the peer''s WAL';

CREATE FUNCTION seoulchain.served_above(origin text, height int8, OUT lower int8, OUT upper int8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_served_above' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION seoulchain.served_above(text, int8) IS 'numbers of a chain in blocks above a height, and of what waits for its block, as ranges';

CREATE FUNCTION seoulchain.served_between(origin text, height int8, lower int8, upper int8, OUT ledger_seq int8, OUT relation text,
		OUT names text[], OUT texts text[], OUT accepted int8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_served_between' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION seoulchain.served_between(text, int8, int8, int8) IS 'rows of a chain in a range of numbers, in blocks above a height or waiting for their block, as served_rows() gives them';

CREATE TABLE seoulchain.cosign_leave (
	origin text COLLATE "C" PRIMARY KEY,
	memory text NOT NULL,
	system_identifier int8 NOT NULL,
	timeline int8 NOT NULL,
	given_at timestamptz NOT NULL
);
COMMENT ON TABLE seoulchain.cosign_leave IS 'copies that this server may cosign although signing memory speaks against it: every peer has told what this node cosigned';
COMMENT ON COLUMN seoulchain.cosign_leave.origin IS 'the chain';
COMMENT ON COLUMN seoulchain.cosign_leave.memory IS 'the very entry of signing memory that it is about';
COMMENT ON COLUMN seoulchain.cosign_leave.system_identifier IS 'the cluster that may go on';
COMMENT ON COLUMN seoulchain.cosign_leave.timeline IS 'and its timeline';
COMMENT ON COLUMN seoulchain.cosign_leave.given_at IS 'when';
SELECT pg_catalog.pg_extension_config_dump('seoulchain.cosign_leave', '');
