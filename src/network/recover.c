/*
 * recover.c
 *	  A chain of this node goes on only when its peers have been asked what was signed.
 *
 * After each start of the server, and when a chain is first shared, the
 * network worker asks every node that the chain is shared with for the newest
 * block it holds.  Until then the chain takes no rows and seals no blocks
 * (gate.c).  If a peer holds more than this node has signed here, this node
 * has lost something: an old backup, a promoted standby, a cluster made anew.
 * The chain is then marked as a copy, so that nobody but this file writes
 * it, its blocks are brought back (recover_block.c), and it becomes this
 * node's own again with its numbers beyond all that any peer has heard of.
 *
 * Invariant: a chain that signing memory speaks against goes on only when
 * every peer has answered, or was left out by an operator, and nothing that a
 * peer or memory holds is missing here; that is recorded on the chain by a
 * resume_signing event, which is for the very memory entry, cluster and
 * timeline.  While memory and tables agree, a peer that does not answer keeps
 * nobody waiting.
 * Context: the network worker, outside a transaction.  Steps are transactions
 * of their own; what an interruption leaves is gone on with.
 * Effects: seoulchain.recovery, seoulchain.chain, the chain's blocks and rows.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "ledger/journal.h"
#include "ledger/registry.h"
#include "ledger/settings.h"
#include "miscadmin.h"
#include "network/ask.h"
#include "network/cosign_leave.h"
#include "network/gate.h"
#include "network/lineage.h"
#include "network/lineage_watch.h"
#include "network/network_settings.h"
#include "network/peer.h"
#include "network/peer_state.h"
#include "network/query.h"
#include "network/recover.h"
#include "network/recover_block.h"
#include "network/served.h"
#include "network/wake.h"
#include "seal/internal_scan.h"
#include "seal/node.h"
#include "seal/resume.h"
#include "seal/seal.h"
#include "seal/shmem.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_recover);
PG_FUNCTION_INFO_V1(sc_served_greatest);

/* pauses between attempts */
#define RETRY_STEP_MS 100
#define RETRY_MAX_MS 3000

/* a node has never lost more numbers than this */
#define NUMBERS_LOST_MAX (INT64CONST(1) << 40)

/* what one peer says of a chain */
typedef struct PeerWord
{
	char	   *peer;
	bool		answered;
	bool		has;			/* it holds the chain, and shows what it says */
	ScAskChain	chain;
	int64		greatest;		/* number that it has heard of */
	bool		ahead;			/* it has had WAL from this server that is not here any more */
	char	   *problem;
} PeerWord;

/* a chain of this node, and what is known of it */
typedef struct Inquiry
{
	char	   *origin;
	int32		chain_id;		/* 0: it is not here at all */
	bool		copy;			/* it is being recovered */
	List	   *without;		/* char *: peers that are not waited for */
	int64		height;			/* of the last block here, -1 = none */
	int64		size;
	int64		signed_height;
	int64		signed_size;
	char	   *memory;			/* signing memory's entry as text */
	bool		memory_objects; /* to this cluster's signing */
	int64		memory_size;
	List	   *words;			/* PeerWord * */
} Inquiry;

/* the newest heard of each: see sc_chain_greatest_seq */
Datum
sc_served_greatest(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_of_origin(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);

	PG_RETURN_INT64(sc_chain_greatest_seq(chain->chain_id, GetActiveSnapshot()));
}

bool
sc_recovering(const char *origin)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	bool		found = false;

	/* no row, or a few */
	sc_internal_scan_begin(&scan, "recovery", "recovery_pkey", snapshot, NULL, 0);
	while (!found && (tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		found = strcmp(TextDatumGetCString(sc_internal_attr(tuple, 1, scan.rel)), origin) == 0;
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found;
}

/* reads what signing memory says, and whether it speaks against signing here */
static void
ask_memory(Inquiry *inquiry)
{
	ScMail		mail;
	uint64		size = 0;
	uint64		system = 0;
	uint32		timeline = 0;

	memset(&mail, 0, sizeof(mail));
	mail.kind = SC_MAIL_MEMORY;
	strlcpy(mail.name, inquiry->origin, sizeof(mail.name));
	sc_mail_call(&mail);
	inquiry->memory = pstrdup(mail.text);
	if (sscanf(mail.text, UINT64_FORMAT " %*s " UINT64_FORMAT " %u", &size, &system, &timeline) != 3)
	{
		/* no entry: fine for a chain that was never signed */
		inquiry->memory_objects = inquiry->signed_height >= 0;
		return;
	}
	inquiry->memory_size = (int64) size;
	inquiry->memory_objects = system != GetSystemIdentifier() || timeline != (uint32) GetWALInsertionTimeLine() ||
		inquiry->memory_size > inquiry->size;
}

/* reads what this node has of the chain */
static void
read_own(Inquiry *inquiry)
{
	MemoryContext context = CurrentMemoryContext;
	ScChain    *chain;
	ScBlock		last;
	uint64		rows;
	MemoryContext old;

	sc_query_begin();
	chain = sc_chain_of_origin(inquiry->origin, true);
	inquiry->height = inquiry->signed_height = -1;
	inquiry->size = inquiry->signed_size = 0;
	inquiry->chain_id = chain ? chain->chain_id : 0;
	inquiry->copy = chain ? chain->copy : false;
	if (chain != NULL && sc_block_last(chain->chain_id, GetActiveSnapshot(), &last))
	{
		inquiry->height = last.height;
		inquiry->size = last.tree_size;
	}
	if (chain != NULL)
		(void) sc_signature_find(chain->chain_id, -1, GetActiveSnapshot(), &inquiry->signed_height, &inquiry->signed_size, NULL);
	inquiry->without = NIL;
	rows = sc_query("SELECT w FROM seoulchain.recovery r, LATERAL pg_catalog.unnest(r.without) w WHERE r.origin = %s",
					quote_literal_cstr(inquiry->origin));
	old = MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < rows; i++)
		inquiry->without = lappend(inquiry->without, sc_query_value(i, 1));
	MemoryContextSwitchTo(old);
	sc_query_commit();
}

/* is the peer to be asked?  Those that the chain is shared with; all of them when it is being recovered */
static bool
is_asked(const Inquiry *inquiry, const ScPeer *peer)
{
	bool		shared;

	if (!peer->here || inquiry->chain_id == 0 || inquiry->copy)
		return peer->here;
	sc_query_begin();
	shared = sc_query_text("SELECT 1 FROM seoulchain.share WHERE chain_id = %d AND node = %s",
						   inquiry->chain_id, quote_literal_cstr(peer->name)) != NULL;
	sc_query_commit();
	return shared;
}

/*
 * Can what a peer says of a chain be relied on?  If it is more than was signed
 * here, the next block has to be shown, signed by the chain's key; if it is
 * another tree, that tree.  Nobody holds a chain up by what he makes up.
 */
static bool
is_shown(const Inquiry *inquiry, ScChannel *channel, const ScPeer *peer, const ScAskChain *said)
{
	bool		same;
	bool		shown;
	ScHash		root;

	/* nothing is here to judge by */
	if (inquiry->chain_id == 0)
		return true;
	if (said->size > inquiry->signed_size)
		shown = inquiry->signed_height < 0 ||
			sc_recover_shown(channel, peer->name, inquiry->origin, inquiry->signed_height + 1, inquiry->signed_size, 0, NULL);
	else
	{
		sc_query_begin();
		sc_tree_root(inquiry->chain_id, said->size, GetActiveSnapshot(), &root);
		same = memcmp(&root, &said->root, sizeof(ScHash)) == 0;
		sc_query_commit();
		shown = same || sc_recover_shown(channel, peer->name, inquiry->origin, said->height, -1, said->size, &said->root);
	}
	if (!shown)
		ereport(LOG,
				(errmsg("seoulchain: node %s says of chain \"%s\" what it does not show: " INT64_FORMAT " leaves",
						peer->name, inquiry->origin, said->size)));
	return shown;
}

/* asks one peer; whatever goes wrong is its word */
static PeerWord *
ask_peer(const Inquiry *inquiry, const char *me, const ScPeer *peer)
{
	MemoryContext context = CurrentMemoryContext;
	PeerWord   *word = palloc0(sizeof(PeerWord));

	word->peer = pstrdup(peer->name);
	PG_TRY();
	{
		ScChannel  *channel = sc_channel_open_conninfo(peer->name, peer->conninfo, sc_network_timeout);
		char	   *greatest;

		word->has = sc_ask_chain(&word->chain, channel, inquiry->origin) && is_shown(inquiry, channel, peer, &word->chain);
		greatest = sc_channel_text(channel, psprintf("SELECT seoulchain.served_greatest(origin) FROM seoulchain.served_chains() "
													 "WHERE origin OPERATOR(pg_catalog.=) %s", sc_channel_literal(inquiry->origin)));
		word->greatest = greatest ? sc_ask_int8(greatest) : 0;
		word->ahead = sc_lineage_is_ahead(channel, me, peer->name);
		sc_channel_close(channel);
		word->answered = true;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
			ReThrowError(error);
		word->problem = error->message;
	}
	PG_END_TRY();
	return word;
}

/* is the peer left out by the operator? */
static bool
is_left_out(const Inquiry *inquiry, const char *peer)
{
	ListCell   *lc;

	foreach(lc, inquiry->without)
		if (strcmp(lfirst(lc), peer) == 0)
			return true;
	return false;
}

/* the peers that have not answered and are waited for, as a text; NULL when there are none */
static char *
silent_peers(const Inquiry *inquiry)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, inquiry->words)
	{
		const PeerWord *word = lfirst(lc);

		if (!word->answered && !is_left_out(inquiry, word->peer))
			appendStringInfo(&text, "%s%s (%s)", text.len > 0 ? ", " : "", word->peer, word->problem);
	}
	return text.len > 0 ? text.data : NULL;
}

/* the peer from which blocks could not be brought back last: another one's turn, if there is one */
static char failed_peer[SC_PEER_NAME_LEN] = "";

/* the word of the peer that holds most, or NULL */
static const PeerWord *
greatest_word(const Inquiry *inquiry)
{
	const PeerWord *best = NULL;
	const PeerWord *failed = NULL;
	ListCell   *lc;

	foreach(lc, inquiry->words)
	{
		const PeerWord *word = lfirst(lc);

		if (!word->answered || !word->has)
			continue;
		if (strcmp(word->peer, failed_peer) == 0)
			failed = word;
		else if (best == NULL || word->chain.size > best->chain.size)
			best = word;
	}
	return best != NULL && (failed == NULL || best->chain.size > inquiry->signed_size) ? best : failed;
}

/*
 * The greatest number that this node or any peer has heard of.  A peer that
 * lies wastes numbers: NUMBERS_LOST_MAX of 9223372036854775807 at a time.
 */
static int64
greatest_number(const Inquiry *inquiry)
{
	int64		known = sc_chain_greatest_seq(inquiry->chain_id, GetActiveSnapshot());
	int64		greatest = known;
	ListCell   *lc;

	foreach(lc, inquiry->words)
		greatest = Max(greatest, Min(((PeerWord *) lfirst(lc))->greatest, known + NUMBERS_LOST_MAX));
	return greatest;
}

/* a peer that has had WAL of this server that is gone, or NULL */
static const char *
any_ahead(const Inquiry *inquiry)
{
	ListCell   *lc;

	foreach(lc, inquiry->words)
		if (((PeerWord *) lfirst(lc))->ahead)
			return ((PeerWord *) lfirst(lc))->peer;
	return NULL;
}

/* a peer that holds another tree than this node, or NULL */
static const char *
contradiction(const Inquiry *inquiry)
{
	ListCell   *lc;
	const char *peer = NULL;

	sc_query_begin();
	foreach(lc, inquiry->words)
	{
		const PeerWord *word = lfirst(lc);
		ScHash		root;

		if (!word->answered || !word->has || word->chain.size > inquiry->size)
			continue;
		sc_tree_root(inquiry->chain_id, word->chain.size, GetActiveSnapshot(), &root);
		if (memcmp(&root, &word->chain.root, sizeof(ScHash)) != 0)
			peer = word->peer;
	}
	sc_query_commit();
	return peer;
}

/* has the sealing worker look again */
static void
wake_sealing(void)
{
	ScSealSlot *slot = sc_slot_mine();

	pg_atomic_write_u32(&slot->asked, 1);
	sc_slot_wake(slot);
}

/* the chain may not go on yet; said once */
static void
hold(const Inquiry *inquiry, const char *why)
{
	ScSealChainState state;

	if (inquiry->chain_id == 0)
		return;
	sc_chain_state_get(inquiry->chain_id, &state);
	if (!state.ready && strncmp(state.held_why, why, sizeof(state.held_why) - 1) == 0)
		return;
	sc_chain_state_set_ready(inquiry->chain_id, false, why);
	wake_sealing();
	ereport(LOG,
			(errmsg("seoulchain: chain \"%s\" is held: %s", inquiry->origin, why)));
}

/* the chain may go on */
static void
let_go(const Inquiry *inquiry)
{
	sc_chain_state_set_ready(inquiry->chain_id, true, NULL);
	wake_sealing();
}

/* sessions forget what they know of the chain */
static void
invalidate_chain(void)
{
	CacheInvalidateRelcacheByRelid(sc_registry_relation("chain"));
	CommandCounterIncrement();
}

/* from now on nobody but this file writes the chain */
static void
begin_recovery(const Inquiry *inquiry, const char *reason)
{
	sc_query_begin();
	sc_query("INSERT INTO seoulchain.recovery (origin, since, reason) VALUES (%s, pg_catalog.now(), %s) ON CONFLICT DO NOTHING",
			 quote_literal_cstr(inquiry->origin), quote_literal_cstr(reason));
	sc_query("UPDATE seoulchain.chain SET copy = true WHERE origin = %s", quote_literal_cstr(inquiry->origin));
	invalidate_chain();
	sc_query_commit();
	ereport(LOG,
			(errmsg("seoulchain: chain \"%s\" is being recovered from its peers: %s", inquiry->origin, reason)));
}

/* says how far a recovery is */
static void
note_recovery(const Inquiry *inquiry, const char *detail)
{
	sc_query_begin();
	sc_query("UPDATE seoulchain.recovery SET detail = %s WHERE origin = %s AND detail IS DISTINCT FROM %s",
			 quote_literal_cstr(detail), quote_literal_cstr(inquiry->origin), quote_literal_cstr(detail));
	sc_query_commit();
	hold(inquiry, detail);
}

/* signing memory speaks against this cluster, and the peers have told what they know: recorded on the chain */
static void
record_resume(const Inquiry *inquiry)
{
	ScChain    *chain = sc_chain_of_origin(inquiry->origin, false);
	ScBuf		event = SC_BUF_INIT;
	StringInfoData reason;
	ListCell   *lc;

	initStringInfo(&reason);
	appendStringInfoString(&reason, "asked its peers:");
	foreach(lc, inquiry->words)
	{
		const PeerWord *word = lfirst(lc);

		if (!word->answered)
			appendStringInfo(&reason, " %s was left out by an operator;", word->peer);
		else if (word->has)
			appendStringInfo(&reason, " %s holds " INT64_FORMAT " leaves;", word->peer, word->chain.size);
		else
			appendStringInfo(&reason, " %s holds none;", word->peer);
	}
	reason.data[reason.len - 1] = '\0';
	sc_resume_event(&event, inquiry->memory, reason.data);
	if (event.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	(void) sc_event_record(chain, SC_TABLE_EVENTS, NULL, &event);
	sc_buf_free(&event);
}

/* what rules and signatures keep follows from rows: those that came back are counted */
static void
rebuild(const Inquiry *inquiry)
{
	uint64		rows = sc_query("SELECT pg_catalog.format('SELECT seoulchain.rebuild_signed_payloads(%%s)', l.relation::pg_catalog.oid) "
								"FROM seoulchain.ledger l WHERE l.chain_id = %d AND l.dropped_seq IS NULL AND EXISTS "
								"(SELECT FROM seoulchain.signature_rule s WHERE s.table_id = l.table_id) UNION ALL "
								"SELECT pg_catalog.format('SELECT seoulchain.rebuild_state(%%s)', l.relation::pg_catalog.oid) "
								"FROM seoulchain.ledger l WHERE l.chain_id = %d AND l.dropped_seq IS NULL AND EXISTS "
								"(SELECT FROM seoulchain.contract_rule c WHERE c.table_id = l.table_id)",
								inquiry->chain_id, inquiry->chain_id);
	char	  **commands = palloc(sizeof(char *) * Max(rows, 1));

	for (uint64 i = 0; i < rows; i++)
		commands[i] = sc_query_value(i, 1);
	for (uint64 i = 0; i < rows; i++)
		sc_query("%s", commands[i]);
}

/* subscriptions are made anew, here and at the peers */
static void
tell_lost(void)
{
	sc_lineage_tell();
	sc_lineage_forget_compared();
}

/* the chain is this node's own again */
static void
end_recovery(const Inquiry *inquiry)
{
	ScChain    *chain;
	const char *name = strrchr(inquiry->origin, '/') + 1;

	sc_query_begin();
	chain = sc_chain_of_origin(inquiry->origin, false);
	if (!OidIsValid(chain->sequence))
		sc_query("UPDATE seoulchain.chain SET sequence = %u WHERE chain_id = %d", sc_chain_create_sequence(chain->chain_id), chain->chain_id);
	sc_query("UPDATE seoulchain.chain SET copy = false, shared = true, name = %s WHERE chain_id = %d",
			 quote_literal_cstr(name), chain->chain_id);
	sc_query("DELETE FROM seoulchain.recovery WHERE origin = %s", quote_literal_cstr(inquiry->origin));
	sc_query("DELETE FROM seoulchain.message WHERE origin = %s AND sender = recipient", quote_literal_cstr(inquiry->origin));
	invalidate_chain();
	chain = sc_chain_of_origin(inquiry->origin, false);
	sc_chain_advance_sequence(chain, greatest_number(inquiry));
	rebuild(inquiry);
	sc_lineage_renew();
	if (inquiry->memory_objects && inquiry->memory_size <= inquiry->size)
		record_resume(inquiry);
	sc_query_commit();
	tell_lost();
	ereport(LOG,
			(errmsg("seoulchain: chain \"%s\" has been recovered, with " INT64_FORMAT " leaves", inquiry->origin, inquiry->size)));
	let_go(inquiry);
}

/* brings back what the peer has that holds most */
static void
recover_from(const Inquiry *inquiry, const PeerWord *word, const char *me, List *peers)
{
	ListCell   *lc;

	foreach(lc, peers)
	{
		const ScPeer *peer = lfirst(lc);
		ScChannel  *channel;

		if (strcmp(peer->name, word->peer) != 0)
			continue;
		channel = sc_channel_open_conninfo(peer->name, peer->conninfo, sc_network_timeout);
		sc_recover_blocks(channel, peer->name, me, inquiry->origin, word->chain.height);
		sc_channel_close(channel);
	}
}

/* asks memory and every peer */
static void
inquire(Inquiry *inquiry, const char *me, List *peers)
{
	ListCell   *lc;

	read_own(inquiry);
	inquiry->words = NIL;
	foreach(lc, peers)
		if (is_asked(inquiry, lfirst(lc)))
			inquiry->words = lappend(inquiry->words, ask_peer(inquiry, me, lfirst(lc)));
	/* asked last: what a signature that left before was for is known by now */
	read_own(inquiry);
	ask_memory(inquiry);
}

/* why the chain has to be recovered, or NULL */
static char *
loss(const Inquiry *inquiry)
{
	const PeerWord *best = greatest_word(inquiry);

	if (best == NULL || best->chain.size <= inquiry->signed_size)
		return NULL;
	return psprintf("node %s holds " INT64_FORMAT " leaves that this node signed, " INT64_FORMAT " are signed here",
					best->peer, best->chain.size, inquiry->signed_size);
}

/* numbers that a peer has heard of are not given again */
static void
skip_numbers(const Inquiry *inquiry)
{
	ScChain    *chain;

	sc_query_begin();
	chain = sc_chain_of_origin(inquiry->origin, false);
	if (greatest_number(inquiry) > sc_chain_greatest_seq(inquiry->chain_id, GetActiveSnapshot()))
		sc_chain_advance_sequence(chain, greatest_number(inquiry));
	sc_query_commit();
}

/* a chain that has not been asked about yet; true when it has to be tried again */
static bool
check_chain(Inquiry *inquiry, const char *me, List *peers)
{
	const char *other;
	char	   *reason;
	char	   *silent;

	inquire(inquiry, me, peers);
	reason = loss(inquiry);
	if (reason != NULL)
	{
		begin_recovery(inquiry, reason);
		return true;
	}
	if (any_ahead(inquiry) != NULL)
		sc_lineage_note_ahead(any_ahead(inquiry));
	skip_numbers(inquiry);
	other = contradiction(inquiry);
	if (other != NULL)
	{
		hold(inquiry, psprintf("node %s holds another tree of this chain", other));
		return true;
	}
	silent = silent_peers(inquiry);
	if (inquiry->memory_objects && inquiry->words != NIL && silent != NULL)
	{
		hold(inquiry, psprintf("it waits for what these peers saw signed: %s", silent));
		return true;
	}
	if (inquiry->memory_objects && inquiry->words != NIL && inquiry->memory_size <= inquiry->size)
	{
		sc_query_begin();
		sc_chain_advance_sequence(sc_chain_of_origin(inquiry->origin, false),
								  greatest_number(inquiry));
		record_resume(inquiry);
		sc_query_commit();
	}
	let_go(inquiry);
	return false;
}

/* a chain that is being recovered; true when it has to be tried again */
static bool
work_on(Inquiry *inquiry, const char *me, List *peers)
{
	const PeerWord *best;
	char	   *silent;

	inquire(inquiry, me, peers);
	if (inquiry->chain_id != 0 && !inquiry->copy)
	{
		begin_recovery(inquiry, "asked for by an operator");
		return true;
	}
	best = greatest_word(inquiry);
	if (best != NULL && best->chain.size > inquiry->signed_size)
	{
		strlcpy(failed_peer, best->peer, sizeof(failed_peer));
		recover_from(inquiry, best, me, peers);
		failed_peer[0] = '\0';
		return true;			/* asked once more, with what is here now */
	}
	silent = silent_peers(inquiry);
	if (silent != NULL)
	{
		note_recovery(inquiry, psprintf("waits for %s; recover(..., without => ...) leaves a peer out", silent));
		return true;
	}
	if (inquiry->chain_id == 0)
	{
		note_recovery(inquiry, "no peer holds the chain");
		return true;
	}
	end_recovery(inquiry);
	return false;
}

/* one chain, errors noted; true when it has to be tried again */
static bool
try_chain(Inquiry *inquiry, const char *me, List *peers, volatile bool recovering)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool again = true;

	PG_TRY();
	{
		again = recovering ? work_on(inquiry, me, peers) : check_chain(inquiry, me, peers);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		RESUME_INTERRUPTS();
		if (recovering)
			note_recovery(inquiry, error->message);
		else
			hold(inquiry, error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return again;
}

/* origins that a query finds, in the caller's context: List of Inquiry * */
static List *
find_chains(const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;
	uint64		rows;

	sc_query_begin();
	rows = sc_query("%s", sql);
	for (uint64 i = 0; i < rows; i++)
	{
		char	   *origin = sc_query_value(i, 1);
		char	   *chain_id = sc_query_value(i, 2);
		MemoryContext old = MemoryContextSwitchTo(context);
		Inquiry    *inquiry = palloc0(sizeof(Inquiry));

		inquiry->origin = pstrdup(origin);
		inquiry->chain_id = atoi(chain_id);
		result = lappend(result, inquiry);
		MemoryContextSwitchTo(old);
	}
	sc_query_commit();
	return result;
}

bool
sc_recovery_tend(const char *me, List *peers)
{
	/* what has to be tried again is tried with growing pauses */
	static int	tries = 0;
	static TimestampTz last = 0;
	bool		again = false;
	ListCell   *lc;

	sc_gate_keeper = true;
	if (tries > 0 && !TimestampDifferenceExceeds(last, GetCurrentTimestamp(), Min(tries * RETRY_STEP_MS, RETRY_MAX_MS)))
		return true;
	foreach(lc, find_chains("SELECT origin, chain_id FROM seoulchain.chain c WHERE shared AND NOT copy AND log_key IS NOT NULL "
							"AND EXISTS (SELECT FROM seoulchain.share s WHERE s.chain_id = c.chain_id)"))
	{
		Inquiry    *inquiry = lfirst(lc);
		ScSealChainState state;

		sc_chain_state_get(inquiry->chain_id, &state);
		if (!state.ready)
			again |= try_chain(inquiry, me, peers, false);
	}
	foreach(lc, find_chains("SELECT origin, 0 FROM seoulchain.recovery"))
		again |= try_chain(lfirst(lc), me, peers, true);
	again |= sc_cosign_leave_tend(me, peers);
	tries = again ? tries + 1 : 0;
	last = GetCurrentTimestamp();
	return again;
}

/*
 * seoulchain.recover(chain text DEFAULT 'main', without text[] DEFAULT '{}') returns void
 *
 * Has the network worker ask this node's peers what they hold of a chain of
 * this node, here or not, and bring back what is missing; peers in `without`
 * are not waited for.  seoulchain.recovery tells how far it is.  Privileges:
 * seoulchain_operator.  Errors: OBJECT_NOT_IN_PREREQUISITE_STATE when this
 * database has no node; INVALID_PARAMETER_VALUE for a name that is none.
 */
Datum
sc_recover(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *me = sc_node_name(NULL);
	Oid			types[2] = {TEXTOID, TEXTARRAYOID};
	Datum		args[2];
	Oid			user;
	int			context;

	if (me == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database has no node"),
				 errhint("SELECT seoulchain.create_node(<name>); with the node's own name and its key directory, then add_peer() its peers.")));
	if (!sc_chain_name_ok(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no name of a chain of this node", name)));
	args[0] = CStringGetTextDatum(psprintf("%s/%s", me, name));
	args[1] = PG_GETARG_DATUM(1);
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(sc_registry_owner(), context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	if (SPI_execute_with_args("INSERT INTO seoulchain.recovery (origin, since, without, reason) VALUES ($1, pg_catalog.now(), $2, 'asked for by an operator') "
							  "ON CONFLICT (origin) DO UPDATE SET without = EXCLUDED.without", 2, types, args, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not note the wish to recover");
	SPI_finish();
	SetUserIdAndSecContext(user, context);
	sc_network_wake();
	PG_RETURN_VOID();
}
