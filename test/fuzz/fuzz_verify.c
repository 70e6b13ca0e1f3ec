/*
 * fuzz_verify.c
 *	  seoulchain-verify's verdict cannot be forged: with the key of docs/format.md's example it says
 *	  VERIFIED only of that example's checkpoint and of leaves that stand in it.
 */
#include "fuzz.h"

#include "bin/verify.h"

static const char log_key[] = "seoul.go.kr/inspector/main+d89d5ad1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
static const char *const leaf_hashes[] = {
	"d264cc8440a41b1b58cb4c821406338e0646ef12401091f1c8f1d2f2fc05dd50",
	"be9f3d6f7dd56c9d79db6be485d956492c5595be3b13362782ef7d7f38d745f2",
	"b7711e3f8aa29cc94593ca93ce7d37e571e813ec8415bdd33d70a54bc03aaa3f",
	"9874a864344468d2fd963f6a64bebaf012f8215508c5c38cd2ef5fed337c6b7a",
};
static const char root_hash[] = "6387eb4c568ca2760e8919fe738e4d95951289381a7babe1c51d0e837f7297d8";

/* whether a hash is the one that the hex text says */
static bool
is_hash(const ScHash *hash, const char *hex)
{
	ScBuf		buf = SC_BUF_INIT;
	bool		same;

	sc_buf_hex(&buf, hash->bytes, SC_HASH_LEN);
	same = fuzz_same(&buf, hex, 2 * SC_HASH_LEN);
	sc_buf_free(&buf);
	return same;
}

/* a leaf that the example's tree has */
static bool
is_member(const ScProofFile *receipt)
{
	ScHash		hash;

	sc_hash_leaf(&hash, receipt->extra, receipt->extralen);
	return receipt->index < 4 && is_hash(&hash, leaf_hashes[receipt->index]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ScTrust trust;
	static ScFile file;

	if (trust.policy.nkeys == 0)
	{
		INVARIANT(sc_trust_add_key(&trust, log_key));
		INVARIANT(freopen("/dev/null", "w", stdout) != NULL);
	}
	memset(&file, 0, sizeof(file));
	file.path = "input";
	sc_note_mend_end(&file.text, (const char *) data, size);
	sc_verify_text(&file, &trust);
	if (file.verdict == SC_VERIFIED)
	{
		INVARIANT(file.signed_by_trusted && file.checkpoint.size == 4 && is_hash(&file.checkpoint.root, root_hash));
		INVARIANT(!file.is_receipt || is_member(&file.receipt));
	}
	INVARIANT(sc_verify_forks(&file, 1, &trust) == SC_VERIFIED);
	sc_verify_free(&file);
	return 0;
}
