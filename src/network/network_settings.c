/*
 * network_settings.c
 *	  Settings of the network room.
 *
 * Context: sc_network_settings_init runs in _PG_init.
 */
#include "postgres.h"

#include "network/network_settings.h"

#include "utils/guc.h"

int			sc_network_timeout = 5000;
int			sc_network_retry = 30000;

void
sc_network_settings_init(void)
{
	DefineCustomIntVariable("seoulchain.network_timeout",
							"How long a peer has to answer a connection or a question.",
							"Peers are asked one after the other: one that is silent holds up the others' setup for so long.",
							&sc_network_timeout, 5000, 100, 600000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("seoulchain.network_retry",
							"Longest pause between two attempts to set up what a peer is to send.",
							NULL,
							&sc_network_retry, 30000, 100, 3600000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
}
