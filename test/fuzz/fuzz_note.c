/*
 * fuzz_note.c
 *	  Notes: a parsed note is the sum of its parts; verification never says OK to what nobody signed.
 */
#include "fuzz.h"

#include "core/text.h"
#include "sign/key.h"

static const char *const vkeys[] = {
	"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	"EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
	"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
	"witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN",
};
#define NKEYS ((int) (sizeof(vkeys) / sizeof(vkeys[0])))

/* mending twice changes nothing more, and a note with its text's own end stays as it is */
static void
mend(const uint8_t *data, size_t size)
{
	ScBuf		once = SC_BUF_INIT;
	ScBuf		twice = SC_BUF_INIT;

	sc_note_mend_end(&once, (const char *) data, size);
	sc_note_mend_end(&twice, once.data, once.len);
	INVARIANT(fuzz_same(&once, twice.data, twice.len));
	sc_buf_free(&once);
	sc_buf_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ScNote note;
	static ScVerifierKey keys[NKEYS];
	bool		good[NKEYS];
	uint64_t	times[NKEYS];
	bool		any = false;
	const char *p;

	if (keys[0].keylen == 0)
	{
		for (int i = 0; i < NKEYS; i++)
			INVARIANT(sc_note_parse_key(&keys[i], vkeys[i], strlen(vkeys[i])) == SC_OK);
	}
	mend(data, size);
	if (sc_note_parse(&note, (const char *) data, size, true) != SC_OK)
	{
		INVARIANT(sc_note_parse(&note, (const char *) data, size, false) != SC_OK);
		return 0;
	}
	INVARIANT(note.textlen > 0 && note.text[note.textlen - 1] == '\n' && note.text[note.textlen] == '\n');
	p = note.text + note.textlen + 1;
	for (int i = 0; i < note.nsigs; i++)
	{
		INVARIANT(note.sigs[i].line == p && p[note.sigs[i].linelen - 1] == '\n');
		if (note.sigs[i].siglen > 0)
		{
			ScBuf		buf = SC_BUF_INIT;
			char		name[SC_NAME_MAX + 1];

			memcpy(name, note.sigs[i].name, note.sigs[i].namelen);
			name[note.sigs[i].namelen] = '\0';
			sc_note_format_signature(&buf, name, note.sigs[i].id, note.sigs[i].signature, note.sigs[i].siglen);
			INVARIANT(fuzz_same(&buf, p, note.sigs[i].linelen));
			sc_buf_free(&buf);
		}
		p += note.sigs[i].linelen;
	}
	INVARIANT(p == (const char *) data + size);

	if (sc_key_verify_note(&note, keys, NKEYS, good, times) == SC_OK)
	{
		for (int i = 0; i < NKEYS; i++)
			any = any || good[i];
		INVARIANT(any);
	}
	else
	{
		for (int i = 0; i < NKEYS; i++)
			INVARIANT(!good[i] && times[i] == 0);
	}
	return 0;
}
