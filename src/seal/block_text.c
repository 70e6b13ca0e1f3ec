/*
 * block_text.c
 *	  The texts of a block: its leaf and its checkpoint.
 *
 * Source: docs/format.md for the leaf; C2SP tlog-checkpoint and signed-note
 * for the note.
 */
#include "postgres.h"

#include "compat.h"

#include "core/json.h"
#include "core/note.h"
#include "miscadmin.h"
#include "seal/tree_store.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/* "key":" */
static void
put_key(ScBuf *buf, const char *key)
{
	sc_json_string(buf, key, strlen(key));
	sc_buf_literal(buf, ":\"");
}

/* a timestamptz as timestamptz_out prints it under UTC and ISO */
static void
put_time(ScBuf *buf, TimestampTz time)
{
	struct pg_tm tm;
	fsec_t		fsec;
	char		text[MAXDATELEN + 1];

	if (timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	tm.tm_isdst = 0;
	EncodeDateTime(&tm, fsec, true, 0, NULL, USE_ISO_DATES, text);
	sc_buf_string(buf, text);
}

void
sc_block_leaf(ScBuf *buf, const char *origin, const ScBlock *block, const ScHash *prev_root)
{
	sc_buf_reset(buf);
	sc_buf_literal(buf, "{\"block\":{");
	put_key(buf, "first_leaf");
	sc_buf_int64(buf, block->first_leaf);
	sc_buf_literal(buf, "\",");
	put_key(buf, "height");
	sc_buf_int64(buf, block->height);
	sc_buf_literal(buf, "\",");
	put_key(buf, "members");
	sc_buf_string(buf, block->members);
	sc_buf_literal(buf, "\",");
	put_key(buf, "prev_block");
	sc_buf_hex(buf, block->prev_hash.bytes, SC_HASH_LEN);
	sc_buf_literal(buf, "\",");
	put_key(buf, "prev_root");
	sc_buf_hex(buf, prev_root->bytes, SC_HASH_LEN);
	sc_buf_literal(buf, "\",");
	put_key(buf, "sealed_at");
	put_time(buf, block->sealed_at);
	sc_buf_literal(buf, "\"},\"chain\":");
	sc_json_string(buf, origin, strlen(origin));
	sc_buf_char(buf, '}');
	if (buf->failed)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
}

/* the buffer's bytes in the caller's memory context; an error when there is no memory */
static char *
take_text(ScBuf *buf)
{
	char	   *result = buf->failed ? NULL : MemoryContextAllocExtended(CurrentMemoryContext, buf->len + 1, MCXT_ALLOC_NO_OOM);

	if (result != NULL)
	{
		memcpy(result, buf->data, buf->len);
		result[buf->len] = '\0';
	}
	sc_buf_free(buf);
	if (result == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	return result;
}

char *
sc_checkpoint_text(const char *origin, int64 size, const ScHash *root)
{
	ScCheckpoint checkpoint;
	ScBuf		buf = SC_BUF_INIT;

	strlcpy(checkpoint.origin, origin, sizeof(checkpoint.origin));
	checkpoint.size = (uint64) size;
	checkpoint.root = *root;
	sc_checkpoint_format(&buf, &checkpoint);
	return take_text(&buf);
}

char *
sc_checkpoint_note(const char *origin, int64 size, const ScHash *root, const char *lines)
{
	char	   *text = sc_checkpoint_text(origin, size, root);
	char	   *note = psprintf("%s\n%s", text, lines);

	pfree(text);
	return note;
}

void
sc_checkpoint_read(ScCheckpoint *out, ScNote *note, const text *given)
{
	ScBuf		buf = SC_BUF_INIT;
	char	   *mended;

	sc_note_mend_end(&buf, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));
	mended = take_text(&buf);
	if (sc_note_parse(note, mended, strlen(mended), true) != SC_OK ||
		sc_checkpoint_parse(out, note->text, note->textlen) != SC_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("the checkpoint cannot be read"),
				 errdetail("It is not a signed note with origin, size and root hash."),
				 errhint("Give the text that seoulchain.checkpoint() returned, line breaks included.")));
}
