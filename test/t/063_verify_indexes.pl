# verify_indexes(): entries that are missing, differ, point nowhere or cannot be reached; damage never stops the server.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;
use Seoulchain::Tamper;

my $node = tamper_node('indexes');
my $db;
my $sql = q{SELECT relation, ledger_seq, height, fault FROM seoulchain.verify_indexes('t')};

# changes the index page on which a row's entry stands: sub gets (\$page, $line); only if `key` is there too
sub entry_edit
{
	my ($index, $row, $key, $edit) = @_;
	my ($block, $line) = row_tid($row);
	my $tid = pack('vvv', $block >> 16, $block & 0xffff, $line);
	my $blocks = (-s relation_path($node, $db, $index)) / PAGE;
	foreach my $number (0 .. $blocks - 1)
	{
		my $page = read_page($node, $db, $index, $number);
		foreach my $at (all_lines($page))
		{
			my $tuple = tuple_at($page, $at);
			next if substr($tuple, 0, 6) ne $tid || index($tuple, $key, 8) < 0;
			$edit->(\$page, $at, $number);
			write_page($node, $db, $index, $number, $page);
			return;
		}
	}
	die "$index has no entry of $row";
}

my $int = sub { pack('V', shift) };
my $number = sub { "t_id#" . seq_of("t:$_[0]") };
my $any = qr/t_id(#\d+)? index (entry missing|unreadable|entry differs|entry points nowhere)/;

my @attacks = (
	[ 'a key', sub { entry_edit('t_id', 't:10', $int->(10), sub { set_tuple(@_[0, 1], 8, $int->(11)) }) },
		$number->(10) . ' index entry differs' ],
	[ 'a row pointer', sub { entry_edit('t_id', 't:10', $int->(10), sub { set_tuple(@_[0, 1], 4, pack('v', (row_tid('t:11'))[1])) }) },
		$number->(10) . ' index entry missing', $number->(11) . ' index entry differs' ],
	[ 'a row pointer beyond the table', sub { entry_edit('t_id', 't:10', $int->(10), sub { set_tuple(@_[0, 1], 0, pack('vvv', 0, 5000, 1)) }) },
		$number->(10) . ' index entry missing', 't_id index entry points nowhere' ],
	[ 'an entry marked dead', sub { entry_edit('t_id', 't:10', $int->(10), sub { my ($page, $line) = @_; my ($at, undef, $len) = line($$page, $line); set_line($page, $line, $at, 3, $len) }) },
		$number->(10) . ' index entry missing' ],
	[ 'order of two entries', sub { entry_edit('t_id', 't:10', $int->(10), sub { my ($page, $line) = @_; my @a = line($$page, $line); my @b = line($$page, $line + 40);
			set_line($page, $line, @b); set_line($page, $line + 40, @a) }) }, qr/t_id#\d+ index entry missing/ ],
	[ 'size of an entry', sub { entry_edit('t_id', 't:10', $int->(10), sub { set_tuple(@_[0, 1], 6, pack('v', 0x1fff)) }) }, $any ],
	[ 'size of an entry is 0', sub { entry_edit('t_id', 't:10', $int->(10), sub { set_tuple(@_[0, 1], 6, pack('v', 0)) }) }, $any ],
	[ 'nulls in an entry', sub { entry_edit('t_id', 't:10', $int->(10), sub { set_tuple(@_[0, 1], 6, pack('v', 0x8010)) }) }, $any ],
	[ 'a posting list that is none', sub { entry_edit('t_id', 't:10', $int->(10), sub { set_tuple(@_[0, 1], 4, pack('v', 0x2fff)); set_tuple(@_[0, 1], 6, pack('v', 0x2010)) }) }, $any ],
	[ 'a line pointer', sub { entry_edit('t_id', 't:10', $int->(10), sub { set_line(@_[0, 1], 8100, 1, 4000) }) }, $any ],
	[ 'a page of zeros', sub { write_page($node, $db, 't_id', 1, "\0" x PAGE) }, $any ],
	[ 'a page of noise', sub { srand(3); write_page($node, $db, 't_id', 1, join('', map { chr(int(rand(256))) } 1 .. PAGE)) }, $any ],
	[ 'a page that says it is deleted', sub { my $page = read_page($node, $db, 't_id', 1); substr($page, PAGE - 4, 2) = pack('v', 5); write_page($node, $db, 't_id', 1, $page) }, $any ],
	[ 'the meta page', sub { write_page($node, $db, 't_id', 0, "\0" x PAGE) }, $any ],
	[ 'a file cut off', sub { truncate(relation_path($node, $db, 't_id'), PAGE) or die $! }, $any ],
	[ 'an emptied file', sub { truncate(relation_path($node, $db, 't_id'), 0) or die $! }, $any ],
	[ 'a downlink', sub { my $page = read_page($node, $db, 't_id', 3); set_tuple(\$page, 3, 8, $int->(1)); write_page($node, $db, 't_id', 3, $page) },
		qr/t_id#\d+ index entry missing/ ],
	[ 'a key in a second index', sub { entry_edit('t_seq', 't:10', pack('Q<', seq_of('t:10')), sub { flip(@_[0, 1], 9) }) },
		't_seq#' . seq_of('t:10') . ' index entry differs' ],
	[ 'a hash code', sub { my ($block, $line) = row_tid('t:10'); entry_edit('t_v', 't:10', '', sub { set_tuple(@_[0, 1], 8, "\x00\x00\x00\x00") }) },
		't_v#' . seq_of('t:10') . ' index entry missing' ],
	[ 'a hash page of zeros', sub { write_page($node, $db, 't_v', 2, "\0" x PAGE) }, qr/t_v(#\d+)? index \w+( \w+)?/ ],
	[ 'a gin index emptied', sub { my $path = relation_path($node, $db, 't_arr'); truncate($path, PAGE) or die $! }, qr/t_arr(#\d+)? index \w+( \w+)?/ ],
	[ 'a row taken away below', sub { my ($block, $line) = row_tid('t:10'); my $page = read_page($node, $db, 't', $block); set_line(\$page, $line, 0, 0, 0); write_page($node, $db, 't', $block, $page) },
		map { "$_ index entry points nowhere" } qw(t_id t_arr t_seq) ],
	[ 'two rows exchanged below', sub { my ($block, $line) = row_tid('t:10'); my $page = read_page($node, $db, 't', $block); my @a = line($page, $line); my @b = line($page, $line + 1);
			set_line(\$page, $line, @b); set_line(\$page, $line + 1, @a); write_page($node, $db, 't', $block, $page) },
		qr/t_(id|seq)#\d+ index entry differs/, qr/t_(id|seq|v)#\d+ index entry missing/ ],
	[ 'nothing' ],
);

my $n = 0;
foreach my $attack (@attacks) { copy_base($node, sprintf('i%03d', ++$n)) }
$node->stop;
$n = 0;
foreach my $attack (@attacks)
{
	$db = sprintf('i%03d', ++$n);
	next if !$attack->[1];
	eval { $attack->[1]->(); 1 } or fail("the attack itself: $attack->[0]: $@");
}
$node->start;
$n = 0;
foreach my $attack (@attacks)
{
	my ($name, undef, @expected) = @$attack;
	my @got = faults($node, sprintf('i%03d', ++$n), $sql);
	judge($name, \@got, @expected);
}

# no code of users runs with the auditor's rights, and an expression that raises an error stops nothing
$node->safe_psql('base', q{
	CREATE ROLE owner; CREATE ROLE auditor IN ROLE seoulchain_auditor; GRANT CREATE, USAGE ON SCHEMA public TO owner; SET ROLE owner;
	CREATE TABLE mine (id int) USING ledger; INSERT INTO mine SELECT generate_series(1, 10);
	CREATE FUNCTION who(int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
		IF current_user <> 'owner' THEN RAISE EXCEPTION 'run as %', current_user; END IF; RETURN current_user || $1; END $$;
	CREATE INDEX mine_who ON mine (who(id))});
is_deeply([ faults($node, 'base', q{SET ROLE auditor; SELECT relation, ledger_seq, height, fault FROM seoulchain.verify_indexes('mine')}) ], [],
	'index expressions run as the owner of the table');
my ($status, $out, $err) = $node->psql('base', q{SET ROLE owner; SELECT * FROM seoulchain.verify_indexes('mine')});
like($err, qr/permission denied for function verify_indexes/, 'not for everybody');
($status, $out, $err) = $node->psql('base', q{SELECT * FROM seoulchain.verify_indexes('pg_class')});
like($err, qr/not a ledger table/, 'only for ledger tables');
$node->stop;
done_testing();
