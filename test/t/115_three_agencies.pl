# What docs/network.md has readers paste: three empty servers become one ledger.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Test;
use Test::More;

my ($file) = grep { -e } map { "$_/three_agencies.sql" } 'examples/network', '../../examples/network';
# PostgreSQL::Test::Cluster takes 10 senders, the default, away
my %node = map { $_ => ledger_node($_, extension => 0, wal_level => 'logical', max_wal_senders => 10, max_replication_slots => 10, 'seoulchain.sign_key_directory' => key_directory()) } qw(hall inspector insurer);
my ($out, $err);
my $good = IPC::Run::run([ 'psql', '-XAtq', (map { ('-v', "$_=host=" . $node{$_}->host . ' port=' . $node{$_}->port . ' dbname=postgres') } sort keys %node),
	'-d', $node{hall}->connstr('postgres'), '-f', $file ], '<', \undef, '>', \$out, '2>', \$err);
ok($good, 'the whole file runs, with the settings that it names and no others') || BAIL_OUT($err);
unlike($err, qr/WARNING|ERROR/, 'without a complaint');
like($out, qr/^\x{e2}\x{80}\x{94} seoul\.go\.kr\/hall .*^\x{e2}\x{80}\x{94} seoul\.go\.kr\/insurer /ms, 'the receipt has the cosignatures of both');
like($out, qr/^KMHEM42APXA000001\|48210\|\d+$/m, 'the insurer has the row');
foreach my $name (sort keys %node)
{
	ok($node{$name}->poll_query_until('postgres', q{SELECT state FROM seoulchain.city}, 'well'), "$name: the city is well");
	is($node{$name}->safe_psql('postgres', q{SELECT count(*) FROM seoulchain.dispute}), 0, "$name disputes nothing");
}
done_testing();
