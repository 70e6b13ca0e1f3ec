/*
 * payload.h
 *	  What a member signs of a row: its leaf without seq and time, with the signed columns only.
 */
#ifndef SC_CORE_PAYLOAD_H
#define SC_CORE_PAYLOAD_H

#include "core/leaf.h"

/*
 * Appends the payload of a row's leaf, canonical JSON (docs/format.md).  Columns are ledger
 * names; one without a value stands in no leaf and in no payload.  SC_MALFORMED
 * for a leaf that is no row, SC_NO_MEMORY.
 */
extern SC_WARN_UNUSED ScStatus sc_payload_format(ScBuf *buf, const ScLeaf *leaf, const char *const *columns, int ncolumns);

/* whether a column of this name is among them */
extern bool sc_payload_covers(const char *name, size_t len, const char *const *columns, int ncolumns);

#endif							/* SC_CORE_PAYLOAD_H */
