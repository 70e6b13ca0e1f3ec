/*
 * network_init.c
 *	  What the network room sets up when libraries are preloaded: a table of contents.
 */
#include "postgres.h"

#include "network/network_init.h"

#include "network/alarm.h"
#include "network/check_block.h"
#include "network/copy.h"
#include "network/ask.h"
#include "network/copy.h"
#include "network/dispute.h"
#include "network/final.h"
#include "network/gate.h"
#include "network/integrate.h"
#include "network/message.h"
#include "network/network_settings.h"
#include "network/peer_state.h"
#include "network/registry_verify.h"
#include "network/status.h"
#include "network/tidy.h"
#include "network/wake.h"
#include "network/worker.h"
#include "network/seen.h"
#include "network/tidy.h"
#include "network/send_block.h"
#include "network/wake.h"
#include "network/watch.h"
#include "network/worker.h"

void
sc_network_init(void)
{
	sc_message_init();
	sc_copy_init();
	sc_dispute_init();
	sc_integrate_init();
	sc_check_block_init();
	sc_send_block_init();
	sc_wake_init();
	sc_network_settings_init();
	sc_peer_state_init();
	sc_network_tend_init();
	sc_network_status_init();
	sc_tidy_init();
	sc_final_init();
	sc_network_verify_init();
	sc_ask_init();
	sc_alarm_init();
	sc_seen_publish_init();
	/* behind those who set the sealing worker's hooks */
	sc_watch_init();
	sc_gate_init();
}
