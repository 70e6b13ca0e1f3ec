/*
 * integrate_check.h
 *	  Running the checks that other files add to integration.
 */
#ifndef SC_NETWORK_INTEGRATE_CHECK_H
#define SC_NETWORK_INTEGRATE_CHECK_H

#include "network/integrate.h"

/* has every check look at the block, until one wants to wait */
extern void sc_integrate_run_checks(ScIntegrateBlock *block);

#endif							/* SC_NETWORK_INTEGRATE_CHECK_H */
