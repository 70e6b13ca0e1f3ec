# async.pl - single-row commits, 8 clients, synchronous_commit off.
use strict;
use warnings;
use insert;

insert::compare('Single-row commits, 8 clients, synchronous_commit off', '-c synchronous_commit=off', 0.85);
1;
