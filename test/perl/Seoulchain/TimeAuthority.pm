# Seoulchain::TimeAuthority - a real RFC 3161 authority on this machine.
#
# Certificates are made here and tokens by `openssl ts`; a small HTTP server
# hands them out, well or badly, as the path of the request says.
package Seoulchain::TimeAuthority;
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Scalar::Util;
use Seoulchain::Http;

# new(NAME): a root (P-256) and certificates for timestamps: ec, rsa, and one that has expired
sub new
{
	my ($class, $name) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $self = bless { name => $name, dir => $dir }, $class;
	PostgreSQL::Test::Utils::append_to_file("$dir/conf", <<"END");
[req]
distinguished_name = dn
prompt = no
[dn]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[stamp]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
authorityKeyIdentifier = keyid
[ca]
default_ca = d
[d]
database = $dir/index
new_certs_dir = $dir
serial = $dir/caserial
crlnumber = $dir/crlnumber
default_md = sha256
default_crl_days = 30
unique_subject = no
policy = any
[any]
commonName = supplied
[tsa]
serial = $dir/serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
accuracy = secs:1
[stubborn]
serial = $dir/serial
default_policy = 1.2.3.4.1
digests = sha512
signer_digest = sha256
END
	PostgreSQL::Test::Utils::append_to_file("$dir/index", '');
	PostgreSQL::Test::Utils::append_to_file("$dir/$_", "01\n") foreach qw(serial caserial crlnumber);
	$self->_key('root', 'EC');
	_run('openssl', 'req', '-x509', '-new', '-key', "$dir/root.key", '-config', "$dir/conf", '-extensions', 'root',
		'-subj', "/CN=$name root", '-days', 30, '-out', "$dir/root.pem");
	$self->_certificate('ec', 'EC');
	$self->_certificate('rsa', 'RSA');
	$self->_certificate('expired', 'EC', '-startdate', '20200101000000Z', '-enddate', '20200201000000Z');
	return $self;
}

sub _run
{
	my @command = @_;
	my $log = PostgreSQL::Test::Utils::tempdir() . '/log';
	my $result = IPC::Run::run \@command, '<', \undef, '>', $log, '2>', $log;
	die "@command: " . PostgreSQL::Test::Utils::slurp_file($log) unless $result;
	return;
}

sub _key
{
	my ($self, $kind, $algorithm) = @_;
	my @how = $algorithm eq 'EC' ? ('ec_paramgen_curve:P-256') : ('rsa_keygen_bits:2048');
	_run('openssl', 'genpkey', '-algorithm', $algorithm, '-pkeyopt', @how, '-out', "$self->{dir}/$kind.key");
	return;
}

sub _certificate
{
	my ($self, $kind, $algorithm, @dates) = @_;
	my $dir = $self->{dir};
	$self->_key($kind, $algorithm);
	_run('openssl', 'req', '-new', '-key', "$dir/$kind.key", '-config', "$dir/conf", '-subj', "/CN=$self->{name} $kind",
		'-out', "$dir/$kind.csr");
	_run('openssl', 'ca', '-batch', '-notext', '-config', "$dir/conf", '-cert', "$dir/root.pem", '-keyfile', "$dir/root.key",
		'-extensions', 'stamp', @dates ? @dates : ('-days', 20), '-in', "$dir/$kind.csr", '-out', "$dir/$kind.pem");
	return;
}

# path of a file: root.pem, ec.pem, ...
sub file { my ($self, $name) = @_; return "$self->{dir}/$name" }

# reply(KIND, REQUEST, SECTION): what the authority answers to the bytes of a request
sub reply
{
	my ($self, $kind, $request, $section) = @_;
	my $dir = $self->{dir};
	my $name = "$dir/" . $$ . '-' . ++$self->{count};
	open my $out, '>:raw', "$name.tsq" or die "$name: $!";
	print $out $request;
	close $out or die;
	_run('openssl', 'ts', '-reply', '-config', "$dir/conf", '-section', $section // 'tsa', '-queryfile', "$name.tsq",
		'-signer', "$dir/$kind.pem", '-inkey', "$dir/$kind.key", '-out', "$name.tsr");
	return PostgreSQL::Test::Utils::slurp_file("$name.tsr");
}

# revoke(KIND, REASON): a revocation list as PEM, with the certificate on it
sub revoke
{
	my ($self, $kind, $reason) = @_;
	my $dir = $self->{dir};
	my @config = ('-config', "$dir/conf", '-cert', "$dir/root.pem", '-keyfile', "$dir/root.key");
	_run('openssl', 'ca', @config, '-revoke', "$dir/$kind.pem", '-crl_reason', $reason);
	_run('openssl', 'ca', @config, '-gencrl', '-out', "$dir/crl.pem");
	return PostgreSQL::Test::Utils::slurp_file("$dir/crl.pem");
}

# the answer to one HTTP request, by its path
sub _answer
{
	my ($self, $path, $request) = @_;
	my $stamped = 'application/timestamp-reply';
	return ('200 OK', $stamped, $self->reply($1, $request)) if $path =~ m{^/(ec|rsa|expired)$};
	return ('200 OK', $stamped, $self->reply('ec', $request, 'stubborn')) if $path eq '/stubborn';
	return ('200 OK', $stamped, '') if $path eq '/empty';
	return ('200 OK', 'text/html', '<html>closed for maintenance</html>') if $path eq '/html';
	return ('500 Internal Server Error', '', 'out of order') if $path eq '/broken';
	return ('404 Not Found', '', 'no such authority');
}

# serve: starts the HTTP server; the URL without a path
sub serve
{
	my $self = shift;
	my $weak = $self;
	Scalar::Util::weaken($weak);
	$self->{http} = Seoulchain::Http->new(sub {
			my ($method, $path, $request, $header) = @_;
			return ('415 Unsupported Media Type', '', '') if ($header->{'content-type'} // '') ne 'application/timestamp-query';
			return $weak->_answer($path, $request);
	});
	return $self->{http}->url;
}

1;
