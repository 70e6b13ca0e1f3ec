/*
 * recorder.c
 *	  Keeps the hashes of rows inserted by the running transaction and writes them to the journal.
 *
 * Invariant: a leaf's journal row commits if and only if its row does.
 * Every subtransaction that inserted has a level, with one buffer a chain in
 * the journal's own format.  A full buffer is written at once, under its own
 * subtransaction's xid; what a level still holds moves to its parent when it
 * commits.  When that would not fit, both are written at PRE_COMMIT_SUB under
 * the child's xid, and the parent's part is forgotten only once the child has
 * committed: until then a rollback of the child takes back that journal row,
 * and the parent needs its entries still.  So memory is one buffer a level
 * and chain, however many rows or subtransactions there are.
 * Leaves of copies have a journal of their own.
 * Locks: RowExclusiveLock on the journal.
 * Effects: journal rows by heap_insert, never SPI (it runs at PRE_COMMIT, in
 * commit callbacks of others, and where no snapshot may be taken).
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "ledger/journal.h"
#include "ledger/journal_table.h"
#include "ledger/recorder.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "ledger/sequence_batch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* entries of one chain that are not in the journal yet */
typedef struct LeafBuffer
{
	struct LeafBuffer *next;
	Oid			journal;		/* the relation that the entries are for */
	bool		copied;			/* it is that of copies */
	int32		chain_id;
	int			len;
	int			run;			/* offset of the last run's header; -1 before the first */
	char		data[SC_JOURNAL_ROW_MAX];
} LeafBuffer;

typedef struct Level
{
	struct Level *parent;
	SubTransactionId subid;
	LeafBuffer *buffers;
	bool		handed;			/* a committing child has written our entries, too */
} Level;

sc_journal_written_hook_type sc_journal_written_hook = NULL;

static Level *levels = NULL;	/* innermost first */
static LeafBuffer *spare = NULL;	/* buffers to use again; one transaction in a thousand needs two */
static int	nspare = 0;
static Oid	journal_relids[SC_JOURNALS]; /* looked up once a transaction */
static bool at_once = false;	/* PRE_COMMIT has passed: write every entry at once */
static List *written_chains = NIL;	/* chains with journal rows of this transaction */
static List *session_chains = NIL;	/* chains committed to since seal() last asked */
static MemoryContext scratch;	/* of write_journal */

#define MAX_SPARE 8

/* remembers, in TopMemoryContext, that a chain has journal rows */
static void
remember_chain(List **list, int32 chain_id)
{
	MemoryContext old;

	if (list_member_int(*list, chain_id))
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	*list = lappend_int(*list, chain_id);
	MemoryContextSwitchTo(old);
}

/*
 * Inserts a buffer's entries as one journal row under the current
 * (sub)transaction's xid.  Nothing is allocated in the context of a
 * committing subtransaction: one that was ever used stays until the top
 * transaction ends, however empty.
 *
 * A transaction that dropped the extension has dropped its chains; another
 * journal that it created since is that of other chains.
 */
static void
write_journal(const LeafBuffer *buffer)
{
	MemoryContext old;
	Relation	journal;
	bytea	   *entries;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	HeapTuple	tuple;

	if (sc_registry_relation(sc_journal_name(buffer->copied)) != buffer->journal)
		return;
	old = MemoryContextSwitchTo(scratch);
	journal = table_open(buffer->journal, RowExclusiveLock);
	entries = palloc(VARHDRSZ + buffer->len);
	SET_VARSIZE(entries, VARHDRSZ + buffer->len);
	memcpy(VARDATA(entries), buffer->data, buffer->len);
	values[SC_JOURNAL_ATTR_CHAIN_ID - 1] = Int32GetDatum(buffer->chain_id);
	values[SC_JOURNAL_ATTR_ENTRIES - 1] = PointerGetDatum(entries);
	tuple = heap_form_tuple(RelationGetDescr(journal), values, nulls);

	/* no publication carries the journal: peers' senders need not decode it */
	sc_journal_insert(journal, tuple, HEAP_INSERT_NO_LOGICAL);

	table_close(journal, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextReset(scratch);
	remember_chain(&written_chains, buffer->chain_id);
}

static void
buffer_clear(LeafBuffer *buffer)
{
	buffer->len = 0;
	buffer->run = -1;
}

static void
buffer_write(LeafBuffer *buffer)
{
	if (buffer->len > 0)
		write_journal(buffer);
	buffer_clear(buffer);
}

/* the level's buffer for a chain, made if need be */
static LeafBuffer *
level_buffer(Level *level, Oid journal, bool copied, int32 chain_id)
{
	LeafBuffer *buffer;

	for (buffer = level->buffers; buffer != NULL; buffer = buffer->next)
		if (buffer->chain_id == chain_id && buffer->journal == journal)
			return buffer;

	if (spare != NULL)
	{
		buffer = spare;
		spare = buffer->next;
		nspare--;
	}
	else
		buffer = MemoryContextAlloc(TopMemoryContext, sizeof(LeafBuffer));
	buffer->journal = journal;
	buffer->copied = copied;
	buffer->chain_id = chain_id;
	buffer_clear(buffer);
	buffer->next = level->buffers;
	level->buffers = buffer;
	return buffer;
}

/* keeps a few buffers for the next transaction */
static void
buffer_free(LeafBuffer *buffer)
{
	if (nspare >= MAX_SPARE)
	{
		pfree(buffer);
		return;
	}
	buffer->next = spare;
	spare = buffer;
	nspare++;
}

/* gives the level and its buffers back; their contents are gone */
static void
level_free(Level *level)
{
	while (level->buffers != NULL)
	{
		LeafBuffer *buffer = level->buffers;

		level->buffers = buffer->next;
		buffer_free(buffer);
	}
	pfree(level);
}

/* the level of the current subtransaction, made if need be */
static Level *
current_level(void)
{
	SubTransactionId subid = GetCurrentSubTransactionId();

	if (levels == NULL || levels->subid != subid)
	{
		Level	   *level = MemoryContextAllocZero(TopMemoryContext, sizeof(Level));

		level->subid = subid;
		level->parent = levels;
		levels = level;
	}
	return levels;
}

/* a run of one leaf */
static ScJournalRun
new_run(int32 table_id, int64 ledger_seq, const ItemPointerData *tid)
{
	ScJournalRun run = {
		.version = SC_JOURNAL_VERSION,
		.count = 1,
		.table_id = table_id,
		.first_seq = ledger_seq,
		.block = InvalidBlockNumber,
		.offset = InvalidOffsetNumber
	};

	if (tid != NULL)
	{
		run.block = ItemPointerGetBlockNumber(tid);
		run.offset = ItemPointerGetOffsetNumber(tid);
	}
	return run;
}

/* does a run of one leaf continue this run? */
static bool
continues_run(const ScJournalRun *run, const ScJournalRun *one)
{
	return one->offset != InvalidOffsetNumber && run->offset != InvalidOffsetNumber &&
		run->table_id == one->table_id &&
		run->first_seq + run->count == one->first_seq &&
		run->block == one->block && run->offset + run->count == one->offset;
}

/* a journal of the extension as the transaction sees it */
static Oid
present_journal(bool copied)
{
	if (!OidIsValid(journal_relids[copied]))
		journal_relids[copied] = sc_registry_relation(sc_journal_name(copied));
	return journal_relids[copied];
}

void
sc_recorder_forget_journal(void)
{
	journal_relids[false] = journal_relids[true] = InvalidOid;
}

/* notes one leaf in the buffer of its chain */
static void
add_leaf(LeafBuffer *buffer, int32 table_id, int64 ledger_seq, const ItemPointerData *tid, const ScHash *leaf)
{
	ScJournalRun one = new_run(table_id, ledger_seq, tid);
	ScJournalRun run;

	if (buffer->len + sizeof(run) + SC_JOURNAL_ENTRY_LEN > SC_JOURNAL_ROW_MAX)
		buffer_write(buffer);

	if (buffer->run >= 0)
		memcpy(&run, buffer->data + buffer->run, sizeof(run));
	if (buffer->run >= 0 && continues_run(&run, &one))
		run.count++;
	else
	{
		run = one;
		buffer->run = buffer->len;
		buffer->len += sizeof(run);
	}
	memcpy(buffer->data + buffer->run, &run, sizeof(run));
	memcpy(buffer->data + buffer->len, leaf->bytes, SC_JOURNAL_ENTRY_LEN);
	buffer->len += SC_JOURNAL_ENTRY_LEN;

	if (at_once)
		buffer_write(buffer);
}

void
sc_recorder_add(int32 chain_id, int32 table_id, int64 ledger_seq, const ItemPointerData *tid, const ScHash *leaf)
{
	add_leaf(level_buffer(current_level(), present_journal(false), false, chain_id), table_id, ledger_seq, tid, leaf);
}

void
sc_recorder_add_copied(int32 chain_id, int32 table_id, int64 ledger_seq, const ItemPointerData *tid, const ScHash *leaf)
{
	add_leaf(level_buffer(current_level(), present_journal(true), true, chain_id), table_id, ledger_seq, tid, leaf);
}

/* writes what the innermost level holds; a level of a subtransaction needs its xid to be current */
static void
level_write(Level *level)
{
	for (LeafBuffer *buffer = level->buffers; buffer != NULL; buffer = buffer->next)
		buffer_write(buffer);
}

/* would some chain's entries of child and parent together overflow a buffer? */
static bool
merge_overflows(const Level *child, Level *parent)
{
	for (const LeafBuffer *buffer = child->buffers; buffer != NULL; buffer = buffer->next)
		if (buffer->len > 0 &&
			buffer->len + level_buffer(parent, buffer->journal, buffer->copied, buffer->chain_id)->len > SC_JOURNAL_ROW_MAX)
			return true;
	return false;
}

/* a subtransaction is about to commit into its parent: write both if they are too long to merge */
static void
before_subcommit(SubTransactionId subid, SubTransactionId parent_subid)
{
	Level	   *child = levels;
	Level	   *parent = child ? child->parent : NULL;

	if (child == NULL || child->subid != subid)
		return;
	if (parent == NULL || parent->subid != parent_subid || !merge_overflows(child, parent))
		return;

	level_write(child);
	for (LeafBuffer *buffer = parent->buffers; buffer != NULL; buffer = buffer->next)
		if (buffer->len > 0)
			write_journal(buffer);
	parent->handed = true;
}

/*
 * Moves a buffer's entries to the parent level.  They fit, unless another
 * commit callback inserted after before_subcommit: then the buffer itself
 * moves, so that nothing has to be written or allocated here.
 */
static void
merge_buffer(Level *parent, LeafBuffer *buffer)
{
	LeafBuffer *into = level_buffer(parent, buffer->journal, buffer->copied, buffer->chain_id);

	if (buffer->len > 0 && into->len + buffer->len > SC_JOURNAL_ROW_MAX)
	{
		buffer->next = into->next;
		into->next = buffer;
		return;
	}
	if (buffer->len > 0)
	{
		memcpy(into->data + into->len, buffer->data, buffer->len);
		into->run = into->len + buffer->run;
		into->len += buffer->len;
	}
	buffer_free(buffer);
}

/* a subtransaction has committed: its entries are its parent's now */
static void
after_subcommit(SubTransactionId subid, SubTransactionId parent_subid)
{
	Level	   *child = levels;
	Level	   *parent = child ? child->parent : NULL;

	if (child == NULL || child->subid != subid)
		return;
	if (parent == NULL || parent->subid != parent_subid)
	{
		child->subid = parent_subid;
		return;
	}

	if (parent->handed)
	{
		for (LeafBuffer *buffer = parent->buffers; buffer != NULL; buffer = buffer->next)
			buffer_clear(buffer);
		parent->handed = false;
	}
	while (child->buffers != NULL)
	{
		LeafBuffer *buffer = child->buffers;

		child->buffers = buffer->next;
		merge_buffer(parent, buffer);
	}
	levels = parent;
	level_free(child);
}

/* a subtransaction was rolled back: its rows are gone, and so are its journal rows */
static void
after_subabort(SubTransactionId subid)
{
	Level	   *child = levels;

	sc_recorder_forget_journal();
	if (child == NULL || child->subid != subid)
		return;
	levels = child->parent;
	if (levels != NULL)
		levels->handed = false;
	level_free(child);
}

static void
recorder_subxact_callback(SubXactEvent event, SubTransactionId subid,
						  SubTransactionId parent_subid, void *arg)
{
	switch (event)
	{
		case SUBXACT_EVENT_PRE_COMMIT_SUB:
			before_subcommit(subid, parent_subid);
			break;
		case SUBXACT_EVENT_COMMIT_SUB:
			after_subcommit(subid, parent_subid);
			break;
		case SUBXACT_EVENT_ABORT_SUB:
			after_subabort(subid);
			break;
		case SUBXACT_EVENT_START_SUB:
			break;
	}
}

/* forgets the transaction; tells the session and the worker what it committed */
static void
forget_transaction(bool kept, bool prepared)
{
	List	   *written = written_chains;
	ListCell   *cell;

	while (levels != NULL)
	{
		Level	   *level = levels;

		levels = level->parent;
		level_free(level);
	}
	at_once = false;
	sc_recorder_forget_journal();
	written_chains = NIL;

	if (kept && written != NIL)
	{
		foreach(cell, written)
			remember_chain(&session_chains, lfirst_int(cell));
		if (sc_journal_written_hook)
			sc_journal_written_hook(prepared);
	}
	list_free(written);
	sc_batch_forget();
}

static void
recorder_xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (levels != NULL)
				level_write(levels);
			at_once = true;
			break;
		case XACT_EVENT_COMMIT:
			forget_transaction(true, false);
			break;
		case XACT_EVENT_PREPARE:
			forget_transaction(true, true);
			break;
		case XACT_EVENT_ABORT:
			forget_transaction(false, false);
			break;
		default:
			break;
	}
}

bool
sc_recorder_session_wrote(int32 chain_id)
{
	bool		wrote = list_member_int(session_chains, chain_id);

	session_chains = list_delete_int(session_chains, chain_id);
	return wrote;
}

void
sc_recorder_init(void)
{
	scratch = AllocSetContextCreate(TopMemoryContext, "seoulchain journal row", ALLOCSET_DEFAULT_SIZES);
	RegisterXactCallback(recorder_xact_callback, NULL);
	RegisterSubXactCallback(recorder_subxact_callback, NULL);
}
