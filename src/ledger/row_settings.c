/*
 * row_settings.c
 *	  Dump settings around output functions whose text depends on GUCs.
 *
 * Invariant: between begin and end, DateStyle, TimeZone, IntervalStyle,
 * extra_float_digits and bytea_output are those under which a leaf is made;
 * afterwards, or when the (sub)transaction aborts, they are the session's.
 *
 * Context: a transaction; parallel mode included (GUC_ACTION_SAVE).
 * Does not: switch search_path, which no allowed type's text depends on.
 */
#include "postgres.h"

#include "ledger/row_internal.h"

#include "miscadmin.h"
#include "pgtime.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"

/* does some setting differ from dump settings in what it makes of a value? */
static bool
settings_differ(void)
{
	return DateStyle != USE_ISO_DATES ||
		IntervalStyle != INTSTYLE_POSTGRES ||
		extra_float_digits <= 0 ||
		bytea_output != BYTEA_OUTPUT_HEX ||
		strcmp(pg_get_timezone_name(session_timezone), "UTC") != 0;
}

/* sets one GUC until the nest level ends */
static void
set_until_end(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

int
sc_row_settings_begin(const ScRowFormat *format)
{
	int			nestlevel;

	if (!format->settings || !settings_differ())
		return 0;
	nestlevel = NewGUCNestLevel();
	set_until_end("DateStyle", "ISO");
	set_until_end("IntervalStyle", "postgres");
	set_until_end("extra_float_digits", "3");
	set_until_end("bytea_output", "hex");
	set_until_end("TimeZone", "UTC");
	return nestlevel;
}

void
sc_row_settings_end(int nestlevel)
{
	if (nestlevel != 0)
		AtEOXact_GUC(true, nestlevel);
}
