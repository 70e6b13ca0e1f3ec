# seal.pl - leaves per second when a bulk load is sealed: seal() after a COPY with the worker's clock off.
use strict;
use warnings;
use Bench;

database('bench_seal');
sql('ALTER SYSTEM SET seoulchain.seal_interval = 0', 'SELECT pg_reload_conf()', 'SELECT pg_sleep(1.5)');
my (@cpu, $columns);
$columns = columns();
my $results = alternate(rounds(), 'leaves a second' => sub {
	my $file = data_file();
	sql('DROP TABLE IF EXISTS ledgered', "CREATE TABLE ledgered ($columns) USING ledger",
		"COPY ledgered (id, device, amount, kind, memo, at) FROM '$file'", 'CHECKPOINT');
	my $before = cost();
	my $time = timed('SELECT seoulchain.seal()');
	push @cpu, cost_since($before)->{cpu} * 1e6 / rows();
	return rows() / $time;
});
sql('ALTER SYSTEM RESET seoulchain.seal_interval', 'SELECT pg_reload_conf()');
line_begin('Sealing a bulk load of ' . number(rows()) . ' rows', 'leaves a second, median (least to most)', 'target', 'CPU µs a leaf');
my $rate = $results->{'leaves a second'};
row(spread($rate), ratio(median($rate), 1000000), spread(\@cpu));
1;
