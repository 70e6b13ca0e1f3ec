--
-- Leaves are UTF-8, so databases with ledger tables are.
--
CREATE DATABASE sql_latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
\c sql_latin
-- 18 adds where in the script
\set SHOW_CONTEXT never
CREATE EXTENSION seoulchain;
CREATE TABLE t (a int) USING ledger;
\c sql
DROP DATABASE sql_latin;
