/*
 * test_timestamp.c
 *	  RFC 3161: published tokens, and those of an authority made here, at any time and with any fault.
 */
#include "harness.h"
#include "pki.h"

#include <openssl/ts.h>

#include "sign/timestamp.h"

#define TODAY PKI_EPOCH
#define STAMP_USAGE "critical,digitalSignature"
#define STAMP_EXTENDED "critical,timeStamping"

static const char checkpoint[] = "seoul.go.kr/city-hall/main\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
static PkiCert root;
static PkiCert stamp_ec;
static PkiCert stamp_rsa;
static long stamp_time;			/* what the authority's clock says */

static uint8_t *
read_vector(const char *name, size_t *len)
{
	static uint8_t bytes[3][65536];
	static int	turn;
	uint8_t    *out = bytes[turn++ % 3];
	char		path[512];
	FILE	   *f;

	snprintf(path, sizeof(path), "test/vectors/rfc3161/%s", name);
	f = fopen(path, "r");
	if (f == NULL)
	{
		perror(path);
		exit(1);
	}
	*len = fread(out, 1, sizeof(bytes[0]), f);
	fclose(f);
	return out;
}

/* what openssl ts -verify says of the published ones, we say */
static void
test_vectors_published(void)
{
	FILE	   *f = test_open("rfc3161");
	char	   *fields[TEST_FIELDS];
	int			cases = 0;

	while (test_read(f, fields) == 2)
	{
		ScAuthorities *trusted = sc_authorities_new();
		ScTimestamp stamp;
		char		chain[512];
		size_t		len;
		size_t		textlen = 5;
		uint8_t    *data;
		const void *text = "hello";
		bool		mock = strncmp(fields[0], "sigstore.mock", 13) == 0;
		ScTimeReason reason;

		snprintf(chain, sizeof(chain), "%s", fields[0]);
		strcpy(strrchr(chain, '/'), "/ts_chain.pem");
		data = read_vector(chain, &len);
		CHECK_CASE(sc_authorities_add_bundle(trusted, data, len) == SC_CERT_OK, chain);
		if (mock)
			text = read_vector("sigstore.mock/payload", &textlen);
		data = read_vector(fields[0], &len);
		reason = sc_timestamp_verify(&stamp, trusted, data, len, text, textlen, NULL, 0);

		/* the mock's certificate has expired since, but was good at the token's own time */
		CHECK_CASE((reason == SC_TIME_OK) == (mock || fields[1][0] == '1'), fields[0]);
		if (reason == SC_TIME_OK)
		{
			CHECK(stamp.seconds > 1600000000 && stamp.seconds < 1900000000 && stamp.authority.has_authority);
			CHECK(sc_timestamp_verify(&stamp, trusted, data, len, "hellp", 5, NULL, 0) == SC_TIME_IMPRINT);
		}
		cases++;
		sc_authorities_free(trusted);
	}
	CHECK(cases == 9);
	fclose(f);
}

/* an authority whose chain we do not have */
static void
test_unknown_published(void)
{
	ScAuthorities *nobody = sc_authorities_new();
	ScTimestamp stamp;
	size_t		len;
	uint8_t    *data = read_vector("identrust/issue-104.tsr", &len);
	ScTimeReason reason = sc_timestamp_verify(&stamp, nobody, data, len, "hello", 5, NULL, 0);

	CHECK(reason != SC_TIME_OK);
	data = read_vector("test_tsa/response.tsr", &len);
	CHECK(sc_timestamp_verify(&stamp, nobody, data, len, "hello", 5, NULL, 0) == SC_TIME_AUTHORITY);
	CHECK(stamp.authority.reason == SC_CERT_UNKNOWN_AUTHORITY);
	sc_authorities_free(nobody);
}

static int
tell_time(TS_RESP_CTX *ctx __attribute__((unused)), void *data __attribute__((unused)), long *seconds, long *micros)
{
	*seconds = stamp_time;
	*micros = 250000;
	return 1;
}

static ASN1_INTEGER *
tell_serial(TS_RESP_CTX *ctx __attribute__((unused)), void *data __attribute__((unused)))
{
	ASN1_INTEGER *serial = ASN1_INTEGER_new();

	pki_must(ASN1_INTEGER_set(serial, 0xBEEF));
	return serial;
}

/* the authority's answer to a request, DER */
static PkiDer
answer(const PkiCert *signer, const ScBuf *request, const EVP_MD *md)
{
	TS_RESP_CTX *ctx = TS_RESP_CTX_new();
	BIO		   *bio = BIO_new_mem_buf(request->data, (int) request->len);
	ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4.1", 1);
	TS_RESP    *response;
	PkiDer		out = {NULL, 0};

	pki_must(TS_RESP_CTX_set_signer_cert(ctx, signer->cert) && TS_RESP_CTX_set_signer_key(ctx, signer->pkey));
	pki_must(TS_RESP_CTX_set_def_policy(ctx, policy) && TS_RESP_CTX_add_md(ctx, EVP_sha256()));
	pki_must(TS_RESP_CTX_set_signer_digest(ctx, md) && TS_RESP_CTX_set_ess_cert_id_digest(ctx, EVP_sha256()));
	pki_must(TS_RESP_CTX_set_accuracy(ctx, 1, 500, 0) && TS_RESP_CTX_set_clock_precision_digits(ctx, 2));
	TS_RESP_CTX_set_time_cb(ctx, tell_time, NULL);
	TS_RESP_CTX_set_serial_cb(ctx, tell_serial, NULL);
	response = TS_RESP_create_response(ctx, bio);
	pki_must(response != NULL);
	out.len = (size_t) i2d_TS_RESP(response, &out.data);
	TS_RESP_free(response);
	TS_RESP_CTX_free(ctx);
	ASN1_OBJECT_free(policy);
	BIO_free(bio);
	return out;
}

static PkiCert
stamp_cert(EVP_PKEY *pkey, const char *extended, int64_t until)
{
	return pki_issue(pkey, "Time", &root, TODAY - 10 * PKI_DAY, until, "CA:FALSE", STAMP_USAGE, extended, EVP_sha256());
}

static ScAuthorities *
authorities(void)
{
	ScAuthorities *out = sc_authorities_new();

	CHECK(out && sc_authorities_add_anchor(out, root.der.data, root.der.len) == SC_CERT_OK);
	return out;
}

/* asks, gets an answer, checks it in every way */
static void
test_round(const PkiCert *signer)
{
	ScAuthorities *trusted = authorities();
	ScAuthorities *nobody = sc_authorities_new();
	ScBuf		request = SC_BUF_INIT;
	ScBuf		token = SC_BUF_INIT;
	ScBuf		again = SC_BUF_INIT;
	uint8_t		nonce[SC_NONCE_LEN];
	uint8_t		other[SC_NONCE_LEN];
	size_t		len = strlen(checkpoint);
	ScTimestamp stamp;
	ScTimeImprint imprint;
	PkiDer		response;

	CHECK(sc_timestamp_request(&request, nonce, checkpoint, len) == SC_TIME_OK);
	CHECK(sc_timestamp_request(&again, other, checkpoint, len) == SC_TIME_OK);
	CHECK(memcmp(nonce, other, sizeof(nonce)) != 0);
	stamp_time = TODAY;
	response = answer(signer, &request, EVP_sha256());
	CHECK(sc_timestamp_verify(&stamp, trusted, response.data, response.len, checkpoint, len, nonce, sizeof(nonce)) == SC_TIME_OK);
	CHECK(stamp.seconds == TODAY && stamp.micros == 250000 && stamp.accuracy == 1500000);
	CHECK(stamp.noncelen == sizeof(nonce) && memcmp(stamp.nonce, nonce, sizeof(nonce)) == 0);
	CHECK(strcmp(stamp.serial, "beef") == 0 && strcmp(stamp.policy, "1.2.3.4.1") == 0);
	CHECK(strcmp(stamp.authority.subject, "CN=Time") == 0 && stamp.authority.reason == SC_CERT_OK);
	CHECK(sc_timestamp_verify(&stamp, trusted, response.data, response.len, checkpoint, len, NULL, 0) == SC_TIME_OK);
	CHECK(sc_timestamp_verify(&stamp, trusted, response.data, response.len, checkpoint, len, other, sizeof(other)) == SC_TIME_NONCE);
	CHECK(sc_timestamp_verify(&stamp, trusted, response.data, response.len, checkpoint, len - 1, nonce, sizeof(nonce)) == SC_TIME_IMPRINT);
	CHECK(sc_timestamp_verify(&stamp, nobody, response.data, response.len, checkpoint, len, nonce, sizeof(nonce)) == SC_TIME_AUTHORITY);
	CHECK(stamp.authority.reason == SC_CERT_UNKNOWN_AUTHORITY);

	/* what it claims, unproven */
	CHECK(sc_timestamp_imprint(&imprint, response.data, response.len) == SC_TIME_OK);
	CHECK(sc_timestamp_imprint_is_of(&imprint, checkpoint, len) && !sc_timestamp_imprint_is_of(&imprint, checkpoint, len - 1));
	CHECK(imprint.noncelen == sizeof(nonce) && memcmp(imprint.nonce, nonce, sizeof(nonce)) == 0);
	CHECK(sc_timestamp_imprint(&imprint, request.data, request.len) == SC_TIME_MALFORMED);

	/* the token alone, taken out of the response, says the same */
	CHECK(sc_timestamp_token(&token, response.data, response.len) == SC_TIME_OK && token.len < response.len);
	CHECK(sc_timestamp_verify(&stamp, trusted, token.data, token.len, checkpoint, len, nonce, sizeof(nonce)) == SC_TIME_OK);
	sc_buf_reset(&again);
	CHECK(sc_timestamp_token(&again, token.data, token.len) == SC_TIME_OK && again.len == token.len &&
		  memcmp(again.data, token.data, token.len) == 0);
	CHECK(sc_timestamp_verify(&stamp, trusted, token.data, token.len - 1, checkpoint, len, NULL, 0) == SC_TIME_MALFORMED);
	sc_buf_char(&token, '\0');
	CHECK(sc_timestamp_verify(&stamp, trusted, token.data, token.len, checkpoint, len, NULL, 0) == SC_TIME_MALFORMED);
	CHECK(sc_timestamp_verify(&stamp, trusted, request.data, request.len, checkpoint, len, NULL, 0) == SC_TIME_MALFORMED);
	CHECK(sc_timestamp_verify(&stamp, trusted, signer->der.data, signer->der.len, checkpoint, len, NULL, 0) == SC_TIME_MALFORMED);
	CHECK(sc_timestamp_verify(&stamp, trusted, "", 0, checkpoint, len, NULL, 0) == SC_TIME_MALFORMED);

	OPENSSL_free(response.data);
	sc_buf_free(&request);
	sc_buf_free(&token);
	sc_buf_free(&again);
	sc_authorities_free(trusted);
	sc_authorities_free(nobody);
}

/* a token over the checkpoint by this signer at this time */
static PkiDer
stamp_at(const PkiCert *signer, int64_t when, const EVP_MD *md)
{
	ScBuf		request = SC_BUF_INIT;
	uint8_t		nonce[SC_NONCE_LEN];
	PkiDer		out;

	CHECK(sc_timestamp_request(&request, nonce, checkpoint, strlen(checkpoint)) == SC_TIME_OK);
	stamp_time = (long) when;
	out = answer(signer, &request, md);
	sc_buf_free(&request);
	return out;
}

/* judges such a token, with a list at hand */
static ScTimeReason
judge_at(const PkiCert *signer, int64_t when, const EVP_MD *md, PkiDer crl, ScTimestamp *stamp)
{
	ScAuthorities *trusted = authorities();
	PkiDer		token = stamp_at(signer, when, md);
	ScTimeReason reason;

	if (crl.data)
		CHECK(sc_authorities_add_crl(trusted, crl.data, crl.len) == SC_CERT_OK);
	reason = sc_timestamp_verify(stamp, trusted, token.data, token.len, checkpoint, strlen(checkpoint), NULL, 0);
	OPENSSL_free(token.data);
	OPENSSL_free(crl.data);
	sc_authorities_free(trusted);
	return reason;
}

static void
test_authority_faults(void)
{
	const PkiDer none = {NULL, 0};
	ScTimestamp stamp;
	PkiCert		web;
	int64_t		revoked = TODAY - PKI_DAY;

	/* the certificate is judged at the token's time, not today's */
	CHECK(judge_at(&stamp_ec, TODAY - 9 * PKI_DAY, EVP_sha256(), none, &stamp) == SC_TIME_OK);
	CHECK(judge_at(&stamp_ec, TODAY - 11 * PKI_DAY, EVP_sha256(), none, &stamp) == SC_TIME_AUTHORITY);
	CHECK(stamp.authority.reason == SC_CERT_NOT_YET_VALID);
	CHECK(judge_at(&stamp_ec, TODAY + 11 * PKI_DAY, EVP_sha256(), none, &stamp) == SC_TIME_AUTHORITY);
	CHECK(stamp.authority.reason == SC_CERT_EXPIRED);

	/* SHA-1 */
	CHECK(judge_at(&stamp_rsa, TODAY, EVP_sha1(), none, &stamp) == SC_TIME_SIGNATURE);
	CHECK(judge_at(&stamp_rsa, TODAY, EVP_sha512(), none, &stamp) == SC_TIME_OK);

	/* revoked before; after, for a harmless reason; after, but the key was stolen or nobody says why */
	CHECK(judge_at(&stamp_ec, TODAY, EVP_sha256(), pki_crl(&root, &stamp_ec, revoked, 4, 0, TODAY, TODAY + 9), &stamp) == SC_TIME_AUTHORITY);
	CHECK(stamp.authority.reason == SC_CERT_REVOKED && stamp.authority.revoked_at == revoked);
	CHECK(judge_at(&stamp_ec, revoked - 1, EVP_sha256(), pki_crl(&root, &stamp_ec, revoked, 4, 0, TODAY, TODAY + 9), &stamp) == SC_TIME_OK);
	CHECK(judge_at(&stamp_ec, revoked - 1, EVP_sha256(), pki_crl(&root, &stamp_ec, revoked, 1, 0, TODAY, TODAY + 9), &stamp) == SC_TIME_AUTHORITY);
	CHECK(judge_at(&stamp_ec, revoked - 1, EVP_sha256(), pki_crl(&root, &stamp_ec, revoked, -1, 0, TODAY, TODAY + 9), &stamp) == SC_TIME_AUTHORITY);
	CHECK(stamp.authority.reason == SC_CERT_REVOKED);

	/* first it was superseded, then the authority says that the key was stolen */
	{
		ScAuthorities *trusted = authorities();
		PkiDer		first = pki_crl(&root, &stamp_ec, revoked, 4, 0, TODAY, TODAY + 9);
		PkiDer		second = pki_crl(&root, &stamp_ec, revoked, 1, 0, TODAY + 1, TODAY + 9);
		PkiDer		token = stamp_at(&stamp_ec, revoked - 1, EVP_sha256());

		CHECK(sc_authorities_add_crl(trusted, first.data, first.len) == SC_CERT_OK);
		CHECK(sc_timestamp_verify(&stamp, trusted, token.data, token.len, checkpoint, strlen(checkpoint), NULL, 0) == SC_TIME_OK);
		CHECK(sc_authorities_add_crl(trusted, second.data, second.len) == SC_CERT_OK);
		CHECK(sc_timestamp_verify(&stamp, trusted, token.data, token.len, checkpoint, strlen(checkpoint), NULL, 0) == SC_TIME_AUTHORITY);
		OPENSSL_free(first.data);
		OPENSSL_free(second.data);
		OPENSSL_free(token.data);
		sc_authorities_free(trusted);
	}

	/* a certificate for something else: libcrypto will not even let it make a token */
	web = stamp_cert(EVP_EC_gen("P-256"), "serverAuth", TODAY + 10 * PKI_DAY);
	CHECK(X509_check_purpose(web.cert, X509_PURPOSE_TIMESTAMP_SIGN, 0) != 1);
	pki_free(&web);
}

/* no bit of a token can be changed and still prove the time */
static void
test_damage(void)
{
	ScAuthorities *trusted = authorities();
	PkiDer		token = stamp_at(&stamp_ec, TODAY, EVP_sha256());
	int			before = test_failed;

	for (size_t i = 0; i < token.len; i += 3)
	{
		ScTimestamp stamp;
		ScTimeReason reason;

		token.data[i] ^= 0x01;
		reason = sc_timestamp_verify(&stamp, trusted, token.data, token.len, checkpoint, strlen(checkpoint), NULL, 0);

		/* parts that nobody signed (the status, certificates beside it) may change, the time may not */
		REQUIRE(reason != SC_TIME_OK || (stamp.seconds == TODAY && stamp.micros == 250000));
		token.data[i] ^= 0x01;
		if (i % 12 == 0)
			REQUIRE(sc_timestamp_verify(&stamp, trusted, token.data, i, checkpoint, strlen(checkpoint), NULL, 0) == SC_TIME_MALFORMED);
	}
	CHECK_NO_NEW_FAILURE(before);
	OPENSSL_free(token.data);
	sc_authorities_free(trusted);
}

/* an authority that says no */
static void
test_refusal(void)
{
	ScAuthorities *trusted = authorities();
	ScBuf		garbage = SC_BUF_INIT;
	ScTimestamp stamp;
	PkiDer		response;

	sc_buf_literal(&garbage, "0\003\002\001\001");
	response = answer(&stamp_ec, &garbage, EVP_sha256());
	CHECK(sc_timestamp_verify(&stamp, trusted, response.data, response.len, checkpoint, strlen(checkpoint), NULL, 0) == SC_TIME_REFUSED);
	sc_buf_reset(&garbage);
	CHECK(sc_timestamp_token(&garbage, response.data, response.len) == SC_TIME_REFUSED && garbage.len == 0);
	sc_timestamp_refusal(&garbage, response.data, response.len);
	CHECK(garbage.len > 10 && memcmp(garbage.data, "it could not read the request", 10) == 0);
	sc_buf_reset(&garbage);
	sc_timestamp_refusal(&garbage, response.data, response.len - 1);
	CHECK(garbage.len == 0);
	OPENSSL_free(response.data);
	sc_buf_free(&garbage);
	sc_authorities_free(trusted);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	root = pki_authority("Country", NULL);
	stamp_ec = stamp_cert(EVP_EC_gen("P-256"), STAMP_EXTENDED, TODAY + 10 * PKI_DAY);
	stamp_rsa = stamp_cert(EVP_RSA_gen(2048), STAMP_EXTENDED, TODAY + 10 * PKI_DAY);
	test_vectors_published();
	test_unknown_published();
	test_round(&stamp_ec);
	test_round(&stamp_rsa);
	test_authority_faults();
	test_damage();
	test_refusal();
	for (int r = 0; r <= SC_TIME_NO_MEMORY + 1; r++)
		CHECK(sc_time_reason_text((ScTimeReason) r)[0] != '\0');
	pki_free(&root);
	pki_free(&stamp_ec);
	pki_free(&stamp_rsa);
	return test_end("timestamp");
}
