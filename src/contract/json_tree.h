/*
 * json_tree.h
 *	  From jsonb to canonical JSON: scalars become strings, members are sorted.
 *
 * Trees here are palloc'd ScJson nodes: never sc_json_free them.
 */
#ifndef SC_CONTRACT_JSON_TREE_H
#define SC_CONTRACT_JSON_TREE_H

#include "postgres.h"

#include "core/json.h"
#include "utils/jsonb.h"

/*
 * The tree of a jsonb object.  Numbers and booleans become the strings that
 * jsonb writes for them.  Errors (INVALID_PARAMETER_VALUE): another kind of
 * value at the top, a null, brackets more than SC_JSON_DEPTH deep.
 */
extern ScJson *sc_tree_from_jsonb(Jsonb *jsonb);

/* puts a member into an object at its place; it must not be there yet */
extern void sc_tree_add(ScJson *object, const char *key, ScJson *value);

extern ScJson *sc_tree_string(const char *string);
extern ScJson *sc_tree_object(void);

/* appends the canonical text of a tree or of parsed JSON */
extern void sc_tree_write(ScBuf *buf, const ScJson *json);

/* the member's string, or NULL when it is not there or no string */
extern const char *sc_tree_text(const ScJson *object, const char *key);

#endif							/* SC_CONTRACT_JSON_TREE_H */
