/*
 * blockleaf.c
 *	  Taking the last leaf of a block apart.
 *
 * Invariant: what is read has one text, so whoever writes a block leaf from
 * it gets the same bytes again.
 *
 * What it says of the blocks before is not judged here.
 * Source: docs/format.md section 1.
 */
#include <stdlib.h>
#include <string.h>

#include "core/blockleaf.h"
#include "core/instant.h"
#include "core/leaf.h"
#include "core/text.h"

/* numbers of leaves and heights stay below, so that sums of two do not overflow */
#define NUMBER_LIMIT (INT64_C(1) << 62)

/* cuts a decimal off the text, up to the character that ends it, which goes too */
static bool
cut_number(int64_t *out, const char **text, size_t *len, char end)
{
	const char *stop = memchr(*text, end, *len);
	uint64_t	value;

	if (stop == NULL || !sc_text_uint64(&value, *text, (size_t) (stop - *text)) || value >= NUMBER_LIMIT)
		return false;
	*out = (int64_t) value;
	*len -= (size_t) (stop - *text) + 1;
	*text = stop + 1;
	return true;
}

/* one "[lower,upper)" behind the ranges that are there */
static bool
read_range(ScBlockLeaf *out, const char **text, size_t *len)
{
	ScSeqRange	range;

	if (*len == 0 || **text != '[')
		return false;
	(*text)++;
	(*len)--;
	if (!cut_number(&range.lower, text, len, ',') || !cut_number(&range.upper, text, len, ')'))
		return false;
	if (range.lower < 1 || range.upper <= range.lower || range.upper - range.lower >= NUMBER_LIMIT - out->count ||
		(out->nranges > 0 && range.lower <= out->ranges[out->nranges - 1].upper))
		return false;
	out->ranges[out->nranges++] = range;
	out->count += range.upper - range.lower;
	return true;
}

/* a multirange's text: "{[1,5),[7,9)}" */
static ScStatus
read_members(ScBlockLeaf *out, const char *text, size_t len)
{
	int			commas = 0;

	if (len < 2 || text[0] != '{' || text[len - 1] != '}')
		return SC_MALFORMED;
	text++;
	len -= 2;
	for (size_t i = 0; i < len; i++)
		commas += text[i] == ',';
	if (commas / 2 + 1 > SC_BLOCK_LEAF_RANGES)
		return SC_MALFORMED;
	out->ranges = malloc((size_t) (commas / 2 + 1) * sizeof(ScSeqRange));
	if (out->ranges == NULL)
		return SC_NO_MEMORY;
	for (;;)
	{
		if (out->nranges > commas / 2 || !read_range(out, &text, &len))
			return SC_MALFORMED;
		if (len == 0)
			return SC_OK;
		if (*text != ',')
			return SC_MALFORMED;
		text++;
		len--;
	}
}

/* a member of the block that holds a decimal */
static bool
read_number(int64_t *out, const ScJson *json)
{
	uint64_t	value;

	if (!sc_text_uint64(&value, json->string, json->len) || value >= NUMBER_LIMIT)
		return false;
	*out = (int64_t) value;
	return true;
}

/* the parts but the members; the leaf's parser has seen that they are there and of their kind */
static bool
read_parts(ScBlockLeaf *out, const ScLeaf *leaf)
{
	const ScJson *prev_block = sc_json_member(leaf->block, "prev_block");
	const ScJson *prev_root = sc_json_member(leaf->block, "prev_root");
	const ScJson *sealed_at = sc_json_member(leaf->block, "sealed_at");

	if (leaf->chain->len > SC_NAME_MAX || !sc_note_name_ok(leaf->chain->string, leaf->chain->len))
		return false;
	memcpy(out->origin, leaf->chain->string, leaf->chain->len);
	return read_number(&out->height, sc_json_member(leaf->block, "height")) &&
		read_number(&out->first_leaf, sc_json_member(leaf->block, "first_leaf")) &&
		sc_text_hex(out->prev_block.bytes, SC_HASH_LEN, prev_block->string, prev_block->len) &&
		sc_text_hex(out->prev_root.bytes, SC_HASH_LEN, prev_root->string, prev_root->len) &&
		sc_instant_read_leaf(&out->sealed_at, sealed_at->string, sealed_at->len) &&
		out->sealed_at != SC_INSTANT_BEGIN && out->sealed_at != SC_INSTANT_END;
}

ScStatus
sc_block_leaf_parse(ScBlockLeaf *out, const void *data, size_t len)
{
	ScLeaf		leaf;
	ScStatus	status = sc_leaf_parse(&leaf, data, len);

	memset(out, 0, sizeof(*out));
	if (status != SC_OK)
		return status == SC_NO_MEMORY ? status : SC_MALFORMED;
	status = SC_MALFORMED;
	if (leaf.kind == SC_LEAF_BLOCK && read_parts(out, &leaf))
	{
		const ScJson *members = sc_json_member(leaf.block, "members");

		status = read_members(out, members->string, members->len);
		if (status == SC_OK && out->first_leaf >= NUMBER_LIMIT - out->count - 1)
			status = SC_MALFORMED;
	}
	sc_leaf_free(&leaf);
	if (status != SC_OK)
		sc_block_leaf_free(out);
	return status;
}

void
sc_block_leaf_free(ScBlockLeaf *leaf)
{
	free(leaf->ranges);
	leaf->ranges = NULL;
	leaf->nranges = 0;
}
