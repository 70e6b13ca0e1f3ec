/*
 * city_view.h
 *	  Views that show the tables of one name of all agencies as one.
 */
#ifndef SC_NETWORK_CITY_VIEW_H
#define SC_NETWORK_CITY_VIEW_H

#include "postgres.h"

/* the schema they are in */
#define SC_CITY_SCHEMA "city"

/*
 * The network worker, in a transaction: makes each view what the tables are
 * now.  One that cannot be is left as it is, its row says why, and the answer
 * is true.  Does not wait long for locks: a view that is in use is left for
 * the next time.
 */
extern bool sc_city_views_refresh(void);

#endif							/* SC_NETWORK_CITY_VIEW_H */
