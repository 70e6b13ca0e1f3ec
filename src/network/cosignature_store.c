/*
 * cosignature_store.c
 *	  Cosignatures that come to this node: by replication from their makers, or by hand.
 *
 * Invariant: what replication brings is a signature line whose key bears the
 * name of the node that the subscription is of, or of that node's witness
 * key, so no node can fill the place of another; a key has one line for a
 * checkpoint, the first that came.  Whether a line is a good signature is
 * looked at when it is to count: the block may not have come yet.
 * Effects: rows of seoulchain.cosignature; sessions that wait look again at
 * commit.  A row that is not taken is dropped without an error: raising would
 * stop the replication for ever.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "network/accept.h"
#include "network/cosign.h"
#include "network/cosignature_store.h"
#include "network/peer_state.h"
#include "network/witness_lines.h"
#include "replication/logicalworker.h"
#include "seal/internal_scan.h"
#include "seal/tell.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_accept_cosignature);

/* a name has two keys at a time while one follows the other; what is more than this fills the table, and readers' time */
#define LINES_OF_NAME 4

/* is there a line by the same key for that checkpoint?  In *lines_of_name, if given, how many bear its name. */
static bool
is_known(const char *origin, int64 size, const ScLine *line, int *lines_of_name)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	List	   *lines = sc_lines_arrived(origin, size, snapshot);
	bool		known = false;
	int			count = 0;
	ListCell   *lc;

	UnregisterSnapshot(snapshot);
	foreach(lc, lines)
	{
		const ScLine *other = lfirst(lc);

		if (strcmp(other->name, line->name) != 0)
			continue;
		count++;
		known = known || memcmp(other->id, line->id, SC_KEY_ID_LEN) == 0;
	}
	if (lines_of_name != NULL)
		*lines_of_name = count;
	return known;
}

/* may the peer say something under that name? */
static bool
speaks_for(const char *peer, const char *name)
{
	size_t		len = strlen(peer);

	return strncmp(name, peer, len) == 0 && (name[len] == '\0' || strcmp(name + len, "/witness") == 0);
}

/* why the row is not taken from this peer: "" when it is here already; NULL when it is taken */
static const char *
objection(const char *peer, HeapTuple tuple, TupleDesc desc)
{
	Datum		values[SC_COSIGNATURE_NATTS];
	bool		nulls[SC_COSIGNATURE_NATTS];
	char	   *witness;
	List	   *lines;
	int			count;

	heap_deform_tuple(tuple, desc, values, nulls);
	for (int i = 0; i < SC_COSIGNATURE_NATTS; i++)
		if (nulls[i])
			return "it is not complete";
	witness = TextDatumGetCString(values[SC_COSIGNATURE_ATTR_WITNESS - 1]);
	lines = sc_lines_split(TextDatumGetCString(values[SC_COSIGNATURE_ATTR_LINE - 1]));
	if (!speaks_for(peer, witness))
		return psprintf("it is in the name of \"%.100s\"", witness);
	if (list_length(lines) != 1 || strcmp(((ScLine *) linitial(lines))->name, witness) != 0)
		return "it is no signature line of its witness";
	if (is_known(TextDatumGetCString(values[SC_COSIGNATURE_ATTR_ORIGIN - 1]),
				 DatumGetInt64(values[SC_COSIGNATURE_ATTR_TREE_SIZE - 1]), linitial(lines), &count))
		return "";
	return count >= LINES_OF_NAME ? "there are several of its name for that checkpoint already" : NULL;
}

/*
 * seoulchain.accept_cosignature() -> trigger
 *
 * BEFORE INSERT on seoulchain.cosignature, ENABLE ALWAYS: drops what a peer
 * may not send.  What others insert, a dump that is loaded, is left alone.
 */
Datum
sc_accept_cosignature(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const char *peer = sc_apply_peer();
	const char *why;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		elog(ERROR, "accept_cosignature() is a trigger of seoulchain.cosignature");
	if (peer == NULL)
		return PointerGetDatum(IsLogicalWorker() ? NULL : trigger->tg_trigtuple);
	why = objection(peer, trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation));
	if (why != NULL)
	{
		if (why[0] != '\0')
			sc_peer_state_drop(peer, "cosignature", why);
		return PointerGetDatum(NULL);
	}
	sc_tell_at_commit();
	return PointerGetDatum(trigger->tg_trigtuple);
}

bool
sc_cosignature_add(const char *origin, int64 size, const ScLine *line)
{
	Relation	rel;
	Datum		values[SC_COSIGNATURE_NATTS];
	bool		nulls[SC_COSIGNATURE_NATTS] = {false};

	/* of two at once, the second sees the first */
	rel = sc_internal_open("cosignature", ShareRowExclusiveLock);
	if (!is_known(origin, size, line, NULL))
	{
		values[SC_COSIGNATURE_ATTR_ORIGIN - 1] = CStringGetTextDatum(origin);
		values[SC_COSIGNATURE_ATTR_TREE_SIZE - 1] = Int64GetDatum(size);
		values[SC_COSIGNATURE_ATTR_WITNESS - 1] = CStringGetTextDatum(line->name);
		values[SC_COSIGNATURE_ATTR_LINE - 1] = CStringGetTextDatum(line->text);
		CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
		CommandCounterIncrement();
		sc_tell_at_commit();
	}
	else
	{
		table_close(rel, NoLock);
		return false;
	}
	table_close(rel, NoLock);
	return true;
}
