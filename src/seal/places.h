/*
 * places.h
 *	  Where the rows of 256 leaves were stored when they were sealed: a compact hint.
 *
 * Bytes: SC_PLACES_VERSION, then runs of adjacent leaves of one table:
 * varint(zigzag(table_id)), varint(count) and, for tables (table_id > 0),
 * steps that give `count` TIDs.  A step is a varint t: even: t / 2 more TIDs
 * follow, each the next offset on the same page; odd: one TID, its block
 * zigzag(t / 2) away from the block before, its offset a varint of its own.
 * Each run starts at block 0.  Varints are LEB128.
 *
 * A hint and not under any hash: readers check what they find there.
 */
#ifndef SC_SEAL_PLACES_H
#define SC_SEAL_PLACES_H

#include "postgres.h"

#include "storage/itemptr.h"

#define SC_PLACES_VERSION 1

typedef struct ScPlace
{
	int32		table_id;		/* SC_TABLE_EVENTS, SC_TABLE_BLOCK have no TID */
	ItemPointerData tid;
} ScPlace;

extern bytea *sc_places_encode(const ScPlace *places, int count);
/* fills what it can; places beyond a damaged spot become SC_TABLE_EVENTS without TID */
extern void sc_places_decode(ScPlace *places, int count, const bytea *encoded);

#endif							/* SC_SEAL_PLACES_H */
