/*
 * verify_event.c
 *	  Events against their leaves, and the registry against the events.
 *
 * The registry (which tables, columns and keys there are, and where members
 * are) decides how rows are encoded and judged, but no hash covers it.  The events are leaves, and say the
 * same: what the two disagree on was altered in the registry.
 *
 * Invariant: only events whose leaf agrees are believed; those of the running
 * transaction are taken as they are.  Memory: the events' columns, some
 * hundred bytes for each CREATE or ALTER TABLE there ever was.
 */
#include "postgres.h"

#include "proof/verify_rotation.h"

#include "core/json.h"
#include "ledger/journal.h"
#include "ledger/registry_tables.h"
#include "member/signature_rule.h"
#include "member/tables.h"
#include "sign/rotation.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

static const ScVerifyEventHook *event_hooks[SC_VERIFY_EVENT_HOOKS];
static int	nevent_hooks = 0;

/* what an event says about a table or one of its columns */
typedef struct EventFact
{
	int32		chain_id;
	int64		ledger_seq;
	char	   *type;			/* join, column, drop, time, key, signature, members */
	char	   *table;			/* ledger name; of a change of key the old one */
	char	   *column;			/* ledger name, or NULL for the table itself; the new key; a signature rule's text; what of members the table is for */
	bool		met;			/* the registry says the same */
} EventFact;

typedef struct EventPass
{
	ScVerify   *v;
	List	   *facts;
} EventPass;

/* a fault of an event */
static void
event_fault(EventPass *pass, const ScVerifyChain *chain, const char *word, int64 ledger_seq,
			const ScRange *range, const ScHash *expected, const ScHash *found)
{
	ScFault		fault = sc_verify_fault(chain, word);

	fault.ledger_seq = ledger_seq;
	if (range)
	{
		fault.leaf = range->first_leaf + (ledger_seq - range->lower);
		fault.height = range->height;
	}
	fault.expected = expected;
	fault.expectedlen = expected ? SC_HASH_LEN : 0;
	fault.found = found;
	fault.foundlen = found ? SC_HASH_LEN : 0;
	sc_faults_add(pass->v->faults, &fault);
}

void
sc_verify_event_register(const ScVerifyEventHook *hook)
{
	if (nevent_hooks == SC_VERIFY_EVENT_HOOKS)
		elog(ERROR, "too many rooms look at events");
	event_hooks[nevent_hooks++] = hook;
}

void
sc_verify_registry_fault(ScVerify *v, int32 chain_id, Oid relid, int64 ledger_seq)
{
	ScFault		fault = sc_verify_fault(sc_verify_chain(v, chain_id), SC_FAULT_REGISTRY_ALTERED);

	fault.chain_id = chain_id;
	fault.leaf = 0;
	fault.relation = relid;
	fault.ledger_seq = ledger_seq;
	sc_faults_add(v->faults, &fault);
}

static void
registry_fault(EventPass *pass, int32 chain_id, Oid relid, int64 ledger_seq)
{
	sc_verify_registry_fault(pass->v, chain_id, relid, ledger_seq);
}

/* a member's string, or "" */
static const char *
string_of(const ScJson *object, const char *key)
{
	const ScJson *member = object && object->kind == SC_JSON_OBJECT ? sc_json_member(object, key) : NULL;

	return member && member->kind == SC_JSON_STRING ? member->string : "";
}

/* remembers a fact */
static void
add_fact(EventPass *pass, const ScVerifyChain *chain, int64 ledger_seq, const char *type,
		 const char *table, const char *column)
{
	MemoryContext caller = MemoryContextSwitchTo(pass->v->context);
	EventFact  *fact = palloc0(sizeof(EventFact));

	fact->chain_id = chain->chain_id;
	fact->ledger_seq = ledger_seq;
	fact->type = pstrdup(type);
	fact->table = pstrdup(table);
	fact->column = column ? pstrdup(column) : NULL;
	pass->facts = lappend(pass->facts, fact);
	MemoryContextSwitchTo(caller);
}

/* the genesis event's key against the chain's */
static void
check_genesis(EventPass *pass, const ScVerifyChain *chain, const ScJson *event)
{
	const char *key = string_of(event, "key");

	const char *first = sc_first_log_key(chain);

	if (strcmp(key, first ? first : "") != 0)
		registry_fault(pass, chain->chain_id, InvalidOid, SC_NONE);
}

/* a change of key: both keys must have said so */
static void
take_rotation(EventPass *pass, const ScVerifyChain *chain, int64 ledger_seq, const ScJson *event)
{
	ScRotation *rotation = palloc(sizeof(ScRotation));

	if (sc_rotation_parse(rotation, event) != SC_OK || sc_rotation_verify(rotation, chain->origin) != SC_OK)
		event_fault(pass, chain, SC_FAULT_SIGNATURE_WRONG, ledger_seq, NULL, NULL, NULL);
	add_fact(pass, chain, ledger_seq, SC_ROTATION_EVENT, string_of(event, "old"), string_of(event, "new"));
	pfree(rotation);
}

/* the signature rule that an event states */
static ScSignatureRule *
rule_of(const ScJson *event)
{
	ScSignatureRule *rule = palloc0(sizeof(ScSignatureRule));
	const ScJson *columns = sc_json_member(event, "columns");

	rule->signer = pstrdup(string_of(event, "signer"));
	rule->signature = pstrdup(string_of(event, "signature"));
	for (const ScJson *column = columns && columns->kind == SC_JSON_ARRAY ? columns->first : NULL; column; column = column->next)
		rule->columns = lappend(rule->columns, pstrdup(column->kind == SC_JSON_STRING ? column->string : ""));
	return rule;
}

/* a signature rule as one text, to be compared */
static char *
rule_text(const ScSignatureRule *rule)
{
	ScBuf		buf = SC_BUF_INIT;
	char	   *text;

	sc_signature_rule_event(&buf, rule);
	text = buf.failed ? pstrdup("") : pnstrdup(buf.data, buf.len);
	sc_buf_free(&buf);
	return text;
}

/* the tables in which the chain keeps its members */
static void
take_members(EventPass *pass, const ScVerifyChain *chain, int64 ledger_seq, const ScJson *event)
{
	const ScJson *tables = sc_json_member(event, "tables");

	for (int i = 0; i < SC_MT_COUNT; i++)
	{
		const char *name = sc_member_table_name((ScMemberTable) i);

		add_fact(pass, chain, ledger_seq, "members", string_of(tables, name), name);
	}
}

/* takes what a believed event says */
static void
take_facts(EventPass *pass, const ScVerifyChain *chain, int64 ledger_seq, const ScJson *leaf)
{
	const ScJson *event = sc_json_member(leaf, "event");
	const ScJson *columns = event && event->kind == SC_JSON_OBJECT ? sc_json_member(event, "columns") : NULL;
	const char *type = string_of(event, "type");
	const char *table = string_of(leaf, "table");

	if (strcmp(string_of(leaf, "chain"), chain->origin) != 0)
		registry_fault(pass, chain->chain_id, InvalidOid, SC_NONE);
	if (strcmp(type, "genesis") == 0)
		check_genesis(pass, chain, event);
	if (strcmp(type, SC_ROTATION_EVENT) == 0)
		take_rotation(pass, chain, ledger_seq, event);
	if (strcmp(type, "join") == 0 || strcmp(type, "drop") == 0 || strcmp(type, "time") == 0)
		add_fact(pass, chain, ledger_seq, type, table, NULL);
	if (strcmp(type, "signature") == 0)
		add_fact(pass, chain, ledger_seq, type, table, rule_text(rule_of(event)));
	if (strcmp(type, "members") == 0)
		take_members(pass, chain, ledger_seq, event);
	for (int i = 0; i < nevent_hooks && event != NULL && event->kind == SC_JSON_OBJECT; i++)
		event_hooks[i]->event(pass->v, &pass->v->hook_data[i], chain, ledger_seq, event);
	if ((strcmp(type, "join") != 0 && strcmp(type, "column") != 0) || columns == NULL || columns->kind != SC_JSON_ARRAY)
		return;
	for (const ScJson *column = columns->first; column; column = column->next)
		add_fact(pass, chain, ledger_seq, "column", table, string_of(column, "name"));
}

/* is the event what its leaf or journal entry says?  Reports if not. */
static bool
judge_event(EventPass *pass, ScVerifyChain *chain, int64 ledger_seq, const ScHash *hash)
{
	ScVerify   *v = pass->v;
	const ScRange *range = sc_ranges_find(chain, ledger_seq);
	const ScHash *expected;
	ScHash		pending;
	int64		bit;

	if (range == NULL)
	{
		if (sc_pending_find(v, chain->chain_id, ledger_seq, &pending, &bit) == NULL)
		{
			event_fault(pass, chain, SC_FAULT_EVENT_ADDED, ledger_seq, NULL, NULL, hash);
			return false;
		}
		if (!sc_pending_mark(v, bit))
			event_fault(pass, chain, SC_FAULT_EVENT_DUPLICATED, ledger_seq, NULL, &pending, hash);
		else if (memcmp(&pending, hash, sizeof(pending)) != 0)
			event_fault(pass, chain, SC_FAULT_EVENT_ALTERED, ledger_seq, NULL, &pending, hash);
		return memcmp(&pending, hash, sizeof(pending)) == 0;
	}
	expected = sc_verify_leaf(v, chain, range->first_leaf + (ledger_seq - range->lower));
	if (!sc_seen_mark(chain, range->first_leaf + (ledger_seq - range->lower)))
		event_fault(pass, chain, SC_FAULT_EVENT_DUPLICATED, ledger_seq, range, expected, hash);
	else if (expected != NULL && memcmp(expected, hash, sizeof(ScHash)) != 0)
	{
		if (sc_leaf_is_bad(chain, range->first_leaf + (ledger_seq - range->lower)))
			event_fault(pass, chain, SC_FAULT_NODE_ALTERED, ledger_seq, range, hash, expected);
		else
			event_fault(pass, chain, SC_FAULT_EVENT_ALTERED, ledger_seq, range, expected, hash);
		return false;
	}
	return true;
}

/* one row of seoulchain.event */
static void
event_row(void *arg, ScScan *scan)
{
	EventPass  *pass = arg;
	int32		chain_id = DatumGetInt32(scan->values[SC_EVENT_ATTR_CHAIN_ID - 1]);
	int64		ledger_seq = DatumGetInt64(scan->values[SC_EVENT_ATTR_SEQ - 1]);
	char	   *leaf = TextDatumGetCString(scan->values[SC_EVENT_ATTR_LEAF - 1]);
	ScVerifyChain *chain = sc_verify_chain(pass->v, chain_id);
	ScHash		hash;
	ScJson	   *json;

	if (chain == NULL)
	{
		registry_fault(pass, chain_id, InvalidOid, ledger_seq);
		return;
	}
	if (!sc_verify_wants(pass->v, chain))
		return;
	sc_hash_leaf(&hash, leaf, strlen(leaf));
	if (scan->state != SC_TUPLE_OWN && !judge_event(pass, chain, ledger_seq, &hash))
		return;
	if (sc_json_parse(&json, leaf, strlen(leaf)) != SC_OK)
		return;
	if (json->kind == SC_JSON_OBJECT)
		take_facts(pass, chain, ledger_seq, json);
	sc_json_free(json);
}

/* the fact that says so, or NULL; SC_NONE: whatever its number is */
static EventFact *
find_fact(EventPass *pass, int32 chain_id, int64 ledger_seq, const char *type, const char *table, const char *column)
{
	ListCell   *cell;

	foreach(cell, pass->facts)
	{
		EventFact  *fact = lfirst(cell);

		if (fact->chain_id == chain_id && (ledger_seq == SC_NONE || fact->ledger_seq == ledger_seq) &&
			strcmp(fact->type, type) == 0 && strcmp(fact->table, table) == 0 &&
			(column == NULL || (fact->column && strcmp(fact->column, column) == 0)))
			return fact;
	}
	return NULL;
}

/* marks the fact, or reports that there is none */
static void
meet_fact(EventPass *pass, const ScVerifyTable *table, int64 ledger_seq, const char *type, const char *column)
{
	EventFact  *fact = find_fact(pass, table->chain_id, ledger_seq, type, table->ledger_name, column);

	if (fact == NULL)
		registry_fault(pass, table->chain_id, table->relid, ledger_seq);
	else
		fact->met = true;
}

/* one row of seoulchain.ledger_column */
static void
column_row(void *arg, ScScan *scan)
{
	EventPass  *pass = arg;
	int32		table_id = DatumGetInt32(scan->values[SC_COLUMN_ATTR_TABLE_ID - 1]);
	const ScVerifyTable *table = sc_verify_table(pass->v, table_id);

	if (table == NULL)
		registry_fault(pass, 0, InvalidOid, SC_NONE);
	else if (sc_verify_wants(pass->v, sc_verify_chain(pass->v, table->chain_id)))
		meet_fact(pass, table, DatumGetInt64(scan->values[SC_COLUMN_ATTR_JOINED_SEQ - 1]), "column",
				  TextDatumGetCString(scan->values[SC_COLUMN_ATTR_LEDGER_NAME - 1]));
}

/* one row of seoulchain.signature_rule */
static void
rule_row(void *arg, ScScan *scan)
{
	EventPass  *pass = arg;
	const ScSignatureRule *rule = sc_signature_rule_row(scan->values);
	const ScVerifyTable *table = sc_verify_table(pass->v, rule->table_id);

	if (table == NULL)
		registry_fault(pass, 0, InvalidOid, SC_NONE);
	else if (sc_verify_wants(pass->v, sc_verify_chain(pass->v, table->chain_id)))
		meet_fact(pass, table, rule->rule_seq, "signature", rule_text(rule));
}

/* the ledger table that a relation is or was, or NULL */
static const ScVerifyTable *
table_of(const ScVerify *v, int32 chain_id, Oid relid)
{
	ListCell   *cell;

	foreach(cell, v->tables)
	{
		const ScVerifyTable *table = lfirst(cell);

		if (table->chain_id == chain_id && table->relid == relid)
			return table;
	}
	return NULL;
}

/* a table of members that the registry does not know: right when it was dropped, of which the ledger forgets the relation */
static void
meet_dropped(EventPass *pass, int32 chain_id, const char *name, Oid relid)
{
	ListCell   *cell;

	foreach(cell, pass->v->tables)
	{
		const ScVerifyTable *table = lfirst(cell);
		EventFact  *fact = table->chain_id == chain_id && table->dropped_seq != 0 ?
			find_fact(pass, chain_id, SC_NONE, "members", table->ledger_name, name) : NULL;

		if (fact == NULL)
			continue;
		fact->met = true;
		return;
	}
	registry_fault(pass, chain_id, relid, SC_NONE);
}

/* one row of seoulchain.member_registry: where a chain's members are */
static void
members_row(void *arg, ScScan *scan)
{
	EventPass  *pass = arg;
	int32		chain_id = DatumGetInt32(scan->values[0]);
	const ScVerifyChain *chain = sc_verify_chain(pass->v, chain_id);

	if (chain == NULL)
		registry_fault(pass, chain_id, InvalidOid, SC_NONE);
	else if (sc_verify_wants(pass->v, chain))
	{
		for (int i = 0; i < SC_MT_COUNT; i++)
		{
			Oid			relid = DatumGetObjectId(scan->values[1 + i]);
			const char *name = sc_member_table_name((ScMemberTable) i);
			const ScVerifyTable *table = table_of(pass->v, chain_id, relid);

			if (table == NULL)
				meet_dropped(pass, chain_id, name, relid);
			else
				meet_fact(pass, table, SC_NONE, "members", name);
		}
	}
}

/* the registry's tables against the events */
static void
check_tables(EventPass *pass)
{
	ListCell   *cell;

	foreach(cell, pass->v->tables)
	{
		const ScVerifyTable *table = lfirst(cell);
		const ScVerifyChain *chain = sc_verify_chain(pass->v, table->chain_id);

		if (chain == NULL)
			registry_fault(pass, table->chain_id, table->relid, SC_NONE);
		else if (sc_verify_wants(pass->v, chain))
		{
			meet_fact(pass, table, table->joined_seq, "join", NULL);
			if (table->dropped_seq != 0)
				meet_fact(pass, table, table->dropped_seq, "drop", NULL);
			if (table->time_seq != 0)
				meet_fact(pass, table, table->time_seq, "time", NULL);
		}
	}
}

/* the registry's rotations against the events */
static void
check_rotations(EventPass *pass, const ScVerifyChain *chain)
{
	ListCell   *cell;

	foreach(cell, chain->rotations)
	{
		const ScVerifyRotation *rotation = lfirst(cell);
		EventFact  *fact = find_fact(pass, chain->chain_id, rotation->seq, SC_ROTATION_EVENT,
									 rotation->old_key, rotation->new_key);

		if (fact == NULL)
			registry_fault(pass, chain->chain_id, InvalidOid, rotation->seq);
		else
			fact->met = true;
	}
}

/* the relation of a ledger name, for a fault */
static Oid
relation_of(const ScVerify *v, int32 chain_id, const char *ledger_name)
{
	ListCell   *cell;

	foreach(cell, v->tables)
	{
		const ScVerifyTable *table = lfirst(cell);

		if (table->chain_id == chain_id && strcmp(table->ledger_name, ledger_name) == 0)
			return table->relid;
	}
	return InvalidOid;
}

void
sc_verify_events(ScVerify *v)
{
	EventPass	pass = {v, NIL};
	Relation	events = sc_verify_open("event");
	Relation	columns = sc_verify_open("ledger_column");
	Relation	rules = sc_verify_open("signature_rule");
	Relation	members = sc_verify_open(SC_MEMBER_REGISTRY);
	ListCell   *cell;

	sc_verify_scan(v, events, event_row, &pass);
	check_tables(&pass);
	foreach(cell, v->chains)
	{
		if (sc_verify_wants(v, lfirst(cell)))
			check_rotations(&pass, lfirst(cell));
	}
	sc_verify_scan(v, columns, column_row, &pass);
	sc_verify_scan(v, rules, rule_row, &pass);
	sc_verify_scan(v, members, members_row, &pass);
	foreach(cell, pass.facts)
	{
		const EventFact *fact = lfirst(cell);

		if (!fact->met)
			registry_fault(&pass, fact->chain_id, relation_of(v, fact->chain_id, fact->table), fact->ledger_seq);
	}
	for (int i = 0; i < nevent_hooks; i++)
		event_hooks[i]->end(v, &v->hook_data[i]);
	table_close(events, NoLock);
	table_close(columns, NoLock);
	table_close(rules, NoLock);
	table_close(members, NoLock);
}
