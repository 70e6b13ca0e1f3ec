# Seoulchain::Test - what the whole-cluster tests share.
#
# A node here is a PostgreSQL::Test::Cluster with the library preloaded.  The
# tests speak to it in SQL; what they ask most often has a name below.
package Seoulchain::Test;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(ledger_node seal is_intact is_sealed anon_memory kill_server key_directory long_run wait_for_log_line);

# ledger_node(NAME, setting => value, ...): initialized, extension made in database postgres, running.
# 'init' => [...] is handed to Cluster::init, 'extension' => 0 leaves CREATE EXTENSION out,
# 'checksums' => 1 puts checksums on pages.
sub ledger_node
{
	my ($name, %how) = @_;
	my $init = delete $how{init} // [];
	my $extension = delete $how{extension} // 1;
	my $checksums = delete $how{checksums};
	my $node = PostgreSQL::Test::Cluster->new($name);
	# 18 turns them on unless told otherwise, and tests damage pages
	my @checksums = $checksums ? ('--data-checksums') : $node->pg_version >= 18 ? ('--no-data-checksums') : ();
	$node->init(@$init, extra => [ '-E', 'UTF8', '--locale=C.UTF-8', @checksums ]);
	$how{shared_preload_libraries} //= 'seoulchain';
	$how{max_prepared_transactions} //= 10;
	$how{autovacuum} //= 'on';
	$node->append_conf('postgresql.conf', join('', map { "$_ = '$how{$_}'\n" } sort keys %how));
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION seoulchain') if $extension;
	return $node;
}

# a folder for keys, outside every data directory, mode 0700
sub key_directory
{
	my $dir = PostgreSQL::Test::Utils::tempdir();
	chmod 0700, $dir or die "$dir: $!";
	return $dir;
}

# seals a chain ('main' if not said) and gives the answer: a height, or '' when the worker was faster
sub seal
{
	my ($node, $chain, $db) = @_;
	$chain //= 'main';
	return $node->safe_psql($db // 'postgres', "SELECT seoulchain.seal('$chain')");
}

# one test: verify() has nothing to say
sub is_intact
{
	my ($node, $what, $db) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($node->safe_psql($db // 'postgres',
			'SELECT chain, relation, ledger_seq, height, fault FROM seoulchain.verify() LIMIT 20'), '', $what);
}

# one test: every row of a table is in a block, each at a leaf of its own
sub is_sealed
{
	my ($node, $table, $rows, $what, $db) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($node->safe_psql($db // 'postgres',
			"SELECT count(*), count(DISTINCT seoulchain.leaf_index('$table', ledger_seq)) FROM $table"), "$rows|$rows", $what);
}

# kill -9 of every process of the server; it can be started again afterwards
sub kill_server
{
	my $node = shift;
	my $pid = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	my @children = split ' ', (`ps -o pid= --ppid $pid` // '');
	kill 'KILL', $pid, @children;
	$node->{_pid} = undef;
	# the kernel lets go of the shared memory when the last process is gone
	foreach (1 .. 200) { last if !grep { kill 0, $_ } $pid, @children; select(undef, undef, undef, 0.05) }
	return;
}

# kilobytes of private memory that a process has
sub anon_memory
{
	my $pid = shift;
	my $status = slurp_file("/proc/$pid/status");
	my ($kb) = $status =~ /^RssAnon:\s+(\d+)/m;
	return $kb;
}

# true in `make test-long`: tests take their full size
sub long_run { return $ENV{SC_LONG} ? 1 : 0 }

# waits until the server's log, from an offset on, has a line like that; true if it came
sub wait_for_log_line
{
	my ($node, $pattern, $offset) = @_;
	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $log = slurp_file($node->logfile, $offset // 0);
		return 1 if $log =~ $pattern;
		select(undef, undef, undef, 0.1);
	}
	return 0;
}

1;
