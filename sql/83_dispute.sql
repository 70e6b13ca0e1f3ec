/*
 * Disputes and alarms: what this node found wrong, what others say they did,
 * which checkpoints were seen elsewhere.  src/network/ writes these tables.
 */
CREATE INDEX dispute_filed ON seoulchain.dispute (filed_seq);

CREATE TABLE seoulchain.heard_dispute (
	chain_id int4 NOT NULL,
	event_seq int8 NOT NULL,
	origin text COLLATE "C" NOT NULL,
	height int8,
	ledger_seq int8,
	fault text NOT NULL,
	proof boolean NOT NULL,
	evidence_sha256 text NOT NULL,
	evidence text,
	heard_at timestamptz NOT NULL
);
CREATE INDEX heard_dispute_origin ON seoulchain.heard_dispute (origin);
COMMENT ON TABLE seoulchain.heard_dispute IS 'disputes that other nodes filed, by the events on their chains';
COMMENT ON COLUMN seoulchain.heard_dispute.chain_id IS 'the copy whose event it is';
COMMENT ON COLUMN seoulchain.heard_dispute.event_seq IS 'ledger_seq of the event';
COMMENT ON COLUMN seoulchain.heard_dispute.origin IS 'the chain that it is about';
COMMENT ON COLUMN seoulchain.heard_dispute.height IS 'the block';
COMMENT ON COLUMN seoulchain.heard_dispute.ledger_seq IS 'the row or event';
COMMENT ON COLUMN seoulchain.heard_dispute.fault IS 'what is wrong, in the words of whoever filed it';
COMMENT ON COLUMN seoulchain.heard_dispute.proof IS 'they call it a proof; this node files its own dispute when it is one';
COMMENT ON COLUMN seoulchain.heard_dispute.evidence_sha256 IS 'SHA-256 of the dispute file, hex';
COMMENT ON COLUMN seoulchain.heard_dispute.evidence IS 'the dispute file, if it came with the event';
COMMENT ON COLUMN seoulchain.heard_dispute.heard_at IS 'when the event came';

CREATE TABLE seoulchain.seen (
	origin text COLLATE "C" NOT NULL,
	tree_size int8 NOT NULL,
	note text NOT NULL,
	source text COLLATE "C" NOT NULL,
	seen_at timestamptz NOT NULL
);
CREATE INDEX seen_origin ON seoulchain.seen (origin, tree_size);
CREATE INDEX seen_source ON seoulchain.seen (source);
COMMENT ON TABLE seoulchain.seen IS 'signed checkpoints that were shown elsewhere and wait to be compared';
COMMENT ON COLUMN seoulchain.seen.origin IS 'the chain';
COMMENT ON COLUMN seoulchain.seen.tree_size IS 'its size there';
COMMENT ON COLUMN seoulchain.seen.note IS 'the signed note';
COMMENT ON COLUMN seoulchain.seen.source IS 'the chain that showed it';
COMMENT ON COLUMN seoulchain.seen.seen_at IS 'when it came here';

CREATE TABLE seoulchain.republished (
	chain_id int4 NOT NULL,
	origin text COLLATE "C" NOT NULL,
	tree_size int8 NOT NULL,
	PRIMARY KEY (chain_id, origin)
);
COMMENT ON TABLE seoulchain.republished IS 'which checkpoints of followed chains each chain of this node has told';
COMMENT ON COLUMN seoulchain.republished.chain_id IS 'the chain of this node';
COMMENT ON COLUMN seoulchain.republished.origin IS 'the followed chain';
COMMENT ON COLUMN seoulchain.republished.tree_size IS 'size of the last checkpoint told';

CREATE TABLE seoulchain.alarm (
	kind text COLLATE "C" NOT NULL,
	about text COLLATE "C" NOT NULL,
	since timestamptz NOT NULL,
	last timestamptz NOT NULL,
	times int8 NOT NULL,
	what text NOT NULL,
	hint text NOT NULL,
	PRIMARY KEY (kind, about)
);
COMMENT ON TABLE seoulchain.alarm IS 'alarms that processes raised; the view alarms has them and others';
COMMENT ON COLUMN seoulchain.alarm.kind IS 'one of the words in docs/network.md';
COMMENT ON COLUMN seoulchain.alarm.about IS 'the node, chain or table';
COMMENT ON COLUMN seoulchain.alarm.since IS 'since when';
COMMENT ON COLUMN seoulchain.alarm.last IS 'when it was noticed last, to ten seconds';
COMMENT ON COLUMN seoulchain.alarm.times IS 'how often it was written down';
COMMENT ON COLUMN seoulchain.alarm.what IS 'what happened last';
COMMENT ON COLUMN seoulchain.alarm.hint IS 'what to do';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.heard_dispute', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.seen', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.republished', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.alarm', '');

CREATE VIEW seoulchain.disputes AS
	SELECT n.name AS filed_by, d.origin, d.height, d.ledger_seq, d.fault, d.proof, d.detail,
		pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(d.evidence, 'UTF8')), 'hex') AS evidence_sha256,
		d.found_at, c.origin AS recorded_in, d.filed_seq AS event, d.settled_at
	FROM seoulchain.dispute d LEFT JOIN seoulchain.node n ON true LEFT JOIN seoulchain.chain c ON c.chain_id = d.filed_chain_id
	UNION ALL
	SELECT pg_catalog.regexp_replace(c.origin, '/[^/]*$', ''), h.origin, h.height, h.ledger_seq, h.fault, h.proof, NULL,
		h.evidence_sha256, h.heard_at, c.origin, h.event_seq, NULL
	FROM seoulchain.heard_dispute h JOIN seoulchain.chain c USING (chain_id);
COMMENT ON VIEW seoulchain.disputes IS 'what this node and those whose chains it follows found wrong; seoulchain.dispute_evidence() gives the file';
COMMENT ON COLUMN seoulchain.disputes.filed_by IS 'the node that says so';
COMMENT ON COLUMN seoulchain.disputes.origin IS 'the chain that it is about';
COMMENT ON COLUMN seoulchain.disputes.height IS 'the block';
COMMENT ON COLUMN seoulchain.disputes.ledger_seq IS 'the row or event';
COMMENT ON COLUMN seoulchain.disputes.fault IS 'one of the words in docs/network.md';
COMMENT ON COLUMN seoulchain.disputes.proof IS 'true: the evidence convinces a stranger; false: a complaint, the node''s word';
COMMENT ON COLUMN seoulchain.disputes.detail IS 'what was expected and what was found; of others'' disputes their files tell';
COMMENT ON COLUMN seoulchain.disputes.evidence_sha256 IS 'SHA-256 of the dispute file, as the event has it';
COMMENT ON COLUMN seoulchain.disputes.found_at IS 'when it was found, or heard of, by this node''s clock';
COMMENT ON COLUMN seoulchain.disputes.recorded_in IS 'the chain that holds the event about it; NULL until it is recorded';
COMMENT ON COLUMN seoulchain.disputes.event IS 'ledger_seq of that event';
COMMENT ON COLUMN seoulchain.disputes.settled_at IS 'since when it holds nothing back any more';

CREATE FUNCTION seoulchain.dispute_evidence(origin text, fault text, height int8 DEFAULT NULL, ledger_seq int8 DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_dispute_evidence' LANGUAGE C STABLE;
COMMENT ON FUNCTION seoulchain.dispute_evidence(text, text, int8, int8) IS 'the dispute file of a dispute that this node filed: seoulchain-verify says whether it proves anything; NULL when there is no such dispute';

CREATE FUNCTION seoulchain.rule_evidence(relation regclass, ledger_seq int8) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_rule_evidence' LANGUAGE C STRICT STABLE SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION seoulchain.rule_evidence(regclass, int8) IS 'a dispute file that proves that the row breaks a contract in force, for seoulchain-verify; NULL when no few rows can show it';

CREATE FUNCTION seoulchain.settle_dispute(origin text, reason text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'sc_settle_dispute' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.settle_dispute(text, text) IS 'this node''s complaints about a chain hold its cosignatures back no more; how many there were. A proof is never settled.';

CREATE FUNCTION seoulchain.clear_alarm(kind text, about text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'sc_clear_alarm' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.clear_alarm(text, text) IS 'forgets an alarm that somebody has looked into; false when there is none. What goes on is raised again.';

CREATE VIEW seoulchain.alarms AS
	SELECT kind, about, since, what, hint FROM seoulchain.alarm
	UNION ALL
	SELECT CASE WHEN d.proof THEN 'proof against a chain' ELSE 'complaint about a chain' END, d.origin, d.found_at, d.fault || ': ' || d.detail,
		'seoulchain.dispute_evidence() gives the file for those who decide.'
	FROM seoulchain.dispute d WHERE d.settled_at IS NULL;
COMMENT ON VIEW seoulchain.alarms IS 'what this node''s operator should look at';
COMMENT ON COLUMN seoulchain.alarms.kind IS 'one of the words in docs/network.md';
COMMENT ON COLUMN seoulchain.alarms.about IS 'the node, chain or table';
COMMENT ON COLUMN seoulchain.alarms.since IS 'since when';
COMMENT ON COLUMN seoulchain.alarms.what IS 'what happened';
COMMENT ON COLUMN seoulchain.alarms.hint IS 'what to do';
