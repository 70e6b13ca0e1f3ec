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

# a table that was there before anybody followed, and one that comes later
$city->sql('hall', 'CREATE SCHEMA hall; CREATE TABLE hall.car (plate text, km int) USING ledger; INSERT INTO hall.car SELECT g::text, g FROM generate_series(1, 1000) g');
$city->follow('inspector', 'hall');
$city->wait_for('inspector', q{SELECT count(*) = 1 FROM pg_subscription_rel r JOIN pg_class c ON c.oid = srrelid WHERE relname = 'car' AND srsubstate = 'r'}, 'the table is followed');
$city->wait_cosigned('hall');
$city->same_everywhere('hall', 'hall.car', 'a table that was there is copied');
$city->sql('hall', 'CREATE TABLE hall.owner (plate text, name text) USING ledger');
$city->sql('hall', q{INSERT INTO hall.owner SELECT g::text, 'Kim' FROM generate_series(1, 500) g; INSERT INTO hall.car VALUES ('1001', 7)});
$city->wait_cosigned('hall');
$city->same_everywhere('hall', 'hall.owner', 'a new table is copied');
$city->same_everywhere('hall', 'hall.car', 'rows go on travelling');
is($city->sql($_, 'SELECT count(*) FROM seoulchain.message'), '0', "$_: no message is left over") foreach $city->names;
is($city->sql($_, q{SELECT string_agg(DISTINCT state, ',') FROM seoulchain.network_status}), 'ok', "$_: the status says that all is well") foreach $city->names;
$city->no_dispute('nothing is wrong');
done_testing();
