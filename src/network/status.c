/*
 * status.c
 *	  What network_status needs beyond the catalogs.
 *
 * Invariant: nothing here waits or connects.
 * Effects: an error of a replication worker of ours is kept in shared memory,
 * under the name of its subscription, because PostgreSQL counts such errors
 * but shows their texts in the log only.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "compat.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "network/link.h"
#include "network/peer_state.h"
#include "network/status.h"
#include "replication/logicalworker.h"
#include "replication/worker_internal.h"
#include "seal/shmem.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(sc_link_name_sql);
PG_FUNCTION_INFO_V1(sc_network_worker_running);
PG_FUNCTION_INFO_V1(sc_network_state);

static emit_log_hook_type prev_emit_log_hook = NULL;

/* keeps the error that ends a worker of ours; cannot fail */
static void
keep_error(ErrorData *edata)
{
	if (edata->elevel >= ERROR && edata->message != NULL && IsLogicalWorker() &&
		MySubscription != NULL && sc_link_name_ok(MySubscription->name) && OidIsValid(MyDatabaseId) &&
		edata->sqlerrcode != ERRCODE_ADMIN_SHUTDOWN)
		sc_peer_state_apply_failed(MySubscription->name, edata->message,
								   ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_CONNECTION_EXCEPTION);
	if (prev_emit_log_hook)
		prev_emit_log_hook(edata);
}

void
sc_network_status_init(void)
{
	prev_emit_log_hook = emit_log_hook;
	emit_log_hook = keep_error;
}

/*
 * seoulchain.link_name(publisher text, subscriber text) -> name
 *
 * The name of publication, subscription and slot by which one node sends to
 * another.  Privileges: seoulchain_operator, seoulchain_auditor.
 */
Datum
sc_link_name_sql(PG_FUNCTION_ARGS)
{
	char	   *link = sc_link_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)));

	return DirectFunctionCall1(namein, CStringGetDatum(link));
}

/*
 * seoulchain.network_worker_running() -> boolean
 *
 * Is this database's network worker there?  Privileges: seoulchain_operator,
 * seoulchain_auditor.
 */
Datum
sc_network_worker_running(PG_FUNCTION_ARGS)
{
	ScSealSlot *slot = sc_slot_mine();

	PG_RETURN_BOOL(slot != NULL && slot->network_pid != 0);
}

/* a text, or NULL for "" */
static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text[0] == '\0';
	return *isnull ? (Datum) 0 : CStringGetTextDatum(text);
}

/*
 * seoulchain.network_state(name text, OUT waiting text, OUT error text,
 * OUT error_at timestamptz, OUT failing_since timestamptz, OUT tries integer,
 * OUT dropped bigint, OUT dropped_why text, OUT dropped_at timestamptz)
 *
 * What was last met with a peer, a subscription or a followed chain of that
 * name; NULLs when nothing is known, as after a crash.  Privileges:
 * seoulchain_operator, seoulchain_auditor.
 */
Datum
sc_network_state(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ScPeerState state = {0};
	TupleDesc	tupdesc;
	Datum		values[8];
	bool		nulls[8] = {false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "network_state is declared wrongly");
	(void) sc_peer_state_get(name, &state);
	values[0] = text_or_null(state.waiting, &nulls[0]);
	values[1] = text_or_null(state.error, &nulls[1]);
	values[2] = TimestampTzGetDatum(state.error_at);
	nulls[2] = state.error_at == 0;
	values[3] = TimestampTzGetDatum(state.failing_since);
	nulls[3] = state.failing_since == 0;
	values[4] = Int32GetDatum(state.tries);
	values[5] = Int64GetDatum(state.dropped);
	values[6] = text_or_null(state.dropped_why, &nulls[6]);
	values[7] = TimestampTzGetDatum(state.dropped_at);
	nulls[7] = state.dropped_at == 0;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}
