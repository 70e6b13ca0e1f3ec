# Every bad signature has its own message and leaves no trace: no row, no journal entry, no used payload, nothing to seal.
use strict;
use warnings;
use Digest::SHA qw(sha256 sha256_hex);
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Sign;
use Seoulchain::Test;
use Test::More;

my $node = ledger_node('refused');
my $origin;
my $nonce = 0;
my $settled;	# what was there when all was sealed

# the members: a clerk with three keys, a colleague, and somebody unknown to all
my %key = map { $_->[0] => make_key($_->[1]) } [ ed => 'ed25519' ], [ ec => 'p256' ], [ rsa => 'rsa' ], [ colleague => 'ed25519' ],
  [ stranger => 'ed25519' ], [ lost => 'ed25519' ], [ resting => 'ed25519' ];
$node->safe_psql('postgres', q{SELECT seoulchain.create_chain('other'); SELECT seoulchain.install_members('main');
	INSERT INTO members.member (member, kind) VALUES ('clerk', 'clerk'), ('colleague', 'clerk')});
add_key('clerk', $_, public_pem($key{$_})) foreach qw(ed ec rsa lost resting);
add_key('colleague', 'his', raw_key($key{colleague}));
foreach my $table (qw(inspection reading))
{
	$node->safe_psql('postgres', "CREATE TABLE $table (car text, km int, nonce text, signer text, signature text) USING ledger; "
		  . "SELECT seoulchain.require_signature('$table', 'signer', 'signature')");
}
seal($node);
$origin = $node->safe_psql('postgres', q{SELECT split_part(seoulchain.checkpoint(), E'\n', 1)});

# a row as it is to be inserted, with a nonce that nobody used
sub row_of { return { car => 'KMHEM42APXA000001', km => '48210', nonce => 'n' . ++$nonce, signer => 'clerk', @_ } }

# what its signer signs: written by this test, not by the database
sub payload_of
{
	my ($row, $table, $chain) = @_;
	my %columns = map { defined $row->{$_} ? ($_ => $row->{$_}) : () } qw(car km nonce signer);
	return JSON::PP->new->utf8->canonical->encode(
		{ chain => $chain // $origin, columns => \%columns, table => 'public.' . ($table // 'inspection') });
}

sub literal
{
	my $value = shift;
	return 'NULL' if !defined $value;
	$value =~ s/'/''/g;
	return "'$value'";
}

sub insert_statement
{
	my ($row, $table) = @_;
	return 'INSERT INTO ' . ($table // 'inspection') . ' (car, km, nonce, signer, signature) VALUES ('
	  . join(', ', map { literal($row->{$_}) } qw(car km nonce signer signature)) . ')';
}

# registers a key in whatever form; dies with the database's error
sub add_key
{
	my ($member, $name, $bytes) = @_;
	my $hex = unpack('H*', $bytes);
	$node->safe_psql('postgres', "INSERT INTO members.key (member, key, public_key) VALUES ('$member', '$name', '\\x$hex')");
	return;
}

# what an insert leaves behind in the database
sub trace
{
	return $node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM inspection), (SELECT count(*) FROM reading),
		(SELECT count(*) FROM seoulchain.journal), (SELECT count(*) FROM seoulchain.signed_payload),
		(SELECT max(tree_size) FROM seoulchain.block)});
}

# one test: the row is refused with this message, and nothing is left of it
sub is_refused
{
	my ($row, $pattern, $what, $table) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($rc, $out, $err) = $node->psql('postgres', insert_statement($row, $table), extra_params => [ '-v', 'VERBOSITY=default' ]);
	my $left = trace();
	ok($rc != 0 && $err =~ $pattern && $left eq $settled, $what)
	  or diag("said: $err\nexpected: $pattern\nleft: $left, before: $settled");
	return;
}

# one test: the row is accepted
sub is_accepted
{
	my ($row, $what, $table) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($rc, $out, $err) = $node->psql('postgres', insert_statement($row, $table));
	is($err, '', $what);
	settle();
	return;
}

# seals what there is, so that what comes later can be told from it
sub settle
{
	seal($node);
	$settled = trace();
	return;
}

# one test: after many refusals sealing finds nothing
sub is_nothing_new
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $before = $settled;
	settle();
	return is($settled, $before, 'nothing is left to be sealed');
}

sub sign_row
{
	my ($row, $key, $header, $how) = @_;
	$row->{signature} = jws($key, payload_of($row), $header, $how);
	return $row;
}
settle();

# the good ones, so that refusals below are for their own reasons only
is_accepted(sign_row(row_of(), $key{$_}), "a row signed with the key $_") foreach qw(ed ec rsa);
is_accepted(sign_row(row_of(signer => 'colleague'), $key{colleague}), 'a row by the colleague');
is_accepted(sign_row(row_of(), $key{ed}, header_of($key{ed}, kid => 'ed', more => { x => 1 })), 'with kid and a member that nobody knows');
is_accepted(sign_row(row_of(), $key{ed}, header_of($key{ed}, alg => 'Ed25519')), 'with the newer name of EdDSA');
is_accepted(sign_row(row_of(car => undef), $key{ed}), 'with a column that has no value');

# headers: each really signed by the clerk's key
my $usual = '"alg":"EdDSA","typ":"seoulchain-row+jws"';
my $oversized = "{$usual,\"x\":\"\"}";
$oversized =~ s/""\}$/'"' . 'x' x (2049 - length $oversized) . '"}'/e;
my $thumbprint = sha256_hex(public_der($key{colleague}));
my @headers = (
	[ 'alg none',                '{"alg":"none","typ":"seoulchain-row+jws"}',       qr/the algorithm "none" signs nothing/ ],
	[ 'no alg',                  '{"typ":"seoulchain-row+jws"}',                    qr/the header names no algorithm/ ],
	[ 'alg in another case',     '{"alg":"eddsa","typ":"seoulchain-row+jws"}',      qr/the algorithm is not one of EdDSA, ES256, PS256/ ],
	[ 'no typ',                  '{"alg":"EdDSA"}',                                 qr/the header's typ is not the one asked for/ ],
	[ 'typ of another thing',    '{"alg":"EdDSA","typ":"JWT"}',                     qr/the header's typ is not the one asked for/ ],
	[ 'crit',                    "{$usual,\"crit\":[\"exp\"],\"exp\":1}",           qr/a member that is not allowed.*crit/s ],
	[ 'b64',                     "{$usual,\"b64\":false}",                          qr/a member that is not allowed.*b64/s ],
	[ 'b64 with crit',           "{$usual,\"b64\":false,\"crit\":[\"b64\"]}",       qr/a member that is not allowed.*b64/s ],
	[ 'jwk',                     "{$usual,\"jwk\":{\"kty\":\"OKP\"}}",              qr/a member that is not allowed.*jwk/s ],
	[ 'jku',                     "{$usual,\"jku\":\"https://keys.example/\"}",      qr/a member that is not allowed.*jku/s ],
	[ 'x5u',                     "{$usual,\"x5u\":\"https://keys.example/\"}",      qr/a member that is not allowed.*x5u/s ],
	[ 'x5c',                     "{$usual,\"x5c\":[]}",                             qr/a member that is not allowed.*x5c/s ],
	[ 'alg twice',               '{"alg":"none",' . $usual . '}',                   qr/a header member stands twice/ ],
	[ 'alg twice, one escaped',  '{"\u0061lg":"none",' . $usual . '}',              qr/a header member stands twice/ ],
	[ 'a member within twice',   "{$usual,\"x\":{\"a\":1,\"a\":2}}",                qr/a header member stands twice/ ],
	[ 'kid that is a number',    "{$usual,\"kid\":7}",                              qr/does not have the form it should have.*kid/s ],
	[ 'alg that is a list',      '{"alg":["EdDSA"],"typ":"seoulchain-row+jws"}',    qr/does not have the form it should have.*alg/s ],
	[ 'a header of 2,049 bytes', $oversized,                                        qr/the header or signature is too large/ ],
	[ 'a header of many names',  "{$usual," . join(',', map { "\"m$_\":0" } 1 .. 63) . '}', qr/the header or signature is too large/ ],
	[ 'a deep header',           "{$usual,\"x\":" . '[' x 9 . ']' x 9 . '}',        qr/the header or signature is too large/ ],
	[ 'a header that is a list', '["EdDSA"]',                                       qr/the header is not a JSON object/ ],
	[ 'kid of a key that nobody has',   "{$usual,\"kid\":\"first\"}",               qr/refused: unknown key/ ],
	[ 'kid of another of his keys',     "{$usual,\"kid\":\"ec\"}",                  qr/the algorithm is not the one of the registered key/ ],
	[ 'kid of the colleague\'s key',    "{$usual,\"kid\":\"his\"}",                 qr/refused: unknown key.*"his"/s ],
	[ 'kid that is the thumbprint of the colleague\'s key', "{$usual,\"kid\":\"$thumbprint\"}", qr/refused: not yours to sign.*"his".*"colleague"/s ],
	[ 'x5t#S256 of a certificate that he has not', "{$usual,\"x5t#S256\":\"" . base64url('x' x 32) . '"}', qr/refused: unknown key/ ]);
is_refused(sign_row(row_of(), $key{ed}, $_->[1]), $_->[2], "header: $_->[0]") foreach @headers;
is(length $oversized, 2049, 'the oversized header is a byte too long');

is_nothing_new();

# algorithm confusion: the registered key says what it is used for
my @confused = (
	[ 'HS256 with the public key as secret', 'rsa',      '{"alg":"HS256","typ":"seoulchain-row+jws"}', 'hmac',    qr/the algorithm is not one of EdDSA, ES256, PS256/ ],
	[ 'HS256, Ed25519\'s public key',         'ed',       '{"alg":"HS256","typ":"seoulchain-row+jws"}', 'hmac',    qr/the algorithm is not one of EdDSA, ES256, PS256/ ],
	[ 'RS256 by the RSA key',                'rsa',      '{"alg":"RS256","typ":"seoulchain-row+jws"}', 'pkcs1',   qr/the algorithm is not one of EdDSA, ES256, PS256/ ],
	[ 'PKCS#1 under the name of PS256',      'rsa',      '',                                           'pkcs1',   qr/refused: bad signature/ ],
	[ 'ES256 in DER',                        'ec',       '',                                           'der',     qr/does not have the length/ ],
	[ 'an Ed25519 signature as ES256',       'ed',       '{"alg":"ES256","typ":"seoulchain-row+jws"}', 'ed25519', qr/refused: bad signature/ ],
	[ 'a P-256 signature as EdDSA',          'ec',       '{"alg":"EdDSA","typ":"seoulchain-row+jws"}', 'p256',    qr/refused: bad signature/ ],
	[ 'ES256 with the kid of an Ed25519 key', 'ed',      '{"alg":"ES256","typ":"seoulchain-row+jws","kid":"ed"}', 'ed25519', qr/the algorithm is not the one of the registered key/ ],
	[ 'a stranger\'s key',                    'stranger', '',                                           undef,     qr/refused: bad signature/ ],
	[ 'the colleague\'s key',                 'colleague', '',                                          undef,     qr/refused: bad signature/ ]);
is_refused(sign_row(row_of(), $key{ $_->[1] }, $_->[2], $_->[3]), $_->[4], "confusion: $_->[0]") foreach @confused;

is_nothing_new();

# who signs
is_refused(sign_row(row_of(signer => 'nobody'), $key{ed}), qr/refused: unknown signer.*"nobody"/s, 'a signer who is no member');
is_refused(sign_row(row_of(signer => undef), $key{ed}), qr/refused: signer missing/, 'no signer');
is_refused(row_of(signature => undef), qr/refused: signature missing/, 'no signature');
is_refused(row_of(signature => ''), qr/not of the form/, 'an empty signature');

# the text of the signature
my $row = sign_row(row_of(), $key{ed});
my ($head, $signature) = split /\.\./, $row->{signature};
my $last = substr($signature, -1);
my $payload = payload_of($row);
my $spare = $signature;
# the last of 86 characters has two bits, and four that have to be zero
substr($spare, -1) = { A => 'B', Q => 'R', g => 'h', w => 'x' }->{$last};
(my $standard = $signature) =~ tr/_-/\/+/;
my @texts = (
	[ 'cut by one character', "$head.." . substr($signature, 0, -1),  qr/not canonical base64url|does not have the length/ ],
	[ 'cut by four',          "$head.." . substr($signature, 0, -4),  qr/not canonical base64url|does not have the length/ ],
	[ 'cut to nothing',       "$head..",                              qr/does not have the length/ ],
	[ 'longer',               "$head..${signature}AAAA",              qr/not canonical base64url|does not have the length/ ],
	[ 'a header that was cut', substr($head, 0, -4) . "..$signature", qr/the header is not a JSON object|not canonical base64url/ ],
	[ 'one dot',              "$head.$signature",                     qr/not of the form/ ],
	[ 'three dots',           "$head...$signature",                   qr/not of the form/ ],
	[ 'the payload in it',    "$head." . base64url($payload) . ".$signature", qr/the payload must be left out/ ],
	[ 'padding',              "$head..$signature==",                  qr/not canonical base64url/ ],
	[ 'bits left over',       "$head..$spare",                        qr/not canonical base64url/ ],
	[ 'the other alphabet',   "$head..+/$standard",                   qr/not canonical base64url/ ],
	[ 'a space within',       "$head.. $signature",                   qr/not canonical base64url/ ],
	[ 'a newline behind',     "$head..$signature\n",                  qr/not canonical base64url/ ],
	[ 'a newline before',     "\n$head..$signature",                  qr/not canonical base64url/ ],
	[ 'far too long',         "$head.." . $signature x 100,           qr/too large/ ]);
is_refused({ %$row, signature => $_->[1] }, $_->[2], "text: $_->[0]") foreach @texts;

# what was signed
is_refused({ %$row, km => '18210' }, qr/refused: bad signature/, 'another value');
is_refused({ %$row, car => undef }, qr/refused: bad signature/, 'a value taken away');
is_refused({ %$row, nonce => 'other' }, qr/refused: bad signature/, 'the signature of another row');
is_refused($row, qr/refused: bad signature/, 'the signature of another table', 'reading');
my $elsewhere = row_of();
(my $other = $origin) =~ s/main$/other/;
$elsewhere->{signature} = jws($key{ed}, payload_of($elsewhere, 'inspection', $other));
is_refused($elsewhere, qr/refused: bad signature/, 'the signature of another chain');
my $fewer = row_of();
$fewer->{signature} = jws($key{ed}, payload_of({ %$fewer, km => undef }));
is_refused($fewer, qr/refused: wrong columns.*"km"/s, 'a column was not signed');
$fewer->{signature} = jws($key{ed}, payload_of($fewer) . "\n");
is_refused($fewer, qr/refused: bad signature/, 'a newline behind the payload');

is_nothing_new();

# replays
is_accepted($row, 'the row itself is good');
is_refused($row, qr/refused: payload already used/, 'the same row again');
is_refused({ %$row, signature => jws($key{ec}, $payload) }, qr/refused: payload already used/, 'signed again with another key');
is_refused({ %$row, signature => jws($key{ed}, $payload, header_of($key{ed}, kid => 'ed')) }, qr/refused: payload already used/, 'signed again with another header');
my $ecdsa = sign_row(row_of(), $key{ec});
my $altered = { %$ecdsa, signature => other_ecdsa_signature($ecdsa->{signature}) };
isnt($altered->{signature}, $ecdsa->{signature}, 'an ECDSA signature has another form');
is_accepted($ecdsa, 'a row with an ECDSA signature');
is_refused($altered, qr/refused: payload already used/, 'replayed with the signature altered');
my $first = sign_row(row_of(), $key{ec});
is_accepted({ %$first, signature => other_ecdsa_signature($first->{signature}) }, 'the other form verifies, so it was the payload that counted');

is_nothing_new();

# keys that come to an end: a row is accepted just before and refused just after
sub status_statement
{
	my ($key, $action) = @_;
	return "INSERT INTO members.status (member, key, action, reason) VALUES ('clerk', '$key', '$action', 'card lost')";
}
is_accepted(sign_row(row_of(), $key{lost}), 'a row just before the revocation');
$node->safe_psql('postgres', status_statement('lost', 'revoke'));
settle();
is_refused(sign_row(row_of(), $key{lost}), qr/refused: key revoked.*"lost".*revoked at .*card lost/s, 'a row just after the revocation');
is_refused(sign_row(row_of(), $key{lost}, header_of($key{lost}, kid => 'lost')), qr/refused: key revoked/, 'and named by its kid');
$node->safe_psql('postgres', status_statement('resting', 'suspend'));
settle();
is_refused(sign_row(row_of(), $key{resting}), qr/refused: key suspended.*"resting".*suspended at .*card lost/s, 'a row after a suspension');
$node->safe_psql('postgres', status_statement('resting', 'resume'));
settle();
is_accepted(sign_row(row_of(), $key{resting}), 'and after the resumption');
my $new = make_key('p256');
my $hex = unpack('H*', public_der($new));
$node->safe_psql('postgres', "INSERT INTO members.key (member, key, public_key, replaces) VALUES ('clerk', 'newer', '\\x$hex', 'resting')");
settle();
is_refused(sign_row(row_of(), $key{resting}), qr/refused: key replaced.*"resting".*replaced at .*"newer"/s, 'a row by a key after its rotation');
is_accepted(sign_row(row_of(), $new), 'and by the key that took its place');

# two sessions: whoever signs first is accepted before the revocation, whoever comes second is refused
sub waiting
{
	my $query = shift;
	return $node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '$query%'");
}

# the time and number of the last row of a table
sub last_entry { return $node->safe_psql('postgres', "SELECT ledger_time, ledger_seq FROM $_[0] ORDER BY ledger_seq DESC LIMIT 1") }

my %racer = map { $_ => make_key('ed25519') } qw(one two three four);
add_key('clerk', $_, public_der($racer{$_})) foreach sort keys %racer;
my $signer = $node->background_psql('postgres', on_error_stop => 0);
my $revoker = $node->background_psql('postgres', on_error_stop => 0);

$signer->query_safe('BEGIN');
$signer->query_safe(insert_statement(sign_row(row_of(), $racer{one})));
$revoker->query_until(qr/sent/, "\\echo sent\n" . status_statement('one', 'revoke') . ";\n");
ok(waiting('INSERT INTO members.status'), 'a revocation waits for a row that is being accepted');
$signer->query_safe('COMMIT');
is($revoker->query('SELECT 1'), '1', 'and comes after it');
my ($row_time, $row_seq) = split /\|/, last_entry('inspection');
my ($end_time, $end_seq) = split /\|/, last_entry('members.status');
cmp_ok($row_seq, '<', $end_seq, 'their order is in the numbers');
is($node->safe_psql('postgres', "SELECT timestamptz '$row_time' < timestamptz '$end_time'"), 't', 'and in the recorded times');
settle();
is_refused(sign_row(row_of(), $racer{one}), qr/refused: key revoked/, 'the next row is refused');

$revoker->query_safe('BEGIN');
$revoker->query_safe(status_statement('two', 'revoke'));
my $rows = $node->safe_psql('postgres', 'SELECT count(*) FROM inspection');
$signer->query_until(qr/sent/, "\\echo sent\n" . insert_statement(sign_row(row_of(), $racer{two})) . ";\n");
ok(waiting('INSERT INTO inspection'), 'a row waits for a revocation that is not committed');
$revoker->query_safe('COMMIT');
$signer->query('SELECT 1');
like($signer->{stderr}, qr/refused: key revoked/, 'and is refused once it is');
$signer->{stderr} = '';
is($node->safe_psql('postgres', 'SELECT count(*) FROM inspection'), $rows, 'nothing of it is stored');

$revoker->query_safe('BEGIN');
$revoker->query_safe(status_statement('three', 'revoke'));
$signer->query_until(qr/sent/, "\\echo sent\n" . insert_statement(sign_row(row_of(), $racer{three})) . ";\n");
ok(waiting('INSERT INTO inspection'), 'another row waits');
$revoker->query_safe('ROLLBACK');
$signer->query('SELECT 1');
is($signer->{stderr}, '', 'and is accepted when the revocation is rolled back');

$signer->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
$signer->query_safe('SELECT count(*) FROM inspection');
$revoker->query_safe(status_statement('four', 'revoke'));
$signer->query(insert_statement(sign_row(row_of(), $racer{four})));
like($signer->{stderr}, qr/refused: key revoked/, 'an old snapshot does not bring a key back');
$signer->{stderr} = '';
$signer->query_safe('ROLLBACK');

# two sessions with one payload: one of them uses it
settle();
my $twin = sign_row(row_of(), $key{ed});
$signer->query_safe('BEGIN');
$signer->query_safe(insert_statement($twin));
$revoker->query_until(qr/sent/, "\\echo sent\n" . insert_statement({ %$twin, signature => jws($key{ec}, payload_of($twin)) }) . ";\n");
ok(waiting('INSERT INTO inspection'), 'the second row with a payload waits for the first');
$signer->query_safe('COMMIT');
$revoker->query('SELECT 1');
like($revoker->{stderr}, qr/refused: payload already used/, 'and is refused');
$revoker->{stderr} = '';
$twin = sign_row(row_of(), $key{ed});
$signer->query_safe('BEGIN');
$signer->query_safe(insert_statement($twin));
$signer->query_safe('ROLLBACK');
settle();
is_accepted($twin, 'a payload whose row was rolled back is not used');
$signer->quit;
$revoker->quit;

# certificates: judged when they are registered, and again for every row
sub in_seconds
{
	my @t = gmtime(time + shift);
	return sprintf '%04d%02d%02d%02d%02d%02dZ', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ];
}
sub authority_statement
{
	my ($authority, $action) = @_;
	my $certificate = $action eq 'distrust' ? 'NULL' : "'\\x" . unpack('H*', $authority->{pem}) . "'";
	return "INSERT INTO members.authority (authority, certificate, action) VALUES ('$authority->{name}', $certificate, '$action')";
}
my $city = make_authority('City');
my $expiry = time + 25;	# enough for a busy machine to use them before
my $office = make_authority('Office', by => $city, until => in_seconds(25));
my $foreign = make_authority('Elsewhere');
$node->safe_psql('postgres', authority_statement($city, 'trust'));
$node->safe_psql('postgres', authority_statement($office, 'intermediate'));
my %certified = map { $_ => make_key('p256') } qw(city short office crl foreign expired future encrypting);
my %certificate = (
	city       => issue($city,    $certified{city},    'city'),
	short      => issue($city,    $certified{short},   'short', until => in_seconds($expiry - time)),
	office     => issue($office,  $certified{office},  'office'),
	crl        => issue($city,    $certified{crl},     'crl'),
	foreign    => issue($foreign, $certified{foreign}, 'foreign'),
	expired    => issue($city,    $certified{expired}, 'expired', from => '20200101000000Z', until => '20210101000000Z'),
	future     => issue($city,    $certified{future},  'future', from => '20900101000000Z', until => '20910101000000Z'),
	encrypting => issue($city,    $certified{encrypting}, 'encrypting', usage => 'encrypting'));
foreach my $name (qw(city short office crl))
{
	add_key('clerk', $name, $certificate{$name});
	is_accepted(sign_row(row_of(), $certified{$name}), "a row signed with the certificate $name");
}
my $x5t = base64url(sha256(der_of_pem($certificate{city})));
is_accepted(sign_row(row_of(), $certified{city}, header_of($certified{city}, 'x5t#S256' => $x5t)), 'and named by x5t#S256');
is_refused(sign_row(row_of(), $certified{crl}, header_of($certified{crl}, 'x5t#S256' => $x5t)), qr/refused: bad signature/, 'x5t#S256 of another certificate');

my %unfit = (foreign => qr/no registered authority stands behind it/, expired => qr/expired/, future => qr/not yet valid/, encrypting => qr/may not sign|usage/);
foreach my $name (sort keys %unfit)
{
	my $bytes = unpack('H*', $certificate{$name});
	my ($rc, $out, $err) = $node->psql('postgres', "INSERT INTO members.key (member, key, public_key) VALUES ('clerk', '$name', '\\x$bytes')");
	like($err, $unfit{$name}, "a certificate that is $name cannot be registered");
	settle();
	is_refused(sign_row(row_of(), $certified{$name}), qr/refused: bad signature/, "and its key signs nothing: $name");
}
revoke_certificate($city, $certificate{crl}, 'keyCompromise');
my $list = unpack('H*', revocation_list($city));
$node->safe_psql('postgres', "INSERT INTO members.crl (authority, crl) VALUES ('City', '\\x$list')");
settle();
is_refused(sign_row(row_of(), $certified{crl}), qr/refused: certificate not valid.*revoked/s, 'a certificate that the authority revoked');
is_accepted(sign_row(row_of(), $certified{city}), 'the others are still good');
sleep 1 while time <= $expiry;
is_refused(sign_row(row_of(), $certified{short}), qr/refused: certificate not valid.*expired/s, 'a certificate that has expired meanwhile');
is_refused(sign_row(row_of(), $certified{office}), qr/refused: certificate not valid.*expired.*issuer/s, 'a certificate whose issuer has expired meanwhile');
$node->safe_psql('postgres', authority_statement($city, 'distrust'));
settle();
is_refused(sign_row(row_of(), $certified{city}), qr/refused: certificate not valid.*no registered authority stands behind it/s, 'a certificate of an authority that is trusted no more');

# after all of this nothing is wrong, and nothing of what was refused is anywhere
seal($node);
is_intact($node, 'the ledger is intact');
is($node->safe_psql('postgres', 'SELECT count(*) - (SELECT count(*) FROM seoulchain.signed_payload) FROM inspection'), '0', 'each accepted row used one payload');

$node->stop;
done_testing();
