/*
 * evidence_case.c
 *	  Registrations, ends and delegations of the evidence, put together and judged.
 *
 * A piece about somebody else or another key is proven, and says nothing here.
 * With several grants of a delegation the one that speaks best for the row
 * counts: one grant in force is enough.
 */
#include <stdlib.h>

#include "bin/evidence.h"
#include "core/text.h"
#include "core/instant.h"
#include "core/value.h"

typedef struct Builder
{
	ScEvidence *evidence;
	ScNeed		needs[4];		/* member, key, delegate, delegation */
	const ScPiece *need_pieces[4];
	int			nneeds;
	ScEnd	   *ends;
	const ScPiece **end_pieces;
	int			nends;
} Builder;

static bool
column_is(const ScPiece *piece, const char *column, const ScJson *value)
{
	return sc_json_same(sc_leaf_column(&piece->leaf, column), value);
}

static bool
action_is(const ScPiece *piece, const char *action)
{
	const ScJson *said = sc_leaf_column(&piece->leaf, "action");

	return said && sc_text_is(said->string, said->len, action);
}

static void
add_need(Builder *b, const ScPiece *piece, int64_t until)
{
	b->needs[b->nneeds] = (ScNeed) {sc_piece_moment(piece), until};
	b->need_pieces[b->nneeds++] = piece;
}

static ScEnd *
add_end(Builder *b, const ScPiece *piece)
{
	ScEnd	   *end = &b->ends[b->nends];

	*end = (ScEnd) {.from = sc_piece_moment(piece)};
	b->end_pieces[b->nends++] = piece;
	return end;
}

/* whether a status is about the person as a whole or about the key that signed, when the person is the owner */
static bool
concerns(const Builder *b, const ScPiece *status, const ScJson *person)
{
	if (!column_is(status, "member", person))
		return false;
	if (sc_leaf_column(&status->leaf, "key") == NULL && !sc_leaf_has_digest(&status->leaf, "key"))
		return true;
	return sc_json_same(person, b->evidence->owner) &&
		column_is(status, "key", sc_leaf_column(&b->evidence->key->leaf, "key"));
}

/* the first resumption behind a suspension of the same member or key */
static const ScPiece *
resumption(const ScEvidence *evidence, const ScPiece *suspension)
{
	const ScPiece *first = NULL;

	for (int i = 0; i < evidence->npieces; i++)
	{
		const ScPiece *piece = &evidence->pieces[i];
		const ScJson *key = sc_leaf_column(&piece->leaf, "key");
		const ScJson *suspended = sc_leaf_column(&suspension->leaf, "key");

		if (piece->role != SC_ROLE_STATUS || !action_is(piece, "resume") ||
			!column_is(piece, "member", sc_leaf_column(&suspension->leaf, "member")) ||
			!(key && suspended ? sc_json_same(key, suspended) : key == suspended) ||
			piece->file.receipt.index <= suspension->file.receipt.index)
			continue;
		if (first == NULL || piece->file.receipt.index < first->file.receipt.index)
			first = piece;
	}
	return first;
}

static bool
take_since(ScEvidence *evidence, const ScPiece *piece, ScEnd *end)
{
	const ScJson *since = sc_leaf_column(&piece->leaf, "compromised_since");

	end->has_since = since != NULL;
	return since == NULL || sc_instant_read_leaf(&end->since, since->string, since->len) ||
		sc_evidence_fail(evidence, SC_REFUTED, piece, "Its \"compromised since\" is no time.");
}

/* what a status ends; resumptions count with what they resume */
static bool
take_status(Builder *b, ScPiece *piece)
{
	const ScPiece *resumed;
	ScEnd	   *end;

	if (!concerns(b, piece, b->evidence->signer) && !concerns(b, piece, b->evidence->owner))
	{
		piece->idle = true;
		return true;
	}
	if (action_is(piece, "resume"))
		return true;
	if (!action_is(piece, "revoke") && !action_is(piece, "suspend"))
		return sc_evidence_fail(b->evidence, SC_REFUTED, piece, "It neither suspends, resumes nor revokes.");
	end = add_end(b, piece);
	end->suspends = action_is(piece, "suspend");
	resumed = end->suspends ? resumption(b->evidence, piece) : NULL;
	if (resumed)
	{
		end->resumed = true;
		end->resumed_from = sc_piece_moment(resumed);
	}
	return take_since(b->evidence, piece, end);
}

/* a key of the same owner that says that it replaces the one that signed */
static void
take_successor(Builder *b, ScPiece *piece)
{
	piece->idle = !column_is(piece, "member", b->evidence->owner) ||
		!column_is(piece, "replaces", sc_leaf_column(&b->evidence->key->leaf, "key"));
	if (!piece->idle)
		(void) add_end(b, piece);
}

/* whether a delegation is the signer's to the key's owner, for the row's table */
static bool
delegates(const ScEvidence *evidence, const ScPiece *piece)
{
	const ScJson *tables = sc_leaf_column(&piece->leaf, "tables");
	const ScJson *table = evidence->row->leaf.table;
	bool		has;

	return column_is(piece, "member", evidence->signer) && column_is(piece, "delegate", evidence->owner) && tables &&
		sc_value_array_has(&has, tables->string, tables->len, table->string, table->len) == SC_OK && has;
}

static bool
take_member(Builder *b, ScRole role, const ScJson *person, const char *missing)
{
	const ScPiece *piece = sc_evidence_find(b->evidence, role);

	if (piece == NULL)
		return sc_evidence_fail(b->evidence, SC_UNUSABLE, NULL, missing);
	if (!column_is(piece, "member", person))
		return sc_evidence_fail(b->evidence, SC_REFUTED, piece, "It is the registration of another member.");
	add_need(b, piece, SC_INSTANT_END);
	return true;
}

static bool
take_pieces(Builder *b)
{
	ScEvidence *evidence = b->evidence;

	for (int i = 0; i < evidence->npieces; i++)
	{
		ScPiece    *piece = &evidence->pieces[i];

		if (piece->role == SC_ROLE_STATUS && !take_status(b, piece))
			return false;
		if (piece->role == SC_ROLE_SUCCESSOR)
			take_successor(b, piece);
		if (piece->role == SC_ROLE_DELEGATION)
			piece->idle = sc_json_same(evidence->signer, evidence->owner) || !delegates(evidence, piece);
	}
	return true;
}

static void
rule(Builder *b, ScCertificateState certificate)
{
	ScEvidence *evidence = b->evidence;
	const ScPiece *event = sc_evidence_find(evidence, SC_ROLE_RULE);
	ScCase		c = {
		.row = sc_piece_moment(evidence->row),
		.has_rule = true,
		.rule = event->file.receipt.index,
		.needs = b->needs,
		.nneeds = b->nneeds,
		.ends = b->ends,
		.nends = b->nends,
		.certificate = certificate,
		.seen = evidence->seen.found,
		.seen_by = evidence->seen.by,
		.outside_expected = sc_trust_asks_witnesses(evidence->trust) || evidence->stamp->has_authority,
	};
	ScRuling	ruling = sc_verdict(&c);

	evidence->ruling = ruling;
	evidence->detail = certificate == SC_CERTIFICATE_BAD && ruling.reason == SC_REASON_CERTIFICATE ?
		sc_cert_reason_text(evidence->certificate_reason) : NULL;
	evidence->cause = ruling.need >= 0 ? b->need_pieces[ruling.need] : ruling.end >= 0 ? b->end_pieces[ruling.end] : NULL;
}

/* the delegate's row under this grant; whatever is said of the delegation behind it, a new grant too, takes its place */
static bool
rule_by_grant(Builder *b, const ScPiece *grant, ScCertificateState certificate)
{
	ScEvidence *evidence = b->evidence;
	const ScJson *until = sc_leaf_column(&grant->leaf, "until");
	int			nneeds = b->nneeds;
	int			nends = b->nends;
	int64_t		date = SC_INSTANT_BEGIN;	/* a grant without a date grants nothing */

	if (until && !sc_instant_read_leaf(&date, until->string, until->len))
		return sc_evidence_fail(evidence, SC_REFUTED, grant, "The date until which it delegates is no time.");
	add_need(b, grant, date);
	for (int i = 0; i < evidence->npieces; i++)
	{
		const ScPiece *piece = &evidence->pieces[i];

		if (piece->role == SC_ROLE_DELEGATION && !piece->idle &&
			piece->file.receipt.index > grant->file.receipt.index)
			(void) add_end(b, piece);
	}
	rule(b, certificate);
	b->nneeds = nneeds;
	b->nends = nends;
	return true;
}

static bool
rule_delegated(Builder *b, ScCertificateState certificate)
{
	ScEvidence *evidence = b->evidence;
	ScRuling	best = sc_verdict_for(SC_REASON_NOT_SHOWN);
	const char *detail = "the key is another member's, and no delegation by the signer for this table was shown";
	const ScPiece *cause = evidence->key;
	bool		found = false;

	for (int i = 0; i < evidence->npieces; i++)
	{
		const ScPiece *piece = &evidence->pieces[i];

		if (piece->role != SC_ROLE_DELEGATION || piece->idle || !action_is(piece, "grant"))
			continue;
		if (!rule_by_grant(b, piece, certificate))
			return false;
		if (found && evidence->ruling.answer >= best.answer)
			continue;
		found = true;
		best = evidence->ruling;
		detail = evidence->detail;
		cause = evidence->cause;
	}
	evidence->ruling = best;
	evidence->detail = detail;
	evidence->cause = cause;
	return true;
}

static bool
build(Builder *b, ScCertificateState certificate)
{
	ScEvidence *evidence = b->evidence;
	bool		own = sc_json_same(evidence->signer, evidence->owner);

	if (!take_member(b, SC_ROLE_MEMBER, evidence->signer, "There is no file member.receipt."))
		return false;
	add_need(b, evidence->key, SC_INSTANT_END);
	if (!own && !take_member(b, SC_ROLE_DELEGATE, evidence->owner, "The key is a delegate's, and there is no file delegate.receipt."))
		return false;
	if (!take_pieces(b))
		return false;
	if (!own)
		return rule_delegated(b, certificate);
	rule(b, certificate);
	return true;
}

bool
sc_evidence_rule(ScEvidence *evidence, ScCertificateState certificate)
{
	Builder		b = {.evidence = evidence};
	bool		ok;

	/* at most one end a piece */
	b.ends = calloc((size_t) evidence->npieces, sizeof(ScEnd));
	b.end_pieces = calloc((size_t) evidence->npieces, sizeof(ScPiece *));
	ok = b.ends && b.end_pieces ? build(&b, certificate) :
		sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "There is not enough memory.");
	free(b.ends);
	free(b.end_pieces);
	return ok;
}
