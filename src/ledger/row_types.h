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

#endif							/* SC_LEDGER_ROW_TYPES_H */
