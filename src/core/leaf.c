/*
 * leaf.c
 *	  Taking a leaf apart, and refusing what is no leaf of version 1.
 *
 * The set of members is closed: a name that this version does not know makes
 * the leaf malformed, so that nothing can stand in a leaf unread.
 *
 * What an event says beyond its type, and whether a row's values fit its
 * table, is not judged here.
 */
#include <string.h>

#include "core/leaf.h"
#include "core/note.h"
#include "core/text.h"

static bool
is_string(const ScJson *json)
{
	return json && json->kind == SC_JSON_STRING;
}

/* an object whose members are all strings */
static bool
is_string_map(const ScJson *json)
{
	if (json == NULL || json->kind != SC_JSON_OBJECT)
		return false;
	for (const ScJson *member = json->first; member; member = member->next)
	{
		if (!is_string(member))
			return false;
	}
	return true;
}

/* a string holding a decimal that fits a bigint */
static bool
is_decimal(const ScJson *json)
{
	uint64_t	value;

	return is_string(json) && sc_text_uint64(&value, json->string, json->len) && value <= INT64_MAX;
}

/* a string holding a hash in hex */
static bool
is_hash(const ScJson *json)
{
	ScHash		hash;

	return is_string(json) && sc_text_hex(hash.bytes, SC_HASH_LEN, json->string, json->len);
}

/* an object of {"bytes","sha256"} objects */
static bool
is_digest_map(const ScJson *json)
{
	if (json->kind != SC_JSON_OBJECT)
		return false;
	for (const ScJson *member = json->first; member; member = member->next)
	{
		if (member->kind != SC_JSON_OBJECT || sc_json_count(member) != 2 ||
			!is_decimal(sc_json_member(member, "bytes")) || !is_hash(sc_json_member(member, "sha256")))
			return false;
	}
	return true;
}

/* whether a column's name stands in both objects; either may be NULL */
static bool
overlap(const ScJson *a, const ScJson *b)
{
	const ScJson *x = a ? a->first : NULL;
	const ScJson *y = b ? b->first : NULL;

	/* both are sorted */
	while (x && y)
	{
		int			order = sc_json_compare_keys(x->key, x->keylen, y->key, y->keylen);

		if (order == 0)
			return true;
		if (order < 0)
			x = x->next;
		else
			y = y->next;
	}
	return false;
}

static bool
row_ok(const ScLeaf *leaf, int nmembers)
{
	int			expected = 4 + (leaf->private != NULL) + (leaf->digests != NULL) + (leaf->time != NULL);

	return nmembers == expected && is_decimal(leaf->seq) && is_string(leaf->table) &&
		is_string_map(leaf->columns) &&
		(!leaf->private || is_string_map(leaf->private)) &&
		(!leaf->digests || is_digest_map(leaf->digests)) &&
		(!leaf->time || is_string(leaf->time)) &&
		!overlap(leaf->columns, leaf->private) && !overlap(leaf->columns, leaf->digests) &&
		!overlap(leaf->private, leaf->digests);
}

static bool
event_ok(const ScLeaf *leaf, int nmembers)
{
	return nmembers == 3 + (leaf->table != NULL) && is_decimal(leaf->seq) &&
		is_string(sc_json_member(leaf->event, "type")) && (!leaf->table || is_string(leaf->table));
}

static bool
block_ok(const ScLeaf *leaf, int nmembers)
{
	const ScJson *block = leaf->block;

	return nmembers == 2 && is_string_map(block) && sc_json_count(block) == 6 &&
		is_decimal(sc_json_member(block, "first_leaf")) && is_decimal(sc_json_member(block, "height")) &&
		sc_json_member(block, "members") && is_hash(sc_json_member(block, "prev_block")) &&
		is_hash(sc_json_member(block, "prev_root")) && sc_json_member(block, "sealed_at");
}

/* finds the members, and what kind of leaf they make; false when none */
static bool
take_members(ScLeaf *leaf)
{
	const ScJson *json = leaf->json;
	int			n;

	if (json->kind != SC_JSON_OBJECT)
		return false;
	n = sc_json_count(json);
	leaf->chain = sc_json_member(json, "chain");
	leaf->seq = sc_json_member(json, "seq");
	leaf->table = sc_json_member(json, "table");
	leaf->columns = sc_json_member(json, "columns");
	leaf->private = sc_json_member(json, "private");
	leaf->digests = sc_json_member(json, "digests");
	leaf->time = sc_json_member(json, "time");
	leaf->event = sc_json_member(json, "event");
	leaf->block = sc_json_member(json, "block");
	if (!is_string(leaf->chain) || !sc_note_name_ok(leaf->chain->string, leaf->chain->len))
		return false;
	leaf->kind = leaf->block ? SC_LEAF_BLOCK : leaf->event ? SC_LEAF_EVENT : SC_LEAF_ROW;
	switch (leaf->kind)
	{
		case SC_LEAF_BLOCK:
			return block_ok(leaf, n);
		case SC_LEAF_EVENT:
			return event_ok(leaf, n);
		default:
			return row_ok(leaf, n);
	}
}

ScStatus
sc_leaf_parse(ScLeaf *out, const void *data, size_t len)
{
	ScStatus	status;

	memset(out, 0, sizeof(*out));
	if (len > SC_LEAF_MAX)
		return SC_TOO_LARGE;
	status = sc_json_parse(&out->json, data, len);
	if (status != SC_OK)
		return status;
	if (!take_members(out))
	{
		sc_leaf_free(out);
		return SC_MALFORMED;
	}
	return SC_OK;
}

void
sc_leaf_free(ScLeaf *leaf)
{
	sc_json_free(leaf->json);
	leaf->json = NULL;
}
