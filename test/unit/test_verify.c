/*
 * test_verify.c
 *	  seoulchain-verify as a user runs it: exit codes and words, on good, altered and malformed files.
 *
 * Makes a chain of its own, writes receipts and checkpoints, and runs the
 * program that tools/test_unit built beside the vectors' folder.
 */
#include "chain.h"

static ScSigningKey log_key;
static ScSigningKey witness_key;
static ScSigningKey other_key;
static char log_vkey[512];
static char witness_vkey[512];
static char other_vkey[512];

static void
make_keys(void)
{
	make_key(&log_key, ORIGIN, SC_KEY_ED25519, log_vkey);
	make_key(&witness_key, "seoul.go.kr/city-hall", SC_KEY_COSIGNATURE, witness_vkey);
	make_key(&other_key, "seoul.go.kr/other/main", SC_KEY_ED25519, other_vkey);
}

static void
make_leaves(void)
{
	static const char *const texts[] = {
		"{\"chain\":\"" ORIGIN "\",\"event\":{\"format\":\"1\",\"id\":\"00\",\"type\":\"genesis\"},\"seq\":\"1\"}",
		"{\"chain\":\"" ORIGIN "\",\"event\":{\"columns\":[{\"name\":\"car\",\"type\":\"text\"}],\"type\":\"join\"},\"seq\":\"2\",\"table\":\"usedcar.inspection\"}",
		"{\"chain\":\"" ORIGIN "\",\"columns\":{\"car\":\"KMHEM42APXA000001\",\"km\":\"48210\"},\"seq\":\"123\",\"table\":\"usedcar.inspection\"}",
		"{\"chain\":\"" ORIGIN "\",\"columns\":{\"car\":\"\\u001b[31mred\\n\xE2\x80\xAE\\\\\xEC\x9E\x90\"},\"digests\":{\"report\":{\"bytes\":\"2000\",\"sha256\":\"" ZEROS "\"}},"
		"\"private\":{\"owner\":\"abc\"},\"seq\":\"124\",\"table\":\"usedcar.inspection\",\"time\":\"2026-11-23 03:00:00+00\"}",
		"{\"chain\":\"seoul.go.kr/other/main\",\"columns\":{},\"seq\":\"125\",\"table\":\"t\"}",
		"this is no leaf",
		"{\"block\":{\"first_leaf\":\"0\",\"height\":\"0\",\"members\":\"{[1,3),[123,126)}\",\"prev_block\":\"" ZEROS "\",\"prev_root\":\"" ZEROS "\",\"sealed_at\":\"2026-11-23 03:00:01+00\"},\"chain\":\"" ORIGIN "\"}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		(void) chain_leaf(texts[i]);
}

static void
make_files(void)
{
	ScBuf		buf = SC_BUF_INIT;
	char		name[32];

	for (uint64_t i = 0; i < (uint64_t) chain_size; i++)
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
	CHECK(run("--policy policy receipt2") == 0 && says("signed by") && says("cosigned by") && says("your policy    "));
	CHECK(run_key(witness_vkey, "receipt2") == 0 && !says("your policy"));
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
	chain_begin(argc, argv);
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
	return chain_end("verify");
}
