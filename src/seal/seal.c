/*
 * seal.c
 *	  Set-up of the seal room: settings, shared memory, background processes, hooks.
 *
 * Context: _PG_init while shared_preload_libraries are loaded.
 */
#include "postgres.h"

#include <limits.h>

#include "ledger/registry.h"
#include "seal/arrival.h"
#include "seal/final.h"
#include "seal/key_files.h"
#include "seal/node.h"
#include "seal/refresh.h"
#include "seal/seal.h"
#include "seal/shmem.h"
#include "seal/tell.h"
#include "utils/guc.h"

int			sc_seal_interval = 1000;
int			sc_seal_max_leaves = 500000;
char	   *sc_sign_key_directory = NULL;
char	   *sc_sign_pkcs11_module = NULL;

sc_open_chain_check_hook_type sc_open_chain_check_hook = NULL;
sc_final_hook_type sc_final_hook = NULL;
sc_note_lines_hook_type sc_note_lines_hook = NULL;

/* check hook of seoulchain.sign_pkcs11_module: no library is looked for in a search path */
static bool
check_module(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || (*newval)[0] == '\0' || is_absolute_path(*newval))
		return true;
	GUC_check_errdetail("The library must be an absolute path.");
	return false;
}

/* the room's settings */
static void
define_settings(void)
{
	DefineCustomIntVariable("seoulchain.seal_interval",
							"Least time between two rounds of sealing.",
							"0 seals only when seoulchain.seal() asks.",
							&sc_seal_interval, 1000, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("seoulchain.seal_max_leaves",
							"Most leaves in a block, its block leaf included.",
							"A block may exceed it by less than one journal run of 249 leaves.",
							&sc_seal_max_leaves, 500000, 2, 4000000,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("seoulchain.sign_key_directory",
							   "Directory of the node's keys and signing memory, outside the data directory.",
							   NULL,
							   &sc_sign_key_directory, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, sc_key_directory_check, NULL, NULL);
	DefineCustomStringVariable("seoulchain.sign_pkcs11_module",
							   "PKCS #11 library of the token that holds keys.",
							   "The sealing worker loads it when a key is a pkcs11: URI.",
							   &sc_sign_pkcs11_module, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_module, NULL, NULL);
}

void
sc_seal_init(void)
{
	define_settings();
	sc_seal_shmem_init();
	sc_launcher_register();
	sc_seal_utility_init();
	sc_refresh_init();
	sc_arrival_init();
	sc_tell_init();
	sc_chain_create_hook = sc_node_create_chain;
}
