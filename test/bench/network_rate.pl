# network_rate.pl - single-row durable commits at one origin until both others have cosigned every block, against
# plain logical replication of the same heap table to two subscribers, which have flushed every row.
use strict;
use warnings;
use Bench;
use Network;
use insert;
use List::Util 'sum0';
use Time::HiRes ();

my ($origin) = nodes();
my $columns = columns();
my %costs;

at($origin, sub { sql("CREATE TABLE $origin.rate ($columns) USING ledger") });
wait_cosigned($origin, 2);
at("plain$_", sub { sql("CREATE TABLE rate ($columns)") }) foreach 0 .. 2;
at('plain0', sub { sql('CREATE PUBLICATION rate FOR TABLE rate') });
foreach my $n (1, 2)
{
	at("plain$n", sub { sql("CREATE SUBSCRIPTION rate$n CONNECTION 'host=$ENV{PGHOST} port=" . port_of('plain0') . " dbname=city' PUBLICATION rate") });
}
wait_true("plain$_", q{SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel}) foreach 1, 2;

# transactions a second, from the first to the moment when the last is where it shall be
my $run = sub {
	my ($server, $table, $wait) = @_;
	my $before = busy();
	my $wal = at($server, sub { cost()->{wal} });
	my $begun = Time::HiRes::time();
	my (undef, $count) = at($server, sub { pgbench(insert::one_row($table)) });
	my $inserted = Time::HiRes::time();
	$wait->();
	my $time = Time::HiRes::time() - $begun;
	my $used = busy_since($before);
	push @{ $costs{$table}{cpu} }, sum0(values %$used) * 1e6 / $count;
	push @{ $costs{$table}{wal} }, (at($server, sub { cost()->{wal} }) - $wal) / $count;
	push @{ $costs{$table}{behind} }, $begun + $time - $inserted;
	return $count / $time;
};
my $results = alternate(rounds(),
	plain    => sub { $run->('plain0', 'rate', sub { wait_copied('plain0', 2) }) },
	ledgered => sub { $run->($origin, "$origin.rate", sub { wait_cosigned($origin, 2) }) });
line_begin('Single-row commits of 8 clients, durable, three nodes on one machine, end to end',
	'what', 'transactions a second, median (least to most)', 'ledger against it', 'CPU µs a row, all servers', 'WAL bytes a row, origin', 'seconds behind the last commit');
my $cells = sub { my $t = shift; map { number(median($costs{$t}{$_})) } qw(cpu wal behind) };
row('plain logical replication, two subscribers', spread($results->{plain}), ratio(paired($results->{ledgered}, $results->{plain}), 0.75), $cells->('rate'));
row('ledger, every block cosigned by two', spread($results->{ledgered}), '', $cells->("$origin.rate"));
note('The ledger, transactions a second: ' . ratio(median($results->{ledgered}), 3000) . '.');
1;
