/*
 * verify_timestamp.c
 *	  Whether a timestamp token proves when a file's checkpoint existed.
 *
 * Invariant: a time is printed only when the token is right for exactly this
 * checkpoint's text and an authority whom the user named stands behind it.
 */
#include <stdio.h>

#include "bin/verify.h"

/* reads a file and gives it to `add`; complains when it cannot be used */
static bool
add_file(ScStamp *stamp, const char *path, const char *what,
		 ScCertReason (*add) (ScAuthorities *authorities, const void *data, size_t len))
{
	ScBuf		data = SC_BUF_INIT;
	ScCertReason reason;
	bool		ok;

	if (stamp->authorities == NULL)
		stamp->authorities = sc_authorities_new();
	ok = stamp->authorities != NULL && sc_file_slurp(&data, path);
	if (ok)
	{
		reason = add(stamp->authorities, data.data, data.len);
		ok = reason == SC_CERT_OK;
		if (!ok)
			fprintf(stderr, "seoulchain-verify: cannot use %s as %s: %s\n", path, what, sc_cert_reason_text(reason));
	}
	sc_buf_free(&data);
	return ok;
}

bool
sc_stamp_add_authority(ScStamp *stamp, const char *path)
{
	stamp->has_authority = true;
	return add_file(stamp, path, "authority", sc_authorities_add_bundle);
}

bool
sc_stamp_add_crl(ScStamp *stamp, const char *path)
{
	return add_file(stamp, path, "revocation list", sc_authorities_add_crl);
}

/* the time, how exact it is, and who says so */
static void
print_stamp(const ScFile *file, const ScTimestamp *found)
{
	const ScCertJudgement *authority = &found->authority;

	fputs("    chain          ", stdout);
	sc_print_text(file->checkpoint.origin, strlen(file->checkpoint.origin));
	printf("\n    tree size      %llu leaves\n", (unsigned long long) file->checkpoint.size);
	sc_print_hash("root hash", &file->checkpoint.root);
	fputs("    existed by     ", stdout);
	sc_print_time((uint64_t) found->seconds);
	if (found->micros != 0)
		printf(" and %06d microseconds", (int) found->micros);
	if (found->accuracy >= 0)
		printf(", give or take %lld.%06lld seconds", (long long) (found->accuracy / 1000000),
			   (long long) (found->accuracy % 1000000));
	fputs("\n    says           ", stdout);
	sc_print_text(authority->subject, strlen(authority->subject));
	fputs("\n    vouched by     ", stdout);
	sc_print_text(authority->issuer, strlen(authority->issuer));
	putchar('\n');
	sc_print_hash("authority", &authority->authority);
	if (!authority->crls_current)
		puts("  No revocation list of that time was given, so a certificate that was revoked would not be noticed.");
}

/* why a token proves nothing */
static ScVerdict
refuse(const char *path, ScTimeReason reason, const ScTimestamp *found)
{
	bool		unknown = reason == SC_TIME_AUTHORITY && found->authority.reason == SC_CERT_UNKNOWN_AUTHORITY;

	printf("%s: %s\n  The timestamp proves nothing: %s", path, unknown ? "NOBODY VOUCHES" : "NOT TRUE", sc_time_reason_text(reason));
	if (reason == SC_TIME_AUTHORITY)
		printf(" (%s)", sc_cert_reason_text(found->authority.reason));
	puts(".");
	return unknown ? SC_UNVOUCHED : SC_REFUTED;
}

ScVerdict
sc_verify_timestamp(const ScFile *file, const ScStamp *stamp)
{
	ScBuf		token = SC_BUF_INIT;
	ScTimestamp found;
	ScTimeReason reason;
	ScVerdict	verdict = SC_VERIFIED;

	if (!file->has_checkpoint || file->verdict == SC_REFUTED)
	{
		printf("%s: CANNOT TELL\n  There is no checkpoint that the timestamp could be about.\n", stamp->path);
		return SC_UNUSABLE;
	}
	if (!sc_file_slurp(&token, stamp->path))
	{
		sc_buf_free(&token);
		return SC_UNUSABLE;
	}
	reason = sc_timestamp_verify(&found, stamp->authorities, token.data, token.len,
								 file->note.text, file->note.textlen, NULL, 0);
	if (reason == SC_TIME_OK && found.seconds >= 0)
	{
		printf("%s: VERIFIED\n  The checkpoint existed at this time at the latest, says an authority that you named:\n", stamp->path);
		print_stamp(file, &found);
	}
	else if (reason == SC_TIME_NO_MEMORY)
		verdict = SC_UNUSABLE;
	else
		verdict = refuse(stamp->path, reason == SC_TIME_OK ? SC_TIME_UNSUPPORTED : reason, &found);
	sc_buf_free(&token);
	return verdict;
}
