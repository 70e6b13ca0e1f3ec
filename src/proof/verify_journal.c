/*
 * verify_journal.c
 *	  What waits in the journal: committed rows that no block has yet.
 *
 * Only where each run of entries is stored is kept in memory, 40 bytes a run;
 * hashes are read again from the journal's pages when a row asks for them.
 *
 * Invariant: entries of the running transaction are left out, like its rows.
 * Source: ledger/journal.h for the bytes.
 */
#include "postgres.h"

#include "proof/verify.h"

#include "access/table.h"
#include "fmgr.h"
#include "ledger/journal.h"
#include "miscadmin.h"
#include "proof/guard.h"
#include "seal/reject.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* remembers a run */
static void
add_run(ScVerify *v, int32 chain_id, const ScJournalRun *run, const ItemPointerData *tid, uint16 offset, bool copied)
{
	ScPending  *pending;

	if (v->npending == v->pending_capacity)
	{
		v->pending_capacity = Max(v->pending_capacity * 2, 64);
		if (v->pending == NULL)
			v->pending = MemoryContextAllocHuge(v->context, v->pending_capacity * sizeof(ScPending));
		else
			v->pending = repalloc_huge(v->pending, v->pending_capacity * sizeof(ScPending));
	}
	pending = &v->pending[v->npending++];
	pending->chain_id = chain_id;
	pending->table_id = run->table_id;
	pending->first_seq = run->first_seq;
	pending->count = run->count;
	pending->tid = *tid;
	pending->offset = offset;
	pending->copied = copied;
}

/* a journal row that is not what the recorder writes */
static void
journal_fault(ScVerify *v, int32 chain_id, int64 ledger_seq)
{
	ScFault		fault = sc_verify_fault(sc_verify_chain(v, chain_id), SC_FAULT_JOURNAL_ALTERED);

	fault.ledger_seq = ledger_seq;
	sc_faults_add(v->faults, &fault);
}

/* one row of a journal: its runs */
static void
journal_row(void *arg, ScScan *scan)
{
	ScVerify   *v = arg;
	int32		chain_id = DatumGetInt32(scan->values[SC_JOURNAL_ATTR_CHAIN_ID - 1]);
	bytea	   *entries;
	const char *data;
	size_t		len;
	size_t		at = 0;
	ItemPointerData tid;

	if (scan->state == SC_TUPLE_OWN)
		return;
	entries = DatumGetByteaPP(scan->values[SC_JOURNAL_ATTR_ENTRIES - 1]);
	data = VARDATA_ANY(entries);
	len = VARSIZE_ANY_EXHDR(entries);
	ItemPointerSet(&tid, scan->block, scan->offset);
	while (at < len)
	{
		ScJournalRun run;

		if (len - at < sizeof(run))
			break;
		memcpy(&run, data + at, sizeof(run));
		at += sizeof(run);
		if (run.version != SC_JOURNAL_VERSION || run.count == 0 || run.first_seq < 0 ||
			(len - at) / SC_JOURNAL_ENTRY_LEN < run.count || sc_verify_chain(v, chain_id) == NULL)
		{
			at--;
			break;
		}
		add_run(v, chain_id, &run, &tid, at, scan->rel == v->journals[true]);
		at += run.count * SC_JOURNAL_ENTRY_LEN;
	}
	if (at != len || len == 0)
		journal_fault(v, chain_id, SC_NONE);
}

/* a row of seoulchain.rejected: what the sealer found in the journal and could not seal */
static void
rejected_row(void *arg, ScScan *scan)
{
	ScVerify   *v = arg;
	int32		chain_id = DatumGetInt32(scan->values[SC_REJECTED_ATTR_CHAIN_ID - 1]);
	bool		readable = !scan->nulls[SC_REJECTED_ATTR_LEDGER_SEQ - 1];

	if (scan->state != SC_TUPLE_OWN && sc_verify_wants(v, sc_verify_chain(v, chain_id)))
		journal_fault(v, chain_id, readable ? DatumGetInt64(scan->values[SC_REJECTED_ATTR_LEDGER_SEQ - 1]) : SC_NONE);
}

/* faults of the journal's past */
static void
report_rejected(ScVerify *v)
{
	Relation	rel = sc_verify_open("rejected");

	sc_verify_scan(v, rel, rejected_row, v);
	table_close(rel, NoLock);
}

/* order by chain and number */
static int
compare_pending(const void *a, const void *b)
{
	const ScPending *left = a;
	const ScPending *right = b;

	if (left->chain_id != right->chain_id)
		return left->chain_id < right->chain_id ? -1 : 1;
	return left->first_seq < right->first_seq ? -1 : left->first_seq > right->first_seq;
}

/* is any number of the run in a block already? */
static void
check_sealed(ScVerify *v, const ScPending *pending)
{
	ScVerifyChain *chain = sc_verify_chain(v, pending->chain_id);

	if (!sc_verify_wants(v, chain))
		return;
	for (int i = 0; i < pending->count; i++)
	{
		if (sc_ranges_find(chain, pending->first_seq + i) != NULL)
		{
			journal_fault(v, pending->chain_id, pending->first_seq + i);
			return;
		}
	}
}

void
sc_verify_load_journal(ScVerify *v)
{
	int64		bits = 0;

	for (int copied = 0; copied < SC_JOURNALS; copied++)
	{
		v->journals[copied] = sc_verify_open(sc_journal_name(copied));
		sc_page_init(&v->journal_pages[copied], v->journals[copied], false);
		sc_verify_scan(v, v->journals[copied], journal_row, v);
	}
	report_rejected(v);
	if (v->npending > 0)
		qsort(v->pending, v->npending, sizeof(ScPending), compare_pending);
	for (int64 i = 0; i < v->npending; i++)
	{
		CHECK_FOR_INTERRUPTS();
		v->pending[i].first_bit = bits;
		bits += v->pending[i].count;
		if (i > 0 && v->pending[i - 1].chain_id == v->pending[i].chain_id &&
			v->pending[i - 1].first_seq + v->pending[i - 1].count > v->pending[i].first_seq)
			journal_fault(v, v->pending[i].chain_id, v->pending[i].first_seq);
		check_sealed(v, &v->pending[i]);
	}
	v->pending_seen = MemoryContextAllocExtended(v->context, bits / BITS_PER_BYTE + 1,
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* the run that holds the number, or NULL */
static const ScPending *
find_run(const ScVerify *v, int32 chain_id, int64 ledger_seq)
{
	int64		low = 0;
	int64		high = v->npending;
	ScPending	key = {.chain_id = chain_id, .first_seq = ledger_seq};

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (compare_pending(&v->pending[middle], &key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || v->pending[low - 1].chain_id != chain_id ||
		ledger_seq - v->pending[low - 1].first_seq >= v->pending[low - 1].count)
		return NULL;
	return &v->pending[low - 1];
}

const ScPending *
sc_pending_find(ScVerify *v, int32 chain_id, int64 ledger_seq, ScHash *hash, int64 *bit)
{
	const ScPending *pending = find_run(v, chain_id, ledger_seq);
	Datum		values[2];
	bool		nulls[2];
	bytea	   *entries;
	int64		entry;

	if (pending == NULL)
		return NULL;
	entry = ledger_seq - pending->first_seq;
	*bit = pending->first_bit + entry;
	if (!sc_page_fetch(&v->journal_pages[pending->copied], &pending->tid, v->snapshot, values, nulls))
		return NULL;
	entries = DatumGetByteaPP(values[SC_JOURNAL_ATTR_ENTRIES - 1]);
	memcpy(hash, VARDATA_ANY(entries) + pending->offset + entry * SC_JOURNAL_ENTRY_LEN, SC_HASH_LEN);
	return pending;
}

bool
sc_pending_mark(ScVerify *v, int64 bit)
{
	uint8		mask = 1 << (bit % BITS_PER_BYTE);

	if (v->pending_seen[bit / BITS_PER_BYTE] & mask)
		return false;
	v->pending_seen[bit / BITS_PER_BYTE] |= mask;
	return true;
}

/* does another run hold the number too?  Then that was told, and what was found is its. */
static bool
told_by_other(const ScVerify *v, const ScPending *pending, int64 ledger_seq)
{
	const ScPending *other = find_run(v, pending->chain_id, ledger_seq);

	return other != NULL && other != pending;
}

/* the entries of a run for which nothing was found */
static void
report_run(ScVerify *v, const ScPending *pending, const ScVerifyTable *table)
{
	for (int i = 0; i < pending->count; i++)
	{
		ScFault		fault;
		ScHash		hash;
		int64		bit;

		if (!sc_pending_mark(v, pending->first_bit + i) || told_by_other(v, pending, pending->first_seq + i))
			continue;
		fault = sc_verify_fault(sc_verify_chain(v, pending->chain_id),
								pending->table_id == SC_TABLE_EVENTS ? SC_FAULT_EVENT_MISSING : SC_FAULT_ROW_MISSING);
		fault.relation = table ? table->relid : InvalidOid;
		fault.ledger_seq = pending->first_seq + i;
		if (sc_pending_find(v, pending->chain_id, fault.ledger_seq, &hash, &bit) != NULL)
		{
			fault.expected = &hash;
			fault.expectedlen = SC_HASH_LEN;
		}
		sc_faults_add(v->faults, &fault);
	}
}

void
sc_verify_pending_left(ScVerify *v)
{
	for (int64 i = 0; i < v->npending; i++)
	{
		const ScPending *pending = &v->pending[i];
		const ScVerifyTable *table = sc_verify_table(v, pending->table_id);

		CHECK_FOR_INTERRUPTS();
		if (!sc_verify_wants(v, sc_verify_chain(v, pending->chain_id)))
			continue;
		if (table ? table->unjudged || table->dropped_seq > pending->first_seq :
			v->registry_damaged && pending->table_id != SC_TABLE_EVENTS)
			continue;
		if (OidIsValid(v->only_relation) && pending->table_id != SC_TABLE_EVENTS &&
			(table == NULL || table->relid != v->only_relation))
			continue;
		report_run(v, pending, table);
	}
}
