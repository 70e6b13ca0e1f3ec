# Rows signed as applications do: by the programs of examples/signing (jose, Python, openssl), with keys registered in every form.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use FindBin;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Sign;
use Seoulchain::Test;
use Test::More;

my $root = "$FindBin::Bin/../..";
my $node = ledger_node('signing');

# the programs as they stand in the documentation, beside a node_modules as npm makes it
my $examples = PostgreSQL::Test::Utils::tempdir();
system_or_bail('cp', glob("$root/examples/signing/*"), $examples);
is(system("$root/tools/get_jose", $examples), 0, 'jose is there (tools/get_jose says why not)') or BAIL_OUT('rows cannot be signed with jose');
# Debian's own Python has Debian's python3-cryptography
my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';
my %program = (jose => "node $examples/sign_row.mjs", Python => "$python $examples/sign_row.py", openssl => "$examples/sign_row.sh");

# what a program signs; dies with what it said when it does not
sub run_program
{
	my ($program, $key, $payload, $name) = @_;
	my $file = write_file("$payload\n", 'payload');
	my $errors = write_file('', 'errors');
	my $jws = `$program{$program} $key->{file} $name <$file 2>$errors`;
	die "$program: " . slurp_file($errors) if $?;
	chomp $jws;
	return $jws;
}

sub hex_literal { return "'\\x" . unpack('H*', $_[0]) . "'" }

$node->safe_psql('postgres', "SELECT seoulchain.install_members('main')");
my $authority = make_authority('City');
$node->safe_psql('postgres', "INSERT INTO members.authority (authority, certificate, action) VALUES ('City', " . hex_literal($authority->{pem}) . ", 'trust')");
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE inspection (car text, km numeric(10,1), at timestamptz, paid boolean, photo bytea, remark text, nonce uuid,
	signer text, signature text) USING ledger;
SELECT seoulchain.require_signature('inspection', 'signer', 'signature');
SQL
seal($node);
my $origin = $node->safe_psql('postgres', q{SELECT split_part(seoulchain.checkpoint(), E'\n', 1)});

# a member for every form in which a key can be registered
my %form = (
	raw            => sub { raw_key($_[0]) },
	pem            => sub { public_pem($_[0]) },
	der            => sub { public_der($_[0]) },
	certificate    => sub { issue($authority, $_[0], $_[1]) },
	'der certificate' => sub { der_of_pem(issue($authority, $_[0], $_[1])) });
my @members;
foreach my $kind (qw(ed25519 p256 rsa))
{
	foreach my $form (sort keys %form)
	{
		next if $form eq 'raw' && $kind ne 'ed25519';
		my $key = make_key($kind);
		my $member = "$kind $form";
		$node->safe_psql('postgres', "INSERT INTO members.member (member, kind) VALUES ('$member', 'agency'); "
			  . "INSERT INTO members.key (member, key, public_key) VALUES ('$member', 'first', " . hex_literal($form{$form}->($key, $kind)) . ')');
		push @members, [ $member, $key ];
	}
}

# values as SQL and as the text that is signed
my @values = (
	[ q{'KMHEM42APXA000001', 48210.5, '2026-01-01 09:00+09', true, '\x00ff', 'ok'},
	  { car => 'KMHEM42APXA000001', km => '48210.5', at => '2026-01-01 00:00:00+00', paid => 't', photo => '\x00ff', remark => 'ok' } ],
	[ q{NULL, 7, 'infinity', false, '', E'브레이크 "B"\\\\\n\t\x01/\x7f'},
	  { km => '7.0', at => 'infinity', paid => 'f', photo => '\x', remark => "\x{be0c}\x{b808}\x{c774}\x{d06c} \"B\"\\\n\t\x{1}/\x{7f}" } ],
	[ q{'', NULL, NULL, NULL, NULL, repeat('x', 1025)}, { car => '' }, { remark => { bytes => '1025', sha256 => sha256_hex('x' x 1025) } } ]);

# the payload, written here and not by the database
sub payload_of
{
	my ($columns, $digests) = @_;
	my %payload = (chain => $origin, columns => $columns, table => 'public.inspection');
	$payload{digests} = $digests if $digests;
	return JSON::PP->new->utf8->canonical->encode(\%payload);
}

my $count = 0;
foreach my $member (@members)
{
	my ($name, $key) = @$member;
	foreach my $program (sort keys %program)
	{
		my ($sql, $columns, $digests) = @{ $values[ $count++ % @values ] };
		my $nonce = sprintf '00000000-0000-4000-8000-%012d', $count;
		my $payload = payload_of({ %$columns, nonce => $nonce, signer => $name }, $digests);
		my $jws = run_program($program, $key, $payload, $count % 2 ? 'first' : '');
		my ($rc, $out, $err) = $node->psql('postgres',
			"SET TimeZone = 'Asia/Seoul'; SET DateStyle = 'SQL, DMY'; INSERT INTO inspection VALUES ($sql, '$nonce', '$name', '$jws')");
		is($err, '', "$program signs, the key was registered as $name");
	}
}

# what the programs refuse to sign
my $wrong = make_key('p384');
foreach my $program (sort keys %program)
{
	is(eval { run_program($program, $wrong, '{}', '') }, undef, "$program signs nothing with a P-384 key");
	next if $program eq 'openssl';
	is(eval { run_program($program, $members[0][1], '{"columns":{"km":48210}}', '') }, undef, "$program signs no number");
	like($@, qr/every value of a payload is a string/, 'and says why');
	my $loose = '{ "table": "t", "columns": {"b":"\u0022\/\ube0c","a":"\u0001"}, "chain":"c" }';
	is($node->safe_psql('postgres', sprintf 'SELECT seoulchain.verify_jws(%s, %s, %s)',
		map { "'$_'" } run_program($program, $members[0][1], $loose, ''), '\x' . unpack('H*', public_der($members[0][1])),
		'\x' . unpack('H*', qq({"chain":"c","columns":{"a":"\\u0001","b":"\\"/\xeb\xb8\x8c"},"table":"t"}))), '',
		"$program brings a payload into its one form");
}

# the database gives the same text as the signer made
my $row = "ROW($values[1][0], '00000000-0000-4000-8000-000000000000', 'ed25519 raw', NULL, NULL, NULL)::inspection";
my $payload = $node->safe_psql('postgres', "SELECT seoulchain.signing_payload('inspection', $row)");
is($payload, payload_of({ %{ $values[1][1] }, nonce => '00000000-0000-4000-8000-000000000000', signer => 'ed25519 raw' }),
	'signing_payload gives what a signer makes by itself');

# what was signed here is not only accepted but provable: by the function, with the key in the registry
is($node->safe_psql('postgres', q{
	SELECT count(*), count(*) FILTER (WHERE seoulchain.verify_jws(i.signature, k.public_key, convert_to(seoulchain.signing_payload('inspection', i), 'UTF8')) IS NULL)
	FROM inspection i JOIN members.key k ON k.member = i.signer}), "$count|$count", 'every stored signature verifies over what is stored');

# lines for COPY, each signed
sub signed_lines
{
	my $batch = shift;
	return map {
		my $nonce = sprintf '%08d-0000-4000-8000-%012d', $batch, $_;
		my ($name, $key) = @{ $members[ $_ % @members ] };
		my $jws = jws($key, payload_of({ car => "car $_", nonce => $nonce, signer => $name }));
		"car $_\t$nonce\t$name\t$jws\n" } 1 .. 30;
}

# many rows at once, by COPY
my $file = write_file(join('', signed_lines(1)));
$node->safe_psql('postgres', "COPY inspection (car, nonce, signer, signature) FROM '$file'");
$count += 30;

# one bad line, and nothing of the rest is stored
my @lines = signed_lines(2);
$lines[20] =~ s/car/bus/;
$file = write_file(join('', @lines));
my ($rc, $out, $err) = $node->psql('postgres', "COPY inspection (car, nonce, signer, signature) FROM '$file'");
like($err, qr/refused: bad signature.*COPY inspection, line 21:/s, 'COPY is refused for one bad signature');
is($node->safe_psql('postgres', 'SELECT count(*) FROM inspection'), $count, 'and stores no row');

# the whole way, as the documentation shows it
$node->safe_psql('postgres', 'CREATE DATABASE first');
$node->safe_psql('first', 'CREATE EXTENSION seoulchain');
{
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'first');
	my $keys = PostgreSQL::Test::Utils::tempdir();
	my $said = `$examples/first_row.sh $keys 2>&1`;
	like($said, qr/^\d+\|\d{4}-\d\d-\d\d [^|]*$/m, 'first_row.sh inserts a signed row') or diag($said);
	is($node->safe_psql('first', 'SELECT car, km, inspector FROM inspection'), 'KMHEM42APXA000001|48210|inspector-7', 'which is the one that it signed');
}

seal($node);
is_sealed($node, 'inspection', $count, 'every row is sealed');
is_intact($node, 'the ledger is intact');

$node->stop;
done_testing();
