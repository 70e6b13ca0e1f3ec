/*
 * enum_use.h
 *	  Enum types of ledger columns, also inside arrays, domains, ranges and multiranges.
 */
#ifndef SC_LEDGER_ENUM_USE_H
#define SC_LEDGER_ENUM_USE_H

#include "postgres.h"

/* keeps the enum types within a type from being changed until the transaction ends */
extern void sc_enum_lock(Oid typeid);

/* a ledger table with a column that holds values of the enum, or InvalidOid */
extern Oid	sc_enum_user(Oid enumid);

#endif							/* SC_LEDGER_ENUM_USE_H */
