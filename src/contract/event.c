/*
 * event.c
 *	  Events of type contract: what the chain is told of a contract's life.
 *
 * Invariant: texts are canonical JSON and depend on no setting.
 * Context: a transaction; palloc in the current memory context.
 * Effects: sc_contract_event_record() takes a ledger_seq and writes a leaf.
 */
#include "postgres.h"

#include "contract/event.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/json_tree.h"
#include "contract/memory.h"
#include "contract/rules.h"
#include "core/hash.h"
#include "core/instant.h"
#include "ledger/journal.h"
#include "ledger/ledger_time.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "storage/fd.h"
#include "utils/builtins.h"

ScJson *
sc_contract_event(const char *action, const char *contract, int32 version)
{
	ScJson	   *event = sc_tree_object();

	sc_tree_add(event, "action", sc_tree_string(action));
	sc_tree_add(event, "contract", sc_tree_string(contract));
	sc_tree_add(event, "type", sc_tree_string("contract"));
	sc_tree_add(event, "version", sc_tree_string(psprintf("%d", version)));
	return event;
}

static int
compare_rules(const ListCell *a, const ListCell *b)
{
	return strcmp(((const ScRule *) lfirst(a))->name, ((const ScRule *) lfirst(b))->name);
}

ScJson *
sc_contract_event_rules(const ScBound *bound)
{
	ScJson	   *array = sc_tree_object();
	ScJson	  **end = &array->first;
	List	   *rules = NIL;
	ListCell   *cell;
	ListCell   *rule_cell;

	array->kind = SC_JSON_ARRAY;
	foreach(cell, bound->tables)
		foreach(rule_cell, ((ScBoundTable *) lfirst(cell))->rules)
			rules = list_append_unique_ptr(rules, unconstify(ScRule *, ((ScBoundRule *) lfirst(rule_cell))->rule));
	list_sort(rules, compare_rules);
	foreach(cell, rules)
	{
		const ScRule *rule = lfirst(cell);
		ScJson	   *object = sc_tree_object();

		sc_tree_add(object, "digest", sc_tree_string(rule->source_digest));
		sc_tree_add(object, "name", sc_tree_string(rule->name));
		sc_tree_add(object, "version", sc_tree_string(rule->version));
		*end = object;
		end = &object->next;
	}
	return array;
}

/* all of a file; errors when it cannot be read */
static char *
read_file(const char *path, size_t *len)
{
	int			fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	struct stat st;
	char	   *data;
	ssize_t		got;

	if (fd < 0 || fstat(fd, &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", path)));
	data = palloc_extended(st.st_size + 1, MCXT_ALLOC_HUGE);
	for (*len = 0; *len < (size_t) st.st_size; *len += got)
	{
		got = read(fd, data + *len, st.st_size - *len);
		if (got <= 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read file \"%s\": %m", path)));
	}
	CloseTransientFile(fd);
	return data;
}

/* the library's file as the server finds it: in its own folder, unless the name is a path */
static char *
library_path(const char *library)
{
	const char *suffix = strlen(library) > strlen(DLSUFFIX) &&
		strcmp(library + strlen(library) - strlen(DLSUFFIX), DLSUFFIX) == 0 ? "" : DLSUFFIX;

	if (strncmp(library, "$libdir/", strlen("$libdir/")) == 0)
		library += strlen("$libdir/");
	return library[0] == '/' ? psprintf("%s%s", library, suffix) : psprintf("%s/%s%s", pkglib_path, library, suffix);
}

/* {"file":..,"sha256":..} */
static ScJson *
library_object(const char *path)
{
	ScJson	   *object = sc_tree_object();
	ScBuf	   *hex = sc_context_buf();
	ScHash		hash;
	size_t		len;
	char	   *data = read_file(path, &len);

	sc_hash_bytes(&hash, data, len);
	pfree(data);
	sc_buf_hex(hex, hash.bytes, sizeof(hash.bytes));
	sc_tree_add(object, "file", sc_tree_string(last_dir_separator(path) + 1));
	sc_tree_add(object, "sha256", sc_tree_string(sc_buf_copy(hex)));
	return object;
}

/* the library that a rule comes from, or NULL */
static const char *
library_of(const ScRule *rule)
{
	ListCell   *cell;

	foreach(cell, sc_rule_all())
	{
		const ScNodeRule *entry = lfirst(cell);

		if (entry->rule == rule)
			return entry->library;
	}
	return NULL;
}

ScJson *
sc_contract_event_libraries(const ScBound *bound)
{
	ScJson	   *array = sc_tree_object();
	ScJson	  **end = &array->first;
	List	   *libraries = list_make1(makeString("seoulchain"));
	ListCell   *cell;
	ListCell   *rule_cell;

	array->kind = SC_JSON_ARRAY;
	foreach(cell, bound->tables)
		foreach(rule_cell, ((ScBoundTable *) lfirst(cell))->rules)
		{
			const char *library = library_of(((ScBoundRule *) lfirst(rule_cell))->rule);

			if (library != NULL)
				libraries = list_append_unique(libraries, makeString(pstrdup(library)));
		}
	foreach(cell, libraries)
	{
		const char *path = library_path(strVal(lfirst(cell)));

		/* found by dynamic_library_path, somewhere else: it is for the record only */
		if (access(path, R_OK) != 0)
			continue;
		*end = library_object(path);
		end = &(*end)->next;
	}
	return array;
}

ScJson *
sc_contract_event_time(TimestampTz time)
{
	ScBuf	   *text = sc_context_buf();

	sc_instant_write(text, time + SC_UNIX_MICROS);
	return sc_tree_string(sc_buf_copy(text));
}

int64
sc_contract_event_record(const ScChain *chain, const ScJson *event)
{
	ScBuf	   *text = sc_context_buf();

	sc_tree_write(text, event);
	return sc_event_record(chain, SC_TABLE_EVENTS, NULL, text);
}

const ScJson *
sc_contract_event_find(const ScChain *chain, int64 ledger_seq)
{
	char	   *leaf = sc_event_leaf(chain->chain_id, ledger_seq);

	if (leaf == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("event %lld of chain \"%s\" is missing", (long long) ledger_seq, chain->name),
				 errhint("SELECT * FROM seoulchain.verify(); tells what else was changed.")));
	return sc_json_member(sc_context_json(leaf, "event leaf"), "event");
}
