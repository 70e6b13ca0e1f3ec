/*
 * network_tables.h
 *	  Columns of the network room's tables; sql/80_network.sql has them.
 */
#ifndef SC_NETWORK_NETWORK_TABLES_H
#define SC_NETWORK_NETWORK_TABLES_H

/* seoulchain.peer */
enum
{
	SC_PEER_ATTR_NAME = 1,
	SC_PEER_ATTR_CONNINFO,
	SC_PEER_ATTR_COSIGNER_KEY,
	SC_PEER_ATTR_ROLE,
	SC_PEER_ATTR_ADDED_AT,
	SC_PEER_ATTR_SYSTEM,
	SC_PEER_ATTR_DATABASE
};

#define SC_PEER_NATTS 7

/* seoulchain.share */
enum
{
	SC_SHARE_ATTR_CHAIN_ID = 1,
	SC_SHARE_ATTR_NODE,
	SC_SHARE_ATTR_SINCE,
	SC_SHARE_ATTR_SENT_HEIGHT
};

#define SC_SHARE_NATTS 4

/* seoulchain.follow */
enum
{
	SC_FOLLOW_ATTR_ORIGIN = 1,
	SC_FOLLOW_ATTR_PEER,
	SC_FOLLOW_ATTR_SINCE,
	SC_FOLLOW_ATTR_ASKED_AT
};

#define SC_FOLLOW_NATTS 4

#endif							/* SC_NETWORK_NETWORK_TABLES_H */
