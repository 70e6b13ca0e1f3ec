# Seoulchain::LogReader - reads a C2SP tlog-tiles log with nothing of Seoulchain's code.
#
#	my $log = Seoulchain::LogReader->new($url);     # or a sub that gives the bytes of a path, undef for none
#	$log->origin, $log->size, $log->root;           # of its checkpoint
#	$log->entries;                                  # every entry, from the bundles
#	$log->root_of_entries;                          # recomputed from them alone
#	$log->root_of_tiles(LEVEL);                     # from the hashes of one level and what is behind the last full tile
#	$log->included(INDEX);                          # does a path made of tiles lead from the entry to the root?
#	$log->signed_by(VKEY);                          # does a key sign the checkpoint?  openssl says
package Seoulchain::LogReader;
use strict;
use warnings;
use Digest::SHA qw(sha256);
use File::Temp;
use HTTP::Tiny;
use MIME::Base64;

sub new
{
	my ($class, $source) = @_;
	my $get = ref $source ? $source : sub {
		my $answer = HTTP::Tiny->new(timeout => 20)->get("$source/$_[0]");
		return $answer->{success} ? $answer->{content} : undef;
	};
	my $self = bless { get => $get, tiles => {} }, $class;
	$self->{note} = $self->get('checkpoint');
	($self->{text}, $self->{signatures}) = $self->{note} =~ /^(.*\n)\n((?:\xe2\x80\x94 [^\n]*\n)*)$/s or die 'no note';
	($self->{origin}, $self->{size}, my $root) = split /\n/, $self->{text};
	$self->{root} = decode_base64($root);
	return $self;
}

sub origin { return $_[0]{origin} }
sub size   { return $_[0]{size} }
sub root   { return $_[0]{root} }

sub get
{
	my ($self, $path) = @_;
	return $self->{get}->($path) // die "no $path\n";
}

sub node { return sha256("\x01", $_[0], $_[1]) }

# path of a tile: level (or 'entries'), number, width
sub path
{
	my ($level, $n, $width) = @_;
	my $number = sprintf '%03d', $n % 1000;
	while (($n = int($n / 1000)) > 0) { $number = sprintf('x%03d/', $n % 1000) . $number }
	return "tile/$level/$number" . ($width < 256 ? ".p/$width" : '');
}

# the files of a level that the tree has: bytes of each
sub level
{
	my ($self, $level) = @_;
	my $left = $self->{size} >> ($level eq 'entries' ? 0 : 8 * $level);
	my @files;
	for (my $n = 0; $left > 0; $n++, $left -= 256) { push @files, $self->get(path($level, $n, $left < 256 ? $left : 256)) }
	return @files;
}

sub hashes
{
	my ($self, $level) = @_;
	return @{ $self->{tiles}{$level} //= [ map { unpack '(a32)*', $_ } $self->level($level) ] };
}

sub entries
{
	my $self = shift;
	return @{ $self->{entries} //= [ map { unpack '(n/a*)*', $_ } $self->level('entries') ] };
}

# MTH of hashes of subtrees of equal size, the last of them not complete (RFC 6962 section 2.1)
sub mth
{
	my @hashes = @_;
	return sha256('') if !@hashes;
	while (@hashes > 1)
	{
		my @above;
		push @above, @hashes > 1 ? node(splice @hashes, 0, 2) : shift @hashes while @hashes;
		@hashes = @above;
	}
	return $hashes[0];
}

sub root_of_entries { my $self = shift; return mth(map { sha256("\x00", $_) } $self->entries) }

# the hashes of a level, and for the leaves behind them the levels below
sub root_of_tiles
{
	my ($self, $level) = @_;
	my @hashes = $self->hashes($level);
	foreach my $below (reverse 0 .. $level - 1)
	{
		my $covered = ($self->{size} >> 8 * ($below + 1)) << 8;
		my @rest = ($self->hashes($below))[ $covered .. ($self->{size} >> 8 * $below) - 1 ];
		push @hashes, mth(@rest) if @rest && $below == 0;
		die 'only two levels are read here' if @rest && $below > 0;
	}
	return mth(@hashes);
}

# a path from the level-0 hashes (RFC 9162 section 2.1.3), then the way up it
sub included
{
	my ($self, $index) = @_;
	my @hashes = $self->hashes(0);
	my $hash = sha256("\x00", ($self->entries)[$index]);
	return 0 if $hash ne $hashes[$index];
	my ($at, @level) = ($index, @hashes);
	while (@level > 1)
	{
		my $sibling = $at ^ 1;
		$hash = $at & 1 ? node($level[$sibling], $hash) : node($hash, $level[$sibling]) if $sibling < @level;
		my @above;
		push @above, @level > 1 ? node(splice @level, 0, 2) : shift @level while @level;
		($at, @level) = ($at >> 1, @above);
	}
	return $hash eq $self->{root};
}

sub signed_by
{
	my ($self, $vkey) = @_;
	my ($name, $id, $key) = $vkey =~ /^([^+]+)\+([0-9a-f]{8})\+(.+)$/ or die 'no key';
	$key = decode_base64($key);
	my ($line) = grep { unpack('H8', $_) eq $id } map { decode_base64($_) } $self->{signatures} =~ /^\xe2\x80\x94 \Q$name\E (\S+)$/mg;
	return 0 if !defined $line || $id ne unpack('H8', sha256("$name\n$key"));
	my ($text, $signature) = ($self->{text}, substr $line, 4);
	if (ord $key == 4)
	{
		$text = "cosignature/v1\ntime " . unpack('Q>', $signature) . "\n$text";
		$signature = substr $signature, 8;
	}
	my $dir = File::Temp->newdir;
	my %files = (key => pack('H*', '302a300506032b6570032100') . substr($key, 1), text => $text, sig => $signature);
	foreach my $file (keys %files)
	{
		open my $out, '>:raw', "$dir/$file" or die;
		print $out $files{$file};
		close $out or die;
	}
	return system("openssl pkeyutl -verify -pubin -keyform DER -inkey $dir/key -rawin -in $dir/text -sigfile $dir/sig >/dev/null 2>&1") == 0;
}

1;
