/*
 * reconcile.c
 *	  A new subscription in place of one whose positions mean nothing any more.
 *
 * What was integrated stays: blocks are signed, and a block is a block on
 * every lineage.  What waits for its block is taken back, since its origin may
 * have lost it; then everything that the origin has above the integrated
 * blocks, sealed or not, is brought over in the very snapshot in which the
 * new slot begins.  So each row comes once: by this, or by the slot.
 *
 * Invariant: subscription, rows, their journal entries and the note that all
 * is well are one transaction.  Rows are what the origin says, as they are when
 * replication brings them; integrating their block tells whether they are
 * right.
 * Context: the network worker, outside a transaction.  The slot is made before
 * this node's transaction begins: making one waits for transactions.
 * Effects: rows of copies below the access method, subscriptions, slots.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_subscription_rel.h"
#include "compat.h"
#include "ledger/journal.h"
#include "ledger/recorder.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/ask.h"
#include "network/copy.h"
#include "network/copy_event.h"
#include "network/lineage.h"
#include "network/link.h"
#include "network/message.h"
#include "network/query.h"
#include "network/reconcile.h"
#include "network/row_store.h"
#include "network/row_tables.h"
#include "network/subscription.h"
#include "proof/guard.h"
#include "proof/locate.h"
#include "seal/block.h"
#include "seal/journal_members.h"
#include "seal/shmem.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"


/* a copy that comes from the peer */
typedef struct Copy
{
	char	   *origin;
	int64		height;			/* of its last block, -1 = none */
} Copy;

/* the copies that come from the peer, in the caller's context: List of Copy * */
static List *
find_copies(const char *peer)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;
	uint64		rows;

	sc_query_begin();
	rows = sc_query("SELECT c.origin, COALESCE((SELECT max(height) FROM seoulchain.chain_block b WHERE b.chain_id = c.chain_id), -1) "
					"FROM seoulchain.chain c JOIN seoulchain.follow f ON f.origin = c.origin WHERE c.copy AND f.peer = %s",
					quote_literal_cstr(peer));
	for (uint64 i = 0; i < rows; i++)
	{
		char	   *origin = sc_query_value(i, 1);
		char	   *height = sc_query_value(i, 2);
		MemoryContext old = MemoryContextSwitchTo(context);
		Copy	   *copy = palloc(sizeof(Copy));

		copy->origin = pstrdup(origin);
		copy->height = strtoll(height, NULL, 10);
		result = lappend(result, copy);
		MemoryContextSwitchTo(old);
	}
	sc_query_commit();
	return result;
}

/* is a chain of this node still being asked about or brought back?  Then its own turn comes first. */
static bool
own_chains_wait(void)
{
	bool		waits;

	sc_query_begin();
	waits = sc_query_text("SELECT 1 FROM seoulchain.recovery") != NULL;
	sc_query_commit();
	return waits;
}

/* has the peer all blocks that this node has integrated? */
static bool
has_blocks(ScChannel *channel, List *copies)
{
	ListCell   *lc;

	foreach(lc, copies)
	{
		const Copy *copy = lfirst(lc);
		ScAskChain	there;

		if (copy->height >= 0 && (!sc_ask_chain(&there, channel, copy->origin) || !there.own || there.height < copy->height))
			return false;
	}
	return true;
}

/* events that change more here than the chain itself */
#define GREAT_EVENTS "'join', 'column', 'rename', 'drop', 'time', 'signature', 'members', 'contract', 'policy'"

/* the copy's events that are in no block yet, as an array's text; NULL when there are none.  In the caller's context. */
static char *
unsealed_events(const Copy *copy)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *list;

	sc_query_begin();
	list = sc_query_text("SELECT pg_catalog.array_agg(e.ledger_seq) FROM seoulchain.chain c JOIN seoulchain.event e USING (chain_id) "
						 "WHERE c.origin = %s AND c.copy AND NOT EXISTS (SELECT FROM seoulchain.block_range r WHERE r.chain_id = e.chain_id "
						 "AND r.lower <= e.ledger_seq AND r.upper > e.ledger_seq) AND "
						 "e.leaf::pg_catalog.jsonb #>> '{event,type}' IN (" GREAT_EVENTS ")",
						 quote_literal_cstr(copy->origin));
	list = list ? MemoryContextStrdup(context, list) : NULL;
	sc_query_commit();
	return list;
}

/* a copy that has events which its node has lost before they were in a block, or NULL: what they did cannot be undone */
static const char *
lost_events(ScChannel *channel, List *copies)
{
	ListCell   *lc;

	foreach(lc, copies)
	{
		const Copy *copy = lfirst(lc);
		char	   *list = unsealed_events(copy);

		if (list != NULL &&
			sc_channel_text(channel, psprintf("SELECT 1 FROM pg_catalog.unnest(%s::pg_catalog.int8[]) n WHERE NOT EXISTS "
											  "(SELECT FROM seoulchain.chain c JOIN seoulchain.event e USING (chain_id) "
											  "WHERE c.origin OPERATOR(pg_catalog.=) %s AND e.ledger_seq OPERATOR(pg_catalog.=) n) LIMIT 1",
											  sc_channel_literal(list), sc_channel_literal(copy->origin))) != NULL)
			return copy->origin;
	}
	return NULL;
}

/* does the peer know the table, and not publish it to this node? */
static bool
lacks_confirmation(ScChannel *channel, const char *link, const ScMessage *table)
{
	return sc_channel_text(channel, psprintf("SELECT 1 FROM seoulchain.ledger l JOIN seoulchain.chain c USING (chain_id) "
											 "WHERE c.origin OPERATOR(pg_catalog.=) %s AND l.ledger_name OPERATOR(pg_catalog.=) %s AND "
											 "l.joined_seq = " INT64_FORMAT " AND l.dropped_seq IS NULL AND NOT EXISTS "
											 "(SELECT FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid "
											 "WHERE p.pubname = %s AND r.prrelid = l.relation)",
											 sc_channel_literal(table->origin), sc_channel_literal(table->body), table->number,
											 sc_channel_literal(link))) != NULL;
}

/* confirms the tables that are here and that the peer does not publish yet; true when there were any */
static bool
confirm_tables(const char *me, const ScPeer *peer, ScChannel *channel, const char *link)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *missing = NIL;
	List	   *all = NIL;
	uint64		rows;
	ListCell   *lc;

	sc_query_begin();
	rows = sc_query("SELECT c.origin, l.joined_seq, l.ledger_name FROM seoulchain.chain c JOIN seoulchain.follow f ON f.origin = c.origin "
					"JOIN seoulchain.ledger l USING (chain_id) WHERE c.copy AND f.peer = %s AND l.relation <> 0 AND l.dropped_seq IS NULL",
					quote_literal_cstr(peer->name));
	for (uint64 i = 0; i < rows; i++)
	{
		char	   *values[3] = {sc_query_value(i, 1), sc_query_value(i, 2), sc_query_value(i, 3)};
		MemoryContext old = MemoryContextSwitchTo(context);
		ScMessage  *message = palloc0(sizeof(ScMessage));

		message->sender = me;
		message->recipient = peer->name;
		message->kind = SC_MESSAGE_CONFIRMATION;
		message->origin = pstrdup(values[0]);
		message->number = strtoll(values[1], NULL, 10);
		message->body = pstrdup(values[2]);
		message->bodylen = strlen(message->body);
		all = lappend(all, message);
		MemoryContextSwitchTo(old);
	}
	sc_query_commit();
	foreach(lc, all)
	{
		const ScMessage *message = lfirst(lc);

		if (lacks_confirmation(channel, link, message))
			missing = lappend(missing, unconstify(ScMessage *, message));
	}
	if (missing == NIL)
		return false;
	sc_query_begin();
	foreach(lc, missing)
		sc_message_send(lfirst(lc));
	sc_query_commit();
	return true;
}

/* takes a row that waits for its block away; what sc_guard calls */
typedef struct Removal
{
	Oid			relid;
	int64		seq;
} Removal;

static void
remove_row(void *arg)
{
	Removal    *removal = arg;
	ScRowPlace	place;

	sc_row_locate(&place, removal->relid, removal->seq, GetActiveSnapshot());
	sc_row_store_delete(place.rel, &place.slot->tts_tid);
	sc_row_done(&place);
}

/* the numbers that wait for the chain */
typedef struct Waiting
{
	int			nranges;
	int			capacity;
	ScSeqRange *ranges;
	int64		total;
} Waiting;

static bool
note_waiting(void *arg, int32 chain_id, int64 first_seq, int count)
{
	Waiting    *waiting = arg;

	waiting->total += count;
	if (waiting->nranges > 0 && waiting->ranges[waiting->nranges - 1].upper == first_seq)
	{
		waiting->ranges[waiting->nranges - 1].upper += count;
		return true;
	}
	if (waiting->nranges == waiting->capacity)
		waiting->ranges = repalloc(waiting->ranges, (waiting->capacity *= 2) * sizeof(ScSeqRange));
	waiting->ranges[waiting->nranges++] = (ScSeqRange) {first_seq, first_seq + count};
	return true;
}

/*
 * Takes back the rows that waited for their block when the transaction began;
 * its snapshot does not see those that were brought over since.  Events stay.
 */
static void
take_back(const ScChain *chain)
{
	Waiting		waiting = {.capacity = 64};
	ScJournalIndex *index = sc_journal_scan(chain->chain_id, GetActiveSnapshot());
	ScSealLeaf *leaves;

	waiting.ranges = palloc(waiting.capacity * sizeof(ScSeqRange));
	sc_journal_waiting(index, note_waiting, &waiting);
	if (waiting.total == 0)
		return;
	leaves = MemoryContextAllocHuge(CurrentMemoryContext, waiting.total * sizeof(ScSealLeaf));
	if (!sc_journal_members_take(index, GetActiveSnapshot(), waiting.ranges, waiting.nranges, leaves))
		elog(ERROR, "the journal of chain \"%s\" has changed meanwhile", chain->origin);
	for (int64 i = 0; i < waiting.total; i++)
	{
		ScLedgerTable *table = leaves[i].table_id > 0 ? sc_ledger_by_id(leaves[i].table_id) : NULL;
		Removal		removal = {.relid = table ? table->relation : InvalidOid,.seq = leaves[i].seq};

		CHECK_FOR_INTERRUPTS();
		if (leaves[i].table_id == SC_TABLE_EVENTS)
			sc_recorder_add_copied(chain->chain_id, SC_TABLE_EVENTS, leaves[i].seq, NULL, &leaves[i].hash);
		else if (OidIsValid(removal.relid))
			(void) sc_guard(remove_row, &removal, NULL);
	}
}

typedef struct Bring
{
	const ScChain *chain;
	ScRowTables tables;			/* those that were here before; others come whole */
	int64		count;
	TimestampTz began;
} Bring;

/* numbers asked for at once */
#define BRING_SPAN 2000
#define EVENTS_ASKED 500

/* a peer that dawdles would keep the network worker from all others */
#define SLOW_AFTER_MS 60000
#define SLOW_ROWS_A_SECOND 500

static void
check_speed(const Bring *bring)
{
	long		ms = TimestampDifferenceMilliseconds(bring->began, GetCurrentTimestamp());

	if (ms > SLOW_AFTER_MS && bring->count < (int64) ms / 1000 * SLOW_ROWS_A_SECOND)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_EXCEPTION),
				 errmsg("rows of chain \"%s\" come too slowly: " INT64_FORMAT " in %ld s", bring->chain->origin, bring->count, ms / 1000)));
}

/* stores a row of the origin, as replication would */
static void
store_row(void *arg, const ScRowValues *row)
{
	Bring	   *bring = arg;
	ScRowTable *open = sc_row_tables_find(&bring->tables, row->table);
	ItemPointerData tid;
	ScHash		hash;
	char	   *problem;

	if (bring->count++ % 1000 == 0)
		check_speed(bring);
	if (open == NULL)
		return;
	if (!sc_row_values_fill(open->slot, &hash, row, open->rel, &problem))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("row " INT64_FORMAT " of chain \"%s\" cannot be stored: %s", row->ledger_seq, bring->chain->origin, problem)));
	sc_row_store_insert(open->store, open->slot, &tid);
	sc_recorder_add_copied(bring->chain->chain_id, open->table->table_id, row->ledger_seq, &tid, &hash);
	ExecClearTuple(open->slot);
}

/* applies events that this node has not got, in order; without them rows could not be stored, and blocks would lack them */
static void
bring_events(ScChannel *channel, const char *me, const char *peer, const char *origin, int64 beyond, int64 upper)
{
	int			got = EVENTS_ASKED;

	while (got == EVENTS_ASKED && beyond < upper)
	{
		ScMessage	messages[EVENTS_ASKED];
		const char *const *row;

		got = 0;
		sc_channel_query(channel, psprintf("SELECT ledger_seq, leaf FROM seoulchain.served_events(%s, " INT64_FORMAT ", %d)",
										   sc_channel_literal(origin), beyond, EVENTS_ASKED), 2);
		while ((row = sc_channel_next(channel)) != NULL && got < EVENTS_ASKED)
		{
			beyond = sc_ask_int8(row[0]);
			messages[got] = (ScMessage) {.sender = peer,.recipient = me,.kind = SC_MESSAGE_EVENT,.origin = origin,.number = beyond,
				.body = pstrdup(row[1] ? row[1] : "")};
			messages[got].bodylen = strlen(messages[got].body);
			got++;
		}
		for (int i = 0; i < got; i++)
		{
			char	   *problem = NULL;

			CHECK_FOR_INTERRUPTS();
			if (!sc_copy_apply_event(&messages[i], &problem))
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("event " INT64_FORMAT " of chain \"%s\" cannot be applied yet: %s", messages[i].number, origin,
								problem ? problem : "unknown")));
		}
	}
}

/* asks for the rows in ranges, a piece at a time */
static void
bring_ranges(ScChannel *channel, const Copy *copy, const ScSeqRange *ranges, int count, Bring *bring)
{
	int64		next = 0;

	for (int i = 0; i < count;)
	{
		ScSeqRange	piece;

		piece.lower = Max(next, ranges[i].lower);
		piece.upper = piece.lower + BRING_SPAN;
		while (i < count && ranges[i].upper <= piece.upper)
			i++;
		if (i == count || ranges[i].lower >= piece.upper)
			piece.upper = ranges[i - 1].upper;
		next = piece.upper;
		CHECK_FOR_INTERRUPTS();
		sc_ask_rows_between(channel, copy->origin, copy->height, &piece, store_row, bring);
	}
}

/* brings over what the origin has above the integrated blocks; how many rows */
static int64
bring_rows(ScChannel *channel, const char *me, const char *peer, const Copy *copy, List *known)
{
	Bring		bring = {.tables = {.context = CurrentMemoryContext,.some = true,.among = known},.began = GetCurrentTimestamp()};
	ScSeqRange *ranges;
	int			count;

	ranges = sc_ask_above(channel, copy->origin, copy->height, &count);
	if (count == 0)
		return 0;
	bring_events(channel, me, peer, copy->origin, ranges[0].lower - 1, ranges[count - 1].upper);
	bring.chain = sc_copy_by_origin(copy->origin);
	if (bring.chain == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("copy \"%s\" has been dropped meanwhile", copy->origin)));
	bring.tables.chain_id = bring.chain->chain_id;
	bring_ranges(channel, copy, ranges, count, &bring);
	sc_row_tables_close(&bring.tables);
	return bring.count;
}

/* errors if the sealing worker has integrated a block since the peer was asked for what is above; keeps it from doing so */
static void
check_height(const Copy *copy)
{
	ScChain    *chain = sc_copy_by_origin(copy->origin);
	ScBlock		last;
	int64		height = -1;

	if (chain != NULL)
	{
		sc_chain_lock(chain->chain_id);
		PushActiveSnapshot(GetLatestSnapshot());
		if (sc_block_last(chain->chain_id, GetActiveSnapshot(), &last))
			height = last.height;
		PopActiveSnapshot();
	}
	if (height != copy->height)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("copy \"%s\" has grown meanwhile", copy->origin)));
}

/* the tables of copies of the peer's chains that are here: List of Oid */
static List *
known_tables(const char *peer)
{
	MemoryContext context = CurrentMemoryContext;
	uint64		rows = sc_query("SELECT l.relation::pg_catalog.oid FROM seoulchain.chain c JOIN seoulchain.follow f ON f.origin = c.origin "
								"JOIN seoulchain.ledger l USING (chain_id) WHERE c.copy AND f.peer = %s AND l.relation <> 0 AND l.dropped_seq IS NULL",
								quote_literal_cstr(peer));
	List	   *result = NIL;

	MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < rows; i++)
		result = lappend_oid(result, (Oid) strtoul(sc_query_value(i, 1), NULL, 10));
	return result;
}

/* rows that are here need not be copied */
static void
tables_ready(List *known, Oid subid)
{
	ListCell   *lc;

	foreach(lc, known)
		sc_add_subscription_table(subid, lfirst_oid(lc), SUBREL_STATE_READY);
}

/* what the peer has of this node's chains, as the messages that say so: List of ScMessage * */
static List *
ask_what_it_has(const char *me, ScChannel *channel)
{
	List	   *result = NIL;
	const char *const *row;

	sc_channel_query(channel, psprintf("SELECT 'request', s.origin, COALESCE(s.height, -1), NULL FROM seoulchain.served_chains() s "
									   "WHERE NOT s.own AND pg_catalog.starts_with(s.origin, %s) UNION ALL "
									   "SELECT 'confirmation', c.origin, l.joined_seq, l.ledger_name FROM seoulchain.chain c "
									   "JOIN seoulchain.ledger l USING (chain_id) WHERE c.copy AND l.relation::pg_catalog.oid <> 0 AND "
									   "l.dropped_seq IS NULL AND pg_catalog.starts_with(c.origin, %s)",
									   sc_channel_literal(psprintf("%s/", me)), sc_channel_literal(psprintf("%s/", me))), 4);
	while ((row = sc_channel_next(channel)) != NULL)
	{
		ScMessage  *message = palloc0(sizeof(ScMessage));

		if (row[0] == NULL || row[1] == NULL || (strcmp(row[0], SC_MESSAGE_REQUEST) != 0 && row[3] == NULL))
			continue;
		message->kind = strcmp(row[0], SC_MESSAGE_REQUEST) == 0 ? SC_MESSAGE_REQUEST : SC_MESSAGE_CONFIRMATION;
		message->origin = pstrdup(row[1]);
		message->number = sc_ask_int8(row[2]);
		message->body = row[3] ? pstrdup(row[3]) : "";
		result = lappend(result, message);
	}
	return result;
}

/*
 * One transaction: rows and subscription.  What the peer keeps waiting comes
 * first; the chains' locks, for which the sealing worker waits, last.
 */
static void
begin_anew(const char *me, const ScPeer *peer, ScChannel *channel, const char *link, List *copies, List *has,
		   const char *lineage, const char *run)
{
	int64		count = 0;
	List	   *known;
	ListCell   *lc;

	sc_query_begin();
	known = known_tables(peer->name);
	foreach(lc, copies)
		count += bring_rows(channel, me, peer->name, lfirst(lc), known);
	/* what it asked for or confirmed in the meantime did not reach us: it is answered as if it had come */
	foreach(lc, has)
	{
		const ScMessage *message = lfirst(lc);

		sc_query("INSERT INTO seoulchain.message (sender, recipient, kind, origin, number, body) VALUES (%s, %s, %s, %s, " INT64_FORMAT ", %s)",
				 quote_literal_cstr(peer->name), quote_literal_cstr(me), quote_literal_cstr(message->kind),
				 quote_literal_cstr(message->origin), message->number, quote_literal_cstr(message->body));
	}
	tables_ready(known, sc_subscription_create(link, me, peer));
	sc_lineage_made(peer->name, lineage, run);
	foreach(lc, copies)
	{
		check_height(lfirst(lc));
		take_back(sc_copy_by_origin(((Copy *) lfirst(lc))->origin));
	}
	sc_query_commit();
	ereport(LOG,
			(errmsg("seoulchain network, node \"%s\": a new slot, with " INT64_FORMAT " rows brought over", peer->name, count)));
}

/* a slot, and the snapshot in which it begins, for the rest of the channel's transaction */
static void
make_slot(ScChannel *channel, const char *link)
{
	sc_slot_remove(channel, link);
	sc_channel_command(channel, "BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ");
	sc_channel_command(channel, psprintf("CREATE_REPLICATION_SLOT \"%s\" LOGICAL pgoutput (SNAPSHOT 'use')", link));
}

const char *
sc_reconcile_peer(const char *me, const ScPeer *peer, ScChannel *channel, const char *lineage, const char *run)
{
	char	   *link = sc_link_name(peer->name, me);
	List	   *copies = find_copies(peer->name);
	List	   *has;
	const char *lost;
	bool		there;

	if (own_chains_wait())
		return "a chain of this node is being recovered first";
	if (!has_blocks(channel, copies))
		return "it has not all blocks back that this node holds of its chains";
	if ((lost = lost_events(channel, copies)) != NULL)
		return psprintf("it has lost changes of chain %s that this node knows: follow the chain anew with unfollow(), drop_copy() and follow()", lost);
	if (confirm_tables(me, peer, channel, link))
		return "it does not publish every table yet that this node has";
	sc_query_begin();
	there = sc_subscription_exists(me, peer->name);
	sc_query_commit();
	if (there)
		sc_subscription_drop(link);
	make_slot(channel, link);
	has = ask_what_it_has(me, channel);
	begin_anew(me, peer, channel, link, find_copies(peer->name), has, lineage, run);
	/* blocks are to be sent again */
	pg_atomic_write_u32(&sc_slot_mine()->asked, 1);
	sc_slot_wake(sc_slot_mine());
	return NULL;
}
