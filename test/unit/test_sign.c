/*
 * test_sign.c
 *	  Signatures against published vectors; keys, key files and notes end to end.
 */
#include "harness.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"
#include "sign/file.h"
#include "sign/key.h"
#include "sign/signature.h"

static char folder[] = "/tmp/seoulchain_test_XXXXXX";
static ScNote note;

static void
test_rfc8032(void)
{
	FILE	   *f = test_open("rfc8032");
	char	   *fields[TEST_FIELDS];

	while (test_read(f, fields) == 5)
	{
		size_t		keylen;
		size_t		len;
		size_t		siglen;
		uint8_t    *key = test_unhex(&keylen, fields[2]);
		uint8_t    *message = test_unhex(&len, fields[3]);
		uint8_t    *signature = test_unhex(&siglen, fields[4]);

		CHECK_STATUS(sc_signature_verify_ed25519(key, keylen, message, len, signature, siglen), SC_OK);
		CHECK_STATUS(sc_signature_verify_ed25519(key, keylen, message, len, signature, siglen - 1), SC_BAD_SIGNATURE);
		CHECK_STATUS(sc_signature_verify_ed25519(key, keylen - 1, message, len, signature, siglen), SC_BAD_SIGNATURE);
		signature[5] ^= 1;
		CHECK_STATUS(sc_signature_verify_ed25519(key, keylen, message, len, signature, siglen), SC_BAD_SIGNATURE);
		free(key);
		free(message);
		free(signature);
	}
	fclose(f);
}

/* DER of an unsigned integer of 32 bytes */
static size_t
der_integer(uint8_t *out, const uint8_t *in)
{
	size_t		skip = 0;
	size_t		n = 2;

	while (skip < 31 && in[skip] == 0)
		skip++;
	out[0] = 0x02;
	if (in[skip] & 0x80)
		out[n++] = 0;
	memcpy(out + n, in + skip, 32 - skip);
	n += 32 - skip;
	out[1] = (uint8_t) (n - 2);
	return n;
}

static void
test_wycheproof(const char *name, bool ecdsa, int expected)
{
	FILE	   *f = test_open(name);
	char	   *fields[TEST_FIELDS];
	int			cases = 0;

	while (test_read(f, fields) == 5)
	{
		size_t		keylen;
		size_t		len;
		size_t		siglen;
		uint8_t    *key = test_unhex(&keylen, fields[1]);
		uint8_t    *message = test_unhex(&len, fields[2]);
		uint8_t    *signature = test_unhex(&siglen, fields[3]);
		bool		valid = fields[4][0] == '1';
		bool		found;

		if (ecdsa)
		{
			uint8_t		der[80] = {0x30};
			size_t		n = 2;

			/* r || s of another length has no DER form to try */
			if (siglen == 64)
			{
				n += der_integer(der + n, signature);
				n += der_integer(der + n, signature + 32);
				der[1] = (uint8_t) (n - 2);
			}
			found = sc_signature_verify_ecdsa(key, keylen, message, len, der, n) == SC_OK;
		}
		else
			found = sc_signature_verify_ed25519(key, keylen, message, len, signature, siglen) == SC_OK;
		CHECK_CASE(found == valid, fields[0]);
		cases++;
		free(key);
		free(message);
		free(signature);
	}
	CHECK(cases == expected);
	fclose(f);
}

/* the published notes: valid ones verify, the others do not */
static void
test_published_notes(void)
{
	FILE	   *f = test_open("notes");
	char	   *fields[TEST_FIELDS];

	while (test_read(f, fields) == 4)
	{
		size_t		len;
		uint8_t    *text = test_unhex(&len, fields[2]);
		ScVerifierKey keys[4];
		bool		good[4];
		uint64_t	times[4];
		int			nkeys = 0;
		bool		valid = fields[1][0] == '1';
		ScStatus	status;

		/* a 101st line is over the limit of the authors of that case, and over ours */
		for (char *p = strtok(fields[3], ","); p; p = strtok(NULL, ","))
		{
			size_t		n;
			uint8_t    *vkey = test_unhex(&n, p);

			CHECK_STATUS(sc_note_parse_key(&keys[nkeys++], (char *) vkey, n), SC_OK);
			free(vkey);
		}
		status = sc_note_parse(&note, (char *) text, len, false);
		if (status == SC_OK)
			status = sc_key_verify_note(&note, keys, nkeys, good, times);
		CHECK_CASE((status == SC_OK) == valid, fields[0]);
		if (strncmp(fields[0], "sunlight", 8) == 0)
			CHECK(good[0] && times[0] == 1767139200);
		free(text);
	}
	fclose(f);
}

static const char checkpoint_text[] = "seoul.go.kr/city-hall/main\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

/* signs the text with both keys, into buf */
static void
make_note(ScBuf *buf, const ScSigningKey *log, const ScSigningKey *witness, uint64_t time)
{
	size_t		len = strlen(checkpoint_text);

	sc_buf_reset(buf);
	sc_buf_string(buf, checkpoint_text);
	sc_buf_char(buf, '\n');
	if (log)
		CHECK_STATUS(sc_key_sign_note(buf, log, checkpoint_text, len, 0), SC_OK);
	if (witness)
		CHECK_STATUS(sc_key_sign_note(buf, witness, checkpoint_text, len, time), SC_OK);
}

static ScStatus
verify(const ScBuf *buf, const ScVerifierKey *keys, int nkeys, bool *good, uint64_t *times)
{
	ScStatus	status = sc_note_parse(&note, buf->data, buf->len, false);

	return status == SC_OK ? sc_key_verify_note(&note, keys, nkeys, good, times) : status;
}

static void
test_notes_end_to_end(void)
{
	ScSigningKey log;
	ScSigningKey witness;
	ScSigningKey stranger;
	ScVerifierKey keys[3];
	ScBuf		buf = SC_BUF_INIT;
	bool		good[3];
	uint64_t	times[3];
	int			before;
	size_t		first_line;

	CHECK_STATUS(sc_key_generate(&log, "seoul.go.kr/city-hall/main", SC_KEY_ED25519), SC_OK);
	CHECK_STATUS(sc_key_generate(&witness, "seoul.go.kr/inspector", SC_KEY_COSIGNATURE), SC_OK);
	CHECK_STATUS(sc_key_generate(&stranger, "seoul.go.kr/inspector", SC_KEY_COSIGNATURE), SC_OK);
	CHECK_STATUS(sc_key_generate(&stranger, "a b", SC_KEY_COSIGNATURE), SC_MALFORMED);
	CHECK_STATUS(sc_key_generate(&stranger, "a", 0x06), SC_MALFORMED);
	CHECK_STATUS(sc_key_generate(&stranger, "seoul.go.kr/inspector", SC_KEY_COSIGNATURE), SC_OK);
	keys[0] = log.public;
	keys[1] = witness.public;
	keys[2] = stranger.public;

	make_note(&buf, &log, &witness, 1700000000);
	CHECK_STATUS(verify(&buf, keys, 3, good, times), SC_OK);
	CHECK(good[0] && good[1] && !good[2] && times[1] == 1700000000 && times[0] == 0);
	CHECK_STATUS(verify(&buf, keys, 3, NULL, NULL), SC_OK);
	CHECK_STATUS(verify(&buf, keys + 2, 1, good, times), SC_UNKNOWN_KEY);
	CHECK_STATUS(verify(&buf, keys, 0, NULL, NULL), SC_UNKNOWN_KEY);
	CHECK_STATUS(sc_key_sign_note(&buf, &witness, "x\n", 2, UINT64_MAX), SC_RANGE);

	/* of two cosignatures by one key the earlier counts */
	make_note(&buf, &log, &witness, 1700000000);
	CHECK_STATUS(sc_key_sign_note(&buf, &witness, checkpoint_text, strlen(checkpoint_text), 1600000000), SC_OK);
	CHECK_STATUS(verify(&buf, keys, 3, good, times), SC_OK);
	CHECK(times[1] == 1600000000);

	/* a known key's bad line spoils the note, wherever it stands */
	make_note(&buf, &log, &witness, 1700000000);
	sc_note_format_signature(&buf, log.public.name, log.public.id, log.secret, 64);
	CHECK_STATUS(verify(&buf, keys, 3, good, times), SC_BAD_SIGNATURE);
	CHECK(!good[0] && !good[1]);
	CHECK_STATUS(verify(&buf, keys + 1, 1, good, times), SC_OK);

	/* a known key with a signature of an impossible length, too */
	make_note(&buf, &log, NULL, 0);
	sc_note_format_signature(&buf, witness.public.name, witness.public.id, log.secret, 64);
	CHECK_STATUS(verify(&buf, keys, 3, good, times), SC_BAD_SIGNATURE);

	/* a cosigner's key does not count as a plain signature of the same bytes, nor the other way */
	make_note(&buf, NULL, &witness, 5);
	keys[2] = witness.public;
	keys[2].type = SC_KEY_ED25519;
	CHECK_STATUS(verify(&buf, keys + 2, 1, good, times), SC_BAD_SIGNATURE);

	/* two keys that share name and id: the line is by one of them */
	make_note(&buf, &log, NULL, 0);
	keys[2] = stranger.public;
	keys[2].type = SC_KEY_ED25519;
	strcpy(keys[2].name, log.public.name);
	memcpy(keys[2].id, log.public.id, SC_KEY_ID_LEN);
	CHECK_STATUS(verify(&buf, keys, 3, good, times), SC_OK);
	CHECK(good[0] && !good[2]);
	CHECK_STATUS(verify(&buf, keys + 2, 1, good, times), SC_BAD_SIGNATURE);

	/* every bit of text and signature matters */
	make_note(&buf, &log, NULL, 0);
	first_line = strlen(checkpoint_text);
	before = test_failed;
	for (size_t i = 0; i < buf.len; i++)
	{
		for (int bit = 0; bit < 8; bit++)
		{
			buf.data[i] ^= (char) (1 << bit);
			REQUIRE(verify(&buf, keys, 1, good, times) != SC_OK);
			buf.data[i] ^= (char) (1 << bit);
		}
	}
	REQUIRE(first_line < buf.len);
	REQUIRE(verify(&buf, keys, 1, good, times) == SC_OK);
	CHECK_NO_NEW_FAILURE(before);
	sc_buf_free(&buf);
}

static const char *
in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE	   *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 || chmod(path, mode) != 0)
		abort();
}

static void
test_key_files(void)
{
	static const char seed_key[] = "PRIVATE+KEY+example.com/foo+";
	ScSigningKey key;
	ScSigningKey again;
	ScBuf		buf = SC_BUF_INIT;
	struct stat st;
	char		path[256];
	int			before = test_failed;

	CHECK_STATUS(sc_key_generate(&key, "seoul.go.kr/city-hall", SC_KEY_COSIGNATURE), SC_OK);
	strcpy(path, in_folder("key"));
	umask(0);
	CHECK_STATUS(sc_key_save(&key, path), SC_OK);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600 && st.st_nlink == 1);
	CHECK_STATUS(sc_key_load(&again, path), SC_OK);
	CHECK(memcmp(&key.secret, &again.secret, sizeof(key.secret)) == 0);
	CHECK(strcmp(key.public.name, again.public.name) == 0 && memcmp(key.public.key, again.public.key, 32) == 0);
	CHECK(memcmp(key.public.id, again.public.id, 4) == 0 && again.public.type == SC_KEY_COSIGNATURE);
	CHECK_STATUS(sc_key_save(&key, path), SC_EXISTS);

	/* a secret that is read into enough room leaves no copy behind */
	CHECK(sc_buf_reserve(&buf, 1000 + SC_FILE_CHUNK));
	{
		const char *data = buf.data;

		CHECK_STATUS(sc_file_read(&buf, path, 1000), SC_OK);
		CHECK(buf.data == data && buf.len > 0 && buf.cap - buf.len >= SC_FILE_CHUNK);
	}
	sc_buf_free(&buf);

	for (int mode = 0; mode < 01000; mode++)
	{
		ScStatus	status;

		chmod(path, (mode_t) mode);
		status = sc_key_load(&again, path);
		/* only root opens a file without its owner's read bit */
		if (geteuid() != 0 && !(mode & 0400))
			REQUIRE(status == SC_IO);
		else
			REQUIRE((mode & ~0600) ? status == SC_LAX_MODE : status == SC_OK);
	}
	CHECK_NO_NEW_FAILURE(before);
	chmod(path, 0600);
	if (geteuid() == 0)
	{
		CHECK(chown(path, 65534, 65534) == 0);
		CHECK_STATUS(sc_key_load(&again, path), SC_LAX_MODE);
		CHECK(chown(path, 0, 0) == 0);
	}
	CHECK_STATUS(sc_key_load(&again, path), SC_OK);
	CHECK(symlink(path, in_folder("link")) == 0);
	CHECK_STATUS(sc_key_load(&again, in_folder("link")), SC_IO);
	CHECK(errno == ELOOP);
	CHECK_STATUS(sc_key_save(&key, in_folder("link")), SC_EXISTS);
	CHECK_STATUS(sc_key_load(&again, in_folder("nothing")), SC_IO);
	CHECK(errno == ENOENT);
	CHECK_STATUS(sc_key_load(&again, folder), SC_IO);
	CHECK(mkfifo(in_folder("pipe"), 0600) == 0);
	CHECK_STATUS(sc_key_load(&again, in_folder("pipe")), SC_IO);
	CHECK_STATUS(sc_key_save(&key, in_folder("no/such/folder/key")), SC_IO);

	/* texts that are no key file */
	sc_key_format_secret(&buf, &key);
	CHECK(sc_buf_cstr(&buf) != NULL);
	CHECK(strncmp(buf.data, "PRIVATE+KEY+seoul.go.kr/city-hall+", 34) == 0);
	CHECK_STATUS(sc_key_parse_secret(&again, buf.data, buf.len), SC_OK);
	before = test_failed;
	for (size_t i = 0; i < buf.len; i++)
	{
		ScStatus	status = sc_key_parse_secret(&again, buf.data, i);

		REQUIRE(status == SC_MALFORMED);
		buf.data[i] ^= 1;
		REQUIRE(sc_key_parse_secret(&again, buf.data, buf.len) == SC_MALFORMED);
		buf.data[i] ^= 1;
	}
	CHECK_NO_NEW_FAILURE(before);
	write_file(path, buf.data, 0600);
	CHECK_STATUS(sc_key_load(&again, path), SC_MALFORMED);	/* no newline */
	sc_buf_string(&buf, "\n\n");
	CHECK(sc_buf_cstr(&buf) != NULL);
	write_file(path, buf.data, 0600);
	CHECK_STATUS(sc_key_load(&again, path), SC_MALFORMED);
	write_file(path, "", 0600);
	CHECK_STATUS(sc_key_load(&again, path), SC_MALFORMED);
	write_file(path, seed_key, 0600);
	CHECK_STATUS(sc_key_load(&again, path), SC_MALFORMED);
	sc_key_wipe_buf(&buf);
	for (int i = 0; i < 40; i++)
		sc_buf_string(&buf, "0123456789012345678901234567890123456789");
	CHECK(sc_buf_cstr(&buf) != NULL);
	write_file(path, buf.data, 0600);
	CHECK_STATUS(sc_key_load(&again, path), SC_MALFORMED);
	sc_buf_free(&buf);

	/* wiped means wiped */
	sc_key_wipe(&key);
	for (size_t i = 0; i < sizeof(key); i++)
		REQUIRE(((uint8_t *) &key)[i] == 0);
}

/* the private key form is Go's: a published pair loads and signs the published note */
static void
test_go_form(void)
{
	static const char secret[] = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
	static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	static const char text[] = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
	static const char line[] = "\xE2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
	ScSigningKey key;
	ScBuf		buf = SC_BUF_INIT;

	CHECK_STATUS(sc_key_parse_secret(&key, secret, strlen(secret)), SC_OK);
	sc_note_format_key(&buf, &key.public);
	CHECK(sc_text_is(buf.data, buf.len, vkey));
	sc_buf_reset(&buf);
	CHECK_STATUS(sc_key_sign_note(&buf, &key, text, strlen(text), 0), SC_OK);
	CHECK(sc_text_is(buf.data, buf.len, line));
	sc_buf_free(&buf);
}

/* ECDSA keys sign notes too, are kept in files, and their key id is that of their SPKI */
static void
test_ecdsa_keys(void)
{
	static const char zero[] = "PRIVATE+KEY+a+00000000+AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	ScSigningKey key;
	ScSigningKey again;
	ScBuf		buf = SC_BUF_INIT;
	ScHash		hash;
	bool		good;
	uint64_t	time;
	int			before = test_failed;

	CHECK_STATUS(sc_key_generate(&key, "seoul.go.kr/city-hall/main", SC_KEY_ECDSA), SC_OK);
	CHECK(key.public.keylen == 91);
	sc_hash_bytes(&hash, key.public.key, key.public.keylen);
	CHECK(memcmp(key.public.id, hash.bytes, SC_KEY_ID_LEN) == 0);
	for (int i = 0; i < 50; i++)
	{
		make_note(&buf, &key, NULL, 0);
		REQUIRE(verify(&buf, &key.public, 1, &good, &time) == SC_OK && good && time == 0);
		buf.data[0] ^= 1;
		REQUIRE(verify(&buf, &key.public, 1, &good, &time) == SC_BAD_SIGNATURE && !good);
	}
	CHECK_NO_NEW_FAILURE(before);
	CHECK_STATUS(sc_key_save(&key, in_folder("ecdsa.key")), SC_OK);
	CHECK_STATUS(sc_key_load(&again, in_folder("ecdsa.key")), SC_OK);
	CHECK(memcmp(&again, &key, sizeof(key)) == 0);
	sc_buf_reset(&buf);
	sc_key_format_secret(&buf, &key);
	for (size_t i = 0; i < buf.len; i++)
	{
		REQUIRE(sc_key_parse_secret(&again, buf.data, i) == SC_MALFORMED);
		/* the id of an ECDSA key does not know its name */
		if (i >= 12 && i < 12 + strlen(key.public.name))
			continue;
		buf.data[i] ^= 1;
		REQUIRE(sc_key_parse_secret(&again, buf.data, buf.len) == SC_MALFORMED);
		buf.data[i] ^= 1;
	}
	CHECK_NO_NEW_FAILURE(before);
	CHECK_STATUS(sc_key_parse_secret(&again, zero, strlen(zero)), SC_MALFORMED);
	sc_key_wipe_buf(&buf);
	sc_key_wipe(&key);
	sc_key_wipe(&again);
}

/* an ECDSA key's id is of its SPKI alone; a note signed with it verifies */
static void
test_ecdsa_note(void)
{
	static const char path_text[] = "openssl ecparam -name prime256v1 -genkey -noout -out %s/ec.pem 2>/dev/null && "
	"openssl ec -in %s/ec.pem -pubout -outform DER -out %s/ec.der 2>/dev/null && "
	"printf 'text\\n' > %s/text && openssl dgst -sha256 -sign %s/ec.pem -out %s/sig %s/text";
	char		command[1024];
	ScVerifierKey key = {.type = SC_KEY_ECDSA};
	ScVerifierKey parsed;
	uint8_t		signature[128];
	size_t		siglen;
	ScBuf		buf = SC_BUF_INIT;
	FILE	   *f;
	bool		good;

	snprintf(command, sizeof(command), path_text, folder, folder, folder, folder, folder, folder, folder);
	if (system(command) != 0)
		return;					/* no openssl program here; Wycheproof covers the algorithm */
	f = fopen(in_folder("ec.der"), "r");
	key.keylen = fread(key.key, 1, sizeof(key.key), f);
	fclose(f);
	f = fopen(in_folder("sig"), "r");
	siglen = fread(signature, 1, sizeof(signature), f);
	fclose(f);
	strcpy(key.name, "seoul.go.kr/hsm/main");
	sc_note_key_id(key.id, key.name, key.type, key.key, key.keylen);
	sc_note_format_key(&buf, &key);
	CHECK_STATUS(sc_note_parse_key(&parsed, buf.data, buf.len), SC_OK);
	sc_buf_reset(&buf);
	sc_buf_literal(&buf, "text\n\n");
	sc_note_format_signature(&buf, key.name, key.id, signature, siglen);
	CHECK_STATUS(verify(&buf, &parsed, 1, &good, NULL), SC_OK);
	CHECK(good);
	buf.data[0] = 'T';
	CHECK_STATUS(verify(&buf, &parsed, 1, &good, NULL), SC_BAD_SIGNATURE);
	parsed.key[4] ^= 0xFF;
	CHECK_STATUS(verify(&buf, &parsed, 1, &good, NULL), SC_MALFORMED);
	sc_buf_free(&buf);
}

int
main(int argc, char **argv)
{
	char		command[64];

	test_begin(argc, argv);
	if (mkdtemp(folder) == NULL)
		return 1;
	test_rfc8032();
	test_wycheproof("wycheproof_ed25519", false, 151);
	test_wycheproof("wycheproof_ecdsa", true, 262);
	test_published_notes();
	test_notes_end_to_end();
	test_key_files();
	test_go_form();
	test_ecdsa_keys();
	test_ecdsa_note();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command) != 0)
		return 1;
	return test_end("sign");
}
