/*
 * rule_run.c
 *	  A row in front of a rule: what the host does for the rule.
 *
 * Invariant: nothing here depends on machine, locale or time, so the same row,
 * arguments and state give the same verdict to the byte everywhere.
 * Keys are canonical JSON arrays of their parts; long ones stand by their hash,
 * so that they fit into an index.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/decimal.h"
#include "core/hash.h"
#include "core/instant.h"
#include "core/rule.h"
#include "core/text.h"

/* more bytes than this of a message are cut off: it names values, it does not carry them */
#define MESSAGE_MAX 1000
#define KEY_MAX 400

/* a piece of memory for texts; the first piece is kept from row to row */
struct ScRuleText
{
	struct ScRuleText *next;
	size_t		used;
	size_t		size;
	char		data[];
};

#define TEXT_PIECE 8000

void
sc_rule_problem_reset(ScRuleProblem *problem)
{
	problem->refused = false;
	sc_buf_reset(&problem->code);
	sc_buf_reset(&problem->message);
	sc_buf_reset(&problem->detail);
	sc_buf_reset(&problem->hint);
}

void
sc_rule_problem_free(ScRuleProblem *problem)
{
	sc_buf_free(&problem->code);
	sc_buf_free(&problem->message);
	sc_buf_free(&problem->detail);
	sc_buf_free(&problem->hint);
}

static void
append_member(ScBuf *buf, const char *name, const ScBuf *value)
{
	if (value->len == 0)
		return;
	sc_buf_string(buf, name);
	sc_json_string(buf, value->data, value->len);
}

void
sc_rule_problem_json(ScBuf *buf, const ScRuleProblem *problem)
{
	append_member(buf, "{\"code\":", &problem->code);
	append_member(buf, ",\"detail\":", &problem->detail);
	append_member(buf, ",\"hint\":", &problem->hint);
	append_member(buf, ",\"message\":", &problem->message);
	sc_buf_char(buf, '}');
}

/* room for len bytes that lives until the next row; "" without memory */
static char *
take_room(ScRuleRun *run, size_t len)
{
	static char empty[1];
	struct ScRuleText *piece = run->texts;

	if (piece == NULL || piece->size - piece->used < len)
	{
		size_t		size = len > TEXT_PIECE ? len : TEXT_PIECE;

		piece = malloc(sizeof(*piece) + size);
		if (piece == NULL)
		{
			run->failed = true;
			return empty;
		}
		piece->size = size;
		piece->used = 0;
		piece->next = run->texts;
		run->texts = piece;
	}
	piece->used += len;
	return piece->data + piece->used - len;
}

static const char *
keep_bytes(ScRuleRun *run, const char *data, size_t len)
{
	char	   *text = run->failed ? NULL : take_room(run, len + 1);

	if (run->failed)
		return "";
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	return text;
}

static const char *
keep(ScRuleRun *run, const ScBuf *buf)
{
	if (buf->failed)
		run->failed = true;
	return keep_bytes(run, buf->data, buf->len);
}

/* before anything is allocated: it may not come back */
static void
host_pulse(ScRuleCall *call)
{
	ScRuleRun  *run = (ScRuleRun *) call;

	if (run->store && run->store->pulse)
		run->store->pulse(run->store);
}

static const char *
host_key(ScRuleCall *call, const char *const *parts, int nparts)
{
	ScRuleRun  *run = (ScRuleRun *) call;
	ScBuf	   *buf = &run->scratch;
	ScHash		hash;

	host_pulse(call);
	sc_buf_reset(buf);
	for (int i = 0; i < nparts; i++)
	{
		sc_buf_char(buf, i == 0 ? '[' : ',');
		if (parts[i])
			sc_json_string(buf, parts[i], strlen(parts[i]));
		else
			sc_buf_literal(buf, "null");
	}
	sc_buf_char(buf, ']');
	if (buf->len > KEY_MAX && !buf->failed)
	{
		sc_hash_bytes(&hash, buf->data, buf->len);
		sc_buf_reset(buf);
		sc_buf_literal(buf, "sha256:");
		sc_buf_hex(buf, hash.bytes, SC_HASH_LEN);
	}
	return keep(run, buf);
}

/* may the rule do this now? */
static bool
allowed(ScRuleRun *run, bool yes)
{
	if (!yes)
		run->misused = true;
	return yes && !run->failed;
}

static void
host_lock(ScRuleCall *call, const char *key)
{
	ScRuleRun  *run = (ScRuleRun *) call;

	if (allowed(run, run->phase == SC_RULE_LOCK))
		run->store->lock(run->store, key);
}

static const char *
host_get(ScRuleCall *call, const char *key)
{
	ScRuleRun  *run = (ScRuleRun *) call;
	const char *value;

	if (!allowed(run, run->phase == SC_RULE_CHECK || run->phase == SC_RULE_EFFECT))
		return NULL;
	value = run->store->get(run->store, key);
	return value ? keep_bytes(run, value, strlen(value)) : NULL;
}

static void
host_put(ScRuleCall *call, const char *key, const char *value)
{
	ScRuleRun  *run = (ScRuleRun *) call;

	if (allowed(run, run->phase == SC_RULE_EFFECT))
		run->store->put(run->store, key, value);
}

static void
host_add(ScRuleCall *call, const char *key, const char *amount)
{
	ScRuleRun  *run = (ScRuleRun *) call;

	if (allowed(run, run->phase == SC_RULE_EFFECT && sc_decimal_ok(amount)))
		run->store->add(run->store, key, amount);
}

__attribute__((format(printf, 2, 0)))
static const char *
host_text(ScRuleCall *call, const char *format, va_list args)
{
	ScRuleRun  *run = (ScRuleRun *) call;
	struct ScRuleText *piece = run->texts;
	size_t		room = piece ? piece->size - piece->used : 0;
	va_list		again;
	int			len;
	char	   *text;

	host_pulse(call);
	va_copy(again, args);
	len = vsnprintf(piece ? piece->data + piece->used : NULL, room, format, again);
	va_end(again);
	if (len < 0)
		run->misused = true;
	if (len < 0 || run->failed)
		return "";
	/* it stands already where the room is taken from, if that was enough */
	text = take_room(run, (size_t) len + 1);
	if (!run->failed && (size_t) len >= room)
		vsnprintf(text, (size_t) len + 1, format, args);
	return text;
}

/* as much of the text as a message may have, in whole characters */
static void
append_cut(ScBuf *buf, const char *text)
{
	size_t		len = strlen(text);
	size_t		cut = len;

	if (len > MESSAGE_MAX)
	{
		cut = MESSAGE_MAX;
		while (cut > 0 && ((unsigned char) text[cut] & 0xC0) == 0x80)
			cut--;
	}
	sc_buf_append(buf, text, cut);
	if (cut < len)
		sc_buf_literal(buf, "...");
}

static void
host_refuse(ScRuleCall *call, const char *code, const char *message)
{
	ScRuleRun  *run = (ScRuleRun *) call;

	if (!allowed(run, run->phase == SC_RULE_CHECK || run->phase == SC_RULE_ACCEPT))
		return;
	sc_buf_reset(&run->problem.code);
	sc_buf_reset(&run->problem.message);
	run->problem.refused = true;
	sc_buf_string(&run->problem.code, code);
	append_cut(&run->problem.message, message);
}

static void
host_explain(ScRuleCall *call, const char *detail, const char *hint)
{
	ScRuleRun  *run = (ScRuleRun *) call;

	sc_buf_reset(&run->problem.detail);
	sc_buf_reset(&run->problem.hint);
	if (detail)
		append_cut(&run->problem.detail, detail);
	if (hint)
		append_cut(&run->problem.hint, hint);
}

static const char *
host_sum(ScRuleCall *call, const char *a, const char *b)
{
	ScRuleRun  *run = (ScRuleRun *) call;

	host_pulse(call);
	if (!allowed(run, sc_decimal_ok(a) && sc_decimal_ok(b)))
		return "0";
	sc_buf_reset(&run->scratch);
	sc_decimal_add(&run->scratch, a, b);
	return keep(run, &run->scratch);
}

static const char *
host_time_text(ScRuleCall *call, int64_t time)
{
	ScRuleRun  *run = (ScRuleRun *) call;

	sc_buf_reset(&run->scratch);
	sc_instant_write(&run->scratch, time);
	return keep(run, &run->scratch);
}

static bool
host_time(const char *text, int64_t *time)
{
	return sc_instant_read(time, text);
}

static const ScRuleHost host = {
	.key = host_key,
	.lock = host_lock,
	.get = host_get,
	.put = host_put,
	.add = host_add,
	.text = host_text,
	.refuse = host_refuse,
	.explain = host_explain,
	.decimal = sc_decimal_ok,
	.compare = sc_decimal_compare,
	.sum = host_sum,
	.time = host_time,
	.time_text = host_time_text,
	.pulse = host_pulse
};

void
sc_rule_run_init(ScRuleRun *run)
{
	*run = (ScRuleRun) {.problem = SC_RULE_PROBLEM_INIT, .scratch = SC_BUF_INIT};
}

/* drops all pieces of text but one of usual size */
static void
drop_texts(ScRuleRun *run, bool all)
{
	struct ScRuleText *kept = NULL;

	while (run->texts)
	{
		struct ScRuleText *piece = run->texts;

		run->texts = piece->next;
		if (!all && kept == NULL && piece->size == TEXT_PIECE)
			kept = piece;
		else
			free(piece);
	}
	if (kept)
	{
		kept->used = 0;
		kept->next = NULL;
	}
	run->texts = kept;
}

void
sc_rule_run_free(ScRuleRun *run)
{
	drop_texts(run, true);
	sc_rule_problem_free(&run->problem);
	sc_buf_free(&run->scratch);
}

/* calls the function of the phase; a refusal and the answer must agree */
static void
call_rule(ScRuleRun *run, const ScRule *rule)
{
	bool		ok = true;

	switch (run->phase)
	{
		case SC_RULE_ACCEPT:
			ok = rule->accept == NULL || rule->accept(&run->call);
			break;
		case SC_RULE_LOCK:
			if (rule->lock)
				rule->lock(&run->call);
			break;
		case SC_RULE_CHECK:
			ok = rule->check(&run->call);
			break;
		case SC_RULE_EFFECT:
			if (rule->effect)
				rule->effect(&run->call);
			break;
	}
	if (ok == run->problem.refused)
		run->misused = true;
}

ScStatus
sc_rule_run(ScRuleRun *run, ScRulePhase phase, const ScRuleArgs *args, ScRuleStore *store,
			const char *const *values, int64_t time, int64_t ledger_seq)
{
	run->call = (ScRuleCall) {args->rule, args->args, values, time, ledger_seq, &host};
	run->store = store;
	run->phase = phase;
	run->misused = run->failed = false;
	sc_rule_problem_reset(&run->problem);
	drop_texts(run, false);
	call_rule(run, args->rule);
	if (run->failed || run->scratch.failed || (store && store->failed) || run->problem.message.failed || run->problem.detail.failed ||
		run->problem.hint.failed)
		return SC_NO_MEMORY;
	return run->misused ? SC_INTERNAL : SC_OK;
}
