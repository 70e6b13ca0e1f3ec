/*
 * key_directory.c
 *	  The folder of this database's keys and signing memory: where it is, and whether it may be used.
 *
 * Layout: <seoulchain.sign_key_directory>/<database oid>/.  A directory per
 * database: a copy made by CREATE DATABASE ... TEMPLATE must not find the keys
 * of the database it was copied from.
 *
 * Invariant: the directory is outside the data directory with links resolved,
 * owned by the server's user and not writable or readable by others.
 */
#include "postgres.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "seal/key_files.h"
#include "seal/seal.h"

bool
sc_inside_data_directory(const char *path)
{
	char		data[PATH_MAX];
	size_t		len;

	if (DataDir == NULL || realpath(DataDir, data) == NULL)
		return false;
	len = strlen(data);
	return strncmp(path, data, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

bool
sc_key_directory_check(char **newval, void **extra, GucSource source)
{
	char		resolved[PATH_MAX];

	if (*newval == NULL || (*newval)[0] == '\0')
		return true;
	if (!is_absolute_path(*newval))
	{
		GUC_check_errdetail("The directory must be an absolute path.");
		return false;
	}
	if (realpath(*newval, resolved) == NULL)
		return true;			/* not there (yet): complained about at use */
	if (sc_inside_data_directory(resolved))
	{
		GUC_check_errdetail("\"%s\" is inside the data directory, which backups and clones copy.", *newval);
		return false;
	}
	return true;
}

/* errors unless the path is a directory that only the server's user can reach into */
static void
check_directory(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not use key directory \"%s\": %m", path),
				 errhint("Make it, owned by the server's user, with mode 0700.")));
	if (!S_ISDIR(st.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a directory", path),
				 errhint("Set seoulchain.sign_key_directory to a directory.")));
	if (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("key directory \"%s\" is open to others", path),
				 errdetail("Its mode is %04o.", (unsigned int) (st.st_mode & 07777)),
				 errhint("Make it the server user's own: chmod 0700.")));
}

/* the configured directory, links resolved; errors unless it may be used */
static char *
base_directory(void)
{
	char		resolved[PATH_MAX];

	if (sc_sign_key_directory == NULL || sc_sign_key_directory[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("seoulchain.sign_key_directory is not set"),
				 errhint("Set it to a directory outside the data directory, mode 0700, and reload the configuration.")));
	check_directory(sc_sign_key_directory);
	if (realpath(sc_sign_key_directory, resolved) == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not resolve \"%s\": %m", sc_sign_key_directory)));
	if (sc_inside_data_directory(resolved))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key directory \"%s\" is inside the data directory", sc_sign_key_directory),
				 errhint("Keys must not travel with a copy of the cluster: choose a directory outside.")));
	return pstrdup(resolved);
}

char *
sc_key_directory(bool create)
{
	char	   *path = psprintf("%s/%u", base_directory(), MyDatabaseId);

	if (create && mkdir(path, S_IRWXU) != 0 && errno != EEXIST)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not create directory \"%s\": %m", path)));
	if (!create && access(path, F_OK) != 0 && errno == ENOENT)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database's key directory \"%s\" is missing", path),
				 errhint("Bring the node's keys and signing memory back; a copy of a database has none of its own.")));
	check_directory(path);
	return path;
}
