# A node that lost what it had signed gets it back from its peers and goes on without a fork: an old backup
# brought back as files, with and without its signing memory; a promoted standby that lost its last seconds;
# a cluster made anew from nothing but its keys.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::Test;
use Test::More;

my $city = Seoulchain::City->new(nodes => [qw(hall insurer)]);
my $hall = $city->node('hall');

# copies a folder, and puts it in place of another
sub copy_tree { my ($from, $to) = @_; system_or_bail('cp', '-a', $from, $to); return }
sub replace_tree { my ($from, $to) = @_; system_or_bail('rm', '-rf', $to); copy_tree($from, $to); return }

# hall's signing memory is lost
sub forget { system_or_bail('find', $city->keys_of('hall'), '-name', 'memory', '-delete'); return }

# the blocks of a chain as a node has them
sub blocks { my ($node) = @_; return $city->sql($node, q{SELECT b.height, encode(b.root_hash, 'hex') FROM seoulchain.chain_block b JOIN seoulchain.chain c USING (chain_id)
	JOIN seoulchain.signature s USING (chain_id, height) WHERE c.origin = 'city/hall/main' ORDER BY 1}) }

sub recovered
{
	my ($what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return $city->wait_for('hall', q{SELECT count(*) = 0 FROM seoulchain.recovery}, $what)
	  && $city->wait_for('hall', q{SELECT signing = 'on' FROM seoulchain.seal_status WHERE chain = 'main'}, "$what: signing");
}

# one test: what was signed before is a beginning of what is signed now
sub no_fork
{
	my ($before, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(substr(blocks('hall') . "\n", 0, length $before), $before, $what);
	return;
}

$city->sql('hall', q{CREATE SCHEMA hall; CREATE TABLE hall.car (id int PRIMARY KEY, plate text NOT NULL CHECK (plate <> ''), long text) USING ledger});
$city->mesh;
$city->sql('hall', q{INSERT INTO hall.car SELECT i, 'plate ' || i FROM generate_series(1, 50) i});
$city->sql('insurer', q{CREATE SCHEMA insurer; CREATE TABLE insurer.policy (id int, car int) USING ledger; INSERT INTO insurer.policy VALUES (1, 1)});
ok($city->settle, 'two nodes follow each other');

# the backup
my $backup = PostgreSQL::Test::Utils::tempdir() . '/backup';
my $keys = PostgreSQL::Test::Utils::tempdir() . '/keys';
$hall->stop;
copy_tree($hall->data_dir, $backup);
copy_tree($city->keys_of('hall'), $keys);
$hall->start;

# what happens after it
$city->sql('hall', q{INSERT INTO hall.car SELECT i, 'plate ' || i, repeat(md5(i::text), 100) FROM generate_series(51, 90) i});
$city->seal('hall');
$city->sql('hall', q{CREATE TABLE hall.owner (car int, name text) USING ledger});
$city->sql('hall', q{INSERT INTO hall.owner SELECT i, 'owner ' || i FROM generate_series(1, 20) i});
$city->sql('hall', q{INSERT INTO hall.car SELECT i, 'plate ' || i FROM generate_series(91, 120) i});
ok($city->settle, 'more happens after the backup');
my $before = blocks('insurer') . "\n";
my $rows = $city->rows_digest('hall', 'hall.car');
my $owners = $city->rows_digest('hall', 'hall.owner');

# 1. an old backup, with the newer memory beside it
$hall->stop;
replace_tree($backup, $hall->data_dir);
$hall->start;
recovered('an old backup, newer memory');
is($city->rows_digest('hall', 'hall.car'), $rows, 'every row is there again');
is($city->rows_digest('hall', 'hall.owner'), $owners, 'and those of the table that the backup did not know');
no_fork($before, 'the same blocks');
is($city->sql('hall', 'SELECT * FROM seoulchain.verify()'), '', 'nothing is wrong');
is($city->sql('hall', q{SELECT count(*) > 0 FROM seoulchain.repair WHERE action = 'block recovered' AND peer = 'city/insurer'}), 't', 'what came back is recorded');
$city->sql('hall', q{INSERT INTO hall.car VALUES (121, 'plate 121')});
ok($city->settle, 'it goes on');
$city->same_everywhere('hall', 'hall.car', 'the follower has every row, once');
$city->sql('insurer', q{INSERT INTO insurer.policy VALUES (2, 2)});
ok($city->settle, 'and follows');
$city->same_everywhere('insurer', 'insurer.policy', 'its copies too');
no_fork($before, 'no fork');
$city->no_dispute('nobody disputes anything');
$city->all_intact('and verify() has nothing to say');

# 2. the backup with the memory of its day: nothing here tells that it is old
$before = blocks('insurer') . "\n";
$rows = $city->rows_digest('hall', 'hall.car');
$hall->stop;
replace_tree($backup, $hall->data_dir);
replace_tree($keys, $city->keys_of('hall'));
$hall->start;
recovered('an old backup with its memory');
is($city->rows_digest('hall', 'hall.car'), $rows, 'every row is there again');
no_fork($before, 'the same blocks');
$city->sql('hall', q{INSERT INTO hall.car VALUES (122, 'plate 122')});
ok($city->settle, 'it goes on');
no_fork($before, 'no fork');
$city->same_everywhere('hall', 'hall.car', 'the follower has every row, once');

# 3. without its memory, and with the peer away: nothing is taken or signed until it has answered, or is left out
$before = blocks('insurer') . "\n";
$city->node('insurer')->stop;
$hall->stop;
forget();
$hall->start;
$city->wait_for('hall', q{SELECT signing LIKE 'suspended: it waits for what these peers saw signed: city/insurer%' FROM seoulchain.seal_status WHERE chain = 'main'}, 'suspended');
my (undef, undef, $err) = $hall->psql('postgres', q{INSERT INTO hall.car VALUES (123, 'plate 123')});
like($err, qr/chain "main" takes no rows yet.*city\/insurer/s, 'it says whom it waits for');
$city->node('insurer')->start;
recovered('the peer is back');
$city->sql('hall', q{INSERT INTO hall.car VALUES (123, 'plate 123')});
ok($city->settle, 'it goes on');
no_fork($before, 'no fork');
like($city->sql('hall', q{SELECT leaf FROM seoulchain.event WHERE leaf LIKE '%resume_signing%'}), qr/asked its peers: city\/insurer holds \d+ leaves/, 'what was asked is on the chain');
$city->node('insurer')->stop;
$hall->stop;
forget();
$hall->start;
$city->wait_for('hall', q{SELECT signing LIKE 'suspended: it waits%' FROM seoulchain.seal_status WHERE chain = 'main'}, 'suspended');
$city->sql('hall', q{SELECT seoulchain.recover('main', without => '{city/insurer}')});
recovered('an operator leaves the peer out');
like($city->sql('hall', q{SELECT leaf FROM seoulchain.event WHERE leaf LIKE '%resume_signing%' ORDER BY ledger_seq DESC LIMIT 1}), qr/city\/insurer was left out by an operator/, 'which is on the chain');
$city->node('insurer')->start;
$city->sql('hall', q{INSERT INTO hall.car VALUES (124, 'plate 124')});
ok($city->settle, 'it goes on');
$city->same_everywhere('hall', 'hall.car', 'the follower has every row, once');
$city->no_dispute('nobody disputes anything');
$city->all_intact('and verify() has nothing to say');

# a peer that makes up what was signed keeps nobody from anything
$city->sql('insurer', q{ALTER FUNCTION seoulchain.served_chains() RENAME TO honest_chains});
foreach my $lie ('own, height + 1000, tree_size + 1000, root_hash', q{own, height, tree_size, sha256('another')})
{
	$city->sql('insurer', "CREATE OR REPLACE FUNCTION seoulchain.served_chains(OUT origin text, OUT own boolean, OUT height int8, OUT tree_size int8, OUT root_hash bytea)
		RETURNS SETOF record LANGUAGE sql AS \$\$ SELECT origin, $lie FROM seoulchain.honest_chains() \$\$");
	$hall->restart;
	recovered("a peer lies: $lie");
	is($city->sql('hall', q{SELECT count(*) FROM seoulchain.recovery}), '0', 'nothing is recovered');
}
$city->sql('insurer', q{DROP FUNCTION seoulchain.served_chains()});
$city->sql('insurer', q{ALTER FUNCTION seoulchain.honest_chains() RENAME TO served_chains});
# one whose server is another each time it is asked keeps nobody busy: its subscription is made anew with growing pauses
$city->sql('insurer', q{ALTER FUNCTION seoulchain.served_lineage() RENAME TO honest_lineage});
$city->sql('insurer', q{CREATE FUNCTION seoulchain.served_lineage() RETURNS text LANGUAGE sql AS 'SELECT gen_random_uuid()::text'});
$hall->restart;
ok($city->wait_for('hall', q{SELECT count(*) > 0 FROM seoulchain.network_status s WHERE s::text ~ 'it was made anew a moment ago'}), 'a peer that is another each time waits');
$city->sql('insurer', q{DROP FUNCTION seoulchain.served_lineage()});
$city->sql('insurer', q{ALTER FUNCTION seoulchain.honest_lineage() RENAME TO served_lineage});
$city->sql('hall', q{INSERT INTO hall.car VALUES (1124, 'plate 1124')});
ok($city->settle, 'it goes on');

# the insurer is told where hall is now
sub moved
{
	my ($node) = @_;
	$city->{node}{hall} = $hall = $node;
	$city->sql('insurer', sprintf q{SELECT seoulchain.add_peer('city/hall', '%s', '%s', 'peer_hall')}, $city->conninfo('insurer', 'hall'), $city->key('hall'));
	return;
}

# 4. a standby that had not got the last seconds is promoted
$hall->backup('base');
my $standby_keys = key_directory();
system_or_bail('cp', '-a', $city->keys_of('hall') . '/.', $standby_keys);
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($hall, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "seoulchain.sign_key_directory = '$standby_keys'\nport = " . $standby->port . "\n");
$standby->start;
$hall->wait_for_catchup($standby, 'replay', $hall->lsn('insert'));
$standby->stop;
$city->sql('hall', q{INSERT INTO hall.car SELECT i, 'plate ' || i FROM generate_series(125, 160) i});
ok($city->settle('hall'), 'the insurer has what the standby has not');
$city->sql('insurer', q{INSERT INTO insurer.policy VALUES (3, 3)});
ok($city->settle('insurer'), 'and hall something of the insurer');
$before = blocks('insurer') . "\n";
$rows = $city->rows_digest('hall', 'hall.car');
$hall->stop('immediate');
$standby->start;
$standby->promote;
moved($standby);
recovered('a promoted standby');
is($city->rows_digest('hall', 'hall.car'), $rows, 'every row is there again');
no_fork($before, 'the same blocks');
$city->sql('hall', q{INSERT INTO hall.car VALUES (161, 'plate 161')});
$city->sql('insurer', q{INSERT INTO insurer.policy VALUES (4, 4)});
ok($city->settle, 'both go on, over new slots');
no_fork($before, 'no fork');
$city->same_everywhere('hall', 'hall.car', 'the follower has every row, once');
$city->same_everywhere('insurer', 'insurer.policy', 'the promoted one too');
$city->no_dispute('nobody disputes anything');
$city->all_intact('and verify() has nothing to say');

# 5. a cluster made anew: nothing is left but the keys
$before = blocks('insurer') . "\n";
$rows = $city->rows_digest('hall', 'hall.car');
$owners = $city->rows_digest('hall', 'hall.owner');
$hall->stop('immediate');
my $again = ledger_node('again', Seoulchain::City::settings(1), 'seoulchain.sign_key_directory' => $standby_keys);
is($again->safe_psql('postgres', q{SELECT seoulchain.create_node('city/hall')}), $city->key('hall'), 'the node has its key');
$again->safe_psql('postgres', q{CREATE ROLE peer_insurer LOGIN REPLICATION; GRANT pg_read_all_data TO peer_insurer});
moved($again);
$city->sql('hall', sprintf q{SELECT seoulchain.add_peer('city/insurer', '%s', '%s', 'peer_insurer')}, $city->conninfo('hall', 'insurer'), $city->key('insurer'));
$city->sql('hall', q{SELECT seoulchain.recover('main')});
recovered('a cluster made anew');
is($city->rows_digest('hall', 'hall.car'), $rows, 'every row is there again');
is($city->rows_digest('hall', 'hall.owner'), $owners, 'of every table');
no_fork($before, 'the same blocks');
$city->sql('hall', q{SELECT seoulchain.share('main', 'city/insurer'), seoulchain.follow('city/insurer/main')});
$city->sql('hall', q{INSERT INTO hall.car VALUES (162, 'plate 162')});
ok($city->settle, 'both go on');
no_fork($before, 'no fork');
$city->same_everywhere('hall', 'hall.car', 'the follower has every row, once');
$city->same_everywhere('insurer', 'insurer.policy', 'and the new cluster what it follows');
$city->no_dispute('nobody disputes anything');
$city->all_intact('and verify() has nothing to say');
done_testing();
