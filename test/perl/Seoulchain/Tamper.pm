# Seoulchain::Tamper - a sealed database, copies of it, and the means to damage them.
#
# Every attack has a database of its own, made from `base` with CREATE DATABASE
# ... TEMPLATE: the copies have the same file names, the chain is closed in
# them, and verify() says what it would say of the original.
package Seoulchain::Tamper;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

our @EXPORT = qw(tamper_node copy_base faults judge read_page write_page line tuple_at set_tuple set_line
  find_in_tuple flip all_lines row_tid relation_path seq_of kept PAGE);

use constant PAGE => 8192;

my %files;     # relation => path below the data directory, with the database's oid as %DB%
my %tid;       # "t:10" => [block, line]
my %seq;       # "t:10" => ledger_seq
my %row_of;    # "t|12" => "t:10"
my %kept;      # what was kept outside: checkpoint, ...
my %dboid;

# the rows of both tables
my $columns = 'id int, v text, n numeric, arr int[], j jsonb, ts timestamptz, long text';
my $values = q{id, 'row ' || id, id / 4.0, ARRAY[id, id + 1], jsonb_build_object('id', id, 'even', id % 2 = 0),
	timestamptz '2026-01-01 00:00:00+00' + id * interval '1 hour'};

# what is done to `base`, block by block
my @history = (
	"CREATE TABLE t ($columns) USING ledger",
	"CREATE TABLE s ($columns) USING ledger",
	"CREATE TABLE gone ($columns) USING ledger",
	"INSERT INTO t SELECT $values FROM generate_series(1, 100) id",
	'SEAL', 'KEEP early',
	q{SELECT seoulchain.add_ledger_time('s'), seoulchain.add_ledger_time('t'), seoulchain.add_ledger_time('gone')},
	"INSERT INTO s SELECT $values FROM generate_series(1001, 1020) id",
	"INSERT INTO t SELECT $values, (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 700) i) FROM generate_series(101, 101) id",
	'SEAL',
	"INSERT INTO gone SELECT $values FROM generate_series(2001, 2010) id",
	"INSERT INTO t SELECT $values FROM generate_series(102, 500) id",
	'SEAL',
	'DROP TABLE gone',
	"INSERT INTO t SELECT $values FROM generate_series(501, 700) id",
	'SEAL',
	"INSERT INTO t SELECT $values FROM generate_series(701, 710) id",
	'SEAL', 'KEEP late',
	"BEGIN; INSERT INTO s SELECT $values FROM generate_series(1998, 1999) id; ROLLBACK",
	"INSERT INTO s SELECT $values FROM generate_series(1021, 1022) id",
	"INSERT INTO t SELECT $values FROM generate_series(711, 713) id",
	'CREATE INDEX t_id ON t (id)', 'CREATE INDEX t_v ON t USING hash (v)', 'CREATE INDEX t_arr ON t USING gin (arr)',
	'CREATE INDEX t_seq ON t (ledger_seq)');

# runs the history; what KEEP keeps is a checkpoint and a copy of t's first file
sub make_base
{
	my $node = shift;
	foreach my $step (@history)
	{
		if ($step eq 'SEAL') { $node->safe_psql('base', q{SELECT seoulchain.seal()}) }
		elsif ($step =~ /^KEEP (\w+)/)
		{
			$kept{$1} = $node->safe_psql('base', 'SELECT seoulchain.checkpoint()') . "\n";
			$node->safe_psql('base', 'CHECKPOINT');
			$kept{"$1 file"} = slurp_file($node->data_dir . '/'
				  . $node->safe_psql('base', q{SELECT pg_relation_filepath('t')}));
		}
		else { $node->safe_psql('base', $step) }
	}
	# every hint bit is set, so that nothing but the attack changes pages later
	$node->safe_psql('base', "SELECT count(*) FROM $_") foreach qw(t s);
}

# notes where everything is
sub learn
{
	my $node = shift;
	my $oid = $node->safe_psql('base', 'SELECT oid FROM pg_database WHERE datname = current_database()');
	my $listing = $node->safe_psql('base', q{
		SELECT CASE n.nspname WHEN 'public' THEN relname
			WHEN 'pg_toast' THEN 'toast of ' || (SELECT o.relname FROM pg_class o WHERE o.reltoastrelid = c.oid)
			ELSE n.nspname || '.' || relname END, pg_relation_filepath(c.oid)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN ('public', 'seoulchain', 'pg_toast') AND relkind IN ('r', 't', 'i', 'S') AND pg_relation_filepath(c.oid) IS NOT NULL});
	foreach (split /\n/, $listing)
	{
		my ($name, $path) = split /\|/;
		next if !$name;
		$path =~ s,base/$oid/,base/%DB%/,;
		$files{$name} = $path;
	}
	foreach my $row (qw(t:17 t:712))
	{
		my ($table, $id) = split /:/, $row;
		$kept{"leaf $row"} = pack('H*', $node->safe_psql('base', "SELECT encode(seoulchain.leaf_hash('$table', ledger_seq), 'hex') FROM $table WHERE id = $id"));
	}
	foreach my $table (qw(t s))
	{
		foreach (split /\n/, $node->safe_psql('base', "SELECT id, ctid, ledger_seq FROM $table"))
		{
			my ($id, $block, $line, $number) = /^(\d+)\|\((\d+),(\d+)\)\|(\d+)$/ or die $_;
			$tid{"$table:$id"} = [ $block, $line ];
			$seq{"$table:$id"} = $number;
			$row_of{"$table|$number"} = "$table:$id";
		}
	}
}

# a cluster whose database `base` has six blocks and five rows that wait; sealing by itself is off
sub tamper_node
{
	my ($name, %how) = @_;
	my @checksums = delete $how{checksums} ? (checksums => 1) : ();
	my $node = ledger_node($name, @checksums, extension => 0, autovacuum => 'off', 'seoulchain.seal_interval' => 0,
		'seoulchain.sign_key_directory' => key_directory(), %how);
	$node->safe_psql('postgres', 'CREATE DATABASE base');
	$node->safe_psql('base', q{CREATE EXTENSION seoulchain});
	$node->safe_psql('base', q{SELECT seoulchain.create_node('seoul.go.kr/test')});
	make_base($node);
	learn($node);
	$node->safe_psql('base', 'CHECKPOINT');
	return $node;
}

# a database like base
sub copy_base
{
	my ($node, $name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE base");
	$dboid{$name} = $node->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = '$name'");
}

sub seq_of { return $seq{ $_[0] } // die "no row $_[0]" }
sub kept { return $kept{ $_[0] } // die "nothing kept: $_[0]" }
sub row_tid { return @{ $tid{ $_[0] } // die "no row $_[0]" } }

# what verify() finds, in words: "t:10 row altered", "block 3 root differs", ...
sub faults
{
	my ($node, $db, $sql) = @_;
	$sql //= 'SELECT relation, ledger_seq, height, fault FROM seoulchain.verify()';
	my ($status, $out, $err) = $node->psql($db, $sql);
	return ("error: $err") if $status != 0;
	my @words;
	foreach (split /\n/, $out)
	{
		my ($relation, $number, $height, $fault) = split /\|/;
		$relation =~ s/^pg_toast\.//;
		my $what =
		    $row_of{"$relation|$number"} ? $row_of{"$relation|$number"}
		  : $number ne '' ? "$relation#$number"
		  : $relation ne '' ? $relation
		  : $height ne '' ? "block $height"
		  : 'chain';
		push @words, "$what $fault";
	}
	return @words;
}

# one test: exactly these faults, in any order; a pattern stands for one or more of its like
sub judge
{
	my ($name, $got, @expected) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @left = @$got;
	my @missing;
	foreach my $word (@expected)
	{
		my @like = ref $word ? grep { /^$word$/ } @left : grep { $_ eq $word } @left;
		if (!@like) { push @missing, $word; next }
		my $first = 1;
		@left = ref $word ? grep { !/^$word$/ } @left : grep { $_ ne $word || !$first-- } @left;
	}
	ok(!@missing && !@left, $name)
	  or diag('missing: ', join(', ', @missing), "\n", 'unexpected: ', join(', ', @left[ 0 .. ($#left > 20 ? 20 : $#left) ]));
}

# files of a stopped server

sub relation_path
{
	my ($node, $db, $relation) = @_;
	my $path = $files{$relation} // die "no file of $relation";
	$path =~ s/%DB%/$dboid{$db}/;
	return $node->data_dir . "/$path";
}

sub read_page
{
	my ($node, $db, $relation, $block) = @_;
	my $path = relation_path($node, $db, $relation);
	open(my $fh, '<:raw', $path) or die "$path: $!";
	seek($fh, $block * PAGE, 0) or die $!;
	read($fh, my $page, PAGE) == PAGE or die "$path: no block $block";
	return $page;
}

sub write_page
{
	my ($node, $db, $relation, $block, $page) = @_;
	my $path = relation_path($node, $db, $relation);
	open(my $fh, '+<:raw', $path) or die "$path: $!";
	seek($fh, $block * PAGE, 0) or die $!;
	print $fh $page;
	close($fh) or die $!;
}

# a line pointer: (offset, flags, length)
sub line
{
	my ($page, $line) = @_;
	my $pointer = unpack('V', substr($page, 24 + 4 * ($line - 1), 4));
	return ($pointer & 0x7fff, ($pointer >> 15) & 3, $pointer >> 17);
}

sub set_line
{
	my ($page, $line, $offset, $flags, $len) = @_;
	substr($$page, 24 + 4 * ($line - 1), 4) = pack('V', $offset | ($flags << 15) | ($len << 17));
}

# lines in use
sub all_lines
{
	my $page = shift;
	my $lower = unpack('v', substr($page, 12, 2));
	return grep { (line($page, $_))[1] == 1 } 1 .. ($lower - 24) / 4;
}

sub tuple_at
{
	my ($page, $line) = @_;
	my ($offset, undef, $len) = line($page, $line);
	return substr($page, $offset, $len);
}

# puts bytes into a tuple
sub set_tuple
{
	my ($page, $line, $at, $bytes) = @_;
	my ($offset) = line($$page, $line);
	substr($$page, $offset + $at, length $bytes) = $bytes;
}

# where bytes stand in a tuple's values
sub find_in_tuple
{
	my ($page, $line, $bytes) = @_;
	my $tuple = tuple_at($page, $line);
	my $at = index($tuple, $bytes, unpack('C', substr($tuple, 22, 1)));
	die 'not in the tuple: ' . unpack('H*', $bytes) if $at < 0;
	return $at;
}

# one bit of one byte of a tuple
sub flip
{
	my ($page, $line, $at) = @_;
	my ($offset) = line($$page, $line);
	substr($$page, $offset + $at, 1) = chr(ord(substr($$page, $offset + $at, 1)) ^ 1);
}

1;
