/*
 * test_note.c
 *	  Names, verifier keys, signed notes and checkpoints, as text.
 */
#include "harness.h"

#include "core/note.h"
#include "core/text.h"

#define ROOT64 "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
#define SIGNATURE "\xE2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"

static ScNote note;

static ScStatus
parse(const char *text, bool unsigned_ok)
{
	return sc_note_parse(&note, text, strlen(text), unsigned_ok);
}

static void
test_names(void)
{
	static const char *const good[] = {"a", "example.com/foo", "seoul.go.kr/city-hall/main", "\xEC\x84\x9C\xEC\x9A\xB8", "a=b", "unnamed/0123/main"};
	static const char *const bad[] = {"", " ", "a b", "a+b", "a\tb", "a\nb", "\x7F", "a\xC2\x85", "a\xC2\xA0", "\xE1\x9A\x80",
		"\xE2\x80\x83", "\xE2\x80\xA8", "\xE2\x80\xAF", "\xE3\x80\x80", "\xFF", "a\xC3"};
	char		longest[SC_NAME_MAX + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK_CASE(sc_note_name_ok(good[i], strlen(good[i])), good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(!sc_note_name_ok(bad[i], strlen(bad[i])), bad[i]);
	memset(longest, 'x', sizeof(longest));
	CHECK(sc_note_name_ok(longest, SC_NAME_MAX));
	CHECK(!sc_note_name_ok(longest, SC_NAME_MAX + 1));
	CHECK(!sc_note_name_ok("a\0b", 3));
}

static void
test_keys(void)
{
	static const char vkey[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
	static const char *const bad[] = {
		"", "+", "example.com/foo", "example.com/foo+530d903a", "example.com/foo+530d903a+",
		"+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=",
		"example.com/foo+530d903a+BekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
		"exam ple.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
	};
	ScVerifierKey key;
	ScBuf		buf = SC_BUF_INIT;
	int			before = test_failed;

	CHECK_STATUS(sc_note_parse_key(&key, vkey, strlen(vkey)), SC_OK);
	CHECK(strcmp(key.name, "example.com/foo") == 0 && key.type == SC_KEY_ED25519 && key.keylen == 32);
	sc_note_format_key(&buf, &key);
	CHECK(sc_text_is(buf.data, buf.len, vkey));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(sc_note_parse_key(&key, bad[i], strlen(bad[i])) == SC_MALFORMED, bad[i]);
	for (size_t i = 0; i < strlen(vkey); i++)
		REQUIRE(sc_note_parse_key(&key, vkey, i) == SC_MALFORMED);
	CHECK_NO_NEW_FAILURE(before);
	sc_buf_free(&buf);
}

static void
test_notes(void)
{
	static const char *const bad[] = {
		"", "\n", "\n\n" , "text", "text\n", "text\n\n", "text\n" SIGNATURE,
		"text\n\n- example.com/foo Uw2QOkn8srU=\n",
		"text\n\n\xE2\x80\x94 example.com/foo Uw2QOg==\n",
		"text\n\n\xE2\x80\x94 example.com/foo \n",
		"text\n\n\xE2\x80\x94 example.com/foo\n",
		"text\n\n\xE2\x80\x94  Uw2QOkn8srU=\n",
		"text\n\n\xE2\x80\x94 a b Uw2QOkn8srU=\n",
		"text\n\n\xE2\x80\x94 a+b Uw2QOkn8srU=\n",
		"text\n\n\xE2\x80\x94 foo Uw2QOkn8srU= \n",
		"text\n\n\xE2\x80\x94 foo Uw2QOkn8srU=\r\n",
		"text\n\n\xE2\x80\x94 foo Uw2QOkn8srU=",
		"text\n\n\xE2\x80\x94 foo Uw2QOkn8srU\n",
		"text\t\n\n" SIGNATURE,
		"te\x01xt\n\n" SIGNATURE,
		"te\xFFxt\n\n" SIGNATURE,
		"text\n\n" SIGNATURE "trailing\n",
		"text\n\n" SIGNATURE "\n",
	};

	CHECK_STATUS(parse("text\n\n" SIGNATURE, false), SC_OK);
	CHECK(note.textlen == 5 && note.nsigs == 1);
	CHECK(sc_text_is(note.sigs[0].name, note.sigs[0].namelen, "example.com/foo"));
	CHECK(note.sigs[0].siglen == 64 && note.sigs[0].id[0] == 0x53);
	CHECK(note.sigs[0].linelen == strlen(SIGNATURE) && note.sigs[0].line == note.text + 6);

	/* the text ends at the last blank line */
	CHECK_STATUS(parse("one\n\ntwo\n\n" SIGNATURE, false), SC_OK);
	CHECK(note.textlen == 9);
	CHECK_STATUS(parse("\n\n" SIGNATURE, false), SC_OK);
	CHECK(note.textlen == 1);
	CHECK_STATUS(parse("text\n\n\n" SIGNATURE, false), SC_OK);
	CHECK(note.textlen == 6);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(parse(bad[i], false) == SC_MALFORMED, bad[i]);

	CHECK_STATUS(parse("text\n\n", true), SC_OK);
	CHECK(note.textlen == 5 && note.nsigs == 0);
	CHECK_STATUS(parse("text\n", true), SC_MALFORMED);
	CHECK_STATUS(sc_note_parse(&note, "te\0xt\n\n", 7, true), SC_MALFORMED);
}

/* 16 lines must be taken, 64 are, 65 are too many; a signature of a size unknown to us is kept as a line */
static void
test_limits(void)
{
	ScBuf		buf = SC_BUF_INIT;
	uint8_t		big[3000] = {1};

	sc_buf_literal(&buf, "text\n\n");
	for (int i = 1; i <= SC_NOTE_SIGS_MAX; i++)
	{
		sc_buf_literal(&buf, SIGNATURE);
		CHECK_STATUS(sc_note_parse(&note, buf.data, buf.len, false), SC_OK);
		CHECK(note.nsigs == i);
	}
	sc_buf_literal(&buf, SIGNATURE);
	CHECK_STATUS(sc_note_parse(&note, buf.data, buf.len, false), SC_TOO_LARGE);

	sc_buf_reset(&buf);
	sc_buf_literal(&buf, "text\n\n\xE2\x80\x94 pq.example ");
	sc_buf_base64(&buf, big, sizeof(big));
	sc_buf_literal(&buf, "\n" SIGNATURE);
	CHECK_STATUS(sc_note_parse(&note, buf.data, buf.len, false), SC_OK);
	CHECK(note.nsigs == 2 && note.sigs[0].siglen == 0 && note.sigs[0].id[0] == 1 && note.sigs[1].siglen == 64);
	CHECK(note.sigs[0].linelen == 16 + 4000);

	sc_buf_reset(&buf);
	sc_note_format_signature(&buf, "n", (const uint8_t *) "1234", big, sizeof(big));
	CHECK(buf.failed);
	sc_buf_reset(&buf);
	sc_note_format_signature(&buf, "name", (const uint8_t *) "1234", (const uint8_t *) "12345", 5);
	CHECK(sc_text_is(buf.data, buf.len, "\xE2\x80\x94 name MTIzNDEyMzQ1\n"));
	sc_buf_free(&buf);
}

/* a note's end is mended, and nothing else */
static void
test_ends(void)
{
	static const char *const cases[][2] = {
		{"text\n\n" SIGNATURE, "text\n\n" SIGNATURE}, {"text\n\n" SIGNATURE "\n", "text\n\n" SIGNATURE},
		{"text\n\n" SIGNATURE "\n\n\n", "text\n\n" SIGNATURE}, {"text", "text\n\n"}, {"text\n", "text\n\n"}, {"text\n\n", "text\n\n"},
		{"a\n1\nroot\n\n\n", "a\n1\nroot\n\n"}, {"", "\n\n"}, {"\n\n\n", "\n\n"}, {"text\n\n\xE2\x80\x94 a b", "text\n\n\xE2\x80\x94 a b\n"},
		{" \n", " \n\n"}, {"\xE2\x80", "\xE2\x80\n\n"},
	};
	ScBuf		buf = SC_BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		sc_buf_reset(&buf);
		sc_note_mend_end(&buf, cases[i][0], strlen(cases[i][0]));
		CHECK_CASE(sc_text_is(buf.data, buf.len, cases[i][1]), cases[i][0]);
	}
	sc_buf_free(&buf);
}

static void
test_checkpoints(void)
{
	static const char text[] = "example.com/behind-the-sofa\n20852163\n" ROOT64 "\n";
	static const char *const bad[] = {
		"", "a\n", "a\n1\n", "a\n1\n" ROOT64, "a\n1\n" ROOT64 "\next\n", "a\n1\n" ROOT64 "\n\n",
		"\n1\n" ROOT64 "\n", "a b\n1\n" ROOT64 "\n", "a\n01\n" ROOT64 "\n", "a\n-1\n" ROOT64 "\n",
		"a\n\n" ROOT64 "\n", "a\n1 \n" ROOT64 "\n", "a\n1\nCsUY\n", "a\n1\n \n",
		"a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
		"a\n18446744073709551616\n" ROOT64 "\n",
	};
	ScCheckpoint checkpoint;
	ScBuf		buf = SC_BUF_INIT;
	FILE	   *f;
	char	   *fields[TEST_FIELDS];

	CHECK_STATUS(sc_checkpoint_parse(&checkpoint, text, strlen(text)), SC_OK);
	CHECK(checkpoint.size == 20852163 && strcmp(checkpoint.origin, "example.com/behind-the-sofa") == 0);
	sc_checkpoint_format(&buf, &checkpoint);
	CHECK(sc_text_is(buf.data, buf.len, text));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(sc_checkpoint_parse(&checkpoint, bad[i], strlen(bad[i])) == SC_MALFORMED, bad[i]);
	CHECK_STATUS(sc_checkpoint_parse(&checkpoint, "a\n9223372036854775808\n" ROOT64 "\n", 67), SC_RANGE);
	CHECK_STATUS(sc_checkpoint_parse(&checkpoint, "a\n9223372036854775807\n" ROOT64 "\n", 67), SC_OK);

	f = test_open("checkpoints");
	while (test_read(f, fields) == 2)
	{
		size_t		len;
		uint8_t    *published = test_unhex(&len, fields[1]);

		CHECK_STATUS(sc_note_parse(&note, (char *) published, len, false), SC_OK);
		CHECK_STATUS(sc_checkpoint_parse(&checkpoint, note.text, note.textlen), SC_OK);
		sc_buf_reset(&buf);
		sc_checkpoint_format(&buf, &checkpoint);
		CHECK(buf.len == note.textlen && memcmp(buf.data, note.text, buf.len) == 0);
		free(published);
	}
	fclose(f);
	sc_buf_free(&buf);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_names();
	test_keys();
	test_notes();
	test_limits();
	test_ends();
	test_checkpoints();
	return test_end("note");
}
