/*
 * dispute_text.h
 *	  The dispute files that this node writes.
 */
#ifndef SC_NETWORK_DISPUTE_TEXT_H
#define SC_NETWORK_DISPUTE_TEXT_H

#include "postgres.h"

#include "core/hash.h"
#include "network/dispute.h"

/* palloc'd, all of them */

/* what this node says, on its word alone; its evidence is the checkpoint that it is about, or NULL */
extern char *sc_dispute_complaint(const ScFinding *finding);

/* two signed notes of one chain and size */
extern char *sc_dispute_two_roots(const char *note, const char *other);

/* two signed notes of one chain, and what connects the greater with another root at the smaller's size */
extern char *sc_dispute_rewritten(const char *smaller, const char *greater, const ScHash *subproof, int count);

#endif							/* SC_NETWORK_DISPUTE_TEXT_H */
