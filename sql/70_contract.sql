/*
 * Contracts: versioned sets of rules on ledger tables.  The extension's C
 * code writes these tables; nobody else may.  What they say is said by the
 * chain's events of type contract as well, and verify() compares the two.
 */
CREATE TABLE seoulchain.contract (
	contract_id int4 PRIMARY KEY,
	chain_id int4 NOT NULL,
	name text NOT NULL,
	UNIQUE (chain_id, name)
);
COMMENT ON TABLE seoulchain.contract IS 'contracts of this database''s chains; the view contracts shows them by name';
COMMENT ON COLUMN seoulchain.contract.contract_id IS 'number of the contract in this database for ever; survives dump and restore';
COMMENT ON COLUMN seoulchain.contract.chain_id IS 'the chain on whose tables its rules stand and which records its life';
COMMENT ON COLUMN seoulchain.contract.name IS 'its name, unique in the chain for ever';

CREATE TABLE seoulchain.contract_version (
	contract_id int4 NOT NULL,
	version int4 NOT NULL,
	definition text NOT NULL,
	proposed_seq int8 NOT NULL,
	activated_seq int8,
	active_from timestamptz,
	ended_seq int8,
	active_until timestamptz,
	PRIMARY KEY (contract_id, version)
);
COMMENT ON TABLE seoulchain.contract_version IS 'versions of contracts; the view contract_versions shows them with their state';
COMMENT ON COLUMN seoulchain.contract_version.contract_id IS 'the contract';
COMMENT ON COLUMN seoulchain.contract_version.version IS 'the version, from 1';
COMMENT ON COLUMN seoulchain.contract_version.definition IS 'its definition, canonical JSON, as the event has it';
COMMENT ON COLUMN seoulchain.contract_version.proposed_seq IS 'ledger_seq of the event that proposed it';
COMMENT ON COLUMN seoulchain.contract_version.activated_seq IS 'ledger_seq of the event that activated it; NULL while it is only proposed';
COMMENT ON COLUMN seoulchain.contract_version.active_from IS 'it judges rows accepted at this time or later';
COMMENT ON COLUMN seoulchain.contract_version.ended_seq IS 'ledger_seq of the event that superseded or retired it';
COMMENT ON COLUMN seoulchain.contract_version.active_until IS 'it judges rows accepted before this time; NULL while it has no end';

CREATE TABLE seoulchain.contract_approval (
	contract_id int4 NOT NULL,
	version int4 NOT NULL,
	action text NOT NULL,
	member text NOT NULL,
	signature text NOT NULL,
	approved_seq int8 NOT NULL,
	PRIMARY KEY (contract_id, version, action, member)
);
COMMENT ON TABLE seoulchain.contract_approval IS 'members'' approvals; the view approvals shows them by name';
COMMENT ON COLUMN seoulchain.contract_approval.contract_id IS 'the contract';
COMMENT ON COLUMN seoulchain.contract_approval.version IS 'the version that is approved';
COMMENT ON COLUMN seoulchain.contract_approval.action IS 'activate or retire';
COMMENT ON COLUMN seoulchain.contract_approval.member IS 'who approves';
COMMENT ON COLUMN seoulchain.contract_approval.signature IS 'detached JWS over seoulchain.approval_payload()';
COMMENT ON COLUMN seoulchain.contract_approval.approved_seq IS 'ledger_seq of the event that records it';

/*
 * One row is a rule on a table: what the insert path looks for.  Rows are
 * made when a version is activated (the table is locked against writers, its
 * relcache entry invalidated); a row is judged by the rules with
 * active_from <= acceptance time < active_until.
 */
CREATE TABLE seoulchain.contract_rule (
	rule_id int4 PRIMARY KEY,
	contract_id int4 NOT NULL,
	version int4 NOT NULL,
	table_id int4 NOT NULL,
	ordinal int2 NOT NULL,
	rule text NOT NULL,
	rule_version text NOT NULL,
	digest bytea NOT NULL,
	parameters text NOT NULL,
	active_from timestamptz NOT NULL,
	active_until timestamptz,
	UNIQUE (contract_id, version, table_id, ordinal)
);
CREATE INDEX contract_rule_table ON seoulchain.contract_rule (table_id);
COMMENT ON TABLE seoulchain.contract_rule IS 'rules of activated versions on their tables; the view contract_rules shows them by name';
COMMENT ON COLUMN seoulchain.contract_rule.rule_id IS 'number of the rule on this table in this database for ever; its state is kept under it';
COMMENT ON COLUMN seoulchain.contract_rule.contract_id IS 'the contract';
COMMENT ON COLUMN seoulchain.contract_rule.version IS 'the version that brought it';
COMMENT ON COLUMN seoulchain.contract_rule.table_id IS 'the ledger table';
COMMENT ON COLUMN seoulchain.contract_rule.ordinal IS 'its place among the table''s rules in the definition, from 1; they are asked in this order';
COMMENT ON COLUMN seoulchain.contract_rule.rule IS 'name of the rule function';
COMMENT ON COLUMN seoulchain.contract_rule.rule_version IS 'its version';
COMMENT ON COLUMN seoulchain.contract_rule.digest IS 'SHA-256 over its sources';
COMMENT ON COLUMN seoulchain.contract_rule.parameters IS 'its parameters as in the definition: a canonical JSON object';
COMMENT ON COLUMN seoulchain.contract_rule.active_from IS 'as in contract_version';
COMMENT ON COLUMN seoulchain.contract_rule.active_until IS 'as in contract_version';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.contract', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.contract_version', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.contract_approval', '');
SELECT pg_catalog.pg_extension_config_dump('seoulchain.contract_rule', '');

/*
 * What people look at.
 */
CREATE VIEW seoulchain.contract_versions AS
	SELECT c.name AS chain, k.name AS contract, v.version,
		CASE
			WHEN v.active_until <= pg_catalog.clock_timestamp() THEN
				CASE WHEN s.version IS NULL THEN 'retired' ELSE 'superseded' END
			WHEN v.active_from <= pg_catalog.clock_timestamp() THEN 'active'
			WHEN v.active_from IS NOT NULL THEN 'activated'
			WHEN a.approvals > 0 THEN 'approved'
			ELSE 'proposed'
		END AS state,
		v.active_from, v.active_until, coalesce(a.approvals, 0)::int4 AS approvals,
		v.definition::jsonb #>> '{approval,quorum}' AS quorum,
		v.definition::jsonb -> 'ordinance' AS ordinance,
		pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(v.definition, 'UTF8')), 'hex') AS digest,
		v.definition, v.proposed_seq, v.activated_seq, v.ended_seq
	FROM seoulchain.contract k
		JOIN seoulchain.chain c USING (chain_id)
		JOIN seoulchain.contract_version v USING (contract_id)
		LEFT JOIN seoulchain.contract_version s ON s.contract_id = v.contract_id AND s.version > v.version AND s.active_from = v.active_until
		LEFT JOIN LATERAL (SELECT count(*) AS approvals FROM seoulchain.contract_approval a
			WHERE a.contract_id = v.contract_id AND a.version = v.version AND a.action = 'activate') a ON true;
COMMENT ON VIEW seoulchain.contract_versions IS 'every version of every contract and how far it has come';
COMMENT ON COLUMN seoulchain.contract_versions.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.contract_versions.contract IS 'name of the contract';
COMMENT ON COLUMN seoulchain.contract_versions.version IS 'the version';
COMMENT ON COLUMN seoulchain.contract_versions.state IS 'proposed, approved (by somebody: compare approvals with quorum), activated (from a time to come), active, superseded, retired';
COMMENT ON COLUMN seoulchain.contract_versions.active_from IS 'it judges rows accepted at this time or later';
COMMENT ON COLUMN seoulchain.contract_versions.active_until IS 'and before this one';
COMMENT ON COLUMN seoulchain.contract_versions.approvals IS 'how many members approved its activation';
COMMENT ON COLUMN seoulchain.contract_versions.quorum IS 'how many have to; NULL when an operator''s word is enough';
COMMENT ON COLUMN seoulchain.contract_versions.ordinance IS 'the ordinance it carries out';
COMMENT ON COLUMN seoulchain.contract_versions.digest IS 'SHA-256 of the definition, hex';
COMMENT ON COLUMN seoulchain.contract_versions.definition IS 'the definition, canonical JSON';
COMMENT ON COLUMN seoulchain.contract_versions.proposed_seq IS 'ledger_seq of the event that proposed it';
COMMENT ON COLUMN seoulchain.contract_versions.activated_seq IS 'ledger_seq of the event that activated it';
COMMENT ON COLUMN seoulchain.contract_versions.ended_seq IS 'ledger_seq of the event that superseded or retired it';

CREATE VIEW seoulchain.contracts AS
	SELECT c.name AS chain, k.name AS contract, a.version AS active_version, a.active_from, a.active_until,
		n.version AS newest_version, n.state AS newest_state, coalesce(a.ordinance, n.ordinance) AS ordinance
	FROM seoulchain.contract k
		JOIN seoulchain.chain c USING (chain_id)
		LEFT JOIN LATERAL (SELECT v.* FROM seoulchain.contract_versions v
			WHERE v.chain = c.name AND v.contract = k.name AND v.state = 'active') a ON true
		LEFT JOIN LATERAL (SELECT v.* FROM seoulchain.contract_versions v
			WHERE v.chain = c.name AND v.contract = k.name ORDER BY v.version DESC LIMIT 1) n ON true;
COMMENT ON VIEW seoulchain.contracts IS 'contracts, the version in force now and the newest one';
COMMENT ON COLUMN seoulchain.contracts.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.contracts.contract IS 'name of the contract';
COMMENT ON COLUMN seoulchain.contracts.active_version IS 'the version in force now; NULL when there is none';
COMMENT ON COLUMN seoulchain.contracts.active_from IS 'since when it is in force';
COMMENT ON COLUMN seoulchain.contracts.active_until IS 'until when; NULL while no end is set';
COMMENT ON COLUMN seoulchain.contracts.newest_version IS 'the version proposed last';
COMMENT ON COLUMN seoulchain.contracts.newest_state IS 'how far that one is';
COMMENT ON COLUMN seoulchain.contracts.ordinance IS 'the ordinance that the version in force carries out, else the newest version''s';

CREATE VIEW seoulchain.contract_rules AS
	SELECT c.name AS chain, k.name AS contract, r.version, l.relation, l.ledger_name AS "table", r.ordinal, r.rule, r.rule_version,
		r.parameters::jsonb AS parameters, r.active_from, r.active_until, pg_catalog.encode(r.digest, 'hex') AS digest, r.rule_id
	FROM seoulchain.contract_rule r
		JOIN seoulchain.contract k USING (contract_id)
		JOIN seoulchain.chain c USING (chain_id)
		JOIN seoulchain.ledger l USING (table_id);
COMMENT ON VIEW seoulchain.contract_rules IS 'the rules of activated versions, table by table';
COMMENT ON COLUMN seoulchain.contract_rules.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.contract_rules.contract IS 'name of the contract';
COMMENT ON COLUMN seoulchain.contract_rules.version IS 'the version';
COMMENT ON COLUMN seoulchain.contract_rules.relation IS 'the table; 0 once it is dropped';
COMMENT ON COLUMN seoulchain.contract_rules."table" IS 'its ledger name';
COMMENT ON COLUMN seoulchain.contract_rules.ordinal IS 'place among the table''s rules in this version';
COMMENT ON COLUMN seoulchain.contract_rules.rule IS 'name of the rule function';
COMMENT ON COLUMN seoulchain.contract_rules.rule_version IS 'its version';
COMMENT ON COLUMN seoulchain.contract_rules.parameters IS 'its parameters';
COMMENT ON COLUMN seoulchain.contract_rules.active_from IS 'it judges rows accepted at this time or later';
COMMENT ON COLUMN seoulchain.contract_rules.active_until IS 'and before this one';
COMMENT ON COLUMN seoulchain.contract_rules.digest IS 'SHA-256 over its sources, hex';
COMMENT ON COLUMN seoulchain.contract_rules.rule_id IS 'number under which its state is kept';

CREATE VIEW seoulchain.approvals AS
	SELECT c.name AS chain, k.name AS contract, a.version, a.action, a.member, a.approved_seq, a.signature
	FROM seoulchain.contract_approval a
		JOIN seoulchain.contract k USING (contract_id)
		JOIN seoulchain.chain c USING (chain_id);
COMMENT ON VIEW seoulchain.approvals IS 'who approved which version of which contract';
COMMENT ON COLUMN seoulchain.approvals.chain IS 'name of the chain';
COMMENT ON COLUMN seoulchain.approvals.contract IS 'name of the contract';
COMMENT ON COLUMN seoulchain.approvals.version IS 'the version';
COMMENT ON COLUMN seoulchain.approvals.action IS 'activate or retire';
COMMENT ON COLUMN seoulchain.approvals.member IS 'who approved';
COMMENT ON COLUMN seoulchain.approvals.approved_seq IS 'ledger_seq of the event that records it';
COMMENT ON COLUMN seoulchain.approvals.signature IS 'detached JWS over seoulchain.approval_payload()';
