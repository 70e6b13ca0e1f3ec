/*
 * verify_print.c
 *	  Showing a leaf to a person.
 *
 * Values come from strangers: whatever could move a terminal's cursor, colour
 * it, reverse the direction of writing or hide between letters is shown as an
 * escape, and so is the backslash, so that no value can pretend to be one.
 */
#include <stdio.h>
#include <time.h>

#include "bin/verify.h"
#include "core/text.h"

#define LABEL_WIDTH 14

void
sc_print_text(const char *s, size_t len)
{
	while (len > 0)
	{
		uint32_t	cp;
		size_t		n = sc_text_utf8_char(&cp, s, len);

		if (n == 0)
		{
			printf("\\x%02x", (unsigned char) *s);
			n = 1;
		}
		else if (cp == '\n')
			fputs("\\n", stdout);
		else if (cp == '\t')
			fputs("\\t", stdout);
		else if (cp == '\\')
			fputs("\\\\", stdout);
		else if (sc_text_hidden(cp))
			printf("\\u{%x}", cp);
		else
			fwrite(s, 1, n, stdout);
		s += n;
		len -= n;
	}
}

/* "    label          text" */
static void
print_field(const char *label, const ScJson *value)
{
	printf("    %-*s ", LABEL_WIDTH, label);
	sc_print_text(value->string, value->len);
	putchar('\n');
}

void
sc_print_hash(const char *label, const ScHash *hash)
{
	printf("    %-*s ", LABEL_WIDTH, label);
	for (int i = 0; i < SC_HASH_LEN; i++)
		printf("%02x", hash->bytes[i]);
	putchar('\n');
}

void
sc_print_time(uint64_t seconds)
{
	time_t		t = (time_t) seconds;
	struct tm	tm;
	char		text[64];

	if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) > 0)
		fputs(text, stdout);
	else
		printf("%llu seconds after 1970", (unsigned long long) seconds);
}

/* "      name = value" for each member of an object of strings */
static void
print_values(const ScJson *object, const char *suffix)
{
	for (const ScJson *member = object ? object->first : NULL; member; member = member->next)
	{
		fputs("      ", stdout);
		sc_print_text(member->key, member->keylen);
		fputs(" = ", stdout);
		sc_print_text(member->string, member->len);
		printf("%s\n", suffix);
	}
}

/* long values stand in a leaf by length and digest */
static void
print_digests(const ScJson *object)
{
	for (const ScJson *member = object ? object->first : NULL; member; member = member->next)
	{
		fputs("      ", stdout);
		sc_print_text(member->key, member->keylen);
		printf(" = (a long value of %s bytes, SHA-256 %s)\n",
			   sc_json_member(member, "bytes")->string, sc_json_member(member, "sha256")->string);
	}
}

/* any value, members below each other, indented by depth */
static void
print_nested(const ScJson *json, int depth)
{
	for (const ScJson *child = json->first; child; child = child->next)
	{
		printf("%*s", 2 * depth, "");
		if (child->key)
		{
			sc_print_text(child->key, child->keylen);
			fputs(child->kind == SC_JSON_STRING ? " = " : ":", stdout);
		}
		else
			fputs(child->kind == SC_JSON_STRING ? "- " : "-", stdout);
		if (child->kind == SC_JSON_STRING)
			sc_print_text(child->string, child->len);
		putchar('\n');
		print_nested(child, depth + 1);
	}
}

static void
print_row(const ScLeaf *leaf)
{
	print_field("table", leaf->table);
	print_field("row number", leaf->seq);
	if (leaf->time)
		print_field("accepted at", leaf->time);
	puts("    values");
	print_values(leaf->columns, "");
	print_digests(leaf->digests);
	print_values(leaf->private, "  (digest of a private value)");
}

static void
print_event(const ScLeaf *leaf)
{
	print_field("event number", leaf->seq);
	if (leaf->table)
		print_field("table", leaf->table);
	puts("    event");
	print_nested(leaf->event, 3);
}

static void
print_block(const ScLeaf *leaf)
{
	print_field("block height", sc_json_member(leaf->block, "height"));
	print_field("sealed at", sc_json_member(leaf->block, "sealed_at"));
	print_field("first leaf", sc_json_member(leaf->block, "first_leaf"));
	print_field("members", sc_json_member(leaf->block, "members"));
	print_field("previous block", sc_json_member(leaf->block, "prev_block"));
	print_field("previous root", sc_json_member(leaf->block, "prev_root"));
}

void
sc_print_leaf(const ScLeaf *leaf)
{
	print_field("chain", leaf->chain);
	switch (leaf->kind)
	{
		case SC_LEAF_ROW:
			print_row(leaf);
			break;
		case SC_LEAF_EVENT:
			print_event(leaf);
			break;
		case SC_LEAF_BLOCK:
			print_block(leaf);
			break;
	}
}
