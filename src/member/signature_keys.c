/*
 * signature_keys.c
 *	  Keys made ready: those of a signer, and the verifiers of keys.
 *
 * One agency often signs all rows of a statement, so what was read of a signer
 * serves the following rows of the same command: under the lock that signers
 * hold nobody else can end a key, and when the own transaction does,
 * everything is forgotten.  That somebody else adds a key is noticed because an
 * answer from here that does not help is asked for again.
 *
 * Invariant: an answer is used in the command and subtransaction in which it
 * was read, and for times at which its keys have the state it says.
 * Memory: a small context for each of the 4,096 signers met last, until the
 * transaction ends; 1,024 verifiers, a few kilobytes each, until the session
 * ends.
 */
#include "postgres.h"

#include "member/signature_keys.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "ledger/error.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* powers of two, so large that the hundred signers of a statement seldom share a slot */
#define ANSWER_SLOTS 4096
#define VERIFIER_SLOTS 1024

typedef struct Answer
{
	uint64		transaction;		/* in which it was read: of another one it is empty */
	MemoryContext context;
	SubTransactionId subid;
	CommandId	cid;
	int32		chain_id;
	int32		table_id;
	char	   *member;
	List	   *keys;
	TimestampTz valid_until;	/* the first time at which a key's state changes by itself */
} Answer;

typedef struct KeptVerifier
{
	ScVerifier *verifier;		/* NULL: empty */
	ScHash		thumbprint;
} KeptVerifier;

static Answer answers[ANSWER_SLOTS];
static uint64 transaction = 1;	/* counts those of this session */
static bool any_answer = false; /* since the transaction began, or all were forgotten */
static KeptVerifier verifiers[VERIFIER_SLOTS];

static Answer *
answer_slot(int32 chain_id, const char *member, int32 table_id)
{
	return &answers[hash_combine(hash_bytes((const unsigned char *) member, strlen(member)),
								 (uint32) table_id ^ (uint32) chain_id) % ANSWER_SLOTS];
}

/* is the slot's answer the one to this question, and still true? */
static bool
answers_to(const Answer *answer, int32 chain_id, const char *member, int32 table_id)
{
	return answer->transaction == transaction && answer->chain_id == chain_id && answer->table_id == table_id &&
		answer->cid == GetCurrentCommandId(false) && answer->subid == GetCurrentSubTransactionId() &&
		strcmp(answer->member, member) == 0 && GetCurrentTimestamp() < answer->valid_until;
}

bool
sc_signer_keys_known(int32 chain_id, const char *member, int32 table_id)
{
	return answers_to(answer_slot(chain_id, member, table_id), chain_id, member, table_id);
}

/* reads the registry into the slot */
static void
read_keys(Answer *answer, int32 chain_id, const char *member, int32 table_id)
{
	MemoryContext context = AllocSetContextCreate(TopTransactionContext, "seoulchain signer's keys", ALLOCSET_SMALL_SIZES);
	MemoryContext old;
	ListCell   *cell;

	if (answer->transaction == transaction)
		MemoryContextDelete(answer->context);
	answer->transaction = 0;
	old = MemoryContextSwitchTo(context);
	answer->keys = sc_member_keys_at(chain_id, member, table_id, GetCurrentTimestamp(), NULL);
	answer->member = pstrdup(member);
	MemoryContextSwitchTo(old);
	answer->chain_id = chain_id;
	answer->table_id = table_id;
	answer->cid = GetCurrentCommandId(false);
	answer->subid = GetCurrentSubTransactionId();
	answer->valid_until = DT_NOEND;
	foreach(cell, answer->keys)
	{
		const ScKeyAt *key = lfirst(cell);

		answer->valid_until = Min(answer->valid_until, key->until);
	}
	answer->context = context;
	answer->transaction = transaction;
	any_answer = true;
}

List *
sc_signer_keys(int32 chain_id, const char *member, int32 table_id, bool again)
{
	Answer	   *answer = answer_slot(chain_id, member, table_id);

	if (again || !answers_to(answer, chain_id, member, table_id))
		read_keys(answer, chain_id, member, table_id);
	return answer->keys;
}

ScVerifier *
sc_key_verifier(const ScKeyAt *key)
{
	KeptVerifier *kept = &verifiers[(key->thumbprint.bytes[0] << 8 | key->thumbprint.bytes[1]) % VERIFIER_SLOTS];

	if (kept->verifier == NULL || memcmp(&kept->thumbprint, &key->thumbprint, sizeof(ScHash)) != 0)
	{
		sc_status_report(sc_verifier_switch(&kept->verifier, key->spki, key->spkilen), "registered key");
		kept->thumbprint = key->thumbprint;
	}
	return kept->verifier;
}

void
sc_signer_keys_forget(void)
{
	for (int i = 0; any_answer && i < ANSWER_SLOTS; i++)
	{
		if (answers[i].transaction == transaction)
			MemoryContextDelete(answers[i].context);
		answers[i].transaction = 0;
	}
	any_answer = false;
}

/* the memory goes with the transaction */
static void
forget(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE || event == XACT_EVENT_ABORT)
	{
		transaction++;
		any_answer = false;
	}
}

void
sc_signer_keys_init(void)
{
	RegisterXactCallback(forget, NULL);
}
