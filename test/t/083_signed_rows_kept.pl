# Signed rows through crashes, dump and restore, replication, and attacks on what counts as used.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Sign;
use Seoulchain::Test;

my $node = ledger_node('city', max_prepared_transactions => 10);
my $key = make_key('ed25519');
$node->safe_psql('postgres', <<SQL);
CREATE TABLE vote (id int, voter text, choice text, sig text) USING ledger;
INSERT INTO vote VALUES (0, NULL, 'before the rule', NULL);
SELECT seoulchain.install_members('main');
SELECT seoulchain.require_signature('vote', 'voter', 'sig');
INSERT INTO members.member (member, kind) VALUES ('kim', 'citizen');
INSERT INTO members.key (member, key, algorithm, public_key) VALUES ('kim', 'k', 'EdDSA', '\\x@{[unpack 'H*', public_der($key)]}');
SQL

# the statement that inserts a row that kim signed
sub vote
{
	my ($id, $on) = @_;
	my $payload = ($on // $node)->safe_psql('postgres',
		qq{SELECT seoulchain.signing_payload('vote', jsonb_populate_record(NULL::vote, '{"id":$id,"voter":"kim","choice":"yes"}'))});
	return "INSERT INTO vote VALUES ($id, 'kim', 'yes', '@{[jws($key, $payload)]}')";
}

# what is refused, and the reason
sub refused
{
	my ($on, $db, $statement, $reason, $name) = @_;
	my ($status, $out, $err) = $on->psql($db, $statement);
	like($err, qr/refused: $reason/, $name);
}

# crashes: what was committed is there once, with its payload; the rest left no trace
$node->safe_psql('postgres', vote(1));
my $open = $node->background_psql('postgres');
$open->query_safe('BEGIN; ' . vote(2));
$node->safe_psql('postgres', 'BEGIN; ' . vote(3) . "; PREPARE TRANSACTION 'three'");
$node->safe_psql('postgres', 'CHECKPOINT; ' . vote(4));
$node->stop('immediate');
eval { $open->quit };
$node->start;
is($node->safe_psql('postgres', 'SELECT string_agg(id::text, $$,$$ ORDER BY id) FROM vote'), '0,1,4', 'rows after a crash');
refused($node, 'postgres', vote(1), 'payload already used', 'a committed payload stays used');
$node->safe_psql('postgres', vote(2));
my $twin = $node->background_psql('postgres', on_error_stop => 0);
$twin->query_until(qr/go/, "\\echo go\n" . vote(3) . ";\n");
$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'});
$node->safe_psql('postgres', "COMMIT PREPARED 'three'");
$twin->quit;
is($node->safe_psql('postgres', 'SELECT count(*) FROM vote WHERE id = 3'), '1', 'a prepared transaction holds its payload over a crash');
seal($node);
is_intact($node, 'intact after the crash');

# dump and restore
my $dump = $node->backup_dir . '/dump';
mkdir $node->backup_dir;
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
my $copy = ledger_node('copy', extension => 0);
$copy->safe_psql('postgres', "CREATE DATABASE restored ENCODING 'UTF8' TEMPLATE template0");
{
	local $ENV{PGOPTIONS} = '-c seoulchain.restore=on';
	$copy->command_ok([ 'pg_restore', '-d', $copy->connstr('restored'), $dump ], 'pg_restore');
}
$copy->safe_psql('restored', q{SELECT seoulchain.open_chain('main')});
is($copy->safe_psql('restored', q{SELECT tgenabled FROM pg_trigger WHERE tgname = 'seoulchain_signature'}), 'A', 'the trigger came along');
refused($copy, 'restored', vote(1), 'payload already used', 'what was used before the dump stays used');
refused($copy, 'restored', "INSERT INTO vote VALUES (9, 'kim', 'yes', NULL)", 'signature missing', 'the rule is in force in the copy');
$copy->safe_psql('restored', vote(5));
seal($copy, 'main', 'restored');
is_intact($copy, 'the copy is intact', 'restored');

# what logical replication applies is checked like any row
$copy->safe_psql('restored', 'ALTER SYSTEM SET wal_retrieve_retry_interval = 200; SELECT pg_reload_conf()');
my $agency = PostgreSQL::Test::Cluster->new('agency');
$agency->init(allows_streaming => 'logical', extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ]);
$agency->start;
$agency->safe_psql('postgres', 'CREATE TABLE vote (id int PRIMARY KEY, voter text, choice text, sig text); CREATE PUBLICATION votes FOR TABLE vote');
my $address = $agency->connstr . ' dbname=postgres';
$copy->safe_psql('restored', "CREATE SUBSCRIPTION votes CONNECTION '$address' PUBLICATION votes");
$copy->wait_for_subscription_sync($agency, 'votes', 'restored');
$agency->safe_psql('postgres', vote(6));
$agency->wait_for_catchup('votes');
is($copy->safe_psql('restored', 'SELECT count(*) FROM vote WHERE id = 6'), '1', 'a signed row arrives');
my $offset = -s $copy->logfile;
$agency->safe_psql('postgres', "INSERT INTO vote VALUES (7, 'kim', 'no', 'unsigned')");
ok(wait_for_log_line($copy, qr/row of ledger table "vote" refused: malformed signature/, $offset), 'an unsigned one is refused');
$copy->safe_psql('restored', 'ALTER SUBSCRIPTION votes DISABLE; ALTER SUBSCRIPTION votes SET (slot_name = NONE); DROP SUBSCRIPTION votes');

# attacks: each is named, and what follows from the rows can be made again
sub faults_of
{
	my ($db) = @_;
	return $node->safe_psql($db, q{SELECT string_agg(concat_ws(':', fault, (SELECT id FROM vote v WHERE v.ledger_seq = f.ledger_seq)), ', ' ORDER BY fault, ledger_seq) FROM seoulchain.verify() f});
}
$node->safe_psql('postgres', q{ALTER DATABASE postgres CONNECTION LIMIT 20});
my $digest = '(SELECT digest FROM seoulchain.signed_payload p JOIN vote v USING (ledger_seq) WHERE id = 1)';
my @attacks = (
	[ 'an entry deleted', "DELETE FROM seoulchain.signed_payload WHERE digest = $digest", 'signed payload missing:1' ],
	[ 'an entry of another row', "UPDATE seoulchain.signed_payload SET ledger_seq = ledger_seq + 1 WHERE digest = $digest", qr/signed payload altered:1/ ],
	[ 'an entry added', q{INSERT INTO seoulchain.signed_payload SELECT chain_id, gen_random_uuid(), table_id, 1000000 FROM seoulchain.signed_payload LIMIT 1}, 'signed payload added' ],
	[ 'an entry added for a signed row', "INSERT INTO seoulchain.signed_payload SELECT chain_id, gen_random_uuid(), table_id, ledger_seq FROM seoulchain.signed_payload WHERE digest = $digest", 'signed payload added' ],
	[ 'an entry added for an unsigned row', q{INSERT INTO seoulchain.signed_payload SELECT chain_id, gen_random_uuid(), table_id, v.ledger_seq FROM seoulchain.signed_payload, vote v WHERE id = 0 LIMIT 1}, 'signed payload added:0' ]);
foreach my $attack (@attacks)
{
	my ($name, $sql, $expected) = @$attack;
	$node->safe_psql('postgres', $sql);
	my $found = faults_of('postgres');
	ref $expected ? like($found, $expected, $name) : is($found, $expected, $name);
	$node->safe_psql('postgres', q{SELECT seoulchain.rebuild_signed_payloads('vote')});
	is_intact($node, "$name: made again from the rows");
}
foreach my $attack (
	[ 'a rule deleted', 'DELETE FROM seoulchain.signature_rule' ],
	[ 'a rule weakened', q{UPDATE seoulchain.signature_rule SET columns = '{voter}'} ],
	[ 'a rule said to be younger', 'UPDATE seoulchain.signature_rule SET rule_seq = rule_seq + 3' ],
	[ 'a rule that nobody made', q{INSERT INTO seoulchain.signature_rule SELECT table_id, 999, 'voter', 'sig', '{voter}' FROM seoulchain.ledger WHERE ledger_name = 'public.vote'} ])
{
	my ($name, $sql) = @$attack;
	$node->safe_psql('postgres', "CREATE TABLE kept AS TABLE seoulchain.signature_rule; $sql");
	like(faults_of('postgres'), qr/registry altered/, $name);
	$node->safe_psql('postgres', 'DELETE FROM seoulchain.signature_rule; INSERT INTO seoulchain.signature_rule TABLE kept; DROP TABLE kept');
	is_intact($node, "$name: and put back");
}

# whose table it is not, he does not queue for
$node->safe_psql('postgres', q{CREATE TABLE plain (id int); BEGIN; LOCK TABLE plain; PREPARE TRANSACTION 'locked'});
my ($status, undef, $err) = $node->psql('postgres', q{SET lock_timeout = '2s'; SELECT seoulchain.rebuild_signed_payloads('plain')});
like($err, qr/"plain" is not a ledger table/, 'no lock on a table that is no ledger table');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'locked'});

# where members are: another ledger table with the same columns would give whoever made it everybody's keys
$node->safe_psql('postgres', q{CREATE TABLE other_keys (LIKE members.key) USING ledger; SELECT seoulchain.add_ledger_time('other_keys');
	CREATE TABLE plain_keys (LIKE members.key)});
is_intact($node, 'a table that looks like one of members');
foreach my $attack (
	[ 'another table of keys', q{UPDATE seoulchain.member_registry SET key = 'other_keys'} ],
	[ 'a table of keys that is no ledger table', q{UPDATE seoulchain.member_registry SET key = 'plain_keys'} ],
	[ 'tables of members exchanged', 'UPDATE seoulchain.member_registry SET member = key, key = member' ],
	[ 'members said to be of another chain', 'UPDATE seoulchain.member_registry SET chain_id = chain_id + 77' ],
	[ 'members forgotten', 'DELETE FROM seoulchain.member_registry' ])
{
	my ($name, $sql) = @$attack;
	$node->safe_psql('postgres', "CREATE TABLE kept AS TABLE seoulchain.member_registry; $sql");
	like(faults_of('postgres'), qr/registry altered/, $name);
	$node->safe_psql('postgres', 'DELETE FROM seoulchain.member_registry; INSERT INTO seoulchain.member_registry TABLE kept; DROP TABLE kept');
	is_intact($node, "$name: and put back");
}
$node->safe_psql('postgres', 'DROP TABLE members.crl');
is_intact($node, 'a table of members was dropped by its owner');

done_testing();
