/*
 * request.h
 *	  Asking peers for chains, and answering what they ask for.
 */
#ifndef SC_NETWORK_REQUEST_H
#define SC_NETWORK_REQUEST_H

#include "postgres.h"

/* both in a transaction of the worker (query.h) */

/* answers the requests and confirmations of a peer that have come; true when blocks are to be sent once it is committed */
extern bool sc_requests_serve(const char *me, const char *peer);

/* asks a peer for the chains that are followed and have not come; true while one has not */
extern bool sc_requests_send(const char *me, const char *peer);

#endif							/* SC_NETWORK_REQUEST_H */
