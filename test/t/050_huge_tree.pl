
# Proofs in trees of up to 2^40 leaves and a few: right, and with few tiles read.
#
# Nobody can insert 2^40 rows, so the tree is made: every leaf has the hash of
# the one real row, so that the root of a perfect subtree depends on its height
# alone, and only the tiles next to the leaves that are asked about are stored.
# What the server says is compared with the recursions of RFC 6962, written
# down here word for word.
use strict;
use warnings;
use Digest::SHA qw(sha256);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

# a proof may read so many tiles, whatever the size: six levels on each side of the way down
use constant MAX_TILES => 12;

my $size = (1 << 40) + 77_777;
my @sizes = (1, 2, 3, 255, 256, 257, 65_535, 65_536, 65_537, (1 << 24) + 1, (1 << 31) - 1, 1 << 31, (1 << 31) + 1,
	(1 << 32) - 1, 1 << 32, (1 << 32) + 1, (1 << 39) + (1 << 13) - 1, (1 << 40) - 1, 1 << 40, (1 << 40) + 1,
	(1 << 40) + 65_536, $size - 1, $size);
my @indexes = (0, 1, 255, 256, 65_535, 65_536, (1 << 24) - 1, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32,
	549_755_852_777, (1 << 39) - 1, 1 << 39, (1 << 40) - 1, 1 << 40, (1 << 40) + 65_535, (1 << 40) + 65_536, $size - 2,
	$size - 1);

# the server: one ledger row, in block 0
my $node = ledger_node('huge', 'seoulchain.seal_interval' => 0, autovacuum => 'off');
sub sql { return $node->safe_psql('postgres', shift) }
sql(q{CREATE TABLE t (id int) USING ledger; INSERT INTO t VALUES (1); SELECT seoulchain.seal()});
my ($seq, $leaf_hex) = split /\|/, sql(q{SELECT ledger_seq, encode(seoulchain.leaf_hash('t', ledger_seq), 'hex') FROM t});
my $chain = sql(q{SELECT chain_id FROM seoulchain.chain WHERE name = 'main'});
my @perfect = (pack 'H*', $leaf_hex);

# the root of a perfect subtree
sub perfect
{
	my $height = shift;
	push @perfect, sha256("\x01" . $perfect[-1] x 2) while @perfect <= $height;
	return $perfect[$height];
}

# the largest power of two below n, as an exponent
sub split_exponent
{
	my ($n, $k) = (shift, 0);
	$k++ while (1 << ($k + 1)) < $n;
	return $k;
}

# MTH, PATH and SUBPROOF of RFC 6962 sections 2.1 to 2.1.2, when all leaves are alike
sub mth
{
	my $n = shift;
	return perfect(0) if $n == 1;
	my $k = split_exponent($n);
	return perfect($k + 1) if $n == 1 << ($k + 1);
	return sha256("\x01" . perfect($k) . mth($n - (1 << $k)));
}

sub path
{
	my ($m, $n) = @_;
	return () if $n == 1;
	my $k = 1 << split_exponent($n);
	return $m < $k ? (path($m, $k), mth($n - $k)) : (path($m - $k, $n - $k), mth($k));
}

sub subproof
{
	my ($m, $n, $known) = @_;
	return $known ? () : (mth($n)) if $m == $n;
	my $k = 1 << split_exponent($n);
	return $m <= $k ? (subproof($m, $k, $known), mth($n - $k)) : (subproof($m - $k, $n - $k, 0), mth($k));
}

sub hex_list { return join ',', map { unpack 'H*', $_ } @_ }

# the tiles on the ways from the root to these leaves, as far as they are filled
sub tiles
{
	my %tiles;
	foreach my $leaf (@_)
	{
		for (my $level = 0; $size >> 8 * $level > 0; $level++)
		{
			my $tile = $leaf >> 8 * ($level + 1);
			my $filled = ($size >> 8 * $level) - $tile * 256;
			$tiles{"$level $tile"} = $filled > 256 ? 256 : $filled if $filled > 0;
		}
	}
	return \%tiles;
}

my $tiles = tiles((map { ($_, $_ + 1) } @indexes), map { ($_ - 1, $_) } @sizes);
my $values = join ",\n", map {
	my ($level, $tile) = split / /;
	"($chain, $level, $tile, decode(repeat('" . unpack('H*', perfect(8 * $level)) . "', $tiles->{$_}), 'hex'))"
} keys %$tiles;
my $root = unpack 'H*', mth($size);
sql(<<SQL);
DELETE FROM seoulchain.tree;
INSERT INTO seoulchain.tree (chain_id, level, tile, hashes) VALUES $values;
INSERT INTO seoulchain.chain_block SELECT chain_id, 1, block_hash, sha256('made'), tree_size, $size, '\\x$root', '{[1000000,1000001)}', sealed_at
	FROM seoulchain.chain_block WHERE height = 0;
INSERT INTO seoulchain.signature VALUES ($chain, 1, $size, '');
DELETE FROM seoulchain.block_range;
INSERT INTO seoulchain.block_range VALUES ($chain, $seq, $seq + 1, 1, 0);
VACUUM ANALYZE seoulchain.tree;
SQL
note(scalar(keys %$tiles) . ' tiles for ' . @indexes . ' leaves and ' . @sizes . ' sizes');

# runs queries that answer one line each: [what it says, how many tiles it read] for each
sub counted
{
	my $scans = q{SELECT pg_stat_get_xact_numscans('seoulchain.tree_pkey'::regclass);};
	my @lines = split /\n/, sql(join "\n", map { "BEGIN; $scans $_; $scans COMMIT;" } @_);
	return map { [ $lines[3 * $_ + 1], $lines[3 * $_ + 2] - $lines[3 * $_] ] } 0 .. $#_;
}

# what a series of proofs came to
my ($wrong, $refused, $accepted, $most, $count);
sub begin { $wrong = $refused = $accepted = ''; $most = $count = 0; return; }
sub judge
{
	my ($name, $right, $yes, $no, $reads) = @_;
	$count++;
	$wrong .= " $name" if !$right;
	$refused .= " $name" if $yes ne 't';
	$accepted .= " $name" if $no ne 'f';
	$most = $reads if $reads > $most;
	return;
}
sub report
{
	my ($what, $verify) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($wrong, '', "$count times $what as RFC 6962 has it");
	is($refused, '', "$verify accepts what it answers");
	is($accepted, '', 'and refuses it for another hash');
	cmp_ok($most, '<=', MAX_TILES, "at most $most tiles are read");
	return;
}

my %mth = map { $_ => unpack 'H*', mth($_) } @sizes, map { $_ + 1 } @indexes;

begin();
my @answers = counted(map { "SELECT encode(seoulchain.root_hash('main', $_), 'hex')" } @sizes);
judge($sizes[$_], $answers[$_][0] eq $mth{ $sizes[$_] }, 't', 'f', $answers[$_][1]) foreach 0 .. $#sizes;
is($wrong, '', "$count times root_hash as RFC 6962 has it");
cmp_ok($most, '<=', MAX_TILES, "at most $most tiles are read");

# every pair of sizes
begin();
foreach my $to (@sizes)
{
	my @from = grep { $_ <= $to } @sizes;
	@answers = counted(map { <<SQL } @from);
WITH p AS MATERIALIZED (SELECT seoulchain.consistency_proof('main', $_, $to) AS path)
SELECT coalesce((SELECT string_agg(encode(h, 'hex'), ',' ORDER BY i) FROM unnest(path) WITH ORDINALITY u(h, i)), ''),
	seoulchain.verify_consistency($_, '\\x$mth{$_}', $to, '\\x$mth{$to}', path),
	seoulchain.verify_consistency($_, '\\x$mth{$_}', $to, sha256('\\x$mth{$to}'), path)
FROM p
SQL
	foreach my $i (0 .. $#from)
	{
		my ($path, $yes, $no) = split /\|/, $answers[$i][0], -1;
		judge("$from[$i]-$to", $path eq hex_list($from[$i] == $to ? () : subproof($from[$i], $to, 1)), $yes, $no, $answers[$i][1]);
	}
}
report('consistency_proof', 'verify_consistency');

# the row at every place: its entry in member says where it stands
begin();
foreach my $index (@indexes)
{
	my @of = ($index + 1, grep { $_ > $index + 1 } @sizes);
	sql("UPDATE seoulchain.block_range SET first_leaf = $index");
	@answers = counted(map { <<SQL } @of);
SELECT p.leaf_index, p.tree_size, coalesce((SELECT string_agg(encode(h, 'hex'), ',' ORDER BY i) FROM unnest(p.path) WITH ORDINALITY u(h, i)), ''),
	encode(p.root_hash, 'hex'), seoulchain.verify_inclusion(p.leaf_hash, p.leaf_index, p.tree_size, p.path, p.root_hash),
	seoulchain.verify_inclusion(sha256(p.leaf_hash), p.leaf_index, p.tree_size, p.path, p.root_hash)
FROM seoulchain.inclusion_proof('t', $seq, $_) p
SQL
	foreach my $i (0 .. $#of)
	{
		my ($said, $size, $path, $found, $yes, $no) = split /\|/, $answers[$i][0], -1;
		judge("$index/$of[$i]", $said eq $index && $size eq $of[$i] && $path eq hex_list(path($index, $size)) && $found eq $mth{$size},
			$yes, $no, $answers[$i][1]);
	}
}
report('inclusion_proof', 'verify_inclusion');
is(sql("SELECT tree_size FROM seoulchain.inclusion_proof('t', $seq)"), $size, 'without a size: that of the newest checkpoint');
like(sql("SELECT seoulchain.checkpoint()"), qr/\n$size\n/, 'which says it');

# the receipt of the last leaf, read offline
my $receipt = $node->basedir . '/receipt';
append_to_file($receipt, sql("SELECT seoulchain.receipt('t', $seq)") . "\n");
my ($out, $err) = run_command([ 'seoulchain-verify', $receipt ]);
like($out . $err, qr/$indexes[-1]/, 'seoulchain-verify reads the receipt of leaf ' . $indexes[-1]);
note($out, $err);

# the chain goes on: the next block is put at the end of the tree
is(sql(q{INSERT INTO t VALUES (2); SELECT seoulchain.seal()}), '2', 'the next block');
is(sql(<<SQL), 't|t|' . ($size + 2), 'extends the huge tree, and its row is in it');
SELECT seoulchain.verify_consistency($size, '\\x$mth{$size}', b.tree_size, b.root_hash, seoulchain.consistency_proof('main', $size)),
	(SELECT seoulchain.verify_inclusion(leaf_hash, leaf_index, tree_size, path, root_hash) AND leaf_index = $size AND root_hash = b.root_hash
		FROM seoulchain.inclusion_proof('t', (SELECT ledger_seq FROM t WHERE id = 2))),
	tree_size
FROM seoulchain.block b WHERE height = 2
SQL
done_testing();
