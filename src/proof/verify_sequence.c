/*
 * verify_sequence.c
 *	  A chain's sequence must be beyond every number that was used.
 *
 * Set back, it would hand out numbers a second time, and rows would be
 * refused a place in a block for being duplicates.
 *
 * Invariant: the sequence is read after the snapshot was taken, and only ever
 * grows, so work that goes on raises no false alarm.
 */
#include "postgres.h"

#include "proof/verify.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "commands/sequence.h"
#include "ledger/sequence.h"
#include "proof/guard.h"
#include "utils/rel.h"

typedef struct SequenceRequest
{
	Oid			relid;
	int64		next;			/* the next value; 0: there is no such sequence */
} SequenceRequest;

/* reads the sequence's only tuple */
static void
read_sequence(void *arg)
{
	SequenceRequest *request = arg;
	Relation	rel = try_relation_open(request->relid, AccessShareLock);
	ScPageCopy	copy;
	HeapTupleHeader tuple;
	uint32		len;

	if (rel == NULL)
		return;
	if (rel->rd_rel->relkind == RELKIND_SEQUENCE)
	{
		sc_page_init(&copy, rel, false);
		sc_page_read(&copy, 0);
		tuple = sc_page_items(&copy) > 0 ? sc_page_tuple(&copy, FirstOffsetNumber, &len) : NULL;
		if (tuple && len > tuple->t_hoff + offsetof(FormData_pg_sequence_data, is_called))
		{
			Form_pg_sequence_data data = (Form_pg_sequence_data) ((char *) tuple + tuple->t_hoff);

			request->next = data->last_value + (data->is_called ? SC_SEQUENCE_STRIDE : 0);
		}
		sc_page_free(&copy);
	}
	relation_close(rel, AccessShareLock);
}

/* the greatest number that is in a block or waits for one */
static int64
greatest_number(const ScVerify *v, const ScVerifyChain *chain)
{
	int64		greatest = 0;

	for (int64 i = 0; i < chain->nranges; i++)
		greatest = Max(greatest, chain->ranges[i].lower + chain->ranges[i].count - 1);
	for (int64 i = 0; i < v->npending; i++)
	{
		if (v->pending[i].chain_id == chain->chain_id)
			greatest = Max(greatest, v->pending[i].first_seq + v->pending[i].count - 1);
	}
	return greatest;
}

void
sc_verify_sequences(ScVerify *v)
{
	ListCell   *cell;

	foreach(cell, v->chains)
	{
		ScVerifyChain *chain = lfirst(cell);
		SequenceRequest request = {chain->sequence, 0};
		int64		greatest = greatest_number(v, chain);

		/* a copy numbers nothing */
		if (!sc_verify_wants(v, chain) || chain->copy)
			continue;
		if (!sc_guard(read_sequence, &request, NULL) || request.next <= greatest)
		{
			ScFault		fault = sc_verify_fault(chain, SC_FAULT_SEQUENCE_ALTERED);

			fault.relation = chain->sequence;
			fault.ledger_seq = greatest;
			sc_faults_add(v->faults, &fault);
		}
	}
}
