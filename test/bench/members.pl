# members.pl - what looking up keys costs with a million members: signed rows by members who are drawn at random.
use strict;
use warnings;
use Bench;
use signing;

my %members = (few => 100, many => $ENV{BENCH_MEMBERS} // 1_000_000);
my $count = int(rows() / 20) || 1;
my %cpu;
foreach my $name (sort keys %members)
{
	database("bench_members_$name");
	signing::register('EdDSA', $members{$name});
	signing::create_table('signed');
	sql(q{SELECT seoulchain.require_signature('signed', 'signer', 'signature')});
}
my $results = alternate(2 * rounds() + 1, map { my $name = $_; ($name => sub {
	use_database("bench_members_$name");
	my $batch = signing::batch('EdDSA', 'signed', $count, "floor(random() * $members{$name})::int + 1");
	my ($rate, $by_cpu) = signing::insert_rate($batch, signing::copy_statement('signed', $batch));
	signing::forget_batch($batch);
	push @{ $cpu{$name} }, 1e6 / $by_cpu;
	return 1e6 / $rate;
}) } qw(few many));
line_begin('Signed rows by COPY, ' . number($count) . ' at a time, signers drawn at random',
	'members registered', 'microseconds a row, median (least to most)', 'against few', 'by processor time');
row(number($members{few}), spread($results->{few}), '', '');
row(number($members{many}), spread($results->{many}), ratio(paired($results->{many}, $results->{few}), 1.05, 1),
	number(paired($cpu{many}, $cpu{few})));
1;
