/*
 * pkcs11_uri.c
 *	  URIs of keys in hardware: RFC 7512, strictly, and fewer attributes.
 *
 * Invariant: a URI that is accepted holds no secret, names no library and no
 * attribute that an engine might understand otherwise, and consists of
 * characters that stand in a key file's line and a log line as they are.
 */
#include <stdbool.h>
#include <string.h>

#include "core/text.h"
#include "sign/pkcs11_uri.h"

#define SCHEME "pkcs11:"

/* attributes of the path; a query has pin-source alone */
static const char *const attributes[] = {
	"token", "manufacturer", "serial", "model", "object", "id", "type",
};

#define NATTRIBUTES ((int) (sizeof(attributes) / sizeof(attributes[0])))

/* value of a hex digit, or -1 */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* decodes a value; false for characters that RFC 7512 does not allow, a lone percent sign, encoded control characters */
static bool
decode(char *out, const char *value, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]@!$'()*+,=/";

	for (size_t i = 0; i < len; i++)
	{
		if (value[i] != '%')
		{
			if (value[i] == '\0' || strchr(plain, value[i]) == NULL)
				return false;
			*out++ = value[i];
			continue;
		}
		if (len - i < 3 || hex_digit(value[i + 1]) < 0 || hex_digit(value[i + 2]) < 0)
			return false;
		*out = (char) (hex_digit(value[i + 1]) * 16 + hex_digit(value[i + 2]));
		if ((unsigned char) *out < ' ' || *out == 0x7f)
			return false;
		out++;
		i += 2;
	}
	*out = '\0';
	return true;
}

/* ids are bytes, zeros too, so only the form is looked at */
static bool
id_ok(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		char		one[2];

		if (value[i] == '%')
		{
			if (len - i < 3 || hex_digit(value[i + 1]) < 0 || hex_digit(value[i + 2]) < 0)
				return false;
			i += 2;
		}
		else if (!decode(one, value + i, 1))
			return false;
	}
	return len > 0;
}

/* the attribute's number, or -1 */
static int
find_attribute(const char *name, size_t len)
{
	for (int i = 0; i < NATTRIBUTES; i++)
		if (sc_text_is(name, len, attributes[i]))
			return i;
	return -1;
}

/* one attribute of the path */
static ScPkcs11UriReason
check_attribute(bool *seen, const char *name, size_t namelen, const char *value, size_t len)
{
	char		decoded[SC_PKCS11_URI_MAX + 1];
	int			n = find_attribute(name, namelen);

	if (n < 0)
		return SC_PKCS11_URI_UNKNOWN;
	if (seen[n])
		return SC_PKCS11_URI_REPEATED;
	seen[n] = true;
	if (strcmp(attributes[n], "id") == 0)
		return id_ok(value, len) ? SC_PKCS11_URI_OK : SC_PKCS11_URI_FORM;
	if (!decode(decoded, value, len) || decoded[0] == '\0')
		return SC_PKCS11_URI_FORM;
	if (strcmp(attributes[n], "type") == 0 && strcmp(decoded, "private") != 0)
		return SC_PKCS11_URI_TYPE;
	return SC_PKCS11_URI_OK;
}

/* cuts "name=value" off *text, up to the separator; false when it is none */
static bool
cut_attribute(const char **text, size_t *len, char separator,
			  const char **name, size_t *namelen, const char **value, size_t *valuelen)
{
	const char *end = memchr(*text, separator, *len);
	size_t		whole = end ? (size_t) (end - *text) : *len;
	const char *equals = memchr(*text, '=', whole);

	if (equals == NULL)
		return false;
	*name = *text;
	*namelen = (size_t) (equals - *text);
	*value = equals + 1;
	*valuelen = whole - *namelen - 1;
	*text += whole + (end != NULL);
	*len -= whole + (end != NULL);
	/* a separator with nothing behind it */
	return end == NULL || *len > 0;
}

/* what stands before the question mark */
static ScPkcs11UriReason
parse_path(const char *text, size_t len)
{
	bool		seen[NATTRIBUTES] = {false};

	while (len > 0)
	{
		const char *name;
		const char *value;
		size_t		namelen;
		size_t		valuelen;
		ScPkcs11UriReason reason;

		if (!cut_attribute(&text, &len, ';', &name, &namelen, &value, &valuelen))
			return SC_PKCS11_URI_FORM;
		reason = check_attribute(seen, name, namelen, value, valuelen);
		if (reason != SC_PKCS11_URI_OK)
			return reason;
	}
	return seen[find_attribute("object", 6)] || seen[find_attribute("id", 2)] ? SC_PKCS11_URI_OK : SC_PKCS11_URI_NO_KEY;
}

/* what stands behind it */
static ScPkcs11UriReason
parse_query(ScPkcs11Uri *out, const char *text, size_t len)
{
	while (len > 0)
	{
		const char *name;
		const char *value;
		size_t		namelen;
		size_t		valuelen;
		char		decoded[SC_PKCS11_URI_MAX + 1];
		const char *path = decoded;

		if (!cut_attribute(&text, &len, '&', &name, &namelen, &value, &valuelen))
			return SC_PKCS11_URI_FORM;
		if (sc_text_is(name, namelen, "pin-value"))
			return SC_PKCS11_URI_PIN_VALUE;
		if (sc_text_is(name, namelen, "module-path") || sc_text_is(name, namelen, "module-name"))
			return SC_PKCS11_URI_MODULE;
		if (!sc_text_is(name, namelen, "pin-source"))
			return SC_PKCS11_URI_UNKNOWN;
		if (out->pin_file[0] != '\0')
			return SC_PKCS11_URI_REPEATED;
		if (!decode(decoded, value, valuelen))
			return SC_PKCS11_URI_FORM;
		if (strncmp(path, "file:", 5) == 0)
			path += 5;
		/* file:/path and file:///path are one file (RFC 8089) */
		if (strncmp(path, "///", 3) == 0)
			path += 2;
		if (path[0] != '/' || path[1] == '/' || path[1] == '\0')
			return SC_PKCS11_URI_PIN_SOURCE;
		strcpy(out->pin_file, path);
	}
	return SC_PKCS11_URI_OK;
}

ScPkcs11UriReason
sc_pkcs11_uri_parse(ScPkcs11Uri *out, const char *uri, size_t len)
{
	const char *query;
	size_t		pathlen;
	ScPkcs11UriReason reason;

	memset(out, 0, sizeof(*out));
	if (len > SC_PKCS11_URI_MAX)
		return SC_PKCS11_URI_TOO_LONG;
	query = memchr(uri, '?', len);
	pathlen = query ? (size_t) (query - uri) : len;
	memcpy(out->key, uri, pathlen);
	if (!sc_text_skip(&uri, &len, SCHEME))
		return SC_PKCS11_URI_SCHEME;
	pathlen -= strlen(SCHEME);

	/* the query first: a PIN is the fault to be told of */
	reason = query == NULL ? SC_PKCS11_URI_OK : len == pathlen + 1 ? SC_PKCS11_URI_FORM :
		parse_query(out, query + 1, len - pathlen - 1);
	return reason == SC_PKCS11_URI_OK ? parse_path(uri, pathlen) : reason;
}

const char *
sc_pkcs11_uri_reason_text(ScPkcs11UriReason reason)
{
	switch (reason)
	{
		case SC_PKCS11_URI_OK:
			return "all is well";
		case SC_PKCS11_URI_SCHEME:
			return "it does not begin with \"pkcs11:\"";
		case SC_PKCS11_URI_TOO_LONG:
			return "it is longer than 1023 bytes";
		case SC_PKCS11_URI_FORM:
			return "it is not made of attributes as RFC 7512 writes them";
		case SC_PKCS11_URI_REPEATED:
			return "an attribute stands in it twice";
		case SC_PKCS11_URI_UNKNOWN:
			return "it has an attribute other than token, manufacturer, serial, model, object, id, type and pin-source";
		case SC_PKCS11_URI_PIN_VALUE:
			return "the PIN itself stands in it, and statements are logged";
		case SC_PKCS11_URI_MODULE:
			return "it names a library to load";
		case SC_PKCS11_URI_TYPE:
			return "its type is not \"private\"";
		case SC_PKCS11_URI_NO_KEY:
			return "neither object nor id says which key is meant";
		case SC_PKCS11_URI_PIN_SOURCE:
			return "its pin-source is not the absolute path of a file";
	}
	return "unknown";
}
