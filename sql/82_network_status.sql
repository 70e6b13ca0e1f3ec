/*
 * How each node stands to its peers, and what is missing.
 */
CREATE FUNCTION seoulchain.link_name(publisher text, subscriber text) RETURNS name
	AS 'MODULE_PATHNAME', 'sc_link_name_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION seoulchain.link_name(text, text) IS 'name of publication, subscription and slot by which one node sends to another';

CREATE FUNCTION seoulchain.network_worker_running() RETURNS boolean
	AS 'MODULE_PATHNAME', 'sc_network_worker_running' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.network_worker_running() IS 'is this database''s network worker there?';

CREATE FUNCTION seoulchain.network_state(name text, OUT waiting text, OUT error text, OUT error_at timestamptz,
		OUT failing_since timestamptz, OUT tries integer, OUT dropped bigint, OUT dropped_why text, OUT dropped_at timestamptz)
	AS 'MODULE_PATHNAME', 'sc_network_state' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.network_state(text) IS 'what was last met with a peer, a subscription or a followed chain';

CREATE FUNCTION seoulchain.reader_lacks(chain_id integer, node text) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_reader_lacks' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.reader_lacks(integer, text) IS 'what a peer''s role lacks to read the whole database, as it has to for a chain that is shared with it; NULL: nothing';

/*
 * settings of the server that n peers need beside what others on this server
 * use of it, and what they are; docs/network.md has the same
 */
CREATE VIEW seoulchain.network_settings AS
	SELECT w.name, pg_catalog.current_setting(w.name) AS setting, w.needed,
		CASE WHEN w.name = 'wal_level' THEN pg_catalog.current_setting(w.name) = w.needed
			ELSE pg_catalog.current_setting(w.name)::int8 >= w.needed::int8 END AS enough
	FROM (SELECT pg_catalog.count(*) FROM seoulchain.peer) AS p(n),
		(SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots r
			WHERE r.slot_name !~ '^pg_[0-9]+_sync_' AND (r.database IS DISTINCT FROM pg_catalog.current_database()
				OR r.slot_name <> ALL (ARRAY(SELECT seoulchain.link_name(me.name, q.name) FROM seoulchain.peer q, seoulchain.node me)))) AS s(slots),
		(SELECT pg_catalog.count(*) FROM pg_catalog.pg_subscription u
			WHERE u.subdbid <> (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
				OR u.subname <> ALL (ARRAY(SELECT seoulchain.link_name(q.name, me.name) FROM seoulchain.peer q, seoulchain.node me))) AS o(subscriptions),
		LATERAL (VALUES ('wal_level', 'logical'),
			('max_wal_senders', (2 * n + 2 + slots)::text),
			('max_replication_slots', (2 * n + 2 + greatest(slots, CASE WHEN pg_catalog.current_setting('max_active_replication_origins', true) IS NULL
				THEN subscriptions ELSE 0 END))::text),
			('max_active_replication_origins', (2 * n + 2 + subscriptions)::text),
			('max_logical_replication_workers', (n + 2 + subscriptions)::text),
			('max_sync_workers_per_subscription', '1'),
			('max_worker_processes', (n + 6 + subscriptions)::text)) AS w(name, needed)
	WHERE n > 0 AND pg_catalog.current_setting(w.name, true) IS NOT NULL;
COMMENT ON VIEW seoulchain.network_settings IS 'server settings that as many peers need';
COMMENT ON COLUMN seoulchain.network_settings.name IS 'the setting';
COMMENT ON COLUMN seoulchain.network_settings.setting IS 'what it is';
COMMENT ON COLUMN seoulchain.network_settings.needed IS 'what it has to be at least';
COMMENT ON COLUMN seoulchain.network_settings.enough IS 'whether it is; a change needs a restart of the server';

/* a function, since the planner thinks that this is a long query and would compile it for seconds */
CREATE FUNCTION seoulchain.network_status(OUT peer text, OUT direction text, OUT chain text, OUT state text,
		OUT problem text, OUT hint text, OUT since timestamptz)
	RETURNS SETOF record LANGUAGE sql VOLATILE ROWS 20 SECURITY DEFINER SET jit = off SET search_path = pg_catalog, pg_temp
AS $$
	WITH me AS (SELECT n.name FROM seoulchain.node n),
	peers AS (
		SELECT p.name, p.role, p.added_at, me.name AS me,
			p.system_identifier = (SELECT c.system_identifier FROM pg_catalog.pg_control_system() c)
				AND p.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AS here,
			seoulchain.link_name(p.name, me.name) AS incoming, seoulchain.link_name(me.name, p.name) AS outgoing, st.*
		FROM seoulchain.peer p CROSS JOIN me CROSS JOIN LATERAL seoulchain.network_state(p.name) st),
	incoming AS (
		SELECT p.*, s.oid AS subid, s.subenabled, w.pid, e.error AS apply_error, e.error_at AS apply_error_at, e.failing_since AS apply_since
		FROM peers p
			LEFT JOIN pg_catalog.pg_subscription s ON s.subname = p.incoming
				AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
			LEFT JOIN pg_catalog.pg_stat_subscription w ON w.subid = s.oid AND w.relid IS NULL
			CROSS JOIN LATERAL seoulchain.network_state(p.incoming::text) e),
	copies AS (
		SELECT f.origin, f.since, f.asked_at, i.name, i.here, c.chain_id,
			(SELECT pg_catalog.max(b.height) FROM seoulchain.chain_block b WHERE b.chain_id = c.chain_id) AS height,
			(SELECT pg_catalog.string_agg(l.ledger_name, ', ' ORDER BY l.table_id) FROM seoulchain.ledger l
				LEFT JOIN pg_catalog.pg_subscription_rel r ON r.srrelid = l.relation AND r.srsubid = i.subid
				WHERE l.chain_id = c.chain_id AND l.relation <> 0 AND l.dropped_seq IS NULL AND r.srsubstate IS DISTINCT FROM 'r') AS unready,
			(SELECT pg_catalog.count(*) FROM seoulchain.message m WHERE m.origin = f.origin AND m.kind = 'event') AS stuck,
			EXISTS (SELECT FROM seoulchain.message m WHERE m.origin = f.origin AND m.kind = 'published' AND m.number = -2) AS ended,
			(SELECT st.error FROM seoulchain.network_state(f.origin) st) AS error
		FROM seoulchain.follow f JOIN incoming i ON i.name = f.peer
			LEFT JOIN seoulchain.chain c ON c.origin = f.origin AND c.copy),
	shares AS (
		SELECT s.node, s.since, s.sent_height, c.name AS chain, p.role,
			(SELECT pg_catalog.string_agg(l.ledger_name, ', ' ORDER BY l.table_id) FROM seoulchain.ledger l
				WHERE l.chain_id = s.chain_id AND l.relation <> 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_publication_rel r
					JOIN pg_catalog.pg_publication pub ON pub.oid = r.prpubid
					WHERE pub.pubname = p.outgoing AND r.prrelid = l.relation)) AS unpublished,
			seoulchain.reader_lacks(s.chain_id, s.node) AS lack
		FROM seoulchain.share s JOIN seoulchain.chain c USING (chain_id) JOIN peers p ON p.name = s.node)

	SELECT NULL::text AS peer, 'server' AS direction, NULL::text AS chain, 'failing' AS state,
		pg_catalog.format('%s is %s, but has to be %s%s', n.name, n.setting, CASE WHEN n.name = 'wal_level' THEN '' ELSE 'at least ' END, n.needed) AS problem,
		pg_catalog.format('ALTER SYSTEM SET %s = %L; and restart the server', n.name, n.needed) AS hint, NULL::timestamptz AS since
	FROM seoulchain.network_settings n WHERE NOT n.enough
	UNION ALL
	SELECT NULL, 'server', NULL, 'failing', 'the network worker is not running',
		'It starts within seconds if max_worker_processes has room for it; the server''s log says more.', NULL
	WHERE EXISTS (SELECT FROM peers p WHERE p.here) AND NOT seoulchain.network_worker_running()
	UNION ALL
	SELECT i.name, 'from', NULL,
		CASE WHEN NOT i.here THEN 'closed' WHEN i.error IS NOT NULL THEN 'failing' WHEN i.subid IS NULL THEN 'waiting'
			WHEN i.waiting LIKE 'the subscription is to be made anew: %' THEN 'waiting'
			WHEN NOT i.subenabled OR i.pid IS NULL OR i.apply_error_at > pg_catalog.clock_timestamp() - interval '15 seconds' THEN 'failing'
			WHEN i.waiting IS NOT NULL THEN 'waiting' ELSE 'ok' END,
		CASE WHEN NOT i.here THEN 'this database is a copy: the peer was added in another'
			WHEN i.error IS NOT NULL THEN i.error
			WHEN i.subid IS NULL THEN COALESCE(i.waiting, 'no subscription yet')
			WHEN i.waiting LIKE 'the subscription is to be made anew: %' THEN i.waiting
			WHEN NOT i.subenabled THEN pg_catalog.format('subscription "%s" is disabled', i.incoming)
			WHEN i.pid IS NULL OR i.apply_error_at > pg_catalog.clock_timestamp() - interval '15 seconds'
				THEN 'nothing arrives: ' || COALESCE(i.apply_error, 'no apply worker is running')
			ELSE i.waiting END,
		CASE WHEN NOT i.here THEN 'If this database is to be the node now and the other is gone: SELECT seoulchain.open_network();'
			WHEN i.subid IS NOT NULL AND NOT i.subenabled THEN pg_catalog.format('ALTER SUBSCRIPTION %s ENABLE;', i.incoming)
			WHEN i.subid IS NULL AND i.waiting IS NOT NULL THEN 'Its operator has to do something: seoulchain.network_status there says what.' END,
		COALESCE(i.failing_since, CASE WHEN i.pid IS NULL THEN i.apply_since END, i.added_at)
	FROM incoming i
	UNION ALL
	SELECT p.name, 'from', NULL, 'alarm', pg_catalog.format('%s of its messages were dropped; the last: %s', p.dropped, p.dropped_why),
		'It says what it has no say in: ask its operator.', p.dropped_at
	FROM peers p WHERE p.dropped > 0
	UNION ALL
	SELECT c.name, 'from', c.origin,
		CASE WHEN NOT c.here THEN 'closed' WHEN c.stuck > 0 OR (c.ended AND c.chain_id IS NOT NULL) THEN 'failing' WHEN c.chain_id IS NULL OR c.unready IS NOT NULL THEN 'waiting' ELSE 'ok' END,
		CASE WHEN c.stuck > 0 THEN pg_catalog.format('%s events cannot be applied; %s', c.stuck, COALESCE(c.error, 'the server''s log says why'))
			WHEN c.ended AND c.chain_id IS NOT NULL THEN 'its node has ended sharing it: the copy lacks what came after'
			WHEN c.chain_id IS NULL THEN CASE WHEN c.asked_at IS NULL THEN 'not asked for yet' ELSE 'asked for; nothing has come: the node may not share it' END
			WHEN c.unready IS NOT NULL THEN 'tables not yet copied: ' || c.unready END,
		CASE WHEN c.stuck > 0 THEN 'Names are the same on all nodes: a table of this name that is no copy has to go, or the other node keeps its tables in a schema of its own.'
			WHEN c.ended AND c.chain_id IS NOT NULL THEN pg_catalog.format('SELECT seoulchain.unfollow(%1$L); keeps the copy as it is. When it is shared again: seoulchain.drop_copy(%1$L), then seoulchain.follow(%1$L).', c.origin)
			WHEN c.unready IS NOT NULL THEN pg_catalog.format('If the copy came back with a dump: SELECT seoulchain.unfollow(%1$L), seoulchain.drop_copy(%1$L), then seoulchain.follow(%1$L).', c.origin)
			WHEN c.chain_id IS NULL THEN pg_catalog.format('There: SELECT seoulchain.share(%L, %L);',
				pg_catalog.regexp_replace(c.origin, '.*/', ''), (SELECT me.name FROM me)) END,
		c.since
	FROM copies c
	UNION ALL
	SELECT p.name, 'to', NULL, CASE WHEN NOT p.here THEN 'closed' WHEN l.wal_status IN ('lost', 'unreserved') THEN 'failing' WHEN l.slot_name IS NULL THEN 'waiting'
			WHEN NOT l.active OR l.wal_status = 'extended' THEN 'failing' ELSE 'ok' END,
		CASE WHEN l.wal_status = 'lost' THEN 'its slot is lost: it was away for longer than max_slot_wal_keep_size allows'
			WHEN l.slot_name IS NULL THEN 'it has not subscribed to this node yet'
			WHEN l.wal_status = 'unreserved' THEN 'it is so far behind that its slot is lost at the next checkpoint'
			WHEN NOT l.active THEN pg_catalog.format('it is not connected; %s wait for it', pg_catalog.pg_size_pretty(
				pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), l.confirmed_flush_lsn)))
			WHEN l.wal_status = 'extended' THEN pg_catalog.format('it does not keep up: %s of WAL are kept for it on this server''s disk', pg_catalog.pg_size_pretty(
				pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), l.restart_lsn))) END,
		CASE WHEN l.wal_status = 'lost' THEN pg_catalog.format('There: seoulchain.remove_peer(%L), then add_peer(...) again, and for each chain that it had a copy of: seoulchain.drop_copy(...), seoulchain.follow(...).', p.me)
			WHEN l.wal_status = 'extended' THEN 'max_slot_wal_keep_size limits it; a peer that does not come back has to be removed: seoulchain.remove_peer(...)'
			WHEN l.slot_name IS NULL THEN 'There: seoulchain.add_peer(...) for this node, which role and pg_hba.conf here let in.' END,
		p.added_at
	FROM peers p LEFT JOIN pg_catalog.pg_replication_slots l ON l.slot_name = p.outgoing
	UNION ALL
	SELECT s.node, 'to', s.chain, CASE WHEN s.lack IS NOT NULL THEN 'failing' WHEN s.sent_height IS NULL OR s.unpublished IS NOT NULL THEN 'waiting' ELSE 'ok' END,
		CASE WHEN s.lack IS NOT NULL THEN pg_catalog.format('role "%s" may no longer read the whole database: %s', s.role, s.lack)
			WHEN s.sent_height IS NULL THEN 'it has not asked for the chain'
			WHEN s.unpublished IS NOT NULL THEN 'tables that it has not confirmed: ' || s.unpublished END,
		CASE WHEN s.lack LIKE '%BYPASSRLS%' THEN pg_catalog.format('ALTER ROLE %I BYPASSRLS; until then it gets no further tables, since it would not see every row.', s.role)
			WHEN s.lack IS NOT NULL THEN pg_catalog.format('ALTER ROLE %1$I LOGIN REPLICATION; GRANT pg_read_all_data TO %1$I; until then it gets no further tables.', s.role)
			WHEN s.sent_height IS NULL THEN pg_catalog.format('There: SELECT seoulchain.follow(%1$L); if it has a copy from before: seoulchain.unfollow(%1$L), seoulchain.drop_copy(%1$L) first.',
				(SELECT me.name FROM me) || '/' || s.chain) END,
		s.since
	FROM shares s
$$;
COMMENT ON FUNCTION seoulchain.network_status() IS 'per peer, direction and chain: what is done, what is missing, and why';

CREATE VIEW seoulchain.network_status AS SELECT * FROM seoulchain.network_status();
COMMENT ON VIEW seoulchain.network_status IS 'per peer, direction and chain: what is done, what is missing, and why';
COMMENT ON COLUMN seoulchain.network_status.peer IS 'the other node; NULL for the server itself';
COMMENT ON COLUMN seoulchain.network_status.direction IS 'from it, to it, or server';
COMMENT ON COLUMN seoulchain.network_status.chain IS 'a chain that is shared or followed; NULL for the connection';
COMMENT ON COLUMN seoulchain.network_status.state IS 'ok; waiting, for time or the other node; failing; alarm; closed, in a copy of the node''s database';
COMMENT ON COLUMN seoulchain.network_status.problem IS 'what is missing, and why';
COMMENT ON COLUMN seoulchain.network_status.hint IS 'what to do about it';
COMMENT ON COLUMN seoulchain.network_status.since IS 'since when it fails, or was wished for';
