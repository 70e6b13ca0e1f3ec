/*
 * message.h
 *	  What nodes tell each other about chains: rows of seoulchain.message.
 *
 * A row is written by its sender and reaches its recipient by the one
 * subscription between them, in the order of commits, among the rows of the
 * tables that it is about.  Only inserts travel: either side deletes a row
 * when it has served.
 *
 *	kind			number				body
 *	event			its ledger_seq		the leaf
 *	block			its height			the block leaf, '\n', the signed checkpoint
 *	request			last height held	NULL: "send me the chain's events and the blocks above", -1 for all, -2: nothing more
 *	confirmation	a ledger_seq		ledger name of the table that the recipient's event of that number announced: "it is here"
 *	published		ledger_seq of that event	the same name: "its rows travel now", the answer to a confirmation;
 *					-2					NULL: "it is not shared any more"
 *					-3					NULL: "no row of it is sent behind this", the answer to a request for nothing more
 *
 * A message is decoded from the log for whoever has a slot here, so the sender
 * deletes it in the transaction that writes it; it reaches a node whose slot
 * was there before.  Events and tables are told again after each request.
 */
#ifndef SC_NETWORK_MESSAGE_H
#define SC_NETWORK_MESSAGE_H

#include "postgres.h"

#define SC_MESSAGE_EVENT "event"
#define SC_MESSAGE_BLOCK "block"
#define SC_MESSAGE_REQUEST "request"
#define SC_MESSAGE_CONFIRMATION "confirmation"
#define SC_MESSAGE_PUBLISHED "published"

#define SC_REQUEST_NO_MORE (-2)
#define SC_PUBLISHED_NO_MORE (-2)
#define SC_PUBLISHED_ENDED (-3)

/* seoulchain.message */
enum
{
	SC_MESSAGE_ATTR_SENDER = 1,
	SC_MESSAGE_ATTR_RECIPIENT,
	SC_MESSAGE_ATTR_KIND,
	SC_MESSAGE_ATTR_ORIGIN,
	SC_MESSAGE_ATTR_NUMBER,
	SC_MESSAGE_ATTR_BODY
};

#define SC_MESSAGE_NATTS 6

typedef struct ScMessage
{
	const char *sender;
	const char *recipient;
	const char *kind;
	const char *origin;
	int64		number;
	const char *body;			/* or NULL */
	size_t		bodylen;
} ScMessage;

/* writes a message of this node, in the running transaction */
extern void sc_message_send(const ScMessage *message);

extern void sc_message_init(void);

#endif							/* SC_NETWORK_MESSAGE_H */
