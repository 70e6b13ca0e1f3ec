/*
 * integrate.c
 *	  Integrating the blocks of other nodes' chains.
 */
#include "postgres.h"

#include "network/integrate.h"

void
sc_integrate_init(void)
{
}
