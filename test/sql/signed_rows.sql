-- Rows that have to be signed: what is accepted, and in what words the rest is refused.
SET client_min_messages = warning;
SET seoulchain.default_chain = 'signed_rows';
CREATE SCHEMA signed_rows;
SET search_path = signed_rows;
\set VERBOSITY default

-- real signatures: keys in the data directory, made and used by the openssl program
CREATE FUNCTION shell(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	CREATE TEMP TABLE IF NOT EXISTS shell_output (line text);
	TRUNCATE shell_output;
	EXECUTE format('COPY shell_output FROM PROGRAM %L', command);
	SELECT string_agg(line, '') INTO result FROM shell_output;
	RETURN result;
END $$;
CREATE FUNCTION base64url(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$ SELECT translate(encode($1, 'base64'), E'+/=\n', '-_') $$;
CREATE FUNCTION make_key(name text, kind text) RETURNS void LANGUAGE sql AS
	$$ SELECT shell(format('openssl genpkey -quiet %s -out signed_%s.pem 2>&1', kind, name)) $$;
CREATE FUNCTION public_key(name text) RETURNS bytea LANGUAGE sql AS
	$$ SELECT decode(shell(format('openssl pkey -in signed_%s.pem -pubout -outform DER | openssl base64 -A', name)), 'base64') $$;
-- r and s of 32 bytes each out of ECDSA's DER
CREATE FUNCTION raw_ecdsa(der bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	rlen int := get_byte(der, 3);
	r bytea := substring(der FROM 5 FOR rlen);
	s bytea := substring(der FROM 7 + rlen);
BEGIN
	RETURN substring(decode(repeat('00', 32), 'hex') || r FROM length(r) + 1) || substring(decode(repeat('00', 32), 'hex') || s FROM length(s) + 1);
END $$;
CREATE FUNCTION sign(key text, payload text, header text DEFAULT '{"alg":"EdDSA","typ":"seoulchain-row+jws"}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	input text := base64url(convert_to(header, 'UTF8')) || '.' || base64url(convert_to(payload, 'UTF8'));
	signature bytea;
BEGIN
	signature := decode(shell(format('printf %%s %s > signed_input; openssl %s -sign %s signed_%s.pem %s | openssl base64 -A', input,
		CASE WHEN header ~ 'EdDSA' THEN 'pkeyutl -rawin -in signed_input' ELSE 'dgst -sha256' END,
		CASE WHEN header ~ 'EdDSA' THEN '-inkey' ELSE '' END, key,
		CASE WHEN header ~ 'EdDSA' THEN '' ELSE 'signed_input' END)), 'base64');
	IF header ~ 'ES256' THEN
		signature := raw_ecdsa(signature);
	END IF;
	RETURN base64url(convert_to(header, 'UTF8')) || '..' || base64url(signature);
END $$;
SELECT make_key('alice', '-algorithm ed25519'), make_key('bob', '-algorithm ed25519'), make_key('spare', '-algorithm ed25519'),
	make_key('agency', '-algorithm EC -pkeyopt ec_paramgen_curve:P-256');

CREATE TABLE inspection (car text, km numeric(10,1), at timestamptz, nonce uuid, inspector text, signature text,
	miles numeric GENERATED ALWAYS AS (km * 0.621371) STORED) USING ledger;
INSERT INTO inspection (car, km) VALUES ('before the rule', 1);

-- what cannot be
SELECT seoulchain.require_signature('inspection', 'inspector', 'signature');
SELECT seoulchain.install_members('signed_rows', 'signed_members');
SELECT seoulchain.require_signature('inspection', 'examiner', 'signature');
SELECT seoulchain.require_signature('inspection', 'km', 'signature');
SELECT seoulchain.require_signature('inspection', 'inspector', 'inspector');
SELECT seoulchain.require_signature('inspection', 'inspector', 'signature', 'car', 'miles');
SELECT seoulchain.require_signature('inspection', 'inspector', 'signature', 'car', 'ledger_seq');
SELECT seoulchain.require_signature('inspection', 'inspector', 'signature', 'car', 'signature');
CREATE TABLE plain (a text, b text);
SELECT seoulchain.require_signature('plain', 'a', 'b');
CREATE TABLE parts (a text, b text) PARTITION BY LIST (a);
SELECT seoulchain.require_signature('parts', 'a', 'b');
SELECT seoulchain.signing_payload('inspection', i) FROM inspection i;
SELECT seoulchain.signing_payload('plain', i) FROM inspection i;

SELECT seoulchain.require_signature('inspection', 'inspector', 'signature', 'car', 'km', 'at', 'nonce');
SELECT leaf::json -> 'event' AS event FROM seoulchain.event WHERE leaf::json ->> 'table' = 'signed_rows.inspection' ORDER BY ledger_seq;
SELECT tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'inspection'::regclass AND NOT tgisinternal;

INSERT INTO signed_members.member (member, kind) VALUES ('alice', 'clerk'), ('bob', 'clerk'), ('road office', 'agency'), ('carol', 'citizen');
INSERT INTO signed_members.key (member, key, algorithm, public_key) VALUES ('alice', 'a1', 'EdDSA', public_key('alice')), ('bob', 'b1', 'EdDSA', public_key('bob')),
	('road office', 'seal', 'ES256', public_key('agency'));

-- the text to sign, whatever the session's settings
SET DateStyle = 'SQL, DMY';
SET TimeZone = 'Asia/Seoul';
SELECT regexp_replace(seoulchain.signing_payload('inspection', jsonb_populate_record(NULL::inspection,
	'{"car":"KMHEM42APXA000001","km":48210,"at":"2026-01-02T03:04:05+09:00","nonce":"00000000-0000-0000-0000-000000000001","inspector":"alice"}')), 'unnamed/[0-9a-f]+', 'unnamed/...') AS payload;
SELECT seoulchain.signing_payload('inspection', ROW('x'));
RESET DateStyle;
RESET TimeZone;

-- a row, its payload and its signature
CREATE FUNCTION payload(car text, n int, inspector text DEFAULT 'alice') RETURNS text LANGUAGE sql AS $$
	SELECT seoulchain.signing_payload('inspection', jsonb_populate_record(NULL::inspection,
		jsonb_build_object('car', car, 'km', 48210, 'nonce', lpad(n::text, 32, '0')::uuid, 'inspector', inspector))) $$;
CREATE FUNCTION add(car text, n int, signature text, inspector text DEFAULT 'alice') RETURNS text LANGUAGE sql AS $$
	INSERT INTO inspection (car, km, nonce, inspector, signature) VALUES (car, 48210, lpad(n::text, 32, '0')::uuid, inspector, signature)
		RETURNING CASE WHEN ledger_time <= clock_timestamp() THEN 'accepted' END $$;
SELECT add('one', 1, sign('alice', payload('one', 1)));
SELECT add('by kid', 2, sign('alice', payload('by kid', 2), '{"alg":"EdDSA","kid":"a1","typ":"seoulchain-row+jws"}'));
SELECT add('by an agency', 3, sign('agency', payload('by an agency', 3, 'road office'), '{"alg":"ES256","typ":"seoulchain-row+jws"}'), 'road office');

-- refused, each with its reason
SELECT add('unsigned', 10, NULL);
SELECT add('nobody''s', 10, sign('alice', payload('nobody''s', 10, NULL)), NULL);
SELECT add('mallory''s', 10, sign('alice', payload('mallory''s', 10, 'mallory')), 'mallory');
SELECT add('carol''s', 10, sign('alice', payload('carol''s', 10, 'carol')), 'carol');
SELECT add('another kid', 10, sign('alice', payload('another kid', 10), '{"alg":"EdDSA","kid":"a2","typ":"seoulchain-row+jws"}'));
SELECT add('another''s key', 10, sign('bob', payload('another''s key', 10)));
SELECT format('{"alg":"EdDSA","kid":"%s","typ":"seoulchain-row+jws"}', encode(sha256(public_key('bob')), 'hex')) AS header \gset
SELECT add('named another''s key', 10, sign('bob', payload('named another''s key', 10), :'header'));
SELECT add('altered', 10, sign('alice', payload('original', 10)));
SELECT add('one', 1, sign('alice', payload('one', 1)));
SELECT add('with a newline', 10, sign('alice', payload('with a newline', 10) || E'\n'));
SELECT add('one column less', 10, sign('alice', replace(payload('one column less', 10), '"km":"48210.0",', '')));
SELECT add('alg none', 10, sign('alice', payload('alg none', 10), '{"alg":"none","EdDSA":"","typ":"seoulchain-row+jws"}'));
SELECT add('another algorithm', 10, sign('agency', payload('another algorithm', 10), '{"alg":"ES256","typ":"seoulchain-row+jws"}'));
SELECT add('no typ', 10, sign('alice', payload('no typ', 10), '{"alg":"EdDSA"}'));
SELECT add('crit', 10, sign('alice', payload('crit', 10), '{"alg":"EdDSA","crit":["exp"],"typ":"seoulchain-row+jws"}'));
SELECT add('jwk', 10, sign('alice', payload('jwk', 10), '{"alg":"EdDSA","jwk":{},"typ":"seoulchain-row+jws"}'));
SELECT add('twice', 10, sign('alice', payload('twice', 10), '{"alg":"EdDSA","alg":"EdDSA","typ":"seoulchain-row+jws"}'));
SELECT add('no signature', 10, 'something');
SELECT add('cut short', 10, left(sign('alice', payload('cut short', 10)), -2));
SELECT add('re-encoded', 10, sign('alice', payload('re-encoded', 10)) || '=');

-- an ECDSA signature altered into another valid one is no second use
CREATE FUNCTION other_s(jws text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	raw bytea := decode(rpad(translate(split_part(jws, '..', 2), '-_', '+/'), 88, '='), 'base64');
	n numeric := 0;
	s numeric := 0;
	order_hex bytea := '\xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
	result bytea := '';
BEGIN
	FOR i IN 0..31 LOOP
		n := n * 256 + get_byte(order_hex, i);
		s := s * 256 + get_byte(raw, 32 + i);
	END LOOP;
	s := n - s;
	FOR i IN 0..31 LOOP
		result := set_byte('\x00'::bytea, 0, mod(s, 256)::int) || result;
		s := div(s, 256);
	END LOOP;
	RETURN split_part(jws, '..', 1) || '..' || base64url(substring(raw FOR 32) || result);
END $$;
SELECT add('by an agency', 3, other_s(signature), 'road office') FROM inspection WHERE car = 'by an agency';

-- the approved-algorithms profile
ALTER SYSTEM SET seoulchain.sign_profile = 'kcmvp';
SELECT pg_reload_conf();
SELECT pg_sleep(0.5);
SELECT add('not approved', 10, sign('alice', payload('not approved', 10)));
SELECT add('approved', 4, sign('agency', payload('approved', 4, 'road office'), '{"alg":"ES256","typ":"seoulchain-row+jws"}'), 'road office');
ALTER SYSTEM RESET seoulchain.sign_profile;
SELECT pg_reload_conf();
SELECT pg_sleep(0.5);
SELECT count(*) FROM inspection;

-- many at once, in every way
INSERT INTO inspection (car, km, nonce, inspector, signature)
	SELECT 'many', 48210, lpad(n::text, 32, '0')::uuid, 'alice', sign('alice', payload('many', n)) FROM generate_series(100, 102) n;
MERGE INTO inspection i USING (SELECT 'merged' AS car, sign('alice', payload('merged', 103)) AS signature) v ON i.car = v.car
	WHEN NOT MATCHED THEN INSERT (car, km, nonce, inspector, signature) VALUES (v.car, 48210, lpad('103', 32, '0')::uuid, 'alice', v.signature);
COPY (SELECT 'copied', 48210, lpad(n::text, 32, '0')::uuid, 'alice', sign('alice', payload('copied', n)) FROM generate_series(110, 112) n) TO '/tmp/seoulchain_signed_rows.copy';
COPY inspection (car, km, nonce, inspector, signature) FROM '/tmp/seoulchain_signed_rows.copy';
COPY inspection (car, km, nonce, inspector, signature) FROM '/tmp/seoulchain_signed_rows.copy';
SELECT shell('rm /tmp/seoulchain_signed_rows.copy');
CREATE UNIQUE INDEX ON inspection (nonce);
INSERT INTO inspection (car, km, nonce, inspector, signature) VALUES ('one', 48210, lpad('1', 32, '0')::uuid, 'alice', sign('alice', payload('one', 1))),
	('new', 48210, lpad('120', 32, '0')::uuid, 'alice', sign('alice', payload('new', 120))) ON CONFLICT DO NOTHING RETURNING car;
INSERT INTO inspection (car, km, nonce, inspector, signature) VALUES ('new', 48210, lpad('121', 32, '0')::uuid, 'alice', 'bad') ON CONFLICT DO NOTHING;

-- savepoints: what is rolled back has not used its payload
BEGIN;
SAVEPOINT a;
SELECT add('again', 130, sign('alice', payload('again', 130)));
ROLLBACK TO a;
SELECT add('again', 130, sign('alice', payload('again', 130)));
COMMIT;
SELECT sign('alice', payload('prepared', 131)) AS sig \gset
DISCARD TEMP;
BEGIN;
SELECT add('prepared', 131, :'sig');
PREPARE TRANSACTION 'signed';
COMMIT PREPARED 'signed';

-- other triggers: before ours they may complete the row, after it they may not change it
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.km := 48210; RETURN NEW; END $$;
CREATE FUNCTION tamper() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.km := NEW.km - 10000; RETURN NEW; END $$;
CREATE TRIGGER a_stamp BEFORE INSERT ON inspection FOR EACH ROW EXECUTE FUNCTION stamp();
INSERT INTO inspection (car, nonce, inspector, signature) VALUES ('completed', lpad('140', 32, '0')::uuid, 'alice', sign('alice', payload('completed', 140)));
CREATE TRIGGER z_tamper BEFORE INSERT ON inspection FOR EACH ROW EXECUTE FUNCTION tamper();
SELECT add('tampered', 141, sign('alice', payload('tampered', 141)));
ALTER TABLE inspection DISABLE TRIGGER z_tamper;

-- without the trigger nothing is inserted, not even by a superuser
SET session_replication_role = replica;
SELECT add('replica', 150, 'unchecked');
RESET session_replication_role;
ALTER TABLE inspection DISABLE TRIGGER seoulchain_signature;
SELECT add('disabled', 150, sign('alice', payload('disabled', 150)));
ALTER TABLE inspection ENABLE TRIGGER seoulchain_signature;
SELECT add('enabled', 150, sign('alice', payload('enabled', 150)));
ALTER TABLE inspection DISABLE TRIGGER ALL;
SELECT add('all disabled', 150, sign('alice', payload('all disabled', 150)));
DROP TRIGGER seoulchain_signature ON inspection;
SELECT add('dropped', 150, sign('alice', payload('dropped', 150)));
CREATE TRIGGER seoulchain_signature BEFORE INSERT ON inspection FOR EACH ROW WHEN (NEW.car <> 'secret') EXECUTE FUNCTION seoulchain.check_signature();
ALTER TABLE inspection ENABLE ALWAYS TRIGGER seoulchain_signature;
SELECT add('when', 150, sign('alice', payload('when', 150)));
DROP TRIGGER seoulchain_signature ON inspection;
CREATE TRIGGER seoulchain_signature BEFORE INSERT ON inspection FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE inspection ENABLE ALWAYS TRIGGER seoulchain_signature;
SELECT add('another function', 150, 'unchecked');
SELECT seoulchain.require_signature('inspection', 'inspector', 'signature', 'car', 'km', 'at', 'nonce');
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'inspection'::regclass AND NOT tgisinternal ORDER BY 1;
SELECT count(*) FROM seoulchain.signature_rule r JOIN seoulchain.ledger l USING (table_id) WHERE l.relation = 'inspection'::regclass;
SELECT add('put back', 150, sign('alice', payload('put back', 150)));
CREATE TABLE without (a text) USING ledger;
CREATE TRIGGER t BEFORE INSERT ON without FOR EACH ROW EXECUTE FUNCTION seoulchain.check_signature();
INSERT INTO without VALUES ('x');
CREATE TRIGGER t2 AFTER INSERT ON without FOR EACH ROW EXECUTE FUNCTION seoulchain.check_signature();
DROP TRIGGER t ON without;
INSERT INTO without VALUES ('x');
DROP TABLE without;

-- columns that are renamed or added later
ALTER TABLE inspection RENAME COLUMN car TO vehicle;
ALTER TABLE inspection RENAME COLUMN signature TO jws;
ALTER TABLE inspection ADD COLUMN remark text;
CREATE FUNCTION add2(vehicle text, n int, signature text, remark text) RETURNS text LANGUAGE sql AS $$
	INSERT INTO inspection (vehicle, km, nonce, inspector, jws, remark) VALUES (vehicle, 48210, lpad(n::text, 32, '0')::uuid, 'alice', signature, remark) RETURNING 'accepted' $$;
CREATE FUNCTION payload2(vehicle text, n int, remark text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT seoulchain.signing_payload('inspection', jsonb_populate_record(NULL::inspection,
		jsonb_build_object('vehicle', vehicle, 'km', 48210, 'nonce', lpad(n::text, 32, '0')::uuid, 'inspector', 'alice', 'remark', remark))) $$;
SELECT regexp_replace(payload2('renamed', 160), 'unnamed/[0-9a-f]+', 'unnamed/...');
SELECT add2('renamed', 160, sign('alice', payload2('renamed', 160)), 'not signed');
SELECT seoulchain.require_signature('inspection', 'inspector', 'jws');
SELECT add2('second rule', 161, sign('alice', payload2('second rule', 161)), 'left out of the signature');
SELECT add2('second rule', 161, sign('alice', payload2('second rule', 161, repeat('long ', 500))), repeat('long ', 500));
SELECT regexp_replace(payload2('long', 162, repeat('long ', 500)), 'unnamed/[0-9a-f]+', 'unnamed/...');

-- keys that end: by a row of the registry, recorded in the same log
INSERT INTO signed_members.key (member, key, algorithm, public_key) VALUES ('bob', 'b2', 'EdDSA', public_key('spare'));
INSERT INTO signed_members.status (member, key, action, reason) VALUES ('bob', 'b1', 'revoke', 'card lost');
CREATE FUNCTION bobs(n int, key text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r inspection := jsonb_populate_record(NULL::inspection, jsonb_build_object('vehicle', 'bob''s', 'nonce', lpad(n::text, 32, '0'), 'km', 48210, 'inspector', 'bob'));
BEGIN
	r.jws := sign(key, seoulchain.signing_payload('inspection', r));
	INSERT INTO inspection (vehicle, nonce, km, inspector, jws) VALUES (r.vehicle, r.nonce, r.km, r.inspector, r.jws);
	RETURN 'accepted';
EXCEPTION WHEN integrity_constraint_violation THEN
	RETURN regexp_replace(SQLERRM, ' at .*', '');
END $$;
SELECT bobs(170, 'bob'), bobs(171, 'spare');
INSERT INTO signed_members.status (member, key, action, reason) VALUES ('bob', NULL, 'suspend', 'on leave');
SELECT bobs(172, 'spare');
INSERT INTO signed_members.status (member, key, action, reason) VALUES ('bob', NULL, 'resume', 'back');
SELECT bobs(172, 'spare');

-- a revocation counts for the rows behind it in its own statement, too, and between trigger and storage
SELECT sign('spare', seoulchain.signing_payload('inspection', jsonb_populate_record(NULL::inspection, '{"vehicle":"same","nonce":"00000000-0000-0000-0000-000000000180","inspector":"bob"}'))) AS s1,
	sign('spare', seoulchain.signing_payload('inspection', jsonb_populate_record(NULL::inspection, '{"vehicle":"same","nonce":"00000000-0000-0000-0000-000000000181","inspector":"bob"}'))) AS s2 \gset
CREATE FUNCTION revoke() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO signed_members.status (member, key, action, reason) VALUES ('bob', 'b2', 'revoke', 'lost');
	RETURN NEW;
END $$;
ALTER TABLE inspection DISABLE TRIGGER a_stamp;
CREATE TRIGGER z_revoke BEFORE INSERT ON inspection FOR EACH ROW EXECUTE FUNCTION revoke();
INSERT INTO inspection (vehicle, nonce, inspector, jws) VALUES ('same', '00000000-0000-0000-0000-000000000180', 'bob', :'s1');
DROP TRIGGER z_revoke ON inspection;
\set VERBOSITY terse
WITH first AS (INSERT INTO inspection (vehicle, nonce, inspector, jws) VALUES ('same', '00000000-0000-0000-0000-000000000180', 'bob', :'s1') RETURNING nonce),
	lost AS (INSERT INTO signed_members.status (member, key, action, reason) SELECT 'bob', 'b2', 'revoke', 'lost' FROM first RETURNING member)
INSERT INTO inspection (vehicle, nonce, inspector, jws) SELECT 'same', '00000000-0000-0000-0000-000000000181', member, :'s2' FROM lost;
\set VERBOSITY default

-- partitions
CREATE TABLE trip (day date, member text, sig text) PARTITION BY RANGE (day);
SELECT seoulchain.add_ledger_seq('trip');
CREATE TABLE trip_a PARTITION OF trip FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') USING ledger;
CREATE TABLE trip_b PARTITION OF trip FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') USING ledger;
SELECT seoulchain.require_signature('trip_a', 'member', 'sig');
INSERT INTO trip VALUES ('2026-02-05', 'nobody', 'not checked here');
INSERT INTO trip VALUES ('2026-01-05', 'alice', 'bad');
INSERT INTO trip VALUES ('2026-01-05', 'alice', sign('alice', seoulchain.signing_payload('trip_a', jsonb_populate_record(NULL::trip_a, '{"day":"2026-01-05","member":"alice"}'))));

-- who may: the owner; row security and rights are PostgreSQL's
CREATE ROLE signed_clerk;
GRANT USAGE ON SCHEMA signed_rows TO signed_clerk;
GRANT INSERT, SELECT ON trip_a TO signed_clerk;
SELECT sign('alice', seoulchain.signing_payload('trip_a', jsonb_populate_record(NULL::trip_a, '{"day":"2026-01-06","member":"alice"}'))) AS sig \gset
SET ROLE signed_clerk;
SELECT seoulchain.require_signature('trip_a', 'member', 'sig');
INSERT INTO trip_a VALUES ('2026-01-06', 'alice', :'sig');
INSERT INTO trip_a VALUES ('2026-01-06', 'alice', :'sig');
SELECT seoulchain.rebuild_signed_payloads('trip_a');
RESET ROLE;
DROP OWNED BY signed_clerk;
DROP ROLE signed_clerk;

-- what counts as used follows from the rows
SELECT seoulchain.seal('signed_rows') IS NOT NULL AS sealed;
SELECT fault, ledger_seq FROM seoulchain.verify();
SELECT count(*) FROM seoulchain.signed_payload;
CREATE TEMP TABLE before AS SELECT * FROM seoulchain.signed_payload;
SELECT seoulchain.rebuild_signed_payloads('inspection') = (SELECT count(*) FROM inspection) AS rebuilt;
(TABLE before EXCEPT TABLE seoulchain.signed_payload) UNION ALL (TABLE seoulchain.signed_payload EXCEPT TABLE before);

SET client_min_messages = error;
DROP TABLE inspection, trip, plain, parts;
DROP SCHEMA signed_members CASCADE;
DROP SCHEMA signed_rows CASCADE;
