/*
 * values.c
 *	  Hashes and paths as SQL values: bytea and bytea[].
 *
 * Invariant: reading a caller's value never raises an error because of what
 * it holds; it answers false, so that a proof that is malformed is a proof
 * that does not hold.  Context: any; results are palloc'd in the current
 * memory context.  Does not judge proofs: core/proof.h does.
 */
#include "postgres.h"

#include "proof/values.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

Datum
sc_value_hash(const ScHash *hash)
{
	bytea	   *value = palloc(VARHDRSZ + SC_HASH_LEN);

	SET_VARSIZE(value, VARHDRSZ + SC_HASH_LEN);
	memcpy(VARDATA(value), hash->bytes, SC_HASH_LEN);
	return PointerGetDatum(value);
}

Datum
sc_value_path(const ScHash *path, int npath)
{
	Datum		elements[SC_PROOF_MAX];

	Assert(npath <= SC_PROOF_MAX);
	for (int i = 0; i < npath; i++)
		elements[i] = sc_value_hash(&path[i]);
	return PointerGetDatum(construct_array(elements, npath, BYTEAOID, -1, false, TYPALIGN_INT));
}

bool
sc_value_to_hash(ScHash *out, Datum value)
{
	bytea	   *bytes = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(bytes) != SC_HASH_LEN)
		return false;
	memcpy(out->bytes, VARDATA_ANY(bytes), SC_HASH_LEN);
	return true;
}

bool
sc_value_to_path(ScHash path[SC_PROOF_MAX], int *npath, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	*npath = 0;
	if (ARR_ELEMTYPE(array) != BYTEAOID || ARR_NDIM(array) > 1)
		return false;
	if (ARR_NDIM(array) == 1 && ARR_DIMS(array)[0] > SC_PROOF_MAX)
		return false;
	deconstruct_array(array, BYTEAOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i] || !sc_value_to_hash(&path[i], elements[i]))
			return false;
	}
	*npath = n;
	return true;
}
