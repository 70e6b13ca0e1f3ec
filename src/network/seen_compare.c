/*
 * seen_compare.c
 *	  Comparing checkpoints that came from elsewhere with the chain that this node has.
 *
 * Invariant: a proof is filed only of two checkpoints that the log's key in
 * force at their sizes signed, and only after core has judged the file that
 * shows them.  What agrees with the chain, or is not signed, is forgotten.
 *
 * A checkpoint of a size between two blocks is compared too: this node has
 * the whole tree, so it can show which root the signed history has there.
 * Context: a transaction with an active snapshot, the sealing worker's.
 * Source: RFC 6962 2.1.2; DESIGN's trust rules.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "contract/memory.h"
#include "core/tree.h"
#include "network/alarm.h"
#include "network/dispute.h"
#include "network/dispute_text.h"
#include "network/seen.h"
#include "seal/internal_scan.h"
#include "seal/key_history.h"
#include "seal/tree_store.h"
#include "sign/key.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* the log's key that signs trees of that size, as the chain says here */
static bool
log_key_at(ScVerifierKey *out, const ScChain *chain, int64 size)
{
	const char *key = NULL;
	ListCell   *cell;

	foreach(cell, sc_key_epochs(chain, SC_ROLE_LOG, GetActiveSnapshot()))
	{
		const ScKeyEpoch *epoch = lfirst(cell);

		if (epoch->leaf < size)
			key = epoch->key;
	}
	return key != NULL && sc_note_parse_key(out, key, strlen(key)) == SC_OK;
}

/* did the log sign it? */
static bool
signed_by_log(const ScChain *chain, const ScNote *note, const ScCheckpoint *checkpoint)
{
	ScVerifierKey *key = palloc(sizeof(ScVerifierKey));
	bool		ok = strcmp(chain->origin, checkpoint->origin) == 0 &&
		log_key_at(key, chain, (int64) checkpoint->size) &&
		sc_key_verify_note(note, key, 1, NULL, NULL) == SC_OK;

	pfree(key);
	return ok;
}

bool
sc_seen_is_signed(const ScChain *chain, const char *note)
{
	ScNote	   *parsed = palloc(sizeof(ScNote));
	ScCheckpoint checkpoint;
	bool		ok = chain->log_key != NULL && sc_note_parse(parsed, note, strlen(note), false) == SC_OK &&
		sc_checkpoint_parse(&checkpoint, parsed->text, parsed->textlen) == SC_OK &&
		signed_by_log(chain, parsed, &checkpoint);

	pfree(parsed);
	return ok;
}

void
sc_seen_contradiction(const ScChain *chain, const ScContradiction *found, const char *file)
{
	const ScCheckpoint *a = &found->checkpoint[0];
	const ScCheckpoint *b = &found->checkpoint[1];
	bool		same_size = a->size == b->size;
	ScFinding	finding = {
		.origin = chain->origin,
		.height = -1,
		.fault = same_size ? SC_FAULT_TWO_ROOTS : SC_FAULT_REWRITTEN,
		.proof = true,
		.evidence = file
	};
	bool		pushed = !ActiveSnapshotSet();

	if (pushed)
		PushActiveSnapshot(GetLatestSnapshot());
	if (signed_by_log(chain, &found->note[0], a) && signed_by_log(chain, &found->note[1], b))
	{
		finding.detail = same_size ?
			psprintf("The log's key signed two different roots for a tree of " UINT64_FORMAT " leaves.", (uint64) a->size) :
			psprintf("The log's key signed a root for " UINT64_FORMAT " leaves that the history of " UINT64_FORMAT
					 " leaves, which it signed too, does not have.", (uint64) a->size, (uint64) b->size);
		sc_dispute_file(&finding);
	}
	if (pushed)
		PopActiveSnapshot();
}

/* a complaint that a block which the chain has was announced again as another */
static void
complain_announced(const ScChain *chain, const ScBlock *block, const ScCheckpoint *checkpoint, const char *note)
{
	ScFinding	finding = {
		.origin = chain->origin,
		.height = block->height,
		.fault = SC_FAULT_REWRITTEN,
		.evidence = note,
		.detail = psprintf("Block " INT64_FORMAT ", which ended a tree of " INT64_FORMAT " leaves, was announced once more as ending one of "
						   UINT64_FORMAT " leaves.", block->height, block->tree_size, (uint64) checkpoint->size)
	};

	sc_dispute_file(&finding);
}

void
sc_seen_announced(const ScChain *chain, int64 height, const char *note)
{
	ScNote	   *parsed = palloc(sizeof(ScNote));
	ScCheckpoint checkpoint;
	ScBlock		block;

	if (chain == NULL || chain->log_key == NULL || sc_note_parse(parsed, note, strlen(note), false) != SC_OK ||
		sc_checkpoint_parse(&checkpoint, parsed->text, parsed->textlen) != SC_OK)
		return;
	PushActiveSnapshot(GetLatestSnapshot());
	if (sc_block_by_height(chain->chain_id, height, GetActiveSnapshot(), &block) &&
		(uint64) block.tree_size != checkpoint.size && signed_by_log(chain, parsed, &checkpoint))
		complain_announced(chain, &block, &checkpoint, note);
	PopActiveSnapshot();
}

/* SUBPROOF(from, D[to], false) out of the stored tree; how many hashes */
static int
subproof(ScHash *path, int32 chain_id, int64 from, int64 to)
{
	ScProofPlan *plan = palloc(sizeof(ScProofPlan));
	ScHash		nodes[SC_PLAN_MAX];
	int			first = 0;

	if (sc_tree_plan_consistency(plan, from, to) != SC_OK)
		elog(ERROR, "sizes %lld and %lld have no consistency proof", (long long) from, (long long) to);
	/* of a power of two PROOF leaves the first hash out: it is the root itself */
	if ((from & (from - 1)) == 0)
		sc_tree_root(chain_id, from, GetActiveSnapshot(), &path[first++]);
	if (plan->nids > 0)
		sc_tree_nodes(chain_id, plan->ids, plan->nids, GetActiveSnapshot(), nodes);
	sc_tree_plan_path(path + first, plan, nodes);
	first += plan->npath;
	pfree(plan);
	return first;
}

/* the signed note of the first block that reaches a size; NULL when it is not signed */
static char *
signed_note_from(const ScChain *chain, int64 size, int64 *note_size)
{
	ScBlock		block;
	int64		height;
	char	   *lines;

	if (!sc_block_by_leaf(chain->chain_id, size - 1, GetActiveSnapshot(), &block) ||
		!sc_signature_find(chain->chain_id, block.height, GetActiveSnapshot(), &height, note_size, &lines))
		return NULL;
	return sc_checkpoint_note(chain->origin, block.tree_size, &block.root_hash, lines);
}

/* the dispute file about a note that the chain here contradicts; NULL without a signed block */
static char *
contradicting_file(const ScChain *chain, const char *note, int64 size)
{
	ScHash		path[SC_PROOF_MAX + 1];
	int64		our_size;
	char	   *ours = signed_note_from(chain, size, &our_size);

	if (ours == NULL)
		return NULL;
	if (our_size == size)
		return sc_dispute_two_roots(ours, note);
	return sc_dispute_rewritten(note, ours, path, subproof(path, chain->chain_id, size, our_size));
}

/* compares one kept note; false when it has to wait for a signature of our own */
static bool
compare(const ScChain *chain, const char *note, const char *source)
{
	ScNote	   *parsed = palloc(sizeof(ScNote));
	ScDisputeFile *dispute = palloc(sizeof(ScDisputeFile));
	ScContradiction *found = palloc(sizeof(ScContradiction));
	ScCheckpoint checkpoint;
	ScHash		root;
	char	   *file;

	if (sc_note_parse(parsed, note, strlen(note), false) != SC_OK ||
		sc_checkpoint_parse(&checkpoint, parsed->text, parsed->textlen) != SC_OK)
		return true;
	sc_tree_root(chain->chain_id, (int64) checkpoint.size, GetActiveSnapshot(), &root);
	if (memcmp(&root, &checkpoint.root, sizeof(ScHash)) == 0)
		return true;
	if (!signed_by_log(chain, parsed, &checkpoint))
	{
		sc_alarm_raise(SC_ALARM_FORGED_NOTE, source,
					   psprintf("It showed a checkpoint of chain \"%s\" that the chain's key has not signed.", chain->origin),
					   "Ask its operator: it may be damaged, or lie.");
		return true;
	}
	file = contradicting_file(chain, note, (int64) checkpoint.size);
	if (file == NULL)
		return false;
	if (sc_disputefile_parse(dispute, file, strlen(file)) != SC_OK ||
		sc_disputefile_contradiction(found, dispute) != SC_OK)
		elog(ERROR, "a dispute file about chain \"%s\" does not hold", chain->origin);
	sc_seen_contradiction(chain, found, file);
	return true;
}

/* keys of what can be compared with a tree of that size */
static void
scan_up_to(ScInternalScan *scan, const ScChain *chain, int64 tree_size, Snapshot snapshot)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], SC_SEEN_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(chain->origin));
	sc_key_int8(&keys[1], SC_SEEN_ATTR_TREE_SIZE, BTLessEqualStrategyNumber, tree_size);
	sc_internal_scan_begin(scan, "seen", "seen_origin", snapshot, keys, 2);
}

bool
sc_seen_waiting(const ScChain *chain, int64 tree_size)
{
	ScInternalScan scan;
	bool		found;

	scan_up_to(&scan, chain, tree_size, GetActiveSnapshot());
	found = sc_internal_scan_next(&scan, ForwardScanDirection) != NULL;
	sc_internal_scan_end(&scan);
	return found;
}

void
sc_seen_compare(const ScChain *chain)
{
	ScBlock		last;
	ScInternalScan scan;
	HeapTuple	tuple;
	Relation	rel;

	/* what this transaction has kept is compared too */
	UpdateActiveSnapshotCommandId();
	if (chain->log_key == NULL || !sc_block_last(chain->chain_id, GetActiveSnapshot(), &last) ||
		!sc_seen_waiting(chain, last.tree_size))
		return;
	rel = sc_internal_open("seen", RowExclusiveLock);
	scan_up_to(&scan, chain, last.tree_size, GetActiveSnapshot());
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		char	   *note = TextDatumGetCString(sc_internal_attr(tuple, SC_SEEN_ATTR_NOTE, rel));
		char	   *source = TextDatumGetCString(sc_internal_attr(tuple, SC_SEEN_ATTR_SOURCE, rel));

		if (compare(chain, note, source))
			simple_heap_delete(rel, &tuple->t_self);
	}
	sc_internal_scan_end(&scan);
	table_close(rel, NoLock);
}
