/*
 * hardware_key.c
 *	  Keys that stay in hardware, through OpenSSL's pkcs11 engine.
 *
 * Engine and keys are opened when first needed and kept by the process.  Any
 * failure closes all of them, so that the next attempt begins anew.  Engine
 * and module keep what they know of a token that was pulled out under an open
 * key, and the engine never lets go of a module: so after that, or when
 * another module is configured, the worker leaves its place to another
 * (sc_hardware_worn), before it would try again.
 *
 * Invariant: a signature is handed on only when it verifies by the public key
 * that the registry names, whatever the token did.  A PIN that a token has
 * refused is not tried again (hardware_pin.c).
 *
 * Context: the worker only.  The module named by
 * seoulchain.sign_pkcs11_module is loaded into its process; a module that
 * hangs makes the worker hang.
 *
 * Source: PKCS #11 through libp11's engine, see docs/decisions.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "postgres.h"

#include <openssl/opensslconf.h>
#ifndef OPENSSL_NO_ENGINE
#include <openssl/engine.h>
#endif
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ui.h>
#include <openssl/x509.h>

#include "ledger/error.h"
#include "seal/hardware_pin.h"
#include "seal/key_files.h"
#include "seal/seal.h"
#include "sign/ecdsa.h"
#include "sign/pubkey.h"
#include "sign/signature.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* an OpenSSL built without engines: none is found, which is told when somebody wants one */
#ifdef OPENSSL_NO_ENGINE
#define ENGINE_by_id(id) ((ENGINE *) NULL)
#define ENGINE_init(engine) 0
#define ENGINE_finish(engine) ((void) 0)
#define ENGINE_free(engine) ((void) 0)
#define ENGINE_ctrl_cmd_string(engine, command, argument, optional) 0
#define ENGINE_load_private_key(engine, id, ui, data) ((void) (ui), (EVP_PKEY *) NULL)
#endif

#define ENGINE_ID "pkcs11"

/* a key that is open */
typedef struct Device
{
	struct Device *next;
	EVP_PKEY   *pkey;
	uint8		spki[SC_ECDSA_SPKI_LEN];
	char		uri[SC_PKCS11_URI_MAX + 1];
} Device;

static ENGINE *engine = NULL;
static char *engine_module = NULL;
static char *loaded_module = NULL;	/* the one that this process has for good */
static Device *devices = NULL;
static char last_error[256];

/* an open key has failed */
static bool worn = false;

/* lets go of every key and of the module */
static void
close_all(void)
{
	while (devices != NULL)
	{
		Device	   *device = devices;

		devices = device->next;
		EVP_PKEY_free(device->pkey);
		pfree(device);
	}
	if (engine != NULL)
	{
		ENGINE_finish(engine);
		ENGINE_free(engine);
		engine = NULL;
	}
	if (engine_module != NULL)
		pfree(engine_module);
	engine_module = NULL;
}

/* before the process ends: modules do not like to be used while libraries are being taken down */
static void
close_at_exit(int code, Datum arg)
{
	close_all();
}

/* what OpenSSL says went wrong first, into last_error; empties its queue */
static void
note_openssl_error(const char *otherwise)
{
	unsigned long code = ERR_peek_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

	strlcpy(last_error, reason ? reason : otherwise, sizeof(last_error));
	ERR_clear_error();
}

/* raises what note_openssl_error noted */
static void
report(const char *uri, const char *hint)
{
	close_all();
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("hardware key \"%s\" cannot be used: %s", uri, last_error),
			 errhint("%s", hint)));
}

void
sc_hardware_key_report(const ScSigningKey *key)
{
	report(key->uri, "Look after the token. The worker tries again.");
	pg_unreachable();
}

/* takes a URI apart; errors unless it may be used */
static void
parse_uri(ScPkcs11Uri *out, const char *uri)
{
	ScPkcs11UriReason reason = sc_pkcs11_uri_parse(out, uri, strlen(uri));

	/* the text is not repeated: a PIN may stand in it */
	if (reason != SC_PKCS11_URI_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this is no URI of a key in hardware that can be used"),
				 errdetail("Of the URI: %s.", sc_pkcs11_uri_reason_text(reason)),
				 reason == SC_PKCS11_URI_PIN_VALUE ?
				 errhint("Change the PIN, and write the new one into a file for pin-source.") :
				 errhint("For example 'pkcs11:token=city-hall;object=main?pin-source=file:/etc/seoulchain/pin'.")));
}

char *
sc_hardware_uri_argument(FunctionCallInfo fcinfo, int n)
{
	ScPkcs11Uri parsed;
	char	   *uri;

	if (PG_ARGISNULL(n))
		return pstrdup("");
	uri = text_to_cstring(PG_GETARG_TEXT_PP(n));
	parse_uri(&parsed, uri);
	return uri;
}

/* the engine with the configured module in it */
static ENGINE *
open_engine(const char *uri)
{
	static bool registered = false;

	if (sc_sign_pkcs11_module == NULL || sc_sign_pkcs11_module[0] == '\0')
	{
		close_all();
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("seoulchain.sign_pkcs11_module is not set"),
				 errhint("Set it to the path of the token's PKCS #11 library, and reload the configuration.")));
	}
	if (engine != NULL && strcmp(engine_module, sc_sign_pkcs11_module) == 0)
		return engine;
	close_all();
	if (!registered)
		before_shmem_exit(close_at_exit, (Datum) 0);
	registered = true;
	ERR_clear_error();
	engine = ENGINE_by_id(ENGINE_ID);
	if (engine == NULL)
	{
		note_openssl_error("OpenSSL has no engine " ENGINE_ID);
		report(uri, "Install OpenSSL's pkcs11 engine, libengine-pkcs11-openssl in Debian.");
	}
	engine_module = MemoryContextStrdup(TopMemoryContext, sc_sign_pkcs11_module);
	/* QUIET: what goes wrong is ours to tell, in the server's log and words */
	if (!ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0) ||
		!ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", engine_module, 0) || !ENGINE_init(engine))
	{
		/* not initialized: nothing to finish */
		ENGINE_free(engine);
		engine = NULL;
		note_openssl_error("the module cannot be loaded");
		report(uri, "Check seoulchain.sign_pkcs11_module.");
	}
	if (loaded_module == NULL)
		loaded_module = MemoryContextStrdup(TopMemoryContext, engine_module);
	return engine;
}

/* what the engine asks when it has no PIN: there is nobody to ask */
static UI_METHOD *
nobody(void)
{
	static UI_METHOD *method = NULL;

	if (method == NULL)
		method = UI_create_method("nobody");
	return method;
}

/* did the token refuse the PIN? */
static bool
pin_refused(void)
{
	return strstr(last_error, "PIN") != NULL || strstr(last_error, "pin") != NULL || strstr(last_error, "ogin") != NULL;
}

/* asks the engine for the key; NULL with last_error noted */
static EVP_PKEY *
load_key(const ScPkcs11Uri *uri, const char *pin)
{
	EVP_PKEY   *pkey = NULL;

	ERR_clear_error();
	/* an empty one too: the engine would go on with the one before */
	if (ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0))
		pkey = ENGINE_load_private_key(engine, uri->key, nobody(), NULL);
	if (pkey == NULL)
		note_openssl_error("the token does not answer");
	ERR_clear_error();
	return pkey;
}

/* the key behind a URI; errors with a hint */
static EVP_PKEY *
open_key(const char *uri)
{
	ScPkcs11Uri parsed;
	char		pin[SC_PIN_MAX + 1];
	ScHash		pin_hash;
	EVP_PKEY   *pkey;

	parse_uri(&parsed, uri);
	open_engine(uri);
	sc_pin_read(pin, &pin_hash, &parsed);
	if (sc_pin_was_refused(&pin_hash))
	{
		explicit_bzero(pin, sizeof(pin));
		strlcpy(last_error, "the token has refused the PIN, which is not tried again", sizeof(last_error));
		report(uri, sc_pin_hint(&parsed));
	}
	pkey = load_key(&parsed, pin);
	explicit_bzero(pin, sizeof(pin));
	if (pkey != NULL)
		return pkey;
	if (pin_refused())
	{
		sc_pin_remember_refused(&pin_hash);
		report(uri, sc_pin_hint(&parsed));
	}
	report(uri, "Look whether the token is there, holds the key, and the PIN is right. The worker tries again.");
	pg_unreachable();
}

/* the public half as DER; false unless it is a P-256 key */
static bool
public_half(uint8 spki[SC_ECDSA_SPKI_LEN], EVP_PKEY *pkey)
{
	unsigned char *der = NULL;
	int			len = i2d_PUBKEY(pkey, &der);
	ScMemberKey parsed;
	bool		ok;

	ok = len > 0 && sc_pubkey_parse(&parsed, der, len) == SC_PUBKEY_OK && parsed.kind == SC_KIND_P256 &&
		parsed.spkilen == SC_ECDSA_SPKI_LEN;
	if (ok)
		memcpy(spki, parsed.spki, SC_ECDSA_SPKI_LEN);
	OPENSSL_free(der);
	ERR_clear_error();
	return ok;
}

/* the open key of a URI, opened now if need be */
static Device *
find_device(const char *uri)
{
	Device	   *device;
	EVP_PKEY   *pkey;
	uint8		spki[SC_ECDSA_SPKI_LEN];

	open_engine(uri);
	for (device = devices; device != NULL; device = device->next)
		if (strcmp(device->uri, uri) == 0)
			return device;
	pkey = open_key(uri);
	if (!public_half(spki, pkey))
	{
		EVP_PKEY_free(pkey);
		strlcpy(last_error, "it is no ECDSA key of the curve P-256", sizeof(last_error));
		report(uri, "Make such a key in the token.");
	}
	device = MemoryContextAllocZero(TopMemoryContext, sizeof(Device));
	device->pkey = pkey;
	memcpy(device->spki, spki, sizeof(spki));
	strlcpy(device->uri, uri, sizeof(device->uri));
	device->next = devices;
	devices = device;
	return device;
}

/* ScSigningKey's sign */
static ScStatus
sign_with_device(void *arg, uint8 *signature, size_t *siglen, const void *message, size_t len)
{
	Device	   *device = arg;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ScStatus	status = SC_INTERNAL;

	ERR_clear_error();
	if (ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, device->pkey) == 1 &&
		EVP_DigestSign(ctx, signature, siglen, message, len) == 1)
	{
		status = sc_signature_verify_ecdsa(device->spki, sizeof(device->spki), message, len, signature, *siglen);
		if (status != SC_OK)
			strlcpy(last_error, "its signature does not verify", sizeof(last_error));
	}
	else
		note_openssl_error("the token does not sign");
	EVP_MD_CTX_free(ctx);
	worn = worn || status != SC_OK;
	return status;
}

bool
sc_hardware_worn(void)
{
	bool		other = loaded_module != NULL && sc_sign_pkcs11_module != NULL && sc_sign_pkcs11_module[0] != '\0' &&
		strcmp(loaded_module, sc_sign_pkcs11_module) != 0;

	return worn || other;
}

void
sc_hardware_key_find(ScSigningKey *out, const char *name, const char *uri)
{
	Device	   *device = find_device(uri);
	ScVerifierKey public;

	memset(&public, 0, sizeof(public));
	strlcpy(public.name, name, sizeof(public.name));
	public.type = SC_KEY_ECDSA;
	public.keylen = SC_ECDSA_SPKI_LEN;
	memcpy(public.key, device->spki, SC_ECDSA_SPKI_LEN);
	sc_note_key_id(public.id, public.name, public.type, public.key, public.keylen);
	sc_status_report(sc_key_in_hardware(out, &public, uri), "hardware key");
}

void
sc_hardware_key_open(ScSigningKey *key)
{
	Device	   *device = find_device(key->uri);

	if (memcmp(device->spki, key->public.key, SC_ECDSA_SPKI_LEN) != 0)
	{
		strlcpy(last_error, "the token holds another key there than the one that was registered", sizeof(last_error));
		report(key->uri, "Bring the token back that has the key, or rotate to another key while it can still sign.");
	}
	key->device = device;
	key->sign = sign_with_device;
}
