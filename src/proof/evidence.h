/*
 * evidence.h
 *	  Files of evidence about a signed row, all of one checkpoint (docs/verify-program.md).
 */
#ifndef SC_PROOF_EVIDENCE_H
#define SC_PROOF_EVIDENCE_H

#include "postgres.h"

#include "core/hash.h"
#include "ledger/registry.h"
#include "nodes/execnodes.h"
#include "utils/snapshot.h"

/* where the files go, and the checkpoint under which everything is proven */
typedef struct ScEvidenceFiles
{
	ReturnSetInfo *result;
	const ScChain *chain;
	Snapshot	snapshot;
	int64		tree_size;
	int64		height;
	char	   *note;
	ScHash		root;
} ScEvidenceFiles;

/* the newest signed checkpoint; an error unless it holds the leaf of that row */
extern void sc_evidence_begin(ScEvidenceFiles *files, ReturnSetInfo *result, const ScChain *chain, Snapshot snapshot,
							  int64 leaf, int64 ledger_seq);

extern void sc_evidence_file(ScEvidenceFiles *files, const char *name, const void *data, size_t len);

/* the receipt of a row: whoever may SELECT it; of an event: everybody */
extern void sc_evidence_row(ScEvidenceFiles *files, const char *name, Oid relid, int64 ledger_seq);
extern void sc_evidence_event(ScEvidenceFiles *files, const char *name, int64 ledger_seq);

/* the number of the first event of a type behind a number, 0 when there is none */
extern int64 sc_evidence_find_event(ScEvidenceFiles *files, const char *type, int64 behind);

/* a value of which leaves hold the digest only; nothing for a shorter one */
extern void sc_evidence_long_text(ScEvidenceFiles *files, const char *name, const char *text, size_t len);
extern void sc_evidence_long_bytea(ScEvidenceFiles *files, const char *name, const void *data, size_t len);

/* cosigned checkpoints and timestamps that say when the leaf was there, each connected with the checkpoint of the receipts */
extern void sc_evidence_times(ScEvidenceFiles *files, int64 leaf);

#endif							/* SC_PROOF_EVIDENCE_H */
