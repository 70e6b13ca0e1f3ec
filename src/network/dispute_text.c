/*
 * dispute_text.c
 *	  The dispute files that this node writes (docs/format.md).
 *
 * Context: a transaction (the node's name is read); palloc in the current
 * memory context.
 * What it does not do: judging whether they hold (core/disputefile.c).
 */
#include "postgres.h"

#include "contract/memory.h"
#include "core/disputefile.h"
#include "network/dispute_text.h"
#include "seal/node.h"

static void
add_text(ScBuf *buf, const char *name, const char *text)
{
	sc_disputefile_part(buf, name, text, strlen(text));
}

char *
sc_dispute_complaint(const ScFinding *finding)
{
	ScBuf	   *buf = sc_context_buf();
	const char *node = sc_node_name(NULL);

	sc_disputefile_begin(buf, SC_DISPUTE_COMPLAINT);
	add_text(buf, "by", node != NULL ? node : "unnamed");
	add_text(buf, "origin", finding->origin);
	add_text(buf, "fault", finding->fault);
	if (finding->height >= 0)
		add_text(buf, "height", psprintf(INT64_FORMAT, finding->height));
	if (finding->ledger_seq > 0)
		add_text(buf, "seq", psprintf(INT64_FORMAT, finding->ledger_seq));
	add_text(buf, "detail", finding->detail);
	if (finding->evidence != NULL)
		add_text(buf, "checkpoint", finding->evidence);
	return sc_buf_copy(buf);
}

char *
sc_dispute_two_roots(const char *note, const char *other)
{
	ScBuf	   *buf = sc_context_buf();

	sc_disputefile_begin(buf, SC_DISPUTE_TWO_ROOTS);
	add_text(buf, "checkpoint", note);
	add_text(buf, "checkpoint", other);
	return sc_buf_copy(buf);
}

char *
sc_dispute_rewritten(const char *smaller, const char *greater, const ScHash *subproof, int count)
{
	ScBuf	   *buf = sc_context_buf();
	ScBuf	   *hashes = sc_context_buf();

	for (int i = 0; i < count; i++)
	{
		sc_buf_base64(hashes, subproof[i].bytes, SC_HASH_LEN);
		sc_buf_char(hashes, '\n');
	}
	sc_disputefile_begin(buf, SC_DISPUTE_REWRITTEN);
	add_text(buf, "checkpoint", smaller);
	add_text(buf, "checkpoint", greater);
	add_text(buf, "subproof", sc_buf_copy(hashes));
	return sc_buf_copy(buf);
}
