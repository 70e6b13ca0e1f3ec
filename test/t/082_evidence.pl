# Signed rows judged again: by the server, and from evidence by seoulchain-verify with no server.
use strict;
use warnings;
use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Sign;
use Seoulchain::Test;
use Seoulchain::TimeAuthority;
use Test::More;

my $node = ledger_node('judged', 'seoulchain.seal_interval' => 0, 'seoulchain.sign_key_directory' => key_directory());
my $base = PostgreSQL::Test::Utils::tempdir();
my $made = 0;
sub sql { return $node->safe_psql('postgres', shift) }
sub hex_of { return q{'\x} . unpack('H*', shift) . q{'} }

sub refused
{
	my ($statement, $pattern, $what) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $statement);
	return like($err, $pattern, $what);
}

my $cosigner = sql(q{SELECT seoulchain.create_node('seoul.go.kr/inspector')});
sql(q{SELECT seoulchain.install_members()});
sql(q{CREATE SCHEMA usedcar;
	CREATE TABLE usedcar.inspection (car text, km int, inspector text, nonce text, report text, signature text) USING ledger;
	INSERT INTO usedcar.inspection (car) VALUES ('before the rule');
	SELECT seoulchain.require_signature('usedcar.inspection', 'inspector', 'signature', 'car', 'km', 'nonce', 'report')});
my $key = sql('SELECT seoulchain.verifier_key()');

# the registry is made of ledger tables, so rows are its language
sub member { return sql("INSERT INTO members.member (member, kind) VALUES ('$_[0]', '$_[1]')") }
sub register
{
	my ($member, $name, $public, $column, $replaces) = @_;
	$column //= 'public_key';
	$replaces = $replaces ? "'$replaces'" : 'NULL';
	return sql("INSERT INTO members.key (member, key, $column, replaces) VALUES ('$member', '$name', " . hex_of($public) . ", $replaces)");
}

sub status
{
	my ($member, $name, $action, $since) = @_;
	$name = $name ? "'$name'" : 'NULL';
	$since = $since ? "'$since'" : 'NULL';
	return sql("INSERT INTO members.status (member, key, action, reason, compromised_since) VALUES ('$member', $name, '$action', 'card lost', $since)");
}

# a row that the key signs in the member's name: its ledger_seq
sub inspect
{
	my ($member, $by, $header, %more) = @_;
	my $row = "'KMHEM42APXA00000" . ++$made . "', $made, '$member', '" . rand() . "', " . ($more{report} ? "'$more{report}'" : 'NULL');
	my $payload = sql("SELECT seoulchain.signing_payload('usedcar.inspection', ROW($row, NULL, NULL, NULL)::usedcar.inspection)");
	my $jws = jws($by, $payload, $header);
	return sql("INSERT INTO usedcar.inspection VALUES ($row, '$jws') RETURNING ledger_seq");
}

# answer and reason, by the server
sub verdict
{
	my $seq = shift;
	return sql("SELECT answer, reason FROM seoulchain.signature_verdict('usedcar.inspection', $seq)");
}

# writes a row's evidence into a new directory
sub evidence
{
	my $seq = shift;
	my $dir = "$base/evidence" . ++$made;
	seal($node);
	system_or_die('seoulchain-evidence', $dir, 'usedcar.inspection', $seq, '-d', $node->connstr('postgres'));
	return $dir;
}
sub system_or_die { return PostgreSQL::Test::Utils::system_log(@_) == 0 || die "@_ failed" }

# what the program says, and its exit code; options in front
sub judge
{
	my ($dir, @options) = @_;
	my ($out, $err);
	IPC::Run::run([ 'seoulchain-verify', @options, $dir ], '>', \$out, '2>', \$err);
	return ($? >> 8, "$out$err");
}

# evidence and server say the same
sub both
{
	my ($seq, $code, $answer, $reason, $what, @options) = @_;
	is(verdict($seq), "$answer|$reason", "$what: the server");
	my $dir = evidence($seq);
	my ($exit, $said) = judge($dir, @options ? @options : ('--key', $key));
	is($exit, $code, "$what: exit code") or diag($said);
	like($said, qr/Answer: $answer \($reason\)/, "$what: by the evidence");
	return $dir;
}

# three kinds of keys
my %pair = map { $_ => make_key($_) } qw(ed25519 p256 rsa);
member('kim', 'clerk');
register('kim', $_, public_der($pair{$_})) foreach sort keys %pair;
my %row = map { $_ => inspect('kim', $pair{$_}) } sort keys %pair;
my $dir = both($row{$_}, 0, 'valid', 'in_force', "a row signed with $_") foreach sort keys %pair;
is(sql('SELECT count(*) FROM seoulchain.verify_signatures()'), '0', 'all signatures are valid');
$dir = evidence($row{ed25519});
my @names = map { s/.*\///r } glob "$dir/*";
is_deeply([ sort grep { !/^(checkpoint|consistency)-\d+$/ } @names ],
	[qw(key.receipt member.receipt members.receipt row.receipt rule.receipt)], 'the files of a plain row');
my ($exit, $said) = judge($dir, '--key', $key);
like($said, qr/signer +kim\n.*key +ed25519, Ed25519\n.*signed +car, inspector, km, nonce\n.*not signed +signature/s, 'who signed what');
is((judge($dir))[0], 2, 'nobody vouches without a key');
is((judge($dir, '--key', $cosigner))[0], 0, 'the cosigner vouches');
system_or_die('env', '-i', "PATH=$ENV{PATH}", 'seoulchain-verify', '--key', $key, $dir);

# the values that leaves hold by digest only
my $long = inspect('kim', $pair{rsa}, header_of($pair{rsa}, note => 'x' x 900), report => 'all is well ' x 200);
$dir = both($long, 0, 'valid', 'in_force', 'a signature of which the leaf has the digest');
ok(-e "$dir/row.jws", '... lies beside');
copy("$dir/row.jws", "$dir/keep");
PostgreSQL::Test::Utils::append_to_file("$dir/row.jws", 'A');
is((judge($dir, '--key', $key))[0], 1, '... and must be the very one');

# just before, just after, and what the server lets in
status('kim', 'p256', 'revoke');
both($row{p256}, 0, 'valid', 'in_force', 'a row just before its key was revoked');
eval { inspect('kim', $pair{p256}) };
ok($@, 'a row just after is refused');

# compromised since: before every row, and after the first
my $first = inspect('kim', $pair{ed25519});
my $between = sql('SELECT clock_timestamp()');
my $second = inspect('kim', $pair{ed25519});
status('kim', 'ed25519', 'revoke', $between);
both($first, 0, 'valid', 'in_force', 'before the compromise');
both($second, 4, 'doubtful', 'compromised', 'after the compromise');
is(sql('SELECT count(*), min(answer), min(reason) FROM seoulchain.verify_signatures()'), '1|doubtful|compromised', 'verify_signatures() tells');

# suspended, resumed
member('park', 'clerk');
$pair{park} = make_key('ed25519');
register('park', 'card', raw_key($pair{park}));
my $before = inspect('park', $pair{park});
status('park', undef, 'suspend');
eval { inspect('park', $pair{park}) };
ok($@, 'a suspended member signs nothing');
status('park', undef, 'resume');
my $after = inspect('park', $pair{park});
both($before, 0, 'valid', 'in_force', 'before the suspension');
both($after, 0, 'valid', 'in_force', 'after it was resumed');

# rotation
$pair{new} = make_key('p256');
register('park', 'card2', public_pem($pair{new}), undef, 'card');
$dir = both($after, 0, 'valid', 'in_force', 'a key that was replaced later');
ok(-e "$dir/successor.receipt", '... its successor is shown');
my $rotated = inspect('park', $pair{new});
both($rotated, 0, 'valid', 'in_force', 'the new key');

# delegation
member('lee', 'clerk');
$pair{lee} = make_key('ed25519');
register('lee', 'card', public_der($pair{lee}));
sql(q{INSERT INTO members.delegation (member, delegate, tables, until, action)
	VALUES ('park', 'lee', '{usedcar.inspection}', clock_timestamp() + '1 day', 'grant')});
my $delegated = inspect('park', $pair{lee});
$dir = both($delegated, 0, 'valid', 'in_force', 'a delegate');
like((judge($dir, '--key', $key))[1], qr/signed by +lee, a delegate/, '... is named');
sql(q{INSERT INTO members.delegation (member, delegate, tables, action) VALUES ('park', 'lee', '{usedcar.inspection}', 'end')});
both($delegated, 0, 'valid', 'in_force', 'a delegation that ended later');
unlink glob "$dir/delegation-*";
is((judge($dir, '--key', $key))[0], 5, 'a delegation that is not shown leaves it open');

# certificates of an authority
my $authority = make_authority('GPKI');
sql(q{INSERT INTO members.authority (authority, certificate, action) VALUES ('gpki', } . hex_of($authority->{pem}) . q{, 'trust')});
member('choi', 'clerk');
$pair{choi} = make_key('p256');
my $certificate = issue($authority, $pair{choi}, 'choi');
register('choi', 'card', $certificate, 'certificate');
my $certified = inspect('choi', $pair{choi});
$dir = both($certified, 0, 'valid', 'in_force', 'a certified key');
like((judge($dir, '--key', $key))[1], qr/P-256, certified/, '... is called so');
unlink "$dir/authority-1.receipt";
is((judge($dir, '--key', $key))[0], 5, 'an authority that is not shown leaves it open');
sleep 1;
revoke_certificate($authority, $certificate, 'keyCompromise');
sql(q{INSERT INTO members.crl (authority, crl) VALUES ('gpki', } . hex_of(revocation_list($authority)) . ')');
both($certified, 0, 'valid', 'in_force', 'a certificate that was revoked later');

# outside times
my $time = Seoulchain::TimeAuthority->new('good');
sql(q{SELECT seoulchain.add_time_authority('good', } . hex_of(slurp_file($time->file('root.pem'))) . '::bytea)');
member('han', 'agency');
$pair{han} = make_key('ed25519');
register('han', 'seal', raw_key($pair{han}));
my $stamped = inspect('han', $pair{han});
seal($node);
my $request = pack 'H*', sql(q{SELECT encode(seoulchain.timestamp_request(), 'hex')});
sql('SELECT * FROM seoulchain.add_timestamp(' . hex_of($time->reply('ec', $request)) . ')');
sleep 3;
$between = sql('SELECT clock_timestamp()');
my $unstamped = inspect('han', $pair{han});
status('han', 'seal', 'revoke', sql(q{SELECT clock_timestamp() + '1 us'}));
my @asked = ('--key', $key, '--authority', $time->file('root.pem'));
$dir = both($stamped, 0, 'valid', 'shown_before', 'a timestamp shows the row before the compromise', @asked);
ok(scalar(() = glob "$dir/timestamp-*.tsr"), '... and lies beside');
unlink glob "$dir/timestamp-*.tsr";
is((judge($dir, @asked))[0], 5, 'withheld, it leaves it open for who asked for it');
is((judge($dir, '--key', $key))[0], 0, 'and who did not has the origin\'s word');
is(verdict($unstamped), 'valid|in_force', 'no timestamp after that');

# what the evidence cannot be about
refused(q{SELECT * FROM seoulchain.evidence('usedcar.inspection', (SELECT min(ledger_seq) FROM usedcar.inspection))},
	qr/did not have to be signed/, 'a row before the rule has none');
is(sql(q{SELECT answer, reason FROM seoulchain.signature_verdict('usedcar.inspection', (SELECT min(ledger_seq) FROM usedcar.inspection))}),
	'undecided|before_rule', '... and a verdict that says so');
refused(q{SELECT * FROM seoulchain.evidence('usedcar.inspection', 0)}, qr/has no row with ledger_seq 0/, 'no such row');
my $unsealed = inspect('lee', $pair{lee});
refused("SELECT * FROM seoulchain.evidence('usedcar.inspection', $unsealed)", qr/is not sealed yet.*HINT/s, 'not sealed yet');
is(verdict($unsealed), 'valid|in_force', '... judged all the same');

# rights: those of receipt()
sql(q{CREATE ROLE reader; CREATE ROLE auditor IN ROLE seoulchain_auditor; GRANT USAGE ON SCHEMA usedcar, members TO reader});
refused("SET ROLE reader; SELECT * FROM seoulchain.evidence('usedcar.inspection', $first)", qr/permission denied for table inspection/, 'not for everybody');
sql('GRANT SELECT ON usedcar.inspection TO reader');
refused("SET ROLE reader; SELECT * FROM seoulchain.evidence('usedcar.inspection', $first)", qr/permission denied for table member/, 'nor the registry');
is(sql("SET ROLE reader; SELECT answer FROM seoulchain.signature_verdict('usedcar.inspection', $first)"), 'valid', 'the verdict is');
sql('GRANT SELECT ON ALL TABLES IN SCHEMA members TO reader');
cmp_ok(sql("SET ROLE reader; SELECT count(*) FROM seoulchain.evidence('usedcar.inspection', $first)"), '>', 5, 'who may read all of it');
refused('SET ROLE reader; SELECT * FROM seoulchain.verify_signatures()', qr/permission denied for function/, 'all rows are for auditors');
cmp_ok(sql('SET ROLE auditor; SELECT count(*) FROM seoulchain.verify_signatures()'), '>', 0, 'who may');

# tampered evidence: every file altered or taken away
$dir = evidence($second);
my @files = map { s/.*\///r } glob "$dir/*";
foreach my $name (@files)
{
	my $good = slurp_file("$dir/$name");
	my $bad = $good;
	substr($bad, length($bad) / 5, 1) ^= "\x01";
	unlink "$dir/$name";
	my ($gone) = judge($dir, @asked);
	ok($gone != 0 || $name !~ /^(row|rule|members|member|key)\./, "$name taken away");
	open(my $fh, '>:raw', "$dir/$name") or die $!;
	print $fh $bad;
	close $fh;
	my ($code, $words) = judge($dir, @asked);
	is($code, 1, "$name altered") or diag($words);
	open($fh, '>:raw', "$dir/$name") or die $!;
	print $fh $good;
	close $fh;
}
is((judge($dir, @asked))[0], 4, 'put back, it is what it was');

# one member's evidence with another's key, the registry of another chain
my $foreign = evidence($unsealed);
copy("$foreign/key.receipt", "$dir/key.receipt");
isnt((judge($dir, '--key', $key))[0], 0, 'another member\'s key');
sql(q{SELECT seoulchain.create_chain('other')});
sql(q{SELECT seoulchain.install_members('other', 'others'); SELECT seoulchain.seal('other')});

is(sql('SELECT count(*) FROM seoulchain.verify()'), '0', 'nothing is wrong with the chain');

# what an origin that cheats could leave behind: rows written below the ledger, as a superuser can
sub forge
{
	my ($table, $change) = @_;
	my $method = sub { "UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = '$_[0]') WHERE oid = '$table'::regclass" };
	sql('SET allow_system_table_mods = on; ' . $method->('heap'));
	sql("SET session_replication_role = replica; UPDATE $table SET $change");
	sql('SET allow_system_table_mods = on; ' . $method->('ledger'));
	return;
}

# [ what, table, change, undo, row, answer|reason ]
my $victim = inspect('lee', $pair{lee});
my $held = sql(q{SELECT ledger_seq FROM members.status WHERE member = 'kim' AND key = 'p256'});
my $late = sql("SELECT ledger_time FROM usedcar.inspection WHERE ledger_seq = $row{p256}");
my $ended = sql("SELECT ledger_time FROM members.status WHERE ledger_seq = $held");
my $card = sql(q{SELECT ledger_time FROM members.key WHERE member = 'lee'});
my $accepted = sql("SELECT ledger_time FROM usedcar.inspection WHERE ledger_seq = $victim");
my @forgeries = (
	[ 'a value that was not signed so', 'usedcar.inspection', "km = km + 1 WHERE ledger_seq = $victim", "km = km - 1 WHERE ledger_seq = $victim",
		$victim, 'invalid|bad_signature' ],
	[ 'another signer', 'usedcar.inspection', "inspector = 'kim' WHERE ledger_seq = $victim", "inspector = 'lee' WHERE ledger_seq = $victim",
		$victim, 'invalid|bad_signature' ],
	[ 'a signer whom nobody knows', 'usedcar.inspection', "inspector = 'nobody' WHERE ledger_seq = $victim", "inspector = 'lee' WHERE ledger_seq = $victim",
		$victim, 'invalid|not_registered' ],
	[ 'no signature', 'usedcar.inspection', "signature = NULL, report = signature WHERE ledger_seq = $victim",
		"signature = report, report = NULL WHERE ledger_seq = $victim", $victim, 'invalid|bad_signature' ],
	[ 'no acceptance time', 'usedcar.inspection', "ledger_time = NULL WHERE ledger_seq = $victim", "ledger_time = '$accepted' WHERE ledger_seq = $victim",
		$victim, 'undecided|no_time' ],
	[ 'a time before the registration', 'usedcar.inspection', "ledger_time = '$card'::timestamptz - interval '1 us' WHERE ledger_seq = $victim",
		"ledger_time = '$accepted' WHERE ledger_seq = $victim", $victim, 'invalid|not_registered' ],
	[ 'a revocation that is dated back', 'members.status', "ledger_time = '$late'::timestamptz - interval '1 us' WHERE ledger_seq = $held",
		"ledger_time = '$ended' WHERE ledger_seq = $held", $row{p256}, 'undecided|sealed_before_end' ],
	[ 'a statement that was used before', 'seoulchain.signed_payload', "ledger_seq = 1 WHERE ledger_seq = $victim", "ledger_seq = $victim WHERE ledger_seq = 1",
		$victim, 'invalid|payload_used' ]);
my $before_forging = sql('SELECT count(*) FROM seoulchain.verify_signatures()');
foreach my $forgery (@forgeries)
{
	my ($what, $table, $change, $undo, $seq, $expected) = @$forgery;
	my $turn = sub { $table =~ /signed_payload/ ? sql("SET allow_system_table_mods = on; UPDATE $table SET $_[0]") : forge($table, $_[0]) };
	$turn->($change);
	is(verdict($seq), $expected, $what);
	is(sql("SELECT answer, reason FROM seoulchain.verify_signatures('usedcar.inspection') WHERE ledger_seq = $seq"), $expected, '... found among all');
	cmp_ok(sql('SELECT count(*) FROM seoulchain.verify()'), '>', 0, '... and by verify()');
	$turn->($undo);
}
is(sql('SELECT count(*) FROM seoulchain.verify_signatures()'), $before_forging, 'put back, all is as before');
is(sql('SELECT count(*) FROM seoulchain.verify()'), '0', '... for verify(), too');

# a restored copy comes to the same answers, closed as its chain is
my $all = q{SELECT relation, ledger_seq, answer, reason, key, end_seq, seen_by FROM seoulchain.verify_signatures() ORDER BY ledger_seq};
my $original = sql($all);
isnt($original, '', 'there is something to find');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$base/dump", $node->connstr('postgres') ], 'dump');
sql('CREATE DATABASE copy');
{
	local $ENV{PGOPTIONS} = '-c seoulchain.restore=on';
	$node->command_ok([ 'pg_restore', '-d', $node->connstr('copy'), "$base/dump" ], 'restore');
}
is($node->safe_psql('copy', $all), $original, 'a restored copy judges as the original');
is($node->safe_psql('copy', "SELECT count(*) FROM seoulchain.evidence('usedcar.inspection', $first)"),
	sql("SELECT count(*) FROM seoulchain.evidence('usedcar.inspection', $first)"), '... and gives the same evidence');

# the log's key was rotated since: the old key and the change of key lead to the new one
sql(q{SELECT seoulchain.rotate_log_key('main')});
seal($node);
inspect('lee', $pair{lee});
$dir = evidence($first);
is((judge($dir, '--key', $key))[0], 2, 'the old key alone does not vouch for a checkpoint of the new one');
my $change = "$base/rotation";
PostgreSQL::Test::Utils::append_to_file($change, sql(q{SELECT receipt FROM seoulchain.key_rotations('main') WHERE receipt IS NOT NULL LIMIT 1}) . "\n");
is((judge($dir, '--key', $key, '--rotation', $change))[0], 0, 'with the change of key it does');
is((judge($dir, '--key', sql('SELECT seoulchain.verifier_key()')))[0], 0, 'and so does the new key');

# the script: only new directories, nothing left after a failure, no name that leads elsewhere
sub script_fails
{
	my ($pattern, $what, @command) = @_;
	my ($out, $err);
	IPC::Run::run([ 'seoulchain-evidence', @command ], '>', \$out, '2>', \$err);
	ok($? != 0, $what);
	return like($err, $pattern, "... $what: why");
}
script_fails(qr/must be a new one/, 'a directory that is there', $dir, 'usedcar.inspection', $first, '-d', $node->connstr('postgres'));
ok(-e "$dir/row.receipt", '... is left alone');
script_fails(qr/has no row with ledger_seq 0/, 'a row that is not there', "$base/none", 'usedcar.inspection', 0, '-d', $node->connstr('postgres'));
ok(!-e "$base/none", '... leaves no directory');
script_fails(qr/usage/, 'too little', "$base/none");
foreach my $name ('../outside', '/tmp/outside', '.profile', 'a b', 'A', '')
{
	mkdir "$base/bin";
	open(my $fh, '>', "$base/bin/psql") or die $!;
	print $fh "#!/bin/sh\necho '$name YQ=='\n";
	close $fh;
	chmod 0755, "$base/bin/psql";
	local $ENV{PATH} = "$base/bin:$ENV{PATH}";
	script_fails(qr/not allowed|could not be written/, "a file called '$name'", "$base/none", 't', 1);
	ok(!-e "$base/none" && !-e "$base/outside", '... is not written');
}

# cancelled in the middle, and nothing is left of it
my ($cst, $cout, $cerr) = $node->psql('postgres', q{SET statement_timeout = 1; SELECT count(*) FROM generate_series(1, 1000) g, LATERAL seoulchain.verify_signatures() v WHERE g > 0});
like($cerr, qr/canceling statement due to statement timeout/, 'can be cancelled');
is(sql('SELECT count(*) FROM seoulchain.verify_progress'), '0', '... and leaves no trace');

done_testing();
