/*
 * rule.h
 *	  Rules at work: built-in ones, their arguments, a row in front of one, state in memory.
 *
 * What a rule is stands in include/seoulchain.h.  The same code runs on the
 * insert path with state in tables, in replays and in seoulchain-verify with
 * state in memory: only the ScRuleStore differs.
 */
#ifndef SC_CORE_RULE_H
#define SC_CORE_RULE_H

#include "core/buf.h"
#include "core/json.h"
#include "core/status.h"
#include "seoulchain.h"

/* the built-in rules, by name, NULL at the end */
extern const ScRule *const *sc_rule_builtin(void);

extern const ScRule sc_rule_balance;
extern const ScRule sc_rule_monotonic;
extern const ScRule sc_rule_one_per;
extern const ScRule sc_rule_quota;
extern const ScRule sc_rule_transition;
extern const ScRule sc_rule_window;

/* appends what the rule takes: "key: array of columns, required; ..." */
extern void sc_rule_describe(ScBuf *buf, const ScRule *rule);

/* what is wrong with a row or a parameter */
typedef struct ScRuleProblem
{
	bool		refused;
	ScBuf		code;
	ScBuf		message;
	ScBuf		detail;			/* may be empty */
	ScBuf		hint;			/* may be empty */
} ScRuleProblem;

#define SC_RULE_PROBLEM_INIT {false, SC_BUF_INIT, SC_BUF_INIT, SC_BUF_INIT, SC_BUF_INIT}

extern void sc_rule_problem_reset(ScRuleProblem *problem);
extern void sc_rule_problem_free(ScRuleProblem *problem);
/* appends {"code":..[,"detail":..][,"hint":..],"message":..}: the verdict's canonical text */
extern void sc_rule_problem_json(ScBuf *buf, const ScRuleProblem *problem);

/* arguments of one use of a rule, in one piece of memory */
typedef struct ScRuleArgs
{
	const ScRule *rule;
	ScRuleArg  *args;
	int			nvalues;
	const char **columns;		/* nvalues ledger names: whose texts the rule gets */
	void	   *memory;
} ScRuleArgs;

/*
 * Reads a rule's parameters: a JSON object whose scalars are strings.  SC_OK;
 * SC_MALFORMED with the problem told: unknown or missing parameter, wrong
 * type, arguments that do not go together; SC_NO_MEMORY.
 */
extern SC_WARN_UNUSED ScStatus sc_rule_args_parse(ScRuleArgs **out, const ScRule *rule, const ScJson *parameters,
												  ScRuleProblem *problem);
extern void sc_rule_args_free(ScRuleArgs *args);

/* SC_OK when every column that the arguments name is in the list, else SC_MALFORMED with the problem told */
extern SC_WARN_UNUSED ScStatus sc_rule_args_columns(const ScRuleArgs *args, const char *const *columns, int ncolumns,
													ScRuleProblem *problem);

/* where the state of one use of a rule is kept; keys and values are texts */
typedef struct ScRuleStore
{
	void		(*lock) (struct ScRuleStore *store, const char *key);
	/* valid until the store is called again; NULL when nothing is kept */
	const char *(*get) (struct ScRuleStore *store, const char *key);
	void		(*put) (struct ScRuleStore *store, const char *key, const char *value);
	void		(*add) (struct ScRuleStore *store, const char *key, const char *amount);
	/* a good moment to stop; may be NULL, may not return */
	void		(*pulse) (struct ScRuleStore *store);
	bool		failed;			/* out of memory: what it holds is not to be used */
} ScRuleStore;

typedef enum ScRulePhase
{
	SC_RULE_ACCEPT,
	SC_RULE_LOCK,
	SC_RULE_CHECK,
	SC_RULE_EFFECT
} ScRulePhase;

/* one row in front of one rule; reused for the next row */
typedef struct ScRuleRun
{
	ScRuleCall	call;			/* first: the host finds the run by it */
	ScRuleStore *store;
	ScRulePhase phase;
	bool		misused;		/* the rule called what the phase does not allow */
	bool		failed;			/* out of memory */
	ScRuleProblem problem;
	struct ScRuleText *texts;	/* texts made for the rule */
	ScBuf		scratch;
} ScRuleRun;

extern void sc_rule_run_init(ScRuleRun *run);
extern void sc_rule_run_free(ScRuleRun *run);

/*
 * Calls the rule for one phase.  SC_OK, run->problem.refused says whether the
 * row is refused; SC_INTERNAL when the rule broke the rules for rules;
 * SC_NO_MEMORY.  `values` has args->nvalues texts, NULL for null.
 */
extern SC_WARN_UNUSED ScStatus sc_rule_run(ScRuleRun *run, ScRulePhase phase, const ScRuleArgs *args, ScRuleStore *store,
										   const char *const *values, int64_t time, int64_t ledger_seq);

/* state in memory */
typedef struct ScRuleMemory
{
	ScRuleStore store;			/* first */
	size_t		count;
	size_t		nbuckets;
	struct ScRuleEntry **buckets;
	ScBuf		sum;
} ScRuleMemory;

/* false when there is no memory */
extern bool sc_rule_memory_init(ScRuleMemory *memory);
extern void sc_rule_memory_free(ScRuleMemory *memory);

/* the next key in no particular order; start with *cursor = {0} */
typedef struct ScRuleCursor
{
	size_t		bucket;
	struct ScRuleEntry *entry;
} ScRuleCursor;

extern bool sc_rule_memory_next(ScRuleMemory *memory, ScRuleCursor *cursor, const char **key, const char **value);
/* forgets a key, if it is there */
extern void sc_rule_memory_remove(ScRuleMemory *memory, const char *key);

#endif							/* SC_CORE_RULE_H */
