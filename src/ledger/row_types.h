/*
 * row_types.h
 *	  Which types a ledger table's columns may have.
 *
 * A type is allowed when every value has one text that no setting, catalogue
 * row or release changes: docs/ledger-types.md has the list and the reasons.
 */
#ifndef SC_LEDGER_ROW_TYPES_H
#define SC_LEDGER_ROW_TYPES_H

#include "postgres.h"

/*
 * Errors with FEATURE_NOT_SUPPORTED, naming column and type, when the type
 * may not stand in a ledger table.  Not for generated columns, which are in
 * no leaf, and not during a restore, when seoulchain.allowed_type is not
 * loaded yet.
 */
extern void sc_type_check(Oid typeid, int32 typmod, const char *column);

/* the same question without the error */
extern bool sc_type_is_allowed(Oid typeid);

/*
 * The built-in type with the same texts as the type: itself, or what a domain
 * stands on, also inside arrays and ranges; InvalidOid when there is none, and
 * then no setting shapes its texts (enums, types of extensions).
 */
extern Oid	sc_type_plain(Oid typeid);

/* the allowed built-in type that an event names so (sc_event_type_name), or InvalidOid: text from elsewhere is only compared */
extern Oid	sc_type_by_event_name(const char *name);

#endif							/* SC_LEDGER_ROW_TYPES_H */
