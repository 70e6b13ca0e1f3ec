/*
 * text.h
 *	  Reading the text forms that the formats are made of: UTF-8, decimals, hex, base64.
 *
 * Every reader is strict: there is one text for each value, so that what was
 * read can be written again byte for byte.
 */
#ifndef SC_CORE_TEXT_H
#define SC_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/hash.h"

/* bytes of the UTF-8 character that starts s (1 to 4), its code point in *cp; 0 when it is not one */
extern size_t sc_text_utf8_char(uint32_t *cp, const char *s, size_t len);
extern bool sc_text_utf8_ok(const char *s, size_t len);
/* characters that a terminal would act on, that turn the direction of writing, or that cannot be seen */
extern bool sc_text_hidden(uint32_t cp);

/* decimal without sign or leading zeros */
extern bool sc_text_uint64(uint64_t *out, const char *s, size_t len);

/* exactly outlen bytes as lower-case hex */
extern bool sc_text_hex(uint8_t *out, size_t outlen, const char *s, size_t len);

/*
 * Base64 of RFC 4648 section 4 with padding and zero trailing bits.  The
 * first `cap` bytes go to out; *outlen is the full length, also beyond cap.
 */
extern bool sc_text_base64(uint8_t *out, size_t cap, size_t *outlen, const char *s, size_t len);
/* the same for base64url of RFC 4648 section 5 without padding (RFC 7515 section 2) */
extern bool sc_text_base64url(uint8_t *out, size_t cap, size_t *outlen, const char *s, size_t len);
extern bool sc_text_base64_hash(ScHash *out, const char *s, size_t len);

/* cuts a line off *text: up to the next \n, which is skipped; false when there is none */
extern bool sc_text_line(const char **line, size_t *linelen, const char **text, size_t *len);

/* whether the line is exactly the C string */
extern bool sc_text_is(const char *line, size_t len, const char *s);

/* cuts `prefix` off the line if it is there */
extern bool sc_text_skip(const char **line, size_t *len, const char *prefix);

#endif							/* SC_CORE_TEXT_H */
