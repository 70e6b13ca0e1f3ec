/*
 * cosign_leave.c
 *	  Cosigning a copy again after signing memory was lost, or on another server.
 *
 * Signing memory that is gone, or of another cluster or timeline, does not
 * say any more what this node cosigned.  Its peers do: cosignatures travel to
 * all of them.  When every peer has told the last one that it has, and the
 * copy here holds that very tree, and the one that memory names if it names
 * one, no two trees are cosigned: unless all peers that have the last one hide
 * it, or it left this node for none of them.
 *
 * Invariant: a row of seoulchain.cosign_leave is for one memory entry, cluster
 * and timeline, and goes in the transaction that cosigns by it: memory that is
 * lost once more has to be asked for once more.
 * Context: the network worker asks, the sealing worker uses the leave.
 * Effects: seoulchain.cosign_leave.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "core/buf.h"
#include "ledger/registry.h"
#include "miscadmin.h"
#include "network/ask.h"
#include "network/cosign.h"
#include "network/cosign_leave.h"
#include "network/network_settings.h"
#include "network/peer.h"
#include "network/query.h"
#include "network/served.h"
#include "seal/internal_scan.h"
#include "seal/node.h"
#include "seal/shmem.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* seoulchain.cosign_leave */
#define LEAVE_ATTR_ORIGIN 1
#define LEAVE_ATTR_MEMORY 2
#define LEAVE_ATTR_SYSTEM 3
#define LEAVE_ATTR_TIMELINE 4

/* what one peer has of this node's cosignatures */
typedef struct LastLine
{
	int64		size;			/* 0 = none */
	char	   *line;
} LastLine;

/* is the row a leave for that memory entry, on this cluster and timeline? */
static bool
is_leave(HeapTuple tuple, Relation rel, const char *origin, const char *memory)
{
	return strcmp(TextDatumGetCString(sc_internal_attr(tuple, LEAVE_ATTR_ORIGIN, rel)), origin) == 0 &&
		strcmp(TextDatumGetCString(sc_internal_attr(tuple, LEAVE_ATTR_MEMORY, rel)), memory) == 0 &&
		(uint64) DatumGetInt64(sc_internal_attr(tuple, LEAVE_ATTR_SYSTEM, rel)) == GetSystemIdentifier() &&
		DatumGetInt64(sc_internal_attr(tuple, LEAVE_ATTR_TIMELINE, rel)) == (int64) GetWALInsertionTimeLine();
}

bool
sc_cosign_leave_take(const char *origin, const char *memory)
{
	Relation	rel = sc_internal_open("cosign_leave", RowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	bool		found = false;

	/* no row, or one a copy */
	sc_internal_scan_begin(&scan, "cosign_leave", "cosign_leave_pkey", snapshot, NULL, 0);
	while (!found && (tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		found = is_leave(tuple, scan.rel, origin, memory);
		if (found)
			simple_heap_delete(rel, &tuple->t_self);
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	return found;
}

/* memory's entry of the origin as text */
static char *
ask_memory(const char *origin)
{
	ScMail		mail;

	memset(&mail, 0, sizeof(mail));
	mail.kind = SC_MAIL_MEMORY;
	strlcpy(mail.name, origin, sizeof(mail.name));
	sc_mail_call(&mail);
	return pstrdup(mail.text);
}

/* does the copy hold the tree that memory's entry names?  Yes when there is none.  In a transaction. */
static bool
holds_remembered(const char *memory, const ScChain *chain)
{
	char		remembered[64];
	uint64		size;
	ScBlock		block;
	ScHash		root;
	ScBuf		text = SC_BUF_INIT;
	bool		same;

	if (sscanf(memory, UINT64_FORMAT " %63s", &size, remembered) != 2)
		return strcmp(memory, "none") == 0;
	if (!sc_block_last(chain->chain_id, GetActiveSnapshot(), &block) || (uint64) block.tree_size < size)
		return false;
	sc_tree_root(chain->chain_id, (int64) size, GetActiveSnapshot(), &root);
	sc_buf_base64(&text, root.bytes, SC_HASH_LEN);
	same = !text.failed && text.len == strlen(remembered) && memcmp(text.data, remembered, text.len) == 0;
	sc_buf_free(&text);
	return same;
}

/* the last cosignature of this node that a peer has; raises what the connection raises */
static void
ask_peer(LastLine *out, const ScPeer *peer, const char *me, const char *origin)
{
	ScChannel  *channel = sc_channel_open_conninfo(peer->name, peer->conninfo, sc_network_timeout);
	const char *const *row;

	out->size = 0;
	sc_channel_query(channel, psprintf("SELECT tree_size, line FROM seoulchain.cosignature WHERE origin OPERATOR(pg_catalog.=) %s "
									   "AND witness OPERATOR(pg_catalog.=) %s ORDER BY tree_size DESC LIMIT 1",
									   sc_channel_literal(origin), sc_channel_literal(me)), 2);
	while ((row = sc_channel_next(channel)) != NULL)
	{
		out->size = sc_ask_int8(row[0]);
		out->line = pstrdup(row[1] ? row[1] : "");
	}
	sc_channel_close(channel);
}

/* is that cosignature of the tree that this node holds?  In a transaction. */
static bool
is_of_this_tree(const LastLine *last, const ScChain *chain)
{
	ScVerifierKey *key = palloc(sizeof(ScVerifierKey));
	char	   *text = NULL;
	ScBlock		block;
	ScHash		root;

	if (last->size == 0)
		return true;
	if (sc_node_name(&text) == NULL || sc_note_parse_key(key, text, strlen(text)) != SC_OK ||
		!sc_block_last(chain->chain_id, GetActiveSnapshot(), &block) || block.tree_size < last->size)
		return false;
	sc_tree_root(chain->chain_id, last->size, GetActiveSnapshot(), &root);
	return sc_cosignature_ok(last->line, key, chain->origin, last->size, &root, NULL);
}

/* gives the leave */
static void
give_leave(const char *origin, const char *memory)
{
	ScSealSlot *slot = sc_slot_mine();

	sc_query_begin();
	sc_query("INSERT INTO seoulchain.cosign_leave (origin, memory, system_identifier, timeline, given_at) "
			 "VALUES (%s, %s, " INT64_FORMAT ", %u, pg_catalog.now()) ON CONFLICT (origin) DO UPDATE SET memory = EXCLUDED.memory, "
			 "system_identifier = EXCLUDED.system_identifier, timeline = EXCLUDED.timeline, given_at = EXCLUDED.given_at",
			 quote_literal_cstr(origin), quote_literal_cstr(memory), (int64) GetSystemIdentifier(), (uint32) GetWALInsertionTimeLine());
	sc_query_commit();
	pg_atomic_write_u32(&slot->asked, 1);
	sc_slot_wake(slot);
	ereport(LOG,
			(errmsg("seoulchain: chain \"%s\" is cosigned again: every peer has told what this node cosigned of it", origin)));
}

/* asks every peer about one copy; true when it has to be asked again */
static bool
ask_about(const char *me, List *peers, const char *origin)
{
	char	   *memory = ask_memory(origin);
	int			asked = 0;
	ListCell   *lc;

	foreach(lc, peers)
	{
		const ScPeer *peer = lfirst(lc);
		LastLine	last;
		ScChain    *chain;
		bool		good;

		if (!peer->here)
			continue;
		ask_peer(&last, peer, me, origin);
		asked++;
		sc_query_begin();
		chain = sc_chain_of_origin(origin, false);
		good = is_of_this_tree(&last, chain) && holds_remembered(memory, chain);
		sc_query_commit();
		if (!good)
			return true;
	}
	if (asked == 0)
		return true;
	give_leave(origin, memory);
	return false;
}

/* copies that signing memory keeps from being cosigned, and that no leave has been given for: List of char * */
static List *
find_waiting(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;
	uint64		rows;

	sc_query_begin();
	rows = sc_query("SELECT c.origin, c.chain_id FROM seoulchain.chain c WHERE c.copy AND NOT EXISTS "
					"(SELECT FROM seoulchain.recovery r WHERE r.origin = c.origin)");
	for (uint64 i = 0; i < rows; i++)
	{
		char	   *origin = sc_query_value(i, 1);
		ScSealChainState state;
		MemoryContext old;

		sc_chain_state_get(atoi(sc_query_value(i, 2)), &state);
		if (state.signing == SC_SIGNING_SUSPENDED &&
			(strstr(state.suspended_why, "signing memory has no entry") != NULL || strstr(state.suspended_why, "the last signature was made") != NULL))
		{
			old = MemoryContextSwitchTo(context);
			result = lappend(result, pstrdup(origin));
			MemoryContextSwitchTo(old);
		}
	}
	sc_query_commit();
	return result;
}

bool
sc_cosign_leave_tend(const char *me, List *peers)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool again = false;
	ListCell   *lc;

	foreach(lc, find_waiting())
	{
		char	   *origin = lfirst(lc);

		PG_TRY();
		{
			again |= ask_about(me, peers, origin);
		}
		PG_CATCH();
		{
			HOLD_INTERRUPTS();
			MemoryContextSwitchTo(context);
			FlushErrorState();
			AbortCurrentTransaction();
			MemoryContextSwitchTo(context);
			RESUME_INTERRUPTS();
			again = true;
		}
		PG_END_TRY();
		MemoryContextSwitchTo(context);
	}
	return again;
}
