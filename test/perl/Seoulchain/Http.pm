# Seoulchain::Http - a small HTTP server for tests, in a process of its own.
#
#	my $http = Seoulchain::Http->new(sub { my ($method, $path, $body, $header) = @_; return ('200 OK', 'text/plain', 'hello') });
#	$http->url;             # http://127.0.0.1:<port>
#
# It ends when the object is gone.
package Seoulchain::Http;
use strict;
use warnings;
use IO::Socket::INET;
use POSIX ();

sub new
{
	my ($class, $answer) = @_;
	my $listen = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die "listen: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		$SIG{TERM} = sub { POSIX::_exit(0) };
		while (my $client = $listen->accept)
		{
			_serve($client, $answer);
			close $client;
		}
		POSIX::_exit(0);
	}
	my $self = bless { pid => $pid, owner => $$, url => 'http://127.0.0.1:' . $listen->sockport }, $class;
	close $listen;
	return $self;
}

# one request; a handler that dies or gives nothing is out of order
sub _serve
{
	my ($client, $answer) = @_;
	my ($method, $path) = (<$client> // '') =~ m{^(\S+) (\S+)};
	my %header;
	while (defined(my $line = <$client>))
	{
		last if $line =~ /^\r?$/;
		$header{ lc $1 } = $2 if $line =~ /^([^:]+):\s*(.*?)\r?$/;
	}
	my $request = '';
	read $client, $request, $header{'content-length'} // 0;
	my ($status, $type, $body) = eval { $answer->($method, $path, $request, \%header) };
	($status, $type, $body) = ('500 Internal Server Error', '', $@) if !defined $status;
	my $fields = $type ? "Content-Type: $type\r\n" : '';
	print $client "HTTP/1.1 $status\r\n${fields}Content-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
	return;
}

sub url { return $_[0]{url} }

sub DESTROY
{
	my $self = shift;
	local $?;
	return unless $self->{pid} && $self->{owner} == $$;
	kill 'TERM', $self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

1;
