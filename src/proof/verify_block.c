/*
 * verify_block.c
 *	  One stored block, taken apart for verify().
 *
 * Invariant: a block whose values cannot be read is present but not whole;
 * nothing here raises an error because of what is stored.
 * Context: palloc in the current memory context.
 * Does not compare: verify_tree.c does.
 */
#include "postgres.h"

#include "proof/verify_block.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "proof/datum.h"
#include "proof/guard.h"
#include "proof/values.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

void
sc_span_add(ScSpanList *list, int64 lower, int64 upper)
{
	if (list->count == list->capacity)
	{
		list->capacity = Max(list->capacity * 2, 8);
		if (list->spans == NULL)
			list->spans = palloc(list->capacity * sizeof(*list->spans));
		else
			list->spans = repalloc(list->spans, list->capacity * sizeof(*list->spans));
	}
	list->spans[list->count].lower = lower;
	list->spans[list->count].upper = upper;
	list->count++;
	list->total += upper - lower;
}

char *
sc_span_text(const ScSpanList *list)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (int i = 0; i < list->count; i++)
		appendStringInfo(&text, "%s[" INT64_FORMAT "," INT64_FORMAT ")", i > 0 ? "," : "",
						 list->spans[i].lower, list->spans[i].upper);
	appendStringInfoChar(&text, '}');
	return text.data;
}

bool
sc_span_equal(const ScSpanList *a, const ScSpanList *b)
{
	return a->count == b->count &&
		(a->count == 0 || memcmp(a->spans, b->spans, a->count * sizeof(*a->spans)) == 0);
}

/* reads "{[1,5),[7,9)}" with finite bounds in rising order; false when it is anything else */
static bool
parse_members(ScSpanList *list, const char *text)
{
	const char *p = text;

	if (*p++ != '{')
		return false;
	while (*p == '[')
	{
		char	   *end;
		int64		lower;
		int64		upper;

		lower = strtoll(p + 1, &end, 10);
		if (*end != ',')
			return false;
		upper = strtoll(end + 1, &end, 10);
		if (*end != ')' || lower < 0 || upper <= lower ||
			(list->count > 0 && lower < list->spans[list->count - 1].upper) ||
			upper - lower > PG_UINT32_MAX)
			return false;
		sc_span_add(list, lower, upper);
		p = end + 1;
		if (*p == ',')
			p++;
	}
	return strcmp(p, "}") == 0;
}

typedef struct ReadRequest
{
	ScStoredBlock *out;
	TupleTableSlot *slot;
} ReadRequest;

/* reads the block row; leaves whole = false when something has not its form */
static void
read_block(void *arg)
{
	ReadRequest *request = arg;
	ScStoredBlock *out = request->out;
	ScBlock    *block = &out->block;
	Datum	   *values = request->slot->tts_values;
	Datum		members = values[SC_BLOCK_ATTR_MEMBERS - 1];
	Oid			output;
	bool		isvarlena;

	if (!sc_value_to_hash(&block->prev_hash, values[SC_BLOCK_ATTR_PREV_HASH - 1]) ||
		!sc_value_to_hash(&block->block_hash, values[SC_BLOCK_ATTR_BLOCK_HASH - 1]) ||
		!sc_value_to_hash(&block->root_hash, values[SC_BLOCK_ATTR_ROOT_HASH - 1]) ||
		!sc_datum_ok(INT8MULTIRANGEOID, &members))
		return;
	getTypeOutputInfo(INT8MULTIRANGEOID, &output, &isvarlena);
	block->members = OidOutputFunctionCall(output, members);
	out->whole = parse_members(&out->members, block->members);
}

void
sc_stored_block_read(ScStoredBlock *out, TupleTableSlot *slot)
{
	ReadRequest request = {out, slot};
	Datum	   *values = slot->tts_values;

	out->present = true;
	out->block.chain_id = DatumGetInt32(values[SC_BLOCK_ATTR_CHAIN_ID - 1]);
	out->block.height = DatumGetInt64(values[SC_BLOCK_ATTR_HEIGHT - 1]);
	out->block.first_leaf = DatumGetInt64(values[SC_BLOCK_ATTR_FIRST_LEAF - 1]);
	out->block.tree_size = DatumGetInt64(values[SC_BLOCK_ATTR_TREE_SIZE - 1]);
	out->block.sealed_at = DatumGetTimestampTz(values[SC_BLOCK_ATTR_SEALED_AT - 1]);
	if (!sc_guard(read_block, &request, NULL))
		out->whole = false;
}
