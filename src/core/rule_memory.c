/*
 * rule_memory.c
 *	  State of a rule in memory: for replays, rebuilding and the offline program.
 *
 * A hash table of texts.  Sums are kept as texts too, so that what is read
 * here is byte for byte what the tables hold.
 */
#include <stdlib.h>
#include <string.h>

#include "core/decimal.h"
#include "core/rule.h"

#define SMALL_VALUE 24

struct ScRuleEntry
{
	struct ScRuleEntry *next;
	uint64_t	hash;
	char	   *value;
	size_t		cap;			/* bytes that value has room for */
	char		small[SMALL_VALUE]; /* where a short value stands, beside its key */
	char		key[];
};

#define FIRST_BUCKETS 1024

/* FNV-1a */
static uint64_t
hash_key(const char *key)
{
	uint64_t	hash = UINT64_C(0xcbf29ce484222325);

	for (; *key; key++)
		hash = (hash ^ (unsigned char) *key) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

static void
free_entry(struct ScRuleEntry *entry)
{
	if (entry->value != entry->small)
		free(entry->value);
	free(entry);
}

static struct ScRuleEntry **
find(ScRuleMemory *memory, const char *key, uint64_t hash)
{
	struct ScRuleEntry **place = &memory->buckets[hash & (memory->nbuckets - 1)];

	while (*place && ((*place)->hash != hash || strcmp((*place)->key, key) != 0))
		place = &(*place)->next;
	return place;
}

/* doubles the buckets; without memory for it the chains get longer */
static void
grow(ScRuleMemory *memory)
{
	size_t		n = memory->nbuckets * 2;
	struct ScRuleEntry **buckets = calloc(n, sizeof(*buckets));

	if (buckets == NULL)
		return;
	for (size_t i = 0; i < memory->nbuckets; i++)
	{
		struct ScRuleEntry *entry = memory->buckets[i];

		while (entry)
		{
			struct ScRuleEntry *next = entry->next;

			entry->next = buckets[entry->hash & (n - 1)];
			buckets[entry->hash & (n - 1)] = entry;
			entry = next;
		}
	}
	free(memory->buckets);
	memory->buckets = buckets;
	memory->nbuckets = n;
}

static struct ScRuleEntry *
enter(ScRuleMemory *memory, const char *key)
{
	uint64_t	hash = hash_key(key);
	struct ScRuleEntry **place = find(memory, key, hash);
	size_t		len = strlen(key) + 1;

	if (*place)
		return *place;
	*place = calloc(1, sizeof(struct ScRuleEntry) + len);
	if (*place == NULL)
		return NULL;
	(*place)->hash = hash;
	(*place)->cap = SMALL_VALUE;
	memcpy((*place)->key, key, len);
	return *place;
}

/* gives the entry a value; counts it when that is its first */
static void
set_value(ScRuleMemory *memory, struct ScRuleEntry *entry, const char *value)
{
	size_t		len = strlen(value) + 1;
	bool		fresh = entry && entry->value == NULL;

	if (entry && entry->cap < len)
	{
		char	   *room = realloc(entry->value == entry->small ? NULL : entry->value, len + SMALL_VALUE);

		if (room)
		{
			entry->value = room;
			entry->cap = len + SMALL_VALUE;
		}
	}
	else if (fresh)
		entry->value = entry->small;
	if (entry == NULL || entry->cap < len)
	{
		memory->store.failed = true;
		return;
	}
	memcpy(entry->value, value, len);
	if (fresh && ++memory->count > memory->nbuckets)
		grow(memory);
}

static void
memory_lock(ScRuleStore *store, const char *key)
{
	(void) store;
	(void) key;
}

static const char *
memory_get(ScRuleStore *store, const char *key)
{
	ScRuleMemory *memory = (ScRuleMemory *) store;
	struct ScRuleEntry *entry = *find(memory, key, hash_key(key));

	return entry ? entry->value : NULL;
}

static void
memory_put(ScRuleStore *store, const char *key, const char *value)
{
	ScRuleMemory *memory = (ScRuleMemory *) store;

	set_value(memory, enter(memory, key), value);
}

static void
memory_add(ScRuleStore *store, const char *key, const char *amount)
{
	ScRuleMemory *memory = (ScRuleMemory *) store;
	struct ScRuleEntry *entry = enter(memory, key);

	sc_buf_reset(&memory->sum);
	sc_decimal_add(&memory->sum, entry && entry->value ? entry->value : "0", amount);
	if (sc_buf_cstr(&memory->sum) == NULL)
		store->failed = true;
	else
		set_value(memory, entry, memory->sum.data);
}

bool
sc_rule_memory_init(ScRuleMemory *memory)
{
	*memory = (ScRuleMemory) {
		.store = {memory_lock, memory_get, memory_put, memory_add, NULL, false},
		.nbuckets = FIRST_BUCKETS,
		.buckets = calloc(FIRST_BUCKETS, sizeof(struct ScRuleEntry *)),
		.sum = SC_BUF_INIT
	};
	return memory->buckets != NULL;
}

void
sc_rule_memory_free(ScRuleMemory *memory)
{
	for (size_t i = 0; memory->buckets && i < memory->nbuckets; i++)
	{
		struct ScRuleEntry *entry = memory->buckets[i];

		while (entry)
		{
			struct ScRuleEntry *next = entry->next;

			free_entry(entry);
			entry = next;
		}
	}
	free(memory->buckets);
	memory->buckets = NULL;
	memory->count = 0;
	sc_buf_free(&memory->sum);
}

bool
sc_rule_memory_next(ScRuleMemory *memory, ScRuleCursor *cursor, const char **key, const char **value)
{
	cursor->entry = cursor->entry ? cursor->entry->next : memory->buckets[cursor->bucket];
	while (cursor->entry == NULL && ++cursor->bucket < memory->nbuckets)
		cursor->entry = memory->buckets[cursor->bucket];
	if (cursor->entry == NULL)
		return false;
	*key = cursor->entry->key;
	*value = cursor->entry->value;
	return true;
}

void
sc_rule_memory_remove(ScRuleMemory *memory, const char *key)
{
	struct ScRuleEntry **place = find(memory, key, hash_key(key));
	struct ScRuleEntry *entry = *place;

	if (entry == NULL)
		return;
	*place = entry->next;
	free_entry(entry);
	memory->count--;
}
