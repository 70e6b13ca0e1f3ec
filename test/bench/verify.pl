# verify.pl - verify() of a database with one big ledger table, against COPY TO '/dev/null' of it.
use strict;
use warnings;
use Bench;

database('bench_verify');
my $columns = columns();
my $file = data_file();
sql("CREATE TABLE ledgered ($columns) USING ledger",
	"COPY ledgered (id, device, amount, kind, memo, at) FROM '$file'",
	'SELECT seoulchain.seal()', 'VACUUM (ANALYZE)');
die "verify() reports faults\n" if value('SELECT count(*) FROM seoulchain.verify()') != 0;
my $results = alternate(rounds(),
	copy   => sub { timed("COPY ledgered TO '/dev/null'") },
	verify => sub { timed('SELECT * FROM seoulchain.verify()') },
	table  => sub { timed("SELECT * FROM seoulchain.verify('ledgered')") });
line_begin('verify() of ' . number(rows()) . ' rows', 'what', 'seconds, median (least to most)', 'its time / COPY\'s');
row("COPY ledgered TO '/dev/null'", spread($results->{copy}), '');
row('verify()', spread($results->{verify}), ratio(paired($results->{verify}, $results->{copy}), 1.5, 1));
row("verify('ledgered')", spread($results->{table}), number(paired($results->{table}, $results->{copy})));
1;
