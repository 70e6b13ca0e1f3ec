# Three agencies that insert, crash, lose each other and find each other again: nobody loses a row or disputes an honest one.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::Test;
use Test::More;

my $seed = $ENV{SC_SEED} // int(rand(1e9));
srand($seed);
diag("SC_SEED=$seed");

my @names = qw(hall inspector insurer);
# seconds instead of minutes until a silent connection counts as lost
my $city = Seoulchain::City->new(nodes => \@names, most => 4, links => 1,
	settings => { wal_sender_timeout => '3s', wal_receiver_timeout => '3s', 'seoulchain.seal_interval' => '200ms' });

# each agency's table; columns of kinds that copies keep in other types are among them
foreach my $name (@names)
{
	$city->sql($name, "CREATE SCHEMA $name");
	$city->sql($name, "CREATE TYPE $name.state AS ENUM ('new', 'old')");
	$city->sql($name, "CREATE DOMAIN $name.km AS int CHECK (VALUE >= 0)");
	$city->sql($name, <<"SQL");
CREATE TABLE $name.record (id bigint PRIMARY KEY, km $name.km, state $name.state NOT NULL, note varchar(40), price numeric(10,2) DEFAULT 1.5,
	at timestamptz DEFAULT now(), UNIQUE (id, km)) USING ledger
SQL
	$city->sql($name, "CREATE SEQUENCE $name.ids");
}
$city->mesh;
$city->settle or BAIL_OUT('the nodes do not follow each other');
ok($city->set_policy($_), "$_: final is what both others have cosigned") foreach @names;
$city->same_everywhere($_, "$_.record", "$_: an empty table is copied") foreach @names;
all_alike('before anything happens');

# clients of one agency, for so many seconds; they may find the server gone
sub clients
{
	my ($name, $seconds) = @_;
	my $script = PostgreSQL::Test::Utils::tempdir() . "/$name.sql";
	append_to_file($script, <<"SQL") if !-e $script;
\\set n random(1, 20)
INSERT INTO $name.record (id, km, state, note) SELECT nextval('$name.ids'), g, 'new', 'note ' || g FROM generate_series(1, :n) g;
SQL
	my $out = '';
	my $node = $city->node($name);
	return IPC::Run::start([ 'pgbench', '-n', '-c', 2, '-T', $seconds, '--rate', 60, '-f', $script, '-d', $node->connstr('postgres') ], '<', \undef, '>', \$out, '2>', \$out);
}

# a moment that nobody chose
sub some_time { my ($least, $most) = @_; select(undef, undef, undef, $least + rand($most - $least)); return }

# one test each: every row everywhere, everything that was ever final still there, nothing disputed
sub all_alike
{
	my $when = shift;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($city->settle, "$when: everything is cosigned by everybody");
	$city->same_everywhere($_, "$_.record", "$when: $_ has the same rows everywhere") foreach @names;
	$city->note_final;
	$city->final_kept("$when: whatever was final is on every node");
	$city->no_dispute("$when: no dispute");
	return;
}

# a table that comes later, a column that comes later, rows in one transaction and in a savepoint
$city->sql('hall', 'CREATE TABLE hall.later (id int, name text) USING ledger');
$city->sql('hall', q{INSERT INTO hall.later SELECT g, 'x' FROM generate_series(1, 100) g});
$city->sql('hall', 'ALTER TABLE hall.later ADD COLUMN more text');
$city->sql('hall', q{BEGIN; INSERT INTO hall.later (id, name, more) VALUES (101, 'y', 'z'); SAVEPOINT a; INSERT INTO hall.later (id, name, more) VALUES (102, 'y', 'z'); ROLLBACK TO a; COMMIT});
ok($city->settle('hall'), 'a table and a column that come later are followed');
$city->same_everywhere('hall', 'hall.later', 'with their rows');

# kill -9 of any of them at any moment
foreach my $round (1 .. 10)
{
	my $victim = $names[ rand @names ];
	$city->note_final($names[ rand @names ]);
	my @load = map { clients($_, 3) } @names;
	some_time(0.2, 2);
	$city->kill_node($victim);
	some_time(0, 0.5);
	$city->start_node($victim);
	IPC::Run::finish($_) foreach @load;
	diag("round $round: $victim was killed; hall has " . $city->sql('hall', 'SELECT count(*) FROM hall.record') . ' rows') if $round % 5 == 0;
}
all_alike('after ten kills');
$city->all_intact('after ten kills: verify() finds nothing on any node');

# a link that is cut, and one on which nothing arrives, while both sides go on
foreach my $how (qw(cut freeze))
{
	my @load = map { clients($_, 4) } @names;
	some_time(0.5, 1);
	$city->$how('hall', 'inspector');
	IPC::Run::finish($_) foreach @load;
	ok($city->wait_cosigned('insurer'), "$how: the third goes on with both");
	$city->no_dispute("$how: a peer that is away is no cheat");
	$city->heal('hall', 'inspector');
	all_alike("$how and healed");
}

# one that comes late: a history of its own, as long as a city's, and what the others have done so far
my $history = 1_000_000;
$city->sql('hall', q{SELECT seoulchain.create_chain('history')});
$city->sql('hall', q{SET seoulchain.default_chain = 'history'; CREATE TABLE hall.history (id int, note text, at timestamptz DEFAULT now()) USING ledger});
$city->sql('hall', "INSERT INTO hall.history SELECT g, 'history ' || g FROM generate_series($_ * $history / 10 + 1, ($_ + 1) * $history / 10) g") foreach 0 .. 9;
# without wires: one wire passes all connections in turn, and would wait for a worker that waits for another's connection
$city->{links} = 0;
$city->add_node('late');
$city->join_with('late', 'hall');
$city->follow('late', 'hall', 'history');
my @clients = clients('hall', 2);
ok($city->wait_cosigned('hall', chain => 'history'), 'a late joiner cosigns a million rows of history');
ok($city->wait_cosigned('hall', by => ['late']), 'and the chain that goes on meanwhile');
IPC::Run::finish($_) foreach @clients;
ok($city->settle, 'and what came meanwhile');
is($city->sql('late', 'SELECT count(*), count(DISTINCT id), min(id), max(id) FROM hall.history'), "$history|$history|1|$history", 'it has every row of the history, once');
$city->same_everywhere('hall', "hall.$_", "it has $_ whole", 'late') foreach qw(history record later);
$city->no_dispute('and disputes nothing');
$city->final_kept('what was final is final still');
$city->all_intact('verify() finds nothing on any node, copies included');
done_testing();
