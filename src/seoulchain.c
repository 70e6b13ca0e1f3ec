/*
 * seoulchain.c
 *	  The library's entry: which rooms there are and in what order they start.
 *
 * The library must be preloaded: hooks installed on first use would let the
 * first statements of a fresh session through.
 */
#include "postgres.h"

#include "fmgr.h"
#include "contract/contract_init.h"
#include "ledger/alone.h"
#include "ledger/ddl.h"
#include "ledger/recorder.h"
#include "ledger/sequence.h"
#include "ledger/settings.h"
#include "ledger/shmem.h"
#include "ledger/target.h"
#include "member/member.h"
#include "member/signature_guard.h"
#include "miscadmin.h"
#include "network/network_init.h"
#include "proof/proof_init.h"
#include "seal/seal.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("seoulchain must be preloaded by the server"),
				 errdetail("shared_preload_libraries does not name it."),
				 errhint("Add 'seoulchain' to shared_preload_libraries in postgresql.conf and restart the server.")));

	sc_shmem_init();
	sc_settings_init();
	sc_sequence_init();
	sc_recorder_init();
	sc_target_init();
	sc_alone_init();
	sc_ddl_init();
	sc_member_init();
	sc_signature_init();
	sc_seal_init();
	sc_proof_init();
	sc_contract_init();
	sc_network_init();
	MarkGUCPrefixReserved("seoulchain");
}
