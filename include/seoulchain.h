/*
 * seoulchain.h
 *	  The only header of Seoulchain that a service may include.
 *
 * What stands here is a promise to code outside the project: names and
 * meanings stay, additions come at the end.  Plain C: rules that stay within
 * it run in the server, in replays and in seoulchain-verify alike.
 */
#ifndef SEOULCHAIN_H
#define SEOULCHAIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* format version of leaves, blocks and journals that this release writes */
#define SEOULCHAIN_FORMAT_VERSION 1

/*
 * Rules: docs/contract.md, "Writing your own rule".
 *
 * A rule judges one row of a ledger table.  It sees the texts of the columns
 * that its parameters name (as leaves hold them), the time at which the row
 * was accepted, and the state that it keeps under keys of its own.  It must be
 * a pure function of these: no clock, no random, no locale, no floating point,
 * no tables, no static variables, or a replay elsewhere gives other answers.
 */
#define SEOULCHAIN_RULE_ABI 1

typedef enum ScRuleType
{
	SC_RULE_TEXT,				/* any text */
	SC_RULE_BOOLEAN,			/* true or false */
	SC_RULE_INTEGER,			/* a whole number of 64 bits */
	SC_RULE_DECIMAL,			/* an exact number: -12.50 */
	SC_RULE_TIME,				/* an instant with its offset: 2026-06-03T06:00:00+09:00 */
	SC_RULE_COLUMN,				/* a column of the table; the rule gets its value */
	SC_RULE_COLUMNS,			/* an array of one or more columns */
	SC_RULE_LIST,				/* an array of one or more texts */
	SC_RULE_RECORDS				/* an array of one or more objects with the parameter's fields */
} ScRuleType;

typedef struct ScRuleParam
{
	const char *name;			/* NULL ends the list */
	ScRuleType	type;
	bool		required;
	const char *initial;		/* a scalar's value when it is not given; NULL = none */
	const char *const *fields;	/* of SC_RULE_RECORDS, NULL at the end; "name?" may be left out */
	const char *meaning;		/* one phrase for messages and views */
} ScRuleParam;

/* a parameter as the contract gives it; the order is that of the rule's params */
typedef struct ScRuleArg
{
	bool		given;			/* in the contract, or by `initial` */
	const char *text;			/* scalars and SC_RULE_COLUMN: as given */
	int64_t		number;			/* INTEGER; BOOLEAN 0 or 1; TIME microseconds since 1970-01-01 UTC */
	int			nitems;			/* COLUMNS, LIST; RECORDS: how many records */
	const char *const *items;	/* record r has field f at items[r * nfields + f], NULL when left out */
	int			nfields;
	int			first_value;	/* COLUMN and COLUMNS: where its values begin */
} ScRuleArg;

typedef struct ScRule ScRule;
typedef struct ScRuleHost ScRuleHost;

/* one row in front of one rule */
typedef struct ScRuleCall
{
	const ScRule *rule;
	const ScRuleArg *args;
	const char *const *values;	/* of the columns that the parameters name; NULL = null */
	int64_t		time;			/* acceptance time, microseconds since 1970-01-01 UTC */
	int64_t		ledger_seq;		/* in effect; 0 in lock and check */
	const ScRuleHost *host;
} ScRuleCall;

struct ScRule
{
	int			abi;			/* SEOULCHAIN_RULE_ABI */
	const char *name;
	const char *version;
	const char *source_digest;	/* lower hex SHA-256 of the sources, put in by the build */
	const char *meaning;
	const ScRuleParam *params;

	/* does effect add to keys that lock did not name? */
	bool		sums;

	/*
	 * Are the arguments good together?  No values, no state.  May be NULL.
	 * false after sc_rule_refuse(), as for check.
	 */
	bool		(*accept) (ScRuleCall *call);
	/* names the keys that check will get, with sc_rule_lock(); may be NULL */
	void		(*lock) (ScRuleCall *call);
	/* true, or false after sc_rule_refuse() */
	bool		(*check) (ScRuleCall *call);

	/*
	 * Changes the rule's state after the row has got its ledger_seq; may be
	 * NULL.  It must take any row: those of the time before the contract
	 * were never checked.
	 */
	void		(*effect) (ScRuleCall *call);
};

/*
 * What the host does for a rule; use the functions below.  Texts that it
 * returns live until the call ends.
 */
struct ScRuleHost
{
	const char *(*key) (ScRuleCall *call, const char *const *parts, int nparts);
	void		(*lock) (ScRuleCall *call, const char *key);
	const char *(*get) (ScRuleCall *call, const char *key);
	void		(*put) (ScRuleCall *call, const char *key, const char *value);
	void		(*add) (ScRuleCall *call, const char *key, const char *amount);
	__attribute__((format(printf, 2, 0)))
	const char *(*text) (ScRuleCall *call, const char *format, va_list args);
	void		(*refuse) (ScRuleCall *call, const char *code, const char *message);
	void		(*explain) (ScRuleCall *call, const char *detail, const char *hint);
	bool		(*decimal) (const char *text);
	int			(*compare) (const char *a, const char *b);
	const char *(*sum) (ScRuleCall *call, const char *a, const char *b);
	bool		(*time) (const char *text, int64_t *time);
	const char *(*time_text) (ScRuleCall *call, int64_t time);
	void		(*pulse) (ScRuleCall *call);
};

/* the row's value of the i-th column of a parameter; NULL = null, or not given */
static inline const char *
sc_rule_value(const ScRuleCall *call, int param, int i)
{
	return call->args[param].given ? call->values[call->args[param].first_value + i] : NULL;
}

/* a key of the rule's state from its parts */
static inline const char *
sc_rule_key(ScRuleCall *call, const char *const *parts, int nparts)
{
	return call->host->key(call, parts, nparts);
}

/* only in lock: the key is the row's until its transaction ends */
static inline void
sc_rule_lock(ScRuleCall *call, const char *key)
{
	call->host->lock(call, key);
}

/* in check and effect, for keys that lock named: what is kept, or NULL */
static inline const char *
sc_rule_get(ScRuleCall *call, const char *key)
{
	return call->host->get(call, key);
}

/* only in effect, for keys that lock named */
static inline void
sc_rule_put(ScRuleCall *call, const char *key, const char *value)
{
	call->host->put(call, key, value);
}

/*
 * Only in effect: adds to a decimal (none is 0).  For a rule that `sums` the
 * key need not be locked: then nobody waits, and who locks it later gets the sum.
 */
static inline void
sc_rule_add(ScRuleCall *call, const char *key, const char *amount)
{
	call->host->add(call, key, amount);
}

/* printf into a text of the call; no floating point */
__attribute__((format(printf, 2, 3)))
static inline const char *
sc_rule_text(ScRuleCall *call, const char *format,...)
{
	va_list		args;
	const char *text;

	va_start(args, format);
	text = call->host->text(call, format, args);
	va_end(args);
	return text;
}

/*
 * The reason why a row is refused: a short code for programs and a message
 * that says what is wrong with its values.  Returns false.
 */
__attribute__((format(printf, 3, 4)))
static inline bool
sc_rule_refuse(ScRuleCall *call, const char *code, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	call->host->refuse(call, code, call->host->text(call, format, args));
	va_end(args);
	return false;
}

/* facts and what would be accepted; either may be NULL */
static inline void
sc_rule_explain(ScRuleCall *call, const char *detail, const char *hint)
{
	call->host->explain(call, detail, hint);
}

/* exact decimals: is it one; <0, 0, >0 of two; their sum in shortest form */
static inline bool
sc_rule_is_decimal(const ScRuleCall *call, const char *text)
{
	return call->host->decimal(text);
}

static inline int
sc_rule_compare(const ScRuleCall *call, const char *a, const char *b)
{
	return call->host->compare(a, b);
}

static inline const char *
sc_rule_sum(ScRuleCall *call, const char *a, const char *b)
{
	return call->host->sum(call, a, b);
}

/* for long loops: a cancelled statement, or one over its time, ends here */
static inline void
sc_rule_pulse(ScRuleCall *call)
{
	call->host->pulse(call);
}

/* instants: from the text of a timestamptz, and back */
static inline bool
sc_rule_read_time(const ScRuleCall *call, const char *text, int64_t *time)
{
	return call->host->time(text, time);
}

static inline const char *
sc_rule_time_text(ScRuleCall *call, int64_t time)
{
	return call->host->time_text(call, time);
}

/*
 * The one function that a library named in seoulchain.rule_libraries exports:
 * its rules, NULL at the end.  Use SEOULCHAIN_RULES.
 */
typedef const ScRule *const *(*ScRulesFunction) (void);

#define SEOULCHAIN_RULES(...) \
	extern __attribute__((visibility("default"))) const ScRule *const *seoulchain_rules(void); \
	const ScRule *const * \
	seoulchain_rules(void) \
	{ \
		static const ScRule *const rules[] = {__VA_ARGS__, NULL}; \
	\
		return rules; \
	} \
	extern const ScRule *const *seoulchain_rules(void)

#endif							/* SEOULCHAIN_H */
