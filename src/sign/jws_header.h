/*
 * jws_header.h
 *	  The JSON object that a JWS header is: RFC 8259 in full, each name once.
 *
 * core/json.c reads leaves, which have one text each; a header is whatever a
 * JOSE library wrote, so white space, escapes, numbers and nested values must
 * be understood, if only to skip them.
 */
#ifndef SC_SIGN_JWS_HEADER_H
#define SC_SIGN_JWS_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#define SC_JWS_HEADER_MAX 2048	/* bytes of JSON: certificates and keys have no place in it */
#define SC_JWS_HEADER_DEPTH 8
#define SC_JWS_NAMES_MAX 64		/* member names that are open at one time */
#define SC_JWS_TEXT_MAX 255		/* bytes of a string that we use */

typedef enum ScHeaderResult
{
	SC_HEADER_OK = 0,
	SC_HEADER_NOT_JSON,			/* not one JSON object in UTF-8, or too deep */
	SC_HEADER_DUPLICATE,		/* a member name stands twice in one object */
	SC_HEADER_TOO_LARGE			/* over one of the limits above */
} ScHeaderResult;

/* one member of the outermost object */
typedef struct ScHeaderMember
{
	char		name[SC_JWS_TEXT_MAX + 1];	/* unescaped, NUL-terminated; a longer name is cut */
	bool		is_string;
	bool		too_long;		/* a string that does not fit into text */
	char		text[SC_JWS_TEXT_MAX + 1];	/* unescaped */
	size_t		textlen;
} ScHeaderMember;

/* is told of each outermost member in order; after false it is told of no more, the rest is still checked */
typedef bool (*ScHeaderVisitor) (void *state, const ScHeaderMember *member);

extern ScHeaderResult sc_jws_header_read(const char *json, size_t len, ScHeaderVisitor visit, void *state);

#endif							/* SC_SIGN_JWS_HEADER_H */
