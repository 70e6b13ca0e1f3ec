/*
 * test_verify_rotation.c
 *	  seoulchain-verify across changes of key: whom it believes before, at and after them.
 *
 * The log key changes twice (Ed25519, ECDSA, Ed25519), the cosigner key once.
 */
#include "chain.h"

#include "sign/rotation.h"

#define NODE "seoul.go.kr/inspector"

static ScSigningKey first;		/* the log's, in order */
static ScSigningKey second;
static ScSigningKey third;
static ScSigningKey cosigner;
static ScSigningKey cosigner2;
static ScSigningKey stranger;
static char first_vkey[512];
static char second_vkey[512];
static char third_vkey[512];
static char cosigner_vkey[512];
static char cosigner2_vkey[512];
static char stranger_vkey[512];

/* adds the event by which a key follows another; `by` signs in the new key's place */
static uint64_t
rotation_leaf(const char *origin, const ScSigningKey *old, const char *old_vkey, const ScSigningKey *by, const char *new_vkey)
{
	ScBuf		statement = SC_BUF_INIT;
	ScBuf		old_line = SC_BUF_INIT;
	ScBuf		new_line = SC_BUF_INIT;
	ScBuf		leaf = SC_BUF_INIT;
	uint64_t	index;

	sc_rotation_text(&statement, origin, old_vkey, new_vkey);
	CHECK_STATUS(sc_key_sign_note(&old_line, old, statement.data, statement.len, 1767139200), SC_OK);
	CHECK_STATUS(sc_key_sign_note(&new_line, by, statement.data, statement.len, 1767139200), SC_OK);
	old_line.len--;
	new_line.len--;
	sc_buf_literal(&leaf, "{\"chain\":\"");
	sc_buf_string(&leaf, origin);
	sc_buf_literal(&leaf, "\",\"event\":");
	sc_rotation_event(&leaf, old_vkey, new_vkey, sc_buf_cstr(&old_line), sc_buf_cstr(&new_line));
	sc_buf_literal(&leaf, ",\"seq\":\"7\"}");
	index = chain_leaf(sc_buf_cstr(&leaf));
	sc_buf_free(&statement);
	sc_buf_free(&old_line);
	sc_buf_free(&new_line);
	sc_buf_free(&leaf);
	return index;
}

/* writes the receipt of a leaf under the present size, signed by these */
static void
write_receipt(const char *name, uint64_t index, const ScSigningKey *a, const ScSigningKey *b)
{
	ScBuf		buf = SC_BUF_INIT;

	receipt(&buf, index, a, b);
	write_buf(name, &buf);
}

static void
write_checkpoint(const char *name, bool lie, const ScSigningKey *a, const ScSigningKey *b)
{
	ScBuf		buf = SC_BUF_INIT;

	checkpoint(&buf, ORIGIN, (uint64_t) chain_size, lie, a, b);
	write_buf(name, &buf);
}

static void
make_history(void)
{
	static const char row[] = "{\"chain\":\"" ORIGIN "\",\"columns\":{\"car\":\"KMHEM42APXA000001\"},\"seq\":\"5\",\"table\":\"t\"}";
	uint64_t	leaf;

	make_key(&first, ORIGIN, SC_KEY_ED25519, first_vkey);
	make_key(&second, ORIGIN, SC_KEY_ECDSA, second_vkey);
	make_key(&third, ORIGIN, SC_KEY_ED25519, third_vkey);
	make_key(&cosigner, NODE, SC_KEY_COSIGNATURE, cosigner_vkey);
	make_key(&cosigner2, NODE, SC_KEY_ECDSA, cosigner2_vkey);
	make_key(&stranger, "seoul.go.kr/other/main", SC_KEY_ECDSA, stranger_vkey);

	(void) chain_leaf(row);
	(void) chain_leaf(row);
	write_checkpoint("checkpoint.first", false, &first, &cosigner);
	write_checkpoint("checkpoint.first.by.second", false, &second, NULL);
	leaf = rotation_leaf(ORIGIN, &first, first_vkey, &second, second_vkey);
	write_receipt("rotation1", leaf, &first, &second);
	write_receipt("rotation1.old", leaf, &first, NULL);
	write_receipt("rotation1.new", leaf, &second, NULL);
	write_receipt("rotation1.unsigned", leaf, NULL, NULL);
	(void) chain_leaf(row);
	write_receipt("row.second", 3, &second, &cosigner);
	leaf = rotation_leaf(ORIGIN, &second, second_vkey, &third, third_vkey);
	write_receipt("rotation2", leaf, &second, &third);
	leaf = rotation_leaf(ORIGIN, &cosigner, cosigner_vkey, &cosigner2, cosigner2_vkey);
	write_receipt("rotation.cosigner", leaf, &cosigner, &cosigner2);
	leaf = rotation_leaf(ORIGIN, &third, third_vkey, &third, stranger_vkey);
	write_receipt("rotation.stranger", leaf, &third, &stranger);
	leaf = rotation_leaf("seoul.go.kr/other/main", &third, third_vkey, &second, second_vkey);
	write_receipt("rotation.elsewhere", leaf, &third, &second);
	leaf = rotation_leaf(ORIGIN, &third, third_vkey, &first, second_vkey);
	write_receipt("rotation.half", leaf, &third, &second);
	(void) chain_leaf(row);
	write_receipt("row", (uint64_t) chain_size - 1, &third, &cosigner2);
	write_checkpoint("checkpoint.fork", true, &third, &cosigner2);
	write_checkpoint("checkpoint.by.first", false, &first, NULL);
	write_checkpoint("checkpoint.by.second", false, &second, &cosigner);
	write_checkpoint("checkpoint.by.stranger", false, &stranger, NULL);
}

/* run with options and one key */
static int
run_with(const char *vkey, const char *options)
{
	return run_key(vkey, options);
}

static void
test_followed(void)
{
	char		both[1200];

	CHECK(run_with(first_vkey, "checkpoint.first") == 0);
	CHECK(run_with(first_vkey, "row") == 2 && says("nobody whom you trust"));
	CHECK(run_with(first_vkey, "--rotation rotation1 row.second") == 0 && says("Another key follows") && says(second_vkey) &&
		  says("leaf 2:") && says("row.second: VERIFIED"));
	CHECK(run_with(first_vkey, "-R rotation1 checkpoint.first") == 0);
	CHECK(run_with(first_vkey, "-R rotation1 -R rotation2 row") == 0 && says("row: VERIFIED"));
	CHECK(run_with(first_vkey, "-R rotation2 -R rotation1 row row.second checkpoint.first") == 0);
	CHECK(run_with(second_vkey, "-R rotation2 row") == 0);
	CHECK(run_with(cosigner_vkey, "-R rotation.cosigner row") == 0 && says("row: VERIFIED"));
	snprintf(both, sizeof(both), "--key '%s' -R rotation.cosigner -R rotation1 -R rotation2 row", cosigner_vkey);
	CHECK(run_with(first_vkey, both) == 0 && says("row: VERIFIED"));
	/* a file judged by a key that is no key of its time */
	CHECK(run_with(first_vkey, "-R rotation1 row") == 2 && says("in force at this size"));
	CHECK(run_with(third_vkey, "checkpoint.first") == 2);
	CHECK(run_with(first_vkey, "-R rotation1 checkpoint.first.by.second") == 2);
}

/* what a key signs after it was replaced */
static void
test_replaced(void)
{
	CHECK(run_with(first_vkey, "checkpoint.by.first") == 0);
	CHECK(run_with(first_vkey, "-R rotation1 checkpoint.by.first") == 2 && says("in force at this size"));
	CHECK(run_with(first_vkey, "-R rotation1 checkpoint.by.second") == 0);
	CHECK(run_with(first_vkey, "-R rotation1 -R rotation2 checkpoint.by.second") == 2 && says("in force at this size"));
	CHECK(run_with(cosigner_vkey, "-R rotation.cosigner checkpoint.by.second") == 2);
	CHECK(run_with(first_vkey, "-R rotation1 -R rotation2 row checkpoint.fork") == 1 && says("PROOF: two different histories"));
}

static void
test_not_believed(void)
{
	CHECK(run_with(first_vkey, "-R rotation1.old row.second") == 2 && says("does not bear the signatures of both"));
	CHECK(run_with(first_vkey, "-R rotation1.new row.second") == 2 && says("does not bear the signatures of both"));
	CHECK(run_with(first_vkey, "-R rotation1.unsigned row.second") == 2 && says("does not bear the signatures of both"));
	CHECK(run_with(first_vkey, "-R rotation2 row") == 2 && says("not about a key that you gave"));
	CHECK(run_with(third_vkey, "-R rotation.stranger row") == 1 && says("not keys of one name"));
	CHECK(run_with(third_vkey, "-R rotation.elsewhere row") == 1 && says("another chain"));
	CHECK(run_with(third_vkey, "-R rotation.half row") == 1 && says("not by the word of both keys"));
	CHECK(run_with(first_vkey, "-R row.second row.second") == 1 && says("no change of key"));
	CHECK(run_with(first_vkey, "-R checkpoint.first row.second") == 1 && says("no receipt"));
	CHECK(run_with(first_vkey, "-R nothing row.second") == 3);
	CHECK(run("-R rotation1 row.second") == 2);
}

static void
test_profile(void)
{
	char		text[1200];

	CHECK(run_with(second_vkey, "--profile kcmvp row.second") == 0);
	CHECK(run_with(first_vkey, "--profile kcmvp checkpoint.first") == 3 && says("does not allow Ed25519, the algorithm of key " ORIGIN));
	CHECK(run_with(cosigner_vkey, "--profile kcmvp row.second") == 3 && says("Ed25519 cosignature/v1"));
	CHECK(run_with(first_vkey, "--profile any checkpoint.first") == 0);
	CHECK(run_with(first_vkey, "--profile fips checkpoint.first") == 3 && says("any or kcmvp"));
	CHECK(run_with(second_vkey, "--profile kcmvp -R rotation2 row") == 3 && says("does not allow the algorithm of the new key"));
	/* type 0x02 by itself does not tell a log from a cosigner: the name does */
	CHECK(run_with(cosigner2_vkey, "row") == 0);
	CHECK(run_with(stranger_vkey, "checkpoint.by.stranger") == 2 && says("belongs to another chain"));
	snprintf(text, sizeof(text), "log %s\nquorum none\n", first_vkey);
	write_file("policy", text, strlen(text));
	CHECK(run("--policy policy --rotation rotation1 --rotation rotation2 row") == 0);
	CHECK(run("--policy policy row") == 2);
	CHECK(run("--policy policy --profile kcmvp row") == 3 && says("does not allow Ed25519"));
	snprintf(text, sizeof(text), "log %s\nwitness node %s\nquorum node\n", first_vkey, cosigner_vkey);
	write_file("policy", text, strlen(text));
	CHECK(run("--policy policy -R rotation1 -R rotation2 -R rotation.cosigner row") == 0);
	CHECK(run("--policy policy -R rotation1 -R rotation2 row") == 2 && says("fewer witnesses"));
}

int
main(int argc, char **argv)
{
	chain_begin(argc, argv);
	make_history();
	test_followed();
	test_replaced();
	test_not_believed();
	test_profile();
	return chain_end("verify_rotation");
}
