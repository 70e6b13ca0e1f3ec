-- Every object of the extension says what it is for, and stands in its schema.
BEGIN;
SELECT * FROM no_plan();

CREATE TEMP VIEW member_object AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'seoulchain' AND d.deptype = 'e';

SELECT cmp_ok((SELECT count(*) FROM member_object), '>', 30::bigint, 'the extension has its objects');
SELECT is_empty($$
	SELECT object FROM member_object m
	WHERE obj_description(objid, classid::regclass::name) IS NULL
		-- row and array types come with their tables
		AND NOT (classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t WHERE t.oid = objid AND (t.typelem <> 0
			OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c'))))
	ORDER BY object$$, 'every object has a comment');
SELECT is_empty($$
	SELECT c.oid::regclass, a.attname FROM member_object m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relkind IN ('r', 'v', 'p') AND col_description(c.oid, a.attnum) IS NULL
	ORDER BY 1, a.attnum$$, 'every column of a table or view has a comment');
SELECT is_empty($$
	SELECT t.oid::regtype, a.attname FROM member_object m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
		JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE col_description(c.oid, a.attnum) IS NULL
	ORDER BY 1, a.attnum$$, 'and every attribute of a composite type');
SELECT is_empty($$
	SELECT p.oid::regprocedure FROM member_object m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
	WHERE p.pronamespace <> 'seoulchain'::regnamespace$$, 'every function is in schema seoulchain');
SELECT is_empty($$
	SELECT p.oid::regprocedure FROM member_object m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
	WHERE p.prosecdef AND NOT coalesce(array_to_string(p.proconfig, ' '), '') LIKE '%search_path=%'$$,
	'every SECURITY DEFINER function has a search_path of its own');
SELECT is_empty($$
	SELECT p.oid::regprocedure FROM member_object m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
		JOIN pg_language l ON l.oid = p.prolang
	WHERE l.lanname IN ('sql', 'plpgsql') AND NOT coalesce(array_to_string(p.proconfig, ' '), '') LIKE '%search_path=%'
		AND p.prosqlbody IS NULL$$,
	'every function in SQL text has a search_path of its own');
SELECT is((SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'seoulchain'),
	'append-only, hash-chained, provable ledger tables', 'the extension itself');
SELECT is((SELECT count(*) FROM pg_event_trigger v JOIN member_object m ON m.classid = 'pg_event_trigger'::regclass AND m.objid = v.oid
	WHERE v.evtenabled <> 'A'), 0::bigint, 'event triggers are ENABLE ALWAYS');

SELECT * FROM finish();
ROLLBACK;
