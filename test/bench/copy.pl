# copy.pl - COPY of many rows of six columns into a fresh table, ledger against heap.
use strict;
use warnings;
use Bench;

my %costs;

# one load into a new table; seconds
my $load = sub {
	my ($table, $using) = @_;
	my $columns = columns();
	my $file = data_file();
	sql("DROP TABLE IF EXISTS $table", "CREATE TABLE $table ($columns) USING $using", 'CHECKPOINT');
	my $before = cost();
	my $time = timed("COPY $table (id, device, amount, kind, memo, at) FROM '$file'");
	my $alone = cost_since($before);
	sql('SELECT seoulchain.seal()') if $using eq 'ledger';
	my $sealed = cost_since($before);
	push @{ $costs{$table}{cpu} },   $alone->{cpu} * 1e6 / rows();
	push @{ $costs{$table}{total} }, $sealed->{cpu} * 1e6 / rows();
	push @{ $costs{$table}{wal} },   $sealed->{wal} / rows();
	return $time;
};

database('bench_copy');
data_file();
my $results = alternate(rounds() + 2,
	plain    => sub { $load->('plain',    'heap') },
	ledgered => sub { $load->('ledgered', 'ledger') });
line_begin('COPY of ' . number(rows()) . ' rows of six columns',
	'table', 'seconds, median (least to most)', 'heap\'s time / ledger\'s', 'CPU µs a row', 'with sealing', 'WAL bytes a row');
my $cells = sub { my $t = shift; map { number(median($costs{$t}{$_})) } qw(cpu total wal) };
row('heap', spread($results->{plain}), '', $cells->('plain'));
row('ledger', spread($results->{ledgered}),
	ratio(paired($results->{plain}, $results->{ledgered}), '0.80'), $cells->('ledgered'));
1;
