# Ten agencies in full mesh, each of which copies and cosigns the chains of the nine others.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::Test qw(long_run);
use Test::More;

my @names = map { "agency$_" } 0 .. 9;
# ten servers share this machine with other tests
my $city = Seoulchain::City->new(nodes => \@names, settings => { shared_buffers => '16MB', autovacuum => 'off' });
$city->sql($_, "CREATE SCHEMA $_") foreach @names;
$city->sql($_, "CREATE TABLE $_.record (id int, note text) USING ledger") foreach @names;
$city->mesh;
my $rows = long_run() ? 10_000 : 200;
$city->sql($_, "INSERT INTO $_.record SELECT g, '$_ ' || g FROM generate_series(1, $rows) g") foreach @names;
ok($city->settle, 'every chain is cosigned by the nine others, and its origin knows');
$city->same_everywhere($_, "$_.record", "$_: its rows are on ten nodes") foreach @names;

foreach my $round (1 .. 3)
{
	$city->sql($_, "INSERT INTO $_.record SELECT g, 'round $round' FROM generate_series(1, 50) g") foreach @names;
}
ok($city->settle, 'rows that come later are cosigned by everybody as well');
$city->wait_cosigned($names[0], where => \@names, by => [ @names[ 1 .. 9 ] ]);
is($city->sql($names[9], 'SELECT count(DISTINCT origin) FROM seoulchain.cosignature'), 10, 'a node knows cosignatures on all ten chains');
$city->same_everywhere($_, "$_.record", "$_: all its rows are on ten nodes") foreach @names;
$city->no_dispute('nobody disputes anything');
$city->all_intact('every node finds its own chain and nine copies intact');
done_testing();
