/*
 * key_history.c
 *	  Which keys sign which block.
 *
 * A rotation is in force from the block that holds its event: that block is
 * signed by the old key and the new one, later blocks by the new one.  So a
 * rotation that is committed and not sealed changes nothing yet, and the
 * place of the event in the tree, which is signed, says whose turn it is.
 *
 * Invariant: rows of seoulchain.rotation are inserted once and never changed;
 * there are as many of a role as the key has changed, in order of ledger_seq
 * and of leaves alike (rotate.c begins none before the last is signed).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "ledger/registry_tables.h"
#include "seal/internal_scan.h"
#include "seal/key_history.h"
#include "seal/node.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* columns of seoulchain.peer, which is the network room's */
#define SC_PEER_NAME 1
#define SC_PEER_COSIGNER_KEY 3

/* is the key of that role?  A log key bears the origin's name. */
static bool
key_has_role(const char *key, const ScChain *chain, ScKeyRole role)
{
	size_t		len = strlen(chain->origin);
	bool		is_log = strncmp(key, chain->origin, len) == 0 && key[len] == '+';

	return is_log == (role == SC_ROLE_LOG);
}

/* appends a key */
static List *
add_epoch(List *epochs, const char *key, int64 seq, int64 leaf)
{
	ScKeyEpoch *epoch = palloc(sizeof(ScKeyEpoch));

	epoch->key = pstrdup(key);
	epoch->seq = seq;
	epoch->leaf = leaf;
	return lappend(epochs, epoch);
}

/* a text column of a table's only row that the keys find under the snapshot, palloc'd; NULL when it has none */
static char *
stored_key(const char *table, const char *index, ScanKeyData *keys, int nkeys, AttrNumber attno, Snapshot snapshot)
{
	ScInternalScan scan;
	HeapTuple	tuple;
	char	   *key = NULL;

	sc_internal_scan_begin(&scan, table, index, snapshot, keys, nkeys);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
		key = TextDatumGetCString(sc_internal_attr(tuple, attno, scan.rel));
	sc_internal_scan_end(&scan);
	return key;
}

char *
sc_copy_cosigner_key(const char *origin, Snapshot snapshot)
{
	const char *slash = strrchr(origin, '/');
	ScanKeyData key;

	if (slash == NULL)
		return NULL;
	ScanKeyInit(&key, SC_PEER_NAME, BTEqualStrategyNumber, F_TEXTEQ,
				PointerGetDatum(cstring_to_text_with_len(origin, slash - origin)));
	return stored_key("peer", "peer_pkey", &key, 1, SC_PEER_COSIGNER_KEY, snapshot);
}

/*
 * The present key, which is all there is while it has not been rotated.  Read
 * under the same snapshot as the rotations: a newer one would show a key whose
 * rotation is not to be seen, as if it had been there from the beginning.
 */
static char *
present_key(const ScChain *chain, ScKeyRole role, Snapshot snapshot)
{
	ScanKeyData id;
	char	   *key;

	if (chain->log_key == NULL)
		return NULL;
	if (chain->copy && role == SC_ROLE_COSIGNER)
		return sc_copy_cosigner_key(chain->origin, snapshot);
	sc_key_int4(&id, SC_CHAIN_ATTR_ID, chain->chain_id);
	key = role == SC_ROLE_LOG ?
		stored_key("chain", "chain_pkey", &id, 1, SC_CHAIN_ATTR_LOG_KEY, snapshot) :
		stored_key("node", "node_pkey", NULL, 0, SC_NODE_ATTR_COSIGNER_KEY, snapshot);
	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database has no key of the %s any more, though its chain \"%s\" is a node's",
						role == SC_ROLE_LOG ? "chain" : "node", chain->name),
				 errhint("Restore the registry with the chain.")));
	return key;
}

List *
sc_key_epochs(const ScChain *chain, ScKeyRole role, Snapshot snapshot)
{
	char	   *present = present_key(chain, role, snapshot);
	List	   *epochs = NIL;
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;

	if (present == NULL)
		return NIL;
	sc_key_int4(&key, SC_ROTATION_ATTR_CHAIN_ID, chain->chain_id);
	sc_internal_scan_begin(&scan, "rotation", "rotation_pkey", snapshot, &key, 1);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		char	   *old_key = TextDatumGetCString(sc_internal_attr(tuple, SC_ROTATION_ATTR_OLD_KEY, scan.rel));
		char	   *new_key = TextDatumGetCString(sc_internal_attr(tuple, SC_ROTATION_ATTR_NEW_KEY, scan.rel));
		int64		seq = DatumGetInt64(sc_internal_attr(tuple, SC_ROTATION_ATTR_SEQ, scan.rel));
		int64		leaf;

		if (!key_has_role(old_key, chain, role))
			continue;
		if (epochs == NIL)
			epochs = add_epoch(epochs, old_key, 0, 0);
		leaf = sc_member_leaf_index(chain->chain_id, seq, snapshot);
		epochs = add_epoch(epochs, new_key, seq, leaf >= 0 ? leaf : PG_INT64_MAX);
	}
	sc_internal_scan_end(&scan);
	return epochs != NIL ? epochs : add_epoch(NIL, present, 0, 0);
}

List *
sc_key_epochs_of_block(List *epochs, const ScBlock *block)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, epochs)
	{
		ScKeyEpoch *epoch = lfirst(lc);
		ScKeyEpoch *next = lnext(epochs, lc) ? lfirst(lnext(epochs, lc)) : NULL;

		if (epoch->leaf < block->tree_size && (next == NULL || next->leaf >= block->first_leaf))
			result = lappend(result, epoch);
	}
	return result;
}

void
sc_rotation_insert(int32 chain_id, int64 seq, const char *old_key, const char *new_key)
{
	Relation	rel = sc_internal_open("rotation", RowExclusiveLock);
	Datum		values[SC_ROTATION_NATTS];
	bool		nulls[SC_ROTATION_NATTS] = {false};

	values[SC_ROTATION_ATTR_CHAIN_ID - 1] = Int32GetDatum(chain_id);
	values[SC_ROTATION_ATTR_SEQ - 1] = Int64GetDatum(seq);
	values[SC_ROTATION_ATTR_OLD_KEY - 1] = CStringGetTextDatum(old_key);
	values[SC_ROTATION_ATTR_NEW_KEY - 1] = CStringGetTextDatum(new_key);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
}
