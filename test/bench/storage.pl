# storage.pl - bytes a row beyond the user's own columns, after single-row commits and VACUUM.
use strict;
use warnings;
use Bench;
use insert;

# sizes of the extension's own tables with their indexes and TOAST: name => bytes
my $sizes = sub {
	my %bytes = map { split /\|/ } sql("SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c "
		  . "WHERE c.relnamespace = 'seoulchain'::regnamespace AND c.relkind IN ('r', 'S')");
	return \%bytes;
};

database('bench_storage');
my $columns = columns();
sql("CREATE TABLE ledgered ($columns) USING ledger", 'SELECT seoulchain.seal()', 'VACUUM');
my $before = $sizes->();
my ($tps, $count) = pgbench(insert::one_row('ledgered'),
	transactions => int(rows() / 8), options => '-c synchronous_commit=off');
my $blocks = value('SELECT seoulchain.seal()', 'SELECT count(*) FROM seoulchain.block');
# the same rows, in the same order, without us
sql('CREATE TABLE plain AS SELECT id, device, amount, kind, memo, at FROM ledgered ORDER BY ctid', 'VACUUM', 'VACUUM');
my $after = $sizes->();
my $table = value("SELECT pg_total_relation_size('ledgered') - pg_total_relation_size('plain')");
my $sum = $table;

line_begin('Storage of ' . number($count) . ' single-row commits', 'what', 'bytes a row');
row('the ledger table beyond the same rows on heap (ledger_seq)', number($table / $count));
foreach my $name (sort keys %$after)
{
	my $bytes = $after->{$name} - ($before->{$name} // 0);
	$sum += $bytes;
	row("seoulchain.$name", number($bytes / $count)) if $bytes;
}
row('all together', ratio($sum / $count, 80, 1));
note(number($blocks) . ' blocks; ' . number($tps) . ' commits a second, synchronous_commit off.');
1;
