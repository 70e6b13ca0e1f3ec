/*
 * recorder.h
 *	  Keeps the hashes of rows inserted by the running transaction and writes them to the journal.
 */
#ifndef SC_LEDGER_RECORDER_H
#define SC_LEDGER_RECORDER_H

#include "postgres.h"

#include "core/hash.h"
#include "storage/itemptr.h"

/* notes one leaf of the current subtransaction; tid may be NULL (events) */
extern void sc_recorder_add(int32 chain_id, int32 table_id, int64 ledger_seq, const ItemPointerData *tid, const ScHash *leaf);

/* the same for a leaf of a copy */
extern void sc_recorder_add_copied(int32 chain_id, int32 table_id, int64 ledger_seq, const ItemPointerData *tid, const ScHash *leaf);

/* the extension is being dropped: what comes next belongs to another journal, if to any */
extern void sc_recorder_forget_journal(void);

/* has this session committed leaves on the chain since it was last asked?  (asking forgets) */
extern bool sc_recorder_session_wrote(int32 chain_id);

/* called after a commit or prepare that wrote journal rows; set by the seal room to wake the worker */
typedef void (*sc_journal_written_hook_type) (bool prepared);
extern PGDLLIMPORT sc_journal_written_hook_type sc_journal_written_hook;

extern void sc_recorder_init(void);

#endif							/* SC_LEDGER_RECORDER_H */
