/*
 * verify_timestamp.c
 *	  Stored timestamp tokens against the recomputed tree.
 *
 * A token is somebody else's word for a root.  First its text is compared:
 * whoever rewrote the chain, with all its hashes and signatures, cannot make
 * the token of the old root fit the new one, and the last token that fits
 * and the first that does not bound what was rewritten.  Then the token
 * itself is verified, at its own time, against the registered authorities.
 *
 * Invariant: a root that differs is told once a chain: all tokens behind it
 * must differ, too.  Tokens are read under the run's snapshot, page by page;
 * one that cannot be taken apart is a fault like any damaged row.
 * What it cannot find: that a token was taken away.
 */
#include "postgres.h"

#include "compat.h"

#include "proof/verify_timestamp.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "ledger/registry.h"
#include "proof/guard.h"
#include "seal/time_authority.h"
#include "seal/timestamp_store.h"
#include "sign/timestamp.h"
#include "utils/timestamp.h"

struct ScStamps
{
	ScVerify   *v;
	ScSorted   *sorted;			/* by chain and size */
	ScAuthorities *authorities;
	int64		good_size;		/* of the chain's last token that fits; 0 before the first */
	bool		diverged;		/* one did not fit, which has been told */
};

/* the row callbacks: certificates and lists */
static void
authority_row(void *arg, ScScan *scan)
{
	sc_time_authorities_add(arg, scan->values[SC_TIME_AUTHORITY_ATTR_CERTIFICATE - 1],
							DatumGetBool(scan->values[SC_TIME_AUTHORITY_ATTR_TRUSTED - 1]));
}

static void
crl_row(void *arg, ScScan *scan)
{
	sc_time_authorities_add_crl(arg, scan->values[SC_TIME_CRL_ATTR_CRL - 1]);
}

/* every row of a table; damaged ones become faults */
static void
load(ScStamps *stamps, const char *table, void (*row) (void *arg, ScScan *scan))
{
	Relation	rel = sc_verify_open(table);

	sc_verify_scan(stamps->v, rel, row, stamps->authorities);
	table_close(rel, NoLock);
}

ScStamps *
sc_stamps_begin(ScVerify *v)
{
	static const AttrNumber keys[] = {SC_TIMESTAMP_ATTR_CHAIN_ID, SC_TIMESTAMP_ATTR_TREE_SIZE};
	static const Oid types[] = {INT4OID, INT8OID};
	ScStamps   *stamps = palloc0(sizeof(ScStamps));

	stamps->v = v;
	stamps->authorities = sc_time_authorities_new();
	load(stamps, "time_authority", authority_row);
	load(stamps, "time_crl", crl_row);
	stamps->sorted = sc_sorted_load(v, "checkpoint_timestamp", 2, keys, types);
	return stamps;
}

/* one token, and what is found out about it */
typedef struct Judgement
{
	const ScStamps *stamps;
	Datum	   *values;
	const char *texts[2];		/* what it may be of: by the leaves' root, by the block's */
	const char *fault;			/* NULL: it is right */
	ScTimeImprint imprint;
} Judgement;

/* what the row says of its token is what the token says */
static bool
row_agrees(const Datum *values, const bytea *token, const ScTimestamp *found)
{
	bytea	   *digest = DatumGetByteaPP(values[SC_TIMESTAMP_ATTR_DIGEST - 1]);
	ScStoredTimestamp times;
	ScHash		hash;

	sc_timestamp_times(&times, found);
	sc_hash_bytes(&hash, VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token));
	return VARSIZE_ANY_EXHDR(digest) == SC_HASH_LEN && memcmp(VARDATA_ANY(digest), hash.bytes, SC_HASH_LEN) == 0 &&
		DatumGetTimestampTz(values[SC_TIMESTAMP_ATTR_TIME - 1]) == times.time &&
		DatumGetTimestampTz(values[SC_TIMESTAMP_ATTR_LATEST - 1]) == times.latest;
}

/* the work on one token, which may be damaged */
static void
judge(void *arg)
{
	Judgement  *judgement = arg;
	bytea	   *token = DatumGetByteaPP(judgement->values[SC_TIMESTAMP_ATTR_TOKEN - 1]);
	const char *text = NULL;
	ScTimestamp *found = palloc(sizeof(ScTimestamp));
	ScTimeReason reason = sc_timestamp_imprint(&judgement->imprint, VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token));

	judgement->fault = SC_FAULT_STAMP_WRONG;
	if (reason == SC_TIME_OK)
	{
		for (int i = 0; i < 2 && text == NULL; i++)
		{
			if (judgement->texts[i] != NULL &&
				sc_timestamp_imprint_is_of(&judgement->imprint, judgement->texts[i], strlen(judgement->texts[i])))
				text = judgement->texts[i];
		}
		if (text == NULL)
		{
			judgement->fault = SC_FAULT_STAMP_OTHER_ROOT;
			return;
		}
		reason = sc_timestamp_verify(found, judgement->stamps->authorities, VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token),
									 text, strlen(text), NULL, 0);
	}
	if (reason == SC_TIME_NO_MEMORY)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	if (reason == SC_TIME_AUTHORITY)
		judgement->fault = judgement->stamps->v->opening ? NULL : SC_FAULT_STAMP_NOT_TRUSTED;
	else if (reason == SC_TIME_OK && row_agrees(judgement->values, token, found))
		judgement->fault = NULL;
}

/* the lowest ledger_seq behind `size` leaves, SC_NONE when there is none */
static int64
first_seq_behind(const ScVerifyChain *chain, int64 size)
{
	int64		low = 0;
	int64		high = chain->nranges;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (chain->ranges[middle].first_leaf < size)
			low = middle + 1;
		else
			high = middle;
	}
	return low < chain->nranges ? chain->ranges[low].lower : SC_NONE;
}

/* tells about a token; of another root, from where on the chain may have been rewritten */
static void
report(ScStamps *stamps, ScVerifyChain *chain, const Judgement *judgement, int64 size, int64 height)
{
	ScFault		fault = sc_verify_fault(chain, judgement->fault);
	ScHash		found;

	fault.leaf = size;
	fault.height = height;
	fault.relation = sc_registry_relation("checkpoint_timestamp");
	if (strcmp(judgement->fault, SC_FAULT_STAMP_OTHER_ROOT) == 0)
	{
		if (stamps->diverged)
			return;
		stamps->diverged = true;
		fault.ledger_seq = first_seq_behind(chain, stamps->good_size);
		fault.expected = judgement->imprint.digest;
		fault.expectedlen = judgement->imprint.len;
		if (judgement->texts[0] != NULL && judgement->imprint.len == SC_HASH_LEN)
		{
			sc_hash_bytes(&found, judgement->texts[0], strlen(judgement->texts[0]));
			fault.found = &found;
			fault.foundlen = SC_HASH_LEN;
		}
	}
	sc_faults_add(stamps->v->faults, &fault);
}

/* judges the token at hand; without roots there is no checkpoint that it could be of */
static void
judge_token(ScStamps *stamps, ScVerifyChain *chain, int64 size, int64 height,
			const ScHash *computed, const ScHash *stored)
{
	Judgement	judgement = {.stamps = stamps};

	judgement.values = sc_sorted_peek(stamps->sorted)->tts_values;
	if (computed != NULL)
		judgement.texts[0] = sc_checkpoint_text(chain->origin, size, computed);
	if (stored != NULL)
		judgement.texts[1] = sc_checkpoint_text(chain->origin, size, stored);
	if (!sc_guard(judge, &judgement, NULL))
		judgement.fault = SC_FAULT_STAMP_WRONG;
	if (judgement.fault != NULL)
		report(stamps, chain, &judgement, size, height);
	else if (!stamps->diverged)
		stamps->good_size = size;
}

/* the size of the chain's next token, PG_INT64_MAX when there is none; tokens of unknown chains before it are faults */
static int64
next_size(ScStamps *stamps, const ScVerifyChain *chain)
{
	TupleTableSlot *slot;

	while ((slot = sc_sorted_peek(stamps->sorted)) != NULL)
	{
		int32		chain_id = DatumGetInt32(slot->tts_values[SC_TIMESTAMP_ATTR_CHAIN_ID - 1]);

		if (chain != NULL && chain_id == chain->chain_id)
			return DatumGetInt64(slot->tts_values[SC_TIMESTAMP_ATTR_TREE_SIZE - 1]);
		if (chain != NULL && chain_id > chain->chain_id)
			break;
		if (sc_verify_chain(stamps->v, chain_id) == NULL)
		{
			ScFault		fault = sc_verify_fault(NULL, SC_FAULT_STAMP_WRONG);

			fault.chain_id = chain_id;
			fault.relation = sc_registry_relation("checkpoint_timestamp");
			sc_faults_add(stamps->v->faults, &fault);
		}
		sc_sorted_next(stamps->sorted);
	}
	return PG_INT64_MAX;
}

void
sc_stamps_block(ScStamps *stamps, ScVerifyChain *chain, int64 size, int64 height,
				const ScHash *computed, const ScHash *stored)
{
	int64		next;

	while ((next = next_size(stamps, chain)) <= size)
	{
		if (next < size)
			judge_token(stamps, chain, next, SC_NONE, NULL, NULL);
		else if (computed != NULL)
			judge_token(stamps, chain, size, height, computed, stored);
		sc_sorted_next(stamps->sorted);
	}
}

void
sc_stamps_chain_end(ScStamps *stamps, ScVerifyChain *chain)
{
	int64		next;

	while ((next = next_size(stamps, chain)) != PG_INT64_MAX)
	{
		judge_token(stamps, chain, next, SC_NONE, NULL, NULL);
		sc_sorted_next(stamps->sorted);
	}
	stamps->good_size = 0;
	stamps->diverged = false;
}

void
sc_stamps_end(ScStamps *stamps)
{
	(void) next_size(stamps, NULL);
	sc_sorted_end(stamps->sorted);
	pfree(stamps);
}
