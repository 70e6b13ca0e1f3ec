/*
 * life.h
 *	  What the steps of a contract's life share.
 */
#ifndef SC_CONTRACT_LIFE_H
#define SC_CONTRACT_LIFE_H

#include "postgres.h"

#include "contract/bind.h"
#include "contract/store.h"
#include "ledger/registry.h"

/* a version by its number; an error when there is none */
extern ScContractVersion *sc_version_require(const ScContract *contract, const List *versions, int32 number);

/* the version that was activated last, whether it has an end or not; NULL when none was */
extern ScContractVersion *sc_version_last(const List *versions);

/* the same if it has no end, else NULL */
extern ScContractVersion *sc_version_standing(const List *versions);

/*
 * Errors unless the quorum of every policy that counts has approved: the
 * version's own, and that of the version activated last (NULL: none).  An
 * approval that its event does not bear out is an error too.
 */
extern void sc_approvals_require(const ScChain *chain, const ScContract *contract, const ScContractVersion *version,
								 const char *action, const ScContractVersion *last);

/*
 * Waits until nobody else has inserted into the tables without committing,
 * and keeps inserters waiting until the transaction ends.  List of table_ids.
 * Errors unless the caller owns every one of them.
 */
extern void sc_contract_lock_tables(const ScContract *contract, const List *table_ids);

/* has every session look again which rules the tables have */
extern void sc_contract_rules_changed(const List *table_ids);

/* table_ids of a version's rules as they were activated */
extern List *sc_version_tables(const ScContractVersion *version);

/* the time from which a change counts: wanted, or now; an error when wanted has passed.  Call it after the locks. */
extern TimestampTz sc_contract_time(bool given, TimestampTz wanted, const char *what);

#endif							/* SC_CONTRACT_LIFE_H */
