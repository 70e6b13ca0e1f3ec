/*
 * witness.h
 *	  C2SP tlog-witness: the bodies of an add-checkpoint request and of its answers.
 */
#ifndef SC_CORE_WITNESS_H
#define SC_CORE_WITNESS_H

#include "core/note.h"
#include "core/proof.h"
#include "core/status.h"

#define SC_WITNESS_PROOF_MAX 63 /* hashes in a request */

/* the HTTP status codes of answers */
typedef enum ScWitnessCode
{
	SC_WITNESS_OK = 200,		/* signature lines */
	SC_WITNESS_BAD_REQUEST = 400,	/* not a request, or the old size is beyond the checkpoint's */
	SC_WITNESS_FORBIDDEN = 403, /* no signature by the log's key, or a bad one */
	SC_WITNESS_UNKNOWN_LOG = 404,	/* not a log that it witnesses */
	SC_WITNESS_CONFLICT = 409,	/* another old size: the body has it; or another root at the same size */
	SC_WITNESS_BAD_PROOF = 422	/* the proof does not connect old and new */
} ScWitnessCode;

/* a request taken apart; points into the text */
typedef struct ScWitnessRequest
{
	uint64_t	old_size;
	int			npath;
	ScHash		path[SC_WITNESS_PROOF_MAX];
	const char *note;			/* the checkpoint, verbatim */
	size_t		notelen;
	ScCheckpoint checkpoint;
} ScWitnessRequest;

/* SC_OK, SC_MALFORMED, SC_TOO_LARGE (more than 63 hashes), SC_RANGE (old size beyond the checkpoint's) */
extern SC_WARN_UNUSED ScStatus sc_witness_parse_request(ScWitnessRequest *out, const char *body, size_t len);

/* appends "old <size>", the proof, a blank line, the checkpoint; SC_TOO_LARGE for more than 63 hashes */
extern SC_WARN_UNUSED ScStatus sc_witness_format_request(ScBuf *buf, uint64_t old_size, const ScHash *path, int npath,
														 const char *note, size_t notelen);

/* what a witness that holds (size, root) of this log answers; signatures are the caller's to have checked */
extern ScWitnessCode sc_witness_judge(const ScWitnessRequest *request, uint64_t size, const ScHash *root);

/*
 * The body of an answer 200: appends to `lines` each signature line, verbatim,
 * SC_MALFORMED when there is anything else or none.
 */
extern SC_WARN_UNUSED ScStatus sc_witness_parse_lines(ScBuf *lines, const char *body, size_t len);

/* the body of an answer 409: "<size>\n" */
extern SC_WARN_UNUSED ScStatus sc_witness_parse_size(uint64_t *size, const char *body, size_t len);

#endif							/* SC_CORE_WITNESS_H */
