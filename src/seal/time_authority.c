/*
 * time_authority.c
 *	  Registering the authorities whose timestamps count, and their revocation lists.
 *
 * Invariant: no authority counts that no operator registered; there is one
 * row for each certificate and list, by SHA-256.  Lists are never replaced:
 * an authority takes expired certificates off its list, and tokens by them
 * are judged for ever.
 *
 * Effects: rows of time_authority and time_crl.  Context: SQL functions of
 * seoulchain_operator.  Source: RFC 3161, RFC 5280.
 */
#include "postgres.h"

#include "seal/time_authority.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "compat.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_add_time_authority);
PG_FUNCTION_INFO_V1(sc_remove_time_authority);
PG_FUNCTION_INFO_V1(sc_add_time_crl);

/* what the callback frees when the memory context goes */
static void
free_authorities(void *arg)
{
	sc_authorities_free(arg);
}

ScAuthorities *
sc_time_authorities_new(void)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	ScAuthorities *authorities = sc_authorities_new();

	if (authorities == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	callback->func = free_authorities;
	callback->arg = authorities;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return authorities;
}

/* errors for stored bytes that could not be added */
static void
require_added(ScCertReason reason, const char *table)
{
	if (reason == SC_CERT_OK)
		return;
	ereport(ERROR,
			(errcode(reason == SC_CERT_NO_MEMORY ? ERRCODE_OUT_OF_MEMORY : ERRCODE_DATA_CORRUPTED),
			 errmsg("a row of \"%s\" cannot be read: %s", table, sc_cert_reason_text(reason)),
			 errhint("Remove it, and add what was registered again.")));
}

void
sc_time_authorities_add(ScAuthorities *authorities, Datum certificate, bool trusted)
{
	bytea	   *data = DatumGetByteaPP(certificate);

	require_added((trusted ? sc_authorities_add_anchor : sc_authorities_add_intermediate)
				  (authorities, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data)), "time_authority");
}

void
sc_time_authorities_add_crl(ScAuthorities *authorities, Datum crl)
{
	bytea	   *data = DatumGetByteaPP(crl);

	require_added(sc_authorities_add_crl(authorities, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data)), "time_crl");
}

/* adds every row of a table */
static void
add_rows(ScAuthorities *authorities, const char *table, bool crls, Snapshot snapshot)
{
	Relation	rel = sc_internal_open(table, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (crls)
			sc_time_authorities_add_crl(authorities, sc_internal_attr(tuple, SC_TIME_CRL_ATTR_CRL, rel));
		else
			sc_time_authorities_add(authorities, sc_internal_attr(tuple, SC_TIME_AUTHORITY_ATTR_CERTIFICATE, rel),
									DatumGetBool(sc_internal_attr(tuple, SC_TIME_AUTHORITY_ATTR_TRUSTED, rel)));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

ScAuthorities *
sc_time_authorities(Snapshot snapshot)
{
	ScAuthorities *authorities = sc_time_authorities_new();

	add_rows(authorities, "time_authority", false, snapshot);
	add_rows(authorities, "time_crl", true, snapshot);
	return authorities;
}

/* is there a row with this digest?  Its text column is given, palloc'd */
static char *
find_text(const char *table, const char *index, const ScHash *digest, AttrNumber attno, Snapshot snapshot)
{
	ScInternalScan scan;
	ScanKeyData key;
	HeapTuple	tuple;
	char	   *result = NULL;

	sc_key_hash(&key, 1, digest);
	sc_internal_scan_begin(&scan, table, index, snapshot, &key, 1);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
		result = TextDatumGetCString(sc_internal_attr(tuple, attno, scan.rel));
	sc_internal_scan_end(&scan);
	return result;
}

char *
sc_time_authority_name(const ScHash *digest, Snapshot snapshot)
{
	return find_text("time_authority", "time_authority_pkey", digest, SC_TIME_AUTHORITY_ATTR_NAME, snapshot);
}

/* inserts a row into a table opened with a lock that lets nobody else write */
static void
insert_row(Relation rel, Datum *values, int natts)
{
	bool	   *nulls = palloc0(natts * sizeof(bool));

	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
}

/* errors for a certificate or list that cannot be registered */
static void
require_readable(ScCertReason reason, const ScBuf *der, const char *what)
{
	if (reason == SC_CERT_NO_MEMORY || (reason == SC_CERT_OK && der->failed))
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	if (reason != SC_CERT_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the %s cannot be used: %s", what, sc_cert_reason_text(reason)),
				 errhint("Give one %s in PEM or DER, for example by pg_read_binary_file().", what)));
}

/* the DER in the current memory context, and its SHA-256; the buffer is freed */
static bytea *
take_der(ScBuf *der, ScHash *digest)
{
	bytea	   *result = (bytea *) MemoryContextAllocExtended(CurrentMemoryContext, VARHDRSZ + der->len, MCXT_ALLOC_NO_OOM);

	if (result != NULL)
	{
		SET_VARSIZE(result, VARHDRSZ + der->len);
		memcpy(VARDATA(result), der->data, der->len);
		sc_hash_bytes(digest, der->data, der->len);
	}
	sc_buf_free(der);
	if (result == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	return result;
}

/* errors for a name that nobody could call */
static void
require_name(const char *name)
{
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("an authority needs a name"),
				 errhint("Give it the name by which people here know it.")));
}

/*
 * seoulchain.add_time_authority(name text, certificate bytea, trusted boolean DEFAULT true) -> text
 *
 * Registers a certificate (PEM or DER) under an authority's name; returns its
 * subject.  The same again changes nothing.  Privileges: seoulchain_operator.
 * Errors: INVALID_PARAMETER_VALUE for what is no certificate,
 * DUPLICATE_OBJECT when it is registered otherwise.
 */
Datum
sc_add_time_authority(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bytea	   *given = PG_GETARG_BYTEA_PP(1);
	Relation	rel;
	ScCertInfo	info;
	ScBuf		der = SC_BUF_INIT;
	ScCertReason reason;
	ScHash		digest;
	bytea	   *certificate;
	char	   *known;
	Datum		values[SC_TIME_AUTHORITY_NATTS];
	Snapshot	snapshot;

	PreventCommandIfReadOnly("seoulchain.add_time_authority()");
	require_name(name);
	reason = sc_cert_describe(&info, &der, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));
	require_readable(reason, &der, "certificate");
	certificate = take_der(&der, &digest);

	rel = sc_internal_open("time_authority", ShareRowExclusiveLock);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	known = sc_time_authority_name(&digest, snapshot);
	UnregisterSnapshot(snapshot);
	if (known != NULL && strcmp(known, name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("the certificate is registered already"),
				 errdetail("It is one of authority \"%s\".", known),
				 errhint("Run seoulchain.remove_time_authority() first to register it otherwise.")));
	if (known == NULL)
	{
		values[SC_TIME_AUTHORITY_ATTR_DIGEST - 1] = sc_internal_bytea(digest.bytes, SC_HASH_LEN);
		values[SC_TIME_AUTHORITY_ATTR_NAME - 1] = CStringGetTextDatum(name);
		values[SC_TIME_AUTHORITY_ATTR_SUBJECT - 1] = CStringGetTextDatum(info.name);
		values[SC_TIME_AUTHORITY_ATTR_CERTIFICATE - 1] = PointerGetDatum(certificate);
		values[SC_TIME_AUTHORITY_ATTR_TRUSTED - 1] = BoolGetDatum(PG_GETARG_BOOL(2));
		values[SC_TIME_AUTHORITY_ATTR_ADDED_BY - 1] = DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(GetSessionUserId(), false)));
		values[SC_TIME_AUTHORITY_ATTR_ADDED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		insert_row(rel, values, SC_TIME_AUTHORITY_NATTS);
	}
	table_close(rel, NoLock);
	PG_RETURN_TEXT_P(cstring_to_text(info.name));
}

/*
 * seoulchain.remove_time_authority(name text) -> bigint
 *
 * Takes every certificate of the authority out; tokens stay, and verify()
 * reports those that nobody vouches for any more.  Privileges:
 * seoulchain_operator.  Errors: UNDEFINED_OBJECT.
 */
Datum
sc_remove_time_authority(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Relation	rel;
	Snapshot	snapshot;
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		removed = 0;

	PreventCommandIfReadOnly("seoulchain.remove_time_authority()");
	rel = sc_internal_open("time_authority", ShareRowExclusiveLock);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_TIME_AUTHORITY_ATTR_NAME, rel)), name) != 0)
			continue;
		CatalogTupleDelete(rel, &tuple->t_self);
		removed++;
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	if (removed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no authority \"%s\" is registered", name),
				 errhint("SELECT name, subject FROM seoulchain.time_authority lists those that are.")));
	PG_RETURN_INT64(removed);
}

/*
 * seoulchain.add_time_crl(crl bytea) -> text
 *
 * Adds a certificate revocation list (PEM or DER); returns its issuer.  The
 * same again changes nothing.  Whom it binds is found out when a token is
 * judged.  Privileges: seoulchain_operator.  Errors: INVALID_PARAMETER_VALUE.
 */
Datum
sc_add_time_crl(PG_FUNCTION_ARGS)
{
	bytea	   *given = PG_GETARG_BYTEA_PP(0);
	Relation	rel;
	ScCertInfo	info;
	ScBuf		der = SC_BUF_INIT;
	ScCertReason reason;
	ScHash		digest;
	bytea	   *crl;
	Datum		values[SC_TIME_CRL_NATTS];
	Snapshot	snapshot;

	PreventCommandIfReadOnly("seoulchain.add_time_crl()");
	reason = sc_crl_describe(&info, &der, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));
	require_readable(reason, &der, "certificate revocation list");
	crl = take_der(&der, &digest);

	rel = sc_internal_open("time_crl", ShareRowExclusiveLock);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (find_text("time_crl", "time_crl_pkey", &digest, SC_TIME_CRL_ATTR_ISSUER, snapshot) == NULL)
	{
		values[SC_TIME_CRL_ATTR_DIGEST - 1] = sc_internal_bytea(digest.bytes, SC_HASH_LEN);
		values[SC_TIME_CRL_ATTR_ISSUER - 1] = CStringGetTextDatum(info.name);
		values[SC_TIME_CRL_ATTR_THIS_UPDATE - 1] = TimestampTzGetDatum(time_t_to_timestamptz((pg_time_t) info.since));
		values[SC_TIME_CRL_ATTR_CRL - 1] = PointerGetDatum(crl);
		values[SC_TIME_CRL_ATTR_ADDED_BY - 1] = DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(GetSessionUserId(), false)));
		values[SC_TIME_CRL_ATTR_ADDED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		insert_row(rel, values, SC_TIME_CRL_NATTS);
	}
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	PG_RETURN_TEXT_P(cstring_to_text(info.name));
}
