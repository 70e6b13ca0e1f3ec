# pg_upgrade brings ledger tables over as they are; their chain is closed until it is opened on the new cluster.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $old = ledger_node('old');
my $new = ledger_node('new', extension => 0);
$old->safe_psql('postgres', <<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE ballot (id int PRIMARY KEY, v text, big text, m mood) USING ledger;
INSERT INTO ballot SELECT g, 'v' || g, repeat(md5(g::text), 300), 'ok' FROM generate_series(1, 1000) g;
CREATE TABLE trip (id int, day date) PARTITION BY RANGE (day);
SELECT seoulchain.add_ledger_seq('trip');
CREATE TABLE trip1 PARTITION OF trip FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') USING ledger;
INSERT INTO trip VALUES (1, '2026-01-02');
ALTER TABLE ballot ADD COLUMN x int DEFAULT 3;
CREATE TABLE gone (a int) USING ledger;
DROP TABLE gone;
SQL
seal($old);
my $facts = <<'SQL';
SELECT id, v, md5(big), m, x, ledger_seq FROM ballot ORDER BY id;
SELECT tableoid::regclass, * FROM trip;
SELECT * FROM seoulchain.ledger ORDER BY table_id;
SELECT * FROM seoulchain.ledger_column ORDER BY table_id, attnum;
SELECT seoulchain.checkpoint();
SQL
my $expected = $old->safe_psql('postgres', $facts);
$old->stop;
$new->stop;

my $bin = $old->config_data('--bindir');
my $dir = PostgreSQL::Test::Utils::tempdir();
chdir $dir or die "$dir: $!";
command_ok([ 'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
		'-s', $old->host, '-p', $old->port, '-P', $new->port ], 'pg_upgrade');
$new->start;
is($new->safe_psql('postgres', $facts), $expected, 'rows, numbers, registry and checkpoint are the same');
my ($status, $out, $err) = $new->psql('postgres', "INSERT INTO ballot (id) VALUES (2000)");
like($err, qr/chain "main" is closed/, 'the chain is closed');
($status, $out, $err) = $new->psql('postgres', 'DELETE FROM ballot');
like($err, qr/ledger table "ballot" is append-only/, 'and its tables stay append-only');
$new->safe_psql('postgres', "SELECT seoulchain.open_chain('main'); INSERT INTO ballot (id) VALUES (2000)");
seal($new);
is_sealed($new, 'ballot', 1001, 'opened, it goes on');
is_intact($new, 'and is intact');
done_testing();
