/*
 * verify_row.c
 *	  The rows of every ledger table against their leaves.
 *
 * Each row in the snapshot is encoded again (ledger/row.h, the recorder's own
 * code) and its hash compared with the leaf that its ledger_seq has in the
 * tree, or with the journal while it is not sealed.
 *
 * Invariant: a row of the snapshot is in a block or in the journal, or it was
 * put there behind the ledger's back; rows that the running transaction
 * inserted, whose hashes are still in its memory, are passed over.
 * Locks: AccessShareLock on the tables (verify_load.c).
 * No code of users runs: only output functions of allowed types, after
 * datum.h has looked at what they get.
 */
#include "postgres.h"

#include "proof/verify.h"

#include "catalog/pg_class.h"
#include "ledger/registry.h"
#include "ledger/row.h"
#include "miscadmin.h"
#include "proof/datum.h"
#include "proof/guard.h"
#include "proof/progress.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* a table's scan */
typedef struct RowPass
{
	ScVerify   *v;
	ScVerifyChain *chain;
	ScVerifyTable *table;
	Relation	rel;
	ScScan	   *scan;			/* NULL but while a tuple is judged */
	ScRowFormat *format;
	AttrNumber	seq_attno;
	int			nchecks;
	ScDatumCheck *checks;
	ScBuf		buf;
	ScPayloadPass *payloads;	/* NULL when the table has no signature rule */
	int			nestlevel;
} RowPass;

/* tells whoever repairs that the tuple at hand is not what was sealed */
static void
tell_damage(RowPass *pass, int64 ledger_seq, const char *word)
{
	if (pass->v->damage != NULL && pass->scan != NULL && strcmp(word, SC_FAULT_NODE_ALTERED) != 0)
		pass->v->damage->tuple(pass->v->damage->arg, pass->scan, ledger_seq, word);
}

/* a fault of a row; leaf and range may be unknown */
static void
row_fault(RowPass *pass, const char *word, int64 ledger_seq, int64 leaf, int64 height,
		  const ScHash *expected, const ScHash *found)
{
	ScFault		fault = sc_verify_fault(pass->chain, word);

	fault.relation = RelationGetRelid(pass->rel);
	fault.ledger_seq = ledger_seq;
	fault.leaf = leaf;
	fault.height = height;
	fault.expected = expected;
	fault.expectedlen = expected ? SC_HASH_LEN : 0;
	fault.found = found;
	fault.foundlen = found ? SC_HASH_LEN : 0;
	sc_faults_add(pass->v->faults, &fault);
	tell_damage(pass, ledger_seq, word);
}

/* the leaf hash of the row at hand; false when one of its values is damaged */
static bool
hash_row(RowPass *pass, ScScan *scan, int64 ledger_seq, ScHash *hash)
{
	for (int i = 0; i < pass->nchecks; i++)
	{
		const ScDatumCheck *check = &pass->checks[i];

		if (!scan->nulls[check->index] && !sc_datum_ok(check->typid, &scan->values[check->index]))
			return false;
	}
	if (!sc_row_leaf_fits(&pass->buf, pass->format, scan->values, scan->nulls, ledger_seq))
		return false;
	sc_row_hash(hash, pass->format, &pass->buf);
	return true;
}

/* which word fits a row whose hash is not the leaf's? */
static const char *
word_for(RowPass *pass, int64 leaf)
{
	ScPlace		place;

	if (sc_leaf_is_bad(pass->chain, leaf))
		return SC_FAULT_NODE_ALTERED;
	if (!sc_verify_place(pass->v, pass->chain, leaf, &place) || place.table_id == pass->table->table_id)
		return SC_FAULT_ROW_ALTERED;
	return place.table_id > 0 ? SC_FAULT_ROW_MOVED : SC_FAULT_ROW_ADDED;
}

/* the row's hash is not the leaf's */
static void
report_mismatch(RowPass *pass, int64 ledger_seq, int64 leaf, int64 height,
				const ScHash *expected, const ScHash *found)
{
	const char *word = word_for(pass, leaf);

	if (strcmp(word, SC_FAULT_ROW_MOVED) == 0 || strcmp(word, SC_FAULT_ROW_ADDED) == 0)
	{
		/* the leaf is another table's: its own row may still be found */
		row_fault(pass, word, ledger_seq, leaf, height, expected, found);
		return;
	}
	if (!sc_seen_mark(pass->chain, leaf))
		word = SC_FAULT_ROW_DUPLICATED;
	if (strcmp(word, SC_FAULT_NODE_ALTERED) == 0)
		row_fault(pass, word, ledger_seq, leaf, height, found, expected);
	else
		row_fault(pass, word, ledger_seq, leaf, height, expected, found);
}

/* a row that a block holds */
static void
judge_sealed(RowPass *pass, ScScan *scan, int64 ledger_seq, const ScRange *range)
{
	int64		leaf = range->first_leaf + (ledger_seq - range->lower);
	int64		height = range->height;
	const ScHash *expected;
	ScHash		hash;

	if (scan->ghost)
	{
		tell_damage(pass, ledger_seq, SC_FAULT_ROW_MISSING);
		return;
	}
	expected = sc_verify_leaf(pass->v, pass->chain, leaf);
	if (!hash_row(pass, scan, ledger_seq, &hash))
	{
		bool		first = sc_seen_mark(pass->chain, leaf);

		row_fault(pass, first ? SC_FAULT_ROW_UNREADABLE : SC_FAULT_ROW_DUPLICATED,
				  ledger_seq, leaf, height, expected, NULL);
		return;
	}
	if (expected != NULL && memcmp(expected, &hash, sizeof(hash)) != 0)
		report_mismatch(pass, ledger_seq, leaf, height, expected, &hash);
	else if (!sc_seen_mark(pass->chain, leaf))
		row_fault(pass, SC_FAULT_ROW_DUPLICATED, ledger_seq, leaf, height, expected, &hash);
	else if (pass->payloads)
		sc_verify_payload_row(pass->payloads, scan->values, scan->nulls, ledger_seq, leaf, height);
}

/* a row that waits in the journal, or is in neither */
static void
judge_unsealed(RowPass *pass, ScScan *scan, int64 ledger_seq)
{
	ScHash		expected;
	ScHash		hash;
	int64		bit;
	const ScPending *pending = sc_pending_find(pass->v, pass->chain->chain_id, ledger_seq, &expected, &bit);
	bool		whole;

	if (pending != NULL && scan->ghost)
		return;
	whole = hash_row(pass, scan, ledger_seq, &hash);
	if (pending == NULL)
		row_fault(pass, SC_FAULT_ROW_ADDED, ledger_seq, SC_NONE, SC_NONE, NULL, whole ? &hash : NULL);
	else if (pending->table_id != pass->table->table_id)
		row_fault(pass, SC_FAULT_ROW_MOVED, ledger_seq, SC_NONE, SC_NONE, &expected, whole ? &hash : NULL);
	else if (!sc_pending_mark(pass->v, bit))
		row_fault(pass, SC_FAULT_ROW_DUPLICATED, ledger_seq, SC_NONE, SC_NONE, &expected, whole ? &hash : NULL);
	else if (!whole)
		row_fault(pass, SC_FAULT_ROW_UNREADABLE, ledger_seq, SC_NONE, SC_NONE, &expected, NULL);
	else if (memcmp(&expected, &hash, sizeof(hash)) != 0)
		row_fault(pass, SC_FAULT_ROW_ALTERED, ledger_seq, SC_NONE, SC_NONE, &expected, &hash);
	else if (pass->payloads && !pass->chain->copy)
		/* payloads of a copy are noted when its blocks are integrated */
		sc_verify_payload_row(pass->payloads, scan->values, scan->nulls, ledger_seq, SC_NONE, SC_NONE);
}

/*
 * Is it a row that the running transaction inserted?  Its own, too, are old
 * rows that it wrote again (ALTER TABLE ... ADD COLUMN ... STORED): those have
 * a leaf or a committed journal entry.
 */
static bool
own_row_unknown(RowPass *pass, ScScan *scan)
{
	ScHash		hash;
	int64		bit;
	int64		ledger_seq;

	if (scan->state != SC_TUPLE_OWN)
		return false;
	if (scan->nulls[pass->seq_attno - 1])
		return true;
	ledger_seq = DatumGetInt64(scan->values[pass->seq_attno - 1]);
	return sc_ranges_find(pass->chain, ledger_seq) == NULL &&
		sc_pending_find(pass->v, pass->chain->chain_id, ledger_seq, &hash, &bit) == NULL;
}

/* one row in the snapshot */
static void
judge_row(void *arg, ScScan *scan)
{
	RowPass    *pass = arg;
	const ScRange *range;
	int64		ledger_seq;

	/* a page that is to be made anew counts for nothing */
	if (scan->raw && pass->v->damage != NULL)
		return;
	pass->scan = scan;
	if (own_row_unknown(pass, scan))
		return;
	if (scan->nulls[pass->seq_attno - 1])
	{
		row_fault(pass, SC_FAULT_ROW_ADDED, SC_NONE, SC_NONE, SC_NONE, NULL, NULL);
		return;
	}
	ledger_seq = DatumGetInt64(scan->values[pass->seq_attno - 1]);
	range = sc_ranges_find(pass->chain, ledger_seq);
	if (range != NULL)
		judge_sealed(pass, scan, ledger_seq, range);
	else
		judge_unsealed(pass, scan, ledger_seq);
}

/* a tuple without a number: perhaps the missing leaf's place will name it */
static void
remember_unreadable(RowPass *pass, ScScan *scan)
{
	ScUnreadableKey key;

	memset(&key, 0, sizeof(key));
	key.table_id = pass->table->table_id;
	ItemPointerSet(&key.tid, scan->block, scan->offset);
	(void) hash_search(pass->v->unreadable, &key, HASH_ENTER, NULL);
	tell_damage(pass, SC_NONE, SC_FAULT_ROW_UNREADABLE);
}

/* a row whose number is known but whose values raise errors */
static void
report_failed(RowPass *pass, int64 ledger_seq)
{
	const ScRange *range = sc_ranges_find(pass->chain, ledger_seq);
	ScHash		hash;
	int64		bit;

	if (range != NULL)
	{
		int64		leaf = range->first_leaf + (ledger_seq - range->lower);

		row_fault(pass, sc_seen_mark(pass->chain, leaf) ? SC_FAULT_ROW_UNREADABLE : SC_FAULT_ROW_DUPLICATED,
				  ledger_seq, leaf, range->height, sc_verify_leaf(pass->v, pass->chain, leaf), NULL);
		return;
	}
	if (sc_pending_find(pass->v, pass->chain->chain_id, ledger_seq, &hash, &bit) != NULL)
		(void) sc_pending_mark(pass->v, bit);
	row_fault(pass, SC_FAULT_ROW_UNREADABLE, ledger_seq, SC_NONE, SC_NONE, NULL, NULL);
}

/* something in the table is damaged */
static void
judge_damage(void *arg, ScScan *scan, ScScanFault kind, const char *message)
{
	RowPass    *pass = arg;

	if (scan->raw && pass->v->damage != NULL)
		return;
	pass->scan = kind == SC_SCAN_BAD_PAGE ? NULL : scan;
	if (kind == SC_SCAN_BAD_PAGE)
	{
		if (pass->v->damage != NULL)
			pass->v->damage->page(pass->v->damage->arg, scan->block);
		row_fault(pass, SC_FAULT_PAGE_UNREADABLE, SC_NONE, SC_NONE, SC_NONE, NULL, NULL);
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("block %u of \"%s\" cannot be read", scan->block, RelationGetRelationName(scan->rel)),
				 errdetail_internal("%s", message)));
	}
	else if (scan->deformed && !scan->nulls[pass->seq_attno - 1])
		report_failed(pass, DatumGetInt64(scan->values[pass->seq_attno - 1]));
	else
		remember_unreadable(pass, scan);
}

/* after each page */
static void
page_done(void *arg, ScScan *scan)
{
	sc_progress_done(scan->block + 1);
}

/* prepares the format; what the registry has wrong makes it fail */
static void
prepare_format(void *arg)
{
	RowPass    *pass = arg;

	pass->format = sc_row_format_copy(pass->rel, pass->v->context);
	pass->seq_attno = sc_row_format_seq_attno(pass->format);
	if (pass->seq_attno <= 0)
		elog(ERROR, "\"%s\" has no column ledger_seq", RelationGetRelationName(pass->rel));
	pass->payloads = sc_verify_payload_begin(pass->v, pass->table);
}

/* scans a table whose format is known */
static void
scan_table(RowPass *pass)
{
	static const ScScanCallbacks callbacks = {judge_row, judge_damage, page_done};

	/* not in prepare_format: its subtransaction would take the settings along */
	pass->nestlevel = sc_row_settings_begin(pass->format);
	pass->nchecks = sc_datum_checks(&pass->checks, RelationGetDescr(pass->rel));
	sc_progress_phase(SC_PHASE_ROWS, RelationGetRelid(pass->rel), RelationGetNumberOfBlocks(pass->rel));
	PG_TRY();
	{
		sc_scan_run(pass->rel, pass->v->snapshot, &callbacks, pass);
	}
	PG_FINALLY();
	{
		sc_buf_free(&pass->buf);
		if (pass->payloads)
			sc_verify_payload_end(pass->payloads);
	}
	PG_END_TRY();
	sc_row_settings_end(pass->nestlevel);
}

/* a fault of a table as a whole */
static void
table_fault(ScVerify *v, const ScVerifyTable *table, const char *word)
{
	ScFault		fault = sc_verify_fault(sc_verify_chain(v, table->chain_id), word);

	fault.chain_id = table->chain_id;
	fault.leaf = 0;
	fault.relation = table->relid;
	sc_faults_add(v->faults, &fault);
}

/* is the table one of another node's chain? */
static bool
is_copy(ScVerify *v, const ScVerifyTable *table)
{
	const ScVerifyChain *chain = sc_verify_chain(v, table->chain_id);

	return chain != NULL && chain->copy;
}

/* one ledger table */
static void
verify_table(ScVerify *v, ScVerifyTable *table)
{
	RowPass    *pass = palloc0(sizeof(RowPass));
	char	   *message = NULL;

	if (table->rel == NULL)
	{
		if (table->dropped_seq == 0)
			table_fault(v, table, SC_FAULT_TABLE_MISSING);
		return;
	}
	if (table->rel->rd_rel->relkind != RELKIND_RELATION)
	{
		/* the registry was made to name a view, an index or the like: nothing to scan */
		table->unjudged = true;
		table_fault(v, table, SC_FAULT_REGISTRY_ALTERED);
		return;
	}
	/* a copy keeps the rows of a table that its origin dropped */
	if (table->dropped_seq != 0 && !is_copy(v, table))
		table_fault(v, table, SC_FAULT_REGISTRY_ALTERED);
	if (table->rel->rd_rel->relam != sc_ledger_am_oid())
		table_fault(v, table, SC_FAULT_TABLE_REPLACED);
	pass->v = v;
	pass->chain = sc_verify_chain(v, table->chain_id);
	pass->table = table;
	pass->rel = table->rel;
	/* code that trusts the registry must not read what cannot be taken apart */
	if (pass->chain == NULL || v->registry_damaged || !sc_guard(prepare_format, pass, &message))
	{
		table->unjudged = true;
		table_fault(v, table, SC_FAULT_REGISTRY_ALTERED);
		if (message)
			ereport(WARNING,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("the rows of \"%s\" cannot be compared", RelationGetRelationName(table->rel)),
					 errdetail_internal("%s", message)));
		return;
	}
	scan_table(pass);
}

void
sc_verify_rows(ScVerify *v)
{
	ListCell   *cell;
	HASHCTL		control;

	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(ScUnreadableKey);
	control.entrysize = sizeof(ScUnreadableKey);
	control.hcxt = v->context;
	v->unreadable = hash_create("seoulchain unreadable tuples", 64, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(cell, v->tables)
	{
		ScVerifyTable *table = lfirst(cell);
		ScVerifyChain *chain = sc_verify_chain(v, table->chain_id);

		if (OidIsValid(v->only_relation) ? table->relid == v->only_relation :
			chain == NULL || sc_verify_wants(v, chain))
			verify_table(v, table);
	}
}
