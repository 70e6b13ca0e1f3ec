/*
 * test_case.c
 *	  Test cases of a definition: the same rows give the same answers on every node, to the byte.
 *
 * Effects: none; state is in memory and gone at the end.
 * Context: palloc in a context of its own.
 */
#include "postgres.h"

#include "contract/test_case.h"

#include "contract/json_tree.h"
#include "contract/judge.h"
#include "contract/memory.h"
#include "core/hash.h"
#include "core/instant.h"
#include "ledger/ledger_time.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* a test case's row in words */
typedef struct Place
{
	const ScDefinition *definition;
	const ScDefTest *test;
	int			row;			/* from 1 */
} Place;

static const ScBoundTable *
find_table(const ScBound *bound, const char *ledger_name)
{
	ListCell   *cell;

	foreach(cell, bound->tables)
	{
		const ScBoundTable *table = lfirst(cell);

		if (strcmp(table->ledger->ledger_name, ledger_name) == 0)
			return table;
	}
	return NULL;
}

/* the text as rules get it: of a long value its digest, as in leaves */
static const char *
leaf_text(const ScJson *value)
{
	ScBuf	   *buf;
	ScHash		hash;

	if (value->len <= SC_LEAF_LONG_VALUE)
		return value->string;
	buf = sc_context_buf();
	sc_hash_bytes(&hash, value->string, value->len);
	sc_buf_literal(buf, "sha256:");
	sc_buf_hex(buf, hash.bytes, sizeof(hash.bytes));
	return sc_buf_copy(buf);
}

/* the row's texts by place in the table's columns */
static const char **
row_texts(const Place *place, const ScBoundTable *table, const ScJson *columns)
{
	const char **texts = palloc0(Max(list_length(table->columns), 1) * sizeof(char *));

	for (const ScJson *column = columns->first; column; column = column->next)
	{
		int			i = sc_bind_column(table, column->key);

		if (i < 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("contract \"%s\", test \"%s\": table \"%s\" has no column \"%s\"",
							place->definition->contract, place->test->name, table->ledger->ledger_name, column->key),
					 errdetail("Row %d.", place->row)));
		texts[i] = leaf_text(column);
	}
	return texts;
}

/* the canonical text of an answer, as the definition has it */
static char *
expected_answer(const ScJson *answer)
{
	ScBuf	   *text = sc_context_buf();

	sc_tree_write(text, answer);
	return sc_buf_copy(text);
}

static void
run_row(ScJudge *judge, const ScBound *bound, const Place *place, const ScDefTestRow *row)
{
	const ScBoundTable *table = find_table(bound, row->table);
	ScBuf	   *found = sc_context_buf();
	char	   *expected = expected_answer(row->answer);
	ScJudgeRow	judged = {.table = table, .ledger_seq = place->row};
	ScVerdict	verdict;
	int64_t		instant;

	/* the definition was read: it is a time, and the table is there */
	if (!sc_instant_read(&instant, row->time) || table == NULL)
		elog(ERROR, "a test case that was not checked");
	judged.time = instant - SC_UNIX_MICROS;
	judged.texts = row_texts(place, table, row->columns);
	verdict = sc_judge_row(judge, &judged);
	sc_judge_answer(found, &verdict);
	if (strcmp(sc_buf_copy(found), expected) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("contract \"%s\": test \"%s\" gets another answer on this node",
						place->definition->contract, place->test->name),
				 errdetail("Row %d: expected %s, got %s.", place->row, expected, sc_buf_copy(found)),
				 errhint("Answers are compared byte for byte.")));
}

void
sc_test_cases_run(const ScBound *bound)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain test cases", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ScJudge    *judge = sc_judge_new();
	ListCell   *cell;
	ListCell   *row_cell;

	sc_judge_add(judge, bound, DT_NOBEGIN, DT_NOEND);
	foreach(cell, bound->definition->tests)
	{
		Place		place = {bound->definition, lfirst(cell), 0};

		sc_judge_reset(judge);
		foreach(row_cell, place.test->rows)
		{
			CHECK_FOR_INTERRUPTS();
			place.row++;
			run_row(judge, bound, &place, lfirst(row_cell));
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
