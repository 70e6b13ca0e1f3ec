/*
 * payload.c
 *	  The signed payload of a row, made from its leaf.
 *
 * A payload is made from proven bytes, so that a signature that verifies over
 * it is a statement about that very row.  Private columns are in it by their
 * digests and long ones by length and SHA-256, as in the leaf.
 *
 * Members keep the leaf's order, which is canonical; leaving some out does not
 * change that.  "columns" is always there, "digests" and "private" only when
 * they are not empty, as in leaves.
 */
#include <string.h>

#include "core/payload.h"
#include "core/text.h"

bool
sc_payload_covers(const char *name, size_t len, const char *const *columns, int ncolumns)
{
	for (int i = 0; i < ncolumns; i++)
	{
		if (sc_text_is(name, len, columns[i]))
			return true;
	}
	return false;
}

/* a string, or an object of strings; leaves have nothing deeper in a row */
static void
append_value(ScBuf *buf, const ScJson *json)
{
	const char *separator = "{";

	if (json->kind == SC_JSON_STRING)
	{
		sc_json_string(buf, json->string, json->len);
		return;
	}
	for (const ScJson *member = json->first; member; member = member->next)
	{
		sc_buf_string(buf, separator);
		sc_json_string(buf, member->key, member->keylen);
		sc_buf_char(buf, ':');
		sc_json_string(buf, member->string, member->len);
		separator = ",";
	}
	sc_buf_char(buf, '}');
}

/* ,"name":{...} with the signed ones of the group; nothing when there are none, unless `always` */
static void
append_group(ScBuf *buf, const char *name, const ScJson *group, bool always, const char *const *columns, int ncolumns)
{
	bool		open = false;

	for (const ScJson *member = group ? group->first : NULL; member; member = member->next)
	{
		if (!sc_payload_covers(member->key, member->keylen, columns, ncolumns))
			continue;
		if (!open)
		{
			sc_buf_literal(buf, ",\"");
			sc_buf_string(buf, name);
			sc_buf_literal(buf, "\":");
		}
		sc_buf_char(buf, open ? ',' : '{');
		open = true;
		sc_json_string(buf, member->key, member->keylen);
		sc_buf_char(buf, ':');
		append_value(buf, member);
	}
	if (open)
		sc_buf_char(buf, '}');
	else if (always)
	{
		sc_buf_literal(buf, ",\"");
		sc_buf_string(buf, name);
		sc_buf_literal(buf, "\":{}");
	}
}

ScStatus
sc_payload_format(ScBuf *buf, const ScLeaf *leaf, const char *const *columns, int ncolumns)
{
	if (leaf->kind != SC_LEAF_ROW)
		return SC_MALFORMED;
	sc_buf_literal(buf, "{\"chain\":");
	sc_json_string(buf, leaf->chain->string, leaf->chain->len);
	append_group(buf, "columns", leaf->columns, true, columns, ncolumns);
	append_group(buf, "digests", leaf->digests, false, columns, ncolumns);
	append_group(buf, "private", leaf->private, false, columns, ncolumns);
	sc_buf_literal(buf, ",\"table\":");
	sc_json_string(buf, leaf->table->string, leaf->table->len);
	sc_buf_char(buf, '}');
	return buf->failed ? SC_NO_MEMORY : SC_OK;
}
