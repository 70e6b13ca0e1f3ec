/*
 * peer_state.c
 *	  What the network worker last met with each peer, for network_status.
 *
 * Invariant: read and written under one LWLock; nothing depends on it, so a
 * crash may forget it.
 * Effects: shared memory.
 */
#include "postgres.h"

#include "network/peer_state.h"

#include "ledger/shmem.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

typedef struct StateShared
{
	LWLock	   *lock;
	ScPeerState states[SC_PEER_STATES];
} StateShared;

static StateShared *shared = NULL;

static Size
shared_size(void)
{
	return MAXALIGN(sizeof(StateShared));
}

static void
startup(void)
{
	bool		found;

	shared = ShmemInitStruct("seoulchain network", shared_size(), &found);
	if (found)
		return;
	memset(shared, 0, shared_size());
	shared->lock = &(GetNamedLWLockTranche("seoulchain_network"))->lock;
}

void
sc_peer_state_init(void)
{
	static const ScShmemUser user = {shared_size, startup, "seoulchain_network", 1};

	sc_shmem_register(&user);
}

/*
 * Keeps a text, cut to the room there is.  Part of it may come from a peer:
 * what is no character of the database's encoding becomes a question mark.
 * Cannot fail.
 */
static void
keep_text(char *to, size_t room, const char *from)
{
	int			encoding = GetDatabaseEncoding();
	size_t		left = strlen(from);
	size_t		used = 0;

	while (left > 0)
	{
		size_t		len = pg_encoding_mblen(encoding, from);
		bool		good = len <= left && pg_verify_mbstr(encoding, from, len, true);

		if (!good)
			len = 1;
		if (used + len >= room)
			break;
		memcpy(to + used, good ? from : "?", len);
		used += len;
		from += len;
		left -= len;
	}
	to[used] = '\0';
}

/* the peer's place, under the lock; a free one is taken if asked, NULL when there is none */
static ScPeerState *
find(const char *peer, bool create)
{
	ScPeerState *vacant = NULL;

	for (int i = 0; i < SC_PEER_STATES; i++)
	{
		ScPeerState *state = &shared->states[i];

		if (state->dboid == MyDatabaseId && strcmp(state->name, peer) == 0)
			return state;
		if (vacant == NULL && state->dboid == InvalidOid)
			vacant = state;
	}
	if (!create || vacant == NULL)
		return NULL;
	memset(vacant, 0, sizeof(*vacant));
	vacant->dboid = MyDatabaseId;
	strlcpy(vacant->name, peer, sizeof(vacant->name));
	return vacant;
}

void
sc_peer_state_waiting(const char *peer, const char *why)
{
	ScPeerState *state;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	state = find(peer, true);
	if (state != NULL)
	{
		keep_text(state->waiting, sizeof(state->waiting), why ? why : "");
		state->error[0] = '\0';
		state->tries = 0;
		state->failing_since = 0;
	}
	LWLockRelease(shared->lock);
}

static void
failed(const char *peer, const char *error, bool connection)
{
	TimestampTz now = GetCurrentTimestamp();
	ScPeerState *state;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	state = find(peer, true);
	if (state != NULL)
	{
		keep_text(state->error, sizeof(state->error), error);
		state->error_at = now;
		state->connection = connection;
		if (state->tries++ == 0)
			state->failing_since = now;
	}
	LWLockRelease(shared->lock);
}

void
sc_peer_state_failed(const char *peer, const char *error)
{
	failed(peer, error, false);
}

void
sc_peer_state_apply_failed(const char *link, const char *error, bool connection)
{
	failed(link, error, connection);
}

void
sc_peer_state_drop(const char *peer, const char *what, const char *why)
{
	TimestampTz now = GetCurrentTimestamp();
	char	   *text = psprintf("%s: %s", what, why);
	int64		dropped = 1;
	ScPeerState *state;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	state = find(peer, true);
	if (state != NULL)
	{
		dropped = ++state->dropped;
		state->dropped_at = now;
		keep_text(state->dropped_why, sizeof(state->dropped_why), text);
	}
	LWLockRelease(shared->lock);
	pfree(text);
	/* it could fill the log: its 1st, 2nd, 4th, 8th are told */
	if ((dropped & (dropped - 1)) == 0)
		ereport(LOG,
				(errmsg("a %s from node \"%s\" is dropped: %s", what, peer, why),
				 errdetail("So far " INT64_FORMAT " were dropped.", dropped)));
}

void
sc_peer_state_set_compared(const char *peer, int pid)
{
	ScPeerState *state;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	state = find(peer, true);
	if (state != NULL)
		state->compared = pid;
	LWLockRelease(shared->lock);
}

int
sc_peer_state_compared(const char *peer)
{
	ScPeerState *state;
	int			pid;

	LWLockAcquire(shared->lock, LW_SHARED);
	state = find(peer, false);
	pid = state != NULL ? state->compared : 0;
	LWLockRelease(shared->lock);
	return pid;
}

void
sc_peer_state_forget(const char *peer)
{
	ScPeerState *state;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	state = find(peer, false);
	if (state != NULL)
		memset(state, 0, sizeof(*state));
	LWLockRelease(shared->lock);
}

bool
sc_peer_state_get(const char *peer, ScPeerState *out)
{
	ScPeerState *state;

	LWLockAcquire(shared->lock, LW_SHARED);
	state = find(peer, false);
	if (state != NULL)
		*out = *state;
	LWLockRelease(shared->lock);
	return state != NULL;
}
