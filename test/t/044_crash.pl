# kill -9 of the server at random moments under 8 writing clients, 20 times.
#
# After each restart: every acknowledged row is there; every row is sealed
# exactly once; every checkpoint handed out before is extended by the present
# tree; verify() is silent, though log and cosigner keys change all the time.  Every fourth round runs with synchronous_commit
# off, where unacknowledged rows may go but a signed block may not.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use Seoulchain::Test;

my $rounds = $ENV{SC_CRASH_ROUNDS} // 20;
my $seed = $ENV{SC_CRASH_SEED} // int(rand(1_000_000));
srand($seed);
note("seed $seed (SC_CRASH_SEED repeats it)");

my $keys = key_directory();
my $node = ledger_node('node', 'seoulchain.seal_interval' => 20, 'seoulchain.sign_key_directory' => $keys,
	checkpoint_timeout => '30s', restart_after_crash => 'off', fsync => 'on');
sub sql { return $node->safe_psql('postgres', shift) }

sql(q{SELECT seoulchain.create_node('seoul.go.kr/crash')});
sql(q{CREATE TABLE t (client int, n int, v text) USING ledger; CREATE INDEX ON t (client, n); CREATE TABLE progress (round int)});

# a client: single rows, savepoints that are rolled back, short batches, prepared transactions; tells what was acknowledged
sub start_client
{
	my ($client, $first, $lazy) = @_;
	my $script = "\\set ON_ERROR_STOP on\n" . ($lazy ? "SET synchronous_commit = off;\n" : '');
	foreach my $n ($first .. $first + 3000)
	{
		my $row = "($client, $n, repeat('x', " . ($n % 97) . '))';
		my $kind = $n % 11;
		if ($kind == 3) { $script .= "BEGIN; SAVEPOINT s; INSERT INTO t VALUES ($client, -$n, 'no'); ROLLBACK TO s; INSERT INTO t VALUES $row; COMMIT;\n" }
		elsif ($kind == 7) { $script .= "BEGIN; INSERT INTO t VALUES $row; PREPARE TRANSACTION 'c${client}_$n';\nCOMMIT PREPARED 'c${client}_$n';\n" }
		elsif ($kind == 9) { $script .= "BEGIN; INSERT INTO t SELECT $client, -g - $n, 'no' FROM generate_series(1, 50) g; ROLLBACK;\nINSERT INTO t VALUES $row;\n" }
		else { $script .= "INSERT INTO t VALUES $row;\n" }
		$script .= "\\echo $n\n";
	}
	my %run = (out => '', err => '', client => $client);
	$run{handle} = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('postgres') ], '<', \$script, '>', \$run{out}, '2>', \$run{err});
	return \%run;
}

my (@next) = (1) x 9;
my (%acknowledged, %checkpoints);

foreach my $round (1 .. $rounds)
{
	my $lazy = $round % 4 == 0;
	my @clients = map { start_client($_, $next[$_], $lazy) } 1 .. 8;
	my $until = time + 0.3 + rand(1.7);
	while (time < $until)
	{
		# what an outsider was handed
		my ($status, $note) = $node->psql('postgres', 'SELECT seoulchain.checkpoint()');
		$checkpoints{$1} = $2 if defined $note && $note =~ /\n(\d+)\n(\S+)\n/;
		# keys change meanwhile, as often as the change before is signed
		$node->psql('postgres', $round % 2 ? q{SELECT seoulchain.rotate_log_key('main')} : 'SELECT seoulchain.rotate_cosigner_key()')
		  if rand() < 0.3;
		$_->{handle}->pump_nb foreach @clients;
	}
	kill_server($node);
	foreach my $client (@clients)
	{
		eval { $client->{handle}->finish; };
		my @said = $client->{out} =~ /^(\d+)$/mg;
		next if !@said;
		$acknowledged{ $client->{client} }{$_} = 1 foreach $lazy ? () : @said;
		$next[ $client->{client} ] = $said[-1] + 2;
	}
	$node->start;

	# prepared transactions that were left over end one way or the other
	foreach my $gid (split /\n/, sql('SELECT gid FROM pg_prepared_xacts'))
	{
		sql(rand() < 0.5 ? "COMMIT PREPARED '$gid'" : "ROLLBACK PREPARED '$gid'");
	}

	my $missing = 0;
	my %there = map { $_ => 1 } split /\n/, sql("SELECT client || ' ' || n FROM t");
	foreach my $client (1 .. 8)
	{
		$missing += grep { !$there{"$client $_"} } keys %{ $acknowledged{$client} // {} };
	}
	my $count = 0;
	$count += keys %{ $acknowledged{$_} // {} } foreach 1 .. 8;
	is($missing, 0, "round $round: all $count acknowledged rows are there");
	is(sql('SELECT count(*) FROM t WHERE n < 0'), '0', "round $round: nothing that was rolled back");

	sql('SELECT seoulchain.seal()');
	is(sql('SELECT (SELECT signed_height = height AND NOT pending FROM seoulchain.seal_status)'), 't', "round $round: everything is sealed and signed");
	is(sql(<<'SQL'), '0|0|t', "round $round: every row exactly once");
SELECT count(*) FILTER (WHERE rows = 0), count(*) FILTER (WHERE rows > 1),
	(SELECT sum(upper - lower) FROM seoulchain.block_range) + (SELECT count(*) FROM seoulchain.chain_block) = (SELECT max(tree_size) FROM seoulchain.block)
FROM (SELECT t.ledger_seq, count(m.n) AS rows FROM t LEFT JOIN (SELECT generate_series(lower, upper - 1) AS n FROM seoulchain.block_range) m ON m.n = t.ledger_seq
	GROUP BY t.ledger_seq, t.ctid) s
SQL
	is(sql('SELECT count(*) - count(DISTINCT ledger_seq), (SELECT count(*) FROM seoulchain.rejected) FROM t'), '0|0', "round $round: no number was given twice");
	my $changed = 0;
	my %root = map { split /\|/ } split /\n/, sql("SELECT s, encode(seoulchain.root_hash('main', s), 'base64') FROM unnest(ARRAY["
		  . join(',', keys %checkpoints) . ']::bigint[]) s');
	$changed += grep { ($root{$_} // '') ne $checkpoints{$_} } keys %checkpoints;
	is($changed, 0, "round $round: all " . scalar(keys %checkpoints) . ' checkpoints handed out are extended');
	# few enough to be asked again each time
	my @sizes = sort { $a <=> $b } keys %checkpoints;
	delete $checkpoints{ $sizes[ rand(@sizes) ] } while @sizes > 40 && keys %checkpoints > 40;
	is_intact($node, "round $round: verify() is silent");
}
cmp_ok(scalar(keys %checkpoints), '>', 0, 'checkpoints were handed out');
cmp_ok(sql('SELECT count(*) FROM seoulchain.rotation'), '>', 0, 'keys changed');
$node->stop;
done_testing();
