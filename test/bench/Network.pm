# Network.pm - what the lines about several nodes share: who is where, waiting until others have cosigned, processor time by kind of process.
#
# tools/run_bench_network made the nodes: NET_DIR/nodes has their names and
# ports, and plain servers without the extension stand beside them.
package Network;
use strict;
use warnings;
use Exporter 'import';
use Bench;
use Time::HiRes ();

our @EXPORT = qw(nodes at port_of origin_of wait_true wait_cosigned wait_copied net busy busy_since);

use_database('city');
sub net { return $ENV{NET} }

my (%port, @nodes);
{
	open(my $fh, '<', "$ENV{NET_DIR}/nodes") or die "$ENV{NET_DIR}/nodes: $!";
	while (<$fh>) { my ($name, $port) = split; $port{$name} = $port; push @nodes, $name }
	my $port = $ENV{PLAIN_PORT} // 0;
	$port{"plain$_"} = $port + $_ foreach 0 .. 2;
}

sub nodes   { return @nodes }
sub port_of { return $port{ $_[0] } // die "no server $_[0]" }
sub origin_of { my ($name, $chain) = @_; return net() . "/$name/" . ($chain // 'main') }

# at(SERVER, sub): what it does is done there
sub at
{
	my ($name, $code) = @_;
	local $ENV{PGPORT} = port_of($name);
	return $code->();
}

# waits until a query on a server says t; looks often, as times are measured by it
sub wait_true
{
	my ($name, $query) = @_;
	my $until = Time::HiRes::time() + ($ENV{BENCH_PATIENCE} // 600);
	while (at($name, sub { value($query) }) ne 't')
	{
		die "$name: waited in vain: $query\n" if Time::HiRes::time() > $until;
		Time::HiRes::sleep(0.02);
	}
	return;
}

# until everything committed on a node's chain is cosigned by so many others, and it knows
sub wait_cosigned
{
	my ($name, $count, $chain) = @_;
	$chain //= 'main';
	at($name, sub { sql("SELECT seoulchain.seal('$chain')") });
	my $size = at($name, sub { value("SELECT max(tree_size) FROM seoulchain.block WHERE chain = '$chain'") });
	my $origin = origin_of($name, $chain);
	wait_true($name, "SELECT count(DISTINCT witness) >= $count FROM seoulchain.cosignature WHERE origin = '$origin' AND tree_size >= $size AND witness <> '"
		  . net() . "/$name'");
	return;
}

# until the subscribers of a plain server have flushed all that was committed there
sub wait_copied
{
	my ($name, $count) = @_;
	my $lsn = at($name, sub { value('SELECT pg_current_wal_lsn()') });
	wait_true($name, "SELECT count(*) >= $count FROM pg_stat_replication WHERE flush_lsn >= '$lsn'");
	return;
}

# processor seconds of all servers of the machine that are ours, by kind of process
sub busy
{
	my %seconds;
	foreach my $file (glob "$ENV{SC_TMP}/*/data/*/postmaster.pid $ENV{SC_TMP}/data/*/postmaster.pid $ENV{SC_TMP}/plain/*/postmaster.pid")
	{
		open(my $fh, '<', $file) or next;
		chomp(my $postmaster = <$fh>);
		my ($server) = $file =~ m{([^/]+)/postmaster.pid};
		foreach my $pid ($postmaster, split ' ', `ps -o pid= --ppid $postmaster`)
		{
			open(my $stat, '<', "/proc/$pid/stat") or next;
			my $text = <$stat> // next;
			my @f = split ' ', substr($text, rindex($text, ')') + 2);
			my $title = '';
			if (open(my $cmd, '<', "/proc/$pid/cmdline")) { local $/; $title = <$cmd> // '' }
			$title =~ tr/\0/ /;
			$title = $pid == $postmaster ? 'postmaster' : $title =~ /postgres: (walsender|[a-z ]+(?: sealer| launcher)?|postgres \w+ \[local\])/ ? $1 : 'other';
			$title =~ s/( for subscription| for database)?\s+$//;
			$seconds{"$server $title"} += ($f[11] + $f[12]) / 100;
			# those of children that have ended
			$seconds{"$server ended"} += ($f[13] + $f[14]) / 100 if $pid == $postmaster;
		}
	}
	return \%seconds;
}

# what was used since then, by kind, most first; prints it when BENCH_PROFILE is set
sub busy_since
{
	my $before = shift;
	my $now = busy();
	my %used = map { my $s = $now->{$_} - ($before->{$_} // 0); $s > 0 ? ($_ => $s) : () } keys %$now;
	if ($ENV{BENCH_PROFILE})
	{
		printf "    %6.2f s  %s\n", $used{$_}, $_ foreach grep { $used{$_} >= 0.05 } sort { $used{$b} <=> $used{$a} } keys %used;
	}
	return \%used;
}

1;
