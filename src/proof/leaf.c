/*
 * leaf.c
 *	  leaf_index, leaf_data and leaf_hash: a row as the tree knows it.
 *
 * Invariant: leaf_data is made from the row as it is stored now, so its hash
 * agrees with the tree exactly as long as the row is what was sealed.
 * Context: STABLE functions, the active snapshot.  Privileges: whoever may
 * SELECT the row (locate.c).  Writes nothing.
 */
#include "postgres.h"

#include "proof/leaf.h"

#include "fmgr.h"
#include "ledger/row.h"
#include "proof/values.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sc_leaf_index);
PG_FUNCTION_INFO_V1(sc_leaf_data);
PG_FUNCTION_INFO_V1(sc_leaf_hash);

char *
sc_row_leaf_text(const ScRowPlace *place, size_t *len)
{
	const ScRowFormat *format = sc_row_format(place->rel);
	ScBuf		buf = SC_BUF_INIT;
	char	   *volatile text = NULL;
	int			nestlevel;

	slot_getallattrs(place->slot);
	nestlevel = sc_row_settings_begin(format);
	PG_TRY();
	{
		sc_row_leaf(&buf, format, place->slot->tts_values, place->slot->tts_isnull, place->ledger_seq);
		text = palloc(buf.len + 1);
		memcpy(text, buf.data, buf.len);
		((char *) text)[buf.len] = '\0';
		*len = buf.len;
	}
	PG_FINALLY();
	{
		sc_buf_free(&buf);
	}
	PG_END_TRY();
	sc_row_settings_end(nestlevel);
	return text;
}

void
sc_row_require_sealed(const ScRowPlace *place)
{
	if (place->leaf_index >= 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("row with ledger_seq %lld of \"%s\" is not sealed yet",
					(long long) place->ledger_seq, RelationGetRelationName(place->rel)),
			 errdetail("Proofs exist for rows that are in a block of chain \"%s\".", place->chain->name),
			 errhint("Run SELECT seoulchain.seal('%s') after the row is committed.", place->chain->name)));
}

/*
 * seoulchain.leaf_index(relation regclass, ledger_seq bigint) returns bigint
 *
 * The row's place in its chain's tree, counted from 0; NULL while no block has
 * the number (so it is NULL for a number that was never used, too).
 */
Datum
sc_leaf_index(PG_FUNCTION_ARGS)
{
	ScRowPlace	place;

	if (!sc_row_locate_sealed(&place, PG_GETARG_OID(0), PG_GETARG_INT64(1), GetActiveSnapshot()))
		PG_RETURN_NULL();
	sc_row_done(&place);
	PG_RETURN_INT64(place.leaf_index);
}

/*
 * seoulchain.leaf_data(relation regclass, ledger_seq bigint) returns bytea
 *
 * The row's leaf, canonical JSON in UTF-8 (docs/format.md), from the stored row.
 */
Datum
sc_leaf_data(PG_FUNCTION_ARGS)
{
	ScRowPlace	place;
	char	   *text;
	size_t		len;
	bytea	   *result;

	sc_row_locate(&place, PG_GETARG_OID(0), PG_GETARG_INT64(1), GetActiveSnapshot());
	text = sc_row_leaf_text(&place, &len);
	sc_row_done(&place);
	result = palloc(VARHDRSZ + len);
	SET_VARSIZE(result, VARHDRSZ + len);
	memcpy(VARDATA(result), text, len);
	PG_RETURN_BYTEA_P(result);
}

/*
 * seoulchain.leaf_hash(relation regclass, ledger_seq bigint) returns bytea
 *
 * SHA256(0x00 || leaf_data), RFC 6962 section 2.1, from the stored row.
 */
Datum
sc_leaf_hash(PG_FUNCTION_ARGS)
{
	ScRowPlace	place;
	char	   *text;
	size_t		len;
	ScHash		hash;

	sc_row_locate(&place, PG_GETARG_OID(0), PG_GETARG_INT64(1), GetActiveSnapshot());
	text = sc_row_leaf_text(&place, &len);
	sc_row_done(&place);
	sc_hash_leaf(&hash, text, len);
	PG_RETURN_DATUM(sc_value_hash(&hash));
}
