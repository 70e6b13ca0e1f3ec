# Attacks on the files of a stopped server: bytes of rows, line pointers, pages, TOAST, tiles,
# blocks, journal.  Each in a database of its own, all at one stop; each is named.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;
use Seoulchain::Tamper;

# infomask bits (access/htup_details.h)
use constant { HASNULL => 0x0001, XMIN_COMMITTED => 0x0100, XMIN_INVALID => 0x0200, XMAX_COMMITTED => 0x0400, XMAX_INVALID => 0x0800 };

my $node;
my $db;    # of the attack at hand

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

# changes every tuple of any relation in which bytes stand: sub gets (\$page, $line, $at)
sub bytes_edit
{
	my ($relation, $bytes, $edit) = @_;
	my $blocks = (-s relation_path($node, $db, $relation)) / PAGE;
	my $edited = 0;
	foreach my $block (0 .. $blocks - 1)
	{
		my $page = read_page($node, $db, $relation, $block);
		foreach my $line (all_lines($page))
		{
			my $at = index(tuple_at($page, $line), $bytes, 23);
			next if $at < 0;
			$edit->(\$page, $line, $at);
			$edited++;
		}
		write_page($node, $db, $relation, $block, $page);
	}
	die "$relation has no " . unpack('H*', $bytes) if !$edited;
}

# the first tuple of a page
sub first_edit
{
	my ($relation, $edit) = @_;
	my $page = read_page($node, $db, $relation, 0);
	$edit->(\$page, (all_lines($page))[0]);
	write_page($node, $db, $relation, 0, $page);
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

# the rows whose tid is in a block
sub rows_in_block { my ($table, $block, @ids) = @_; return grep { (row_tid($_))[0] == $block } map { "$table:$_" } @ids }

sub file_edit
{
	my ($relation, $mode, $edit) = @_;
	my $path = relation_path($node, $db, $relation);
	open(my $fh, $mode, $path) or die "$path: $!";
	binmode $fh;
	$edit->($fh);
	close($fh) or die $!;
}

my $int = sub { pack('V', shift) };
my @t = (1 .. 713);

# name, what is done, what verify() has to say
my @attacks = (
	# values
	[ 'one bit of an integer', sub { flip_in_row('t:10', $int->(10)) }, 't:10 row altered' ],
	[ 'one letter of a text', sub { flip_in_row('t:11', 'row 11', 5) }, 't:11 row altered' ],
	[ 'one bit of a time', sub { flip_in_row('t:12', $int->(12), 0); }, 't:12 row altered' ],
	[ 'one bit of a row that waits', sub { flip_in_row('t:712', 'row 712', 5) }, 't:712 row altered' ],
	[ 'the number of a row', sub { flip_in_row('t:13', pack('Q<', seq_of('t:13')), 4) }, 't#' . '%BIG%' . ' row added', 't:13 row missing' ],
	[ 'the number becomes another row\'s', sub { my $next = pack('Q<', seq_of('t:15'));
			row_edit('t:14', sub { my ($page, $line) = @_; set_tuple($page, $line, find_in_tuple($$page, $line, pack('Q<', seq_of('t:14'))), $next) }) },
		qr/t:15 row (altered|duplicated)/, 't:14 row missing' ],
	# forms of values
	[ 'length of a text', sub { row_edit('t:16', sub { my ($page, $line) = @_; set_tuple($page, $line, find_in_tuple($$page, $line, 'row 16') - 1, chr(0xff)) }) },
		't:16 row unreadable' ],
	[ 'length of a text becomes 0', sub { row_edit('t:16', sub { my ($page, $line) = @_; set_tuple($page, $line, find_in_tuple($$page, $line, 'row 16') - 1, chr(0x01)) }) },
		qr/t:16 row unreadable/ ],
	[ 'a text becomes a TOAST pointer in memory', sub { row_edit('t:17', sub { my ($page, $line) = @_; set_tuple($page, $line, find_in_tuple($$page, $line, 'row 17') - 1, chr(0x01) . chr(1)) }) },
		't:17 row unreadable' ],
	[ 'dimensions of an array', sub { row_edit('t:18', sub { my ($page, $line) = @_;
			my $at = find_in_tuple($$page, $line, $int->(18) . $int->(19)); set_tuple($page, $line, $at - 8, $int->(100000000)) }) },
		't:18 row unreadable' ],
	[ 'element type of an array', sub { row_edit('t:18', sub { my ($page, $line) = @_;
			my $at = find_in_tuple($$page, $line, $int->(18) . $int->(19)); set_tuple($page, $line, $at - 12, $int->(25)) }) },
		't:18 row unreadable' ],
	[ 'an array says that it has nulls', sub { row_edit('t:18', sub { my ($page, $line) = @_;
			my $at = find_in_tuple($$page, $line, $int->(18) . $int->(19)); set_tuple($page, $line, $at - 16, $int->(7777)) }) },
		't:18 row unreadable' ],
	[ 'entries of a jsonb', sub { row_edit('t:19', sub { my ($page, $line) = @_; set_tuple($page, $line, find_in_tuple($$page, $line, 'ideven') - 12, $int->(0x8fffffff)) }) },
		't:19 row unreadable' ],
	[ 'count of a jsonb', sub { row_edit('t:19', sub { my ($page, $line) = @_; set_tuple($page, $line, find_in_tuple($$page, $line, 'ideven') - 20, $int->(0x2fffffff)) }) },
		't:19 row unreadable' ],
	[ 'a key of a jsonb', sub { flip_in_row('t:19', 'ideven', 3) }, 't:19 row altered' ],
	# tuple headers
	[ 'every column becomes NULL', sub { row_edit('t:20', sub { my ($page, $line) = @_; set_tuple($page, $line, 23, chr(0)) }) }, 't row added', 't:20 row missing' ],
	[ 'fewer columns', sub { row_edit('t:21', sub { my ($page, $line) = @_; set_tuple($page, $line, 18, pack('v', 3)) }) },
		't row added', 't:21 row missing' ],
	[ 'more columns than the table has', sub { row_edit('t:21', sub { my ($page, $line) = @_; set_tuple($page, $line, 18, pack('v', 900)) }) },
		't:21 row unreadable' ],
	[ 'where the values begin', sub { row_edit('t:22', sub { my ($page, $line) = @_; set_tuple($page, $line, 22, chr(200)) }) },
		't:22 row unreadable' ],
	[ 'inserted by an aborted transaction', sub { mask_edit('t:23', XMIN_INVALID, XMIN_COMMITTED) }, 't:23 row missing' ],
	[ 'inserted by a transaction to come', sub { mask_edit('t:24', 0, XMIN_COMMITTED | XMIN_INVALID);
			row_edit('t:24', sub { my ($page, $line) = @_; set_tuple($page, $line, 0, $int->(1000000)) }) }, 't:24 row missing' ],
	[ 'inserted by a transaction before all', sub { mask_edit('t:24', 0, XMIN_COMMITTED | XMIN_INVALID);
			row_edit('t:24', sub { my ($page, $line) = @_; set_tuple($page, $line, 0, $int->(4000000000)) }) }, qr/t:24 row (unreadable|missing)/ ],
	[ 'deleted', sub { mask_edit('t:25', XMAX_COMMITTED, XMAX_INVALID); row_edit('t:25', sub { my ($page, $line) = @_;
			set_tuple($page, $line, 4, substr(tuple_at($$page, $line), 0, 4)) }) }, 't:25 row missing' ],
	[ 'deleted by a multixact that is not there', sub { mask_edit('t:25', 0x1000, XMAX_INVALID); row_edit('t:25', sub { my ($page, $line) = @_;
			set_tuple($page, $line, 4, $int->(90000)) }) }, 't:25 row unreadable' ],
	[ 'an aborted row that becomes committed', sub { bytes_edit('s', 'row 1998', sub { my ($page, $line) = @_;
			my $mask = unpack('v', substr(tuple_at($$page, $line), 20, 2)); set_tuple($page, $line, 20, pack('v', ($mask | XMIN_COMMITTED) & ~XMIN_INVALID)) }) },
		qr/s#\d+ row added/ ],
	# line pointers
	[ 'a line pointer unused', sub { row_edit('t:26', sub { set_line(@_, 0, 0, 0) }) }, 't:26 row missing' ],
	[ 'a line pointer dead', sub { row_edit('t:26', sub { set_line(@_, 0, 3, 0) }) }, 't:26 row missing' ],
	[ 'a line pointer that redirects', sub { row_edit('t:26', sub { my ($page, $line) = @_; set_line($page, $line, $line + 1, 2, 0) }) }, 't:26 row missing' ],
	[ 'a line pointer to nowhere', sub { row_edit('t:27', sub { set_line(@_, 8000, 1, 4000) }) }, 't:27 row unreadable' ],
	[ 'a line pointer between tuples', sub { row_edit('t:27', sub { my ($page, $line) = @_; my ($at, undef, $len) = line($$page, $line); set_line($page, $line, $at + 8, 1, $len - 8) }) },
		qr/t(:\d+|#-?\d+)? row \w+/ ],
	[ 'a line pointer to another row', sub { row_edit('t:28', sub { my ($page, $line) = @_; set_line($page, $line, line($$page, $line + 1)) }) },
		't:29 row duplicated', 't:28 row missing' ],
	# pages and files
	[ 'a page of zeros', sub { write_page($node, $db, 't', 1, "\0" x PAGE) }, sub { map { "$_ row missing" } rows_in_block('t', 1, @t) } ],
	[ 'a page of noise', sub { srand(7); write_page($node, $db, 't', 1, join('', map { chr(int(rand(256))) } 1 .. PAGE)) },
		qr/t page unreadable/, qr/t(:\d+)? row (missing|unreadable)/ ],
	[ 'a damaged page header', sub { my $page = read_page($node, $db, 't', 1); substr($page, 14, 2) = pack('v', 60000); write_page($node, $db, 't', 1, $page) },
		't page unreadable' ],
	[ 'a damaged page header and a changed row', sub { my ($block, $line) = row_tid('t:30'); my $page = read_page($node, $db, 't', $block);
			substr($page, 14, 2) = pack('v', 60000); flip(\$page, $line, find_in_tuple($page, $line, 'row 30') + 5); write_page($node, $db, 't', $block, $page) },
		't page unreadable', 't:30 row altered' ],
	[ 'a page that says all is visible', sub { my ($block) = row_tid('s:1020'); my $page = read_page($node, $db, 's', $block);
			substr($page, 10, 2) = pack('v', unpack('v', substr($page, 10, 2)) | 4); write_page($node, $db, 's', $block, $page) },
		qr/s#\d+ row added/ ],
	[ 'fewer line pointers', sub { my $page = read_page($node, $db, 't', 1); substr($page, 12, 2) = pack('v', 24 + 4 * 10); write_page($node, $db, 't', 1, $page) },
		sub { map { "$_ row missing" } grep { (row_tid($_))[1] > 10 } rows_in_block('t', 1, @t) } ],
	[ 'a file cut off', sub { truncate(relation_path($node, $db, 't'), 2 * PAGE) or die $! },
		sub { map { "$_ row missing" } grep { (row_tid($_))[0] >= 2 } map { "t:$_" } @t } ],
	[ 'half a page cut off', sub { my $path = relation_path($node, $db, 't'); truncate($path, (-s $path) - PAGE / 2) or die $! },
		sub { my $last = (row_tid('t:713'))[0]; map { "$_ row missing" } rows_in_block('t', $last, @t) } ],
	[ 'a file emptied', sub { truncate(relation_path($node, $db, 's'), 0) or die $! }, qr/s:\d+ row missing/ ],
	[ 'a page copied to the end', sub { my $page = read_page($node, $db, 't', 1); file_edit('t', '>>', sub { print { $_[0] } $page }) },
		sub { map { "$_ row duplicated" } rows_in_block('t', 1, @t) } ],
	[ 'a page put over another', sub { write_page($node, $db, 't', 2, read_page($node, $db, 't', 1)) },
		sub { (map { "$_ row duplicated" } rows_in_block('t', 1, @t)), map { "$_ row missing" } rows_in_block('t', 2, @t) } ],
	[ 'two pages exchanged', sub { my @page = map { read_page($node, $db, 't', $_) } 1, 2; write_page($node, $db, 't', 1, $page[1]); write_page($node, $db, 't', 2, $page[0]) } ],
	[ 'an old state of a page', sub { my $old = kept('early file'); write_page($node, $db, 't', 0, substr($old, 0, PAGE)) },
		sub { map { "$_ row missing" } rows_in_block('t', 0, 101 .. 713) } ],
	[ 'a file of another table', sub { my $path = relation_path($node, $db, 's'); file_edit('t', '>', sub { print { $_[0] } slurp_file($path) }) },
		qr/t#\d+ row (moved|added)/, qr/t:\d+ row missing/ ],
	[ 'a tuple copied into free space', sub { my $block = (row_tid('s:1022'))[0]; my $page = read_page($node, $db, 's', $block);
			my $tuple = tuple_at($page, (row_tid('s:1003'))[1]);
			my ($lower, $upper) = unpack('vv', substr($page, 12, 4)); my $at = ($upper - length $tuple) & ~7;
			substr($page, $at, length $tuple) = $tuple; substr($page, 12, 4) = pack('vv', $lower + 4, $at);
			set_line(\$page, ($lower - 24) / 4 + 1, $at, 1, length $tuple); write_page($node, $db, 's', $block, $page) },
		's:1003 row duplicated' ],
	# TOAST
	[ 'a TOAST chunk', sub { first_edit('toast of t', sub { my ($page, $line) = @_; flip($page, $line, 200) }) }, 't:101 row altered' ],
	[ 'a TOAST chunk lost', sub { first_edit('toast of t', sub { set_line(@_, 0, 0, 0) }) }, 't:101 row unreadable' ],
	[ 'the number of a TOAST chunk', sub { first_edit('toast of t', sub { my ($page, $line) = @_; set_tuple($page, $line, 28, $int->(77)) }) }, 't:101 row unreadable' ],
	[ 'a TOAST pointer', sub { my $seq = pack('Q<', seq_of('t:101'));
			row_edit('t:101', sub { my ($page, $line) = @_; my $tuple = tuple_at($$page, $line);
				my $at = index($tuple, chr(0x01) . chr(18), 24); die 'no TOAST pointer' if $at < 0; flip($page, $line, $at + 2 + 8) }) }, 't:101 row unreadable' ],
	# the extension's own tables
	[ 'a tile', sub { bytes_edit('toast of tree', kept('leaf t:17'), sub { flip(@_) }) },
		't:17 tree node altered', 'block 0 root differs', 'block 2 tree node altered' ],
	[ 'a tile lost', sub { bytes_edit('toast of tree', kept('leaf t:17'), sub { set_line(@_[0, 1], 0, 0, 0) }) }, qr/block \d tree node missing/ ],
	[ 'a page of tiles of zeros', sub { write_page($node, $db, 'seoulchain.tree', 0, "\0" x PAGE) }, qr/block \d tree node missing/ ],
	[ 'a block', sub { first_edit('seoulchain.chain_block', sub { my ($page, $line) = @_; flip($page, $line, 24 + 4 + 4 + 8 + 1 + 33 + 10) }) },
		qr/block \d block (altered|link broken)/ ],
	[ 'length of a block\'s hash', sub { first_edit('seoulchain.chain_block', sub { my ($page, $line) = @_; set_tuple($page, $line, 24 + 16, chr(0xff)) }) },
		'seoulchain.chain_block row unreadable', qr/block \d block missing/ ],
	[ 'the page of blocks of zeros', sub { write_page($node, $db, 'seoulchain.chain_block', 0, "\0" x PAGE) }, qr/block \d block missing/ ],
	[ 'the page of blocks refused', sub { my $page = read_page($node, $db, 'seoulchain.chain_block', 0); substr($page, 16, 2) = pack('v', 5); write_page($node, $db, 'seoulchain.chain_block', 0, $page) },
		'seoulchain.chain_block page unreadable' ],
	[ 'a member range', sub { first_edit('seoulchain.block_range', sub { my ($page, $line) = @_; flip($page, $line, 24 + 8) }) }, 'block 0 members altered' ],
	[ 'a member row lost', sub { first_edit('seoulchain.block_range', sub { set_line(@_, 0, 0, 0) }) }, 'block 0 members altered' ],
	[ 'a signature', sub { bytes_edit('seoulchain.signature', 'seoul.go.kr/test/main ', sub { my ($page, $line, $at) = @_; flip($page, $line, $at + 40) }) }, qr/block \d signature wrong/ ],
	[ 'an event', sub { bytes_edit('seoulchain.event', '"genesis"', sub { my ($page, $line, $at) = @_; flip($page, $line, $at + 3) }) }, '#1 event altered' ],
	[ 'length of an event', sub { bytes_edit('seoulchain.event', '{"chain":"seoul.go.kr/test/main","event":{"format"', sub { my ($page, $line, $at) = @_; set_tuple($page, $line, $at - 4, $int->(0x7ffffff0)) }) },
		'seoulchain.event row unreadable', '#1 event missing' ],
	[ 'a name in the registry', sub { bytes_edit('seoulchain.ledger', 'public.s', sub { my ($page, $line, $at) = @_; flip($page, $line, $at + 7) }) },
		qr/s(#\d+)? registry altered/, qr/#\d+ registry altered/, qr/s:\d+ row altered/ ],
	[ 'a hash in the journal', sub { bytes_edit('seoulchain.journal', kept('leaf t:712'), sub { flip(@_) }) }, 't:712 row altered' ],
	[ 'the version of the journal', sub { bytes_edit('seoulchain.journal', pack('Q<', seq_of('t:711')), sub { my ($page, $line, $at) = @_; set_tuple($page, $line, $at - 8, pack('v', 9)) }) },
		'chain journal altered', map { "t:$_ row added" } 711 .. 713 ],
	[ 'the journal emptied', sub { truncate(relation_path($node, $db, 'seoulchain.journal'), 0) or die $! },
		map { "$_ row added" } qw(t:711 t:712 t:713 s:1021 s:1022) ],
	[ 'the chain\'s sequence', sub { first_edit('seoulchain.chain_1_seq', sub { my ($page, $line) = @_; set_tuple($page, $line, 24, pack('Q<', 1)); set_tuple($page, $line, 24 + 16, chr(0)) }) },
		qr/seoulchain.chain_1_seq#\d+ sequence altered/ ],
	# what proves nothing may be damaged without a fault
	[ 'free space map and visibility map', sub { foreach my $fork (qw(_fsm _vm)) { my $path = relation_path($node, $db, 't') . $fork;
			open(my $fh, '>:raw', $path) or die $!; print $fh "\x5a" x PAGE; close $fh } } ],
);

$node = tamper_node('disk');
my $big = seq_of('t:13') ^ (1 << 32);
my $n = 0;
foreach my $attack (@attacks) { copy_base($node, sprintf('d%03d', ++$n)) }
$node->stop;
$n = 0;
foreach my $attack (@attacks)
{
	$db = sprintf('d%03d', ++$n);
	eval { $attack->[1]->(); 1 } or fail("the attack itself: $attack->[0]: $@");
}
$node->start;
$n = 0;
foreach my $attack (@attacks)
{
	my ($name, undef, @expected) = @$attack;
	@expected = map { ref $_ eq 'CODE' ? $_->() : ref $_ ? $_ : s/%BIG%/$big/r } @expected;
	judge($name, [ faults($node, sprintf('d%03d', ++$n)) ], @expected);
}
cmp_ok($n, '>=', 40, "$n attacks");
is_deeply([ faults($node, 'base') ], [], 'the database that was copied has no fault');
$node->stop;

# pages with checksums: a byte changed is refused by the server, and the row is named all the same
$node = tamper_node('checked', checksums => 1);
copy_base($node, $_) foreach qw(c1 c2 c3);
$node->stop;
$db = 'c1';
flip_in_row('t:11', 'row 11', 5);
$db = 'c2';
first_edit('toast of t', sub { my ($page, $line) = @_; flip($page, $line, 200) });
$db = 'c3';
bytes_edit('seoulchain.event', '"genesis"', sub { my ($page, $line, $at) = @_; flip($page, $line, $at + 3) });
$node->start;
judge('a text, under checksums', [ faults($node, 'c1') ], 't page unreadable', 't:11 row altered');
judge('a TOAST chunk, under checksums', [ faults($node, 'c2') ], 't:101 row unreadable');
judge('an event, under checksums', [ faults($node, 'c3') ], 'seoulchain.event page unreadable', '#1 event altered');
judge('and nothing else', [ faults($node, 'base') ]);
$node->stop;
done_testing();
