# Rows damaged on a copy and on an origin come back from the others, proven; followers and origins that are brought back from
# an old backup, and followers whose slot is gone, go on by themselves with every row; nobody is accused.
use strict;
use warnings;
use feature 'state';
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

# a node's data directory as it is now, and put back; its keys and signing memory are elsewhere and stay
sub keep
{
	my ($name) = @_;
	my $to = PostgreSQL::Test::Utils::tempdir() . "/kept_$name";
	$city->node($name)->stop;
	PostgreSQL::Test::RecursiveCopy::copypath($city->node($name)->data_dir, $to);
	$city->node($name)->start;
	return $to;
}

sub put_back
{
	my ($name, $from) = @_;
	my $node = $city->node($name);
	$node->stop('immediate');
	PostgreSQL::Test::Utils::system_or_bail('rm', '-rf', $node->data_dir);
	PostgreSQL::Test::RecursiveCopy::copypath($from, $node->data_dir);
	chmod 0700, $node->data_dir;
	$node->start;
	return;
}

# six tests: all go on with the same rows, and nobody accuses anybody
sub all_well
{
	my ($what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	state $id = 8999;
	$id++;
	$city->sql('hall', "INSERT INTO hall.car VALUES ($id, 'after $what')");
	$city->sql('inspector', "INSERT INTO inspector.inspection VALUES ($id, $id)");
	ok($city->settle, "$what: all have caught up, and cosign");
	$city->same_everywhere('hall', 'hall.car', "$what: every row is everywhere, once");
	$city->same_everywhere('inspector', 'inspector.inspection', "$what: of every chain");
	$city->no_dispute("$what: nobody is accused");
	$city->all_intact("$what: verify() finds nothing anywhere");
	return;
}

# what happens after the backups
my %backup = map { $_ => keep($_) } qw(insurer hall);
foreach my $block (1 .. 3)
{
	$city->sql('hall', "INSERT INTO hall.car SELECT 1000 * $block + g, 'after the backup' FROM generate_series(1, 100) g");
	$city->sql('inspector', "INSERT INTO inspector.inspection SELECT 1000 * $block + g, g FROM generate_series(1, 100) g");
	ok($city->settle, "block $block after the backup");
}

# a follower from an old backup: what it had received since then, its slots do not send again; it makes new ones
put_back('insurer', $backup{insurer});
all_well('a restored follower');

# the origin of the chain from an old backup; the followers have rows of it that are in no block, too
my $cars = $city->rows_digest('insurer', 'hall.car');
my $blocks = $city->sql('insurer', q{SELECT string_agg(encode(b.root_hash, 'hex'), ' ' ORDER BY b.height) FROM seoulchain.chain_block b
	JOIN seoulchain.chain c USING (chain_id) WHERE c.origin = 'city/hall/main'});
$city->sql('hall', q{ALTER SYSTEM SET seoulchain.seal_interval = '1h'});
$city->sql('hall', q{SELECT pg_reload_conf()});
$city->wait_for('hall', q{SELECT current_setting('seoulchain.seal_interval') = '1h'});
$city->sql('hall', q{INSERT INTO hall.car SELECT 8000 + g, 'never sealed' FROM generate_series(1, 10) g});
$city->wait_for($_, q{SELECT count(*) = 10 FROM hall.car WHERE plate = 'never sealed'}) foreach qw(inspector insurer);
put_back('hall', $backup{hall});
$city->wait_for('hall', q{SELECT count(*) = 0 FROM seoulchain.recovery}, 'recovered');
$city->wait_for('hall', q{SELECT signing = 'on' FROM seoulchain.seal_status WHERE chain = 'main'}, 'and signing');
is($city->rows_digest('hall', 'hall.car'), $cars, 'a restored origin has all its rows again');
like($city->sql('hall', q{SELECT string_agg(encode(b.root_hash, 'hex'), ' ' ORDER BY b.height) FROM seoulchain.chain_block b
	JOIN seoulchain.chain c USING (chain_id) WHERE c.origin = 'city/hall/main'}), qr/^\Q$blocks\E/, 'and its blocks, no others');
all_well('a restored origin');
is($city->sql($_, q{SELECT count(*) FROM hall.car WHERE plate = 'never sealed'}), '0', "$_: what no block held is gone with the disk") foreach $city->names;

# a table that the followers know and the restored origin does not: nobody can take that back
$city->sql('hall', q{ALTER SYSTEM SET seoulchain.seal_interval = '1h'});
$city->sql('hall', q{SELECT pg_reload_conf()});
$city->wait_for('hall', q{SELECT current_setting('seoulchain.seal_interval') = '1h'});
$city->sql('hall', 'CREATE TABLE hall.lost (id int) USING ledger');
$city->wait_for($_, q{SELECT to_regclass('hall.lost') IS NOT NULL}) foreach qw(inspector insurer);
put_back('hall', $backup{hall});
foreach my $name (qw(inspector insurer))
{
	ok($city->wait_for($name, q{SELECT count(*) > 0 FROM seoulchain.network_status s WHERE s::text ~ 'it has lost changes of chain city/hall/main'}), "$name: says what was lost");
	$city->sql($name, $_) foreach q{SELECT seoulchain.unfollow('city/hall/main')}, q{SELECT seoulchain.drop_copy('city/hall/main')}, q{SELECT seoulchain.follow('city/hall/main')};
}
all_well('followed anew');

# slots that are dropped, and one that is lost for want of disk
$city->sql('hall', q{SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active_pid IS NOT NULL AND slot_name ~ '^seoulchain_'});
$city->sql('hall', q{DO $$ BEGIN LOOP
	BEGIN PERFORM pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name ~ '^seoulchain_'; EXIT;
	EXCEPTION WHEN object_in_use THEN PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active_pid IS NOT NULL; END; END LOOP; END $$});
$city->sql('hall', q{INSERT INTO hall.car SELECT 10000 + g, 'without a slot' FROM generate_series(1, 100) g});
all_well('dropped slots');
$city->node('insurer')->stop;
$city->sql('hall', q{ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'});
$city->sql('hall', q{SELECT pg_reload_conf()});
foreach my $part (1 .. 3)
{
	$city->sql('hall', "INSERT INTO hall.car SELECT 20000 + 100 * $part + g, 'while one is away' FROM generate_series(1, 100) g");
	$city->sql('hall', 'SELECT pg_switch_wal()');
	$city->sql('hall', 'CHECKPOINT');
}
$city->wait_for('hall', q{SELECT count(*) > 0 FROM pg_replication_slots WHERE wal_status = 'lost'}, 'a slot is lost');
$city->sql('hall', q{ALTER SYSTEM RESET max_slot_wal_keep_size});
$city->sql('hall', q{SELECT pg_reload_conf()});
$city->node('insurer')->start;
all_well('a lost slot');
$city->wait_for($_, q{SELECT state = 'well' FROM seoulchain.city}, "$_: the city is well") foreach $city->names;
done_testing();
