/*
 * key_files.c
 *	  The node's key files and signing memory: where they are, and whether they may be used.
 *
 * Layout: <seoulchain.sign_key_directory>/<database oid>/<name>.<type>.key,
 * with '/' in names written '+' (which no name has), and a file `memory`
 * beside them.  A directory per database: a copy made by CREATE DATABASE ...
 * TEMPLATE must not find the keys of the database it was copied from.
 *
 * Invariant: the directory is outside the data directory with links resolved,
 * owned by the server's user and not writable or readable by others.
 *
 * Effects: key files are made with O_EXCL and fsynced by sign/key.c.
 */
#include "postgres.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "ledger/error.h"
#include "miscadmin.h"
#include "seal/key_files.h"
#include "seal/seal.h"
#include "storage/fd.h"

/* is `path` (resolved) the data directory or below it? */
static bool
inside_data_directory(const char *path)
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
	if (inside_data_directory(resolved))
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
	if (inside_data_directory(resolved))
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

/* file of a key; requires a name of create_node or create_chain */
static char *
key_path(const char *directory, const char *name, uint8 type)
{
	char	   *file = pstrdup(name);

	for (char *p = file; *p; p++)
		if (*p == '/')
			*p = '+';
	return psprintf("%s/%s.%s.key", directory, file, type == SC_KEY_COSIGNATURE ? "cosigner" : "log");
}

void
sc_key_file_load(ScSigningKey *out, const char *name, uint8 type)
{
	char	   *path = key_path(sc_key_directory(false), name, type);
	char	   *what = psprintf("key file \"%s\"", path);
	ScStatus	status = sc_key_load(out, path);

	if (status == SC_IO && errno == ENOENT)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("key file \"%s\" is missing", path),
				 errhint("Bring the node's key directory back; keys cannot be made again.")));
	if (status == SC_LAX_MODE)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("key file \"%s\" is open to others", path),
				 errhint("Take it away from group and others: chmod 0600.")));
	sc_status_report(status, what);
	if (strcmp(out->public.name, name) != 0 || out->public.type != type)
	{
		sc_key_wipe(out);
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("key file \"%s\" holds another key", path),
				 errdetail("Its name is \"%s\".", out->public.name)));
	}
}

/* a key that was found must never have signed: it could belong to another chain */
static void
check_unused(const char *name)
{
	ScSigned	entry;

	if (sc_memory_load(&entry, name))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("the key of \"%s\" has been used before", name),
				 errdetail("It signed a tree of %llu leaves.", (unsigned long long) entry.last.size),
				 errhint("Choose another name: one key must not sign two histories.")));
}

/* the same file in the folder of another database, palloc'd, or NULL */
static char *
find_elsewhere(const char *directory, const char *path)
{
	const char *file = path + strlen(directory);
	char	   *base = pnstrdup(directory, strrchr(directory, '/') - directory);
	char	   *result = NULL;
	DIR		   *dir = AllocateDir(base);
	struct dirent *entry;

	while (result == NULL && (entry = ReadDir(dir, base)) != NULL)
	{
		char	   *other = psprintf("%s/%s%s", base, entry->d_name, file);

		if (entry->d_name[0] != '.' && strcmp(other, path) != 0 && access(other, F_OK) == 0)
			result = other;
	}
	FreeDir(dir);
	return result;
}

/* a new key must not bear a name that another database of this server signs under */
static void
check_unique(const char *directory, const char *path, const char *name)
{
	char	   *other = access(path, F_OK) == 0 ? NULL : find_elsewhere(directory, path);

	if (other != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("another database has a key of the name \"%s\"", name),
				 errdetail("It is \"%s\".", other),
				 errhint("Choose another name for this node. If that database is gone for good, move its folder away.")));
}

char *
sc_key_file_make(const char *name, uint8 type)
{
	char	   *directory = sc_key_directory(true);
	char	   *path = key_path(directory, name, type);
	char	   *what = psprintf("key file \"%s\"", path);
	ScSigningKey key;
	ScStatus	status;
	ScBuf		text = SC_BUF_INIT;
	char	   *result;

	check_unique(directory, path, name);
	status = sc_key_generate(&key, name, type);
	sc_status_report(status, "new key");
	status = sc_key_save(&key, path);
	if (status == SC_EXISTS)
	{
		/* an earlier attempt was rolled back, or stopped half-way */
		sc_key_wipe(&key);
		check_unused(name);
		sc_key_file_load(&key, name, type);
	}
	else if (status != SC_OK)
	{
		int			saved_errno = errno;

		sc_key_wipe(&key);
		errno = saved_errno;
		sc_status_report(status, what);
	}
	sc_note_format_key(&text, &key.public);
	sc_key_wipe(&key);
	result = text.failed ? NULL : pnstrdup(text.data, text.len);
	sc_buf_free(&text);
	if (result == NULL)
		sc_status_report(SC_NO_MEMORY, "new key");
	return result;
}

/* file of the signing memory */
static char *
memory_path(bool create)
{
	return psprintf("%s/memory", sc_key_directory(create));
}

bool
sc_memory_load(ScSigned *out, const char *origin)
{
	bool		found = false;
	char	   *path = memory_path(false);
	char	   *what = psprintf("signing memory \"%s\"", path);

	sc_status_report(sc_memory_read(out, &found, path, origin), what);
	return found;
}

void
sc_memory_store(const ScSigned *before, const ScSigned *entry)
{
	char	   *path = memory_path(false);
	char	   *what = psprintf("signing memory \"%s\"", path);
	ScStatus	status = sc_memory_advance(path, before, entry);

	if (status == SC_MISMATCH)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("another server has signed for \"%s\" meanwhile", entry->last.origin),
				 errdetail("\"%s\" was written after this server read it.", path),
				 errhint("Only one server may go on with a chain: stop the other one.")));
	sc_status_report(status, what);
}

char *
sc_memory_text(const ScSigned *entry, bool found)
{
	ScBuf		text = SC_BUF_INIT;
	char	   *result;

	if (!found)
		return pstrdup("none");
	sc_buf_uint64(&text, entry->last.size);
	sc_buf_char(&text, ' ');
	sc_buf_base64(&text, entry->last.root.bytes, SC_HASH_LEN);
	sc_buf_char(&text, ' ');
	sc_buf_uint64(&text, entry->system_identifier);
	sc_buf_char(&text, ' ');
	sc_buf_uint64(&text, entry->timeline);
	result = text.failed ? NULL : pnstrdup(text.data, text.len);
	sc_buf_free(&text);
	if (result == NULL)
		sc_status_report(SC_NO_MEMORY, "signing memory");
	return result;
}
