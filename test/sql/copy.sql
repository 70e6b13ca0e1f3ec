--
-- COPY, into and out of ledger tables.
--
CREATE SCHEMA copying;
SET search_path = copying;
CREATE TABLE ride (id int, twice int GENERATED ALWAYS AS (id * 2) STORED, who text) USING ledger;
-- the application's columns, as with any table
COPY ride FROM stdin;
1	kim
2	lee
\.
COPY ride (who, id) FROM stdin WITH (FORMAT csv);
park,3
\.
COPY ride FROM stdin WITH (FORMAT csv, HEADER match);
id,who
4,choi
\.
COPY ride FROM stdin WHERE id > 5;
5	no
6	yes
\.
ALTER TABLE ride ADD COLUMN note text DEFAULT 'none';
COPY ride FROM stdin;
7	jung	x
\.
COPY copying.ride (id) FROM stdin;
8
\.
SELECT id, twice, who, note, ledger_seq - min(ledger_seq) OVER () > id - 3 AS numbered FROM ride ORDER BY ledger_seq;
-- with it, no
COPY ride (id, ledger_seq) FROM stdin;
9	9
\.
COPY ride (id, ledger_seq) FROM stdin;
9	\N
\.
COPY ride (id, who, note, ledger_seq) FROM stdin;
10	a	b	1
\.
COPY ride FROM stdin;
11	too	many	1
\.
-- out
COPY (SELECT id, who FROM ride ORDER BY id) TO stdout;
COPY ride (id, who) TO stdout;
-- errors in the middle leave nothing
COPY ride FROM stdin;
12	a	b
x	a	b
\.
SELECT count(*) FROM ride WHERE id = 12;
-- triggers, row security, views
CREATE FUNCTION upper_who() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.who := upper(new.who); RETURN new; END';
CREATE TRIGGER upper_who BEFORE INSERT ON ride FOR EACH ROW EXECUTE FUNCTION upper_who();
COPY ride FROM stdin;
13	hwang	b
\.
SELECT id, who FROM ride WHERE id = 13;
CREATE VIEW ride_view AS SELECT id, who FROM ride;
COPY ride_view FROM stdin;
1	x
\.
-- with restore on, tables of an open chain stay shut
SET seoulchain.restore = on;
COPY ride (id, who, note, ledger_seq) FROM stdin;
14	a	b	1
\.
INSERT INTO ride (id) VALUES (14);
RESET seoulchain.restore;
-- FREEZE in the transaction that creates the table
BEGIN;
CREATE TABLE frozen (id int) USING ledger;
COPY frozen FROM stdin WITH (FREEZE);
1
2
\.
COMMIT;
SELECT id, ledger_seq - joined_seq AS after_join FROM frozen, seoulchain.ledger WHERE relation = 'frozen'::regclass ORDER BY 1;
-- a table's own column of that name is its own
CREATE TABLE plain (id int, ledger_seq bigint);
COPY plain FROM stdin;
1	5
\.
SELECT * FROM plain;
SET client_min_messages = warning;
DROP SCHEMA copying CASCADE;
