--
-- Ledger partitions.
--
CREATE SCHEMA part;
SET search_path = part;
CREATE TABLE trip (id int, day date NOT NULL, coins int) PARTITION BY RANGE (day);
-- on 15 and 16 the partitioned table gets the column by a call
CREATE TABLE trip_early PARTITION OF trip FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') USING ledger;
SELECT seoulchain.add_ledger_seq('trip');
SELECT seoulchain.add_ledger_seq('trip');
CREATE TABLE trip_early PARTITION OF trip FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') USING ledger;
SET default_table_access_method = ledger;
CREATE TABLE trip_2 PARTITION OF trip FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
RESET default_table_access_method;
INSERT INTO trip VALUES (1, '2026-01-05', 10), (2, '2026-02-05', 20), (3, '2026-01-07', 30)
	RETURNING tableoid::regclass, id, day, coins, ledger_seq IS NOT NULL AS numbered;
SELECT relation, ledger_name FROM seoulchain.ledger WHERE ledger_name LIKE 'part.%' ORDER BY table_id;
SELECT column_name FROM seoulchain.ledger_column JOIN seoulchain.ledger USING (table_id) WHERE relation = 'trip_2'::regclass ORDER BY attnum;

-- nobody gets a heap partition by accident
CREATE TABLE trip_3 PARTITION OF trip FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
CREATE TABLE trip_default PARTITION OF trip DEFAULT;
CREATE TABLE trip_3 (LIKE trip);
ALTER TABLE trip_3 ADD COLUMN ledger_seq bigint;
ALTER TABLE trip ATTACH PARTITION trip_3 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
DROP TABLE trip_3;
-- sub-partitions
CREATE TABLE trip_4 PARTITION OF trip FOR VALUES FROM ('2026-04-01') TO ('2026-05-01') PARTITION BY LIST (coins);
CREATE TABLE trip_4_1 PARTITION OF trip_4 FOR VALUES IN (1);
CREATE TABLE trip_4_1 PARTITION OF trip_4 FOR VALUES IN (1) USING ledger;
CREATE TABLE trip_5 (id int, day date NOT NULL, coins int) PARTITION BY LIST (coins);
SELECT seoulchain.add_ledger_seq('trip_5');
CREATE TABLE trip_5_1 PARTITION OF trip_5 FOR VALUES IN (1);
ALTER TABLE trip ATTACH PARTITION trip_5 FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');
DROP TABLE trip_5;
-- attach and detach of ledger tables
CREATE TABLE trip_6 (id int, day date NOT NULL, coins int) USING ledger;
INSERT INTO trip_6 VALUES (6, '2026-06-06', 60);
ALTER TABLE trip ATTACH PARTITION trip_6 FOR VALUES FROM ('2026-06-01') TO ('2026-07-01');
ALTER TABLE trip DETACH PARTITION trip_early;
ALTER TABLE trip ATTACH PARTITION trip_early FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
ALTER TABLE trip DETACH PARTITION trip_2 CONCURRENTLY;
ALTER TABLE trip ATTACH PARTITION trip_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE no_seq (id int, day date NOT NULL, coins int) PARTITION BY RANGE (day);
CREATE TABLE trip_7 (id int, day date NOT NULL, coins int) USING ledger;
ALTER TABLE no_seq ATTACH PARTITION trip_7 FOR VALUES FROM ('2026-07-01') TO ('2026-08-01');
DROP TABLE trip_7;

-- changes are refused through the parent as well
UPDATE trip SET coins = 0;
UPDATE trip SET coins = 0 WHERE id = 1;
DELETE FROM trip WHERE day = '2026-01-05';
UPDATE trip SET day = '2026-02-07' WHERE id = 1;
UPDATE trip SET coins = 0 WHERE false;
UPDATE trip SET coins = 0 WHERE day = '2030-01-01';
CREATE UNIQUE INDEX ON trip (id, day, coins);
INSERT INTO trip VALUES (1, '2026-01-05', 10) ON CONFLICT (id, day, coins) DO UPDATE SET id = 5;
INSERT INTO trip VALUES (9, '2026-01-05', 10) ON CONFLICT (id, day, coins) DO UPDATE SET id = 5;
INSERT INTO trip VALUES (1, '2026-01-05', 10) ON CONFLICT (id, day, coins) DO NOTHING;
MERGE INTO trip t USING (VALUES (1)) v (id) ON t.id = v.id WHEN MATCHED THEN DELETE;
TRUNCATE trip;
TRUNCATE trip_early;
ALTER TABLE trip DROP COLUMN coins;
ALTER TABLE trip ALTER COLUMN coins TYPE bigint;
ALTER TABLE trip DROP COLUMN ledger_seq;
ALTER TABLE trip ALTER COLUMN ledger_seq SET DEFAULT 1;
ALTER TABLE trip ALTER COLUMN ledger_seq SET NOT NULL;
ALTER TABLE trip RENAME COLUMN ledger_seq TO n;
ALTER TABLE trip ADD COLUMN bad double precision DEFAULT random();
ALTER TABLE ONLY trip ADD COLUMN bad int;
ALTER TABLE trip ADD COLUMN good int DEFAULT 5;
ALTER TABLE trip RENAME COLUMN coins TO mileage;
ALTER TABLE trip_early RENAME TO trip_1;
SELECT l.ledger_name, (e.leaf::json -> 'event')::text AS event FROM seoulchain.event e JOIN seoulchain.ledger l USING (table_id)
	WHERE l.ledger_name IN ('part.trip_early', 'part.trip_4_1') ORDER BY e.ledger_seq;
INSERT INTO trip VALUES (7, '2026-04-02', 1, NULL, 8) RETURNING tableoid::regclass, good;
COPY trip FROM stdin;
8	2026-01-30	80	1
9	2026-04-30	1	2
\.
COPY trip_2 FROM stdin;
10	2026-02-28	100	3
\.
COPY trip (id, day, ledger_seq) FROM stdin;
11	2026-02-28	3
\.
SELECT tableoid::regclass, id, mileage, good, ledger_seq IS NOT NULL AS numbered FROM trip ORDER BY id;

-- a partitioned table with older heap partitions: those stay as they are
CREATE TABLE mixed (id int, v text) PARTITION BY LIST (id);
CREATE TABLE mixed_1 PARTITION OF mixed FOR VALUES IN (1);
SELECT seoulchain.add_ledger_seq('mixed');
CREATE TABLE mixed_2 PARTITION OF mixed FOR VALUES IN (2) USING ledger;
CREATE TABLE mixed_3 PARTITION OF mixed FOR VALUES IN (3);
INSERT INTO mixed VALUES (1, 'heap'), (2, 'ledger');
UPDATE mixed SET v = 'changed' WHERE id = 1;
UPDATE mixed SET v = 'changed' WHERE id = 2;
CREATE UNIQUE INDEX ON mixed (id);
INSERT INTO mixed VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET v = 'changed';
INSERT INTO mixed VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = 'heap again';
DROP INDEX mixed_id_idx;
UPDATE mixed SET v = 'changed';
UPDATE mixed SET id = 2 WHERE id = 1;
UPDATE mixed SET id = 1 WHERE id = 2;
DELETE FROM mixed WHERE id = 2;
SELECT id, v, ledger_seq IS NOT NULL AS numbered FROM mixed ORDER BY id;

-- the hint's command works as it stands
CREATE SCHEMA "away from here";
CREATE TABLE "away from here"."Trip's" (id int) PARTITION BY LIST (id);
CREATE TABLE far PARTITION OF "away from here"."Trip's" FOR VALUES IN (1) USING ledger;
CREATE TABLE far (id int) USING ledger;
ALTER TABLE "away from here"."Trip's" ATTACH PARTITION far FOR VALUES IN (1);
SELECT seoulchain.add_ledger_seq('"away from here"."Trip''s"');
ALTER TABLE "away from here"."Trip's" ATTACH PARTITION far FOR VALUES IN (1);
SET client_min_messages = warning;
DROP SCHEMA "away from here" CASCADE;
RESET client_min_messages;

-- who may call it, and for what
SELECT seoulchain.add_ledger_seq('trip_2');
CREATE TABLE plain (a int);
SELECT seoulchain.add_ledger_seq('plain');
CREATE ROLE part_user;
GRANT USAGE ON SCHEMA part, seoulchain TO part_user;
SET ROLE part_user;
SELECT seoulchain.add_ledger_seq('no_seq');
RESET ROLE;
CREATE TABLE by_seq (id int, ledger_seq bigint) PARTITION BY RANGE (ledger_seq);
CREATE TABLE by_seq_1 PARTITION OF by_seq FOR VALUES FROM (1) TO (10) USING ledger;
CREATE TABLE by_seq_2 (id int) PARTITION BY RANGE (id);
SELECT seoulchain.add_ledger_seq('by_seq_2');
CREATE TABLE by_seq_2_1 PARTITION OF by_seq_2 FOR VALUES FROM (1) TO (10) PARTITION BY LIST (ledger_seq);
CREATE TABLE by_seq_2_1_1 PARTITION OF by_seq_2_1 DEFAULT USING ledger;

DROP TABLE trip_1;
SELECT ledger_name, relation <> 0 AS there, dropped_seq IS NOT NULL AS dropped FROM seoulchain.ledger
	WHERE ledger_name LIKE 'part.trip%' ORDER BY table_id;
SET client_min_messages = warning;
DROP SCHEMA part CASCADE;
REVOKE USAGE ON SCHEMA seoulchain FROM part_user;
DROP ROLE part_user;
