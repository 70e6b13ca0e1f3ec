/*
 * test_evidence_files.c
 *	  seoulchain-verify on directories of evidence: files that are missing, strange, altered or of other histories, and certificates.
 */
#include "evidence.h"
#include "pki.h"

#include <sys/stat.h>

/* a shell command in the test's folder */
static void
shell(const char *command)
{
	char		text[1024];

	snprintf(text, sizeof(text), "cd %s && { %s ; }", folder, command);
	if (system(text) != 0)
		abort();
}

static void
test_files(void)
{
	static const char *const needed[] = {"row.receipt", "rule.receipt", "members.receipt", "member.receipt", "key.receipt"};

	standard_chain();
	for (size_t i = 0; i < 5; i++)
	{
		char		command[128];

		standard_files();
		snprintf(command, sizeof(command), "rm e/%s", needed[i]);
		shell(command);
		CHECK(judged(3, needed[i]));
	}
	standard_files();
	shell("touch e/README 'e/row.receipt~' e/status-01.receipt e/status-.receipt e/status-x.receipt e/STATUS-1.receipt e/.hidden; mkdir e/folder");
	CHECK(judged(0, "Not read: 8 files whose names mean nothing here"));
	standard_files();
	shell("touch $(printf 'e/\\033]0;red')");
	CHECK(judged(0, "such as \\u{1b}]0;red") && !says("\x1b"));
	standard_files();
	shell("mv e/row.receipt r && ln -s ../r e/row.receipt");
	CHECK(judged(3, "row.receipt: It is a symbolic link"));
	standard_files();
	shell("rm e/key.receipt && mkfifo e/key.receipt");
	CHECK(judged(3, "key.receipt: It is not a regular file."));
	standard_files();
	shell("mkdir e/status-1.receipt");
	CHECK(judged(3, "status-1.receipt: It is not a regular file."));
	standard_files();
	shell("ln -s /dev/zero e/crl-1.der");
	CHECK(judged(3, "crl-1.der: It is a symbolic link"));
	standard_files();
	shell("truncate -s 1G e/status-1.receipt");
	CHECK(judged(3, "status-1.receipt: It is too large"));
	standard_files();
	shell("truncate -s 65M e/crl-1.der");
	CHECK(judged(3, "crl-1.der: It is too large"));
	standard_files();
	shell("for i in $(seq 1100); do : > e/status-$i.receipt; done");
	CHECK(judged(3, "more than 1,024 files"));
	standard_files();
	shell("cp e/row.receipt e/status-1.receipt");
	CHECK(judged(1, "status-1.receipt: It is no row of the table"));
	standard_files();
	shell("echo rubbish > e/status-1.receipt");
	CHECK(judged(1, "status-1.receipt: "));
	standard_files();
	shell("cp e/row.receipt e/checkpoint-3");
	CHECK(judged(1, "checkpoint-3: This is no checkpoint."));
	standard_files();
	put_checkpoint(5, 1772445600, true);
	shell("mv e/checkpoint-5 e/checkpoint-6; mv e/consistency-5 e/consistency-6");
	CHECK(judged(1, "checkpoint-6: Its name says another size"));
	standard_files();
	shell("echo x > e/timestamp-99-1.tsr");
	CHECK(judged(3, "no checkpoint of the size"));
	empty_directory();
	CHECK(judged(3, "There is no file row.receipt."));
}

/* receipts of two sizes, of two histories, of two chains */
static void
test_histories(void)
{
	ScBuf		buf = SC_BUF_INIT;
	int			size;

	standard_chain();
	standard_files();
	put_receipt("key.receipt", key_kim);
	size = chain_size;
	(void) put_status("lee", NULL, "suspend", NULL, ROW_TIME);
	put_receipt("row.receipt", row);
	CHECK(judged(3, "no consistency proof connects"));
	write_proof("e/consistency-8", (uint64_t) size, (uint64_t) chain_size, false);
	CHECK(judged(0, "valid (in_force)"));
	write_proof("e/consistency-8", (uint64_t) size - 1, (uint64_t) chain_size, false);
	CHECK(judged(1, "consistency-8: This proof does not connect"));

	/* another history of the same size */
	standard_chain();
	standard_files();
	begin_chain();
	(void) put_status("lee", NULL, "suspend", NULL, ROW_TIME);
	put_receipt("key.receipt", key_kim);
	CHECK(judged(1, "PROOF: two different histories") && says("key.receipt: Its checkpoint has another root hash"));

	/* another chain's registry */
	standard_chain();
	standard_files();
	receipt(&buf, key_kim, &log_key, NULL);
	for (char *p = buf.data; (p = memchr(p, 's', (size_t) (buf.data + buf.len - p))) != NULL; p++)
	{
		if (buf.data + buf.len - p > (long) strlen(ORIGIN) && memcmp(p, ORIGIN "\n", strlen(ORIGIN) + 1) == 0)
			p[0] = 'S';
	}
	write_buf("e/key.receipt", &buf);
	CHECK(judged(1, "key.receipt: "));
	CHECK(!says("valid ("));
}

/* certificates: authorities and lists of the ledger, before and after the row */
typedef struct Pki
{
	PkiCert		root;
	PkiCert		signer;
} Pki;

#define PKI_TIME "2025-06-15 15:06:40+00"	/* PKI_EPOCH */

static char *
bytea_text(const PkiDer *der)
{
	ScBuf		buf = SC_BUF_INIT;

	sc_value_bytea_text(&buf, der->data, der->len);
	return (char *) sc_buf_cstr(&buf);
}

static uint64_t
put_digested(const char *table, const char *time, const char *digest, const char *const *pairs)
{
	ScBuf		buf = SC_BUF_INIT;

	row_text(&buf, table, pairs, time, digest);
	return put_leaf(&buf);
}

static void
put_der(const char *name, const PkiDer *der)
{
	write_file(name, (const char *) der->data, der->len);
}

/* the registry with kim's certificate; the row is signed with the certificate's Ed25519 key */
static void
certificate_chain(const Pki *pki, const PkiDer *crl_before, const char *row_time)
{
	char	   *root = bytea_text(&pki->root.der);
	char	   *certificate = bytea_text(&pki->signer.der);
	char	   *list = crl_before ? bytea_text(crl_before) : NULL;
	uint8_t		spki[44];
	ScBuf		text = SC_BUF_INIT;

	begin_registry();
	(void) put_digested("members.authority", "2025-06-01 00:00:00+00", "certificate",
						(const char *const[]) {"action", "trust", "authority", "gpki", "certificate", root, NULL});
	member_kim = ROW("members.member", "2025-06-01 00:00:01+00", "kind", "clerk", "member", "kim");
	spki_of(spki, &kim);
	sc_value_bytea_text(&text, spki, sizeof(spki));
	key_kim = put_digested("members.key", "2025-06-01 00:00:02+00", "certificate",
						   (const char *const[]) {"algorithm", "EdDSA", "certificate", certificate, "key", "card", "member", "kim",
							   "public_key", sc_buf_cstr(&text), NULL});
	sc_buf_free(&text);
	if (list)
		(void) put_digested("members.crl", "2025-06-02 00:00:00+00", "crl",
							(const char *const[]) {"authority", "gpki", "crl", list, NULL});
	row = put_signed("kim", &kim, HEADER, row_time, false, NULL);
	free(root);
	free(certificate);
	free(list);
}

static void
certificate_files(const Pki *pki)
{
	standard_files();
	put_der("e/key.der", &pki->signer.der);
	put_receipt("authority-1.receipt", 3);
	put_der("e/authority-1.der", &pki->root.der);
}

static void
test_certificates(void)
{
	EVP_PKEY   *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, kim.secret, 32);
	Pki			pki = {.root = pki_authority("Root", NULL)};
	PkiDer		crl;
	uint64_t	late;

	pki.signer = pki_issue(pkey, "kim", &pki.root, PKI_EPOCH - 100 * PKI_DAY, PKI_EPOCH + 100 * PKI_DAY,
						   NULL, "critical,digitalSignature", NULL, EVP_sha256());
	certificate_chain(&pki, NULL, PKI_TIME);
	certificate_files(&pki);
	CHECK(judged(0, "valid (in_force)") && says("card, Ed25519, certified"));
	shell("rm e/authority-1.receipt");
	CHECK(judged(5, "undecided (not_shown)"));
	certificate_files(&pki);
	shell("rm e/authority-1.der");
	CHECK(judged(3, "no .der file"));
	certificate_files(&pki);
	shell("cp e/key.der e/authority-1.der");
	CHECK(judged(1, "authority-1.der: It is not what the ledger recorded."));
	certificate_files(&pki);
	shell("rm e/key.der");
	CHECK(judged(3, "no file key.der"));

	/* at a time when it had run out */
	certificate_chain(&pki, NULL, "2026-06-15 15:06:40+00");
	certificate_files(&pki);
	CHECK(judged(1, "invalid (certificate)"));

	/* a list that the origin had, and one that came later */
	crl = pki_crl(&pki.root, &pki.signer, PKI_EPOCH - PKI_DAY, 1, 0, PKI_EPOCH - PKI_DAY, PKI_EPOCH + 30 * PKI_DAY);
	certificate_chain(&pki, &crl, PKI_TIME);
	certificate_files(&pki);
	put_receipt("crl-1.receipt", 6);
	put_der("e/crl-1.der", &crl);
	CHECK(judged(1, "invalid (certificate)"));
	certificate_chain(&pki, NULL, PKI_TIME);
	{
		char	   *list = bytea_text(&crl);

		late = put_digested("members.crl", "2025-06-20 00:00:00+00", "crl",
							(const char *const[]) {"authority", "gpki", "crl", list, NULL});
		free(list);
	}
	certificate_files(&pki);
	put_receipt("crl-1.receipt", late);
	put_der("e/crl-1.der", &crl);
	CHECK(judged(4, "doubtful (certificate_revoked_later)"));

	/* a list that a newer one replaced before the row */
	{
		PkiDer		newer = pki_crl(&pki.root, NULL, 0, -1, 0, PKI_EPOCH - PKI_DAY / 2, PKI_EPOCH + 30 * PKI_DAY);
		char	   *list = bytea_text(&newer);

		certificate_chain(&pki, &crl, PKI_TIME);
		chain_size--;			/* the row comes behind the newer list */
		sc_buf_free(&chain_leaves[chain_size]);
		late = put_digested("members.crl", "2025-06-03 00:00:00+00", "crl",
							(const char *const[]) {"authority", "gpki", "crl", list, NULL});
		row = put_signed("kim", &kim, HEADER, PKI_TIME, false, NULL);
		certificate_files(&pki);
		put_receipt("crl-1.receipt", 6);
		put_der("e/crl-1.der", &crl);
		CHECK(judged(1, "invalid (certificate)"));
		put_receipt("crl-2.receipt", late);
		put_der("e/crl-2.der", &newer);
		CHECK(judged(0, "valid (in_force)"));
		free(list);
		OPENSSL_free(newer.data);
	}
	OPENSSL_free(crl.data);

	/* the last word about an authority counts: taken back before the row, only a helper, or trusted after it */
	certificate_chain(&pki, NULL, PKI_TIME);
	{
		uint64_t	word;

		chain_size--;
		sc_buf_free(&chain_leaves[chain_size]);
		word = ROW("members.authority", "2025-06-10 00:00:00+00", "action", "distrust", "authority", "gpki");
		row = put_signed("kim", &kim, HEADER, PKI_TIME, false, NULL);
		certificate_files(&pki);
		CHECK(judged(0, "valid (in_force)"));
		put_receipt("authority-2.receipt", word);
		CHECK(judged(5, "undecided (not_shown)"));
	}
	pki_free(&pki.root);
	pki_free(&pki.signer);
}

/* every altered byte of every file is noticed */
static void
test_altered(void)
{
	static const char *const names[] = {"row.receipt", "rule.receipt", "members.receipt", "member.receipt", "key.receipt"};
	int			before = test_failed;

	standard_chain();
	for (size_t i = 0; i < 5; i++)
	{
		uint64_t	leaves[] = {row, rule_event, members_event, member_kim, key_kim};
		ScBuf		good = SC_BUF_INIT;
		char		name[64];

		standard_files();
		receipt(&good, leaves[i], &log_key, NULL);
		snprintf(name, sizeof(name), "e/%s", names[i]);
		for (size_t j = 0; j + 1 < good.len; j += 1 + test_random() % 9)
		{
			const char *lines = strstr(sc_buf_cstr(&good), "\n\xE2\x80\x94 ");
			bool		signature = good.data + j > lines;
			int			code;

			good.data[j] ^= (char) (1 << test_random() % 7);
			write_file(name, good.data, good.len);
			code = run_key(log_vkey, "e");
			/* signature lines of another receipt's checkpoint are not needed: its root is the row's */
			REQUIRE_CASE(code != 0 || (signature && i > 0), output);
			sc_buf_reset(&good);
			receipt(&good, leaves[i], &log_key, NULL);
		}
		sc_buf_free(&good);
	}
	CHECK_NO_NEW_FAILURE(before);
}

int
main(int argc, char **argv)
{
	if (!evidence_begin(argc, argv))
		return 1;
	test_files();
	test_histories();
	test_certificates();
	test_altered();
	return chain_end("evidence files");
}
