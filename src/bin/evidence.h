/*
 * evidence.h
 *	  The parts of seoulchain-verify that judge a directory of evidence about one signed row.
 *
 * Files say by their names what they are offered as; what they are is only
 * believed from the leaves that their receipts prove.
 */
#ifndef SC_BIN_EVIDENCE_H
#define SC_BIN_EVIDENCE_H

#include "bin/verify.h"
#include "core/verdict.h"
#include "sign/jws.h"

#define SC_PIECES_MAX 1024
#define SC_PIECE_NAME_MAX 64

/* what a file is offered as; receipts first */
typedef enum ScRole
{
	SC_ROLE_ROW,				/* row.receipt */
	SC_ROLE_RULE,				/* rule.receipt: the table's event "signature" */
	SC_ROLE_MEMBERS,			/* members.receipt: the event "members" */
	SC_ROLE_MEMBER,				/* member.receipt: the signer */
	SC_ROLE_KEY,				/* key.receipt: the registration of the key that signed */
	SC_ROLE_DELEGATE,			/* delegate.receipt: the key's owner, if not the signer */
	SC_ROLE_SUCCESSOR,			/* successor.receipt: the key that replaced it */
	SC_ROLE_STATUS,				/* status-<n>.receipt */
	SC_ROLE_DELEGATION,			/* delegation-<n>.receipt */
	SC_ROLE_AUTHORITY,			/* authority-<n>.receipt */
	SC_ROLE_CRL,				/* crl-<n>.receipt */
	SC_ROLE_JWS,				/* row.jws */
	SC_ROLE_SPKI,				/* key.spki */
	SC_ROLE_CERTIFICATE,		/* key.der */
	SC_ROLE_AUTHORITY_FILE,		/* authority-<n>.der */
	SC_ROLE_CRL_FILE,			/* crl-<n>.der */
	SC_ROLE_CHECKPOINT,			/* checkpoint-<tree size> */
	SC_ROLE_CONSISTENCY,		/* consistency-<tree size> */
	SC_ROLE_TIMESTAMP,			/* timestamp-<tree size>-<n>.tsr */
	SC_ROLE_NONE
} ScRole;

#define SC_ROLE_IS_RECEIPT(role) ((role) <= SC_ROLE_CRL)

/* one file of the directory */
typedef struct ScPiece
{
	char		name[SC_PIECE_NAME_MAX + 1];
	ScRole		role;
	uint64_t	number;			/* <n>, or the tree size */
	uint64_t	second;			/* <n> of a timestamp */
	ScFile		file;			/* its bytes in file.text */
	bool		has_leaf;		/* a receipt whose leaf is proven */
	ScLeaf		leaf;
	bool		idle;			/* proven, and says nothing about this signature */
} ScPiece;

/* what the table's rule says */
typedef struct ScRowRule
{
	const char *columns[SC_SIGNED_COLUMNS_MAX];
	int			ncolumns;
	const ScJson *signer;		/* names of columns */
	const ScJson *signature;
} ScRowRule;

/* why an outside time counts, for the report */
typedef struct ScSeen
{
	bool		found;
	int64_t		by;				/* microseconds since 1970 */
	const ScPiece *piece;		/* checkpoint or token that says so */
} ScSeen;

typedef struct ScEvidence
{
	const char *path;
	const ScTrust *trust;
	const ScStamp *stamp;
	ScPiece    *pieces;			/* sorted by role and number */
	int			npieces;
	int			nunread;		/* files whose names mean nothing */
	char		unread[SC_PIECE_NAME_MAX + 1];	/* one of them */

	/* the first thing that stops the judging: sc_evidence_fail */
	bool		failed;
	ScVerdict	failure;
	const ScPiece *failed_piece;
	const char *why;

	/* what was read from proven leaves */
	ScPiece    *row;
	ScRowRule rule;
	const ScJson *tables;		/* of the event "members" */
	const ScJson *signer;		/* value in the row */
	const ScPiece *key;
	const ScJson *owner;		/* member whose key it is */
	ScMemberKey member_key;
	ScBuf		certificate;	/* DER, empty when the key has none */
	ScSeen		seen;
	ScCertReason certificate_reason;
	ScVerdict	trusted;
	const char *trust_reason;

	/* the judgement */
	ScRuling	ruling;
	const char *detail;			/* more about the reason, or NULL */
	const ScPiece *cause;		/* the piece that is the reason, or NULL */
} ScEvidence;

/* remembers why nothing can be judged; always false */
extern bool sc_evidence_fail(ScEvidence *evidence, ScVerdict verdict, const ScPiece *piece, const char *why);

/* evidence.c: judges the directory and prints */
extern ScVerdict sc_verify_evidence(const char *path, const ScTrust *trust, const ScStamp *stamp);
/* the judging alone */
extern ScVerdict sc_evidence_judge(ScEvidence *evidence);
extern void sc_evidence_free(ScEvidence *evidence);

/* evidence_name.c: what a file is offered as by its name; SC_ROLE_NONE for a name that means nothing */
extern ScRole sc_evidence_role(const char *name, uint64_t *number, uint64_t *second);
extern size_t sc_evidence_limit(ScRole role);	/* the most bytes such a file may have */

/* evidence_dir.c */
extern bool sc_evidence_read(ScEvidence *evidence);
extern bool sc_is_directory(const char *path);

/* evidence_prove.c: every receipt, and that all are of one history */
extern bool sc_evidence_prove(ScEvidence *evidence);

/* evidence_leaf.c: what the proven leaves say */
extern bool sc_evidence_take(ScEvidence *evidence);
extern const ScPiece *sc_evidence_find(const ScEvidence *evidence, ScRole role);	/* the first, or NULL */
extern const ScPiece *sc_evidence_numbered(const ScEvidence *evidence, ScRole role, uint64_t number);
extern const ScJson *sc_leaf_column(const ScLeaf *leaf, const char *name);	/* its text, NULL when it has none in clear */
extern bool sc_leaf_has_digest(const ScLeaf *leaf, const char *name);
/* whether `text` is the value that the leaf holds in clear or by digest */
extern bool sc_leaf_column_is(const ScLeaf *leaf, const char *name, const char *text, size_t len);
extern bool sc_json_same(const ScJson *a, const ScJson *b);
extern bool sc_evidence_in_table(ScEvidence *evidence, const ScPiece *piece, const char *table);
extern ScMoment sc_piece_moment(const ScPiece *piece);

/* evidence_key.c: key, its certificate, and the signature itself */

/*
 * Appends the bytes of a bytea column: from the leaf, or from the file of that
 * role and number if the leaf has its digest only.  No bytes and success when
 * the column is NULL.
 */
extern bool sc_evidence_bytes(ScEvidence *evidence, const ScPiece *piece, const char *column, ScRole role,
							  const char *missing, ScBuf *out);
extern bool sc_evidence_take_key(ScEvidence *evidence);
extern bool sc_evidence_check_signature(ScEvidence *evidence, bool *good);

/* evidence_cert.c: how the certificate was at the row's time */
extern bool sc_evidence_certificate(ScEvidence *evidence, ScCertificateState *state);

/* evidence_time.c: the earliest time at which somebody outside saw the row */
extern bool sc_evidence_seen(ScEvidence *evidence);

/* evidence_case.c: members, keys, statuses and delegations as a case, judged */
extern bool sc_evidence_rule(ScEvidence *evidence, ScCertificateState certificate);

/* evidence_print.c */
extern void sc_evidence_print(const ScEvidence *evidence, ScVerdict verdict);

#endif							/* SC_BIN_EVIDENCE_H */
