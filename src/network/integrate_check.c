/*
 * integrate_check.c
 *	  The checks that other files add to integration.
 *
 * Invariant: checks are added while libraries are preloaded, so that every
 * process has the same.
 */
#include "postgres.h"

#include "network/integrate_check.h"

#define MAX_CHECKS 8

static ScIntegrateCheck checks[MAX_CHECKS];
static int	nchecks = 0;

void
sc_integrate_check_register(ScIntegrateCheck check)
{
	if (nchecks == MAX_CHECKS)
		elog(ERROR, "too many checks of integrated blocks");
	checks[nchecks++] = check;
}

void
sc_integrate_run_checks(ScIntegrateBlock *block)
{
	for (int i = 0; i < nchecks && block->wait == NULL; i++)
		checks[i] (block);
}

void
sc_integrate_finding(ScIntegrateBlock *block, int64 ledger_seq, const char *fault, bool proof,
					 const char *detail, const char *evidence)
{
	ScFinding  *finding = palloc0(sizeof(ScFinding));

	finding->origin = pstrdup(block->chain->origin);
	finding->height = block->block->height;
	finding->ledger_seq = ledger_seq;
	finding->fault = pstrdup(fault);
	finding->proof = proof;
	finding->detail = pstrdup(detail);
	finding->evidence = evidence ? pstrdup(evidence) : NULL;
	block->findings = lappend(block->findings, finding);
}

void
sc_integrate_wait(ScIntegrateBlock *block, const char *why)
{
	if (block->wait == NULL)
		block->wait = pstrdup(why);
}
