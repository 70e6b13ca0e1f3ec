/*
 * timestamp.c
 *	  RFC 3161 timestamps through libcrypto's TS API.
 *
 * Invariant: a time is proven only when the token's signature, its signing
 * certificate (by hash, RFC 5816), that certificate's chain and usage at the
 * token's own time, the imprint and the nonce are all right.
 *
 * A token outlives its certificate: it is judged at its own time.  A later
 * revocation leaves it good only for the reasons that RFC 3161 section 4 names;
 * after a key compromise a token could have been made with any time.
 *
 * Effects: the authorities' store remembers the time of the last check;
 * libcrypto's error queue is left as it was.
 */
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <string.h>

#include "sign/timestamp.h"
#include "sign/x509_internal.h"

const char *
sc_time_reason_text(ScTimeReason reason)
{
	switch (reason)
	{
		case SC_TIME_OK:
			return "no error";
		case SC_TIME_MALFORMED:
			return "neither a timestamp response nor a token";
		case SC_TIME_REFUSED:
			return "the authority's response says that it gave no timestamp";
		case SC_TIME_HASH:
			return "not made with SHA-256, SHA-384 or SHA-512";
		case SC_TIME_IMPRINT:
			return "a timestamp of another text";
		case SC_TIME_NONCE:
			return "the answer to another request";
		case SC_TIME_UNSUPPORTED:
			return "a version or critical extension that is not supported";
		case SC_TIME_AUTHORITY:
			return "the authority's certificate is not good at that time";
		case SC_TIME_SIGNATURE:
			return "the authority's signature does not verify";
		case SC_TIME_NO_MEMORY:
			return "out of memory";
	}
	return "unknown reason";
}

/* appends a DER object that an i2d function wrote to *der */
static ScTimeReason
append_der(ScBuf *buf, uint8_t *der, int len)
{
	if (len > 0)
		sc_buf_append(buf, der, (size_t) len);
	OPENSSL_free(der);
	return len > 0 && !buf->failed ? SC_TIME_OK : SC_TIME_NO_MEMORY;
}

/* SHA-256 and the text's hash, as an imprint */
static bool
set_imprint(TS_REQ *request, const void *text, size_t len)
{
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *algorithm = X509_ALGOR_new();
	ScHash		hash;
	bool		ok;

	sc_hash_bytes(&hash, text, len);
	ok = imprint && algorithm &&
		X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
		TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
		TS_MSG_IMPRINT_set_msg(imprint, hash.bytes, SC_HASH_LEN) == 1 &&
		TS_REQ_set_msg_imprint(request, imprint) == 1;
	X509_ALGOR_free(algorithm);
	TS_MSG_IMPRINT_free(imprint);
	return ok;
}

static bool
set_nonce(TS_REQ *request, const uint8_t nonce[SC_NONCE_LEN])
{
	BIGNUM	   *number = BN_bin2bn(nonce, SC_NONCE_LEN, NULL);
	ASN1_INTEGER *integer = number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
	bool		ok = integer && TS_REQ_set_nonce(request, integer) == 1;

	ASN1_INTEGER_free(integer);
	BN_free(number);
	return ok;
}

ScTimeReason
sc_timestamp_request(ScBuf *der, uint8_t nonce[SC_NONCE_LEN], const void *text, size_t len)
{
	TS_REQ	   *request;
	uint8_t    *bytes = NULL;
	ScTimeReason reason = SC_TIME_NO_MEMORY;

	ERR_set_mark();
	request = TS_REQ_new();
	if (request && RAND_bytes(nonce, SC_NONCE_LEN) == 1)
	{
		/* positive, and of eight bytes, so that it reads back as it was written */
		nonce[0] = (nonce[0] & 0x7F) | 0x40;
		if (TS_REQ_set_version(request, 1) == 1 && set_imprint(request, text, len) &&
			set_nonce(request, nonce) && TS_REQ_set_cert_req(request, 1) == 1)
		{
			int			n = i2d_TS_REQ(request, &bytes);

			reason = append_der(der, bytes, n);
		}
	}
	TS_REQ_free(request);
	ERR_pop_to_mark();
	return reason;
}

/* the token of a response; *refused when there is none in it */
static PKCS7 *
token_of_response(const uint8_t *data, size_t len, bool *refused)
{
	const uint8_t *p = data;
	TS_RESP    *response = d2i_TS_RESP(NULL, &p, (long) len);
	PKCS7	   *token = NULL;
	long		status;

	*refused = false;
	if (response == NULL)
		return NULL;
	if (p == data + len)
	{
		status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(response)));

		/* granted, or granted with changes */
		*refused = (status != 0 && status != 1) || TS_RESP_get_token(response) == NULL;
		if (!*refused)
			token = PKCS7_dup(TS_RESP_get_token(response));
	}
	TS_RESP_free(response);
	return token;
}

/* decodes a response or a token that fills the bytes */
static ScTimeReason
read_token(PKCS7 **out, const uint8_t *data, size_t len)
{
	const uint8_t *p = data;
	bool		refused;

	*out = NULL;
	if (len == 0 || len > SC_TIMESTAMP_MAX)
		return SC_TIME_MALFORMED;
	*out = token_of_response(data, len, &refused);
	if (*out)
		return SC_TIME_OK;
	if (refused)
		return SC_TIME_REFUSED;
	*out = d2i_PKCS7(NULL, &p, (long) len);
	if (*out && p != data + len)
	{
		PKCS7_free(*out);
		*out = NULL;
	}
	return *out ? SC_TIME_OK : SC_TIME_MALFORMED;
}

/* the failure bits of RFC 3161 section 2.4.2 */
static const char *
failure_text(const ASN1_BIT_STRING *bits)
{
	static const struct
	{
		int			bit;
		const char *text;
	}			failures[] = {
		{TS_INFO_BAD_ALG, "the hash is not one that it takes"},
		{TS_INFO_BAD_REQUEST, "it does not take such requests"},
		{TS_INFO_BAD_DATA_FORMAT, "it could not read the request"},
		{TS_INFO_TIME_NOT_AVAILABLE, "its clock is not available"},
		{TS_INFO_UNACCEPTED_POLICY, "it does not have the policy asked for"},
		{TS_INFO_UNACCEPTED_EXTENSION, "it does not take an extension of the request"},
		{TS_INFO_ADD_INFO_NOT_AVAILABLE, "it does not have what was asked for in addition"},
		{TS_INFO_SYSTEM_FAILURE, "it has failed"},
	};

	for (size_t i = 0; bits && i < sizeof(failures) / sizeof(failures[0]); i++)
	{
		if (ASN1_BIT_STRING_get_bit(bits, failures[i].bit))
			return failures[i].text;
	}
	return NULL;
}

void
sc_timestamp_refusal(ScBuf *text, const void *data, size_t len)
{
	const uint8_t *p = data;
	TS_RESP    *response;

	if (len == 0 || len > SC_TIMESTAMP_MAX)
		return;
	ERR_set_mark();
	response = d2i_TS_RESP(NULL, &p, (long) len);
	if (response)
	{
		TS_STATUS_INFO *status = TS_RESP_get_status_info(response);
		const STACK_OF(ASN1_UTF8STRING) *words = TS_STATUS_INFO_get0_text(status);
		const char *failure = failure_text(TS_STATUS_INFO_get0_failure_info(status));

		if (failure)
			sc_buf_string(text, failure);
		for (int i = 0; i < sk_ASN1_UTF8STRING_num(words); i++)
		{
			const ASN1_UTF8STRING *word = sk_ASN1_UTF8STRING_value(words, i);

			if (text->len > 0)
				sc_buf_literal(text, "; ");
			sc_buf_append(text, ASN1_STRING_get0_data(word), (size_t) ASN1_STRING_length(word));
		}
	}
	TS_RESP_free(response);
	ERR_pop_to_mark();
}

/* the signed statement inside a token, or NULL */
static TS_TST_INFO *
statement_of(PKCS7 *token)
{
	if (!PKCS7_type_is_signed(token) || token->d.sign == NULL || token->d.sign->contents == NULL)
		return NULL;
	return PKCS7_to_TS_TST_INFO(token);
}

ScTimeReason
sc_timestamp_token(ScBuf *der, const void *data, size_t len)
{
	PKCS7	   *token;
	ScTimeReason reason;

	ERR_set_mark();
	reason = read_token(&token, data, len);
	if (reason == SC_TIME_OK)
	{
		TS_TST_INFO *statement = statement_of(token);
		uint8_t    *bytes = NULL;

		if (statement == NULL)
			reason = SC_TIME_MALFORMED;
		else
		{
			int			n = i2d_PKCS7(token, &bytes);

			reason = append_der(der, bytes, n);
		}
		TS_TST_INFO_free(statement);
	}
	PKCS7_free(token);
	ERR_pop_to_mark();
	return reason;
}

/* a positive integer's bytes; SIZE_MAX when it is not one or too long */
static size_t
integer_bytes(uint8_t *out, size_t cap, const ASN1_INTEGER *integer)
{
	BIGNUM	   *number = ASN1_INTEGER_to_BN(integer, NULL);
	size_t		n = SIZE_MAX;

	if (number && !BN_is_negative(number) && (size_t) BN_num_bytes(number) <= cap)
		n = (size_t) BN_bn2bin(number, out);
	BN_free(number);
	return n;
}

/* hash and nonce as the statement has them; a hash of the SHA-2 family */
static ScTimeReason
read_imprint(ScTimeImprint *out, const TS_TST_INFO *statement)
{
	TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint((TS_TST_INFO *) statement);
	const ASN1_INTEGER *nonce = TS_TST_INFO_get_nonce(statement);
	const ASN1_OCTET_STRING *digest = TS_MSG_IMPRINT_get_msg(imprint);
	const ASN1_OBJECT *oid;

	memset(out, 0, sizeof(*out));
	X509_ALGOR_get0(&oid, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
	switch (OBJ_obj2nid(oid))
	{
		case NID_sha256:
			out->len = 32;
			break;
		case NID_sha384:
			out->len = 48;
			break;
		case NID_sha512:
			out->len = 64;
			break;
		default:
			return SC_TIME_HASH;
	}
	if (ASN1_STRING_length(digest) != (int) out->len)
		return SC_TIME_IMPRINT;
	memcpy(out->digest, ASN1_STRING_get0_data(digest), out->len);
	if (nonce)
	{
		size_t		n = integer_bytes(out->nonce, sizeof(out->nonce), nonce);

		if (n != SIZE_MAX)
			out->noncelen = n;
	}
	return SC_TIME_OK;
}

bool
sc_timestamp_imprint_is_of(const ScTimeImprint *imprint, const void *text, size_t len)
{
	const EVP_MD *md = imprint->len == 32 ? EVP_sha256() : imprint->len == 48 ? EVP_sha384() : EVP_sha512();
	uint8_t		digest[EVP_MAX_MD_SIZE];
	unsigned int n;

	return EVP_Digest(text, len, digest, &n, md, NULL) == 1 && n == imprint->len &&
		memcmp(digest, imprint->digest, n) == 0;
}

ScTimeReason
sc_timestamp_imprint(ScTimeImprint *out, const void *data, size_t len)
{
	PKCS7	   *token;
	TS_TST_INFO *statement = NULL;
	ScTimeReason reason;

	ERR_set_mark();
	reason = read_token(&token, data, len);
	if (reason == SC_TIME_OK && (statement = statement_of(token)) == NULL)
		reason = SC_TIME_MALFORMED;
	if (reason == SC_TIME_OK)
		reason = read_imprint(out, statement);
	TS_TST_INFO_free(statement);
	PKCS7_free(token);
	ERR_pop_to_mark();
	return reason;
}

/* whether the token's nonce is the one asked for */
static ScTimeReason
check_nonce(const ScTimeImprint *imprint, const uint8_t *nonce, size_t noncelen)
{
	while (noncelen > 0 && nonce[0] == 0)
	{
		nonce++;
		noncelen--;
	}
	if (noncelen > 0 && (imprint->noncelen != noncelen || memcmp(imprint->nonce, nonce, noncelen) != 0))
		return SC_TIME_NONCE;
	return SC_TIME_OK;
}

/* microseconds of a GeneralizedTime's fraction */
static int32_t
fraction(const ASN1_GENERALIZEDTIME *time)
{
	const uint8_t *p = ASN1_STRING_get0_data(time);
	const uint8_t *end = p + ASN1_STRING_length(time);
	int32_t		micros = 0;
	int			digits = 0;

	p = memchr(p, '.', (size_t) (end - p));
	if (p == NULL)
		return 0;
	for (p++; digits < 6; digits++)
	{
		micros *= 10;
		if (p < end && *p >= '0' && *p <= '9')
			micros += *p++ - '0';
	}
	return micros;
}

/* how far off the time may be, in microseconds; -1 when the token does not say */
static int64_t
accuracy_of(TS_TST_INFO *statement)
{
	TS_ACCURACY *accuracy = TS_TST_INFO_get_accuracy(statement);
	int64_t		seconds = 0;
	int64_t		millis = 0;
	int64_t		micros = 0;

	if (accuracy == NULL)
		return -1;
	if ((TS_ACCURACY_get_seconds(accuracy) && ASN1_INTEGER_get_int64(&seconds, TS_ACCURACY_get_seconds(accuracy)) != 1) ||
		(TS_ACCURACY_get_millis(accuracy) && ASN1_INTEGER_get_int64(&millis, TS_ACCURACY_get_millis(accuracy)) != 1) ||
		(TS_ACCURACY_get_micros(accuracy) && ASN1_INTEGER_get_int64(&micros, TS_ACCURACY_get_micros(accuracy)) != 1) ||
		seconds < 0 || seconds > INT32_MAX || millis < 0 || millis > 999 || micros < 0 || micros > 999)
		return -1;
	return seconds * 1000000 + millis * 1000 + micros;
}

/* everything that the statement says, but who says it */
static ScTimeReason
read_statement(ScTimestamp *out, TS_TST_INFO *statement)
{
	uint8_t		serial[64];
	size_t		n;
	ScBuf		hex = SC_BUF_INIT;

	if (TS_TST_INFO_get_version(statement) != 1)
		return SC_TIME_UNSUPPORTED;
	for (int i = 0; i < TS_TST_INFO_get_ext_count(statement); i++)
	{
		if (X509_EXTENSION_get_critical(TS_TST_INFO_get_ext(statement, i)))
			return SC_TIME_UNSUPPORTED;
	}
	if (!sc_cert_time(&out->seconds, TS_TST_INFO_get_time(statement)))
		return SC_TIME_MALFORMED;
	out->micros = fraction(TS_TST_INFO_get_time(statement));
	out->accuracy = accuracy_of(statement);
	OBJ_obj2txt(out->policy, sizeof(out->policy), TS_TST_INFO_get_policy_id(statement), 1);
	n = integer_bytes(serial, sizeof(serial), TS_TST_INFO_get_serial(statement));
	if (n != SIZE_MAX)
	{
		sc_buf_hex(&hex, serial, n);
		if (!hex.failed && hex.len < sizeof(out->serial))
			memcpy(out->serial, hex.len ? hex.data : "", hex.len);
	}
	sc_buf_free(&hex);
	return SC_TIME_OK;
}

/* whether the one signature was made with a hash of the SHA-2 family */
static bool
strong_signature(PKCS7 *token)
{
	STACK_OF(PKCS7_SIGNER_INFO) *infos = PKCS7_get_signer_info(token);
	const ASN1_OBJECT *oid;
	int			nid;

	if (infos == NULL || sk_PKCS7_SIGNER_INFO_num(infos) != 1)
		return false;
	X509_ALGOR_get0(&oid, NULL, NULL, sk_PKCS7_SIGNER_INFO_value(infos, 0)->digest_alg);
	nid = OBJ_obj2nid(oid);
	return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

/* judges the certificate that signed, at the token's time */
static ScTimeReason
judge_signer(ScTimestamp *out, const ScAuthorities *authorities, PKCS7 *token)
{
	STACK_OF(X509) *signers = PKCS7_get0_signers(token, authorities->others, 0);
	ScTimeReason reason = SC_TIME_SIGNATURE;

	if (signers && sk_X509_num(signers) == 1)
	{
		ScCertJudgement *judgement = &out->authority;

		sc_cert_judge_decoded(judgement, authorities, sk_X509_value(signers, 0), token->d.sign->cert,
							  SC_CERT_USE_TIMESTAMPS, out->seconds);
		if (judgement->reason == SC_CERT_OK && judgement->compromised)
			judgement->reason = SC_CERT_REVOKED;
		reason = judgement->reason == SC_CERT_OK ? SC_TIME_OK : SC_TIME_AUTHORITY;
	}
	sk_X509_free(signers);
	return reason;
}

/* signature, signing certificate's hash, and once more the chain, by libcrypto */
static ScTimeReason
check_signature(ScTimestamp *out, const ScAuthorities *authorities, PKCS7 *token)
{
	X509	   *signer = NULL;
	int			rc;

	if (!strong_signature(token))
		return SC_TIME_SIGNATURE;
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(authorities->store), (time_t) out->seconds);
	rc = TS_RESP_verify_signature(token, authorities->others, authorities->store, &signer);
	X509_free(signer);
	return rc == 1 ? SC_TIME_OK : SC_TIME_SIGNATURE;
}

/* all checks in order, the cheap ones first */
static ScTimeReason
check_token(ScTimestamp *out, const ScAuthorities *authorities, PKCS7 *token, TS_TST_INFO *statement,
			const void *text, size_t textlen, const uint8_t *nonce, size_t noncelen)
{
	ScTimeImprint imprint;
	ScTimeReason reason = read_statement(out, statement);

	if (reason == SC_TIME_OK)
		reason = read_imprint(&imprint, statement);
	if (reason == SC_TIME_OK && !sc_timestamp_imprint_is_of(&imprint, text, textlen))
		reason = SC_TIME_IMPRINT;
	if (reason == SC_TIME_OK)
	{
		memcpy(out->nonce, imprint.nonce, sizeof(out->nonce));
		out->noncelen = imprint.noncelen;
		reason = check_nonce(&imprint, nonce, noncelen);
	}
	if (reason == SC_TIME_OK)
		reason = judge_signer(out, authorities, token);
	if (reason == SC_TIME_OK)
		reason = check_signature(out, authorities, token);
	return reason;
}

ScTimeReason
sc_timestamp_verify(ScTimestamp *out, const ScAuthorities *authorities, const void *data, size_t len,
					const void *text, size_t textlen, const uint8_t *nonce, size_t noncelen)
{
	PKCS7	   *token;
	TS_TST_INFO *statement = NULL;
	ScTimeReason reason;

	memset(out, 0, sizeof(*out));
	out->accuracy = -1;
	out->authority.revocation_reason = -1;
	ERR_set_mark();
	reason = read_token(&token, data, len);
	if (reason == SC_TIME_OK && (statement = statement_of(token)) == NULL)
		reason = SC_TIME_MALFORMED;
	if (reason == SC_TIME_OK)
		reason = check_token(out, authorities, token, statement, text, textlen, nonce, noncelen);
	TS_TST_INFO_free(statement);
	PKCS7_free(token);
	ERR_pop_to_mark();
	return reason;
}
