# Finality among three agencies: their cosignatures arrive by replication, everybody comes to the same, and no superuser makes anything final alone.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::Test;
use Test::More;
use IPC::Run;

my $city = Seoulchain::City->new(nodes => [qw(hall shop bank)], settings => { 'seoulchain.seal_interval' => '100ms' });
sub hall { return $city->sql('hall', shift) }
sub quote { my $text = shift; $text =~ s/'/''/g; return "'$text'" }

sub refused
{
	my ($node, $statement, $pattern, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out, $err) = $city->node($node)->psql('postgres', $statement);
	return like($err, $pattern, $what);
}

# what seoulchain-verify says by the reader's policy
sub judged
{
	my ($text, $policy) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$dir/file", "$text\n");
	append_to_file("$dir/policy", $policy);
	my ($out, $err);
	IPC::Run::run [ 'seoulchain-verify', '--policy', "$dir/policy", "$dir/file" ], '>', \$out, '2>', \$err;
	return $out . $err;
}

hall('CREATE SCHEMA hall; CREATE TABLE hall.t (v text) USING ledger');
$city->mesh;
$city->settle or BAIL_OUT('the nodes do not follow each other');

my $log = hall('SELECT seoulchain.verifier_key()');
my ($shop, $bank) = map { $city->key($_) } qw(shop bank);
my $both = "log $log\nwitness shop $shop\nwitness bank $bank\ngroup both all shop bank\nquorum both\n";
like(hall("SELECT seoulchain.set_policy('main', " . quote($both) . ')'), qr/at least 2 of 2 witnesses: holds while at most 1/, 'both others have to cosign');
my $seq = hall(q{INSERT INTO hall.t VALUES ('first') RETURNING ledger_seq});
my $receipt = hall("SELECT seoulchain.wait_for_final('hall.t', $seq, '180 s')");
like(judged($receipt, $both), qr/: VERIFIED.*city\/shop.*city\/bank.*at least 2 witnesses: it holds while at most 1/s, 'the receipt that the origin waited for is final for the reader');
foreach my $node (qw(shop bank))
{
	my $there = $city->sql($node, "SELECT seoulchain.wait_for_final('hall.t', $seq, '180 s')");
	like(judged($there, $both), qr/: VERIFIED/, "$node has such a receipt of its copy");
	is($city->sql($node, q{SELECT in_force, overlap FROM seoulchain.policies WHERE chain = 'city/hall/main'}), 't|2', '... and the policy');
	is($city->sql($node, q{SELECT count(*) FROM seoulchain.verify()}), '0', '... and nothing to complain of');
}

# one of two is away: nothing is final, and it is said who is missing
$city->node('bank')->stop;
$seq = hall(q{INSERT INTO hall.t VALUES ('second') RETURNING ledger_seq});
$city->wait_cosigned('hall', by => ['shop']);
is(hall("SELECT seoulchain.wait_for_final('hall.t', $seq, '1 s') IS NULL"), 't', 'without the bank nothing is final');
is(hall(q{SELECT string_agg(witness, ',') FROM seoulchain.cosignatures_missing WHERE NOT final AND chain = 'main'}), 'bank', 'the bank is missing');
refused('hall', "SELECT seoulchain.receipt('hall.t', $seq, final => true)", qr/no final checkpoint of more than \d+ leaves.*witnesses are missing: "bank"/s, 'the receipt is refused by name');

# the origin's superuser: lines of its own, the policy without the quorum
my $note = hall('SELECT seoulchain.checkpoint()');
my ($size) = $note =~ /\A[^\n]*\n(\d+)\n/;
my ($own) = $note =~ /(\xE2\x80\x94 city\/hall \S+)/;
my ($theirs) = $note =~ /(\xE2\x80\x94 city\/shop \S+)/;
foreach my $line ($own, $own =~ s/city\/hall/city\/bank/r, $theirs =~ s/city\/shop/city\/bank/r)
{
	hall("INSERT INTO seoulchain.cosignature VALUES ('city/hall/main', $size, 'city/bank', " . quote("$line\n") . ')');
}
hall(q{INSERT INTO seoulchain.cosignature SELECT origin, } . $size . q{, witness, line FROM seoulchain.cosignature WHERE witness = 'city/bank'});
refused('hall', "SELECT seoulchain.receipt('hall.t', $seq, final => true)", qr/missing: "bank"/, 'forged and replayed lines do not count');
unlike(judged(hall("SELECT seoulchain.receipt('hall.t', $seq)"), $both), qr/: VERIFIED/, 'nor for the reader');
my $alone = "log $log\nwitness shop $shop\nquorum shop\n";
hall("SELECT seoulchain.set_policy('main', " . quote($alone) . ')');
hall('SELECT seoulchain.seal()');
$city->wait_cosigned('hall', by => ['shop']);
refused('hall', "SELECT seoulchain.receipt('hall.t', $seq, final => true)", qr/missing: "bank"/, 'a policy without the bank is not in force without the bank');
is($city->sql('shop', q{SELECT string_agg(in_force::text, ',' ORDER BY ledger_seq) FROM seoulchain.policies WHERE chain = 'city/hall/main'}), 'true,false', 'the follower says the same');

# the bank comes back: what was waiting becomes final, and the new policy comes into force everywhere
$city->node('bank')->start;
my $final = hall("SELECT seoulchain.wait_for_final('hall.t', $seq, '180 s')");
like(judged($final, $both), qr/: VERIFIED/, 'with the bank the row is final');
foreach my $node (qw(hall shop bank))
{
	my $chain = $node eq 'hall' ? 'main' : 'city/hall/main';
	$city->wait_for($node, qq{SELECT string_agg(in_force::text, ',' ORDER BY ledger_seq) FROM seoulchain.policies WHERE chain = '$chain'}, "$node: the new policy", 'false,true');
}
# a cosignature that comes late may move it to a smaller checkpoint, on all in the end
my $since;
foreach (1 .. 100)
{
	$since = join ' ', map { my $chain = $_ eq 'hall' ? 'main' : 'city/hall/main'; $city->sql($_, "SELECT since FROM seoulchain.policies WHERE chain = '$chain' AND in_force") } qw(hall shop bank);
	last if $since =~ /^(\d+) \1 \1$/;
}
like($since, qr/^(\d+) \1 \1$/, 'from the same checkpoint on');
$city->no_dispute('and nobody was accused of anything');
done_testing;
