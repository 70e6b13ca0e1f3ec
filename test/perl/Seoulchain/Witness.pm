# Seoulchain::Witness - a witness that is no node: a key of its own, cosignatures by the openssl program.
#
# It signs whatever it is given, as a witness may that lies.  Nothing of
# Seoulchain's own code makes its lines.
package Seoulchain::Witness;
use strict;
use warnings;
use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64 decode_base64);
use PostgreSQL::Test::Utils;

use constant COSIGNATURE => "\x04";

# new(NAME): with a new key; new(NAME, $other) has that witness's key under another name
sub new
{
	my ($class, $name, $other) = @_;
	my $file = $other ? $other->{file} : PostgreSQL::Test::Utils::tempdir() . '/key.pem';
	if (!$other)
	{
		system('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', $file) == 0 or die "openssl genpkey: $?";
	}
	my $public = substr(scalar(`openssl pkey -in $file -pubout -outform DER`), -32);
	my $id = substr(sha256("$name\n" . COSIGNATURE . $public), 0, 4);
	return bless { name => $name, file => $file, public => $public, id => $id }, $class;
}

# from_file(PATH): with the key of a node's file, PRIVATE+KEY+<name>+<id>+<Base64 of type and seed>
sub from_file
{
	my ($class, $path) = @_;
	my ($name, $secret) = PostgreSQL::Test::Utils::slurp_file($path) =~ /^PRIVATE\+KEY\+([^+]+)\+[0-9a-f]{8}\+(\S+)/ or die "no key in $path";
	my $file = PostgreSQL::Test::Utils::tempdir() . '/key.pem';
	PostgreSQL::Test::Utils::append_to_file($file, "-----BEGIN PRIVATE KEY-----\n" .
		encode_base64(pack('H*', '302e020100300506032b657004220420') . substr(decode_base64($secret), 1)) . "-----END PRIVATE KEY-----\n");
	return $class->new($name, { file => $file });
}

# its verifier key
sub key
{
	my $self = shift;
	return join '+', $self->{name}, unpack('H*', $self->{id}), encode_base64(COSIGNATURE . $self->{public}, '');
}

# a line over the text of a checkpoint (or of a whole note), at a time in seconds
sub cosign
{
	my ($self, $note, $time) = @_;
	my ($text) = $note =~ /\A(.*?\n)(?:\n|\z)(?:\xE2\x80\x94|\x{2014}|\z)/s or die 'no note';
	$time //= time;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	PostgreSQL::Test::Utils::append_to_file("$dir/message", "cosignature/v1\ntime $time\n$text");
	system('openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', $self->{file}, '-in', "$dir/message", '-out', "$dir/signature") == 0
	  or die "openssl pkeyutl: $?";
	my $signature = PostgreSQL::Test::Utils::slurp_file("$dir/signature");
	return "\xE2\x80\x94 $self->{name} " . encode_base64($self->{id} . pack('Q>', $time) . $signature, '') . "\n";
}

1;
