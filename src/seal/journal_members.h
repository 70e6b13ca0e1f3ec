/*
 * journal_members.h
 *	  Taking the leaves of announced blocks from the journal: exactly those, of many blocks at once.
 */
#ifndef SC_SEAL_JOURNAL_MEMBERS_H
#define SC_SEAL_JOURNAL_MEMBERS_H

#include "postgres.h"

#include "core/blockleaf.h"
#include "seal/journal_read.h"

typedef enum ScMembersState
{
	SC_MEMBERS_THERE,			/* every number once */
	SC_MEMBERS_MISSING,
	SC_MEMBERS_TWICE			/* all are there, but one of them more than once */
} ScMembersState;

/* do the leaves of these ranges wait?  The first numbers that are missing, or there twice, in *fault. */
extern ScMembersState sc_journal_members_look(const ScJournalIndex *index, const ScSeqRange *ranges, int nranges,
											  ScSeqRange *fault);

/*
 * Takes the leaves of these ranges, which wait and are apart from each other,
 * into `leaves`, in the order of the ranges given, and deletes them from the
 * journal.  What shares a journal row or a run with them is written back, and
 * the index knows where.  When the transaction is rolled back the index is of
 * no more use.  false: the journal is not what the index says; nothing was
 * taken, scan again.
 */
extern bool sc_journal_members_take(ScJournalIndex *index, Snapshot snapshot, const ScSeqRange *ranges, int nranges,
									ScSealLeaf *leaves);

/* calls back for every range of numbers that waits, in order, until it says false */
typedef bool (*ScWaitingVisitor) (void *arg, int32 chain_id, int64 first_seq, int count);
extern void sc_journal_waiting(const ScJournalIndex *index, ScWaitingVisitor visit, void *arg);

#endif							/* SC_SEAL_JOURNAL_MEMBERS_H */
