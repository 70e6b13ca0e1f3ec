/*
 * json.h
 *	  RFC 8785 canonical JSON (JCS) without numbers: writing leaves, reading them back.
 *
 * A leaf (docs/format.md) holds objects, arrays and strings only, so JCS's
 * number rules never apply.  Writers put members in order themselves:
 * sc_json_compare_keys gives that order (UTF-16 code units).
 */
#ifndef SC_CORE_JSON_H
#define SC_CORE_JSON_H

#include "core/buf.h"
#include "core/status.h"

/* the most bytes a leaf may have: a tile entry's length is a uint16 */
#define SC_LEAF_MAX 65535

/* texts of more bytes than this stand under "digests", not "columns" */
#define SC_LEAF_LONG_VALUE 1024

/* appends "s" quoted and escaped; s is valid UTF-8, not checked here */
extern void sc_json_string(ScBuf *buf, const char *s, size_t len);

/* order of two UTF-8 keys as JCS sorts them: by UTF-16 code units; <0, 0, >0 */
extern int	sc_json_compare_keys(const char *a, size_t alen, const char *b, size_t blen);

typedef enum ScJsonKind
{
	SC_JSON_STRING,
	SC_JSON_ARRAY,
	SC_JSON_OBJECT
} ScJsonKind;

typedef struct ScJson
{
	ScJsonKind	kind;
	char	   *key;			/* member name in an object, else NULL; UTF-8, NUL-terminated */
	size_t		keylen;
	char	   *string;			/* SC_JSON_STRING: unescaped UTF-8 */
	size_t		len;
	struct ScJson *first;		/* children, in order */
	struct ScJson *next;
} ScJson;

/*
 * Parses text that must be canonical as above: UTF-8, no white space, sorted
 * members without repeats, shortest escapes, at most `SC_JSON_DEPTH` deep.
 * On SC_OK the caller frees *out with sc_json_free.
 */
#define SC_JSON_DEPTH 8
extern SC_WARN_UNUSED ScStatus sc_json_parse(ScJson **out, const char *text, size_t len);
extern void sc_json_free(ScJson *json);

/* the member `key` of an object, or NULL */
extern const ScJson *sc_json_member(const ScJson *object, const char *key);

/* how many members an object has, or elements an array */
extern int	sc_json_count(const ScJson *object);

#endif							/* SC_CORE_JSON_H */
