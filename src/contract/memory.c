/*
 * memory.c
 *	  What core allocates with malloc, freed with a memory context.
 *
 * Invariant: nothing is lost when an error leaves the caller: the context's
 * callback frees it.  The callback is registered before anything is allocated.
 */
#include "postgres.h"

#include "contract/memory.h"

#include "ledger/error.h"
#include "utils/memutils.h"

void
sc_context_release(void (*release) (void *arg), void *arg)
{
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

	callback->func = release;
	callback->arg = arg;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
}

static void
release_buf(void *arg)
{
	sc_buf_free(arg);
}

ScBuf *
sc_context_buf(void)
{
	ScBuf	   *buf = palloc0(sizeof(ScBuf));

	sc_context_release(release_buf, buf);
	return buf;
}

char *
sc_buf_copy(ScBuf *buf)
{
	const char *text = sc_buf_cstr(buf);

	if (text == NULL)
		sc_status_report(SC_NO_MEMORY, "text");
	return pstrdup(text);
}

static void
release_json(void *arg)
{
	ScJson	  **json = arg;

	if (*json != NULL)
		sc_json_free(*json);
}

const ScJson *
sc_context_try_json(const char *text)
{
	ScJson	  **json = palloc0(sizeof(ScJson *));

	sc_context_release(release_json, json);
	if (sc_json_parse(json, text, strlen(text)) == SC_NO_MEMORY)
		sc_status_report(SC_NO_MEMORY, "JSON");
	return *json;
}

const ScJson *
sc_context_json(const char *text, const char *what)
{
	ScJson	  **json = palloc0(sizeof(ScJson *));

	sc_context_release(release_json, json);
	sc_status_report(sc_json_parse(json, text, strlen(text)), what);
	return *json;
}
