-- The registry of members and keys: what may stand in it, and every refusal.
\set VERBOSITY terse
\pset null NULL

-- a refusal with all its words; times differ from run to run
CREATE FUNCTION refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	m text; d text; h text; s text;
BEGIN
	EXECUTE statement;
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, s = RETURNED_SQLSTATE;
	RETURN regexp_replace(s || ' ' || m || coalesce(E'\n' || nullif(d, ''), '') || coalesce(E'\n' || nullif(h, ''), ''),
		'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d', 'TIME', 'g');
END
$$;
CREATE TABLE pem (name text PRIMARY KEY, pem text);
COPY pem FROM STDIN;
ed25519	-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAZ07DTTrBazhpmI2/GOxlVia+qIO3sznqVYRO1m1fXFI=\n-----END PUBLIC KEY-----\n
p256	-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGwZ1GuKwyTIo6XxHFEfBQrYfH0R9\nNwOFFnomTTTlqN71cRtCrDUe4WUYcdbkXTBLp8K5bGiI8idR9qQFJRZ4rg==\n-----END PUBLIC KEY-----\n
rsa1024	-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDKoo24H31/wgDonCV6WVQkYFIo\nvuRMLCd5SI/kd1lRmk7/R56lw/ug+gf7te7KicE501mJE9kKt+9KCOTSckL3xMvy\nqa6LUfbReGl7Tx0zSSiKkuVmjcEjs7ZBQPgvXAwHWAk2AhCRyJT6r/UOHyTt4HmF\niDGecd47SON62v6b2wIDAQAB\n-----END PUBLIC KEY-----\n
p384	-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEp3+wzQtcSWAh+OnOwls+8DXCEmFsoGvR\nKS8I0Ms0qSwEpdDx+1YoeBLQKvzRiVz3+cBkEAQvsAMJY0UJOMCT/mIm62C+JkBO\nsMiDrg8pOKbTeF1hhgBYo+c5eR+KHA/W\n-----END PUBLIC KEY-----\n
rsa2048	-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA6k0QylDMztKN/KeEdrCx\n+CSevKwkgm4fnGsWUc3VG8/4MBaYd2zS8pjYOfbtx+4OdnkjC7HttzL9+GonaX8D\nm1Pa9ICUr6+7d4OKGDAV7H+mkzt9JpMgAeZXtSvbHbMoS1zim7vmosYoHpI9F/7k\n4k6GBe/TPty0Wx/V5cHQftQBd3B1qF+bQBCFh+f01iKvhNjFIAI2YjMZVrpIipnF\n3FOhqJq4i6sfVHexhBqKPRvO1CSGYMyPqOmJIT0AWC66XvrIYI0QHfmAWxg2RxV9\nGp+3VT9CXnxyI+ELVg251NZoAAclWIzxmZQP6n9swpj8T2SR/d11h2EmQolOYi43\nBwIDAQAB\n-----END PUBLIC KEY-----\n
root	-----BEGIN CERTIFICATE-----\nMIIBrTCCAVOgAwIBAgIUQWALan6dJ1kU6DzuDkABzEn4+sUwCgYIKoZIzj0EAwIw\nIzESMBAGA1UECgwJVGVzdCBDaXR5MQ0wCwYDVQQDDARSb290MCAXDTI2MTEyMzA2\nMzA1M1oYDzIxMjYxMDMwMDYzMDUzWjAjMRIwEAYDVQQKDAlUZXN0IENpdHkxDTAL\nBgNVBAMMBFJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARePGgCcoTxQc5Z\n0ybb/KXPoxyeD6MKfrnNq4FYcQle8wWMYJfA32DYVSN97nZJXB1kOwXEJv0S2GCv\nEPkBk62To2MwYTAdBgNVHQ4EFgQUgpS2TrDMgJw0eseVWl/jkbHSEtcwHwYDVR0j\nBBgwFoAUgpS2TrDMgJw0eseVWl/jkbHSEtcwDwYDVR0TAQH/BAUwAwEB/zAOBgNV\nHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwIDSAAwRQIgPyhffAnqJnEVjwstrOP7b6Wa\ngQQTyzt2NM5sPyZ5ISACIQCMBq13iXLEDrhKhzgOmgWy04bdvYkxfkjdktqq/Ona\n0w==\n-----END CERTIFICATE-----\n
leaf	-----BEGIN CERTIFICATE-----\nMIIBozCCAUmgAwIBAgIUZv8cvjNaeZbyEV5KXaGoA76gs0EwCgYIKoZIzj0EAwIw\nIzESMBAGA1UECgwJVGVzdCBDaXR5MQ0wCwYDVQQDDARSb290MCAXDTI2MTEyMzA2\nMzA1M1oYDzIxMjYxMDMwMDYzMDUzWjAiMRIwEAYDVQQKDAlUZXN0IENpdHkxDDAK\nBgNVBAMMA0tpbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABO0S0JkXv8MY/Ev8\nrOEmzEFEB057Z+btni1McCE1vaON0NwApDFUypJs0/aR1/iKpFKtdDHr/7WmZD9o\n7sUW6JKjWjBYMAkGA1UdEwQCMAAwCwYDVR0PBAQDAgeAMB0GA1UdDgQWBBSuuFsW\n8YWoUM2meZqiDRkbdRGBEjAfBgNVHSMEGDAWgBSClLZOsMyAnDR6x5VaX+ORsdIS\n1zAKBggqhkjOPQQDAgNIADBFAiAIXWknjnLmVKbfxUQTzcCk5ZfkP/kTbQQktNAq\nLu8adQIhAKWKsDgC4YsqGIGgYvH7EX2CeTTtBZh5bEnOjlXmZsTU\n-----END CERTIFICATE-----\n
private	-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIP9S1m05FVdAnu/kh7GLdPZEYr8w2VNeMPqsLn3F/HZUoAoGCCqGSM49\nAwEHoUQDQgAEGwZ1GuKwyTIo6XxHFEfBQrYfH0R9NwOFFnomTTTlqN71cRtCrDUe\n4WUYcdbkXTBLp8K5bGiI8idR9qQFJRZ4rg==\n-----END EC PRIVATE KEY-----\n
\.
CREATE FUNCTION pem(n text) RETURNS text LANGUAGE sql AS 'SELECT pem FROM public.pem WHERE name = n';

-- before there is a registry; the chain may be there already
CREATE TABLE before_members (a int) USING ledger;
SELECT refusal($$SELECT seoulchain.register_member('kim', 'citizen')$$);
SELECT refusal($$SELECT * FROM seoulchain.member_keys()$$);
SELECT * FROM seoulchain.members;
SELECT refusal($$SELECT seoulchain.install_members('mian')$$);
CREATE TABLE plain (a int);
SELECT refusal($$CREATE TRIGGER t BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION seoulchain.normalise_member(); INSERT INTO plain VALUES (1)$$);

SELECT seoulchain.install_members();
SELECT refusal($$SELECT seoulchain.install_members()$$);
SELECT refusal($$SELECT seoulchain.install_members('main', 'elsewhere')$$);
SELECT member, key, status, delegation, authority, crl FROM seoulchain.member_registry;
SELECT (leaf::jsonb)->'event' FROM seoulchain.event WHERE leaf LIKE '%"type":"members"%';
SELECT tgrelid::regclass, tgenabled FROM pg_trigger WHERE tgname = 'seoulchain_member' ORDER BY 1;

-- members
SELECT seoulchain.register_member('kim', 'citizen') IS NOT NULL AS numbered;
INSERT INTO members.member VALUES ('lee', 'clerk', 'Desk 3'), ('tax', 'agency', NULL), ('meter', 'device', NULL);
SELECT refusal($$SELECT seoulchain.register_member('kim', 'clerk')$$);
SELECT refusal($$SELECT seoulchain.register_member('park', 'king')$$);
SELECT refusal($$SELECT seoulchain.register_member('park', NULL)$$);
SELECT refusal($$SELECT seoulchain.register_member('', 'citizen')$$);
SELECT refusal($$SELECT seoulchain.register_member(NULL, 'citizen')$$);
SELECT refusal($$SELECT seoulchain.register_member(' park', 'citizen')$$);
SELECT refusal($$SELECT seoulchain.register_member(E'pa\nrk', 'citizen')$$);
SELECT refusal($$SELECT seoulchain.register_member(repeat('x', 256), 'citizen')$$);
SELECT refusal($$SELECT seoulchain.register_member(E'ki\u200Bm', 'citizen')$$);
SELECT refusal($$SELECT seoulchain.register_member(E'\u202Emik', 'citizen')$$);
SELECT refusal($$SELECT seoulchain.register_member('park', 'citizen', NULL, NULL)$$);
SELECT refusal($$INSERT INTO members.member VALUES ('a', 'citizen'), ('a', 'citizen')$$);
INSERT INTO members.member VALUES ('kim', 'citizen') ON CONFLICT DO NOTHING;

-- keys: each form becomes the same
SELECT seoulchain.add_key('kim', 'phone', pem('ed25519')) IS NOT NULL AS numbered;
SELECT seoulchain.add_key('kim', 'card', decode(replace(replace(replace(pem('p256'), '-----BEGIN PUBLIC KEY-----', ''), '-----END PUBLIC KEY-----', ''), E'\n', ''), 'base64')) IS NOT NULL AS numbered;
SELECT seoulchain.add_key('lee', 'desk', '\x' || encode(convert_to(pem('rsa2048'), 'UTF8'), 'hex')) IS NOT NULL AS numbered;
SELECT member, key, algorithm, encode(sha256(public_key), 'hex') = thumbprint AS thumbprint, certificate, replaces FROM members.key ORDER BY 1, 2;
SELECT refusal($$SELECT seoulchain.add_key('lee', 'mine', pem('ed25519'))$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', 'again', pem('ed25519'))$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', 'raw', substring(decode(replace(replace(replace(pem('ed25519'), '-----BEGIN PUBLIC KEY-----', ''), '-----END PUBLIC KEY-----', ''), E'\n', ''), 'base64') FROM 13))$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', 'phone', '\xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')$$);
SELECT refusal($$SELECT seoulchain.add_key('nobody', 'k', '\xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', 'k', pem('rsa1024'))$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', 'k', pem('p384'))$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', 'k', 'not a key')$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', 'k', pem('p256') || pem('p256'))$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', 'k', pem('private'))$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', 'k', ('\x01' || repeat('00', 31))::bytea)$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', 'k', NULL::bytea)$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', NULL, '\xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')$$);
SELECT refusal($$SELECT seoulchain.add_key('kim', 'k', pem('leaf'))$$);
SELECT refusal($$INSERT INTO members.key (member, key, public_key, algorithm) VALUES ('kim', 'k', '\xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'ES256')$$);
SELECT refusal($$INSERT INTO members.key (member, key, public_key, thumbprint) VALUES ('kim', 'k', '\xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'ff')$$);
SELECT refusal($$INSERT INTO members.key (member, key, public_key, certificate) VALUES ('kim', 'k', convert_to(pem('p384'), 'UTF8'), convert_to(pem('leaf'), 'UTF8'))$$);
SELECT refusal($$INSERT INTO members.key (member, key, public_key, certificate) VALUES ('kim', 'k', '\xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'junk')$$);

-- COPY, and several rows of one statement
COPY members.key (member, key, public_key) FROM STDIN;
tax	seal	\\xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a
\.
SELECT refusal($$INSERT INTO members.key (member, key, public_key) SELECT 'meter', 'm' || g, '\x3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c' FROM generate_series(1, 2) g$$);

-- without the trigger, the index or the constraints nothing gets in that would not otherwise
BEGIN;
ALTER TABLE members.key DISABLE TRIGGER seoulchain_member;
SELECT refusal($$INSERT INTO members.key (member, key, public_key) VALUES ('kim', 'k', '\x3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')$$);
SELECT refusal($$INSERT INTO members.key (member, key, algorithm, public_key, thumbprint) VALUES ('kim', 'k', 'EdDSA', '\x3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', repeat('0', 64))$$);
ALTER TABLE members.key DROP CONSTRAINT key_pkey, DROP CONSTRAINT key_thumbprint_key;
SELECT refusal($$INSERT INTO members.key SELECT 'tax', 'other', algorithm, public_key, thumbprint FROM members.key WHERE key = 'phone'$$);
CREATE UNIQUE INDEX ON members.key (member, key);
CREATE INDEX ON members.key (thumbprint);
SELECT refusal($$INSERT INTO members.key SELECT 'tax', 'other', algorithm, public_key, thumbprint FROM members.key WHERE key = 'phone'$$);
CREATE UNIQUE INDEX ON members.key (thumbprint);
SELECT refusal($$INSERT INTO members.key SELECT 'tax', 'other', algorithm, public_key, thumbprint FROM members.key WHERE key = 'phone'$$);
ROLLBACK;

-- rotation
SELECT seoulchain.rotate_key('tax', 'seal', 'seal2', '\x3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c') IS NOT NULL AS numbered;
SELECT refusal($$SELECT seoulchain.rotate_key('tax', 'seal', 'seal3', '\xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025')$$);
SELECT refusal($$SELECT seoulchain.rotate_key('tax', 'none', 'seal3', '\xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025')$$);
SELECT refusal($$SELECT seoulchain.rotate_key('tax', NULL, 'seal3', '\xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025')$$);
SELECT refusal($$SELECT seoulchain.rotate_key('kim', 'seal2', 'seal3', '\xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025')$$);

-- suspend, resume, revoke
SELECT seoulchain.suspend_key('kim', 'phone', 'lost') IS NOT NULL AS numbered;
SELECT refusal($$SELECT seoulchain.suspend_key('kim', 'phone', 'lost')$$);
SELECT seoulchain.resume_key('kim', 'phone', 'found') IS NOT NULL AS numbered;
SELECT refusal($$SELECT seoulchain.resume_key('kim', 'phone', 'found')$$);
SELECT refusal($$SELECT seoulchain.resume_key('kim', 'card', 'found')$$);
SELECT refusal($$SELECT seoulchain.suspend_key('kim', 'phone', ' ')$$);
SELECT refusal($$SELECT seoulchain.suspend_key('kim', 'phone', NULL)$$);
SELECT refusal($$SELECT seoulchain.suspend_key('kim', NULL, 'lost')$$);
SELECT refusal($$SELECT seoulchain.suspend_key('kim', 'none', 'lost')$$);
SELECT refusal($$SELECT seoulchain.suspend_key('nobody', 'phone', 'lost')$$);
SELECT refusal($$INSERT INTO members.status (member, key, action, reason) VALUES ('kim', 'phone', 'forget', 'x')$$);
SELECT refusal($$INSERT INTO members.status (member, key, action, reason, compromised_since) VALUES ('kim', 'phone', 'suspend', 'x', now())$$);
SELECT refusal($$SELECT seoulchain.revoke_key('kim', 'phone', 'stolen', now() + interval '1 hour')$$);
SELECT refusal($$SELECT seoulchain.revoke_key('kim', 'phone', 'stolen', 'infinity')$$);
SELECT seoulchain.revoke_key('kim', 'phone', 'stolen', '2026-01-02 03:04:05+00') IS NOT NULL AS numbered;
SELECT refusal($$SELECT seoulchain.revoke_key('kim', 'phone', 'stolen')$$);
SELECT refusal($$SELECT seoulchain.resume_key('kim', 'phone', 'found')$$);
SELECT refusal($$SELECT seoulchain.rotate_key('kim', 'phone', 'phone2', '\xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025')$$);
SELECT refusal($$SELECT seoulchain.suspend_key('tax', 'seal', 'lost')$$);
SELECT seoulchain.revoke_key('tax', 'seal', 'found out late') IS NOT NULL AS "a replaced key can be revoked";
SELECT seoulchain.suspend_member('lee', 'on leave') IS NOT NULL AS numbered;
SELECT refusal($$SELECT seoulchain.suspend_member('lee', 'on leave')$$);
SELECT refusal($$SELECT seoulchain.resume_key('lee', 'desk', 'back')$$);
SELECT seoulchain.resume_member('lee', 'back') IS NOT NULL AS numbered;
SELECT seoulchain.revoke_member('lee', 'left office') IS NOT NULL AS numbered;
SELECT refusal($$SELECT seoulchain.revoke_member('lee', 'left office')$$);
SELECT refusal($$SELECT seoulchain.resume_member('lee', 'back')$$);
SELECT refusal($$SELECT seoulchain.suspend_key('lee', 'desk', 'lost')$$);
SELECT refusal($$SELECT seoulchain.add_key('lee', 'desk2', '\xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025')$$);
SELECT seoulchain.revoke_key('lee', 'desk', 'found out late', now() - interval '1 year') IS NOT NULL AS "a revoked member's key can be revoked";

-- delegation
CREATE TABLE trip (a int) USING ledger;
CREATE TABLE gone (a int) USING ledger;
DROP TABLE gone;
SELECT seoulchain.delegate('kim', 'tax', '{public.trip}', now() + interval '1 year') IS NOT NULL AS numbered;
SELECT refusal($$SELECT seoulchain.delegate('kim', 'tax', '{public.none}', now() + interval '1 year')$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'tax', '{public.gone}', now() + interval '1 year')$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'tax', '{members.key}', now() + interval '1 year')$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'tax', '{public.trip,public.trip}', now() + interval '1 year')$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'tax', '{NULL}', now() + interval '1 year')$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'tax', '{}', now() + interval '1 year')$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'tax', NULL, now() + interval '1 year')$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'tax', '{public.trip}', now() - interval '1 year')$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'tax', '{public.trip}', 'infinity')$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'tax', '{public.trip}', NULL)$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'kim', '{public.trip}', now() + interval '1 year')$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'nobody', '{public.trip}', now() + interval '1 year')$$);
SELECT refusal($$SELECT seoulchain.delegate('kim', 'lee', '{public.trip}', now() + interval '1 year')$$);
SELECT refusal($$SELECT seoulchain.delegate('lee', 'kim', '{public.trip}', now() + interval '1 year')$$);
SELECT refusal($$INSERT INTO members.delegation VALUES ('kim', 'tax', '{public.trip}', NULL, 'lend')$$);
SELECT refusal($$INSERT INTO members.delegation VALUES ('kim', 'tax', '{public.trip}', now() + interval '1 day', 'end')$$);
SELECT member, delegate, "table", until > now() AS ahead FROM seoulchain.delegations;
SELECT seoulchain.end_delegation('kim', 'tax') IS NOT NULL AS numbered;
SELECT refusal($$SELECT seoulchain.end_delegation('kim', 'tax')$$);
SELECT refusal($$SELECT seoulchain.end_delegation('kim', 'tax', '{public.trip}')$$);
SELECT count(*) FROM seoulchain.delegations;

-- authorities; certificates in use are tested in test/t/
SELECT seoulchain.trust_authority('root', pem('root')) IS NOT NULL AS numbered;
SELECT refusal($$SELECT seoulchain.trust_authority('root', pem('root'))$$);
SELECT refusal($$SELECT seoulchain.trust_authority('leaf', pem('leaf'))$$);
SELECT refusal($$SELECT seoulchain.trust_authority('key', pem('p256'))$$);
SELECT refusal($$SELECT seoulchain.trust_authority('two', pem('root') || pem('root'))$$);
SELECT refusal($$SELECT seoulchain.trust_authority('none', NULL::bytea)$$);
SELECT refusal($$INSERT INTO members.authority VALUES ('root', convert_to(pem('root'), 'UTF8'), 'adore')$$);
SELECT refusal($$INSERT INTO members.authority VALUES ('root', convert_to(pem('root'), 'UTF8'), 'distrust')$$);
SELECT refusal($$SELECT seoulchain.add_crl('root', pem('root'))$$);
SELECT refusal($$SELECT seoulchain.add_crl('root', NULL::bytea)$$);
SELECT refusal($$INSERT INTO members.crl VALUES ('other', NULL)$$);
SELECT seoulchain.distrust_authority('root') IS NOT NULL AS numbered;
SELECT refusal($$SELECT seoulchain.distrust_authority('root')$$);

-- how things stand
SELECT chain, member, kind, name, state, since IS NOT NULL AS since, why, good_keys FROM seoulchain.members ORDER BY member;
SELECT member, key, algorithm, certificate, state, regexp_replace(why, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+\d\d|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+[+-]\d\d', 'TIME') AS why,
	compromised_since IS NOT NULL AS compromised, until IS NULL AS open FROM seoulchain.member_keys ORDER BY 1, 2;
SELECT key, state FROM seoulchain.member_keys('main', 'tax') ORDER BY registered_at;

-- renamed and moved, it is found; without an index it says so
BEGIN;
ALTER SCHEMA members RENAME TO people;
ALTER TABLE people.key RENAME TO pubkey;
ALTER TABLE people.pubkey RENAME COLUMN member TO whose;
ALTER INDEX people.key_pkey RENAME TO other_name;
ALTER TABLE people.status SET SCHEMA public;
SELECT seoulchain.add_key('kim', 'new', '\xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025') IS NOT NULL AS numbered;
SELECT count(*) FROM seoulchain.member_keys('main', 'kim');
DROP INDEX public.status_member_idx;
SELECT refusal($$SELECT * FROM seoulchain.member_keys('main', 'kim')$$);
CREATE INDEX ON public.status (member, action);
SELECT count(*) FROM seoulchain.member_keys('main', 'kim');
DROP TABLE public.status;
SELECT refusal($$SELECT * FROM seoulchain.member_keys('main', 'kim')$$);
SELECT refusal($$SELECT seoulchain.suspend_key('kim', 'card', 'lost')$$);
ROLLBACK;

-- rights: whoever may INSERT, and nobody else
CREATE ROLE member_registrar;
CREATE ROLE member_stranger;
GRANT USAGE ON SCHEMA members TO member_registrar;
GRANT INSERT, SELECT ON members.member, members.key TO member_registrar;
SET ROLE member_stranger;
SELECT refusal($$SELECT seoulchain.install_members('main', 'mine')$$);
SELECT refusal($$SELECT seoulchain.register_member('choi', 'citizen')$$);
SELECT refusal($$SELECT * FROM seoulchain.members$$);
SET ROLE member_registrar;
SELECT seoulchain.register_member('choi', 'citizen') IS NOT NULL AS numbered;
SELECT seoulchain.add_key('choi', 'k', '\xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025') IS NOT NULL AS numbered;
SELECT refusal($$SELECT seoulchain.suspend_key('choi', 'k', 'lost')$$);
RESET ROLE;
DROP OWNED BY member_registrar, member_stranger;
DROP ROLE member_registrar, member_stranger;

-- a row that a trigger takes away is no silent success
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER a_swallow BEFORE INSERT ON members.member FOR EACH ROW EXECUTE FUNCTION swallow();
SELECT refusal($$SELECT seoulchain.register_member('jung', 'citizen')$$);
DROP TRIGGER a_swallow ON members.member;

-- what was refused left nothing, what was accepted is sealed and intact
SELECT seoulchain.seal() >= 0 AS sealed;
SELECT * FROM seoulchain.verify();
SELECT bool_and(ledger_time IS NOT NULL) AS timed FROM members.status;

-- the tests that follow find nothing of this
SET client_min_messages = warning;
DROP SCHEMA members CASCADE;
DROP TABLE before_members, plain, pem, trip;
DROP FUNCTION refusal, swallow, pem;
