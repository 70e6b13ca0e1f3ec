# Attacks of a superuser on changes of key: the history, the events, the signatures of both keys.
#
# As in 060_tamper_sql.pl: what is done to a copy of a sealed database, and
# what verify() has to say.  Heights: 0 the table joins, 1 rows, 2 the log key
# changes, 3 rows, 4 the cosigner key changes, 5 rows; a second change of the
# log key is recorded and not sealed.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $keys = key_directory();
my $node = ledger_node('tamper', 'seoulchain.sign_key_directory' => $keys, 'seoulchain.seal_interval' => '0');
$node->safe_psql('postgres', 'CREATE DATABASE base');
sub base { return $node->safe_psql('base', shift) }
base('CREATE EXTENSION seoulchain');
my $cosigner = base(q{SELECT seoulchain.create_node('seoul.go.kr/test')});
base('CREATE TABLE t (id int) USING ledger');
base('SELECT seoulchain.seal()');
my $old = base('SELECT seoulchain.verifier_key()');
my ($new, $cosigner2);
foreach my $step ('INSERT INTO t VALUES (1)', 'LOG', 'INSERT INTO t VALUES (2)', 'COSIGNER', 'INSERT INTO t VALUES (3)')
{
	if ($step eq 'LOG') { $new = base(q{SELECT seoulchain.rotate_log_key('main')}) }
	elsif ($step eq 'COSIGNER') { $cosigner2 = base('SELECT seoulchain.rotate_cosigner_key()') }
	else { base($step) }
	base('SELECT seoulchain.seal()');
}
my $seq = base("SELECT ledger_seq FROM seoulchain.rotation WHERE new_key = '$new'");
my $seq2 = base("SELECT ledger_seq FROM seoulchain.rotation WHERE new_key = '$cosigner2'");
my $newest = base(q{SELECT seoulchain.rotate_log_key('main')});
my $pending = base("SELECT ledger_seq FROM seoulchain.rotation WHERE new_key = '$newest'");

# a key that nobody has
my $material = chr(1) . ('x' x 32);
my $stranger = 'seoul.go.kr/test/main+' . substr(sha256_hex("seoul.go.kr/test/main\n$material"), 0, 8) . '+' . encode_base64($material, '');

# the faults of a database: "height fault", "#seq fault" or "chain fault"
sub faults
{
	my $db = shift;
	return split /\n/, $node->safe_psql($db,
		q{SELECT DISTINCT coalesce('#' || ledger_seq, 'block ' || height, 'chain') || ' ' || fault FROM seoulchain.verify() ORDER BY 1});
}

# rewrites the event that waits, with its entry in the journal: no tree covers it yet
sub rewrite_pending
{
	my $change = shift;
	return <<"SQL";
CREATE TEMP TABLE rewritten AS SELECT leaf AS was, $change AS becomes FROM seoulchain.event WHERE ledger_seq = $pending;
UPDATE seoulchain.journal SET entries = overlay(entries PLACING sha256('\\x00'::bytea || convert_to(becomes, 'UTF8'))
	FROM position(sha256('\\x00'::bytea || convert_to(was, 'UTF8')) IN entries)) FROM rewritten
	WHERE position(sha256('\\x00'::bytea || convert_to(was, 'UTF8')) IN entries) > 0;
UPDATE seoulchain.event SET leaf = becomes FROM rewritten WHERE leaf = was;
SQL
}

# takes one line of a block's signature away, by its place
sub without_line
{
	my ($height, $n) = @_;
	return "UPDATE seoulchain.signature SET lines = (SELECT string_agg(l || E'\\n', '' ORDER BY n) FROM unnest(string_to_array(rtrim(lines, E'\\n'), E'\\n')) WITH ORDINALITY AS s(l, n) WHERE n <> $n) WHERE height = $height";
}

is_deeply([ faults('base') ], [], 'before any attack there is no fault');
my @attacks = (
	[ 'the history deleted', "DELETE FROM seoulchain.rotation WHERE ledger_seq = $seq",
		'block 0 signature wrong', 'block 1 signature wrong', 'block 2 signature wrong', 'chain registry altered', "#$seq registry altered" ],
	[ 'the cosigner\'s history deleted', "DELETE FROM seoulchain.rotation WHERE ledger_seq = $seq2",
		(map { "block $_ signature wrong" } 0 .. 4), "#$seq2 registry altered" ],
	[ 'an old key replaced in the history', "UPDATE seoulchain.rotation SET old_key = '$stranger' WHERE ledger_seq = $seq",
		(map { "block $_ signature wrong" } 0 .. 2), "#$seq registry altered", 'chain registry altered' ],
	[ 'a new key replaced in the history', "UPDATE seoulchain.rotation SET new_key = '$stranger' WHERE ledger_seq = $seq",
		(map { "block $_ signature wrong" } 2 .. 5), "#$seq registry altered", "#$pending registry altered" ],
	[ 'a change moved to another number', "UPDATE seoulchain.rotation SET ledger_seq = ledger_seq - 1 WHERE ledger_seq = $seq",
		'block 1 signature wrong', 'block 2 signature wrong', "#$seq registry altered", "#@{[$seq - 1]} registry altered" ],
	[ 'a change of key that no event tells of', "INSERT INTO seoulchain.rotation SELECT chain_id, 999999, new_key, '$stranger' FROM seoulchain.rotation WHERE ledger_seq = $pending; UPDATE seoulchain.chain SET log_key = '$stranger'",
		'#999999 registry altered' ],
	[ 'the log key set back', "UPDATE seoulchain.chain SET log_key = '$old'", 'chain registry altered' ],
	[ 'the log key set to a stranger\'s', "UPDATE seoulchain.chain SET log_key = '$stranger'", 'chain registry altered' ],
	[ 'the cosigner key set back', "UPDATE seoulchain.node SET cosigner_key = '$cosigner'", 'chain registry altered' ],
	[ 'nonsense in the history', "UPDATE seoulchain.rotation SET old_key = 'nonsense' WHERE ledger_seq = $seq",
		qr/block \d signature wrong/, qr/.*registry altered/ ],
	[ 'a sealed event altered', "UPDATE seoulchain.event SET leaf = replace(leaf, '\"old\":\"', '\"old\":\"x') WHERE ledger_seq = $seq",
		"#$seq event altered", "#$seq registry altered" ],
	[ 'a sealed event deleted', "DELETE FROM seoulchain.event WHERE ledger_seq = $seq", "#$seq event missing", "#$seq registry altered" ],
	[ 'an event that waits, without the old key\'s word', rewrite_pending(q!regexp_replace(leaf, '("proof":\{"new":)("[^"]*")(,"old":)"[^"]*"', '\1\2\3\2')!),
		"#$pending signature wrong" ],
	[ 'an event that waits, without the new key\'s word', rewrite_pending(q!regexp_replace(leaf, '("proof":\{"new":)"[^"]*"(,"old":)("[^"]*")', '\1\3\2\3')!),
		"#$pending signature wrong" ],
	[ 'an event that waits, for a stranger\'s key', rewrite_pending("replace(leaf, '$newest', '$stranger')")
		  . "; UPDATE seoulchain.rotation SET new_key = '$stranger' WHERE ledger_seq = $pending; UPDATE seoulchain.chain SET log_key = '$stranger'",
		"#$pending signature wrong" ],
	[ 'the old key\'s line under the hand-over', without_line(2, 1), 'block 2 signature wrong' ],
	[ 'the new key\'s line under the hand-over', without_line(2, 2), 'block 2 signature wrong' ],
	[ 'the cosigner\'s line under the hand-over', without_line(2, 3), 'block 2 signature wrong' ],
	[ 'the old cosigner\'s line under its hand-over', without_line(4, 2), 'block 4 signature wrong' ],
	[ 'the new cosigner\'s line under its hand-over', without_line(4, 3), 'block 4 signature wrong' ],
	[ 'a line put under a block of the new key', 'UPDATE seoulchain.signature SET lines = (SELECT lines FROM seoulchain.signature WHERE height = 1) WHERE height = 3',
		'block 3 signature wrong' ],
	[ 'lines of the old key added to a later block', q{UPDATE seoulchain.signature SET lines = split_part((SELECT lines FROM seoulchain.signature WHERE height = 1), E'\n', 1) || E'\n' || lines WHERE height = 3},
		'block 3 signature wrong' ],
);

my $n = 0;
foreach my $attack (@attacks)
{
	my ($what, $statement, @expected) = @$attack;
	my $db = 'copy' . ++$n;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE base");
	$node->safe_psql($db, $statement);
	my @found = faults($db);
	my @unmet = grep { my $e = $_; !grep { ref $e ? /\A$e\z/ : $_ eq $e } @found } @expected;
	my @unexpected = grep { my $f = $_; !grep { ref $_ ? $f =~ /\A$_\z/ : $f eq $_ } @expected } @found;
	ok(!@unmet && !@unexpected, $what) or diag("not found: @{[join ', ', @unmet]}; found beside: @{[join ', ', @unexpected]}");
	$node->safe_psql('postgres', "DROP DATABASE $db");
}
$node->stop;
done_testing();
