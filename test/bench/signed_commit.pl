# signed_commit.pl - signed single-row commits, synchronous_commit off, one client: against what
# the time of an unsigned insert and of a bare verification allow together.
use strict;
use warnings;
use Bench;
use signing;

foreach my $algorithm ('EdDSA', 'ES256')
{
	my $count = int(rows() / 50) || 1;
	my (@allowed, @bare);
	database('bench_signed');
	signing::register($algorithm, 100);
	signing::create_table($_) foreach qw(signed unsigned);
	sql(q{SELECT seoulchain.require_signature('signed', 'signer', 'signature')});
	my $rate = sub {
		my $table = shift;
		my $batch = signing::batch($algorithm, 'signed', $count, 'g % 100 + 1');
		signing::load_batch('presigned', $batch);
		push @bare, (signing::bare($algorithm, $batch))[0] if $table eq 'signed';
		my $first = $batch->{from} - 1;
		my ($tps) = pgbench("\\set n :n + 1\nINSERT INTO $table SELECT * FROM presigned WHERE id = :n;\n",
			clients => 1, transactions => $count, variables => "-D n=$first", options => '-c synchronous_commit=off');
		signing::forget_batch($batch);
		return $tps;
	};
	my $results = alternate(2 * rounds() + 1, map { my $table = $_; ($table => sub { $rate->($table) }) } qw(unsigned signed));
	@allowed = map { 1 / (1 / $results->{unsigned}[$_] + 1 / $bare[$_]) } 0 .. $#bare;
	line_begin("Signed single-row commits, one client, synchronous_commit off, $algorithm",
		'what', 'a second, median (least to most)', 'signed against allowed');
	row('verification in a loop', spread(\@bare), '');
	row('unsigned inserts', spread($results->{unsigned}), '');
	row('both together would allow', spread(\@allowed), '');
	row('signed inserts', spread($results->{signed}), ratio(paired($results->{signed}, \@allowed), 0.90));
}
1;
