# Keys with certificates of a real PKI: root, intermediate, leaves; lists that come later; and rows that race with the end of their key.
use strict;
use warnings;
use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Sign;
use Seoulchain::Test;
use Test::More;

my $node = ledger_node('certificates');
my $nonce = 0;

sub sql { return $node->safe_psql('postgres', $_[0]) }

# the error's text, '' when there is none
sub error_of
{
	my ($rc, $out, $err) = $node->psql('postgres', $_[0]);
	return $rc ? $err : '';
}
sub bytes { return q{'\x} . unpack('H*', $_[0]) . q{'::bytea} }
sub posix_time { return strftime('%Y%m%d%H%M%SZ', gmtime($_[0])) }

# the statement that inserts a row signed by a member with a key
sub signed_insert
{
	my ($member, $key) = @_;
	my $values = join(', ', "'a car'", "'n" . ++$nonce . q{'}, "'$member'");
	my $payload = sql("SELECT seoulchain.signing_payload('trip', ROW($values, NULL, NULL, NULL)::trip)");
	return "INSERT INTO trip (car, nonce, signer, signature) VALUES ($values, '" . jws($key, $payload) . "')";
}

sql(q{SELECT seoulchain.install_members();
	INSERT INTO members.member (member, kind) SELECT m, 'citizen' FROM unnest('{kim,lee,park,choi,jung,agent}'::text[]) m;
	CREATE TABLE trip (car text, nonce text, signer text, signature text) USING ledger;
	SELECT seoulchain.require_signature('trip', 'signer', 'signature')});

my $root = make_authority('Root');
my $office = make_authority('Office', by => $root);
my $stale = make_authority('Stale', by => $root, from => posix_time(time - 20 * 86400), until => posix_time(time - 10 * 86400));
my $stranger = make_authority('Stranger');
my %key = map { $_ => make_key($_ eq 'lee' ? 'rsa' : 'p256') } qw(kim lee park choi jung);

# nobody is registered as an authority yet
my $certificate = issue($office, $key{kim}, 'Kim');
like(error_of("SELECT seoulchain.add_key('kim', 'card', " . bytes($certificate) . ')'),
	qr/no registered authority stands behind it/, 'a certificate of nobody');
sql(q{SELECT seoulchain.trust_authority('root', } . bytes($root->{pem}) . ')');
like(error_of("SELECT seoulchain.add_key('kim', 'card', " . bytes($certificate) . ')'),
	qr/no registered authority stands behind it.*SELECT seoulchain\.trust_authority/s, '... and one whose issuer is missing in between');
sql(q{SELECT seoulchain.trust_authority('office', } . bytes(der_of_pem($office->{pem})) . ', true);'
	  . q{SELECT seoulchain.trust_authority('stale', } . bytes($stale->{pem}) . ', true)');

# PEM and DER, P-256 and RSA
sql("SELECT seoulchain.add_key('kim', 'card', " . bytes($certificate) . ')');
sql("SELECT seoulchain.add_key('lee', 'card', " . bytes(der_of_pem(issue($office, $key{lee}, 'Lee'))) . ')');
is(sql('SELECT member, algorithm, certificate, state FROM seoulchain.member_keys ORDER BY 1'),
	"kim|ES256|t|good\nlee|PS256|t|good", 'P-256 from PEM, RSA from DER');
is(sql(q{SELECT encode(certificate, 'hex') FROM members.key WHERE member = 'kim'}), unpack('H*', der_of_pem($certificate)), 'what is kept is DER');
sql(signed_insert($_, $key{$_})) foreach qw(kim lee);
is(sql('SELECT count(*) FROM trip'), 2, 'their rows are accepted');

# what is refused when it is registered
like(error_of("SELECT seoulchain.add_key('park', 'card', " . bytes(issue($stranger, $key{park}, 'Park')) . ')'),
	qr/no registered authority stands behind it/, 'another authority');
like(error_of("SELECT seoulchain.add_key('park', 'card', " . bytes(issue($stale, $key{park}, 'Park')) . ')'),
	qr/expired at that time.*number 1 of the issuers above it/s, 'an issuer that has expired');
like(error_of("SELECT seoulchain.add_key('park', 'card', "
		  . bytes(issue($office, $key{park}, 'Park', from => posix_time(time - 9 * 86400), until => posix_time(time - 86400))) . ')'),
	qr/expired at that time.*the certificate itself/s, 'an expired certificate');
like(error_of("SELECT seoulchain.add_key('park', 'card', "
		  . bytes(issue($office, $key{park}, 'Park', from => posix_time(time + 86400), until => posix_time(time + 9 * 86400))) . ')'),
	qr/not yet valid at that time/, 'one that is not valid yet');
like(error_of("SELECT seoulchain.add_key('park', 'card', " . bytes(issue($office, $key{park}, 'Park', usage => 'encrypting')) . ')'),
	qr/its key usage does not permit this signature/, 'one that may only encrypt');
like(error_of("SELECT seoulchain.add_key('park', 'card', " . bytes(issue($office, make_key('p384'), 'Park')) . ')'),
	qr/an algorithm or curve other than Ed25519, P-256 and RSA/, 'a key of another curve');
like(error_of("SELECT seoulchain.trust_authority('park', " . bytes(issue($office, $key{park}, 'Park')) . ')'),
	qr/is not an authority's/, 'a person is no authority');

# lists: whose they are
like(error_of(q{SELECT seoulchain.add_crl('office', } . bytes(revocation_list($root)) . ')'), qr/is not of authority "office"/, 'a list of another');
like(error_of(q{SELECT seoulchain.add_crl('nobody', } . bytes(revocation_list($office)) . ')'), qr/authority "nobody" is not registered/, '... of nobody');
my $older = revocation_list($office);
my $forged = der_of_pem($older);
substr($forged, -1, 1) ^= "\x01";
like(error_of(q{SELECT seoulchain.add_crl('office', } . bytes($forged) . ')'),
	qr/a signature in its chain does not verify|not one certificate or revocation list/, '... and forged');
sql(q{SELECT seoulchain.add_crl('office', } . bytes($older) . ')');

# revoked: rows before stay as they are, rows after are refused
sql("SELECT seoulchain.add_key('park', 'card', " . bytes(my $parks = issue($office, $key{park}, 'Park')) . ')');
sql(signed_insert('park', $key{park}));
my $late = signed_insert('park', $key{park});
sleep 1;	# lists and certificates count in seconds
revoke_certificate($office, $parks, 'keyCompromise');
my $list = revocation_list($office);
is(error_of(signed_insert('park', $key{park})), '', 'a list that nobody has put on record says nothing');
sql(q{SELECT seoulchain.add_crl('office', } . bytes($list) . ')');
like(error_of($late), qr/certificate.*revoked at that time/s, 'a row just after the list is refused, however early it was signed');
is(sql(q{SELECT state, why LIKE '%revoked at that time%', compromised_since IS NOT NULL FROM seoulchain.member_keys WHERE member = 'park'}),
	'certificate|t|t', 'the view says so');
is(error_of(signed_insert('kim', $key{kim})), '', 'others go on');
like(error_of(q{SELECT seoulchain.add_crl('office', } . bytes($older) . ')'), qr/is older than the one on record/, 'an older list does not come back');

# a session that has built its store of authorities learns of what others record
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_safe(signed_insert('kim', $key{kim}));
sql("SELECT seoulchain.add_key('choi', 'card', " . bytes(my $chois = issue($office, $key{choi}, 'Choi')) . ')');
$session->query_safe(signed_insert('choi', $key{choi}));
sleep 1;
revoke_certificate($office, $chois, 'superseded');
sql(q{SELECT seoulchain.add_crl('office', } . bytes(revocation_list($office)) . ')');
my ($out, $failed) = $session->query(signed_insert('choi', $key{choi}));
like($session->{stderr}, qr/revoked at that time/, 'the other session refuses too');
$session->{stderr} = '';

# whoever signs makes the end of the key wait; whoever ends it makes signers wait
foreach my $level ('READ COMMITTED', 'REPEATABLE READ')
{
	my $statement = signed_insert('kim', $key{kim});
	my $other = signed_insert('kim', $key{kim});
	my $ender = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM trip");
	$ender->query_safe(q{BEGIN; SELECT seoulchain.suspend_key('kim', 'card', 'lost')});
	$session->{stdin} .= "$statement;\n\\echo over\n";
	$session->{run}->pump_nb;
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND locktype = 'object'}),
		"$level: a signer waits for the suspension");
	$ender->query_safe('COMMIT');
	ok(pump_until($session->{run}, $session->{timeout}, \$session->{stdout}, qr/^over/m), '... goes on');
	like($session->{stderr}, qr/suspended at/, '... and is refused, though its snapshot is older');
	@$session{qw(stdout stderr)} = ('', '');
	$session->query_safe('ROLLBACK');
	sql(q{SELECT seoulchain.resume_key('kim', 'card', 'found')});

	$session->query_safe("BEGIN ISOLATION LEVEL $level; $other");
	$ender->{stdin} .= "SELECT seoulchain.suspend_key('kim', 'card', 'lost again');\n\\echo over\n";
	$ender->{run}->pump_nb;
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND locktype = 'object'}),
		"$level: a suspension waits for a signer");
	$session->query_safe('COMMIT');
	ok(pump_until($ender->{run}, $ender->{timeout}, \$ender->{stdout}, qr/^over/m), '... and comes after');
	is(sql(q{SELECT (SELECT max(ledger_time) FROM trip) < (SELECT max(ledger_time) FROM members.status)}), 't', '... by recorded times');
	$ender->quit;
	sql(q{SELECT seoulchain.resume_key('kim', 'card', 'found')});
}

# delegation: the agent's own key, and the end of it
my $agent = make_key('ed25519');
sql("SELECT seoulchain.add_key('agent', 'k', " . bytes(raw_key($agent)) . ')');
like(error_of(signed_insert('kim', $agent)), qr/refused/, 'nobody signs for another');
sql(q{SELECT seoulchain.delegate('kim', 'agent', '{public.trip}', now() + interval '1 hour')});
is(error_of(signed_insert('kim', $agent)), '', 'a delegate does');
sql(q{SELECT seoulchain.suspend_member('agent', 'away')});
like(error_of(signed_insert('kim', $agent)), qr/suspended at/, 'not while suspended');
sql(q{SELECT seoulchain.resume_member('agent', 'back'); SELECT seoulchain.end_delegation('kim', 'agent')});
like(error_of(signed_insert('kim', $agent)), qr/delegation/, 'not after the delegation has ended');

# a certificate that expires while it is registered
my $until = time + 15;
sql("SELECT seoulchain.add_key('jung', 'card', " . bytes(issue($office, $key{jung}, 'Jung', from => posix_time(time - 60), until => posix_time($until))) . ')');
is(error_of(signed_insert('jung', $key{jung})), '', 'good until its last second');

# dumped and restored, with two jobs
seal($node);
is_intact($node, 'all of it is intact');
my $facts = q{SELECT member, key, algorithm, thumbprint, certificate, registered_at, state, since, compromised_since, ledger_seq
	FROM seoulchain.member_keys WHERE member <> 'jung' ORDER BY 1, 2;
	SELECT member, kind, registered_at, state FROM seoulchain.members ORDER BY 1;
	SELECT count(*) FROM seoulchain.delegations};
my $expected = sql($facts);
my $dump = $node->backup_dir . '/members';
mkdir $node->backup_dir;
$node->command_ok([ 'pg_dump', '-Fd', '-j2', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
sql(q{CREATE DATABASE copy ENCODING 'UTF8' TEMPLATE template0});
{
	local $ENV{PGOPTIONS} = '-c seoulchain.restore=on';
	$node->command_ok([ 'pg_restore', '-j2', '-d', $node->connstr('copy'), $dump ], 'pg_restore');
}
is($node->safe_psql('copy', $facts), $expected, 'members and keys as before');
my ($rc, $text, $error) = $node->psql('copy', q{SELECT seoulchain.register_member('new', 'citizen')});
like($error, qr/is closed/, 'a closed chain takes no members');
$node->safe_psql('copy', q{SELECT seoulchain.open_chain('main')});
$node->safe_psql('copy', q{SELECT seoulchain.register_member('new', 'citizen')});
($rc, $text, $error) = $node->psql('copy', q{SELECT seoulchain.add_key('new', 'k', } . bytes(raw_key($agent)) . ')');
like($error, qr/It is key "k" of member "agent"/, 'what was registered before counts');
($rc, $text, $error) = $node->psql('copy', 'DROP EXTENSION seoulchain CASCADE');
ok($rc != 0, 'DROP EXTENSION does not take the members');
seal($node, 'main', 'copy');
is_intact($node, 'the copy is intact', 'copy');

# an authority that is distrusted, and the certificate that has expired meanwhile
my $wait = $until - time + 1;
sleep $wait if $wait > 0;
like(error_of(signed_insert('jung', $key{jung})), qr/expired at that time/, 'refused once it has expired');
is(sql(q{SELECT state FROM seoulchain.member_keys WHERE member = 'jung'}), 'certificate', 'the view says so');
is(error_of(signed_insert('lee', $key{lee})), '', 'trusted so far');
sql(q{SELECT seoulchain.distrust_authority('root')});
like(error_of(signed_insert('lee', $key{lee})), qr/no registered authority stands behind it/, 'without its root it counts for nothing');

# only approved algorithms
sql(q{ALTER SYSTEM SET seoulchain.sign_profile = 'kcmvp'});
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT current_setting('seoulchain.sign_profile') = 'kcmvp'}), 'kcmvp');
like(error_of("SELECT seoulchain.add_key('jung', 'raw', " . bytes(raw_key(make_key('ed25519'))) . ')'),
	qr/its algorithm, Ed25519, is not approved/, 'Ed25519 is refused by name');
is(error_of("SELECT seoulchain.add_key('jung', 'p256', " . bytes(public_pem(make_key('p256'))) . ')'), '', 'P-256 is approved');

$session->quit;
seal($node);
is_intact($node, 'nothing of this left a fault');
done_testing();
