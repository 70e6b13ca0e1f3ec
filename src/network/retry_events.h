/*
 * retry_events.h
 *	  Events of followed chains that could not be applied when they came.
 */
#ifndef SC_NETWORK_RETRY_EVENTS_H
#define SC_NETWORK_RETRY_EVENTS_H

/* tries them again, now and then; outside a transaction */
extern void sc_retry_events(void);

#endif							/* SC_NETWORK_RETRY_EVENTS_H */
