/*
 * copy.h
 *	  Copies: chains of other nodes, whose tables replication alone writes.
 *
 * A copy's rows come with their numbers and times.  Nobody else inserts, and
 * nobody changes the tables: what replication would fail on cannot be added to
 * them.  Who may write, and what becomes of rows that no leaf can be made of,
 * is for the network room to say.
 */
#ifndef SC_LEDGER_COPY_H
#define SC_LEDGER_COPY_H

#include "postgres.h"

#include "access/htup_details.h"
#include "compat.h"
#include "executor/tuptable.h"
#include "ledger/registry.h"
#include "ledger/target.h"
#include "nodes/parsenodes.h"
#include "utils/relcache.h"

/* no honest origin comes near: numbers above are none, so that one can always be added to one */
#define SC_COPY_SEQ_MAX (PG_INT64_MAX / 2)

/* is the running process the replication of the node whose chain it is? */
typedef bool (*sc_copy_writer_hook_type) (const ScChain *chain);
extern PGDLLIMPORT sc_copy_writer_hook_type sc_copy_writer_hook;

/* a row was stored that is no leaf: it has no number that counts, or makes too long a leaf */
typedef void (*sc_copy_odd_row_hook_type) (const ScChain *chain, const ScLedgerTable *table, int64 ledger_seq, const char *why);
extern PGDLLIMPORT sc_copy_odd_row_hook_type sc_copy_odd_row_hook;

/* true while the network room itself changes tables of copies, as events of their chains say */
extern bool sc_copy_changing;

/* the error of whoever would write to the chain here */
extern void sc_copy_refuse_chain(const ScChain *chain) SC_NORETURN;

/* the error of a command on a copy's table */
extern void sc_copy_refuse(Oid relid, const char *command) SC_NORETURN;

/* the chain of a relation when it is an open copy's table, else NULL */
extern ScChain *sc_copy_of_relation(Oid relid);

/* is the running process the copy's replication?  It is, or is not, as long as it lives. */
extern bool sc_copy_may_write(const ScChain *chain);

/*
 * The row's number, for its leaf; 0 when it can have none, which the caller
 * tells sc_copy_odd_row once the row is stored.
 */
extern int64 sc_copy_seq(const ScTarget *target, TupleTableSlot *slot);
extern void sc_copy_odd_row(const ScTarget *target, TupleTableSlot *slot, const char *why);

/* first line: errors when the statement would give the table something that replication could fail on */
extern void sc_copy_guard_alter(Oid relid, const AlterTableCmd *cmd);
extern void sc_copy_guard_statement(Node *stmt);

/* second line: the same, from what the catalogs say of an altered table now */
extern void sc_copy_check_plain(Relation rel);

#endif							/* SC_LEDGER_COPY_H */
