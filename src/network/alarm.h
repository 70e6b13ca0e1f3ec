/*
 * alarm.h
 *	  What this node's operator should look at; no dispute, and no word to others.
 */
#ifndef SC_NETWORK_ALARM_H
#define SC_NETWORK_ALARM_H

#include "postgres.h"

/* kinds; docs/network.md says what each means */
#define SC_ALARM_FORGED_NOTE "forged checkpoint"
#define SC_ALARM_DROPPED "message refused"
#define SC_ALARM_APPLY "apply error"
#define SC_ALARM_SILENT "nothing arrives"
#define SC_ALARM_UNSEALED "row not sealed"
#define SC_ALARM_NO_BLOCKS "no blocks"
#define SC_ALARM_BEHIND "later blocks elsewhere"
#define SC_ALARM_OWN_CHAIN "own chain seen ahead"

/* seconds after which a thing that does not happen is an alarm; GUC seoulchain.network_alarm_after */
extern int	sc_alarm_after;

/*
 * Raises an alarm about something (a node, a chain, a table), in the running
 * transaction: one row for a kind and what it is about, with how often and
 * the latest words.
 */
extern void sc_alarm_raise(const char *kind, const char *about, const char *what, const char *hint);

/* it is over; false when it was not raised */
extern bool sc_alarm_clear(const char *kind, const char *about);

/* every alarm about something that is no matter of this node any more */
extern void sc_alarm_forget(const char *about);

/* is it raised?  *seconds, if given: since when */
extern bool sc_alarm_raised(const char *kind, const char *about, int64 *seconds);

extern void sc_alarm_init(void);

#endif							/* SC_NETWORK_ALARM_H */
