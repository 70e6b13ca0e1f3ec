/*
 * Watching: other nodes, how far behind everybody is, and in one line whether
 * the city is well.  What counts as late is seoulchain.network_alarm_after.
 */
CREATE FUNCTION seoulchain.nodes(OUT node text, OUT receiving text, OUT last_heard timestamptz, OUT sending text, OUT unsent_bytes bigint, OUT follows bigint, OUT shares bigint, OUT added_at timestamptz)
	RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
	SET search_path = pg_catalog, pg_temp SET jit = off AS $$
	WITH link AS (
		SELECT p.name AS node, p.added_at, me.name AS me,
			seoulchain.link_name(p.name, me.name) AS incoming, seoulchain.link_name(me.name, p.name) AS outgoing
		FROM seoulchain.peer p CROSS JOIN seoulchain.node me
	)
	SELECT l.node,
		CASE WHEN s.oid IS NULL THEN 'none' WHEN NOT s.subenabled THEN 'off' WHEN w.pid IS NULL THEN 'down'
			WHEN EXISTS (SELECT FROM pg_catalog.pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r') THEN 'copying'
			ELSE 'on' END AS receiving,
		w.last_msg_receipt_time AS last_heard,
		CASE WHEN t.slot_name IS NULL THEN 'none' WHEN NOT t.active THEN 'down' ELSE 'on' END AS sending,
		CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL
			ELSE pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), t.confirmed_flush_lsn)::int8 END AS unsent_bytes,
		(SELECT pg_catalog.count(*) FROM seoulchain.follow f WHERE f.peer = l.node) AS follows,
		(SELECT pg_catalog.count(*) FROM seoulchain.share h WHERE h.node = l.node) AS shares,
		l.added_at
	FROM link l
		LEFT JOIN pg_catalog.pg_subscription s ON s.subname = l.incoming
			AND s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
		LEFT JOIN pg_catalog.pg_stat_subscription w ON w.subid = s.oid AND w.relid IS NULL
		LEFT JOIN pg_catalog.pg_replication_slots t ON t.slot_name = l.outgoing;
$$;
COMMENT ON FUNCTION seoulchain.nodes() IS 'the other nodes: whether what they send arrives here, and whether they take what we send';

CREATE VIEW seoulchain.nodes AS SELECT * FROM seoulchain.nodes();
COMMENT ON VIEW seoulchain.nodes IS 'the other nodes: whether what they send arrives here, and whether they take what we send';
COMMENT ON COLUMN seoulchain.nodes.node IS 'the node';
COMMENT ON COLUMN seoulchain.nodes.receiving IS 'our subscription: none yet, off, down (no worker is connected), copying (tables are being copied), on';
COMMENT ON COLUMN seoulchain.nodes.last_heard IS 'when something came from it last, by this node''s clock; a quiet node is heard every half wal_sender_timeout';
COMMENT ON COLUMN seoulchain.nodes.sending IS 'its slot here: none yet, down (it is not connected), on';
COMMENT ON COLUMN seoulchain.nodes.unsent_bytes IS 'WAL that it has not confirmed, that of other databases among it; NULL on a standby';
COMMENT ON COLUMN seoulchain.nodes.follows IS 'chains of it that this node follows';
COMMENT ON COLUMN seoulchain.nodes.shares IS 'chains of this node that it may follow';
COMMENT ON COLUMN seoulchain.nodes.added_at IS 'since when it is a peer';

CREATE FUNCTION seoulchain.lag(OUT chain text, OUT node text, OUT height bigint, OUT reached bigint, OUT blocks bigint, OUT seconds numeric)
	RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
	SET search_path = pg_catalog, pg_temp SET jit = off AS $$
	WITH newest AS (
		SELECT c.chain_id, c.origin, c.copy, b.height, b.tree_size, b.sealed_at
		FROM seoulchain.chain c LEFT JOIN LATERAL (
			SELECT height, tree_size, sealed_at FROM seoulchain.chain_block b WHERE b.chain_id = c.chain_id ORDER BY height DESC LIMIT 1) b ON true
	), far AS (
		/* own chains: what those who follow them have cosigned */
		SELECT n.origin AS chain, s.node, n.height, r.height AS reached, n.chain_id
		FROM newest n JOIN seoulchain.share s USING (chain_id)
			LEFT JOIN LATERAL (SELECT k.tree_size FROM seoulchain.cosignature k
				WHERE k.origin = n.origin AND k.witness = s.node ORDER BY k.tree_size DESC LIMIT 1) k ON true
			LEFT JOIN seoulchain.chain_block r ON r.chain_id = n.chain_id AND r.tree_size = k.tree_size
		WHERE NOT n.copy
		UNION ALL
		/* copies: what has come here and is not integrated */
		SELECT f.origin, me.name, greatest(n.height, m.number), n.height, n.chain_id
		FROM seoulchain.follow f CROSS JOIN seoulchain.node me
			LEFT JOIN newest n ON n.origin = f.origin
			LEFT JOIN LATERAL (SELECT m.number FROM seoulchain.message m
				WHERE m.origin = f.origin AND m.kind = 'block' AND m.recipient = me.name ORDER BY m.number DESC LIMIT 1) m ON true
	)
	SELECT f.chain, f.node, f.height, f.reached, coalesce(f.height, -1) - coalesce(f.reached, -1) AS blocks,
		CASE WHEN f.height IS NOT DISTINCT FROM f.reached THEN 0
			ELSE pg_catalog.round(extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(b.sealed_at, l.sealed_at)), 3) END AS seconds
	FROM far f
		LEFT JOIN seoulchain.chain_block b ON b.chain_id = f.chain_id AND b.height = coalesce(f.reached, -1) + 1
		LEFT JOIN seoulchain.chain_block l ON l.chain_id = f.chain_id AND l.height = f.reached;
$$;
COMMENT ON FUNCTION seoulchain.lag() IS 'how far each node is behind: those who follow our chains with their cosignatures, and we with the chains that we follow';

CREATE VIEW seoulchain.lag AS SELECT * FROM seoulchain.lag();
COMMENT ON VIEW seoulchain.lag IS 'how far each node is behind: those who follow our chains with their cosignatures, and we with the chains that we follow';
COMMENT ON COLUMN seoulchain.lag.chain IS 'origin of the chain';
COMMENT ON COLUMN seoulchain.lag.node IS 'who is behind';
COMMENT ON COLUMN seoulchain.lag.height IS 'the newest block that is known here';
COMMENT ON COLUMN seoulchain.lag.reached IS 'of an own chain the newest block that the node has cosigned, by its own word; of a copy the newest that is integrated here';
COMMENT ON COLUMN seoulchain.lag.blocks IS 'blocks between the two';
COMMENT ON COLUMN seoulchain.lag.seconds IS 'how long ago the first of them was sealed; of a copy the last before them';

CREATE FUNCTION seoulchain.city_problems(OUT rank integer, OUT state text, OUT about text, OUT what text, OUT hint text, OUT since timestamptz)
	RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
	SET search_path = pg_catalog, pg_temp SET jit = off AS $$
	WITH late AS (SELECT pg_catalog.current_setting('seoulchain.network_alarm_after')::pg_catalog.interval AS after)
	SELECT 1 AS rank, 'proven'::pg_catalog.text AS state, a.about::pg_catalog.text, a.what, a.hint, a.since
	FROM seoulchain.alarms a WHERE a.kind = 'proof against a chain'
	UNION ALL
	SELECT 2, 'stopped', s.chain, CASE WHEN s.failing_since IS NOT NULL THEN 'it is not sealed: ' || coalesce(s.last_error, 'see the server log')
			ELSE 'signing is ' || s.signing END,
		'See seoulchain.seal_status and docs/node.md.', s.failing_since
	FROM seoulchain.seal_status() s JOIN seoulchain.chain c ON c.name = s.chain
	WHERE s.open AND NOT c.copy AND (s.failing_since IS NOT NULL OR s.signing LIKE 'suspended%')
	UNION ALL
	SELECT 3, 'disputed', a.about, a.what, a.hint, a.since
	FROM seoulchain.alarms a WHERE a.kind = 'complaint about a chain'
	UNION ALL
	SELECT 4, 'alarm', a.about, a.kind || ': ' || a.what, a.hint, a.since
	FROM seoulchain.alarms a WHERE a.kind NOT IN ('proof against a chain', 'complaint about a chain', 'nothing arrives', 'apply error')
	UNION ALL
	SELECT CASE WHEN t.state = 'waiting' THEN 6 ELSE 5 END, CASE WHEN t.state = 'waiting' THEN 'waiting' ELSE 'apart' END,
		coalesce(t.chain, t.peer, 'this server'),
		CASE t.direction WHEN 'from' THEN 'from ' || t.peer || ': ' WHEN 'to' THEN 'to ' || t.peer || ': ' ELSE '' END || t.problem,
		coalesce(t.hint, 'Ask the operator of ' || t.peer || '; the log of this server says more.'), t.since
	FROM seoulchain.network_status() t, late
	WHERE t.state NOT IN ('ok', 'waiting', 'alarm') OR (t.state = 'waiting' AND t.since < pg_catalog.clock_timestamp() - late.after)
	UNION ALL
	SELECT 5, 'apart', n.node, 'nothing was heard from it since ' || n.last_heard,
		'The connection looks open and is not: is the node, or the way to it, down?', n.last_heard
	FROM seoulchain.nodes() n, late
	WHERE n.last_heard < pg_catalog.clock_timestamp() - late.after - '1 min'::pg_catalog.interval
	UNION ALL
	SELECT 6, 'waiting', m.chain, 'block ' || m.height || ' is not final: ' || pg_catalog.string_agg(m.witness, ', ' ORDER BY m.witness) || ' has not cosigned it',
		'SELECT * FROM seoulchain.lag tells who is behind; a disputed chain is not cosigned.', b.sealed_at
	FROM seoulchain.cosignatures_missing() m JOIN seoulchain.block b ON b.chain = m.chain AND b.height = m.height, late
	WHERE NOT m.final AND b.sealed_at < pg_catalog.clock_timestamp() - late.after
	GROUP BY m.chain, m.height, b.sealed_at
	UNION ALL
	SELECT 7, 'behind', l.chain, l.node || ' is ' || l.blocks || ' blocks behind',
		'It catches up by itself when it is reachable and its log shows no error.', pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => l.seconds::float8)
	FROM seoulchain.lag() l, late WHERE l.blocks > 0 AND l.seconds > extract(epoch FROM late.after)
	UNION ALL
	SELECT 8, 'view', 'city.' || v.name, v.problem, 'Drop what depends on the view, then SELECT seoulchain.city_view(' || pg_catalog.quote_literal(v.name) || ').', v.changed_at
	FROM seoulchain.city_view v WHERE v.problem IS NOT NULL;
$$;
COMMENT ON FUNCTION seoulchain.city_problems() IS 'everything that is not well with this node and those that it knows, the worst first by rank';

CREATE VIEW seoulchain.city_problems AS SELECT * FROM seoulchain.city_problems();
COMMENT ON VIEW seoulchain.city_problems IS 'everything that is not well with this node and those that it knows, the worst first by rank';
COMMENT ON COLUMN seoulchain.city_problems.rank IS '1 is the worst';
COMMENT ON COLUMN seoulchain.city_problems.state IS 'proven, stopped, disputed, alarm, apart, waiting, behind or view: docs/network.md says what each means';
COMMENT ON COLUMN seoulchain.city_problems.about IS 'the node, chain or view';
COMMENT ON COLUMN seoulchain.city_problems.what IS 'what is wrong';
COMMENT ON COLUMN seoulchain.city_problems.hint IS 'what to do';
COMMENT ON COLUMN seoulchain.city_problems.since IS 'since when, if that is known';

CREATE FUNCTION seoulchain.city(OUT node text, OUT state text, OUT problems bigint, OUT about text, OUT what text, OUT hint text, OUT since timestamptz)
	RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
	SET search_path = pg_catalog, pg_temp SET jit = off AS $$
	WITH all_of_them AS MATERIALIZED (SELECT * FROM seoulchain.city_problems())
	SELECT n.name, coalesce(p.state, 'well'), (SELECT pg_catalog.count(*) FROM all_of_them), p.about, p.what, p.hint, p.since
	FROM seoulchain.node n LEFT JOIN LATERAL (SELECT * FROM all_of_them ORDER BY rank, since, about LIMIT 1) p ON true;
$$;
COMMENT ON FUNCTION seoulchain.city() IS 'in one line: is the city well, as this node sees it?';

CREATE VIEW seoulchain.city AS SELECT * FROM seoulchain.city();
COMMENT ON VIEW seoulchain.city IS 'in one line: is the city well, as this node sees it?';
COMMENT ON COLUMN seoulchain.city.node IS 'this node';
COMMENT ON COLUMN seoulchain.city.state IS 'well, or the state of the worst problem';
COMMENT ON COLUMN seoulchain.city.problems IS 'how many there are; city_problems has them all';
COMMENT ON COLUMN seoulchain.city.about IS 'what the worst is about';
COMMENT ON COLUMN seoulchain.city.what IS 'what is wrong';
COMMENT ON COLUMN seoulchain.city.hint IS 'what to do';
COMMENT ON COLUMN seoulchain.city.since IS 'since when, if that is known';

