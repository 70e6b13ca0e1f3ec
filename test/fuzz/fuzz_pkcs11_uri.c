/*
 * fuzz_pkcs11_uri.c
 *	  URIs of keys in hardware: what is accepted holds no PIN, names no library and stays on one line.
 */
#include "fuzz.h"

#include "sign/pkcs11_uri.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ScPkcs11Uri uri;

	if (sc_pkcs11_uri_parse(&uri, (const char *) data, size) != SC_PKCS11_URI_OK)
		return 0;
	INVARIANT(size <= SC_PKCS11_URI_MAX);
	for (size_t i = 0; i < size; i++)
		INVARIANT(data[i] > ' ' && data[i] < 0x7f);
	INVARIANT(strncmp(uri.key, (const char *) data, strlen(uri.key)) == 0 && strchr(uri.key, '?') == NULL);
	/* the query is a path of a file and nothing else */
	INVARIANT(strlen(uri.key) == size || strncmp((const char *) data + strlen(uri.key), "?pin-source=", 12) == 0);
	INVARIANT(uri.pin_file[0] == '\0' || uri.pin_file[0] == '/');
	for (const char *p = uri.pin_file; *p; p++)
		INVARIANT((unsigned char) *p >= ' ' && *p != 0x7f);
	return 0;
}
