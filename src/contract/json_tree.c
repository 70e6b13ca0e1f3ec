/*
 * json_tree.c
 *	  From jsonb to canonical JSON: scalars become strings, members are sorted.
 *
 * Invariant: one value has one text, whatever way it was written in: jsonb has
 * dropped white space, repeats and the order of members already.
 * Context: palloc in the current memory context.
 */
#include "postgres.h"

#include "contract/json_tree.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

static ScJson *read_value(JsonbIterator **it, JsonbIteratorToken token, const JsonbValue *value, int depth);

static ScJson *
new_node(ScJsonKind kind)
{
	ScJson	   *node = palloc0(sizeof(ScJson));

	node->kind = kind;
	return node;
}

ScJson *
sc_tree_object(void)
{
	return new_node(SC_JSON_OBJECT);
}

ScJson *
sc_tree_string(const char *string)
{
	ScJson	   *node = new_node(SC_JSON_STRING);

	node->string = pstrdup(string);
	node->len = strlen(string);
	return node;
}

void
sc_tree_add(ScJson *object, const char *key, ScJson *value)
{
	ScJson	  **place = &object->first;

	value->key = pstrdup(key);
	value->keylen = strlen(key);
	while (*place && sc_json_compare_keys((*place)->key, (*place)->keylen, value->key, value->keylen) < 0)
		place = &(*place)->next;
	value->next = *place;
	*place = value;
}

/* a scalar as a string */
static ScJson *
read_scalar(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return sc_tree_string(pnstrdup(value->val.string.val, value->val.string.len));
		case jbvNumeric:
			return sc_tree_string(DatumGetCString(DirectFunctionCall1(numeric_out,
																	   NumericGetDatum(value->val.numeric))));
		case jbvBool:
			return sc_tree_string(value->val.boolean ? "true" : "false");
		default:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a contract's definition holds no null"),
					 errhint("Leave the member out.")));
	}
}

static ScJson *
read_object(JsonbIterator **it, int depth)
{
	ScJson	   *object = sc_tree_object();
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(it, &value, false)) != WJB_END_OBJECT)
	{
		char	   *key = pnstrdup(value.val.string.val, value.val.string.len);

		Assert(token == WJB_KEY);
		token = JsonbIteratorNext(it, &value, false);
		sc_tree_add(object, key, read_value(it, token, &value, depth));
	}
	return object;
}

static ScJson *
read_array(JsonbIterator **it, int depth)
{
	ScJson	   *array = new_node(SC_JSON_ARRAY);
	ScJson	  **end = &array->first;
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(it, &value, false)) != WJB_END_ARRAY)
	{
		*end = read_value(it, token, &value, depth);
		end = &(*end)->next;
	}
	return array;
}

static ScJson *
read_value(JsonbIterator **it, JsonbIteratorToken token, const JsonbValue *value, int depth)
{
	if (token != WJB_BEGIN_OBJECT && token != WJB_BEGIN_ARRAY)
		return read_scalar(value);
	if (depth == SC_JSON_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a contract's definition has brackets at most %d deep", SC_JSON_DEPTH)));
	return token == WJB_BEGIN_OBJECT ? read_object(it, depth + 1) : read_array(it, depth + 1);
}

ScJson *
sc_tree_from_jsonb(Jsonb *jsonb)
{
	JsonbIterator *it;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a contract's definition is a JSON object"),
				 errhint("{\"contract\":..., \"ordinance\":{...}, \"tables\":[...]}: docs/contract.md has an example.")));
	it = JsonbIteratorInit(&jsonb->root);
	return read_value(&it, JsonbIteratorNext(&it, &value, false), &value, 0);
}

void
sc_tree_write(ScBuf *buf, const ScJson *json)
{
	if (json->kind == SC_JSON_STRING)
	{
		sc_json_string(buf, json->string, json->len);
		return;
	}
	sc_buf_char(buf, json->kind == SC_JSON_OBJECT ? '{' : '[');
	for (const ScJson *child = json->first; child; child = child->next)
	{
		if (child != json->first)
			sc_buf_char(buf, ',');
		if (json->kind == SC_JSON_OBJECT)
		{
			sc_json_string(buf, child->key, child->keylen);
			sc_buf_char(buf, ':');
		}
		sc_tree_write(buf, child);
	}
	sc_buf_char(buf, json->kind == SC_JSON_OBJECT ? '}' : ']');
}

const char *
sc_tree_text(const ScJson *object, const char *key)
{
	const ScJson *member = sc_json_member(object, key);

	return member && member->kind == SC_JSON_STRING ? member->string : NULL;
}
