/*
 * prooffile.c
 *	  The proof file: a leaf's bytes, its index, its path and the checkpoint note.
 *
 * `extra` is authenticated by nothing but its own hash: whoever uses it must
 * hash it as the leaf and prove that.  The checkpoint is passed on verbatim.
 * Source: C2SP tlog-proof@v1.
 */
#include <stdlib.h>
#include <string.h>

#include "core/prooffile.h"
#include "core/text.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1"

/* decodes the extra line's data, which may not be empty */
static ScStatus
parse_extra(ScProofFile *out, const char *data, size_t len)
{
	if (len == 0)
		return SC_MALFORMED;
	out->extra = malloc(len / 4 * 3 + 1);
	if (out->extra == NULL)
		return SC_NO_MEMORY;
	out->has_extra = true;
	return sc_text_base64(out->extra, len / 4 * 3, &out->extralen, data, len) ? SC_OK : SC_MALFORMED;
}

/* reads hashes up to the blank line */
static ScStatus
parse_path(ScProofFile *out, const char **text, size_t *len)
{
	const char *line;
	size_t		linelen;

	while (sc_text_line(&line, &linelen, text, len))
	{
		if (linelen == 0)
			return SC_OK;
		if (out->npath == SC_PROOF_MAX)
			return SC_TOO_LARGE;
		if (!sc_text_base64_hash(&out->path[out->npath], line, linelen))
			return SC_MALFORMED;
		out->npath++;
	}
	return SC_MALFORMED;
}

/* everything behind the first line; on failure the caller frees */
static ScStatus
parse_body(ScProofFile *out, const char *text, size_t len)
{
	const char *line;
	size_t		linelen;
	ScStatus	status;

	if (!sc_text_line(&line, &linelen, &text, &len))
		return SC_MALFORMED;
	if (sc_text_skip(&line, &linelen, "extra "))
	{
		status = parse_extra(out, line, linelen);
		if (status != SC_OK)
			return status;
		if (!sc_text_line(&line, &linelen, &text, &len))
			return SC_MALFORMED;
	}
	if (!sc_text_skip(&line, &linelen, "index ") || !sc_text_uint64(&out->index, line, linelen))
		return SC_MALFORMED;
	status = parse_path(out, &text, &len);
	if (status != SC_OK)
		return status;
	if (len == 0)
		return SC_MALFORMED;
	out->checkpoint = text;
	out->checkpointlen = len;
	return SC_OK;
}

ScStatus
sc_prooffile_parse(ScProofFile *out, const char *text, size_t len)
{
	const char *line;
	size_t		linelen;
	ScStatus	status;

	memset(out, 0, sizeof(*out));
	if (!sc_text_line(&line, &linelen, &text, &len) || !sc_text_is(line, linelen, FIRST_LINE))
		return SC_MALFORMED;
	status = parse_body(out, text, len);
	if (status != SC_OK)
		sc_prooffile_free(out);
	return status;
}

void
sc_prooffile_free(ScProofFile *file)
{
	free(file->extra);
	file->extra = NULL;
	file->extralen = 0;
	file->has_extra = false;
}

void
sc_prooffile_format(ScBuf *buf, const void *extra, size_t extralen, uint64_t index,
					const ScHash *path, int npath, const char *checkpoint, size_t checkpointlen)
{
	sc_buf_literal(buf, FIRST_LINE "\n");
	if (extralen > 0)
	{
		sc_buf_literal(buf, "extra ");
		sc_buf_base64(buf, extra, extralen);
		sc_buf_char(buf, '\n');
	}
	sc_buf_literal(buf, "index ");
	sc_buf_uint64(buf, index);
	sc_buf_char(buf, '\n');
	for (int i = 0; i < npath; i++)
	{
		sc_buf_base64(buf, path[i].bytes, SC_HASH_LEN);
		sc_buf_char(buf, '\n');
	}
	sc_buf_char(buf, '\n');
	sc_buf_append(buf, checkpoint, checkpointlen);
}
