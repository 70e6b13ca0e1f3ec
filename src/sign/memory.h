/*
 * memory.h
 *	  Signing memory: what was last signed for each origin, fsynced before a signature leaves.
 *
 * A small text file beside the keys, outside the data directory: one line
 * per origin, "<origin> <size> <base64 root> <system identifier> <timeline>".
 * It is replaced by rename, file and directory fsynced.  It is never copied
 * with a cluster: a clone or a restored backup is noticed because its state
 * is behind, or its identifiers differ.
 */
#ifndef SC_SIGN_MEMORY_H
#define SC_SIGN_MEMORY_H

#include "core/note.h"

typedef struct ScSigned
{
	ScCheckpoint last;
	uint64_t	system_identifier;
	uint32_t	timeline;
} ScSigned;

/* SC_OK with *found; SC_IO, SC_LAX_MODE, SC_MALFORMED */
extern SC_WARN_UNUSED ScStatus sc_memory_read(ScSigned *out, bool *found, const char *path, const char *origin);

/* inserts or replaces the origin's line, durably; SC_IO, SC_LAX_MODE, SC_MALFORMED */
extern SC_WARN_UNUSED ScStatus sc_memory_write(const char *path, const ScSigned *entry);

/*
 * The same, but only while the origin's line is still `before` (NULL: there is
 * none): SC_MISMATCH when another process has written it since it was read.
 */
extern SC_WARN_UNUSED ScStatus sc_memory_advance(const char *path, const ScSigned *before, const ScSigned *entry);

/* the same on texts, without files: one line (without and with its newline), a whole file */
extern SC_WARN_UNUSED ScStatus sc_memory_parse_line(ScSigned *out, const char *line, size_t len);
extern void sc_memory_format_line(ScBuf *buf, const ScSigned *entry);
extern SC_WARN_UNUSED ScStatus sc_memory_find(ScSigned *out, bool *found, const char *text, size_t len,
											  const char *origin);
extern SC_WARN_UNUSED ScStatus sc_memory_merge(ScBuf *buf, const char *text, size_t len, const ScSigned *entry);

#endif							/* SC_SIGN_MEMORY_H */
