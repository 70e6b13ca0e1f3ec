-- Three agencies become one ledger.  In each server's postgresql.conf, before its start:
--
--     shared_preload_libraries = 'seoulchain'
--     seoulchain.sign_key_directory = '/var/lib/seoulchain/keys'    -- of the user postgres, mode 0700, not in the data directory
--     wal_level = logical
--
-- and an empty database each.  Then, where all three can be reached as a superuser:
--
--     psql -v hall='host=hall.example dbname=city' -v inspector='host=inspector.example dbname=city' \
--          -v insurer='host=insurer.example dbname=city' -f three_agencies.sql
--
-- Agencies that do not trust each other each run their own part, and give the others their key by hand.
\set ON_ERROR_STOP on

\connect :"hall"
CREATE EXTENSION seoulchain;
SELECT seoulchain.create_node('seoul.go.kr/hall') AS hall_key \gset
SELECT seoulchain.create_chain('main');
CREATE ROLE node_inspector LOGIN REPLICATION;              -- as whom the inspector's server connects
CREATE ROLE node_insurer LOGIN REPLICATION;
GRANT pg_read_all_data TO node_inspector, node_insurer;
CREATE SCHEMA hall;                                        -- names of tables are unique in the city
CREATE TABLE hall.car (vin text, plate text) USING ledger;

\connect :"inspector"
CREATE EXTENSION seoulchain;
SELECT seoulchain.create_node('seoul.go.kr/inspector') AS inspector_key \gset
SELECT seoulchain.create_chain('main');
CREATE ROLE node_hall LOGIN REPLICATION;
CREATE ROLE node_insurer LOGIN REPLICATION;
GRANT pg_read_all_data TO node_hall, node_insurer;
CREATE SCHEMA inspector;
CREATE TABLE inspector.inspection (vin text, km int) USING ledger;

\connect :"insurer"
CREATE EXTENSION seoulchain;
SELECT seoulchain.create_node('seoul.go.kr/insurer') AS insurer_key \gset
SELECT seoulchain.create_chain('main');
CREATE ROLE node_hall LOGIN REPLICATION;
CREATE ROLE node_inspector LOGIN REPLICATION;
GRANT pg_read_all_data TO node_hall, node_inspector;
CREATE SCHEMA insurer;
CREATE TABLE insurer.policy (vin text, cover int) USING ledger;

-- who is whose peer: how to reach it, its key, as whom it comes here; what goes there, and what comes from there
\connect :"hall"
SELECT seoulchain.add_peer('seoul.go.kr/inspector', :'inspector' || ' user=node_hall', :'inspector_key', 'node_inspector');
SELECT seoulchain.add_peer('seoul.go.kr/insurer', :'insurer' || ' user=node_hall', :'insurer_key', 'node_insurer');
SELECT seoulchain.share('main', 'seoul.go.kr/inspector'), seoulchain.share('main', 'seoul.go.kr/insurer');
SELECT seoulchain.follow('seoul.go.kr/inspector/main'), seoulchain.follow('seoul.go.kr/insurer/main');

\connect :"inspector"
SELECT seoulchain.add_peer('seoul.go.kr/hall', :'hall' || ' user=node_inspector', :'hall_key', 'node_hall');
SELECT seoulchain.add_peer('seoul.go.kr/insurer', :'insurer' || ' user=node_inspector', :'insurer_key', 'node_insurer');
SELECT seoulchain.share('main', 'seoul.go.kr/hall'), seoulchain.share('main', 'seoul.go.kr/insurer');
SELECT seoulchain.follow('seoul.go.kr/hall/main'), seoulchain.follow('seoul.go.kr/insurer/main');

\connect :"insurer"
SELECT seoulchain.add_peer('seoul.go.kr/hall', :'hall' || ' user=node_insurer', :'hall_key', 'node_hall');
SELECT seoulchain.add_peer('seoul.go.kr/inspector', :'inspector' || ' user=node_insurer', :'inspector_key', 'node_inspector');
SELECT seoulchain.share('main', 'seoul.go.kr/hall'), seoulchain.share('main', 'seoul.go.kr/inspector');
SELECT seoulchain.follow('seoul.go.kr/hall/main'), seoulchain.follow('seoul.go.kr/inspector/main');

-- an inspection is final when hall and insurer have both recomputed and cosigned it
\connect :"inspector"
SELECT format(E'log %s\nwitness hall %s\nwitness insurer %s\ngroup both all hall insurer\nquorum both\n',
	seoulchain.verifier_key('main'), :'hall_key', :'insurer_key') AS policy \gset
SELECT seoulchain.set_policy('main', :'policy');
INSERT INTO inspector.inspection VALUES ('KMHEM42APXA000001', 48210) RETURNING ledger_seq \gset
SELECT seoulchain.wait_for_final('inspector.inspection', :ledger_seq, '2 min') AS receipt \gset
\echo :receipt

-- the insurer has the row too, and says how the city is
\connect :"insurer"
SELECT * FROM inspector.inspection;
SELECT state, problems, what FROM seoulchain.city;
