/*
 * verify.h
 *	  What the phases of verify() share.
 *
 * A run reads everything with one snapshot.  First the extension's own
 * tables are taken apart (load), then each chain's blocks and tree are
 * recomputed (tree), which also says which leaf every ledger_seq has to be;
 * then events, the journal and the rows of every table are compared with
 * their leaves; last come the leaves that nothing was found for.
 */
#ifndef SC_PROOF_VERIFY_H
#define SC_PROOF_VERIFY_H

#include "postgres.h"

#include "core/json.h"
#include "core/note.h"
#include "ledger/journal_table.h"
#include "nodes/pg_list.h"
#include "proof/fault.h"
#include "proof/page.h"
#include "proof/scan.h"
#include "seal/places.h"
#include "seal/tree_store.h"
#include "utils/hsearch.h"

/* a range of ledger_seq and its leaves; 24 bytes, the only memory that grows with blocks */
typedef struct ScRange
{
	int64		lower;
	int64		first_leaf;
	uint32		count;
	uint32		height;
} ScRange;

/* where the tiles of one level are stored, by tile number */
typedef struct ScTileIndex
{
	int64		ntiles;
	int64		capacity;
	struct ScTilePlace
	{
		int64		tile;
		ItemPointerData tid;
	}		   *places;
} ScTileIndex;

#define SC_TILE_LEVELS 8

/* rooms that may compare tables of their own with the events: contract, network */
#define SC_VERIFY_EVENT_HOOKS 2

/* a tile's hashes, cached */
typedef struct ScTileCopy
{
	int64		tile;			/* -1: empty slot */
	int			count;			/* 0: missing or unreadable */
	ScHash		hashes[SC_TILE_WIDTH];
} ScTileCopy;

/* leaves [from, to) whose stored hashes do not give the roots */
typedef struct ScBadLeaves
{
	int64		from;
	int64		to;
} ScBadLeaves;

typedef struct ScVerifyChain
{
	int32		chain_id;
	bool		registered;		/* seoulchain.chain has it */
	char	   *name;
	char	   *origin;
	char	   *log_key;
	Oid			sequence;
	bool		copy;			/* another node's chain */
	char	   *cosigner_key;	/* of the node whose chain a copy is, or NULL */
	List	   *rotations;		/* of ScVerifyRotation, by ledger_seq */
	int64		size;			/* leaves that blocks and members account for */
	int64		nranges;
	int64		capacity;
	ScRange    *ranges;			/* by leaf */
	uint32	   *by_seq;			/* the ranges by lower; NULL when that is their order */
	int64		hit;			/* position of the range found last */
	uint8	   *seen;			/* one bit a leaf: something was found for it */
	ScTileIndex levels[SC_TILE_LEVELS];
	int			nslots;
	ScTileCopy *slots[1 << 16]; /* level 0, slot = tile % nslots; allocated on use */
	ScTileCopy *upper[SC_TILE_LEVELS];
	List	   *bad_leaves;		/* of ScBadLeaves */
} ScVerifyChain;

typedef struct ScVerifyTable
{
	int32		table_id;
	int32		chain_id;
	Oid			relid;
	char	   *ledger_name;
	int64		joined_seq;
	int64		dropped_seq;	/* 0: not dropped */
	int64		time_seq;		/* 0: rows have no acceptance time */
	Relation	rel;			/* open while verify runs, or NULL */
	int64		signed_from;	/* rule_seq of the first signature rule, 0: none */
	int64		nsigned;		/* signed rows that have their entry in seoulchain.signed_payload */
	int64		nentries;		/* entries there that could be a row's */
	bool		unjudged;		/* its rows could not be compared; that has been told */
} ScVerifyTable;

/* a run of journal entries */
typedef struct ScPending
{
	int32		chain_id;
	int32		table_id;
	int64		first_seq;
	int64		first_bit;		/* in ScVerify.pending_seen */
	ItemPointerData tid;		/* of the journal row */
	uint16		count;
	uint16		offset;			/* of the run's first entry in the row's bytes */
	bool		copied;			/* in which journal */
} ScPending;

/* key of ScVerify.unreadable */
typedef struct ScUnreadableKey
{
	int32		table_id;
	ItemPointerData tid;
} ScUnreadableKey;

typedef struct ScVerify
{
	MemoryContext context;
	Snapshot	snapshot;
	ScFaults   *faults;
	Oid			only_relation;	/* InvalidOid: all */
	int32		only_chain;		/* 0: all */
	bool		opening;		/* open_chain asks: what only tells about outsiders does not matter */
	bool		registry_damaged;	/* rows of chain, ledger or ledger_column cannot be taken apart */
	List	   *chains;			/* of ScVerifyChain */
	List	   *tables;			/* of ScVerifyTable */
	Relation	tree;
	ScPageCopy	tree_copy;
	Datum	   *tree_values;
	bool	   *tree_nulls;
	/* the tile whose places were read last */
	int32		places_chain;
	int64		places_tile;
	int			nplaces;
	ScPlace		places[SC_TILE_WIDTH];
	ScTileCopy	places_hashes;
	/* the journals */
	Relation	journals[SC_JOURNALS];
	ScPageCopy	journal_pages[SC_JOURNALS];
	int64		npending;
	int64		pending_capacity;
	ScPending  *pending;		/* by chain and first_seq */
	uint8	   *pending_seen;
	/* tuples that could not be taken apart, by table and tid */
	HTAB	   *unreadable;
	/* the checkpoint that the caller brought */
	bool		has_checkpoint;
	ScCheckpoint checkpoint;
	ScNote		checkpoint_note;
	bool		checkpoint_met;
	/* this node's cosigner key, or NULL */
	char	   *cosigner_key;
	bool		judge_profile;	/* signatures of algorithms that are not approved are faults */
	/* what the rooms of sc_verify_event_register() keep */
	void	   *hook_data[SC_VERIFY_EVENT_HOOKS];
	const struct ScDamageSink *damage;	/* or NULL */
} ScVerify;

/* verify.c: a run in a context of its own; sc_verify_end gives back what it holds, but for its faults */
extern ScVerify *sc_verify_begin(void);
extern void sc_verify_end(ScVerify *v);
/* the registry's entry of a relation, or an error (WRONG_OBJECT_TYPE, DATA_CORRUPTED) */
extern ScVerifyTable *sc_verify_relation(const ScVerify *v, Oid relid);
extern ScVerifyChain *sc_verify_chain(const ScVerify *v, int32 chain_id);
extern ScVerifyTable *sc_verify_table(const ScVerify *v, int32 table_id);
extern bool sc_verify_wants(const ScVerify *v, const ScVerifyChain *chain);
extern ScFault sc_verify_fault(const ScVerifyChain *chain, const char *word);

/*
 * Whoever repairs a table is told where what is wrong is stored: tuples that
 * are not what was sealed (scan stands on them), and pages that cannot be
 * read, whose rows then count as missing even if the disk still shows them.
 */
typedef struct ScDamageSink
{
	void		(*tuple) (void *arg, const ScScan *scan, int64 ledger_seq, const char *word);
	void		(*page) (void *arg, BlockNumber block);
	void	   *arg;
} ScDamageSink;

/* a run for one relation (its chain's blocks and tree too) or one chain; its faults go to store as rows of seoulchain.fault */
extern void sc_verify_into(Oid relation, int32 chain_id, const ScDamageSink *damage,
						   Tuplestorestate *store, TupleDesc tupdesc);

/* verify_load.c: the registry under the snapshot; opens and locks the tables */
extern void sc_verify_load_registry(ScVerify *v);
extern Relation sc_verify_open(const char *name);

/*
 * A stored table sorted by some of its columns, to be read row by row;
 * damaged rows and pages become faults.
 */
typedef struct ScSorted ScSorted;
extern ScSorted *sc_sorted_load(ScVerify *v, const char *table, int nkeys, const AttrNumber *keys, const Oid *types);
/* the row at hand, or NULL at the end */
extern TupleTableSlot *sc_sorted_peek(ScSorted *sorted);
extern void sc_sorted_next(ScSorted *sorted);
extern void sc_sorted_end(ScSorted *sorted);

/* scans one of the extension's own tables; damaged rows and pages become faults */
extern void sc_verify_scan(ScVerify *v, Relation rel, void (*row) (void *arg, ScScan *scan), void *arg);

/* verify_tile.c */
extern void sc_verify_load_tiles(ScVerify *v);
/* the tile, or NULL when it is missing or unreadable */
extern const ScTileCopy *sc_verify_tile(ScVerify *v, ScVerifyChain *chain, int level, int64 tile);
/* the hash of a leaf, or NULL */
extern const ScHash *sc_verify_leaf(ScVerify *v, ScVerifyChain *chain, int64 leaf);
/* the hint beside a leaf; false when there is none to be had */
extern bool sc_verify_place(ScVerify *v, ScVerifyChain *chain, int64 leaf, ScPlace *place);
/* root and frontier of `size` leaves from stored nodes; false when a node is missing */
extern bool sc_verify_stored_frontier(ScVerify *v, ScVerifyChain *chain, int64 size, ScFrontier *out);

/* verify_range.c */
extern void sc_ranges_add(ScVerify *v, ScVerifyChain *chain, int64 lower, int64 count, int64 first_leaf, int64 height);
extern void sc_ranges_finish(ScVerify *v, ScVerifyChain *chain);
/* the range that holds the number, or NULL */
extern const ScRange *sc_ranges_find(ScVerifyChain *chain, int64 ledger_seq);
/* notes that something was found for the leaf; false when that was known already */
extern bool sc_seen_mark(ScVerifyChain *chain, int64 leaf);
extern bool sc_leaf_is_bad(const ScVerifyChain *chain, int64 leaf);

/* verify_tree.c: blocks, members, signatures and tree of every chain */
extern void sc_verify_blocks(ScVerify *v);

/* verify_journal.c */
extern void sc_verify_load_journal(ScVerify *v);
/* the pending entry of a number, or NULL; *hash and *bit are its */
extern const ScPending *sc_pending_find(ScVerify *v, int32 chain_id, int64 ledger_seq, ScHash *hash, int64 *bit);
extern bool sc_pending_mark(ScVerify *v, int64 bit);
extern void sc_verify_pending_left(ScVerify *v);

/* verify_sequence.c: the chains' sequences against the numbers in use */
extern void sc_verify_sequences(ScVerify *v);

/* verify_event.c: events against leaves and registry */
extern void sc_verify_events(ScVerify *v);
/* the registry says otherwise than an event; relid and ledger_seq as far as they are known, else InvalidOid and SC_NONE */
extern void sc_verify_registry_fault(ScVerify *v, int32 chain_id, Oid relid, int64 ledger_seq);

/*
 * A higher room that announces in events what its own tables say; it
 * registers at start.  It is given every event that agrees with its leaf, then
 * compares.  *data is its own, NULL at first, in v->context.
 */
typedef struct ScVerifyEventHook
{
	void		(*event) (ScVerify *v, void **data, const ScVerifyChain *chain, int64 ledger_seq, const ScJson *event);
	void		(*end) (ScVerify *v, void **data);
} ScVerifyEventHook;

extern void sc_verify_event_register(const ScVerifyEventHook *hook);

/*
 * A higher room that keeps what follows from the rows of ledger tables; set at
 * start.  Called last, for a table whose chain has no fault up to then: what
 * follows from damaged rows says nothing.
 */
typedef void (*sc_verify_state_hook_type) (ScVerify *v, const ScVerifyChain *chain, const ScVerifyTable *table);
extern PGDLLIMPORT sc_verify_state_hook_type sc_verify_state_hook;

/* verify_row.c: the rows of every table */
extern void sc_verify_rows(ScVerify *v);

/* verify_payload.c: of each table with a signature rule the rows one by one (NULL: it has none), then what counts as used */
typedef struct ScPayloadPass ScPayloadPass;
extern ScPayloadPass *sc_verify_payload_begin(ScVerify *v, ScVerifyTable *table);
extern void sc_verify_payload_row(ScPayloadPass *pass, const Datum *values, const bool *nulls,
								  int64 ledger_seq, int64 leaf, int64 height);
extern void sc_verify_payload_end(ScPayloadPass *pass);
extern void sc_verify_payloads(ScVerify *v);

/* verify_left.c: leaves that nothing was found for */
extern void sc_verify_left(ScVerify *v);

#endif							/* SC_PROOF_VERIFY_H */
