/* a server that makes every new table a ledger table by default does not mean these */
SET LOCAL default_table_access_method = heap;

/*
 * The registry: which chains there are, which tables joined them, under
 * which names.  The extension's C code writes these tables; nobody else may.
 * pg_dump carries all of them (configuration tables).
 */
CREATE TABLE seoulchain.node (
	name text PRIMARY KEY,
	cosigner_key text NOT NULL,
	created_at timestamptz NOT NULL
);
COMMENT ON TABLE seoulchain.node IS 'this database''s own node: no row or one';
COMMENT ON COLUMN seoulchain.node.name IS '<network>/<node>, the name of the cosigner key';
COMMENT ON COLUMN seoulchain.node.cosigner_key IS 'C2SP verifier key, type 0x04';
COMMENT ON COLUMN seoulchain.node.created_at IS 'when it was made';

CREATE TABLE seoulchain.chain (
	chain_id int4 PRIMARY KEY,
	name text NOT NULL UNIQUE,
	origin text NOT NULL UNIQUE,
	log_key text,
	sequence regclass NOT NULL,
	system_identifier int8 NOT NULL,
	database oid NOT NULL,
	created_at timestamptz NOT NULL,
	copy boolean NOT NULL,
	shared boolean NOT NULL
);
COMMENT ON TABLE seoulchain.chain IS 'the chains of this database';
COMMENT ON COLUMN seoulchain.chain.chain_id IS 'number of the chain in this database for ever; survives dump and restore';
COMMENT ON COLUMN seoulchain.chain.name IS 'short name, as in seal(''main''); of another node''s chain, the origin';
COMMENT ON COLUMN seoulchain.chain.origin IS 'the checkpoint''s first line, for ever';
COMMENT ON COLUMN seoulchain.chain.log_key IS 'C2SP verifier key of the chain; NULL for unnamed/...';
COMMENT ON COLUMN seoulchain.chain.sequence IS 'source of ledger_seq; each value stands for a stride of numbers; 0 for a copy';
COMMENT ON COLUMN seoulchain.chain.system_identifier IS 'cluster in which the chain is open';
COMMENT ON COLUMN seoulchain.chain.database IS 'database in which the chain is open';
COMMENT ON COLUMN seoulchain.chain.created_at IS 'when it was made';
COMMENT ON COLUMN seoulchain.chain.copy IS 'another node''s chain, which this node follows';
COMMENT ON COLUMN seoulchain.chain.shared IS 'this node''s own chain, which another node may follow; once shared, for ever';

CREATE TABLE seoulchain.ledger (
	table_id int4 PRIMARY KEY,
	chain_id int4 NOT NULL,
	relation regclass NOT NULL,
	ledger_name text NOT NULL,
	joined_seq int8 NOT NULL,
	dropped_seq int8,
	time_seq int8,
	UNIQUE (chain_id, ledger_name)
);
CREATE INDEX ledger_relation ON seoulchain.ledger (relation);
COMMENT ON TABLE seoulchain.ledger IS 'the ledger tables, those dropped included';
COMMENT ON COLUMN seoulchain.ledger.table_id IS 'number of the table in this database for ever; survives dump and restore';
COMMENT ON COLUMN seoulchain.ledger.chain_id IS 'the chain it joined';
COMMENT ON COLUMN seoulchain.ledger.relation IS 'the table; 0 once it is dropped';
COMMENT ON COLUMN seoulchain.ledger.ledger_name IS 'schema.table when it joined, unique in the chain for ever';
COMMENT ON COLUMN seoulchain.ledger.joined_seq IS 'ledger_seq of the join event';
COMMENT ON COLUMN seoulchain.ledger.dropped_seq IS 'ledger_seq of the drop event';
COMMENT ON COLUMN seoulchain.ledger.time_seq IS 'leaves with a greater ledger_seq hold the row''s acceptance time';

CREATE TABLE seoulchain.ledger_column (
	table_id int4 NOT NULL,
	attnum int2 NOT NULL,
	column_name name NOT NULL,
	ledger_name text NOT NULL,
	joined_seq int8 NOT NULL,
	PRIMARY KEY (table_id, attnum)
);
COMMENT ON TABLE seoulchain.ledger_column IS 'the columns that leaves hold, generated columns and ledger_seq not among them';
COMMENT ON COLUMN seoulchain.ledger_column.table_id IS 'the ledger table';
COMMENT ON COLUMN seoulchain.ledger_column.attnum IS 'number of the column; found again by column_name after a restore';
COMMENT ON COLUMN seoulchain.ledger_column.column_name IS 'its present name';
COMMENT ON COLUMN seoulchain.ledger_column.ledger_name IS 'its name when it joined, the key in leaves';
COMMENT ON COLUMN seoulchain.ledger_column.joined_seq IS 'leaves with a greater ledger_seq hold the column';

/* what was inserted and not sealed yet; src/ledger/journal.h has the format of entries */
CREATE TABLE seoulchain.journal (
	chain_id int4 NOT NULL
);
/* in one command, so that no TOAST table is made: writing one would need a snapshot at commit */
ALTER TABLE seoulchain.journal ADD COLUMN entries bytea NOT NULL, ALTER COLUMN entries SET STORAGE PLAIN;
/* a queue: dead soon after it is written, so vacuum by count, not by share */
ALTER TABLE seoulchain.journal SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
	autovacuum_vacuum_insert_threshold = -1);
COMMENT ON TABLE seoulchain.journal IS 'leaf hashes of committed rows that wait for the next block';
COMMENT ON COLUMN seoulchain.journal.chain_id IS 'the chain that will get them';
COMMENT ON COLUMN seoulchain.journal.entries IS 'runs of ledger_seq, place and hash; see src/ledger/journal.h';

/* the same for copies: what waits there for another node may grow, and nobody else may have to read it */
CREATE TABLE seoulchain.journal_copy (
	chain_id int4 NOT NULL
);
ALTER TABLE seoulchain.journal_copy ADD COLUMN entries bytea NOT NULL, ALTER COLUMN entries SET STORAGE PLAIN;
CREATE INDEX journal_copy_chain ON seoulchain.journal_copy (chain_id);
ALTER TABLE seoulchain.journal_copy SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
	autovacuum_vacuum_insert_threshold = -1);
COMMENT ON TABLE seoulchain.journal_copy IS 'leaf hashes of rows of other nodes'' chains that wait for the announcement of their block';
COMMENT ON COLUMN seoulchain.journal_copy.chain_id IS 'the copy that will get them';
COMMENT ON COLUMN seoulchain.journal_copy.entries IS 'as in seoulchain.journal';

CREATE TABLE seoulchain.event (
	chain_id int4 NOT NULL,
	ledger_seq int8 NOT NULL,
	table_id int4,
	leaf text NOT NULL,
	PRIMARY KEY (chain_id, ledger_seq)
);
COMMENT ON TABLE seoulchain.event IS 'leaves that are not rows: genesis, tables and columns joining, drops';
COMMENT ON COLUMN seoulchain.event.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.event.ledger_seq IS 'number of the leaf, from the same sequence as those of rows';
COMMENT ON COLUMN seoulchain.event.table_id IS 'the ledger table it is about; NULL for the chain itself';
COMMENT ON COLUMN seoulchain.event.leaf IS 'the leaf itself, canonical JSON';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.node', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.chain', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.ledger', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.ledger_column', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.journal', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.journal_copy', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.event', '');

