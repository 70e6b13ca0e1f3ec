-- Waiting for a receipt, and time from outside: what a user reads who does it wrong.
CREATE EXTENSION IF NOT EXISTS seoulchain;
SET client_min_messages = warning;
BEGIN;
SELECT seoulchain.create_chain('stamped') IS NOT NULL AS made;
SET seoulchain.default_chain = 'stamped';
CREATE TABLE stamped (id int) USING ledger;
CREATE TABLE stamped_plain (id int);
-- before the commit
INSERT INTO stamped VALUES (1) RETURNING ledger_seq AS seq \gset
SAVEPOINT a;
SELECT seoulchain.wait_for_seal('stamped', :seq);
ROLLBACK TO a;
COMMIT;
-- in the inserting statement
INSERT INTO stamped VALUES (2) RETURNING seoulchain.wait_for_seal('stamped', ledger_seq);

-- behind it
SELECT receipt LIKE 'c2sp.org/tlog-proof@v1%' AS receipt, timestamps FROM seoulchain.wait_for_seal('stamped', :seq);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT receipt IS NOT NULL AS receipt FROM seoulchain.wait_for_seal(relation => 'stamped', ledger_seq => :seq, timeout => '0');
ROLLBACK;
SELECT * FROM seoulchain.wait_for_seal('stamped', NULL);
SELECT seoulchain.wait_for_seal('stamped', 1000000);
SELECT seoulchain.wait_for_seal('stamped', -1);
SELECT seoulchain.wait_for_seal('stamped_plain', 1);
SELECT seoulchain.wait_for_seal('stamped', :seq, '-1 ms');

-- receipts in a checkpoint of a size
SELECT seoulchain.receipt('stamped', :seq, tree_size) = seoulchain.receipt('stamped', :seq) AS same
	FROM seoulchain.block WHERE chain = 'stamped' ORDER BY height DESC LIMIT 1;
SELECT seoulchain.receipt('stamped', :seq, 2);
SELECT seoulchain.receipt('stamped', :seq, -1);

-- authorities
SELECT seoulchain.add_time_authority('ktsa', 'no certificate');
SELECT seoulchain.add_time_authority('', '');
SELECT seoulchain.remove_time_authority('ktsa');
SELECT seoulchain.add_time_crl('\x3000');

-- requests: DER, version 1, SHA-256 of the text, a nonce, the wish for the certificate
SELECT encode(substr(r, 3, 22), 'hex') AS version_and_hash, substr(r, 25, 32) = sha256(convert_to(substr(c, 1, strpos(c, E'\n\n')), 'UTF8')) AS of_the_text,
		substr(r, 57, 2) AS nonce, substr(r, 67) AS wish
	FROM seoulchain.checkpoint('stamped') c, seoulchain.timestamp_request(c) r;
SELECT seoulchain.timestamp_request('stamped');
SELECT seoulchain.timestamp_request(E'elsewhere/main\n4\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n');
SELECT seoulchain.timestamp_request(NULL) IS NULL AS nothing_from_nothing;

-- answers
SELECT * FROM seoulchain.add_timestamp('');
SELECT * FROM seoulchain.add_timestamp(seoulchain.timestamp_request(seoulchain.checkpoint('stamped')));
-- a refusal: status 2, the text "come back tomorrow", failure bit 14 (the clock is not available)
SELECT * FROM seoulchain.add_timestamp('\x3020301e02010230140c12636f6d65206261636b20746f6d6f72726f770303010002');
SELECT * FROM seoulchain.timestamps WHERE chain = 'stamped';
