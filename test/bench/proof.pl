# proof.pl - inclusion_proof by SQL on chains of ten thousand to ten million leaves, in turn: the time of one call.
use strict;
use warnings;
use Bench;

my $top = $ENV{BENCH_LEAVES} // 10_000_000;
my (@sizes, %late);

# one chain and one table a size, all of it sealed
database('bench_proof');
for (my $size = 10_000; $size <= $top; $size *= 10)
{
	push @sizes, $size;
	sql("SELECT seoulchain.create_chain('chain_$size')", "SET seoulchain.default_chain = 'chain_$size'",
		"CREATE TABLE proven_$size (id bigint, memo text) USING ledger");
	sql("INSERT INTO proven_$size SELECT g, 'row ' || g FROM generate_series(1, $size) g", "SELECT seoulchain.seal('chain_$size')");
	# two thousand rows from everywhere
	my $percent = 100 * 2000 / $size;
	sql("CREATE TABLE chosen_$size AS SELECT ledger_seq FROM proven_$size TABLESAMPLE BERNOULLI ($percent) ORDER BY random()");
}
sql('CREATE TABLE took (us float8)', <<'SQL', 'VACUUM (ANALYZE)');
CREATE PROCEDURE time_proofs(relation regclass, chosen regclass) LANGUAGE plpgsql AS $$
DECLARE
	seqs bigint[];
	seq bigint;
	begun timestamptz;
	proof record;
	us float8[];
BEGIN
	EXECUTE format('SELECT array_agg(ledger_seq) FROM %s', chosen) INTO seqs;
	-- the first calls fill this session's caches
	FOREACH seq IN ARRAY seqs[1:50] || seqs LOOP
		begun := clock_timestamp();
		SELECT * INTO proof FROM seoulchain.inclusion_proof(relation, seq);
		us := us || (extract(epoch FROM clock_timestamp() - begun) * 1e6)::float8;
	END LOOP;
	TRUNCATE took;
	INSERT INTO took SELECT unnest(us[51:]);
END
$$
SQL

my $results = alternate(rounds() + 2, map { my $size = $_; ($size => sub {
	sql("CALL time_proofs('proven_$size', 'chosen_$size')");
	my ($mid, $late) = split /\|/, value('SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY us), percentile_cont(0.95) WITHIN GROUP (ORDER BY us) FROM took');
	push @{ $late{$size} }, $late;
	return $mid;
}) } @sizes);

line_begin('inclusion_proof by SQL', 'leaves', 'microseconds a call, median (least to most)', '95 of 100 within', 'against the smallest tree', 'hashes');
foreach my $size (@sizes)
{
	my $hashes = value("SELECT cardinality(path) FROM seoulchain.inclusion_proof('proven_$size', (SELECT ledger_seq FROM proven_$size LIMIT 1))");
	row(number($size), spread($results->{$size}), number(median($late{$size})), number(paired($results->{$size}, $results->{ $sizes[0] })), $hashes);
}
note('From the smallest to the largest tree it grows by ' . ratio(paired($results->{ $sizes[-1] }, $results->{ $sizes[0] }), 1.5, 1)
	  . '; the largest takes, in microseconds, ' . ratio(median($results->{ $sizes[-1] }), 300, 1) . '.');
1;
