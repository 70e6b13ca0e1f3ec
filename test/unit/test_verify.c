/*
 * test_verify.c
 *	  seoulchain-verify as a user runs it: exit codes and words, on good, altered and malformed files.
 *
 * Makes a chain of its own, writes receipts and checkpoints, and runs the
 * program that tools/test_unit built beside the vectors' folder.
 */
#include "harness.h"

#include <sys/wait.h>
#include <unistd.h>

#include "core/prooffile.h"
#include "core/text.h"
#include "sign/key.h"

#define NLEAVES 7
#define ORIGIN "seoul.go.kr/inspector/main"

static char folder[] = "/tmp/seoulchain_test_XXXXXX";
static char output[200000];
static ScBuf leaves[NLEAVES];
static ScHash hashes[NLEAVES];
static ScSigningKey log_key;
static ScSigningKey witness_key;
static ScSigningKey other_key;
static char log_vkey[512];
static char witness_vkey[512];
static char other_vkey[512];

static void
write_file(const char *name, const char *data, size_t len)
{
	char		path[256];
	FILE	   *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		abort();
}

/* runs the program with these arguments (for the shell); its exit code */
static int
run(const char *arguments)
{
	char		command[4096];
	FILE	   *pipe;
	size_t		n;

	snprintf(command, sizeof(command), "cd %s && '%s/../seoulchain-verify' %s 2>&1\n", folder, test_vectors, arguments);
	write_file("command", command, strlen(command));
	snprintf(command, sizeof(command), "bash %s/command", folder);
	pipe = popen(command, "r");
	if (pipe == NULL)
		abort();
	n = fread(output, 1, sizeof(output) - 1, pipe);
	output[n] = '\0';
	n = (size_t) pclose(pipe);
	return WIFEXITED((int) n) ? WEXITSTATUS((int) n) : -1;
}

static bool
says(const char *words)
{
	return strstr(output, words) != NULL;
}

static void
write_buf(const char *name, ScBuf *buf)
{
	write_file(name, buf->data, buf->len);
	sc_buf_free(buf);
}

static void
make_keys(void)
{
	ScBuf		buf = SC_BUF_INIT;
	struct
	{
		ScSigningKey *key;
		const char *name;
		uint8_t		type;
		char	   *vkey;
	}			keys[] = {
		{&log_key, ORIGIN, SC_KEY_ED25519, log_vkey},
		{&witness_key, "seoul.go.kr/city-hall", SC_KEY_COSIGNATURE, witness_vkey},
		{&other_key, "seoul.go.kr/other/main", SC_KEY_ED25519, other_vkey},
	};

	for (int i = 0; i < 3; i++)
	{
		CHECK_STATUS(sc_key_generate(keys[i].key, keys[i].name, keys[i].type), SC_OK);
		sc_buf_reset(&buf);
		sc_note_format_key(&buf, &keys[i].key->public);
		strcpy(keys[i].vkey, sc_buf_cstr(&buf));
	}
	sc_buf_free(&buf);
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static void
make_leaves(void)
{
	static const char *const texts[NLEAVES] = {
		"{\"chain\":\"" ORIGIN "\",\"event\":{\"format\":\"1\",\"id\":\"00\",\"type\":\"genesis\"},\"seq\":\"1\"}",
		"{\"chain\":\"" ORIGIN "\",\"event\":{\"columns\":[{\"name\":\"car\",\"type\":\"text\"}],\"type\":\"join\"},\"seq\":\"2\",\"table\":\"usedcar.inspection\"}",
		"{\"chain\":\"" ORIGIN "\",\"columns\":{\"car\":\"KMHEM42APXA000001\",\"km\":\"48210\"},\"seq\":\"123\",\"table\":\"usedcar.inspection\"}",
		"{\"chain\":\"" ORIGIN "\",\"columns\":{\"car\":\"\\u001b[31mred\\n\xE2\x80\xAE\\\\\xEC\x9E\x90\"},\"digests\":{\"report\":{\"bytes\":\"2000\",\"sha256\":\"" ZEROS "\"}},"
		"\"private\":{\"owner\":\"abc\"},\"seq\":\"124\",\"table\":\"usedcar.inspection\",\"time\":\"2026-11-23 03:00:00+00\"}",
		"{\"chain\":\"seoul.go.kr/other/main\",\"columns\":{},\"seq\":\"125\",\"table\":\"t\"}",
		"this is no leaf",
		"{\"block\":{\"first_leaf\":\"0\",\"height\":\"0\",\"members\":\"{[1,3),[123,126)}\",\"prev_block\":\"" ZEROS "\",\"prev_root\":\"" ZEROS "\",\"sealed_at\":\"2026-11-23 03:00:01+00\"},\"chain\":\"" ORIGIN "\"}",
	};

	for (int i = 0; i < NLEAVES; i++)
	{
		sc_buf_string(&leaves[i], texts[i]);
		sc_hash_leaf(&hashes[i], leaves[i].data, leaves[i].len);
	}
}

static void
root_of(ScHash *root, uint64_t size)
{
	ScFrontier	frontier = {0};

	for (uint64_t i = 0; i < size; i++)
		sc_frontier_append(&frontier, &hashes[i], NULL, NULL);
	sc_frontier_root(root, &frontier);
}

/* a signed checkpoint of this size; `lie` alters the root; NULL keys do not sign */
static void
checkpoint(ScBuf *buf, const char *origin, uint64_t size, bool lie, const ScSigningKey *log, const ScSigningKey *witness)
{
	ScCheckpoint c = {.size = size};
	ScBuf		text = SC_BUF_INIT;

	strcpy(c.origin, origin);
	root_of(&c.root, size);
	if (lie)
		c.root.bytes[0] ^= 1;
	sc_checkpoint_format(&text, &c);
	sc_buf_append(buf, text.data, text.len);
	sc_buf_char(buf, '\n');
	if (log)
		CHECK_STATUS(sc_key_sign_note(buf, log, text.data, text.len, 0), SC_OK);
	if (witness)
		CHECK_STATUS(sc_key_sign_note(buf, witness, text.data, text.len, 1767139200), SC_OK);
	sc_buf_free(&text);
}

/* the hash of a perfect subtree of the test's leaves */
static void
node_hash(ScHash *out, ScNodeId id)
{
	ScHash		copy[8];

	memcpy(copy, hashes + (id.index << id.level), sizeof(ScHash) << id.level);
	sc_tree_perfect_root(out, copy, id.level);
}

static void
receipt(ScBuf *buf, uint64_t index, const ScSigningKey *log, const ScSigningKey *witness)
{
	ScProofPlan plan;
	ScHash		nodes[SC_PLAN_MAX];
	ScHash		path[SC_PROOF_MAX];
	ScBuf		note = SC_BUF_INIT;

	CHECK_STATUS(sc_tree_plan_inclusion(&plan, index, NLEAVES), SC_OK);
	for (int i = 0; i < plan.nids; i++)
		node_hash(&nodes[i], plan.ids[i]);
	sc_tree_plan_path(path, &plan, nodes);
	checkpoint(&note, ORIGIN, NLEAVES, false, log, witness);
	sc_prooffile_format(buf, leaves[index].data, leaves[index].len, index, path, plan.npath, note.data, note.len);
	sc_buf_free(&note);
}

static void
make_files(void)
{
	ScBuf		buf = SC_BUF_INIT;
	char		name[32];

	for (uint64_t i = 0; i < NLEAVES; i++)
	{
		snprintf(name, sizeof(name), "receipt%d", (int) i);
		receipt(&buf, i, &log_key, &witness_key);
		write_buf(name, &buf);
	}
	receipt(&buf, 2, NULL, NULL);
	write_buf("receipt.unsigned", &buf);
	receipt(&buf, 2, &other_key, NULL);
	write_buf("receipt.other", &buf);
	checkpoint(&buf, ORIGIN, 7, false, &log_key, &witness_key);
	write_buf("checkpoint", &buf);
	checkpoint(&buf, ORIGIN, 7, true, &log_key, NULL);
	write_buf("checkpoint.fork", &buf);
	checkpoint(&buf, ORIGIN, 7, true, NULL, &witness_key);
	write_buf("checkpoint.witness.fork", &buf);
	checkpoint(&buf, ORIGIN, 7, true, NULL, NULL);
	write_buf("checkpoint.unsigned.fork", &buf);
	checkpoint(&buf, ORIGIN, 5, false, &log_key, NULL);
	write_buf("checkpoint.five", &buf);
	checkpoint(&buf, "unnamed/00112233445566778899aabbccddeeff/main", 7, false, NULL, NULL);
	write_buf("checkpoint.unnamed", &buf);
	sc_buf_literal(&buf, "log ");
	sc_buf_string(&buf, log_vkey);
	sc_buf_literal(&buf, "\nwitness hall ");
	sc_buf_string(&buf, witness_vkey);
	sc_buf_literal(&buf, "\nquorum hall\n");
	write_buf("policy", &buf);
	sc_buf_literal(&buf, "log ");
	sc_buf_string(&buf, other_vkey);
	sc_buf_literal(&buf, "\nwitness hall ");
	sc_buf_string(&buf, witness_vkey);
	sc_buf_literal(&buf, "\nquorum hall\n");
	write_buf("policy.other", &buf);
	write_file("policy.bad", "quorum nobody\n", 14);
	write_file("empty", "", 0);
	write_file("rubbish", "\x7F" "ELF\x01\x02", 6);
}

/* run with one key in front */
static int
run_key(const char *vkey, const char *arguments)
{
	char		text[2048];

	snprintf(text, sizeof(text), "--key '%s' %s", vkey, arguments);
	return run(text);
}

static void
test_usage(void)
{
	CHECK(run("--help") == 0 && says("Usage:") && says("Exit code") && says("--policy"));
	CHECK(run("--version") == 0 && says("seoulchain-verify "));
	CHECK(run("") == 3 && says("--help"));
	CHECK(run("--nonsense x") == 3);
	CHECK(run("--key nonsense receipt2") == 3 && says("verifier key"));
	CHECK(run("--policy policy.bad receipt2") == 3 && says("policy.bad, line 1"));
	CHECK(run("--policy nothing receipt2") == 3 && says("cannot read nothing"));
	CHECK(run("--policy policy --policy policy receipt2") == 3);
	CHECK(run_key(log_vkey, "--policy policy receipt2") == 3);
	CHECK(run_key(log_vkey, "nothing") == 3 && says("cannot read nothing"));
	CHECK(run_key(log_vkey, ".") == 3);
	CHECK(run_key(log_vkey, "receipt2 > /dev/full") == 3);
}

static void
test_receipts(void)
{
	CHECK(run_key(log_vkey, "receipt2") == 0);
	CHECK(says("receipt2: VERIFIED") && says(ORIGIN) && says("usedcar.inspection") && says("car = KMHEM42APXA000001") &&
		  says("km = 48210") && says("123") && says("leaf 2 of 7") && says("signed by") && !says("cosigned by"));
	CHECK(run_key(witness_vkey, "receipt2") == 0 && says("cosigned by    seoul.go.kr/city-hall at 2025-12-31 00:00:00 UTC"));
	CHECK(run("--policy policy receipt2") == 0 && says("signed by") && says("cosigned by"));
	CHECK(run_key(log_vkey, "receipt0") == 0 && says("type = genesis") && says("event number"));
	CHECK(run_key(log_vkey, "receipt1") == 0 && says("name = car") && says("usedcar.inspection"));
	CHECK(run_key(log_vkey, "receipt6") == 0 && says("block height") && says("{[1,3),[123,126)}") && says("block hash"));

	/* nothing that a value holds reaches the terminal as more than text */
	CHECK(run_key(log_vkey, "receipt3") == 0);
	CHECK(says("car = \\u{1b}[31mred\\n\\u{202e}\\\\\xEC\x9E\x90\n") && !says("\x1b"));
	CHECK(says("report = (a long value of 2000 bytes") && says("owner = abc") && says("accepted at    2026-11-23"));

	/* proven, and yet not what it should be */
	CHECK(run_key(log_vkey, "receipt4") == 1 && says("another chain") && !says("row number"));
	CHECK(run_key(log_vkey, "receipt5") == 1 && says("not a leaf") && !says("this is no leaf"));
}

static void
test_trust(void)
{
	char		both[1200];

	CHECK(run("receipt2") == 2 && says("NOBODY VOUCHES") && says("no key and no policy"));
	CHECK(run("receipt.unsigned") == 2 && says("no signature"));
	CHECK(run_key(log_vkey, "receipt.unsigned") == 2 && says("no signature"));
	CHECK(run_key(other_vkey, "receipt2") == 2 && says("nobody whom you trust"));
	CHECK(run_key(other_vkey, "receipt.other") == 2 && says("another chain"));
	CHECK(run("--policy policy.other receipt2") == 2 && says("no log of your policy"));
	CHECK(run("--policy policy receipt.unsigned") == 2);
	snprintf(both, sizeof(both), "-k '%s' -k '%s'", log_vkey, witness_vkey);
	CHECK(run_key(log_vkey, "checkpoint.five") == 0);
	strcat(both, " checkpoint.five");
	CHECK(run(both) == 2 && says("not every key"));
	CHECK(run("--policy policy checkpoint.five") == 2 && says("fewer witnesses"));
}

/* what psql, shells and editors do to the end of a file does not matter; anything more does */
static void
test_ends(void)
{
	static const char *const files[] = {"receipt2", "checkpoint", "receipt.unsigned", "checkpoint.unnamed"};

	for (int i = 0; i < 4; i++)
	{
		char		command[512];
		int			expected = i < 2 ? 0 : 2;

		snprintf(command, sizeof(command), "- < %s", files[i]);
		CHECK_CASE(run_key(log_vkey, command) == expected, output);
		snprintf(command, sizeof(command), "<(cat %s; echo) <(printf %%s \"$(cat %s)\") <(cat %s; echo; echo)", files[i], files[i], files[i]);
		CHECK_CASE(run_key(log_vkey, command) == expected, output);
		snprintf(command, sizeof(command), "<(cat %s; echo x)", files[i]);
		CHECK_CASE(run_key(log_vkey, command) == 1, output);
		snprintf(command, sizeof(command), "<(cat %s; printf ' ')", files[i]);
		CHECK_CASE(run_key(log_vkey, command) == 1, output);
	}
}

static void
test_checkpoints(void)
{
	CHECK(run_key(log_vkey, "checkpoint") == 0 && says("7 leaves") && says("root hash"));
	CHECK(run("checkpoint") == 2);
	CHECK(run("checkpoint.unnamed") == 2 && says("NOBODY VOUCHES"));
	CHECK(run_key(log_vkey, "checkpoint.unnamed") == 2);
	CHECK(run_key(log_vkey, "checkpoint checkpoint.five receipt2") == 0 && !says("PROOF"));
	CHECK(run_key(log_vkey, "checkpoint checkpoint.fork") == 1 && says("PROOF: two different histories"));
	CHECK(run_key(log_vkey, "receipt2 checkpoint.fork") == 1 && says("PROOF: two different histories"));
	CHECK(run_key(log_vkey, "checkpoint checkpoint.unsigned.fork") == 1 && says("CONFLICT") && !says("PROOF"));
	CHECK(run("checkpoint checkpoint.fork") == 1 && says("CONFLICT"));
	CHECK(run_key(log_vkey, "checkpoint checkpoint.fork") == 1 && says("signed both    " ORIGIN));
	CHECK(run_key(witness_vkey, "checkpoint checkpoint.witness.fork") == 1 && says("PROOF: two different histories") &&
		  says("signed both    seoul.go.kr/city-hall"));
	CHECK(run_key(witness_vkey, "checkpoint checkpoint.fork") == 1 && says("CONFLICT"));
	CHECK(run_key(other_vkey, "checkpoint checkpoint.fork") == 1 && says("CONFLICT"));
	CHECK(run_key(log_vkey, "empty") == 1 && run_key(log_vkey, "rubbish") == 1);
}

/* writes the consistency proof between two sizes of the test's tree; `full` as SUBPROOF(m, D, false) */
static void
write_proof(const char *name, uint64_t from, uint64_t to, bool full)
{
	ScProofPlan plan;
	ScHash		nodes[SC_PLAN_MAX];
	ScHash		path[SC_PROOF_MAX];
	ScBuf		buf = SC_BUF_INIT;

	CHECK_STATUS(sc_tree_plan_consistency(&plan, from, to), SC_OK);
	for (int i = 0; i < plan.nids; i++)
		node_hash(&nodes[i], plan.ids[i]);
	sc_tree_plan_path(path, &plan, nodes);
	if (full && (from & (from - 1)) == 0)
	{
		ScHash		root;

		root_of(&root, from);
		sc_buf_base64(&buf, root.bytes, SC_HASH_LEN);
		sc_buf_char(&buf, '\n');
	}
	for (int i = 0; i < plan.npath; i++)
	{
		sc_buf_base64(&buf, path[i].bytes, SC_HASH_LEN);
		sc_buf_char(&buf, '\n');
	}
	write_buf(name, &buf);
}

static void
test_consistency(void)
{
	ScBuf		buf = SC_BUF_INIT;

	write_proof("proof57", 5, 7, false);
	write_proof("proof47", 4, 7, false);
	write_proof("proof47.full", 4, 7, true);
	checkpoint(&buf, ORIGIN, 4, false, &log_key, NULL);
	write_buf("checkpoint.four", &buf);
	checkpoint(&buf, ORIGIN, 4, true, &log_key, NULL);
	write_buf("checkpoint.four.lie", &buf);
	checkpoint(&buf, ORIGIN, 5, true, &log_key, NULL);
	write_buf("checkpoint.five.lie", &buf);
	checkpoint(&buf, ORIGIN, 5, true, NULL, NULL);
	write_buf("checkpoint.five.unsigned.lie", &buf);

	CHECK(run_key(log_vkey, "-c proof57 checkpoint.five checkpoint") == 0 && says("CONSISTENT"));
	CHECK(run_key(log_vkey, "-c proof57 receipt2 checkpoint.five") == 0 && says("CONSISTENT"));
	CHECK(run_key(log_vkey, "-c proof47 checkpoint.four checkpoint") == 0 && says("CONSISTENT"));
	CHECK(run_key(log_vkey, "-c proof47.full checkpoint.four checkpoint") == 0 && says("CONSISTENT"));
	CHECK(run_key(log_vkey, "-c empty checkpoint checkpoint") == 0 && says("CONSISTENT"));
	CHECK(run("-c proof57 checkpoint.five checkpoint") == 2 && says("CONSISTENT"));
	CHECK(run_key(log_vkey, "-c proof57 checkpoint.five.lie checkpoint") == 1 && says("PROOF: history was rewritten"));
	CHECK(run_key(log_vkey, "-c proof57 checkpoint.five.unsigned.lie checkpoint") == 1 && says("CONFLICT") && !says("PROOF"));
	CHECK(run_key(log_vkey, "-c proof47.full checkpoint.four.lie checkpoint") == 1 && says("PROOF: history was rewritten"));
	CHECK(run_key(log_vkey, "-c proof47 checkpoint.four.lie checkpoint") == 1 && says("does not connect") && !says("PROOF"));
	CHECK(run_key(log_vkey, "-c proof47 checkpoint.five checkpoint") == 1 && says("does not connect"));
	CHECK(run_key(log_vkey, "-c proof57 checkpoint.five checkpoint.fork") == 1 && says("does not connect"));
	CHECK(run_key(log_vkey, "-c rubbish checkpoint.five checkpoint") == 1 && says("no consistency proof"));
	CHECK(run_key(log_vkey, "-c nothing checkpoint.five checkpoint") == 3);
	CHECK(run_key(log_vkey, "-c proof57 checkpoint") == 3);
	CHECK(run("-c proof57 checkpoint.five checkpoint.unnamed") == 3 && says("different chains"));
}

static void
test_worst_wins(void)
{
	CHECK(run_key(log_vkey, "receipt2 receipt.unsigned") == 2);
	CHECK(run_key(log_vkey, "receipt.unsigned nothing receipt2") == 3);
	CHECK(run_key(log_vkey, "receipt2 rubbish nothing") == 1);
}

/* every altered byte of a receipt is noticed, and none makes the program fall over */
static void
test_altered_bytes(void)
{
	ScBuf		good = SC_BUF_INIT;
	ScBuf		names = SC_BUF_INIT;
	size_t		batch = 60;
	int			before = test_failed;

	receipt(&good, 2, &log_key, NULL);
	for (size_t i = 0; i < good.len; i += batch)
	{
		size_t		end = i + batch < good.len ? i + batch : good.len;
		size_t		found = 0;

		sc_buf_reset(&names);
		for (size_t j = i; j < end; j++)
		{
			char		name[32];

			snprintf(name, sizeof(name), "altered%zu ", j);
			sc_buf_string(&names, name);
			name[strlen(name) - 1] = '\0';
			good.data[j] ^= (char) (1 << test_random() % 7);
			write_file(name, good.data, good.len);
			receipt((sc_buf_reset(&good), &good), 2, &log_key, NULL);
		}
		REQUIRE(run_key(log_vkey, sc_buf_cstr(&names)) == 1);
		for (const char *p = output; (p = strstr(p, ": NOT TRUE\n")) != NULL; p++)
			found++;

		/* a byte of the signature line's name or key id makes it a stranger's */
		for (const char *p = output; (p = strstr(p, ": NOBODY VOUCHES\n")) != NULL; p++)
			found++;
		REQUIRE(found == end - i && !says("VERIFIED"));
	}
	CHECK_NO_NEW_FAILURE(before);

	/* cut short anywhere */
	before = test_failed;
	sc_buf_reset(&names);
	for (size_t i = 0; i < good.len - 1; i += 9)
	{
		char		name[32];

		snprintf(name, sizeof(name), "cut%zu ", i);
		sc_buf_string(&names, name);
		name[strlen(name) - 1] = '\0';
		write_file(name, good.data, i);
	}
	REQUIRE(run_key(log_vkey, sc_buf_cstr(&names)) == 1);
	REQUIRE(!says("VERIFIED"));
	CHECK_NO_NEW_FAILURE(before);
	sc_buf_free(&good);
	sc_buf_free(&names);
}

int
main(int argc, char **argv)
{
	char		command[64];
	static char full[1024];

	test_begin(argc, argv);
	if (mkdtemp(folder) == NULL || realpath(test_vectors, full) == NULL)
		return 1;
	test_vectors = full;
	make_keys();
	make_leaves();
	make_files();
	test_usage();
	test_receipts();
	test_trust();
	test_ends();
	test_checkpoints();
	test_consistency();
	test_worst_wins();
	test_altered_bytes();
	for (int i = 0; i < NLEAVES; i++)
		sc_buf_free(&leaves[i]);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command) != 0)
		return 1;
	return test_end("verify");
}
