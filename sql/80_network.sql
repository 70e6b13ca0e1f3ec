/*
 * The network: which nodes there are, who may follow whose chains, and what
 * travels between them.  src/network/ writes these tables.
 *
 * Between two nodes that are each other's peers runs one subscription in each
 * direction.  It carries the rows of the tables of shared chains, and of the
 * two tables message and cosignature what is for the other node.  Publications
 * send inserts only.
 */
CREATE TABLE seoulchain.peer (
	name text COLLATE "C" PRIMARY KEY,
	conninfo text NOT NULL,
	cosigner_key text NOT NULL,
	role name,
	added_at timestamptz NOT NULL,
	system_identifier int8 NOT NULL,
	database oid NOT NULL
);
COMMENT ON TABLE seoulchain.peer IS 'other nodes that this one exchanges chains and cosignatures with';
COMMENT ON COLUMN seoulchain.peer.name IS 'the node, <network>/<node>';
COMMENT ON COLUMN seoulchain.peer.conninfo IS 'how to reach its database';
COMMENT ON COLUMN seoulchain.peer.cosigner_key IS 'C2SP verifier key of its cosignatures, as its operator handed it over';
COMMENT ON COLUMN seoulchain.peer.role IS 'the role of this server under which the node connects to us';
COMMENT ON COLUMN seoulchain.peer.added_at IS 'when it was added';
COMMENT ON COLUMN seoulchain.peer.system_identifier IS 'cluster in which it was added; a restored copy elsewhere leaves the network alone';
COMMENT ON COLUMN seoulchain.peer.database IS 'database in which it was added';

CREATE TABLE seoulchain.share (
	chain_id int4 NOT NULL,
	node text COLLATE "C" NOT NULL,
	since timestamptz NOT NULL,
	sent_height int8,
	PRIMARY KEY (chain_id, node)
);
COMMENT ON TABLE seoulchain.share IS 'which of this node''s chains go to which nodes';
COMMENT ON COLUMN seoulchain.share.chain_id IS 'the chain';
COMMENT ON COLUMN seoulchain.share.node IS 'the node that may follow it';
COMMENT ON COLUMN seoulchain.share.since IS 'since when';
COMMENT ON COLUMN seoulchain.share.sent_height IS 'the last block sent; NULL until the node has asked for the chain: nothing is sent before';

CREATE TABLE seoulchain.follow (
	origin text COLLATE "C" PRIMARY KEY,
	peer text COLLATE "C" NOT NULL,
	since timestamptz NOT NULL,
	asked_at timestamptz
);
COMMENT ON TABLE seoulchain.follow IS 'chains of other nodes that this one follows';
COMMENT ON COLUMN seoulchain.follow.origin IS 'origin of the chain';
COMMENT ON COLUMN seoulchain.follow.peer IS 'the node it comes from';
COMMENT ON COLUMN seoulchain.follow.since IS 'since when';
COMMENT ON COLUMN seoulchain.follow.asked_at IS 'when this node last asked for it';

CREATE TABLE seoulchain.message (
	sender text COLLATE "C" NOT NULL,
	recipient text COLLATE "C" NOT NULL,
	kind text COLLATE "C" NOT NULL,
	origin text COLLATE "C" NOT NULL,
	number int8 NOT NULL,
	body text
);
CREATE INDEX message_origin ON seoulchain.message (origin, kind, number);
COMMENT ON TABLE seoulchain.message IS 'what nodes tell each other about chains: a queue on both sides; src/network/message.h has the kinds';
COMMENT ON COLUMN seoulchain.message.sender IS 'the node that wrote it';
COMMENT ON COLUMN seoulchain.message.recipient IS 'the node it is for';
COMMENT ON COLUMN seoulchain.message.kind IS 'event, block, request or confirmation';
COMMENT ON COLUMN seoulchain.message.origin IS 'the chain it is about';
COMMENT ON COLUMN seoulchain.message.number IS 'ledger_seq of an event, height of a block, and so on';
COMMENT ON COLUMN seoulchain.message.body IS 'the event''s leaf; the block''s leaf and signed checkpoint';

CREATE TABLE seoulchain.cosignature (
	origin text COLLATE "C" NOT NULL,
	tree_size int8 NOT NULL,
	witness text COLLATE "C" NOT NULL,
	line text NOT NULL
);
/* not unique: a copy refuses nothing */
CREATE INDEX cosignature_size ON seoulchain.cosignature (origin, tree_size);
COMMENT ON TABLE seoulchain.cosignature IS 'cosignatures of witnesses, this node''s on chains it follows and those of others; not leaves';
COMMENT ON COLUMN seoulchain.cosignature.origin IS 'the chain';
COMMENT ON COLUMN seoulchain.cosignature.tree_size IS 'size of the checkpoint that is cosigned';
COMMENT ON COLUMN seoulchain.cosignature.witness IS 'name of the witness''s key';
COMMENT ON COLUMN seoulchain.cosignature.line IS 'C2SP signed-note line, with its newline';

CREATE TABLE seoulchain.dispute (
	origin text COLLATE "C" NOT NULL,
	height int8,
	ledger_seq int8,
	fault text NOT NULL,
	proof boolean NOT NULL,
	detail text NOT NULL,
	evidence text,
	found_at timestamptz NOT NULL,
	filed_chain_id int4,
	filed_seq int8,
	settled_at timestamptz,
	settled_why text
);
CREATE INDEX dispute_origin ON seoulchain.dispute (origin, height);
COMMENT ON TABLE seoulchain.dispute IS 'what this node found wrong with chains of other nodes';
COMMENT ON COLUMN seoulchain.dispute.origin IS 'the chain';
COMMENT ON COLUMN seoulchain.dispute.height IS 'the block';
COMMENT ON COLUMN seoulchain.dispute.ledger_seq IS 'the row or event';
COMMENT ON COLUMN seoulchain.dispute.fault IS 'one of the words in docs/network.md';
COMMENT ON COLUMN seoulchain.dispute.proof IS 'true: the evidence convinces a stranger; false: a complaint, this node''s word';
COMMENT ON COLUMN seoulchain.dispute.detail IS 'what was expected and what was found';
COMMENT ON COLUMN seoulchain.dispute.evidence IS 'a file that seoulchain-verify judges';
COMMENT ON COLUMN seoulchain.dispute.found_at IS 'when, by this node''s clock';
COMMENT ON COLUMN seoulchain.dispute.filed_chain_id IS 'the chain of this node that holds the event about it';
COMMENT ON COLUMN seoulchain.dispute.filed_seq IS 'the event; NULL until it is recorded';
COMMENT ON COLUMN seoulchain.dispute.settled_at IS 'since when it holds nothing back any more; NULL while it does';
COMMENT ON COLUMN seoulchain.dispute.settled_why IS 'what settled it';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.peer', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.share', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.follow', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.message', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.cosignature', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.dispute', '');
