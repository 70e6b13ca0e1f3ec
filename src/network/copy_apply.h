/*
 * copy_apply.h
 *	  What the files that apply events of followed chains share.
 *
 * Nobody but copy_*.c includes this; copy_event.h is the interface.  Functions
 * here run in the subtransaction of one event and as the extension's owner;
 * whatever is wrong is an error, which becomes the problem's text.
 */
#ifndef SC_NETWORK_COPY_APPLY_H
#define SC_NETWORK_COPY_APPLY_H

#include "postgres.h"

#include "core/json.h"
#include "ledger/registry.h"
#include "ledger/schema_event.h"
#include "compat.h"
#include "network/message.h"
#include "nodes/parsenodes.h"

/* an event being applied */
typedef struct ScCopyEvent
{
	const ScMessage *message;
	ScChain    *chain;			/* the copy; NULL until the genesis event has made it */
	int64		seq;
	const ScJson *event;		/* an object */
	const char *type;
	const char *ledger_name;	/* of the table it is about, or NULL */
	ScLedgerTable *table;		/* the table, or NULL: it is about none, or joins with it */
} ScCopyEvent;

/* the error of an event that cannot be what an honest origin records */
extern void sc_copy_malformed(const ScCopyEvent *event, const char *what) SC_NORETURN;

/* the error of an event that waits for earlier ones */
extern void sc_copy_early(const ScCopyEvent *event, const char *what) SC_NORETURN;

/* a member that must be a string, valid as long as the event */
extern const char *sc_copy_string(const ScCopyEvent *event, const ScJson *object, const char *key);

/* a member that must be an array or an object */
extern const ScJson *sc_copy_list(const ScCopyEvent *event, const ScJson *object, const char *key, ScJsonKind kind);

/* schema and name out of an event that has them apart, else out of a ledger name or present name */
extern ScTableName sc_copy_table_name(const ScCopyEvent *event, const char *joined);

/* errors unless the text can name a column, a table, a schema of a copy */
extern void sc_copy_check_name(const ScCopyEvent *event, const char *name);

/* the schema, made when it is missing */
extern Oid	sc_copy_schema(const ScCopyEvent *event, const char *name);

/* lets the applying role use a schema, or insert into a table */
extern void sc_copy_grant(ObjectType kind, const char *schema, const char *table);

/* copy_table.c: tables and columns */
extern void sc_copy_join(ScCopyEvent *event);
extern void sc_copy_add_columns(ScCopyEvent *event);
extern void sc_copy_rename(ScCopyEvent *event);
extern void sc_copy_drop(ScCopyEvent *event);
extern void sc_copy_time(ScCopyEvent *event);
/* a non-unique index on the columns, of texts by bytes */
extern void sc_copy_index(Oid relid, const List *columns);

/* copy_registry.c: what the registry keeps of other events */
extern void sc_copy_genesis(ScCopyEvent *event);
extern void sc_copy_rotation(ScCopyEvent *event);
extern void sc_copy_members(ScCopyEvent *event);
extern void sc_copy_signature_rule(ScCopyEvent *event);
extern void sc_copy_policy(ScCopyEvent *event);
extern void sc_copy_public(ScCopyEvent *event);

/* copy_contract.c */
extern void sc_copy_contract(ScCopyEvent *event);

#endif							/* SC_NETWORK_COPY_APPLY_H */
