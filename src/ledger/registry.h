/*
 * registry.h
 *	  Chains, ledger tables and their columns, as the registry tables know them.
 *
 * Reads use the latest committed state plus the transaction's own; structs
 * are palloc'd in the current memory context.  Writers take
 * ShareRowExclusiveLock on the registry table they number rows in.
 */
#ifndef SC_LEDGER_REGISTRY_H
#define SC_LEDGER_REGISTRY_H

#include "postgres.h"

#include "core/buf.h"
#include "core/hash.h"
#include "nodes/pg_list.h"

#define SC_SCHEMA "seoulchain"
#define SC_LEDGER_SEQ "ledger_seq"
#define SC_LEDGER_TIME "ledger_time"

typedef struct ScChain
{
	int32		chain_id;
	char	   *name;
	char	   *origin;
	char	   *log_key;		/* NULL for a chain without a node */
	Oid			sequence;		/* InvalidOid for a copy */
	uint64		system_identifier;
	Oid			database;
	bool		copy;			/* another node's chain: written by replication alone */
	bool		shared;			/* own chain that other nodes may follow */
} ScChain;

typedef struct ScLedgerTable
{
	int32		table_id;
	int32		chain_id;
	Oid			relation;		/* InvalidOid once dropped */
	char	   *ledger_name;
	int64		joined_seq;
	int64		dropped_seq;	/* 0 = not dropped */
	int64		time_seq;		/* leaves with a greater ledger_seq hold the acceptance time; 0 = none does */
} ScLedgerTable;

/* OID of a relation of schema seoulchain, or InvalidOid while the extension is not there; cached */
extern Oid	sc_registry_relation(const char *name);
/* OID of the access method `ledger`, or InvalidOid */
extern Oid	sc_ledger_am_oid(void);
/* owner of the extension: its functions act as this role on internal tables */
extern Oid	sc_registry_owner(void);

/* NULL when there is none and missing_ok, else errors with UNDEFINED_OBJECT and a hint */
extern ScChain *sc_chain_by_name(const char *name, bool missing_ok);
extern ScChain *sc_chain_by_id(int32 chain_id, bool missing_ok);
/* while a dump is loaded a table may be registered before its chain is: then the chain counts as closed */
extern bool sc_chain_id_is_open(int32 chain_id);
/* all chains of the database by chain_id: a List of ScChain * */
extern List *sc_chain_list(void);
/* does the chain live here (cluster and database)?  Closed chains are read-only.  Copies live here too. */
extern bool sc_chain_is_open(const ScChain *chain);
/* errors unless this node may write the chain: closed, or a copy */
extern void sc_chain_require_open(const ScChain *chain);

/* the registry's entry of a relation; NULL or an error (WRONG_OBJECT_TYPE, hint) */
extern ScLedgerTable *sc_ledger_by_relation(Oid relid, bool missing_ok);
/* the entry of that number, or NULL */
extern ScLedgerTable *sc_ledger_by_id(int32 table_id);

/* every entry, or those of one chain (chain_id >= 0), by table_id: List of ScLedgerTable * */
extern List *sc_ledger_list(int32 chain_id);

/* true when the relation's access method is ledger */
extern bool sc_is_ledger_relation(Oid relid);

/*
 * Records an event leaf on a chain: takes a ledger_seq, completes the leaf
 * text ({"chain":..,"event":<event>,"seq":..[,"table":..]}), stores it in
 * seoulchain.event and hands its hash to the recorder.  `event` is canonical
 * JSON of the event object; ledger_name is NULL for chain events.
 */
extern int64 sc_event_record(const ScChain *chain, int32 table_id, const char *ledger_name, const ScBuf *event);

/* the leaf of a recorded event, palloc'd, or NULL */
extern char *sc_event_leaf(int32 chain_id, int64 ledger_seq);

/*
 * Stores an event's leaf under its number and hands its hash to the recorder:
 * what sc_event_record does with a leaf it has made, and all that is done
 * with a leaf that another node made.
 */
extern void sc_event_store(const ScChain *chain, int32 table_id, int64 seq, const char *leaf, size_t len);

/* sc_event_record without the recorder, for the sealing worker, which puts the leaf into the block that it is making */
extern int64 sc_event_make(const ScChain *chain, int32 table_id, const char *ledger_name, const ScBuf *event, ScHash *leaf);

/*
 * Set by the network room: an event was recorded on a chain of this node, in
 * this transaction, which holds seoulchain.event with RowExclusiveLock.
 */
typedef void (*sc_event_recorded_hook_type) (const ScChain *chain, int64 ledger_seq, const char *leaf, size_t len);
extern PGDLLIMPORT sc_event_recorded_hook_type sc_event_recorded_hook;

/*
 * Creates a chain, called by the seal room (which has the keys): inserts the
 * registry row, makes the sequence, records leaf 0.  log_key may be NULL.
 */
extern ScChain *sc_chain_register(const char *name, const char *origin, const char *log_key);

/* makes the sequence of a chain */
extern Oid sc_chain_create_sequence(int32 chain_id);

/* the same without a node: the origin is unnamed/<32 random hex digits>/<name> for ever */
extern ScChain *sc_chain_register_unnamed(const char *name);

/* another node's chain: no sequence, no event; the caller has checked that there is none of that name */
extern ScChain *sc_chain_register_copy(const char *origin, const char *log_key);

/* set by the seal room: makes a chain of that name, with a key if there is a node */
typedef ScChain *(*sc_chain_create_hook_type) (const char *name);
extern PGDLLIMPORT sc_chain_create_hook_type sc_chain_create_hook;

#endif							/* SC_LEDGER_REGISTRY_H */
