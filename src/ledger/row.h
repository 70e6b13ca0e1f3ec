/*
 * row.h
 *	  From a stored row to its canonical leaf.
 *
 * ScRowFormat is prepared once per relation (names escaped and sorted, output
 * functions looked up) and cached until the relation or registry changes.
 * The same code serves the recorder, leaf_data() and verify().
 */
#ifndef SC_LEDGER_ROW_H
#define SC_LEDGER_ROW_H

#include "postgres.h"

#include "core/buf.h"
#include "core/hash.h"
#include "ledger/registry.h"
#include "utils/relcache.h"

typedef struct ScRowFormat ScRowFormat;

/*
 * The format of a registered ledger table's rows; belongs to a cache, valid
 * until the next invalidation is processed: fetch it again after anything
 * that may process one, or use sc_row_format_copy in long scans.
 * Errors (WRONG_OBJECT_TYPE) when the relation is not registered.
 */
extern const ScRowFormat *sc_row_format(Relation rel);
extern ScRowFormat *sc_row_format_copy(Relation rel, MemoryContext context);

/* a registered column that the relation has lost, or NULL */
extern const char *sc_row_format_missing(const ScRowFormat *format);
/* attribute number of ledger_seq; 0 if that is lost */
extern AttrNumber sc_row_format_seq_attno(const ScRowFormat *format);

/*
 * Brings GUCs that shape text to dump settings if this format needs it and
 * they differ; returns the GUC nest level to hand back, 0 if nothing was done.
 * The level ends with the subtransaction in which it began: begin and end in
 * the same one.  sc_row_leaf errors when the settings are needed and not on.
 */
extern int	sc_row_settings_begin(const ScRowFormat *format);
extern void sc_row_settings_end(int nestlevel);

/*
 * Writes the leaf of the row in values/nulls (tupdesc order) into buf (which
 * is reset).  Errors: PROGRAM_LIMIT_EXCEEDED when over SC_LEAF_MAX bytes.
 * What output functions palloc stays in the current context: reset it per row.
 */
extern void sc_row_leaf(ScBuf *buf, const ScRowFormat *format, const Datum *values, const bool *nulls, int64 ledger_seq);

/* the same without the error: false when the leaf is over SC_LEAF_MAX bytes, and then buf holds none */
extern bool sc_row_leaf_fits(ScBuf *buf, const ScRowFormat *format, const Datum *values, const bool *nulls, int64 ledger_seq);

/* place of a column among the format's, for sc_row_text; -1 when leaves do not hold it */
extern int	sc_row_column(const ScRowFormat *format, AttrNumber attno);

/*
 * Writes the text that the leaf of the row holds of one column into buf, NUL
 * behind it; of a long value "sha256:" and the digest's hex.  false when the
 * leaf does not hold it: null, or joined later.  Settings and memory as above.
 */
extern bool sc_row_text(ScBuf *buf, const ScRowFormat *format, int column, const Datum *values, const bool *nulls,
						int64 ledger_seq);

/*
 * The signed payload of the row (docs/format.md section 12): its leaf without
 * seq and time, and of the columns only those that the mask has, one entry for
 * each column of the format; every column counts as joined.
 */
extern void sc_row_payload(ScBuf *buf, const ScRowFormat *format, const Datum *values, const bool *nulls, const bool *mask);

/* the columns that leaves hold, in the order of their keys: how many; attribute number and ledger name of one */
extern int	sc_row_format_count(const ScRowFormat *format);
extern AttrNumber sc_row_format_column(const ScRowFormat *format, int i, const char **ledger_name);

/* the leaf hash of what sc_row_leaf wrote with the same format */
extern void sc_row_hash(ScHash *hash, const ScRowFormat *format, const ScBuf *leaf);

#endif							/* SC_LEDGER_ROW_H */
