/*
 * public.h
 *	  Chains whose leaves everybody may read.
 */
#ifndef SC_NETWORK_PUBLIC_H
#define SC_NETWORK_PUBLIC_H

#include "postgres.h"

#include "ledger/registry.h"

/* type of the event by which a chain becomes public: {"type":"public"} */
#define SC_PUBLIC_EVENT "public"

/* seoulchain.public_chain */
#define SC_PUBLIC_ATTR_CHAIN_ID 1
#define SC_PUBLIC_ATTR_SEQ 2
#define SC_PUBLIC_ATTR_SINCE 3
#define SC_PUBLIC_NATTS 3

/* was the chain made public? */
extern bool sc_chain_is_public(int32 chain_id);

/* writes the registry's row; nothing when it is there.  Also called when the event comes in from another node. */
extern void sc_public_register(int32 chain_id, int64 ledger_seq);

/* INSUFFICIENT_PRIVILEGE and a hint unless the chain is public or the caller an auditor */
extern void sc_public_require(const ScChain *chain);

#endif							/* SC_NETWORK_PUBLIC_H */
