/*
 * test_x509.c
 *	  Certificates at a time: chains, validity, usage, revocation before and after, weak and strange ones.
 */
#include "harness.h"
#include "pki.h"

#include <openssl/pem.h>

#include "sign/x509.h"

#define TODAY PKI_EPOCH
#define CLERK_USAGE "critical,digitalSignature"

static PkiCert root;
static PkiCert middle;
static PkiCert clerk;

/* root trusted, middle at hand */
static ScAuthorities *
authorities(void)
{
	ScAuthorities *out = sc_authorities_new();

	CHECK(out && sc_authorities_add_anchor(out, root.der.data, root.der.len) == SC_CERT_OK);
	CHECK(sc_authorities_add_intermediate(out, middle.der.data, middle.der.len) == SC_CERT_OK);
	return out;
}

static PkiCert
issue(const char *name, const PkiCert *issuer, const char *usage)
{
	return pki_issue(EVP_EC_gen("P-256"), name, issuer, TODAY - 10 * PKI_DAY, TODAY + 10 * PKI_DAY,
					 "CA:FALSE", usage, NULL, EVP_sha256());
}

/* judges at a time; the reason */
static ScCertJudgement
judge(const ScAuthorities *trusted, const PkiCert *cert, int64_t at)
{
	ScCertJudgement out;

	sc_cert_judge(&out, trusted, cert->der.data, cert->der.len, at);
	return out;
}

static void
test_validity(void)
{
	ScAuthorities *trusted = authorities();
	ScCertJudgement j = judge(trusted, &clerk, TODAY);
	ScHash		hash;
	ScMemberKey key;

	CHECK(j.reason == SC_CERT_OK && !j.revoked && !j.crls_current && j.has_authority);
	CHECK(strcmp(j.subject, "CN=\xEA\xB9\x80\xEC\x84\x9C\xEA\xB8\xB0") == 0 && strcmp(j.issuer, "CN=City") == 0);
	CHECK(j.not_before == TODAY - 10 * PKI_DAY && j.not_after == TODAY + 10 * PKI_DAY);
	sc_hash_bytes(&hash, root.der.data, root.der.len);
	CHECK(test_same_hash(&hash, &j.authority));
	CHECK(sc_pubkey_parse(&key, clerk.der.data, clerk.der.len) == SC_PUBKEY_OK);
	CHECK(key.from_certificate && memcmp(&key, &j.key, sizeof(key)) == 0);
	CHECK(judge(trusted, &clerk, TODAY - 10 * PKI_DAY).reason == SC_CERT_OK);
	CHECK(judge(trusted, &clerk, TODAY - 10 * PKI_DAY - 1).reason == SC_CERT_NOT_YET_VALID);
	CHECK(judge(trusted, &clerk, TODAY + 10 * PKI_DAY - 1).reason == SC_CERT_OK);
	CHECK(judge(trusted, &clerk, TODAY + 10 * PKI_DAY).reason == SC_CERT_EXPIRED);
	j = judge(trusted, &clerk, TODAY + 2000 * PKI_DAY);
	CHECK(j.reason == SC_CERT_EXPIRED);
	sc_authorities_free(trusted);
}

/* an expired issuer expires what it issued */
static void
test_chain_validity(void)
{
	ScAuthorities *trusted = authorities();
	PkiCert		old = pki_issue(EVP_EC_gen("P-256"), "Old", &root, TODAY - 100 * PKI_DAY, TODAY - PKI_DAY,
								"critical,CA:TRUE", "critical,keyCertSign", NULL, EVP_sha256());
	PkiCert		leaf = issue("leaf", &old, CLERK_USAGE);

	CHECK(sc_authorities_add_intermediate(trusted, old.der.data, old.der.len) == SC_CERT_OK);
	CHECK(judge(trusted, &leaf, TODAY - 2 * PKI_DAY).reason == SC_CERT_OK);
	CHECK(judge(trusted, &leaf, TODAY).reason == SC_CERT_EXPIRED && judge(trusted, &leaf, TODAY).depth == 1);
	pki_free(&old);
	pki_free(&leaf);
	sc_authorities_free(trusted);
}

static void
test_authorities(void)
{
	ScAuthorities *nobody = sc_authorities_new();
	ScAuthorities *half = sc_authorities_new();
	ScAuthorities *trusted = authorities();
	PkiCert		pretender = pki_authority("City", NULL);
	PkiCert		forged = issue("forged", &pretender, CLERK_USAGE);
	PkiCert		alone = issue("alone", NULL, CLERK_USAGE);
	PkiCert		under_clerk = issue("under a clerk", &clerk, CLERK_USAGE);

	CHECK(judge(nobody, &clerk, TODAY).reason == SC_CERT_UNKNOWN_AUTHORITY);
	CHECK(judge(nobody, &root, TODAY).reason == SC_CERT_UNKNOWN_AUTHORITY);
	CHECK(judge(trusted, &forged, TODAY).reason != SC_CERT_OK);
	CHECK(judge(trusted, &alone, TODAY).reason == SC_CERT_UNKNOWN_AUTHORITY);

	/* the root without the link between */
	CHECK(sc_authorities_add_anchor(half, root.der.data, root.der.len) == SC_CERT_OK);
	CHECK(judge(half, &clerk, TODAY).reason == SC_CERT_UNKNOWN_AUTHORITY);

	/* an intermediate one may be registered by itself */
	CHECK(sc_authorities_add_anchor(nobody, middle.der.data, middle.der.len) == SC_CERT_OK);
	CHECK(judge(nobody, &clerk, TODAY).reason == SC_CERT_OK);

	/* a clerk is no authority */
	CHECK(sc_authorities_add_intermediate(trusted, clerk.der.data, clerk.der.len) == SC_CERT_OK);
	CHECK(judge(trusted, &under_clerk, TODAY).reason != SC_CERT_OK);
	sc_authorities_free(nobody);
	sc_authorities_free(half);
	sc_authorities_free(trusted);
	pki_free(&pretender);
	pki_free(&forged);
	pki_free(&alone);
	pki_free(&under_clerk);
}

static void
test_usage(void)
{
	static const struct
	{
		const char *usage;
		ScCertReason reason;
	}			cases[] = {
		{"critical,digitalSignature", SC_CERT_OK}, {"nonRepudiation", SC_CERT_OK}, {NULL, SC_CERT_OK},
		{"digitalSignature,keyEncipherment", SC_CERT_OK},
		{"keyEncipherment", SC_CERT_WRONG_USAGE}, {"critical,keyAgreement,dataEncipherment", SC_CERT_WRONG_USAGE}
	};
	ScAuthorities *trusted = authorities();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		PkiCert		cert = issue("someone", &middle, cases[i].usage);

		CHECK_CASE(judge(trusted, &cert, TODAY).reason == cases[i].reason, cases[i].usage ? cases[i].usage : "none");
		pki_free(&cert);
	}
	CHECK(judge(trusted, &middle, TODAY).reason == SC_CERT_WRONG_USAGE);
	sc_authorities_free(trusted);
}

static void
test_weak(void)
{
	ScAuthorities *trusted = authorities();
	PkiCert		certs[] = {
		pki_issue(EVP_RSA_gen(1024), "RSA 1024", &middle, TODAY - 1, TODAY + 1, NULL, CLERK_USAGE, NULL, EVP_sha256()),
		pki_issue(EVP_EC_gen("P-256"), "SHA-1", &middle, TODAY - 1, TODAY + 1, NULL, CLERK_USAGE, NULL, EVP_sha1()),
		pki_issue(EVP_EC_gen("P-384"), "P-384", &middle, TODAY - 1, TODAY + 1, NULL, CLERK_USAGE, NULL, EVP_sha256()),
		pki_issue(EVP_RSA_gen(2048), "RSA 2048", &middle, TODAY - 1, TODAY + 1, NULL, CLERK_USAGE, NULL, EVP_sha256()),
		pki_issue(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "Ed25519", &middle, TODAY - 1, TODAY + 1, NULL, CLERK_USAGE, NULL, EVP_sha256()),
	};
	static const ScCertReason reasons[] = {SC_CERT_WEAK, SC_CERT_WEAK, SC_CERT_KEY, SC_CERT_OK, SC_CERT_OK};

	for (size_t i = 0; i < sizeof(certs) / sizeof(certs[0]); i++)
	{
		ScCertJudgement j = judge(trusted, &certs[i], TODAY);

		CHECK_CASE(j.reason == reasons[i], j.subject);
		CHECK(i != 2 || j.key_reason == SC_PUBKEY_ALGORITHM);
		pki_free(&certs[i]);
	}
	sc_authorities_free(trusted);
}

/* judges the clerk with one list at hand */
static ScCertJudgement
with_crl(PkiDer crl, int64_t at)
{
	ScAuthorities *trusted = authorities();
	ScCertJudgement out;

	CHECK(sc_authorities_add_crl(trusted, crl.data, crl.len) == SC_CERT_OK);
	OPENSSL_free(crl.data);
	out = judge(trusted, &clerk, at);
	sc_authorities_free(trusted);
	return out;
}

static void
test_revocation(void)
{
	int64_t		when = TODAY - PKI_DAY;
	int64_t		from = TODAY - PKI_DAY / 2;
	int64_t		until = TODAY + PKI_DAY;
	PkiCert		pretender = pki_authority("City", NULL);
	ScCertJudgement j;

	/* just before and just after */
	j = with_crl(pki_crl(&middle, &clerk, when, 1, 0, from, until), when - 1);
	CHECK(j.reason == SC_CERT_OK && j.revoked && j.revoked_at == when && j.revocation_reason == 1 && !j.has_invalid_since);
	j = with_crl(pki_crl(&middle, &clerk, when, 1, 0, from, until), when);
	CHECK(j.reason == SC_CERT_REVOKED && j.depth == 0);
	j = with_crl(pki_crl(&middle, &clerk, when, -1, when - 5000, from, until), TODAY);
	CHECK(j.reason == SC_CERT_REVOKED && j.revocation_reason == -1 && j.has_invalid_since && j.invalid_since == when - 5000);
	j = with_crl(pki_crl(&middle, &clerk, when, 6, 0, from, until), TODAY);
	CHECK(j.reason == SC_CERT_REVOKED && strcmp(sc_cert_revocation_text(j.revocation_reason), "on hold") == 0);

	/* a later list names a graver reason and an earlier misuse, under the same time or a later one */
	for (int later = 0; later < 2; later++)
	{
		ScAuthorities *trusted = authorities();
		PkiDer		first = pki_crl(&middle, &clerk, when, 4, 0, from, until);
		PkiDer		second = pki_crl(&middle, &clerk, when + later, 1, when - 5000, from + 1, until);

		CHECK(sc_authorities_add_crl(trusted, first.data, first.len) == SC_CERT_OK);
		CHECK(!judge(trusted, &clerk, when - 1).compromised);
		CHECK(sc_authorities_add_crl(trusted, second.data, second.len) == SC_CERT_OK);
		j = judge(trusted, &clerk, when - 1);
		CHECK(j.reason == SC_CERT_OK && j.revoked && j.revoked_at == when && j.compromised);
		CHECK(j.has_invalid_since && j.invalid_since == when - 5000 && j.revocation_reason == (later ? 4 : 1));
		OPENSSL_free(first.data);
		OPENSSL_free(second.data);
		sc_authorities_free(trusted);
	}

	/* not listed, and lists of others */
	j = with_crl(pki_crl(&middle, NULL, 0, 0, 0, from, until), TODAY);
	CHECK(j.reason == SC_CERT_OK && !j.revoked);
	j = with_crl(pki_crl(&middle, &root, when, 1, 0, from, until), TODAY);
	CHECK(j.reason == SC_CERT_OK && !j.revoked);
	j = with_crl(pki_crl(&pretender, &clerk, when, 1, 0, from, until), TODAY);
	CHECK(j.reason == SC_CERT_OK && !j.revoked);
	j = with_crl(pki_crl(&root, &clerk, when, 1, 0, from, until), TODAY);
	CHECK(j.reason == SC_CERT_OK && !j.revoked);

	/* the issuer's own certificate revoked */
	j = with_crl(pki_crl(&root, &middle, when, 2, 0, from, until), TODAY);
	CHECK(j.reason == SC_CERT_REVOKED && j.depth == 1);
	pki_free(&pretender);
}

static void
test_crls_current(void)
{
	ScAuthorities *trusted = authorities();
	PkiDer		lower = pki_crl(&middle, NULL, 0, 0, 0, TODAY - PKI_DAY, TODAY + PKI_DAY);
	PkiDer		upper = pki_crl(&root, NULL, 0, 0, 0, TODAY - PKI_DAY, TODAY + PKI_DAY);

	CHECK(sc_authorities_add_crl(trusted, lower.data, lower.len) == SC_CERT_OK);
	CHECK(!judge(trusted, &clerk, TODAY).crls_current);
	CHECK(sc_authorities_add_crl(trusted, upper.data, upper.len) == SC_CERT_OK);
	CHECK(judge(trusted, &clerk, TODAY).crls_current);
	CHECK(!judge(trusted, &clerk, TODAY + 2 * PKI_DAY).crls_current);
	CHECK(judge(trusted, &clerk, TODAY + 2 * PKI_DAY).reason == SC_CERT_OK);
	sc_authorities_free(trusted);
	OPENSSL_free(lower.data);
	OPENSSL_free(upper.data);
}

/* delta and indirect lists, other critical extensions */
static void
test_strange_crls(void)
{
	ScAuthorities *trusted = authorities();
	PkiDer		der = pki_crl(&middle, NULL, 0, 0, 0, TODAY, TODAY + 1);
	static const struct
	{
		int			nid;
		const char *value;
		ScCertReason reason;
	}			cases[] = {
		{NID_delta_crl, "critical,DER:020101", SC_CERT_UNSUPPORTED},
		{NID_issuing_distribution_point, "critical,DER:30038401FF", SC_CERT_UNSUPPORTED},
		{NID_issuing_distribution_point, "critical,DER:30038101FF", SC_CERT_OK},
		{NID_freshest_crl, "critical,DER:3000", SC_CERT_UNSUPPORTED},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const uint8_t *p = der.data;
		X509_CRL   *crl = d2i_X509_CRL(NULL, &p, (long) der.len);
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, cases[i].nid, cases[i].value);
		uint8_t    *bytes = NULL;
		int			n;

		pki_must(crl && ext && X509_CRL_add_ext(crl, ext, -1) && X509_CRL_sign(crl, middle.pkey, EVP_sha256()));
		n = i2d_X509_CRL(crl, &bytes);
		CHECK_CASE(sc_authorities_add_crl(trusted, bytes, (size_t) n) == cases[i].reason, cases[i].value);
		OPENSSL_free(bytes);
		X509_EXTENSION_free(ext);
		X509_CRL_free(crl);
	}
	sc_authorities_free(trusted);
	OPENSSL_free(der.data);
}

/* every byte of a certificate counts; truncated ones are none; nothing may follow */
static void
test_damage(void)
{
	ScAuthorities *trusted = authorities();
	uint8_t    *copy = malloc(clerk.der.len + 1);
	int			before = test_failed;
	ScCertJudgement j;

	for (size_t i = 0; i < clerk.der.len; i++)
	{
		memcpy(copy, clerk.der.data, clerk.der.len);
		copy[i] ^= 0x01;
		sc_cert_judge(&j, trusted, copy, clerk.der.len, TODAY);
		REQUIRE(j.reason != SC_CERT_OK);
		if (i % 8 == 0)
		{
			sc_cert_judge(&j, trusted, clerk.der.data, i, TODAY);
			REQUIRE(j.reason == SC_CERT_MALFORMED);
		}
	}
	CHECK_NO_NEW_FAILURE(before);
	memcpy(copy, clerk.der.data, clerk.der.len);
	copy[clerk.der.len] = 0;
	sc_cert_judge(&j, trusted, copy, clerk.der.len + 1, TODAY);
	CHECK(j.reason == SC_CERT_MALFORMED);
	CHECK(sc_authorities_add_crl(trusted, clerk.der.data, clerk.der.len) == SC_CERT_MALFORMED);
	CHECK(sc_authorities_add_anchor(trusted, "-----BEGIN CERTIFICATE-----\n", 28) == SC_CERT_MALFORMED);
	free(copy);
	sc_authorities_free(trusted);
}

/* the same in PEM, alone and in a bundle */
static void
test_pem(void)
{
	BIO		   *bio = BIO_new(BIO_s_mem());
	ScAuthorities *trusted = sc_authorities_new();
	char	   *text;
	long		len;
	ScCertJudgement j;

	pki_must(PEM_write_bio_X509(bio, middle.cert) && PEM_write_bio_X509(bio, root.cert));
	len = BIO_get_mem_data(bio, &text);
	CHECK(sc_authorities_add_anchor(trusted, text, (size_t) len) == SC_CERT_MALFORMED);
	CHECK(sc_authorities_add_bundle(trusted, text, (size_t) len) == SC_CERT_OK);
	CHECK(sc_authorities_add_bundle(trusted, text, (size_t) len - 60) == SC_CERT_MALFORMED);
	CHECK(sc_authorities_add_bundle(trusted, "none", 4) == SC_CERT_MALFORMED);
	CHECK(judge(trusted, &clerk, TODAY).reason == SC_CERT_OK);
	BIO_reset(bio);
	pki_must(PEM_write_bio_X509(bio, clerk.cert));
	len = BIO_get_mem_data(bio, &text);
	sc_cert_judge(&j, trusted, text, (size_t) len, TODAY);
	CHECK(j.reason == SC_CERT_OK);
	BIO_free(bio);
	sc_authorities_free(trusted);
}

/* who may be registered as an authority, and whose list it is */
static void
test_register(void)
{
	PkiCert		weak = pki_issue(EVP_RSA_gen(1024), "Weak", NULL, TODAY - PKI_DAY, TODAY + PKI_DAY, "critical,CA:TRUE",
								 "critical,keyCertSign,cRLSign", NULL, EVP_sha256());
	PkiCert		mute = pki_issue(EVP_EC_gen("P-256"), "Mute", NULL, TODAY - PKI_DAY, TODAY + PKI_DAY, "critical,CA:TRUE",
								 "critical,keyCertSign", NULL, EVP_sha256());
	PkiCert		twin = pki_authority("City", &root);
	PkiDer		list = pki_crl(&middle, &clerk, TODAY, 1, 0, TODAY, TODAY + PKI_DAY);
	PkiDer		unsaid = pki_crl(&mute, NULL, 0, -1, 0, TODAY, TODAY + PKI_DAY);
	ScCrlFacts	facts;
	ScHash		nothing;

	CHECK(sc_cert_judge_authority(root.der.data, root.der.len) == SC_CERT_OK);
	CHECK(sc_cert_judge_authority(middle.der.data, middle.der.len) == SC_CERT_OK);
	CHECK(sc_cert_judge_authority(clerk.der.data, clerk.der.len) == SC_CERT_WRONG_USAGE);
	CHECK(sc_cert_judge_authority(weak.der.data, weak.der.len) == SC_CERT_WEAK);
	CHECK(sc_cert_judge_authority(list.data, list.len) == SC_CERT_MALFORMED);

	CHECK(sc_crl_judge_issuer(&facts, list.data, list.len, middle.der.data, middle.der.len) == SC_CERT_OK);
	sc_hash_bytes(&nothing, "", 0);
	CHECK(facts.issued_at == TODAY && memcmp(&facts.scope, &nothing, sizeof(ScHash)) == 0);
	CHECK(sc_crl_judge_issuer(&facts, list.data, list.len, root.der.data, root.der.len) == SC_CERT_UNKNOWN_AUTHORITY);
	CHECK(sc_crl_judge_issuer(&facts, list.data, list.len, twin.der.data, twin.der.len) == SC_CERT_BAD_SIGNATURE);
	CHECK(sc_crl_judge_issuer(&facts, unsaid.data, unsaid.len, mute.der.data, mute.der.len) == SC_CERT_WRONG_USAGE);
	CHECK(sc_crl_judge_issuer(&facts, list.data, list.len - 1, middle.der.data, middle.der.len) == SC_CERT_MALFORMED);
	CHECK(sc_crl_judge_issuer(&facts, list.data, list.len, "none", 4) == SC_CERT_MALFORMED);
	OPENSSL_free(list.data);
	OPENSSL_free(unsaid.data);
	pki_free(&weak);
	pki_free(&mute);
	pki_free(&twin);
}

/* the stretch in which all of a chain is valid */
static void
test_chain_stretch(void)
{
	ScAuthorities *trusted = sc_authorities_new();
	PkiCert		brief = pki_issue(EVP_EC_gen("P-256"), "Brief", &root, TODAY - PKI_DAY, TODAY + PKI_DAY, "critical,CA:TRUE",
								  "critical,keyCertSign,cRLSign", NULL, EVP_sha256());
	PkiCert		leaf = issue("leaf", &brief, CLERK_USAGE);
	ScCertJudgement j;

	CHECK(sc_authorities_add_anchor(trusted, root.der.data, root.der.len) == SC_CERT_OK);
	CHECK(sc_authorities_add_intermediate(trusted, brief.der.data, brief.der.len) == SC_CERT_OK);
	j = judge(trusted, &leaf, TODAY);
	CHECK(j.reason == SC_CERT_OK);
	CHECK(j.chain_from == (j.not_before > TODAY - PKI_DAY ? j.not_before : TODAY - PKI_DAY));
	CHECK(j.chain_until == (j.not_after < TODAY + PKI_DAY ? j.not_after : TODAY + PKI_DAY));
	sc_authorities_free(trusted);
	pki_free(&brief);
	pki_free(&leaf);
}

int
main(int argc, char **argv)
{
	test_begin(argc, argv);
	root = pki_authority("Country", NULL);
	middle = pki_authority("City", &root);
	clerk = issue("\xEA\xB9\x80\xEC\x84\x9C\xEA\xB8\xB0", &middle, CLERK_USAGE);
	test_validity();
	test_chain_validity();
	test_authorities();
	test_usage();
	test_weak();
	test_revocation();
	test_crls_current();
	test_strange_crls();
	test_damage();
	test_pem();
	test_register();
	test_chain_stretch();
	for (int r = 0; r <= SC_CERT_NO_MEMORY + 1; r++)
		CHECK(sc_cert_reason_text((ScCertReason) r)[0] != '\0');
	sc_authorities_free(NULL);
	pki_free(&root);
	pki_free(&middle);
	pki_free(&clerk);
	return test_end("x509");
}
