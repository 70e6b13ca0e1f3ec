/*
 * memory_file.c
 *	  Signing memory of this database's chains, beside its keys; errors in place of codes.
 */
#include "postgres.h"

#include "core/buf.h"
#include "ledger/error.h"
#include "seal/key_files.h"

/* what the node signs as a log and cosigner, and as a public witness of logs that it does not recompute */
#define SC_MEMORY_FILE "memory"
#define SC_WITNESS_MEMORY_FILE "witness-memory"

/* an origin's entry in one of the files */
static bool
load_entry(ScSigned *out, const char *file, const char *origin)
{
	bool		found = false;
	char	   *path = psprintf("%s/%s", sc_key_directory(false), file);
	char	   *what = psprintf("signing memory \"%s\"", path);

	sc_status_report(sc_memory_read(out, &found, path, origin), what);
	return found;
}

/* replaces it if it is still `before` */
static void
store_entry(const char *file, const ScSigned *before, const ScSigned *entry)
{
	char	   *path = psprintf("%s/%s", sc_key_directory(false), file);
	char	   *what = psprintf("signing memory \"%s\"", path);
	ScStatus	status = sc_memory_advance(path, before, entry);

	if (status == SC_MISMATCH)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("another server has signed for \"%s\" meanwhile", entry->last.origin),
				 errdetail("\"%s\" was written after this server read it.", path),
				 errhint("Only one server may go on with a chain: stop the other one.")));
	sc_status_report(status, what);
}

bool
sc_memory_load(ScSigned *out, const char *origin)
{
	return load_entry(out, SC_MEMORY_FILE, origin);
}

void
sc_memory_store(const ScSigned *before, const ScSigned *entry)
{
	store_entry(SC_MEMORY_FILE, before, entry);
}

bool
sc_witness_memory_load(ScSigned *out, const char *origin)
{
	return load_entry(out, SC_WITNESS_MEMORY_FILE, origin);
}

void
sc_witness_memory_store(const ScSigned *before, const ScSigned *entry)
{
	store_entry(SC_WITNESS_MEMORY_FILE, before, entry);
}

char *
sc_memory_text(const ScSigned *entry, bool found)
{
	ScBuf		text = SC_BUF_INIT;
	char	   *result;

	if (!found)
		return pstrdup("none");
	sc_buf_uint64(&text, entry->last.size);
	sc_buf_char(&text, ' ');
	sc_buf_base64(&text, entry->last.root.bytes, SC_HASH_LEN);
	sc_buf_char(&text, ' ');
	sc_buf_uint64(&text, entry->system_identifier);
	sc_buf_char(&text, ' ');
	sc_buf_uint64(&text, entry->timeline);
	result = text.failed ? NULL : pnstrdup(text.data, text.len);
	sc_buf_free(&text);
	if (result == NULL)
		sc_status_report(SC_NO_MEMORY, "signing memory");
	return result;
}
