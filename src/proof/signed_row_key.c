/*
 * signed_row_key.c
 *	  The key that made a stored row's signature, among those of the signer and of delegates.
 *
 * All keys that were ever registered are tried, ended ones too: whether the
 * key was in force is judged after it is known.
 */
#include "postgres.h"

#include "proof/signed_row.h"

#include "core/hash.h"
#include "ledger/row.h"
#include "member/signature_keys.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define PEOPLE_MAX 4096

bool
sc_delegation_names(const ScDelegationRow *row, const char *ledger_name)
{
	ListCell   *cell;

	foreach(cell, row->tables)
	{
		if (lfirst(cell) != NULL && strcmp(lfirst(cell), ledger_name) == 0)
			return true;
	}
	return false;
}

/* visitor: the registration */
static bool
take_member(void *state, const ScMemberRow *row)
{
	ScSigner   *signer = state;

	signer->known = true;
	signer->member_seq = row->seq;
	signer->member_time = row->time;
	return false;
}

/* the table of members, made anew when many were read */
static void
make_room(ScSignedTable *t)
{
	HASHCTL		control = {.keysize = sizeof(ScHash), .entrysize = sizeof(ScSigner)};

	if (t->signers && hash_get_num_entries(t->signers) < PEOPLE_MAX)
		return;
	if (t->people)
		MemoryContextDelete(t->people);
	t->people = AllocSetContextCreate(t->context, "seoulchain members", ALLOCSET_DEFAULT_SIZES);
	control.hcxt = t->people;
	t->signers = hash_create("seoulchain members", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

const ScSigner *
sc_signer_read(ScSignedTable *t, const char *member)
{
	MemoryContext old;
	ScSigner	read = {0};
	ScSigner   *entry;
	ScHash		hash;

	sc_hash_bytes(&hash, member, strlen(member));
	entry = t->signers ? hash_search(t->signers, &hash, HASH_FIND, NULL) : NULL;
	if (entry)
		return entry;

	/* into the table only when it is whole: reading may fail */
	old = MemoryContextSwitchTo(t->people);
	read.name_hash = hash;
	sc_member_scan(&t->members, SC_MT_MEMBER, SC_BY_MEMBER, member, t->snapshot, take_member, &read);
	read.life = sc_member_life(&t->members, member, t->snapshot);
	read.delegations = sc_delegation_rows(&t->members, member, t->snapshot);
	MemoryContextSwitchTo(old);
	entry = hash_search(t->signers, &hash, HASH_ENTER, NULL);
	*entry = read;
	return entry;
}

/* a text column as a C string, or NULL */
static char *
text_of(AttrNumber attno, const Datum *values, const bool *nulls)
{
	return nulls[attno - 1] ? NULL : TextDatumGetCString(values[attno - 1]);
}

/* whether one of this person's keys made the signature */
static bool
try_keys(ScSignedRow *row, ScSignedTable *t, const ScJws *jws, const ScSigner *owner)
{
	ListCell   *cell;

	foreach(cell, owner->life->keys)
	{
		const ScKeyRow *key = lfirst(cell);
		ScKeyAt    *at = sc_life_key_at(owner->life, key, DT_NOEND);

		if (key->kind != jws->kind || !sc_key_at_is_meant(at, jws))
			continue;
		row->jws_reason = sc_jws_verify(jws, sc_key_verifier(at), SC_JWS_TYP_ROW, t->payload.data, t->payload.len);
		if (row->jws_reason != SC_JWS_OK)
			continue;
		row->key = key;
		row->owner = owner;
		return true;
	}
	return false;
}

/* whether a key of somebody whom the signer ever let sign in this table made it */
static bool
try_delegates(ScSignedRow *row, ScSignedTable *t, const ScJws *jws)
{
	ListCell   *cell;
	List	   *tried = NIL;

	foreach(cell, row->principal->delegations)
	{
		const ScDelegationRow *delegation = lfirst(cell);
		bool		again = false;
		ListCell   *other;

		foreach(other, tried)
			again = again || strcmp(lfirst(other), delegation->delegate) == 0;
		if (again || !delegation->grant || !sc_delegation_names(delegation, t->table->ledger_name))
			continue;
		tried = lappend(tried, delegation->delegate);
		if (try_keys(row, t, jws, sc_signer_read(t, delegation->delegate)))
			return true;
	}
	return false;
}

/* the answer when no key fits */
static bool
no_key(ScSignedRow *row, ScReason reason, const char *detail)
{
	row->ruling = sc_verdict_for(reason);
	row->detail = pstrdup(detail);
	return false;
}

bool
sc_signed_row_find_key(ScSignedRow *row, ScSignedTable *t, const Datum *values, const bool *nulls)
{
	const ScSigning *signing = row->signing;
	ScJws	   *jws = palloc(sizeof(ScJws));

	row->signer = text_of(signing->signer, values, nulls);
	row->signature = text_of(signing->signature, values, nulls);
	row->signaturelen = row->signature ? strlen(row->signature) : 0;
	if (row->signer == NULL || row->signature == NULL)
		return no_key(row, SC_REASON_BAD_SIGNATURE, row->signer ? "the row has no signature" : "the row names no signer");
	row->jws_reason = sc_jws_parse(jws, row->signature, row->signaturelen);
	if (row->jws_reason != SC_JWS_OK)
		return no_key(row, SC_REASON_BAD_SIGNATURE, sc_jws_reason_text(row->jws_reason));
	if (!t->has_members)
		return no_key(row, SC_REASON_NOT_YET, "the chain has no registry of members");
	make_room(t);
	row->principal = sc_signer_read(t, row->signer);
	if (!row->principal->known)
		return no_key(row, SC_REASON_NOT_YET, "there is no such member");
	sc_row_payload(&t->payload, signing->format, values, nulls, signing->mask);
	row->jws_reason = SC_JWS_OK;
	if (try_keys(row, t, jws, row->principal) || try_delegates(row, t, jws))
		return true;
	return no_key(row, SC_REASON_BAD_SIGNATURE, row->jws_reason == SC_JWS_OK ?
				  "no key of the signer or a delegate is the one that it names" : sc_jws_reason_text(row->jws_reason));
}
