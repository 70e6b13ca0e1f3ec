# Seoulchain::Link - a wire to a node's Unix socket that tests can cut, freeze and heal.
#
# A process listens on a socket of its own and passes bytes both ways.  Cut, it
# is gone: connections end and new ones are refused.  Frozen, it is stopped:
# connections stay and nothing arrives, as with a cable that was pulled.
package Seoulchain::Link;
use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use PostgreSQL::Test::Utils;

# new(NODE): a wire to it, whole
sub new
{
	my ($class, $node) = @_;
	my $self = bless { dir => PostgreSQL::Test::Utils::tempdir_short(), port => $node->port, target => $node->host . '/.s.PGSQL.' . $node->port,
		owner => $$ }, $class;
	$self->heal;
	return $self;
}

# what goes into a connection string
sub address { my $self = shift; return "host=$self->{dir} port=$self->{port}" }

# whole again, after a cut or a freeze
sub heal
{
	my $self = shift;
	return kill 'CONT', $self->{pid} if $self->{pid};
	my $path = "$self->{dir}/.s.PGSQL.$self->{port}";
	unlink $path;
	my $listen = IO::Socket::UNIX->new(Type => SOCK_STREAM(), Local => $path, Listen => 128) or die "$path: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		$SIG{$_} = 'DEFAULT' foreach qw(INT TERM ALRM HUP);
		$SIG{PIPE} = 'IGNORE';
		eval { _pass($listen, $self->{target}, $self->{owner}) };
		POSIX::_exit(0);
	}
	close $listen;
	$self->{pid} = $pid;
	return;
}

# connections end, new ones are refused
sub cut
{
	my $self = shift;
	my $pid = delete $self->{pid} or return;
	kill 'KILL', $pid;
	waitpid $pid, 0;
	unlink "$self->{dir}/.s.PGSQL.$self->{port}";
	return;
}

# nothing arrives any more, and nobody is told
sub freeze { my $self = shift; return kill 'STOP', $self->{pid} }

# the process: ends when the test that made it has ended
sub _pass
{
	my ($listen, $target, $owner) = @_;
	my $select = IO::Select->new($listen);
	my %other;
	while (getppid() == $owner)
	{
		foreach my $from ($select->can_read(1))
		{
			if ($from == $listen)
			{
				my $client = $listen->accept or next;
				my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM(), Peer => $target) or next;
				($other{$client}, $other{$server}) = ($server, $client);
				$select->add($client, $server);
				next;
			}
			my $to = $other{$from} or next;
			my $read = sysread($from, my $bytes, 65536);
			next if $read && _write($to, $bytes);
			delete @other{ $from, $to };
			$select->remove($from, $to);
			close $_ foreach $from, $to;
		}
	}
	return;
}

sub _write
{
	my ($to, $bytes) = @_;
	while (length $bytes)
	{
		my $sent = syswrite($to, $bytes) or return 0;
		substr($bytes, 0, $sent) = '';
	}
	return 1;
}

sub DESTROY
{
	my $self = shift;
	local $?;
	$self->cut if $self->{owner} == $$;
	return;
}

1;
