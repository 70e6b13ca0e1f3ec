/*
 * copy.c
 *	  Finding copies in the registry.
 *
 * Invariant: what is returned is another node's chain.
 * Locks: as registry.c.  Effects: none.
 */
#include "postgres.h"

#include "network/copy.h"

ScChain *
sc_copy_by_origin(const char *origin)
{
	ScChain    *chain = sc_chain_by_name(origin, true);

	return chain != NULL && chain->copy ? chain : NULL;
}
