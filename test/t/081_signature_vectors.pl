# All of Wycheproof's Ed25519, ECDSA P-256 and JSON Web Signature vectors through SQL.
use strict;
use warnings;
use FindBin;
use MIME::Base64 ();
use PostgreSQL::Test::Utils;
use Seoulchain::Test;
use Test::More;

my $node = ledger_node('vectors');
my $dir = PostgreSQL::Test::Utils::tempdir();
system_or_bail($^X, "$FindBin::Bin/../vectors/to_lines.pl", $dir);

# a file of to_lines.pl as a table of text columns
sub load
{
	my ($table, @columns) = @_;
	$node->safe_psql('postgres', "CREATE TABLE $table (" . join(', ', map { "$_ text" } @columns) . "); "
		  . "COPY $table FROM '$dir/$table'");
	return;
}

$node->safe_psql('postgres', <<'SQL');
-- what to_lines.pl writes for bytes
CREATE FUNCTION bytes_of(hex text) RETURNS bytea LANGUAGE sql IMMUTABLE AS
	$$ SELECT decode(CASE hex WHEN '-' THEN '' ELSE hex END, 'hex') $$;
-- the reason of a refusal, of the signature or of the key; "good" when there is none
CREATE FUNCTION judge(jws bytea, key bytea, payload bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE why text;
BEGIN
	RETURN coalesce('refused: ' || seoulchain.verify_jws(convert_from(jws, 'UTF8'), key, payload, NULL), 'good');
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
	RETURN 'key: ' || why;
END $$;
SQL

# bare signatures: the registered form of a key, the message, the signature
my %bare = (wycheproof_ed25519 => [ 151, 'Ed25519' ], wycheproof_ecdsa => [ 262, 'ECDSA P-256' ]);
foreach my $table (sort keys %bare)
{
	my ($expected, $name) = @{ $bare{$table} };
	load($table, qw(id key message signature valid));
	my $wrong = $node->safe_psql('postgres', "SELECT id FROM $table WHERE valid::int::boolean IS DISTINCT FROM "
		  . 'seoulchain.verify_signature(bytes_of(key), bytes_of(message), bytes_of(signature))');
	is($wrong, '', "every $name vector has its answer");
	my ($all, $valid) = split /\|/, $node->safe_psql('postgres', "SELECT count(*), sum(valid::int) FROM $table");
	is($all, $expected, "all of $name");
	cmp_ok($valid, '>', 40, "some of $name verify");
	cmp_ok($valid, '<', $all, "and some do not");
}

# JSON Web Signatures: payloads are taken out where they decode, as a row has its own
load('wycheproof_jws', qw(grp kind key id result jws payload));
my $rows = $node->safe_psql('postgres', q{
	SELECT grp, id, kind, result, split_part(convert_from(bytes_of(jws), 'UTF8'), '.', 1), payload = '!',
	       judge(bytes_of(jws), bytes_of(key), CASE payload WHEN '!' THEN '' ELSE bytes_of(payload) END)
	FROM wycheproof_jws ORDER BY id::int});
my (%count, @wrong);
foreach my $line (split /\n/, $rows)
{
	my ($group, $id, $kind, $result, $header, $whole, $said) = split /\|/, $line, 7;
	my $case = "$id (group $group): $said";
	my $why;
	if ($group =~ /^(?:1|6|22)$/)
	{
		# ES256 and PS256: the vector's own answer
		$why = 'judged';
		push @wrong, $case if ($said eq 'good' xor $result eq 'valid');
		$count{good}++ if $said eq 'good';
		# a payload that does not decode is none; refused because it cannot be left out
		push @wrong, $case if $whole eq 't' && $said !~ /^refused: /;
	}
	elsif ($group =~ /^(?:0|12|16|21)$/)
	{
		$why = 'a shared secret (HMAC) is nobody\'s key: it cannot be registered';
		push @wrong, $case if $said !~ /^key: /;
	}
	elsif ($group =~ /^(?:11|15)$/)
	{
		$why = 'P-521 keys cannot be registered';
		push @wrong, $case if $said !~ /^key: .*algorithm or curve/;
	}
	elsif ($group =~ /^(?:18|20)$/)
	{
		# ES256 by a key whose JWK wants it for encryption: what is registered is the key, without
		# its JWK; a certificate says so by its key usage, and is refused
		$why = 'the JWK\'s "use" is not part of a registered key';
	}
	elsif ($group == 8 && MIME::Base64::decode_base64url($header) =~ /"PS256"/)
	{
		# the JWK says PS512 and the header PS256, which is the one algorithm of a registered RSA key
		$why = 'the JWK\'s "alg" is not part of a registered key';
	}
	else
	{
		$why = 'RS256, RS384, RS512, PS384, PS512: algorithms that are not ours';
		push @wrong, $case if $said !~ /^refused: /;
	}
	$count{$why}++;
}
is(join("\n", @wrong), '', 'every JSON Web Signature has its answer');
is($count{judged}, 87, 'those of ES256 and PS256 are judged');
is($count{good}, 8, 'eight of them verify');
my $others = 0;
foreach my $why (sort grep { !/^(?:judged|good)$/ } keys %count)
{
	note("$count{$why}: $why");
	$others += $count{$why};
}
is($count{judged} + $others, 401, 'all 401 were looked at');
is($count{'the JWK\'s "use" is not part of a registered key'}, 2, 'two do not apply for their JWK\'s use');

# with a key that could be registered, HMAC's signatures are refused by name
is($node->safe_psql('postgres', q{
	SELECT said, count(*) FROM wycheproof_jws, (SELECT bytes_of(key) AS key FROM wycheproof_jws WHERE grp = '1' LIMIT 1) k,
		judge(bytes_of(jws), k.key, ''::bytea) said
	WHERE grp IN ('0', '12', '16', '21') AND result = 'valid' AND payload <> '!' GROUP BY 1 ORDER BY 1}),
	"refused: not canonical base64url|1\nrefused: the algorithm is not one of EdDSA, ES256, PS256|8",
	'HS256 is refused by name (one has a question mark in its base64url, which is valid to the vectors and not to us)');

# NULL says "good", so nothing that is missing may give it; typ is asked for unless told otherwise
my ($rc, $out, $err) = $node->psql('postgres', q{SELECT seoulchain.verify_jws(NULL, '\x00', '')});
like($err, qr/signature, key and payload must not be NULL/, 'a missing signature is no good one');
is($node->safe_psql('postgres', q{
	SELECT DISTINCT seoulchain.verify_jws(convert_from(bytes_of(jws), 'UTF8'), bytes_of(key), bytes_of(payload))
	FROM wycheproof_jws WHERE grp = '6' AND result = 'valid'}), q{the header's typ is not the one asked for}, 'typ is asked for');

$node->stop;
done_testing();
