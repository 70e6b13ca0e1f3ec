/*
 * repair.c
 *	  repair(): damaged and lost rows of a ledger table come back from peers.
 *
 * Order: lock, verify, fetch, prove; only then is anything changed: pages that
 * cannot be read are made anew, proven rows are stored, bad tuples go, hints
 * and indexes are made right, and all of it is told.
 *
 * Invariant: a row is stored only if its leaf, computed from what is stored,
 * is in the tree of a final checkpoint; a tuple goes only if what belongs in
 * its place has been proven, or nothing does.  A peer that lies is told by
 * name and changes nothing.
 * Locks: ShareRowExclusiveLock on the table (rows wait, reading goes on), the
 * chain's sealing lock at the end; to the end of the transaction.
 * Not undone by a rollback: tuples and pages that went (row_store.h).
 * What it does not do: mend the tree, blocks or events; rows that no block
 * holds yet.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "core/proof.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/ask.h"
#include "network/damage.h"
#include "network/final_root.h"
#include "network/peer.h"
#include "network/repair.h"
#include "network/row_store.h"
#include "network/row_values.h"
#include "proof/fault.h"
#include "proof/guard.h"
#include "proof/inclusion.h"
#include "proof/values.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "seal/refresh.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(sc_repair);

/* seoulchain.repair */
enum
{
	REPAIR_AT = 1,
	REPAIR_ORIGIN,
	REPAIR_TABLE,
	REPAIR_SEQ,
	REPAIR_ACTION,
	REPAIR_PEER,
	REPAIR_HASH,
	REPAIR_SIZE,
	REPAIR_NATTS = REPAIR_SIZE
};

#define ACTION_RESTORED "row restored"
#define ACTION_REMOVED "tuple removed"
#define ACTION_PAGE "page made anew"
#define ACTION_REFUSED "row refused"
#define ACTION_NOT "not repaired"
#define ACTION_PEER "peer not asked"

#define SC_REPAIR_RESULT_NATTS 4

/* what is known of a row that is wanted */
typedef struct Wanted
{
	bool		proven;
	const char *peer;			/* whom it came from */
	ScHash		hash;
} Wanted;

typedef struct Repair
{
	MemoryContext context;
	ReturnSetInfo *result;
	Relation	rel;
	ScLedgerTable *table;
	ScChain    *chain;
	ScDamage   *damage;
	Wanted	   *wanted;			/* beside damage->seqs */
	int			nproven;
	ScFinalRoot final;
	bool		has_final;
	Tuplestorestate *rows;		/* proven, in the order of proven_seqs */
	int64	   *proven_seqs;
	ItemPointerData *tids;
	TupleTableSlot *slot;
	/* the peer that is being asked */
	const char *peer;
	ScChannel  *channel;
} Repair;

/* one line of the answer */
static void
tell(Repair *repair, int64 seq, const char *action, const char *peer, const char *detail)
{
	Datum		values[SC_REPAIR_RESULT_NATTS] = {0};
	bool		nulls[SC_REPAIR_RESULT_NATTS] = {false};

	nulls[0] = seq == SC_NONE;
	values[0] = Int64GetDatum(seq);
	values[1] = CStringGetTextDatum(action);
	nulls[2] = peer == NULL;
	values[2] = peer == NULL ? (Datum) 0 : CStringGetTextDatum(peer);
	nulls[3] = detail == NULL;
	values[3] = detail == NULL ? (Datum) 0 : CStringGetTextDatum(detail);
	tuplestore_putvalues(repair->result->setResult, repair->result->setDesc, values, nulls);
}

void
sc_repair_record(const char *origin, const char *table, int64 seq, const char *action,
				 const char *peer, const ScHash *hash, int64 tree_size)
{
	Relation	rel = sc_internal_open("repair", RowExclusiveLock);
	Datum		values[REPAIR_NATTS] = {0};
	bool		nulls[REPAIR_NATTS] = {false};

	values[REPAIR_AT - 1] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[REPAIR_ORIGIN - 1] = CStringGetTextDatum(origin);
	nulls[REPAIR_TABLE - 1] = table == NULL;
	values[REPAIR_TABLE - 1] = table == NULL ? (Datum) 0 : CStringGetTextDatum(table);
	nulls[REPAIR_SEQ - 1] = seq == SC_NONE;
	values[REPAIR_SEQ - 1] = Int64GetDatum(seq);
	values[REPAIR_ACTION - 1] = CStringGetTextDatum(action);
	nulls[REPAIR_PEER - 1] = peer == NULL;
	values[REPAIR_PEER - 1] = peer == NULL ? (Datum) 0 : CStringGetTextDatum(peer);
	nulls[REPAIR_HASH - 1] = nulls[REPAIR_SIZE - 1] = hash == NULL;
	if (hash != NULL)
		values[REPAIR_HASH - 1] = sc_value_hash(hash);
	values[REPAIR_SIZE - 1] = Int64GetDatum(tree_size);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
}

/* records something of the table that is being repaired */
static void
record(Repair *repair, int64 seq, const char *action, const char *peer, const ScHash *hash)
{
	sc_repair_record(repair->chain->origin, repair->table->ledger_name, seq, action, peer, hash, repair->final.size);
}

/* where a number stands among those wanted, or -1 */
static int
find_wanted(const Repair *repair, int64 seq)
{
	int			low = 0;
	int			high = repair->damage->nseqs;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (repair->damage->seqs[middle] < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < repair->damage->nseqs && repair->damage->seqs[low] == seq ? low : -1;
}

/* a leaf to be proven; what sc_guard calls */
typedef struct Prove
{
	const ScChain *chain;
	const ScFinalRoot *final;
	const ScHash *hash;
	int64		seq;
	bool		ok;
} Prove;

/* by this node's own tree */
static void
prove_here(void *arg)
{
	Prove	   *prove = arg;
	Snapshot	snapshot = GetActiveSnapshot();
	int64		leaf = sc_member_leaf_index(prove->chain->chain_id, prove->seq, snapshot);
	ScHash		path[SC_PROOF_MAX];
	int			npath;

	if (leaf < 0 || leaf >= prove->final->size)
		return;
	npath = sc_inclusion_path(path, prove->chain->chain_id, leaf, prove->final->size, snapshot);
	prove->ok = sc_proof_verify_inclusion(prove->hash, leaf, prove->final->size, path, npath, &prove->final->root) == SC_OK;
}

/* is the leaf in the final tree, as this node's tree shows? */
static bool
proven_here(const Repair *repair, int64 seq, const ScHash *hash)
{
	Prove		prove = {.chain = repair->chain, .final = &repair->final, .hash = hash, .seq = seq};

	return sc_guard(prove_here, &prove, NULL) && prove.ok;
}

/* the same by the peer's path: this node's tree may be damaged as well */
static bool
proven_there(const Repair *repair, int64 seq, const ScHash *hash)
{
	ScHash		path[SC_PROOF_MAX];
	int			npath;
	int64		leaf;

	return sc_ask_path(&leaf, path, &npath, repair->channel, repair->chain->origin, seq, repair->final.size) &&
		sc_proof_verify_inclusion(hash, leaf, repair->final.size, path, npath, &repair->final.root) == SC_OK;
}

/* keeps a row that is proven */
static void
keep_row(Repair *repair, int at, const ScHash *hash)
{
	MemoryContext old = MemoryContextSwitchTo(repair->context);

	tuplestore_puttupleslot(repair->rows, repair->slot);
	repair->proven_seqs[repair->nproven++] = repair->damage->seqs[at];
	repair->wanted[at] = (Wanted) {true, repair->peer, *hash};
	MemoryContextSwitchTo(old);
}

/* rows whose path has to be asked for once the answer at hand is read to its end */
typedef struct Asked
{
	Repair	   *repair;
	List	   *doubtful;		/* ScRowValues * */
} Asked;

/* a deep copy of a row, in the current memory context */
static ScRowValues *
copy_row(const ScRowValues *row)
{
	ScRowValues *copy = palloc(sizeof(ScRowValues));

	*copy = *row;
	copy->table = pstrdup(row->table);
	copy->names = palloc(sizeof(char *) * Max(row->count, 1));
	copy->texts = palloc(sizeof(char *) * Max(row->count, 1));
	for (int i = 0; i < row->count; i++)
	{
		copy->names[i] = pstrdup(row->names[i]);
		copy->texts[i] = row->texts[i] ? pstrdup(row->texts[i]) : NULL;
	}
	return copy;
}

/* one row as a peer has it */
static void
judge_row(void *arg, const ScRowValues *row)
{
	Asked	   *asked = arg;
	Repair	   *repair = asked->repair;
	int			at = find_wanted(repair, row->ledger_seq);
	char	   *problem;
	ScHash		hash;

	if (at < 0 || repair->wanted[at].proven)
		return;
	if (strcmp(row->table, repair->table->ledger_name) != 0)
		tell(repair, row->ledger_seq, ACTION_REFUSED, repair->peer, psprintf("the node says that it is a row of \"%s\"", row->table));
	else if (!sc_row_values_fill(repair->slot, &hash, row, repair->rel, &problem))
		tell(repair, row->ledger_seq, ACTION_REFUSED, repair->peer, psprintf("its values are none of the columns': %s", problem));
	else if (proven_here(repair, row->ledger_seq, &hash))
		keep_row(repair, at, &hash);
	else
	{
		MemoryContext old = MemoryContextSwitchTo(repair->context);

		asked->doubtful = lappend(asked->doubtful, copy_row(row));
		MemoryContextSwitchTo(old);
	}
	ExecClearTuple(repair->slot);
}

/* rows that this node's tree does not prove: the peer's path may */
static void
judge_doubtful(Asked *asked)
{
	Repair	   *repair = asked->repair;
	ListCell   *lc;

	foreach(lc, asked->doubtful)
	{
		const ScRowValues *row = lfirst(lc);
		char	   *problem;
		ScHash		hash;

		if (sc_row_values_fill(repair->slot, &hash, row, repair->rel, &problem) &&
			proven_there(repair, row->ledger_seq, &hash))
			keep_row(repair, find_wanted(repair, row->ledger_seq), &hash);
		else
			tell(repair, row->ledger_seq, ACTION_REFUSED, repair->peer,
				 psprintf("what the node sent is not in the final tree of " INT64_FORMAT " leaves", repair->final.size));
		ExecClearTuple(repair->slot);
	}
}

/* asks one peer for what is still wanted; raises what the connection or a malformed answer raises */
static void
ask_peer(void *arg)
{
	Repair	   *repair = arg;
	int64		batch[SC_ASK_ROWS];
	int			next = 0;
	ScAskChain	there;

	repair->channel = sc_channel_open(repair->peer, sc_ask_timeout);
	if (!sc_ask_chain(&there, repair->channel, repair->chain->origin))
		return;
	while (next < repair->damage->nseqs)
	{
		Asked		asked = {repair, NIL};
		int			count = 0;

		for (; next < repair->damage->nseqs && count < SC_ASK_ROWS; next++)
			if (!repair->wanted[next].proven)
				batch[count++] = repair->damage->seqs[next];
		if (count == 0)
			break;
		sc_ask_rows(repair->channel, repair->chain->origin, batch, count, judge_row, &asked);
		judge_doubtful(&asked);
	}
	sc_channel_close(repair->channel);
}

/* asks peer after peer until nothing is wanted any more */
static void
ask_peers(Repair *repair)
{
	ListCell   *lc;

	foreach(lc, sc_peer_list())
	{
		const ScPeer *peer = lfirst(lc);
		MemoryContext context;
		MemoryContext old;
		char	   *problem = NULL;

		if (repair->nproven == repair->damage->nseqs)
			break;
		repair->peer = peer->name;
		context = AllocSetContextCreate(repair->context, "seoulchain peer", ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(context);
		if (!sc_guard(ask_peer, repair, &problem))
			tell(repair, SC_NONE, ACTION_PEER, peer->name, problem);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	}
}

/* pages that cannot be read are made anew, of the table and, for its long values, of its TOAST table */
static void
reset_pages(Repair *repair)
{
	Oid			toast = repair->rel->rd_rel->reltoastrelid;
	Relation	rel;
	BlockNumber *bad;
	int			count;

	for (int i = 0; i < repair->damage->npages; i++)
	{
		sc_row_store_reset_page(repair->rel, repair->damage->pages[i]);
		record(repair, SC_NONE, ACTION_PAGE, NULL, NULL);
		tell(repair, SC_NONE, ACTION_PAGE, NULL, psprintf("block %u", repair->damage->pages[i]));
	}
	if (!OidIsValid(toast))
		return;
	rel = table_open(toast, ShareRowExclusiveLock);
	bad = sc_row_store_bad_pages(rel, &count);
	for (int i = 0; i < count; i++)
	{
		sc_row_store_reset_page(rel, bad[i]);
		record(repair, SC_NONE, ACTION_PAGE, NULL, NULL);
		tell(repair, SC_NONE, ACTION_PAGE, NULL, psprintf("block %u of the table's TOAST table", bad[i]));
	}
	table_close(rel, NoLock);
}

/* stores every proven row */
static void
store_rows(Repair *repair)
{
	ScRowStore *store = sc_row_store_begin(repair->rel, false);
	TupleTableSlot *stored = MakeSingleTupleTableSlot(RelationGetDescr(repair->rel), &TTSOpsMinimalTuple);

	for (int i = 0; i < repair->nproven; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!tuplestore_gettupleslot(repair->rows, true, false, stored))
			elog(ERROR, "a proven row is gone");
		ExecCopySlot(repair->slot, stored);
		sc_row_store_insert(store, repair->slot, &repair->tids[i]);
		ExecClearTuple(repair->slot);
	}
	sc_row_store_end(store);
	ExecDropSingleTupleTableSlot(stored);
}

/* may the tuple go?  Nothing belongs in its place, or what does has been proven. */
static bool
may_go(const Repair *repair, const ScBadTuple *bad)
{
	int			at;

	if (bad->alien)
		return true;
	if (bad->ledger_seq == SC_NONE)
		return repair->nproven == repair->damage->nseqs;
	at = find_wanted(repair, bad->ledger_seq);
	return at >= 0 && repair->wanted[at].proven;
}

/* takes bad tuples away; true if there were any */
static bool
remove_tuples(Repair *repair)
{
	bool		any = false;

	for (int i = 0; i < repair->damage->ntuples; i++)
	{
		const ScBadTuple *bad = &repair->damage->tuples[i];

		if (!may_go(repair, bad))
			continue;
		any = true;
		sc_row_store_kill(repair->rel, &bad->tid);
		record(repair, bad->ledger_seq, ACTION_REMOVED, NULL, NULL);
		tell(repair, bad->ledger_seq, ACTION_REMOVED, NULL,
			 psprintf("tuple (%u,%u)", ItemPointerGetBlockNumberNoCheck(&bad->tid), ItemPointerGetOffsetNumberNoCheck(&bad->tid)));
	}
	return any;
}

/* tells what came back and what did not */
static void
tell_rows(Repair *repair)
{
	ListCell   *lc;

	for (int i = 0; i < repair->damage->nseqs; i++)
	{
		const Wanted *wanted = &repair->wanted[i];

		if (!wanted->proven)
		{
			tell(repair, repair->damage->seqs[i], ACTION_NOT, NULL, !repair->has_final ?
				 "the chain has no final checkpoint to prove rows against" : "no peer has sent a row that can be proven");
			continue;
		}
		record(repair, repair->damage->seqs[i], ACTION_RESTORED, wanted->peer, &wanted->hash);
		tell(repair, repair->damage->seqs[i], ACTION_RESTORED, wanted->peer,
			 psprintf("proven in the final tree of " INT64_FORMAT " leaves", repair->final.size));
	}
	foreach(lc, repair->damage->unsealed)
		tell(repair, *(int64 *) lfirst(lc), ACTION_NOT, NULL, "no block holds the row yet, so nothing proves what it was");
	foreach(lc, repair->damage->other)
		tell(repair, SC_NONE, ACTION_NOT, NULL, psprintf("no row: %s; see seoulchain.verify()", (char *) lfirst(lc)));
}

/* an own chain says itself what was repaired on it */
static void
record_event(Repair *repair, bool changed)
{
	ScBuf		event = SC_BUF_INIT;

	if (!changed || repair->chain->copy || !sc_chain_is_open(repair->chain))
		return;
	sc_buf_literal(&event, "{\"rows\":\"");
	sc_buf_uint64(&event, repair->nproven);
	sc_buf_literal(&event, "\",\"size\":\"");
	sc_buf_uint64(&event, repair->final.size);
	sc_buf_literal(&event, "\",\"type\":\"repair\"}");
	if (event.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	(void) sc_event_record(repair->chain, repair->table->table_id, repair->table->ledger_name, &event);
	sc_buf_free(&event);
}

/* everything that changes something; all of it has been decided */
static void
apply(Repair *repair)
{
	/* what only a page that cannot be read may still show must not be lost with it */
	bool		all = repair->nproven == repair->damage->nseqs && repair->damage->unsealed == NIL;
	bool		values = false;
	bool		changed = repair->nproven > 0;

	for (int i = 0; i < repair->damage->ntuples; i++)
		values |= repair->damage->tuples[i].values;
	if (all && (repair->damage->npages > 0 || values))
		reset_pages(repair);
	else if (repair->damage->npages > 0)
		tell(repair, SC_NONE, ACTION_NOT, NULL, "pages that cannot be read stay, because not every row has been proven");
	changed |= all && repair->damage->npages > 0;
	if (repair->damage->npages == 0 || all)
		store_rows(repair);
	else
	{
		/* rows must not be put on a page that cannot be read */
		changed = false;
		repair->nproven = 0;
		for (int i = 0; i < repair->damage->nseqs; i++)
			repair->wanted[i].proven = false;
	}
	changed |= remove_tuples(repair);
	if (changed)
	{
		CommandCounterIncrement();
		sc_refresh_places(repair->chain->chain_id, repair->table->table_id, repair->proven_seqs, repair->tids, repair->nproven);
		sc_row_store_reindex(RelationGetRelid(repair->rel));
	}
	tell_rows(repair);
	record_event(repair, changed);
}

/* prepares what rows are collected in */
static void
begin_rows(Repair *repair)
{
	int			count = Max(repair->damage->nseqs, 1);

	repair->wanted = palloc0(count * sizeof(Wanted));
	repair->proven_seqs = palloc(count * sizeof(int64));
	repair->tids = palloc(count * sizeof(ItemPointerData));
	repair->rows = tuplestore_begin_heap(false, false, work_mem);
	repair->slot = MakeSingleTupleTableSlot(RelationGetDescr(repair->rel), &TTSOpsVirtual);
}

/*
 * seoulchain.repair(relation regclass)
 *		returns setof record (ledger_seq bigint, action text, peer text, detail text)
 *
 * Verifies the table, asks peers for the rows that are damaged or lost,
 * proves each against the newest final checkpoint and stores it again; tells
 * every row, tuple and page, those that could not be mended too.  No row
 * means that nothing was wrong.  Privileges: seoulchain_operator.  Errors:
 * WRONG_OBJECT_TYPE when the relation is no ledger table.
 */
Datum
sc_repair(PG_FUNCTION_ARGS)
{
	Repair	   *repair = palloc0(sizeof(Repair));
	Oid			relid = PG_GETARG_OID(0);

	InitMaterializedSRF(fcinfo, 0);
	PreventCommandIfReadOnly("repair()");
	repair->context = CurrentMemoryContext;
	repair->result = (ReturnSetInfo *) fcinfo->resultinfo;
	repair->table = sc_ledger_by_relation(relid, false);
	repair->chain = sc_chain_by_id(repair->table->chain_id, false);
	repair->rel = table_open(relid, ShareRowExclusiveLock);
	sc_row_store_need_file(repair->rel);
	/* readers of the snapshot must see what was committed until the lock was there */
	PushActiveSnapshot(GetLatestSnapshot());
	repair->damage = sc_damage_find(relid, repair->chain->chain_id);
	begin_rows(repair);
	repair->has_final = sc_final_root(&repair->final, repair->chain, GetActiveSnapshot());
	if (repair->has_final && repair->damage->nseqs > 0)
		ask_peers(repair);
	apply(repair);
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(repair->slot);
	tuplestore_end(repair->rows);
	table_close(repair->rel, NoLock);
	return (Datum) 0;
}
