/*
 * event.h
 *	  Events of type contract: what the chain is told of a contract's life (docs/format.md 1.2).
 */
#ifndef SC_CONTRACT_EVENT_H
#define SC_CONTRACT_EVENT_H

#include "postgres.h"

#include "contract/bind.h"
#include "core/json.h"
#include "ledger/registry.h"
#include "utils/timestamp.h"

/* {"action":..,"contract":..,"type":"contract","version":..}, to be filled up (json_tree.h) */
extern ScJson *sc_contract_event(const char *action, const char *contract, int32 version);

/* the rules of a bound definition, each once, by name: [{"digest":..,"name":..,"version":..},...] */
extern ScJson *sc_contract_event_rules(const ScBound *bound);

/* [{"file":..,"sha256":..},...]: the library that holds this code, then those of rules that come from others */
extern ScJson *sc_contract_event_libraries(const ScBound *bound);

/* a time as leaves hold it: timestamptz text in UTC */
extern ScJson *sc_contract_event_time(TimestampTz time);

/* records it; its ledger_seq */
extern int64 sc_contract_event_record(const ScChain *chain, const ScJson *event);

/* the event object of a recorded leaf; DATA_CORRUPTED when it is not there.  Lives as long as the current memory context. */
extern const ScJson *sc_contract_event_find(const ScChain *chain, int64 ledger_seq);

#endif							/* SC_CONTRACT_EVENT_H */
