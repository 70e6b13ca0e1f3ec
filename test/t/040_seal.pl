# Sealing: what seal() answers, when the worker works, what a block holds, what a forged journal does.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my ($status, $out, $err);
my $node = ledger_node('node', 'seoulchain.seal_interval' => 0);

sub sql { return $node->safe_psql('postgres', shift) }
sub refused
{
	my ($statement, $pattern, $what) = @_;
	my ($st, $o, $e) = $node->psql('postgres', $statement);
	like($e, $pattern, $what);
	return;
}

# what seal() answers
sql('CREATE TABLE t (id int, v text) USING ledger');
is(sql('INSERT INTO t SELECT g, $$v$$ || g FROM generate_series(1, 700) g; SELECT seoulchain.seal()'), '0', 'the first block has height 0');
is(sql('SELECT seoulchain.seal()'), '', 'nothing new: NULL');
is(sql('BEGIN; INSERT INTO t VALUES (701); SELECT seoulchain.seal(); ROLLBACK'), '', 'the own open transaction is not in it');
is(sql('INSERT INTO t VALUES (702); BEGIN; SELECT seoulchain.seal(); ROLLBACK'), '1', 'seal() in a transaction that rolls back');
is(sql('SELECT max(height) FROM seoulchain.block'), '1', 'leaves the block');
is(sql('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t LIMIT 1; COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t LIMIT 1; SELECT seoulchain.seal(); COMMIT'),
	'', 'an old snapshot does not matter');
is(sql('INSERT INTO t VALUES (703)'), '', 'one row more');
is(sql('SELECT seoulchain.seal()'), '2', 'sealed for another session');

# two sessions: one seals what the other wrote; who wrote gets the height all the same
my $writer = $node->background_psql('postgres');
$writer->query_safe('INSERT INTO t VALUES (704)');
sql('SELECT seoulchain.seal()');
is($writer->query_safe('SELECT seoulchain.seal()'), '3', 'the session that wrote learns the height that holds its rows');
$writer->quit;

# errors
refused(q{SELECT seoulchain.seal('nope')}, qr/chain "nope" does not exist/, 'an unknown chain');
refused(q{SELECT seoulchain.checkpoint('main', 99)}, qr/no block 99.*HINT/s, 'an unknown height');
refused(q{SELECT seoulchain.checkpoint('main', final => true)}, qr/no witness policy/, 'final without a policy');
refused(q{SELECT seoulchain.root_hash('main', 999999)}, qr/no tree of 999999 leaves/, 'a size that the chain does not have');
refused(q{SELECT seoulchain.create_chain('witness')}, qr/no name for a chain/, 'a reserved name');
refused(q{SELECT seoulchain.create_chain('Main')}, qr/no name for a chain/, 'an upper-case name');
refused(q{SELECT seoulchain.create_chain('main')}, qr/exists already/, 'a name that is taken');

# an unnamed chain's checkpoint: text, blank line, no signature
like(sql('SELECT seoulchain.checkpoint()'), qr{\Aunnamed/[0-9a-f]{32}/main\n\d+\n[A-Za-z0-9+/]{43}=\n\n?\z}, 'a checkpoint without signature lines');
is(sql('SELECT seoulchain.verifier_key() IS NULL'), 't', 'no key');
is(sql('SELECT signing FROM seoulchain.seal_status'), 'none', 'the status says so');

# links between blocks; the root is the tree's
is(sql(<<'SQL'), '0', 'every block links to the one before');
SELECT count(*) FROM seoulchain.block a LEFT JOIN seoulchain.block b ON b.chain = a.chain AND b.height = a.height - 1
WHERE a.prev_hash <> coalesce(b.block_hash, decode(repeat('00', 32), 'hex')) OR a.first_leaf <> coalesce(b.tree_size, 0)
	OR a.sealed_at < b.sealed_at OR a.root_hash <> seoulchain.root_hash(a.chain, a.tree_size)
SQL

# a transaction that holds a chain's lock would wait for ever, whichever chain it asks the worker for
sql('CREATE TABLE c (id int) USING ledger; CREATE INDEX c_id ON c (id); INSERT INTO c VALUES (1); SELECT seoulchain.seal()');
refused('BEGIN; CLUSTER c USING c_id; SELECT seoulchain.seal(); ROLLBACK', qr/cannot be asked within this transaction.*Commit first/s, 'seal() behind CLUSTER in one transaction');

# limits of a block
$node->append_conf('postgresql.conf', 'seoulchain.seal_max_leaves = 1000');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('seoulchain.seal_max_leaves') = '1000'});
sql('INSERT INTO t SELECT g FROM generate_series(1, 5000) g');
my $before = sql('SELECT max(height) FROM seoulchain.block');
is(sql('SELECT seoulchain.seal()') - $before > 4 ? 'many' : 'few', 'many', 'a long list goes into several blocks');
is(sql('SELECT max(tree_size - first_leaf) <= 1210 FROM seoulchain.block'), 't', 'none larger than the limit and a journal entry');
is(sql('SELECT count(*) FROM seoulchain.journal'), '0', 'nothing is left');
is(sql(<<'SQL'), '', 'blocks take numbers in order');
SELECT height FROM (SELECT height, lower(range_merge(members)) AS lo, lag(upper(range_merge(members))) OVER (ORDER BY height) AS hi FROM seoulchain.block) b
WHERE lo < hi
SQL
$node->append_conf('postgresql.conf', 'seoulchain.seal_max_leaves = 500000');
$node->reload;

# more ranges than a block may have: every second number is rolled back
sql(<<'SQL');
DO $$
BEGIN
	FOR i IN 1 .. 2500 LOOP
		INSERT INTO t VALUES (i);
		BEGIN
			INSERT INTO t VALUES (-i);
			RAISE EXCEPTION 'no';
		EXCEPTION WHEN raise_exception THEN NULL;
		END;
	END LOOP;
END $$
SQL
$before = sql('SELECT max(height) FROM seoulchain.block');
cmp_ok(sql('SELECT seoulchain.seal()'), '>=', $before + 2, 'more than 1,024 ranges go into several blocks');
is(sql('SELECT max(n) FROM (SELECT count(*) AS n FROM seoulchain.block_range GROUP BY height) m'), '1024', 'of 1,024 ranges at most');

# every row exactly once
sub once
{
	my $what = shift;
	is(sql(<<'SQL'), '0', $what);
SELECT count(*) FROM t WHERE 1 <> (SELECT count(*) FROM seoulchain.block_range m WHERE m.lower <= t.ledger_seq AND t.ledger_seq < m.upper)
SQL
	is(sql('SELECT chain_id FROM seoulchain.block_range GROUP BY 1 HAVING sum(upper - lower) + (SELECT count(*) FROM seoulchain.chain_block b WHERE b.chain_id = block_range.chain_id) <> (SELECT max(tree_size) FROM seoulchain.chain_block b WHERE b.chain_id = block_range.chain_id)'),
		'', 'members and block leaves fill the tree');
	return;
}
once('every row is sealed once');

# the journal by hand: a number that is sealed, one twice, bytes that are nothing
# a journal entry: version, count, table_id, first_seq, block, offset, unused, then the hash of each leaf
my $forged = sub {
	my ($seq, $count) = @_;
	my $hex = '0100' . unpack('H4', pack('v', $count)) . '01000000' . unpack('H16', pack('q<', $seq)) . '00' x 8 . 'ab' x 32 x $count;
	return "decode('$hex', 'hex')";
};
my $sealed = sql('SELECT min(ledger_seq) FROM t');
sql('INSERT INTO seoulchain.journal VALUES (1, ' . $forged->($sealed, 1) . ')');
sql('INSERT INTO seoulchain.journal VALUES (1, ' . $forged->(800000000, 3) . '), (1, ' . $forged->(800000002, 2) . ')');
sql(q{INSERT INTO seoulchain.journal VALUES (1, 'rubbish'), (1, '')});
sql('INSERT INTO t VALUES (9999)');
isnt(sql('SELECT seoulchain.seal()'), '', 'a forged journal does not stop sealing');
is(sql('SELECT count(*) FROM seoulchain.journal'), '0', 'nor does it stay');
is(sql('SELECT reason, count(*) FROM seoulchain.rejected GROUP BY 1 ORDER BY 1'), <<'OUT' =~ s/\n\z//r, 'what was not sealed is kept as evidence');
journal entry that cannot be read|2
ledger_seq came twice in the journal|1
ledger_seq was sealed already|1
OUT
once('no number is sealed twice');
is(sql(q{SELECT fault, count(*) FROM seoulchain.verify() GROUP BY 1 ORDER BY 1}), "journal altered|4\nrow missing|4\nsequence altered|1",
	'verify() tells of each, and of what was sealed without rows');

# a transaction with several chains
sql(q{SELECT seoulchain.create_chain('side')});
is(sql(q{SELECT seoulchain.seal('side')}), '0', 'a second chain has its own blocks');

# prepared transactions are sealed when they are committed
$node->append_conf('postgresql.conf', 'seoulchain.seal_interval = 200');
$node->reload;
sql(q{BEGIN; INSERT INTO t VALUES (5001); PREPARE TRANSACTION 'p1'});
sql('SELECT pg_sleep(1)');
is(sql('SELECT seoulchain.seal()'), '', 'a prepared transaction is not sealed');
sql(q{COMMIT PREPARED 'p1'});
ok($node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM t JOIN seoulchain.block_range m ON m.lower <= ledger_seq AND ledger_seq < m.upper WHERE id = 5001)}),
	'it is once it commits, without being asked');
sql(q{BEGIN; INSERT INTO t VALUES (5002); PREPARE TRANSACTION 'p2'});
$node->restart;
sql(q{COMMIT PREPARED 'p2'});
ok($node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM t JOIN seoulchain.block_range m ON m.lower <= ledger_seq AND ledger_seq < m.upper WHERE id = 5002)}),
	'and so is one from before a restart');

# the worker works by itself, and sleeps when there is nothing to do
sql('INSERT INTO t VALUES (5003)');
ok($node->poll_query_until('postgres', q{SELECT NOT pending FROM seoulchain.seal_status WHERE chain = 'main'}), 'committed rows are sealed without being asked');
is(sql(q{SELECT state, application_name FROM pg_stat_activity WHERE backend_type = 'seoulchain sealer'}), 'idle|seoulchain sealer', 'the worker idles');
is(sql(q{SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE backend_type = 'seoulchain sealer'}), '0', 'without locks');
is(sql(q{SELECT backend_xmin FROM pg_stat_activity WHERE backend_type = 'seoulchain sealer'}), '', 'and without a snapshot');

# a waiting seal() can be cancelled; the worker waits for its lock
sql('INSERT INTO t VALUES (5004)');
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK seoulchain.chain_block IN ACCESS EXCLUSIVE MODE');
($status, $out, $err) = $node->psql('postgres', q{SET statement_timeout = '2s'; SELECT seoulchain.seal()});
like($err, qr/canceling statement/, 'a waiting seal() can be cancelled');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'seoulchain sealer'});
$locker->query_safe('COMMIT');
$locker->quit;
isnt(sql('INSERT INTO t VALUES (5005); SELECT seoulchain.seal()'), '', 'a worker that was terminated has a successor');
once('every row is sealed once in the end');
sql(q{SELECT seoulchain.create_chain('aside')});
refused(q{BEGIN; CLUSTER c USING c_id; SELECT seoulchain.seal('aside'); ROLLBACK}, qr/cannot be asked within this transaction.*locked chain "main"/s, 'seal() of another chain behind CLUSTER');

$node->stop;
done_testing();
