# Seoulchain::Sign - keys and signatures by the openssl program, for tests that sign rows.
#
# Nothing here is Seoulchain's own: a signature that these functions make and the
# database accepts is one by somebody else's code.  A header is signed as it is
# given, however wrong it is.
package Seoulchain::Sign;
use strict;
use warnings;
use Exporter 'import';
use File::Spec;
use JSON::PP ();
use MIME::Base64 qw(encode_base64 decode_base64);
use PostgreSQL::Test::Utils;

our @EXPORT = qw(make_key public_pem public_der raw_key self_signed make_authority issue revoke_certificate revocation_list
  der_of_pem sign_bytes jws header_of other_ecdsa_signature
  base64url from_base64url run_openssl write_file algorithm_of);

my %generate = (
	ed25519 => '-algorithm ed25519',
	p256    => '-algorithm EC -pkeyopt ec_paramgen_curve:P-256',
	p384    => '-algorithm EC -pkeyopt ec_paramgen_curve:P-384',
	rsa     => '-algorithm RSA -pkeyopt rsa_keygen_bits:2048');
my %algorithm = (ed25519 => 'EdDSA', p256 => 'ES256', rsa => 'PS256');
# the server reads files from here too
# (made when it is first needed: where temporary files go is known once the test runs)
my $folder;
sub folder { return $folder //= File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir()) }
my $made = 0;

sub algorithm_of { return $algorithm{ $_[0]{kind} } }

sub write_file
{
	my ($bytes, $name) = @_;
	my $path = folder() . "/" . ($name // 'file' . ++$made);
	open(my $fh, '>:raw', $path) or die "$path: $!";
	print $fh $bytes;
	close($fh) or die "$path: $!";
	return $path;
}

# what openssl writes to its output; dies when it fails
sub run_openssl
{
	my $arguments = shift;
	my $out = `openssl $arguments 2>@{[folder()]}/errors`;
	die "openssl $arguments: " . slurp_file(folder() . "/errors") if $?;
	return $out;
}

# a new private key: { kind, file }
sub make_key
{
	my $kind = shift;
	my $file = folder() . "/key" . ++$made;
	run_openssl("genpkey $generate{$kind} -out $file");
	return { kind => $kind, file => $file };
}

sub public_pem { return run_openssl("pkey -in $_[0]{file} -pubout") }
sub public_der { return run_openssl("pkey -in $_[0]{file} -pubout -outform DER") }
sub raw_key    { return substr(public_der($_[0]), -32) }

# a certificate that the key signed itself, PEM
sub self_signed { return run_openssl("req -x509 -new -key $_[0]{file} -subj /CN=$_[1] -days 30") }

# the DER in a PEM
sub der_of_pem
{
	my ($base64) = $_[0] =~ /^-----BEGIN [^-]+-----\n(.*?)^-----END/ms;
	return decode_base64($base64);
}

# an authority that issues certificates and revocation lists: { key, dir, pem }; its own certificate is
# self-signed, or by => AUTHORITY with from and until as for issue()
sub make_authority
{
	my ($name, %how) = @_;
	my $authority = { key => make_key('p256'), dir => folder() . "/authority" . ++$made, name => $name };
	mkdir $authority->{dir} or die "$authority->{dir}: $!";
	my $in = $authority->{dir};
	write_file('', substr("$in/index.txt", length(folder() . "/")));
	write_file("01\n", substr("$in/$_", length(folder() . "/"))) foreach qw(serial crlnumber);
	write_file(<<"CONFIG", substr("$in/config", length(folder() . "/")));
[ca]
default_ca = the_ca
[the_ca]
database = $in/index.txt
serial = $in/serial
crlnumber = $in/crlnumber
new_certs_dir = $in
certificate = $in/certificate
private_key = $authority->{key}{file}
default_md = sha256
default_days = 30
default_crl_days = 30
unique_subject = no
policy = names
[names]
commonName = supplied
[signing]
keyUsage = critical, digitalSignature
[encrypting]
keyUsage = critical, keyEncipherment
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
[req]
distinguished_name = dn
[dn]
CONFIG
	$authority->{pem} = $how{by} ? issue($how{by}, $authority->{key}, $name, %how, usage => 'authority')
	  : run_openssl("req -x509 -new -config $in/config -extensions authority -key $authority->{key}{file} -subj /CN=$name -days 30");
	write_file($authority->{pem}, substr("$in/certificate", length(folder() . "/")));
	return $authority;
}

# a certificate by an authority: from, until => YYYYMMDDHHMMSSZ, usage => 'signing', 'encrypting' or 'authority'
sub issue
{
	my ($authority, $key, $name, %how) = @_;
	my $config = "$authority->{dir}/config";
	my $request = folder() . "/request";
	my $dates = ($how{from} ? "-startdate $how{from} " : '') . ($how{until} ? "-enddate $how{until} " : '');
	my $usage = $how{usage} // 'signing';
	run_openssl("req -new -config $config -key $key->{file} -subj /CN=$name -out $request");
	return run_openssl("ca -batch -notext -config $config -extensions $usage $dates -in $request");
}

sub revoke_certificate
{
	my ($authority, $pem, $reason) = @_;
	my $file = write_file($pem);
	run_openssl("ca -config $authority->{dir}/config -revoke $file -crl_reason $reason");
	return;
}

# the list of what was revoked so far, PEM
sub revocation_list { return run_openssl("ca -config $_[0]{dir}/config -gencrl") }

sub base64url
{
	my $text = encode_base64($_[0], '');
	$text =~ tr,+/=,-_,d;
	return $text;
}

sub from_base64url
{
	my $text = shift;
	$text =~ tr,-_,+/,;
	return decode_base64($text);
}

# the two numbers of an ECDSA signature in DER, 32 bytes each
sub raw_of_der
{
	my $der = shift;
	my ($r, $s) = unpack('x2 x C/a x C/a', $der);
	return join('', map { substr("\0" x 32 . $_, -32) } $r, $s);
}

# signs bytes in the form that JWS has; how => 'pkcs1', 'der', 'hmac' signs in one that it has not
sub sign_bytes
{
	my ($key, $bytes, $how) = @_;
	my $file = write_file($bytes, 'input');
	$how //= $key->{kind};
	return run_openssl("pkeyutl -sign -rawin -inkey $key->{file} -in $file") if $how eq 'ed25519';
	return raw_of_der(run_openssl("dgst -sha256 -sign $key->{file} $file")) if $how eq 'p256';
	return run_openssl("dgst -sha256 -sign $key->{file} $file") if $how eq 'der' || $how eq 'pkcs1';
	return run_openssl("dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign $key->{file} $file")
	  if $how eq 'rsa';
	# a "shared secret" that is really the public key, as everybody has it
	return run_openssl("dgst -sha256 -mac HMAC -macopt hexkey:" . unpack('H*', public_pem($key)) . " -binary $file")
	  if $how eq 'hmac';
	die "no way to sign $how";
}

# the usual header, with more members or others
sub header_of
{
	my ($key, %more) = @_;
	return JSON::PP->new->utf8->canonical->encode({ alg => algorithm_of($key), typ => 'seoulchain-row+jws', %more });
}

# a detached JWS over a payload with this header, "" for the usual one
sub jws
{
	my ($key, $payload, $header, $how) = @_;
	my $head = base64url($header || header_of($key));
	return "$head.." . base64url(sign_bytes($key, "$head." . base64url($payload), $how));
}

# the same ES256 signature in its other form, which verifies as well: (r, n - s) for (r, s)
sub other_ecdsa_signature
{
	my $jws = shift;
	my ($head, $signature) = split /\.\./, $jws;
	my $raw = from_base64url($signature);
	my @n = unpack('C*', pack('H*', 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'));
	my @s = unpack('C*', substr($raw, 32));
	my $borrow = 0;
	foreach my $i (reverse 0 .. 31)
	{
		my $digit = $n[$i] - $s[$i] - $borrow;
		$borrow = $digit < 0 ? 1 : 0;
		$s[$i] = $digit + 256 * $borrow;
	}
	return "$head.." . base64url(substr($raw, 0, 32) . pack('C*', @s));
}

1;
