/*
 * chain_register.c
 *	  Writing a new chain into the registry, and event leaves onto chains.
 *
 * Invariant: a chain's first leaf is its genesis event, because the number it
 * takes is the first that the chain's new sequence gives.
 * Locks: ShareRowExclusiveLock on seoulchain.chain until the transaction ends,
 * so two sessions cannot take the same chain number or name.
 * Effects: rows in chain and event, a sequence owned by the extension's
 * owner, a leaf in the journal.  Makes no keys (the seal room does).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "commands/sequence.h"
#include "core/hash.h"
#include "core/json.h"
#include "ledger/error.h"
#include "ledger/journal.h"
#include "ledger/recorder.h"
#include "ledger/registry.h"
#include "ledger/registry_tables.h"
#include "ledger/sequence.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "seoulchain.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* text of the genesis event: {"format":..,"id":..[,"key":..],"type":"genesis"} */
static void
genesis_event(ScBuf *buf, const char *log_key)
{
	uint8		id[16];

	if (!pg_strong_random(id, sizeof(id)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not get random bytes for the chain's id")));
	sc_buf_literal(buf, "{\"format\":\"");
	sc_buf_uint64(buf, SEOULCHAIN_FORMAT_VERSION);
	sc_buf_literal(buf, "\",\"id\":\"");
	sc_buf_hex(buf, id, sizeof(id));
	if (log_key != NULL)
	{
		sc_buf_literal(buf, "\",\"key\":");
		sc_json_string(buf, log_key, strlen(log_key));
		sc_buf_literal(buf, ",\"type\":\"genesis\"}");
	}
	else
		sc_buf_literal(buf, "\",\"type\":\"genesis\"}");
}

/* the smallest chain number not used yet; requires ShareRowExclusiveLock on rel */
static int32
next_chain_id(void)
{
	int32		next = 1;
	ListCell   *cell;

	foreach(cell, sc_chain_list())
		next = Max(next, ((ScChain *) lfirst(cell))->chain_id + 1);
	return next;
}

/* a name for the chain's sequence; a dump without rows brings sequences whose chains it leaves behind */
static char *
free_sequence_name(int32 chain_id)
{
	char	   *name = psprintf("chain_%d_seq", chain_id);

	for (int n = 2; OidIsValid(sc_registry_relation(name)); n++)
		name = psprintf("chain_%d_seq_%d", chain_id, n);
	return name;
}

/* as the extension's owner: the caller may not create objects in our schema */
Oid
sc_chain_create_sequence(int32 chain_id)
{
	CreateSeqStmt *stmt = makeNode(CreateSeqStmt);
	Oid			save_user;
	int			save_context;
	ObjectAddress address;
	ObjectAddress extension;

	stmt->sequence = makeRangeVar(pstrdup(SC_SCHEMA), free_sequence_name(chain_id), -1);
	stmt->options = list_make1(makeDefElem("increment", (Node *) makeInteger(SC_SEQUENCE_STRIDE), -1));
	stmt->ownerId = InvalidOid;

	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(sc_registry_owner(), save_context | SECURITY_LOCAL_USERID_CHANGE);
	address = DefineSequence(make_parsestate(NULL), stmt);
	SetUserIdAndSecContext(save_user, save_context);

	/* no member, or pg_dump would skip its value; but it goes when the extension goes */
	ObjectAddressSet(extension, ExtensionRelationId, get_extension_oid("seoulchain", false));
	recordDependencyOn(&address, &extension, DEPENDENCY_AUTO_EXTENSION);

	CommandCounterIncrement();
	return address.objectId;
}

/* stores the chain's registry row */
static void
insert_chain(Relation rel, const ScChain *chain)
{
	Datum		values[SC_CHAIN_NATTS];
	bool		nulls[SC_CHAIN_NATTS] = {false};

	values[SC_CHAIN_ATTR_ID - 1] = Int32GetDatum(chain->chain_id);
	values[SC_CHAIN_ATTR_NAME - 1] = CStringGetTextDatum(chain->name);
	values[SC_CHAIN_ATTR_ORIGIN - 1] = CStringGetTextDatum(chain->origin);
	nulls[SC_CHAIN_ATTR_LOG_KEY - 1] = chain->log_key == NULL;
	values[SC_CHAIN_ATTR_LOG_KEY - 1] = chain->log_key ? CStringGetTextDatum(chain->log_key) : (Datum) 0;
	values[SC_CHAIN_ATTR_SEQUENCE - 1] = ObjectIdGetDatum(chain->sequence);
	values[SC_CHAIN_ATTR_SYSTEM - 1] = Int64GetDatum((int64) chain->system_identifier);
	values[SC_CHAIN_ATTR_DATABASE - 1] = ObjectIdGetDatum(chain->database);
	values[SC_CHAIN_ATTR_CREATED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[SC_CHAIN_ATTR_COPY - 1] = BoolGetDatum(chain->copy);
	values[SC_CHAIN_ATTR_SHARED - 1] = BoolGetDatum(chain->shared);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	CommandCounterIncrement();
}

ScChain *
sc_chain_register(const char *name, const char *origin, const char *log_key)
{
	Relation	rel = sc_registry_open("chain", ShareRowExclusiveLock);
	ScChain    *chain = palloc0(sizeof(ScChain));
	ScBuf		event = SC_BUF_INIT;

	if (sc_chain_by_name(name, true) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("chain \"%s\" exists already", name),
				 errhint("A chain is made once and lives for ever; choose another name.")));

	chain->chain_id = next_chain_id();
	chain->name = pstrdup(name);
	chain->origin = pstrdup(origin);
	chain->log_key = log_key ? pstrdup(log_key) : NULL;
	chain->sequence = sc_chain_create_sequence(chain->chain_id);
	chain->system_identifier = GetSystemIdentifier();
	chain->database = MyDatabaseId;
	insert_chain(rel, chain);
	table_close(rel, NoLock);

	genesis_event(&event, log_key);
	sc_event_record(chain, SC_TABLE_EVENTS, NULL, &event);
	sc_buf_free(&event);
	return chain;
}

ScChain *
sc_chain_register_copy(const char *origin, const char *log_key)
{
	Relation	rel = sc_registry_open("chain", ShareRowExclusiveLock);
	ScChain    *chain = palloc0(sizeof(ScChain));

	chain->chain_id = next_chain_id();
	chain->name = pstrdup(origin);
	chain->origin = pstrdup(origin);
	chain->log_key = pstrdup(log_key);
	chain->system_identifier = GetSystemIdentifier();
	chain->database = MyDatabaseId;
	chain->copy = true;
	insert_chain(rel, chain);
	table_close(rel, NoLock);
	return chain;
}

ScChain *
sc_chain_register_unnamed(const char *name)
{
	uint8		random[16];
	ScBuf		origin = SC_BUF_INIT;
	char	   *text;

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not get random bytes for the chain's origin")));
	sc_buf_literal(&origin, "unnamed/");
	sc_buf_hex(&origin, random, sizeof(random));
	sc_buf_char(&origin, '/');
	sc_buf_string(&origin, name);
	if (sc_buf_cstr(&origin) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	text = pstrdup(sc_buf_cstr(&origin));
	sc_buf_free(&origin);
	return sc_chain_register(name, text, NULL);
}

/* {"chain":<origin>,"event":<event>,"seq":<seq>[,"table":<name>]} */
static void
event_leaf(ScBuf *leaf, const ScChain *chain, const char *ledger_name, const ScBuf *event, int64 seq)
{
	sc_buf_literal(leaf, "{\"chain\":");
	sc_json_string(leaf, chain->origin, strlen(chain->origin));
	sc_buf_literal(leaf, ",\"event\":");
	sc_buf_append(leaf, event->data, event->len);
	sc_buf_literal(leaf, ",\"seq\":\"");
	sc_buf_int64(leaf, seq);
	sc_buf_char(leaf, '"');
	if (ledger_name != NULL)
	{
		sc_buf_literal(leaf, ",\"table\":");
		sc_json_string(leaf, ledger_name, strlen(ledger_name));
	}
	sc_buf_char(leaf, '}');
}

/* stores the event's row */
static void
insert_event(int32 chain_id, int64 seq, int32 table_id, const char *leaf, size_t len)
{
	Relation	rel = sc_registry_open("event", RowExclusiveLock);
	Datum		values[SC_EVENT_NATTS];
	bool		nulls[SC_EVENT_NATTS] = {false};

	values[SC_EVENT_ATTR_CHAIN_ID - 1] = Int32GetDatum(chain_id);
	values[SC_EVENT_ATTR_SEQ - 1] = Int64GetDatum(seq);
	values[SC_EVENT_ATTR_TABLE_ID - 1] = Int32GetDatum(table_id);
	nulls[SC_EVENT_ATTR_TABLE_ID - 1] = table_id == SC_TABLE_EVENTS;
	values[SC_EVENT_ATTR_LEAF - 1] = PointerGetDatum(cstring_to_text_with_len(leaf, len));
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
}

void
sc_event_store(const ScChain *chain, int32 table_id, int64 seq, const char *leaf, size_t len)
{
	ScHash		hash;

	sc_hash_leaf(&hash, leaf, len);
	insert_event(chain->chain_id, seq, table_id, leaf, len);
	sc_recorder_add_copied(chain->chain_id, SC_TABLE_EVENTS, seq, NULL, &hash);
}

int64
sc_event_make(const ScChain *chain, int32 table_id, const char *ledger_name, const ScBuf *event, ScHash *hash)
{
	ScBuf		leaf = SC_BUF_INIT;
	int64		seq;

	sc_chain_require_open(chain);
	(void) sc_sequence_take(chain->chain_id, chain->sequence, 1, &seq);

	event_leaf(&leaf, chain, ledger_name, event, seq);
	if (event->failed || leaf.failed)
		sc_status_report(SC_NO_MEMORY, "event leaf");
	if (leaf.len > SC_LEAF_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("event leaf is too large"),
				 errdetail("It has %zu bytes; a leaf may have %d.", leaf.len, SC_LEAF_MAX),
				 errhint("Use fewer or shorter column names.")));
	sc_hash_leaf(hash, leaf.data, leaf.len);
	insert_event(chain->chain_id, seq, table_id, leaf.data, leaf.len);
	if (sc_event_recorded_hook != NULL)
		sc_event_recorded_hook(chain, seq, leaf.data, leaf.len);
	sc_buf_free(&leaf);
	return seq;
}

int64
sc_event_record(const ScChain *chain, int32 table_id, const char *ledger_name, const ScBuf *event)
{
	ScHash		hash;
	int64		seq = sc_event_make(chain, table_id, ledger_name, event, &hash);

	sc_recorder_add(chain->chain_id, SC_TABLE_EVENTS, seq, NULL, &hash);
	return seq;
}
