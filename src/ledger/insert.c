/*
 * insert.c
 *	  The insert paths of the access method: number, hash, store, record.
 *
 * Invariant: a row that an insert path of heap has stored is handed to the
 * recorder with the hash of just what was stored, under the ledger_seq that
 * stands in it.  Order: ledger_seq, leaf, heap insert, recorder; around it,
 * where higher rooms judge the rows, their guards (row_guard.h).
 * Rows of copies come with their numbers (copy.h), and are stored whatever they are.
 * Not recorded: rows that a rewrite copies (relrewrite <> 0), rows that
 * pg_upgrade or a restore brings back.
 * Locks: none beyond heap's and the guards'; without guards no insert waits for
 * another inserter.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "catalog/pg_publication.h"
#include "core/buf.h"
#include "core/hash.h"
#include "ledger/alone.h"
#include "ledger/copy.h"
#include "ledger/ddl.h"
#include "ledger/insert.h"
#include "ledger/join.h"
#include "ledger/recorder.h"
#include "ledger/refuse.h"
#include "ledger/registry.h"
#include "ledger/row.h"
#include "ledger/row_guard.h"
#include "ledger/seq_column.h"
#include "ledger/sequence.h"
#include "ledger/sequence_batch.h"
#include "ledger/settings.h"
#include "ledger/target.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

static ScBuf leaf_buf = SC_BUF_INIT;
static MemoryContext leaf_context = NULL;	/* what output functions leave behind */

/* rows of a table being rewritten come from ALTER TABLE alone: it is what inserts in bulk one by one */
static void
check_rewrite(Relation rel, bool from_rewrite)
{
	if (!from_rewrite)
		sc_refuse_change(rel, "INSERT into the table while it is rewritten");
}

/* an insert into a closed chain, or with restore on into an open one */
static bool
check_restore(Relation rel, const ScTarget *target)
{
	if (sc_restore && target->open)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("seoulchain.restore is not for tables of an open chain"),
				 errdetail("The chain of ledger table \"%s\" is open in this database.",
						   RelationGetRelationName(rel)),
				 errhint("RESET seoulchain.restore;")));
	if (!sc_restore && !target->open)
		sc_chain_require_open(sc_chain_by_id(target->chain_id, false));
	if (!sc_restore && unlikely(target->copy && !target->writer))
		sc_copy_refuse(RelationGetRelid(rel), "INSERT");
	if (!sc_restore && unlikely(target->shared))
		sc_alone_row(target->chain_id);
	return !sc_restore;
}

/*
 * Finds out whether rows inserted now are to be recorded, and where.
 * A table that CREATE TABLE AS has just made joins with its first row.
 */
static bool
find_target(Relation rel, bool from_rewrite, ScTarget *target)
{
	if (IsBinaryUpgrade)
		return false;
	if (OidIsValid(rel->rd_rel->relrewrite))
	{
		check_rewrite(rel, from_rewrite);
		return false;
	}
	if (unlikely(sc_ddl_waiting))
		sc_ddl_before_insert(rel);
	if (sc_target_find(rel, target))
		return check_restore(rel, target);
	if (sc_restore)
		return false;
	sc_ledger_join(RelationGetRelid(rel));
	if (!sc_target_find(rel, target))
		elog(ERROR, "ledger table \"%s\" did not join its chain", RelationGetRelationName(rel));
	return check_restore(rel, target);
}

static void
refuse_supplied_seq(Relation rel, int64 supplied)
{
	ereport(ERROR,
			(errcode(ERRCODE_GENERATED_ALWAYS),
			 errmsg("cannot insert a value into column \"%s\" of ledger table \"%s\"",
					SC_LEDGER_SEQ, RelationGetRelationName(rel)),
			 errdetail("The value " INT64_FORMAT " was supplied; the ledger numbers its rows itself.", supplied),
			 errhint("Leave the column out.  To restore a dump: PGOPTIONS='-c seoulchain.restore=on'.")));
}

/*
 * The leaf hash of the row in the slot under seq; the slot's values are
 * fetched.  A row of too large a leaf is an error, or false when that may be.
 */
static bool
hash_row_if(Relation rel, TupleTableSlot *slot, int64 seq, ScHash *hash, bool may_be_large)
{
	const ScRowFormat *format = sc_row_format(rel);
	int			nestlevel = sc_row_settings_begin(format);
	bool		fits = true;
	MemoryContext old;

	if (leaf_context == NULL)
		leaf_context = AllocSetContextCreate(TopMemoryContext, "seoulchain leaf", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(leaf_context);
	slot_getallattrs(slot);
	if (may_be_large)
		fits = sc_row_leaf_fits(&leaf_buf, format, slot->tts_values, slot->tts_isnull, seq);
	else
		sc_row_leaf(&leaf_buf, format, slot->tts_values, slot->tts_isnull, seq);
	MemoryContextSwitchTo(old);
	MemoryContextReset(leaf_context);
	if (fits)
		sc_row_hash(hash, format, &leaf_buf);
	sc_row_settings_end(nestlevel);
	return fits;
}

/* the same of a row that must fit */
static void
hash_row(Relation rel, TupleTableSlot *slot, int64 seq, ScHash *hash)
{
	(void) hash_row_if(rel, slot, seq, hash, false);
}

static void
refuse_supplied_time(Relation rel, TimestampTz supplied)
{
	ereport(ERROR,
			(errcode(ERRCODE_GENERATED_ALWAYS),
			 errmsg("cannot insert a value into column \"%s\" of ledger table \"%s\"",
					SC_LEDGER_TIME, RelationGetRelationName(rel)),
			 errdetail("The value %s was supplied; the ledger records itself when it accepts a row.",
					   timestamptz_to_str(supplied)),
			 errhint("Leave the column out.  To restore a dump: PGOPTIONS='-c seoulchain.restore=on'.")));
}

/* numbers and times are the ledger's to give */
static void
check_supplied(Relation rel, const ScTarget *target, TupleTableSlot *slot)
{
	bool		isnull;
	Datum		supplied = slot_getattr(slot, target->seq_attno, &isnull);

	if (!isnull)
		refuse_supplied_seq(rel, DatumGetInt64(supplied));
	if (target->time_attno == InvalidAttrNumber)
		return;
	supplied = slot_getattr(slot, target->time_attno, &isnull);
	if (!isnull)
		refuse_supplied_time(rel, DatumGetTimestampTz(supplied));
}

/* asks the guards, then takes number and time of a row that has one, alone */
static int64
accept_row(Relation rel, const ScTarget *target, TupleTableSlot *slot, TimestampTz *time)
{
	int64		seq;

	*time = sc_row_guards_check(rel, target, slot);
	(void) sc_sequence_take(target->chain_id, target->sequence, 1, &seq);
	sc_seq_time_set(slot, target->seq_attno, seq, target->time_attno, *time);
	return seq;
}

/* why no leaf can be made of a copy's row under seq, whose hash it is otherwise; NULL: it can */
static const char *
hash_copied(Relation rel, TupleTableSlot *slot, int64 seq, ScHash *hash)
{
	if (seq == 0)
		return "it has no ledger_seq that counts";
	return hash_row_if(rel, slot, seq, hash, true) ? NULL : "its leaf is too large";
}

/* tells the recorder of a copy's row that was stored */
static void
record_copied(const ScTarget *target, TupleTableSlot *slot, int64 seq, const ScHash *hash, const char *odd)
{
	if (odd != NULL)
		sc_copy_odd_row(target, slot, odd);
	else
		sc_recorder_add_copied(target->chain_id, target->table_id, seq, &slot->tts_tid, hash);
}

/* how a copy's row is stored: while no publication carries the table, senders to peers need not decode it */
static int
copied_options(Relation rel, int options)
{
	PublicationDesc published;

	RelationBuildPublicationDesc(rel, &published);
	return published.pubactions.pubinsert ? options : options | TABLE_INSERT_NO_LOGICAL;
}

/* a row of a copy: number and time are its origin's, and it is stored whatever it is */
static void
insert_copied(Relation rel, const ScTarget *target, TupleTableSlot *slot, CommandId cid, int options,
			  BulkInsertState bistate)
{
	ScHash		hash;
	int64		seq = sc_copy_seq(target, slot);
	const char *odd = hash_copied(rel, slot, seq, &hash);

	GetHeapamTableAmRoutine()->tuple_insert(rel, slot, cid, copied_options(rel, options), bistate);
	record_copied(target, slot, seq, &hash, odd);
}

/* many rows of a copy, as the first copying of a table brings them */
static void
multi_insert_copied(Relation rel, const ScTarget *target, TupleTableSlot **slots, int nslots, CommandId cid, int options,
					BulkInsertState bistate)
{
	int64	   *seqs = palloc(nslots * sizeof(int64));
	ScHash	   *hashes = palloc(nslots * sizeof(ScHash));
	const char **odd = palloc(nslots * sizeof(char *));

	for (int i = 0; i < nslots; i++)
	{
		seqs[i] = sc_copy_seq(target, slots[i]);
		odd[i] = hash_copied(rel, slots[i], seqs[i], &hashes[i]);
	}
	GetHeapamTableAmRoutine()->multi_insert(rel, slots, nslots, cid, options, bistate);
	for (int i = 0; i < nslots; i++)
		record_copied(target, slots[i], seqs[i], &hashes[i], odd[i]);
	pfree(odd);
	pfree(hashes);
	pfree(seqs);
}

/* a row with an acceptance time, which guards may judge */
static void
insert_timed(Relation rel, const ScTarget *target, TupleTableSlot *slot, CommandId cid, int options,
			   BulkInsertState bistate)
{
	TimestampTz time;
	ScHash		hash;
	int64		seq;

	check_supplied(rel, target, slot);
	seq = accept_row(rel, target, slot, &time);
	hash_row(rel, slot, seq, &hash);
	GetHeapamTableAmRoutine()->tuple_insert(rel, slot, cid, options, bistate);
	sc_recorder_add(target->chain_id, target->table_id, seq, &slot->tts_tid, &hash);
	sc_row_guards_effect(rel, target, slot, seq, time);
}

void
ledger_tuple_insert(Relation rel, TupleTableSlot *slot, CommandId cid, int options, BulkInsertState bistate)
{
	ScTarget	target;
	ScHash		hash;
	int64		seq;

	if (!find_target(rel, bistate != NULL, &target))
	{
		GetHeapamTableAmRoutine()->tuple_insert(rel, slot, cid, options, bistate);
		return;
	}
	if (unlikely(target.copy))
	{
		insert_copied(rel, &target, slot, cid, options, bistate);
		return;
	}
	if (unlikely(target.time_attno != InvalidAttrNumber))
	{
		insert_timed(rel, &target, slot, cid, options, bistate);
		return;
	}

	check_supplied(rel, &target, slot);
	seq = sc_batch_next(target.chain_id, target.sequence, cid);
	hash_row(rel, slot, seq, &hash);
	sc_seq_column_set(slot, target.seq_attno, seq);
	GetHeapamTableAmRoutine()->tuple_insert(rel, slot, cid, options, bistate);
	sc_recorder_add(target.chain_id, target.table_id, seq, &slot->tts_tid, &hash);
}

void
ledger_tuple_insert_speculative(Relation rel, TupleTableSlot *slot, CommandId cid, int options,
								BulkInsertState bistate, uint32 token)
{
	ScTarget	target;

	if (find_target(rel, false, &target))
	{
		TimestampTz time;

		/* replication of inserts knows no ON CONFLICT */
		if (target.copy)
			sc_copy_refuse(RelationGetRelid(rel), "INSERT ... ON CONFLICT");
		check_supplied(rel, &target, slot);
		if (target.time_attno != InvalidAttrNumber)
			(void) accept_row(rel, &target, slot, &time);
		else
			sc_seq_column_set(slot, target.seq_attno, sc_batch_next(target.chain_id, target.sequence, cid));
	}
	GetHeapamTableAmRoutine()->tuple_insert_speculative(rel, slot, cid, options, bistate, token);
}

/*
 * The row counts once its speculative insert has succeeded.  After a failure
 * the executor comes again with the same slot: it must look untouched.
 */
void
ledger_tuple_complete_speculative(Relation rel, TupleTableSlot *slot, uint32 token, bool succeeded)
{
	ScTarget	target;
	ScHash		hash;
	int64		seq;
	bool		isnull;

	GetHeapamTableAmRoutine()->tuple_complete_speculative(rel, slot, token, succeeded);
	if (!find_target(rel, false, &target))
		return;
	if (!succeeded)
	{
		sc_seq_time_clear(slot, target.seq_attno, target.time_attno);
		return;
	}
	seq = DatumGetInt64(slot_getattr(slot, target.seq_attno, &isnull));
	hash_row(rel, slot, seq, &hash);
	sc_recorder_add(target.chain_id, target.table_id, seq, &slot->tts_tid, &hash);
	if (target.guards != 0)
		sc_row_guards_effect(rel, &target, slot, seq,
							 DatumGetTimestampTz(slot_getattr(slot, target.time_attno, &isnull)));
}

/* takes n numbers in as few contiguous pieces as there are */
static void
take_numbers(const ScTarget *target, int64 *seqs, int n)
{
	int			done = 0;

	while (done < n)
	{
		int64		first;
		int			got = sc_sequence_take(target->chain_id, target->sequence, n - done, &first);

		for (int i = 0; i < got; i++)
			seqs[done++] = first + i;
	}
}

void
ledger_multi_insert(Relation rel, TupleTableSlot **slots, int nslots, CommandId cid, int options,
					BulkInsertState bistate)
{
	ScTarget	target;
	int64	   *seqs;
	ScHash	   *hashes;

	if (!find_target(rel, false, &target))
	{
		GetHeapamTableAmRoutine()->multi_insert(rel, slots, nslots, cid, options, bistate);
		return;
	}
	if (unlikely(target.copy))
	{
		multi_insert_copied(rel, &target, slots, nslots, cid, options, bistate);
		return;
	}
	if (unlikely(target.time_attno != InvalidAttrNumber))
	{
		for (int i = 0; i < nslots; i++)
			insert_timed(rel, &target, slots[i], cid, options, bistate);
		return;
	}

	seqs = palloc(nslots * sizeof(int64));
	hashes = palloc(nslots * sizeof(ScHash));
	for (int i = 0; i < nslots; i++)
		check_supplied(rel, &target, slots[i]);
	take_numbers(&target, seqs, nslots);
	for (int i = 0; i < nslots; i++)
	{
		hash_row(rel, slots[i], seqs[i], &hashes[i]);
		sc_seq_column_set(slots[i], target.seq_attno, seqs[i]);
	}
	GetHeapamTableAmRoutine()->multi_insert(rel, slots, nslots, cid, options, bistate);
	for (int i = 0; i < nslots; i++)
		sc_recorder_add(target.chain_id, target.table_id, seqs[i], &slots[i]->tts_tid, &hashes[i]);
	pfree(hashes);
	pfree(seqs);
}
