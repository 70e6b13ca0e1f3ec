/*
 * ask.c
 *	  What this node asks its peers when it compares, repairs or recovers.
 *
 * Invariant: every value is taken apart by a function that refuses what is
 * malformed; queries name our own functions and literals only.
 * Context: a transaction with an active snapshot, outside of locks that a
 * peer could make us hold for ever: each answer has its time (channel.h).
 */
#include "postgres.h"

#include <limits.h>

#include "network/ask.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "proof/values.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"

int			sc_ask_timeout = 10000;

/* the error for an answer that is no answer */
static void
malformed(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_EXCEPTION),
			 errmsg("a peer's answer is malformed: %s", what)));
}

int64
sc_ask_int8(const char *text)
{
	if (text == NULL)
		malformed("a number is missing");
	return DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(text)));
}

char *
sc_ask_bytes(const char *text, Size *len)
{
	bytea	   *bytes;

	if (text == NULL)
		malformed("bytes are missing");
	bytes = DatumGetByteaPP(DirectFunctionCall1(byteain, CStringGetDatum(text)));
	*len = VARSIZE_ANY_EXHDR(bytes);
	return VARDATA_ANY(bytes);
}

void
sc_ask_hash(ScHash *out, const char *text)
{
	Size		len;
	char	   *bytes = sc_ask_bytes(text, &len);

	if (len != SC_HASH_LEN)
		malformed("a hash has another length");
	memcpy(out->bytes, bytes, SC_HASH_LEN);
}

/* an array value out of its text */
static Datum
array_of(const char *text, Oid element)
{
	if (text == NULL)
		malformed("a list is missing");
	return OidInputFunctionCall(F_ARRAY_IN, pstrdup(text), element, -1);
}

char **
sc_ask_texts(const char *array, int *count)
{
	Datum	   *values;
	bool	   *nulls;
	char	  **texts;

	deconstruct_array(DatumGetArrayTypeP(array_of(array, TEXTOID)), TEXTOID, -1, false, TYPALIGN_INT,
					  &values, &nulls, count);
	texts = palloc(sizeof(char *) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
		texts[i] = nulls[i] ? NULL : TextDatumGetCString(values[i]);
	return texts;
}

bool
sc_ask_chain(ScAskChain *out, ScChannel *channel, const char *origin)
{
	const char *const *row;
	bool		found;

	sc_channel_query(channel, psprintf("SELECT own, height, tree_size, root_hash FROM seoulchain.served_chains() "
									   "WHERE origin OPERATOR(pg_catalog.=) %s AND height IS NOT NULL",
									   sc_channel_literal(origin)), 4);
	row = sc_channel_next(channel);
	found = row != NULL;
	if (found)
	{
		out->own = row[0] != NULL && row[0][0] == 't';
		out->height = sc_ask_int8(row[1]);
		out->size = sc_ask_int8(row[2]);
		sc_ask_hash(&out->root, row[3]);
	}
	while (row != NULL)
		row = sc_channel_next(channel);
	return found;
}

/* the literal of a list of numbers */
static char *
seq_list(const int64 *seqs, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, "'{");
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s" INT64_FORMAT, i > 0 ? "," : "", seqs[i]);
	appendStringInfoString(&text, "}'::pg_catalog.int8[]");
	return text.data;
}

/* takes an answer about one row apart */
static void
read_row(ScRowValues *out, const char *const *row)
{
	int			ntexts;

	out->ledger_seq = sc_ask_int8(row[0]);
	if (row[1] == NULL)
		malformed("a table's name is missing");
	out->table = pstrdup(row[1]);
	out->names = sc_ask_texts(row[2], &out->count);
	out->texts = sc_ask_texts(row[3], &ntexts);
	if (ntexts != out->count)
		malformed("a row has other columns than values");
	for (int i = 0; i < out->count; i++)
		if (out->names[i] == NULL)
			malformed("a column's name is missing");
	out->timed = row[4] != NULL;
	out->time = out->timed ? sc_ask_int8(row[4]) : 0;
}

/* hands over the rows that a function of the peer gives */
static void
ask_rows(ScChannel *channel, const char *function, void (*row) (void *arg, const ScRowValues *values), void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain asked row", ALLOCSET_DEFAULT_SIZES);
	const char *const *answer;

	sc_channel_query(channel, psprintf("SELECT ledger_seq, relation, names, texts, accepted FROM %s", function), 5);
	while ((answer = sc_channel_next(channel)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		ScRowValues values;

		read_row(&values, answer);
		row(arg, &values);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

void
sc_ask_rows(ScChannel *channel, const char *origin, const int64 *seqs, int count,
			void (*row) (void *arg, const ScRowValues *values), void *arg)
{
	Assert(count <= SC_ASK_ROWS);
	ask_rows(channel, psprintf("seoulchain.served_rows(%s, %s)", sc_channel_literal(origin), seq_list(seqs, count)), row, arg);
}

void
sc_ask_rows_between(ScChannel *channel, const char *origin, int64 height, const ScSeqRange *range,
					void (*row) (void *arg, const ScRowValues *values), void *arg)
{
	ask_rows(channel, psprintf("seoulchain.served_between(%s, " INT64_FORMAT ", " INT64_FORMAT ", " INT64_FORMAT ")",
							   sc_channel_literal(origin), height, range->lower, range->upper), row, arg);
}

ScSeqRange *
sc_ask_above(ScChannel *channel, const char *origin, int64 height, int *count)
{
	const char *const *answer;
	int			capacity = 64;
	ScSeqRange *ranges = palloc(capacity * sizeof(ScSeqRange));

	*count = 0;
	/* next to each other, or one: joined */
	sc_channel_query(channel, psprintf("SELECT pg_catalog.lower(r), pg_catalog.upper(r) FROM (SELECT pg_catalog.unnest(pg_catalog.range_agg("
									   "pg_catalog.int8range(lower, upper))) AS r FROM seoulchain.served_above(%s, " INT64_FORMAT ")) x ORDER BY 1",
									   sc_channel_literal(origin), height), 2);
	while ((answer = sc_channel_next(channel)) != NULL)
	{
		ScSeqRange	range = {sc_ask_int8(answer[0]), sc_ask_int8(answer[1])};

		if (range.lower <= 0 || range.upper <= range.lower || (*count > 0 && range.lower < ranges[*count - 1].upper))
			malformed("ranges of numbers are out of order");
		if (*count == capacity)
			ranges = repalloc_huge(ranges, (Size) (capacity *= 2) * sizeof(ScSeqRange));
		ranges[(*count)++] = range;
	}
	return ranges;
}

bool
sc_ask_path(int64 *leaf, ScHash path[SC_PROOF_MAX], int *npath, ScChannel *channel,
			const char *origin, int64 seq, int64 size)
{
	const char *const *row;
	bool		found;

	sc_channel_query(channel, psprintf("SELECT leaf_index, path FROM seoulchain.served_path(%s, " INT64_FORMAT ", " INT64_FORMAT ")",
									   sc_channel_literal(origin), seq, size), 2);
	row = sc_channel_next(channel);
	found = row != NULL && row[0] != NULL;
	if (found)
	{
		*leaf = sc_ask_int8(row[0]);
		if (!sc_value_to_path(path, npath, array_of(row[1], BYTEAOID)))
			malformed("a proof is no list of hashes");
	}
	while (row != NULL)
		row = sc_channel_next(channel);
	return found;
}

void
sc_ask_init(void)
{
	DefineCustomIntVariable("seoulchain.network_ask_timeout",
							"How long compare(), repair() and recovery wait for a peer's connection or next answer.",
							NULL, &sc_ask_timeout, 10000, 100, INT_MAX, PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);
}
