/*
 * pkcs11_uri.h
 *	  URIs of keys in hardware (RFC 7512), as far as they may be given to us.
 *
 * They come in SQL statements, which servers log and operators copy: a PIN
 * never stands in one, nor the path of a library to load.
 */
#ifndef SC_SIGN_PKCS11_URI_H
#define SC_SIGN_PKCS11_URI_H

#include <stddef.h>

#define SC_PKCS11_URI_MAX 1023

typedef enum ScPkcs11UriReason
{
	SC_PKCS11_URI_OK = 0,
	SC_PKCS11_URI_SCHEME,		/* does not begin with "pkcs11:" */
	SC_PKCS11_URI_TOO_LONG,
	SC_PKCS11_URI_FORM,			/* not attribute=value, a bad character or percent sign */
	SC_PKCS11_URI_REPEATED,		/* an attribute stands twice */
	SC_PKCS11_URI_UNKNOWN,		/* an attribute that is not used here */
	SC_PKCS11_URI_PIN_VALUE,	/* the PIN itself */
	SC_PKCS11_URI_MODULE,		/* a library to load: the configuration names it */
	SC_PKCS11_URI_TYPE,			/* of another object than a private key */
	SC_PKCS11_URI_NO_KEY,		/* neither object nor id says which key is meant */
	SC_PKCS11_URI_PIN_SOURCE	/* no absolute path of a file */
} ScPkcs11UriReason;

typedef struct ScPkcs11Uri
{
	char		key[SC_PKCS11_URI_MAX + 1]; /* the URI without its query */
	char		pin_file[SC_PKCS11_URI_MAX + 1];	/* of pin-source, decoded; "" if none */
} ScPkcs11Uri;

extern ScPkcs11UriReason sc_pkcs11_uri_parse(ScPkcs11Uri *out, const char *uri, size_t len);

/* one phrase for each reason, without period */
extern const char *sc_pkcs11_uri_reason_text(ScPkcs11UriReason reason);

#endif							/* SC_SIGN_PKCS11_URI_H */
