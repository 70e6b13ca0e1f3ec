# A contract's life across clusters: members approve by signature, a dump carries everything, two nodes replay alike to the byte.
use strict;
use warnings;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Sign;
use Seoulchain::Test;
use Test::More;

my $node = ledger_node('origin');
my %key = (kim => make_key('ed25519'), lee => make_key('p256'), park => make_key('ed25519'), choi => make_key('ed25519'));

sub sql { my ($text, $where) = @_; return ($where // $node)->safe_psql('postgres', $text) }

sub refuses
{
	my ($text, $why, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, undef, $error) = $node->psql('postgres', $text);
	ok($status != 0, "$what: refused");
	return like($error, $why, "$what: why");
}

sub definition
{
	my ($change, @key) = @_;
	my %definition = (
		contract => 'ballot',
		ordinance => { name => 'Ordinance on Voting', number => 123, from => '2026-01-01' },
		tables => [ { table => 'vote.ballot', rules => [ { name => 'one_per', parameters => { key => \@key } } ] } ],
		approval => { members => [ 'kim', 'lee', 'park' ], quorum => 2 },
		%$change);
	delete $definition{$_} foreach grep { !defined $definition{$_} } keys %definition;
	return JSON::PP->new->canonical->encode(\%definition);
}

sub propose { return sql("SELECT seoulchain.propose_contract('" . definition(@_) . "')") }

# an approval as it is sent: signed by a member's key over what the database shows
sub signature
{
	my ($member, $version, %how) = @_;
	my $action = $how{action} // 'activate';
	my $contract = $how{contract} // 'ballot';
	my $payload = $how{payload} // sql("SELECT seoulchain.approval_payload('$contract', $version, '$action')");
	my %header = (alg => algorithm_of($key{$member}), typ => $how{typ} // 'seoulchain-contract+jws');
	return jws($key{$member}, $payload, JSON::PP->new->canonical->encode(\%header));
}

sub approval
{
	my ($member, $version, %how) = @_;
	my $by = $how{by} // $member;
	my $action = $how{action} // 'activate';
	my $contract = $how{contract} // 'ballot';
	return "SELECT seoulchain.approve_contract('$contract', $version, '$member', '" . signature($by, $version, %how) . "', '$action')";
}

sql(<<'SQL');
CREATE SCHEMA vote;
CREATE TABLE vote.ballot (election text, voter text, choice text) USING ledger;
SQL

# without members nobody can approve
is(propose({}, 'election', 'voter'), '1', 'proposed');
refuses(approval('kim', 1), qr/no registry of members|has no members|install_members/, 'a chain without members');
sql('SELECT seoulchain.install_members()');
foreach my $member (sort keys %key)
{
	my $hex = unpack('H*', public_der($key{$member}));
	sql("INSERT INTO members.member (member, kind) VALUES ('$member', 'clerk')");
	sql("INSERT INTO members.key (member, key, public_key) VALUES ('$member', 'card', '\\x$hex')");
}

# what is no approval
refuses(approval('choi', 1), qr/member "choi" is not asked to approve contract "ballot", version 1/, 'somebody else');
refuses(approval('kim', 1, by => 'park'), qr/the signature is not an approval by member "kim".*Key "card": the signature does not verify/s, "another's key");
refuses(approval('kim', 1, typ => 'seoulchain-row+jws'), qr/not an approval.*typ/s, 'a signature for a row');
refuses(approval('kim', 1, payload => sql("SELECT seoulchain.approval_payload('ballot', 1, 'retire')")), qr/does not verify/, 'a signature for something else');
refuses("SELECT seoulchain.approve_contract('ballot', 1, 'kim', 'yes')", qr/It is no detached JWS/, 'a word');
refuses("SELECT seoulchain.approval_payload('ballot', 1, 'praise')", qr/"praise" is nothing to approve/, 'another action');
refuses("SELECT seoulchain.activate_contract('ballot')", qr/has 0 of the 2 approvals that it needs to activate.*have not approved: kim, lee, park/s, 'no approval yet');
sql(approval('kim', 1));
refuses(approval('kim', 1), qr/member "kim" has approved that already/, 'twice');
refuses("SELECT seoulchain.activate_contract('ballot')", qr/has 1 of the 2 approvals.*have not approved: lee, park/s, 'one of two');
is(sql("SELECT state || ' ' || approvals || ' of ' || quorum FROM seoulchain.contract_versions"), 'approved 1 of 2', 'the view counts');
sql("INSERT INTO members.status (member, key, action, reason) VALUES ('park', 'card', 'revoke', 'card lost')");
refuses(approval('park', 1), qr/Key "card" signed it, but was revoked/, 'a revoked key');
sql(approval('lee', 1));
is(sql("SELECT string_agg(member || ' ' || version || ' ' || action, ', ' ORDER BY approved_seq) FROM seoulchain.approvals"),
	'kim 1 activate, lee 1 activate', 'approvals');
sql("SELECT seoulchain.activate_contract('ballot')");
refuses(approval('lee', 1), qr/has been activated already/, 'too late');

# what the members signed can be checked by anybody
is(sql(q{SELECT string_agg(coalesce(seoulchain.verify_jws(a.signature, k.public_key,
	convert_to(seoulchain.approval_payload(a.contract, a.version, a.action), 'UTF8'), 'seoulchain-contract+jws'), 'good'), ',')
	FROM seoulchain.approvals a JOIN members.key k USING (member)}), 'good,good', 'the recorded signatures verify');

# rows, some refused
sql("INSERT INTO vote.ballot SELECT 'mayor', 'v' || g, 'a' FROM generate_series(1, 500) g");
refuses("INSERT INTO vote.ballot VALUES ('mayor', 'v7', 'b')", qr/contract "ballot" refuses the row/, 'a second vote');

# a version without a policy needs those whom the present one names
is(propose({ approval => undef }, 'voter'), '2', 'a version without a policy');
refuses("SELECT seoulchain.activate_contract('ballot')", qr/version 2, has 0 of the 2 approvals.*policy is that of version 1/s, 'the policy in force counts');
sql(approval($_, 2)) foreach qw(kim lee);
my $late = sql("SELECT seoulchain.activate_contract('ballot', active_from => clock_timestamp() + interval '2 seconds')");
sql("INSERT INTO vote.ballot VALUES ('school', 'v1', 'a')");
ok(sql("SELECT max(ledger_time) < '$late' FROM vote.ballot") eq 't', 'inserted before the second version');
$node->poll_query_until('postgres', "SELECT clock_timestamp() > '$late'");
refuses("INSERT INTO vote.ballot VALUES ('school', 'v2', 'a')", qr/contract "ballot" refuses the row.*version 2/s, 'by the rules of then, of now');
sql("INSERT INTO vote.ballot VALUES ('school', 'w1', 'a')");

# the end of a version without a policy
sql("SELECT seoulchain.retire_contract('ballot', 'repealed')");
sql("INSERT INTO vote.ballot VALUES ('school', 'w1', 'again')");

# a contract with a policy ends by its members' word
is(sql("SELECT seoulchain.propose_contract('" . definition({ contract => 'second' }, 'choice', 'election', 'voter') . "')"), '1', 'another contract');
propose({ contract => 'third' }, 'choice', 'election', 'voter');
sql(approval($_, 1, contract => 'third')) foreach qw(kim lee);
refuses(approval('kim', 1, contract => 'third', action => 'retire'), qr/version 1 of contract "third" has never been activated/, 'nothing to retire yet');
sql("SELECT seoulchain.activate_contract('third')");
refuses("SELECT seoulchain.retire_contract('third', 'repealed')", qr/has 0 of the 2 approvals that it needs to retire/, 'approvals to activate do not retire');
sql(approval($_, 1, contract => 'third', action => 'retire')) foreach qw(kim lee);
sql("SELECT seoulchain.retire_contract('third', 'repealed', clock_timestamp() + interval '1 day')");
refuses(approval('park', 1, contract => 'third', action => 'retire'), qr/has an end already/, 'it has an end');
# who ended it has not given it away
propose({ contract => 'third', approval => undef }, 'choice', 'election', 'voter');
refuses("SELECT seoulchain.activate_contract('third', active_from => clock_timestamp() + interval '2 days')", qr/version 2, has 0 of the 2 approvals/,
	'the policy of a retired version counts');
sql(approval($_, 2, contract => 'third')) foreach qw(kim lee);
refuses("SELECT seoulchain.activate_contract('third')", qr/version 1 of contract "third" is in force until it is retired/, 'two versions at once');
sql("SELECT seoulchain.activate_contract('third', active_from => clock_timestamp() + interval '2 days')");
is_intact($node, 'verify() finds nothing');
seal($node);

# a replay can be cancelled
sql("INSERT INTO vote.ballot SELECT 'council', 'c' || g, 'a' FROM generate_series(1, 20000) g");
refuses("SET statement_timeout = 20; SELECT count(*) FROM seoulchain.contract_breaches('ballot', 1)", qr/canceling statement due to statement timeout/, 'a long replay');
seal($node);

# rehearsal and replay
is(sql(q{SELECT answer || ' ' || count(*) FROM seoulchain.replay('ballot', 2) GROUP BY answer ORDER BY 1}), "accepted 20501\nrefused 2",
	'what version 2 says of all rows');
is(sql(q{SELECT coalesce(judged_by::text, 'none') || ' ' || answer || ' ' || count(*) FROM seoulchain.replay('ballot') GROUP BY judged_by, answer ORDER BY judged_by}),
	"1 accepted 501\n2 accepted 1\nnone accepted 20001", 'every row by the rules in force at its time: nothing that was accepted would have been refused');
my $everything = join ' UNION ALL ', map { "SELECT $_ AS way, * FROM seoulchain.replay('ballot', $_)" } 1, 2, 'NULL';
my $digest = "SELECT md5(string_agg(r::text, E'\\n')) FROM ($everything) r";
my $answers = sql($digest);
is(sql("SELECT md5(string_agg(format('%s|%s|%s|%s|%s', ledger_seq, answer, message, detail, hint), '')) FROM seoulchain.replay('ballot', 2)"),
	sql("SET TimeZone = 'Asia/Seoul'; SET DateStyle = 'German'; SET work_mem = '64kB'; SET extra_float_digits = 0; SELECT md5(string_agg(format('%s|%s|%s|%s|%s', ledger_seq, answer, message, detail, hint), '')) FROM seoulchain.replay('ballot', 2)"),
	'a session with other settings gets the same answers');

# dump and restore on another cluster
my $dump = $node->backup_dir . '/dump';
mkdir $node->backup_dir;
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
my $copy = ledger_node('copy', extension => 0);
{
	local $ENV{PGOPTIONS} = '-c seoulchain.restore=on';
	$copy->command_ok([ 'pg_restore', '-d', $copy->connstr('postgres'), $dump ], 'pg_restore');
}
my $registry = <<'SQL';
SELECT * FROM seoulchain.contract ORDER BY 1;
SELECT * FROM seoulchain.contract_version ORDER BY 1, 2;
SELECT * FROM seoulchain.contract_approval ORDER BY 1, 2, 3, 4;
SELECT * FROM seoulchain.contract_rule ORDER BY 1;
SQL
is(sql($registry, $copy), sql($registry), 'contracts, versions, approvals and rules come with the dump');
is(sql($digest, $copy), $answers, 'the copy replays every version with the same bytes');
is_intact($copy, 'verify() finds nothing there');
my ($status, undef, $error) = $copy->psql('postgres', "SELECT seoulchain.retire_contract('ballot', 'x')");
like($error, qr/chain "main" is closed/, 'on a closed chain nothing is decided');
$node->stop;
sql("SELECT seoulchain.open_chain('main')", $copy);
$node = $copy;
refuses("SELECT seoulchain.activate_contract('second')", qr/has 0 of the 2 approvals/, 'the life goes on where the chain does');
sql("SELECT seoulchain.approve_contract('second', 1, '$_', '"
	  . signature($_, 1, payload => sql("SELECT seoulchain.approval_payload('second', 1)")) . "')") foreach qw(kim lee);

# another node's rule has other sources than the one proposed: the event says so, this node refuses
sql(q{UPDATE seoulchain.event SET leaf = regexp_replace(leaf, '"digest":"..', '"digest":"00') WHERE leaf LIKE '%"action":"propose"%"contract":"second"%'});
refuses("SELECT seoulchain.activate_contract('second')", qr/rule "one_per" has other sources on this node than the one proposed.*proposed 00.*, here /s, 'other sources');
isnt(sql("SELECT count(*) FROM seoulchain.verify() WHERE fault = 'event altered'"), '0', 'and verify() sees who did that here');

done_testing();
