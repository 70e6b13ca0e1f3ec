# repair(): what was done to the files of a table is undone with rows from peers, each proven; a peer that
# lies is refused; what nothing proves is told and left alone.  Every attack has a database of its own;
# the peers are databases of the same server that hold the same chain.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;
use Seoulchain::Tamper;

use constant { XMIN_COMMITTED => 0x0100, XMIN_INVALID => 0x0200, XMAX_COMMITTED => 0x0400, XMAX_INVALID => 0x0800 };

my $node;
my $db;
my $int = sub { pack('V', shift) };

# changes the tuple of a row: sub gets (\$page, $line)
sub row_edit
{
	my ($row, $edit) = @_;
	my ($table) = split /:/, $row;
	my ($block, $line) = row_tid($row);
	my $page = read_page($node, $db, $table, $block);
	$edit->(\$page, $line);
	write_page($node, $db, $table, $block, $page);
}

# flips a bit where bytes stand in a row
sub flip_in_row
{
	my ($row, $bytes, $shift) = @_;
	row_edit($row, sub { my ($page, $line) = @_; flip($page, $line, find_in_tuple($$page, $line, $bytes) + ($shift // 0)) });
}

# sets and clears bits of a row's infomask
sub mask_edit
{
	my ($row, $set, $clear) = @_;
	row_edit($row, sub {
		my ($page, $line) = @_;
		my $mask = unpack('v', substr(tuple_at($$page, $line), 20, 2));
		set_tuple($page, $line, 20, pack('v', ($mask | $set) & ~$clear & 0xffff));
	});
}

sub first_toast
{
	my $edit = shift;
	my $page = read_page($node, $db, 'toast of t', 0);
	$edit->(\$page, (all_lines($page))[0]);
	write_page($node, $db, 'toast of t', 0, $page);
}

# what is done to t (700 of its rows and 10 more are in blocks, 3 wait), all of which can be undone
my @attacks = (
	[ 'one letter of a text', sub { flip_in_row('t:11', 'row 11', 5) } ],
	[ 'one bit of an indexed number', sub { flip_in_row('t:10', $int->(10)) } ],
	[ 'the number of a row', sub { flip_in_row('t:13', pack('Q<', seq_of('t:13')), 4) } ],
	[ 'the number becomes another row\'s', sub { my $next = pack('Q<', seq_of('t:15'));
			row_edit('t:14', sub { my ($page, $line) = @_; set_tuple($page, $line, find_in_tuple($$page, $line, pack('Q<', seq_of('t:14'))), $next) }) } ],
	[ 'length of a text', sub { row_edit('t:16', sub { my ($page, $line) = @_; set_tuple($page, $line, find_in_tuple($$page, $line, 'row 16') - 1, chr(0xff)) }) } ],
	[ 'dimensions of an array', sub { row_edit('t:18', sub { my ($page, $line) = @_;
			my $at = find_in_tuple($$page, $line, $int->(18) . $int->(19)); set_tuple($page, $line, $at - 8, $int->(100000000)) }) } ],
	[ 'every column becomes NULL', sub { row_edit('t:20', sub { my ($page, $line) = @_; set_tuple($page, $line, 23, chr(0)) }) } ],
	[ 'where the values begin', sub { row_edit('t:22', sub { my ($page, $line) = @_; set_tuple($page, $line, 22, chr(200)) }) } ],
	[ 'inserted by an aborted transaction', sub { mask_edit('t:23', XMIN_INVALID, XMIN_COMMITTED) } ],
	[ 'deleted', sub { mask_edit('t:25', XMAX_COMMITTED, XMAX_INVALID); row_edit('t:25', sub { my ($page, $line) = @_;
			set_tuple($page, $line, 4, substr(tuple_at($$page, $line), 0, 4)) }) } ],
	[ 'a line pointer unused', sub { row_edit('t:26', sub { set_line(@_, 0, 0, 0) }) } ],
	[ 'a line pointer to nowhere', sub { row_edit('t:27', sub { set_line(@_, 8000, 1, 4000) }) } ],
	[ 'a line pointer to another row', sub { row_edit('t:28', sub { my ($page, $line) = @_; set_line($page, $line, line($$page, $line + 1)) }) } ],
	[ 'a page of zeros', sub { write_page($node, $db, 't', 1, "\0" x PAGE) } ],
	[ 'a page of noise', sub { srand(7); write_page($node, $db, 't', 1, join('', map { chr(int(rand(256))) } 1 .. PAGE)) } ],
	[ 'a damaged page header', sub { my $page = read_page($node, $db, 't', 1); substr($page, 14, 2) = pack('v', 60000); write_page($node, $db, 't', 1, $page) } ],
	[ 'fewer line pointers', sub { my $page = read_page($node, $db, 't', 1); substr($page, 12, 2) = pack('v', 24 + 4 * 10); write_page($node, $db, 't', 1, $page) } ],
	[ 'a page put over another', sub { write_page($node, $db, 't', 2, read_page($node, $db, 't', 1)) } ],
	[ 'a page copied to the end', sub { my $page = read_page($node, $db, 't', 1); open(my $fh, '>>:raw', relation_path($node, $db, 't')) or die $!; print $fh $page; close $fh } ],
	[ 'a TOAST chunk', sub { first_toast(sub { my ($page, $line) = @_; flip($page, $line, 200) }) } ],
	[ 'a TOAST chunk lost', sub { first_toast(sub { set_line(@_, 0, 0, 0) }) } ],
	[ 'a page of TOAST of noise', sub { srand(8); write_page($node, $db, 'toast of t', 0, join('', map { chr(int(rand(256))) } 1 .. PAGE)) } ],
	[ 'a TOAST pointer becomes that of nothing', sub { row_edit('t:101', sub { my ($page, $line) = @_; my $tuple = tuple_at($$page, $line);
				my $at = index($tuple, chr(0x01) . chr(18), 24); die 'no TOAST pointer' if $at < 0; flip($page, $line, $at + 2 + 8) }) } ],
);

# makes a database a peer of another
sub add_peer
{
	my ($here, $name, $there) = @_;
	$node->safe_psql($here, sprintf q{INSERT INTO seoulchain.peer SELECT 'seoul.go.kr/%s', 'host=%s port=%s dbname=%s', seoulchain.cosigner_key(), NULL, now(),
		(pg_control_system()).system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())},
		$name, $node->host, $node->port, $there);
}

# the rows of t and s as one number
sub digest { return $node->safe_psql(shift, q{SELECT md5(string_agg(t::text, '|' ORDER BY ledger_seq)) FROM t}) }

sub repair { my ($here, $table) = @_; return $node->safe_psql($here, "SELECT ledger_seq, action, peer, detail FROM seoulchain.repair('$table') ORDER BY action, ledger_seq") }

$node = tamper_node('repair', max_wal_senders => 5, wal_level => 'replica');
my $n = 0;
copy_base($node, $_) foreach qw(good liar);
foreach my $attack (@attacks) { copy_base($node, sprintf('d%03d', ++$n)) }
copy_base($node, $_) foreach qw(lied alone waits tree);
$node->stop;
$n = 0;
foreach my $attack (@attacks)
{
	$db = sprintf('d%03d', ++$n);
	eval { $attack->[1]->(); 1 } or fail("the attack itself: $attack->[0]: $@");
}
foreach my $copy (qw(lied alone tree)) { $db = $copy; flip_in_row('t:40', 'row 40', 5) }
$db = 'liar';
flip_in_row('t:40', 'row 40', 4);
$db = 'waits';
flip_in_row('t:712', 'row 712', 5);
$node->start;

my $whole = digest('base');
is(repair('base', 't'), '', 'a table with nothing wrong: nothing is done');
$n = 0;
foreach my $attack (@attacks)
{
	$db = sprintf('d%03d', ++$n);
	my $name = $attack->[0];
	isnt(join('', faults($node, $db)), '', "$name: is a fault");
	add_peer($db, 'good', 'good');
	my $said = repair($db, 't');
	like($said, qr/row restored\|seoul.go.kr\/good|tuple removed/, "$name: says what it did");
	judge("$name: mended", [ faults($node, $db) ]);
	is(digest($db), $whole, "$name: every row as it was");
	is($node->safe_psql($db, q{SELECT * FROM seoulchain.verify_indexes('t')}), '', "$name: indexes agree");
	is(repair($db, 't'), '', "$name: nothing left to do");
}
is($node->safe_psql('d001', q{SELECT action, ledger_name, peer, octet_length(leaf_hash) FROM seoulchain.repair ORDER BY action}),
	"row restored|public.t|seoul.go.kr/good|32\ntuple removed|public.t||", 'the repair is recorded');
is($node->safe_psql('d001', 'SET enable_seqscan = off; SELECT id FROM t WHERE id = 11'), '11', 'an index finds the row');
is($node->safe_psql('d001', 'VACUUM t; SELECT count(*) FROM t'), '713', 'VACUUM clears dead line pointers away');
is($node->safe_psql('d001', q{VACUUM (FREEZE) t; SELECT * FROM seoulchain.verify()}), '', 'and nothing is wrong then');
$node->stop('immediate');
$node->start;
is(digest('d015'), $whole, 'after a crash every row is there');

# a peer that lies
add_peer('lied', 'a_liar', 'liar');
my $before = digest('lied');
my $said = repair('lied', 't');
like($said, qr/row refused\|seoul.go.kr\/a_liar\|.*not in the final tree/, 'a row that is not in the final tree is refused');
like($said, qr/not repaired/, 'and the table is not repaired');
is(digest('lied'), $before, 'nothing was changed');
is($node->safe_psql('lied', 'SELECT count(*) FROM seoulchain.repair'), '0', 'nothing is recorded');
add_peer('lied', 'b_good', 'good');
$said = repair('lied', 't');
like($said, qr/row refused\|seoul.go.kr\/a_liar/, 'the liar is named again');
like($said, qr/row restored\|seoul.go.kr\/b_good/, 'another peer has the row');
is(digest('lied'), $whole, 'and it is mended');

# nobody to ask, or somebody who does not answer
like(repair('alone', 't'), qr/not repaired\|\|no peer/, 'without peers nothing is repaired');
$node->safe_psql('alone', q{INSERT INTO seoulchain.peer SELECT 'seoul.go.kr/gone', 'host=/nowhere dbname=x', seoulchain.cosigner_key(), NULL, now(), 0, 0});
like(repair('alone', 't'), qr/peer not asked\|seoul.go.kr\/gone/, 'a peer that cannot be reached is told');

# a row that no block holds
add_peer('waits', 'good', 'good');
like(repair('waits', 't'), qr/not repaired\|\|no block holds the row yet/, 'a row that waits for its block cannot be proven');

# compare
add_peer('tree', 'good', 'good');
is($node->safe_psql('base', 'SELECT count(*) FROM seoulchain.served_chains()'), '1', 'what is served');
is($node->safe_psql('tree', q{SELECT relation, ledger_seq, what, here IS NOT NULL, there IS NOT NULL, here <> there FROM seoulchain.compare('seoul.go.kr/good')}),
	'public.t|' . seq_of('t:40') . '|row altered here|t|t|t', 'compare() names the row that differs');
is($node->safe_psql('tree', q{SELECT * FROM seoulchain.compare('seoul.go.kr/good', rows => false)}), '', 'the trees do not differ');
repair('tree', 't');
is($node->safe_psql('tree', q{SELECT * FROM seoulchain.compare('seoul.go.kr/good')}), '', 'after the repair nothing differs');
is($node->safe_psql('d014', q{SELECT * FROM seoulchain.compare('seoul.go.kr/good')}), '', 'nor anywhere else');
$node->safe_psql('tree', q{UPDATE seoulchain.tree SET hashes = overlay(hashes PLACING '\x0102'::bytea FROM 321) WHERE level = 0 AND tile = 0});
like($node->safe_psql('tree', q{SELECT what FROM seoulchain.compare('seoul.go.kr/good', rows => false)}), qr/^(leaf differs)?$/, 'a tile below equal nodes is not gone into');
$node->safe_psql('tree', q{UPDATE seoulchain.tree SET hashes = overlay(hashes PLACING '\x0102'::bytea FROM 1) WHERE level = 1 AND tile = 0});
like($node->safe_psql('tree', q{SELECT what FROM seoulchain.compare('seoul.go.kr/good', rows => false)}), qr/^leaf differs$/, 'a leaf that differs is found from the top down');

# who may
$node->safe_psql('postgres', 'CREATE ROLE nobody LOGIN; CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader');
foreach my $call ("repair('t')", "compare('x')", 'served_chains()', "served_rows('x', '{1}')", "served_faults('x')")
{
	my (undef, undef, $err) = $node->psql('d001', "SET ROLE nobody; SELECT * FROM seoulchain.$call");
	like($err, qr/permission denied for function/, "$call is not everybody's");
}
is($node->safe_psql('d001', q{SET ROLE reader; SELECT array_length(texts, 1) FROM seoulchain.served_rows('seoul.go.kr/test/main', ARRAY[(SELECT ledger_seq FROM t WHERE id = 101)])}),
	'7', 'whoever may read everything may ask for rows, long values too');
$node->stop;

# pages with checksums
$node = tamper_node('checked', checksums => 1, max_wal_senders => 5, wal_level => 'replica');
copy_base($node, $_) foreach qw(good c1);
$node->stop;
$db = 'c1';
flip_in_row('t:11', 'row 11', 5);
$node->start;
add_peer('c1', 'good', 'good');
like(repair('c1', 't'), qr/page made anew/, 'a page whose checksum fails is made anew');
judge('and nothing is wrong then', [ faults($node, 'c1') ]);
is(digest('c1'), digest('base'), 'every row is back');
$node->stop;
done_testing();
