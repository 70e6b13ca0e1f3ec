# Finality among three agencies: their cosignatures arrive by replication, everybody comes to the same, and no superuser makes anything final alone.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::Test;
use Seoulchain::Witness;
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

# it may be published: everybody shows what is final, and nothing newer
hall(q{SELECT seoulchain.set_public('main')});
$seq = hall(q{INSERT INTO hall.t VALUES ('public') RETURNING ledger_seq});
$city->sql($_, "SELECT seoulchain.wait_for_final('hall.t', $seq, '180 s')") foreach qw(hall shop);
$city->wait_cosigned('hall', by => [qw(shop bank)]);
my ($final_size) = hall('SELECT seoulchain.checkpoint(final => true)') =~ /\A[^\n]*\n(\d+)\n/;

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

# ... its tables: another policy, and keys of its own as its peers'
my %mine = map { $_ => Seoulchain::Witness->new("city/$_") } qw(shop bank);
my $mine = "log $log\nwitness shop " . $mine{shop}->key . "\nwitness bank " . $mine{bank}->key . "\ngroup both all shop bank\nquorum both\n";
$note = hall('SELECT seoulchain.checkpoint()');
hall(q{CREATE TABLE kept_peer AS TABLE seoulchain.peer; CREATE TABLE kept_policy AS TABLE seoulchain.policy});
hall("UPDATE seoulchain.peer SET cosigner_key = " . quote($mine{$_}->key) . " WHERE name = 'city/$_'") foreach qw(shop bank);
is(hall("SELECT seoulchain.add_cosignature('main', " . quote(join '', map { $_->cosign($note) } values %mine) . ')'), '2', 'keys of its own pass for its peers\'');
refused('hall', "SELECT seoulchain.receipt('hall.t', $seq, final => true)", qr/missing: "bank"/, '... and make nothing final: the policy names keys');
hall('UPDATE seoulchain.policy SET policy = ' . quote($mine));
unlike(judged(hall("SELECT seoulchain.receipt('hall.t', $seq)"), $both), qr/: VERIFIED/, 'a policy that its own table has otherwise convinces no reader');
cmp_ok(hall(q{SELECT count(*) FROM seoulchain.verify() WHERE fault = 'registry altered'}), '>', 0, '... and verify() names it');
hall(q{DELETE FROM seoulchain.policy WHERE ledger_seq = (SELECT min(ledger_seq) FROM kept_policy)});
unlike(judged(hall("SELECT seoulchain.receipt('hall.t', $seq)"), $both), qr/: VERIFIED/, '... nor does one that it deleted');
refused('shop', "SELECT seoulchain.receipt('hall.t', $seq, final => true)", qr/missing: "bank"/, 'followers know better all the time');
hall(q{DELETE FROM seoulchain.policy; INSERT INTO seoulchain.policy TABLE kept_policy; UPDATE seoulchain.peer p SET cosigner_key = k.cosigner_key FROM kept_peer k WHERE k.name = p.name;
	DROP TABLE kept_peer, kept_policy});

# a witness's superuser: lines in the other's name, here and sent to the origin
($size) = $note =~ /\A[^\n]*\n(\d+)\n/;
foreach my $name (qw(city/bank city/shop))
{
	$city->sql('shop', "INSERT INTO seoulchain.cosignature VALUES ('city/hall/main', $size, '$name', " . quote($_) . ')') foreach $mine{bank}->cosign($note), $theirs =~ s/city\/shop/city\/bank/r . "\n";
}
refused('shop', "SELECT seoulchain.receipt('hall.t', $seq, final => true)", qr/missing: "bank"/, 'one witness cannot speak for the other');
refused('shop', q{SELECT seoulchain.checkpoint('city/hall/main', (SELECT max(height) FROM seoulchain.block WHERE chain = 'city/hall/main'), final => true)}, qr/is not final.*missing: "bank"/s, '... nor by height');
is($city->sql('shop', "SELECT seoulchain.wait_for_final('hall.t', $seq, '1 s') IS NULL"), 't', '... nor by waiting');
foreach my $node (qw(hall shop))
{
	my $chain = $node eq 'hall' ? 'main' : 'city/hall/main';
	like($city->sql($node, "SELECT convert_from(seoulchain.tile('$chain', 'checkpoint'), 'UTF8')"), qr/\A[^\n]*\n$final_size\n/, "$node publishes nothing newer than what was final");
}
# a name has room for few lines of a checkpoint, so these have to go
$city->sql('shop', q{DELETE FROM seoulchain.cosignature WHERE line LIKE '%city/bank%' AND tree_size = } . $size);

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
# a witness changes its key before any policy names the next one: it is said, and the old key still speaks
my ($old) = glob($city->keys_of('shop') . '/*/*city+shop*.cosigner.key');
my $before = Seoulchain::Witness->from_file($old);
is($before->key, $shop, 'the key of the shop');
my $after = $city->sql('shop', 'SELECT seoulchain.rotate_cosigner_key()');
$city->seal('shop');
$seq = hall(q{INSERT INTO hall.t VALUES ('third') RETURNING ledger_seq});
$city->wait_cosigned('hall', by => ['shop']);
refused('hall', "SELECT seoulchain.receipt('hall.t', $seq, final => true)", qr/missing: "shop" \(which signs with a key that the policy does not name\)/, 'a witness with another key is a stranger');
# the policy without it, brought into force by its old key; then the one with its new key
my $without = "log $log\nwitness bank $bank\nquorum bank\n";
my $next = $both =~ s/\Q$shop\E/$after/r;
sub in_force { my ($text) = @_; return hall('SELECT count(*) FROM seoulchain.policies WHERE in_force AND policy = ' . quote($text)) eq '1' }
hall("SELECT seoulchain.set_policy('main', " . quote($without) . ')');
hall('SELECT seoulchain.seal()');
ok(!in_force($without), 'the policy without it needs it');
is(hall("SELECT seoulchain.add_cosignature('main', " . quote($before->cosign(hall('SELECT seoulchain.checkpoint()'))) . ')'), '1', 'a line by its old key, made elsewhere');
ok(in_force($without), '... brings it into force');
$city->wait_cosigned('hall', by => [qw(shop bank)]);
hall("SELECT seoulchain.set_policy('main', " . quote($next) . ')');
hall('SELECT seoulchain.seal()');
$city->wait_for('hall', 'SELECT count(*) FROM seoulchain.policies WHERE in_force AND policy = ' . quote($next), 'the policy with the new key', '1');
$seq = hall(q{INSERT INTO hall.t VALUES ('fourth') RETURNING ledger_seq});
like(judged(hall("SELECT seoulchain.wait_for_final('hall.t', $seq, '180 s')"), $next), qr/: VERIFIED.*city\/shop.*city\/bank/s, 'the new key counts, for a reader who names it');
unlike(judged(hall("SELECT seoulchain.receipt('hall.t', $seq)"), $both), qr/: VERIFIED/, '... and for nobody else');
$city->no_dispute('and nobody was accused of anything');
done_testing;
