/*
 * test_jws.c
 *	  Detached JWS: published vectors, every refusal with its reason, keys in every form.
 *
 * Called as "test_jws --check KEYFILE PAYLOADFILE JWSFILE" it is the verifier
 * that jws_openssl.sh tries with signatures by another program; it prints the
 * reason.
 */
#include "harness.h"

#include <sodium.h>

#include "core/note.h"
#include "core/text.h"
#include "sign/jws.h"
#include "sign/profile.h"

static char *
read_file(const char *path, size_t *len)
{
	static char bytes[2][65536];
	static int	turn;
	char	   *out = bytes[turn++ % 2];
	FILE	   *f = fopen(path, "r");

	*len = f ? fread(out, 1, sizeof(bytes[0]), f) : 0;
	if (f)
		fclose(f);
	return out;
}

/* whatever was parsed before, parsing the next gives the same answer */
static void
check_next(const char *text, size_t len, const ScJws *jws, ScJwsReason reason)
{
	static ScJws kept;
	static char header[4096];
	ScJws		next = kept;

	CHECK(sc_jws_parse_next(&next, text, len) == reason);
	if (reason != SC_JWS_OK || jws->header64len > sizeof(header))
		return;
	CHECK(next.kind == jws->kind && next.siglen == jws->siglen && memcmp(next.signature, jws->signature, jws->siglen) == 0 &&
		  next.header64 == text && next.header64len == jws->header64len && strcmp(next.alg, jws->alg) == 0 &&
		  strcmp(next.kid, jws->kid) == 0 && strcmp(next.typ, jws->typ) == 0);
	kept = *jws;
	memcpy(header, jws->header64, jws->header64len);
	kept.header64 = header;
	next = kept;
	CHECK(sc_jws_parse_next(&next, text, len) == SC_JWS_OK && next.siglen == jws->siglen &&
		  memcmp(next.signature, jws->signature, jws->siglen) == 0);
}

/* verifies with a key as it is registered; the reason */
static ScJwsReason
verify(const char *jws_text, size_t len, const uint8_t *spki, size_t spkilen, const char *typ,
	   const void *payload, size_t payloadlen)
{
	static ScJws jws;
	ScVerifier *key;
	ScJwsReason reason = sc_jws_parse(&jws, jws_text, len);

	check_next(jws_text, len, &jws, reason);
	if (reason != SC_JWS_OK)
		return reason;
	if (sc_verifier_open(&key, spki, spkilen) != SC_OK)
		return SC_JWS_INTERNAL;
	reason = sc_jws_verify(&jws, key, typ, payload, payloadlen);
	sc_verifier_close(key);
	return reason;
}

static int
check_files(char **argv)
{
	ScMemberKey key;
	size_t		len;
	size_t		payloadlen;
	char	   *data = read_file(argv[0], &len);
	ScPubkeyReason why = sc_pubkey_parse(&key, data, len);
	char	   *payload;

	if (why != SC_PUBKEY_OK)
	{
		printf("key: %s\n", sc_pubkey_reason_text(why));
		return 1;
	}
	payload = read_file(argv[1], &payloadlen);
	data = read_file(argv[2], &len);
	while (len > 0 && data[len - 1] == '\n')
		len--;
	puts(sc_jws_reason_text(verify(data, len, key.spki, key.spkilen, SC_JWS_TYP_ROW, payload, payloadlen)));
	return 0;
}

/*
 * Wycheproof's 401 JWS, payloads taken out where they decode.  What does not
 * apply, because a registered key has no "alg", "use" or "key_ops" of its own:
 *   groups 0, 12, 16, 21 (HMAC): a shared secret cannot be registered; all refused
 *   groups 2 to 5, 9, 13 (RS256, RS384, RS512), 7, 10, 14 (PS384), 8 (PS512),
 *   11, 15 (ES512): algorithms that we do not take; all refused, whatever the key
 *   group 8, where the header says PS256: to us that is this key's algorithm; not judged
 *   groups 17 and 19: RS256, refused; 18 and 20: ES256 by a key that its JWK
 *   wants for encryption; certificates say so by key usage (test_x509); not judged
 */
static void
test_wycheproof(void)
{
	FILE	   *f = test_open("wycheproof_jws");
	char	   *fields[TEST_FIELDS];
	int			judged = 0;
	int			accepted = 0;
	int			others = 0;
	int			skipped = 0;

	while (test_read(f, fields) == 7)
	{
		int			group = atoi(fields[0]);
		bool		ours = group == 1 || group == 6 || group == 22;
		bool		valid = strcmp(fields[4], "valid") == 0;
		size_t		len;
		size_t		spkilen;
		size_t		payloadlen = 0;
		uint8_t    *spki = test_unhex(&spkilen, fields[2]);
		uint8_t    *text = test_unhex(&len, fields[5]);
		uint8_t    *payload = fields[6][0] == '!' ? NULL : test_unhex(&payloadlen, fields[6]);
		ScMemberKey key;
		ScPubkeyReason why = sc_pubkey_parse(&key, spki, spkilen);
		static ScJws jws;
		ScJwsReason reason;

		if (why == SC_PUBKEY_OK)
			reason = verify((char *) text, len, spki, spkilen, NULL, payload, payloadlen);
		else
		{
			/* HMAC and P-521: the JWS alone must already be refused, or the key is */
			REQUIRE_CASE(group == 0 || group == 12 || group == 16 || group == 21 || group == 11 || group == 15, fields[3]);
			reason = sc_jws_parse(&jws, (char *) text, len);
			REQUIRE_CASE(reason != SC_JWS_OK, fields[3]);
		}
		if (ours)
		{
			CHECK_CASE((reason == SC_JWS_OK) == valid, fields[3]);
			judged++;
			accepted += reason == SC_JWS_OK;
		}
		else if ((group == 8 && sc_jws_parse(&jws, (char *) text, len) == SC_JWS_OK) || group == 18 || group == 20)
			skipped++;
		else
		{
			CHECK_CASE(reason != SC_JWS_OK, fields[3]);
			others++;
		}
		free(spki);
		free(text);
		free(payload);
	}
	fclose(f);
	CHECK(judged == 87 && accepted == 8);
	CHECK(skipped >= 2 && judged + others + skipped == 401);
}

/* Wycheproof's bare signatures through the verifier that JWS uses */
static void
test_wycheproof_bare(const char *name, ScKeyKind kind, int expected)
{
	FILE	   *f = test_open(name);
	char	   *fields[TEST_FIELDS];
	int			cases = 0;

	while (test_read(f, fields) == 5)
	{
		size_t		keylen;
		size_t		len;
		size_t		siglen;
		uint8_t    *keybytes = test_unhex(&keylen, fields[1]);
		uint8_t    *message = test_unhex(&len, fields[2]);
		uint8_t    *signature = test_unhex(&siglen, fields[3]);
		ScMemberKey key;
		ScVerifier *verifier;

		REQUIRE_CASE(sc_pubkey_parse(&key, keybytes, keylen) == SC_PUBKEY_OK && key.kind == kind, fields[0]);
		if (sc_verifier_open(&verifier, key.spki, key.spkilen) != SC_OK)
			abort();
		CHECK_CASE((sc_verifier_check(verifier, message, len, signature, siglen) == SC_OK) == (fields[4][0] == '1'), fields[0]);
		sc_verifier_close(verifier);
		cases++;
		free(keybytes);
		free(message);
		free(signature);
	}
	fclose(f);
	CHECK(cases == expected);
}

static void
test_rfc8037(void)
{
	FILE	   *f = test_open("rfc8037");
	char	   *fields[TEST_FIELDS];
	ScMemberKey key;
	ScBuf		thumbprint = SC_BUF_INIT;
	size_t		spkilen;
	size_t		len;
	size_t		payloadlen;
	uint8_t    *spki;
	uint8_t    *text;
	uint8_t    *payload;

	CHECK(test_read(f, fields) == 4);
	spki = test_unhex(&spkilen, fields[0]);
	text = test_unhex(&len, fields[2]);
	payload = test_unhex(&payloadlen, fields[3]);
	CHECK(sc_pubkey_parse(&key, spki, spkilen) == SC_PUBKEY_OK);
	sc_buf_base64url(&thumbprint, key.jwk_thumbprint.bytes, SC_HASH_LEN);
	CHECK(sc_text_is(thumbprint.data, thumbprint.len, fields[1]));
	CHECK(verify((char *) text, len, spki, spkilen, NULL, payload, payloadlen) == SC_JWS_OK);
	CHECK(verify((char *) text, len, spki, spkilen, SC_JWS_TYP_ROW, payload, payloadlen) == SC_JWS_TYP);
	CHECK(verify((char *) text, len, spki, spkilen, NULL, payload, payloadlen - 1) == SC_JWS_BAD_SIGNATURE);

	/* the same key raw */
	CHECK(sc_pubkey_parse(&key, spki + 12, 32) == SC_PUBKEY_OK && memcmp(key.spki, spki, 44) == 0);
	sc_buf_free(&thumbprint);
	free(spki);
	free(text);
	free(payload);
	fclose(f);
}

static uint8_t secret[64];
static uint8_t raw[32];
static ScMemberKey member;

/* signs any header with the test's Ed25519 key */
static void
sign(ScBuf *out, const char *header, const char *payload)
{
	ScBuf		input = SC_BUF_INIT;
	uint8_t		signature[64];

	sc_buf_reset(out);
	sc_buf_base64url(out, header, strlen(header));
	sc_jws_signing_input(&input, out->data, out->len, payload, strlen(payload));
	crypto_sign_detached(signature, NULL, (uint8_t *) input.data, input.len, secret);
	sc_buf_literal(out, "..");
	sc_buf_base64url(out, signature, sizeof(signature));
	sc_buf_free(&input);
}

static const char good_header[] = "{\"alg\":\"EdDSA\",\"typ\":\"seoulchain-row+jws\",\"kid\":\"clerk-7\"}";

static ScJwsReason
verify_buf(const ScBuf *jws)
{
	return verify(jws->data, jws->len, member.spki, member.spkilen, SC_JWS_TYP_ROW, "{}", 2);
}

/* headers, each really signed, and what is said of them */
static void
test_headers(void)
{
#define TYP "\"typ\":\"seoulchain-row+jws\""
	static const struct
	{
		const char *header;
		ScJwsReason reason;
		const char *refused;
	}			cases[] = {
		{"{\"alg\":\"EdDSA\"," TYP "}", SC_JWS_OK, NULL},
		{"{\"alg\":\"Ed25519\"," TYP "}", SC_JWS_OK, NULL},
		{" {\t\"alg\" :\r\n\"EdDSA\" , " TYP " } ", SC_JWS_OK, NULL},
		{"{\"\\u0061lg\":\"Ed\\u0044SA\"," TYP ",\"x\":[1,-0.5e+9,true,false,null,{\"a\":{}},\"\\ud83d\\ude00\"]}", SC_JWS_OK, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"kid\":\"김\"}", SC_JWS_OK, NULL},
		{"{\"alg\":\"none\"," TYP "}", SC_JWS_ALG_NONE, NULL},
		{"{\"alg\":\"None\"," TYP "}", SC_JWS_ALG_UNSUPPORTED, NULL},
		{"{\"alg\":\"HS256\"," TYP "}", SC_JWS_ALG_UNSUPPORTED, NULL},
		{"{\"alg\":\"eddsa\"," TYP "}", SC_JWS_ALG_UNSUPPORTED, NULL},
		{"{\"alg\":\"ES256\"," TYP "}", SC_JWS_ALG_MISMATCH, NULL},
		{"{\"alg\":\"PS256\"," TYP "}", SC_JWS_ALG_MISMATCH, NULL},
		{"{" TYP "}", SC_JWS_ALG_MISSING, NULL},
		{"{}", SC_JWS_ALG_MISSING, NULL},
		{"{\"alg\":7," TYP "}", SC_JWS_MEMBER, "alg"},
		{"{\"alg\":[\"EdDSA\"]," TYP "}", SC_JWS_MEMBER, "alg"},
		{"{\"alg\":\"EdDSA\"}", SC_JWS_TYP, NULL},
		{"{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", SC_JWS_TYP, NULL},
		{"{\"alg\":\"EdDSA\",\"typ\":\"SEOULCHAIN-ROW+JWS\"}", SC_JWS_TYP, NULL},
		{"{\"alg\":\"EdDSA\",\"typ\":null}", SC_JWS_MEMBER, "typ"},
		{"{\"alg\":\"EdDSA\"," TYP ",\"kid\":1}", SC_JWS_MEMBER, "kid"},
		{"{\"alg\":\"EdDSA\"," TYP ",\"kid\":\"\"}", SC_JWS_MEMBER, "kid"},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x5t#S256\":\"abc\"}", SC_JWS_MEMBER, "x5t#S256"},
		{"{\"alg\":\"EdDSA\"," TYP ",\"crit\":[\"exp\"]}", SC_JWS_FORBIDDEN, "crit"},
		{"{\"alg\":\"EdDSA\"," TYP ",\"b64\":false}", SC_JWS_FORBIDDEN, "b64"},
		{"{\"alg\":\"EdDSA\"," TYP ",\"b64\":true}", SC_JWS_FORBIDDEN, "b64"},
		{"{\"alg\":\"EdDSA\"," TYP ",\"jwk\":{}}", SC_JWS_FORBIDDEN, "jwk"},
		{"{\"alg\":\"EdDSA\"," TYP ",\"\\u006awk\":{}}", SC_JWS_FORBIDDEN, "jwk"},
		{"{\"jku\":\"https://x\",\"alg\":\"EdDSA\"," TYP "}", SC_JWS_FORBIDDEN, "jku"},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x5u\":\"https://x\"}", SC_JWS_FORBIDDEN, "x5u"},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x5c\":[]}", SC_JWS_FORBIDDEN, "x5c"},
		{"{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\"," TYP "}", SC_JWS_DUPLICATE, NULL},
		{"{\"alg\":\"EdDSA\",\"\\u0061lg\":\"none\"," TYP "}", SC_JWS_DUPLICATE, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":{\"a\":1,\"a\":1}}", SC_JWS_DUPLICATE, NULL},
		{"{\"crit\":[],\"crit\":[],\"alg\":\"EdDSA\"}", SC_JWS_DUPLICATE, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":{\"alg\":1},\"y\":{\"alg\":1}}", SC_JWS_OK, NULL},
		{"[\"alg\"]", SC_JWS_HEADER, NULL},
		{"\"alg\"", SC_JWS_HEADER, NULL},
		{" ", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP "}x", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP "}{}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP, SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\" " TYP "}", SC_JWS_HEADER, NULL},
		{"{'alg':'EdDSA'," TYP "}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":01}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":1.}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":+1}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":tru}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":\"\\ud83d\"}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":\"\\ude00\\ud83d\"}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":\"\\u0000\"}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":\"\\x\"}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":\"\n\"}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":\"\xff\"}", SC_JWS_HEADER, NULL},
		{"\xEF\xBB\xBF{\"alg\":\"EdDSA\"," TYP "}", SC_JWS_HEADER, NULL},
		{"{\"alg\":\"EdDSA\"," TYP ",\"x\":[[[[[[[[]]]]]]]]}", SC_JWS_TOO_LARGE, NULL},
	};
	ScBuf		jws = SC_BUF_INIT;
	static ScJws parsed;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ScJwsReason reason;

		sign(&jws, cases[i].header, "{}");
		reason = verify_buf(&jws);
		CHECK_CASE(reason == cases[i].reason, cases[i].header);
		reason = sc_jws_parse(&parsed, jws.data, jws.len);
		CHECK_CASE(cases[i].refused == NULL || (parsed.refused && strcmp(parsed.refused, cases[i].refused) == 0), cases[i].header);
	}
	sc_buf_free(&jws);
#undef TYP
}

/* headers up to the limits and beyond */
static void
test_limits(void)
{
	ScBuf		header = SC_BUF_INIT;
	ScBuf		jws = SC_BUF_INIT;

	for (int extra = -1; extra <= 1; extra++)
	{
		sc_buf_reset(&header);
		sc_buf_literal(&header, "{\"alg\":\"EdDSA\",\"typ\":\"seoulchain-row+jws\",\"pad\":\"");
		while (header.len < (size_t) (SC_JWS_HEADER_MAX - 2 + extra))
			sc_buf_char(&header, 'x');
		sc_buf_literal(&header, "\"}");
		sign(&jws, sc_buf_cstr(&header), "{}");
		CHECK(verify_buf(&jws) == (extra <= 0 ? SC_JWS_OK : SC_JWS_TOO_LARGE));
	}
	for (int members = SC_JWS_NAMES_MAX - 2; members <= SC_JWS_NAMES_MAX - 1; members++)
	{
		sc_buf_reset(&header);
		sc_buf_literal(&header, "{\"alg\":\"EdDSA\",\"typ\":\"seoulchain-row+jws\"");
		for (int i = 0; i < members; i++)
		{
			sc_buf_literal(&header, ",\"m");
			sc_buf_uint64(&header, (uint64_t) i);
			sc_buf_literal(&header, "\":0");
		}
		sc_buf_char(&header, '}');
		sign(&jws, sc_buf_cstr(&header), "{}");
		CHECK(verify_buf(&jws) == (members == SC_JWS_NAMES_MAX - 2 ? SC_JWS_OK : SC_JWS_TOO_LARGE));
	}
	for (size_t kid = SC_JWS_TEXT_MAX; kid <= SC_JWS_TEXT_MAX + 1; kid++)
	{
		sc_buf_reset(&header);
		sc_buf_literal(&header, "{\"alg\":\"EdDSA\",\"typ\":\"seoulchain-row+jws\",\"kid\":\"");
		for (size_t i = 0; i < kid; i++)
			sc_buf_char(&header, 'k');
		sc_buf_literal(&header, "\"}");
		sign(&jws, sc_buf_cstr(&header), "{}");
		CHECK(verify_buf(&jws) == (kid == SC_JWS_TEXT_MAX ? SC_JWS_OK : SC_JWS_MEMBER));
	}
	sign(&jws, good_header, "{}");
	for (int i = 0; i < 2000; i++)
		sc_buf_char(&jws, 'A');
	CHECK(verify_buf(&jws) == SC_JWS_TOO_LARGE);
	sc_buf_free(&header);
	sc_buf_free(&jws);
}

/* what can be done to the compact text */
static void
test_text_form(void)
{
	static const char *const texts[] = {"", ".", "..", "...", "e30", "e30.", "e30..", "e30...", "..AAAA", "e30.e30.AAAA"};
	static const ScJwsReason reasons[] = {SC_JWS_PARTS, SC_JWS_PARTS, SC_JWS_BASE64, SC_JWS_PARTS, SC_JWS_PARTS, SC_JWS_PARTS,
	SC_JWS_ALG_MISSING, SC_JWS_PARTS, SC_JWS_BASE64, SC_JWS_NOT_DETACHED};
	static ScJws parsed;
	ScBuf		jws = SC_BUF_INIT;
	int			before;
	char	   *dot;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK_CASE(sc_jws_parse(&parsed, texts[i], strlen(texts[i])) == reasons[i], texts[i]);

	sign(&jws, good_header, "{}");
	CHECK(verify_buf(&jws) == SC_JWS_OK);
	CHECK(verify(jws.data, jws.len, member.spki, member.spkilen, SC_JWS_TYP_ROW, "{ }", 3) == SC_JWS_BAD_SIGNATURE);
	CHECK(verify(jws.data, jws.len, member.spki, member.spkilen, SC_JWS_TYP_ROW, "", 0) == SC_JWS_BAD_SIGNATURE);

	/* truncated anywhere, and with any character exchanged */
	before = test_failed;
	for (size_t len = 0; len < jws.len; len++)
		REQUIRE(verify(jws.data, len, member.spki, member.spkilen, SC_JWS_TYP_ROW, "{}", 2) != SC_JWS_OK);
	for (size_t i = 0; i < jws.len; i++)
	{
		char		was = jws.data[i];

		for (int c = 0; c < 256; c++)
		{
			if ((char) c == was)
				continue;
			jws.data[i] = (char) c;
			REQUIRE(verify_buf(&jws) != SC_JWS_OK);
		}
		jws.data[i] = was;
	}
	CHECK_NO_NEW_FAILURE(before);

	/* the same bytes in another text: padding, bits left over, the other alphabet, white space */
	dot = strchr(sc_buf_cstr(&jws), '.');
	CHECK((jws.len - (size_t) (dot - jws.data) - 2) % 4 == 2);
	jws.data[jws.len - 1]++;
	CHECK(verify_buf(&jws) == SC_JWS_BASE64);
	jws.data[jws.len - 1]--;
	sc_buf_literal(&jws, "==");
	CHECK(verify_buf(&jws) == SC_JWS_BASE64);
	jws.len -= 2;
	sc_buf_char(&jws, '\n');
	CHECK(verify_buf(&jws) == SC_JWS_BASE64);
	jws.len--;
	CHECK(verify_buf(&jws) == SC_JWS_OK);
	jws.len -= 2;
	CHECK(verify_buf(&jws) == SC_JWS_LENGTH);
	sc_buf_free(&jws);
}

/* kid and x5t#S256 choose among the signer's keys */
static void
test_names(void)
{
	static ScJws jws;
	ScMemberKey certified = member;
	ScBuf		header = SC_BUF_INIT;
	ScBuf		text = SC_BUF_INIT;

	sign(&text, good_header, "{}");
	CHECK(sc_jws_parse(&jws, text.data, text.len) == SC_JWS_OK);
	CHECK(sc_jws_names_key(&jws, &member, "clerk-7"));
	CHECK(!sc_jws_names_key(&jws, &member, "clerk-8") && !sc_jws_names_key(&jws, &member, NULL));
	sign(&text, "{\"alg\":\"EdDSA\"}", "{}");
	CHECK(sc_jws_parse(&jws, text.data, text.len) == SC_JWS_OK && sc_jws_names_key(&jws, &member, NULL));
	for (int form = 0; form < 4; form++)
	{
		sc_buf_reset(&header);
		sc_buf_string(&header, form == 3 ? "{\"alg\":\"EdDSA\",\"x5t#S256\":\"" : "{\"alg\":\"EdDSA\",\"kid\":\"");
		if (form == 0)
			sc_buf_hex(&header, member.thumbprint.bytes, SC_HASH_LEN);
		else if (form == 1)
			sc_buf_base64url(&header, member.thumbprint.bytes, SC_HASH_LEN);
		else
			sc_buf_base64url(&header, member.jwk_thumbprint.bytes, SC_HASH_LEN);
		sc_buf_literal(&header, "\"}");
		sign(&text, sc_buf_cstr(&header), "{}");
		CHECK(sc_jws_parse(&jws, text.data, text.len) == SC_JWS_OK);
		CHECK(sc_jws_names_key(&jws, &member, NULL) == (form < 3));
	}
	certified.from_certificate = true;
	certified.certificate_hash = member.jwk_thumbprint;
	CHECK(sc_jws_names_key(&jws, &certified, "any"));
	sc_buf_free(&header);
	sc_buf_free(&text);
}

static void
test_keys(void)
{
	static const uint8_t small_order[32] = {1};
	static const char *const texts[] = {"", "x", "-----BEGIN PUBLIC KEY-----\n", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v_VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n"};
	ScMemberKey key;
	ScVerifier *verifier;
	uint8_t		longer[64];
	uint8_t		twisted[32];
	int			before = test_failed;

	CHECK(sc_pubkey_parse(&key, small_order, 32) == SC_PUBKEY_POINT);
	memset(twisted, 0xff, sizeof(twisted));
	CHECK(sc_pubkey_parse(&key, twisted, 32) == SC_PUBKEY_POINT);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK_CASE(sc_pubkey_parse(&key, texts[i], strlen(texts[i])) != SC_PUBKEY_OK, texts[i]);
	for (size_t len = 0; len < member.spkilen; len++)
		REQUIRE(len == 32 || sc_pubkey_parse(&key, member.spki, len) == SC_PUBKEY_NOT_A_KEY);
	CHECK_NO_NEW_FAILURE(before);
	memcpy(longer, member.spki, 44);
	longer[44] = 0;
	CHECK(sc_pubkey_parse(&key, longer, 45) == SC_PUBKEY_TRAILING);
	CHECK_STATUS(sc_verifier_open(&verifier, longer, 45), SC_MALFORMED);
	CHECK_STATUS(sc_verifier_open(&verifier, raw, 32), SC_MALFORMED);
	CHECK(verifier == NULL);
	sc_verifier_close(NULL);
	for (int r = 0; r <= SC_PUBKEY_NO_MEMORY + 1; r++)
		REQUIRE(sc_pubkey_reason_text((ScPubkeyReason) r)[0] != '\0');
	for (int r = 0; r <= SC_JWS_INTERNAL + 1; r++)
		REQUIRE(sc_jws_reason_text((ScJwsReason) r)[0] != '\0');
	CHECK_NO_NEW_FAILURE(before);
}

/* one verifier goes from key to key and never mixes them up */
static void
test_switch(void)
{
	FILE	   *f = test_open("wycheproof_ecdsa");
	char	   *fields[TEST_FIELDS];
	ScVerifier *verifier = NULL;
	uint8_t		off_curve[91];
	int			cases = 0;
	int			before = test_failed;

	while (test_read(f, fields) == 5)
	{
		size_t		keylen;
		size_t		len;
		size_t		siglen;
		uint8_t    *spki = test_unhex(&keylen, fields[1]);
		uint8_t    *message = test_unhex(&len, fields[2]);
		uint8_t    *signature = test_unhex(&siglen, fields[3]);

		if (cases++ % 7 == 0)
			REQUIRE(sc_verifier_switch(&verifier, member.spki, member.spkilen) == SC_OK &&
					sc_verifier_kind(verifier) == SC_KIND_ED25519);
		REQUIRE_CASE(sc_verifier_switch(&verifier, spki, keylen) == SC_OK, fields[0]);
		REQUIRE_CASE((sc_verifier_check(verifier, message, len, signature, siglen) == SC_OK) == (fields[4][0] == '1'), fields[0]);
		memcpy(off_curve, spki, sizeof(off_curve));
		free(spki);
		free(message);
		free(signature);
	}
	CHECK_NO_NEW_FAILURE(before);
	fclose(f);
	off_curve[60] ^= 1;
	CHECK_STATUS(sc_verifier_switch(&verifier, off_curve, sizeof(off_curve)), SC_MALFORMED);
	CHECK(verifier == NULL);
	CHECK_STATUS(sc_verifier_open(&verifier, off_curve, sizeof(off_curve)), SC_MALFORMED);
	CHECK(verifier == NULL);
}

static void
test_profile(void)
{
	ScProfile	profile;

	CHECK(sc_profile_parse(&profile, "any") && profile == SC_PROFILE_ANY);
	CHECK(sc_profile_allows(profile, SC_KIND_ED25519) && sc_profile_allows(profile, SC_KIND_P256) && sc_profile_allows(profile, SC_KIND_RSA));
	CHECK(!sc_profile_allows(profile, (ScKeyKind) 9) && !sc_profile_allows_note(profile, 6));
	CHECK(sc_profile_note_type(profile, SC_KEY_COSIGNATURE) == SC_KEY_COSIGNATURE);
	CHECK(sc_profile_parse(&profile, "kcmvp") && profile == SC_PROFILE_KCMVP);
	CHECK(!sc_profile_allows(profile, SC_KIND_ED25519) && sc_profile_allows(profile, SC_KIND_P256) && sc_profile_allows(profile, SC_KIND_RSA));
	CHECK(!sc_profile_allows_note(profile, SC_KEY_ED25519) && !sc_profile_allows_note(profile, SC_KEY_COSIGNATURE) &&
		  sc_profile_allows_note(profile, SC_KEY_ECDSA));
	CHECK(sc_profile_note_type(profile, SC_KEY_COSIGNATURE) == SC_KEY_ECDSA);
	CHECK(!sc_profile_parse(&profile, "KCMVP") && !sc_profile_parse(&profile, ""));
	CHECK(strcmp(sc_profile_name(SC_PROFILE_KCMVP), "kcmvp") == 0);
	CHECK(strcmp(sc_profile_algorithm(SC_KIND_P256), sc_profile_note_algorithm(SC_KEY_ECDSA)) == 0);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "--check") == 0)
		return check_files(argv + 2);
	test_begin(argc, argv);
	if (sodium_init() < 0 || crypto_sign_keypair(raw, secret) != 0 ||
		sc_pubkey_parse(&member, raw, 32) != SC_PUBKEY_OK)
		abort();
	test_rfc8037();
	test_wycheproof();
	test_wycheproof_bare("wycheproof_ecdsa", SC_KIND_P256, 262);
	test_wycheproof_bare("wycheproof_ed25519", SC_KIND_ED25519, 151);
	test_headers();
	test_limits();
	test_text_form();
	test_names();
	test_keys();
	test_switch();
	test_profile();
	return test_end("jws");
}
