# Attacks of a superuser with SQL on the extension's own tables and on the catalogs: each is named.
#
# One list: what is done, and what verify() has to say.  Heights: 0 the tables
# join, ... 5 the last block; base has rows t:1..713 and s:1001..1022, of
# which the last three and two wait in the journal.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;
use Seoulchain::Tamper;

my $node = tamper_node('sql');
my $heap = q{UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE relname IN ('t', 's');};
my $ledger = q{UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger') WHERE relname IN ('t', 's');};
my $last = $node->safe_psql('base', 'SELECT max(height) FROM seoulchain.block');

# a well-formed cosigner key of the node's name that never signed
my $material = chr(4) . ('x' x 32);
my $cosigner = 'seoul.go.kr/test+' . substr(sha256_hex("seoul.go.kr/test\n$material"), 0, 8) . '+' . encode_base64($material, '');

# bytes of a bytea column: flips the lowest bit of byte N
sub flipped { my ($column, $byte) = @_; return "set_byte($column, $byte, get_byte($column, $byte) # 1)" }

is_deeply([ faults($node, 'base') ], [], 'before any attack there is no fault');

my @attacks = (
	# blocks
	[ 'root of a block', "UPDATE seoulchain.chain_block SET root_hash = @{[flipped('root_hash', 5)]} WHERE height = 2",
		'block 2 block altered' ],
	[ 'hash of a block', "UPDATE seoulchain.chain_block SET block_hash = @{[flipped('block_hash', 5)]} WHERE height = 2",
		'block 2 block altered' ],
	[ 'link of a block', "UPDATE seoulchain.chain_block SET prev_hash = @{[flipped('prev_hash', 5)]} WHERE height = 2",
		'block 2 block link broken', 'block 2 block altered' ],
	[ 'time of a block', "UPDATE seoulchain.chain_block SET sealed_at = sealed_at - interval '1 day' WHERE height = 2",
		'block 2 block altered', 'block 2 block order' ],
	[ 'first leaf of a block', 'UPDATE seoulchain.chain_block SET first_leaf = first_leaf + 1 WHERE height = 2',
		'block 2 block altered' ],
	[ 'size of a block', 'UPDATE seoulchain.chain_block SET tree_size = tree_size + 100000 WHERE height = 2',
		'block 2 block altered' ],
	[ 'an absurd size', 'UPDATE seoulchain.chain_block SET tree_size = 9000000000000000000 WHERE height = 2',
		'block 2 block altered' ],
	[ 'members of a block', q{UPDATE seoulchain.chain_block SET members = members - int8multirange(int8range(lower(members), lower(members) + 1)) WHERE height = 2},
		'block 2 block altered' ],
	[ 'a block deleted', 'DELETE FROM seoulchain.chain_block WHERE height = 2', 'block 2 block missing' ],
	[ 'the last block deleted', 'DELETE FROM seoulchain.chain_block WHERE height = (SELECT max(height) FROM seoulchain.chain_block)',
		"block $last block missing" ],
	[ 'a block and its members deleted',
		'DELETE FROM seoulchain.chain_block WHERE height = 2; DELETE FROM seoulchain.block_range WHERE height = 2',
		'block 2 block missing', qr/[st]:\d+ row added/, qr/block 2 .*/ ],
	[ 'a block twice', 'ALTER TABLE seoulchain.chain_block DROP CONSTRAINT chain_block_pkey; DROP INDEX seoulchain.chain_block_tree_size;
		INSERT INTO seoulchain.chain_block SELECT * FROM seoulchain.chain_block WHERE height = 2', 'block 2 block duplicated' ],
	[ 'two blocks exchanged', 'UPDATE seoulchain.chain_block SET height = height + 100 WHERE height = 2; UPDATE seoulchain.chain_block SET height = 2 WHERE height = 3;
		UPDATE seoulchain.chain_block SET height = 3 WHERE height = 102', qr/block 2 .*/, qr/block 3 .*/, qr/block 4 .*/ ],
	[ 'a block moved to a far height', 'UPDATE seoulchain.chain_block SET height = 8000000000 WHERE height = 2',
		'block 2 block missing', 'block 8000000000 block order' ],
	# members
	[ 'a member range deleted', 'DELETE FROM seoulchain.block_range WHERE height = 3', 'block 3 members altered' ],
	[ 'a member range moved', 'UPDATE seoulchain.block_range SET first_leaf = first_leaf + 1 WHERE height = 3', 'block 3 members altered' ],
	[ 'a member range shortened', 'UPDATE seoulchain.block_range SET upper = upper - 1 WHERE height = 3', 'block 3 members altered' ],
	[ 'a member range added', 'INSERT INTO seoulchain.block_range SELECT chain_id, 900000, 900010, 3, 10 FROM seoulchain.chain',
		'block 3 members altered' ],
	# tree
	[ 'a leaf hash', "UPDATE seoulchain.tree SET hashes = @{[flipped('hashes', 32 * 20)]} WHERE level = 0 AND tile = 0",
		't:17 tree node altered', 'block 0 root differs', 'block 2 tree node altered' ],
	[ 'a higher node', "UPDATE seoulchain.tree SET hashes = @{[flipped('hashes', 7)]} WHERE level = 1 AND tile = 0",
		'block 2 tree node altered' ],
	[ 'a leaf hash of the last tile', "UPDATE seoulchain.tree SET hashes = @{[flipped('hashes', 32 * 40)]} WHERE level = 0 AND tile = (SELECT max(tile) FROM seoulchain.tree WHERE level = 0)",
		qr/\S+ tree node altered/, qr/block \d root differs/ ],
	[ 'a tile deleted', 'DELETE FROM seoulchain.tree WHERE level = 0 AND tile = 1', qr/block \d tree node missing/ ],
	[ 'a higher tile deleted', 'DELETE FROM seoulchain.tree WHERE level = 1', qr/block \d tree node missing/ ],
	[ 'a tile added', 'INSERT INTO seoulchain.tree SELECT chain_id, level, 77, hashes, places FROM seoulchain.tree WHERE level = 0 AND tile = 0',
		'chain tree node added' ],
	[ 'hashes behind the last leaf', 'UPDATE seoulchain.tree SET hashes = hashes || substring(hashes FOR 32) WHERE level = 0 AND tile = (SELECT max(tile) FROM seoulchain.tree WHERE level = 0)',
		'chain tree node added' ],
	[ 'a tile cut short', 'UPDATE seoulchain.tree SET hashes = substring(hashes FOR 320) WHERE level = 0 AND tile = 1',
		qr/block \d tree node missing/ ],
	[ 'two leaf hashes exchanged', 'UPDATE seoulchain.tree SET hashes = overlay(overlay(hashes PLACING substring(hashes FROM 321 FOR 32) FROM 353) PLACING substring(hashes FROM 353 FOR 32) FROM 321) WHERE level = 0 AND tile = 1',
		qr/t:\d+ tree node altered/, qr/block \d tree node altered/ ],
	# signatures
	[ 'signature lines', q{UPDATE seoulchain.signature SET lines = replace(lines, substr(lines, length(lines) - 20, 8), 'AAAAAAAA') WHERE height = 3},
		'block 3 signature wrong' ],
	[ 'signature of another block', 'UPDATE seoulchain.signature SET lines = (SELECT lines FROM seoulchain.signature WHERE height = 2) WHERE height = 3',
		'block 3 signature wrong' ],
	[ 'signature text cut off', q{UPDATE seoulchain.signature SET lines = '' WHERE height = 3}, 'block 3 signature wrong' ],
	[ 'a signature deleted', 'DELETE FROM seoulchain.signature WHERE height = 3', 'block 3 signature missing' ],
	# events and registry
	[ 'text of an event', q{UPDATE seoulchain.event SET leaf = replace(leaf, '"name":"v"', '"name":"w"') WHERE ledger_seq = 2},
		'#2 event altered', qr/t.* registry altered/ ],
	[ 'an event deleted', q{DELETE FROM seoulchain.event WHERE ledger_seq = 2}, '#2 event missing', qr/t.* registry altered/ ],
	[ 'an event added', q{INSERT INTO seoulchain.event SELECT chain_id, 90000, table_id, leaf FROM seoulchain.event WHERE ledger_seq = 2},
		'#90000 event added' ],
	[ 'a table taken out of the registry', q{DELETE FROM seoulchain.ledger WHERE ledger_name = 'public.s'},
		's table unknown', qr/#\d+ registry altered/, qr/#\d+ row missing/, qr/chain registry altered/ ],
	[ 'tables exchanged in the registry', q{UPDATE seoulchain.ledger SET relation = CASE ledger_name WHEN 'public.t' THEN 's'::regclass ELSE 't'::regclass END WHERE ledger_name IN ('public.s', 'public.t')},
		qr/[st][:#]\d+ row moved/, qr/[st][:#]\d+ row missing/ ],
	[ 'a ledger name', q{UPDATE seoulchain.ledger SET ledger_name = 'public.x' WHERE ledger_name = 'public.s'},
		qr/s(#\d+)? registry altered/, qr/s:\d+ row altered/, qr/#\d+ registry altered/ ],
	[ 'a table said to be dropped', q{UPDATE seoulchain.ledger SET dropped_seq = 800, relation = 0 WHERE ledger_name = 'public.s'},
		's table unknown', '#800 registry altered' ],
	[ 'a dropped table said to live', q{UPDATE seoulchain.ledger SET dropped_seq = NULL WHERE ledger_name = 'public.gone'},
		qr/#\d+ registry altered/, 'chain table missing', qr/#\d+ row missing/ ],
	[ 'a column deleted', q{DELETE FROM seoulchain.ledger_column WHERE ledger_name = 'ts' AND table_id = (SELECT table_id FROM seoulchain.ledger WHERE ledger_name = 'public.s')},
		qr/s#\d+ registry altered/, qr/s:\d+ row altered/ ],
	[ 'a column renamed', q{UPDATE seoulchain.ledger_column SET ledger_name = 'xx' WHERE ledger_name = 'ts' AND table_id = (SELECT table_id FROM seoulchain.ledger WHERE ledger_name = 'public.s')},
		qr/s#\d+ registry altered/, qr/s:\d+ row altered/ ],
	[ 'a column said to be younger', q{UPDATE seoulchain.ledger_column SET joined_seq = 99999 WHERE ledger_name = 'ts' AND table_id = (SELECT table_id FROM seoulchain.ledger WHERE ledger_name = 'public.s')},
		qr/s#\d+ registry altered/, qr/s:\d+ row altered/ ],
	[ 'acceptance times said to begin later', q{UPDATE seoulchain.ledger SET time_seq = 99999 WHERE ledger_name = 'public.s'},
		qr/s?#\d+ registry altered/, qr/s:\d+ row altered/ ],
	[ 'acceptance times said not to be', q{UPDATE seoulchain.ledger SET time_seq = NULL WHERE ledger_name = 'public.s'},
		qr/s#\d+ registry altered/, qr/s:\d+ row altered/ ],
	[ 'the log key', q{UPDATE seoulchain.chain SET log_key = replace(log_key, substr(log_key, length(log_key) - 10, 6), 'AAAAAA')},
		'chain registry altered', qr/block \d signature wrong/ ],
	[ 'the cosigner key', "UPDATE seoulchain.node SET cosigner_key = '$cosigner'", qr/block \d signature wrong/ ],
	[ 'nonsense as cosigner key', q{UPDATE seoulchain.node SET cosigner_key = 'seoul.go.kr/test+00000000+BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'},
		qr/block \d signature wrong/ ],
	[ 'the origin', q{UPDATE seoulchain.chain SET origin = 'seoul.go.kr/test/other'},
		qr/chain registry altered/, qr/block \d block altered/, qr/[st]:\d+ row altered/, qr/block \d signature wrong/ ],
	[ 'the chain deleted', 'DELETE FROM seoulchain.chain',
		qr/.*registry altered/, qr/chain tree node added/, qr/chain journal altered/ ],
	[ 'a chain twice', 'ALTER TABLE seoulchain.chain DROP CONSTRAINT chain_pkey, DROP CONSTRAINT chain_name_key, DROP CONSTRAINT chain_origin_key;
		INSERT INTO seoulchain.chain SELECT * FROM seoulchain.chain', 'chain registry altered' ],
	[ 'a table said to be a view', q{CREATE VIEW w AS SELECT * FROM s; UPDATE seoulchain.ledger SET relation = 'w'::regclass WHERE ledger_name = 'public.s'},
		's table unknown', 'w registry altered' ],
	[ 'a table said to be an index', q{UPDATE seoulchain.ledger SET relation = 't_id'::regclass WHERE ledger_name = 'public.s'},
		's table unknown', 't_id registry altered' ],
	[ 'a table said to be no relation', q{UPDATE seoulchain.ledger SET relation = 4000000000 WHERE ledger_name = 'public.s'},
		's table unknown', '4000000000 table missing', qr/4000000000#\d+ row missing/ ],
	[ 'the sequence set back', q{SELECT setval('seoulchain.chain_1_seq', 1, false)}, qr/seoulchain.chain_1_seq#\d+ sequence altered/ ],
	# journal
	[ 'the journal emptied', 'DELETE FROM seoulchain.journal', qr/[st]:\d+ row added/ ],
	[ 'the journal filled again', 'INSERT INTO seoulchain.journal SELECT * FROM seoulchain.journal', qr/#\d+ journal altered|[st]:\d+ journal altered/ ],
	[ 'a hash in the journal', "UPDATE seoulchain.journal SET entries = @{[flipped('entries', 30)]}", qr/[st]:\d+ row altered/ ],
	[ 'a journal entry without a row', q{INSERT INTO seoulchain.journal SELECT chain_id, set_byte(set_byte(entries, 9, 100), 2, 1) FROM seoulchain.journal LIMIT 1},
		qr/.*(journal altered|row missing)/, qr/.*sequence altered/ ],
	[ 'what the sealer rejected', q{INSERT INTO seoulchain.rejected SELECT chain_id, 77, 1, NULL, NULL, 'by hand', now() FROM seoulchain.chain},
		qr/#77 journal altered/ ],
	# rows, with the access method exchanged in the catalog
	[ 'an acceptance time', "$heap UPDATE s SET ledger_time = ledger_time - interval '1 hour' WHERE id = 1005; $ledger", 's:1005 row altered' ],
	[ 'no acceptance time', "$heap UPDATE s SET ledger_time = NULL WHERE id = 1005; $ledger", 's:1005 row altered' ],
	[ 'UPDATE', "$heap UPDATE t SET v = 'forged' WHERE id = 10; $ledger", 't:10 row altered' ],
	[ 'UPDATE of a row that waits', "$heap UPDATE t SET v = 'forged' WHERE id = 712; $ledger", 't:712 row altered' ],
	[ 'UPDATE of a number', "$heap UPDATE t SET ledger_seq = 70000 WHERE id = 10; $ledger", 't#70000 row added', 't:10 row missing' ],
	[ 'UPDATE of a number to NULL', "$heap UPDATE t SET ledger_seq = NULL WHERE id = 10; $ledger", 't row added', 't:10 row missing' ],
	[ 'DELETE', "$heap DELETE FROM t WHERE id IN (11, 12); $ledger", 't:11 row missing', 't:12 row missing' ],
	[ 'DELETE of a row that waits', "$heap DELETE FROM t WHERE id = 712; $ledger", 't:712 row missing' ],
	[ 'DELETE and VACUUM', [ "$heap DELETE FROM t WHERE id IN (11, 12); $ledger", 'VACUUM t' ], 't:11 row missing', 't:12 row missing' ],
	[ 'INSERT', "$heap INSERT INTO t(id, ledger_seq) VALUES (1, 70000); $ledger", 't#70000 row added' ],
	[ 'INSERT without a number', "$heap INSERT INTO t(id) VALUES (1); $ledger", 't row added' ],
	[ 'INSERT of a number in use', "$heap INSERT INTO t SELECT * FROM t WHERE id = 13; $ledger", 't:13 row duplicated' ],
	[ 'TRUNCATE', "$heap TRUNCATE s; $ledger", qr/s:\d+ row missing/ ],
	[ 'a row moved to another table', "$heap INSERT INTO s SELECT * FROM t WHERE id = 14; DELETE FROM t WHERE id = 14; $ledger",
		qr/s#\d+ row moved/, 't:14 row missing' ],
	[ 'values of two rows exchanged', "$heap UPDATE t SET v = CASE id WHEN 15 THEN 'row 16' ELSE 'row 15' END WHERE id IN (15, 16); $ledger",
		't:15 row altered', 't:16 row altered' ],
	[ 'left as heap', $heap, 's table replaced', 't table replaced' ],
	[ 'files of two tables exchanged', q{UPDATE pg_class c SET relfilenode = (SELECT relfilenode FROM pg_class o WHERE o.relname = CASE c.relname WHEN 't' THEN 's' ELSE 't' END) WHERE relname IN ('t', 's')},
		qr/[st][:#]\d+ row moved/, qr/[st][:#]\d+ row missing/, 's row unreadable' ],
	[ 'type of a column', q{UPDATE pg_attribute SET atttypid = 'date'::regtype WHERE attname = 'id' AND attrelid = 's'::regclass},
		qr/s:\d+ row altered/ ],
	[ 'row and leaf hash both', "$heap UPDATE t SET v = 'forged' WHERE id = 705; $ledger
		UPDATE seoulchain.tree SET hashes = overlay(hashes PLACING seoulchain.leaf_hash('t', (SELECT ledger_seq FROM t WHERE id = 705))
			FROM 1 + 32 * (seoulchain.leaf_index('t', (SELECT ledger_seq FROM t WHERE id = 705)) % 256)::int)
		WHERE level = 0 AND tile = seoulchain.leaf_index('t', (SELECT ledger_seq FROM t WHERE id = 705)) / 256",
		"block $last root differs" ],
);

my $n = 0;
foreach my $attack (@attacks)
{
	my ($name, $sql, @expected) = @$attack;
	my $db = sprintf('a%03d', ++$n);

	copy_base($node, $db);
	foreach my $step (ref $sql ? @$sql : $sql)
	{
		my ($status, $out, $err) = $node->psql($db, "SET allow_system_table_mods = on; $step");
		($status, $out, $err) = $node->psql($db, $step) if $step =~ /^VACUUM/;
		is($status, 0, "the attack itself works: $name") or diag($err) if $status != 0;
	}
	judge($name, [ faults($node, $db) ], @expected);
	$node->safe_psql('postgres', "DROP DATABASE $db");
}
cmp_ok($n, '>=', 40, "$n attacks");

# histories that are whole in themselves, against a checkpoint that was kept
my $late = kept('late');
my $early = kept('early');
is_deeply([ faults($node, 'base', "SELECT relation, ledger_seq, height, fault FROM seoulchain.verify(NULL, '$_->[1]')") ], [],
	"a checkpoint that is extended: $_->[0]") foreach [ late => $late ], [ early => $early ];
my $other = $early =~ s/^(\S+)\n\d+/$1\n99999/r;
judge('a checkpoint beyond the chain, badly signed',
	[ faults($node, 'base', "SELECT relation, ledger_seq, height, fault FROM seoulchain.verify(NULL, '$other')") ],
	'chain checkpoint not extended', 'chain checkpoint signature wrong');
my $forged = $early =~ s/^(\S+)\n(\d+)\n./$1\n$2\nA/r;
judge('a checkpoint of another history',
	[ faults($node, 'base', "SELECT relation, ledger_seq, height, fault FROM seoulchain.verify(NULL, '$forged')") ],
	'chain checkpoint not extended', 'chain checkpoint signature wrong');
my $foreign = $early =~ s/^\S+/seoul.go.kr\/other\/main/r;
judge('a checkpoint of a chain that is not here',
	[ faults($node, 'base', "SELECT relation, ledger_seq, height, fault FROM seoulchain.verify(NULL, '$foreign')") ],
	'chain checkpoint not extended');
my ($status, $out, $err) = $node->psql('base', q{SELECT * FROM seoulchain.verify(NULL, 'nonsense')});
like($err, qr/the checkpoint cannot be read/, 'what is no checkpoint is an error');

# the last blocks taken off without a trace: only the kept checkpoint tells
copy_base($node, 'shorter');
$node->safe_psql('shorter', "SET allow_system_table_mods = on; $heap DELETE FROM t WHERE id > 700; DELETE FROM s WHERE id > 1020; $ledger
	DELETE FROM seoulchain.journal; DELETE FROM seoulchain.signature WHERE height = $last; DELETE FROM seoulchain.block_range WHERE height = $last;
	DELETE FROM seoulchain.chain_block WHERE height = $last;
	UPDATE seoulchain.tree SET hashes = substring(hashes FOR 32 * ((SELECT max(tree_size) FROM seoulchain.chain_block) % 256)::int) WHERE level = 0 AND tile = (SELECT max(tree_size) / 256 FROM seoulchain.chain_block);
	DELETE FROM seoulchain.tree WHERE level = 0 AND tile > (SELECT max(tree_size) / 256 FROM seoulchain.chain_block)");
is_deeply([ faults($node, 'shorter') ], [], 'a history cut short is whole in itself');
judge('but the kept checkpoint tells',
	[ faults($node, 'shorter', "SELECT relation, ledger_seq, height, fault FROM seoulchain.verify(NULL, '$late')") ],
	'chain checkpoint not extended');

# another history of the same length, sealed anew in a copy
$node->safe_psql('shorter', q{SELECT seoulchain.open_chain('main')});
$node->safe_psql('shorter', q{INSERT INTO t (id) SELECT generate_series(1, 20)});
$node->psql('shorter', q{SELECT seoulchain.seal()});
$node->poll_query_until('shorter', "SELECT max(height) >= $last FROM seoulchain.block") or die 'not sealed';
is_deeply([ faults($node, 'shorter') ], [], 'a history sealed anew is whole in itself');
judge('the kept checkpoint tells that too',
	[ faults($node, 'shorter', "SELECT relation, ledger_seq, height, fault FROM seoulchain.verify(NULL, '$late')") ],
	'chain checkpoint not extended');

# one table only
copy_base($node, 'one');
$node->safe_psql('one', "SET allow_system_table_mods = on; $heap UPDATE t SET v = 'forged' WHERE id = 10; DELETE FROM s WHERE id = 1003; $ledger");
judge('verify of one table does not tell of the other',
	[ faults($node, 'one', q{SELECT relation, ledger_seq, height, fault FROM seoulchain.verify('t')}) ], 't:10 row altered');
judge('nor the other way round',
	[ faults($node, 'one', q{SELECT relation, ledger_seq, height, fault FROM seoulchain.verify('s')}) ], 's:1003 row missing');

# a copy is opened only when nothing is wrong with it
($status, $out, $err) = $node->psql('one', q{SELECT seoulchain.open_chain('main')});
like($err, qr/verification found faults.*Faults found: 2/s, 'open_chain refuses and counts the faults');

$node->stop;
done_testing();
