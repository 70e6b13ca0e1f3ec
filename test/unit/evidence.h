/*
 * evidence.h
 *	  The standard chain and directory of evidence of tests that run seoulchain-verify on them.
 *
 * The standard chain: a registry, a rule, the members kim and lee with a key
 * each, and a row that kim signed.
 */
#ifndef TEST_EVIDENCE_H
#define TEST_EVIDENCE_H

#include "chain.h"

#include <sodium.h>

#include "core/payload.h"
#include "core/value.h"
#include "sign/jws.h"

#define TABLE "usedcar.inspection"

static ScSigningKey log_key;
static ScSigningKey witness_key;
static char log_vkey[512];
static char witness_vkey[512];

typedef struct Person
{
	uint8_t		public[32];
	uint8_t		secret[64];
} Person;

static Person kim;
static Person lee;

/* the standard leaves */
static uint64_t members_event;
static uint64_t rule_event;
static uint64_t member_kim;
static uint64_t key_kim;
static uint64_t member_lee;
static uint64_t key_lee;
static uint64_t row;

static inline void
put_json(ScBuf *buf, const char *name, const char *value)
{
	if (buf->len > 0 && buf->data[buf->len - 1] != '{')
		sc_buf_char(buf, ',');
	sc_json_string(buf, name, strlen(name));
	sc_buf_char(buf, ':');
	sc_json_string(buf, value, strlen(value));
}

static inline uint64_t
put_leaf(ScBuf *buf)
{
	uint64_t	index = chain_leaf(sc_buf_cstr(buf));

	sc_buf_free(buf);
	return index;
}

/* a row's leaf; `pairs` are names and values in order, time NULL for none, `digest` names the column that stands under digests */
static inline void
row_text(ScBuf *buf, const char *table, const char *const *pairs, const char *time, const char *digest)
{
	const char *long_value = NULL;
	ScHash		hash;

	sc_buf_literal(buf, "{\"chain\":\"" ORIGIN "\",\"columns\":{");
	for (int i = 0; pairs[i]; i += 2)
	{
		if (digest && strcmp(pairs[i], digest) == 0)
			long_value = pairs[i + 1];
		else if (pairs[i + 1])
			put_json(buf, pairs[i], pairs[i + 1]);
	}
	sc_buf_char(buf, '}');
	if (long_value)
	{
		sc_hash_bytes(&hash, long_value, strlen(long_value));
		sc_buf_literal(buf, ",\"digests\":{");
		sc_json_string(buf, digest, strlen(digest));
		sc_buf_literal(buf, ":{\"bytes\":\"");
		sc_buf_uint64(buf, strlen(long_value));
		sc_buf_literal(buf, "\",\"sha256\":\"");
		sc_buf_hex(buf, hash.bytes, SC_HASH_LEN);
		sc_buf_literal(buf, "\"}}");
	}
	sc_buf_literal(buf, ",\"seq\":\"");
	sc_buf_uint64(buf, (uint64_t) chain_size + 1);
	sc_buf_literal(buf, "\",\"table\":");
	sc_json_string(buf, table, strlen(table));
	if (time)
		put_json(buf, "time", time);
	sc_buf_char(buf, '}');
}

static inline uint64_t
put_row(const char *table, const char *const *pairs, const char *time)
{
	ScBuf		buf = SC_BUF_INIT;

	row_text(&buf, table, pairs, time, NULL);
	return put_leaf(&buf);
}
#define ROW(table, time, ...) put_row(table, (const char *const[]) {__VA_ARGS__, NULL}, time)

static inline uint64_t
put_event(const char *table, const char *event)
{
	ScBuf		buf = SC_BUF_INIT;

	sc_buf_literal(&buf, "{\"chain\":\"" ORIGIN "\",\"event\":");
	sc_buf_string(&buf, event);
	sc_buf_literal(&buf, ",\"seq\":\"");
	sc_buf_uint64(&buf, (uint64_t) chain_size + 1);
	sc_buf_char(&buf, '"');
	if (table)
		put_json(&buf, "table", table);
	sc_buf_char(&buf, '}');
	return put_leaf(&buf);
}

/* the DER SubjectPublicKeyInfo of an Ed25519 key */
static inline void
spki_of(uint8_t spki[44], const Person *person)
{
	static const uint8_t head[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

	memcpy(spki, head, sizeof(head));
	memcpy(spki + sizeof(head), person->public, 32);
}

static inline uint64_t
put_key(const char *table, const char *member, const char *name, const Person *person, const char *replaces, const char *time,
		bool digest)
{
	uint8_t		spki[44];
	ScBuf		text = SC_BUF_INIT;
	ScBuf		hex = SC_BUF_INIT;
	ScBuf		leaf = SC_BUF_INIT;
	ScHash		hash;

	spki_of(spki, person);
	sc_hash_bytes(&hash, spki, sizeof(spki));
	sc_value_bytea_text(&text, spki, sizeof(spki));
	sc_buf_hex(&hex, hash.bytes, SC_HASH_LEN);
	{
		const char *pairs[] = {"algorithm", "EdDSA", "key", name, "member", member, "public_key", sc_buf_cstr(&text),
			"replaces", replaces, "thumbprint", sc_buf_cstr(&hex), NULL};

		row_text(&leaf, table, pairs, time, digest ? "public_key" : NULL);
	}
	sc_buf_free(&text);
	sc_buf_free(&hex);
	return put_leaf(&leaf);
}

static const char *const signed_columns[] = {"car", "inspector", "km", "nonce"};

/* the JWS of a row's signed columns */
static inline void
sign(ScBuf *jws, const char *leaf_text, const char *header, const Person *person)
{
	ScBuf		payload = SC_BUF_INIT;
	ScBuf		header64 = SC_BUF_INIT;
	ScBuf		input = SC_BUF_INIT;
	uint8_t		signature[64];
	ScLeaf		leaf;

	CHECK_STATUS(sc_leaf_parse(&leaf, leaf_text, strlen(leaf_text)), SC_OK);
	CHECK_STATUS(sc_payload_format(&payload, &leaf, signed_columns, 4), SC_OK);
	sc_leaf_free(&leaf);
	sc_buf_base64url(&header64, header, strlen(header));
	sc_jws_signing_input(&input, header64.data, header64.len, payload.data, payload.len);
	crypto_sign_detached(signature, NULL, (const unsigned char *) input.data, input.len, person->secret);
	sc_buf_append(jws, header64.data, header64.len);
	sc_buf_literal(jws, "..");
	sc_buf_base64url(jws, signature, 64);
	sc_buf_free(&payload);
	sc_buf_free(&header64);
	sc_buf_free(&input);
}

#define HEADER "{\"alg\":\"EdDSA\",\"typ\":\"seoulchain-row+jws\"}"

/* a row signed by somebody in the name of `signer` */
static inline uint64_t
put_signed(const char *signer, const Person *person, const char *header, const char *time, bool digest, ScBuf *jws_out)
{
	ScBuf		jws = SC_BUF_INIT;
	ScBuf		leaf = SC_BUF_INIT;
	const char *pairs[] = {"car", "KMHEM42APXA000001", "inspector", signer, "km", "48210", "nonce", "7f3a", "signature", NULL, NULL};

	row_text(&leaf, TABLE, pairs, time, NULL);
	sign(&jws, sc_buf_cstr(&leaf), header, person);
	sc_buf_free(&leaf);
	pairs[9] = sc_buf_cstr(&jws);
	row_text(&leaf, TABLE, pairs, time, digest ? "signature" : NULL);
	if (jws_out)
		*jws_out = jws;
	else
		sc_buf_free(&jws);
	return put_leaf(&leaf);
}

#define MEMBERS "{\"tables\":{\"authority\":\"members.authority\",\"crl\":\"members.crl\",\"delegation\":\"members.delegation\"," \
	"\"key\":\"members.key\",\"member\":\"members.member\",\"status\":\"members.status\"},\"type\":\"members\"}"
#define RULE "{\"columns\":[\"car\",\"inspector\",\"km\",\"nonce\"],\"signature\":\"signature\",\"signer\":\"inspector\",\"type\":\"signature\"}"
#define ROW_TIME "2026-03-02 10:00:00+00"

/* the chain's and the table's events */
static inline void
begin_registry(void)
{
	chain_free();
	(void) put_event(NULL, "{\"format\":\"1\",\"id\":\"00\",\"type\":\"genesis\"}");
	members_event = put_event(NULL, MEMBERS);
	rule_event = put_event(TABLE, RULE);
}

/* everything before the row */
static inline void
begin_chain(void)
{
	begin_registry();
	member_kim = ROW("members.member", "2026-03-01 09:00:00+00", "kind", "clerk", "member", "kim");
	key_kim = put_key("members.key", "kim", "k1", &kim, NULL, "2026-03-01 09:00:01+00", false);
	member_lee = ROW("members.member", "2026-03-01 09:00:02+00", "kind", "clerk", "member", "lee");
	key_lee = put_key("members.key", "lee", "k1", &lee, NULL, "2026-03-01 09:00:03+00", false);
}

static inline void
standard_chain(void)
{
	begin_chain();
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
}

static inline uint64_t
put_status(const char *member, const char *key, const char *action, const char *since, const char *time)
{
	return ROW("members.status", time, "action", action, "compromised_since", since, "key", key, "member", member, "reason", "card lost");
}

/* an empty directory e */
static inline void
empty_directory(void)
{
	char		command[256];

	snprintf(command, sizeof(command), "rm -rf %s/e && mkdir %s/e", folder, folder);
	if (system(command) != 0)
		abort();
}

static inline void
put_receipt(const char *name, uint64_t index)
{
	ScBuf		buf = SC_BUF_INIT;
	char		path[128];

	receipt(&buf, index, &log_key, &witness_key);
	snprintf(path, sizeof(path), "e/%s", name);
	write_buf(path, &buf);
}

/* the files that every piece of evidence has */
static inline void
standard_files(void)
{
	empty_directory();
	put_receipt("row.receipt", row);
	put_receipt("rule.receipt", rule_event);
	put_receipt("members.receipt", members_event);
	put_receipt("member.receipt", member_kim);
	put_receipt("key.receipt", key_kim);
}

/* exit code and words */
static inline bool
judged(int code, const char *words)
{
	int			found = run_key(log_vkey, "e");

	if (found != code || !says(words))
		fprintf(stderr, "exit %d, expected %d and \"%s\":\n%s", found, code, words, output);
	return found == code && says(words);
}

/* a checkpoint of an earlier size, cosigned at a time of POSIX seconds, and how it goes on */
static inline void
put_checkpoint(uint64_t size, uint64_t seconds, bool consistency)
{
	ScCheckpoint c = {.size = size};
	ScBuf		text = SC_BUF_INIT;
	ScBuf		note = SC_BUF_INIT;
	char		name[64];

	strcpy(c.origin, ORIGIN);
	root_of(&c.root, size);
	sc_checkpoint_format(&text, &c);
	sc_buf_append(&note, text.data, text.len);
	sc_buf_char(&note, '\n');
	CHECK_STATUS(sc_key_sign_note(&note, &witness_key, text.data, text.len, seconds), SC_OK);
	snprintf(name, sizeof(name), "e/checkpoint-%d", (int) size);
	write_buf(name, &note);
	sc_buf_free(&text);
	snprintf(name, sizeof(name), "e/consistency-%d", (int) size);
	if (consistency)
		write_proof(name, size, (uint64_t) chain_size, false);
}

static inline bool
evidence_begin(int argc, char **argv)
{
	chain_begin(argc, argv);
	if (sodium_init() < 0)
		return false;
	make_key(&log_key, ORIGIN, SC_KEY_ED25519, log_vkey);
	make_key(&witness_key, "seoul.go.kr/city-hall", SC_KEY_COSIGNATURE, witness_vkey);
	crypto_sign_keypair(kim.public, kim.secret);
	crypto_sign_keypair(lee.public, lee.secret);
	return true;
}

#endif							/* TEST_EVIDENCE_H */
