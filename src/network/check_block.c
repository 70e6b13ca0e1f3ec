/*
 * check_block.c
 *	  Member signatures and contracts, judged again when a block of a copy is integrated.
 *
 * Rows are judged in the order of leaves, with the times and rules that the
 * leaves hold.  What an honest origin would have refused is a finding: the
 * row stays, the block is not cosigned.
 *
 * Invariant: payloads that count as used and the state of rules are written
 * in the transaction that stores the block: they follow the integrated
 * blocks exactly.  Nothing here raises because of what a block holds; what
 * cannot be judged here, for want of a rule, makes the block wait with the reason.
 * What is undecided or doubtful is no finding: a signature's key may have been
 * in other hands, and recorded times may be false, without the origin's fault.
 * Context: the sealing worker; integrate.h.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "contract/followed.h"
#include "executor/tuptable.h"
#include "ledger/row.h"
#include "ledger/target.h"
#include "member/signed_payload.h"
#include "miscadmin.h"
#include "network/check_block.h"
#include "network/integrate.h"
#include "proof/guard.h"
#include "proof/locate.h"
#include "proof/signed_row.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* a cheat fills no disk: what is found beyond this in one block is not told row by row */
#define SC_FINDINGS_MAX 100

/* a table with leaves in the block */
typedef struct Source
{
	int32		table_id;
	bool		wanted;			/* it has rules of some kind */
	const ScLedgerTable *table;
	Relation	rel;
	TupleTableSlot *slot;
	ScTarget	target;
	ScRowFormat *format;
	ScSignedTable *signed_table;	/* NULL: no row has to be signed */
	ScFollowed *followed;		/* NULL: no contract */
} Source;

typedef struct Check
{
	ScIntegrateBlock *block;
	MemoryContext caller;		/* of what is found */
	Snapshot	snapshot;
	ScFollowedState *state;
	List	   *sources;
	Source	   *last;
	MemoryContext row_context;
	ScBuf		payload;
	int			nfindings;
} Check;

/* opens a table if it has rules of some kind */
static Source *
open_source(Check *check, int32 table_id)
{
	Source	   *source = palloc0(sizeof(Source));

	source->table_id = table_id;
	check->sources = lappend(check->sources, source);
	if (table_id <= 0)
		return source;
	source->table = sc_ledger_by_id(table_id);
	if (source->table == NULL || !OidIsValid(source->table->relation))
		return source;
	/* nobody who rewrites a copy's table may hold up the sealing of all chains */
	if (!ConditionalLockRelationOid(source->table->relation, AccessShareLock))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("table \"%s\" is locked by somebody", source->table->ledger_name)));
	source->rel = table_open(source->table->relation, NoLock);
	source->followed = sc_followed_begin(source->rel, table_id, check->state, check->snapshot);
	source->signed_table = sc_signed_table(source->rel, source->table, check->snapshot);
	if (source->signed_table->rules == NIL)
	{
		sc_signed_table_free(source->signed_table);
		source->signed_table = NULL;
	}
	source->wanted = (source->followed != NULL || source->signed_table != NULL) && sc_target_find(source->rel, &source->target);
	if (source->wanted)
	{
		source->format = sc_row_format_copy(source->rel, CurrentMemoryContext);
		source->slot = table_slot_create(source->rel, NULL);
	}
	return source;
}

static Source *
find_source(Check *check, int32 table_id)
{
	ListCell   *lc;

	if (check->last != NULL && check->last->table_id == table_id)
		return check->last;
	check->last = NULL;
	foreach(lc, check->sources)
		if (((Source *) lfirst(lc))->table_id == table_id)
			check->last = lfirst(lc);
	if (check->last == NULL)
		check->last = open_source(check, table_id);
	return check->last;
}

/* after an error: relations and slots are gone with the subtransaction, not what core has allocated */
static void
release_sources(Check *check)
{
	ListCell   *lc;

	foreach(lc, check->sources)
	{
		Source	   *source = lfirst(lc);

		if (source->signed_table != NULL)
			sc_buf_free(&source->signed_table->payload);
	}
}

static void
close_sources(Check *check)
{
	ListCell   *lc;

	foreach(lc, check->sources)
	{
		Source	   *source = lfirst(lc);

		if (source->slot != NULL)
			ExecDropSingleTupleTableSlot(source->slot);
		if (source->signed_table != NULL)
			sc_signed_table_free(source->signed_table);
		if (source->rel != NULL)
			table_close(source->rel, NoLock);
	}
}

/* puts the leaf's row into the slot: it is where it was recorded, or has been moved; errors when it is gone */
static void
fetch_row(Check *check, Source *source, const ScSealLeaf *leaf)
{
	ItemPointerData tid = leaf->tid;
	ScRowPlace	place = {.rel = source->rel,.ledger_seq = leaf->seq,.leaf_index = -1,.slot = source->slot};

	if (!sc_row_fetch(&place, &tid, check->snapshot))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the row with ledger_seq " INT64_FORMAT " of \"%s\" is gone", leaf->seq,
						RelationGetRelationName(source->rel)),
				 errhint("Bring it back from a peer with seoulchain.repair().")));
	slot_getallattrs(source->slot);
}

/* something is wrong with a row */
static void
found(Check *check, const Source *source, int64 seq, const char *fault, const char *what)
{
	MemoryContext old = MemoryContextSwitchTo(check->caller);

	if (check->nfindings++ < SC_FINDINGS_MAX)
		sc_integrate_finding(check->block, seq, fault, false,
							 psprintf("row with ledger_seq " INT64_FORMAT " of \"%s\": %s", seq, source->table->ledger_name, what), NULL);
	MemoryContextSwitchTo(old);
}

/* notes that the row uses its payload */
static void
use_payload(Check *check, const Source *source, const ScSigning *signing, int64 seq)
{
	ScHash		digest;
	int32		other_table;
	int64		other;

	if (!sc_signing_digest(signing, source->slot->tts_values, source->slot->tts_isnull, &check->payload, &digest))
		return;
	/* nobody else writes the copy's entries, and a second one must not get into the index */
	other = sc_payload_user(check->block->chain->chain_id, &digest, SnapshotSelf, &other_table);
	if (other == 0)
		(void) sc_payload_use(check->block->chain->chain_id, source->table_id, &digest, seq, &other_table);
	else if (other != seq)
		found(check, source, seq, SC_FAULT_BAD_SIGNATURE,
			  psprintf("the row with ledger_seq " INT64_FORMAT " has used what is signed here", other));
}

/* is the row signed as the rule in force for it asks? */
static void
check_signature(Check *check, Source *source, int64 seq)
{
	ScSignedRow row;
	int			nestlevel = sc_row_settings_begin(source->format);

	sc_signed_row_judge(&row, source->signed_table, source->slot->tts_values, source->slot->tts_isnull, seq);
	if (row.signing != NULL)
	{
		if (row.ruling.answer == SC_ANSWER_INVALID)
			found(check, source, seq, SC_FAULT_BAD_SIGNATURE,
				  row.detail ? psprintf("%s: %s", sc_reason_text(row.ruling.reason), row.detail) : sc_reason_text(row.ruling.reason));
		use_payload(check, source, row.signing, seq);
	}
	sc_row_settings_end(nestlevel);
}

/* do the contracts in force accept the row? */
static void
check_contracts(Check *check, Source *source, int64 seq)
{
	ScFollowedRow row = {source->slot->tts_values, source->slot->tts_isnull, seq, false, 0};
	bool		isnull = true;
	Datum		time = source->target.time_attno != 0 ? slot_getattr(source->slot, source->target.time_attno, &isnull) : (Datum) 0;
	char	   *why;

	if (source->table->time_seq > 0 && seq > source->table->time_seq)
	{
		row.timed = !isnull;
		row.time = isnull ? 0 : DatumGetTimestampTz(time);
		if (isnull)
			found(check, source, seq, SC_FAULT_BROKEN_RULE, "it has no acceptance time, which rows of this table record");
	}
	if (sc_followed_judge(source->followed, &row, &why) != NULL)
		found(check, source, seq, SC_FAULT_BROKEN_RULE, why);
}

/* the rows of the block, in the order of their leaves; errors when one cannot be judged */
static void
check_rows(void *arg)
{
	Check	   *check = arg;

	check->state = sc_followed_state();
	for (int64 i = 0; i < check->block->nleaves; i++)
	{
		const ScSealLeaf *leaf = &check->block->leaves[i];
		Source	   *source = find_source(check, leaf->table_id);
		MemoryContext old;

		if (!source->wanted)
			continue;
		CHECK_FOR_INTERRUPTS();
		fetch_row(check, source, leaf);
		MemoryContextReset(check->row_context);
		old = MemoryContextSwitchTo(check->row_context);
		if (source->signed_table != NULL)
			check_signature(check, source, leaf->seq);
		if (source->followed != NULL)
			check_contracts(check, source, leaf->seq);
		MemoryContextSwitchTo(old);
		ExecClearTuple(source->slot);
	}
	sc_followed_flush(check->state);
	close_sources(check);
	/* what it has written is there for the next block */
	CommandCounterIncrement();
}

/* ScIntegrateCheck */
static void
check_block(ScIntegrateBlock *block)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain check of a block", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Check		check = {.block = block,.caller = old,.snapshot = GetActiveSnapshot()};
	char	   *message = NULL;
	bool		ok;

	check.row_context = AllocSetContextCreate(context, "seoulchain checked row", ALLOCSET_DEFAULT_SIZES);
	ok = sc_guard(check_rows, &check, &message);
	sc_buf_free(&check.payload);
	MemoryContextSwitchTo(old);
	if (!ok)
	{
		release_sources(&check);
		sc_integrate_wait(block, psprintf("block " INT64_FORMAT " cannot be judged here: %s", block->block->height, message));
	}
	MemoryContextDelete(context);
}

void
sc_check_block_init(void)
{
	sc_integrate_check_register(check_block);
}
