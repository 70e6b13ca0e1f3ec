/*
 * file.c
 *	  Small private files: keys, and the memory of what was signed.
 *
 * A file is written under another name, fsynced, and given its name by link
 * (which refuses to replace) or rename; then the folder is fsynced.  So a
 * crash leaves the old file or the new one, never half of one.
 *
 * Effects: files beside `path` named "<path>.new.<pid>" exist for a moment; one
 * that a crash left behind is harmless and is removed by the next writer that
 * happens to have the same pid.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sign/file.h"

#define PRIVATE_MODE 0600
#define ALL_MODE_BITS 07777

/* closes without touching errno */
static void
close_quietly(int fd)
{
	int			saved = errno;

	close(fd);
	errno = saved;
}

/* SC_OK when the open file is private */
static ScStatus
check_private(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return SC_IO;
	if (!S_ISREG(st.st_mode))
	{
		errno = EINVAL;
		return SC_IO;
	}
	if (st.st_uid != geteuid() || (st.st_mode & ALL_MODE_BITS & ~PRIVATE_MODE) != 0)
		return SC_LAX_MODE;
	return SC_OK;
}

/* appends everything that can be read from fd */
static ScStatus
read_all(ScBuf *buf, int fd, size_t max)
{
	size_t		start = buf->len;

	for (;;)
	{
		ssize_t		n;

		if (buf->len - start > max)
			return SC_TOO_LARGE;
		if (!sc_buf_reserve(buf, SC_FILE_CHUNK))
			return SC_NO_MEMORY;
		n = read(fd, buf->data + buf->len, buf->cap - buf->len);
		if (n == 0)
			return SC_OK;
		if (n > 0)
			buf->len += (size_t) n;
		else if (errno != EINTR)
			return SC_IO;
	}
}

ScStatus
sc_file_read(ScBuf *buf, const char *path, size_t max)
{
	/* O_NONBLOCK: opening a pipe that somebody put there must not hang */
	int			fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	ScStatus	status;

	if (fd < 0)
		return SC_IO;
	status = check_private(fd);
	if (status == SC_OK)
		status = read_all(buf, fd, max);
	close_quietly(fd);
	return status;
}

/* writes all of data and fsyncs */
static bool
write_all(int fd, const char *data, size_t len)
{
	while (len > 0)
	{
		ssize_t		n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t) n;
	}
	return fsync(fd) == 0;
}

/* opens the folder that holds path, or -1 */
static int
open_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t		len = slash ? (size_t) (slash - path) : 0;
	char	   *folder;
	int			fd;

	if (slash == NULL)
		return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (len == 0)
		len = 1;
	folder = strndup(path, len);
	if (folder == NULL)
		return -1;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	return fd;
}

static bool
sync_folder(const char *path)
{
	int			fd = open_folder(path);
	bool		ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close_quietly(fd);
	return ok;
}

/* writes a private file beside path; its name goes to *temp (malloc'd) */
static ScStatus
write_temporary(char **temp, const char *path, const void *data, size_t len)
{
	ScBuf		name = SC_BUF_INIT;
	bool		ok;
	int			fd;

	sc_buf_string(&name, path);
	sc_buf_literal(&name, ".new.");
	sc_buf_uint64(&name, (uint64_t) getpid());
	if (sc_buf_cstr(&name) == NULL)
	{
		sc_buf_free(&name);
		return SC_NO_MEMORY;
	}
	unlink(name.data);
	fd = open(name.data, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, PRIVATE_MODE);
	if (fd < 0)
	{
		sc_buf_free(&name);
		return SC_IO;
	}
	ok = fchmod(fd, PRIVATE_MODE) == 0 && write_all(fd, data, len);
	close_quietly(fd);
	*temp = name.data;
	return ok ? SC_OK : SC_IO;
}

/* removes the temporary file and forgets its name */
static void
drop_temporary(char *temp)
{
	int			saved = errno;

	if (temp)
		unlink(temp);
	free(temp);
	errno = saved;
}

ScStatus
sc_file_create(const char *path, const void *data, size_t len)
{
	char	   *temp = NULL;
	ScStatus	status = write_temporary(&temp, path, data, len);

	if (status == SC_OK && link(temp, path) != 0)
		status = errno == EEXIST ? SC_EXISTS : SC_IO;
	drop_temporary(temp);
	if (status == SC_OK && !sync_folder(path))
		status = SC_IO;
	return status;
}

ScStatus
sc_file_replace(const char *path, const void *data, size_t len)
{
	char	   *temp = NULL;
	ScStatus	status = write_temporary(&temp, path, data, len);

	if (status == SC_OK && rename(temp, path) != 0)
		status = SC_IO;
	if (status != SC_OK)
	{
		drop_temporary(temp);
		return status;
	}
	free(temp);
	return sync_folder(path) ? SC_OK : SC_IO;
}

ScStatus
sc_file_lock_folder(int *fd, const char *path)
{
	*fd = open_folder(path);
	if (*fd < 0)
		return SC_IO;
	while (flock(*fd, LOCK_EX) != 0)
	{
		if (errno != EINTR)
		{
			close_quietly(*fd);
			return SC_IO;
		}
	}
	return SC_OK;
}
