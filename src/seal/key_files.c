/*
 * key_files.c
 *	  The node's key files: which file a key is in, and whether it may be used.
 *
 * Layout: <name>.<role>.key for the first key of a name, <name>.<key
 * id>.<role>.key for those that came by a rotation, with '/' in names written
 * '+' (which no name has), in the database's folder (key_directory.c).  A key
 * is looked for by its verifier key, which the registry has; what is found
 * under the file's name must be that key.
 *
 * Invariant: no key of this server stands under two names.  The id of an ECDSA
 * key does not depend on its name, so its signatures could be shown as either.
 * Locks: the folder of all folders while that is looked at and a key is kept,
 * since each database has a worker of its own.
 *
 * Effects: key files are made with O_EXCL and fsynced by sign/key.c; none is
 * ever replaced or removed.
 */
#include "postgres.h"

#include <unistd.h>

#include "core/buf.h"
#include "ledger/error.h"
#include "ledger/settings.h"
#include "seal/key_files.h"
#include "sign/file.h"
#include "sign/rotation.h"
#include "storage/fd.h"

#define SC_KEY_SUFFIX ".key"

/* file of a key; requires a name of create_node or create_chain; id NULL for the name's first key */
static char *
key_path(const char *directory, ScKeyRole role, const char *name, const uint8 *id)
{
	char	   *file = pstrdup(name);
	char		middle[2 * SC_KEY_ID_LEN + 2] = "";
	static const char *const roles[] = {
		[SC_ROLE_LOG] = "log", [SC_ROLE_COSIGNER] = "cosigner", [SC_ROLE_WITNESS] = "witness"
	};

	for (char *p = file; *p; p++)
		if (*p == '/')
			*p = '+';
	if (id != NULL)
		snprintf(middle, sizeof(middle), ".%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
	return psprintf("%s/%s%s.%s" SC_KEY_SUFFIX, directory, file, middle, roles[role]);
}

char *
sc_key_text(const ScVerifierKey *key)
{
	ScBuf		buf = SC_BUF_INIT;
	char	   *result;

	sc_note_format_key(&buf, key);
	result = buf.failed ? NULL : pnstrdup(buf.data, buf.len);
	sc_buf_free(&buf);
	if (result == NULL)
		sc_status_report(SC_NO_MEMORY, "verifier key");
	return result;
}

void
sc_key_parse(ScVerifierKey *out, const char *text)
{
	if (sc_note_parse_key(out, text, strlen(text)) != SC_OK)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("\"%s\" is no verifier key", text),
				 errhint("Run seoulchain.verify() and repair the registry from a copy.")));
}

/* reads a key file; errors with a hint */
static void
load_key_file(ScSigningKey *out, const char *path)
{
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
}

/* what the key is, in a message */
static char *
describe(const ScSigningKey *key)
{
	return psprintf("It is the %s key \"%s\"%s.", sc_profile_note_algorithm(key->public.type), key->public.name,
					key->uri[0] != '\0' ? " in hardware" : "");
}

/* is it the key that is wanted, name and type too? */
static bool
is_wanted(const ScSigningKey *key, const ScVerifierKey *wanted)
{
	return strcmp(key->public.name, wanted->name) == 0 && key->public.type == wanted->type &&
		sc_rotation_same_key(&key->public, wanted);
}

void
sc_key_file_load(ScSigningKey *out, ScKeyRole role, const ScVerifierKey *wanted)
{
	char	   *directory = sc_key_directory(false);
	char	   *first = key_path(directory, role, wanted->name, NULL);
	char	   *later = key_path(directory, role, wanted->name, wanted->id);
	bool		rotated = access(later, F_OK) == 0 || errno != ENOENT;
	char	   *detail;

	load_key_file(out, rotated ? later : first);
	if (is_wanted(out, wanted))
		return;
	detail = describe(out);
	sc_key_wipe(out);
	if (rotated)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("key file \"%s\" holds another key", later),
				 errdetail_internal("%s", detail),
				 errhint("Bring the node's own key directory back.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("key file \"%s\" is missing, and \"%s\" holds another key", later, first),
			 errdetail_internal("%s", detail),
			 errhint("Bring the node's own key directory back; keys cannot be made again.")));
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

/* the folders of all databases of this server, palloc'd paths */
static List *
list_folders(const char *directory)
{
	char	   *base = pnstrdup(directory, strrchr(directory, '/') - directory);
	List	   *result = NIL;
	DIR		   *dir = AllocateDir(base);
	struct dirent *entry;

	while ((entry = ReadDir(dir, base)) != NULL)
		if (entry->d_name[0] != '.')
			result = lappend(result, psprintf("%s/%s", base, entry->d_name));
	FreeDir(dir);
	return result;
}

/* a new key must not bear a name that another database of this server signs under */
static void
check_name_unique(const char *directory, const char *path, const char *name)
{
	const char *file = path + strlen(directory);
	ListCell   *lc;

	if (access(path, F_OK) == 0)
		return;
	foreach(lc, list_folders(directory))
	{
		char	   *other = psprintf("%s%s", (char *) lfirst(lc), file);

		if (access(other, F_OK) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("another database has a key of the name \"%s\"", name),
					 errdetail("It is \"%s\".", other),
					 errhint("Choose another name for this node. If that database is gone for good, move its folder away.")));
	}
}

/* errors when a key file of the folder, other than `path`, holds the key */
static void
check_folder(const char *folder, const char *path, const ScVerifierKey *key)
{
	DIR		   *dir = AllocateDir(folder);
	struct dirent *entry;

	while ((entry = ReadDirExtended(dir, folder, DEBUG1)) != NULL)
	{
		size_t		len = strlen(entry->d_name);
		char	   *other = psprintf("%s/%s", folder, entry->d_name);
		ScSigningKey found;
		bool		same;

		if (len <= strlen(SC_KEY_SUFFIX) || strcmp(entry->d_name + len - strlen(SC_KEY_SUFFIX), SC_KEY_SUFFIX) != 0 ||
			strcmp(other, path) == 0 || sc_key_load(&found, other) != SC_OK)
			continue;
		same = sc_rotation_same_key(&found.public, key);
		sc_key_wipe(&found);
		if (same)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("this key is the one in key file \"%s\" already", other),
					 errdetail("A key serves one name and one meaning."),
					 errhint("Make another key in the token. If that file is left over from an attempt that was rolled back, move it away.")));
	}
	FreeDir(dir);
}

/* a key that was not made just now must not be another name's, or this one's from before */
static void
check_key_unique(const char *directory, const char *path, const ScVerifierKey *key)
{
	ListCell   *lc;

	foreach(lc, list_folders(directory))
		check_folder(lfirst(lc), path, key);
}

/* a new key, random or the one that the URI names */
static void
new_key(ScSigningKey *out, ScKeyRole role, const char *name, const char *uri)
{
	uint8		type = sc_profile_note_type(sc_sign_profile(), role == SC_ROLE_LOG ? SC_KEY_ED25519 : SC_KEY_COSIGNATURE);

	if (uri[0] != '\0')
		sc_hardware_key_find(out, name, uri);
	else
		sc_status_report(sc_key_generate(out, name, type), "new key");
}

/* the key of an attempt before, which was rolled back or stopped half-way: is it what is wanted now? */
static void
use_left_key(ScSigningKey *key, const char *path, const char *uri)
{
	ScVerifierKey wanted = key->public;

	sc_key_wipe(key);
	load_key_file(key, path);
	if (strcmp(key->public.name, wanted.name) != 0 || key->public.type != wanted.type || strcmp(key->uri, uri) != 0 ||
		(uri[0] != '\0' && !sc_rotation_same_key(&key->public, &wanted)))
	{
		char	   *detail = describe(key);

		sc_key_wipe(key);
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("key file \"%s\" holds another key", path),
				 errdetail_internal("%s", detail),
				 errhint("If it is left over from an attempt that was rolled back, move it away.")));
	}
}

/* saves the key, or takes the one of an attempt before; its verifier key */
static char *
keep_key(ScSigningKey *key, const char *path, const char *uri)
{
	char	   *what = psprintf("key file \"%s\"", path);
	ScStatus	status = sc_key_save(key, path);
	char	   *result;

	if (status == SC_EXISTS)
		use_left_key(key, path, uri);
	else if (status != SC_OK)
	{
		int			saved_errno = errno;

		sc_key_wipe(key);
		errno = saved_errno;
		sc_status_report(status, what);
	}
	result = sc_key_text(&key->public);
	sc_key_wipe(key);
	return result;
}

/*
 * Keeps the key under the path unless it, or for a name's first key the name,
 * is another's.  Other workers of this server wait meanwhile; the token was
 * asked before.
 */
static char *
keep_unique(ScSigningKey *key, const char *directory, const char *path, const char *uri, bool first)
{
	char	   *volatile result = NULL;
	int			lock;

	if (sc_file_lock_folder(&lock, directory) != SC_OK)
	{
		sc_key_wipe(key);
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not lock the folder that holds \"%s\"", directory)));
	}
	PG_TRY();
	{
		if (first)
			check_name_unique(directory, path, key->public.name);
		if (first && access(path, F_OK) == 0)
			check_unused(key->public.name);
		if (uri[0] != '\0')
			check_key_unique(directory, path, &key->public);
		result = keep_key(key, path, uri);
	}
	PG_FINALLY();
	{
		sc_key_wipe(key);
		close(lock);
	}
	PG_END_TRY();
	return result;
}

char *
sc_key_file_make(ScKeyRole role, const char *name, const char *uri)
{
	char	   *directory = sc_key_directory(true);
	char	   *path = key_path(directory, role, name, NULL);
	ScSigningKey key;

	new_key(&key, role, name, uri);
	return keep_unique(&key, directory, path, uri, true);
}

char *
sc_key_file_make_next(ScKeyRole role, const char *name, const char *uri)
{
	char	   *directory = sc_key_directory(false);
	ScSigningKey key;

	new_key(&key, role, name, uri);
	return keep_unique(&key, directory, key_path(directory, role, name, key.public.id), uri, false);
}
