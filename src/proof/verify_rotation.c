/*
 * verify_rotation.c
 *	  Which keys vouch for which block, for verify().
 *
 * A rotation counts from the block that holds its event; that block has the
 * old key's line and the new key's.  The table seoulchain.rotation is only a
 * list of them: verify_event.c compares it with the events, which hashes
 * cover, and checks the word of both keys there.
 *
 * Invariant: a rotation whose event is in no block puts no key in force.
 */
#include "postgres.h"

#include "proof/verify_rotation.h"

#include "access/table.h"
#include "seal/key_history.h"
#include "sign/rotation.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* is the key the chain's own, by its name? */
static bool
is_log_key(const char *key, const char *origin)
{
	size_t		len = strlen(origin);

	return strncmp(key, origin, len) == 0 && key[len] == '+';
}

/* reports a registry that contradicts itself */
static void
registry_fault(ScVerify *v, const ScVerifyChain *chain, int32 chain_id, int64 seq)
{
	ScFault		fault = sc_verify_fault(chain, SC_FAULT_REGISTRY_ALTERED);

	fault.chain_id = chain_id;
	fault.leaf = 0;
	fault.ledger_seq = seq;
	sc_faults_add(v->faults, &fault);
}

/* one row of seoulchain.rotation */
static void
rotation_row(void *arg, ScScan *scan)
{
	ScVerify   *v = arg;
	int32		chain_id = DatumGetInt32(scan->values[SC_ROTATION_ATTR_CHAIN_ID - 1]);
	ScVerifyChain *chain = sc_verify_chain(v, chain_id);
	int64		seq = DatumGetInt64(scan->values[SC_ROTATION_ATTR_SEQ - 1]);
	ScVerifyRotation *rotation;
	MemoryContext caller;

	if (chain == NULL)
	{
		registry_fault(v, NULL, chain_id, seq);
		return;
	}
	caller = MemoryContextSwitchTo(v->context);
	rotation = palloc0(sizeof(ScVerifyRotation));
	rotation->seq = seq;
	rotation->old_key = TextDatumGetCString(scan->values[SC_ROTATION_ATTR_OLD_KEY - 1]);
	rotation->new_key = TextDatumGetCString(scan->values[SC_ROTATION_ATTR_NEW_KEY - 1]);
	rotation->is_log = is_log_key(rotation->old_key, chain->origin);
	chain->rotations = lappend(chain->rotations, rotation);
	MemoryContextSwitchTo(caller);
}

/* order of two rotations of a chain */
static int
compare_rotations(const ListCell *a, const ListCell *b)
{
	int64		left = ((const ScVerifyRotation *) lfirst(a))->seq;
	int64		right = ((const ScVerifyRotation *) lfirst(b))->seq;

	return left < right ? -1 : left > right;
}

/* does each rotation of a role begin with the key that the one before ended with, and the last end with the present one? */
static void
check_links(ScVerify *v, ScVerifyChain *chain, bool is_log, const char *present)
{
	const char *key = NULL;
	ListCell   *lc;

	foreach(lc, chain->rotations)
	{
		const ScVerifyRotation *rotation = lfirst(lc);

		if (rotation->is_log != is_log)
			continue;
		if (key != NULL && strcmp(key, rotation->old_key) != 0)
			registry_fault(v, chain, chain->chain_id, rotation->seq);
		key = rotation->new_key;
	}
	if (key != NULL && (present == NULL || strcmp(key, present) != 0))
		registry_fault(v, chain, chain->chain_id, SC_NONE);
}

/* the key of a role that the chain ends with, or NULL: it has not been rotated */
static const char *
last_key(const ScVerifyChain *chain, bool is_log)
{
	const char *key = NULL;
	ListCell   *lc;

	foreach(lc, chain->rotations)
	{
		const ScVerifyRotation *rotation = lfirst(lc);

		if (rotation->is_log == is_log)
			key = rotation->new_key;
	}
	return key;
}

void
sc_verify_load_rotations(ScVerify *v)
{
	Relation	rel = sc_verify_open("rotation");
	ListCell   *lc;

	sc_verify_scan(v, rel, rotation_row, v);
	table_close(rel, NoLock);
	foreach(lc, v->chains)
	{
		ScVerifyChain *chain = lfirst(lc);

		list_sort(chain->rotations, compare_rotations);
		check_links(v, chain, true, chain->log_key);
		/* the key of another node that its operator handed over may be any that it had */
		check_links(v, chain, false, chain->copy ? last_key(chain, false) : v->cosigner_key);
	}
}

/* the key of a role that the chain began with */
static const char *
first_key(const ScVerifyChain *chain, bool is_log, const char *present)
{
	ListCell   *lc;

	foreach(lc, chain->rotations)
	{
		const ScVerifyRotation *rotation = lfirst(lc);

		if (rotation->is_log == is_log)
			return rotation->old_key;
	}
	return present;
}

const char *
sc_first_log_key(const ScVerifyChain *chain)
{
	return first_key(chain, true, chain->log_key);
}

void
sc_key_cursor_begin(ScKeyCursor *cursor, const ScVerify *v, const ScVerifyChain *chain)
{
	memset(cursor, 0, sizeof(*cursor));
	cursor->chain = chain;
	cursor->log = sc_first_log_key(chain);
	cursor->cosigner = first_key(chain, false, chain->copy ? chain->cosigner_key : v->cosigner_key);
}

/* is the number among them? */
static bool
holds(const ScSpanList *members, int64 seq)
{
	for (int i = 0; i < members->count; i++)
		if (seq >= members->spans[i].lower && seq < members->spans[i].upper)
			return true;
	return false;
}

/* puts a rotation in force */
static void
turn(ScKeyCursor *cursor, const ScVerifyRotation *rotation)
{
	if (rotation->is_log)
	{
		cursor->old_log = rotation->old_key;
		cursor->log = rotation->new_key;
	}
	else
	{
		cursor->old_cosigner = rotation->old_key;
		cursor->cosigner = rotation->new_key;
	}
}

bool
sc_key_cursor_next(ScKeyCursor *cursor, const ScSpanList *members)
{
	bool		changed = cursor->old_log != NULL || cursor->old_cosigner != NULL;
	ListCell   *lc;

	cursor->old_log = cursor->old_cosigner = NULL;
	foreach(lc, cursor->chain->rotations)
	{
		const ScVerifyRotation *rotation = lfirst(lc);

		if (!holds(members, rotation->seq))
			continue;
		turn(cursor, rotation);
		changed = true;
	}
	return changed;
}

void
sc_key_cursor_keys(const ScKeyCursor *cursor, ScNoteKeys *out)
{
	sc_note_keys_begin(out);
	if (cursor->log == NULL)
		return;
	sc_note_keys_add(out, cursor->log);
	if (cursor->old_log)
		sc_note_keys_add(out, cursor->old_log);
	if (cursor->cosigner)
		sc_note_keys_add(out, cursor->cosigner);
	if (cursor->old_cosigner)
		sc_note_keys_add(out, cursor->old_cosigner);
}

void
sc_keys_at_size(const ScVerify *v, ScVerifyChain *chain, int64 size, ScNoteKeys *out)
{
	ScKeyCursor cursor;
	ListCell   *lc;

	sc_key_cursor_begin(&cursor, v, chain);
	foreach(lc, chain->rotations)
	{
		const ScVerifyRotation *rotation = lfirst(lc);
		const ScRange *range = sc_ranges_find(chain, rotation->seq);

		/* an old key's line may stand there too: which block it is does not matter to who vouches */
		if (range != NULL && range->first_leaf + (rotation->seq - range->lower) < size)
			turn(&cursor, rotation);
	}
	sc_key_cursor_keys(&cursor, out);
}
