/*
 * disputefile.h
 *	  The file that a dispute is shown with: a proof against a log, or a complaint about it.
 *
 *	seoulchain-dispute@v1
 *	kind <word>
 *	<name> <bytes>
 *	<that many bytes, the last one \n>
 *	...
 *
 * docs/format.md owns the format: kinds, and which parts each has, in which
 * order.  Parts are C2SP texts (checkpoints, proofs, receipts) or plain lines.
 */
#ifndef SC_CORE_DISPUTEFILE_H
#define SC_CORE_DISPUTEFILE_H

#include "core/buf.h"
#include "core/note.h"
#include "core/status.h"
#include "core/tree.h"

#define SC_DISPUTEFILE_START "seoulchain-dispute@v1\n"
#define SC_DISPUTEFILE_PARTS_MAX 512

typedef enum ScDisputeKind
{
	SC_DISPUTE_TWO_ROOTS,		/* "two-roots": two signed roots of one size */
	SC_DISPUTE_REWRITTEN,		/* "rewritten": a signed root that the signed history of a greater size does not have */
	SC_DISPUTE_RULE,			/* "rule": proven leaves that together break a built-in rule */
	SC_DISPUTE_COMPLAINT		/* "complaint": the word of whoever files it */
} ScDisputeKind;

typedef struct ScDisputePart
{
	const char *name;			/* in the caller's text */
	size_t		namelen;
	const char *data;			/* its last \n included */
	size_t		len;
} ScDisputePart;

typedef struct ScDisputeFile
{
	ScDisputeKind kind;
	int			nparts;
	ScDisputePart parts[SC_DISPUTEFILE_PARTS_MAX];
} ScDisputeFile;

/* SC_OK, SC_MALFORMED, SC_TOO_LARGE; points into the text */
extern SC_WARN_UNUSED ScStatus sc_disputefile_parse(ScDisputeFile *out, const char *text, size_t len);

/* writing one: the first lines, then part by part; data that does not end in \n gets one */
extern void sc_disputefile_begin(ScBuf *buf, ScDisputeKind kind);
extern void sc_disputefile_part(ScBuf *buf, const char *name, const char *data, size_t len);

/* the nth part of that name, or NULL */
extern const ScDisputePart *sc_disputefile_find(const ScDisputeFile *file, const char *name, int nth);
extern const char *sc_dispute_kind_word(ScDisputeKind kind);

/* of a two-roots or rewritten file: the notes that contradict each other, the smaller tree first */
typedef struct ScContradiction
{
	const ScDisputePart *notes[2];
	ScNote		note[2];
	ScCheckpoint checkpoint[2];
} ScContradiction;

/*
 * Whether the file shows two checkpoints of one chain that cannot both be
 * true: SC_OK, SC_MALFORMED (parts are missing, too many, no checkpoints),
 * SC_MISMATCH (they do not contradict each other).  Says nothing of who signed.
 */
extern SC_WARN_UNUSED ScStatus sc_disputefile_contradiction(ScContradiction *out, const ScDisputeFile *file);

/* one base64 hash a line; false when it is something else */
extern bool sc_disputefile_hashes(ScHash *out, int *count, int max, const char *text, size_t len);

#endif							/* SC_CORE_DISPUTEFILE_H */
