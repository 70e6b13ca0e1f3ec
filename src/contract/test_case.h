/*
 * test_case.h
 *	  Test cases of a definition.
 */
#ifndef SC_CONTRACT_TEST_CASE_H
#define SC_CONTRACT_TEST_CASE_H

#include "postgres.h"

#include "contract/bind.h"

/*
 * Runs every test case: its rows are judged one after the other, from empty
 * state, as rows 1, 2, ... of the ledger; a refused row takes no effect.  An
 * error at the first answer that differs by a byte.
 */
extern void sc_test_cases_run(const ScBound *bound);

#endif							/* SC_CONTRACT_TEST_CASE_H */
