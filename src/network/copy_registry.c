/*
 * copy_registry.c
 *	  What the registry of a copy keeps of events: its chain, its keys, where its members are, which rows are signed.
 *
 * Invariant: the rows are those that the origin's registry has, so that
 * verification and the checks of blocks work with the same code.
 * Context: copy_apply.h.
 * Effects: rows of the registry; indexes for the lookups of members.
 * Does not: decide which key signs which block (key_history.h does, by the
 * rows written here).
 */
#include "postgres.h"

#include "network/copy_apply.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "core/note.h"
#include "ledger/error.h"
#include "member/signature_rule.h"
#include "member/tables.h"
#include "network/copy.h"
#include "network/policy.h"
#include "network/public.h"
#include "seal/key_history.h"
#include "seal/rotate.h"
#include "seoulchain.h"
#include "sign/rotation.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

/* errors unless the text is a verifier key that bears the origin's name */
static void
check_log_key(const ScCopyEvent *event, const char *text)
{
	ScVerifierKey *key = palloc(sizeof(ScVerifierKey));

	if (sc_note_parse_key(key, text, strlen(text)) != SC_OK || strcmp(key->name, event->message->origin) != 0)
		sc_copy_malformed(event, "its key is no log key of the chain");
	pfree(key);
}

void
sc_copy_genesis(ScCopyEvent *event)
{
	const char *key = sc_copy_string(event, event->event, "key");
	const char *format = sc_copy_string(event, event->event, "format");

	if (event->chain != NULL)
		sc_copy_malformed(event, "the chain has begun already");
	if (strcmp(format, psprintf("%d", SEOULCHAIN_FORMAT_VERSION)) != 0)
		sc_copy_malformed(event, psprintf("the chain has format \"%.20s\", which this release does not read", format));
	if (sc_chain_by_name(event->message->origin, true) != NULL)
		sc_copy_malformed(event, "this node has a chain of that name");
	check_log_key(event, key);
	event->chain = sc_chain_register_copy(event->message->origin, key);
}

void
sc_copy_rotation(ScCopyEvent *event)
{
	ScRotation *rotation = palloc(sizeof(ScRotation));
	const char *old_key = sc_copy_string(event, event->event, "old");
	const char *new_key = sc_copy_string(event, event->event, "new");

	if (sc_rotation_parse(rotation, event->event) != SC_OK ||
		sc_rotation_verify(rotation, event->message->origin) != SC_OK)
		sc_copy_malformed(event, "it is no change of key that both keys sign");
	sc_rotation_insert(event->chain->chain_id, event->seq, old_key, new_key);
	if (sc_rotation_is_log(rotation->old.name, event->message->origin))
		sc_rotation_set_log_key(event->chain, new_key);
	CommandCounterIncrement();
}

/* the table that the event names for a part of the members */
static ScLedgerTable *
member_table(const ScCopyEvent *event, const ScJson *tables, const char *part)
{
	const char *ledger_name = sc_copy_string(event, tables, part);
	ListCell   *cell;

	foreach(cell, sc_ledger_list(event->chain->chain_id))
	{
		ScLedgerTable *table = lfirst(cell);

		if (strcmp(table->ledger_name, ledger_name) == 0)
			return table;
	}
	sc_copy_early(event, psprintf("table \"%.130s\" has not joined", ledger_name));
}

/* indexes by which members and keys are looked up */
static void
index_members(const ScCopyEvent *event, const Oid relations[SC_MT_COUNT])
{
	static const struct
	{
		ScMemberTable table;
		const char *columns[2];
	}			wanted[] = {
		{SC_MT_MEMBER, {"member", NULL}},
		{SC_MT_KEY, {"member", "key"}},
		{SC_MT_KEY, {"thumbprint", NULL}},
		{SC_MT_STATUS, {"member", NULL}},
		{SC_MT_DELEGATION, {"member", NULL}}
	};

	for (size_t i = 0; i < lengthof(wanted); i++)
	{
		Oid			relid = relations[wanted[i].table];
		List	   *columns = NIL;

		for (int c = 0; c < 2 && wanted[i].columns[c] != NULL; c++)
		{
			if (get_attnum(relid, wanted[i].columns[c]) == InvalidAttrNumber)
				sc_copy_early(event, psprintf("table \"%s\" has no column \"%s\"", get_rel_name(relid), wanted[i].columns[c]));
			columns = lappend(columns, pstrdup(wanted[i].columns[c]));
		}
		sc_copy_index(relid, columns);
	}
}

void
sc_copy_members(ScCopyEvent *event)
{
	const ScJson *tables = sc_copy_list(event, event->event, "tables", SC_JSON_OBJECT);
	Oid			relations[SC_MT_COUNT];
	ScMemberTables known;

	if (sc_member_tables(event->chain->chain_id, &known))
		sc_copy_malformed(event, "the chain has members already");
	for (int i = 0; i < SC_MT_COUNT; i++)
		relations[i] = member_table(event, tables, sc_member_table_name((ScMemberTable) i))->relation;
	index_members(event, relations);
	sc_member_registry_insert(event->chain->chain_id, relations);
}

void
sc_copy_signature_rule(ScCopyEvent *event)
{
	ScSignatureRule rule = {.table_id = event->table->table_id,.rule_seq = event->seq};
	const ScJson *columns = sc_copy_list(event, event->event, "columns", SC_JSON_ARRAY);

	rule.signer = pstrdup(sc_copy_string(event, event->event, "signer"));
	rule.signature = pstrdup(sc_copy_string(event, event->event, "signature"));
	for (const ScJson *column = columns->first; column; column = column->next)
	{
		if (column->kind != SC_JSON_STRING || strlen(column->string) != column->len)
			sc_copy_malformed(event, "a signed column has no name");
		rule.columns = lappend(rule.columns, pstrdup(column->string));
	}
	sc_signature_rule_add(&rule);
	CacheInvalidateRelcacheByRelid(event->table->relation);
}

void
sc_copy_policy(ScCopyEvent *event)
{
	(void) sc_policy_apply_event(event->chain->chain_id, event->seq, event->event);
}

void
sc_copy_public(ScCopyEvent *event)
{
	sc_public_register(event->chain->chain_id, event->seq);
}
