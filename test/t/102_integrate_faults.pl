# What a follower does with blocks that are not right, and what makes it wait instead of accusing anybody.
use strict;
use warnings;
use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::Test;
use Test::More;

my $city = Seoulchain::City->new(nodes => [qw(a b)], settings => { 'seoulchain.seal_interval' => '200ms' });
sub a { return $city->sql('a', shift) }
sub b { return $city->sql('b', shift) }
$city->join_with('b', 'a');
ok($city->settle, 'two nodes follow each other');

# what b's status says of a chain
sub status { my ($chain, $column) = @_; return b("SELECT $column FROM seoulchain.seal_status WHERE chain = '" . $city->origin('a', $chain) . "'") }

# while b's chain is locked (by CLUSTER of another table of it), rows, blocks and announcements of it gather there
sub gather
{
	my ($chain, $code) = @_;
	my $lock = $city->node('b')->background_psql('postgres');
	my $index = b("SELECT c.relname FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'a.${chain}_lock'::regclass LIMIT 1");
	$lock->query_safe("BEGIN; CLUSTER a.${chain}_lock USING $index");
	$code->();
	$lock->query_safe('COMMIT');
	$lock->quit;
	return;
}

# the announcement of a's newest block has come to b
sub announced
{
	my $chain = shift;
	my $height = a("SELECT max(height) FROM seoulchain.block WHERE chain = '$chain'");
	$city->wait_for('b', "SELECT count(*) = 1 FROM seoulchain.message WHERE kind = 'block' AND origin = '" . $city->origin('a', $chain) . "' AND number = $height");
	return $height;
}

# one test: b disputes that block with that word, stays below it, says so, and does not cosign
sub disputed
{
	my ($chain, $height, $fault) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $origin = $city->origin('a', $chain);
	ok($city->wait_for('b', "SELECT count(*) = 1 FROM seoulchain.dispute WHERE origin = '$origin'"), "$chain: it is disputed");
	is(b("SELECT height, fault, proof, evidence IS NOT NULL FROM seoulchain.dispute WHERE origin = '$origin'"), "$height|$fault|f|t", "$chain: as $fault");
	is(status($chain, 'height'), $height - 1, "$chain: the block is not integrated");
	like(status($chain, 'waiting'), qr/^\Q$fault\E: /, "$chain: the status says why");
	ok($city->wait_for('b', "SELECT signing LIKE 'suspended: %' FROM seoulchain.seal_status WHERE chain = '$origin'"), "$chain: nothing is cosigned");
	a("INSERT INTO a.$chain VALUES (1000)");
	$city->seal('a', $chain);
	announced($chain);
	ok($city->wait_for('b', "SELECT count(*) = 1 FROM a.$chain WHERE id = 1000"), "$chain: rows go on arriving");
	return is(b("SELECT count(*) FROM seoulchain.dispute WHERE origin = '$origin'"), 1, "$chain: it is disputed once");
}

foreach my $chain (qw(missing twice forged))
{
	ok($city->follow_table('a', $chain, 'id int', 'b'), "$chain: followed");
	a("SET seoulchain.default_chain = '$chain'; CREATE TABLE a.${chain}_lock (id int) USING ledger");
	a("INSERT INTO a.$chain SELECT generate_series(1, 5)");
	ok($city->wait_cosigned('a', chain => $chain), "$chain: cosigned");
}

# a row that is sealed, but was never sent
my $link = a('SELECT pubname FROM pg_publication');
a("BEGIN; ALTER PUBLICATION $link DROP TABLE a.missing; INSERT INTO a.missing VALUES (6); ALTER PUBLICATION $link ADD TABLE a.missing; COMMIT");
$city->seal('a', 'missing');
disputed('missing', announced('missing'), 'row missing');

# two leaves with one number
my $height;
gather('twice', sub {
	a('INSERT INTO a.twice VALUES (6)');
	$city->seal('a', 'twice');
	$height = announced('twice');
	my $copy = b("SELECT chain_id FROM seoulchain.chain WHERE name = '" . $city->origin('a', 'twice') . "'");
	$city->wait_for('b', "SELECT count(*) > 0 FROM seoulchain.journal_copy WHERE chain_id = $copy");
	b("INSERT INTO seoulchain.journal_copy SELECT * FROM seoulchain.journal_copy WHERE chain_id = $copy");
});
disputed('twice', $height, 'row twice');

# a signature of somebody else
gather('forged', sub {
	a('INSERT INTO a.forged VALUES (6)');
	$city->seal('a', 'forged');
	$height = announced('forged');
	b("UPDATE seoulchain.message SET body = left(body, -20) || 'AAAA' || right(body, 16) WHERE kind = 'block' AND number = $height AND origin = '" . $city->origin('a', 'forged') . "'");
});
disputed('forged', $height, 'not signed');

# a clock that is ahead: held back, not accused
ok($city->follow_table('a', 'ahead', 'id int', 'b'), 'ahead: followed');
a("UPDATE seoulchain.chain_block SET sealed_at = clock_timestamp() + '70 s' WHERE (chain_id, height) = (SELECT chain_id, max(height)
	FROM seoulchain.chain_block JOIN seoulchain.chain USING (chain_id) WHERE name = 'ahead' GROUP BY chain_id); INSERT INTO a.ahead VALUES (1)");
my $size = $city->seal('a', 'ahead');
my $ahead = $city->origin('a', 'ahead');
ok($city->wait_for('b', "SELECT waiting LIKE '%60 s ahead%' AND tree_size < $size FROM seoulchain.seal_status WHERE chain = '$ahead'"), 'ahead: the block waits');
ok($city->wait_for('b', "SELECT waiting IS NULL AND tree_size = $size FROM seoulchain.seal_status WHERE chain = '$ahead'"), 'ahead: until the time has come');
ok($city->wait_cosigned('a', chain => 'ahead'), 'ahead: then it is cosigned');

# a table whose name is taken: its event, its rows and its blocks wait
b('CREATE TABLE a.taken (something text)');
a("SELECT seoulchain.create_chain('taken')");
a("SET seoulchain.default_chain = 'taken'; CREATE TABLE a.taken (id int) USING ledger; INSERT INTO a.taken VALUES (1), (2)");
$city->follow('b', 'a', 'taken');
$size = $city->seal('a', 'taken');
my $taken = $city->origin('a', 'taken');
ok($city->wait_for('b', "SELECT waiting IS NOT NULL FROM seoulchain.seal_status WHERE chain = '$taken'"), 'taken: the copy waits');
b('DROP TABLE a.taken');
ok($city->wait_cosigned('a', chain => 'taken'), 'taken: once the name is free, it goes on by itself');

is(b(q{SELECT count(*) FROM seoulchain.dispute WHERE origin !~ '/(missing|twice|forged)$'}), 0, 'nothing else is disputed');
is(a('SELECT count(*) FROM seoulchain.dispute'), 0, 'nor does the origin dispute anything');
ok($city->wait_cosigned('b'), 'the other way round all is well');

# approved algorithms only: ECDSA lines, whose form states no time
my $module = '/usr/lib/softhsm/libsofthsm2.so';
my $token = -e $module ? PostgreSQL::Test::Utils::tempdir() : undef;
if ($token)
{
	mkdir "$token/tokens", 0700 or die;
	$ENV{SOFTHSM2_CONF} = "$token/softhsm2.conf";
	append_to_file($ENV{SOFTHSM2_CONF}, "directories.tokendir = $token/tokens\nobjectstore.backend = file\nlog.level = ERROR\n");
	append_to_file("$token/pin", "5678\n");
	chmod 0600, "$token/pin";
	run_log([ 'softhsm2-util', '--init-token', '--free', '--label', 'd', '--so-pin', '1234', '--pin', '5678' ]) or die;
	run_log([ 'pkcs11-tool', '--module', $module, '--token-label', 'd', '--login', '--pin', '5678', '--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'node', '--id', '01' ]) or die;
}
my $approved = Seoulchain::City->new(nodes => [qw(c d)], settings => { 'seoulchain.sign_profile' => 'kcmvp', 'seoulchain.sign_pkcs11_module' => $token ? $module : '' });
$approved->join_with('c', 'd');
$approved->sql('d', 'CREATE SCHEMA d; CREATE TABLE d.t (id int) USING ledger; INSERT INTO d.t VALUES (1)');
ok($approved->settle, 'under the approved-algorithms profile, too');
like($approved->sql('c', q{SELECT cosigner_key FROM seoulchain.peer}), qr{^city/d\+[0-9a-f]{8}\+A[g-v]}, 'with ECDSA keys');

# a witness whose key is in hardware, and one whose hardware is away for a while
SKIP:
{
	skip 'SoftHSM2 is not installed', 5 if !$token;
	my $key = $approved->sql('d', "SELECT seoulchain.rotate_cosigner_key('pkcs11:token=d;object=node?pin-source=file:$token/pin')");
	$approved->settle;
	$approved->sql('c', 'CREATE SCHEMA c; CREATE TABLE c.t (id int) USING ledger; INSERT INTO c.t VALUES (1)');
	ok($approved->wait_cosigned('c'), 'a witness with its key in hardware cosigns');
	my ($id) = $key =~ /^city\/d\+([0-9a-f]{8})/;
	my ($line) = $approved->sql('c', q{SELECT line FROM seoulchain.cosignature WHERE witness = 'city/d' ORDER BY tree_size DESC LIMIT 1}) =~ /^\S+ city\/d (\S+)/;
	is(substr(unpack('H*', decode_base64($line)), 0, 8), $id, 'with that key');
	# pulled out under the worker, which has the key open
	run_log([ 'cp', '-a', "$token/tokens", "$token/away" ]) or die;
	run_log([ 'softhsm2-util', '--delete-token', '--token', 'd' ]) or die;
	$approved->sql('c', 'INSERT INTO c.t VALUES (2)');
	my $to = $approved->seal('c');
	ok($approved->wait_for('d', "SELECT tree_size = $to AND last_error IS NOT NULL FROM seoulchain.seal_status WHERE chain = '" . $approved->origin('c') . "'"), 'without the token it integrates, and its status has the error');
	is($approved->sql('c', "SELECT count(*) FROM seoulchain.cosignature WHERE tree_size = $to AND witness = 'city/d'"), 0, 'and cosigns nothing');
	rename "$token/tokens", "$token/gone" or die;
	rename "$token/away", "$token/tokens" or die;
	ok($approved->wait_for('c', "SELECT count(*) = 1 FROM seoulchain.cosignature WHERE tree_size = $to AND witness = 'city/d'"), 'once it is back, it goes on by itself') or diag $approved->sql('d', 'SELECT chain, signing, last_error FROM seoulchain.seal_status');
}
$approved->no_dispute('and nobody disputes');

done_testing();
