# Time from outside: requests, tokens of real authorities, and everything that is refused.
use strict;
use warnings;
use Digest::SHA qw(sha256);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Test;
use Seoulchain::TimeAuthority;
use Test::More;

my $node = ledger_node('stamped', 'seoulchain.seal_interval' => 0, 'seoulchain.sign_key_directory' => key_directory());
my $good = Seoulchain::TimeAuthority->new('good');
my $other = Seoulchain::TimeAuthority->new('other');

sub sql { return $node->safe_psql('postgres', shift) }

sub refused
{
	my ($statement, $pattern, $what) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $statement);
	return like($err, $pattern, $what);
}

# a request for a checkpoint (SQL), as bytes
sub request
{
	my $checkpoint = shift // '';
	return pack 'H*', sql("SELECT encode(seoulchain.timestamp_request($checkpoint), 'hex')");
}

sub bytea { return q{'\x} . unpack('H*', shift) . q{'::bytea} }
sub pem { return bytea(slurp_file(shift)) }
sub add { my ($token, $more) = @_; return 'SELECT * FROM seoulchain.add_timestamp(' . bytea($token) . ($more // '') . ')' }

sql(q{SELECT seoulchain.create_node('seoul.go.kr/city-hall')});
sql(q{CREATE TABLE t (id int) USING ledger; INSERT INTO t VALUES (1)});
seal($node);

# authorities
is(sql(q{SELECT seoulchain.add_time_authority('good', } . pem($good->file('root.pem')) . ')'), 'CN=good root', 'an authority');
is(sql(q{SELECT seoulchain.add_time_authority('good', } . pem($good->file('root.pem')) . ')'), 'CN=good root', 'once more');
is(sql('SELECT count(*) FROM seoulchain.time_authority'), '1', 'is registered once');
refused(q{SELECT seoulchain.add_time_authority('better', } . pem($good->file('root.pem')) . ')',
	qr/registered already.*authority "good"/s, 'but not under another name');
refused(q{SELECT seoulchain.add_time_authority('', } . pem($good->file('root.pem')) . ')', qr/needs a name/, 'nor without one');
refused(q{SELECT seoulchain.add_time_authority('x', 'nonsense')}, qr/certificate cannot be used.*HINT.*PEM or DER/s, 'no certificate');
refused(q{SELECT seoulchain.add_time_crl('nonsense')}, qr/revocation list cannot be used/, 'no list');
refused(q{SELECT seoulchain.remove_time_authority('nobody')}, qr/no authority "nobody" is registered/, 'nobody to remove');

# a token by each kind of key, of the newest checkpoint and of one before
my %token;
foreach my $kind (qw(ec rsa))
{
	$token{$kind} = $good->reply($kind, request());
	like(sql(add($token{$kind})), qr/^main\|4\|\d{4}-/, "a token by a key of kind $kind");
}
is(sql(add($token{ec})), sql(q{SELECT chain, tree_size, "time" FROM seoulchain.timestamps ORDER BY "time" LIMIT 1}), 'the same token again says what is known');
is(sql(q{SELECT chain, height, tree_size, authority, count(*) FROM seoulchain.timestamps GROUP BY 1, 2, 3, 4}), 'main|0|4|good|2', 'the view');
is(sql(q{SELECT count(*) FROM seoulchain.timestamps WHERE abs(extract(epoch FROM now() - "time")) < 120}), '2', 'the time is now');
is(sql(q{SELECT DISTINCT latest - "time" FROM seoulchain.timestamps}), '00:00:01', 'and an accuracy of a second, as the tokens say');
is(sql('SELECT count(*) FROM seoulchain.timestamp_nonce'), '0', 'requests that were answered are forgotten');
sql('INSERT INTO t VALUES (2)');
seal($node);
like(sql(add($good->reply('ec', request(q{seoulchain.checkpoint('main', 0)})))), qr/^main\|4\|/, 'of an older checkpoint');
like(sql(add($good->reply('ec', request(q{rtrim(seoulchain.checkpoint('main'), E'\n')})))), qr/^main\|6\|/, 'of one whose last newline was lost');

# checkpoints that are none of ours
refused(q{SELECT seoulchain.timestamp_request('nonsense')}, qr/checkpoint cannot be read/, 'no checkpoint');
refused(q{SELECT seoulchain.timestamp_request(replace(seoulchain.checkpoint(), 'city-hall', 'elsewhere'))}, qr/of no chain of this database.*elsewhere/s, 'of another chain');
refused(q{SELECT seoulchain.timestamp_request(replace(seoulchain.checkpoint(), E'\n6\n', E'\n5\n'))}, qr/no checkpoint of 5 leaves/, 'of a size that has none');
refused(q{SELECT seoulchain.timestamp_request(replace(seoulchain.checkpoint(), E'\n6\n', E'\n4\n'))}, qr/root is not the one/, 'of another root');

# tokens that are refused, each with its reason
my $request = request();
my $response = $good->reply('ec', $request);
refused(add($other->reply('ec', $request)), qr/authority's certificate is not good.*"CN=other ec".*no registered authority.*HINT.*add_time_authority/s, 'an authority that is not registered');
refused(add($good->reply('expired', $request)), qr/not good at that time.*"CN=good expired".*expired/s, 'a certificate that had expired at the time of the token');
refused(add($good->reply('ec', $request, 'stubborn')), qr/gave no timestamp.*The authority says: the hash is not one/s, 'a refusal, with the words of the authority');
refused(add(substr($response, 0, 200)), qr/neither a timestamp response nor a token/, 'truncated');
refused(add(''), qr/neither a timestamp response nor a token/, 'empty');
refused(add($response . "\0"), qr/neither a timestamp response nor a token/, 'with something behind');
my $altered = $response;
substr($altered, -3, 1) ^= "\x01";
refused(add($altered), qr/signature does not verify/, 'altered in its signature');
$altered = $response;
$altered =~ s/(20\d{12}Z)/my $t = $1; substr($t, 3, 1) ^= "\x01"; $t/e;
refused(add($altered), qr/the timestamp is refused/, 'altered in its time');
refused(add('x' x 70000), qr/neither a timestamp response nor a token/, 'too long');
is(sql('SELECT count(*) FROM seoulchain.timestamp_nonce'), '1', 'a request is still open after all that');
like(sql(add($response)), qr/^main\|6\|/, 'and its true answer is taken');

# nonces and other texts
my $dir = $good->{dir};
sub query { my ($text, @how) = @_; PostgreSQL::Test::Utils::append_to_file("$dir/text", ''); open my $f, '>', "$dir/text" or die; print $f $text; close $f;
	system_or_bail('openssl', 'ts', '-query', '-data', "$dir/text", '-sha256', '-cert', @how, '-out', "$dir/query"); return slurp_file("$dir/query") }
my $text = sql('SELECT seoulchain.checkpoint()');
$text =~ s/\n\n.*/\n/s;
my $strange = $good->reply('ec', query($text));
my $plain = $good->reply('rsa', query($text, '-no_nonce'));
refused(add($strange), qr/another request.*nonce is none that was sent.*HINT.*unasked/s, 'a token that somebody else asked for');
refused(add($plain), qr/another request.*repeats no nonce/s, 'a token without a nonce');
like(sql(add($strange, ', unasked => true')), qr/^main\|6\|/, 'taken when told to');
like(sql(add($plain, ', unasked => true')), qr/^main\|6\|/, 'also without a nonce');
refused(add($good->reply('ec', query("seoul.go.kr/city-hall/main\n9\n")), ', unasked => true'), qr/another text.*No signed checkpoint/s, 'of a text that is no checkpoint');
my $mine = request();
my $forged = $mine;
$forged =~ s/(\x04\x20)(.{32})/$1 . sha256('another text')/se or die 'no hash in the request';
refused(add($good->reply('ec', $forged)), qr/another text.*request was for the checkpoint of chain "main" with 6 leaves/s, 'our nonce over another text');
sql(q{UPDATE seoulchain.timestamp_nonce SET requested_at = now() - interval '25 hours'});
refused(add($good->reply('ec', $mine)), qr/another request/, 'a request of yesterday');
request();
is(sql('SELECT count(*) FROM seoulchain.timestamp_nonce'), '1', 'old requests are cleaned away by the next');

# revoked: the list binds from when it is added
like(sql(q{SELECT seoulchain.add_time_crl(} . bytea($good->revoke('ec', 'keyCompromise')) . ')'), qr/^CN=good root$/, 'a revocation list');
refused(add($good->reply('ec', request())), qr/not good at that time.*revoked/s, 'a revoked certificate');
like(sql(add($good->reply('rsa', request()))), qr/^main\|6\|/, 'the authority\'s other certificate is good');

# the script, against the authority's HTTP server
my $url = $good->serve;
sub script
{
	my ($out, $err);
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGDATABASE} = 'postgres';
	IPC::Run::run [ 'seoulchain-timestamp', @_ ], '<', \undef, '>', \$out, '2>', \$err;
	return $? >> 8, $out, $err;
}
sub script_says
{
	my ($arguments, $code, $pattern, $what) = @_;
	my ($rc, $out, $err) = script(@$arguments);
	is($rc, $code, "the script: $what") or diag("$out$err");
	return like("$out$err", $pattern, '... and says so');
}
script_says([ "$url/rsa" ], 0, qr/^main: the newest checkpoint is stamped already$/, 'nothing to do');
sql('INSERT INTO t VALUES (3)');
seal($node);
my $before = sql('SELECT count(*) FROM seoulchain.timestamps');
script_says([ "$url/nowhere" ], 1, qr{/nowhere: answers with HTTP status 404}, 'no authority there');
script_says([ "$url/broken" ], 1, qr{/broken: answers with HTTP status 500}, 'one that is out of order');
script_says([ "$url/empty" ], 1, qr{/empty: gives an empty answer}, 'one that says nothing');
script_says([ "$url/html" ], 1, qr{neither a timestamp response nor a token.*/html: its answer was not taken}s, 'one that says something else');
script_says([ "$url/stubborn" ], 1, qr{gave no timestamp.*the hash is not one.*/stubborn: its answer was not taken}s, 'one that refuses');
script_says([ "$url/ec" ], 1, qr{revoked.*/ec: its answer was not taken}s, 'a revoked certificate');
script_says([ 'http://127.0.0.1:1/' ], 1, qr{127.0.0.1:1/: cannot be reached}, 'nobody listens');
is(sql('SELECT count(*) FROM seoulchain.timestamps'), $before, 'none of them left anything');
script_says([ "$url/broken", "$url/rsa" ], 1, qr{main: 8 leaves existed at \d{4}-.*, says http.*/rsa}, 'one of two');
script_says([ "$url/rsa" ], 0, qr/stamped already/, 'which is enough for the next time');
script_says([ '--force', '-c', 'main', "$url/rsa", "$url/rsa" ], 0, qr/existed at.*\n.*existed at/, 'two more by force');
is(sql('SELECT count(*) FROM seoulchain.timestamps'), $before + 3, 'three stamps more');
script_says([ '-c', 'nochain', "$url/rsa" ], 1, qr/chain "nochain" does not exist.*nochain: cannot be stamped/s, 'a chain that is not there');
script_says([ '-d', 'nodatabase', "$url/rsa" ], 1, qr/database "nodatabase" does not exist/, 'a database that is not there');
script_says([ '-c', q{x';DROP}, "$url/rsa" ], 2, qr/not the name of a chain/, 'a name that is none');
script_says([], 2, qr/give its URL/, 'without an authority');
script_says([ '-t' ], 2, qr/needs a value/, 'an option without its value');
script_says([ '-x', 'y' ], 2, qr/unknown option/, 'an option that is none');
script_says([ '--help' ], 0, qr/^Usage: /, 'its help');
is(sql('SELECT DISTINCT fault FROM seoulchain.verify()'), 'timestamp not trusted', 'verify(): tokens by the key that was compromised since');
is(sql('SELECT count(*) FROM seoulchain.verify()'), '5', 'and no others');

# who may do it
sql('CREATE ROLE clerk; CREATE ROLE op IN ROLE seoulchain_operator');
like(sql('SET ROLE clerk; SELECT count(*) FROM seoulchain.timestamps'), qr/^[1-9]/, 'everybody may see the timestamps');
refused("SET ROLE clerk; $_", qr/permission denied/, "not everybody: $_")
	foreach q{SELECT seoulchain.timestamp_request()}, q{SELECT * FROM seoulchain.add_timestamp('')}, q{SELECT seoulchain.add_time_authority('x', '')},
	q{SELECT seoulchain.remove_time_authority('good')}, q{SELECT seoulchain.add_time_crl('')}, 'SELECT * FROM seoulchain.time_authority';
like(sql(q{SET ROLE op; SELECT length(seoulchain.timestamp_request()) > 50}), qr/^t$/, 'an operator may ask');
refused(q{BEGIN READ ONLY; SELECT seoulchain.timestamp_request()}, qr/cannot execute .* in a read-only transaction/, 'not in a read-only transaction');

done_testing();
