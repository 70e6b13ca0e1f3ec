/*
 * subscription.h
 *	  What comes from the peers: one subscription each, made and kept by the network worker.
 */
#ifndef SC_NETWORK_SUBSCRIPTION_H
#define SC_NETWORK_SUBSCRIPTION_H

#include "postgres.h"

/* owner of the subscriptions, and so the role under which rows are applied: no superuser */
#define SC_APPLY_ROLE "seoulchain_apply"

#endif							/* SC_NETWORK_SUBSCRIPTION_H */
