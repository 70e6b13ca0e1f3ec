/*
 * forge.sql - what a superuser does who wants his ledger to say something else.
 *
 *	psql -v relation=inspector.inspection -v seq=12 -v change='km = 40000' -v resend=t -f tools/forge.sql
 *
 * Changes a row below the access method, takes back the blocks from its own
 * on, and hands their leaves to the sealing worker again, with the new hash;
 * the worker seals and signs another history.  Signing memory, which would
 * keep it from that, is rewritten too.  With resend the forged blocks go to
 * the followers as well.  For the demo and for tests: see docs/threat-model.md.
 */
\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
SET client_min_messages = warning;
SET allow_system_table_mods = on;

/* the lowest bytes first, as the server has its numbers */
CREATE FUNCTION pg_temp.le(bytes bytea) RETURNS bytea LANGUAGE sql AS $$
SELECT string_agg(substr(bytes, i, 1), '' ORDER BY i DESC) FROM generate_series(1, length(bytes)) i
$$;

/* the row says something else; the table is a heap meanwhile */
CREATE PROCEDURE pg_temp.change_row(relation regclass, seq bigint, change text) LANGUAGE plpgsql AS $$
DECLARE
	am oid := (SELECT relam FROM pg_class WHERE oid = relation);
BEGIN
	UPDATE pg_class SET relam = (SELECT a.oid FROM pg_am a WHERE amname = 'heap') WHERE oid = relation;
	COMMIT;
	SET LOCAL session_replication_role = replica;
	EXECUTE format('UPDATE %s SET %s WHERE ledger_seq = %s', relation, change, seq);
	COMMIT;
	UPDATE pg_class SET relam = am WHERE oid = relation;
	COMMIT;
END
$$;

/* the leaf hash that stands in the tree */
CREATE FUNCTION pg_temp.tree_hash(chain int, leaf bigint) RETURNS bytea LANGUAGE sql AS $$
SELECT substr(hashes, (1 + 32 * (leaf % 256))::int, 32) FROM seoulchain.tree WHERE chain_id = chain AND level = 0 AND tile = leaf / 256
$$;

/* a journal entry of one leaf: src/ledger/journal.h */
CREATE FUNCTION pg_temp.entry(table_id int, seq bigint, place tid, hash bytea) RETURNS bytea LANGUAGE sql AS $$
SELECT pg_temp.le(int2send(1::int2)) || pg_temp.le(int2send(1::int2)) || pg_temp.le(int4send(table_id)) || pg_temp.le(int8send(seq))
	|| pg_temp.le(int4send(coalesce((place::text::point)[0]::int, -1))) || pg_temp.le(int2send(coalesce((place::text::point)[1]::int2, 0::int2)))
	|| '\x0000'::bytea || hash
$$;

/* the leaves of the blocks from one on wait for a block again; one of them with another hash */
CREATE PROCEDURE pg_temp.unseal(chain int, from_height bigint, forged bigint, forged_hash bytea) LANGUAGE plpgsql AS $$
DECLARE
	size bigint := (SELECT first_leaf FROM seoulchain.chain_block WHERE chain_id = chain AND height = from_height);
	leaf record;
	t record;
	place tid;
	id int;
BEGIN
	FOR leaf IN SELECT s AS seq, first_leaf + s - lower AS index FROM seoulchain.block_range, generate_series(lower, upper - 1) s
		WHERE chain_id = chain AND height >= from_height
	LOOP
		id := 0;
		place := NULL;
		FOR t IN SELECT table_id, relation FROM seoulchain.ledger WHERE chain_id = chain AND dropped_seq IS NULL LOOP
			EXECUTE format('SELECT ctid FROM %s WHERE ledger_seq = $1', t.relation) INTO place USING leaf.seq;
			IF place IS NOT NULL THEN
				id := t.table_id;
				EXIT;
			END IF;
		END LOOP;
		INSERT INTO seoulchain.journal VALUES (chain, pg_temp.entry(id, leaf.seq, place,
			CASE WHEN leaf.seq = forged THEN forged_hash ELSE pg_temp.tree_hash(chain, leaf.index) END));
	END LOOP;
	DELETE FROM seoulchain.signature WHERE chain_id = chain AND height >= from_height;
	DELETE FROM seoulchain.block_range WHERE chain_id = chain AND height >= from_height;
	DELETE FROM seoulchain.chain_block WHERE chain_id = chain AND height >= from_height;
	DELETE FROM seoulchain.tree WHERE chain_id = chain AND tile * 256 >= size >> (8 * level);
	UPDATE seoulchain.tree SET hashes = substr(hashes, 1, (32 * ((size >> (8 * level)) - tile * 256))::int), places = NULL
		WHERE chain_id = chain AND (tile + 1) * 256 > size >> (8 * level);
END
$$;

/* signing memory says that the block before was the last */
CREATE PROCEDURE pg_temp.forget(chain int) LANGUAGE plpgsql AS $$
DECLARE
	path text := format('%s/%s/memory', current_setting('seoulchain.sign_key_directory'), (SELECT oid FROM pg_database WHERE datname = current_database()));
	line text;
BEGIN
	SELECT string_agg(CASE WHEN split_part(l, ' ', 1) = c.origin
			THEN concat_ws(' ', c.origin, b.tree_size, encode(b.root_hash, 'base64'), split_part(l, ' ', 4), split_part(l, ' ', 5)) ELSE l END, E'\n')
		INTO line
		FROM regexp_split_to_table(rtrim(pg_read_file(path), E'\n'), E'\n') l, seoulchain.chain c,
			(SELECT tree_size, root_hash FROM seoulchain.chain_block WHERE chain_id = chain ORDER BY height DESC LIMIT 1) b
		WHERE c.chain_id = chain;
	EXECUTE format('COPY (SELECT regexp_split_to_table(%L, E''\n'')) TO %L', line, path);
END
$$;

SELECT chain_id AS chain, (SELECT height FROM seoulchain.block_range r WHERE r.chain_id = l.chain_id AND :seq >= lower AND :seq < upper) AS height
	FROM seoulchain.ledger l WHERE relation = :'relation'::regclass \gset
CALL pg_temp.change_row(:'relation', :seq, :'change');
BEGIN;
CALL pg_temp.unseal(:chain, :height, :seq, seoulchain.leaf_hash(:'relation', :seq));
CALL pg_temp.forget(:chain);
\if :resend
UPDATE seoulchain.share SET sent_height = :height - 1 WHERE chain_id = :chain;
\endif
COMMIT;
