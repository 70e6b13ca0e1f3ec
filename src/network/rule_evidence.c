/*
 * rule_evidence.c
 *	  The dispute file that proves that a row breaks its contract.
 *
 * A file of kind `rule` (docs/format.md) has the events that proposed and
 * activated the contract's version, and rows of the table, the accused one
 * last.  It is looked for among rows with the same key: none, one, or all
 * that fit into a file.
 *
 * Invariant: a file is given only when core/dispute_rule.c, which
 * seoulchain-verify uses, has judged these leaves, all under one checkpoint.
 * Context: a session; rows are read with the caller's rights.
 * What it does not do: rules that no few rows can be shown to break (sums,
 * states, rules of libraries); those stay complaints.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "contract/memory.h"
#include "contract/store.h"
#include "core/dispute_rule.h"
#include "core/disputefile.h"
#include "core/json.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "proof/leaf.h"
#include "proof/locate.h"
#include "proof/receipt.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_rule_evidence);

/* rows beside the accused one: a file holds no more, its two events included */
#define SC_ROWS_MAX (SC_DISPUTEFILE_PARTS_MAX - 3)

/* a row or event that may stand in the file */
typedef struct Part
{
	int64		seq;
	bool		parsed;
	ScProvenLeaf leaf;
} Part;

typedef struct Search
{
	Oid			relid;
	const ScChain *chain;
	Snapshot	snapshot;
	int64		size;			/* of the checkpoint that all receipts have */
	Part		accused;
	Part		events[2];		/* proposed, activated */
	Part	   *rows;			/* in the order of the tree */
	int			nrows;
	MemoryContextCallback callback;
} Search;

static void
free_part(Part *part)
{
	if (part->parsed)
		sc_leaf_free(&part->leaf.leaf);
	part->parsed = false;
}

/* core's memory goes with the context */
static void
free_search(void *arg)
{
	Search	   *search = arg;

	free_part(&search->accused);
	free_part(&search->events[0]);
	free_part(&search->events[1]);
	for (int i = 0; i < search->nrows; i++)
		free_part(&search->rows[i]);
}

/* false when the text is no leaf */
static bool
parse_part(Part *part, int64 seq, int64 index, const char *text, size_t len)
{
	free_part(part);
	part->seq = seq;
	part->leaf.index = (uint64) index;
	part->parsed = index >= 0 && text != NULL && sc_leaf_parse(&part->leaf.leaf, text, len) == SC_OK;
	return part->parsed;
}

/* a sealed row; false when it is none, or stands behind the checkpoint */
static bool
read_row(Part *part, const Search *search, int64 seq)
{
	ScRowPlace	place;
	size_t		len;
	char	   *leaf;
	bool		ok;

	if (!sc_row_locate_sealed(&place, search->relid, seq, search->snapshot))
		return false;
	leaf = sc_row_leaf_text(&place, &len);
	ok = place.leaf_index < search->size && parse_part(part, seq, place.leaf_index, leaf, len);
	sc_row_done(&place);
	return ok;
}

static bool
read_event(Part *part, const Search *search, int64 seq)
{
	char	   *leaf = sc_event_leaf(search->chain->chain_id, seq);

	return parse_part(part, seq, sc_member_leaf_index(search->chain->chain_id, seq, search->snapshot), leaf, leaf ? strlen(leaf) : 0);
}

/* adds "they agree in this column"; a column that is not there any more says nothing */
static void
append_column(StringInfo sql, Oid relid, const ScJson *name)
{
	const char *column;

	if (name->kind != SC_JSON_STRING || get_attnum(relid, name->string) <= 0)
		return;
	column = quote_identifier(name->string);
	appendStringInfo(sql, " AND a.%s::pg_catalog.text IS NOT DISTINCT FROM b.%s::pg_catalog.text", column, column);
}

/* numbers of other rows with the accused one's key, the newest first; in the memory context given */
static int64 *
same_key(const Search *search, const ScJson *parameters, int *count, MemoryContext context)
{
	const ScJson *key = sc_json_member(parameters, "key");
	char	   *relation = quote_qualified_identifier(get_namespace_name(get_rel_namespace(search->relid)), get_rel_name(search->relid));
	StringInfoData sql;
	int64	   *seqs;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT a.ledger_seq FROM %s a, %s b WHERE b.ledger_seq = " INT64_FORMAT " AND a.ledger_seq <> b.ledger_seq",
					 relation, relation, search->accused.seq);
	for (const ScJson *name = key != NULL && key->kind == SC_JSON_ARRAY ? key->first : NULL; name != NULL; name = name->next)
		append_column(&sql, search->relid, name);
	appendStringInfo(&sql, " ORDER BY a.ledger_seq DESC LIMIT %d", SC_ROWS_MAX);
	if (SPI_connect() != SPI_OK_CONNECT || SPI_execute(sql.data, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "rows with the same key could not be read");
	*count = (int) SPI_processed;
	seqs = MemoryContextAlloc(context, sizeof(int64) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
	{
		bool		isnull;

		seqs[i] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_finish();
	return seqs;
}

static int
by_index(const void *a, const void *b)
{
	uint64		left = ((const Part *) a)->leaf.index;
	uint64		right = ((const Part *) b)->leaf.index;

	return left < right ? -1 : left > right;
}

/* reads those of the rows that stand before the accused one */
static void
read_rows(Search *search, const ScJson *parameters)
{
	int			count;
	int64	   *seqs = same_key(search, parameters, &count, CurrentMemoryContext);

	for (int i = 0; i < search->nrows; i++)
		free_part(&search->rows[i]);
	search->nrows = 0;
	search->rows = palloc0(sizeof(Part) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		Part	   *part = &search->rows[search->nrows];

		CHECK_FOR_INTERRUPTS();
		if (!read_row(part, search, seqs[i]))
			continue;
		if (part->leaf.index < search->accused.leaf.index)
			search->nrows++;
		else
			free_part(part);
	}
	qsort(search->rows, search->nrows, sizeof(Part), by_index);
}

/* do the rows from `first` on, `n` of them, convict the accused one? */
static bool
convicts(const Search *search, int first, int n)
{
	ScProvenLeaf *leaves = palloc(sizeof(ScProvenLeaf) * (n + 3));
	ScRuleRuling ruling;
	ScStatus	status;

	leaves[0] = search->events[0].leaf;
	leaves[1] = search->events[1].leaf;
	for (int i = 0; i < n; i++)
		leaves[2 + i] = search->rows[first + i].leaf;
	leaves[2 + n] = search->accused.leaf;
	status = sc_dispute_rule_judge(&ruling, leaves, n + 3);
	if (status == SC_OK)
		sc_rule_problem_free(&ruling.problem);
	pfree(leaves);
	if (status == SC_NO_MEMORY)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return status == SC_OK;
}

/* adds a receipt to the file */
static void
add_receipt(ScBuf *file, const text *receipt)
{
	if (receipt == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("an event of the contract is not in the tree"),
				 errhint("SELECT * FROM seoulchain.verify() tells what was changed.")));
	sc_disputefile_part(file, "receipt", VARDATA_ANY(receipt), VARSIZE_ANY_EXHDR(receipt));
}

static void
add_row(ScBuf *file, const Search *search, int64 seq)
{
	ScRowPlace	place;

	sc_row_locate(&place, search->relid, seq, search->snapshot);
	add_receipt(file, sc_receipt_text(&place, search->size, false, search->snapshot));
	sc_row_done(&place);
}

/* the file with the rows from `first` on, `n` of them */
static text *
make_file(const Search *search, int first, int n)
{
	ScBuf	   *file = sc_context_buf();

	sc_disputefile_begin(file, SC_DISPUTE_RULE);
	for (int i = 0; i < 2; i++)
		add_receipt(file, sc_event_receipt_at(search->chain, search->events[i].seq, search->size, search->snapshot));
	for (int i = 0; i < n; i++)
		add_row(file, search, search->rows[first + i].seq);
	add_row(file, search, search->accused.seq);
	return cstring_to_text(sc_buf_copy(file));
}

/* looks for rows that convict under one use of a rule; NULL when none do */
static text *
try_rule(Search *search, const ScContractRule *rule)
{
	const ScJson *parameters = sc_context_try_json(rule->parameters);

	if (parameters == NULL || parameters->kind != SC_JSON_OBJECT)
		return NULL;
	if (convicts(search, 0, 0))
		return make_file(search, 0, 0);
	read_rows(search, parameters);
	for (int i = search->nrows - 1; i >= 0; i--)
	{
		CHECK_FOR_INTERRUPTS();
		if (convicts(search, i, 1))
			return make_file(search, i, 1);
	}
	return search->nrows > 1 && convicts(search, 0, search->nrows) ? make_file(search, 0, search->nrows) : NULL;
}

/* the rules of one version on the table */
static text *
try_version(Search *search, const ScContractVersion *version, int32 table_id)
{
	text	   *file = NULL;
	ListCell   *lc;

	if (version->activated_seq == 0 || !read_event(&search->events[0], search, version->proposed_seq) ||
		!read_event(&search->events[1], search, version->activated_seq))
		return NULL;
	foreach(lc, sc_contract_rules(version->contract_id))
	{
		const ScContractRule *rule = lfirst(lc);

		if (file == NULL && rule->version == version->version && rule->table_id == table_id)
			file = try_rule(search, rule);
	}
	return file;
}

/* every version of every contract that was in force for the row */
static text *
try_contracts(Search *search, int32 table_id)
{
	text	   *file = NULL;
	ListCell   *lc;

	foreach(lc, sc_contract_list(search->chain->chain_id))
	{
		ListCell   *lv;

		foreach(lv, sc_contract_versions(((ScContract *) lfirst(lc))->contract_id))
		{
			const ScContractVersion *version = lfirst(lv);

			/* who is accused can show the end of a version that did not judge the row */
			if (file == NULL && version->ended_seq == 0)
				file = try_version(search, version, table_id);
		}
	}
	return file;
}

/*
 * seoulchain.rule_evidence(relation regclass, ledger_seq bigint) returns text
 *
 * A dispute file that proves that the row breaks a contract in force, for
 * seoulchain-verify; NULL when no few rows can show it.
 * Privileges: seoulchain_auditor and seoulchain_operator who may SELECT the
 * rows.  Errors: as receipt().
 */
Datum
sc_rule_evidence(PG_FUNCTION_ARGS)
{
	Search	   *search = palloc0(sizeof(Search));
	ScRowPlace	place;
	int64		height;
	int32		table_id;
	size_t		len;
	char	   *leaf;
	text	   *file;

	search->relid = PG_GETARG_OID(0);
	search->snapshot = GetActiveSnapshot();
	search->callback.func = free_search;
	search->callback.arg = search;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &search->callback);
	sc_row_locate(&place, search->relid, PG_GETARG_INT64(1), search->snapshot);
	/* errors while the row is not sealed and signed */
	(void) sc_receipt_text(&place, 0, false, search->snapshot);
	search->chain = place.chain;
	table_id = place.table->table_id;
	(void) sc_signature_find(place.chain->chain_id, -1, search->snapshot, &height, &search->size, NULL);
	leaf = sc_row_leaf_text(&place, &len);
	if (!parse_part(&search->accused, place.ledger_seq, place.leaf_index, leaf, len))
		elog(ERROR, "the leaf of a row cannot be read");
	sc_row_done(&place);
	file = try_contracts(search, table_id);
	free_search(search);
	if (file == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(file);
}
