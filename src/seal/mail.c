/*
 * mail.c
 *	  Requests from sessions to the worker of their database, and its answers.
 *
 * Invariant: a mail goes FREE, WAITING (sent), TAKEN (worker at it), DONE or
 * FAILED (answered), FREE; a requester that leaves frees a waiting mail and
 * marks a taken one ABANDONED, which the worker frees.  A worker that ends
 * puts what it had taken back to WAITING for the next one: every request is
 * harmless when done twice.
 *
 * Waiting is on condition variables, can be cancelled, and ends with an
 * error when no worker has been there for SC_MAIL_PATIENCE_MS.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "seal/shmem_private.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define SC_MAIL_PATIENCE_MS 10000

/* puts a request into a free mail; NULL when there is none */
static ScMail *
mail_send(const ScMail *request)
{
	ScMail	   *mail = NULL;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SC_SEAL_MAILS && mail == NULL; i++)
		if (sc_seal_shared->mails[i].state == SC_MAIL_FREE)
		{
			mail = &sc_seal_shared->mails[i];
			mail->kind = request->kind;
			mail->dboid = MyDatabaseId;
			mail->chain_id = request->chain_id;
			mail->key_role = request->key_role;
			strlcpy(mail->name, request->name, sizeof(mail->name));
			mail->found = false;
			mail->height = -1;
			mail->sqlerrcode = 0;
			strlcpy(mail->request, request->request, sizeof(mail->request));
			mail->text[0] = mail->detail[0] = mail->hint[0] = '\0';
			mail->state = SC_MAIL_WAITING;
		}
	LWLockRelease(sc_seal_shared->lock);
	return mail;
}

/* takes the answer out; false while there is none */
static bool
mail_collect(ScMail *mail, ScMail *answer)
{
	bool		answered;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	answered = mail->state == SC_MAIL_DONE || mail->state == SC_MAIL_FAILED;
	if (answered)
	{
		memcpy(answer, mail, offsetof(ScMail, answered));
		mail->state = SC_MAIL_FREE;
	}
	LWLockRelease(sc_seal_shared->lock);
	if (answered)
		ConditionVariableBroadcast(&sc_seal_shared->mail_freed);
	return answered;
}

/* the requester leaves without an answer */
static void
mail_abandon(int code, Datum arg)
{
	ScMail	   *mail = (ScMail *) DatumGetPointer(arg);

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	mail->state = mail->state == SC_MAIL_TAKEN ? SC_MAIL_ABANDONED : SC_MAIL_FREE;
	LWLockRelease(sc_seal_shared->lock);
	ConditionVariableBroadcast(&sc_seal_shared->mail_freed);
}

void
sc_worker_missing(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("no sealing worker is running in this database"),
			 errdetail("None came while this session waited."),
			 errhint("If CREATE EXTENSION has not committed yet, commit it first; else look for the reason in the server log, for example max_worker_processes.")));
}

void
sc_worker_require(TimestampTz *missing_since)
{
	ScSealSlot *slot = sc_slot_find(MyDatabaseId, true);
	bool		running = false;

	if (slot != NULL)
	{
		LWLockAcquire(sc_seal_shared->lock, LW_SHARED);
		running = slot->state == SC_WORKER_RUNNING;
		LWLockRelease(sc_seal_shared->lock);
	}
	if (running)
	{
		*missing_since = 0;
		return;
	}
	if (*missing_since == 0)
	{
		*missing_since = GetCurrentTimestamp();
		sc_slot_look_again(MyDatabaseId);
	}
	else if (TimestampDifferenceExceeds(*missing_since, GetCurrentTimestamp(), SC_MAIL_PATIENCE_MS))
		sc_worker_missing();
}

/* sleeps until the answer is there */
static void
mail_sleep(ScMail *mail, ScMail *answer)
{
	TimestampTz missing_since = 0;
	ScSealSlot *slot = sc_slot_find(MyDatabaseId, true);

	if (slot != NULL)
		sc_slot_wake(slot);
	ConditionVariablePrepareToSleep(&mail->answered);
	while (!mail_collect(mail, answer))
	{
		sc_worker_require(&missing_since);
		ConditionVariableTimedSleep(&mail->answered, 500, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

/* waits for the answer of a mail that was sent */
static void
mail_wait(ScMail *mail, ScMail *answer)
{
	PG_ENSURE_ERROR_CLEANUP(mail_abandon, PointerGetDatum(mail));
	{
		mail_sleep(mail, answer);
	}
	PG_END_ENSURE_ERROR_CLEANUP(mail_abandon, PointerGetDatum(mail));
}

/* sends the request in *mail and brings back the answer in its place */
void
sc_mail_call(ScMail *mail)
{
	ScMail	   *sent;
	ScMail		answer;

	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("a standby seals and signs nothing"),
				 errhint("Ask the primary.")));

	ConditionVariablePrepareToSleep(&sc_seal_shared->mail_freed);
	while ((sent = mail_send(mail)) == NULL)
		ConditionVariableTimedSleep(&sc_seal_shared->mail_freed, 1000, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();

	memset(&answer, 0, sizeof(answer));
	mail_wait(sent, &answer);
	if (answer.state == SC_MAIL_FAILED)
		ereport(ERROR,
				(errcode(answer.sqlerrcode ? answer.sqlerrcode : ERRCODE_INTERNAL_ERROR),
				 errmsg("%s", answer.text),
				 answer.detail[0] ? errdetail("%s", answer.detail) : 0,
				 answer.hint[0] ? errhint("%s", answer.hint) : 0));
	memcpy(mail, &answer, offsetof(ScMail, answered));
}

/* worker: the next request for this database, NULL when there is none */
ScMail *
sc_mail_take(void)
{
	ScMail	   *mail = NULL;

	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SC_SEAL_MAILS && mail == NULL; i++)
		if (sc_seal_shared->mails[i].state == SC_MAIL_WAITING &&
			sc_seal_shared->mails[i].dboid == MyDatabaseId)
		{
			mail = &sc_seal_shared->mails[i];
			mail->state = SC_MAIL_TAKEN;
		}
	LWLockRelease(sc_seal_shared->lock);
	return mail;
}

/* worker: is there a request for this database? */
bool
sc_mail_waiting(void)
{
	bool		waiting = false;

	LWLockAcquire(sc_seal_shared->lock, LW_SHARED);
	for (int i = 0; i < SC_SEAL_MAILS && !waiting; i++)
		waiting = sc_seal_shared->mails[i].state == SC_MAIL_WAITING && sc_seal_shared->mails[i].dboid == MyDatabaseId;
	LWLockRelease(sc_seal_shared->lock);
	return waiting;
}

/* worker: the answer stands in the mail */
void
sc_mail_answer(ScMail *mail, bool ok)
{
	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	if (mail->state == SC_MAIL_ABANDONED)
		mail->state = SC_MAIL_FREE;
	else
		mail->state = ok ? SC_MAIL_DONE : SC_MAIL_FAILED;
	LWLockRelease(sc_seal_shared->lock);
	ConditionVariableBroadcast(&mail->answered);
	ConditionVariableBroadcast(&sc_seal_shared->mail_freed);
}

/* worker: ends without having answered what it took */
void
sc_mail_return_all(void)
{
	LWLockAcquire(sc_seal_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SC_SEAL_MAILS; i++)
	{
		ScMail	   *mail = &sc_seal_shared->mails[i];

		if (mail->dboid != MyDatabaseId)
			continue;
		if (mail->state == SC_MAIL_TAKEN)
			mail->state = SC_MAIL_WAITING;
		else if (mail->state == SC_MAIL_ABANDONED)
			mail->state = SC_MAIL_FREE;
	}
	LWLockRelease(sc_seal_shared->lock);
}
