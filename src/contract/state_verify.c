/*
 * state_verify.c
 *	  verify()'s look at what rules keep.
 *
 * Invariant: rows and state are read under verify()'s snapshot; each key that
 * differs is one fault of the table, with "contract, rule, key, value" as
 * text in expected and found.
 * A rule that is not available here, or raises, makes one fault that says so:
 * verification goes on.
 */
#include "postgres.h"

#include "contract/state_verify.h"

#include "access/xact.h"
#include "contract/fold.h"
#include "contract/followed_state.h"
#include "ledger/target.h"
#include "lib/stringinfo.h"
#include "proof/verify.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

typedef struct Report
{
	ScVerify   *v;
	const ScVerifyChain *chain;
	const ScVerifyTable *table;
} Report;

static void
add_fault(const Report *report, const char *expected, const char *found)
{
	ScFault		fault = sc_verify_fault(report->chain, SC_FAULT_STATE_DIFFERS);

	fault.relation = report->table->relid;
	fault.expected = expected;
	fault.expectedlen = expected ? strlen(expected) : 0;
	fault.found = found;
	fault.foundlen = found ? strlen(found) : 0;
	sc_faults_add(report->v->faults, &fault);
}

/* contract rule key value; NULL when there is no value */
static char *
describe(const ScStateDifference *difference, const char *value)
{
	if (value == NULL)
		return NULL;
	return psprintf("%s %s %s %s", difference->rule->contract, difference->rule->rule->name, difference->key, value);
}

/* does the rule keep state here?  On a copy it does from the first block on that needed it. */
static bool
keeps_state(const Report *report, int32 rule_id)
{
	ScTarget	target;

	return !sc_target_find(report->table->rel, &target) || !target.copy || sc_followed_marked(rule_id);
}

static void
report_difference(void *arg, const ScStateDifference *difference)
{
	if (!keeps_state(arg, difference->rule->rule_id))
		return;
	add_fault(arg, describe(difference, difference->expected), describe(difference, difference->found));
}

static void
compare_table(Report *report)
{
	const ScTableRules *rules = sc_table_rules(report->table->rel, report->table->table_id);
	ScFold	   *fold;

	if (rules->nrules == 0)
		return;
	fold = sc_fold_table(report->table->rel, rules, report->v->snapshot);
	sc_fold_compare(fold, report->v->snapshot, report_difference, report);
}

/* what an error says, after its subtransaction is gone */
static char *
take_message(MemoryContext context, ResourceOwner owner)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_OUT_OF_MEMORY)
		PG_RE_THROW();
	FlushErrorState();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error->message;
}

/* compares in a subtransaction, which an error ends; the message, or NULL */
static char *
try_compare(Report *report, MemoryContext context)
{
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile message = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		compare_table(report);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		message = take_message(context, owner);
	}
	PG_END_TRY();
	return message;
}

static void
verify_state(ScVerify *v, const ScVerifyChain *chain, const ScVerifyTable *table)
{
	MemoryContext context;
	MemoryContext old;
	Report		report = {v, chain, table};
	char	   *message;

	/* of a copy, state follows the blocks that were checked, not the rows that have come */
	if (chain->copy || !sc_table_has_rules(table->table_id))
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain state verify", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	message = try_compare(&report, context);
	if (message != NULL)
		add_fault(&report, NULL, message);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
sc_state_verify_init(void)
{
	sc_verify_state_hook = verify_state;
}
