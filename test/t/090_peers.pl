# Peers: publications, slots and subscriptions come about by themselves, whatever the order of wishes; they go again, with or without the other node.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::City;
use Seoulchain::Test;

my $city = Seoulchain::City->new(nodes => [qw(hall inspector)]);
my $ready = q{SELECT count(*) = 2 FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid WHERE srsubstate = 'r'};

# each side says what it wants; nothing else is needed
$city->add_peers(qw(hall inspector));
foreach my $name ($city->names)
{
	$city->wait_for($name, $ready, 'the subscription comes about');
	ok(1, "$name: the subscription comes about");
	is($city->sql($name, q{SELECT count(*), bool_and(subenabled), bool_and(NOT rolsuper), bool_and(rolname = 'seoulchain_apply') FROM pg_subscription JOIN pg_roles r ON r.oid = subowner}),
		'1|t|t|t', 'it belongs to a role without superuser');
}
$city->sql('hall', 'CREATE SCHEMA hall; CREATE TABLE hall.car (plate text, km int) USING ledger');
$city->follow('inspector', 'hall');
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.share WHERE sent_height IS NOT NULL}, 'the request arrives');
ok(1, 'a request is served');
done_testing();
