/*
 * prooffile.h
 *	  C2SP tlog-proof@v1: our receipt.
 */
#ifndef SC_CORE_PROOFFILE_H
#define SC_CORE_PROOFFILE_H

#include "core/note.h"
#include "core/tree.h"

typedef struct ScProofFile
{
	uint8_t    *extra;			/* malloc'd; the leaf's bytes in our receipts */
	size_t		extralen;
	bool		has_extra;
	uint64_t	index;
	int			npath;
	ScHash		path[SC_PROOF_MAX];
	const char *checkpoint;		/* the note, verbatim, in the caller's text */
	size_t		checkpointlen;
} ScProofFile;

extern SC_WARN_UNUSED ScStatus sc_prooffile_parse(ScProofFile *out, const char *text, size_t len);
extern void sc_prooffile_free(ScProofFile *file);
extern void sc_prooffile_format(ScBuf *buf, const void *extra, size_t extralen, uint64_t index,
								const ScHash *path, int npath, const char *checkpoint, size_t checkpointlen);

#endif							/* SC_CORE_PROOFFILE_H */
