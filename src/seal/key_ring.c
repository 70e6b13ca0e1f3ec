/*
 * key_ring.c
 *	  The keys that sign a chain's blocks, each loaded when a block first needs it.
 *
 * The profile is asked about the keys in force at the newest block.  An older
 * key that it does not allow may still sign up to the block that hands over
 * to an approved one, else nobody could see that the new key follows from it.
 *
 * Invariant: what is loaded is wiped by sc_key_ring_wipe.
 */
#include "postgres.h"

#include <time.h>

#include "ledger/error.h"
#include "ledger/settings.h"
#include "seal/key_history.h"
#include "seal/key_ring.h"
#include "sign/profile.h"

void
sc_key_ring_begin(ScKeyRing *ring, const ScChain *chain, Snapshot snapshot)
{
	memset(ring, 0, sizeof(*ring));
	ring->epochs[SC_ROLE_LOG] = sc_key_epochs(chain, SC_ROLE_LOG, snapshot);
	ring->epochs[SC_ROLE_COSIGNER] = sc_key_epochs(chain, SC_ROLE_COSIGNER, snapshot);
}

void
sc_key_ring_begin_cosigner(ScKeyRing *ring, const char *key)
{
	ScKeyEpoch *epoch = palloc0(sizeof(ScKeyEpoch));

	memset(ring, 0, sizeof(*ring));
	epoch->key = pstrdup(key);
	ring->epochs[SC_ROLE_COSIGNER] = list_make1(epoch);
}

void
sc_key_ring_check_profile(const ScKeyRing *ring, const ScChain *chain, const ScBlock *block)
{
	ScProfile	profile = sc_sign_profile();

	for (int role = SC_ROLE_LOG; role <= SC_ROLE_COSIGNER; role++)
	{
		ScKeyEpoch *epoch;
		ScVerifierKey key;

		if (ring->epochs[role] == NIL)
			continue;
		epoch = llast(sc_key_epochs_of_block(ring->epochs[role], block));
		sc_key_parse(&key, epoch->key);
		if (!sc_profile_allows_note(profile, key.type))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the profile \"%s\" does not allow %s, the algorithm of key \"%s\"",
							sc_profile_name(profile), sc_profile_note_algorithm(key.type), key.name),
					 role == SC_ROLE_LOG ?
					 errhint("Rotate to an approved key: SELECT seoulchain.rotate_log_key('%s').", chain->name) :
					 errhint("Rotate to an approved key: SELECT seoulchain.rotate_cosigner_key().")));
	}
}

/* the key of that text, loaded now if need be */
static ScSigningKey *
ring_key(ScKeyRing *ring, ScKeyRole role, const char *text)
{
	ScVerifierKey wanted;
	ScSigningKey *key;

	for (int i = 0; i < ring->count; i++)
		if (strcmp(ring->texts[i], text) == 0)
			return &ring->keys[i];
	if (ring->count == SC_KEY_RING_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("more than %d keys would have to sign unsigned blocks", SC_KEY_RING_MAX),
				 errhint("Run seoulchain.verify() and repair the registry from a copy.")));
	sc_key_parse(&wanted, text);
	key = &ring->keys[ring->count];
	sc_key_file_load(key, role, &wanted);
	ring->texts[ring->count++] = text;
	if (key->uri[0] != '\0')
		sc_hardware_key_open(key);
	return key;
}

void
sc_key_ring_load(ScKeyRing *ring, const ScBlock *block)
{
	for (int role = SC_ROLE_LOG; role <= SC_ROLE_COSIGNER; role++)
	{
		ListCell   *lc;

		foreach(lc, sc_key_epochs_of_block(ring->epochs[role], block))
			(void) ring_key(ring, role, ((ScKeyEpoch *) lfirst(lc))->key);
	}
}

void
sc_key_ring_sign(ScBuf *lines, ScKeyRing *ring, const ScBlock *block, const char *text, size_t len)
{
	for (int role = SC_ROLE_LOG; role <= SC_ROLE_COSIGNER; role++)
	{
		ListCell   *lc;

		foreach(lc, sc_key_epochs_of_block(ring->epochs[role], block))
		{
			ScSigningKey *key = ring_key(ring, role, ((ScKeyEpoch *) lfirst(lc))->key);
			ScStatus	status = sc_key_sign_note(lines, key, text, len, (uint64) time(NULL));

			if (status != SC_OK && status != SC_NO_MEMORY && key->uri[0] != '\0')
				sc_hardware_key_report(key);
			sc_status_report(status, "checkpoint signature");
		}
	}
}

void
sc_key_ring_wipe(ScKeyRing *ring)
{
	for (int i = 0; i < SC_KEY_RING_MAX; i++)
		sc_key_wipe(&ring->keys[i]);
}
