/*
 * round.h
 *	  One round of the worker: mails, sealing and signing of every chain.
 */
#ifndef SC_SEAL_ROUND_H
#define SC_SEAL_ROUND_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* takes the mails that wait: answers those about keys, returns those that ask to seal (ScMail *) */
extern List *sc_seal_mails(void);

/*
 * Seals and signs every open chain and answers the mails; with seal false
 * it only signs.  Errors are caught, reported and kept in the chains'
 * states; false if there were any.
 */
extern bool sc_seal_round(List *mails, bool seal);

/* work that nobody waits for, after a round; errors are logged */
extern void sc_seal_tidy(void);

#endif							/* SC_SEAL_ROUND_H */
