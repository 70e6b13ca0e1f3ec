# Shared tables and watching: three agencies, one view over all of them, and what tells whether the city is well.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::Test;
use Test::More;

my $city = Seoulchain::City->new(nodes => [qw(hall inspector insurer)]);

sub refused
{
	my ($name, $sql, $pattern, $what) = @_;
	my ($status, $out, $err) = $city->node($name)->psql('postgres', $sql);
	return like($err, $pattern, $what);
}

# each has its own table of the name, not quite alike
$city->sql('hall', q{CREATE SCHEMA hall; CREATE TYPE hall.mood AS ENUM ('good', 'bad');
	CREATE TABLE hall.inspection (car text, km int, at date, state hall.mood, price numeric(10,2), code varchar(5)) USING ledger});
$city->sql('inspector', q{CREATE SCHEMA inspector;
	CREATE TABLE inspection_report (note text) USING ledger;
	CREATE TABLE inspector.inspection (km int, car text COLLATE "C", inspector text, code varchar(10), "Remark; --'x" text, price numeric) USING ledger});
$city->sql('insurer', q{CREATE SCHEMA insurer; CREATE TABLE insurer.inspection (car text, at date, code char(7)) USING ledger; CREATE TABLE insurer.policy (car text) USING ledger});

# before anybody is a peer
refused('hall', q{SELECT seoulchain.city_view('nothing')}, qr/no ledger table here is named "nothing"/, 'a view needs a table');
refused('hall', q{SELECT seoulchain.city_view('')}, qr/is no name for a view/, 'and a name');
refused('hall', q{CREATE ROLE clerk; SET ROLE clerk; SELECT seoulchain.city_view('inspection')}, qr/permission denied/, 'not everybody makes one');
is($city->sql('hall', q{SELECT seoulchain.city_view('inspection')}), 'city.inspection', 'the view over the own table');
is($city->sql('hall', q{SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'city.inspection'::regclass AND attnum > 0}),
	'ledger_node text, ledger_chain text, ledger_seq bigint, car text, km integer, at date, state text, price numeric, code character varying', 'columns as copies would have them');

$city->sql($_, "INSERT INTO $_.inspection (car) VALUES ('$_ 1')") foreach $city->names;
$city->mesh;
$city->settle;

my $columns = q{SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'city.inspection'::regclass AND attnum > 3};
$city->wait_for('hall', q{SELECT count(*) = 3 FROM city.inspection}, 'the view has every agency\'s table');
is($city->sql('hall', q{SELECT string_agg(ledger_node || ' ' || car, ', ' ORDER BY ledger_node) FROM city.inspection}),
	'city/hall hall 1, city/inspector inspector 1, city/insurer insurer 1', 'one SELECT shows them all');
done_testing();
