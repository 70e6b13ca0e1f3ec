--
-- Everything but changing rows works as on heap.
--
CREATE SCHEMA works;
SET search_path = works;
CREATE TABLE item (
	id int PRIMARY KEY,
	name text NOT NULL UNIQUE,
	price numeric(10,2) CHECK (price >= 0),
	tags text[] DEFAULT '{}',
	place point,
	period int4range,
	doc jsonb,
	total numeric GENERATED ALWAYS AS (price * 2) STORED,
	made timestamptz DEFAULT '2026-01-01 00:00+00',
	EXCLUDE USING gist (period WITH &&)
) USING ledger;
INSERT INTO item (id, name, price, tags, place, period, doc)
	SELECT g, 'item ' || g, g * 1.5, ARRAY['t' || g % 3], point(g, -g), int4range(g * 10, g * 10 + 5), jsonb_build_object('n', g)
	FROM generate_series(1, 500) g;

-- constraints
INSERT INTO item (id, name) VALUES (1, 'again');
INSERT INTO item (id, name) VALUES (1000, 'item 1');
INSERT INTO item (id, name, price) VALUES (1000, 'x', -1);
INSERT INTO item (id) VALUES (1000);
INSERT INTO item (id, name, period) VALUES (1000, 'x', '[12,13)');
INSERT INTO item (id, name, total) VALUES (1000, 'x', 5);
INSERT INTO item (id, name) VALUES (1, 'x') ON CONFLICT DO NOTHING;
INSERT INTO item (id, name) VALUES (1, 'x'), (1001, 'y') ON CONFLICT (id) DO NOTHING RETURNING id, name, total;
INSERT INTO item (id, name, price) VALUES (1002, 'z', 4) RETURNING id, total, made, tags, ledger_seq IS NOT NULL AS numbered;

-- every kind of index, concurrently too
CREATE INDEX item_btree ON item (price DESC, name) INCLUDE (id);
CREATE INDEX item_hash ON item USING hash (name);
CREATE INDEX item_gin ON item USING gin (tags);
CREATE INDEX item_gin_json ON item USING gin (doc);
CREATE INDEX item_gist ON item USING gist (place);
CREATE INDEX item_spgist ON item USING spgist (name);
CREATE INDEX item_brin ON item USING brin (id) WITH (pages_per_range = 1);
CREATE INDEX item_partial ON item (id) WHERE price > 100;
CREATE INDEX item_expression ON item (lower(name));
CREATE INDEX item_seq ON item (ledger_seq);
CREATE UNIQUE INDEX CONCURRENTLY item_concurrent ON item (id, name);
CREATE UNIQUE INDEX CONCURRENTLY item_bad ON item (price);
INSERT INTO item (id, name, price) VALUES (1003, 'w', 4);
CREATE UNIQUE INDEX CONCURRENTLY item_bad2 ON item (price);
DROP INDEX item_bad, item_bad2;
REINDEX TABLE item;
REINDEX TABLE CONCURRENTLY item;
REINDEX INDEX CONCURRENTLY item_gin;
SET enable_seqscan = off;
SELECT id FROM item WHERE price = 150;
SELECT id FROM item WHERE name = 'item 7';
SELECT count(*) FROM item WHERE tags @> ARRAY['t1'];
SELECT id FROM item WHERE doc @> '{"n": 9}';
SELECT id FROM item WHERE place <@ box '((3,-3),(4,-5))' ORDER BY 1;
SELECT id FROM item WHERE lower(name) = 'item 8';
SELECT count(*) FROM item WHERE id BETWEEN 100 AND 110;
SELECT count(*) FROM item WHERE ledger_seq > 0;
RESET enable_seqscan;

-- TOAST
CREATE TABLE big (id int, t text, c text) USING ledger;
ALTER TABLE big ALTER COLUMN t SET STORAGE EXTERNAL;
INSERT INTO big SELECT g, repeat(md5(g::text), 1000), repeat('abc', 20000) FROM generate_series(1, 3) g;
SELECT id, length(t), md5(t), length(c) FROM big ORDER BY id;
SELECT amname FROM pg_class JOIN pg_am ON relam = pg_am.oid WHERE pg_class.oid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'big'::regclass);

-- locks
BEGIN;
SELECT id FROM item WHERE id < 4 ORDER BY id FOR UPDATE;
SELECT id FROM item WHERE id < 3 ORDER BY id FOR NO KEY UPDATE SKIP LOCKED;
SELECT id FROM item WHERE id < 3 ORDER BY id FOR SHARE;
SELECT id FROM item WHERE id < 3 ORDER BY id FOR KEY SHARE NOWAIT;
LOCK TABLE item IN SHARE MODE;
COMMIT;

-- foreign keys both ways
CREATE TABLE sale (id int PRIMARY KEY, item int NOT NULL REFERENCES item ON DELETE CASCADE DEFERRABLE) USING ledger;
CREATE TABLE heap_sale (id int PRIMARY KEY, item int REFERENCES item, sale int REFERENCES sale ON DELETE SET NULL);
CREATE TABLE heap_customer (id int PRIMARY KEY);
CREATE TABLE visit (customer int REFERENCES heap_customer) USING ledger;
INSERT INTO sale VALUES (1, 1), (2, 2);
INSERT INTO sale VALUES (3, 9999);
INSERT INTO heap_sale VALUES (1, 1, 1);
INSERT INTO heap_sale VALUES (2, 1, 7);
INSERT INTO heap_customer VALUES (1), (2);
INSERT INTO visit VALUES (1);
INSERT INTO visit VALUES (3);
DELETE FROM heap_customer WHERE id = 2;
DELETE FROM heap_customer WHERE id = 1;
UPDATE heap_customer SET id = 8 WHERE id = 1;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO sale VALUES (4, 2000);
INSERT INTO item (id, name) VALUES (2000, 'later');
COMMIT;

-- triggers and RETURNING
CREATE TABLE audit (what text, id int, numbered boolean);
CREATE FUNCTION log_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO works.audit VALUES (tg_when || ' ' || tg_level, new.id, new.ledger_seq IS NOT NULL);
	RETURN new;
END
$$;
CREATE FUNCTION log_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO works.audit SELECT 'transition', id, ledger_seq IS NOT NULL FROM added;
	RETURN NULL;
END
$$;
CREATE TRIGGER before_row BEFORE INSERT ON sale FOR EACH ROW EXECUTE FUNCTION log_insert();
CREATE TRIGGER after_row AFTER INSERT ON sale FOR EACH ROW EXECUTE FUNCTION log_insert();
CREATE TRIGGER after_statement AFTER INSERT ON sale REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION log_statement();
INSERT INTO sale VALUES (5, 5), (6, 6);
SELECT * FROM audit ORDER BY what, id;
DROP TRIGGER before_row ON sale;
DROP TRIGGER after_row ON sale;
DROP TRIGGER after_statement ON sale;
CREATE FUNCTION skip_odd() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF new.id % 2 = 1 THEN RETURN NULL; END IF; RETURN new; END';
CREATE TRIGGER skip_odd BEFORE INSERT ON sale FOR EACH ROW EXECUTE FUNCTION skip_odd();
INSERT INTO sale SELECT g, 1 FROM generate_series(10, 13) g RETURNING id;
DROP TRIGGER skip_odd ON sale;

-- MERGE that only inserts, INSERT ... SELECT from itself, WITH
MERGE INTO sale s USING (VALUES (1, 1), (20, 2)) v (id, item) ON s.id = v.id
	WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.item);
INSERT INTO sale SELECT id + 100, item FROM sale;
WITH w AS (INSERT INTO sale VALUES (300, 3) RETURNING id, ledger_seq) INSERT INTO visit SELECT 1 FROM w WHERE ledger_seq IS NOT NULL;
SELECT id, item FROM sale ORDER BY ledger_seq;

-- row security
CREATE ROLE works_user;
GRANT USAGE ON SCHEMA works TO works_user;
GRANT SELECT, INSERT ON sale TO works_user;
ALTER TABLE sale ENABLE ROW LEVEL SECURITY;
CREATE POLICY small ON sale USING (id < 3) WITH CHECK (id < 1000);
SET ROLE works_user;
SELECT id FROM sale ORDER BY id;
INSERT INTO sale VALUES (400, 1);
INSERT INTO sale VALUES (4000, 1);
INSERT INTO visit VALUES (1);
UPDATE sale SET item = 1;
RESET ROLE;
ALTER TABLE sale DISABLE ROW LEVEL SECURITY;

-- maintenance
ANALYZE item;
VACUUM (ANALYZE, FREEZE) item;
VACUUM FULL item;
CLUSTER item USING item_pkey;
ALTER TABLE item SET (fillfactor = 90);
SELECT count(*), count(DISTINCT ledger_seq), sum(price) FROM item;
SELECT count(*) > 0 FROM item TABLESAMPLE BERNOULLI (100);
SELECT n_distinct FROM pg_stats WHERE schemaname = 'works' AND tablename = 'item' AND attname = 'id';
COMMENT ON TABLE item IS 'goods';
ALTER TABLE item ALTER COLUMN price SET DEFAULT 1, ALTER COLUMN name DROP NOT NULL, ALTER COLUMN doc SET STORAGE EXTERNAL;
ALTER TABLE item ADD CONSTRAINT short CHECK (length(name) < 100) NOT VALID;
ALTER TABLE item VALIDATE CONSTRAINT short;
ALTER TABLE item DROP CONSTRAINT short;
ALTER TABLE item REPLICA IDENTITY FULL;
CREATE STATISTICS item_stats ON id, price FROM item;
SET client_min_messages = error;
CREATE PUBLICATION works_pub FOR TABLE item WITH (publish = 'insert');
RESET client_min_messages;
DROP PUBLICATION works_pub;
CREATE TABLE inherits_type (i item);
ALTER TABLE item RENAME TO thing;

-- parallel scans
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
EXPLAIN (COSTS OFF) SELECT count(*) FROM thing WHERE price > 10;
SELECT count(*) FROM thing WHERE price > 10;
SET max_parallel_maintenance_workers = 2;
CREATE INDEX thing_parallel ON thing (price);
SELECT count(*) FROM thing WHERE price = 15;
RESET ALL;
SET search_path = works;

-- savepoints and transactions
BEGIN;
INSERT INTO sale VALUES (500, 1);
SAVEPOINT a;
INSERT INTO sale VALUES (501, 1);
ROLLBACK TO a;
INSERT INTO sale VALUES (502, 1);
PREPARE TRANSACTION 'works';
COMMIT PREPARED 'works';
SELECT id FROM sale WHERE id >= 500 ORDER BY id;
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO sale SELECT max(id) + 1, 1 FROM sale;
COMMIT;
BEGIN READ ONLY;
INSERT INTO sale VALUES (600, 1);
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA works CASCADE;
DROP ROLE works_user;
