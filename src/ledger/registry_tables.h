/*
 * registry_tables.h
 *	  Attribute numbers of the registry tables (sql/10_registry.sql) and how to open them.
 */
#ifndef SC_LEDGER_REGISTRY_TABLES_H
#define SC_LEDGER_REGISTRY_TABLES_H

#include "postgres.h"

#include "storage/lockdefs.h"
#include "utils/relcache.h"

#define SC_CHAIN_ATTR_ID 1
#define SC_CHAIN_ATTR_NAME 2
#define SC_CHAIN_ATTR_ORIGIN 3
#define SC_CHAIN_ATTR_LOG_KEY 4
#define SC_CHAIN_ATTR_SEQUENCE 5
#define SC_CHAIN_ATTR_SYSTEM 6
#define SC_CHAIN_ATTR_DATABASE 7
#define SC_CHAIN_ATTR_CREATED_AT 8
#define SC_CHAIN_ATTR_COPY 9
#define SC_CHAIN_ATTR_SHARED 10
#define SC_CHAIN_NATTS 10

#define SC_LEDGER_ATTR_ID 1
#define SC_LEDGER_ATTR_CHAIN_ID 2
#define SC_LEDGER_ATTR_RELATION 3
#define SC_LEDGER_ATTR_NAME 4
#define SC_LEDGER_ATTR_JOINED_SEQ 5
#define SC_LEDGER_ATTR_DROPPED_SEQ 6
#define SC_LEDGER_ATTR_TIME_SEQ 7
#define SC_LEDGER_NATTS 7

#define SC_COLUMN_ATTR_TABLE_ID 1
#define SC_COLUMN_ATTR_ATTNUM 2
#define SC_COLUMN_ATTR_COLUMN_NAME 3
#define SC_COLUMN_ATTR_LEDGER_NAME 4
#define SC_COLUMN_ATTR_JOINED_SEQ 5
#define SC_COLUMN_NATTS 5

#define SC_EVENT_ATTR_CHAIN_ID 1
#define SC_EVENT_ATTR_SEQ 2
#define SC_EVENT_ATTR_TABLE_ID 3
#define SC_EVENT_ATTR_LEAF 4
#define SC_EVENT_NATTS 4

/* opens a table of schema seoulchain; an error with a hint when the extension is not there */
extern Relation sc_registry_open(const char *name, LOCKMODE lockmode);

#endif							/* SC_LEDGER_REGISTRY_TABLES_H */
