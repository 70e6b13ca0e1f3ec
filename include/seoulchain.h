/*
 * seoulchain.h
 *	  The only header of Seoulchain that a service may include.
 *
 * What stands here is a promise to code outside the project: names and
 * meanings stay, additions come at the end.
 */
#ifndef SEOULCHAIN_H
#define SEOULCHAIN_H

/* format version of leaves, blocks and journals that this release writes */
#define SEOULCHAIN_FORMAT_VERSION 1

#endif							/* SEOULCHAIN_H */
