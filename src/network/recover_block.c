/*
 * recover_block.c
 *	  Blocks of a chain of this node, brought back from a peer.
 *
 * Invariant: a block is stored only as it was signed: its leaves, computed
 * from the rows and events that are stored with it, give the root that the
 * chain's log key has signed, and it continues the block before.  Rows, tree,
 * members, block and signature lines are one transaction; events come in one
 * before, each proven in the block's tree, since a table must be there before
 * its rows.  What waits in the journal and belongs to the block is taken from
 * there.
 * Context: the network worker, outside a transaction; the chain takes no other
 * rows meanwhile (it is marked as a copy).
 * Effects: rows below the access method, the registry as events say, blocks.
 */
#include "postgres.h"

#include "network/recover_block.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "compat.h"
#include "core/proof.h"
#include "ledger/journal.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/ask.h"
#include "network/copy_event.h"
#include "network/final_root.h"
#include "network/message.h"
#include "network/repair.h"
#include "network/row_tables.h"
#include "network/served.h"
#include "seal/block.h"
#include "seal/block_build.h"
#include "seal/journal_members.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* blocks asked for at once */
#define BLOCKS_ASKED 32
#define EVENTS_ASKED 500

/* a block as the peer has it */
typedef struct LostBlock
{
	ScBlock		block;			/* without block_hash */
	char	   *lines;
	int			nranges;
	ScSeqRange *ranges;
	int64		count;			/* numbers in them */
} LostBlock;

/* an event of the chain as the peer has it */
typedef struct LostEvent
{
	int64		seq;
	char	   *leaf;
} LostEvent;

typedef struct Recover
{
	ScChannel  *channel;
	const char *peer;
	const char *me;
	const char *origin;
	/* the block at hand */
	const LostBlock *lost;
	const ScChain *chain;
	ScSealLeaf *leaves;
	bool	   *filled;
	ScRowTables tables;
} Recover;

/* the error for what no honest peer sends */
static void SC_NORETURN
refuse(const Recover *recover, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("node \"%s\" did not send what was signed of chain \"%s\": %s", recover->peer, recover->origin, what)));
}

/* takes "{[1,4),[7,8)}" apart */
static void
parse_members(const Recover *recover, LostBlock *out, const char *members)
{
	int			capacity = 16;
	const char *p = members;

	out->ranges = palloc(capacity * sizeof(ScSeqRange));
	if (p == NULL || *p++ != '{')
		refuse(recover, "a block without members");
	while (*p == '[')
	{
		char	   *end;
		ScSeqRange	range;

		range.lower = strtoll(p + 1, &end, 10);
		if (*end != ',')
			break;
		range.upper = strtoll(end + 1, &end, 10);
		if (*end != ')' || range.lower <= 0 || range.upper <= range.lower ||
			(out->nranges > 0 && range.lower < out->ranges[out->nranges - 1].upper))
			break;
		if (out->nranges == capacity)
			out->ranges = repalloc(out->ranges, (capacity *= 2) * sizeof(ScSeqRange));
		out->ranges[out->nranges++] = range;
		out->count += range.upper - range.lower;
		p = end[1] == ',' ? end + 2 : end + 1;
	}
	if (strcmp(p, "}") != 0 || out->nranges == 0)
		refuse(recover, "a block's members cannot be read");
}

/* reads the answer about one block */
static LostBlock *
read_block(const Recover *recover, const char *const *row)
{
	LostBlock  *out = palloc0(sizeof(LostBlock));

	out->block.height = sc_ask_int8(row[0]);
	sc_ask_hash(&out->block.prev_hash, row[1]);
	out->block.first_leaf = sc_ask_int8(row[2]);
	out->block.tree_size = sc_ask_int8(row[3]);
	sc_ask_hash(&out->block.root_hash, row[4]);
	parse_members(recover, out, row[5]);
	out->block.sealed_at = sc_ask_int8(row[6]);
	if (row[7] == NULL || out->block.tree_size != out->block.first_leaf + out->count + 1)
		refuse(recover, "a block is malformed");
	out->lines = pstrdup(row[7]);
	return out;
}

/* the next blocks from a height on: List of LostBlock * */
static List *
ask_blocks(const Recover *recover, int64 first, int count)
{
	List	   *blocks = NIL;
	const char *const *row;

	sc_channel_query(recover->channel,
					 psprintf("SELECT height, prev_hash, first_leaf, tree_size, root_hash, members, sealed_at, lines "
							  "FROM seoulchain.served_blocks(%s, " INT64_FORMAT ", %d)",
							  sc_channel_literal(recover->origin), first, count), 8);
	while ((row = sc_channel_next(recover->channel)) != NULL)
		blocks = lappend(blocks, read_block(recover, row));
	return blocks;
}

/* where a number stands among the block's, or -1 */
static int64
place_in(const LostBlock *lost, int64 seq)
{
	int64		before = 0;

	for (int i = 0; i < lost->nranges; i++)
	{
		if (seq >= lost->ranges[i].lower && seq < lost->ranges[i].upper)
			return before + (seq - lost->ranges[i].lower);
		before += lost->ranges[i].upper - lost->ranges[i].lower;
	}
	return -1;
}

/* the number at a place */
static int64
seq_at(const LostBlock *lost, int64 place)
{
	for (int i = 0; i < lost->nranges; i++)
	{
		int64		count = lost->ranges[i].upper - lost->ranges[i].lower;

		if (place < count)
			return lost->ranges[i].lower + place;
		place -= count;
	}
	elog(ERROR, "no such place in the block");
}

/* the block's events as the peer has them: List of LostEvent * */
static List *
ask_events(const Recover *recover)
{
	const LostBlock *lost = recover->lost;
	int64		beyond = lost->ranges[0].lower - 1;
	int64		upper = lost->ranges[lost->nranges - 1].upper;
	List	   *events = NIL;
	int			got = EVENTS_ASKED;

	while (got == EVENTS_ASKED && beyond < upper)
	{
		const char *const *row;

		got = 0;
		sc_channel_query(recover->channel, psprintf("SELECT ledger_seq, leaf FROM seoulchain.served_events(%s, " INT64_FORMAT ", %d)",
													sc_channel_literal(recover->origin), beyond, EVENTS_ASKED), 2);
		while ((row = sc_channel_next(recover->channel)) != NULL)
		{
			LostEvent  *event = palloc(sizeof(LostEvent));

			got++;
			beyond = event->seq = sc_ask_int8(row[0]);
			if (row[1] == NULL)
				refuse(recover, "an event without its leaf");
			event->leaf = pstrdup(row[1]);
			if (place_in(lost, event->seq) >= 0)
				events = lappend(events, event);
		}
	}
	return events;
}

/* errors unless the event's leaf is in the block's tree, whose root is signed */
static void
prove_event(const Recover *recover, const LostEvent *event)
{
	ScHash		path[SC_PROOF_MAX];
	ScHash		hash;
	int			npath;
	int64		leaf;

	sc_hash_leaf(&hash, event->leaf, strlen(event->leaf));
	if (!sc_ask_path(&leaf, path, &npath, recover->channel, recover->origin, event->seq, recover->lost->block.tree_size) ||
		sc_proof_verify_inclusion(&hash, leaf, recover->lost->block.tree_size, path, npath, &recover->lost->block.root_hash) != SC_OK)
		refuse(recover, psprintf("event " INT64_FORMAT " is not in the signed tree", event->seq));
}

/* applies an event that this node has lost */
static void
apply_event(const Recover *recover, const LostEvent *event)
{
	ScMessage	message = {
		.sender = recover->me,
		.recipient = recover->me,
		.kind = SC_MESSAGE_EVENT,
		.origin = recover->origin,
		.number = event->seq,
		.body = event->leaf,
		.bodylen = strlen(event->leaf)
	};
	char	   *problem;

	if (!sc_copy_apply_event(&message, &problem))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("an event of chain \"%s\" cannot be brought back: %s", recover->origin, problem)));
}

/* errors unless the block's checkpoint is signed by the log key in force */
static void
check_signature(const Recover *recover, const ScChain *chain)
{
	if (!sc_log_signed(chain, &recover->lost->block, recover->lost->lines, GetActiveSnapshot()))
		refuse(recover, psprintf("the checkpoint of " INT64_FORMAT " leaves is not signed by the chain's key",
								 recover->lost->block.tree_size));
}

/* a transaction with a snapshot; pallocs of it go with it */
static void
begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit(MemoryContext context)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
}

/* the events of the block that this node lost, in their order, a transaction each */
static void
recover_events(Recover *recover, MemoryContext context)
{
	List	   *events;
	ListCell   *lc;

	MemoryContextSwitchTo(context);
	events = ask_events(recover);
	foreach(lc, events)
	{
		const LostEvent *event = lfirst(lc);
		const ScChain *chain;
		bool		known;

		CHECK_FOR_INTERRUPTS();
		begin();
		chain = sc_chain_of_origin(recover->origin, true);
		known = chain != NULL && sc_event_leaf(chain->chain_id, event->seq) != NULL;
		/* what the chain's key is stands in its first event: from then on everything is proven by it */
		if (chain != NULL && !known)
		{
			check_signature(recover, chain);
			prove_event(recover, event);
		}
		if (!known)
			apply_event(recover, event);
		commit(context);
	}
}

/* stores a row that the peer sent; the block's root will tell whether it was right */
static void
store_row(void *arg, const ScRowValues *row)
{
	Recover    *recover = arg;
	int64		place = place_in(recover->lost, row->ledger_seq);
	ScRowTable *open;
	char	   *problem;
	ScSealLeaf *leaf;

	if (place < 0 || recover->filled[place])
		return;
	open = sc_row_tables_find(&recover->tables, row->table);
	if (open == NULL)
		return;
	leaf = &recover->leaves[place];
	leaf->seq = row->ledger_seq;
	leaf->table_id = open->table->table_id;
	if (!sc_row_values_fill(open->slot, &leaf->hash, row, open->rel, &problem))
		refuse(recover, psprintf("the values of row " INT64_FORMAT ": %s", row->ledger_seq, problem));
	sc_row_store_insert(open->store, open->slot, &leaf->tid);
	ExecClearTuple(open->slot);
	recover->filled[place] = true;
}

/* asks for the rows that are not here */
static void
fetch_rows(Recover *recover)
{
	int64		batch[SC_ASK_ROWS];
	int64		place = 0;

	while (place < recover->lost->count)
	{
		int			count = 0;

		CHECK_FOR_INTERRUPTS();
		for (; place < recover->lost->count && count < SC_ASK_ROWS; place++)
			if (!recover->filled[place])
				batch[count++] = seq_at(recover->lost, place);
		if (count > 0)
			sc_ask_rows(recover->channel, recover->origin, batch, count, store_row, recover);
	}
}

/* a table that was dropped after the number was used, or NULL: its rows are nowhere any more */
static const ScLedgerTable *
dropped_table(const Recover *recover, int64 seq)
{
	ListCell   *lc;

	foreach(lc, sc_ledger_list(recover->chain->chain_id))
	{
		const ScLedgerTable *table = lfirst(lc);

		if (table->dropped_seq > seq && table->joined_seq < seq)
			return table;
	}
	return NULL;
}

/* the hash of a leaf as the peer's tree has it */
static void
ask_leaf(const Recover *recover, int64 leaf, ScHash *hash)
{
	const char *const *row;
	bool		found = false;

	sc_channel_query(recover->channel, psprintf("SELECT hashes FROM seoulchain.served_tiles(%s, 0::pg_catalog.int2, " INT64_FORMAT ", 1)",
												sc_channel_literal(recover->origin), leaf / SC_TILE_WIDTH), 1);
	while ((row = sc_channel_next(recover->channel)) != NULL)
	{
		Size		len;
		char	   *bytes = sc_ask_bytes(row[0], &len);
		Size		at = (Size) (leaf % SC_TILE_WIDTH) * SC_HASH_LEN;

		if (at + SC_HASH_LEN > len)
			continue;
		memcpy(hash->bytes, bytes + at, SC_HASH_LEN);
		found = true;
	}
	if (!found)
		refuse(recover, psprintf("it has no leaf " INT64_FORMAT, leaf));
}

/* leaves of rows whose table is gone: their hashes are all there is */
static void
fill_dropped(Recover *recover)
{
	for (int64 place = 0; place < recover->lost->count; place++)
	{
		int64		seq = seq_at(recover->lost, place);
		const ScLedgerTable *table;

		if (recover->filled[place])
			continue;
		table = dropped_table(recover, seq);
		if (table == NULL)
			refuse(recover, psprintf("it has no row " INT64_FORMAT, seq));
		recover->leaves[place].seq = seq;
		recover->leaves[place].table_id = table->table_id;
		ItemPointerSetInvalid(&recover->leaves[place].tid);
		ask_leaf(recover, recover->lost->block.first_leaf + place, &recover->leaves[place].hash);
		recover->filled[place] = true;
	}
}

/* the numbers of the block that wait in the journal */
typedef struct Waiting
{
	Recover    *recover;
	int			nranges;
	int			capacity;
	ScSeqRange *ranges;
} Waiting;

/* notes those of a run that belong to the block */
static bool
note_waiting(void *arg, int32 chain_id, int64 first_seq, int count)
{
	Waiting    *waiting = arg;

	for (int64 seq = first_seq; seq < first_seq + count; seq++)
	{
		int64		place = place_in(waiting->recover->lost, seq);

		if (place < 0 || waiting->recover->filled[place] || chain_id != waiting->recover->chain->chain_id)
			continue;
		waiting->recover->filled[place] = true;
		if (waiting->nranges > 0 && waiting->ranges[waiting->nranges - 1].upper == seq)
		{
			waiting->ranges[waiting->nranges - 1].upper++;
			continue;
		}
		if (waiting->nranges == waiting->capacity)
			waiting->ranges = repalloc(waiting->ranges, (waiting->capacity *= 2) * sizeof(ScSeqRange));
		waiting->ranges[waiting->nranges++] = (ScSeqRange) {seq, seq + 1};
	}
	return true;
}

/* takes from the journal what waits there */
static void
take_waiting(Recover *recover, ScJournalIndex *index, const Waiting *waiting)
{
	int64		total = 0;
	ScSealLeaf *taken;

	for (int i = 0; i < waiting->nranges; i++)
		total += waiting->ranges[i].upper - waiting->ranges[i].lower;
	if (total == 0)
		return;
	taken = palloc(total * sizeof(ScSealLeaf));
	if (!sc_journal_members_take(index, GetActiveSnapshot(), waiting->ranges, waiting->nranges, taken))
		elog(ERROR, "the journal of chain \"%s\" has changed meanwhile", recover->origin);
	for (int64 i = 0; i < total; i++)
		recover->leaves[place_in(recover->lost, taken[i].seq)] = taken[i];
}

/* continues the chain by the block, if the leaves give the root that was signed */
static void
build_block(Recover *recover)
{
	const LostBlock *lost = recover->lost;
	ScBlockBuilder builder;
	ScBlock		block;

	sc_block_build_begin(&builder, recover->chain, GetActiveSnapshot());
	if (builder.last.height + 1 != lost->block.height || builder.last.tree_size != lost->block.first_leaf)
		refuse(recover, psprintf("block " INT64_FORMAT " does not continue block " INT64_FORMAT, lost->block.height, builder.last.height));
	sc_block_build_next(&block, &builder, lost->ranges, lost->nranges, lost->block.sealed_at);
	sc_block_build_foresee(&builder, &block, recover->leaves, lost->count);
	if (memcmp(&block.root_hash, &lost->block.root_hash, sizeof(ScHash)) != 0)
		refuse(recover, psprintf("the rows of block " INT64_FORMAT " do not give its signed root", lost->block.height));
	sc_block_build_add(&builder, &block, recover->leaves, lost->count, lost->ranges, lost->nranges);
	sc_block_build_end(&builder);
	sc_signature_insert(recover->chain->chain_id, block.height, block.tree_size, lost->lines);
	sc_repair_record(recover->origin, NULL, PG_INT64_MIN, "block recovered", recover->peer, &block.block_hash, block.tree_size);
}

/* rows and block, one transaction */
static void
recover_rows(Recover *recover, MemoryContext context)
{
	Waiting		waiting = {.recover = recover,.capacity = 16};
	ScJournalIndex *index;

	begin();
	recover->chain = sc_chain_of_origin(recover->origin, false);
	check_signature(recover, recover->chain);
	recover->tables = (ScRowTables) {.chain_id = recover->chain->chain_id,.context = CurrentMemoryContext};
	recover->leaves = MemoryContextAllocExtended(CurrentMemoryContext, recover->lost->count * sizeof(ScSealLeaf), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	recover->filled = MemoryContextAllocExtended(CurrentMemoryContext, recover->lost->count, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	waiting.ranges = palloc(waiting.capacity * sizeof(ScSeqRange));
	index = sc_journal_scan(recover->chain->chain_id, GetActiveSnapshot());
	sc_journal_waiting(index, note_waiting, &waiting);
	fetch_rows(recover);
	fill_dropped(recover);
	sc_chain_lock(recover->chain->chain_id);
	take_waiting(recover, index, &waiting);
	build_block(recover);
	sc_row_tables_close(&recover->tables);
	commit(context);
}

/* a block that was sealed here but not signed: it has to be the one that was signed */
static bool
sign_as_before(Recover *recover, MemoryContext context)
{
	const ScChain *chain;
	ScBlock		here;
	bool		there;

	begin();
	chain = sc_chain_of_origin(recover->origin, true);
	there = chain != NULL && sc_block_by_height(chain->chain_id, recover->lost->block.height, GetActiveSnapshot(), &here);
	if (there)
	{
		if (memcmp(&here.root_hash, &recover->lost->block.root_hash, sizeof(ScHash)) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("block " INT64_FORMAT " of chain \"%s\" was sealed here anew, and is not the one that was signed",
							here.height, recover->origin),
					 errhint("Restore the backup once more and let it recover before it seals.")));
		check_signature(recover, chain);
		sc_signature_insert(chain->chain_id, here.height, here.tree_size, recover->lost->lines);
	}
	commit(context);
	return there;
}

/* the height of the last signed block here, -1 = none */
static int64
signed_height(const char *origin, MemoryContext context)
{
	int64		height = -1;
	int64		size;
	ScChain    *chain;

	begin();
	chain = sc_chain_of_origin(origin, true);
	if (chain != NULL)
		(void) sc_signature_find(chain->chain_id, -1, GetActiveSnapshot(), &height, &size, NULL);
	commit(context);
	return height;
}

void
sc_recover_blocks(ScChannel *channel, const char *peer, const char *me, const char *origin, int64 height)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "seoulchain recovery", ALLOCSET_DEFAULT_SIZES);
	Recover		recover = {.channel = channel,.peer = peer,.me = me,.origin = origin};
	int64		next = signed_height(origin, caller) + 1;

	while (next <= height)
	{
		List	   *blocks;
		ListCell   *lc;

		MemoryContextSwitchTo(context);
		blocks = ask_blocks(&recover, next, (int) Min(BLOCKS_ASKED, height - next + 1));
		if (blocks == NIL)
			refuse(&recover, psprintf("it has no block " INT64_FORMAT, next));
		foreach(lc, blocks)
		{
			recover.lost = lfirst(lc);
			if (recover.lost->block.height != next)
				refuse(&recover, "blocks come out of order");
			recover_events(&recover, context);
			if (!sign_as_before(&recover, context))
				recover_rows(&recover, context);
			next++;
		}
		MemoryContextSwitchTo(caller);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

bool
sc_recover_shown(ScChannel *channel, const char *peer, const char *origin, int64 height,
				 int64 first_leaf, int64 size, const ScHash *root)
{
	MemoryContext caller = CurrentMemoryContext;
	Recover		recover = {.channel = channel,.peer = peer,.origin = origin};
	List	   *blocks = ask_blocks(&recover, height, 1);
	const LostBlock *shown = blocks != NIL ? linitial(blocks) : NULL;
	const ScChain *chain;
	bool		good;

	if (shown == NULL || shown->block.height != height || (first_leaf >= 0 && shown->block.first_leaf != first_leaf) ||
		(root != NULL && (shown->block.tree_size != size || memcmp(&shown->block.root_hash, root, sizeof(ScHash)) != 0)))
		return false;
	begin();
	chain = sc_chain_of_origin(origin, true);
	good = chain != NULL && sc_log_signed(chain, &shown->block, shown->lines, GetActiveSnapshot());
	commit(caller);
	return good;
}
