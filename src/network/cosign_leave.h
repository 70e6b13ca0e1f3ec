/*
 * cosign_leave.h
 *	  Cosigning a copy again after signing memory was lost, or on another server.
 */
#ifndef SC_NETWORK_COSIGN_LEAVE_H
#define SC_NETWORK_COSIGN_LEAVE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* may this server go on from that memory entry (its text)?  Once: the leave is used up with the transaction that runs. */
extern bool sc_cosign_leave_take(const char *origin, const char *memory);

/* of the network worker, outside a transaction: asks peers for what this node cosigned of copies that wait; true when something is left to ask */
extern bool sc_cosign_leave_tend(const char *me, List *peers);

#endif							/* SC_NETWORK_COSIGN_LEAVE_H */
