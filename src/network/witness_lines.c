/*
 * witness_lines.c
 *	  The signature lines that this node has of a checkpoint, and which of them are good.
 *
 * Invariant: rows of seoulchain.cosignature come from other nodes, so nothing
 * here believes or trips over their bytes: a line counts by its signature
 * over the checkpoint that this node holds, never by where it stands.
 * Context: a registered or active snapshot; palloc in the current context.
 */
#include "postgres.h"

#include "network/witness_lines.h"

#include "network/cosign.h"
#include "seal/internal_scan.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/* a note without content, to have lines taken apart below it */
#define ANY_TEXT "-\n"

/* takes one line apart, NULL when it is no signature line */
static ScLine *
take_apart(const char *text, size_t len)
{
	char	   *whole = psprintf("%s\n%.*s", ANY_TEXT, (int) len, text);
	ScNote	   *note = palloc(sizeof(ScNote));
	ScLine	   *line = NULL;

	if (sc_note_parse(note, whole, strlen(whole), false) == SC_OK && note->nsigs == 1)
	{
		line = palloc(sizeof(ScLine));
		line->text = pnstrdup(text, len);
		line->name = pnstrdup(note->sigs[0].name, note->sigs[0].namelen);
		memcpy(line->id, note->sigs[0].id, SC_KEY_ID_LEN);
	}
	pfree(note);
	pfree(whole);
	return line;
}

List *
sc_lines_split(const char *text)
{
	List	   *result = NIL;

	while (*text != '\0')
	{
		size_t		len = strcspn(text, "\n");
		ScLine	   *line;

		if (text[len] == '\n')
			len++;
		line = take_apart(text, len);
		if (line != NULL)
			result = lappend(result, line);
		text += len;
	}
	return result;
}

List *
sc_lines_arrived(const char *origin, int64 size, Snapshot snapshot)
{
	List	   *result = NIL;
	ScInternalScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], SC_COSIGNATURE_ATTR_ORIGIN, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(origin));
	sc_key_int8(&keys[1], SC_COSIGNATURE_ATTR_TREE_SIZE, BTEqualStrategyNumber, size);
	sc_internal_scan_begin(&scan, "cosignature", "cosignature_size", snapshot, keys, 2);
	while ((tuple = sc_internal_scan_next(&scan, ForwardScanDirection)) != NULL)
		result = list_concat(result, sc_lines_split(TextDatumGetCString(sc_internal_attr(tuple, SC_COSIGNATURE_ATTR_LINE, scan.rel))));
	sc_internal_scan_end(&scan);
	return result;
}

bool
sc_line_names(const ScLine *line, const ScVerifierKey *key)
{
	return memcmp(line->id, key->id, SC_KEY_ID_LEN) == 0 && strcmp(line->name, key->name) == 0;
}

const ScLine *
sc_lines_by(List *lines, const ScVerifierKey *key, const ScChain *chain, const ScBlock *block)
{
	ListCell   *lc;

	foreach(lc, lines)
	{
		const ScLine *line = lfirst(lc);

		if (sc_line_names(line, key) &&
			sc_cosignature_ok(line->text, key, chain->origin, block->tree_size, &block->root_hash, NULL))
			return line;
	}
	return NULL;
}
