/*
 * fuzz_disputefile.c
 *	  A dispute file that parses is written again byte for byte, and whatever it says,
 *	  nobody is convicted by a key that signed one of its checkpoints at most.
 */
#include "fuzz.h"

#include "bin/verify.h"
#include "bin/verify_dispute.h"

/* the key of docs/format.md's example, which has signed one checkpoint in its life */
static const char log_key[] = "seoul.go.kr/inspector/main+d89d5ad1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ScTrust trust;
	static ScFile file;
	static ScDisputeFile dispute;
	ScBuf		buf = SC_BUF_INIT;

	if (trust.policy.nkeys == 0)
	{
		INVARIANT(sc_trust_add_key(&trust, log_key));
		INVARIANT(freopen("/dev/null", "w", stdout) != NULL);
	}
	if (sc_disputefile_parse(&dispute, (const char *) data, size) == SC_OK)
	{
		char		name[64];

		sc_disputefile_begin(&buf, dispute.kind);
		for (int i = 0; i < dispute.nparts; i++)
		{
			snprintf(name, sizeof(name), "%.*s", (int) dispute.parts[i].namelen, dispute.parts[i].name);
			sc_disputefile_part(&buf, name, dispute.parts[i].data, dispute.parts[i].len);
		}
		INVARIANT(fuzz_same(&buf, data, size));
		sc_buf_free(&buf);
	}
	memset(&file, 0, sizeof(file));
	file.path = "input";
	sc_buf_append(&file.text, data, size);
	if (sc_is_dispute(file.text.data, file.text.len))
		INVARIANT(sc_verify_dispute(&file, &trust) != SC_VERIFIED);
	sc_buf_free(&file.text);
	return 0;
}
