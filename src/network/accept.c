/*
 * accept.c
 *	  From whom comes what the running replication worker applies?
 *
 * Invariant: a name is answered only in a worker of a subscription that has
 * the name of the link from that peer and belongs to the role that ours
 * belong to; nobody without superuser can make such a subscription.
 * Effects: none.
 */
#include "postgres.h"

#include "network/accept.h"

#include "access/htup_details.h"
#include "catalog/pg_subscription.h"
#include "network/link.h"
#include "network/peer.h"
#include "network/subscription.h"
#include "replication/logicalworker.h"
#include "replication/worker_internal.h"
#include "seal/node.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/* name of the running worker's subscription if it is one of ours, palloc'd, or NULL */
static char *
own_subscription(void)
{
	HeapTuple	tuple = SearchSysCache1(SUBSCRIPTIONOID, ObjectIdGetDatum(MyLogicalRepWorker->subid));
	Form_pg_subscription form;
	char	   *name = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_subscription) GETSTRUCT(tuple);
	if (form->subowner == get_role_oid(SC_APPLY_ROLE, true) && sc_link_name_ok(NameStr(form->subname)))
		name = pstrdup(NameStr(form->subname));
	ReleaseSysCache(tuple);
	return name;
}

/* the peer whose link to us has that name, or NULL */
static const char *
peer_of_link(const char *link)
{
	char	   *me = sc_node_name(NULL);
	ListCell   *lc;

	if (me == NULL)
		return NULL;
	foreach(lc, sc_peer_list())
	{
		ScPeer	   *peer = lfirst(lc);

		if (strcmp(sc_link_name(peer->name, me), link) == 0)
			return peer->name;
	}
	return NULL;
}

const char *
sc_apply_peer(void)
{
	static char *peer = NULL;	/* a worker serves one subscription all its life */
	char	   *link;
	const char *found;

	if (!IsLogicalWorker() || MyLogicalRepWorker == NULL)
		return NULL;
	if (peer != NULL)
		return peer;
	link = own_subscription();
	found = link == NULL ? NULL : peer_of_link(link);
	if (found != NULL)
		peer = MemoryContextStrdup(TopMemoryContext, found);
	return peer;
}

bool
sc_origin_is_of(const char *origin, const char *node)
{
	const char *slash = strrchr(origin, '/');
	size_t		len = strlen(node);

	return slash != NULL && (size_t) (slash - origin) == len && strncmp(origin, node, len) == 0;
}
