/*
 * copy_event.c
 *	  Applies events of followed chains: they are data, never SQL.
 */
#include "postgres.h"

#include "network/copy_event.h"

bool
sc_copy_apply_event(const ScMessage *message, char **problem)
{
	*problem = psprintf("events of kind \"%s\" are not applied yet", message->kind);
	return false;
}
