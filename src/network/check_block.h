/*
 * check_block.h
 *	  Member signatures and contracts, judged again when a block of a copy is integrated.
 */
#ifndef SC_NETWORK_CHECK_BLOCK_H
#define SC_NETWORK_CHECK_BLOCK_H

extern void sc_check_block_init(void);

#endif							/* SC_NETWORK_CHECK_BLOCK_H */
