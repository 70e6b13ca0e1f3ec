/*
 * resume.h
 *	  The event by which an operator lets a chain sign again.
 */
#ifndef SC_SEAL_RESUME_H
#define SC_SEAL_RESUME_H

#include "postgres.h"

#include "core/buf.h"
#include "ledger/registry.h"
#include "utils/snapshot.h"

/* canonical JSON of the event: this cluster may go on from that memory entry */
extern void sc_resume_event(ScBuf *buf, const char *memory, const char *reason);

/* is such an event for this cluster and this memory sealed beyond `signed_size` leaves? */
extern bool sc_resume_recorded(const ScChain *chain, const char *memory, int64 signed_size, Snapshot snapshot);

#endif							/* SC_SEAL_RESUME_H */
