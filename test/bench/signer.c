/*
 * signer.c
 *	  Many members' keys and signatures for the benchmark, and the bare loop that verification is measured against.
 *
 *	signer keys ALG FROM TO		a line "<n> TAB \x<SubjectPublicKeyInfo>" for each member
 *	signer sign ALG < lines		of "<n> TAB <payload>" each: the detached JWS by member n, a line
 *	signer verify ALG < lines	of "<n> TAB <payload> TAB <jws>": what the library needs for
 *								all of them, as "<count> <seconds> <CPU seconds>"
 *
 * ALG is EdDSA or ES256.  A member's key is made of its number, so nothing has
 * to be kept.  The bare loop does nothing that can be done before it: texts are
 * put together, signatures decoded and keys made ready; what is left are the
 * calls of libsodium's crypto_sign_verify_detached, or of OpenSSL's SHA-256 and
 * EVP_PKEY_verify.  Lines that do not verify end the program.
 */
#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/buf.h"
#include "core/hash.h"
#include "core/text.h"

#define ED25519_PREFIX "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21"

typedef struct Member
{
	uint64_t	number;
	uint8_t		raw[32];		/* Ed25519 */
	uint8_t		secret[64];
	EVP_PKEY   *pkey;			/* ES256 */
	EVP_PKEY_CTX *ctx;
	struct Member *next;
} Member;

typedef struct Case
{
	const Member *member;
	char	   *input;
	size_t		len;
	uint8_t		signature[72];
	size_t		siglen;
} Case;

static bool ecdsa;
static Member *members[65536];

static void
die(const char *what)
{
	fprintf(stderr, "signer: %s\n", what);
	exit(1);
}

/* the private number and point of a member's P-256 key */
static void
make_p256(Member *m, const ScHash *seed)
{
	EC_GROUP   *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT   *point = EC_POINT_new(group);
	BIGNUM	   *number = BN_bin2bn(seed->bytes, SC_HASH_LEN, NULL);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	uint8_t		bytes[65];
	OSSL_PARAM *params;

	if (!EC_POINT_mul(group, point, number, NULL, NULL, NULL) ||
		EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, bytes, sizeof(bytes), NULL) != sizeof(bytes) ||
		!OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) ||
		!OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, bytes, sizeof(bytes)) ||
		!OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) ||
		(params = OSSL_PARAM_BLD_to_param(build)) == NULL ||
		EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &m->pkey, EVP_PKEY_KEYPAIR, params) != 1 ||
		(m->ctx = EVP_PKEY_CTX_new(m->pkey, NULL)) == NULL ||
		EVP_PKEY_verify_init(m->ctx) != 1 || EVP_PKEY_CTX_set_signature_md(m->ctx, EVP_sha256()) != 1)
		die("cannot make a P-256 key");
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(number);
	EC_POINT_free(point);
	EC_GROUP_free(group);
}

/* a member with its keys; made once */
static Member *
member(uint64_t number)
{
	Member	  **slot = &members[number % 65536];
	Member	   *m;
	char		name[64];
	ScHash		seed;

	for (m = *slot; m != NULL; m = m->next)
		if (m->number == number)
			return m;
	m = calloc(1, sizeof(*m));
	m->number = number;
	m->next = *slot;
	*slot = m;
	snprintf(name, sizeof(name), "benchmark key %" PRIu64, number);
	sc_hash_bytes(&seed, name, strlen(name));
	if (ecdsa)
		make_p256(m, &seed);
	else if (crypto_sign_seed_keypair(m->raw, m->secret, seed.bytes) != 0)
		die("cannot make an Ed25519 key");
	return m;
}

static void
print_keys(uint64_t from, uint64_t to)
{
	ScBuf		line = SC_BUF_INIT;

	for (uint64_t n = from; n <= to; n++)
	{
		Member	   *m = member(n);

		sc_buf_reset(&line);
		sc_buf_uint64(&line, n);
		sc_buf_literal(&line, "\t\\\\x");
		if (ecdsa)
		{
			uint8_t    *der = NULL;
			int			len = i2d_PUBKEY(m->pkey, &der);

			sc_buf_hex(&line, der, (size_t) len);
			OPENSSL_free(der);
		}
		else
		{
			sc_buf_hex(&line, ED25519_PREFIX, 12);	/* the literal's NUL is its last byte */
			sc_buf_hex(&line, m->raw, sizeof(m->raw));
		}
		puts(sc_buf_cstr(&line));
	}
	sc_buf_free(&line);
}

/* r||s of a signature in DER */
static void
raw_of_der(uint8_t raw[64], const uint8_t *der, size_t len)
{
	ECDSA_SIG  *signature = d2i_ECDSA_SIG(NULL, &der, (long) len);

	if (signature == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, 32) != 32 ||
		BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + 32, 32) != 32)
		die("cannot read a signature");
	ECDSA_SIG_free(signature);
}

static void
sign(uint8_t raw[64], Member *m, const ScBuf *input)
{
	EVP_MD_CTX *ctx;
	uint8_t		der[72];
	size_t		len = sizeof(der);

	if (!ecdsa)
	{
		crypto_sign_detached(raw, NULL, (const uint8_t *) input->data, input->len, m->secret);
		return;
	}
	ctx = EVP_MD_CTX_new();
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, m->pkey) != 1 ||
		EVP_DigestSign(ctx, der, &len, (const uint8_t *) input->data, input->len) != 1)
		die("cannot sign");
	raw_of_der(raw, der, len);
	EVP_MD_CTX_free(ctx);
}

/* reads a line without its newline; false at the end */
static bool
read_line(char **line, size_t *cap)
{
	ssize_t		n = getline(line, cap, stdin);

	if (n <= 0)
		return false;
	if ((*line)[n - 1] == '\n')
		(*line)[n - 1] = '\0';
	return true;
}

static void
sign_lines(void)
{
	ScBuf		header = SC_BUF_INIT;
	ScBuf		input = SC_BUF_INIT;
	ScBuf		jws = SC_BUF_INIT;
	char	   *line = NULL;
	size_t		cap = 0;
	char		json[64];
	uint8_t		raw[64];

	snprintf(json, sizeof(json), "{\"alg\":\"%s\",\"typ\":\"seoulchain-row+jws\"}", ecdsa ? "ES256" : "EdDSA");
	sc_buf_base64url(&header, json, strlen(json));
	while (read_line(&line, &cap))
	{
		char	   *payload = strchr(line, '\t');

		if (payload == NULL)
			die("a line without tab");
		*payload++ = '\0';
		sc_buf_reset(&input);
		sc_buf_append(&input, header.data, header.len);
		sc_buf_char(&input, '.');
		sc_buf_base64url(&input, payload, strlen(payload));
		sign(raw, member(strtoull(line, NULL, 10)), &input);
		sc_buf_reset(&jws);
		sc_buf_append(&jws, header.data, header.len);
		sc_buf_literal(&jws, "..");
		sc_buf_base64url(&jws, raw, sizeof(raw));
		puts(sc_buf_cstr(&jws));
	}
}

/* a line made ready to be verified */
static void
read_case(Case *c, char *line)
{
	char	   *payload = strchr(line, '\t');
	char	   *jws = payload ? strchr(payload + 1, '\t') : NULL;
	char	   *dot = jws ? strchr(jws, '.') : NULL;
	ScBuf		input = SC_BUF_INIT;
	uint8_t		raw[64];
	size_t		n;

	if (dot == NULL)
		die("not a number, a payload and a JWS");
	*payload++ = *jws++ = '\0';
	sc_buf_append(&input, jws, (size_t) (dot - jws));
	sc_buf_char(&input, '.');
	sc_buf_base64url(&input, payload, strlen(payload));
	c->input = input.data;
	c->len = input.len;
	c->member = member(strtoull(line, NULL, 10));
	if (!sc_text_base64url(raw, sizeof(raw), &n, dot + 2, strlen(dot + 2)) || n != sizeof(raw))
		die("not a signature");
	if (ecdsa)
	{
		ECDSA_SIG  *signature = ECDSA_SIG_new();
		uint8_t    *der = c->signature;

		ECDSA_SIG_set0(signature, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
		c->siglen = (size_t) i2d_ECDSA_SIG(signature, &der);
		ECDSA_SIG_free(signature);
	}
	else
		memcpy(c->signature, raw, sizeof(raw));
}

static double
seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static bool
verify(const Case *c)
{
	ScHash		hash;

	if (!ecdsa)
		return crypto_sign_verify_detached(c->signature, (const uint8_t *) c->input, c->len, c->member->raw) == 0;
	sc_hash_bytes(&hash, c->input, c->len);
	return EVP_PKEY_verify(c->member->ctx, c->signature, c->siglen, hash.bytes, SC_HASH_LEN) == 1;
}

static void
verify_lines(void)
{
	Case	   *cases = NULL;
	size_t		ncases = 0;
	char	   *line = NULL;
	size_t		cap = 0;
	double		wall;
	double		cpu;

	while (read_line(&line, &cap))
	{
		if ((ncases & (ncases + 1)) == 0)
			cases = realloc(cases, (2 * ncases + 2) * sizeof(*cases));
		read_case(&cases[ncases++], line);
	}
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (size_t i = 0; i < ncases; i++)
	{
		if (!verify(&cases[i]))
			die("a signature does not verify");
	}
	printf("%zu %.6f %.6f\n", ncases, seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

int
main(int argc, char **argv)
{
	if (argc < 3 || sodium_init() < 0)
		die("signer keys|sign|verify EdDSA|ES256 [FROM TO]");
	ecdsa = strcmp(argv[2], "ES256") == 0;
	if (strcmp(argv[1], "keys") == 0 && argc == 5)
		print_keys(strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	else if (strcmp(argv[1], "sign") == 0)
		sign_lines();
	else if (strcmp(argv[1], "verify") == 0)
		verify_lines();
	else
		die("signer keys|sign|verify EdDSA|ES256 [FROM TO]");
	return 0;
}
