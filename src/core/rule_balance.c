/*
 * rule_balance.c
 *	  balance: a token moves between accounts, is issued and burnt; nobody goes below zero.
 *
 * State: account -> balance.  A row takes from one account what it gives to
 * another; without payer it issues, without payee it burns, so the sum of all
 * balances is what was issued and not burnt.
 * Only the payer's account is locked: everybody can pay into one account at once.
 */
#include <string.h>

#include "core/rule.h"
#include "rule_digest.h"

enum
{
	PAYER,
	PAYEE,
	AMOUNT,
	TOKEN,
	SCALE,
	ACTOR,
	ISSUERS
};

static const ScRuleParam params[] = {
	{"from", SC_RULE_COLUMN, true, NULL, NULL, "column of the paying account; null issues"},
	{"to", SC_RULE_COLUMN, true, NULL, NULL, "column of the account paid; null burns"},
	{"amount", SC_RULE_COLUMN, true, NULL, NULL, "column of the amount, greater than zero"},
	{"token", SC_RULE_COLUMN, false, NULL, NULL, "column of the kind of token, when there are several"},
	{"scale", SC_RULE_INTEGER, false, NULL, NULL, "digits that an amount may have behind the point"},
	{"actor", SC_RULE_COLUMN, false, NULL, NULL, "column of who issues or burns"},
	{"issuers", SC_RULE_LIST, false, NULL, NULL, "the actors who may issue and burn"},
	{0}
};

static bool
accept(ScRuleCall *call)
{
	if (call->args[ACTOR].given != call->args[ISSUERS].given)
		return sc_rule_refuse(call, "actor", "\"actor\" and \"issuers\" go together");
	if (call->args[SCALE].given && (call->args[SCALE].number < 0 || call->args[SCALE].number > 1000))
		return sc_rule_refuse(call, "scale", "\"scale\" is not between 0 and 1000");
	return true;
}

static const char *
account_key(ScRuleCall *call, const char *account)
{
	const char *parts[] = {account, sc_rule_value(call, TOKEN, 0)};

	return sc_rule_key(call, parts, call->args[TOKEN].given ? 2 : 1);
}

/* a decimal, or NULL */
static const char *
amount_of(const ScRuleCall *call)
{
	const char *amount = sc_rule_value(call, AMOUNT, 0);

	return amount && sc_rule_is_decimal(call, amount) ? amount : NULL;
}

static const char *
negated(ScRuleCall *call, const char *amount)
{
	return *amount == '-' ? amount + 1 : sc_rule_text(call, "-%s", amount);
}

static void
lock(ScRuleCall *call)
{
	const char *payer = sc_rule_value(call, PAYER, 0);

	if (payer)
		sc_rule_lock(call, account_key(call, payer));
}

/* is the amount one that can be paid? */
static bool
check_amount(ScRuleCall *call)
{
	const char *name = call->args[AMOUNT].text;
	const char *amount = amount_of(call);
	const ScRuleArg *scale = &call->args[SCALE];
	const char *point;

	if (amount == NULL || sc_rule_compare(call, amount, "0") <= 0)
	{
		sc_rule_explain(call, NULL, "A decimal number greater than zero is accepted.");
		return sc_rule_refuse(call, "amount", "\"%s\" is %s", name,
							  sc_rule_value(call, AMOUNT, 0) ? sc_rule_value(call, AMOUNT, 0) : "null");
	}
	point = strchr(sc_rule_sum(call, amount, "0"), '.');
	if (!scale->given || point == NULL || (int64_t) strlen(point + 1) <= scale->number)
		return true;
	sc_rule_explain(call, NULL, sc_rule_text(call, "At most %s digits behind the point are accepted.", scale->text));
	return sc_rule_refuse(call, "scale", "\"%s\" is %s, which is too fine", name, amount);
}

static bool
is_issuer(const ScRuleCall *call, const char *actor)
{
	const ScRuleArg *issuers = &call->args[ISSUERS];

	for (int i = 0; actor && i < issuers->nitems; i++)
	{
		if (strcmp(issuers->items[i], actor) == 0)
			return true;
	}
	return false;
}

/* the issuers, for the hint */
static const char *
issuers_text(ScRuleCall *call)
{
	const ScRuleArg *issuers = &call->args[ISSUERS];
	const char *text = "Accepted from:";

	for (int i = 0; i < issuers->nitems; i++)
		text = sc_rule_text(call, "%s%s \"%s\"", text, i > 0 ? "," : "", issuers->items[i]);
	return sc_rule_text(call, "%s.", text);
}

/* may this row make or end tokens? */
static bool
check_issue(ScRuleCall *call, bool issues)
{
	const char *actor = sc_rule_value(call, ACTOR, 0);

	if (!call->args[ISSUERS].given || is_issuer(call, actor))
		return true;
	sc_rule_explain(call, NULL, issuers_text(call));
	if (actor == NULL)
		return sc_rule_refuse(call, "not_issuer", "\"%s\" is null, so nobody %s the tokens",
							  call->args[ACTOR].text, issues ? "issues" : "burns");
	return sc_rule_refuse(call, "not_issuer", "\"%s\" may not %s tokens", actor, issues ? "issue" : "burn");
}

static bool
check_funds(ScRuleCall *call, const char *payer)
{
	const char *amount = amount_of(call);
	const char *balance = sc_rule_get(call, account_key(call, payer));

	if (balance == NULL)
		balance = "0";
	if (sc_rule_compare(call, balance, amount) >= 0)
		return true;
	sc_rule_explain(call, sc_rule_text(call, "The balance is %s; %s is missing.", balance,
									   sc_rule_sum(call, amount, negated(call, balance))),
					sc_rule_compare(call, balance, "0") > 0 ?
					sc_rule_text(call, "An amount of at most %s is accepted.", balance) :
					"The account has to be paid first.");
	return sc_rule_refuse(call, "insufficient", "account \"%s\" cannot pay %s", payer, amount);
}

static bool
check(ScRuleCall *call)
{
	const char *payer = sc_rule_value(call, PAYER, 0);
	const char *payee = sc_rule_value(call, PAYEE, 0);

	if (payer == NULL && payee == NULL)
	{
		sc_rule_explain(call, NULL, sc_rule_text(call, "Without \"%s\" a row issues, without \"%s\" it burns.",
												 call->args[PAYER].text, call->args[PAYEE].text));
		return sc_rule_refuse(call, "no_account", "\"%s\" and \"%s\" are both null",
							  call->args[PAYER].text, call->args[PAYEE].text);
	}
	if (call->args[TOKEN].given && sc_rule_value(call, TOKEN, 0) == NULL)
	{
		sc_rule_explain(call, NULL, "Say which kind of token moves.");
		return sc_rule_refuse(call, "token", "\"%s\" is null", call->args[TOKEN].text);
	}
	return check_amount(call) &&
		((payer && payee) || check_issue(call, payer == NULL)) &&
		(payer == NULL || check_funds(call, payer));
}

static void
effect(ScRuleCall *call)
{
	const char *payer = sc_rule_value(call, PAYER, 0);
	const char *payee = sc_rule_value(call, PAYEE, 0);
	const char *amount = amount_of(call);

	if (amount == NULL)
		return;
	if (payer)
		sc_rule_add(call, account_key(call, payer), negated(call, amount));
	if (payee)
		sc_rule_add(call, account_key(call, payee), amount);
}

const ScRule sc_rule_balance = {
	.abi = SEOULCHAIN_RULE_ABI,
	.name = "balance",
	.version = "1",
	.source_digest = SC_DIGEST_RULE_BALANCE,
	.meaning = "a token moves, is issued and burnt; nobody goes below zero",
	.params = params,
	.sums = true,
	.accept = accept,
	.lock = lock,
	.check = check,
	.effect = effect
};
