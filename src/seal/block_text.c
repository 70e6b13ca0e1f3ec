/*
 * block_text.c
 *	  The texts of a block: its leaf and its checkpoint.
 *
 * Source: docs/format.md for the leaf; C2SP tlog-checkpoint and signed-note
 * for the note.
 */
#include "postgres.h"

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

char *
sc_checkpoint_note(const char *origin, int64 size, const ScHash *root, const char *lines)
{
	ScCheckpoint checkpoint;
	ScBuf		buf = SC_BUF_INIT;
	char	   *result = NULL;

	strlcpy(checkpoint.origin, origin, sizeof(checkpoint.origin));
	checkpoint.size = (uint64) size;
	checkpoint.root = *root;
	sc_checkpoint_format(&buf, &checkpoint);
	sc_buf_char(&buf, '\n');
	sc_buf_string(&buf, lines);
	if (!buf.failed)
		result = pnstrdup(buf.data, buf.len);
	sc_buf_free(&buf);
	if (result == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	return result;
}
