/*
 * evidence_leaf.c
 *	  What the proven leaves say: the row, the rule of its table, and which tables are the registry.
 *
 * Invariant: tables and columns are known by their ledger names as the chain's
 * own events write them, to the byte; a table that was dropped and made anew
 * has another ("name#2").
 */
#include "bin/evidence.h"
#include "core/text.h"
#include "core/instant.h"

const ScPiece *
sc_evidence_find(const ScEvidence *evidence, ScRole role)
{
	for (int i = 0; i < evidence->npieces; i++)
	{
		if (evidence->pieces[i].role == role)
			return &evidence->pieces[i];
	}
	return NULL;
}

const ScPiece *
sc_evidence_numbered(const ScEvidence *evidence, ScRole role, uint64_t number)
{
	for (int i = 0; i < evidence->npieces; i++)
	{
		if (evidence->pieces[i].role == role && evidence->pieces[i].number == number)
			return &evidence->pieces[i];
	}
	return NULL;
}

bool
sc_json_same(const ScJson *a, const ScJson *b)
{
	return a && b && a->kind == SC_JSON_STRING && b->kind == SC_JSON_STRING && a->len == b->len &&
		(a->len == 0 || memcmp(a->string, b->string, a->len) == 0);
}

const ScJson *
sc_leaf_column(const ScLeaf *leaf, const char *name)
{
	return leaf->columns ? sc_json_member(leaf->columns, name) : NULL;
}

bool
sc_leaf_has_digest(const ScLeaf *leaf, const char *name)
{
	return leaf->digests && sc_json_member(leaf->digests, name) != NULL;
}

/* whether the digest is the text's: its length and SHA-256 */
static bool
digest_is(const ScJson *digest, const char *text, size_t len)
{
	const ScJson *bytes = sc_json_member(digest, "bytes");
	const ScJson *sha256 = sc_json_member(digest, "sha256");
	ScHash		said;
	ScHash		hash;
	uint64_t	length;

	sc_hash_bytes(&hash, text, len);
	return sc_text_uint64(&length, bytes->string, bytes->len) && length == len &&
		sc_text_hex(said.bytes, SC_HASH_LEN, sha256->string, sha256->len) && memcmp(&said, &hash, sizeof(hash)) == 0;
}

bool
sc_leaf_column_is(const ScLeaf *leaf, const char *name, const char *text, size_t len)
{
	const ScJson *clear = sc_leaf_column(leaf, name);

	if (clear)
		return clear->len == len && (len == 0 || memcmp(clear->string, text, len) == 0);
	return sc_leaf_has_digest(leaf, name) && digest_is(sc_json_member(leaf->digests, name), text, len);
}

ScMoment
sc_piece_moment(const ScPiece *piece)
{
	ScMoment	moment = {.leaf = piece->file.receipt.index};

	if (piece->leaf.time)
		moment.has_time = sc_instant_read_leaf(&moment.time, piece->leaf.time->string, piece->leaf.time->len);
	return moment;
}

bool
sc_evidence_in_table(ScEvidence *evidence, const ScPiece *piece, const char *table)
{
	if (piece->leaf.kind == SC_LEAF_ROW && sc_json_same(piece->leaf.table, sc_json_member(evidence->tables, table)))
		return true;
	return sc_evidence_fail(evidence, SC_REFUTED, piece, "It is no row of the table in which this chain keeps such records.");
}

/* the piece of a role that has to be there */
static const ScPiece *
require(ScEvidence *evidence, ScRole role, const char *why)
{
	const ScPiece *piece = sc_evidence_find(evidence, role);

	if (piece == NULL)
		(void) sc_evidence_fail(evidence, SC_UNUSABLE, NULL, why);
	return piece;
}

static bool
is_event(const ScPiece *piece, const char *type)
{
	const ScJson *said = piece->leaf.kind == SC_LEAF_EVENT ? sc_json_member(piece->leaf.event, "type") : NULL;

	return said && sc_text_is(said->string, said->len, type);
}

/* the columns that are signed; false when they are not a list of names */
static bool
take_columns(ScRowRule *rule, const ScJson *columns)
{
	if (columns == NULL || columns->kind != SC_JSON_ARRAY)
		return false;
	for (const ScJson *column = columns->first; column; column = column->next)
	{
		/* a name with a NUL in it is none */
		if (column->kind != SC_JSON_STRING || strlen(column->string) != column->len ||
			rule->ncolumns == SC_SIGNED_COLUMNS_MAX)
			return false;
		rule->columns[rule->ncolumns++] = column->string;
	}
	return true;
}

static bool
is_name(const ScJson *json)
{
	return json && json->kind == SC_JSON_STRING && strlen(json->string) == json->len;
}

static bool
take_rule(ScEvidence *evidence)
{
	const ScPiece *piece = require(evidence, SC_ROLE_RULE, "There is no file rule.receipt.");
	ScRowRule *rule = &evidence->rule;

	if (piece == NULL)
		return false;
	if (!is_event(piece, "signature"))
		return sc_evidence_fail(evidence, SC_REFUTED, piece, "It is no event of type \"signature\".");
	if (!sc_json_same(piece->leaf.table, evidence->row->leaf.table))
		return sc_evidence_fail(evidence, SC_REFUTED, piece, "This rule is another table's.");
	rule->signer = sc_json_member(piece->leaf.event, "signer");
	rule->signature = sc_json_member(piece->leaf.event, "signature");
	return (take_columns(rule, sc_json_member(piece->leaf.event, "columns")) && is_name(rule->signer) && is_name(rule->signature)) ||
		sc_evidence_fail(evidence, SC_REFUTED, piece, "It does not say which columns are signed, by whom and where.");
}

static bool
take_tables(ScEvidence *evidence)
{
	const ScPiece *piece = require(evidence, SC_ROLE_MEMBERS, "There is no file members.receipt.");

	if (piece == NULL)
		return false;
	if (!is_event(piece, "members"))
		return sc_evidence_fail(evidence, SC_REFUTED, piece, "It is no event of type \"members\".");
	evidence->tables = sc_json_member(piece->leaf.event, "tables");
	return (evidence->tables && evidence->tables->kind == SC_JSON_OBJECT) ||
		sc_evidence_fail(evidence, SC_REFUTED, piece, "It does not say which tables are the registry of members.");
}

/* every other receipt is a row of the table that its name stands for */
static bool
check_tables(ScEvidence *evidence)
{
	static const struct
	{
		ScRole		role;
		const char *table;
	}			tables[] = {
		{SC_ROLE_MEMBER, "member"}, {SC_ROLE_KEY, "key"}, {SC_ROLE_DELEGATE, "member"}, {SC_ROLE_SUCCESSOR, "key"},
		{SC_ROLE_STATUS, "status"}, {SC_ROLE_DELEGATION, "delegation"}, {SC_ROLE_AUTHORITY, "authority"}, {SC_ROLE_CRL, "crl"},
	};

	for (int i = 0; i < evidence->npieces; i++)
	{
		for (size_t j = 0; j < sizeof(tables) / sizeof(tables[0]); j++)
		{
			if (evidence->pieces[i].role == tables[j].role &&
				!sc_evidence_in_table(evidence, &evidence->pieces[i], tables[j].table))
				return false;
		}
	}
	return true;
}

bool
sc_evidence_take(ScEvidence *evidence)
{
	if (evidence->row->leaf.kind != SC_LEAF_ROW)
		return sc_evidence_fail(evidence, SC_REFUTED, evidence->row, "It is no row.");
	if (!take_rule(evidence) || !take_tables(evidence) || !check_tables(evidence))
		return false;
	evidence->signer = sc_leaf_column(&evidence->row->leaf, evidence->rule.signer->string);
	return evidence->signer || sc_evidence_fail(evidence, SC_REFUTED, evidence->row, "It names no signer.");
}
