# Rows damaged on a copy and on an origin come back from the others, proven; a follower that is brought back from an old
# backup knows that the gap is its own; nobody is accused.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::Test;
use Test::More;

my @names = qw(hall inspector insurer);
my $city = Seoulchain::City->new(nodes => \@names, settings => { 'seoulchain.seal_interval' => '200ms' });
$city->sql('hall', 'CREATE SCHEMA hall');
$city->sql('hall', 'CREATE TABLE hall.car (id int PRIMARY KEY, plate text) USING ledger');
$city->sql('inspector', 'CREATE SCHEMA inspector');
$city->sql('inspector', 'CREATE TABLE inspector.inspection (id int, km int) USING ledger');
$city->mesh;
$city->sql('hall', q{INSERT INTO hall.car SELECT g, 'plate ' || g FROM generate_series(1, 500) g});
$city->sql('inspector', 'INSERT INTO inspector.inspection SELECT g, g FROM generate_series(1, 500) g');
ok($city->settle, 'three nodes follow each other');

# the policy of hall's chain: both others
$city->sql('hall', "SELECT seoulchain.set_policy('main', '" . join("\n", 'log ' . $city->sql('hall', 'SELECT seoulchain.verifier_key()'),
		(map { "witness $_ " . $city->key($_) } qw(inspector insurer)), 'group both all inspector insurer', 'quorum both', '') . "')");
ok($city->settle, 'and a policy is in force');
my $rows = $city->rows_digest('hall', 'hall.car');

# what a superuser does below the access method
sub damage
{
	my ($name, @statements) = @_;
	my $as = q{SET allow_system_table_mods = on; UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = '%s') WHERE oid = 'hall.car'::regclass};
	$city->sql($name, $_) foreach sprintf($as, 'heap'), @statements, sprintf($as, 'ledger');
	return;
}

foreach my $name (qw(insurer hall))
{
	my $what = $name eq 'hall' ? 'origin' : 'copy';
	damage($name, q{UPDATE hall.car SET plate = 'stolen' WHERE id = 7}, 'DELETE FROM hall.car WHERE id BETWEEN 100 AND 119');
	isnt($city->sql($name, 'SELECT count(*) FROM seoulchain.verify()'), 0, "$what: verify() names what is damaged");
	is($city->sql('inspector', "SELECT count(DISTINCT ledger_seq) FROM seoulchain.compare('city/$name') WHERE relation = 'hall.car'"), 21,
		"$what: another node sees the 21 rows that differ");
	is($city->sql($name, "SELECT count(*) FILTER (WHERE action = 'row restored'), count(*) FILTER (WHERE action LIKE 'not%') FROM seoulchain.repair('hall.car')"), '21|0',
		"$what: repair() brings them back");
	is($city->rows_digest($name, 'hall.car'), $rows, "$what: every row is as it was");
	is($city->sql('inspector', "SELECT count(*) FROM seoulchain.compare('city/$name')"), 0, "$what: nothing differs any more");
	$city->all_intact("$what: verify() finds nothing anywhere");
}
$city->sql('hall', q{INSERT INTO hall.car VALUES (501, 'plate 501')});
ok($city->settle, 'all go on');
$city->same_everywhere('hall', 'hall.car', 'with the same rows everywhere');
$rows = $city->rows_digest('hall', 'hall.car');

# what a disk does to a copy, and to an index on it: 501 rows on three pages
$city->sql('insurer', 'CREATE INDEX car_id ON hall.car (id)');
my %damage = (
	'a page of noise' => [ 'hall.car', sub { my $path = shift; srand(3); overwrite($path, 8192, join('', map { chr(int(rand(256))) } 1 .. 8192)) } ],
	'a page of zeros' => [ 'hall.car', sub { overwrite(shift, 0, "\0" x 8192) } ],
	'an index page of zeros' => [ 'hall.car_id', sub { overwrite(shift, 8192, "\0" x 8192) } ],
	'the file cut off' => [ 'hall.car', sub { truncate(shift, 8192) or die $! } ],
	'the file lost' => [ 'hall.car', sub { unlink(shift) or die $! } ]);

sub overwrite
{
	my ($path, $at, $bytes) = @_;
	open(my $file, '+<:raw', $path) or die "$path: $!";
	seek($file, $at, 0);
	print $file $bytes;
	return close($file);
}

foreach my $what (sort keys %damage)
{
	my ($relation, $how) = @{ $damage{$what} };
	my $node = $city->node('insurer');
	my $path = $node->data_dir . '/' . $city->sql('insurer', "VACUUM (FREEZE) hall.car; CHECKPOINT; SELECT pg_relation_filepath('$relation')");
	$node->stop;
	$how->($path);
	$node->start;
	my $faults = q{SELECT count(*) FROM (SELECT * FROM seoulchain.verify() UNION ALL SELECT * FROM seoulchain.verify_indexes('hall.car')) f};
	my (undef, $found, $err) = $node->psql('postgres', $faults);
	ok($what eq 'the file lost' ? $err =~ /could not open file/ : $found > 0, "$what: is found");
	my $done = $city->sql('insurer', q{SELECT string_agg(DISTINCT action, ',' ORDER BY action) FROM seoulchain.repair('hall.car')});
	# no row is wrong: that is for REINDEX
	if ($relation eq 'hall.car_id') { is($done, '', "$what: no row is brought back"); $city->sql('insurer', 'REINDEX TABLE hall.car') }
	else { like($done, qr/^(page made anew,)?row restored(,tuple removed)?$/, "$what: is mended") }
	is($city->rows_digest('insurer', 'hall.car'), $rows, "$what: every row is as it was");
	is($city->sql('insurer', q{SET enable_seqscan = off; SELECT count(*) FROM hall.car WHERE id BETWEEN 1 AND 501}), 501, "$what: by the index, too");
	is($city->sql('insurer', $faults), 0, "$what: nothing is wrong then");
	unlike(($node->psql('postgres', 'VACUUM (DISABLE_PAGE_SKIPPING) hall.car'))[2], qr/WARNING/, "$what: nor for VACUUM");
}
$city->sql('hall', q{INSERT INTO hall.car VALUES (502, 'plate 502')});
ok($city->settle, 'the copy goes on');
$city->same_everywhere('hall', 'hall.car', 'with every row');
$city->no_dispute('nobody was accused of what a disk did');

# a follower that is brought back from an old backup: what it had received since then, its slots do not send again
my $insurer = $city->node('insurer');
my $backup = PostgreSQL::Test::Utils::tempdir() . '/backup';
$insurer->stop;
PostgreSQL::Test::RecursiveCopy::copypath($insurer->data_dir, $backup);
$insurer->start;
foreach my $block (1 .. 3)
{
	$city->sql('hall', "INSERT INTO hall.car SELECT 1000 * $block + g, 'after the backup' FROM generate_series(1, 100) g");
	$city->sql('inspector', "INSERT INTO inspector.inspection SELECT 1000 * $block + g, g FROM generate_series(1, 100) g");
	ok($city->settle, "block $block after the backup");
}
$insurer->stop;
PostgreSQL::Test::Utils::system_or_bail('rm', '-rf', $insurer->data_dir);
PostgreSQL::Test::RecursiveCopy::copypath($backup, $insurer->data_dir);
chmod 0700, $insurer->data_dir;
$insurer->start;
$city->sql('hall', q{INSERT INTO hall.car VALUES (9000, 'after all')});
$city->sql('inspector', 'INSERT INTO inspector.inspection VALUES (9000, 9000)');
$city->seal($_) foreach qw(hall inspector);
foreach my $origin (map { $city->origin($_) } qw(hall inspector))
{
	ok($city->wait_for('insurer', "SELECT waiting ~ 'it has lost rows; follow the chain anew' FROM seoulchain.seal_status WHERE chain = '$origin'"),
		"$origin: a follower from an old backup knows that the gap is its own");
}
$city->no_dispute('it accuses nobody');
ok($city->wait_cosigned($_, by => [ grep { $_ ne 'insurer' } $city->others($_) ]), "$_: the others go on") foreach qw(hall inspector);
done_testing();
