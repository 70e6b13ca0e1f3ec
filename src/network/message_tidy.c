/*
 * message_tidy.c
 *	  Removing messages of this node that have served.
 *
 * A message travels in the log of the server; its row is read again only when
 * a follower makes a new subscription, and then it asks anew and gets new
 * messages.  So rows go as soon as the follower has cosigned the block, and
 * blocks of followers that do not cosign when there are too many.
 *
 * Locks: RowExclusiveLock on seoulchain.message.  Only inserts are published,
 * so no deletion travels.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "network/cosign.h"
#include "network/message.h"
#include "network/message_tidy.h"
#include "network/network_tables.h"
#include "seal/internal_scan.h"
#include "seal/tree_store.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* rounds of sending between two looks */
#define TIDY_EVERY 31

/* blocks that are kept for a follower who does not cosign */
#define BLOCKS_KEPT 4096

/* how far a recipient's messages have served */
typedef struct Served
{
	char	   *node;
	int64		size;			/* leaves that it has cosigned */
	int64		height;			/* blocks up to here have served, -1 = none */
} Served;

static int	since_last = 0;

/* how far each follower's messages have served: List of Served * */
static List *
list_served(const ScChain *chain, Snapshot snapshot)
{
	List	   *result = NIL;
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;

	sc_key_int4(&key, SC_SHARE_ATTR_CHAIN_ID, chain->chain_id);
	sc_internal_scan_begin(&scan, "share", "share_pkey", snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		Served	   *served = palloc0(sizeof(Served));
		bool		isnull;
		int64		sent = DatumGetInt64(heap_getattr(tuple, SC_SHARE_ATTR_SENT_HEIGHT, RelationGetDescr(scan.rel), &isnull));

		served->node = TextDatumGetCString(sc_internal_attr(tuple, SC_SHARE_ATTR_NODE, scan.rel));
		served->size = sc_cosigned_size(chain->origin, served->node, BLOCKS_KEPT, snapshot);
		if (served->size == 0 || !sc_signature_by_size(chain->chain_id, served->size, snapshot, &served->height))
		{
			served->size = 0;
			served->height = -1;
		}
		if (!isnull)
			served->height = Max(served->height, sent - BLOCKS_KEPT);
		result = lappend(result, served);
	}
	sc_internal_scan_end(&scan);
	return result;
}

/* the recipient's entry, NULL when the chain is not shared with it any more */
static const Served *
find_served(List *list, const char *node)
{
	ListCell   *lc;

	foreach(lc, list)
	{
		Served	   *served = lfirst(lc);

		if (strcmp(served->node, node) == 0)
			return served;
	}
	return NULL;
}

/* deletes the messages of a kind that have served */
static void
tidy_kind(const ScChain *chain, const char *kind, List *served_list, Snapshot snapshot)
{
	bool		blocks = strcmp(kind, SC_MESSAGE_BLOCK) == 0;
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], SC_MESSAGE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(chain->origin));
	ScanKeyInit(&keys[1], SC_MESSAGE_ATTR_KIND, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(kind));
	sc_internal_scan_begin(&scan, "message", "message_origin", snapshot, keys, 2);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		const Served *served = find_served(served_list, TextDatumGetCString(sc_internal_attr(tuple, SC_MESSAGE_ATTR_RECIPIENT, scan.rel)));
		int64		number = DatumGetInt64(sc_internal_attr(tuple, SC_MESSAGE_ATTR_NUMBER, scan.rel));
		int64		leaf;

		if (served != NULL && blocks && number > served->height)
			continue;
		if (served != NULL && !blocks &&
			((leaf = sc_member_leaf_index(chain->chain_id, number, snapshot)) < 0 || leaf >= served->size))
			continue;
		CatalogTupleDelete(scan.rel, &tuple->t_self);
	}
	sc_internal_scan_end(&scan);
}

void
sc_message_tidy(const ScChain *chain)
{
	Snapshot	snapshot;
	List	   *served;

	if (++since_last < TIDY_EVERY)
		return;
	since_last = 0;
	LockRelationOid(sc_registry_relation("message"), RowExclusiveLock);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	served = list_served(chain, snapshot);
	tidy_kind(chain, SC_MESSAGE_BLOCK, served, snapshot);
	tidy_kind(chain, SC_MESSAGE_EVENT, served, snapshot);
	UnregisterSnapshot(snapshot);
}
