# Bytes changed at random: whatever it is, the server stays up, verify() and
# verify_indexes() come to their end, and what was changed in a row is found.
#
# Every run damages the same bytes, so that a failure belongs to the change that is tested;
# SC_FUZZ_SEED damages others, SC_LONG others each time and ten times as many.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;
use Seoulchain::Tamper;

my $seed = $ENV{SC_FUZZ_SEED} // (long_run() ? time : 20181121);
note("SC_FUZZ_SEED=$seed");
srand($seed);
my $rounds = long_run() ? 20 : 2;
my $copies = 24;
my $node = tamper_node('fuzz', restart_after_crash => 'off');
# the worker trusts the registry; here only verification is to meet the damage
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
# hash and GIN indexes are read through their access methods, which trust their pages: not damaged here
my @relations = ('t', 's', 'toast of t', 'toast of tree', map({ "seoulchain.$_" } qw(tree chain_block block_range signature event ledger ledger_column chain journal node
	tree_pkey chain_1_seq)), qw(t_id t_seq));
my $log = $node->logfile;
my $crashes = 0;
my $broken = '';

# a few bytes of a page of a relation, changed
sub damage
{
	my ($db, $relation) = @_;
	my $blocks = int((-s relation_path($node, $db, $relation)) / PAGE) or return "$relation is empty";
	my $block = int(rand($blocks));
	my $page = read_page($node, $db, $relation, $block);
	my @lines = all_lines($page);
	my $from = @lines ? (line($page, $lines[ int(rand(@lines)) ]))[0] : 24;
	my @told;
	foreach (1 .. 1 + int(rand(4)))
	{
		# headers of tuples and the bytes behind them more often than the rest
		my $at = rand() < 0.8 ? $from + int(rand(60)) : 24 + int(rand(PAGE - 24));
		$at %= PAGE;
		my $byte = rand() < 0.5 ? chr(int(rand(256))) : (rand() < 0.5 ? "\xff" : "\0");
		substr($page, $at, 1) = $byte;
		push @told, sprintf('%d:%02x', $at, ord $byte);
	}
	write_page($node, $db, $relation, $block, $page);
	return "$relation block $block, @told";
}

foreach my $round (1 .. $rounds)
{
	my %what;
	copy_base($node, "f${round}_$_") foreach 1 .. $copies;
	$node->stop;
	foreach my $copy (1 .. $copies)
	{
		my $db = "f${round}_$copy";
		$what{$db} = damage($db, $relations[ int(rand(@relations)) ]);
	}
	$node->start;
	foreach my $copy (1 .. $copies)
	{
		my $db = "f${round}_$copy";
		foreach my $sql ('SELECT count(*) FROM seoulchain.verify()', q{SELECT count(*) FROM seoulchain.verify_indexes('t')})
		{
			my ($status, $out, $err) = $node->psql($db, $sql, timeout => 300);
			next if $status == 0;
			# where the library's own registry is damaged, an error that says so will do
			$broken .= "$what{$db}: $sql: $err\n";
			next if $err !~ /server closed the connection|terminated|could not connect|connection to server/;
			$crashes++;
			diag("$what{$db}: $sql: $err");
			$node->_update_pid(-1);
			$node->start if !-e $node->data_dir . '/postmaster.pid';
		}
	}
	last if $crashes;
	$node->safe_psql('postgres', "DROP DATABASE f${round}_$_") foreach 1 .. $copies;
}
is($crashes, 0, "no crash over " . $rounds * $copies . " damaged databases");
note($broken);
is_deeply($crashes ? [] : [ faults($node, 'base') ], [], 'the database that was copied has no fault');
$node->stop;
done_testing();
