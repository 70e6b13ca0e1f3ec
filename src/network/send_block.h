/*
 * send_block.h
 *	  Sending signed blocks to the nodes that follow a chain.
 */
#ifndef SC_NETWORK_SEND_BLOCK_H
#define SC_NETWORK_SEND_BLOCK_H

/* sets the worker's hook */
extern void sc_send_block_init(void);

#endif							/* SC_NETWORK_SEND_BLOCK_H */
