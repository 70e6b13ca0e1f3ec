# Finality: what a policy is worth, when a checkpoint is final, and that nobody makes one final alone.
#
# The witnesses here sign with the openssl program whatever they are given, so
# that every lie can be told; the origin's superuser has its keys and all of SQL.
use strict;
use warnings;
use MIME::Base64 qw(encode_base64 decode_base64);
use Digest::SHA qw(sha256);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Test;
use Seoulchain::Witness;
use Test::More;
use IPC::Run;

# blocks when the test says so
my $node = ledger_node('origin', init => [ allows_streaming => 1 ], 'seoulchain.sign_key_directory' => key_directory(), 'seoulchain.seal_interval' => 0, max_prepared_transactions => 2);
sub sql { return $node->safe_psql('postgres', shift) }

# a statement that has to fail
sub refused
{
	my ($statement, $pattern, $what, $on) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out, $err) = ($on // $node)->psql('postgres', $statement);
	return like($err, $pattern, $what);
}

sub quote { my $text = shift; $text =~ s/'/''/g; return "'$text'" }

sql(q{SELECT seoulchain.create_node('net/origin'); CREATE TABLE t (v text) USING ledger});
my $log = sql('SELECT seoulchain.verifier_key()');
my $own = sql('SELECT seoulchain.cosigner_key()');
my @w = map { Seoulchain::Witness->new("net/w$_") } 1 .. 3;
my @names = map { "w$_" } 1 .. 3;

# a policy over named keys: policy('2', w1 => KEY, ...)
sub policy
{
	my ($k, @witnesses) = @_;
	my ($lines, @members) = ('');
	while (my ($name, $key) = splice(@witnesses, 0, 2))
	{
		$lines .= "witness $name $key\n";
		push @members, $name;
	}
	return "log $log\n${lines}group g $k @members\nquorum g\n";
}

# the row's number
sub insert { return sql("INSERT INTO t VALUES ('" . shift . "') RETURNING ledger_seq") }

# the newest checkpoint, sealed
sub sealed { sql('SELECT seoulchain.seal()'); return sql('SELECT seoulchain.checkpoint()') }
sub add { my ($line) = @_; return sql("SELECT seoulchain.add_cosignature('main', " . quote($line) . ')') }

# what seoulchain-verify says by a policy of the reader's
sub judged
{
	my ($text, $policy) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	PostgreSQL::Test::Utils::append_to_file("$dir/file", "$text\n");
	PostgreSQL::Test::Utils::append_to_file("$dir/policy", $policy);
	my ($out, $err);
	IPC::Run::run [ $node->config_data('--bindir') . '/seoulchain-verify', '--policy', "$dir/policy", "$dir/file" ], '>', \$out, '2>', \$err;
	return $out . $err;
}

my @three = map { $names[$_] => $w[$_]->key } 0 .. 2;
my $reader = policy(2, @three);

# policies that hold against nobody
my $first = insert('first');
sealed();
refused('SELECT seoulchain.checkpoint(final => true)', qr/chain "main" has no witness policy/, 'nothing is final without a policy');
refused("SELECT seoulchain.receipt('t', $first, final => true)", qr/no witness policy/, 'no receipt either');
refused("SELECT seoulchain.wait_for_final('t', $first)", qr/no witness policy/, 'and nobody waits');
sub refused_policy { my ($text, $pattern, $what) = @_; return refused("SELECT seoulchain.set_policy('main', " . quote($text) . ')', $pattern, $what) }
refused_policy("log $log\nquorum none\n", qr/hold against nobody.*It asks for no witness/s, 'quorum none');
refused_policy(policy(1, @three), qr/hold against nobody.*of its 3 witnesses, 0 are this node's own.*2k - n/s, 'one of three');
refused_policy(policy(2, own => $own, @three[0 .. 3]), qr/hold against nobody.*of its 3 witnesses, 1 are/s, 'two of three of whom one is the origin');
my (undef, undef, $material) = split /\+/, $own, 3;
my $disguised = 'net/honest+' . unpack('H*', substr(sha256("net/honest\n" . decode_base64($material)), 0, 4)) . "+$material";
refused_policy(policy(2, honest => $disguised, @three[0 .. 3]), qr/of its 3 witnesses, 1 are/, 'the origin\'s key under another name');
refused_policy(policy(2, fourth => Seoulchain::Witness->new('net/origin/else')->key, @three[0 .. 3]), qr/of its 3 witnesses, 1 are/, 'another key under the origin\'s name');
refused_policy(policy(2, @three, again => Seoulchain::Witness->new('net/w9', $w[0])->key), qr/line 5/, 'one key twice');
refused_policy(policy(2, @three) =~ s/^log \S+\n//r, qr/does not name the key of chain "main".*log \Q$log\E/s, 'without the chain\'s key');
refused_policy("log $log\nwitness w1 \Q$three[1]\E\n", qr/line 2|which quorum/, 'without a quorum');
refused_policy("log $log\nquorum g\n", qr/line 2 of the policy/, 'a quorum that is nobody');
refused_policy("log $log\nwitness w1 $three[1]\nwitness w1 $three[3]\nquorum w1\n", qr/line 3/, 'a name twice');
refused_policy("log $log\nwitness w1 $three[1]\nwitness w2 $three[3]\ngroup a all w1 w2\ngroup b all w1 w2\ngroup g any a b\nquorum g\n", qr/line 5/, 'groups that share members');
refused_policy("log $log\nwitness w1 $three[1]\nwitness w2 $three[3]\ngroup a any w1 w2\nquorum a\n", qr/hold against nobody/, 'an old and a new key, either of which is enough');
refused_policy(policy(3, @three, public => Seoulchain::Witness->new('net/w1/witness')->key), qr{two keys of one node, "net/w1" and "net/w1/witness".*one witness}s, 'a node that would be two witnesses');
refused_policy(policy(3, @three, next => Seoulchain::Witness->new('net/w1')->key), qr{two keys of one node, "net/w1" and "net/w1"}, 'nor by two cosigner keys');
refused_policy($reader =~ s/\n/\r\n/gr, qr/line 1 of the policy: it ends with a carriage return/, 'lines as other systems end them');
refused_policy($reader =~ s/w1 \S+/w1 $log/r, qr/line 2 of the policy: a key of this type cannot stand here/, 'the key of a log as a witness');
is(sql('SELECT count(*) FROM seoulchain.policies'), '0', 'none of them was recorded');

# one that holds
like(sql("SELECT seoulchain.set_policy('main', " . quote($reader =~ s/\n\z//r) . ')'), qr/at least 1 of 3 witnesses: holds while none of them/, 'two of three');
is(sql('SELECT policy = ' . quote($reader) . ' FROM seoulchain.policies'), 't', 'the newline that a shell cut off is there again');
refused_policy($reader, qr/the last policy is not signed yet/, 'one after the other');
my $note = sealed();
refused('SELECT seoulchain.checkpoint(final => true)', qr/no final checkpoint.*missing: "w1", "w2", "w3"/s, 'a policy, and nobody has cosigned');
is(sql('SELECT string_agg(witness, \',\') FROM seoulchain.cosignatures_missing WHERE NOT final'), 'w1,w2,w3', 'cosignatures_missing says so too');
my $unfinal = sql("SELECT seoulchain.receipt('t', $first)");
like(judged($unfinal, $reader), qr/NOBODY VOUCHES.*fewer witnesses.*not cosigned   net\/w1.*your policy    any two quorums share at least 1 witness: it holds while none/s, 'the reader is told the same');
is(add($w[0]->cosign($note)), '1', 'the first cosignature');
is(add($w[0]->cosign($note)), '0', 'a key has one line');
refused('SELECT seoulchain.checkpoint(final => true)', qr/missing: "w2", "w3"/, 'one is not two');
like(judged(sql("SELECT seoulchain.receipt('t', $first)"), $reader), qr/NOBODY VOUCHES.*cosigned by    net\/w1/s, 'nor for the reader');
is(sql("SELECT seoulchain.wait_for_final('t', $first, '0.2 s') IS NULL"), 't', 'waiting ends');

# lines that are nobody's
refused('SELECT seoulchain.add_cosignature(\'main\', ' . quote($w[1]->cosign("net/origin/main\n9\nAAAA\n")) . ')', qr/no line is a cosignature/, 'of another checkpoint');
refused('SELECT seoulchain.add_cosignature(\'main\', ' . quote($w[2]->cosign($note) . $w[1]->cosign("else\n")) . ')', qr/the line of "net\/w2" is no good signature/, 'a bad line spoils the others');
refused('SELECT seoulchain.add_cosignature(\'main\', ' . quote(Seoulchain::Witness->new('net/w2')->cosign($note)) . ')', qr/no line is a cosignature/, 'a stranger with the name of a witness');
refused("SELECT seoulchain.add_cosignature('main', 'what')", qr/no line is a cosignature/, 'no line at all');

# waiting ends when it has to
refused("SELECT seoulchain.wait_for_final('t', $first, '-1 s')", qr/timeout must not be negative/, 'no time less than none');
is(sql("SELECT seoulchain.wait_for_final('t', $first, '0 s') IS NULL"), 't', 'looking once');
is(sql("BEGIN READ ONLY; SELECT seoulchain.wait_for_final('t', $first, '0 s') IS NULL"), 't', 'it writes nothing');
refused("SET statement_timeout = '300ms'; SELECT seoulchain.wait_for_final('t', $first, '180 s')", qr/canceling statement due to statement timeout/, 'at the statement\'s timeout');
refused("BEGIN; INSERT INTO t VALUES ('mine'); SELECT seoulchain.wait_for_final('t', (SELECT max(ledger_seq) FROM t), '180 s')", qr/is not committed yet.*HINT.*in a transaction of its own/s, 'for a row that waits for itself');
like(sql("BEGIN; INSERT INTO t VALUES ('mine'); SELECT seoulchain.wait_for_final('t', $first, '0 s') IS NULL; ROLLBACK"), qr/t/, 'with rows of its own, for another');
my $prepared = sql("BEGIN; INSERT INTO t VALUES ('prepared') RETURNING ledger_seq; PREPARE TRANSACTION 'p'");
refused("SELECT seoulchain.wait_for_final('t', $prepared, '180 s')", qr/has no row with ledger_seq $prepared|no row/, 'for a row that is only prepared');
sql("ROLLBACK PREPARED 'p'");
my $cancelled = $node->background_psql('postgres', on_error_stop => 0);
$cancelled->query_until(qr/waits/, "\\echo waits\nSELECT seoulchain.wait_for_final('t', $first, '180 s');\n");
$node->poll_query_until('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%wait_for_final%' AND wait_event_type = 'Extension' AND pid <> pg_backend_pid()}) or die;
is($cancelled->query('SELECT 1'), '1', 'when it is cancelled');
$cancelled->quit;

# a session that waits is woken by what commits
my $waiting = $node->background_psql('postgres');
$waiting->query_until(qr/waits/, "\\echo waits\nSELECT seoulchain.wait_for_final('t', $first, '180 s');\n");
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%wait_for_final%' AND wait_event_type = 'Extension' AND pid <> pg_backend_pid()}) or die;
is(add($w[1]->cosign($note)), '1', 'the second');
like($waiting->query_safe('SELECT 1'), qr/tlog-proof.*net\/w1.*net\/w2/s, 'whoever waited has the receipt, with both cosignatures');
$waiting->quit;
my $final = sql('SELECT seoulchain.checkpoint(final => true)');
like($final, qr/\A\Qnet\/origin\/main\E\n.*net\/origin\/main .*net\/origin .*net\/w1 .*net\/w2 /s, 'the final checkpoint has all lines');
is(sql('SELECT seoulchain.checkpoint(height => height, final => true) = seoulchain.checkpoint(final => true) FROM (SELECT max(height) AS height FROM seoulchain.block) AS b'), 't', 'by its height too');
refused('SELECT seoulchain.checkpoint(height => 0, final => true)', qr/block 0 of chain "main" is not final/, 'the block before is not');
my $receipt = sql("SELECT seoulchain.receipt('t', $first, final => true)");
like(judged($receipt, policy(2, @three[0 .. 3], public => Seoulchain::Witness->new('net/w1/witness')->key)), qr{: VERIFIED.*two keys of one node, the second does not count: net/w1/witness\n.*holds against nobody}s, 'a reader is told that a node stands there twice');
like(judged($receipt, $reader), qr/: VERIFIED.*cosigned by    net\/w1.*cosigned by    net\/w2.*not cosigned   net\/w3/s, 'the reader believes the receipt');
is(sql('SELECT string_agg(witness, \',\') FROM seoulchain.cosignatures_missing WHERE final'), 'w3', 'one may be missing');

# what the origin's superuser can do with its keys and SQL: a row that the witnesses have not seen
my $second = insert('second');
my $note2 = sealed();
my ($size2) = $note2 =~ /\A[^\n]*\n(\d+)\n/;
my %lies = (
	'lines of the checkpoint before' => [ $w[0]->cosign($note), $w[1]->cosign($note) ],
	'bytes that are no signature'    => [ map { my $l = $w[$_]->cosign($note2); substr($l, -20, 4) = 'AAAA'; $l } 0, 1 ],
	'its own key as two witnesses'   => [ $disguised =~ /^(.*)\+/ ? ("\xE2\x80\x94 net/w1 AAAAAAAA\n", "\xE2\x80\x94 net/honest AAAAAAAA\n") : () ],
	'one witness twice'              => [ $w[0]->cosign($note2, 1), $w[0]->cosign($note2, 2), Seoulchain::Witness->new('net/w2', $w[0])->cosign($note2) ],
	'keys made for the purpose'      => [ map { Seoulchain::Witness->new("net/w$_")->cosign($note2) } 1, 2 ]);
foreach my $lie (sort keys %lies)
{
	sql("INSERT INTO seoulchain.cosignature VALUES ('net/origin/main', $size2, 'net/w1', " . quote($_) . ')') foreach @{ $lies{$lie} };
	refused("SELECT seoulchain.receipt('t', $second, final => true)", qr/no final checkpoint of more than/, "not final by $lie");
	# and by hand: all of the lines under the true checkpoint
	my $forged = sql("SELECT seoulchain.receipt('t', $second)") . "\n" . join('', @{ $lies{$lie} });
	unlike(judged($forged, $reader), qr/: VERIFIED/, '... nor for the reader');
	sql('DELETE FROM seoulchain.cosignature WHERE tree_size = ' . $size2);
}

# the origin changes the policy without the quorum
my @m = map { Seoulchain::Witness->new("net/m$_") } 1 .. 3;
my $mine = policy(2, map { ("m$_" => $m[ $_ - 1 ]->key) } 1 .. 3);
sql("SELECT seoulchain.set_policy('main', " . quote($mine) . ')');
my $note3 = sealed();
is(add($m[0]->cosign($note3) . $m[1]->cosign($note3)), '2', 'its new witnesses sign at once');
refused('SELECT seoulchain.checkpoint(height => (SELECT max(height) FROM seoulchain.block), final => true)', qr/missing: "w1", "w2", "w3"/, 'the policy before is in force');
unlike(judged(sql("SELECT seoulchain.receipt('t', $second)"), $reader), qr/: VERIFIED/, '... and the reader\'s policy is the reader\'s');
is(sql('SELECT overlap, since, in_force FROM seoulchain.policies'), "1|0|t\n1||f", 'policies shows which one is');
insert('third');
my $note4 = sealed();
add($_->cosign($note4)) foreach @m[ 0, 1 ];
refused('SELECT seoulchain.checkpoint(height => (SELECT max(height) FROM seoulchain.block), final => true)', qr/missing: "w1", "w2", "w3"/, 'the next checkpoint neither');
sub faults { return join ' ', split /\n/, sql(q{SELECT fault || coalesce(' ' || ledger_seq, '') FROM seoulchain.verify() ORDER BY ledger_seq}) }
is(faults(), '', 'verify() has nothing to say up to here');
sql(q{INSERT INTO seoulchain.policy SELECT 1, ledger_seq, } . quote($mine) . q{ FROM t WHERE v = 'first'});
is(faults(), "registry altered $first", 'verify() names a policy that no event brought');
refused('SELECT seoulchain.checkpoint(height => (SELECT max(height) FROM seoulchain.block), final => true)', qr/missing: "w1", "w2", "w3"/, 'nor by a row in the table of policies');

# what its superuser changes in the table of policies counts for nobody else, and verify() names it
my @seqs = split /\n/, sql(q{SELECT ledger_seq FROM seoulchain.policies WHERE ledger_seq <> } . $first . q{ ORDER BY ledger_seq});
sub meddled
{
	my ($change, $faults, $what) = @_;
	sql("CREATE TABLE kept AS TABLE seoulchain.policy; $change");
	is(faults(), $faults, "verify(): $what");
	unlike(judged(sql("SELECT seoulchain.receipt('t', $second)"), $reader), qr/: VERIFIED/, '... and the reader believes it as little');
	sql('DELETE FROM seoulchain.policy; INSERT INTO seoulchain.policy TABLE kept; DROP TABLE kept');
	return;
}
my $names = join ' ', map { "registry altered $_" } sort { $a <=> $b } $first, $seqs[0];
meddled("DELETE FROM seoulchain.policy WHERE ledger_seq = $seqs[0]", $names, 'a policy whose row is gone');
meddled("UPDATE seoulchain.policy SET policy = " . quote($mine) . " WHERE ledger_seq = $seqs[0]", "$names registry altered $seqs[0]", 'a policy of another text');
sql(q{INSERT INTO seoulchain.public_chain VALUES (1, 1, now())});
is(faults(), "registry altered 1 registry altered $first", 'verify() names a chain that was made public without saying so');
sql(q{DELETE FROM seoulchain.public_chain});

# with the old quorum it comes into force, from the next checkpoint on
add($_->cosign($note4)) foreach @w[ 1, 2 ];
my ($size4) = $note4 =~ /\A[^\n]*\n(\d+)\n/;
like(sql('SELECT seoulchain.checkpoint(final => true)'), qr/\A[^\n]*\n$size4\n.*net\/w2 .*net\/w3 /s, 'the old quorum signs a checkpoint that holds the change');
is(sql('SELECT overlap, since, in_force FROM seoulchain.policies ORDER BY ledger_seq, since'), "1||f\n1|0|f\n1|$size4|t", 'the new policy is in force');
insert('fourth');
my $note5 = sealed();
add($_->cosign($note5)) foreach @w;
refused('SELECT seoulchain.checkpoint(height => (SELECT max(height) FROM seoulchain.block), final => true)', qr/missing: "m1", "m2", "m3"/, 'the old witnesses are not enough any more');
like(sql('SELECT seoulchain.checkpoint(final => true)'), qr/\A[^\n]*\n$size4\n/, 'what was final stays final');
add($_->cosign($note5)) foreach @m[ 0, 2 ];
my ($size5) = $note5 =~ /\A[^\n]*\n(\d+)\n/;
like(sql('SELECT seoulchain.checkpoint(final => true)'), qr/\A[^\n]*\n$size5\n/, 'the new ones are');

# whose these functions are
sql('CREATE ROLE anybody LOGIN');
refused('SET ROLE anybody; SELECT seoulchain.set_policy(\'main\', \'\')', qr/permission denied/, 'policies are the operator\'s');
refused('SET ROLE anybody; SELECT seoulchain.add_cosignature(\'main\', \'\')', qr/permission denied/, 'and so are cosignatures');
refused('SET ROLE anybody; INSERT INTO seoulchain.cosignature VALUES (\'x\', 1, \'x\', \'x\')', qr/permission denied/, 'whose table is nobody\'s');
is(sql('SET ROLE anybody; SELECT count(*) > 0 FROM seoulchain.policies'), 't', 'everybody may know the policies');
refused("SET ROLE anybody; SELECT seoulchain.wait_for_final('t', $first)", qr/permission denied/, 'receipts are for those who may read the row');

# the table's rows, loaded from a dump, are taken as they are
is(sql(q{CREATE TABLE kept AS TABLE seoulchain.cosignature; DELETE FROM seoulchain.cosignature; INSERT INTO seoulchain.cosignature TABLE kept;
	SELECT (SELECT count(*) FROM kept) = (SELECT count(*) FROM seoulchain.cosignature)}), 't', 'a restored table');
like(sql('SELECT seoulchain.checkpoint(final => true)'), qr/\A[^\n]*\n$size5\n/, '... makes the same final');
sql('DELETE FROM seoulchain.policy WHERE ledger_seq = (SELECT ledger_seq FROM t WHERE v = \'first\')');

# a standby shows what is final, and waits for nothing
my $fifth = insert('fifth');
sealed();
$node->backup('standby');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'standby', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
like($standby->safe_psql('postgres', 'SELECT seoulchain.checkpoint(final => true)'), qr/\A[^\n]*\n$size5\n/, 'a standby has the final checkpoint');
like(judged($standby->safe_psql('postgres', "SELECT seoulchain.wait_for_final('t', $first)"), $reader), qr/: VERIFIED/, '... and receipts of what is final');
refused("SELECT seoulchain.receipt('t', $fifth, final => true)", qr/no final checkpoint of more than/, '... of nothing else', $standby);
refused("SELECT seoulchain.wait_for_final('t', $fifth)", qr/a standby seals and signs nothing.*HINT.*on the primary/s, '... for which it does not wait', $standby);
$standby->stop;

# nor is it taken back that a chain is public
sql(q{SELECT seoulchain.set_public('main')});
sealed();
sql('CREATE TABLE kept_public AS TABLE seoulchain.public_chain; DELETE FROM seoulchain.public_chain');
is(faults(), 'registry altered ' . sql('SELECT ledger_seq FROM kept_public'), 'verify() names a public chain that its superuser hid again');
sql('INSERT INTO seoulchain.public_chain TABLE kept_public');
is_intact($node, 'verify() has nothing to say');
$node->stop;
done_testing;
