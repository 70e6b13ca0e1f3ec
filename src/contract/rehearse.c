/*
 * rehearse.c
 *	  Rows of the ledger in front of any version of a contract.
 *
 * Invariant: a row that is in the ledger takes effect, whether the rules that
 * are tried would have refused it or not: the answer about a row is what they
 * would have said on the day, with the ledger as it was.
 * Context: needs a registered or active snapshot; can be cancelled at every row.
 */
#include "postgres.h"

#include "contract/rehearse.h"

void
sc_rehearse(ScJudge *judge, int32 chain_id, TimestampTz from, TimestampTz until, bool waiting,
			Snapshot snapshot, ScRehearseCallback callback, void *arg)
{
	ScRows	   *rows = sc_rows_begin(chain_id, judge, waiting, snapshot);
	ScRowsRow	row;

	while (sc_rows_next(rows, &row))
	{
		ScJudgeRow	judged = {
			.table = row.table,
			.texts = row.texts,
			.time = row.time,
			.untimed = !row.timed,
			.ledger_seq = row.ledger_seq,
			.stands = true,
			.unjudged = row.time < from || row.time >= until
		};
		ScVerdict	verdict = sc_judge_row(judge, &judged);

		if (!judged.unjudged)
			callback(arg, &row, &verdict);
	}
	sc_rows_end(rows);
}
