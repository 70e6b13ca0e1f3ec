/*
 * verify_left.c
 *	  Leaves for which nothing was found, and tuples that no leaf could be given.
 *
 * Invariant: every ledger_seq of a block was met as a row or event, or is
 * told here; rows of a table whose drop is on the chain are not missed.
 * Which table a leaf belonged to is known from the tree's places, a hint
 * that no hash covers (docs/threat-model.md).
 */
#include "postgres.h"

#include "proof/verify.h"

#include "ledger/journal.h"
#include "miscadmin.h"
#include "proof/progress.h"

/* was there a damaged tuple where the leaf's row was stored?  Then that is it. */
static bool
was_unreadable(ScVerify *v, const ScPlace *place)
{
	ScUnreadableKey key;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.table_id = place->table_id;
	key.tid = place->tid;
	(void) hash_search(v->unreadable, &key, HASH_REMOVE, &found);
	return found;
}

/* could the number be that of a dropped table's row? */
static bool
may_be_dropped(const ScVerify *v, const ScVerifyChain *chain, int64 ledger_seq)
{
	ListCell   *cell;

	foreach(cell, v->tables)
	{
		const ScVerifyTable *table = lfirst(cell);

		if (table->chain_id == chain->chain_id && table->dropped_seq > ledger_seq && table->joined_seq < ledger_seq)
			return true;
	}
	return false;
}

/* the word for a leaf that nothing was found for, or NULL when that is right */
static const char *
word_for(ScVerify *v, const ScPlace *place, const ScVerifyTable *table, int64 ledger_seq)
{
	if (place->table_id == SC_TABLE_EVENTS)
		return SC_FAULT_EVENT_MISSING;
	if (table ? table->unjudged : v->registry_damaged)
		return NULL;
	if (table && table->dropped_seq > ledger_seq && table->joined_seq < ledger_seq && table->rel == NULL)
		return NULL;
	if (OidIsValid(v->only_relation) && (table == NULL || table->relid != v->only_relation))
		return NULL;
	return table && was_unreadable(v, place) ? SC_FAULT_ROW_UNREADABLE : SC_FAULT_ROW_MISSING;
}

/* one leaf that nothing was found for */
static void
report_leaf(ScVerify *v, ScVerifyChain *chain, const ScRange *range, int64 leaf)
{
	int64		ledger_seq = range->lower + (leaf - range->first_leaf);
	ScPlace		place = {.table_id = SC_TABLE_BLOCK};
	const ScVerifyTable *table = NULL;
	const char *word;
	ScFault		fault;

	if (sc_verify_place(v, chain, leaf, &place) && place.table_id > 0)
		table = sc_verify_table(v, place.table_id);
	if (table && table->chain_id != chain->chain_id)
		table = NULL;
	word = word_for(v, &place, table, ledger_seq);
	if (word == NULL)
		return;
	/* without its tile a leaf has no place: the tile is told, and the row may have gone with its table */
	if (sc_verify_leaf(v, chain, leaf) == NULL && may_be_dropped(v, chain, ledger_seq))
		return;
	fault = sc_verify_fault(chain, word);
	fault.relation = table ? table->relid : InvalidOid;
	fault.ledger_seq = ledger_seq;
	fault.leaf = leaf;
	fault.height = range->height;
	fault.expected = sc_verify_leaf(v, chain, leaf);
	fault.expectedlen = fault.expected ? SC_HASH_LEN : 0;
	sc_faults_add(v->faults, &fault);
}

/* the leaves of one range */
static void
left_in_range(ScVerify *v, ScVerifyChain *chain, const ScRange *range)
{
	for (int64 leaf = range->first_leaf; leaf < range->first_leaf + range->count; leaf++)
	{
		if (leaf % BITS_PER_BYTE == 0 && chain->seen[leaf / BITS_PER_BYTE] == 0xff)
		{
			leaf += BITS_PER_BYTE - 1;
			continue;
		}
		if (sc_seen_mark(chain, leaf))
		{
			CHECK_FOR_INTERRUPTS();
			report_leaf(v, chain, range, leaf);
		}
	}
}

/* damaged tuples that no missing leaf accounts for */
static void
report_unreadable(ScVerify *v)
{
	HASH_SEQ_STATUS status;
	ScUnreadableKey *key;

	hash_seq_init(&status, v->unreadable);
	while ((key = hash_seq_search(&status)) != NULL)
	{
		const ScVerifyTable *table = sc_verify_table(v, key->table_id);
		ScFault		fault = sc_verify_fault(sc_verify_chain(v, table->chain_id), SC_FAULT_ROW_UNREADABLE);

		fault.relation = table->relid;
		sc_faults_add(v->faults, &fault);
	}
}

void
sc_verify_left(ScVerify *v)
{
	ListCell   *cell;

	foreach(cell, v->chains)
	{
		ScVerifyChain *chain = lfirst(cell);

		if (!sc_verify_wants(v, chain))
			continue;
		sc_progress_phase(SC_PHASE_LEFT, InvalidOid, chain->size);
		for (int64 i = 0; i < chain->nranges; i++)
		{
			left_in_range(v, chain, &chain->ranges[i]);
			if (i % 1024 == 0)
				sc_progress_done(chain->ranges[i].first_leaf);
		}
	}
	sc_verify_pending_left(v);
	report_unreadable(v);
}
