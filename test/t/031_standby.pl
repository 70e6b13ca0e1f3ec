# A physical standby proves what its primary sealed; promoted, it goes on with the same chain.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ]);
$primary->append_conf('postgresql.conf', "shared_preload_libraries = 'seoulchain'\nautovacuum = on\n");
$primary->start;
$primary->safe_psql('postgres', <<'SQL');
CREATE EXTENSION seoulchain;
CREATE TABLE t (id int PRIMARY KEY, v text) USING ledger;
INSERT INTO t SELECT g, 'row ' || g FROM generate_series(1, 5000) g;
SQL
seal($primary);
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

$primary->safe_psql('postgres', q{INSERT INTO t SELECT g, 'row ' || g FROM generate_series(5001, 6000) g});
seal($primary);
my $height = $primary->safe_psql('postgres', q{SELECT max(height) FROM seoulchain.block WHERE chain = 'main'});
$primary->wait_for_catchup($standby);

my $seq = $primary->safe_psql('postgres', 'SELECT ledger_seq FROM t WHERE id = 5500');
my $checkpoint = $primary->safe_psql('postgres', 'SELECT seoulchain.checkpoint()');
my ($size) = $checkpoint =~ /\n(\d+)\n/;
my $root = $primary->safe_psql('postgres', "SELECT seoulchain.root_hash('main', $size)");
my $receipt = $primary->safe_psql('postgres', "SELECT seoulchain.receipt('t', $seq)");

is($standby->safe_psql('postgres', 'SELECT seoulchain.checkpoint()'), $checkpoint, 'the standby gives the same checkpoint');
is($standby->safe_psql('postgres', "SELECT seoulchain.receipt('t', $seq)"), $receipt, 'and the same receipt');
is_intact($standby, 'the standby verifies');
my ($status, $out, $err) = $standby->psql('postgres', 'SELECT seoulchain.seal()', timeout => 30);
like($err, qr/ERROR:.*(recovery|standby)/, 'a standby does not seal, and says so');

# rows written at the last moment come over and are sealed after promotion
$primary->safe_psql('postgres', q{INSERT INTO t VALUES (6001, 'last')});
$primary->wait_for_catchup($standby);
$primary->stop('immediate');
$standby->promote;

my $after = seal($standby);
$standby->safe_psql('postgres', q{INSERT INTO t SELECT g, 'row ' || g FROM generate_series(6002, 7000) g});
seal($standby);
is_sealed($standby, 't', 7000, 'every row is sealed once on the promoted server');
is_intact($standby, 'it is intact');
is($standby->safe_psql('postgres', "SELECT seoulchain.root_hash('main', $size)"), $root, 'the old root stands');
is($standby->safe_psql('postgres', <<"SQL"), 't', 'and the new tree extends it');
SELECT seoulchain.verify_consistency($size, '$root', b.tree_size, b.root_hash, seoulchain.consistency_proof('main', $size, b.tree_size))
FROM (SELECT tree_size, root_hash FROM seoulchain.block WHERE chain = 'main' ORDER BY height DESC LIMIT 1) AS b
SQL
is($standby->safe_psql('postgres', "SELECT count(*) FROM seoulchain.block WHERE height = $height AND chain = 'main'"), '1',
	'the block that was sealed before is there');

done_testing();
