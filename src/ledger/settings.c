/*
 * settings.c
 *	  Settings of the ledger room, and what a database must be like to hold ledger tables.
 *
 * Invariant: seoulchain.default_chain is always a well-formed chain name.
 * Context: sc_settings_init runs in _PG_init, once per process; the rest in
 * a transaction.
 * Effects: defines GUCs.
 * Does not: reserve the prefix `seoulchain`; _PG_init does when every room
 * has defined its own.
 */
#include "postgres.h"

#include "ledger/settings.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(sc_check_encoding);

char	   *sc_default_chain = NULL;
bool		sc_restore = false;

static int	sign_profile = SC_PROFILE_ANY;

static const struct config_enum_entry profile_options[] = {
	{"any", SC_PROFILE_ANY, false},
	{"kcmvp", SC_PROFILE_KCMVP, false},
	{NULL, 0, false}
};

ScProfile
sc_sign_profile(void)
{
	return (ScProfile) sign_profile;
}

bool
sc_chain_name_ok(const char *name)
{
	size_t		len = strlen(name);

	return len > 0 && len < NAMEDATALEN &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len &&
		strcmp(name, "witness") != 0;
}

/* check hook of seoulchain.default_chain */
static bool
check_default_chain(char **newval, void **extra, GucSource source)
{
	if (sc_chain_name_ok(*newval))
		return true;
	GUC_check_errdetail("Chain names consist of a-z, 0-9, \"_\" and \"-\", at most 63 of them; \"witness\" is reserved.");
	return false;
}

void
sc_settings_init(void)
{
	DefineCustomStringVariable("seoulchain.default_chain",
							   "Chain that new ledger tables join.",
							   "It is created with its first table.",
							   &sc_default_chain, SC_DEFAULT_CHAIN,
							   PGC_USERSET, 0,
							   check_default_chain, NULL, NULL);
	DefineCustomBoolVariable("seoulchain.restore",
							 "Loads a dump: rows keep their ledger_seq and nothing is recorded.",
							 "Refused for tables of an open chain.",
							 &sc_restore, false,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomEnumVariable("seoulchain.sign_profile",
							 "Which signature algorithms are made and accepted.",
							 "With kcmvp only ECDSA P-256 and RSA-PSS with SHA-2, for rows, checkpoints and cosignatures alike.",
							 &sign_profile, SC_PROFILE_ANY, profile_options,
							 PGC_SIGHUP, 0,
							 NULL, NULL, NULL);
}

void
sc_require_encoding(void)
{
	if (GetDatabaseEncoding() != PG_UTF8)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("ledger tables need a database with encoding UTF8"),
				 errdetail("This database has encoding %s.", GetDatabaseEncodingName()),
				 errhint("CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0;")));
}

/*
 * seoulchain.check_encoding() returns void
 *
 * For the install script.  Errors: FEATURE_NOT_SUPPORTED unless the database
 * is UTF8.
 */
Datum
sc_check_encoding(PG_FUNCTION_ARGS)
{
	sc_require_encoding();
	PG_RETURN_VOID();
}
