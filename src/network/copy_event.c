/*
 * copy_event.c
 *	  Applies events of followed chains: they are data, never SQL.
 *
 * Invariant: an event's row in seoulchain.event, its leaf in the journal and
 * what it changes (registry rows, tables) are one subtransaction; each event
 * is applied once.  Events of a type that this release does not know are
 * leaves and nothing more.
 * Context: an apply or table sync worker, in a trigger, or the network
 * worker; works as the extension's owner, whose name the errors do not show.
 * Locks: one event of a copy at a time; what DDL on the
 * copy's table takes.
 * Effects: rows of the registry, tables, messages.
 * Does not: judge whether the origin was allowed to record the event; that is
 * found from the rows when the block is integrated.
 * Source: docs/network.md, DESIGN section 4.
 */
#include "postgres.h"

#include "network/copy_event.h"

#include "access/xact.h"
#include "contract/memory.h"
#include "ledger/copy.h"
#include "ledger/ddl.h"
#include "ledger/journal.h"
#include "miscadmin.h"
#include "network/copy.h"
#include "network/copy_apply.h"
#include "network/dispute.h"
#include "network/public.h"
#include "network/seen.h"
#include "seal/node.h"
#include "sign/rotation.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

/* how an event of a type is applied */
typedef struct EventType
{
	const char *type;
	bool		on_table;		/* it is about a table that joined before */
	void		(*apply) (ScCopyEvent *event);
} EventType;

/* what it saw of other chains */
static void
apply_seen(ScCopyEvent *event)
{
	sc_seen_apply_event(event->chain, event->event);
}

/* what it found wrong with other chains */
static void
apply_dispute(ScCopyEvent *event)
{
	sc_dispute_apply_event(event->chain, event->seq, event->event);
}

static const EventType event_types[] = {
	{"genesis", false, sc_copy_genesis},
	{"join", false, sc_copy_join},
	{"column", true, sc_copy_add_columns},
	{"rename", true, sc_copy_rename},
	{"drop", true, sc_copy_drop},
	{"time", true, sc_copy_time},
	{"signature", true, sc_copy_signature_rule},
	{"members", false, sc_copy_members},
	{"contract", false, sc_copy_contract},
	{"policy", false, sc_copy_policy},
	{SC_PUBLIC_EVENT, false, sc_copy_public},
	{SC_ROTATION_EVENT, false, sc_copy_rotation},
	{SC_EVENT_SEEN, false, apply_seen},
	{SC_EVENT_DISPUTE, false, apply_dispute},
};

void
sc_copy_malformed(const ScCopyEvent *event, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("event %lld of chain \"%s\" cannot be applied: %s",
					(long long) event->seq, event->message->origin, what)));
}

void
sc_copy_early(const ScCopyEvent *event, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("event %lld of chain \"%s\" waits: %s",
					(long long) event->seq, event->message->origin, what)));
}

const char *
sc_copy_string(const ScCopyEvent *event, const ScJson *object, const char *key)
{
	const ScJson *member = object->kind == SC_JSON_OBJECT ? sc_json_member(object, key) : NULL;

	/* a NUL inside would cut the text short for everybody who reads it */
	if (member == NULL || member->kind != SC_JSON_STRING || strlen(member->string) != member->len)
		sc_copy_malformed(event, psprintf("it has no text \"%s\"", key));
	return member->string;
}

const ScJson *
sc_copy_list(const ScCopyEvent *event, const ScJson *object, const char *key, ScJsonKind kind)
{
	const ScJson *member = object->kind == SC_JSON_OBJECT ? sc_json_member(object, key) : NULL;

	if (member == NULL || member->kind != kind)
		sc_copy_malformed(event, psprintf("it has no %s \"%s\"", kind == SC_JSON_ARRAY ? "array" : "object", key));
	return member;
}

/* the table of a ledger name, or NULL */
static ScLedgerTable *
find_table(const ScChain *chain, const char *ledger_name)
{
	ListCell   *cell;

	foreach(cell, sc_ledger_list(chain->chain_id))
	{
		ScLedgerTable *table = lfirst(cell);

		if (strcmp(table->ledger_name, ledger_name) == 0)
			return table;
	}
	return NULL;
}

/* takes the leaf apart: it must be this event of this chain */
static void
read_leaf(ScCopyEvent *event)
{
	const ScMessage *message = event->message;
	const char *body = message->body ? pnstrdup(message->body, message->bodylen) : "";
	const ScJson *leaf = message->bodylen <= SC_LEAF_MAX ? sc_context_try_json(body) : NULL;
	const ScJson *table;

	if (leaf == NULL || leaf->kind != SC_JSON_OBJECT)
		sc_copy_malformed(event, "it is no canonical JSON object of at most 65535 bytes");
	if (strcmp(sc_copy_string(event, leaf, "chain"), message->origin) != 0)
		sc_copy_malformed(event, "its leaf names another chain");
	if (event->seq <= 0 || event->seq > SC_COPY_SEQ_MAX || strcmp(sc_copy_string(event, leaf, "seq"), psprintf("%lld", (long long) event->seq)) != 0)
		sc_copy_malformed(event, "its leaf has another number");
	event->event = sc_copy_list(event, leaf, "event", SC_JSON_OBJECT);
	event->type = sc_copy_string(event, event->event, "type");
	table = sc_json_member(leaf, "table");
	event->ledger_name = table ? sc_copy_string(event, leaf, "table") : NULL;
}

/* the origin has sent two events under one number: the first one stays */
static void
complain_twice(const ScCopyEvent *event, const char *leaf)
{
	ScFinding	finding = {
		.origin = event->message->origin,
		.height = -1,
		.ledger_seq = event->seq,
		.fault = SC_FAULT_TWO_EVENTS,
		.detail = psprintf("this node was sent %s, and then %s", leaf, pnstrdup(event->message->body, event->message->bodylen))
	};

	sc_dispute_file(&finding);
}

/* is the event recorded already?  Another leaf under its number is disputed. */
static bool
is_known(const ScCopyEvent *event)
{
	const char *leaf = event->chain ? sc_event_leaf(event->chain->chain_id, event->seq) : NULL;

	if (leaf == NULL)
		return false;
	if (strlen(leaf) != event->message->bodylen || memcmp(leaf, event->message->body, event->message->bodylen) != 0)
		complain_twice(event, leaf);
	return true;
}

/* tells the origin that the table of a join event is here */
static void
confirm(const ScCopyEvent *event)
{
	ScMessage	confirmation = {
		.sender = sc_node_name(NULL),
		.recipient = event->message->sender,
		.kind = SC_MESSAGE_CONFIRMATION,
		.origin = event->message->origin,
		.number = event->seq,
		.body = event->ledger_name,
		.bodylen = event->ledger_name ? strlen(event->ledger_name) : 0
	};

	if (confirmation.sender != NULL && strcmp(event->type, "join") == 0)
		sc_message_send(&confirmation);
}

/* the type's way of being applied, or NULL */
static const EventType *
find_type(const char *type)
{
	for (size_t i = 0; i < lengthof(event_types); i++)
	{
		if (strcmp(event_types[i].type, type) == 0)
			return &event_types[i];
	}
	return NULL;
}

/* does what the event says */
static void
apply_type(ScCopyEvent *event, bool wait)
{
	const EventType *type = find_type(event->type);

	if (event->chain == NULL && (type == NULL || type->apply != sc_copy_genesis))
		sc_copy_early(event, "the chain's first event has not come");
	if (event->ledger_name != NULL && event->chain != NULL)
		event->table = find_table(event->chain, event->ledger_name);
	if (type == NULL)
		return;
	if (type->on_table && event->ledger_name == NULL)
		sc_copy_malformed(event, "it names no table");
	if (type->on_table && event->table == NULL)
		sc_copy_early(event, "its table has not joined");
	if (type->on_table && !wait && OidIsValid(event->table->relation) &&
		!ConditionalLockRelationOid(event->table->relation, AccessExclusiveLock))
		sc_copy_early(event, "its table is in use");
	type->apply(event);
}

/* one event of a copy at a time */
static void
lock_events(const ScCopyEvent *event, bool wait)
{
	Oid			registry = sc_registry_relation("chain");

	if (wait)
		LockDatabaseObject(registry, event->chain->chain_id, 1, ExclusiveLock);
	else if (!ConditionalLockDatabaseObject(registry, event->chain->chain_id, 1, ExclusiveLock))
		sc_copy_early(event, "another event is being applied");
}

/* one event, in the subtransaction */
static void
apply_event(const ScMessage *message, bool wait)
{
	ScCopyEvent event = {.message = message,.seq = message->number};

	read_leaf(&event);
	if (!sc_copy_is_followed(message->origin))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" is not followed", message->origin)));
	event.chain = sc_copy_by_origin(message->origin);
	if (event.chain != NULL)
	{
		/* two workers may have the same event; not the lock under which blocks are integrated, which takes longer */
		lock_events(&event, wait);
		if (!sc_chain_is_open(event.chain))
			sc_copy_early(&event, "the copy is closed: it was written by another cluster or database");
	}
	if (!is_known(&event))
	{
		apply_type(&event, wait);
		sc_event_store(event.chain, event.table ? event.table->table_id : SC_TABLE_EVENTS,
					   event.seq, message->body, message->bodylen);
	}
	confirm(&event);
	sc_ddl_finish();
}

/* errors that are not about the event */
static bool
is_ours(const ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_INSUFFICIENT_RESOURCES;
}

/* what went wrong, as one text */
static char *
problem_text(const ErrorData *error)
{
	return psprintf("%s%s%s%s%s", error->message, error->detail ? "  " : "", error->detail ? error->detail : "",
					error->hint ? "  " : "", error->hint ? error->hint : "");
}

/* applies the event in the running subtransaction, as the extension's owner */
static void
apply_as_owner(const ScMessage *message, bool wait)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "seoulchain event", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Oid			user;
	int			sec_context;

	GetUserIdAndSecContext(&user, &sec_context);
	SetUserIdAndSecContext(sc_registry_owner(), sec_context | SECURITY_LOCAL_USERID_CHANGE);
	sc_copy_changing = true;
	PushActiveSnapshot(GetTransactionSnapshot());
	apply_event(message, wait);
	PopActiveSnapshot();
	sc_copy_changing = false;
	SetUserIdAndSecContext(user, sec_context);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* one event in a subtransaction; false when it cannot be applied, and why */
static bool
try_event(const ScMessage *message, bool wait, char **problem)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool applied = false;

	*problem = NULL;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		apply_as_owner(message, wait);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		applied = true;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		sc_copy_changing = false;
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (is_ours(error))
			ReThrowError(error);
		*problem = problem_text(error);
		FreeErrorData(error);
	}
	PG_END_TRY();
	return applied;
}

bool
sc_copy_apply_event(const ScMessage *message, char **problem)
{
	return try_event(message, true, problem);
}

bool
sc_copy_retry_event(const ScMessage *message, char **problem)
{
	return try_event(message, false, problem);
}
