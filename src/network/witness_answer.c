/*
 * witness_answer.c
 *	  witness_answer: this node as a public witness judges a request.
 *
 * The order of checks is the specification's: form, log, signature, sizes,
 * proof.  What was cosigned last is what the memory beside the keys says; the
 * table follows it, so that a database without its memory notices.
 *
 * Invariant: memory has the new checkpoint, fsynced, before the answer exists.
 * A transaction that is rolled back afterwards takes nothing back.
 * Locks: ShareRowExclusiveLock on witnessed_checkpoint to the end of the
 * transaction: answers come one after the other, so callers commit soon.
 * Effects: a line of memory (by the worker), a row of witnessed_checkpoint.
 * Source: C2SP tlog-witness v1.0.0.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "core/witness.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger/error.h"
#include "miscadmin.h"
#include "network/dispute.h"
#include "network/dispute_text.h"
#include "network/witnessed.h"
#include "seal/internal_scan.h"
#include "seal/key_files.h"
#include "seal/rotate.h"
#include "seal/shmem.h"
#include "seal/witness_key.h"
#include "sign/key.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(sc_witness_answer);
PG_FUNCTION_INFO_V1(sc_resume_witness);

typedef struct Answer
{
	ScWitnessCode code;
	const char *body;
} Answer;

/* does a key of the log say that the note is its? */
static bool
signature_good(const ScWitnessRequest *request, List *keys)
{
	ScNote	   *note = palloc(sizeof(ScNote));
	ScVerifierKey *known = palloc(list_length(keys) * sizeof(ScVerifierKey));
	ListCell   *lc;
	bool		good;

	foreach(lc, keys)
		sc_key_parse(&known[foreach_current_index(lc)], lfirst(lc));
	good = sc_note_parse(note, request->note, request->notelen, false) == SC_OK &&
		sc_key_verify_note(note, known, list_length(keys), NULL, NULL) == SC_OK;
	pfree(note);
	pfree(known);
	return good;
}

/* what was cosigned last of the log: size 0 and the empty tree's root for nothing */
static void
last_cosigned(ScCheckpoint *out, const char *origin)
{
	char	   *text = sc_key_request(SC_MAIL_WITNESS_MEMORY, SC_ROLE_WITNESS, origin, "");
	const char *p = text;
	ScCheckpoint stored;

	if (strcmp(text, "none") != 0)
	{
		if (!sc_witness_take(out, &p))
			elog(ERROR, "the worker's answer \"%s\" is no checkpoint", text);
		return;
	}
	if (sc_witnessed_last(&stored, NULL, origin))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("signing memory has no entry for \"%s\", which has been cosigned before", origin),
				 errdetail("The database knows of a checkpoint of %llu leaves.", (unsigned long long) stored.size),
				 errhint("Bring the node's own key directory back. If it is lost and no other checkpoint was cosigned since, SELECT seoulchain.resume_witness('%s').",
						 origin)));
	out->size = 0;
	sc_hash_empty(&out->root);
}

/* has the worker remember and sign the step; the signature line */
static char *
cosign(const ScWitnessRequest *request, const ScCheckpoint *last)
{
	ScBuf		step = SC_BUF_INIT;
	const char *text;
	char	   *key = sc_witness_key_find();
	char	   *order;

	if (key == NULL)
		elog(ERROR, "this node has no key as a witness");
	sc_witness_put(&step, last);
	sc_buf_char(&step, ' ');
	sc_witness_put(&step, &request->checkpoint);
	text = sc_buf_cstr(&step);
	order = text == NULL ? NULL : psprintf("%s %s", key, text);
	sc_buf_free(&step);
	if (order == NULL)
		sc_status_report(SC_NO_MEMORY, "witness request");
	return sc_key_request(SC_MAIL_WITNESS_SIGN, SC_ROLE_WITNESS, request->checkpoint.origin, order);
}

/* a log that signed another root of the size that was cosigned has shown two histories: both notes are the proof */
static void
report_fork(const ScWitnessRequest *request, const ScCheckpoint *last)
{
	ScCheckpoint stored;
	char	   *note;
	ScFinding	finding = {
		.origin = request->checkpoint.origin,
		.height = -1,
		.fault = SC_FAULT_TWO_ROOTS,
		.proof = true
	};

	if (request->checkpoint.size != last->size || memcmp(&request->checkpoint.root, &last->root, sizeof(ScHash)) == 0 ||
		!sc_witnessed_last(&stored, &note, request->checkpoint.origin) ||
		stored.size != last->size || memcmp(&stored.root, &last->root, sizeof(ScHash)) != 0)
		return;
	finding.detail = psprintf("It asked this witness to cosign a second checkpoint of %llu leaves with another root.",
							  (unsigned long long) last->size);
	finding.evidence = sc_dispute_two_roots(note, pnstrdup(request->note, request->notelen));
	sc_dispute_file(&finding);
}

/* judges a request of a log that is known, and signed by it */
static Answer
judge(const ScWitnessRequest *request)
{
	ScCheckpoint last;
	ScWitnessCode code;
	const char *line;

	last_cosigned(&last, request->checkpoint.origin);
	code = sc_witness_judge(request, last.size, &last.root);
	if (code == SC_WITNESS_CONFLICT)
		report_fork(request, &last);
	if (code == SC_WITNESS_CONFLICT)
		return (Answer) {code, psprintf("%llu\n", (unsigned long long) last.size)};
	if (code == SC_WITNESS_BAD_PROOF)
		return (Answer) {code, "the consistency proof does not connect the two trees\n"};
	if (code != SC_WITNESS_OK)
		return (Answer) {code, "the old size is beyond the checkpoint's\n"};
	line = cosign(request, &last);
	sc_witnessed_store(&request->checkpoint, request->note, request->notelen);
	return (Answer) {code, line};
}

/* what the witness says to a request */
static Answer
answer(const char *body, size_t len)
{
	ScWitnessRequest *request = palloc(sizeof(ScWitnessRequest));
	ScStatus	status = sc_witness_parse_request(request, body, len);
	List	   *keys;

	if (status == SC_NO_MEMORY)
		sc_status_report(status, "witness request");
	if (status != SC_OK && status != SC_RANGE)
		return (Answer) {SC_WITNESS_BAD_REQUEST, "this is no add-checkpoint request\n"};
	keys = sc_witnessed_keys(request->checkpoint.origin);
	if (keys == NIL)
		return (Answer) {SC_WITNESS_UNKNOWN_LOG, "this log is not witnessed here\n"};
	if (!signature_good(request, keys))
		return (Answer) {SC_WITNESS_FORBIDDEN, "the checkpoint has no good signature of the log\n"};
	if (status == SC_RANGE)
		return (Answer) {SC_WITNESS_BAD_REQUEST, "the old size is beyond the checkpoint's\n"};
	return judge(request);
}

/*
 * seoulchain.witness_answer(request text, OUT code integer, OUT body text)
 *
 * The answer to an add-checkpoint request: 200 with this witness's signature
 * line; 400, 403, 404 and 422 with a sentence; 409 with the size that it
 * holds, to be sent as text/x.tlog.size.  Privileges: seoulchain_operator, and
 * whom he lets run it.  Errors: when the worker cannot sign, or memory and
 * database do not fit together.
 */
Datum
sc_witness_answer(PG_FUNCTION_ARGS)
{
	text	   *request = PG_GETARG_TEXT_PP(0);
	TupleDesc	tupdesc;
	Datum		values[2];
	bool		nulls[2] = {false};
	Relation	rel;
	Answer		said;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PreventCommandIfReadOnly("seoulchain.witness_answer()");
	rel = sc_internal_open("witnessed_checkpoint", ShareRowExclusiveLock);
	said = answer(VARDATA_ANY(request), VARSIZE_ANY_EXHDR(request));
	table_close(rel, NoLock);
	values[0] = Int32GetDatum((int32) said.code);
	values[1] = CStringGetTextDatum(said.body);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/*
 * seoulchain.resume_witness(origin text) -> void
 *
 * Lets the witness go on with a log on another cluster or timeline, or without
 * its memory, from the newest checkpoint that memory or database know of.  The
 * operator answers for it that nothing else was cosigned since, by this or
 * another database.  Privileges: seoulchain_operator.  Errors:
 * UNDEFINED_OBJECT; DATA_CORRUPTED when the two contradict each other.
 */
Datum
sc_resume_witness(PG_FUNCTION_ARGS)
{
	char	   *origin = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Relation	rel = sc_internal_open("witnessed_checkpoint", ShareRowExclusiveLock);
	ScCheckpoint stored;
	ScBuf		known = SC_BUF_INIT;
	char	   *request;
	char	   *said;

	if (strlen(origin) > SC_NAME_MAX)
		origin[SC_NAME_MAX] = '\0';
	if (sc_witnessed_last(&stored, NULL, origin))
		sc_witness_put(&known, &stored);
	request = known.failed ? NULL : pnstrdup(known.data ? known.data : "", known.len);
	sc_buf_free(&known);
	if (request == NULL)
		sc_status_report(SC_NO_MEMORY, "witness memory");
	said = sc_key_request(SC_MAIL_WITNESS_RESUME, SC_ROLE_WITNESS, origin, request);
	if (strcmp(said, "none") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("this witness has cosigned nothing of \"%s\"", origin),
				 errhint("A log whose first checkpoint is still to come needs no leave.")));
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}
