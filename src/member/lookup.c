/*
 * lookup.c
 *	  Whose key is it, and was it good then?  The answers that signature checks work with.
 *
 * Invariant: an answer for accepting a row (no snapshot given) rests on locks
 * held until the transaction ends, on everybody whose keys are in it, and on
 * a snapshot taken behind them, whatever the transaction's isolation: what it
 * does not know of was not committed when the locks were taken, and comes
 * after the row.
 * Locks: lock.c; AccessShareLock on the tables that are read.
 * Effects: none.
 */
#include "postgres.h"

#include "member/lookup.h"

#include "compat.h"
#include "core/buf.h"
#include "core/text.h"
#include "ledger/registry.h"
#include "member/authority.h"
#include "member/delegation.h"
#include "member/entries.h"
#include "member/life.h"
#include "member/tables.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

/* the snapshot to read with: the caller's, or the newest, to be given back */
static Snapshot
begin_read(Snapshot given)
{
	return given ? given : sc_member_snapshot();
}

static void
end_read(Snapshot given, Snapshot used)
{
	if (given == NULL)
		UnregisterSnapshot(used);
}

bool
sc_member_installed(int32 chain_id)
{
	ScMemberTables tables;

	return sc_member_tables(chain_id, &tables);
}

/* visitor: there is a row */
static bool
found_row(void *state, const ScMemberRow *row)
{
	*(bool *) state = true;
	return false;
}

bool
sc_member_known(int32 chain_id, const char *member, Snapshot given)
{
	ScMemberTables tables;
	Snapshot	snapshot;
	bool		known = false;

	sc_member_tables_require(chain_id, &tables);
	snapshot = begin_read(given);
	sc_member_scan(&tables, SC_MT_MEMBER, SC_BY_MEMBER, member, snapshot, found_row, &known);
	end_read(given, snapshot);
	return known;
}

/* appends the keys of one member, as they are at that time */
static List *
append_keys(List *keys, const ScMemberTables *tables, const ScMemberLife *life, TimestampTz at, Snapshot given)
{
	ListCell   *cell;

	foreach(cell, life->keys)
	{
		ScKeyAt    *key = sc_life_key_at(life, lfirst(cell), at);

		if (key->certificate)
			sc_certificate_at(tables, key, at, given);
		keys = lappend(keys, key);
	}
	return keys;
}

/* puts the bounds of the delegation around those of the delegate's key */
static void
bound_by_delegation(ScKeyAt *key, const ScDelegationAt *delegation)
{
	key->delegated = true;
	key->delegation_seq = delegation->seq;
	key->delegated_from = delegation->from;
	key->delegated_until = delegation->until;
	if (key->state == SC_KEY_GOOD && delegation->good)
	{
		key->from = Max(key->from, delegation->from);
		key->until = Min(key->until, delegation->until);
	}
	else if (key->state == SC_KEY_GOOD)
	{
		key->state = SC_KEY_DELEGATION;
		key->from = delegation->from;
		key->until = delegation->until;
	}
}

/* appends the keys of a delegate; its own entries are as binding as the member's */
static List *
append_delegate(List *keys, const ScMemberTables *tables, const ScDelegationAt *delegation, TimestampTz at, Snapshot given)
{
	ScMemberLife *life;
	Snapshot	snapshot;
	int			before = list_length(keys);

	if (given == NULL)
		sc_member_lock(tables->chain_id, delegation->delegate, false);
	snapshot = begin_read(given);
	life = sc_member_life(tables, delegation->delegate, snapshot);
	end_read(given, snapshot);
	keys = append_keys(keys, tables, life, at, given);
	for (int i = before; i < list_length(keys); i++)
		bound_by_delegation(list_nth(keys, i), delegation);
	return keys;
}

/* a delegator who was suspended or revoked as a whole lets nobody sign in the own name */
static void
bound_by_member(List *keys, int first, const ScMemberLife *life, TimestampTz at)
{
	ScKeyRow	nobodys = {.key = ""};
	ScKeyAt    *member;

	nobodys.public_key = palloc0(VARHDRSZ);
	SET_VARSIZE(nobodys.public_key, VARHDRSZ);
	nobodys.time = DT_NOBEGIN;
	member = sc_life_key_at(life, &nobodys, at);
	for (int i = first; i < list_length(keys); i++)
	{
		ScKeyAt    *key = list_nth(keys, i);

		if (key->state != SC_KEY_GOOD)
			continue;
		if (member->state == SC_KEY_GOOD)
		{
			key->from = Max(key->from, member->from);
			key->until = Min(key->until, member->until);
			continue;
		}
		key->state = member->state;
		key->from = member->from;
		key->until = member->until;
		key->end_state = member->end_state;
		key->end_seq = member->end_seq;
		key->end_at = member->end_at;
		key->end_reason = member->end_reason;
	}
}

List *
sc_member_keys_at(int32 chain_id, const char *member, int32 table_id, TimestampTz at, Snapshot given)
{
	ScMemberTables tables;
	ScMemberLife *life;
	ScLedgerTable *table;
	List	   *rows = NIL;
	List	   *keys;
	Snapshot	snapshot;
	ListCell   *cell;
	int			own;
	bool		entries;

	if (given == NULL)
		sc_member_lock(chain_id, member, false);
	sc_member_tables_require(chain_id, &tables);
	entries = given != NULL || sc_member_has_entries(&tables, member);
	snapshot = begin_read(given);
	if (entries)
	{
		life = sc_member_life(&tables, member, snapshot);
		rows = sc_delegation_rows(&tables, member, snapshot);
	}
	else
		life = sc_member_life_plain(&tables, member, snapshot);
	end_read(given, snapshot);

	keys = append_keys(NIL, &tables, life, at, given);
	table = rows ? sc_ledger_by_id(table_id) : NULL;
	if (table == NULL)
		return keys;
	own = list_length(keys);
	foreach(cell, sc_delegations_at(rows, table->ledger_name, at))
		keys = append_delegate(keys, &tables, lfirst(cell), at, given);
	bound_by_member(keys, own, life, at);
	return keys;
}

/* visitor: keeps the row */
static bool
keep_key(void *state, const ScMemberRow *row)
{
	*(ScKeyRow **) state = sc_key_row(row);
	return false;
}

ScKeyAt *
sc_member_key_by_thumbprint(int32 chain_id, const ScHash *thumbprint, TimestampTz at, Snapshot given)
{
	ScMemberTables tables;
	ScKeyRow   *row = NULL;
	ScBuf		hex = SC_BUF_INIT;
	ScMemberLife *life;
	Snapshot	snapshot;
	ScKeyAt    *key = NULL;
	char	   *text;

	sc_member_tables_require(chain_id, &tables);
	sc_buf_hex(&hex, thumbprint->bytes, SC_HASH_LEN);
	text = pnstrdup(hex.data, hex.len);
	sc_buf_free(&hex);
	snapshot = begin_read(given);
	sc_member_scan(&tables, SC_MT_KEY, SC_BY_THUMBPRINT, text, snapshot, keep_key, &row);
	if (row)
	{
		life = sc_member_life(&tables, row->member, snapshot);
		key = sc_life_key_at(life, row, at);
	}
	end_read(given, snapshot);
	if (key && key->certificate)
		sc_certificate_at(&tables, key, at, given);
	return key;
}

/* whether a kid may be a hash of a key: the only texts for which hashing one is worth while */
static bool
may_be_hash(const char *kid)
{
	size_t		len = strlen(kid);

	return len == 43 || len == 2 * SC_HASH_LEN;
}

bool
sc_key_at_is_meant(const ScKeyAt *key, const ScJws *jws)
{
	ScMemberKey material;

	if (!jws->has_x5t && (!jws->has_kid || strcmp(jws->kid, key->key) == 0))
		return true;
	if (!jws->has_x5t && !may_be_hash(jws->kid))
		return false;
	if (key->certificate)
	{
		if (sc_pubkey_parse(&material, VARDATA(key->certificate), VARSIZE(key->certificate) - VARHDRSZ) != SC_PUBKEY_OK)
			return false;
	}
	else if (sc_pubkey_parse(&material, key->spki, key->spkilen) != SC_PUBKEY_OK)
		return false;
	return sc_jws_names_key(jws, &material, key->key);
}

char *
sc_key_at_fault(const ScKeyAt *key)
{
	const char *reason = key->end_reason && key->end_reason[0] ? psprintf(" (%s)", key->end_reason) : "";

	switch (key->state)
	{
		case SC_KEY_GOOD:
			break;
		case SC_KEY_NOT_YET:
			return psprintf("registered at %s", timestamptz_to_str(key->registered_at));
		case SC_KEY_SUSPENDED:
			return psprintf("suspended at %s%s", timestamptz_to_str(key->end_at), reason);
		case SC_KEY_REVOKED:
			return psprintf("revoked at %s%s", timestamptz_to_str(key->end_at), reason);
		case SC_KEY_REPLACED:
			return psprintf("replaced at %s by key \"%s\"", timestamptz_to_str(key->end_at), key->end_reason);
		case SC_KEY_CERTIFICATE:
			return psprintf("its certificate is not good: %s%s", sc_cert_reason_text(key->cert_reason),
							key->cert_depth > 0 ? " (an issuer's in its chain)" : "");
		case SC_KEY_DELEGATION:
			return psprintf("delegation over since %s", timestamptz_to_str(key->from));
	}
	return pstrdup("good");
}
