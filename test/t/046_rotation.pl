# Rotation of log and cosigner keys: who signs which block, what is refused, crashes at every step.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $keys = key_directory();
my $node = ledger_node('rotation', 'seoulchain.sign_key_directory' => $keys, 'seoulchain.seal_interval' => '0');
sub sql { return $node->safe_psql('postgres', shift) }
sub refused
{
	my ($statement, $pattern, $what) = @_;
	my ($st, $o, $e) = $node->psql('postgres', $statement);
	like($e, $pattern, $what);
	return;
}
# names and key ids of the lines under a block's checkpoint: "log 1234abcd, node ..."
sub signers
{
	my $height = shift;
	my $note = sql("SELECT seoulchain.checkpoint('main', $height)");
	return join ' ', map { unpack('H8', MIME::Base64::decode_base64($_)) } $note =~ /^\x{e2}\x{80}\x{94} \S+ (\S+)$/mg;
}
sub id { my $key = shift; return (split /\+/, $key)[1] }
sub sealed { my $statement = shift; sql($statement); return sql('SELECT seoulchain.seal()') }
use MIME::Base64 ();

my $cosigner = sql(q{SELECT seoulchain.create_node('seoul.go.kr/city-hall')});
sql('CREATE TABLE t (id int) USING ledger');
my $h0 = sealed('INSERT INTO t VALUES (1)');
my $old = sql('SELECT seoulchain.verifier_key()');
is(signers($h0), id($old) . ' ' . id($cosigner), 'one log key and one cosigner key');

# a rotation that is rolled back leaves everything as it was
sql(q{BEGIN; SELECT seoulchain.rotate_log_key('main'); ROLLBACK});
is(sql('SELECT seoulchain.verifier_key()'), $old, 'rolled back, the old key is the key');
my $h1 = sealed('INSERT INTO t VALUES (2)');
is(signers($h1), id($old) . ' ' . id($cosigner), 'and signs alone');

# the rotation
my $new = sql(q{SELECT seoulchain.rotate_log_key('main')});
isnt($new, $old, 'another key');
is(sql('SELECT seoulchain.verifier_key()'), $new, 'verifier_key() gives it');
refused(q{SELECT seoulchain.rotate_log_key('main')}, qr/last change of this key is not signed yet.*HINT.*seal/s, 'no second one before the first is signed');
my $h2 = sealed('INSERT INTO t VALUES (3)');
is(signers($h2), id($old) . ' ' . id($new) . ' ' . id($cosigner), 'the block that holds the event is signed by both');
my $h3 = sealed('INSERT INTO t VALUES (4)');
is(signers($h3), id($new) . ' ' . id($cosigner), 'later ones by the new key alone');
is_intact($node, 'verify() finds nothing wrong across the rotation');
foreach my $height ($h0, $h1, $h2, $h3)
{
	is(sql("SELECT string_agg(fault, ',') FROM seoulchain.verify(NULL, seoulchain.checkpoint('main', $height))"), '', "a checkpoint of block $height is still believed");
}

# the cosigner key
my $cosigner2 = sql('SELECT seoulchain.rotate_cosigner_key()');
is(sql('SELECT seoulchain.cosigner_key()'), $cosigner2, 'cosigner_key() gives the new one');
refused('SELECT seoulchain.rotate_cosigner_key()', qr/last change of this key is not signed yet/, 'nor a second one of the cosigner');
my $h4 = sealed('INSERT INTO t VALUES (5)');
is(signers($h4), id($new) . ' ' . id($cosigner) . ' ' . id($cosigner2), 'both cosigner keys sign the block of the event');
my $h5 = sealed('INSERT INTO t VALUES (6)');
is(signers($h5), id($new) . ' ' . id($cosigner2), 'then the new one alone');
is_intact($node, 'intact after both');
done_testing();
