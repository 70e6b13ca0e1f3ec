#!/usr/bin/perl
# bench.pl - runs the lines asked for (all without arguments) and writes the report.
#
#   bench.pl REPORT [LINE...]      called by tools/run_bench, which starts the server, and by tools/run_bench_network
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Bench;

$| = 1;
my ($report, @wanted) = @ARGV;
my @lines = qw(commit async copy seal verify proof storage signed signed_commit members contract);
@wanted = @lines if !@wanted;

sub say_machine
{
	open(my $fh, '<', '/proc/cpuinfo') or return;
	my %cpu;
	while (<$fh>) { $cpu{$1}++ if /^model name\s*:\s*(.*)/ }
	my ($model) = keys %cpu;
	open(my $mem, '<', '/proc/meminfo') or return;
	my ($kb) = <$mem> =~ /(\d+)/;
	Bench::say_setting(sprintf "%s, %d processors (%s), %.0f GiB; runs of %d s, %d rounds, %s rows. A ratio is the median of the rounds' ratios.\n",
		value('SELECT version()') =~ /^(\S+ \S+)/, $cpu{$model} // 0, $model // 'unknown', $kb / 1048576,
		seconds(), rounds(), number(rows()));
	return;
}

foreach my $line (@wanted)
{
	# lines about several nodes have to be asked for: they want servers of their own
	die "there is no line $line; there are: @lines\n" if !grep { $_ eq $line } @lines, qw(network_rate network_final network_late network_idle);
}
say_machine();
foreach my $line (@wanted)
{
	my $file = "$FindBin::Bin/$line.pl";
	my $done = eval { do $file or die $@ || "$file: $!" };
	if (!$done)
	{
		print "  failed: $@\n";
		Bench::note("The line `$line` failed: $@");
		$main::failed = 1;
	}
	Bench::write_report($report);
}
exit($main::failed ? 1 : 0);
