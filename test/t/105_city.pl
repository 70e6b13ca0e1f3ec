# Shared tables and watching: three agencies, one view over all of them, and what tells whether the city is well.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::LogReader;
use Seoulchain::Test;
use Test::More;

my $city = Seoulchain::City->new(nodes => [qw(hall inspector insurer)], links => 1, settings => { 'seoulchain.network_alarm_after' => '3s', wal_sender_timeout => '4s' });

sub refused
{
	my ($name, $sql, $pattern, $what) = @_;
	my ($status, $out, $err) = $city->node($name)->psql('postgres', $sql);
	return like($err, $pattern, $what);
}
sub columns
{
	my ($name, $view) = @_;
	return $city->sql($name, "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '$view'::regclass AND attnum > 0");
}
my $first = 'ledger_node text, ledger_chain text, ledger_seq bigint';

# each has its own table of the name, not quite alike
$city->sql('hall', q{CREATE SCHEMA hall; CREATE TYPE hall.mood AS ENUM ('good', 'bad');
	CREATE TABLE hall.inspection (car text, km int, at date, state hall.mood, price numeric(10,2), code varchar(5)) USING ledger});
$city->sql('inspector', q{CREATE SCHEMA inspector; CREATE TABLE public.inspection_report (note text) USING ledger;
	CREATE TABLE inspector.inspection (km int, car text COLLATE "C", inspector text, code varchar(10), "Remark; --'x" text, price numeric, ledger_node text) USING ledger});
$city->sql('insurer', q{CREATE SCHEMA insurer; CREATE TABLE insurer.inspection (car text, at date, code char(7)) USING ledger; CREATE TABLE insurer.policy (car text) USING ledger});

# before anybody is a peer
refused('hall', q{SELECT seoulchain.city_view('nothing')}, qr/no ledger table here is named "nothing"/, 'a view needs a table');
refused('hall', q{SELECT seoulchain.city_view('')}, qr/is no name for a view/, 'and a name');
refused('hall', q{CREATE ROLE clerk; SET ROLE clerk; SELECT seoulchain.city_view('inspection')}, qr/permission denied/, 'not everybody makes one');
$city->sql('insurer', q{CREATE ROLE clerk; CREATE SCHEMA city AUTHORIZATION clerk});
refused('insurer', q{SELECT seoulchain.city_view('inspection')}, qr/schema "city" belongs to "clerk"/, 'nor does anybody own where they are');
$city->sql('insurer', q{DROP SCHEMA city});
is($city->sql('hall', q{CREATE ROLE op IN ROLE seoulchain_operator; SET ROLE op; SELECT seoulchain.city_view('inspection')}), 'city.inspection', 'an operator makes the view');
is(columns('hall', 'city.inspection'), "$first, car text, km integer, at date, state text, price numeric, code character varying", 'its columns are as copies would have them');
is($city->sql('hall', q{SELECT state, problems FROM seoulchain.city}), 'well|0', 'a node alone is well');
is($city->sql('hall', q{SELECT count(*) FROM seoulchain.nodes}), '0', 'it knows no other');

# everybody joins
$city->sql($_, "INSERT INTO $_.inspection (car, code) VALUES ('$_ 1', 'x')") foreach $city->names;
$city->mesh;
$city->settle;
$city->wait_for('hall', q{SELECT count(*) = 3 FROM city.inspection}, 'the view has every agency\'s table');
is($city->sql('hall', q{SELECT string_agg(ledger_node || ' ' || ledger_chain || ' ' || car, ', ' ORDER BY ledger_node) FROM city.inspection}),
	'city/hall city/hall/main hall 1, city/inspector city/inspector/main inspector 1, city/insurer city/insurer/main insurer 1', 'one SELECT shows them all');
is(columns('hall', 'city.inspection'), qq{$first, car text, km integer, at date, state text, price numeric, code text, inspector text, "Remark; --'x" text} =~ s/"(R.*)" text/$1 text/r,
	'columns came behind, and what types disagree on is text');
is($city->sql('hall', q{SELECT count(*) FROM city.inspection i JOIN hall.inspection h ON i.car = h.car AND i.ledger_seq = h.ledger_seq}), '1', 'rows are those of the tables');
is($city->sql('hall', q{SELECT reloptions::text FROM pg_class WHERE oid = 'city.inspection'::regclass}), '{security_invoker=true}', 'it shows with the caller\'s rights');
is($city->sql('inspector', q{SELECT seoulchain.city_view('inspection')}), 'city.inspection', 'another node has its own');
is($city->sql('inspector', q{SELECT count(*), count(DISTINCT ledger_node) FROM city.inspection}), '3|3', 'with the same rows');

# who sees what
refused('hall', q{SET ROLE clerk; SELECT * FROM city.inspection}, qr/permission denied/, 'nobody sees through it what he may not');
$city->sql('hall', q{GRANT USAGE ON SCHEMA hall, inspector, insurer TO clerk; GRANT SELECT ON hall.inspection, inspector.inspection, insurer.inspection TO clerk});
is($city->sql('hall', q{SET ROLE clerk; SELECT count(*) FROM city.inspection}), '3', 'who may read the tables may read the view');
$city->sql('hall', q{ALTER ROLE peer_inspector BYPASSRLS; ALTER ROLE peer_insurer BYPASSRLS});
$city->sql('hall', q{ALTER TABLE hall.inspection ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON hall.inspection FOR SELECT USING (car <> 'hall 1')});
is($city->sql('hall', q{SET ROLE clerk; SELECT count(*) FROM city.inspection}), '2', 'row security applies');

# a column more, under views of users
$city->sql('hall', q{CREATE VIEW public.cars AS SELECT car, km, code FROM city.inspection; CREATE TABLE public.note (t text)});
$city->sql('insurer', q{ALTER TABLE insurer.inspection ADD COLUMN damage text});
$city->sql('insurer', q{INSERT INTO insurer.inspection (car, damage) VALUES ('insurer 2', 'dent')});
$city->settle;
$city->wait_for('hall', q{SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'city.inspection'::regclass AND attname = 'damage'}, 'a column that came later');
is($city->sql('hall', q{SELECT ledger_node, car, damage FROM city.inspection WHERE damage IS NOT NULL}), 'city/insurer|insurer 2|dent', 'with its values');
is($city->sql('hall', q{SELECT count(*) FROM public.cars}), '4', 'views of users go on');

# renames: the view keeps its columns
$city->sql('insurer', q{ALTER TABLE insurer.inspection RENAME COLUMN damage TO harm});
$city->sql('insurer', q{INSERT INTO insurer.inspection (car, harm) VALUES ('insurer 3', 'scratch')});
$city->settle;
is($city->sql('hall', q{SELECT car, damage FROM city.inspection WHERE car = 'insurer 3'}), 'insurer 3|scratch', 'a renamed column stays where it was');

# a type that is another: refused while a view depends on it, and told
$city->sql('inspector', q{ALTER TABLE inspector.inspection ADD COLUMN at timestamptz});
$city->sql('inspector', q{INSERT INTO inspector.inspection (car, at) VALUES ('inspector 2', '2026-01-02 03:04:05+00')});
$city->settle;
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.city_views WHERE problem ~ 'depend'}, 'the view would need another type');
like($city->sql('hall', q{SELECT state, problems, about, what, hint FROM seoulchain.city}), qr/^view\|1\|city.inspection\|.*depend.*\|Drop what depends/, 'the city says so');
is($city->sql('hall', q{SELECT count(*) FROM public.cars}), '6', 'the view of the user is what it was');
refused('hall', q{SELECT seoulchain.city_view('inspection')}, qr/cannot drop view city.inspection because other objects depend on it.*cars/s, 'by hand the error is the same');
$city->sql('hall', q{DROP VIEW public.cars});
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.city_views WHERE problem IS NULL}, 'then the worker makes it');
is($city->sql('hall', q{SELECT at FROM city.inspection WHERE car = 'inspector 2'}), '2026-01-02 03:04:05+00', 'the column is text now');
is($city->sql('hall', q{SET ROLE clerk; SELECT count(*) FROM city.inspection}), '5', 'and everybody may still read it');

# a new table, a view that is in use, names that are taken
$city->sql('hall', q{CREATE TABLE city.policy (i int); CREATE TABLE hall.policy (car text) USING ledger});
refused('hall', q{SELECT seoulchain.city_view('policy')}, qr/relation "city.policy" exists already/, 'a name that is taken');
$city->sql('hall', q{DROP TABLE city.policy; SELECT seoulchain.city_view('policy')});
my $reader = $city->node('hall')->background_psql('postgres');
$reader->query_safe('BEGIN; SELECT count(*) FROM city.policy');
$city->sql('inspector', q{CREATE TABLE inspector.policy (car text, until date) USING ledger});
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.city_views WHERE name = 'policy' AND problem ~ 'lock timeout'}, 'a view that is in use waits');
$city->sql('inspector', q{INSERT INTO inspector.policy VALUES ('P', '2030-01-01')});
$city->settle;
pass('and holds up no row');
$reader->query_safe('COMMIT');
$reader->quit;
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.city_views WHERE name = 'policy' AND problem IS NULL}, 'until it is free');
is($city->sql('hall', q{SELECT ledger_node, car, until FROM city.policy}), 'city/inspector|P|2030-01-01', 'then it has the new table');
$city->sql('hall', q{DROP TABLE hall.policy CASCADE});
$city->wait_for('hall', q{SELECT to_regclass('city.policy') IS NOT NULL}, 'a view that went with a table comes back');
is($city->sql('hall', q{SELECT count(*) FROM city.policy}), '1', 'without that table');
$city->sql('hall', q{SELECT seoulchain.drop_city_view('policy')});
is($city->sql('hall', q{SELECT to_regclass('city.policy') IS NULL, count(*) FROM seoulchain.city_views}), 't|1', 'dropped, it is kept no more');
refused('hall', q{SELECT seoulchain.drop_city_view('policy')}, qr/there is no city view "policy"/, 'once');

# names that need quotes, everywhere
$city->sql('hall', q{CREATE TABLE hall."o'dd ""view; --" (car text) USING ledger});
$city->sql('hall', q{INSERT INTO hall."o'dd ""view; --" VALUES ('Q')});
is($city->sql('hall', q{SELECT seoulchain.city_view('o''dd "view; --')}), q{city."o'dd ""view; --"}, 'a name that needs quotes');
$city->settle;
is($city->sql('insurer', q{SELECT seoulchain.city_view('o''dd "view; --'); SELECT car FROM city."o'dd ""view; --"}), qq{city."o'dd ""view; --"\nQ}, 'its copy too');
$city->sql($_, q{SELECT seoulchain.drop_city_view('o''dd "view; --')}) foreach qw(hall insurer);

# watching: all is well
$city->settle;
$city->wait_for($_, q{SELECT state = 'well' FROM seoulchain.city}, "$_: the city is well") foreach $city->names;
is($city->sql('hall', q{SELECT string_agg(concat_ws(' ', node, receiving, sending, follows, shares, last_heard IS NOT NULL), ', ' ORDER BY node) FROM seoulchain.nodes}),
	'city/inspector on on 1 1 t, city/insurer on on 1 1 t', 'the nodes that hall knows');
$city->wait_for('hall', q{SELECT count(*) = 4 AND bool_and(blocks = 0 AND seconds = 0) FROM seoulchain.lag}, 'nobody is behind');
refused('hall', q{SET ROLE clerk; SELECT * FROM seoulchain.city}, qr/permission denied/, 'not everybody watches');
is($city->sql('hall', q{SET ROLE op; SELECT node, state, problems FROM seoulchain.city}), 'city/hall|well|0', 'operators do');

# a public chain is public wherever it is followed, and its log the same
refused('inspector', q{CREATE ROLE reader; SET ROLE reader; SELECT seoulchain.tile('city/hall/main', 'checkpoint')}, qr/chain "city.hall.main" is not public/, 'a copy is not public');
refused('inspector', q{SELECT seoulchain.set_public('city/hall/main')}, qr/is a copy of another node's chain/, 'nor for the follower to publish');
$city->sql('hall', q{SELECT seoulchain.set_public('main')});
$city->settle;
$city->wait_for('inspector', q{SELECT count(*) = 1 FROM seoulchain.public_chains WHERE chain = 'city/hall/main'}, 'the event has come');
my $log = Seoulchain::LogReader->new(sub { return pack 'H*', $city->sql('inspector', "SET ROLE reader; SELECT encode(seoulchain.tile('city/hall/main', '$_[0]'), 'hex')") });
my $tiles = Seoulchain::LogReader->new(sub { return pack 'H*', $city->sql('hall', "SELECT encode(seoulchain.tile('main', '$_[0]'), 'hex')") });
is($log->origin, 'city/hall/main', 'a follower shows the log');
is(unpack('H*', $log->root_of_entries), unpack('H*', $log->root), 'its entries give the root');
is(unpack('H*', $log->root_of_tiles(0)), unpack('H*', $log->root), 'and so do its tiles');
is_deeply([ $log->entries ], [ ($tiles->entries)[ 0 .. $log->size - 1 ] ], 'they are the origin\'s');
ok($log->signed_by($city->key($_)), "$_ has cosigned what is shown") foreach qw(hall inspector);

# one is cut off: the others say who, and how far behind it is
$city->sql('hall', q{SELECT seoulchain.set_policy('main', } . quote(policy('hall', 2, qw(inspector insurer))) . ')');
$city->settle;
$city->cut('hall', 'insurer');
$city->wait_for('hall', q{SELECT sending <> 'on' OR receiving <> 'on' FROM seoulchain.nodes WHERE node = 'city/insurer'}, 'the insurer is cut off');
like($city->sql('hall', q{SELECT state, about FROM seoulchain.city}), qr{^(apart|alarm)\|city/insurer}, 'the city says so');
$city->sql('hall', q{INSERT INTO hall.inspection (car) VALUES ('hall 2')});
$city->seal('hall');
$city->wait_for('hall', q{SELECT blocks > 0 AND seconds > 0 FROM seoulchain.lag WHERE chain = 'city/hall/main' AND node = 'city/insurer'}, 'and how far behind it is');
$city->wait_for('hall', q{SELECT blocks = 0 FROM seoulchain.lag WHERE chain = 'city/hall/main' AND node = 'city/inspector'}, 'the inspector is not');
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.city_problems WHERE state = 'waiting' AND what ~ 'not final: .*insurer.* has not cosigned'}, 'nothing is final, and by whose fault');
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.city_problems WHERE state = 'behind' AND what ~ '^city/insurer is \d+ blocks behind'}, 'who is late');
is($city->sql('inspector', q{SELECT count(*) FROM seoulchain.city_problems WHERE about = 'city/insurer'}), '0', 'the inspector sees nothing of it between itself and the insurer');
$city->heal('hall', 'insurer');
$city->settle;
$city->wait_for('hall', q{SELECT state = 'well' FROM seoulchain.city}, 'healed, all is well again');

# signing that is suspended, and a cheat
my $memory = (glob($city->keys_of('insurer') . '/*/memory'))[0];
rename $memory, "$memory.away" or die;
$city->sql('insurer', q{INSERT INTO insurer.policy VALUES ('X')});
$city->node('insurer')->psql('postgres', q{SELECT seoulchain.seal('main')});
like($city->sql('insurer', q{SELECT state, about, what FROM seoulchain.city}), qr/^stopped\|main\|signing is suspended/, 'a chain that is not signed');
rename "$memory.away", $memory or die;
$city->settle;
$city->wait_for('insurer', q{SELECT state = 'well' FROM seoulchain.city}, 'goes on');
$city->sql('inspector', q{INSERT INTO inspector.inspection (car, km) VALUES ('inspector 3', 90000)});
$city->settle;
$city->forge('inspector', 'inspector.inspection', $city->sql('inspector', q{SELECT ledger_seq FROM inspector.inspection WHERE car = 'inspector 3'}), 'km = 5', 1);
$city->sql('inspector', q{SELECT seoulchain.seal('main')});
foreach my $name (qw(hall insurer))
{
	$city->wait_for($name, q{SELECT state = 'proven' AND about = 'city/inspector/main' FROM seoulchain.city}, 'the proof');
	like($city->sql($name, q{SELECT state, about, what, hint FROM seoulchain.city}), qr{^proven\|city/inspector/main\|two roots: .*evidence}, "a cheat is what the city says first at $name");
	is($city->sql($name, q{SELECT km FROM inspector.inspection WHERE car = 'inspector 3'}), '90000', 'and its rows are as they were');
}
done_testing();

sub quote { my $text = shift; $text =~ s/'/''/g; return "'$text'" }
sub policy
{
	my ($name, $k, @witnesses) = @_;
	return join("\n", 'log ' . $city->sql($name, 'SELECT seoulchain.verifier_key()'), (map { "witness $_ " . $city->key($_) } @witnesses), "group all $k @witnesses", 'quorum all', '');
}
