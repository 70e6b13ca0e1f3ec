/*
 * tables.h
 *	  The six ledger tables in which a chain keeps its members, and how to find rows in them.
 *
 * People may rename the tables, their columns and indexes and move them to
 * another schema: tables are found by seoulchain.member_registry, columns by
 * their ledger names, indexes by what they are on.
 */
#ifndef SC_MEMBER_TABLES_H
#define SC_MEMBER_TABLES_H

#include "postgres.h"

#include "access/attnum.h"
#include "access/htup.h"
#include "datatype/timestamp.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#define SC_MEMBER_REGISTRY "member_registry"

/* the tables, in the order of the columns of seoulchain.member_registry */
typedef enum ScMemberTable
{
	SC_MT_MEMBER,
	SC_MT_KEY,
	SC_MT_STATUS,
	SC_MT_DELEGATION,
	SC_MT_AUTHORITY,
	SC_MT_CRL
} ScMemberTable;

#define SC_MT_COUNT 6

/* their columns; ledger_seq and ledger_time come behind in each */
enum { SC_M_MEMBER, SC_M_KIND, SC_M_NAME, SC_M_COUNT };
enum { SC_K_MEMBER, SC_K_KEY, SC_K_ALGORITHM, SC_K_PUBLIC_KEY, SC_K_THUMBPRINT, SC_K_CERTIFICATE, SC_K_REPLACES, SC_K_COUNT };
enum { SC_S_MEMBER, SC_S_KEY, SC_S_ACTION, SC_S_REASON, SC_S_COMPROMISED_SINCE, SC_S_COUNT };
enum { SC_D_MEMBER, SC_D_DELEGATE, SC_D_TABLES, SC_D_UNTIL, SC_D_ACTION, SC_D_COUNT };
enum { SC_A_AUTHORITY, SC_A_CERTIFICATE, SC_A_ACTION, SC_A_COUNT };
enum { SC_C_AUTHORITY, SC_C_CRL, SC_C_COUNT };

#define SC_MT_COLUMNS_MAX 7

/* the searches that need an index */
typedef enum ScMemberSearch
{
	SC_BY_MEMBER,				/* of any of the first four tables, by member */
	SC_BY_THUMBPRINT			/* of key */
} ScMemberSearch;

#define SC_MS_COUNT 2

/* where things are; by value, an invalidation may drop the cached one at any time */
typedef struct ScMemberTables
{
	int32		chain_id;		/* hash key */
	struct
	{
		Oid			relid;
		AttrNumber	att[SC_MT_COLUMNS_MAX];
		AttrNumber	seq;
		AttrNumber	time;
		Oid			index[SC_MS_COUNT]; /* InvalidOid when there is none */
	}			t[SC_MT_COUNT];
} ScMemberTables;

/* one row: its values by the column numbers above; pointers are into the scan's tuple */
typedef struct ScMemberRow
{
	int64		seq;
	TimestampTz time;
	Datum		values[SC_MT_COLUMNS_MAX];
	bool		nulls[SC_MT_COLUMNS_MAX];
} ScMemberRow;

/* is told of each row; after false it is told of no more */
typedef bool (*ScMemberVisitor) (void *state, const ScMemberRow *row);

/* name of a table in the registry and of the columns in its leaves; number of columns */
extern const char *sc_member_table_name(ScMemberTable table);
extern const char *sc_member_column_name(ScMemberTable table, int column);
extern int	sc_member_column_count(ScMemberTable table);

/* the tables of a chain; false when the chain has no members */
extern bool sc_member_tables(int32 chain_id, ScMemberTables *out);

/* the same from the cache alone, for callbacks that must not read */
extern bool sc_member_tables_cached(int32 chain_id, ScMemberTables *out);

/* the same; an error (OBJECT_NOT_IN_PREREQUISITE_STATE, hint) when it has none */
extern void sc_member_tables_require(int32 chain_id, ScMemberTables *out);

/* which table of which chain a relation is; false when it is none */
extern bool sc_member_table_of(Oid relid, int32 *chain_id, ScMemberTable *table);

/* stores where a chain has its members */
extern void sc_member_registry_insert(int32 chain_id, const Oid relations[SC_MT_COUNT]);

/* takes a row that is in no table yet apart; seq and time stay 0 */
extern void sc_member_row(const ScMemberTables *tables, ScMemberTable table, const Datum *values, const bool *nulls, ScMemberRow *out);

/* rows whose member (or thumbprint) is this text, through the index; in no order.  An error when the index was dropped. */
extern void sc_member_scan(const ScMemberTables *tables, ScMemberTable table, ScMemberSearch search, const char *text,
						   Snapshot snapshot, ScMemberVisitor visit, void *state);

/* every row of a table, in no order */
extern void sc_member_scan_all(const ScMemberTables *tables, ScMemberTable table, Snapshot snapshot,
							   ScMemberVisitor visit, void *state);

/* the newest committed state and all that this transaction did, the running statement included; to be unregistered */
extern Snapshot sc_member_snapshot(void);

/* forgets what is cached when the catalogs change; from _PG_init */
extern void sc_member_tables_init(void);

#endif							/* SC_MEMBER_TABLES_H */
