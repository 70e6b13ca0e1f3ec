/*
 * dispute.c
 *	  Filing what this node found wrong with chains of other nodes.
 *
 * Invariant: of one origin, height, ledger_seq and fault there is one row
 * (of a block one that is not settled), whoever files it how often: filers take
 * ShareRowExclusiveLock on the table and look with a snapshot taken after it.
 * Complaints about one origin end at SC_COMPLAINTS_MAX: a cheat fills no disk.
 * Those about blocks have room of their own, and none is turned away while no
 * other one holds the cosignatures back.
 *
 * Context: any transaction, that of an apply worker and of the sealing worker
 * among them; no privileges are asked.
 * Effects: a row of seoulchain.dispute; at commit the sealing worker is woken,
 * which records the event (dispute_event.c).
 */
#include "postgres.h"

#include "network/dispute.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "core/disputefile.h"
#include "network/dispute_text.h"
#include "seal/internal_scan.h"
#include "seal/shmem.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define SC_COMPLAINTS_MAX 1000

/* this transaction filed something */
static bool filed = false;

static bool
is_settled(HeapTuple tuple, Relation rel)
{
	return !heap_attisnull(tuple, SC_DISPUTE_ATTR_SETTLED_AT, RelationGetDescr(rel));
}

static bool
is_proof(HeapTuple tuple, Relation rel)
{
	return DatumGetBool(sc_internal_attr(tuple, SC_DISPUTE_ATTR_PROOF, rel));
}

/* is it the same finding? */
static bool
same_finding(const ScFinding *finding, HeapTuple tuple, Relation rel)
{
	/* a block may be wrong again; a complaint about anything else is settled for good */
	return (finding->height < 0 || !is_settled(tuple, rel)) &&
		sc_internal_int8_or(tuple, SC_DISPUTE_ATTR_HEIGHT, rel, -1) == finding->height &&
		sc_internal_int8_or(tuple, SC_DISPUTE_ATTR_SEQ, rel, 0) == finding->ledger_seq &&
		strcmp(TextDatumGetCString(sc_internal_attr(tuple, SC_DISPUTE_ATTR_FAULT, rel)), finding->fault) == 0;
}

/* does the row take room that the complaint needs? */
static bool
takes_room(const ScFinding *finding, HeapTuple tuple, Relation rel)
{
	bool		of_block = sc_internal_int8_or(tuple, SC_DISPUTE_ATTR_HEIGHT, rel, -1) >= 0;

	return !is_proof(tuple, rel) && of_block == (finding->height >= 0) && !(of_block && is_settled(tuple, rel));
}

static void
scan_origin(ScInternalScan *scan, const char *origin, Snapshot snapshot)
{
	ScanKeyData key;

	ScanKeyInit(&key, SC_DISPUTE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(origin));
	sc_internal_scan_begin(scan, "dispute", "dispute_origin", snapshot, &key, 1);
}

/* is it there already, or one of too many? */
static bool
known(const ScFinding *finding)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	int			complaints = 0;
	bool		found = false;

	scan_origin(&scan, finding->origin, snapshot);
	while (!found && (tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
	{
		complaints += takes_room(finding, tuple, scan.rel);
		found = same_finding(finding, tuple, scan.rel);
	}
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found || (!finding->proof && complaints >= SC_COMPLAINTS_MAX);
}

static void
insert_row(Relation rel, const ScFinding *finding, const char *evidence)
{
	Datum		values[SC_DISPUTE_NATTS] = {0};
	bool		nulls[SC_DISPUTE_NATTS] = {false};

	values[SC_DISPUTE_ATTR_ORIGIN - 1] = CStringGetTextDatum(finding->origin);
	values[SC_DISPUTE_ATTR_HEIGHT - 1] = Int64GetDatum(finding->height);
	nulls[SC_DISPUTE_ATTR_HEIGHT - 1] = finding->height < 0;
	values[SC_DISPUTE_ATTR_SEQ - 1] = Int64GetDatum(finding->ledger_seq);
	nulls[SC_DISPUTE_ATTR_SEQ - 1] = finding->ledger_seq <= 0;
	values[SC_DISPUTE_ATTR_FAULT - 1] = CStringGetTextDatum(finding->fault);
	values[SC_DISPUTE_ATTR_PROOF - 1] = BoolGetDatum(finding->proof);
	values[SC_DISPUTE_ATTR_DETAIL - 1] = CStringGetTextDatum(finding->detail);
	values[SC_DISPUTE_ATTR_EVIDENCE - 1] = CStringGetTextDatum(evidence);
	values[SC_DISPUTE_ATTR_FOUND_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	for (int i = SC_DISPUTE_ATTR_FILED_CHAIN_ID - 1; i < SC_DISPUTE_NATTS; i++)
		nulls[i] = true;
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
}

/* is the evidence a dispute file? */
static bool
has_file(const ScFinding *finding)
{
	return finding->evidence != NULL &&
		strncmp(finding->evidence, SC_DISPUTEFILE_START, strlen(SC_DISPUTEFILE_START)) == 0;
}

void
sc_dispute_file(const ScFinding *finding)
{
	Relation	rel = sc_internal_open("dispute", ShareRowExclusiveLock);
	ScFinding	checked = *finding;

	/* what nobody else can judge is a complaint */
	checked.proof = finding->proof && has_file(finding);
	if (!known(&checked))
	{
		insert_row(rel, &checked, has_file(finding) ? finding->evidence : sc_dispute_complaint(&checked));
		CommandCounterIncrement();
		filed = true;
		ereport(LOG,
				(errmsg("%s against chain \"%s\" filed: %s", checked.proof ? "proof" : "complaint",
						checked.origin, checked.fault),
				 errdetail("%s", checked.detail)));
	}
	table_close(rel, NoLock);
}

bool
sc_disputed(const char *origin)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScInternalScan scan;
	HeapTuple	tuple;
	bool		found = false;

	scan_origin(&scan, origin, snapshot);
	while (!found && (tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		found = !is_settled(tuple, scan.rel) &&
			(is_proof(tuple, scan.rel) || sc_internal_int8_or(tuple, SC_DISPUTE_ATTR_HEIGHT, scan.rel, -1) >= 0);
	sc_internal_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found;
}

/* what was filed is recorded by the sealing worker, in a round of its own accord */
static void
wake_sealer(XactEvent event, void *arg)
{
	ScSealSlot *slot;

	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			slot = filed ? sc_slot_mine() : NULL;
			filed = false;
			if (slot == NULL)
				break;
			pg_atomic_write_u32(&slot->pending, 1);
			sc_slot_wake(slot);
			break;
		case XACT_EVENT_ABORT:
			filed = false;
			break;
		default:
			break;
	}
}

void
sc_dispute_init(void)
{
	RegisterXactCallback(wake_sealer, NULL);
}
