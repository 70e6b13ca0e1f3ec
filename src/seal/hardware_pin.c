/*
 * hardware_pin.c
 *	  PINs of tokens: read from private files, and remembered when a token refused them.
 *
 * Invariant: a PIN that a token has refused is not tried again (tokens lock
 * themselves after a few) until its file is written or touched.  What is
 * remembered is a hash; of the PIN itself no copy stays here.
 *
 * Context: the worker only.
 */
#include "postgres.h"

#include <limits.h>
#include <sys/stat.h>

#include "ledger/error.h"
#include "seal/hardware_pin.h"
#include "seal/key_files.h"
#include "seal/seal.h"
#include "sign/file.h"
#include "utils/memutils.h"

/* those that were refused */
static ScHash *refused_pins = NULL;
static int	nrefused = 0;

/* what one writing of a PIN file is known by */
static void
hash_pin(ScHash *out, const char *path, const char *pin)
{
	struct stat st;
	char		text[SC_PKCS11_URI_MAX + SC_PIN_MAX + 64];

	memset(&st, 0, sizeof(st));
	(void) stat(path, &st);
	snprintf(text, sizeof(text), "%s %lld.%09ld %s", path, (long long) st.st_mtim.tv_sec, st.st_mtim.tv_nsec, pin);
	sc_hash_bytes(out, text, strlen(text));
	explicit_bzero(text, sizeof(text));
}

bool
sc_pin_was_refused(const ScHash *pin)
{
	for (int i = 0; i < nrefused; i++)
		if (memcmp(&refused_pins[i], pin, sizeof(ScHash)) == 0)
			return true;
	return false;
}

void
sc_pin_remember_refused(const ScHash *pin)
{
	Size		size = (nrefused + 1) * sizeof(ScHash);

	refused_pins = refused_pins ? repalloc(refused_pins, size) : MemoryContextAlloc(TopMemoryContext, size);
	refused_pins[nrefused++] = *pin;
}

void
sc_pin_read(char pin[SC_PIN_MAX + 1], ScHash *hash, const ScPkcs11Uri *uri)
{
	ScBuf		buf = SC_BUF_INIT;
	ScStatus	status = SC_OK;
	char		resolved[PATH_MAX];
	char	   *what = psprintf("PIN file \"%s\"", uri->pin_file);
	int			saved_errno;

	pin[0] = '\0';
	if (uri->pin_file[0] == '\0')
	{
		sc_hash_bytes(hash, uri->key, strlen(uri->key));
		return;
	}
	if (realpath(uri->pin_file, resolved) != NULL && sc_inside_data_directory(resolved))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("PIN file \"%s\" is inside the data directory", uri->pin_file),
				 errhint("PINs must not travel with a copy of the cluster: choose a place outside.")));
	status = sc_buf_reserve(&buf, SC_PIN_MAX + SC_FILE_CHUNK) ? sc_file_read(&buf, uri->pin_file, SC_PIN_MAX) : SC_NO_MEMORY;
	if (status == SC_OK && buf.len > 0 && buf.data[buf.len - 1] == '\n')
		buf.len--;
	if (status == SC_OK && (buf.len == 0 || memchr(buf.data, '\0', buf.len) != NULL || memchr(buf.data, '\n', buf.len) != NULL))
		status = SC_MALFORMED;
	if (status == SC_OK)
	{
		memcpy(pin, buf.data, buf.len);
		pin[buf.len] = '\0';
		hash_pin(hash, uri->pin_file, pin);
	}
	saved_errno = errno;
	sc_key_wipe_buf(&buf);
	errno = saved_errno;
	if (status == SC_IO)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read %s: %m", what),
				 errhint("It holds the PIN, one line, belongs to the server's user and has mode 0600.")));
	sc_status_report(status, what);
}

const char *
sc_pin_hint(const ScPkcs11Uri *uri)
{
	if (uri->pin_file[0] == '\0')
		return "Write the PIN into a file, and name it in the URI: ?pin-source=file:/etc/seoulchain/pin.";
	return "Write the right PIN into its file; or touch the file, to have this one tried once more.";
}
