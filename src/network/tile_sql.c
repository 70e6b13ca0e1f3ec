/*
 * tile_sql.c
 *	  tile and tile_paths: a chain as a C2SP tlog-tiles log.
 *
 * Invariant: what is shown is part of the signed tree, so a full tile is the
 * same bytes for ever, and a partial tile is the beginning of the full one.
 * A partial tile of any width that the tree has ever had is given, so that a
 * reader who holds an older checkpoint finds what it names.
 * Context: the newest committed state, whatever snapshot the caller has.
 * Source: C2SP tlog-tiles v0.1.0.
 */
#include "postgres.h"

#include "compat.h"
#include "core/tile.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/error.h"
#include "miscadmin.h"
#include "network/bundle.h"
#include "network/final.h"
#include "network/public.h"
#include "proof/sizes.h"
#include "seal/tree_store.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_tile);
PG_FUNCTION_INFO_V1(sc_tile_paths);

/* bytes as a value */
static bytea *
make_bytea(const void *data, size_t len)
{
	bytea	   *result = palloc(VARHDRSZ + len);

	SET_VARSIZE(result, VARHDRSZ + len);
	memcpy(VARDATA(result), data, len);
	return result;
}

/* is the chain's newest checkpoint final only when witnesses have cosigned it? */
static bool
has_policy(const ScChain *chain, Snapshot snapshot)
{
	return sc_policy_for_size(sc_policy_history(chain, snapshot), sc_size_signed(chain->chain_id, snapshot)) != NULL;
}

/* the checkpoint to publish: the newest final one if a policy is in force, else the newest signed one */
static bytea *
checkpoint_file(const ScChain *chain, Snapshot snapshot)
{
	ScFinal		shown;
	char	   *note;
	ScHash		root;

	if (has_policy(chain, snapshot))
		sc_final_hook(chain, -1, 0, snapshot, &shown);
	else if (!sc_signature_find(chain->chain_id, -1, snapshot, &shown.height, &shown.size, &shown.lines))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("chain \"%s\" has no signed block yet", chain->name),
				 errhint("Run seoulchain.seal('%s').", chain->name)));
	else
		shown.lines = sc_note_lines_hook(chain, shown.height, shown.lines, snapshot);
	sc_tree_root(chain->chain_id, shown.size, snapshot, &root);
	note = sc_checkpoint_note(chain->origin, shown.size, &root, shown.lines);
	return make_bytea(note, strlen(note));
}

/* the tile's path taken apart; errors */
static void
parse_path(ScTilePath *path, const char *text)
{
	if (sc_tile_path_parse(path, text, strlen(text)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is no path of a tile", text),
			 errdetail("Paths are checkpoint, tile/<L>/<N>[.p/<W>] and tile/entries/<N>[.p/<W>], N in groups of three digits, all but the last with x before them."),
			 errhint("For example tile/0/x001/x234/067 or tile/entries/000.p/5.")));
}

/* errors unless the signed tree has the tile */
static void
require_tile(const ScChain *chain, const ScTilePath *path, const char *text, int64 size)
{
	if (path->width <= sc_tile_width(path->level, path->tile, (uint64) size))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("chain \"%s\" has no tile \"%s\"", chain->name, text),
			 errdetail("Its signed tree has %lld leaves.", (long long) size),
			 errhint("SELECT seoulchain.tile_paths(0, %lld) lists the tiles.", (long long) size)));
}

/* hashes of a tile */
static bytea *
hash_tile(const ScChain *chain, const ScTilePath *path, Snapshot snapshot)
{
	ScHash		hashes[SC_TILE_WIDTH];
	int			count = sc_tile_read(chain->chain_id, path->level, (int64) path->tile, snapshot, hashes);

	if (count < path->width)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("tile %llu of level %d of chain \"%s\" is damaged", (unsigned long long) path->tile, path->level,
						chain->name),
				 errhint("Run seoulchain.verify() and repair the chain from a copy.")));
	return make_bytea(hashes, path->width * sizeof(ScHash));
}

/* an entry bundle */
static bytea *
entry_tile(const ScChain *chain, const ScTilePath *path, Snapshot snapshot)
{
	ScBuf		buf = SC_BUF_INIT;
	bytea	   *volatile result = NULL;

	PG_TRY();
	{
		sc_bundle_read(&buf, chain, (int64) path->tile, path->width, snapshot);
		if (buf.failed)
			sc_status_report(SC_NO_MEMORY, "entry bundle");
		result = make_bytea(buf.data, buf.len);
	}
	PG_CATCH();
	{
		sc_buf_free(&buf);
		PG_RE_THROW();
	}
	PG_END_TRY();
	sc_buf_free(&buf);
	return result;
}

/*
 * seoulchain.tile(chain text, path text) -> bytea
 *
 * A file of the chain's log: "checkpoint", the newest signed one, or final
 * one while the chain has a policy; a tile of hashes; a bundle of entries,
 * which are the leaves.  Privileges: everybody for a public chain, else
 * members of seoulchain_auditor.  Errors: UNDEFINED_OBJECT;
 * OBJECT_NOT_IN_PREREQUISITE_STATE without such a checkpoint; INSUFFICIENT_PRIVILEGE; INVALID_PARAMETER_VALUE for what
 * is no path; NO_DATA_FOUND for a tile beyond the signed tree, and for a leaf
 * whose row is gone; DATA_CORRUPTED for one that is not what was sealed.
 */
Datum
sc_tile(PG_FUNCTION_ARGS)
{
	ScChain    *chain = sc_chain_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool		is_checkpoint = strcmp(name, "checkpoint") == 0;
	Snapshot	snapshot;
	ScTilePath	path;
	bytea	   *result;

	sc_public_require(chain);
	if (!is_checkpoint)
		parse_path(&path, name);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (!is_checkpoint)
		require_tile(chain, &path, name, sc_size_signed(chain->chain_id, snapshot));
	if (is_checkpoint)
		result = checkpoint_file(chain, snapshot);
	else if (path.level == SC_TILE_LEVEL_ENTRIES)
		result = entry_tile(chain, &path, snapshot);
	else
		result = hash_tile(chain, &path, snapshot);
	UnregisterSnapshot(snapshot);
	PG_RETURN_BYTEA_P(result);
}

/* paths of one level that the greater tree has and the smaller has not */
static void
put_paths(ReturnSetInfo *rsinfo, int level, uint64 from, uint64 to)
{
	int			shift = level <= 0 ? 0 : 8 * level;
	uint64		first = (from >> shift) / SC_TILE_HASHES;
	ScBuf		buf = SC_BUF_INIT;

	if (from >> shift == to >> shift)
		return;
	for (uint64 tile = first; sc_tile_width(level, tile, to) > 0; tile++)
	{
		ScTilePath	path = {level, tile, sc_tile_width(level, tile, to)};
		Datum		value;
		bool		isnull = false;

		sc_buf_reset(&buf);
		sc_tile_path_format(&buf, &path);
		if (sc_buf_cstr(&buf) == NULL)
			sc_status_report(SC_NO_MEMORY, "tile path");
		value = CStringGetTextDatum(buf.data);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
		pfree(DatumGetPointer(value));
		CHECK_FOR_INTERRUPTS();
	}
	sc_buf_free(&buf);
}

/*
 * seoulchain.tile_paths(from_size bigint, to_size bigint) -> SETOF text
 *
 * Arithmetic: the paths of the tiles and bundles of a tree of to_size leaves
 * that one of from_size leaves does not have, entries first.  Privileges:
 * PUBLIC.  Errors: INVALID_PARAMETER_VALUE unless 0 <= from_size <= to_size < 2^48.
 */
Datum
sc_tile_paths(PG_FUNCTION_ARGS)
{
	int64		from = PG_GETARG_INT64(0);
	int64		to = PG_GETARG_INT64(1);

	if (from < 0 || from > to || to >= INT64CONST(1) << 48)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are no tiles from size %lld to size %lld", (long long) from, (long long) to),
				 errhint("Give two sizes of one tree, the smaller one first.")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	for (int level = SC_TILE_LEVEL_ENTRIES; level <= SC_TILE_LEVEL_MAX; level++)
		put_paths((ReturnSetInfo *) fcinfo->resultinfo, level, (uint64) from, (uint64) to);
	return (Datum) 0;
}
