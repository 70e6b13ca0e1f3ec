/*
 * test_memory.c
 *	  Signing memory: lines, files, many origins, many writers.
 */
#include "harness.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/text.h"
#include "sign/memory.h"

static char folder[] = "/tmp/seoulchain_test_XXXXXX";
static char path[64];

static ScSigned
entry_of(const char *origin, uint64_t size)
{
	ScSigned	entry = {0};

	strcpy(entry.last.origin, origin);
	entry.last.size = size;
	sc_hash_bytes(&entry.last.root, origin, strlen(origin));
	entry.system_identifier = UINT64_MAX;
	entry.timeline = UINT32_MAX;
	return entry;
}

static bool
same(const ScSigned *a, const ScSigned *b)
{
	return strcmp(a->last.origin, b->last.origin) == 0 && a->last.size == b->last.size &&
		test_same_hash(&a->last.root, &b->last.root) &&
		a->system_identifier == b->system_identifier && a->timeline == b->timeline;
}

static void
test_lines(void)
{
	static const char *const bad[] = {
		"", "a", "a 1", "a 1 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", "a 1 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= 1",
		"a 1 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= 1 ", "a 1 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= 1 1 ",
		"a 1 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= 1 1 1", " 1 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= 1 1",
		"a  1 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= 1 1", "a 01 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= 1 1",
		"a 9223372036854775808 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= 1 1",
		"a 1 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= 1 4294967296",
		"a 1 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I= 18446744073709551616 1", "a 1 CsUY 1 1",
	};
	ScSigned	entry = entry_of("seoul.go.kr/a/main", INT64_MAX);
	ScSigned	again;
	ScBuf		buf = SC_BUF_INIT;

	sc_memory_format_line(&buf, &entry);
	CHECK_STATUS(sc_memory_parse_line(&again, buf.data, buf.len - 1), SC_OK);
	CHECK(same(&entry, &again));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(sc_memory_parse_line(&again, bad[i], strlen(bad[i])) == SC_MALFORMED, bad[i]);
	sc_buf_free(&buf);
}

static void
test_files(void)
{
	ScSigned	a = entry_of("seoul.go.kr/a/main", 3);
	ScSigned	ab = entry_of("seoul.go.kr/a/main2", 4);
	ScSigned	out;
	struct stat st;
	bool		found = true;
	FILE	   *f;

	CHECK_STATUS(sc_memory_read(&out, &found, path, a.last.origin), SC_OK);
	CHECK(!found);
	CHECK_STATUS(sc_memory_write(path, &a), SC_OK);
	CHECK_STATUS(sc_memory_write(path, &ab), SC_OK);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK_STATUS(sc_memory_read(&out, &found, path, a.last.origin), SC_OK);
	CHECK(found && same(&out, &a));
	CHECK_STATUS(sc_memory_read(&out, &found, path, ab.last.origin), SC_OK);
	CHECK(found && same(&out, &ab));
	CHECK_STATUS(sc_memory_read(&out, &found, path, "seoul.go.kr/a/mai"), SC_OK);
	CHECK(!found);
	a.last.size = 99;
	CHECK_STATUS(sc_memory_write(path, &a), SC_OK);
	CHECK_STATUS(sc_memory_read(&out, &found, path, a.last.origin), SC_OK);
	CHECK(found && out.last.size == 99);
	CHECK_STATUS(sc_memory_read(&out, &found, path, ab.last.origin), SC_OK);
	CHECK(found && same(&out, &ab));

	a.last.origin[0] = ' ';
	CHECK_STATUS(sc_memory_write(path, &a), SC_MALFORMED);
	chmod(path, 0640);
	CHECK_STATUS(sc_memory_read(&out, &found, path, ab.last.origin), SC_LAX_MODE);
	CHECK_STATUS(sc_memory_write(path, &ab), SC_LAX_MODE);
	chmod(path, 0600);

	/* what does not parse is neither believed nor overwritten */
	f = fopen(path, "a");
	fputs("garbage\n", f);
	fclose(f);
	CHECK_STATUS(sc_memory_read(&out, &found, path, ab.last.origin), SC_MALFORMED);
	CHECK_STATUS(sc_memory_write(path, &ab), SC_MALFORMED);
	unlink(path);
	CHECK_STATUS(sc_memory_write("/nonexistent/folder/memory", &ab), SC_IO);
	CHECK(errno == ENOENT);
}

/* two servers that have read the same line: one of them gets to sign */
static void
test_advance(void)
{
	ScSigned	first = entry_of("seoul.go.kr/a/main", 3);
	ScSigned	second = entry_of("seoul.go.kr/a/main", 5);
	ScSigned	other = entry_of("seoul.go.kr/a/main", 6);
	ScSigned	neighbour = entry_of("seoul.go.kr/a/main2", 7);
	ScSigned	out;
	bool		found;

	CHECK_STATUS(sc_memory_advance(path, &first, &second), SC_MISMATCH);
	CHECK_STATUS(sc_memory_advance(path, NULL, &first), SC_OK);
	CHECK_STATUS(sc_memory_advance(path, NULL, &second), SC_MISMATCH);
	CHECK_STATUS(sc_memory_advance(path, NULL, &neighbour), SC_OK);
	CHECK_STATUS(sc_memory_advance(path, &first, &second), SC_OK);
	CHECK_STATUS(sc_memory_advance(path, &first, &other), SC_MISMATCH);
	other = second;
	other.timeline++;
	CHECK_STATUS(sc_memory_advance(path, &other, &first), SC_MISMATCH);
	other = second;
	other.last.root.bytes[31] ^= 1;
	CHECK_STATUS(sc_memory_advance(path, &other, &first), SC_MISMATCH);
	CHECK_STATUS(sc_memory_read(&out, &found, path, second.last.origin), SC_OK);
	CHECK(found && same(&out, &second));
	unlink(path);
}

static void
test_repeated_origin(void)
{
	ScSigned	a = entry_of("a", 3);
	ScSigned	out;
	ScBuf		buf = SC_BUF_INIT;
	bool		found;

	sc_memory_format_line(&buf, &a);
	sc_memory_format_line(&buf, &a);
	CHECK_STATUS(sc_memory_find(&out, &found, buf.data, buf.len, "a"), SC_MALFORMED);
	CHECK_STATUS(sc_memory_find(&out, &found, buf.data, buf.len - 1, "b"), SC_MALFORMED);
	CHECK_STATUS(sc_memory_find(&out, &found, NULL, 0, "b"), SC_OK);
	sc_buf_free(&buf);
}

/* eight processes write 25 times each, every one its own origin: nothing is lost */
static void
test_concurrent_writers(void)
{
	ScSigned	out;
	bool		found;

	for (int writer = 0; writer < 8; writer++)
	{
		if (fork() == 0)
		{
			char		origin[32];

			snprintf(origin, sizeof(origin), "writer/%d", writer);
			for (uint64_t size = 1; size <= 25; size++)
			{
				ScSigned	entry = entry_of(origin, size);

				if (sc_memory_write(path, &entry) != SC_OK)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int writer = 0; writer < 8; writer++)
	{
		int			status;

		CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	for (int writer = 0; writer < 8; writer++)
	{
		char		origin[32];

		snprintf(origin, sizeof(origin), "writer/%d", writer);
		CHECK_STATUS(sc_memory_read(&out, &found, path, origin), SC_OK);
		CHECK(found && out.last.size == 25);
	}
}

int
main(int argc, char **argv)
{
	char		command[64];

	test_begin(argc, argv);
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/memory", folder);
	test_lines();
	test_files();
	test_advance();
	test_repeated_origin();
	test_concurrent_writers();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command) != 0)
		return 1;
	return test_end("memory");
}
