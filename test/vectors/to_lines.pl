#!/usr/bin/perl
# Turns the JSON vectors into lines that a C program can read with scanf.
#
#   to_lines.pl OUTDIR
#
# Fields are separated by tabs; bytes are lower-case hex, "-" when there are
# none; lists are joined with commas.  Only core Perl is used.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use MIME::Base64;

my $outdir = shift or die "usage: to_lines.pl OUTDIR\n";
my $here = $FindBin::Bin;

sub load
{
	my ($file) = @_;
	open(my $fh, '<:raw', "$here/$file") or die "$file: $!\n";
	local $/;
	return JSON::PP->new->utf8->decode(scalar <$fh>);
}

sub emit
{
	my ($name, @rows) = @_;
	open(my $fh, '>:raw', "$outdir/$name") or die "$name: $!\n";
	print $fh join("\t", @$_), "\n" for @rows;
	close($fh) or die "$name: $!\n";
}

sub hex_of { my ($bytes) = @_; return length($bytes) ? unpack('H*', $bytes) : '-'; }
sub hex_of_text { my ($text) = @_; utf8::encode($text); return hex_of($text); }
sub hex_of_base64 { return hex_of(decode_base64($_[0] // '')); }
sub word { my ($s) = @_; $s =~ s/[^!-~]/_/g; return $s; }
sub list { return @_ ? join(',', @_) : '-'; }
sub flag { return $_[0] ? 1 : 0; }

# an element of a proof, which may be empty too
sub element { my $hex = hex_of_base64($_[0]); return $hex eq '-' ? '!' : $hex; }

# decimals beyond 2^63 stay strings
sub number { my ($n) = @_; return "$n"; }

emit('inclusion', map {
		[word($_->{id}), number($_->{leafIdx}), number($_->{treeSize}),
		 hex_of_base64($_->{leafHash}), hex_of_base64($_->{root}),
		 flag(!$_->{wantErr}), list(map { element($_) } @{$_->{proof} // []})]
	} @{load('merkle/transparency-dev-inclusion.json')});

emit('consistency', map {
		[word($_->{id}), number($_->{size1}), number($_->{size2}),
		 hex_of_base64($_->{root1}), hex_of_base64($_->{root2}),
		 flag(!$_->{wantErr}), list(map { element($_) } @{$_->{proof} // []})]
	} @{load('merkle/transparency-dev-consistency.json')});

{
	my $tree = load('merkle/rfc6962-reference-8-leaves.json');
	my @rows = map { ['leaf', $_ eq '' ? '-' : $_] } @{$tree->{leaf_inputs_hex}};
	push @rows, map { ['root', $_] } @{$tree->{root_by_tree_size_hex}};
	for my $level (0 .. 3)
	{
		my $nodes = $tree->{node_hashes_hex}{"level$level"} or next;
		push @rows, ["node$level", $_] for @$nodes;
	}
	emit('rfc6962', @rows);
}

emit('rfc8032', map {
		[word($_->{id}), $_->{secret_key}, $_->{public_key},
		 $_->{message} eq '' ? '-' : $_->{message}, $_->{signature}]
	} @{load('ed25519/rfc8032-7.1.json')});

sub wycheproof
{
	my ($file, $key) = @_;
	my @rows;
	for my $group (@{load($file)->{testGroups}})
	{
		for my $test (@{$group->{tests}})
		{
			push @rows, [$test->{tcId}, $key->($group),
				$test->{msg} eq '' ? '-' : $test->{msg},
				$test->{sig} eq '' ? '-' : $test->{sig},
				flag($test->{result} eq 'valid')];
		}
	}
	return @rows;
}

emit('wycheproof_ed25519', wycheproof('wycheproof/ed25519_test.json', sub { $_[0]{publicKey}{pk} }));
emit('wycheproof_ecdsa', wycheproof('wycheproof/ecdsa_secp256r1_sha256_p1363_test.json', sub { $_[0]{publicKeyDer} }));

# DER of what a JSON Web Key says, '' when it is no public key of a kind that we know
sub der { my ($tag, $body) = @_; my $n = length $body; return chr($tag) . ($n < 128 ? chr($n) : $n < 256 ? "\x81" . chr($n) : "\x82" . pack('n', $n)) . $body; }
sub base64url { my ($s) = @_; $s =~ tr,-_,+/,; return decode_base64($s); }
sub der_integer { my ($n) = @_; return der(2, (ord($n) & 0x80 ? "\0" : '') . $n); }

sub spki
{
	my ($jwk) = @_;
	return '' if $jwk->{kty} eq 'oct';
	return pack('H*', '302a300506032b6570032100') . base64url($jwk->{x}) if $jwk->{kty} eq 'OKP';
	if ($jwk->{kty} eq 'RSA')
	{
		my $key = der(0x30, der_integer(base64url($jwk->{n})) . der_integer(base64url($jwk->{e})));
		return der(0x30, pack('H*', '300d06092a864886f70d0101010500') . der(3, "\0$key"));
	}
	my $oid = $jwk->{crv} eq 'P-256' ? '06082a8648ce3d030107' : '06052b81040023';
	my $size = $jwk->{crv} eq 'P-256' ? 32 : 66;
	my $point = join('', map { my $c = base64url($jwk->{$_}); "\0" x ($size - length $c) . $c } 'x', 'y');
	return der(0x30, der(0x30, pack('H*', '06072a8648ce3d0201' . $oid)) . der(3, "\0\x04$point"));
}

# compact JWS: as it stands, and with its payload taken out when that can be decoded in one way
sub detached
{
	my ($jws) = @_;
	my ($header, $payload, $signature, @more) = split /\./, $jws, -1;
	return ($jws, '!') if @more || !defined $signature || $payload =~ /[^A-Za-z0-9_-]/ || length($payload) % 4 == 1;
	my $bytes = base64url($payload);
	my $again = encode_base64($bytes, '');
	$again =~ tr,+/=,-_,d;
	return $again eq $payload ? ("$header..$signature", hex_of($bytes)) : ($jws, '!');
}

{
	my @rows;
	my $n = 0;
	for my $group (@{load('wycheproof/json_web_signature_test.json')->{testGroups}})
	{
		my $jwk = $group->{public} // $group->{private};
		for my $test (@{$group->{tests}})
		{
			my ($jws, $payload) = detached($test->{jws});
			push @rows, [$n, $jwk->{alg} // $jwk->{kty}, hex_of(spki($jwk)), $test->{tcId}, $test->{result},
				hex_of_text($jws), $payload];
		}
		$n++;
	}
	emit('wycheproof_jws', @rows);

	my $rfc = load('jws/rfc8037-appendix-a.json');
	my ($jws, $payload) = detached($rfc->{jws});
	emit('rfc8037', [hex_of(spki($rfc->{public_jwk})), $rfc->{thumbprint_sha256}, hex_of_text($jws), $payload]);
}

# timestamps: our own copy of what openssl says of them
{
	my $expected = load('rfc3161/EXPECTED.json');
	emit('rfc3161', map { [$_, flag($expected->{expected}{$_})] } sort keys %{$expected->{expected}});
}

{
	my $spec = load('tlog/c2sp-spec-examples.json');
	my @notes = map {
		[word($_->{id}), flag($_->{valid}), hex_of(decode_base64($_->{note_b64})),
		 list(map { hex_of_text($_) } @{$_->{vkeys}})]
	} @{load('tlog/xmod-note.json')};
	push @notes, ['c2sp_signed_note', 1, hex_of_text($spec->{signed_note}{note}), hex_of_text($spec->{signed_note}{vkey})];
	push @notes, map {
		['sunlight_' . word($_->{id}), 1, hex_of_text($_->{checkpoint}), list(map { hex_of_text($_) } @{$_->{vkeys}})]
	} @{load('tlog/sunlight-cosignatures.json')};
	emit('notes', @notes);

	emit('checkpoints',
		(map { [$_, hex_of_text($spec->{$_})] } 'parse_only_checkpoint', 'parse_only_cosigned_checkpoint'),
		(map { ['sunlight_' . word($_->{id}), hex_of_text($_->{checkpoint})] } @{load('tlog/sunlight-cosignatures.json')}));
}

emit('witness_requests', ['c2sp', hex_of_text(load('tlog/c2sp-spec-examples.json')->{parse_only_add_checkpoint_request})]);

# which of the canonical texts hold nothing but strings, arrays and objects
sub only_strings
{
	my ($v) = @_;
	return !grep { !only_strings($_) } values %$v if ref $v eq 'HASH';
	return !grep { !only_strings($_) } @$v if ref $v eq 'ARRAY';
	return 0 if !defined $v || ref $v;
	return JSON::PP->new->allow_nonref->encode($v) =~ /^"/;
}

emit('jcs', map {
		my $value = JSON::PP->new->utf8->decode(pack('H*', $_->{utf8_hex}));
		[word($_->{id}), flag(only_strings($value)), $_->{utf8_hex}]
	} @{load('jcs/cyberphone.json')});

# the worked example of docs/format.md: fenced blocks behind "<!-- vector NAME -->"
{
	open(my $fh, '<:raw', "$here/../../docs/format.md") or die "docs/format.md: $!\n";
	local $/;
	my $page = <$fh>;
	while ($page =~ /^<!-- vector (\w+) -->\n```\n(.*?)^```$/msg)
	{
		open(my $out, '>:raw', "$outdir/format_$1") or die "$1: $!\n";
		print $out $2;
		close($out) or die "$1: $!\n";
	}
}
