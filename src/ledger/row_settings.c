/*
 * row_settings.c
 *	  Dump settings around output functions whose text depends on GUCs.
 *
 * Invariant: between begin and end those of DateStyle, TimeZone,
 * IntervalStyle, extra_float_digits and bytea_output that the format's output
 * functions depend on are those under which a leaf is made; afterwards, or
 * when the (sub)transaction aborts, they are the session's.  Only what differs
 * is switched: one switch costs more than the rest of a row.
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

/* those of the settings that now make of a value what dump settings would not */
static ScRowSettings
settings_that_differ(ScRowSettings settings)
{
	ScRowSettings differ = 0;

	if (DateStyle != USE_ISO_DATES)
		differ |= SC_SETTING_DATESTYLE;
	if (strcmp(pg_get_timezone_name(session_timezone), "UTC") != 0)
		differ |= SC_SETTING_TIMEZONE;
	if (IntervalStyle != INTSTYLE_POSTGRES)
		differ |= SC_SETTING_INTERVALSTYLE;
	if (extra_float_digits <= 0)	/* 1, 2 and 3 are the same */
		differ |= SC_SETTING_FLOAT_DIGITS;
	if (bytea_output != BYTEA_OUTPUT_HEX)
		differ |= SC_SETTING_BYTEA_OUTPUT;
	return differ & settings;
}

bool
sc_row_settings_hold(const ScRowFormat *format)
{
	return settings_that_differ(format->settings) == 0;
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
	ScRowSettings differ;
	int			nestlevel;

	if (format->settings == 0)
		return 0;
	differ = settings_that_differ(format->settings);
	if (differ == 0)
		return 0;
	nestlevel = NewGUCNestLevel();
	if (differ & SC_SETTING_DATESTYLE)
		set_until_end("DateStyle", "ISO");
	if (differ & SC_SETTING_TIMEZONE)
		set_until_end("TimeZone", "UTC");
	if (differ & SC_SETTING_INTERVALSTYLE)
		set_until_end("IntervalStyle", "postgres");
	if (differ & SC_SETTING_FLOAT_DIGITS)
		set_until_end("extra_float_digits", "3");
	if (differ & SC_SETTING_BYTEA_OUTPUT)
		set_until_end("bytea_output", "hex");
	return nestlevel;
}

void
sc_row_settings_end(int nestlevel)
{
	if (nestlevel != 0)
		AtEOXact_GUC(true, nestlevel);
}
