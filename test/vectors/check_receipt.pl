#!/usr/bin/perl
# Checks a receipt with nothing of Seoulchain's code: Perl's SHA-256 and base64,
# and the openssl program for Ed25519.  It shows that docs/format.md is enough.
#
#   check_receipt.pl VKEY RECEIPT
#
# VKEY is a log's key (type 0x01) or a cosigner's (0x04).  Prints the leaf and
# exits 0, or says what is wrong and exits 1.
use strict;
use warnings;
use Digest::SHA qw(sha256);
use File::Temp qw(tempdir);
use MIME::Base64;

my ($vkey, $path) = @ARGV;
die "usage: check_receipt.pl VKEY RECEIPT\n" unless defined $path;
sub wrong { print "wrong: $_[0]\n"; exit 1; }
sub node { return sha256("\x01", $_[0], $_[1]); }

open(my $fh, '<:raw', $path) or die "$path: $!\n";
my $receipt = do { local $/; <$fh> };
$receipt =~ s/\n+\z/\n/;		# psql adds one
my ($head, $checkpoint) = split /\n\n/, $receipt, 2;
my ($first, $extra, $index, @path) = split /\n/, $head;
wrong('first line') unless $first eq 'c2sp.org/tlog-proof@v1';
my $leaf = $extra =~ /^extra (\S+)$/ ? decode_base64($1) : wrong('extra');
$index = $index =~ /^index (\d+)$/ ? $1 : wrong('index');
@path = map { decode_base64($_) } @path;

my ($text, $signatures) = $checkpoint =~ /^(.*\n)\n((?:\xe2\x80\x94 [^\n]*\n)*)$/s or wrong('note');
my ($origin, $size, $root) = split /\n/, $text;
$root = decode_base64($root);

# RFC 9162 2.1.3.2
my ($fn, $sn, $hash) = ($index, $size - 1, sha256("\x00", $leaf));
wrong('index') if $index >= $size;
for my $p (@path)
{
	wrong('path too long') if $sn == 0;
	if ($fn & 1 || $fn == $sn)
	{
		$hash = node($p, $hash);
		until ($fn & 1 || $fn == 0) { $fn >>= 1; $sn >>= 1; }
	}
	else { $hash = node($hash, $p); }
	$fn >>= 1;
	$sn >>= 1;
}
wrong('root') unless $sn == 0 && $hash eq $root;

my ($name, $id, $key) = $vkey =~ /^([^+]+)\+([0-9a-f]{8})\+(.+)$/ or wrong('key');
$key = decode_base64($key);
wrong('key id') unless $id eq unpack('H8', sha256("$name\n$key"));
my ($line) = $signatures =~ /^\xe2\x80\x94 \Q$name\E (\S+)$/m or wrong('no signature by this key');
my $signature = decode_base64($line);
wrong('key id of the signature') unless $id eq unpack('H8', $signature);
$signature = substr($signature, 4);
my $type = ord($key);
if ($type == 4)
{
	$text = "cosignature/v1\ntime " . unpack('Q>', $signature) . "\n$text";
	$signature = substr($signature, 8);
}
my $dir = tempdir(CLEANUP => 1);
my %files = (key => pack('H*', '302a300506032b6570032100') . substr($key, 1), text => $text, sig => $signature);
for my $file (keys %files)
{
	open(my $out, '>:raw', "$dir/$file") or die;
	print $out $files{$file};
	close($out) or die;
}
system("openssl pkeyutl -verify -pubin -keyform DER -inkey $dir/key -rawin -in $dir/text -sigfile $dir/sig >/dev/null 2>&1") == 0
	or wrong('signature');
print "$leaf\n";
