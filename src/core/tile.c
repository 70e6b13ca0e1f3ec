/*
 * tile.c
 *	  C2SP tlog-tiles: paths, widths, entry bundles.
 *
 * A tile's number stands in groups of three digits, all but the last prefixed
 * by x: 1234067 is x001/x234/067.  Reading is strict, so that a tile has one
 * path and a web server's cache one file for it.
 * Source: C2SP tlog-tiles v0.1.0.
 */
#include "core/text.h"
#include "core/tile.h"

/* cuts a group of three digits off */
static bool
three_digits(uint64_t *value, const char **p, size_t *len)
{
	if (*len < 3)
		return false;
	*value = 0;
	for (int i = 0; i < 3; i++)
	{
		if ((*p)[i] < '0' || (*p)[i] > '9')
			return false;
		*value = *value * 10 + (uint64_t) ((*p)[i] - '0');
	}
	*p += 3;
	*len -= 3;
	return true;
}

/* the tile's number: (x<ddd>/)* <ddd>, without groups of zeros in front */
static bool
tile_number(uint64_t *tile, const char **p, size_t *len)
{
	uint64_t	group;
	bool		first = true;

	for (*tile = 0;; first = false)
	{
		bool		more = sc_text_skip(p, len, "x");

		if (*tile > (UINT64_C(1) << 63) / 1000)
			return false;
		if (!three_digits(&group, p, len) || (more && first && group == 0))
			return false;
		*tile = *tile * 1000 + group;
		if (!more)
			return true;
		if (!sc_text_skip(p, len, "/"))
			return false;
	}
}

/* .p/<W> behind the number of a partial tile, or nothing */
static bool
tile_partial(int *width, const char *p, size_t len)
{
	uint64_t	w;

	*width = SC_TILE_HASHES;
	if (len == 0)
		return true;
	if (!sc_text_skip(&p, &len, ".p/") || !sc_text_uint64(&w, p, len) || w == 0 || w >= SC_TILE_HASHES)
		return false;
	*width = (int) w;
	return true;
}

/* entries/ or <L>/ */
static bool
tile_level(int *level, const char **p, size_t *len)
{
	size_t		digits = 0;
	uint64_t	n;

	*level = SC_TILE_LEVEL_ENTRIES;
	if (sc_text_skip(p, len, "entries/"))
		return true;
	while (digits < *len && (*p)[digits] != '/')
		digits++;
	if (!sc_text_uint64(&n, *p, digits) || n > SC_TILE_LEVEL_MAX)
		return false;
	*level = (int) n;
	*p += digits;
	*len -= digits;
	return sc_text_skip(p, len, "/");
}

bool
sc_tile_path_parse(ScTilePath *out, const char *path, size_t len)
{
	return sc_text_skip(&path, &len, "tile/") && tile_level(&out->level, &path, &len) &&
		tile_number(&out->tile, &path, &len) && tile_partial(&out->width, path, len);
}

/* three digits of a group */
static void
put_group(ScBuf *buf, uint64_t group)
{
	char		digits[3] = {
		(char) ('0' + group / 100), (char) ('0' + group / 10 % 10), (char) ('0' + group % 10)
	};

	sc_buf_append(buf, digits, sizeof(digits));
}

void
sc_tile_path_format(ScBuf *buf, const ScTilePath *path)
{
	uint64_t	divisor = 1;

	if (path->level == SC_TILE_LEVEL_ENTRIES)
		sc_buf_literal(buf, "tile/entries/");
	else
	{
		sc_buf_literal(buf, "tile/");
		sc_buf_uint64(buf, (uint64_t) path->level);
		sc_buf_char(buf, '/');
	}
	while (path->tile / divisor >= 1000)
		divisor *= 1000;
	for (; divisor > 1; divisor /= 1000)
	{
		sc_buf_char(buf, 'x');
		put_group(buf, path->tile / divisor % 1000);
		sc_buf_char(buf, '/');
	}
	put_group(buf, path->tile % 1000);
	if (path->width < SC_TILE_HASHES)
	{
		sc_buf_literal(buf, ".p/");
		sc_buf_uint64(buf, (uint64_t) path->width);
	}
}

int
sc_tile_width(int level, uint64_t tile, uint64_t size)
{
	uint64_t	hashes = level <= 0 ? size : size >> (8 * level);
	uint64_t	before = tile * SC_TILE_HASHES;

	if (tile > UINT64_MAX / SC_TILE_HASHES || before >= hashes)
		return 0;
	return hashes - before < SC_TILE_HASHES ? (int) (hashes - before) : SC_TILE_HASHES;
}

bool
sc_tile_entry(ScBuf *buf, const void *entry, size_t len)
{
	if (len > UINT16_MAX)
		return false;
	sc_buf_char(buf, (char) (len >> 8));
	sc_buf_char(buf, (char) (len & 0xFF));
	sc_buf_append(buf, entry, len);
	return true;
}
