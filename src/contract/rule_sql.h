/*
 * rule_sql.h
 *	  The rule `sql`: a function in SQL or PL/pgSQL judges rows, for prototypes.
 */
#ifndef SC_CONTRACT_RULE_SQL_H
#define SC_CONTRACT_RULE_SQL_H

#include "core/rule.h"

/*
 * Only for the server, and only on chains that are not shared: what the function
 * does is pinned by nothing, and no other program can repeat it.
 */
extern const ScRule sc_rule_sql;

#endif							/* SC_CONTRACT_RULE_SQL_H */
