/*
 * memory.h
 *	  What core allocates with malloc, freed with a memory context.
 */
#ifndef SC_CONTRACT_MEMORY_H
#define SC_CONTRACT_MEMORY_H

#include "postgres.h"

#include "core/buf.h"
#include "core/json.h"

/* an empty buffer that lives as long as the current memory context */
extern ScBuf *sc_context_buf(void);

/* the buffer's text, palloc'd; an error when the buffer ran out of memory */
extern char *sc_buf_copy(ScBuf *buf);

/* canonical JSON, parsed; lives as long as the current memory context.  `what` is for errors. */
extern const ScJson *sc_context_json(const char *text, const char *what);

/* the same of a text that anybody may have written: NULL when it is not canonical JSON */
extern const ScJson *sc_context_try_json(const char *text);

/* calls release(arg) when the current memory context goes */
extern void sc_context_release(void (*release) (void *arg), void *arg);

#endif							/* SC_CONTRACT_MEMORY_H */
