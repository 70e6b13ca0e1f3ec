/*
 * query.h
 *	  The network worker's SQL: catalogs read, publications and subscriptions changed.
 *
 * search_path is empty in the worker, so no name means anything of a user's.
 */
#ifndef SC_NETWORK_QUERY_H
#define SC_NETWORK_QUERY_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* a transaction with a snapshot and SPI; nothing palloc'd in it lives longer, and behind it the memory context is the same as before */
extern void sc_query_begin(void);
extern void sc_query_commit(void);

/* the running transaction waits for no lock longer than two seconds: then it is an error, and tried again */
extern void sc_query_be_brief(void);

/* one command in the running transaction; how many rows it had */
extern uint64 sc_query(const char *format,...) __attribute__((format(printf, 1, 2)));
/* column `column` (from 1) of row `row` (from 0) of the last sc_query, palloc'd, NULL for SQL NULL */
extern char *sc_query_value(uint64 row, int column);
/* the first column of the first row, or NULL */
extern char *sc_query_text(const char *format,...) __attribute__((format(printf, 1, 2)));

#endif							/* SC_NETWORK_QUERY_H */
