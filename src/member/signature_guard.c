/*
 * signature_guard.c
 *	  The access method's part: only rows whose signature was checked are recorded.
 *
 * Invariant: every row under a rule that an origin records has the signer,
 * signature and signed columns with which the trigger found the signature
 * good; its key is good at the row's acceptance time; and its payload was used
 * by no other row.  That holds for everybody, the superuser included: where
 * the trigger is missing, disabled or another's, nothing is inserted.
 * Locks: that of those who sign; waits for transactions that use the payload.
 * Effects: a row of seoulchain.signed_payload, once the row is stored.
 */
#include "postgres.h"

#include "member/signature_guard.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "ledger/row_guard.h"
#include "member/signature_case.h"
#include "member/signature_fact.h"
#include "member/signature_keys.h"
#include "member/signed_payload.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"

static ScBuf payload_buf = SC_BUF_INIT;

static bool
guard_wanted(Relation rel, const ScTarget *target)
{
	return sc_signing(rel) != NULL;
}

/* a text attribute of the row, or NULL */
static char *
text_attribute(TupleTableSlot *slot, AttrNumber attno, int *len)
{
	bool		isnull;
	Datum		datum = slot_getattr(slot, attno, &isnull);
	text	   *value;

	if (isnull)
		return NULL;
	value = DatumGetTextPP(datum);
	*len = VARSIZE_ANY_EXHDR(value);
	return VARDATA_ANY(value);
}

/* what the trigger found of the row's signature, or NULL */
static const ScSignatureFact *
find_fact(Relation rel, const ScSigning *signing, TupleTableSlot *slot)
{
	int			len;
	char	   *signature = text_attribute(slot, signing->signature, &len);

	return signature ? sc_fact_find(RelationGetRelid(rel), signature, len) : NULL;
}

/* the trigger has taken the lock, in a subtransaction that is still there, if it left a fact */
static void
guard_lock(Relation rel, const ScTarget *target, TupleTableSlot *slot)
{
	const ScSigning *signing = sc_signing(rel);
	int			len;
	char	   *signer;

	if (find_fact(rel, signing, slot) != NULL)
		return;
	signer = text_attribute(slot, signing->signer, &len);
	if (signer != NULL)
		sc_member_lock(target->chain_id, pnstrdup(signer, len), false);
}

/* why the trigger is not one that checks every row, or NULL */
static const char *
trigger_fault(Relation rel, const ScSigning *signing)
{
	const TriggerDesc *triggers = rel->trigdesc;
	const char *fault = "is missing";

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgfoid != signing->function ||
			!TRIGGER_TYPE_MATCHES(trigger->tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_BEFORE, TRIGGER_TYPE_INSERT))
			continue;
		if (trigger->tgqual != NULL)
			fault = "has a WHEN clause";
		else if (trigger->tgenabled == TRIGGER_DISABLED)
			fault = "is disabled";
		else if (trigger->tgenabled != TRIGGER_FIRES_ALWAYS)
			fault = "is not ENABLE ALWAYS";
		else
			return NULL;
	}
	return fault;
}

static void
guard_check(Relation rel, const ScTarget *target, TupleTableSlot *slot, TimestampTz time)
{
	const ScSigning *signing = sc_signing(rel);
	const ScSignatureFact *fact;
	const char *fault = trigger_fault(rel, signing);
	ScHash		digest;
	int			nestlevel;
	bool		same;

	if (fault != NULL)
		sc_refuse_trigger(rel, fault);
	fact = find_fact(rel, signing, slot);
	if (fact == NULL)
		sc_refuse_changed(rel);
	slot_getallattrs(slot);
	nestlevel = sc_row_settings_begin(signing->format);
	same = sc_signing_digest(signing, slot->tts_values, slot->tts_isnull, &payload_buf, &digest) &&
		memcmp(&digest, &fact->digest, sizeof(ScHash)) == 0;
	sc_row_settings_end(nestlevel);
	if (!same)
		sc_refuse_changed(rel);
	if (time < fact->from || time >= fact->until)
		sc_refuse_late(rel, fact->key, fact->from, fact->until, time);
}

static void
guard_effect(Relation rel, const ScTarget *target, TupleTableSlot *slot, int64 ledger_seq, TimestampTz time)
{
	const ScSigning *signing = sc_signing(rel);
	const ScSignatureFact *fact = find_fact(rel, signing, slot);
	int32		other_table;
	int64		other;

	if (fact == NULL)
		elog(ERROR, "what was found of a signature is lost");
	other = sc_payload_use(target->chain_id, target->table_id, &fact->digest, ledger_seq, &other_table);
	sc_fact_drop(fact);
	if (other != 0)
	{
		int			len;
		char	   *signer = text_attribute(slot, signing->signer, &len);

		sc_refuse_used(rel, pnstrdup(signer, len), other, other_table);
	}
}

static const ScRowGuard guard = {guard_wanted, guard_lock, guard_check, guard_effect};

void
sc_signature_forget(void)
{
	sc_signer_keys_forget();
	sc_facts_forget();
}

void
sc_signature_init(void)
{
	sc_fact_init();
	sc_signer_keys_init();
	sc_row_guard_register(&guard);
}
