/*
 * compare.c
 *	  compare(): every row that differs between this node and a peer.
 *
 * First the trees: tiles are compared from the top down, so that equal trees
 * cost a few tiles whatever their size, and only subtrees that differ are
 * gone into.  Then the rows as they are stored: each side computes the leaves
 * of its rows again (verify) and the two lists of what is wrong are laid side
 * by side.
 *
 * Invariant: leaves beyond the smaller of the two signed trees are not
 * compared: they are on their way.  A node that lies about its own rows can
 * only make differences appear or stay hidden on its side: nothing is changed
 * here by what it says.
 * Locks: those of verify().  Progress: the view verify_progress.
 * Effects: none.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/ask.h"
#include "network/peer.h"
#include "network/served.h"
#include "proof/progress.h"
#include "proof/values.h"
#include "proof/verify.h"
#include "seal/block_store.h"
#include "seal/internal_scan.h"
#include "seal/tile.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(sc_compare);

#define SC_COMPARE_NATTS 6

/* comparing rows takes as long as the peer's verify() does; the caller can cancel */
#define SC_COMPARE_TIMEOUT (24 * 60 * 60 * 1000)

/* a range of leaves, and the numbers that they have */
typedef struct LeafRange
{
	int64		first_leaf;
	int64		lower;
	int64		count;
} LeafRange;

typedef struct Compare
{
	ReturnSetInfo *result;
	ScChannel  *channel;
	Snapshot	snapshot;
	const ScChain *chain;
	int64		common;			/* leaves that both have signed */
	LeafRange  *ranges;			/* by leaf; NULL until needed */
	int64		nranges;
	HTAB	   *rows;			/* of Difference */
} Compare;

/* what is wrong with a row on one side */
typedef struct Side
{
	bool		wrong;
	char		word[32];
	bool		has_hash;
	ScHash		hash;			/* of the row as it is stored */
} Side;

typedef struct Difference
{
	int64		seq;			/* hash key */
	char		table[2 * NAMEDATALEN + 16];
	Side		here;
	Side		there;
	bool		has_expected;
	ScHash		expected;		/* what the tree of the side that complained has */
} Difference;

/* one row of the answer; hashes may be NULL */
static void
emit(Compare *compare, const char *table, int64 seq, const char *what, const ScHash *here, const ScHash *there)
{
	Datum		values[SC_COMPARE_NATTS] = {0};
	bool		nulls[SC_COMPARE_NATTS] = {false};

	values[0] = CStringGetTextDatum(compare->chain->name);
	nulls[1] = table == NULL || table[0] == '\0';
	values[1] = nulls[1] ? (Datum) 0 : CStringGetTextDatum(table);
	nulls[2] = seq == SC_NONE;
	values[2] = Int64GetDatum(seq);
	values[3] = CStringGetTextDatum(what);
	nulls[4] = here == NULL;
	values[4] = here == NULL ? (Datum) 0 : sc_value_hash(here);
	nulls[5] = there == NULL;
	values[5] = there == NULL ? (Datum) 0 : sc_value_hash(there);
	tuplestore_putvalues(compare->result->setResult, compare->result->setDesc, values, nulls);
}

static int
compare_ranges(const void *a, const void *b)
{
	int64		x = ((const LeafRange *) a)->first_leaf;
	int64		y = ((const LeafRange *) b)->first_leaf;

	return (x > y) - (x < y);
}

/* reads which numbers the leaves have; only when something differs */
static void
load_ranges(Compare *compare)
{
	int64		capacity = 1024;
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;

	compare->ranges = palloc(capacity * sizeof(LeafRange));
	sc_key_int4(&key, SC_BLOCK_RANGE_ATTR_CHAIN_ID, compare->chain->chain_id);
	sc_internal_scan_begin(&scan, "block_range", "block_range_pkey", compare->snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		LeafRange  *range;

		CHECK_FOR_INTERRUPTS();
		if (compare->nranges == capacity)
			compare->ranges = repalloc_huge(compare->ranges, (capacity *= 2) * sizeof(LeafRange));
		range = &compare->ranges[compare->nranges++];
		range->lower = DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_LOWER, scan.rel));
		range->count = DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_UPPER, scan.rel)) - range->lower;
		range->first_leaf = DatumGetInt64(sc_internal_attr(tuple, SC_BLOCK_RANGE_ATTR_FIRST_LEAF, scan.rel));
	}
	sc_internal_scan_end(&scan);
	qsort(compare->ranges, compare->nranges, sizeof(LeafRange), compare_ranges);
}

/* the number of a leaf; SC_NONE for a block leaf */
static int64
seq_of_leaf(Compare *compare, int64 leaf)
{
	int64		low = 0;
	int64		high;

	if (compare->ranges == NULL)
		load_ranges(compare);
	high = compare->nranges;
	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (compare->ranges[middle].first_leaf <= leaf)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || leaf >= compare->ranges[low - 1].first_leaf + compare->ranges[low - 1].count)
		return SC_NONE;
	return compare->ranges[low - 1].lower + (leaf - compare->ranges[low - 1].first_leaf);
}

/* a leaf that the two trees have otherwise; either hash may be NULL */
static void
leaf_differs(Compare *compare, int64 leaf, const ScTile *tile, const ScHash *here, const ScHash *there)
{
	int			at = (int) (leaf % SC_TILE_WIDTH);
	ScLedgerTable *table = at < tile->count && tile->places[at].table_id > 0 ? sc_ledger_by_id(tile->places[at].table_id) : NULL;
	int64		seq = seq_of_leaf(compare, leaf);

	emit(compare, table ? table->ledger_name : NULL, seq,
		 here == NULL ? "leaf missing here" : there == NULL ? "leaf missing there" : "leaf differs", here, there);
}

/* a tile as the peer stores it; how many hashes */
static int
tile_there(Compare *compare, int level, int64 number, ScHash *hashes)
{
	const char *const *row;
	int			count = 0;

	sc_channel_query(compare->channel, psprintf("SELECT hashes FROM seoulchain.served_tiles(%s, %d::pg_catalog.int2, " INT64_FORMAT ", 1)",
												sc_channel_literal(compare->chain->origin), level, number), 1);
	while ((row = sc_channel_next(compare->channel)) != NULL)
	{
		Size		len;
		char	   *bytes = sc_ask_bytes(row[0], &len);

		count = (int) Min(len / SC_HASH_LEN, SC_TILE_WIDTH);
		memcpy(hashes, bytes, (Size) count * SC_HASH_LEN);
	}
	return count;
}

/* complete nodes of a tile level in a tree of that size */
static int64
nodes_at(int64 size, int level)
{
	return 8 * level >= 62 ? 0 : size >> (8 * level);
}

/* compares the nodes of one tile, and goes into what differs */
static void
compare_tile(Compare *compare, int level, int64 number)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain compare tile", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ScTile	   *here = palloc(sizeof(ScTile));
	ScHash	   *there = palloc(SC_TILE_WIDTH * sizeof(ScHash));
	int			want = (int) Min(nodes_at(compare->common, level) - number * SC_TILE_WIDTH, SC_TILE_WIDTH);
	int			count = tile_there(compare, level, number, there);

	CHECK_FOR_INTERRUPTS();
	(void) sc_tile_load(compare->chain->chain_id, level, number, compare->snapshot, here, level == 0);
	for (int i = 0; i < want; i++)
	{
		bool		is_here = i < here->count;
		bool		is_there = i < count;

		if (is_here && is_there && memcmp(&here->hashes[i], &there[i], sizeof(ScHash)) == 0)
			continue;
		if (level == 0)
			leaf_differs(compare, number * SC_TILE_WIDTH + i, here, is_here ? &here->hashes[i] : NULL,
						 is_there ? &there[i] : NULL);
		else
			compare_tile(compare, level - 1, number * SC_TILE_WIDTH + i);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* the trees, from the top down: at each level the nodes that no node above covers */
static void
compare_trees(Compare *compare)
{
	sc_progress_phase(SC_PHASE_TREE, InvalidOid, compare->common);
	for (int level = SC_TILE_LEVELS - 1; level >= 0; level--)
		if (nodes_at(compare->common, level) % SC_TILE_WIDTH > 0)
		{
			compare_tile(compare, level, nodes_at(compare->common, level) / SC_TILE_WIDTH);
			sc_progress_done(nodes_at(compare->common, level) << (8 * level));
		}
}

/* what is known of a number, made when it is new */
static Difference *
difference_of(Compare *compare, int64 seq)
{
	bool		found;
	Difference *difference = hash_search(compare->rows, &seq, HASH_ENTER, &found);

	if (!found)
	{
		memset(difference, 0, sizeof(*difference));
		difference->seq = seq;
	}
	return difference;
}

/* one side's fault of a row, or another of its faults */
static void
add_fault(Compare *compare, bool here, const char *table, int64 seq, const char *word,
		  const ScHash *expected, const ScHash *found)
{
	Difference *difference;
	Side	   *side;

	if (seq == SC_NONE || strncmp(word, "row ", 4) != 0)
	{
		emit(compare, table, seq, psprintf("%s %s", word, here ? "here" : "there"), here ? found : expected, here ? expected : found);
		return;
	}
	difference = difference_of(compare, seq);
	side = here ? &difference->here : &difference->there;
	side->wrong = true;
	strlcpy(side->word, word, sizeof(side->word));
	side->has_hash = found != NULL;
	if (found != NULL)
		side->hash = *found;
	if (expected != NULL)
	{
		difference->has_expected = true;
		difference->expected = *expected;
	}
	if (table != NULL)
		strlcpy(difference->table, table, sizeof(difference->table));
}

/* a hash column of a fault; false when it is null or of another length */
static bool
fault_hash(ScHash *out, const Datum *values, const bool *nulls, int attno)
{
	return !nulls[attno - 1] && sc_value_to_hash(out, values[attno - 1]);
}

/* the faults of this node's rows */
static void
faults_here(Compare *compare)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(get_rel_type_id(sc_registry_relation("fault")), -1);
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);

	sc_verify_into(InvalidOid, compare->chain->chain_id, NULL, store, desc);
	while (tuplestore_gettupleslot(store, true, false, slot))
	{
		ScHash		expected;
		ScHash		found;
		ScLedgerTable *table;
		bool		has_expected;
		bool		has_found;

		slot_getallattrs(slot);
		table = slot->tts_isnull[1] ? NULL : sc_ledger_by_relation(DatumGetObjectId(slot->tts_values[1]), true);
		has_expected = fault_hash(&expected, slot->tts_values, slot->tts_isnull, 6);
		has_found = fault_hash(&found, slot->tts_values, slot->tts_isnull, 7);
		add_fault(compare, true, table ? table->ledger_name : NULL,
				  slot->tts_isnull[2] ? SC_NONE : DatumGetInt64(slot->tts_values[2]),
				  TextDatumGetCString(slot->tts_values[4]), has_expected ? &expected : NULL, has_found ? &found : NULL);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(store);
}

/* a hash that the peer wrote in a fault; false for NULL and what is no hash (events have texts there) */
static bool
text_hash(ScHash *out, const char *text)
{
	Size		len;
	char	   *bytes;

	if (text == NULL)
		return false;
	bytes = sc_ask_bytes(text, &len);
	if (len != SC_HASH_LEN)
		return false;
	memcpy(out->bytes, bytes, SC_HASH_LEN);
	return true;
}

/* the faults of the peer's rows, as it says itself */
static void
faults_there(Compare *compare)
{
	const char *const *row;

	sc_channel_query(compare->channel,
					 psprintf("SELECT l.ledger_name, f.ledger_seq, f.fault, f.expected, f.found FROM seoulchain.served_faults(%s) f "
							  "LEFT JOIN seoulchain.ledger l ON l.relation OPERATOR(pg_catalog.=) f.relation",
							  sc_channel_literal(compare->chain->origin)), 5);
	while ((row = sc_channel_next(compare->channel)) != NULL)
	{
		ScHash		expected;
		ScHash		found;
		bool		has_expected = text_hash(&expected, row[3]);
		bool		has_found = text_hash(&found, row[4]);

		CHECK_FOR_INTERRUPTS();
		if (row[2] != NULL)
			add_fault(compare, false, row[0], row[1] ? sc_ask_int8(row[1]) : SC_NONE, row[2],
					  has_expected ? &expected : NULL, has_found ? &found : NULL);
	}
}

/* what to say of a row */
static char *
word_for(const Difference *difference)
{
	bool		both = difference->here.wrong && difference->there.wrong;

	if (!both)
	{
		const Side *side = difference->here.wrong ? &difference->here : &difference->there;

		return psprintf("%s %s", side->word, difference->here.wrong ? "here" : "there");
	}
	return psprintf("%s here, %s there", difference->here.word, difference->there.word);
}

/* the hash of one side: what it stores, or what its tree has if it did not complain */
static const ScHash *
side_hash(const Difference *difference, const Side *side)
{
	if (side->wrong)
		return side->has_hash ? &side->hash : NULL;
	return difference->has_expected ? &difference->expected : NULL;
}

/* lays the two lists side by side; a row that is wrong in the same way on both sides does not differ */
static void
emit_differences(Compare *compare)
{
	HASH_SEQ_STATUS status;
	Difference *difference;

	hash_seq_init(&status, compare->rows);
	while ((difference = hash_seq_search(&status)) != NULL)
	{
		const ScHash *here = side_hash(difference, &difference->here);
		const ScHash *there = side_hash(difference, &difference->there);

		if (difference->here.wrong && difference->there.wrong &&
			((here == NULL && there == NULL) || (here != NULL && there != NULL && memcmp(here, there, sizeof(ScHash)) == 0)))
			continue;
		emit(compare, difference->table, difference->seq, word_for(difference), here, there);
	}
}

/* the rows as both sides store them */
static void
compare_rows(Compare *compare)
{
	HASHCTL		control = {.keysize = sizeof(int64), .entrysize = sizeof(Difference), .hcxt = CurrentMemoryContext};

	compare->rows = hash_create("seoulchain differences", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	faults_here(compare);
	faults_there(compare);
	emit_differences(compare);
	hash_destroy(compare->rows);
}

/* one chain that both hold */
static void
compare_chain(Compare *compare, const ScChain *chain, bool rows)
{
	ScAskChain	there;
	int64		height;
	int64		size;

	if (!sc_signature_find(chain->chain_id, -1, compare->snapshot, &height, &size, NULL) ||
		!sc_ask_chain(&there, compare->channel, chain->origin))
		return;
	compare->chain = chain;
	compare->common = Min(size, there.size);
	compare->ranges = NULL;
	compare->nranges = 0;
	sc_progress_begin();
	PG_TRY();
	{
		compare_trees(compare);
	}
	PG_FINALLY();
	{
		sc_progress_end();
	}
	PG_END_TRY();
	if (rows)
		compare_rows(compare);
}

/*
 * seoulchain.compare(node text, rows boolean DEFAULT true) returns setof record
 *		(chain text, relation text, ledger_seq bigint, what text, here bytea, there bytea)
 *
 * For every chain that this node and the peer both hold: leaves that the two
 * trees have otherwise, then rows that either side does not store as its tree
 * has them.  No row means that nothing differs.  Privileges:
 * seoulchain_auditor, seoulchain_operator.  Errors: UNDEFINED_OBJECT when the
 * node is no peer; CONNECTION_FAILURE.
 */
Datum
sc_compare(PG_FUNCTION_ARGS)
{
	Compare    *compare = palloc0(sizeof(Compare));
	bool		rows = PG_GETARG_BOOL(1);
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	compare->result = (ReturnSetInfo *) fcinfo->resultinfo;
	compare->channel = sc_channel_open(text_to_cstring(PG_GETARG_TEXT_PP(0)), rows ? SC_COMPARE_TIMEOUT : sc_ask_timeout);
	compare->snapshot = RegisterSnapshot(GetLatestSnapshot());
	foreach(lc, sc_chain_list())
		compare_chain(compare, lfirst(lc), rows);
	UnregisterSnapshot(compare->snapshot);
	sc_channel_close(compare->channel);
	return (Datum) 0;
}
