/*
 * request.h
 *	  Asking peers for chains, and answering what they ask for.
 */
#ifndef SC_NETWORK_REQUEST_H
#define SC_NETWORK_REQUEST_H

#include "postgres.h"

/*
 * Answers the requests and confirmations of a peer that have come, each in a
 * transaction of its own; true when blocks are to be sent now.  What fails is
 * an error when the others are answered.  Outside a transaction of the worker.
 */
extern bool sc_requests_serve(const char *me, const char *peer);

/*
 * Asks a peer for the chains that are followed and have not come, and for the
 * rows of their tables.  What has not come yet, or NULL.  In a transaction of
 * the worker (query.h).
 */
extern const char *sc_requests_send(const char *me, const char *peer);

#endif							/* SC_NETWORK_REQUEST_H */
