# Bench.pm - what the lines of the benchmark share: a server to talk to, runs, medians, the report.
#
# A line measures variants side by side: alternate() runs them in turn, there
# and back (a b, b a, a b, ...), so that a machine that gets slower or faster
# meanwhile is fair to all.  Times are taken by psql, so that a statement's
# commit is in them.
package Bench;
use strict;
use warnings;
use Exporter 'import';
use Time::HiRes ();

our @EXPORT = qw(sql value script timed pgbench database use_database alternate median spread number ratio paired
  line_begin row note cost cost_since columns rounds seconds rows data_file tmp);

# a table of the six columns that every line uses
sub columns { return 'id bigint, device uuid, amount int, kind int, memo text, at timestamptz' }

sub rounds  { return $ENV{BENCH_ROUNDS}  // 3 }
sub seconds { return $ENV{BENCH_SECONDS} // 20 }
sub rows    { return $ENV{BENCH_ROWS}    // 1_000_000 }
sub tmp     { return $ENV{SC_TMP} }

my $db = 'postgres';
my @report;

# psql's output for one or more statements; dies on an error
sub sql
{
	return psql(map { ('-c', $_) } @_);
}

# the same for a file, which may hold psql's own commands
sub script { return psql('-f', shift) }

sub psql
{
	my @arguments = @_;
	local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
	open(my $psql, '-|', 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $db, @arguments) or die "psql: $!";
	my @lines = <$psql>;
	close($psql) or die "failed: @arguments\n";
	chomp @lines;
	return wantarray ? @lines : $lines[-1];
}

sub value { return scalar(sql(@_)) }

# a new database with the extension; the lines after it use it
sub database
{
	my $name = shift;
	$db = 'postgres';
	sql("DROP DATABASE IF EXISTS $name", "CREATE DATABASE $name");
	$db = $name;
	sql('CREATE EXTENSION seoulchain');
	return;
}

# one that is there already
sub use_database
{
	$db = shift;
	return;
}

# seconds that a statement takes, its commit included
sub timed
{
	my $statement = shift;
	my @lines = sql('\timing on', $statement);
	my ($ms) = map { /^Time: ([\d.]+) ms/ ? $1 : () } @lines;
	return $ms / 1000;
}

# transactions per second of a pgbench script, and how many there were
sub pgbench
{
	my ($script, %how) = @_;
	my $file = tmp() . '/bench.pgbench';
	open(my $fh, '>', $file) or die "$file: $!";
	print $fh $script;
	close($fh);
	local $ENV{PGOPTIONS} = $how{options} // '';
	my $length = $how{transactions} ? "-t $how{transactions}" : '-T ' . ($how{seconds} // seconds());
	my $clients = $how{clients} // 8;
	my $threads = $clients > 1 ? 2 : 1;
	my $variables = ($how{variables} // '') . ($how{rate} ? " --rate $how{rate}" : '');
	my $out = `pgbench -n -M prepared -c $clients -j $threads $variables $length -f $file $db 2>&1`;
	die $out if $? || $out !~ /^tps = ([\d.]+)/m;
	my $tps = $1;
	my ($count) = $out =~ /actually processed: (\d+)/;
	return ($tps, $count);
}

# what the whole server has used so far: CPU seconds and WAL bytes
sub cost
{
	my $postmaster = value('SHOW data_directory') . '/postmaster.pid';
	open(my $fh, '<', $postmaster) or die "$postmaster: $!";
	chomp(my $pid = <$fh>);
	my $ticks = 0;
	foreach my $stat (glob '/proc/[0-9]*/stat')
	{
		open(my $proc, '<', $stat) or next;
		my $text = <$proc> // next;
		my ($self) = $text =~ /^(\d+)/;
		my @f = split ' ', substr($text, rindex($text, ')') + 2);
		# ppid is field 4 of the file, utime and stime 14 and 15, those of reaped children 16 and 17
		next if $self != $pid && $f[1] != $pid;
		$ticks += $f[11] + $f[12];
		$ticks += $f[13] + $f[14] if $self == $pid;
	}
	return { cpu => $ticks / 100, wal => value("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')") };
}

# what was used since then
sub cost_since
{
	my $before = shift;
	my $now = cost();
	return { cpu => $now->{cpu} - $before->{cpu}, wal => $now->{wal} - $before->{wal} };
}

# alternate(rounds, name => sub, ...): runs the variants in turn; name => [results]
sub alternate
{
	my ($count, @pairs) = @_;
	my (%results, @variants);
	push @variants, [ splice @pairs, 0, 2 ] while @pairs;
	foreach my $round (1 .. $count)
	{
		foreach my $variant ($round % 2 ? @variants : reverse @variants)
		{
			sql('CHECKPOINT');
			my $result = $variant->[1]->();
			push @{ $results{ $variant->[0] } }, $result;
			printf "  round %d  %-24s %s\n", $round, $variant->[0], number($result);
		}
	}
	return \%results;
}

sub median
{
	my @v = sort { $a <=> $b } @{ $_[0] };
	return @v % 2 ? $v[ $#v / 2 ] : ($v[ @v / 2 - 1 ] + $v[ @v / 2 ]) / 2;
}

# paired(a, b): the median of a/b over the rounds.  Both sides of a round ran one after
# the other, so a machine whose speed changes between rounds does not change it.
sub paired
{
	my ($x, $y) = @_;
	return median([ map { $x->[$_] / $y->[$_] } 0 .. $#$x ]);
}

# "median (least to most)"
sub spread
{
	my @v = sort { $a <=> $b } @{ $_[0] };
	return sprintf '%s (%s to %s)', number(median(\@v)), number($v[0]), number($v[-1]);
}

# three or four digits that mean something
sub number
{
	my $n = shift;
	return sprintf '%.4f', $n if abs($n) < 0.1;
	return sprintf '%.2f', $n if abs($n) < 100;
	my $text = sprintf '%.0f', $n;
	1 while $text =~ s/^(-?\d+)(\d{3})/$1,$2/;
	return $text;
}

# heading of a line in the report
sub line_begin
{
	my ($title, @head) = @_;
	print "\n$title\n";
	push @report, "\n## $title\n\n| " . join(' | ', @head) . " |\n|" . ('---|' x @head) . "\n";
	return;
}

# one row of the line's table, printed as well
sub row
{
	my @cells = @_;
	print '  => ', join(' | ', @cells), "\n";
	push @report, '| ' . join(' | ', @cells) . " |\n";
	return;
}

# a remark under the line's table
sub note
{
	my $text = shift;
	print "  $text\n";
	push @report, "\n$text\n";
	return;
}

# "0.87 (reach 0.85): reached", or the number alone if nothing is asked for
sub ratio
{
	my ($got, $reach, $less_is_better) = @_;
	return number($got) if !defined $reach;
	my $ok = $less_is_better ? $got <= $reach : $got >= $reach;
	return sprintf '%s (%s %s): %s', number($got), $less_is_better ? 'at most' : 'reach', $reach, $ok ? 'reached' : 'missed';
}

# the rows that COPY loads, made once: a file for COPY ... FROM
sub data_file
{
	my $file = tmp() . '/rows.copy';
	return $file if -e $file;
	my $count = rows();
	sql("COPY (SELECT g, md5(g::text)::uuid, (g * 7919::bigint % 1000000)::int, g % 12, 'mileage of device ' || g % 9973, "
		  . "timestamptz '2024-01-01 00:00+00' + g * interval '1 second' FROM generate_series(1, $count) g) TO '$file'");
	return $file;
}

# writes the report; PATH
sub write_report
{
	my $path = shift;
	open(my $fh, '>', $path) or die "$path: $!";
	print $fh @report;
	close($fh);
	return;
}

sub say_setting
{
	push @report, @_;
	return;
}

1;
