/*
 * share_check.c
 *	  Can other nodes check everything that a chain holds?
 *
 * Invariant: what is refused here is refused on chains that are shared
 * already: by contract/bind.c and ledger/reconcile.c.
 * Context: a transaction; reads the latest state.
 * Effects: errors.
 */
#include "postgres.h"

#include "network/share_check.h"

#include "contract/definition.h"
#include "contract/rule_sql.h"
#include "compat.h"
#include "contract/store.h"

static void refuse(const ScChain *chain, const char *detail, const char *hint) SC_NORETURN;

static void
refuse(const ScChain *chain, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("chain \"%s\" cannot be shared", chain->name),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

/* does the version have a rule that only this node can repeat? */
static bool
has_sql_rule(const ScContractVersion *version)
{
	ListCell   *cell;
	ListCell   *rule_cell;

	foreach(cell, sc_definition_parse(version->definition)->tables)
	{
		foreach(rule_cell, ((ScDefTable *) lfirst(cell))->rules)
		{
			if (strcmp(((ScDefRule *) lfirst(rule_cell))->name, sc_rule_sql.name) == 0)
				return true;
		}
	}
	return false;
}

/* rules in SQL judged rows, or may */
static void
check_rules(const ScChain *chain)
{
	ListCell   *cell;
	ListCell   *version_cell;

	foreach(cell, sc_contract_list(chain->chain_id))
	{
		const ScContract *contract = lfirst(cell);

		foreach(version_cell, sc_contract_versions(contract->contract_id))
		{
			const ScContractVersion *version = lfirst(version_cell);

			if (has_sql_rule(version))
				refuse(chain, psprintf("Version %d of contract \"%s\" has a rule in SQL, which no other node can repeat.",
									   version->version, contract->name),
					   "Rules in SQL are for prototypes: create another chain for what others shall follow.");
		}
	}
}

/* rows that are gone cannot be sent */
static void
check_tables(const ScChain *chain)
{
	ListCell   *cell;

	foreach(cell, sc_ledger_list(chain->chain_id))
	{
		const ScLedgerTable *table = lfirst(cell);

		if (table->dropped_seq != 0)
			refuse(chain, psprintf("Table \"%s\" was dropped, and nobody can check blocks without the rows in them.",
								   table->ledger_name),
				   "Create another chain for what others shall follow.");
	}
}

void
sc_share_check(const ScChain *chain)
{
	if (chain->log_key == NULL)
		refuse(chain, "It has no key: it was made before this database became a node.",
			   "SELECT seoulchain.create_chain('...'); makes one with a key.");
	check_rules(chain);
	check_tables(chain);
}
