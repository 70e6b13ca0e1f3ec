# Logical replication applied into a ledger table: rows are recorded, changes refused with words that say why.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $agency = PostgreSQL::Test::Cluster->new('agency');
$agency->init(allows_streaming => 'logical', extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ]);
$agency->start;
my $ledger = ledger_node('ledger', wal_retrieve_retry_interval => '200ms');

$agency->safe_psql('postgres', <<'SQL');
CREATE TABLE trip (id int PRIMARY KEY, device uuid, km numeric, at timestamptz);
INSERT INTO trip SELECT g, md5(g::text)::uuid, g / 10.0, '2024-01-01 00:00+09' FROM generate_series(1, 1000) g;
CREATE PUBLICATION trips FOR TABLE trip;
SQL
$ledger->safe_psql('postgres', 'CREATE TABLE trip (id int PRIMARY KEY, device uuid, km numeric, at timestamptz) USING ledger');
$ledger->safe_psql('postgres', q{SELECT seoulchain.add_ledger_time('trip')});
my $address = $agency->connstr . ' dbname=postgres';
$ledger->safe_psql('postgres', "CREATE SUBSCRIPTION trips CONNECTION '$address' PUBLICATION trips");
$ledger->wait_for_subscription_sync($agency, 'trips');

seal($ledger);
is_sealed($ledger, 'trip', 1000, 'the first copy is recorded and sealed');

# transactions, one rolled back in part, one streamed row by row
$agency->safe_psql('postgres', <<'SQL');
INSERT INTO trip SELECT g, md5(g::text)::uuid, g / 10.0, now() FROM generate_series(1001, 1500) g;
BEGIN;
INSERT INTO trip VALUES (1501, NULL, NULL, now());
SAVEPOINT a;
INSERT INTO trip VALUES (1502, NULL, NULL, now());
ROLLBACK TO a;
COMMIT;
SQL
$agency->wait_for_catchup('trips');
seal($ledger);
is_sealed($ledger, 'trip', 1501, 'so is what the apply worker inserts');
is_intact($ledger, 'the ledger is intact');
is($ledger->safe_psql('postgres', "SELECT convert_from(seoulchain.leaf_data('trip', ledger_seq), 'UTF8')::jsonb -> 'columns' ->> 'at' FROM trip WHERE id = 1"),
	'2023-12-31 15:00:00+00', 'a leaf has the time in UTC, whatever the sender used');

is($ledger->safe_psql('postgres', 'SELECT count(*) FILTER (WHERE ledger_time <= clock_timestamp()), count(*) FROM trip'), '1501|1501',
	'each row has the time at which it was accepted here');

# what a ledger cannot take: the apply worker stops, the log says why, SKIP gets past it
foreach my $change (
	[ 'UPDATE trip SET km = 0 WHERE id = 7', qr/ERROR:  ledger table "trip" is append-only/, 'UPDATE' ],
	[ 'DELETE FROM trip WHERE id = 7',       qr/ERROR:  ledger table "trip" is append-only/, 'DELETE' ],
	[ 'TRUNCATE trip',                       qr/ERROR:  ledger table "trip" is append-only/, 'TRUNCATE' ])
{
	my ($statement, $pattern, $verb) = @$change;
	my $offset = -s $ledger->logfile;
	$agency->safe_psql('postgres', $statement);
	ok(wait_for_log_line($ledger, $pattern, $offset), "$verb arriving by replication is refused");
	ok(wait_for_log_line($ledger, qr/DETAIL:  $verb was refused/, $offset), "the detail names $verb");
	is($ledger->safe_psql('postgres', 'SELECT count(*) FROM trip WHERE id <= 1501 AND (id <> 7 OR km = 0.7)'), '1501', 'nothing changed');

	# the operator's way on: leave that transaction out
	ok(wait_for_log_line($ledger, qr/finished at [0-9A-F]+\/[0-9A-F]+/, $offset), 'the log names the transaction');
	my $log = slurp_file($ledger->logfile, $offset);
	my ($lsn) = $log =~ /finished at ([0-9A-F]+\/[0-9A-F]+)/;
	$ledger->safe_psql('postgres', "ALTER SUBSCRIPTION trips SKIP (lsn = '$lsn')");
	$agency->safe_psql('postgres', "INSERT INTO trip VALUES (2000 + (random() * 1e6)::int, NULL, NULL, now())")
	  if $verb ne 'TRUNCATE';
	$agency->wait_for_catchup('trips');
}
# the copy holds rows that the agency truncated; new ones still come
$agency->safe_psql('postgres', 'INSERT INTO trip VALUES (9000000, NULL, 1, now())');
$agency->wait_for_catchup('trips');
seal($ledger);
is_sealed($ledger, 'trip', 1504, 'rows go on arriving after each refusal');
is_intact($ledger, 'the ledger is intact after refusals');

# the other direction: a ledger table is published like any other
$ledger->append_conf('postgresql.conf', "wal_level = logical\nmax_wal_senders = 10\nmax_replication_slots = 10\n");
$ledger->restart;
$ledger->safe_psql('postgres', 'CREATE TABLE vote (id int PRIMARY KEY, choice text) USING ledger; '
	  . 'INSERT INTO vote VALUES (1, $$yes$$); CREATE PUBLICATION votes FOR TABLE vote');
$agency->safe_psql('postgres', 'CREATE TABLE vote (id int PRIMARY KEY, choice text, ledger_seq bigint)');
$address = $ledger->connstr . ' dbname=postgres';
$agency->safe_psql('postgres', "CREATE SUBSCRIPTION votes CONNECTION '$address' PUBLICATION votes");
$agency->wait_for_subscription_sync($ledger, 'votes');
$ledger->safe_psql('postgres', 'INSERT INTO vote VALUES (2, $$no$$)');
$ledger->wait_for_catchup('votes');
is($agency->safe_psql('postgres', 'SELECT id, choice, ledger_seq IS NOT NULL FROM vote ORDER BY id'), "1|yes|t\n2|no|t",
	'a published ledger table arrives with its numbers');

# a ledger_seq that arrives from elsewhere is not taken over into this node's own chain
my $offset = -s $ledger->logfile;
$agency->safe_psql('postgres', 'CREATE TABLE forged (id int PRIMARY KEY, ledger_seq bigint); CREATE PUBLICATION forged FOR TABLE forged');
$ledger->safe_psql('postgres', 'CREATE TABLE forged (id int PRIMARY KEY) USING ledger');
$address = $agency->connstr . ' dbname=postgres';
$ledger->safe_psql('postgres', "CREATE SUBSCRIPTION forged CONNECTION '$address' PUBLICATION forged");
$ledger->wait_for_subscription_sync($agency, 'forged');
$agency->safe_psql('postgres', 'INSERT INTO forged VALUES (1, 4)');
ok(wait_for_log_line($ledger, qr/ERROR:.*ledger_seq/, $offset), 'a supplied ledger_seq is refused');
is($ledger->safe_psql('postgres', 'SELECT count(*) FROM forged'), '0', 'and its row is not there');
$ledger->safe_psql('postgres', 'DROP SUBSCRIPTION forged');
seal($ledger);
is_intact($ledger, 'intact in the end');

done_testing();
