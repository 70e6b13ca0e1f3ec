/*
 * fuzz_prooffile.c
 *	  A proof file that parses is written again byte for byte; proofs of any shape are judged, not trusted.
 */
#include "fuzz.h"

#include "core/proof.h"
#include "core/prooffile.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ScProofFile file;
	ScBuf		buf = SC_BUF_INIT;
	ScHash		leaf;

	if (sc_prooffile_parse(&file, (const char *) data, size) != SC_OK)
		return 0;
	sc_prooffile_format(&buf, file.extra, file.extralen, file.index, file.path, file.npath,
						file.checkpoint, file.checkpointlen);
	INVARIANT(fuzz_same(&buf, data, size));

	/* a root that the proof was not made for: only a tree of one leaf has such a leaf for a root */
	sc_hash_leaf(&leaf, file.extra, file.extralen);
	for (uint64_t bit = 0; bit < 64; bit++)
	{
		uint64_t	tree = (UINT64_C(1) << bit) + file.index % 3;

		if (sc_proof_verify_inclusion(&leaf, file.index, tree, file.path, file.npath, &leaf) == SC_OK)
			INVARIANT(tree == 1 && file.npath == 0);
		INVARIANT(sc_proof_verify_consistency(file.index, &leaf, tree, &leaf, file.path, file.npath) != SC_OK ||
				  (file.index == tree && file.npath == 0));
	}
	sc_prooffile_free(&file);
	sc_buf_free(&buf);
	return 0;
}
