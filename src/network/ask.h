/*
 * ask.h
 *	  What this node asks its peers when it compares, repairs or recovers.
 *
 * Answers are data that somebody else wrote: malformed ones raise errors
 * (CONNECTION_EXCEPTION or what input functions raise), well-formed ones still
 * have to be proven.
 */
#ifndef SC_NETWORK_ASK_H
#define SC_NETWORK_ASK_H

#include "postgres.h"

#include "core/blockleaf.h"
#include "core/hash.h"
#include "core/tree.h"
#include "network/channel.h"
#include "network/row_values.h"
#include "seal/tree_store.h"

/* most numbers in one question for rows */
#define SC_ASK_ROWS 256

/* how long a connection or an answer may take; seoulchain.network_ask_timeout */
extern int	sc_ask_timeout;

/* an integer that a peer wrote; an error when it is none */
extern int64 sc_ask_int8(const char *text);
/* bytes that a peer wrote, as bytea's text; *len of them, palloc'd */
extern char *sc_ask_bytes(const char *text, Size *len);
/* a hash that a peer wrote; an error when it is none */
extern void sc_ask_hash(ScHash *out, const char *text);
/* a list of texts that a peer wrote as an array; NULL elements are NULL */
extern char **sc_ask_texts(const char *text, int *count);

/* the newest signed block that a peer holds of a chain; false when it has none */
typedef struct ScAskChain
{
	bool		own;			/* the peer says that it is the chain's origin */
	int64		height;
	int64		size;
	ScHash		root;
} ScAskChain;

extern bool sc_ask_chain(ScAskChain *out, ScChannel *channel, const char *origin);

/* rows by their numbers, at most SC_ASK_ROWS; each is handed to `row` in a memory context that is reset behind it */
extern void sc_ask_rows(ScChannel *channel, const char *origin, const int64 *seqs, int count,
						void (*row) (void *arg, const ScRowValues *values), void *arg);

/* the numbers above a block, in blocks or not, of a chain of the peer's own: in order, apart; *count says how many ranges */
extern ScSeqRange *sc_ask_above(ScChannel *channel, const char *origin, int64 height, int *count);

/* numbers that one question may span */
#define SC_ASK_SPAN 10000

/* every row above a block whose number is in the range, which spans SC_ASK_SPAN at most */
extern void sc_ask_rows_between(ScChannel *channel, const char *origin, int64 height, const ScSeqRange *range,
								void (*row) (void *arg, const ScRowValues *values), void *arg);

/* where a number's leaf stands in the peer's tree of that size, and the path; false when the peer cannot say */
extern bool sc_ask_path(int64 *leaf, ScHash path[SC_PROOF_MAX], int *npath, ScChannel *channel,
						const char *origin, int64 seq, int64 size);

extern void sc_ask_init(void);	/* the setting, from _PG_init */

#endif							/* SC_NETWORK_ASK_H */
