/*
 * witness_key.c
 *	  The worker's part of being a public witness: its key, and the memory of what it cosigned.
 *
 * The session that answers a request has checked the log's signature and the
 * consistency proof; here the step from the checkpoint that it started from
 * to the new one is written beside the key, fsynced, before the signature is
 * made.  So a witness that crashes, or whose database is restored, does not
 * cosign a second history.
 *
 * Invariant: a cosignature leaves only for a checkpoint that follows the one
 * in memory, which this cluster wrote on this timeline.
 * Context: the worker, in a transaction.  Source: C2SP tlog-witness v1.0.0.
 */
#include "postgres.h"

#include "seal/witness_key.h"

#include "access/xlog.h"
#include "core/text.h"
#include "ledger/error.h"
#include "ledger/settings.h"
#include "seal/key_files.h"
#include "seal/rotate.h"
#include "seal/tree_store.h"
#include "sign/profile.h"

void
sc_witness_put(ScBuf *buf, const ScCheckpoint *checkpoint)
{
	sc_buf_uint64(buf, checkpoint->size);
	sc_buf_char(buf, ' ');
	sc_buf_base64(buf, checkpoint->root.bytes, SC_HASH_LEN);
}

bool
sc_witness_take(ScCheckpoint *out, const char **p)
{
	size_t		digits = strcspn(*p, " ");
	const char *root = *p + digits + 1;
	size_t		rootlen;

	if ((*p)[digits] != ' ' || !sc_text_uint64(&out->size, *p, digits))
		return false;
	rootlen = strcspn(root, " ");
	if (!sc_text_base64_hash(&out->root, root, rootlen))
		return false;
	*p = root[rootlen] == ' ' ? root + rootlen + 1 : root + rootlen;
	return true;
}

/* a checkpoint as text, palloc'd */
static char *
checkpoint_text(const ScCheckpoint *checkpoint)
{
	ScBuf		buf = SC_BUF_INIT;
	char	   *result;

	sc_witness_put(&buf, checkpoint);
	result = buf.failed ? NULL : pnstrdup(buf.data, buf.len);
	sc_buf_free(&buf);
	if (result == NULL)
		sc_status_report(SC_NO_MEMORY, "witness memory");
	return result;
}

/* errors unless this cluster wrote the entry on this timeline */
static void
require_ours(const ScSigned *entry)
{
	if (entry->system_identifier == GetSystemIdentifier() && entry->timeline == (uint32) GetWALInsertionTimeLine())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the last checkpoint of \"%s\" was cosigned by another cluster, or on another timeline", entry->last.origin),
			 errdetail("It has %llu leaves.", (unsigned long long) entry->last.size),
			 errhint("If this is the only database that goes on as this witness, SELECT seoulchain.resume_witness('%s').",
					 entry->last.origin)));
}

/* a new entry for this cluster and timeline */
static void
make_entry(ScSigned *entry, const char *origin, const ScCheckpoint *checkpoint)
{
	memset(entry, 0, sizeof(*entry));
	strlcpy(entry->last.origin, origin, sizeof(entry->last.origin));
	entry->last.size = checkpoint->size;
	entry->last.root = checkpoint->root;
	entry->system_identifier = GetSystemIdentifier();
	entry->timeline = (uint32) GetWALInsertionTimeLine();
}

char *
sc_witness_memory(const char *origin)
{
	ScSigned	entry;

	if (!sc_witness_memory_load(&entry, origin))
		return pstrdup("none");
	require_ours(&entry);
	return checkpoint_text(&entry.last);
}

/* errors unless memory, which has the entry if found, is at that checkpoint */
static void
require_last(const char *origin, const ScSigned *entry, bool found, const ScCheckpoint *last)
{
	if (found)
		require_ours(entry);
	if (found ? entry->last.size == last->size && memcmp(&entry->last.root, &last->root, sizeof(ScHash)) == 0 :
		last->size == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("another request about \"%s\" was answered meanwhile", origin),
			 errhint("Ask again.")));
}

/* errors when the profile does not allow the key */
static void
require_allowed(const char *text)
{
	ScVerifierKey key;

	sc_key_parse(&key, text);
	if (!sc_profile_allows_note(sc_sign_profile(), key.type))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the profile \"%s\" does not allow %s, the algorithm of key \"%s\"",
						sc_profile_name(sc_sign_profile()), sc_profile_note_algorithm(key.type), key.name)));
}

/* the signature line over a checkpoint, palloc'd */
static char *
sign_line(const char *key, const char *origin, const ScCheckpoint *checkpoint)
{
	char	   *text = sc_checkpoint_text(origin, (int64) checkpoint->size, &checkpoint->root);
	ScBuf		line = SC_BUF_INIT;
	char	   *volatile result = NULL;

	PG_TRY();
	{
		sc_key_sign_text(&line, SC_ROLE_WITNESS, key, text, strlen(text), "cosignature");
		result = pnstrdup(line.data, line.len);
	}
	PG_FINALLY();
	{
		sc_buf_free(&line);
	}
	PG_END_TRY();
	return result;
}

char *
sc_witness_sign(const char *origin, const char *request)
{
	const char *p = strchr(request, ' ');
	char	   *key;
	ScCheckpoint last;
	ScCheckpoint next;
	ScSigned	before;
	ScSigned	entry;
	bool		found;

	if (p == NULL)
		elog(ERROR, "a request for a cosignature needs a key");
	key = pnstrdup(request, p - request);
	p++;
	if (!sc_witness_take(&last, &p) || !sc_witness_take(&next, &p) || next.size < last.size)
		elog(ERROR, "a request for a cosignature needs two checkpoints");
	require_allowed(key);
	found = sc_witness_memory_load(&before, origin);
	require_last(origin, &before, found, &last);
	make_entry(&entry, origin, &next);
	sc_witness_memory_store(found ? &before : NULL, &entry);
	return sign_line(key, origin, &next);
}

char *
sc_witness_resume(const char *origin, const char *request)
{
	ScCheckpoint known;
	ScSigned	before;
	ScSigned	entry;
	bool		given = request[0] != '\0';
	bool		found = sc_witness_memory_load(&before, origin);

	if (given && !sc_witness_take(&known, &request))
		elog(ERROR, "a witness goes on from a checkpoint");
	if (!given && !found)
		return pstrdup("none");
	if (given && found && before.last.size == known.size && memcmp(&before.last.root, &known.root, sizeof(ScHash)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("database and signing memory name different checkpoints of \"%s\"", origin),
				 errdetail("Both have %llu leaves.", (unsigned long long) known.size),
				 errhint("This witness has cosigned two histories: it must not go on. Make another node with another key.")));
	if (found && (!given || before.last.size > known.size))
		known = before.last;
	make_entry(&entry, origin, &known);
	sc_witness_memory_store(found ? &before : NULL, &entry);
	return checkpoint_text(&known);
}
