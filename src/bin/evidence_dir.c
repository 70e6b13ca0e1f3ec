/*
 * evidence_dir.c
 *	  Reading a directory of evidence that a stranger made.
 *
 * Only files whose names mean something are opened, relative to the directory,
 * without following links and without waiting (a pipe would never end); each
 * has a limit.  Anything else behind such a name stops the judging: evidence
 * that cannot be read whole is not judged in part.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bin/evidence.h"

bool
sc_is_directory(const char *path)
{
	struct stat st;

	return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* reads an open regular file of at most `limit` bytes */
static const char *
slurp(ScBuf *buf, int fd, size_t limit)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return "It cannot be read.";
	if (!S_ISREG(st.st_mode))
		return "It is not a regular file.";
	if ((uint64_t) st.st_size > limit)
		return "It is too large to be what its name says.";
	for (;;)
	{
		ssize_t		n;

		if (!sc_buf_reserve(buf, 65536))
			return "There is not enough memory for it.";
		n = read(fd, buf->data + buf->len, buf->cap - buf->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return "It cannot be read.";
		if (n == 0)
			return NULL;
		buf->len += (size_t) n;
		/* it may have grown since */
		if (buf->len > limit)
			return "It is too large to be what its name says.";
	}
}

/* receipts and checkpoints: what shells and editors do to the end of a text is mended */
static bool
mend(ScPiece *piece)
{
	ScBuf		raw = piece->file.text;

	if (!SC_ROLE_IS_RECEIPT(piece->role) && piece->role != SC_ROLE_CHECKPOINT)
		return true;
	piece->file.text = (ScBuf) SC_BUF_INIT;
	sc_note_mend_end(&piece->file.text, raw.data, raw.len);
	sc_buf_free(&raw);
	return !piece->file.text.failed;
}

static bool
read_piece(ScEvidence *evidence, int dir, ScPiece *piece)
{
	int			fd = openat(dir, piece->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *why;

	if (fd < 0)
		return sc_evidence_fail(evidence, SC_UNUSABLE, piece,
								errno == ELOOP ? "It is a symbolic link; evidence consists of regular files." : "It cannot be read.");
	why = slurp(&piece->file.text, fd, sc_evidence_limit(piece->role));
	close(fd);
	if (why)
		return sc_evidence_fail(evidence, SC_UNUSABLE, piece, why);
	return mend(piece) || sc_evidence_fail(evidence, SC_UNUSABLE, piece, "There is not enough memory for it.");
}

/* makes room for one more; the pieces are few and their addresses not yet known to anybody */
static ScPiece *
add_piece(ScEvidence *evidence, const char *name, ScRole role)
{
	ScPiece    *pieces = realloc(evidence->pieces, (size_t) (evidence->npieces + 1) * sizeof(ScPiece));
	ScPiece    *piece;

	if (pieces == NULL)
		return NULL;
	evidence->pieces = pieces;
	piece = &pieces[evidence->npieces++];
	memset(piece, 0, sizeof(*piece));
	strcpy(piece->name, name);
	piece->role = role;
	return piece;
}

static bool
take_name(ScEvidence *evidence, const char *name)
{
	uint64_t	number;
	uint64_t	second;
	ScRole		role = strlen(name) > SC_PIECE_NAME_MAX ? SC_ROLE_NONE : sc_evidence_role(name, &number, &second);
	ScPiece    *piece;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	if (role == SC_ROLE_NONE)
	{
		evidence->nunread++;
		snprintf(evidence->unread, sizeof(evidence->unread), "%s", name);
		return true;
	}
	if (evidence->npieces == SC_PIECES_MAX)
		return sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "There are more than 1,024 files of evidence.");
	piece = add_piece(evidence, name, role);
	if (piece == NULL)
		return sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "There is not enough memory.");
	piece->number = number;
	piece->second = second;
	return true;
}

static int
compare_pieces(const void *a, const void *b)
{
	const ScPiece *x = a;
	const ScPiece *y = b;

	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->second > y->second) - (x->second < y->second);
}

bool
sc_evidence_read(ScEvidence *evidence)
{
	DIR		   *dir = opendir(evidence->path);
	struct dirent *entry;
	bool		ok = true;

	if (dir == NULL)
		return sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "The directory cannot be read.");
	while (ok && (errno = 0, entry = readdir(dir)) != NULL)
		ok = take_name(evidence, entry->d_name);
	if (ok && errno != 0)
		ok = sc_evidence_fail(evidence, SC_UNUSABLE, NULL, "The directory cannot be read.");
	if (ok && evidence->npieces > 0)
		qsort(evidence->pieces, (size_t) evidence->npieces, sizeof(ScPiece), compare_pieces);
	for (int i = 0; ok && i < evidence->npieces; i++)
	{
		evidence->pieces[i].file.path = evidence->pieces[i].name;
		ok = read_piece(evidence, dirfd(dir), &evidence->pieces[i]);
	}
	closedir(dir);
	return ok;
}
