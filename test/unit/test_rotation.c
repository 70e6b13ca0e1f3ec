/*
 * test_rotation.c
 *	  Changes of key: the statement, the event, and whom they convince; URIs of keys in hardware.
 */
#include "harness.h"

#include "sign/key.h"
#include "sign/rotation.h"

#define ORIGIN "seoul.go.kr/city-hall/main"
#define NODE "seoul.go.kr/city-hall"

/* a verifier key as text; the caller frees it */
static char *
key_text(const ScSigningKey *key)
{
	ScBuf		buf = SC_BUF_INIT;

	sc_note_format_key(&buf, &key->public);
	return sc_buf_cstr(&buf) ? buf.data : NULL;
}

/* one key's line under a statement, without its newline; the caller frees it */
static char *
line_of(const ScSigningKey *key, const char *origin, const char *old_key, const char *new_key)
{
	ScBuf		statement = SC_BUF_INIT;
	ScBuf		line = SC_BUF_INIT;

	sc_rotation_text(&statement, origin, old_key, new_key);
	CHECK_STATUS(sc_key_sign_note(&line, key, statement.data, statement.len, 1767225600), SC_OK);
	sc_buf_free(&statement);
	line.len--;
	return sc_buf_cstr(&line) ? line.data : NULL;
}

/* the event that these two keys and signers make */
static ScBuf
make_event(const ScSigningKey *old, const ScSigningKey *new, const ScSigningKey *old_signer,
		   const ScSigningKey *new_signer, const char *origin)
{
	ScBuf		event = SC_BUF_INIT;
	char	   *old_key = key_text(old);
	char	   *new_key = key_text(new);
	char	   *old_line = line_of(old_signer, origin, old_key, new_key);
	char	   *new_line = line_of(new_signer, origin, old_key, new_key);

	sc_rotation_event(&event, old_key, new_key, old_line, new_line);
	free(old_key);
	free(new_key);
	free(old_line);
	free(new_line);
	return event;
}

/* what a reader makes of an event's text */
static ScStatus
judge(const char *text, size_t len, const char *origin)
{
	static ScRotation rotation;
	ScJson	   *json;
	ScStatus	status = sc_json_parse(&json, text, len);

	if (status != SC_OK)
		return status;
	status = sc_rotation_parse(&rotation, json);
	sc_json_free(json);
	return status == SC_OK ? sc_rotation_verify(&rotation, origin) : status;
}

/* an event made so, judged, freed */
static ScStatus
judge_made(const ScSigningKey *old, const ScSigningKey *new, const ScSigningKey *old_signer,
		   const ScSigningKey *new_signer, const char *signed_origin, const char *origin)
{
	ScBuf		event = make_event(old, new, old_signer, new_signer, signed_origin);
	ScStatus	status = judge(event.data, event.len, origin);

	sc_buf_free(&event);
	return status;
}

/* every kind of key may follow every other that signs for the name */
static void
test_kinds(void)
{
	static const uint8_t log_types[] = {SC_KEY_ED25519, SC_KEY_ECDSA};
	static const uint8_t cosigner_types[] = {SC_KEY_COSIGNATURE, SC_KEY_ECDSA};

	for (int i = 0; i < 8; i++)
	{
		const char *name = i < 4 ? ORIGIN : NODE;
		const uint8_t *types = i < 4 ? log_types : cosigner_types;
		ScSigningKey old;
		ScSigningKey new;

		CHECK_STATUS(sc_key_generate(&old, name, types[i & 1]), SC_OK);
		CHECK_STATUS(sc_key_generate(&new, name, types[(i >> 1) & 1]), SC_OK);
		CHECK_STATUS(judge_made(&old, &new, &old, &new, ORIGIN, ORIGIN), SC_OK);
		CHECK_STATUS(judge_made(&old, &new, &old, &new, ORIGIN, "seoul.go.kr/city-hall/other"),
					 i < 4 ? SC_MALFORMED : SC_BAD_SIGNATURE);
		/* one key's word is not enough, whichever it is, nor both words by one of them */
		CHECK_STATUS(judge_made(&old, &new, &old, &old, ORIGIN, ORIGIN), SC_BAD_SIGNATURE);
		CHECK_STATUS(judge_made(&old, &new, &new, &new, ORIGIN, ORIGIN), SC_BAD_SIGNATURE);
		CHECK_STATUS(judge_made(&old, &new, &new, &old, ORIGIN, ORIGIN), SC_BAD_SIGNATURE);
		/* nor words about another chain, nor a key that follows itself */
		CHECK_STATUS(judge_made(&old, &new, &old, &new, "seoul.go.kr/city-hall/x", ORIGIN), SC_BAD_SIGNATURE);
		CHECK_STATUS(judge_made(&old, &old, &old, &old, ORIGIN, ORIGIN), SC_MALFORMED);
	}
}

/* keys that may not follow each other, though both say so */
static void
test_strangers(void)
{
	static const struct
	{
		const char *old_name;
		uint8_t		old_type;
		const char *new_name;
		uint8_t		new_type;
	}			cases[] = {
		{ORIGIN, SC_KEY_ED25519, NODE, SC_KEY_ED25519},
		{ORIGIN, SC_KEY_ED25519, "seoul.go.kr/other/main", SC_KEY_ED25519},
		{"seoul.go.kr/other/main", SC_KEY_ED25519, "seoul.go.kr/other/main", SC_KEY_ED25519},
		{"seoul.go.kr", SC_KEY_COSIGNATURE, "seoul.go.kr", SC_KEY_COSIGNATURE},
		{NODE "/witness", SC_KEY_COSIGNATURE, NODE "/witness", SC_KEY_COSIGNATURE},
		{NODE, SC_KEY_ED25519, NODE, SC_KEY_ED25519},
		{ORIGIN, SC_KEY_COSIGNATURE, ORIGIN, SC_KEY_COSIGNATURE},
		{ORIGIN, SC_KEY_ED25519, ORIGIN, SC_KEY_COSIGNATURE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ScSigningKey old;
		ScSigningKey new;

		CHECK_STATUS(sc_key_generate(&old, cases[i].old_name, cases[i].old_type), SC_OK);
		CHECK_STATUS(sc_key_generate(&new, cases[i].new_name, cases[i].new_type), SC_OK);
		CHECK_CASE(judge_made(&old, &new, &old, &new, ORIGIN, ORIGIN) == SC_MALFORMED, cases[i].old_name);
	}
}

/* no byte of an event can be changed, cut off or added */
static void
test_damage(void)
{
	ScSigningKey old;
	ScSigningKey new;
	ScBuf		event;
	int			before = test_failed;

	CHECK_STATUS(sc_key_generate(&old, ORIGIN, SC_KEY_ED25519), SC_OK);
	CHECK_STATUS(sc_key_generate(&new, ORIGIN, SC_KEY_ED25519), SC_OK);
	event = make_event(&old, &new, &old, &new, ORIGIN);
	CHECK_STATUS(judge(event.data, event.len, ORIGIN), SC_OK);
	for (size_t i = 0; i < event.len; i++)
	{
		REQUIRE(judge(event.data, i, ORIGIN) != SC_OK);
		for (int bit = 0; bit < 8; bit++)
		{
			event.data[i] ^= (char) (1 << bit);
			REQUIRE(judge(event.data, event.len, ORIGIN) != SC_OK);
			event.data[i] ^= (char) (1 << bit);
		}
	}
	CHECK_NO_NEW_FAILURE(before);
	sc_buf_free(&event);
}

/* members that are missing, more, or of the wrong kind */
static void
test_form(void)
{
	static const char *const bad[] = {
		"{}", "[]", "\"key\"", "{\"type\":\"key\"}",
		"{\"new\":\"a\",\"old\":\"b\",\"proof\":{\"new\":\"c\",\"old\":\"d\"},\"type\":\"key\"}",
		"{\"new\":[],\"old\":[],\"proof\":{\"new\":\"c\",\"old\":\"d\"},\"type\":\"key\"}",
		"{\"new\":\"a\",\"old\":\"b\",\"proof\":[],\"type\":\"key\"}",
		"{\"new\":\"a\",\"old\":\"b\",\"proof\":\"c\",\"type\":\"key\"}",
		"{\"new\":\"a\",\"old\":\"b\",\"type\":\"key\"}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_CASE(judge(bad[i], strlen(bad[i]), ORIGIN) != SC_OK, bad[i]);
}

/* the file of a key in hardware: written as read, of no use without the token */
static void
test_hardware_file(void)
{
	static const char uri[] = "pkcs11:token=city-hall;object=main;type=private?pin-source=file:/etc/pin";
	ScSigningKey key;
	ScSigningKey hardware;
	ScSigningKey again;
	ScBuf		buf = SC_BUF_INIT;

	CHECK_STATUS(sc_key_generate(&key, ORIGIN, SC_KEY_ECDSA), SC_OK);
	CHECK_STATUS(sc_key_in_hardware(&hardware, &key.public, "pkcs11:object=main?pin-value=1234"), SC_MALFORMED);
	CHECK_STATUS(sc_key_in_hardware(&hardware, &key.public, uri), SC_OK);
	sc_key_format_secret(&buf, &hardware);
	CHECK(buf.len > 11 && memcmp(buf.data, "PKCS11+KEY+", 11) == 0);
	CHECK_STATUS(sc_key_parse_secret(&again, buf.data, buf.len), SC_OK);
	CHECK(strcmp(again.uri, uri) == 0 && strcmp(again.public.name, ORIGIN) == 0);
	CHECK(sc_rotation_same_key(&again.public, &key.public) && again.sign == NULL);
	for (size_t i = 0; i < buf.len - strlen(uri); i++)
		REQUIRE(sc_key_parse_secret(&again, buf.data, i) != SC_OK);
	sc_buf_reset(&buf);
	CHECK_STATUS(sc_key_sign_note(&buf, &hardware, "text\n", 5, 0), SC_INTERNAL);
	CHECK(buf.len == 0);
	CHECK_STATUS(sc_key_generate(&key, ORIGIN, SC_KEY_ED25519), SC_OK);
	CHECK_STATUS(sc_key_in_hardware(&hardware, &key.public, uri), SC_MALFORMED);
	sc_buf_free(&buf);
}

static void
test_uris(void)
{
	static const struct
	{
		const char *uri;
		ScPkcs11UriReason reason;
		const char *pin_file;
	}			cases[] = {
		{"pkcs11:object=a", SC_PKCS11_URI_OK, ""},
		{"pkcs11:id=%00%01", SC_PKCS11_URI_OK, ""},
		{"pkcs11:token=t%20x;object=%EC%84%9C;type=private", SC_PKCS11_URI_OK, ""},
		{"pkcs11:object=a?pin-source=file:/etc/pin", SC_PKCS11_URI_OK, "/etc/pin"},
		{"pkcs11:object=a?pin-source=file:///etc/pin", SC_PKCS11_URI_OK, "/etc/pin"},
		{"pkcs11:object=a?pin-source=/etc/my%20pin", SC_PKCS11_URI_OK, "/etc/my pin"},
		{"pkcs11:object=a?pin-value=1234", SC_PKCS11_URI_PIN_VALUE, ""},
		{"pkcs11:nonsense?pin-value=1234", SC_PKCS11_URI_PIN_VALUE, ""},
		{"pkcs11:object=a?pin-source=file:/p&pin-value=1234", SC_PKCS11_URI_PIN_VALUE, NULL},
		{"pkcs11:object=a?module-path=/tmp/x.so", SC_PKCS11_URI_MODULE, ""},
		{"pkcs11:object=a?module-name=x", SC_PKCS11_URI_MODULE, ""},
		{"pkcs11:object=a?pin-source=file:/p&pin-source=file:/q", SC_PKCS11_URI_REPEATED, NULL},
		{"pkcs11:object=a?pin-source=pin", SC_PKCS11_URI_PIN_SOURCE, ""},
		{"pkcs11:object=a?pin-source=file://host/pin", SC_PKCS11_URI_PIN_SOURCE, ""},
		{"pkcs11:object=a?pin-source=|cat", SC_PKCS11_URI_FORM, ""},
		{"pkcs11:object=a?pin-source=file:/a%0Ab", SC_PKCS11_URI_FORM, ""},
		{"pkcs11:object=a;object=b", SC_PKCS11_URI_REPEATED, ""},
		{"pkcs11:object=a;type=cert", SC_PKCS11_URI_TYPE, ""},
		{"pkcs11:object=a;slot-id=1", SC_PKCS11_URI_UNKNOWN, ""},
		{"pkcs11:object=a?x=y", SC_PKCS11_URI_UNKNOWN, ""},
		{"pkcs11:token=a", SC_PKCS11_URI_NO_KEY, ""},
		{"pkcs11:", SC_PKCS11_URI_NO_KEY, ""},
		{"pkcs11:object=", SC_PKCS11_URI_FORM, ""},
		{"pkcs11:object=a;", SC_PKCS11_URI_FORM, ""},
		{"pkcs11:object=a?", SC_PKCS11_URI_FORM, ""},
		{"pkcs11:object", SC_PKCS11_URI_FORM, ""},
		{"pkcs11:object=a b", SC_PKCS11_URI_FORM, ""},
		{"pkcs11:object=%4", SC_PKCS11_URI_FORM, ""},
		{"pkcs11:object=%zz", SC_PKCS11_URI_FORM, ""},
		{"pkcs11:object=%00", SC_PKCS11_URI_FORM, ""},
		{"PKCS11:object=a", SC_PKCS11_URI_SCHEME, ""},
		{"file:/etc/key", SC_PKCS11_URI_SCHEME, ""},
		{"", SC_PKCS11_URI_SCHEME, ""},
	};
	static ScPkcs11Uri uri;
	char		long_uri[SC_PKCS11_URI_MAX + 2];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		CHECK_CASE(sc_pkcs11_uri_parse(&uri, cases[i].uri, strlen(cases[i].uri)) == cases[i].reason, cases[i].uri);
		if (cases[i].pin_file)
			CHECK_CASE(strcmp(uri.pin_file, cases[i].pin_file) == 0, cases[i].uri);
		CHECK(strlen(sc_pkcs11_uri_reason_text(cases[i].reason)) > 0);
	}
	memset(long_uri, 'a', sizeof(long_uri));
	memcpy(long_uri, "pkcs11:object=", 14);
	CHECK(sc_pkcs11_uri_parse(&uri, long_uri, SC_PKCS11_URI_MAX) == SC_PKCS11_URI_OK);
	CHECK(sc_pkcs11_uri_parse(&uri, long_uri, SC_PKCS11_URI_MAX + 1) == SC_PKCS11_URI_TOO_LONG);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_kinds();
	test_strangers();
	test_damage();
	test_form();
	test_hardware_file();
	test_uris();
	return test_end("rotation");
}
