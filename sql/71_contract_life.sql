/*
 * The life of contracts.
 */
CREATE FUNCTION seoulchain.propose_contract(definition jsonb, chain text DEFAULT 'main') RETURNS integer
	AS 'MODULE_PATHNAME', 'sc_propose_contract' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.propose_contract(jsonb, text) IS
	'puts a contract''s next version on its chain; checks definition, rules and test cases; returns the version';

CREATE FUNCTION seoulchain.activate_contract(contract text, version integer DEFAULT NULL, active_from timestamptz DEFAULT NULL,
		breaches bigint DEFAULT 0, chain text DEFAULT 'main') RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'sc_activate_contract' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.activate_contract(text, integer, timestamptz, bigint, text) IS
	'puts a version (the newest) into force from a time (now) on; the one before ends then; breaches is how many rows that are there break it';

CREATE FUNCTION seoulchain.retire_contract(contract text, reason text, active_until timestamptz DEFAULT NULL,
		chain text DEFAULT 'main') RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'sc_retire_contract' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.retire_contract(text, text, timestamptz, text) IS
	'ends the version in force from a time (now) on; no other takes its place';

/*
 * What rules say of the past.
 */
CREATE FUNCTION seoulchain.replay(contract text, version integer DEFAULT NULL, "from" timestamptz DEFAULT NULL,
		until timestamptz DEFAULT NULL, chain text DEFAULT 'main',
		OUT relation regclass, OUT ledger_seq bigint, OUT accepted_at timestamptz, OUT judged_by integer, OUT answer text,
		OUT rule text, OUT code text, OUT message text, OUT detail text, OUT hint text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_replay' LANGUAGE C STABLE;
COMMENT ON FUNCTION seoulchain.replay(text, integer, timestamptz, timestamptz, text) IS
	'what a version says of every sealed row accepted in [from, until), in leaf order; without a version, the rules in force at the time of each row';

CREATE FUNCTION seoulchain.contract_breaches(contract text, version integer, chain text DEFAULT 'main',
		OUT relation regclass, OUT ledger_seq bigint, OUT accepted_at timestamptz, OUT judged_by integer, OUT answer text,
		OUT rule text, OUT code text, OUT message text, OUT detail text, OUT hint text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_contract_breaches' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION seoulchain.contract_breaches(text, integer, text) IS
	'rows that are there, sealed or not, and that a version would refuse: what activate_contract() counts';

/*
 * What members say.
 */
CREATE FUNCTION seoulchain.approval_payload(contract text, version integer, action text DEFAULT 'activate',
		chain text DEFAULT 'main') RETURNS text
	AS 'MODULE_PATHNAME', 'sc_approval_payload' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION seoulchain.approval_payload(text, integer, text, text) IS
	'the text that a member signs to approve that a version comes into force (activate) or ends (retire)';

CREATE FUNCTION seoulchain.approve_contract(contract text, version integer, member text, signature text,
		action text DEFAULT 'activate', chain text DEFAULT 'main') RETURNS void
	AS 'MODULE_PATHNAME', 'sc_approve_contract' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.approve_contract(text, integer, text, text, text, text) IS
	'records a member''s approval: a detached JWS over approval_payload()';
