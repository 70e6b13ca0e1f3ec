/*
 * resume.c
 *	  The event by which an operator lets a chain sign again.
 *
 * {"memory":..,"reason":..,"system_identifier":..,"timeline":..,"type":"resume_signing"}
 *
 * Invariant: an event counts only for the memory entry, the cluster and the
 * timeline it names, and only while it is not below a signature: the first
 * signature made by its leave changes the memory entry, so it serves once.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "core/json.h"
#include "seal/internal_scan.h"
#include "seal/resume.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"

#define SC_EVENT_ATTR_CHAIN_ID 1
#define SC_EVENT_ATTR_LEDGER_SEQ 2
#define SC_EVENT_ATTR_LEAF 4

#define SC_RESUME_TYPE "resume_signing"

static char *
system_identifier_text(void)
{
	return psprintf(UINT64_FORMAT, (uint64) GetSystemIdentifier());
}

static char *
timeline_text(void)
{
	return psprintf("%u", (uint32) GetWALInsertionTimeLine());
}

/* appends "key":"value" and what follows it */
static void
put_member(ScBuf *buf, const char *key, const char *value, char follows)
{
	sc_json_string(buf, key, strlen(key));
	sc_buf_char(buf, ':');
	sc_json_string(buf, value, strlen(value));
	sc_buf_char(buf, follows);
}

void
sc_resume_event(ScBuf *buf, const char *memory, const char *reason)
{
	sc_buf_char(buf, '{');
	put_member(buf, "memory", memory, ',');
	put_member(buf, "reason", reason, ',');
	put_member(buf, "system_identifier", system_identifier_text(), ',');
	put_member(buf, "timeline", timeline_text(), ',');
	put_member(buf, "type", SC_RESUME_TYPE, '}');
}

/* is member `key` of the object this string? */
static bool
member_is(const ScJson *object, const char *key, const char *value)
{
	const ScJson *member = sc_json_member(object, key);

	return member != NULL && member->kind == SC_JSON_STRING &&
		member->len == strlen(value) && memcmp(member->string, value, member->len) == 0;
}

/* does the leaf let this cluster go on from that memory entry? */
static bool
leaf_resumes(const char *leaf, const char *memory)
{
	ScJson	   *json;
	const ScJson *event;
	bool		result = false;

	if (strstr(leaf, SC_RESUME_TYPE) == NULL || sc_json_parse(&json, leaf, strlen(leaf)) != SC_OK)
		return false;
	event = json->kind == SC_JSON_OBJECT ? sc_json_member(json, "event") : NULL;
	if (event != NULL && event->kind == SC_JSON_OBJECT)
		result = member_is(event, "type", SC_RESUME_TYPE) &&
			member_is(event, "memory", memory) &&
			member_is(event, "system_identifier", system_identifier_text()) &&
			member_is(event, "timeline", timeline_text());
	sc_json_free(json);
	return result;
}

bool
sc_resume_recorded(const ScChain *chain, const char *memory, int64 signed_size, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		found = false;

	sc_key_int4(&key, SC_EVENT_ATTR_CHAIN_ID, chain->chain_id);
	sc_internal_scan_begin(&scan, "event", "event_pkey", snapshot, &key, 1);
	while (!found && (tuple = sc_internal_scan_next(&scan, BackwardScanDirection)) != NULL)
	{
		char	   *leaf = TextDatumGetCString(sc_internal_attr(tuple, SC_EVENT_ATTR_LEAF, scan.rel));
		int64		seq = DatumGetInt64(sc_internal_attr(tuple, SC_EVENT_ATTR_LEDGER_SEQ, scan.rel));

		found = leaf_resumes(leaf, memory) && sc_member_leaf_index(chain->chain_id, seq, snapshot) >= signed_size;
		pfree(leaf);
	}
	sc_internal_scan_end(&scan);
	return found;
}
