/*
 * sequence_batch.c
 *	  Contiguous ledger_seq numbers for the rows of one statement.
 *
 * A statement that inserts row by row takes 1 number, then 2, 4 .. 1,024 at a
 * time, so that the ranges of numbers in a block stay few.  Numbers that are
 * left over go back when the statement ends, if nobody took one since.
 * Invariant: a batch serves one sequence and one command: an event recorded
 * by a later command gets a greater number than any row before it.
 */
#include "postgres.h"

#include "ledger/sequence.h"
#include "ledger/sequence_batch.h"

#define BATCH_MAX 1024

static struct
{
	Oid			sequence;
	CommandId	cid;
	int			size;			/* numbers asked for last */
	int64		next;			/* next .. limit - 1 are left */
	int64		limit;
}			batch;

void
sc_batch_forget(void)
{
	if (batch.next < batch.limit)
		sc_sequence_give_back(batch.sequence, batch.next, batch.limit);
	memset(&batch, 0, sizeof(batch));
}

int64
sc_batch_next(int32 chain_id, Oid sequence, CommandId cid)
{
	if (batch.sequence != sequence || batch.cid != cid)
	{
		sc_batch_forget();
		batch.sequence = sequence;
		batch.cid = cid;
	}
	if (batch.next >= batch.limit)
	{
		int			want = Min(Max(batch.size * 2, 1), BATCH_MAX);
		int			got = sc_sequence_take(chain_id, sequence, want, &batch.next);

		batch.limit = batch.next + got;
		batch.size = want;
	}
	return batch.next++;
}
