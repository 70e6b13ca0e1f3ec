/*
 * test_dispute.c
 *	  Dispute files: proofs hold for those who know the key, any flipped bit ends that, complaints convict nobody.
 */
#include "chain.h"

#include "core/disputefile.h"

static ScSigningKey log_key;
static ScSigningKey other_key;
static ScSigningKey peer_key;
static ScSigningKey witness_key;
static char log_vkey[512];
static char other_vkey[512];
static char peer_vkey[512];
static char witness_vkey[512];

static void
add_part(ScBuf *buf, const char *name, ScBuf *data)
{
	sc_disputefile_part(buf, name, data->data, data->len);
	sc_buf_free(data);
}

static void
add_text(ScBuf *buf, const char *name, const char *text)
{
	sc_disputefile_part(buf, name, text, strlen(text));
}

static void
add_checkpoint(ScBuf *buf, const char *origin, uint64_t size, bool lie, const ScSigningKey *log, const ScSigningKey *witness)
{
	ScBuf		note = SC_BUF_INIT;

	checkpoint(&note, origin, size, lie, log, witness);
	add_part(buf, "checkpoint", &note);
}

static void
two_roots(ScBuf *buf, const ScSigningKey *a, const ScSigningKey *b, const ScSigningKey *witness)
{
	sc_disputefile_begin(buf, SC_DISPUTE_TWO_ROOTS);
	add_checkpoint(buf, ORIGIN, 7, false, a, witness);
	add_checkpoint(buf, ORIGIN, 7, true, b, witness);
}

/* another root was signed at `from` than the tree of `to` has there; or the right one, unless `lie` */
static void
rewritten(ScBuf *buf, uint64_t from, uint64_t to, bool lie, bool full)
{
	ScBuf		proof = SC_BUF_INIT;
	char		path[256];
	char		data[8192];
	FILE	   *f;

	sc_disputefile_begin(buf, SC_DISPUTE_REWRITTEN);
	add_checkpoint(buf, ORIGIN, from, lie, &log_key, NULL);
	add_checkpoint(buf, ORIGIN, to, false, &log_key, NULL);
	write_proof("subproof", from, to, full);
	snprintf(path, sizeof(path), "%s/subproof", folder);
	f = fopen(path, "r");
	sc_buf_append(&proof, data, fread(data, 1, sizeof(data), f));
	fclose(f);
	add_part(buf, "subproof", &proof);
}

/* does the proof hold against the log's key? */
static bool
holds(const char *text, size_t len)
{
	static ScDisputeFile file;
	static ScContradiction found;

	if (sc_disputefile_parse(&file, text, len) != SC_OK || file.kind == SC_DISPUTE_COMPLAINT ||
		sc_disputefile_contradiction(&found, &file) != SC_OK)
		return false;
	return strcmp(found.checkpoint[0].origin, log_key.public.name) == 0 &&
		sc_key_verify_note(&found.note[0], &log_key.public, 1, NULL, NULL) == SC_OK &&
		sc_key_verify_note(&found.note[1], &log_key.public, 1, NULL, NULL) == SC_OK;
}

/* any flipped bit, any missing end, ends a proof */
static void
check_flips(ScBuf *buf)
{
	int			survived = 0;

	CHECK(holds(buf->data, buf->len));
	for (size_t i = 0; i < buf->len; i++)
	{
		for (int bit = 0; bit < 8; bit++)
		{
			buf->data[i] ^= (char) (1 << bit);
			survived += holds(buf->data, buf->len);
			buf->data[i] ^= (char) (1 << bit);
		}
		survived += holds(buf->data, i);
	}
	CHECK(survived == 0);
}

static void
test_two_roots(void)
{
	ScBuf		buf = SC_BUF_INIT;

	two_roots(&buf, &log_key, &log_key, NULL);
	check_flips(&buf);
	write_buf("two", &buf);
	CHECK(run_key(log_vkey, "two") == 0 && says("two: PROOF: two different histories") && says("signed both    " ORIGIN));
	CHECK(run_key(other_vkey, "two") == 2 && says("no key that you named signed both") && !says("PROOF:"));
	CHECK(run("two") == 2 && !says("PROOF:"));
	two_roots(&buf, &log_key, &other_key, NULL);
	write_buf("mixed", &buf);
	CHECK(run_key(log_vkey, "mixed") == 2 && !says("PROOF:"));
	two_roots(&buf, &log_key, &log_key, &witness_key);
	write_buf("witnessed", &buf);
	CHECK(run_key(witness_vkey, "witnessed") == 0 && says("signed both    seoul.go.kr/city-hall"));
	sc_disputefile_begin(&buf, SC_DISPUTE_TWO_ROOTS);
	add_checkpoint(&buf, ORIGIN, 7, false, &log_key, NULL);
	add_checkpoint(&buf, ORIGIN, 7, false, &log_key, NULL);
	write_buf("same", &buf);
	CHECK(run_key(log_vkey, "same") == 1 && says("NOT TRUE"));
	sc_disputefile_begin(&buf, SC_DISPUTE_TWO_ROOTS);
	add_checkpoint(&buf, ORIGIN, 7, false, &log_key, NULL);
	add_checkpoint(&buf, ORIGIN, 5, true, &log_key, NULL);
	write_buf("sizes", &buf);
	CHECK(run_key(log_vkey, "sizes") == 1);
	sc_disputefile_begin(&buf, SC_DISPUTE_TWO_ROOTS);
	add_checkpoint(&buf, ORIGIN, 7, false, &log_key, NULL);
	add_checkpoint(&buf, "seoul.go.kr/other/main", 7, true, &log_key, NULL);
	write_buf("chains", &buf);
	CHECK(run_key(log_vkey, "chains") == 1);
}

static void
test_rewritten(void)
{
	ScBuf		buf = SC_BUF_INIT;

	for (uint64_t from = 1; from < (uint64_t) chain_size; from++)
	{
		rewritten(&buf, from, (uint64_t) chain_size, true, true);
		CHECK(holds(buf.data, buf.len));
		sc_buf_reset(&buf);
		rewritten(&buf, from, (uint64_t) chain_size, false, true);
		CHECK(!holds(buf.data, buf.len));
		sc_buf_reset(&buf);
	}
	rewritten(&buf, 5, 11, true, true);
	check_flips(&buf);
	write_buf("rewritten", &buf);
	CHECK(run_key(log_vkey, "rewritten") == 0 && says("PROOF: history was rewritten") && says("tree size      5 leaves"));
	CHECK(run_key(other_vkey, "rewritten") == 2);
	CHECK(run_key(log_vkey, "two rewritten") == 0);
	rewritten(&buf, 4, 11, true, false);
	write_buf("short", &buf);
	CHECK(run_key(log_vkey, "short") == 1 && says("does not hold"));
}

/* the complaint itself, without a receipt */
static void
complaint(ScBuf *buf)
{
	sc_disputefile_begin(buf, SC_DISPUTE_COMPLAINT);
	add_text(buf, "by", "seoul.go.kr/city-hall");
	add_text(buf, "origin", ORIGIN);
	add_text(buf, "fault", "row missing");
	add_text(buf, "height", "3");
	add_text(buf, "detail", "row 12 of block 3 never came\033[31m");
}

/* the event that a complaint was filed by, as the only new leaf of another chain */
static void
file_complaint(const ScBuf *text)
{
	ScBuf		leaf = SC_BUF_INIT;
	ScHash		hash;

	sc_hash_bytes(&hash, text->data, text->len);
	sc_buf_literal(&leaf, "{\"chain\":\"" ORIGIN "\",\"event\":{\"evidence\":\"");
	sc_buf_hex(&leaf, hash.bytes, SC_HASH_LEN);
	sc_buf_literal(&leaf, "\",\"fault\":\"row missing\",\"kind\":\"complaint\",\"origin\":\"x\",\"type\":\"dispute\"},\"seq\":\"99\"}");
	(void) chain_leaf(sc_buf_cstr(&leaf));
	sc_buf_free(&leaf);
}

static void
test_complaint(void)
{
	ScBuf		buf = SC_BUF_INIT;
	ScBuf		text = SC_BUF_INIT;

	complaint(&text);
	write_file("complaint", text.data, text.len);
	CHECK(run_key(log_vkey, "complaint") == 5 && says("complaint: A COMPLAINT") && says("row missing") &&
		  says("does not show who says so") && !says("\033") && !says("PROOF"));
	file_complaint(&text);
	sc_buf_append(&buf, text.data, text.len);
	{
		ScBuf		proof = SC_BUF_INIT;

		receipt(&proof, (uint64_t) chain_size - 1, &log_key, NULL);
		add_part(&buf, "receipt", &proof);
	}
	write_file("filed", buf.data, buf.len);
	CHECK(run_key(log_vkey, "filed") == 5 && says("A key that you named vouches") && says("recorded in    " ORIGIN) && !says("PROOF"));
	CHECK(run_key(peer_vkey, "filed") == 5 && says("does not show who says so"));
	/* other words than those that were recorded */
	memcpy(strstr(sc_buf_cstr(&buf), "never"), "seven", 5);
	write_buf("altered", &buf);
	CHECK(run_key(log_vkey, "altered") == 1 && says("not that of this complaint"));
	sc_disputefile_begin(&buf, SC_DISPUTE_COMPLAINT);
	add_text(&buf, "by", "x");
	write_buf("bare", &buf);
	CHECK(run_key(log_vkey, "bare") == 1);
	sc_buf_free(&text);
}

static void
test_form(void)
{
	static ScDisputeFile file;
	static const char *const bad[] = {
		"", "seoulchain-dispute@v1\n", "seoulchain-dispute@v2\nkind complaint\n", "seoulchain-dispute@v1\nkind\n",
		"seoulchain-dispute@v1\nkind guess\n", "seoulchain-dispute@v1\nkind complaint\nby 3\nx\n",
		"seoulchain-dispute@v1\nkind complaint\nby 1\nx\n", "seoulchain-dispute@v1\nkind complaint\nby 0\n",
		"seoulchain-dispute@v1\nkind complaint\nby 02\nx\n", "seoulchain-dispute@v1\nkind complaint\nBy 2\nx\n",
		"seoulchain-dispute@v1\nkind complaint\n 2\nx\n", "seoulchain-dispute@v1\nkind complaint\nby 18446744073709551615\nx\n",
		"seoulchain-dispute@v1\nkind complaint\nby 2\nx\n\n",
	};
	ScBuf		buf = SC_BUF_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(sc_disputefile_parse(&file, bad[i], strlen(bad[i])) == SC_MALFORMED);
	sc_disputefile_begin(&buf, SC_DISPUTE_COMPLAINT);
	CHECK(sc_disputefile_parse(&file, buf.data, buf.len) == SC_OK && file.nparts == 0);
	for (int i = 0; i < SC_DISPUTEFILE_PARTS_MAX; i++)
		add_text(&buf, "by", "x");
	CHECK(sc_disputefile_parse(&file, buf.data, buf.len) == SC_OK && file.nparts == SC_DISPUTEFILE_PARTS_MAX);
	CHECK(sc_disputefile_find(&file, "by", SC_DISPUTEFILE_PARTS_MAX - 1) != NULL && sc_disputefile_find(&file, "at", 0) == NULL);
	add_text(&buf, "by", "x");
	CHECK(sc_disputefile_parse(&file, buf.data, buf.len) == SC_TOO_LARGE);
	sc_buf_free(&buf);
}

int
main(int argc, char **argv)
{
	chain_begin(argc, argv);
	make_key(&log_key, ORIGIN, SC_KEY_ED25519, log_vkey);
	make_key(&other_key, ORIGIN, SC_KEY_ED25519, other_vkey);
	make_key(&peer_key, "seoul.go.kr/other/main", SC_KEY_ED25519, peer_vkey);
	make_key(&witness_key, "seoul.go.kr/city-hall", SC_KEY_COSIGNATURE, witness_vkey);
	for (int i = 0; i < 11; i++)
	{
		char		text[128];

		snprintf(text, sizeof(text), "{\"chain\":\"" ORIGIN "\",\"columns\":{},\"seq\":\"%d\",\"table\":\"t\"}", i + 1);
		(void) chain_leaf(text);
	}
	test_form();
	test_two_roots();
	test_rewritten();
	test_complaint();
	return chain_end("dispute");
}
