/*
 * watch.h
 *	  Looking after followed chains: what was heard elsewhere, rows that nobody seals, silence.
 */
#ifndef SC_NETWORK_WATCH_H
#define SC_NETWORK_WATCH_H

/* takes its turn behind whoever has set the sealing worker's hooks before */
extern void sc_watch_init(void);

#endif							/* SC_NETWORK_WATCH_H */
