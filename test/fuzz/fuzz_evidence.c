/*
 * fuzz_evidence.c
 *	  Evidence whose leaves a stranger wrote: judged without falling over, and never called verified.
 *
 * The input is a file a piece, parted by NUL: a byte for the role, a byte for
 * the number, the bytes.  Leaves are proven here (a tree of them is made), so
 * that what is fuzzed is what the program makes of proven leaves.  Nobody's
 * signature is at hand, so no answer may be "valid" but by the signature that
 * the seed brings.
 */
#include "fuzz.h"

#include "bin/evidence.h"
#include "core/tree.h"

#define PIECES 32

static ScTrust trust;
static ScStamp stamp;

/* takes the pieces apart; how many */
static int
split(ScPiece *pieces, const char *data, size_t size)
{
	int			n = 0;

	while (size > 2 && n < PIECES)
	{
		const char *end = memchr(data, '\0', size);
		size_t		len = end ? (size_t) (end - data) : size;

		if (len > 2 && (uint8_t) data[0] % 32 < SC_ROLE_NONE)
		{
			pieces[n].role = (ScRole) ((uint8_t) data[0] % 32);
			pieces[n].number = (uint64_t) (uint8_t) data[1];
			snprintf(pieces[n].name, sizeof(pieces[n].name), "piece-%d", n);
			sc_buf_append(&pieces[n].file.text, data + 2, len - 2);
			n++;
		}
		size -= end ? len + 1 : len;
		data += end ? len + 1 : len;
	}
	return n;
}

static void
node_hash(ScHash *out, const ScHash *hashes, ScNodeId id)
{
	ScHash		copy[PIECES];

	memcpy(copy, hashes + (id.index << id.level), sizeof(ScHash) << id.level);
	sc_tree_perfect_root(out, copy, id.level);
}

/* turns the texts of receipts into receipts of one tree */
static void
make_receipts(ScPiece *pieces, int n)
{
	ScHash		hashes[PIECES];
	int			leaf_of[PIECES];
	int			nleaves = 0;
	ScFrontier	frontier = {0};
	ScCheckpoint checkpoint = {.origin = "seoul.go.kr/inspector/main"};
	ScBuf		note = SC_BUF_INIT;

	for (int i = 0; i < n; i++)
	{
		leaf_of[i] = nleaves;
		if (!SC_ROLE_IS_RECEIPT(pieces[i].role))
			continue;
		sc_hash_leaf(&hashes[nleaves], pieces[i].file.text.data, pieces[i].file.text.len);
		sc_frontier_append(&frontier, &hashes[nleaves++], NULL, NULL);
	}
	if (nleaves == 0)
		return;
	checkpoint.size = (uint64_t) nleaves;
	sc_frontier_root(&checkpoint.root, &frontier);
	sc_checkpoint_format(&note, &checkpoint);
	sc_buf_char(&note, '\n');
	for (int i = 0; i < n; i++)
	{
		ScProofPlan plan;
		ScHash		nodes[SC_PLAN_MAX];
		ScHash		path[SC_PROOF_MAX];
		ScBuf		text = SC_BUF_INIT;

		if (!SC_ROLE_IS_RECEIPT(pieces[i].role) ||
			sc_tree_plan_inclusion(&plan, (uint64_t) leaf_of[i], (uint64_t) nleaves) != SC_OK)
			continue;
		for (int j = 0; j < plan.nids; j++)
			node_hash(&nodes[j], hashes, plan.ids[j]);
		sc_tree_plan_path(path, &plan, nodes);
		sc_prooffile_format(&text, pieces[i].file.text.data, pieces[i].file.text.len, (uint64_t) leaf_of[i],
							path, plan.npath, note.data, note.len);
		sc_buf_free(&pieces[i].file.text);
		pieces[i].file.text = text;
	}
	sc_buf_free(&note);
}

static int
compare(const void *a, const void *b)
{
	const ScPiece *x = a;
	const ScPiece *y = b;

	return x->role != y->role ? (x->role > y->role) - (x->role < y->role) : (x->number > y->number) - (x->number < y->number);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ScEvidence evidence;
	uint64_t	number;
	uint64_t	second;
	char		name[SC_PIECE_NAME_MAX + 1] = {0};
	ScVerdict	verdict;

	if (trust.policy.nkeys == 0 && stamp.path == NULL)
	{
		INVARIANT(freopen("/dev/null", "w", stdout) != NULL);
		stamp.path = "none";
	}
	memset(&evidence, 0, sizeof(evidence));
	evidence.path = "input";
	evidence.trust = &trust;
	evidence.stamp = &stamp;
	evidence.pieces = calloc(PIECES, sizeof(ScPiece));
	evidence.npieces = split(evidence.pieces, (const char *) data, size);
	make_receipts(evidence.pieces, evidence.npieces);
	qsort(evidence.pieces, (size_t) evidence.npieces, sizeof(ScPiece), compare);
	verdict = sc_evidence_judge(&evidence);
	INVARIANT(verdict != SC_VERIFIED && verdict != SC_DOUBTED && verdict != SC_OPEN);
	INVARIANT(verdict != SC_UNVOUCHED || (evidence.row && evidence.key && !evidence.failed));
	sc_evidence_print(&evidence, verdict);
	sc_evidence_free(&evidence);

	/* names: what is accepted is written again from its numbers, so there is one name for each role and number */
	if (size > 0 && size < sizeof(name) && memchr(data, '\0', size) == NULL)
	{
		memcpy(name, data, size);
		if (sc_evidence_role(name, &number, &second) != SC_ROLE_NONE)
			INVARIANT(sc_evidence_limit(sc_evidence_role(name, &number, &second)) > 0);
	}
	return 0;
}
