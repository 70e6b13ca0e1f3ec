# network_late.pl - a node that begins to follow a chain with a long history: until its cosignature of the newest block is back.
use strict;
use warnings;
use Bench;
use Network;
use Time::HiRes ();

my @nodes = nodes();
my ($origin, $late) = @nodes[ 0, -1 ];
my $count = rows();
my $columns = columns();
at($origin, sub {
	my $file = data_file();
	sql(q{SELECT seoulchain.create_chain('history')}, q{SET seoulchain.default_chain = 'history'},
		"CREATE TABLE $origin.history ($columns) USING ledger");
	sql("COPY $origin.history (id, device, amount, kind, memo, at) FROM '$file'", q{SELECT seoulchain.seal('history')});
});

# each round another database of the late server, so another node
my $round = 0;
my $join = sub {
	my $name = 'late' . ++$round;
	my $key = at($late, sub {
		sql("CREATE DATABASE $name");
		use_database($name);
		sql('CREATE EXTENSION seoulchain');
		my $key = value("SELECT seoulchain.create_node('" . net() . "/$name')");
		sql("CREATE ROLE $origin$name LOGIN REPLICATION", "GRANT pg_read_all_data TO $origin$name");
		sql(sprintf q{SELECT seoulchain.add_peer('%s/%s', 'host=%s port=%d dbname=city user=%s', '%s', '%s')}, net(), $origin, $ENV{PGHOST}, port_of($origin),
			$name, do { use_database('city'); my $k = at($origin, sub { value('SELECT seoulchain.cosigner_key()') }); use_database($name); $k }, "$origin$name");
		use_database('city');
		return $key;
	});
	at($origin, sub {
		sql("CREATE ROLE $name LOGIN REPLICATION", "GRANT pg_read_all_data TO $name");
		sql(sprintf q{SELECT seoulchain.add_peer('%s/%s', 'host=%s port=%d dbname=%s user=%s', '%s', '%s')}, net(), $name, $ENV{PGHOST}, port_of($late), $name,
			"$origin$name", $key, $name);
		sql("SELECT seoulchain.share('history', '" . net() . "/$name')");
	});
	my $before = busy();
	my $begun = Time::HiRes::time();
	at($late, sub { use_database($name); sql("SELECT seoulchain.follow('" . origin_of($origin, 'history') . "')"); use_database('city') });
	wait_cosigned($origin, $round, 'history');
	my $time = Time::HiRes::time() - $begun;
	busy_since($before);
	return $count / $time;
};
my $results = alternate(rounds(), late => $join);
line_begin('A late joiner of a chain of ' . number($count) . ' rows', 'rows copied, recomputed and cosigned a second, median (least to most)', 'asked');
row(spread($results->{late}), ratio(median($results->{late}), 80000));
1;
