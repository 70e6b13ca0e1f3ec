# signing.pm - signed rows: members with keys made of their numbers, batches of rows that they signed, the bare loop.
#
# Keys and signatures come from test/bench/signer.c; so does the loop that does
# nothing but verify what a batch holds.  A batch is a file for COPY and a
# table for INSERT ... SELECT; each can be inserted once, for a payload is
# accepted once.
package signing;
use strict;
use warnings;
use Bench;

my $signer = tmp() . '/signer';
our $next_id = 1;

# rows of the six columns of every line, and who signed them
sub create_table
{
	my $name = shift;
	sql("CREATE TABLE $name (" . columns() . ", signer text, signature text) USING ledger");
	return;
}

# members 1 to N with a key each
sub register
{
	my ($algorithm, $count) = @_;
	my $file = tmp() . '/keys.copy';
	system("$signer keys $algorithm 1 $count > $file") == 0 or die "signer failed\n";
	sql("SELECT seoulchain.install_members('main')",
		'CREATE TABLE public_key (n int, spki bytea)', "COPY public_key FROM '$file'",
		"INSERT INTO members.member (member, kind) SELECT 'member ' || n, 'citizen' FROM public_key",
		"INSERT INTO members.key (member, key, public_key) SELECT 'member ' || n, 'first', spki FROM public_key",
		'VACUUM ANALYZE members.member, members.key');
	unlink $file;
	return;
}

# a new batch of rows for a table: { copy => file for COPY, signed => file for the bare loop, from, to => ids };
# signers are an SQL expression over g, the row's number
sub batch
{
	my ($algorithm, $table, $count, $signer_number) = @_;
	my ($from, $to) = ($next_id, $next_id + $count - 1);
	my $base = tmp() . "/batch$from";
	my %files = map { $_ => "$base.$_" } qw(rows payloads jws copy signed);
	$next_id += $count;
	sql('CREATE TABLE IF NOT EXISTS staged (n int, ' . columns() . ', signer text)', 'TRUNCATE staged',
		"INSERT INTO staged SELECT n, g, md5(g::text)::uuid, (g * 7919::bigint % 1000000)::int, g % 12, "
		  . "'mileage of device ' || g % 9973, timestamptz '2024-01-01 00:00+00' + g * interval '1 second', 'member ' || n "
		  . "FROM (SELECT g, $signer_number AS n FROM generate_series($from, $to) g) x",
		"COPY (SELECT id, device, amount, kind, memo, at, signer FROM staged ORDER BY id) TO '$files{rows}'",
		"COPY (SELECT n, seoulchain.signing_payload('$table', ROW(id, device, amount, kind, memo, at, signer, NULL, NULL, NULL)::$table) "
		  . "FROM staged ORDER BY id) TO '$files{payloads}'");
	system("$signer sign $algorithm < $files{payloads} > $files{jws} && paste $files{rows} $files{jws} > $files{copy} "
		  . "&& paste $files{payloads} $files{jws} > $files{signed}") == 0 or die "signer failed\n";
	unlink @files{qw(rows payloads jws)};
	return { copy => $files{copy}, signed => $files{signed}, from => $from, to => $to, count => $count };
}

# verifications a second of the bare loop over a batch, by the clock and by processor time
sub bare
{
	my ($algorithm, $batch) = @_;
	my ($count, $wall, $cpu) = split ' ', `$signer verify $algorithm < $batch->{signed}`;
	die "signer failed\n" if $?;
	return ($count / $wall, $count / $cpu);
}

# rows a second of one statement that inserts a batch, by the clock and by the backend's processor time
sub insert_rate
{
	my ($batch, $statement) = @_;
	my $script = tmp() . '/statement.sql';
	open(my $fh, '>', $script) or die "$script: $!";
	print $fh "SELECT pg_backend_pid() AS pid \\gset\n\\setenv PID :pid\n\\! cat /proc/\$PID/schedstat\n",
	  "\\timing on\n$statement;\n\\timing off\n\\! cat /proc/\$PID/schedstat\n";
	close($fh);
	my @lines = script($script);
	my ($before, $after) = map { /^(\d+) \d+ \d+$/ ? $1 : () } @lines;
	my ($ms) = map { /^Time: ([\d.]+) ms/ ? $1 : () } @lines;
	return ($batch->{count} * 1000 / $ms, $batch->{count} * 1e9 / ($after - $before));
}

sub copy_statement
{
	my ($table, $batch) = @_;
	return "COPY $table (id, device, amount, kind, memo, at, signer, signature) FROM '$batch->{copy}'";
}

# the batch as a heap table, for INSERT ... SELECT
sub load_batch
{
	my ($name, $batch) = @_;
	sql("DROP TABLE IF EXISTS $name", "CREATE TABLE $name (" . columns() . ', signer text, signature text)',
		copy_statement($name, $batch), "CREATE UNIQUE INDEX ON $name (id)", "VACUUM ANALYZE $name");
	return;
}

sub forget_batch { return unlink $_[0]{copy}, $_[0]{signed} }

1;
