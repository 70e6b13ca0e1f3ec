# signed.pl - signed rows by COPY and INSERT ... SELECT in one session, against the bare verification of the same signatures.
use strict;
use warnings;
use Bench;
use signing;

foreach my $algorithm ('EdDSA', 'ES256')
{
	my $count = int(rows() / 20) || 1;
	my (%cpu, %rate);
	database('bench_signed');
	signing::register($algorithm, 100);
	signing::create_table('signed');
	sql(q{SELECT seoulchain.require_signature('signed', 'signer', 'signature')});
	# one batch a measurement; the bare loop takes the one that is inserted next
	my $batch;
	my $measure = sub {
		my ($name, @rates) = @_;
		signing::forget_batch($batch);
		push @{ $cpu{$name} }, $rates[1];
		return $rates[0];
	};
	my $results = alternate(2 * rounds() + 1,
		bare => sub {
			$batch = signing::batch($algorithm, 'signed', $count, 'g % 100 + 1');
			return $measure->('bare', signing::bare($algorithm, $batch));
		},
		copy => sub {
			$batch = signing::batch($algorithm, 'signed', $count, 'g % 100 + 1');
			return $measure->('copy', signing::insert_rate($batch, signing::copy_statement('signed', $batch)));
		},
		insert => sub {
			$batch = signing::batch($algorithm, 'signed', $count, 'g % 100 + 1');
			signing::load_batch('presigned', $batch);
			return $measure->('insert', signing::insert_rate($batch, 'INSERT INTO signed SELECT * FROM presigned'));
		});
	my $library = $algorithm eq 'EdDSA' ? 'libsodium' : 'OpenSSL';
	line_begin('Signed rows, ' . number($count) . " at a time by 100 members, $algorithm",
		'what', 'rows a second, median (least to most)', 'against the bare loop', 'by processor time');
	row("$library in a loop", spread($results->{bare}), '', '');
	row('COPY', spread($results->{copy}), ratio(paired($results->{copy}, $results->{bare}), 0.85), number(paired($cpu{copy}, $cpu{bare})));
	row('INSERT ... SELECT', spread($results->{insert}), ratio(paired($results->{insert}, $results->{bare}), 0.85),
		number(paired($cpu{insert}, $cpu{bare})));
}
1;
