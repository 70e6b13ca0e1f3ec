/*
 * round.c
 *	  One round of the worker: mails, sealing and signing of every chain, and work on copies.
 *
 * Invariant: an error on one chain (a full disk, a damaged tree) leaves no
 * block, loses no journal row, is logged and shown in seal_status, and does
 * not keep the other chains from being sealed.  Copies of other nodes' chains
 * are neither sealed nor signed here: the network room's hook integrates them.
 *
 * Context: the worker, outside a transaction, in a memory context that is
 * reset after the round.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "seal/block.h"
#include "seal/journal_vacuum.h"
#include "seal/key_files.h"
#include "seal/rotate.h"
#include "seal/round.h"
#include "seal/shmem.h"
#include "seal/sign_block.h"
#include "seal/witness_key.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

sc_signed_hook_type sc_signed_hook = NULL;
sc_before_copies_hook_type sc_before_copies_hook = NULL;
sc_copy_round_hook_type sc_copy_round_hook = NULL;
sc_chain_held_hook_type sc_chain_held_hook = NULL;

/* a chain, and what the round did for it */
typedef struct ChainWork
{
	int32		chain_id;
	char	   *name;
	bool		open;
	bool		copy;			/* another node's */
	bool		held;			/* not to be sealed or signed yet: suspended says why */
	int			blocks;
	int64		height;
	int			sqlerrcode;		/* of a failure, 0 = none */
	char	   *error;
	char	   *suspended;		/* why nothing is signed */
	char	   *detail;			/* with values, or NULL */
	char	   *hint;			/* what to do about it */
} ChainWork;

/* ends the transaction of a failed step and logs why; returns the error in the context given */
static ErrorData *
catch_error(MemoryContext context)
{
	ErrorData  *error;

	HOLD_INTERRUPTS();
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	EmitErrorReport();
	FlushErrorState();
	AbortCurrentTransaction();
	MemoryContextSwitchTo(context);
	RESUME_INTERRUPTS();
	return error;
}

/* the chains of the database */
static List *
list_chains(MemoryContext context)
{
	List	   *result = NIL;
	ListCell   *lc;
	List	   *chains;
	MemoryContext old;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	chains = sc_chain_list();
	foreach(lc, chains)
	{
		ScChain    *chain = lfirst(lc);
		char	   *why = sc_chain_held_hook != NULL ? sc_chain_held_hook(chain) : NULL;
		ChainWork  *work;

		old = MemoryContextSwitchTo(context);
		work = palloc0(sizeof(ChainWork));

		work->chain_id = chain->chain_id;
		work->name = pstrdup(chain->name);
		work->open = sc_chain_is_open(chain);
		work->copy = chain->copy;
		work->height = -1;
		work->held = why != NULL;
		work->suspended = why ? pstrdup(why) : NULL;
		result = lappend(result, work);
		MemoryContextSwitchTo(old);
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return result;
}

/* seals a chain; false after an error */
static bool
seal_chain(ChainWork *work, MemoryContext context)
{
	volatile bool ok = false;

	PG_TRY();
	{
		work->blocks = sc_seal_chain(work->chain_id, &work->height);
		sc_chain_state_ok(work->chain_id);
		ok = true;
	}
	PG_CATCH();
	{
		ErrorData  *error = catch_error(context);

		work->sqlerrcode = error->sqlerrcode;
		work->error = error->message;
		sc_chain_state_failed(work->chain_id, error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return ok;
}

/* before the first signature of this process: blocks that an earlier one sealed must be flushed too */
static void
wait_durable_once(void)
{
	static bool done = false;

	if (!done)
		sc_sign_wait_durable();
	done = true;
}

/* signs a chain's blocks; false after an error, true also when signing is suspended */
static bool
sign_chain(ChainWork *work, MemoryContext context)
{
	volatile bool ok = false;

	PG_TRY();
	{
		wait_durable_once();
		MemoryContextSwitchTo(context);
		work->suspended = sc_sign_chain(work->chain_id);
		ok = true;
	}
	PG_CATCH();
	{
		ErrorData  *error = catch_error(context);

		work->suspended = error->message;
		work->detail = error->detail;
		work->hint = error->hint ? error->hint :
			"The worker signs again once the reason is gone. See seoulchain.seal_status.";
		sc_chain_state_set_signing(work->chain_id, SC_SIGNING_SUSPENDED,
								   error->hint ? psprintf("%s. %s", error->message, error->hint) : error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return ok;
}

/* tells the network room that a chain is signed; false after an error */
static bool
after_signing(ChainWork *work, MemoryContext context)
{
	volatile bool ok = false;

	if (sc_signed_hook == NULL)
		return true;
	PG_TRY();
	{
		sc_signed_hook(work->chain_id);
		ok = true;
	}
	PG_CATCH();
	{
		FreeErrorData(catch_error(context));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return ok;
}

/* fills in the answer to a request to seal */
static bool
answer_seal(ScMail *mail, List *works)
{
	ListCell   *lc;

	mail->height = -1;
	foreach(lc, works)
	{
		ChainWork  *work = lfirst(lc);

		if (work->chain_id != mail->chain_id)
			continue;
		mail->found = work->blocks > 0;
		mail->height = work->height;
		if (work->error != NULL)
		{
			mail->sqlerrcode = work->sqlerrcode;
			snprintf(mail->text, sizeof(mail->text), "chain \"%s\" could not be sealed: %s", work->name, work->error);
			strlcpy(mail->hint, "No row is lost: the worker tries again. See seoulchain.seal_status.", sizeof(mail->hint));
			return false;
		}
		if (work->suspended != NULL)
		{
			mail->sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
			snprintf(mail->text, sizeof(mail->text), "signing of chain \"%s\" is suspended: %s", work->name, work->suspended);
			strlcpy(mail->detail, work->detail ? work->detail : "", sizeof(mail->detail));
			strlcpy(mail->hint, work->hint ? work->hint :
					"If this node is the only one that writes the chain, run seoulchain.resume_signing().",
					sizeof(mail->hint));
			return false;
		}
		return true;
	}
	/* not visible here: it is not committed yet, so it has nothing to seal */
	return true;
}

/* one answer to every mail when the round itself failed */
static void
answer_failed(List *mails, const ErrorData *error)
{
	ListCell   *lc;

	foreach(lc, mails)
	{
		ScMail	   *mail = lfirst(lc);

		mail->sqlerrcode = error->sqlerrcode;
		snprintf(mail->text, sizeof(mail->text), "the sealing worker failed: %s", error->message);
		sc_mail_answer(mail, false);
	}
}

/* seals and signs the chains of the list; false if anything failed */
static bool
work_chains(List *works, bool seal, MemoryContext context)
{
	ListCell   *lc;
	bool		ok = true;

	foreach(lc, works)
	{
		ChainWork  *work = lfirst(lc);

		if (!work->open || work->copy)
			continue;
		if (work->held)
		{
			sc_chain_state_set_signing(work->chain_id, SC_SIGNING_SUSPENDED, work->suspended);
			continue;
		}
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(context);
		if (seal && !seal_chain(work, context))
			ok = false;
		else if (!sign_chain(work, context) || !after_signing(work, context))
			ok = false;
		sc_chain_state_passed(work->chain_id);
	}
	return ok;
}

bool
sc_seal_round(List *mails, bool seal)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *volatile works = NIL;
	volatile bool ok = false;
	ListCell   *lc;

	PG_TRY();
	{
		works = list_chains(context);
		ok = work_chains(works, seal, context);
	}
	PG_CATCH();
	{
		answer_failed(mails, catch_error(context));
		mails = NIL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	foreach(lc, mails)
	{
		ScMail	   *mail = lfirst(lc);

		sc_mail_answer(mail, answer_seal(mail, works));
	}
	return ok;
}

/* one turn of a copy; errors are caught and tried again later */
static ScCopyNext
work_copy(ChainWork *work, MemoryContext context)
{
	volatile ScCopyNext next = SC_COPY_LATER;

	PG_TRY();
	{
		wait_durable_once();
		MemoryContextSwitchTo(context);
		next = sc_copy_round_hook(work->chain_id);
		sc_chain_state_ok(work->chain_id);
	}
	PG_CATCH();
	{
		ErrorData  *error = catch_error(context);

		sc_chain_state_failed(work->chain_id, error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	sc_chain_state_passed(work->chain_id);
	return next;
}

ScCopyNext
sc_copy_round(void)
{
	MemoryContext context = CurrentMemoryContext;
	volatile ScCopyNext next = SC_COPY_IDLE;
	ListCell   *lc;

	if (sc_copy_round_hook == NULL)
		return SC_COPY_IDLE;
	PG_TRY();
	{
		if (sc_before_copies_hook != NULL)
			sc_before_copies_hook();
		MemoryContextSwitchTo(context);
		foreach(lc, list_chains(context))
		{
			ChainWork  *work = lfirst(lc);
			ScCopyNext	wanted;

			if (!work->open || !work->copy)
				continue;
			CHECK_FOR_INTERRUPTS();
			wanted = work_copy(work, context);
			next = Max(next, wanted);
		}
	}
	PG_CATCH();
	{
		FreeErrorData(catch_error(context));
		next = SC_COPY_LATER;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return next;
}

void
sc_seal_tidy(void)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		sc_journal_vacuum();
	}
	PG_CATCH();
	{
		FreeErrorData(catch_error(context));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
}

/* makes a key, has two of them sign that one follows the other, or reads memory, for a session */
static void
answer_key_mail(ScMail *mail)
{
	const char *answer;
	ScSigned	entry;
	bool		found;

	switch (mail->kind)
	{
		case SC_MAIL_MAKE_KEY:
			answer = sc_key_file_make((ScKeyRole) mail->key_role, mail->name, mail->request);
			break;
		case SC_MAIL_MAKE_NEXT_KEY:
			answer = sc_key_file_make_next((ScKeyRole) mail->key_role, mail->name, mail->request);
			break;
		case SC_MAIL_ROTATION:
			answer = sc_rotation_sign((ScKeyRole) mail->key_role, mail->name, mail->request);
			break;
		case SC_MAIL_WITNESS_MEMORY:
			answer = sc_witness_memory(mail->name);
			break;
		case SC_MAIL_WITNESS_SIGN:
			answer = sc_witness_sign(mail->name, mail->request);
			break;
		case SC_MAIL_WITNESS_RESUME:
			answer = sc_witness_resume(mail->name, mail->request);
			break;
		default:
			found = sc_memory_load(&entry, mail->name);
			answer = sc_memory_text(&entry, found);
	}
	if (strlcpy(mail->text, answer, sizeof(mail->text)) >= sizeof(mail->text))
		elog(ERROR, "answer of %zu bytes to a session is too long", strlen(answer));
}

/* the same with errors caught and sent; in a transaction, whose end closes the folders that an error left open */
static void
handle_key_mail(ScMail *mail)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool ok = false;

	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		answer_key_mail(mail);
		CommitTransactionCommand();
		ok = true;
	}
	PG_CATCH();
	{
		ErrorData  *error = catch_error(context);

		mail->sqlerrcode = error->sqlerrcode;
		strlcpy(mail->text, error->message, sizeof(mail->text));
		strlcpy(mail->detail, error->detail ? error->detail : "", sizeof(mail->detail));
		strlcpy(mail->hint, error->hint ? error->hint : "", sizeof(mail->hint));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	sc_mail_answer(mail, ok);
}

List *
sc_seal_mails(void)
{
	List	   *result = NIL;
	ScMail	   *mail;

	while ((mail = sc_mail_take()) != NULL)
	{
		if (mail->kind == SC_MAIL_SEAL)
			result = lappend(result, mail);
		else
			handle_key_mail(mail);
	}
	return result;
}
