# network_final.pl - from commit to final at moderate load: what one client waits while others insert 200 rows a second.
use strict;
use warnings;
use Bench;
use Network;
use insert;

my ($origin, @others) = nodes();
my $interval = 1;
my $columns = columns();
at($origin, sub { sql("CREATE TABLE $origin.final ($columns) USING ledger") });
wait_cosigned($origin, 2);
at($origin, sub {
	my $policy = join('', 'log ' . value('SELECT seoulchain.verifier_key()') . "\n", (map { my $o = $_; "witness $o " . at($o, sub { value('SELECT seoulchain.cosigner_key()') }) . "\n" } @others),
		"group both all @others\nquorum both\n");
	sql("SELECT seoulchain.set_policy('main', '$policy')");
});
wait_cosigned($origin, 2);
at($origin, sub { sql('CREATE TABLE took (ms float8)', <<"SQL") });
CREATE PROCEDURE time_final(many int) LANGUAGE plpgsql AS \$\$
DECLARE
	seq bigint;
	committed timestamptz;
	answer text;
BEGIN
	FOR i IN 1 .. many LOOP
		PERFORM pg_sleep(random());
		COMMIT;
		INSERT INTO $origin.final (id, memo, at) VALUES (i, 'waited for', clock_timestamp()) RETURNING ledger_seq INTO seq;
		COMMIT;
		committed := clock_timestamp();
		answer := seoulchain.wait_for_final('$origin.final', seq, '30 s');
		IF answer IS NULL THEN
			RAISE 'not final after 30 s';
		END IF;
		INSERT INTO took VALUES (extract(epoch FROM clock_timestamp() - committed) * 1000);
		COMMIT;
	END LOOP;
END
\$\$
SQL
my $count = $ENV{BENCH_WAITS} // 40;
my $pid = fork // die "fork: $!";
if ($pid == 0)
{
	at($origin, sub { pgbench(insert::one_row("$origin.final"), rate => 200, clients => 4, seconds => 2 * $count + 10) });
	exec 'true';
}
at($origin, sub { sql("CALL time_final($count)") });
kill 'TERM', $pid;
waitpid $pid, 0;
my ($median, $late) = split /\|/, at($origin, sub { value('SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) FROM took') });
line_begin("From commit to final, 200 rows a second, seal interval $interval s", 'waits', 'milliseconds, median', '95 of 100 within');
row($count, ratio($median, 1000 * $interval + 500, 1), number($late));
1;
