/*
 * claims.c
 *	  Checkpoints of which enough witnesses have given lines, by the names on them.
 *
 * While a witness is away, blocks go on that cannot be final, a day's worth of
 * them or more.  They are passed over here, by an index scan that reads names
 * only, a hundred times faster than judging them one by one.
 *
 * Invariant: no checkpoint that is final is passed over: lines stand in rows
 * under the name of their key, but for those of the chain's own node, which
 * stand with its blocks and are taken to be there.
 * Context: a registered or active snapshot.  Effects: none.
 */
#include "postgres.h"

#include "network/claims.h"

#include "miscadmin.h"
#include "network/cosign.h"
#include "network/policy.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/* marks the keys of that name */
static void
add_claims(bool *claimed, const ScPolicy *policy, const char *name)
{
	for (int i = 0; i < policy->nkeys; i++)
		claimed[i] = claimed[i] || strcmp(policy->keys[i].name, name) == 0;
}

/* the name of the witness of a row */
static char *
witness_of(const ScInternalScan *scan, HeapTuple tuple)
{
	return TextDatumGetCString(sc_internal_attr(tuple, SC_COSIGNATURE_ATTR_WITNESS, scan->rel));
}

int64
sc_claims_next(const ScChain *chain, const ScPolicy *policy, int64 bound, int64 last, ScanDirection direction, Snapshot snapshot)
{
	bool		forward = ScanDirectionIsForward(direction);
	bool		own[SC_POLICY_KEYS_MAX];
	bool		claimed[SC_POLICY_KEYS_MAX];
	int64		size = -1;
	bool		enough = false;
	ScInternalScan scan;
	ScanKeyData keys[3];
	HeapTuple	tuple;

	sc_policy_named_own(own, policy, chain->origin);
	ScanKeyInit(&keys[0], SC_COSIGNATURE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(chain->origin));
	sc_key_int8(&keys[1], SC_COSIGNATURE_ATTR_TREE_SIZE, forward ? BTGreaterStrategyNumber : BTLessStrategyNumber, bound);
	sc_key_int8(&keys[2], SC_COSIGNATURE_ATTR_TREE_SIZE, forward ? BTLessEqualStrategyNumber : BTGreaterEqualStrategyNumber, last);
	sc_internal_scan_begin(&scan, "cosignature", "cosignature_size", snapshot, keys, 3);
	while (!enough && (tuple = sc_internal_scan_next(&scan, direction)) != NULL)
	{
		int64		row_size = DatumGetInt64(sc_internal_attr(tuple, SC_COSIGNATURE_ATTR_TREE_SIZE, scan.rel));
		char	   *name = witness_of(&scan, tuple);

		CHECK_FOR_INTERRUPTS();
		if (row_size != size)
			memcpy(claimed, own, sizeof(claimed));
		size = row_size;
		add_claims(claimed, policy, name);
		enough = sc_policy_quorum_met(policy, claimed);
		pfree(name);
	}
	sc_internal_scan_end(&scan);
	return enough ? size : -1;
}
