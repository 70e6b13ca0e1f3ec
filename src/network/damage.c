/*
 * damage.c
 *	  What is wrong with the rows of one table, and where it is stored.
 *
 * Invariant: verify() decides; here its words are only sorted into what can be
 * brought back, what has to go and what nobody can mend.
 * Context: a transaction; verify() takes a snapshot of its own.
 * Effects: none.
 */
#include "postgres.h"

#include "network/damage.h"

#include "executor/tuptable.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "proof/verify.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

/* seoulchain.fault */
#define FAULT_RELATION 2
#define FAULT_SEQ 3
#define FAULT_HEIGHT 4
#define FAULT_WORD 5

/* a growing damage */
typedef struct Finder
{
	ScDamage   *damage;
	Oid			relid;
	int			seq_capacity;
	int			tuple_capacity;
	int			page_capacity;
} Finder;

/* room for one more in an array */
static void *
grow(void *array, int count, int *capacity, Size width)
{
	if (count < *capacity)
		return array;
	*capacity = Max(64, 2 * *capacity);
	return array == NULL ? palloc(*capacity * width) : repalloc_huge(array, *capacity * width);
}

static bool
is(const char *word, const char *other)
{
	return strcmp(word, other) == 0;
}

/* verify() stands on a tuple that is wrong */
static void
note_tuple(void *arg, const ScScan *scan, int64 ledger_seq, const char *word)
{
	Finder	   *finder = arg;
	ScDamage   *damage = finder->damage;
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(damage));
	ScBadTuple *bad;

	damage->tuples = grow(damage->tuples, damage->ntuples, &finder->tuple_capacity, sizeof(ScBadTuple));
	bad = &damage->tuples[damage->ntuples++];
	ItemPointerSet(&bad->tid, scan->block, scan->offset);
	bad->ledger_seq = ledger_seq;
	bad->alien = is(word, SC_FAULT_ROW_ADDED) || is(word, SC_FAULT_ROW_MOVED) || is(word, SC_FAULT_ROW_DUPLICATED);
	bad->values = is(word, SC_FAULT_ROW_UNREADABLE);
	MemoryContextSwitchTo(old);
}

/* verify() cannot read a page */
static void
note_page(void *arg, BlockNumber block)
{
	Finder	   *finder = arg;
	ScDamage   *damage = finder->damage;
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(damage));

	damage->pages = grow(damage->pages, damage->npages, &finder->page_capacity, sizeof(BlockNumber));
	damage->pages[damage->npages++] = block;
	MemoryContextSwitchTo(old);
}

/* a word of something that rows cannot mend, once */
static void
note_other(ScDamage *damage, const char *word)
{
	ListCell   *lc;

	foreach(lc, damage->other)
		if (strcmp(lfirst(lc), word) == 0)
			return;
	damage->other = lappend(damage->other, pstrdup(word));
}

/* a row that is wrong and that no block proves */
static void
note_unsealed(ScDamage *damage, int64 seq)
{
	int64	   *copy = palloc(sizeof(int64));

	*copy = seq;
	damage->unsealed = lappend(damage->unsealed, copy);
}

/* sorts one fault */
static void
sort_fault(Finder *finder, TupleTableSlot *slot)
{
	ScDamage   *damage = finder->damage;
	char	   *word = TextDatumGetCString(slot->tts_values[FAULT_WORD - 1]);
	bool		has_seq = !slot->tts_isnull[FAULT_SEQ - 1];
	int64		seq = has_seq ? DatumGetInt64(slot->tts_values[FAULT_SEQ - 1]) : 0;
	bool		mine = !slot->tts_isnull[FAULT_RELATION - 1] &&
		DatumGetObjectId(slot->tts_values[FAULT_RELATION - 1]) == finder->relid;
	bool		lost = is(word, SC_FAULT_ROW_MISSING) || is(word, SC_FAULT_ROW_ALTERED) || is(word, SC_FAULT_ROW_UNREADABLE);

	if (mine && has_seq && lost && !slot->tts_isnull[FAULT_HEIGHT - 1])
	{
		damage->seqs = grow(damage->seqs, damage->nseqs, &finder->seq_capacity, sizeof(int64));
		damage->seqs[damage->nseqs++] = seq;
	}
	else if (mine && has_seq && lost)
		note_unsealed(damage, seq);
	else if (!(mine && (lost || is(word, SC_FAULT_ROW_ADDED) || is(word, SC_FAULT_ROW_MOVED) ||
						is(word, SC_FAULT_ROW_DUPLICATED) || is(word, SC_FAULT_PAGE_UNREADABLE))))
		note_other(damage, word);
	pfree(word);
}

static int
compare_seqs(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return (x > y) - (x < y);
}

/* ascending, each once */
static void
sort_seqs(ScDamage *damage)
{
	int			kept = 0;

	if (damage->nseqs == 0)
		return;
	qsort(damage->seqs, damage->nseqs, sizeof(int64), compare_seqs);
	for (int i = 0; i < damage->nseqs; i++)
		if (kept == 0 || damage->seqs[kept - 1] != damage->seqs[i])
			damage->seqs[kept++] = damage->seqs[i];
	damage->nseqs = kept;
}

/* the row type that faults have */
static TupleDesc
fault_tupdesc(void)
{
	Oid			relation = sc_registry_relation("fault");

	return lookup_rowtype_tupdesc_copy(get_rel_type_id(relation), -1);
}

ScDamage *
sc_damage_find(Oid relid, int32 chain_id)
{
	Finder		finder = {.damage = palloc0(sizeof(ScDamage)), .relid = relid};
	ScDamageSink sink = {note_tuple, note_page, &finder};
	TupleDesc	desc = fault_tupdesc();
	Tuplestorestate *faults = tuplestore_begin_heap(false, false, work_mem);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);

	sc_verify_into(relid, chain_id, &sink, faults, desc);
	while (tuplestore_gettupleslot(faults, true, false, slot))
	{
		slot_getallattrs(slot);
		sort_fault(&finder, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(faults);
	sort_seqs(finder.damage);
	return finder.damage;
}
