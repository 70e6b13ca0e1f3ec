/*
 * file.h
 *	  Small private files: read with suspicion, written durably.
 *
 * Private means: a regular file, not reached by a symbolic link, owned by
 * this process's user, mode 0600 or stricter.
 */
#ifndef SC_SIGN_FILE_H
#define SC_SIGN_FILE_H

#include "core/buf.h"
#include "core/status.h"

/* room that reading wants behind what it has read */
#define SC_FILE_CHUNK 1024

/*
 * Appends the file's contents; SC_IO (errno), SC_LAX_MODE, SC_TOO_LARGE (over
 * max bytes), SC_NO_MEMORY.  With max + SC_FILE_CHUNK bytes reserved the
 * buffer does not move, so no copy of a secret is left behind.
 */
extern SC_WARN_UNUSED ScStatus sc_file_read(ScBuf *buf, const char *path, size_t max);

/* makes a file that was not there, whole or not at all; SC_EXISTS, SC_IO */
extern SC_WARN_UNUSED ScStatus sc_file_create(const char *path, const void *data, size_t len);

/* makes or replaces a file by rename; SC_IO */
extern SC_WARN_UNUSED ScStatus sc_file_replace(const char *path, const void *data, size_t len);

/* waits for the lock on the folder that holds path; *fd is closed to unlock it; SC_IO */
extern SC_WARN_UNUSED ScStatus sc_file_lock_folder(int *fd, const char *path);

#endif							/* SC_SIGN_FILE_H */
