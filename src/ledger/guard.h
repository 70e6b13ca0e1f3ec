/*
 * guard.h
 *	  The first line: what a statement says is judged before it runs.
 *
 * Guards give the clear words; what can be seen in the catalogs afterwards is
 * judged once more by reconcile.c, what reaches rows by the access method.
 * Each guard pins the relation a name means (lock and schema) before it
 * decides, so that the command works on the same one.
 */
#ifndef SC_LEDGER_GUARD_H
#define SC_LEDGER_GUARD_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"

/*
 * Guards a utility statement: errors, or returns the statement to run (a
 * changed copy, or the one given).  *drop_copied_seq: the table it creates
 * must lose a ledger_seq that LIKE copied.
 */
extern Node *sc_guard_utility(Node *stmt, bool *drop_copied_seq);

/* guard_create.c; these change the statement, which is the guard's copy */
extern void sc_guard_create(CreateStmt *stmt, bool *drop_copied_seq);
extern void sc_guard_create_as(CreateTableAsStmt *stmt);

/* guard_alter.c */
extern void sc_guard_alter(AlterTableStmt *stmt);
extern void sc_guard_rename(const RenameStmt *stmt);
/* returns the ledger table whose new storage relid is, or InvalidOid */
extern Oid	sc_guard_rewrite(Oid relid);

/* guard_place.c: before ATTACH PARTITION (the core's own error would not say what to do); after a relation got a parent */
extern void sc_guard_attach(Oid parent, const PartitionCmd *cmd);
extern void sc_guard_inherit(Oid relid);

/* guard_copy.c */
extern void sc_guard_copy(CopyStmt *stmt);

/* guard_drop.c */
extern void sc_guard_drop(const DropStmt *stmt);
extern void sc_guard_extension_drop(bool tables_dropped);

/* set by the network room: errors while other nodes are connected with this one */
typedef void (*sc_extension_drop_hook_type) (void);
extern PGDLLIMPORT sc_extension_drop_hook_type sc_extension_drop_hook;

/* guard.c: errors when the function is the access method's handler */
extern void sc_guard_handler(Oid function);

/* guard_query.c: errors when the plan changes rows of a ledger table */
extern void sc_guard_query(const PlannedStmt *plan);

/* makes the name mean this relation for the rest of the command */
extern void sc_guard_pin(RangeVar *name, Oid relid);

/* the first ledger relation among relid and, if inh, its descendants; or InvalidOid */
extern Oid	sc_guard_ledger_in_tree(Oid relid, bool inh);

#endif							/* SC_LEDGER_GUARD_H */
