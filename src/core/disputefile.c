/*
 * disputefile.c
 *	  The file that a dispute is shown with: reading, writing, and what arithmetic says of it.
 *
 * Invariant: what is read was written by sc_disputefile_begin and
 * sc_disputefile_part: there is one text for each file.  A contradiction is
 * one of the parts' own bytes; nothing that is not signed or hashed plays a role in it.
 * What it does not do: signatures.
 * Source: docs/format.md; RFC 6962 2.1.2 (SUBPROOF).
 */
#include "core/disputefile.h"

#include "core/proof.h"
#include "core/text.h"

#define KIND_LINE "kind "

static const char *const kind_words[] = {
	[SC_DISPUTE_TWO_ROOTS] = "two-roots",
	[SC_DISPUTE_REWRITTEN] = "rewritten",
	[SC_DISPUTE_RULE] = "rule",
	[SC_DISPUTE_COMPLAINT] = "complaint"
};

#define NKINDS ((int) (sizeof(kind_words) / sizeof(kind_words[0])))

const char *
sc_dispute_kind_word(ScDisputeKind kind)
{
	return kind_words[kind];
}

/* the kind of that name; false when there is none */
static bool
parse_kind(ScDisputeKind *out, const char *word, size_t len)
{
	for (int i = 0; i < NKINDS; i++)
	{
		if (!sc_text_is(word, len, kind_words[i]))
			continue;
		*out = (ScDisputeKind) i;
		return true;
	}
	return false;
}

/* a part's name: lower-case letters and '-' */
static bool
name_ok(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((name[i] < 'a' || name[i] > 'z') && name[i] != '-')
			return false;
	return len > 0 && len <= 32;
}

/* cuts "<name> <bytes>\n<bytes>" off the text */
static ScStatus
parse_part(ScDisputePart *out, const char **text, size_t *len)
{
	const char *line;
	size_t		n;
	const char *space;
	uint64_t	bytes;

	if (!sc_text_line(&line, &n, text, len))
		return SC_MALFORMED;
	space = memchr(line, ' ', n);
	if (space == NULL || !name_ok(line, space - line) ||
		!sc_text_uint64(&bytes, space + 1, n - (space + 1 - line)) ||
		bytes == 0 || bytes > *len || (*text)[bytes - 1] != '\n')
		return SC_MALFORMED;
	out->name = line;
	out->namelen = space - line;
	out->data = *text;
	out->len = bytes;
	*text += bytes;
	*len -= bytes;
	return SC_OK;
}

ScStatus
sc_disputefile_parse(ScDisputeFile *out, const char *text, size_t len)
{
	const char *line;
	size_t		n;

	out->nparts = 0;
	if (!sc_text_skip(&text, &len, SC_DISPUTEFILE_START) ||
		!sc_text_line(&line, &n, &text, &len) || !sc_text_skip(&line, &n, KIND_LINE) ||
		!parse_kind(&out->kind, line, n))
		return SC_MALFORMED;
	while (len > 0)
	{
		ScStatus	status;

		if (out->nparts == SC_DISPUTEFILE_PARTS_MAX)
			return SC_TOO_LARGE;
		status = parse_part(&out->parts[out->nparts], &text, &len);
		if (status != SC_OK)
			return status;
		out->nparts++;
	}
	return SC_OK;
}

void
sc_disputefile_begin(ScBuf *buf, ScDisputeKind kind)
{
	sc_buf_literal(buf, SC_DISPUTEFILE_START);
	sc_buf_literal(buf, KIND_LINE);
	sc_buf_string(buf, kind_words[kind]);
	sc_buf_char(buf, '\n');
}

void
sc_disputefile_part(ScBuf *buf, const char *name, const char *data, size_t len)
{
	bool		newline = len > 0 && data[len - 1] == '\n';

	sc_buf_string(buf, name);
	sc_buf_char(buf, ' ');
	sc_buf_uint64(buf, len + !newline);
	sc_buf_char(buf, '\n');
	sc_buf_append(buf, data, len);
	if (!newline)
		sc_buf_char(buf, '\n');
}

const ScDisputePart *
sc_disputefile_find(const ScDisputeFile *file, const char *name, int nth)
{
	for (int i = 0; i < file->nparts; i++)
	{
		if (sc_text_is(file->parts[i].name, file->parts[i].namelen, name) && nth-- == 0)
			return &file->parts[i];
	}
	return NULL;
}

bool
sc_disputefile_hashes(ScHash *out, int *count, int max, const char *text, size_t len)
{
	const char *line;
	size_t		n;

	*count = 0;
	while (sc_text_line(&line, &n, &text, &len))
	{
		if (*count == max || !sc_text_base64_hash(&out[*count], line, n))
			return false;
		(*count)++;
	}
	return len == 0;
}

/* the part at that place, if it is a checkpoint */
static ScStatus
read_checkpoint(ScContradiction *out, int i, const ScDisputeFile *file)
{
	const ScDisputePart *part = &file->parts[i];
	ScStatus	status;

	if (!sc_text_is(part->name, part->namelen, "checkpoint"))
		return SC_MALFORMED;
	out->notes[i] = part;
	status = sc_note_parse(&out->note[i], part->data, part->len, false);
	if (status != SC_OK)
		return status;
	return sc_checkpoint_parse(&out->checkpoint[i], out->note[i].text, out->note[i].textlen);
}

/* whether the subproof gives the greater tree's root, and another one than was signed for the smaller */
static ScStatus
check_subproof(const ScContradiction *found, const ScDisputePart *part)
{
	const ScCheckpoint *old = &found->checkpoint[0];
	const ScCheckpoint *new = &found->checkpoint[1];
	ScHash		path[SC_PROOF_MAX + 1];
	ScHash		old_root;
	ScHash		new_root;
	int			npath;
	ScStatus	status;

	if (!sc_text_is(part->name, part->namelen, "subproof") ||
		!sc_disputefile_hashes(path, &npath, SC_PROOF_MAX + 1, part->data, part->len))
		return SC_MALFORMED;
	status = sc_proof_subproof_roots(&old_root, &new_root, old->size, new->size, path, npath);
	if (status != SC_OK)
		return status == SC_NO_MEMORY ? status : SC_MISMATCH;
	return memcmp(new_root.bytes, new->root.bytes, SC_HASH_LEN) == 0 &&
		memcmp(old_root.bytes, old->root.bytes, SC_HASH_LEN) != 0 ? SC_OK : SC_MISMATCH;
}

ScStatus
sc_disputefile_contradiction(ScContradiction *out, const ScDisputeFile *file)
{
	bool		rewritten = file->kind == SC_DISPUTE_REWRITTEN;
	ScStatus	status;

	if ((!rewritten && file->kind != SC_DISPUTE_TWO_ROOTS) || file->nparts != (rewritten ? 3 : 2))
		return SC_MALFORMED;
	for (int i = 0; i < 2; i++)
	{
		status = read_checkpoint(out, i, file);
		if (status != SC_OK)
			return status;
	}
	if (strcmp(out->checkpoint[0].origin, out->checkpoint[1].origin) != 0)
		return SC_MISMATCH;
	if (rewritten)
		return check_subproof(out, &file->parts[2]);
	return out->checkpoint[0].size == out->checkpoint[1].size &&
		memcmp(out->checkpoint[0].root.bytes, out->checkpoint[1].root.bytes, SC_HASH_LEN) != 0 ? SC_OK : SC_MISMATCH;
}
