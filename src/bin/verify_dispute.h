/*
 * verify_dispute.h
 *	  The verdict on dispute files.
 */
#ifndef SC_BIN_VERIFY_DISPUTE_H
#define SC_BIN_VERIFY_DISPUTE_H

#include "bin/verify.h"
#include "core/disputefile.h"

/* does a file begin as one? */
extern bool sc_is_dispute(const char *text, size_t len);

/* judges it and says so: SC_VERIFIED (the proof holds), SC_REFUTED, SC_UNVOUCHED, SC_OPEN (a complaint), SC_UNUSABLE */
extern ScVerdict sc_verify_dispute(const ScFile *file, const ScTrust *trust);

/* prints the verdict's first line and why; gives the verdict back */
extern ScVerdict sc_say_dispute(const ScFile *file, ScVerdict verdict, const char *why);

/* verify_broken_rule.c: leaves that together break a rule */
extern ScVerdict sc_verify_broken_rule(const ScFile *file, const ScDisputeFile *dispute, const ScTrust *trust);

#endif							/* SC_BIN_VERIFY_DISPUTE_H */
