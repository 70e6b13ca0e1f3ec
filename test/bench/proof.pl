# proof.pl - inclusion_proof by SQL while the chain grows: the time of one call, median of two thousand.
use strict;
use warnings;
use Bench;

my $top = $ENV{BENCH_LEAVES} // 10_000_000;
my (@sizes, %median, %late);

for (my $size = 10_000; $size <= $top; $size *= 10) { push @sizes, $size }
database('bench_proof');
sql('CREATE TABLE proven (id bigint, memo text) USING ledger', 'CREATE TABLE took (us float8)', <<'SQL');
CREATE PROCEDURE time_proofs(percent float8) LANGUAGE plpgsql AS $$
DECLARE
	seqs bigint[];
	seq bigint;
	begun timestamptz;
	proof record;
	us float8[];
BEGIN
	EXECUTE format('SELECT array_agg(ledger_seq ORDER BY random()) FROM proven TABLESAMPLE BERNOULLI (%s)', percent) INTO seqs;
	-- the first calls fill caches
	FOREACH seq IN ARRAY seqs[1:50] || seqs LOOP
		begun := clock_timestamp();
		SELECT * INTO proof FROM seoulchain.inclusion_proof('proven', seq);
		us := us || (extract(epoch FROM clock_timestamp() - begun) * 1e6)::float8;
	END LOOP;
	TRUNCATE took;
	INSERT INTO took SELECT unnest(us[51:]);
END
$$
SQL
my $have = 0;
line_begin('inclusion_proof by SQL', 'leaves', 'microseconds, median', '95th percentile', 'against the smallest tree', 'hashes');
foreach my $size (@sizes)
{
	sql("INSERT INTO proven SELECT g, 'row ' || g FROM generate_series($have + 1, $size) g", 'SELECT seoulchain.seal()',
		'VACUUM (ANALYZE)');
	$have = $size;
	my $percent = 100 * 2000 / $size;
	sql("CALL time_proofs($percent)");
	my ($mid, $late) = split /\|/, value('SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY us), percentile_cont(0.95) WITHIN GROUP (ORDER BY us) FROM took');
	my $hashes = value(q{SELECT cardinality(path) FROM seoulchain.inclusion_proof('proven', (SELECT ledger_seq FROM proven LIMIT 1))});
	$median{$size} = $mid;
	row(number($size), number($mid), number($late), number($mid / $median{ $sizes[0] }), $hashes);
}
my $growth = $median{ $sizes[-1] } / $median{ $sizes[0] };
note('Growth from the smallest to the largest: ' . ratio($growth, 1.5, 1)
	  . '; the largest in microseconds: ' . ratio($median{ $sizes[-1] }, 300, 1) . '.');
1;
