# What stored timestamps are worth: verify(), receipts, seoulchain-verify, dump and restore, and a rewritten chain.
use strict;
use warnings;
use File::Copy;
use File::Path qw(rmtree);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Seoulchain::Test;
use Seoulchain::TimeAuthority;
use Test::More;

my $keys = key_directory();
my $node = ledger_node('stamped', 'seoulchain.sign_key_directory' => $keys, 'seoulchain.seal_interval' => 0);
my $good = Seoulchain::TimeAuthority->new('good');
sub sql { return $node->safe_psql('postgres', shift) }
sub bytea { return q{'\x} . unpack('H*', shift) . q{'::bytea} }

sub stamp
{
	my $kind = shift // 'ec';
	my $request = pack 'H*', sql(q{SELECT encode(seoulchain.timestamp_request(), 'hex')});
	return sql('SELECT tree_size FROM seoulchain.add_timestamp(' . bytea($good->reply($kind, $request)) . ')');
}

# one test: what verify() finds, with the numbers that it tells
sub finds
{
	my ($expected, $what) = @_;
	return is(sql('SELECT fault, relation, ledger_seq, height FROM seoulchain.verify()'), $expected, $what);
}

sql(q{SELECT seoulchain.create_node('seoul.go.kr/city-hall')});
sql(q{CREATE TABLE t (id int, v text) USING ledger; INSERT INTO t VALUES (1, 'one')});
seal($node);
sql(q{SELECT seoulchain.add_time_authority('good', } . bytea(slurp_file($good->file('root.pem'))) . ')');
my $first = stamp('ec');
sql(q{INSERT INTO t VALUES (2, 'two')});
seal($node);
sql(q{INSERT INTO t VALUES (3, 'three')});
seal($node);
my $third = stamp('rsa');
is_intact($node, 'verify() has nothing to say about true tokens');

# the receipt is in the first stamped checkpoint that holds the row
my $seq = sql('SELECT ledger_seq FROM t WHERE id = 2');
my $dir = PostgreSQL::Test::Utils::tempdir();
sub put { my ($name, $text) = @_; open my $f, '>:raw', "$dir/$name" or die; print $f $text; close $f or die; return "$dir/$name" }
my $receipt = put('receipt', sql("SELECT receipt FROM seoulchain.wait_for_seal('t', $seq)") . "\n");
my $token = put('token', pack 'H*', sql("SELECT encode(timestamps[1], 'hex') FROM seoulchain.wait_for_seal('t', $seq)"));
is(sql("SELECT cardinality(timestamps) FROM seoulchain.wait_for_seal('t', $seq)"), '1', 'a token beside the receipt');
my $bin = $node->config_data('--bindir');
my ($out, $err);
IPC::Run::run [ "$bin/seoulchain-verify", '--key', sql('SELECT seoulchain.verifier_key()'), '--timestamp', $token, '--authority', $good->file('root.pem'), $receipt ], '>', \$out, '2>', \$err;
is($? >> 8, 0, 'seoulchain-verify verifies both');
like($out, qr/tree size      $third leaves.*existed by.*says           CN=good rsa/s, 'and tells the time');
sql(q{INSERT INTO t VALUES (4, 'four')});
seal($node);
is(sql("SELECT cardinality(timestamps) FROM t, seoulchain.wait_for_seal('t', ledger_seq) WHERE id = 4"), '0', 'a row that no stamped checkpoint holds has none');
like(sql("SELECT receipt FROM t, seoulchain.wait_for_seal('t', ledger_seq) WHERE id = 1"), qr/\n$first\n/, 'the first row: in the first checkpoint');

# tokens that somebody has written to
sql('CREATE TABLE kept AS SELECT * FROM seoulchain.checkpoint_timestamp');
sub restore { sql('DELETE FROM seoulchain.checkpoint_timestamp; INSERT INTO seoulchain.checkpoint_timestamp SELECT * FROM kept'); return }
my $wrong = 'timestamp wrong|seoulchain.checkpoint_timestamp||0';
sql("UPDATE seoulchain.checkpoint_timestamp SET token = set_byte(token, length(token) - 3, get_byte(token, length(token) - 3) # 1) WHERE tree_size = $first");
finds($wrong, 'a token altered in its signature');
restore();
sql("UPDATE seoulchain.checkpoint_timestamp SET token = '\\x00' WHERE tree_size = $first");
finds($wrong, 'a token that is none');
restore();
sql("UPDATE seoulchain.checkpoint_timestamp SET time = time - interval '1 day' WHERE tree_size = $first");
finds($wrong, 'another time beside it');
restore();
sql("UPDATE seoulchain.checkpoint_timestamp SET latest = time WHERE tree_size = $first");
finds($wrong, 'another accuracy beside it');
restore();
sql("UPDATE seoulchain.checkpoint_timestamp SET digest = sha256('x') WHERE tree_size = $first");
finds($wrong, 'another digest beside it');
restore();
sql('UPDATE seoulchain.checkpoint_timestamp SET chain_id = 99');
is(sql('SELECT DISTINCT fault, relation FROM seoulchain.verify()'), 'timestamp wrong|seoulchain.checkpoint_timestamp', 'of a chain that is not there');
restore();
my $between = sql('SELECT ledger_seq FROM t WHERE id = 2');
sql("UPDATE seoulchain.checkpoint_timestamp SET tree_size = tree_size + 1 WHERE tree_size = $third");
finds("timestamp of another root|seoulchain.checkpoint_timestamp|$between|", 'at a size that has no checkpoint');
restore();
sql("UPDATE seoulchain.checkpoint_timestamp SET tree_size = 1000 WHERE tree_size = $third");
finds("timestamp of another root|seoulchain.checkpoint_timestamp|$between|", 'beyond the chain');
restore();
sql("UPDATE seoulchain.checkpoint_timestamp SET tree_size = (SELECT tree_size FROM seoulchain.block WHERE height = 1) WHERE tree_size = $third");
finds("timestamp of another root|seoulchain.checkpoint_timestamp|$between|1", 'at another block');
restore();
is_intact($node, 'put right again');

# authorities that do not count any more
sql(q{SELECT seoulchain.remove_time_authority('good')});
is(sql('SELECT fault, height FROM seoulchain.verify()'), "timestamp not trusted|0\ntimestamp not trusted|2", 'an authority that was removed');
sql(q{SELECT seoulchain.add_time_authority('good', } . bytea(slurp_file($good->file('root.pem'))) . ')');
sql('SELECT seoulchain.add_time_crl(' . bytea($good->revoke('ec', 'superseded')) . ')');
is_intact($node, 'a certificate revoked later for a harmless reason');
sql('UPDATE seoulchain.time_authority SET certificate = substr(certificate, 1, 50)');
like(sql('SELECT string_agg(DISTINCT fault, $$,$$) FROM seoulchain.verify()'), qr/^row unreadable,timestamp not trusted$/, 'a certificate that is damaged');
sql(q{DELETE FROM seoulchain.time_authority; SELECT seoulchain.add_time_authority('good', } . bytea(slurp_file($good->file('root.pem'))) . ')');

# dump and restore keep tokens, authorities and lists
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $dump = "$dir/dump";
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres'), '--exclude-table=kept' ], 'pg_dump');
{
	local $ENV{PGOPTIONS} = '-c seoulchain.restore=on';
	$node->command_ok([ 'pg_restore', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
}
is($node->safe_psql('restored', 'SELECT count(*) FROM seoulchain.timestamps'), '2', 'the tokens are there');
is_intact($node, 'and verified', 'restored');
$node->safe_psql('restored', q{SELECT seoulchain.remove_time_authority('good')});
is($node->safe_psql('restored', 'SELECT count(*) FROM seoulchain.verify()'), '2', 'without the authority nobody vouches');
$node->safe_psql('restored', q{SELECT seoulchain.open_chain('main')});
pass('which is no reason not to open the chain');
$node->safe_psql('restored', "UPDATE seoulchain.checkpoint_timestamp SET tree_size = 1000 WHERE tree_size = $third; UPDATE seoulchain.chain SET database = 1");
like(($node->psql('restored', q{SELECT seoulchain.open_chain('main')}))[2], qr/cannot be opened: verification found faults/, 'a token of a longer chain is one');

# the chain is rewritten by somebody who has everything: the files, the keys, the signing memory
my ($memory) = glob "$keys/*/memory";
$node->stop;
my $data = $node->data_dir;
PostgreSQL::Test::RecursiveCopy::copypath($data, "$dir/saved");
copy($memory, "$dir/memory") or die;
$node->start;
sql(q{INSERT INTO t VALUES (5, 'the truth')});
seal($node);
my $fifth = stamp('rsa');
my ($insert) = sql(q{SELECT format('INSERT INTO seoulchain.checkpoint_timestamp VALUES (%L, %L, %L, %L, %L, %L, %L)', digest, chain_id, tree_size, time, latest, authority, token)
	FROM seoulchain.checkpoint_timestamp ORDER BY tree_size DESC LIMIT 1});
is_intact($node, 'the true chain');
$node->stop;
rmtree($data);
PostgreSQL::Test::RecursiveCopy::copypath("$dir/saved", $data);
chmod 0700, $data;
copy("$dir/memory", $memory) or die;
$node->start;
sql(q{INSERT INTO t VALUES (5, 'a lie')});
seal($node);
is(sql('SELECT signing FROM seoulchain.seal_status'), 'on', 'the lie is signed');
is_intact($node, 'and whole in itself');
sql($insert);
my ($range) = sql("SELECT min(ledger_seq), 4 FROM t WHERE id >= 4");
finds("timestamp of another root|seoulchain.checkpoint_timestamp|$range", 'but a token of the truth tells which rows may be lies');
sql(q{INSERT INTO t VALUES (6, 'more')});
seal($node);
stamp('rsa');
finds("timestamp of another root|seoulchain.checkpoint_timestamp|$range", 'tokens of the lie do not help');

done_testing();
