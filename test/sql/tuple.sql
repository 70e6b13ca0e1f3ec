--
-- ledger_seq goes into the stored tuple: with and without a null bitmap, few
-- columns and many, every alignment before it.
--
CREATE SCHEMA tuple;
SET search_path = tuple;
DO $$
DECLARE
	ncolumns int;
	columns text;
BEGIN
	FOREACH ncolumns IN ARRAY ARRAY[1, 6, 7, 8, 9, 15, 16, 17, 40] LOOP
		SELECT string_agg(format('c%s %s', i, (ARRAY['int2', 'text', 'int8', 'bool', 'uuid', 'numeric', 'int4'])[i % 7 + 1]), ', ' ORDER BY i)
			INTO columns FROM generate_series(1, ncolumns) i;
		EXECUTE format('CREATE TABLE plain_%s (%s)', ncolumns, columns);
		EXECUTE format('CREATE TABLE kept_%s (%s) USING ledger', ncolumns, columns);
	END LOOP;
END
$$;
-- rows without nulls, with some, with nothing else, ending in texts of every length
CREATE FUNCTION row_text(ncolumns int, r int) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(CASE
		WHEN r % 5 = 4 OR (r % 5 = 3 AND i % 3 = 0) OR (r % 5 = 2 AND i = ncolumns) THEN ''
		WHEN i % 7 = 1 THEN repeat('x', r) WHEN i % 7 = 3 THEN 't'
		WHEN i % 7 = 4 THEN '8c4b7eed-76f0-4314-8aac-d574dc591b57' ELSE (r * i % 1000)::text END, ',' ORDER BY i)
	FROM generate_series(1, ncolumns) i;
$$;
DO $$
DECLARE
	ncolumns int;
	kept text;
BEGIN
	FOREACH ncolumns IN ARRAY ARRAY[1, 6, 7, 8, 9, 15, 16, 17, 40] LOOP
		FOREACH kept IN ARRAY ARRAY['plain', 'kept'] LOOP
			EXECUTE format($c$COPY %s_%s FROM PROGRAM %L WITH (FORMAT csv)$c$, kept, ncolumns,
				(SELECT $p$printf '%s\n' $p$ || string_agg('"' || row_text(ncolumns, r) || '"', ' ' ORDER BY r)
				 FROM generate_series(1, 40) r));
			EXECUTE format('INSERT INTO %s_%s SELECT r %% 9 FROM generate_series(1, 9) r', kept, ncolumns);
		END LOOP;
	END LOOP;
END
$$;
CREATE FUNCTION differences(ncolumns int) RETURNS TABLE (columns int, rows bigint, differing bigint, numbered bigint) LANGUAGE plpgsql AS $$
DECLARE
	columns text;
BEGIN
	SELECT string_agg('c' || i, ', ' ORDER BY i) INTO columns FROM generate_series(1, ncolumns) i;
	RETURN QUERY EXECUTE format($q$
		SELECT %1$s, (SELECT count(*) FROM plain_%1$s),
			(SELECT count(*) FROM (
				(SELECT %2$s FROM plain_%1$s EXCEPT ALL SELECT %2$s FROM kept_%1$s)
				UNION ALL (SELECT %2$s FROM kept_%1$s EXCEPT ALL SELECT %2$s FROM plain_%1$s)) d),
			(SELECT count(DISTINCT ledger_seq) FROM kept_%1$s)$q$, ncolumns, columns);
END
$$;
SELECT d.* FROM unnest(ARRAY[1, 6, 7, 8, 9, 15, 16, 17, 40]) n, differences(n) d;
-- the stored rows are the ones that were hashed
SELECT * FROM seoulchain.verify();
SET client_min_messages = warning;
DROP SCHEMA tuple CASCADE;
