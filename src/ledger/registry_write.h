/*
 * registry_write.h
 *	  Changing what the registry knows of ledger tables and their columns.
 */
#ifndef SC_LEDGER_REGISTRY_WRITE_H
#define SC_LEDGER_REGISTRY_WRITE_H

#include "postgres.h"

#include "ledger/registry.h"
#include "ledger/schema_event.h"

/*
 * Takes the lock under which tables are numbered and named; the next
 * table_id.  Requires a transaction that will write.
 */
extern int32 sc_registry_next_table_id(void);

/* wanted, or the first of wanted#2, wanted#3, ... never used on the chain; requires the lock above */
extern char *sc_registry_free_name(int32 chain_id, const char *wanted);

extern void sc_registry_add_table(const ScLedgerTable *table);
extern void sc_registry_drop_table(const ScLedgerTable *table, int64 dropped_seq);
/* the origin of a copy dropped its table: the number is noted, the relation stays */
extern void sc_registry_retire_table(const ScLedgerTable *table, int64 dropped_seq);
/* stores table->time_seq */
extern void sc_registry_set_time(const ScLedgerTable *table);
extern void sc_registry_add_column(int32 table_id, const ScEventColumn *column, int64 joined_seq);
extern void sc_registry_rename_column(int32 table_id, AttrNumber attnum, const char *name);

#endif							/* SC_LEDGER_REGISTRY_WRITE_H */
