# commit.pl - single-row commits, 8 clients, durable: ledger against heap and against a trigger's chain.
use strict;
use warnings;
use insert;

insert::compare('Single-row commits, 8 clients, durable', '-c synchronous_commit=on', 0.95, 3);
1;
