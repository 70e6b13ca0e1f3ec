/*
 * test_evidence.c
 *	  seoulchain-verify on directories of evidence, as a user runs it: answers, exit codes, and evidence that lies.
 *
 * Each case builds a chain of a few leaves with real signatures, writes the
 * directory, and runs the program.  The standard chain: a registry, a rule,
 * the members kim and lee with a key each, and a row that kim signed.
 */
#include "chain.h"
#include "pki.h"

#include <sodium.h>
#include <sys/stat.h>

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

static void
put_json(ScBuf *buf, const char *name, const char *value)
{
	if (buf->len > 0 && buf->data[buf->len - 1] != '{')
		sc_buf_char(buf, ',');
	sc_json_string(buf, name, strlen(name));
	sc_buf_char(buf, ':');
	sc_json_string(buf, value, strlen(value));
}

static uint64_t
put_leaf(ScBuf *buf)
{
	uint64_t	index = chain_leaf(sc_buf_cstr(buf));

	sc_buf_free(buf);
	return index;
}

/* a row's leaf; `pairs` are names and values in order, time NULL for none, `digest` names the column that stands under digests */
static void
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

static uint64_t
put_row(const char *table, const char *const *pairs, const char *time)
{
	ScBuf		buf = SC_BUF_INIT;

	row_text(&buf, table, pairs, time, NULL);
	return put_leaf(&buf);
}
#define ROW(table, time, ...) put_row(table, (const char *const[]) {__VA_ARGS__, NULL}, time)

static uint64_t
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
static void
spki_of(uint8_t spki[44], const Person *person)
{
	static const uint8_t head[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

	memcpy(spki, head, sizeof(head));
	memcpy(spki + sizeof(head), person->public, 32);
}

static uint64_t
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
static void
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
static uint64_t
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
static void
begin_registry(void)
{
	chain_free();
	(void) put_event(NULL, "{\"format\":\"1\",\"id\":\"00\",\"type\":\"genesis\"}");
	members_event = put_event(NULL, MEMBERS);
	rule_event = put_event(TABLE, RULE);
}

/* everything before the row */
static void
begin_chain(void)
{
	begin_registry();
	member_kim = ROW("members.member", "2026-03-01 09:00:00+00", "kind", "clerk", "member", "kim");
	key_kim = put_key("members.key", "kim", "k1", &kim, NULL, "2026-03-01 09:00:01+00", false);
	member_lee = ROW("members.member", "2026-03-01 09:00:02+00", "kind", "clerk", "member", "lee");
	key_lee = put_key("members.key", "lee", "k1", &lee, NULL, "2026-03-01 09:00:03+00", false);
}

static void
standard_chain(void)
{
	begin_chain();
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
}

static uint64_t
put_status(const char *member, const char *key, const char *action, const char *since, const char *time)
{
	return ROW("members.status", time, "action", action, "compromised_since", since, "key", key, "member", member, "reason", "card lost");
}

/* an empty directory e */
static void
empty_directory(void)
{
	char		command[256];

	snprintf(command, sizeof(command), "rm -rf %s/e && mkdir %s/e", folder, folder);
	if (system(command) != 0)
		abort();
}

static void
put_receipt(const char *name, uint64_t index)
{
	ScBuf		buf = SC_BUF_INIT;
	char		path[128];

	receipt(&buf, index, &log_key, &witness_key);
	snprintf(path, sizeof(path), "e/%s", name);
	write_buf(path, &buf);
}

/* the files that every piece of evidence has */
static void
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
static bool
judged(int code, const char *words)
{
	int			found = run_key(log_vkey, "e");

	if (found != code || !says(words))
		fprintf(stderr, "exit %d, expected %d and \"%s\":\n%s", found, code, words, output);
	return found == code && says(words);
}

static void
test_valid(void)
{
	standard_chain();
	standard_files();
	CHECK(judged(0, "e: VERIFIED"));
	CHECK(says("Answer: valid (in_force)") && says("signer         kim") && says("k1, Ed25519") &&
		  says("registered at  2026-03-01 09:00:01+00 (leaf 4)") && says("signed         car, inspector, km, nonce") &&
		  says("not signed     signature") && says("car = KMHEM42APXA000001") && says("Not known:"));
	CHECK(run("e") == 2 && says("NOBODY VOUCHES") && says("no key and no policy") && says("Answer: valid"));
	CHECK(run_key(log_vkey, "e/") == 0);
	CHECK(run_key(log_vkey, "e e") == 3 && says("judged alone"));
	CHECK(run_key(log_vkey, "e e/row.receipt") == 3 && says("judged alone"));
	CHECK(run_key(log_vkey, "-s e/row.receipt e") == 3 && says("judged alone"));
	CHECK(run_key(log_vkey, "e > /dev/full") == 3);
}

/* a row just before and just after the end of a key, by a microsecond */
static void
test_ends(void)
{
	static const struct
	{
		const char *time;		/* of the revocation */
		bool		before;		/* it stands before the row in the tree */
		int			code;
		const char *words;
	}			cases[] = {
		{"2026-03-02 10:00:00.000001+00", false, 0, "valid (in_force)"},
		{"2026-03-02 10:00:00+00", false, 0, "valid (in_force)"},
		{"2026-03-02 09:59:59.999999+00", false, 5, "undecided (sealed_before_end)"},
		{"2026-03-02 10:00:00.000001+00", true, 5, "undecided (sealed_after_end)"},
		{"2026-03-02 10:00:00+00", true, 1, "invalid (ended)"},
		{"2026-03-02 09:59:59.999999+00", true, 1, "invalid (ended)"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		for (int whole = 0; whole < 2; whole++)
		{
			uint64_t	status = 0;

			begin_chain();
			if (cases[i].before)
				status = put_status("kim", whole ? NULL : "k1", "revoke", NULL, cases[i].time);
			row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
			if (!cases[i].before)
				status = put_status("kim", whole ? NULL : "k1", "revoke", NULL, cases[i].time);
			standard_files();
			put_receipt("status-1.receipt", status);
			CHECK(judged(cases[i].code, cases[i].words));
			CHECK(says("revoke of the") && says("card lost"));

			/* the same record twice changes nothing */
			put_receipt("status-2.receipt", status);
			CHECK(judged(cases[i].code, cases[i].words));
		}
	}
	CHECK(says("NOT TRUE") && says("see status-1.receipt"));

	/* somebody else's, or another key's */
	begin_chain();
	(void) put_status("lee", NULL, "revoke", NULL, "2026-03-01 12:00:00+00");
	(void) put_status("kim", "k0", "revoke", NULL, "2026-03-01 12:00:00+00");
	(void) put_status("kim", "k1", "burn", NULL, "2026-03-01 12:00:00+00");
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	put_receipt("status-1.receipt", 7);
	put_receipt("status-2.receipt", 8);
	CHECK(judged(0, "2 of the files say nothing"));
	put_receipt("status-3.receipt", 9);
	CHECK(judged(1, "neither suspends"));
}

static void
test_suspended(void)
{
	uint64_t	suspended;
	uint64_t	resumed;

	begin_chain();
	suspended = put_status("kim", "k1", "suspend", NULL, "2026-03-02 08:00:00+00");
	resumed = put_status("kim", "k1", "resume", NULL, "2026-03-02 09:00:00+00");
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	put_receipt("status-1.receipt", suspended);
	CHECK(judged(1, "invalid (suspended)"));
	put_receipt("status-2.receipt", resumed);
	CHECK(judged(0, "valid (in_force)"));
	/* a resumption of the member does not resume the key */
	begin_chain();
	suspended = put_status("kim", "k1", "suspend", NULL, "2026-03-02 08:00:00+00");
	resumed = put_status("kim", NULL, "resume", NULL, "2026-03-02 09:00:00+00");
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	put_receipt("status-1.receipt", suspended);
	put_receipt("status-2.receipt", resumed);
	CHECK(judged(1, "invalid (suspended)"));
}

/* the policy of one log and one witness, who has to sign */
static int
run_policy(const char *arguments)
{
	char		text[2048];
	int			n = snprintf(text, sizeof(text), "log %s\nwitness hall %s\nquorum hall\n", log_vkey, witness_vkey);

	write_file("policy", text, (size_t) n);
	snprintf(text, sizeof(text), "--policy policy %s", arguments);
	return run(text);
}

/* a checkpoint of an earlier size, cosigned at a time of POSIX seconds, and how it goes on */
static void
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

static void
test_compromised(void)
{
	uint64_t	status;

	standard_chain();
	status = put_status("kim", "k1", "revoke", "2026-03-02 09:00:00+00", "2026-03-03 10:00:00+00");
	standard_files();
	put_receipt("status-1.receipt", status);
	CHECK(judged(4, "e: DOUBTFUL") && says("doubtful (compromised)") && says("since 2026-03-02 09:00:00+00"));

	/* before the compromise: who trusts the origin alone has its word; who names a witness wants to see it */
	standard_chain();
	status = put_status("kim", "k1", "revoke", "2026-03-02 11:00:00+00", "2026-03-03 10:00:00+00");
	standard_files();
	put_receipt("status-1.receipt", status);
	CHECK(judged(0, "valid (in_force)"));
}

/* outside times: the cosigned checkpoint that first holds the row */
static void
test_outside(void)
{
	uint64_t	status;

	/* the receipts' own checkpoint is cosigned long before the row's time: a clock went wrong */
	standard_chain();
	standard_files();
	CHECK(run_policy("e") == 5 && says("undecided (time_refuted)"));

	/* a later row, so that the receipts' cosignature (2025-12-31) is not in the way */
	begin_registry();
	member_kim = ROW("members.member", "2025-03-01 09:00:00+00", "kind", "clerk", "member", "kim");
	key_kim = put_key("members.key", "kim", "k1", &kim, NULL, "2025-03-01 09:00:01+00", false);
	row = put_signed("kim", &kim, HEADER, "2025-03-02 10:00:00+00", false, NULL);
	status = put_status("kim", "k1", "revoke", "2025-03-02 11:00:00+00", "2025-03-03 10:00:00+00");
	standard_files();
	put_receipt("status-1.receipt", status);
	CHECK(judged(0, "valid (in_force)"));
	CHECK(run_policy("e") == 5 && says("undecided (not_shown_before)"));
	put_checkpoint(row + 1, 1740909605, false);
	CHECK(run_policy("e") == 3 && says("no consistency proof connects"));
	put_checkpoint(row + 1, 1740909605, true);
	CHECK(run_policy("e") == 0 && says("valid (shown_before)") && says("seen by        2025-03-02 10:00:06 UTC, says checkpoint-6"));
	put_checkpoint(row + 1, 1740913199, true);
	CHECK(run_policy("e") == 5 && says("not_shown_before"));

	/* a checkpoint without the row says nothing about it */
	empty_directory();
	standard_files();
	put_receipt("status-1.receipt", status);
	put_checkpoint(row, 1740909605, true);
	CHECK(run_policy("e") == 5 && says("not_shown_before"));

	/* one that lies, or is called by another size */
	put_checkpoint(row + 1, 1740909605, true);
	write_file("e/consistency-6", "", 0);
	CHECK(run_policy("e") == 1 && says("consistency-6: This proof does not connect"));
}

static void
test_delegation(void)
{
	static const struct
	{
		const char *tables;
		const char *until;
		bool		granted;	/* before the row */
		bool		ended;		/* before the row */
		int			code;
		const char *words;
	}			cases[] = {
		{"{usedcar.inspection}", "2026-12-31 00:00:00+00", true, false, 0, "valid (in_force)"},
		{"{other.table,usedcar.inspection}", "infinity", true, false, 0, "valid (in_force)"},
		{"{usedcar.inspection}", NULL, true, false, 1, "invalid (expired)"},
		{"{usedcar.inspection}", "2026-03-02 10:00:00+00", true, false, 1, "invalid (expired)"},
		{"{usedcar.inspection}", "2026-03-02 10:00:00.000001+00", true, false, 0, "valid"},
		{"{usedcar.inspection}", "never", true, false, 1, "is no time"},
		{"{other.table}", "2026-12-31 00:00:00+00", true, false, 5, "no delegation by the signer"},
		{"{\"usedcar.inspection#2\"}", "2026-12-31 00:00:00+00", true, false, 5, "no delegation by the signer"},
		{"{usedcar.inspection}", "2026-12-31 00:00:00+00", false, false, 1, "invalid (not_registered)"},
		{"{usedcar.inspection}", "2026-12-31 00:00:00+00", true, true, 1, "invalid (ended)"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		uint64_t	grant = 0;
		uint64_t	end = 0;

		begin_chain();
		if (cases[i].granted)
			grant = ROW("members.delegation", "2026-03-01 10:00:00+00", "action", "grant", "delegate", "lee", "member", "kim",
						"tables", cases[i].tables, "until", cases[i].until);
		if (cases[i].ended)
			end = ROW("members.delegation", "2026-03-01 11:00:00+00", "action", "end", "delegate", "lee", "member", "kim",
					  "tables", cases[i].tables);
		row = put_signed("kim", &lee, HEADER, ROW_TIME, false, NULL);
		if (!cases[i].granted)
			grant = ROW("members.delegation", "2026-03-03 10:00:00+00", "action", "grant", "delegate", "lee", "member", "kim",
						"tables", cases[i].tables, "until", cases[i].until);
		standard_files();
		put_receipt("key.receipt", key_lee);
		CHECK(judged(3, "no file delegate.receipt"));
		put_receipt("delegate.receipt", member_kim);
		CHECK(judged(1, "registration of another member"));
		put_receipt("delegate.receipt", member_lee);
		CHECK(judged(5, "undecided (not_shown)"));
		put_receipt("delegation-1.receipt", grant);
		if (cases[i].ended)
			put_receipt("delegation-2.receipt", end);
		CHECK(judged(cases[i].code, cases[i].words));
		if (cases[i].code == 0)
		{
			uint64_t	status;

			CHECK(says("signed by      lee, a delegate"));

			/* the delegate's own revocation counts, and so does the signer's */
			begin_chain();
			grant = ROW("members.delegation", "2026-03-01 10:00:00+00", "action", "grant", "delegate", "lee", "member", "kim",
						"tables", cases[i].tables, "until", cases[i].until);
			status = put_status(i == 0 ? "lee" : "kim", NULL, "revoke", NULL, "2026-03-01 12:00:00+00");
			row = put_signed("kim", &lee, HEADER, ROW_TIME, false, NULL);
			standard_files();
			put_receipt("key.receipt", key_lee);
			put_receipt("delegate.receipt", member_lee);
			put_receipt("delegation-1.receipt", grant);
			put_receipt("status-1.receipt", status);
			CHECK(judged(1, "invalid (ended)"));
		}
	}
}

static void
test_rotation(void)
{
	uint64_t	successor;
	uint64_t	other;

	begin_chain();
	successor = put_key("members.key", "kim", "k2", &lee, "k1", "2026-03-02 09:00:00+00", false);
	other = put_key("members.key", "lee", "k2", &lee, "k1", "2026-03-02 09:00:00+00", false);
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	put_receipt("successor.receipt", successor);
	CHECK(judged(1, "invalid (ended)") && says("see successor.receipt") && says("replaced at"));
	put_receipt("successor.receipt", other);
	CHECK(judged(0, "1 of the files says nothing"));
	standard_chain();
	successor = put_key("members.key", "kim", "k2", &lee, "k1", "2026-03-02 10:00:00.000001+00", false);
	standard_files();
	put_receipt("successor.receipt", successor);
	CHECK(judged(0, "valid (in_force)"));
}

/* registrations that are none: another member's, another table's, later than the row */
static void
test_registrations(void)
{
	uint64_t	fake;

	standard_chain();
	standard_files();
	put_receipt("key.receipt", key_lee);
	CHECK(judged(3, "no file delegate.receipt"));
	standard_files();
	put_receipt("member.receipt", member_lee);
	CHECK(judged(1, "member.receipt: It is the registration of another member."));

	/* a table that looks like the registry, and one that was made anew under its name */
	for (int i = 0; i < 3; i++)
	{
		static const char *const tables[] = {"members.key#2", "mymembers.key", "members.member"};

		begin_chain();
		fake = put_key(tables[i], "kim", "k1", &lee, NULL, "2026-03-01 09:30:00+00", false);
		row = put_signed("kim", &lee, HEADER, ROW_TIME, false, NULL);
		standard_files();
		put_receipt("key.receipt", fake);
		CHECK(judged(1, "key.receipt: It is no row of the table in which this chain keeps such records."));
	}
	standard_chain();
	fake = put_key("members.key", "kim", "k2", &kim, NULL, "2026-03-01 09:30:00+00", false);
	standard_files();
	put_receipt("key.receipt", fake);
	CHECK(judged(1, "invalid (not_registered)"));
	begin_chain();
	fake = put_key("members.key", "kim", "k2", &kim, NULL, "2026-03-02 10:00:00.000001+00", false);
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	put_receipt("key.receipt", fake);
	CHECK(judged(1, "invalid (not_registered)"));

	/* members.receipt and rule.receipt are what they have to be */
	standard_files();
	put_receipt("members.receipt", rule_event);
	CHECK(judged(1, "no event of type \"members\""));
	standard_files();
	put_receipt("rule.receipt", members_event);
	CHECK(judged(1, "no event of type \"signature\""));
	put_receipt("rule.receipt", row);
	CHECK(judged(1, "no event of type \"signature\""));
	standard_files();
	put_receipt("row.receipt", rule_event);
	CHECK(judged(1, "It is no row."));
	put_receipt("row.receipt", member_lee);
	CHECK(judged(1, "This rule is another table's."));
}

static void
test_rules(void)
{
	/* a rule that came after the row, and one of the table's namesake */
	standard_chain();
	rule_event = put_event(TABLE, RULE);
	standard_files();
	CHECK(judged(5, "undecided (before_rule)"));

	/* nor did it ask for the columns that it names: who shows it has not shown that the ledger took a bad signature */
	rule_event = put_event(TABLE, "{\"columns\":[\"car\",\"km\"],\"signature\":\"signature\",\"signer\":\"inspector\",\"type\":\"signature\"}");
	standard_files();
	CHECK(judged(5, "undecided (before_rule)"));
	rule_event = put_event(TABLE "#2", RULE);
	standard_files();
	CHECK(judged(1, "another table's"));
	rule_event = put_event(TABLE, "{\"columns\":\"car\",\"signature\":\"signature\",\"signer\":\"inspector\",\"type\":\"signature\"}");
	standard_files();
	CHECK(judged(1, "does not say which columns"));
	begin_chain();
	rule_event = put_event(TABLE, "{\"columns\":[\"car\",\"km\"],\"signature\":\"signature\",\"signer\":\"inspector\",\"type\":\"signature\"}");
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	CHECK(judged(1, "invalid (bad_signature)"));
	CHECK(judged(1, "by the rule and key that were shown its signature is not valid"));
	CHECK(judged(1, "Not known: whether another key of the signer, or a later rule of the table before the row, makes the signature good."));

	/* a row that names no time, no signer, no signature */
	begin_chain();
	row = put_signed("kim", &kim, HEADER, NULL, false, NULL);
	standard_files();
	CHECK(judged(5, "undecided (no_time)"));
	begin_chain();
	row = put_signed("kim", &kim, HEADER, "yesterday", false, NULL);
	standard_files();
	CHECK(judged(5, "undecided (no_time)"));
	row = ROW(TABLE, ROW_TIME, "car", "KMHEM42APXA000001", "inspector", "kim");
	standard_files();
	CHECK(judged(1, "It holds no signature."));
	row = ROW(TABLE, ROW_TIME, "car", "KMHEM42APXA000001");
	standard_files();
	CHECK(judged(1, "It names no signer."));
}

static void
test_signatures(void)
{
	static const struct
	{
		const char *header;
		int			code;
		const char *words;
	}			cases[] = {
		{"{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"seoulchain-row+jws\"}", 0, "valid"},
		{"{\"alg\":\"EdDSA\",\"kid\":\"k2\",\"typ\":\"seoulchain-row+jws\"}", 1, "bad_signature"},
		{"{\"alg\":\"none\",\"typ\":\"seoulchain-row+jws\"}", 1, "bad_signature"},
		{"{\"alg\":\"ES256\",\"typ\":\"seoulchain-row+jws\"}", 1, "bad_signature"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", 1, "bad_signature"},
		{"{\"alg\":\"EdDSA\",\"crit\":[\"b64\"],\"typ\":\"seoulchain-row+jws\"}", 1, "bad_signature"},
	};
	ScBuf		jws = SC_BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		begin_chain();
		row = put_signed("kim", &kim, cases[i].header, ROW_TIME, false, NULL);
		standard_files();
		CHECK(judged(cases[i].code, cases[i].words));
	}
	begin_chain();
	row = put_signed("kim", &lee, HEADER, ROW_TIME, false, NULL);
	standard_files();
	CHECK(judged(1, "invalid (bad_signature)"));

	/* beside the row, because the row has its digest only */
	begin_chain();
	row = put_signed("kim", &kim, HEADER, ROW_TIME, true, &jws);
	standard_files();
	CHECK(judged(3, "no file row.jws"));
	write_file("e/row.jws", jws.data, jws.len);
	CHECK(judged(0, "valid"));
	sc_buf_char(&jws, '\n');
	write_file("e/row.jws", jws.data, jws.len);
	CHECK(judged(0, "valid"));
	jws.data[3] ^= 1;
	write_file("e/row.jws", jws.data, jws.len);
	CHECK(judged(1, "row.jws: It is not the signature that the row holds."));
	sc_buf_free(&jws);
}

/* a key that the ledger has by its digest */
static void
test_key_file(void)
{
	uint8_t		spki[44];

	begin_chain();
	key_kim = put_key("members.key", "kim", "k9", &kim, NULL, "2026-03-01 09:00:01+00", true);
	row = put_signed("kim", &kim, HEADER, ROW_TIME, false, NULL);
	standard_files();
	CHECK(judged(3, "no file key.spki"));
	spki_of(spki, &lee);
	write_file("e/key.spki", (const char *) spki, sizeof(spki));
	CHECK(judged(1, "key.spki: It is not what the ledger recorded."));
	spki_of(spki, &kim);
	write_file("e/key.spki", (const char *) spki, sizeof(spki));
	CHECK(judged(0, "valid"));
	write_file("e/key.spki", "", 0);
	CHECK(judged(1, "key.spki: It is not what the ledger recorded."));
}

/* a shell command in the test's folder */
static void
shell(const char *command)
{
	char		text[1024];

	snprintf(text, sizeof(text), "cd %s && { %s ; }", folder, command);
	if (system(text) != 0)
		abort();
}

static void
test_files(void)
{
	static const char *const needed[] = {"row.receipt", "rule.receipt", "members.receipt", "member.receipt", "key.receipt"};

	standard_chain();
	for (size_t i = 0; i < 5; i++)
	{
		char		command[128];

		standard_files();
		snprintf(command, sizeof(command), "rm e/%s", needed[i]);
		shell(command);
		CHECK(judged(3, needed[i]));
	}
	standard_files();
	shell("touch e/README 'e/row.receipt~' e/status-01.receipt e/status-.receipt e/status-x.receipt e/STATUS-1.receipt e/.hidden; mkdir e/folder");
	CHECK(judged(0, "Not read: 8 files whose names mean nothing here"));
	standard_files();
	shell("touch $(printf 'e/\\033]0;red')");
	CHECK(judged(0, "such as \\u{1b}]0;red") && !says("\x1b"));
	standard_files();
	shell("mv e/row.receipt r && ln -s ../r e/row.receipt");
	CHECK(judged(3, "row.receipt: It is a symbolic link"));
	standard_files();
	shell("rm e/key.receipt && mkfifo e/key.receipt");
	CHECK(judged(3, "key.receipt: It is not a regular file."));
	standard_files();
	shell("mkdir e/status-1.receipt");
	CHECK(judged(3, "status-1.receipt: It is not a regular file."));
	standard_files();
	shell("ln -s /dev/zero e/crl-1.der");
	CHECK(judged(3, "crl-1.der: It is a symbolic link"));
	standard_files();
	shell("truncate -s 1G e/status-1.receipt");
	CHECK(judged(3, "status-1.receipt: It is too large"));
	standard_files();
	shell("truncate -s 65M e/crl-1.der");
	CHECK(judged(3, "crl-1.der: It is too large"));
	standard_files();
	shell("for i in $(seq 1100); do : > e/status-$i.receipt; done");
	CHECK(judged(3, "more than 1,024 files"));
	standard_files();
	shell("cp e/row.receipt e/status-1.receipt");
	CHECK(judged(1, "status-1.receipt: It is no row of the table"));
	standard_files();
	shell("echo rubbish > e/status-1.receipt");
	CHECK(judged(1, "status-1.receipt: "));
	standard_files();
	shell("cp e/row.receipt e/checkpoint-3");
	CHECK(judged(1, "checkpoint-3: This is no checkpoint."));
	standard_files();
	put_checkpoint(5, 1772445600, true);
	shell("mv e/checkpoint-5 e/checkpoint-6; mv e/consistency-5 e/consistency-6");
	CHECK(judged(1, "checkpoint-6: Its name says another size"));
	standard_files();
	shell("echo x > e/timestamp-99-1.tsr");
	CHECK(judged(3, "no checkpoint of the size"));
	empty_directory();
	CHECK(judged(3, "There is no file row.receipt."));
}

/* receipts of two sizes, of two histories, of two chains */
static void
test_histories(void)
{
	ScBuf		buf = SC_BUF_INIT;
	int			size;

	standard_chain();
	standard_files();
	put_receipt("key.receipt", key_kim);
	size = chain_size;
	(void) put_status("lee", NULL, "suspend", NULL, ROW_TIME);
	put_receipt("row.receipt", row);
	CHECK(judged(3, "no consistency proof connects"));
	write_proof("e/consistency-8", (uint64_t) size, (uint64_t) chain_size, false);
	CHECK(judged(0, "valid (in_force)"));
	write_proof("e/consistency-8", (uint64_t) size - 1, (uint64_t) chain_size, false);
	CHECK(judged(1, "consistency-8: This proof does not connect"));

	/* another history of the same size */
	standard_chain();
	standard_files();
	begin_chain();
	(void) put_status("lee", NULL, "suspend", NULL, ROW_TIME);
	put_receipt("key.receipt", key_kim);
	CHECK(judged(1, "PROOF: two different histories") && says("key.receipt: Its checkpoint has another root hash"));

	/* another chain's registry */
	standard_chain();
	standard_files();
	receipt(&buf, key_kim, &log_key, NULL);
	for (char *p = buf.data; (p = memchr(p, 's', (size_t) (buf.data + buf.len - p))) != NULL; p++)
	{
		if (buf.data + buf.len - p > (long) strlen(ORIGIN) && memcmp(p, ORIGIN "\n", strlen(ORIGIN) + 1) == 0)
			p[0] = 'S';
	}
	write_buf("e/key.receipt", &buf);
	CHECK(judged(1, "key.receipt: "));
	CHECK(!says("valid ("));
}

/* certificates: authorities and lists of the ledger, before and after the row */
typedef struct Pki
{
	PkiCert		root;
	PkiCert		signer;
} Pki;

#define PKI_TIME "2025-06-15 15:06:40+00"	/* PKI_EPOCH */

static char *
bytea_text(const PkiDer *der)
{
	ScBuf		buf = SC_BUF_INIT;

	sc_value_bytea_text(&buf, der->data, der->len);
	return (char *) sc_buf_cstr(&buf);
}

static uint64_t
put_digested(const char *table, const char *time, const char *digest, const char *const *pairs)
{
	ScBuf		buf = SC_BUF_INIT;

	row_text(&buf, table, pairs, time, digest);
	return put_leaf(&buf);
}

static void
put_der(const char *name, const PkiDer *der)
{
	write_file(name, (const char *) der->data, der->len);
}

/* the registry with kim's certificate; the row is signed with the certificate's Ed25519 key */
static void
certificate_chain(const Pki *pki, const PkiDer *crl_before, const char *row_time)
{
	char	   *root = bytea_text(&pki->root.der);
	char	   *certificate = bytea_text(&pki->signer.der);
	char	   *list = crl_before ? bytea_text(crl_before) : NULL;
	uint8_t		spki[44];
	ScBuf		text = SC_BUF_INIT;

	begin_registry();
	(void) put_digested("members.authority", "2025-06-01 00:00:00+00", "certificate",
						(const char *const[]) {"action", "trust", "authority", "gpki", "certificate", root, NULL});
	member_kim = ROW("members.member", "2025-06-01 00:00:01+00", "kind", "clerk", "member", "kim");
	spki_of(spki, &kim);
	sc_value_bytea_text(&text, spki, sizeof(spki));
	key_kim = put_digested("members.key", "2025-06-01 00:00:02+00", "certificate",
						   (const char *const[]) {"algorithm", "EdDSA", "certificate", certificate, "key", "card", "member", "kim",
							   "public_key", sc_buf_cstr(&text), NULL});
	sc_buf_free(&text);
	if (list)
		(void) put_digested("members.crl", "2025-06-02 00:00:00+00", "crl",
							(const char *const[]) {"authority", "gpki", "crl", list, NULL});
	row = put_signed("kim", &kim, HEADER, row_time, false, NULL);
	free(root);
	free(certificate);
	free(list);
}

static void
certificate_files(const Pki *pki)
{
	standard_files();
	put_der("e/key.der", &pki->signer.der);
	put_receipt("authority-1.receipt", 3);
	put_der("e/authority-1.der", &pki->root.der);
}

static void
test_certificates(void)
{
	EVP_PKEY   *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, kim.secret, 32);
	Pki			pki = {.root = pki_authority("Root", NULL)};
	PkiDer		crl;
	uint64_t	late;

	pki.signer = pki_issue(pkey, "kim", &pki.root, PKI_EPOCH - 100 * PKI_DAY, PKI_EPOCH + 100 * PKI_DAY,
						   NULL, "critical,digitalSignature", NULL, EVP_sha256());
	certificate_chain(&pki, NULL, PKI_TIME);
	certificate_files(&pki);
	CHECK(judged(0, "valid (in_force)") && says("card, Ed25519, certified"));
	shell("rm e/authority-1.receipt");
	CHECK(judged(5, "undecided (not_shown)"));
	certificate_files(&pki);
	shell("rm e/authority-1.der");
	CHECK(judged(3, "no .der file"));
	certificate_files(&pki);
	shell("cp e/key.der e/authority-1.der");
	CHECK(judged(1, "authority-1.der: It is not what the ledger recorded."));
	certificate_files(&pki);
	shell("rm e/key.der");
	CHECK(judged(3, "no file key.der"));

	/* at a time when it had run out */
	certificate_chain(&pki, NULL, "2026-06-15 15:06:40+00");
	certificate_files(&pki);
	CHECK(judged(1, "invalid (certificate)"));

	/* a list that the origin had, and one that came later */
	crl = pki_crl(&pki.root, &pki.signer, PKI_EPOCH - PKI_DAY, 1, 0, PKI_EPOCH - PKI_DAY, PKI_EPOCH + 30 * PKI_DAY);
	certificate_chain(&pki, &crl, PKI_TIME);
	certificate_files(&pki);
	put_receipt("crl-1.receipt", 6);
	put_der("e/crl-1.der", &crl);
	CHECK(judged(1, "invalid (certificate)"));
	certificate_chain(&pki, NULL, PKI_TIME);
	{
		char	   *list = bytea_text(&crl);

		late = put_digested("members.crl", "2025-06-20 00:00:00+00", "crl",
							(const char *const[]) {"authority", "gpki", "crl", list, NULL});
		free(list);
	}
	certificate_files(&pki);
	put_receipt("crl-1.receipt", late);
	put_der("e/crl-1.der", &crl);
	CHECK(judged(4, "doubtful (certificate_revoked_later)"));

	/* a list that a newer one replaced before the row */
	{
		PkiDer		newer = pki_crl(&pki.root, NULL, 0, -1, 0, PKI_EPOCH - PKI_DAY / 2, PKI_EPOCH + 30 * PKI_DAY);
		char	   *list = bytea_text(&newer);

		certificate_chain(&pki, &crl, PKI_TIME);
		chain_size--;			/* the row comes behind the newer list */
		sc_buf_free(&chain_leaves[chain_size]);
		late = put_digested("members.crl", "2025-06-03 00:00:00+00", "crl",
							(const char *const[]) {"authority", "gpki", "crl", list, NULL});
		row = put_signed("kim", &kim, HEADER, PKI_TIME, false, NULL);
		certificate_files(&pki);
		put_receipt("crl-1.receipt", 6);
		put_der("e/crl-1.der", &crl);
		CHECK(judged(1, "invalid (certificate)"));
		put_receipt("crl-2.receipt", late);
		put_der("e/crl-2.der", &newer);
		CHECK(judged(0, "valid (in_force)"));
		free(list);
		OPENSSL_free(newer.data);
	}
	OPENSSL_free(crl.data);

	/* the last word about an authority counts: taken back before the row, only a helper, or trusted after it */
	certificate_chain(&pki, NULL, PKI_TIME);
	{
		uint64_t	word;

		chain_size--;
		sc_buf_free(&chain_leaves[chain_size]);
		word = ROW("members.authority", "2025-06-10 00:00:00+00", "action", "distrust", "authority", "gpki");
		row = put_signed("kim", &kim, HEADER, PKI_TIME, false, NULL);
		certificate_files(&pki);
		CHECK(judged(0, "valid (in_force)"));
		put_receipt("authority-2.receipt", word);
		CHECK(judged(5, "undecided (not_shown)"));
	}
	pki_free(&pki.root);
	pki_free(&pki.signer);
}

/* every altered byte of every file is noticed */
static void
test_altered(void)
{
	static const char *const names[] = {"row.receipt", "rule.receipt", "members.receipt", "member.receipt", "key.receipt"};
	int			before = test_failed;

	standard_chain();
	for (size_t i = 0; i < 5; i++)
	{
		uint64_t	leaves[] = {row, rule_event, members_event, member_kim, key_kim};
		ScBuf		good = SC_BUF_INIT;
		char		name[64];

		standard_files();
		receipt(&good, leaves[i], &log_key, NULL);
		snprintf(name, sizeof(name), "e/%s", names[i]);
		for (size_t j = 0; j + 1 < good.len; j += 1 + test_random() % 9)
		{
			const char *lines = strstr(sc_buf_cstr(&good), "\n\xE2\x80\x94 ");
			bool		signature = good.data + j > lines;
			int			code;

			good.data[j] ^= (char) (1 << test_random() % 7);
			write_file(name, good.data, good.len);
			code = run_key(log_vkey, "e");
			/* signature lines of another receipt's checkpoint are not needed: its root is the row's */
			REQUIRE_CASE(code != 0 || (signature && i > 0), output);
			sc_buf_reset(&good);
			receipt(&good, leaves[i], &log_key, NULL);
		}
		sc_buf_free(&good);
	}
	CHECK_NO_NEW_FAILURE(before);
}

int
main(int argc, char **argv)
{
	chain_begin(argc, argv);
	if (sodium_init() < 0)
		return 1;
	make_key(&log_key, ORIGIN, SC_KEY_ED25519, log_vkey);
	make_key(&witness_key, "seoul.go.kr/city-hall", SC_KEY_COSIGNATURE, witness_vkey);
	crypto_sign_keypair(kim.public, kim.secret);
	crypto_sign_keypair(lee.public, lee.secret);
	test_valid();
	test_ends();
	test_suspended();
	test_compromised();
	test_outside();
	test_delegation();
	test_rotation();
	test_registrations();
	test_rules();
	test_signatures();
	test_key_file();
	test_files();
	test_histories();
	test_certificates();
	test_altered();
	return chain_end("evidence");
}
