/*
 * memory.c
 *	  Signing memory: the last checkpoint signed for each origin.
 *
 * Invariant: an entry is on disk, fsynced with its folder, before
 * sc_memory_write returns, so before the signature that it is about leaves.
 *
 * Locks: writers (a clone of the server may share the file) hold a lock on the
 * folder from reading to renaming; readers need none.  sc_memory_advance
 * compares under that lock, so of two that read the same line one gets to sign.
 *
 * The file is private like a key: whoever can alter it can make a node sign
 * two histories.  No judgement is made here about what may be signed next.
 */
#include <string.h>
#include <unistd.h>
#include <errno.h>

#include "core/text.h"
#include "sign/file.h"
#include "sign/memory.h"

#define MEMORY_FILE_MAX (4 * 1024 * 1024)

/* cuts the next space-separated field off a line; the last has no space behind it */
static bool
next_field(const char **field, size_t *fieldlen, const char **line, size_t *len)
{
	const char *space;

	if (*line == NULL)
		return false;
	space = *len > 0 ? memchr(*line, ' ', *len) : NULL;
	*field = *line;
	*fieldlen = space ? (size_t) (space - *line) : *len;
	*len -= space ? *fieldlen + 1 : *fieldlen;
	*line = space ? space + 1 : NULL;
	return true;
}

/* reads a decimal field of at most `max` */
static bool
next_number(uint64_t *out, uint64_t max, const char **line, size_t *len)
{
	const char *field;
	size_t		n;

	return next_field(&field, &n, line, len) && sc_text_uint64(out, field, n) && *out <= max;
}

ScStatus
sc_memory_parse_line(ScSigned *out, const char *line, size_t len)
{
	const char *field;
	size_t		n;
	uint64_t	timeline;

	if (!next_field(&field, &n, &line, &len) || !sc_note_name_ok(field, n))
		return SC_MALFORMED;
	memcpy(out->last.origin, field, n);
	out->last.origin[n] = '\0';
	if (!next_number(&out->last.size, INT64_MAX, &line, &len) ||
		!next_field(&field, &n, &line, &len) || !sc_text_base64_hash(&out->last.root, field, n) ||
		!next_number(&out->system_identifier, UINT64_MAX, &line, &len) ||
		!next_number(&timeline, UINT32_MAX, &line, &len) || line != NULL)
		return SC_MALFORMED;
	out->timeline = (uint32_t) timeline;
	return SC_OK;
}

void
sc_memory_format_line(ScBuf *buf, const ScSigned *entry)
{
	sc_buf_string(buf, entry->last.origin);
	sc_buf_char(buf, ' ');
	sc_buf_uint64(buf, entry->last.size);
	sc_buf_char(buf, ' ');
	sc_buf_base64(buf, entry->last.root.bytes, SC_HASH_LEN);
	sc_buf_char(buf, ' ');
	sc_buf_uint64(buf, entry->system_identifier);
	sc_buf_char(buf, ' ');
	sc_buf_uint64(buf, entry->timeline);
	sc_buf_char(buf, '\n');
}

/* reads the file; a file that is not there is an empty memory */
static ScStatus
read_file(ScBuf *buf, const char *path)
{
	ScStatus	status = sc_file_read(buf, path, MEMORY_FILE_MAX);

	if (status == SC_IO && errno == ENOENT)
		return SC_OK;
	return status == SC_TOO_LARGE ? SC_MALFORMED : status;
}

ScStatus
sc_memory_find(ScSigned *out, bool *found, const char *text, size_t len, const char *origin)
{
	const char *line;
	size_t		linelen;

	*found = false;
	while (sc_text_line(&line, &linelen, &text, &len))
	{
		ScSigned	entry;
		ScStatus	status = sc_memory_parse_line(&entry, line, linelen);

		if (status != SC_OK)
			return status;
		if (strcmp(entry.last.origin, origin) != 0)
			continue;

		/* two answers are none */
		if (*found)
			return SC_MALFORMED;
		*out = entry;
		*found = true;
	}
	return len == 0 ? SC_OK : SC_MALFORMED;
}

ScStatus
sc_memory_read(ScSigned *out, bool *found, const char *path, const char *origin)
{
	ScBuf		buf = SC_BUF_INIT;
	ScStatus	status = read_file(&buf, path);

	*found = false;
	if (status == SC_OK)
		status = sc_memory_find(out, found, buf.data, buf.len, origin);
	sc_buf_free(&buf);
	return status;
}

ScStatus
sc_memory_merge(ScBuf *buf, const char *text, size_t len, const ScSigned *entry)
{
	ScSigned	old;
	bool		found;
	const char *line;
	size_t		linelen;
	size_t		originlen = strlen(entry->last.origin);
	ScStatus	status;

	/* a file that does not parse is not overwritten: its content matters */
	status = sc_memory_find(&old, &found, text, len, entry->last.origin);
	if (status != SC_OK)
		return status;
	while (sc_text_line(&line, &linelen, &text, &len))
	{
		if (linelen > originlen && line[originlen] == ' ' &&
			memcmp(line, entry->last.origin, originlen) == 0)
			continue;
		sc_buf_append(buf, line, linelen + 1);
	}
	sc_memory_format_line(buf, entry);
	return buf->failed ? SC_NO_MEMORY : SC_OK;
}

/* is the origin's line in the file still the one that was read? */
static ScStatus
check_unchanged(const ScBuf *file, const char *origin, const ScSigned *before)
{
	ScSigned	now;
	bool		found;
	ScStatus	status = sc_memory_find(&now, &found, file->data, file->len, origin);

	if (status != SC_OK)
		return status;
	if (found != (before != NULL))
		return SC_MISMATCH;
	if (found && (now.last.size != before->last.size ||
				  memcmp(&now.last.root, &before->last.root, sizeof(ScHash)) != 0 ||
				  now.system_identifier != before->system_identifier || now.timeline != before->timeline))
		return SC_MISMATCH;
	return SC_OK;
}

/* reads, merges and replaces, with the lock held; `any`: whatever the line says now */
static ScStatus
rewrite_file(const char *path, bool any, const ScSigned *before, const ScSigned *entry)
{
	ScBuf		old = SC_BUF_INIT;
	ScBuf		new = SC_BUF_INIT;
	ScStatus	status = read_file(&old, path);

	if (status == SC_OK && !any)
		status = check_unchanged(&old, entry->last.origin, before);
	if (status == SC_OK)
		status = sc_memory_merge(&new, old.data, old.len, entry);
	if (status == SC_OK)
		status = sc_file_replace(path, new.data, new.len);
	sc_buf_free(&old);
	sc_buf_free(&new);
	return status;
}

/* rewrite_file under the folder's lock */
static ScStatus
locked_rewrite(const char *path, bool any, const ScSigned *before, const ScSigned *entry)
{
	int			lock;
	ScStatus	status;

	if (!sc_note_name_ok(entry->last.origin, strlen(entry->last.origin)) || entry->last.size > INT64_MAX)
		return SC_MALFORMED;
	status = sc_file_lock_folder(&lock, path);
	if (status == SC_OK)
	{
		int			saved;

		status = rewrite_file(path, any, before, entry);
		saved = errno;
		close(lock);
		errno = saved;
	}
	return status;
}

ScStatus
sc_memory_write(const char *path, const ScSigned *entry)
{
	return locked_rewrite(path, true, NULL, entry);
}

ScStatus
sc_memory_advance(const char *path, const ScSigned *before, const ScSigned *entry)
{
	return locked_rewrite(path, false, before, entry);
}
