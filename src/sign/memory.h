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

#endif							/* SC_SIGN_MEMORY_H */
