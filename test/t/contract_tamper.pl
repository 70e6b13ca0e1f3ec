# What a superuser writes into the tables of contracts and of rules' state: each is named by verify(), which never fails on it.
#
# Every attack but the last ones is a transaction that is rolled back.
# Contract 1 ("coin") has version 1 in force until tomorrow and version 2 from
# then on; contract 2 ("two") is retired; rules are numbered from 1.
use strict;
use warnings;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Sign;
use Seoulchain::Test;
use Test::More;

my $node = ledger_node('tamper');

sub sql { my $text = shift; return $node->safe_psql('postgres', $text) }

sub propose
{
	my ($contract, $table, $rules, %more) = @_;
	return sql("SELECT seoulchain.propose_contract('" . JSON::PP->new->canonical->encode({
		contract => $contract,
		ordinance => { name => 'Ordinance on Mileage Coins', number => 9, from => '2026-01-01' },
		tables => [ { table => $table, rules => $rules } ], %more }) . "')");
}

my $balance = { name => 'balance', parameters => { from => 'payer', to => 'payee', amount => 'amount' } };
my $one_per = { name => 'one_per', parameters => { key => ['memo'] } };

sql('CREATE TABLE coin (payer text, payee text, amount numeric, memo text) USING ledger');
propose('coin', 'public.coin', [ $balance, $one_per ]);
sql("SELECT seoulchain.activate_contract('coin')");
sql(q{INSERT INTO coin VALUES (NULL, 'kim', 10, 'a'), (NULL, 'lee', 10, 'b'), ('kim', 'lee', 3, 'c')});
propose('coin', 'public.coin', [$balance]);
sql("SELECT seoulchain.activate_contract('coin', active_from => clock_timestamp() + interval '1 day')");
propose('two', 'public.coin', [$one_per]);
sql("SELECT seoulchain.activate_contract('two')");
sql("SELECT seoulchain.retire_contract('two', 'repealed')");
seal($node);
is_intact($node, 'before any attack there is no fault');

# the faults that it makes, without repetitions: "coin: registry altered", ...
sub faults
{
	my ($attack) = @_;
	my ($status, $out, $error) = $node->psql('postgres', <<SQL);
BEGIN;
SET LOCAL search_path = seoulchain, public;
$attack;
SELECT DISTINCT coalesce(relation::text, 'chain') || ': ' || fault || coalesce(' ' || convert_from(found, 'UTF8'), '') FROM verify() ORDER BY 1;
ROLLBACK;
SQL
	return $status == 0 ? $out : "error: $error";
}

foreach my $case (
	# contracts and versions
	[ 'the name of a contract', q{UPDATE contract SET name = 'x' WHERE contract_id = 1} ],
	[ 'its chain', q{UPDATE contract SET chain_id = 2 WHERE contract_id = 1} ],
	[ 'a contract deleted', q{DELETE FROM contract WHERE contract_id = 2} ],
	[ 'a contract that nobody proposed', q{INSERT INTO contract VALUES (77, 1, 'new')} ],
	[ 'one of no chain', q{INSERT INTO contract VALUES (77, 99, 'new')} ],
	[ 'a definition', q{UPDATE contract_version SET definition = replace(definition, 'Mileage', 'Milk') WHERE contract_id = 1} ],
	[ 'no definition', q{UPDATE contract_version SET definition = 'rubbish'} ],
	[ 'a definition that is a list', q{UPDATE contract_version SET definition = '[]'} ],
	[ 'a version deleted', q{DELETE FROM contract_version WHERE contract_id = 1 AND version = 2} ],
	[ 'a version that nobody proposed', q{INSERT INTO contract_version SELECT contract_id, 9, definition, proposed_seq FROM contract_version LIMIT 1} ],
	[ 'an earlier end', q{UPDATE contract_version SET active_until = now() WHERE contract_id = 1 AND version = 1} ],
	[ 'no end', q{UPDATE contract_version SET active_until = NULL, ended_seq = NULL WHERE contract_id = 1 AND version = 1} ],
	[ 'a later beginning', q{UPDATE contract_version SET active_from = active_from + interval '1 year' WHERE contract_id = 1 AND version = 2} ],
	[ 'never activated', q{UPDATE contract_version SET active_from = NULL, activated_seq = NULL WHERE contract_id = 1 AND version = 2} ],
	[ 'an end without an event', q{UPDATE contract_version SET active_until = now() WHERE contract_id = 1 AND version = 2} ],
	[ 'an approval that nobody gave', q{INSERT INTO contract_approval SELECT 1, 1, 'activate', 'kim', 'x', activated_seq FROM contract_version LIMIT 1} ],
	# rules
	[ 'a rule that ends now', q{UPDATE contract_rule SET active_until = now() WHERE rule_id = 1} ],
	[ 'a rule that begins later', q{UPDATE contract_rule SET active_from = active_from + interval '1 hour' WHERE rule_id = 1} ],
	[ 'a rule deleted', q{DELETE FROM contract_rule WHERE rule_id = 1} ],
	[ 'all rules deleted', q{DELETE FROM contract_rule; DELETE FROM rule_state; DELETE FROM rule_delta} ],
	[ 'a rule on no table', q{UPDATE contract_rule SET table_id = 99 WHERE rule_id = 1} ],
	[ 'other parameters', q{UPDATE contract_rule SET parameters = replace(parameters, 'payee', 'payer') WHERE rule_id = 1} ],
	[ 'no parameters', q{UPDATE contract_rule SET parameters = 'rubbish' WHERE rule_id = 1} ],
	[ 'another rule', q{UPDATE contract_rule SET rule = 'one_per' WHERE rule_id = 1} ],
	[ 'a rule that there is not', q{UPDATE contract_rule SET rule = 'none' WHERE rule_id = 1} ],
	[ 'another version', q{UPDATE contract_rule SET rule_version = '7' WHERE rule_id = 1} ],
	[ 'other sources', q{UPDATE contract_rule SET digest = sha256('') WHERE rule_id = 1} ],
	[ 'a digest cut short', q{UPDATE contract_rule SET digest = '\x00' WHERE rule_id = 1} ],
	[ 'another place', q{UPDATE contract_rule SET ordinal = 7 WHERE rule_id = 1} ],
	[ 'another contract', q{UPDATE contract_rule SET contract_id = 2, ordinal = 2 WHERE rule_id = 3} ],
	[ 'a rule more', q{INSERT INTO contract_rule SELECT 99, contract_id, version, table_id, 9, rule, rule_version, digest, parameters, active_from, active_until
		FROM contract_rule WHERE rule_id = 1} ],
	# state of rules that are not there: the next rule would find it
	[ 'state of a rule to come', q{INSERT INTO rule_state VALUES (99, '["kim"]', '1000000'), (99, '["lee"]', '1000000')}, qr/^rule_state: registry altered$/ ],
	[ 'a payment to it', q{INSERT INTO rule_delta VALUES (99, '["kim"]', '1000000')}, qr/^rule_delta: registry altered$/ ],
	# state
	[ 'a balance', q{UPDATE rule_state SET value = '1000' WHERE rule_id = 1 AND key = '["kim"]'}, qr/^coin: rule state differs coin balance \["kim"\] 1000$/ ],
	[ 'a balance that is no number', q{UPDATE rule_state SET value = 'much' WHERE rule_id = 1 AND key = '["kim"]'}, qr/^coin: rule state differs coin balance \["kim"\] much$/ ],
	[ 'an account', q{INSERT INTO rule_state VALUES (1, '["thief"]', '100')}, qr/^coin: rule state differs coin balance \["thief"\] 100$/ ],
	[ 'a payment', q{INSERT INTO rule_delta VALUES (1, '["thief"]', '100')}, qr/^coin: rule state differs coin balance \["thief"\] 100$/ ],
	[ 'a payment that is no number', q{INSERT INTO rule_delta VALUES (1, '["thief"]', 'much')}, qr/^coin: rule state differs coin balance \["thief"\] much$/ ],
	[ 'payments forgotten', q{DELETE FROM rule_delta}, qr/^coin: rule state differs/ ],
	[ 'a key forgotten', q{DELETE FROM rule_state WHERE rule_id = 2 AND key = '["a"]'}, qr/^coin: rule state differs$/ ],
	[ 'a rule of another number', q{UPDATE contract_rule SET rule_id = 77 WHERE rule_id = 2}, qr/^rule_state: registry altered$/m ],
	[ 'the index of state', 'DROP INDEX rule_state_key', qr/coin: rule state differs relation "seoulchain.rule_state_key" does not exist/ ])
{
	my ($name, $attack, $expected) = @$case;
	my $found = faults($attack);
	like($found, $expected // qr/^(?!error).*: registry altered/s, $name);
}
is_intact($node, 'all of it was rolled back');

# rows that came in while a rule was away: the registry is whole again, the state rebuilt, and a replay tells
sql(<<'SQL');
CREATE TABLE away AS SELECT * FROM seoulchain.contract_rule WHERE contract_id = 1 AND version = 1;
DELETE FROM seoulchain.contract_rule WHERE contract_id = 1 AND version = 1;
SQL
sql(q{INSERT INTO coin VALUES ('pauper', 'thief', 100, 'd')});
sql('INSERT INTO seoulchain.contract_rule SELECT * FROM away');
sql(q{SELECT seoulchain.rebuild_state('coin')});
seal($node);
is_intact($node, 'the registry and the state are whole');
is(sql(q{SELECT judged_by, rule, code, message FROM seoulchain.replay('coin') WHERE answer = 'refused'}),
	'1|balance|insufficient|account "pauper" cannot pay 100', 'but the row breaks the rule that was in force, and a replay says so');

# approvals: activate_contract() holds the registry against the chain, and verify() the chain against itself
sql('SELECT seoulchain.install_members()');
my %key = map { $_ => make_key('ed25519') } qw(kim lee);
foreach my $member (sort keys %key)
{
	my $hex = unpack('H*', public_der($key{$member}));
	sql("INSERT INTO members.member (member, kind) VALUES ('$member', 'clerk')");
	sql("INSERT INTO members.key (member, key, public_key) VALUES ('$member', 'card', '\\x$hex')");
}
sql('CREATE TABLE pass (holder text, gate text) USING ledger');
propose('pass', 'public.pass', [ { name => 'one_per', parameters => { key => [ 'holder', 'gate' ] } } ],
	approval => { members => [ 'kim', 'lee' ], quorum => '2' });

sub approve
{
	my $member = shift;
	my $jws = jws($key{$member}, sql("SELECT seoulchain.approval_payload('pass', 1)"), '{"alg":"Ed25519","typ":"seoulchain-contract+jws"}');
	return sql("SELECT seoulchain.approve_contract('pass', 1, '$member', '$jws')");
}

approve('kim');
my $forge = q{INSERT INTO seoulchain.contract_approval SELECT contract_id, version, action, 'lee', signature, approved_seq FROM seoulchain.contract_approval};
like(($node->psql('postgres', "BEGIN; $forge; SELECT seoulchain.activate_contract('pass')"))[2],
	qr/approval of contract "pass", version 1, by member "lee" is not what the chain says.*another "member".*verify\(\)/s, 'an approval that was copied');
like(($node->psql('postgres', "BEGIN; " . $forge =~ s/approved_seq FROM/9999 FROM/r . "; SELECT seoulchain.activate_contract('pass')"))[2],
	qr/event 9999 of chain "main" is missing/, 'an approval without an event');

# the event of another's approval altered for the moment of the activation, and put back
sql(<<"SQL");
BEGIN;
SET LOCAL search_path = seoulchain, public;
CREATE TABLE kept AS SELECT * FROM event WHERE ledger_seq = (SELECT approved_seq FROM contract_approval);
INSERT INTO event SELECT chain_id, 9999, table_id, replace(leaf, '"member":"kim"', '"member":"lee"') FROM kept;
@{[ $forge =~ s/approved_seq FROM/9999 FROM/r ]};
SELECT activate_contract('pass');
DELETE FROM contract_approval WHERE member = 'lee';
DELETE FROM event WHERE ledger_seq = 9999;
COMMIT;
SQL
seal($node);
is(sql(q{SELECT fault, v.ledger_seq = c.activated_seq FROM seoulchain.verify() v, seoulchain.contract_versions c WHERE contract = 'pass'}),
	'registry altered|t', 'an activation without its approvals stays on the chain, and verify() names it');
$node->stop;
done_testing();
