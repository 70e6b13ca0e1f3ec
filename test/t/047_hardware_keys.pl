# Keys in hardware and the approved-algorithms profile: a kcmvp node with its keys in a SoftHSM2 token.
use strict;
use warnings;
use Digest::SHA qw(sha256);
use File::Copy;
use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my $module = '/usr/lib/softhsm/libsofthsm2.so';
plan skip_all => 'SoftHSM2 is not installed' if !-e $module;
my $home = PostgreSQL::Test::Utils::tempdir();
my $tokens = "$home/tokens";
mkdir $tokens, 0700 or die;
$ENV{SOFTHSM2_CONF} = "$home/softhsm2.conf";
append_to_file($ENV{SOFTHSM2_CONF}, "directories.tokendir = $tokens\nobjectstore.backend = file\nlog.level = ERROR\n");

sub tool
{
	my @command = @_;
	my ($out, $err);
	IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err) or die "@command: $out$err";
	return $out;
}
sub make_key
{
	my ($label, $type, $id) = @_;
	return tool('pkcs11-tool', '--module', $module, '--token-label', 'city-hall', '--login', '--pin', '5678',
		'--keypairgen', '--key-type', $type, '--label', $label, '--id', $id);
}
tool('softhsm2-util', '--init-token', '--free', '--label', 'city-hall', '--so-pin', '1234', '--pin', '5678');
make_key('node', 'EC:prime256v1', '01');
make_key('main', 'EC:prime256v1', '02');
make_key('next', 'EC:prime256v1', '03');
make_key('curve', 'EC:secp384r1', '04');
make_key('rsa', 'rsa:2048', '05');

my $pin_file = "$home/pin";
sub write_pin
{
	my $pin = shift;
	open(my $file, '>', $pin_file) or die;
	print $file $pin;
	close $file;
	chmod 0600, $pin_file;
	return;
}
write_pin("5678\n");
sub uri { my ($label, $query) = @_; return "pkcs11:token=city-hall;object=$label" . ($query // "?pin-source=file:$pin_file") }

my $keys = key_directory();
my $node = ledger_node('hardware', 'seoulchain.sign_key_directory' => $keys, 'seoulchain.seal_interval' => '0',
	'seoulchain.sign_profile' => 'kcmvp', log_statement => 'all');
my $bindir = $node->config_data('--bindir');
sub sql { return $node->safe_psql('postgres', shift) }
sub refused
{
	my ($statement, $pattern, $what) = @_;
	my ($st, $o, $e) = $node->psql('postgres', $statement);
	like($e, $pattern, $what);
	return;
}
sub set
{
	my ($name, $value) = @_;
	sql("ALTER SYSTEM SET $name = '$value'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('$name') = '$value'") or die "$name is not $value";
	sleep 1;
	return;
}
sub lines { my $note = shift; my @lines = $note =~ /^\x{e2}\x{80}\x{94} (\S+ \S+)$/mg; return @lines }
# type byte and DER key of a verifier key
sub material { my $key = shift; return decode_base64((split /\+/, $key, 3)[2]) }

# what is refused before anything is made
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('node', '?pin-value=5678') . "')",
	qr/no URI of a key in hardware.*PIN itself stands in it.*HINT.*pin-source/s, 'a PIN in the statement');
unlike(slurp_file($node->logfile), qr/ERROR:[^\n]*5678|DETAIL:[^\n]*5678/, 'no message repeats it');
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('node', '?module-path=/tmp/x.so') . "')",
	qr/names a library to load/, 'a library in the statement');
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => 'file:/etc/key')", qr/does not begin with "pkcs11:"/, 'no pkcs11: URI');
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('node') . "')",
	qr/sign_pkcs11_module is not set.*HINT/s, 'no module is configured');
set('seoulchain.sign_pkcs11_module', "$home/none.so");
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('node') . "')",
	qr/cannot be used: .*HINT/s, 'a module that is not there');
set('seoulchain.sign_pkcs11_module', $module);
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('node', '') . "')", qr/cannot be used: .*HINT:[^\n]*name it in the URI: \?pin-source/s, 'no PIN at all');
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('node', '') . "')", qr/not tried again.*HINT:[^\n]*name it in the URI/s, 'that key is not tried a second time');
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('main', '') . "')", qr/cannot be used: (?!the token has refused)/, 'another key without a PIN is not meant by that');
refused("SELECT seoulchain.create_chain('main', key => '" . uri('main') . "')", qr/without a node has no key/, 'a chain without a node');
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('nobody') . "')", qr/cannot be used: .*HINT/s, 'a key that the token does not hold');
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('curve') . "')", qr/no ECDSA key of the curve P-256/, 'another curve');
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('rsa') . "')", qr/no ECDSA key of the curve P-256/, 'an RSA key');
chmod 0644, $pin_file;
refused("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('node') . "')", qr/PIN file "[^"]*"/, 'a PIN file that others may read');
chmod 0600, $pin_file;

# the node and its chain
my $cosigner = sql("SELECT seoulchain.create_node('seoul.go.kr/city-hall', key => '" . uri('node') . "')");
is(substr(material($cosigner), 0, 1), "\x02", 'a cosigner key of type 0x02');
refused("SELECT seoulchain.create_chain('main', key => '" . uri('node') . "')", qr/this key is the one in key file.*DETAIL:  A key serves one name.*HINT.*another key/s, 'one key under two names');
sub open_folders
{
	my $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE application_name = 'seoulchain sealer' AND datname = 'postgres'});
	return scalar(grep { defined && m{^\Q$keys\E/} } map { readlink } glob "/proc/$pid/fd/*");
}
is(open_folders(), 0, 'the refusal leaves no folder open in the worker');
sql("SELECT seoulchain.create_chain('main', key => '" . uri('main') . "')");
my $key = sql('SELECT seoulchain.verifier_key()');
is(encode_base64(substr(sha256(substr(material($key), 1)), 0, 4)), encode_base64(pack('H8', (split /\+/, $key)[1])), 'the id of an ECDSA key is of its public key');
foreach my $file (glob "$keys/*/*.key")
{
	my $text = slurp_file($file);
	like($text, qr/\APKCS11\+KEY\+\S+ pkcs11:\S+\n\z/, 'a key file holds the URI');
	unlike($text, qr/PRIVATE|5678/, 'and no secret');
}
sql('CREATE TABLE t (id int) USING ledger; INSERT INTO t SELECT generate_series(1, 100)');
is(seal($node), '0', 'sealed');
my $first = sql('SELECT seoulchain.checkpoint()');
is(scalar(lines($first)), 2, 'signed by both');
is(sql('SELECT signing FROM seoulchain.seal_status'), 'on', 'the status says so');
is_intact($node, 'verify() accepts it under kcmvp');
my $file = "$home/checkpoint";
append_to_file($file, $first);
command_ok([ "$bindir/seoulchain-verify", '--key', $key, '--key', $cosigner, $file ], 'seoulchain-verify accepts log and cosigner');

command_ok([ "$bindir/seoulchain-verify", '--profile', 'kcmvp', '--key', $key, '--key', $cosigner, $file ], 'and under the profile');

# openssl, which shares no code with us, verifies both lines
my ($text) = $first =~ /\A(.*?\n)\n/s;
foreach my $line (lines($first))
{
	my ($name, $signature) = split / /, $line;
	my $raw = decode_base64($signature);
	my $vkey = $name eq 'seoul.go.kr/city-hall' ? $cosigner : $key;
	foreach ([ 'text', $text ], [ 'sig', substr($raw, 4) ], [ 'der', substr(material($vkey), 1) ])
	{
		open(my $out, '>:raw', "$home/$_->[0]") or die;
		print $out $_->[1];
		close $out;
	}
	command_like([ 'openssl', 'dgst', '-sha256', '-verify', "$home/der", '-keyform', 'DER', '-signature', "$home/sig", "$home/text" ], qr/Verified OK/, "openssl accepts the line of $name");
}

# wrong PIN, token gone: sealing goes on, signing comes back
sub suspended
{
	my ($pattern, $what) = @_;
	sql('INSERT INTO t VALUES (1)');
	refused('SELECT seoulchain.seal()', qr/signing of chain "main" is suspended: .*$pattern/, $what);
	like(sql('SELECT signing FROM seoulchain.seal_status'), qr/^suspended: .*$pattern/, "the status too: $what");
	is(sql('SELECT max(height) > (SELECT max(height) FROM seoulchain.signature) FROM seoulchain.block'), 't', "sealed, not signed: $what");
	return;
}
sub resumed
{
	my $what = shift;
	sql('SELECT seoulchain.seal()');
	is(sql('SELECT signing FROM seoulchain.seal_status'), 'on', "signs again: $what");
	is(sql('SELECT max(height) = (SELECT max(height) FROM seoulchain.signature) FROM seoulchain.block'), 't', "all blocks are signed: $what");
	return;
}
sub restart_worker
{
	my $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE application_name = 'seoulchain sealer' AND datname = 'postgres'});
	sql("SELECT pg_terminate_backend($pid)");
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'seoulchain sealer' AND datname = 'postgres' AND pid <> $pid") or die;
	return;
}
my $starts = sql('SELECT pg_postmaster_start_time()');
my $offset = -s $node->logfile;
# pulled out under the worker, which has the key open
tool('cp', '-a', $tokens, "$tokens.copy");
tool('softhsm2-util', '--delete-token', '--token', 'city-hall');
suspended('hardware key "pkcs11:', 'the token is pulled out');
rename $tokens, "$tokens.gone" or die;
rename "$tokens.copy", $tokens or die;
resumed('the token is put back');
rename $tokens, "$tokens.away" or die;
restart_worker();
suspended('hardware key "pkcs11:', 'the token is gone');
rename "$tokens.away", $tokens or die;
resumed('the token is back');
write_pin("0000\n");
restart_worker();
suspended('hardware key "pkcs11:', 'a wrong PIN');
refused('SELECT seoulchain.seal()', qr/has refused the PIN, which is not tried again/, 'a refused PIN is not tried a second time');
refused('SELECT seoulchain.seal()', qr/has refused the PIN, which is not tried again/, 'nor a third');
write_pin("5678\n");
resumed('the right PIN');
unlink $pin_file;
restart_worker();
suspended('could not read PIN file', 'no PIN file');
refused('SELECT seoulchain.seal()', qr/PIN file.*HINT:[^\n]*mode 0600/s, 'which has a hint');
write_pin("5678\n");
resumed('the PIN file is back');
tool('pkcs11-tool', '--module', $module, '--token-label', 'city-hall', '--login', '--pin', '5678', '--delete-object', '--type', 'privkey', '--id', '03');
refused("SELECT seoulchain.rotate_log_key('main', key => '" . uri('next') . "')", qr/cannot be used/, 'a key that was deleted');
make_key('next2', 'EC:prime256v1', '06');
make_key('archive log', 'EC:prime256v1', '07');
make_key('archive', 'EC:prime256v1', '08');
set('seoulchain.sign_pkcs11_module', '');
suspended('sign_pkcs11_module is not set', 'the module is taken out of the configuration');
set('seoulchain.sign_pkcs11_module', $module);
resumed('the module is back');
sub modules
{
	my $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE application_name = 'seoulchain sealer' AND datname = 'postgres'});
	return join(' ', sort keys %{{ map { $_ => 1 } slurp_file("/proc/$pid/maps") =~ m{([a-z0-9_]*(?:hsm|other)[a-z0-9_]*\.so)$}mg }});
}
copy($module, "$home/other.so") or die;
set('seoulchain.sign_pkcs11_module', "$home/other.so");
sql('INSERT INTO t VALUES (1)');
resumed('another library');
is(modules(), 'other.so', 'which is the only one that the worker has');
set('seoulchain.sign_pkcs11_module', $module);
resumed('the first library');
unlike(slurp_file($node->logfile, $offset), qr/terminated by signal|PANIC|all server processes/, 'no worker crashed, ending or working');

# another key of the token follows, then one in a file
my $next = sql("SELECT seoulchain.rotate_log_key('main', key => '" . uri('next2') . "')");
sql('SELECT seoulchain.seal()');
is(scalar(lines(sql('SELECT seoulchain.checkpoint()'))), 3, 'both log keys sign the hand-over');
refused("SELECT seoulchain.rotate_log_key('main', key => '" . uri('main') . "')", qr/this key is the one in key file|has signed for the chain before/, 'a key that was replaced does not come back');
my $file_key = sql(q{SELECT seoulchain.rotate_log_key('main')});
is(substr(material($file_key), 0, 1), "\x02", 'a key made under kcmvp is of type 0x02');
sql('SELECT seoulchain.seal()');
is_intact($node, 'intact after rotations');

# a node without chains
make_key('alone', 'EC:prime256v1', '0a');
sql('CREATE DATABASE alone');
$node->safe_psql('alone', q{CREATE EXTENSION seoulchain});
$node->safe_psql('alone', q{SELECT seoulchain.create_node('seoul.go.kr/alone')});
my $alone = uri('alone');
$node->safe_psql('alone', "SELECT seoulchain.rotate_cosigner_key('$alone')");
my ($same_st, $same_o, $same_e) = $node->psql('alone', "SELECT seoulchain.rotate_cosigner_key('$alone')");
like($same_e, qr/this key is in force already.*DETAIL.*HINT/s, 'a key does not follow itself');
$node->stop;
$node->start;
sql('INSERT INTO t VALUES (2)');
sql('SELECT seoulchain.seal()');
is(sql('SELECT signing FROM seoulchain.seal_status'), 'on', 'and after a restart');

# an existing Ed25519 node under kcmvp: nothing is signed until both keys are rotated
set('seoulchain.sign_profile', 'any');
sql('CREATE DATABASE old');
sub old { return $node->safe_psql('old', shift) }
old('CREATE EXTENSION seoulchain');
old(q{SELECT seoulchain.create_node('seoul.go.kr/archive')});
old('CREATE TABLE t (id int) USING ledger; INSERT INTO t VALUES (1)');
old('SELECT seoulchain.seal()');
my $ed25519 = old('SELECT seoulchain.verifier_key()');
my $ed_note = old('SELECT seoulchain.checkpoint()');
set('seoulchain.sign_profile', 'kcmvp');
old('INSERT INTO t VALUES (2)');
my ($st, $o, $e) = $node->psql('old', 'SELECT seoulchain.seal()');
like($e, qr/suspended: the profile "kcmvp" does not allow Ed25519, the algorithm of key "seoul.go.kr\/archive\/main".*HINT.*rotate_log_key\('main'\)/s, 'an Ed25519 log key signs nothing, by name');
like(old('SELECT signing FROM seoulchain.seal_status'), qr/does not allow Ed25519.*rotate_log_key/, 'the status names the way out');
is(old(q{SELECT fault, height FROM seoulchain.verify()}), 'signature not approved|0', 'verify() reports what is not approved');
is(old("SELECT fault FROM seoulchain.verify(NULL, '$ed_note\n') WHERE fault LIKE 'checkpoint%'"), 'checkpoint not approved', 'nor is a checkpoint by such a key');
my $p256 = old(q{SELECT seoulchain.rotate_log_key('main')});
is(substr(material($p256), 0, 1), "\x02", 'it rotates to ECDSA');
($st, $o, $e) = $node->psql('old', 'SELECT seoulchain.seal()');
like($e, qr/does not allow Ed25519 cosignature\/v1, the algorithm of key "seoul.go.kr\/archive".*rotate_cosigner_key/s, 'then the cosigner is named');
old('SELECT seoulchain.rotate_cosigner_key()');
old('SELECT seoulchain.seal()');
is(old('SELECT signing FROM seoulchain.seal_status'), 'on', 'after both it signs');
old('INSERT INTO t VALUES (3)');
old('SELECT seoulchain.seal()');
is(scalar(lines(old('SELECT seoulchain.checkpoint()'))), 2, 'with the new keys alone');
is(old(q{SELECT fault FROM seoulchain.verify()}), '', 'and verify() is content');

# from files into hardware, both at once
old('BEGIN; SELECT seoulchain.rotate_log_key(\'main\', \'' . uri('archive%20log') . '\'); SELECT seoulchain.rotate_cosigner_key(\'' . uri('archive') . '\'); COMMIT');
old('SELECT seoulchain.seal()');
is(scalar(lines(old('SELECT seoulchain.checkpoint()'))), 4, 'keys in files and keys in hardware sign the hand-over');
old('INSERT INTO t VALUES (4)');
old('SELECT seoulchain.seal()');
is(scalar(lines(old('SELECT seoulchain.checkpoint()'))), 2, 'then those in hardware');
($st, $o, $e) = $node->psql('postgres', "SELECT seoulchain.create_chain('side', key => '" . uri('archive') . "')");
like($e, qr/this key is the one in key file/, 'which serve no other database');
is(old(q{SELECT fault FROM seoulchain.verify()}), '', 'verify() is content with that too');

# an RSA or Ed25519 log key has no place in a session's process, nor has a token's library
my $maps = sql('SELECT pg_backend_pid()');
is(sql(q{SELECT count(*) FROM regexp_matches(pg_read_file('/proc/self/maps'), 'softhsm') m}), '0', 'no session has the token\'s library in it');
$node->stop;
unlike(slurp_file($node->logfile, $offset), qr/terminated by signal|PANIC/, 'nothing crashed to the end');
done_testing();
