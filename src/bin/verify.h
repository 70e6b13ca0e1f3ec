/*
 * verify.h
 *	  The parts of seoulchain-verify: trust, one file's verdict, and what is printed.
 *
 * The program reads files and writes to standard output; it has no state, no
 * network, no server code (core and sign only).
 */
#ifndef SC_BIN_VERIFY_H
#define SC_BIN_VERIFY_H

#include <stdbool.h>

#include "core/leaf.h"
#include "core/note.h"
#include "core/policy.h"
#include "core/prooffile.h"
#include "sign/profile.h"
#include "sign/timestamp.h"

/* exit codes; --help explains them */
typedef enum ScVerdict
{
	SC_VERIFIED = 0,
	SC_REFUTED = 1,
	SC_UNVOUCHED = 2,
	SC_UNUSABLE = 3,
	SC_DOUBTED = 4,				/* of evidence: true, but the key may have been another's */
	SC_OPEN = 5					/* of evidence: true, but what was shown does not decide */
} ScVerdict;

#define SC_FOLLOWERS_MAX 256

/* a key that was shown to follow one of the user's keys on a chain */
typedef struct ScFollower
{
	int			slot;			/* which of the user's keys */
	char		origin[SC_NAME_MAX + 1];
	uint64_t	leaf;			/* trees that hold this leaf are the new key's to sign */
	ScVerifierKey key;
} ScFollower;

/* whom the user trusts */
typedef struct ScTrust
{
	bool		has_policy;		/* else every key must have signed */
	ScPolicy	policy;			/* its keys are used in both cases */
	ScProfile	profile;		/* algorithms that may count */
	int			nfollowers;
	ScFollower *followers;		/* of each key in order */
} ScTrust;

/* one file, and what came out */
typedef struct ScFile
{
	const char *path;
	ScBuf		text;
	bool		is_receipt;
	ScProofFile receipt;
	ScNote		note;
	ScCheckpoint checkpoint;
	bool		has_checkpoint; /* well formed, so that histories can be compared */
	bool		signed_by_trusted;	/* somebody whom the user named, and who may speak about this chain, signed it */
	bool		good[SC_POLICY_KEYS_MAX];
	uint64_t	times[SC_POLICY_KEYS_MAX];
	ScVerdict	verdict;
} ScFile;

/* a timestamp token, and whom the user believes about time */
typedef struct ScStamp
{
	const char *path;
	bool		has_authority;
	ScAuthorities *authorities;
} ScStamp;

#define SC_SIGNED_COLUMNS_MAX 1600	/* as many as a table can have */

/* a member's signature of a row, and what it is said to cover */
typedef struct ScRowSignature
{
	const char *jws_path;
	const char *key_path;
	const char *columns[SC_SIGNED_COLUMNS_MAX];
	int			ncolumns;
	ScProfile	profile;
} ScRowSignature;

/* verify_trust.c */
extern bool sc_trust_add_key(ScTrust *trust, const char *vkey);
extern bool sc_trust_read_policy(ScTrust *trust, const char *path);
/* whether the profile allows every key; says which it does not */
extern bool sc_trust_check_profile(const ScTrust *trust);
extern void sc_trust_free(ScTrust *trust);

/*
 * Which of the user's keys, each in the person of the one that follows it at
 * this chain's size, signed the note: as sc_key_verify_note.
 */
extern ScStatus sc_trust_verify_note(const ScTrust *trust, const ScNote *note, const ScCheckpoint *checkpoint,
									 bool *good, uint64_t *times);
/* SC_VERIFIED, SC_REFUTED (a known key's signature is wrong) or SC_UNVOUCHED; *reason says why */
extern ScVerdict sc_trust_judge(const ScTrust *trust, ScFile *file, const char **reason);

/* whether anybody whom the user trusts signed both of two contradicting files; names them */
extern bool sc_trust_print_liars(const ScTrust *trust, const ScFile *a, const ScFile *b, bool print);

/*
 * The earliest time, in POSIX seconds, by which enough of the cosigners whom
 * the user named had seen a note with these signatures; false when they had
 * not, or the user named none.
 */
extern bool sc_trust_seen_by(const ScTrust *trust, const bool *good, const uint64_t *times, uint64_t *seconds);

/* whether the user asks for cosigners at all */
extern bool sc_trust_asks_witnesses(const ScTrust *trust);

/* whether a key of the policy is the chain's own: it bears the name of the chain's node, or is a log's */
extern bool sc_trust_is_own(const ScPolicy *policy, int key, const char *origin);

/* verify_file.c */
extern const char *sc_verdict_word(ScVerdict verdict);	/* "VERIFIED", ... */
extern ScVerdict sc_verdict_worse(ScVerdict a, ScVerdict b);
extern bool sc_file_slurp(ScBuf *buf, const char *path);
extern void sc_verify_file(ScFile *file, const ScTrust *trust);
/* the same once file->text is there; its end has been mended */
extern void sc_verify_text(ScFile *file, const ScTrust *trust);
extern void sc_verify_free(ScFile *file);
/* takes a receipt (or checkpoint) apart; why it is none, a sentence, or NULL.  Prints nothing. */
extern const char *sc_file_parse(ScFile *file, bool receipt);
/* why a receipt that was taken apart proves no leaf, or NULL; then free the leaf */
extern const char *sc_receipt_prove(const ScFile *file, ScLeaf *leaf);
/* the leaf, where it stands, and who vouches */
extern void sc_print_receipt(const ScFile *file, const ScTrust *trust, const ScLeaf *leaf);
/* two different roots for one size of one chain, anywhere among the files */
extern ScVerdict sc_verify_forks(const ScFile *files, int nfiles, const ScTrust *trust);

/* verify_consistency.c: whether the proof in a file connects the two files' checkpoints */
extern ScVerdict sc_verify_consistency(const ScFile *a, const ScFile *b, const ScTrust *trust, const char *path);
/* whether the text is a consistency proof that connects two checkpoints of one chain */
extern bool sc_checkpoints_connected(const ScCheckpoint *a, const ScCheckpoint *b, const char *text, size_t len);

/* verify_timestamp.c: files with authorities' certificates and revocation lists; whether the token proves a time */
extern bool sc_stamp_add_authority(ScStamp *stamp, const char *path);
extern bool sc_stamp_add_crl(ScStamp *stamp, const char *path);
extern ScVerdict sc_verify_timestamp(const ScFile *file, const ScStamp *stamp);

/* verify_signature.c: whether the key signed these columns of the receipt's row */
extern ScVerdict sc_verify_signature(const ScFile *file, const ScRowSignature *signature);

/* verify_rotation.c: receipts that other keys follow the user's; learns from those that convince, in whatever order */
extern ScVerdict sc_verify_rotations(ScTrust *trust, const char *const *paths, int npaths);

/* verify_print.c */
extern void sc_print_text(const char *s, size_t len);
extern void sc_print_leaf(const ScLeaf *leaf);
extern void sc_print_hash(const char *label, const ScHash *hash);
extern void sc_print_time(uint64_t seconds);

#endif							/* SC_BIN_VERIFY_H */
