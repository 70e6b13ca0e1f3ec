/*
 * alarm.c
 *	  Alarms: one row of seoulchain.alarm for a kind and what it is about.
 *
 * Invariant: writers take ShareRowExclusiveLock and look with a snapshot
 * taken after it, so that an alarm raised by several processes is one row.
 * An alarm raised again within SC_ALARM_QUIET seconds is not written again:
 * a peer that sends nothing but rubbish makes no more than a row a while.
 * Context: any transaction.
 */
#include "postgres.h"

#include "network/alarm.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "fmgr.h"
#include "seal/internal_scan.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sc_clear_alarm);

#define SC_ALARM_QUIET 10

/* seoulchain.alarm */
enum
{
	SC_ALARM_ATTR_KIND = 1,
	SC_ALARM_ATTR_ABOUT,
	SC_ALARM_ATTR_SINCE,
	SC_ALARM_ATTR_LAST,
	SC_ALARM_ATTR_TIMES,
	SC_ALARM_ATTR_WHAT,
	SC_ALARM_ATTR_HINT
};

#define SC_ALARM_NATTS 7

int			sc_alarm_after = 60;

/* the alarm's row, copied, or NULL */
static HeapTuple
find(const char *kind, const char *about)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], SC_ALARM_ATTR_KIND, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(kind));
	ScanKeyInit(&keys[1], SC_ALARM_ATTR_ABOUT, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(about));
	sc_internal_scan_begin(&scan, "alarm", "alarm_pkey", snapshot, keys, 2);
	tuple = sc_internal_scan_next(&scan, ForwardScanDirection);
	if (tuple != NULL)
		tuple = heap_copytuple(tuple);
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return tuple;
}

static TimestampTz
time_of(HeapTuple tuple, AttrNumber attno, Relation rel)
{
	return DatumGetTimestampTz(sc_internal_attr(tuple, attno, rel));
}

static void
write_row(Relation rel, HeapTuple before, const char *kind, const char *about, const char *what, const char *hint)
{
	TimestampTz now = GetCurrentTimestamp();
	Datum		values[SC_ALARM_NATTS];
	bool		nulls[SC_ALARM_NATTS] = {false};
	HeapTuple	tuple;

	values[SC_ALARM_ATTR_KIND - 1] = CStringGetTextDatum(kind);
	values[SC_ALARM_ATTR_ABOUT - 1] = CStringGetTextDatum(about);
	values[SC_ALARM_ATTR_SINCE - 1] = TimestampTzGetDatum(before == NULL ? now : time_of(before, SC_ALARM_ATTR_SINCE, rel));
	values[SC_ALARM_ATTR_LAST - 1] = TimestampTzGetDatum(now);
	values[SC_ALARM_ATTR_TIMES - 1] = Int64GetDatum(before == NULL ? 1 :
													 DatumGetInt64(sc_internal_attr(before, SC_ALARM_ATTR_TIMES, rel)) + 1);
	values[SC_ALARM_ATTR_WHAT - 1] = CStringGetTextDatum(what);
	values[SC_ALARM_ATTR_HINT - 1] = CStringGetTextDatum(hint);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	if (before == NULL)
		CatalogTupleInsert(rel, tuple);
	else
		CatalogTupleUpdate(rel, &before->t_self, tuple);
	CommandCounterIncrement();
}

void
sc_alarm_raise(const char *kind, const char *about, const char *what, const char *hint)
{
	Relation	rel = sc_internal_open("alarm", AccessShareLock);
	HeapTuple	before = find(kind, about);

	if (before == NULL ||
		TimestampDifferenceExceeds(time_of(before, SC_ALARM_ATTR_LAST, rel), GetCurrentTimestamp(), SC_ALARM_QUIET * 1000))
	{
		LockRelation(rel, ShareRowExclusiveLock);
		write_row(rel, find(kind, about), kind, about, what, hint);
	}
	if (before == NULL)
		ereport(LOG,
				(errmsg("alarm: %s, %s", kind, about),
				 errdetail("%s", what)));
	table_close(rel, NoLock);
}

bool
sc_alarm_clear(const char *kind, const char *about)
{
	Relation	rel;
	HeapTuple	tuple;

	if (find(kind, about) == NULL)
		return false;
	rel = sc_internal_open("alarm", ShareRowExclusiveLock);
	tuple = find(kind, about);
	if (tuple != NULL)
		simple_heap_delete(rel, &tuple->t_self);
	CommandCounterIncrement();
	table_close(rel, NoLock);
	return tuple != NULL;
}

void
sc_alarm_forget(const char *about)
{
	Relation	rel = sc_internal_open("alarm", ShareRowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;

	sc_internal_scan_begin(&scan, "alarm", "alarm_pkey", snapshot, NULL, 0);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		if (strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_ALARM_ATTR_ABOUT, rel)), about) == 0)
			simple_heap_delete(rel, &tuple->t_self);
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	CommandCounterIncrement();
	table_close(rel, NoLock);
}

/*
 * seoulchain.clear_alarm(kind text, about text) returns boolean
 *
 * Forgets an alarm that somebody has looked into; false when there is none.
 * What goes on is raised again.  seoulchain_operator.
 */
Datum
sc_clear_alarm(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sc_alarm_clear(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

bool
sc_alarm_raised(const char *kind, const char *about, int64 *seconds)
{
	Relation	rel = sc_internal_open("alarm", AccessShareLock);
	HeapTuple	tuple = find(kind, about);

	if (tuple != NULL && seconds != NULL)
		*seconds = (GetCurrentTimestamp() - time_of(tuple, SC_ALARM_ATTR_SINCE, rel)) / USECS_PER_SEC;
	table_close(rel, NoLock);
	return tuple != NULL;
}

void
sc_alarm_init(void)
{
	DefineCustomIntVariable("seoulchain.network_alarm_after",
							"Seconds after which something that does not happen on a followed chain is an alarm.",
							"A row that is not sealed, blocks that others have and this node does not get, silence.",
							&sc_alarm_after, 60, 1, 1000000,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
}
