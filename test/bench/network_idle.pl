# network_idle.pl - processor time of ten nodes in full mesh while nothing happens.
use strict;
use warnings;
use Bench;
use Network;
use List::Util 'sum0';

my $wait = $ENV{BENCH_IDLE} // 60;
my @nodes = nodes();
wait_cosigned($_, $#nodes) foreach @nodes;
# what follows a busy time: statistics, the first vacuum
sleep 10;
my $before = busy();
sleep $wait;
my $used = busy_since($before);
my %kind;
foreach (keys %$used) { my ($server, $kind) = split / /, $_, 2; $kind{$kind} += $used->{$_} }
line_begin(scalar(@nodes) . " nodes in full mesh, idle for $wait s", 'what', 'share of one core, percent');
row('all together', ratio(100 * sum0(values %$used) / $wait, 10, 1));
row($_, number(100 * $kind{$_} / $wait)) foreach sort { $kind{$b} <=> $kind{$a} } keys %kind;
1;
