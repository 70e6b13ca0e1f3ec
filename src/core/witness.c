/*
 * witness.c
 *	  The witness protocol's bodies, and what a witness answers to a request.
 *
 * Everything is read strictly: one text for each request, as proofs and notes
 * are.  The judgement is the specification's order of checks behind those of
 * signatures: old size, then root at an equal size, then proof.  A witness
 * stores the new checkpoint before its answer leaves; that is the caller's.
 * Source: C2SP tlog-witness v1.0.0.
 */
#include <string.h>

#include "core/text.h"
#include "core/witness.h"

ScStatus
sc_witness_parse_request(ScWitnessRequest *out, const char *body, size_t len)
{
	const char *line;
	size_t		linelen;
	ScNote		note;
	ScStatus	status;

	out->npath = 0;
	if (!sc_text_line(&line, &linelen, &body, &len) || !sc_text_skip(&line, &linelen, "old ") ||
		!sc_text_uint64(&out->old_size, line, linelen))
		return SC_MALFORMED;
	for (;;)
	{
		if (!sc_text_line(&line, &linelen, &body, &len))
			return SC_MALFORMED;
		if (linelen == 0)
			break;
		if (out->npath == SC_WITNESS_PROOF_MAX)
			return SC_TOO_LARGE;
		if (!sc_text_base64_hash(&out->path[out->npath++], line, linelen))
			return SC_MALFORMED;
	}
	out->note = body;
	out->notelen = len;
	status = sc_note_parse(&note, body, len, false);
	if (status == SC_OK)
		status = sc_checkpoint_parse(&out->checkpoint, note.text, note.textlen);
	if (status == SC_OK && out->old_size > out->checkpoint.size)
		status = SC_RANGE;
	return status;
}

ScStatus
sc_witness_format_request(ScBuf *buf, uint64_t old_size, const ScHash *path, int npath, const char *note, size_t notelen)
{
	if (npath > SC_WITNESS_PROOF_MAX)
		return SC_TOO_LARGE;
	sc_buf_literal(buf, "old ");
	sc_buf_uint64(buf, old_size);
	sc_buf_char(buf, '\n');
	for (int i = 0; i < npath; i++)
	{
		sc_buf_base64(buf, path[i].bytes, SC_HASH_LEN);
		sc_buf_char(buf, '\n');
	}
	sc_buf_char(buf, '\n');
	sc_buf_append(buf, note, notelen);
	return buf->failed ? SC_NO_MEMORY : SC_OK;
}

ScWitnessCode
sc_witness_judge(const ScWitnessRequest *request, uint64_t size, const ScHash *root)
{
	const ScCheckpoint *new = &request->checkpoint;
	ScHash		empty;

	if (request->old_size > new->size)
		return SC_WITNESS_BAD_REQUEST;
	if (request->old_size != size)
		return SC_WITNESS_CONFLICT;
	/* of no leaves there is one tree; another size could not be asked for next */
	sc_hash_empty(&empty);
	if (new->size == 0 && memcmp(&new->root, &empty, sizeof(ScHash)) != 0)
		return SC_WITNESS_BAD_PROOF;
	if (new->size == size && memcmp(&new->root, root, sizeof(ScHash)) != 0)
		return SC_WITNESS_CONFLICT;
	if (sc_proof_verify_consistency(size, root, new->size, &new->root, request->path, request->npath) != SC_OK)
		return SC_WITNESS_BAD_PROOF;
	return SC_WITNESS_OK;
}

ScStatus
sc_witness_parse_lines(ScBuf *lines, const char *body, size_t len)
{
	ScBuf		note = SC_BUF_INIT;
	ScNote		parsed;
	ScStatus	status;

	/* the lines are those that would stand behind a note's text */
	sc_buf_literal(&note, "checkpoint\n\n");
	sc_buf_append(&note, body, len);
	status = note.failed ? SC_NO_MEMORY : sc_note_parse(&parsed, note.data, note.len, false);
	/* a text that goes on in the body would end at a later blank line */
	if (status == SC_OK && parsed.textlen != strlen("checkpoint\n"))
		status = SC_MALFORMED;
	for (int i = 0; status == SC_OK && i < parsed.nsigs; i++)
		sc_buf_append(lines, parsed.sigs[i].line, parsed.sigs[i].linelen);
	sc_buf_free(&note);
	return status == SC_OK && lines->failed ? SC_NO_MEMORY : status;
}

ScStatus
sc_witness_parse_size(uint64_t *size, const char *body, size_t len)
{
	const char *line;
	size_t		linelen;

	if (!sc_text_line(&line, &linelen, &body, &len) || len != 0 || !sc_text_uint64(size, line, linelen))
		return SC_MALFORMED;
	return SC_OK;
}
