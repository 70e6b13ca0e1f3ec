/*
 * seen.h
 *	  Signed checkpoints that this node saw somewhere else than in the chain itself.
 *
 * Every node tells on its own chains which checkpoints of others it has
 * ("seen" events), and compares what it hears with what it has: whoever shows
 * two histories to two nodes has signed a proof against himself.
 */
#ifndef SC_NETWORK_SEEN_H
#define SC_NETWORK_SEEN_H

#include "postgres.h"

#include "access/htup.h"
#include "core/disputefile.h"
#include "core/json.h"
#include "ledger/registry.h"
#include "utils/relcache.h"

/* the event that tells: {"checkpoints":[<note>,...],"type":"seen"} */
#define SC_EVENT_SEEN "seen"

/* seoulchain.seen */
enum
{
	SC_SEEN_ATTR_ORIGIN = 1,
	SC_SEEN_ATTR_TREE_SIZE,
	SC_SEEN_ATTR_NOTE,
	SC_SEEN_ATTR_SOURCE,
	SC_SEEN_ATTR_SEEN_AT
};

#define SC_SEEN_NATTS 5

/*
 * A signed note that came from somewhere (`source`: who showed it), in the
 * running transaction: kept when it is about a chain that this node has, and
 * says more or something else than that chain does here.  Never raises
 * because of what the note holds.
 */
extern void sc_seen_note(const char *note, const char *source);

/* the same of the checkpoint in an announcement of a block, a row of seoulchain.message */
extern void sc_seen_message(HeapTuple tuple, Relation rel);

/*
 * A block that the chain has already was announced (chain NULL: of none that
 * is here): a complaint is filed when it is another block, of another size.
 * Another root of the same size is sc_seen_compare()'s, and a proof.
 */
extern void sc_seen_announced(const ScChain *chain, int64 height, const char *note);

/*
 * Announcements of blocks up to a height, which the chain has already: kept as
 * what was seen, and removed; so many at a time.  True when there are more.
 */
extern bool sc_seen_old_messages(const ScChain *chain, int64 height);

/* the same of every note in a "seen" event of a followed chain */
extern void sc_seen_apply_event(const ScChain *teller, const ScJson *event);

/* a proof that somebody else filed: filed here too if it holds, and is about a chain that this node has */
extern void sc_seen_dispute_file(const char *file);

/* files two checkpoints that contradict each other if the log signed both; `file` is their dispute file */
extern void sc_seen_contradiction(const ScChain *chain, const ScContradiction *found, const char *file);

/*
 * Compares what was kept about a chain of this node or a copy with the chain,
 * up to its present size; files what contradicts it.  In a transaction with
 * an active snapshot.
 */
extern void sc_seen_compare(const ScChain *chain);

/* is the note a checkpoint of the chain that its key signed, as far as this node knows its keys? */
extern bool sc_seen_is_signed(const ScChain *chain, const char *note);

/* is anything kept about the chain that can be compared now? */
extern bool sc_seen_waiting(const ScChain *chain, int64 tree_size);

extern void sc_seen_publish_init(void);

#endif							/* SC_NETWORK_SEEN_H */
