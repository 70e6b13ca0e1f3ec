# The outside world: tiles, the export to a web server, requests to public witnesses, and answers as one.
use strict;
use warnings;
use IPC::Run;
use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Http;
use Seoulchain::LogReader;
use Seoulchain::Test;
use Test::More;

my $keys = key_directory();
my $node = ledger_node('log', init => [ allows_streaming => 1 ], 'seoulchain.seal_interval' => 0, 'seoulchain.sign_key_directory' => $keys);
my $witness_keys = key_directory();
my $witness = ledger_node('witness', 'seoulchain.seal_interval' => 0, 'seoulchain.sign_key_directory' => $witness_keys);

sub sql { my ($sql, $on) = @_; return ($on // $node)->safe_psql('postgres', $sql) }

sub refused
{
	my ($sql, $pattern, $what, $on) = @_;
	my ($status, $out, $err) = ($on // $node)->psql('postgres', $sql);
	return like($err, $pattern, $what);
}

# an add-checkpoint request to the witness: code and body
sub ask
{
	my $request = shift;
	$request =~ s/'/''/g;
	return split /\|/, sql("SELECT code, encode(convert_to(body, 'UTF8'), 'hex') FROM seoulchain.witness_answer('$request')", $witness);
}
sub body { return pack 'H*', shift // '' }
sub request { my $old = shift; return sql("SELECT seoulchain.witness_request('main', $old)") }
sub answers { my ($request, $code, $what) = @_; my ($said, $body) = ask($request); is($said, $code, $what); return body($body) }

sub run_script
{
	my ($script, @arguments) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGDATABASE} = 'postgres';
	IPC::Run::run [ $script, @arguments ], '<', \undef, '>', \$out, '2>', \$err;
	return ($? >> 8, "$out$err");
}
sub script_says
{
	my ($command, $code, $pattern, $what) = @_;
	my ($rc, $said) = run_script(@$command);
	is($rc, $code, $what) or diag($said);
	return like($said, $pattern, '... and says so');
}

# a log with every kind of leaf: rows of two tables, events, blocks, several numbers ranges a block
sql(q{SELECT seoulchain.create_node('seoul.go.kr/city-hall')});
sql(q{CREATE TABLE car (plate text, km int, at timestamptz DEFAULT now()) USING ledger;
	CREATE SCHEMA s; CREATE TABLE s.owner (name text, born date) USING ledger});
sql(q{INSERT INTO car VALUES ('A 1', 10); INSERT INTO s.owner VALUES ('김철수', '1980-01-01')});
seal($node);
sql(q{CREATE ROLE clerk});
refused(q{SET ROLE clerk; SELECT seoulchain.tile('main', 'checkpoint')}, qr/chain "main" is not public.*HINT.*set_public/s, 'a chain is nobody else\'s to read');
refused(q{SET ROLE clerk; SELECT seoulchain.set_public('main')}, qr/permission denied/, 'nor his to make public');
like(sql(q{SELECT seoulchain.tile('main', 'checkpoint')}), qr/^\\x/, 'but the auditor\'s to read');
script_says([ 'seoulchain-export', my $private = PostgreSQL::Test::Utils::tempdir() . '/private' ], 1, qr/chain main is not public: SELECT seoulchain.set_public/, 'and nobody\'s to publish, superusers included');
ok(!-e "$private/tile" && !-e "$private/checkpoint", 'nothing of it is there');
sql(q{SELECT seoulchain.set_public('main'); SELECT seoulchain.set_public('main')});
is(sql(q{SELECT count(*) FROM seoulchain.event WHERE leaf LIKE '%"type":"public"%'}), '1', 'public once, by one event');
is(sql(q{SET ROLE clerk; SELECT chain, origin FROM seoulchain.public_chains}), 'main|seoul.go.kr/city-hall/main', 'everybody can see it');
sql(q{ALTER TABLE car ADD COLUMN colour text; INSERT INTO car (plate, km, at, colour) SELECT 'B ' || i, i, now(), repeat('한', i % 300) FROM generate_series(1, 700) i});
$node->psql('postgres', q{INSERT INTO car SELECT 'gone', 1 FROM generate_series(1, 50); SELECT 1/0}, single_transaction => 1);
my @sessions = map { $node->background_psql('postgres') } 1 .. 2;
$_->query_safe('BEGIN') foreach @sessions;
foreach my $i (1 .. 8) { $sessions[ $i % 2 ]->query_safe("INSERT INTO car VALUES ('C $i', $i)") }
$_->query_safe('COMMIT') foreach reverse @sessions;
$_->quit foreach @sessions;
seal($node);
foreach my $i (1 .. 20) { sql("INSERT INTO s.owner VALUES ('single $i', NULL)"); seal($node) }

sub tile { my $path = shift; my $hex = eval { sql("SET ROLE clerk; SELECT encode(seoulchain.tile('main', '$path'), 'hex')") }; return defined $hex ? pack('H*', $hex) : undef }
my $log = Seoulchain::LogReader->new(\&tile);
cmp_ok($log->size, '>', 750, 'the log has three tiles');
is(unpack('H*', $log->root_of_entries), unpack('H*', $log->root), 'the entries give the root');
is(unpack('H*', $log->root_of_tiles(0)), unpack('H*', $log->root), 'the tiles give the root');
is(unpack('H*', $log->root_of_tiles(1)), unpack('H*', $log->root), 'also from the level above');
is(scalar(grep { !$log->included($_) } 0, 1, 255, 256, 511, $log->size - 1), 0, 'entries are included');
ok($log->signed_by(sql(q{SELECT seoulchain.verifier_key()})), 'the log signs the checkpoint');
like((grep { /김철수/ } $log->entries)[0], qr/"table":"s.owner"/, 'an entry is a leaf as people read it');
is(length tile('tile/0/000.p/7'), 7 * 32, 'a partial tile that the tree once had');

# what there is not
refused("SELECT seoulchain.tile('main', '$_')", qr/is no path of a tile/, "no path: $_")
	foreach '', 'tile', 'tile/0/0', 'tile/00/000', 'tile/0/x000/000', 'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/entries/000/', '../checkpoint', 'tile/6/000', 'tile/-1/000';
refused("SELECT seoulchain.tile('main', '$_')", qr/has no tile.*signed tree has \d+ leaves/s, "beyond the tree: $_")
	foreach 'tile/0/999', 'tile/0/x999/x999/x999/999', 'tile/1/000', 'tile/2/000.p/1', 'tile/entries/003', 'tile/entries/003.p/255';
refused(q{SELECT seoulchain.tile('other', 'checkpoint')}, qr/chain "other" does not exist/, 'no such chain');
refused(q{SELECT seoulchain.tile_paths(5, 4)}, qr/no tiles from size 5 to size 4/, 'no way back');
is(sql(q{SELECT string_agg(p, ' ') FROM seoulchain.tile_paths(0, 70000) p WHERE p LIKE '%.p/%' OR p ~ '^tile/[12]/'}),
	'tile/entries/273.p/112 tile/0/273.p/112 tile/1/000 tile/1/001.p/17 tile/2/000.p/1', 'partial tiles are the last of each level');
is(sql(q{SELECT string_agg(p, ' ') FROM seoulchain.tile_paths(300, 300) p}), '', 'nothing new');
is(sql(q{SELECT string_agg(p, ' ') FROM seoulchain.tile_paths(300, 301) p}), 'tile/entries/001.p/45 tile/0/001.p/45', 'one leaf more');
sql('INSERT INTO car VALUES (\'pending\', 1)');
is(Seoulchain::LogReader->new(\&tile)->size, $log->size, 'what is not sealed is not shown');

# rows that moved, and rows that were altered
sql('VACUUM FULL car');
is(unpack('H*', Seoulchain::LogReader->new(\&tile)->root_of_entries), unpack('H*', $log->root), 'after VACUUM FULL');

# a standby shows the same log, and answers as no witness
$node->backup('standby');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'standby', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my $replica = Seoulchain::LogReader->new(sub { return pack 'H*', sql("SET ROLE clerk; SELECT encode(seoulchain.tile('main', '$_[0]'), 'hex')", $standby) });
is(unpack('H*', $replica->root_of_entries), unpack('H*', $log->root), 'a standby serves the log');
is(sql('SELECT count(*) FROM seoulchain.city', $standby), '1', 'and says whether the city is well');
refused(q{SELECT seoulchain.witness_answer('x')}, qr/cannot execute seoulchain.witness_answer|read-only/, 'it is no witness', $standby);
refused(q{SELECT seoulchain.set_public('main')}, qr/read-only|recovery/, 'and publishes nothing', $standby);
$standby->stop;

# the export
my $dir = PostgreSQL::Test::Utils::tempdir() . '/log';
my $web = Seoulchain::Http->new(sub {
		my ($method, $path) = @_;
		return ('404 Not Found', 'text/plain', 'no') if $path =~ m{\.\.} || !-f "$dir$path";
		return ('200 OK', 'application/octet-stream', slurp_file("$dir$path"));
});
script_says([ 'seoulchain-export', $dir ], 0, qr{^seoul.go.kr/city-hall/main: \d+ leaves, \d+ new tiles$}, 'the export');
my $served = Seoulchain::LogReader->new($web->url);
is($served->size, $log->size, 'is served');
is(unpack('H*', $served->$_), unpack('H*', $served->root), "its $_") foreach qw(root_of_entries);
is(unpack('H*', $served->root_of_tiles($_)), unpack('H*', $served->root), "its tiles of level $_") foreach 0, 1;
ok($served->included(600), 'its entries are included');
ok($served->signed_by(sql(q{SELECT seoulchain.verifier_key()})), 'its checkpoint is signed');
script_says([ 'seoulchain-export', $dir ], 0, qr/, 0 new tiles$/, 'once more brings nothing');
my $before = slurp_file("$dir/tile/0/000");
sql(q{INSERT INTO car SELECT 'D ' || i, i FROM generate_series(1, 900) i});
seal($node);
# stopped half-way: some tiles are there, the checkpoint is the old one
my $half = IPC::Run::start([ 'sh', '-c', "PGHOST='" . $node->host . "' PGPORT=" . $node->port . " PGDATABASE=postgres exec seoulchain-export '$dir'" ], '<', \undef, '>', \my $halfout, '2>', \my $halferr);
foreach (1 .. 2000) { last if -e "$dir/tile/entries/003" || -e "$dir/tile/entries/002"; select undef, undef, undef, 0.002 }
$half->signal('TERM');
eval { $half->finish };
is(unpack('H*', Seoulchain::LogReader->new($web->url)->root_of_entries), unpack('H*', Seoulchain::LogReader->new($web->url)->root), 'a run that was stopped leaves a whole log');
script_says([ 'seoulchain-export', '--chain', 'main', $dir ], 0, qr/new tiles$/, 'the next run goes on');
my $now = Seoulchain::LogReader->new($web->url);
is($now->size, sql(q{SELECT max(tree_size) FROM seoulchain.block}), 'to the newest checkpoint');
is(unpack('H*', $now->root_of_entries), unpack('H*', $now->root), 'whose entries are all there');
is(slurp_file("$dir/tile/0/000"), $before, 'a full tile has not changed');
is(join(' ', glob("$dir/.export*")), '', 'nothing is left lying about');
ok(!-e "$dir/tile/0/002.p", 'partial tiles go when the full one is there');

# no room: nothing is half there, and the checkpoint is the old one
sql(q{INSERT INTO car SELECT 'F ' || i, i FROM generate_series(1, 300) i});
seal($node);
($_) = run_script('sh', '-c', "ulimit -f 6; exec seoulchain-export '$dir'");
is($_, 1, 'no room for the tiles');
is(Seoulchain::LogReader->new($web->url)->size, $now->size, '... leaves the log what it was');
is(unpack('H*', Seoulchain::LogReader->new($web->url)->root_of_entries), unpack('H*', $now->root), '... and whole');
script_says([ 'seoulchain-export', $dir ], 0, qr/new tiles$/, 'with room it goes on');
$now = Seoulchain::LogReader->new($web->url);
is(unpack('H*', $now->root_of_entries), unpack('H*', $now->root), 'to a whole log');

# exports that must not be
my $copy = PostgreSQL::Test::Utils::tempdir();
system_or_bail('cp', '-r', "$dir/.", $copy);
my $checkpoint = slurp_file("$copy/checkpoint");
sub put_checkpoint { my $text = shift; open my $out, '>', "$copy/checkpoint" or die; print $out $text; close $out or die; return }
put_checkpoint($checkpoint =~ s/^seoul/busan/r);
script_says([ 'seoulchain-export', $copy ], 1, qr/holds another log, busan/, 'into another log\'s directory');
put_checkpoint($checkpoint =~ s/^(.*\n)(\d+)/$1 . ($2 + 1)/er);
script_says([ 'seoulchain-export', $copy ], 1, qr/has \d+ already: is the database an old backup/, 'from a database that is behind');
put_checkpoint($checkpoint =~ s/^(.*\n.*\n)./$1A/r =~ s/^(.*\n.*\n)A(.)/$1 . 'A' . ($2 eq 'B' ? 'C' : 'B')/er);
script_says([ 'seoulchain-export', $copy ], 1, qr/holds another history/, 'from a database with another history');
put_checkpoint('nonsense');
script_says([ 'seoulchain-export', $copy ], 1, qr/is no checkpoint/, 'onto something else');
script_says([ 'seoulchain-export' ], 2, qr/which directory/, 'without a directory');
script_says([ 'seoulchain-export', '-x' ], 2, qr/unknown option/, 'with an option that is none');
script_says([ 'seoulchain-export', '--help' ], 0, qr/^Usage: /, 'its help');
script_says([ 'seoulchain-export', '-c', 'nochain', $copy . '/new' ], 1, qr/chain nochain is not public/, 'of a chain that is not there');

# an altered row is named and not exported; a dropped table too
sql(q{SET session_replication_role = origin; CREATE TABLE late (i int) USING ledger; INSERT INTO late VALUES (1)});
seal($node);
sql('DROP TABLE late');
refused(q{SELECT seoulchain.tile('main', p) FROM seoulchain.tile_paths(0, (SELECT max(tree_size) FROM seoulchain.block)) p WHERE p LIKE 'tile/entries/%'},
	qr/leaf \d+ of chain "main" is not here any more.*row of "public.late", which was dropped.*HINT.*seoulchain-export/s, 'rows of a dropped table');
($_) = run_script('seoulchain-export', $dir);
is($_, 1, 'cannot be exported any more');
is(Seoulchain::LogReader->new($web->url)->size, $now->size, 'and the log stays what it was');

# a public witness: another node, which does not follow the log
refused(q{SELECT seoulchain.add_witnessed_log('x')}, qr/is no verifier key/, 'a log needs a key', $witness);
my $vkey = sql('SELECT seoulchain.verifier_key()');
refused("SELECT seoulchain.add_witnessed_log('$vkey')", qr/this database is no node/, 'a witness is a node', $witness);
sql(q{SELECT seoulchain.create_node('busan.go.kr/archive')}, $witness);
is(sql('SELECT seoulchain.witness_key() IS NULL', $witness), 't', 'no witness yet');
is(answers(request(0), 404, 'a log that it does not know'), "this log is not witnessed here\n", '... in words');
refused("SELECT seoulchain.add_witnessed_log('" . sql('SELECT seoulchain.cosigner_key()') . "')", qr/is no key of a log.*type 4/s, 'a cosigner is no log', $witness);
refused("SELECT seoulchain.add_witnessed_log('$vkey')", qr/is a chain of this database/, 'nobody witnesses himself', $node);
my $key = sql("SELECT seoulchain.add_witnessed_log('$vkey')", $witness);
like($key, qr{^busan.go.kr/archive/witness\+[0-9a-f]{8}\+B}, 'the witness has a key of its own, of type 4');
is(sql("SELECT seoulchain.add_witnessed_log('$vkey')", $witness), $key, 'once more changes nothing');
is(sql('SELECT seoulchain.witness_key()', $witness), $key, 'the key is shown to everybody');
ok(-e glob("$witness_keys/*/busan.go.kr+archive+witness.witness.key"), 'its file has a name of its own');

my $first = request(0);
my $line = answers($first, 200, 'the first checkpoint');
my ($note) = $first =~ /\n\n(.*)/s;
sub cosigned { my ($signed, $with) = @_; return Seoulchain::LogReader->new(sub { "$signed$with" })->signed_by($key) }
ok(cosigned($note, $line), 'is cosigned');
my $size = (split /\n/, $note)[1];
is(answers(request(0), 409, 'the same with an old size that is too small'), "$size\n", '... tells the size');
ok(cosigned($note, answers(request($size), 200, 'the same once more')), 'is cosigned again');
is(answers("nonsense\n", 400, 'nonsense'), "this is no add-checkpoint request\n", '... in words');
is((ask("old 0\n" . ("A" x 43 . "=\n") x 64 . "\n$note"))[0], 400, '64 hashes');
sql(q{INSERT INTO car VALUES ('E 1', 1)});
seal($node);
my $second = request($size);
my $forged = $second =~ s/\n\n(.*\n)(\d+)\n/"\n\n$1" . ($2 + 1) . "\n"/er;
is((ask($forged))[0], 403, 'a checkpoint that the log has not signed');
is((ask($second =~ s/^old \d+/'old 999999'/er))[0], 400, 'an old size beyond the checkpoint');
is((ask($second =~ s/^old \d+/'old 1'/er))[0], 409, 'another old size');
my @lines = split /\n/, $second;
is((ask($second =~ s/^(old \d+\n)(.)(.)/$1 . ($2 eq 'A' ? 'B' : 'A') . $3/er))[0], 422, 'a proof that does not connect');
ok(cosigned(($second =~ /\n\n(.*)/s)[0], answers($second, 200, 'the second checkpoint')), 'is cosigned');
is((ask($second))[0], 409, 'and not from the first again');
is(sql('SELECT origin, tree_size, checkpoint = $$' . ($second =~ /\n\n(.*)/s)[0] . '$$ FROM seoulchain.witnessed_checkpoint', $witness),
	"seoul.go.kr/city-hall/main|" . sql('SELECT max(tree_size) FROM seoulchain.block') . '|t', 'what it cosigned last is kept');
refused(q{SET ROLE clerk; SELECT seoulchain.witness_answer('')}, qr/permission denied/, 'not everybody may ask', $node);
refused(q{BEGIN READ ONLY; SELECT seoulchain.witness_answer('')}, qr/read-only transaction/, 'nor without writing', $witness);

# what was said is said: a rollback takes nothing back, and neither does an old database
my $held = sql('SELECT tree_size FROM seoulchain.witnessed_checkpoint', $witness);
sql(q{INSERT INTO car VALUES ('E 2', 2)});
seal($node);
my $third = request($held);
(my $quoted = $third) =~ s/'/''/g;
sql("BEGIN; SELECT seoulchain.witness_answer('$quoted'); ROLLBACK", $witness);
my $newest = sql('SELECT max(tree_size) FROM seoulchain.block');
is(answers($third, 409, 'a rolled back answer'), "$newest\n", 'has left the witness at the new size');
is((ask(request($newest)))[0], 200, 'from which it goes on');
kill_server($witness);
$witness->start;
is((ask(request($newest)))[0], 200, 'after kill -9');
my ($memory) = glob("$witness_keys/*/witness-memory");
my $remembered = slurp_file($memory);
unlink $memory or die;
refused("SELECT seoulchain.witness_answer('" . (request($newest) =~ s/'/''/gr) . "')", qr/memory has no entry.*has been cosigned before.*HINT.*resume_witness/s, 'without its memory it says nothing', $witness);
sql(q{SELECT seoulchain.resume_witness('seoul.go.kr/city-hall/main')}, $witness);
is((ask(request($newest)))[0], 200, 'until an operator lets it go on');
open my $out, '>', $memory or die;
print $out $remembered =~ s/^(\S+ \S+ \S+) \d+/$1 1/mr;
close $out or die;
chmod 0600, $memory;
refused("SELECT seoulchain.witness_answer('" . (request($newest) =~ s/'/''/gr) . "')", qr/cosigned by another cluster.*HINT.*resume_witness/s, 'nor with another cluster\'s', $witness);
sql(q{SELECT seoulchain.resume_witness('seoul.go.kr/city-hall/main')}, $witness);
is((ask(request($newest)))[0], 200, 'the same way out');
refused(q{SELECT seoulchain.resume_witness('nobody/at/all')}, qr/has cosigned nothing of/, 'nothing to go on from', $witness);

# two requests at once: one after the other, never two histories
sql(q{INSERT INTO car VALUES ('E 3', 3)});
seal($node);
my $fourth = request($newest) =~ s/'/''/gr;
my $slow = $witness->background_psql('postgres');
$slow->query_safe("BEGIN; SELECT seoulchain.witness_answer('$fourth')");
my $other = $witness->background_psql('postgres');
$other->query_until(qr/asked/, "\\echo asked\nSELECT code FROM seoulchain.witness_answer('$fourth');\n");
ok($witness->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted}), 'the second waits');
$slow->query_safe('COMMIT');
$slow->quit;
like($other->query_safe('SELECT 1'), qr/409/, 'and is told the size');
$other->quit;

# the script that asks witnesses, and a policy that wants one
my $gateway = Seoulchain::Http->new(sub {
		my ($method, $path, $body) = @_;
		return ('200 OK', 'text/plain', "not a signature\n") if $path eq '/liar/add-checkpoint';
		return ('409 Conflict', 'text/x.tlog.size', "no size\n") if $path eq '/confused/add-checkpoint';
		return ('409 Conflict', 'text/x.tlog.size', "999999999\n") if $path eq '/ahead/add-checkpoint';
		return ('500 Internal Server Error', 'text/plain', "\e[31mout of order\n" . 'x' x 1000) if $path eq '/broken/add-checkpoint';
		return ('302 Found', '', '') if $path eq '/elsewhere/add-checkpoint';
		return ('200 OK', 'text/plain', 'y' x 100_000) if $path eq '/talker/add-checkpoint';
		sleep 2 if $path eq '/sleeper/add-checkpoint';
		return ('404 Not Found', 'text/plain', 'no') if $path ne '/witness/add-checkpoint';
		my ($code, $answer) = ask($body);
		return ($code, $code == 409 ? 'text/x.tlog.size' : 'text/plain', body($answer));
});
my $url = $gateway->url;
my $policy = "log $vkey\nwitness archive $key $url/witness\nquorum archive\n";
sql("SELECT seoulchain.set_policy('main', '$policy')");
seal($node);
refused(q{SELECT seoulchain.tile('main', 'checkpoint')}, qr/no final checkpoint.*witnesses are missing: "archive"/s, 'a policy keeps back what is not final');
is((run_script('seoulchain-export', "$dir.new"))[0], 1, 'from the export, too');
script_says([ 'seoulchain-witness', "$url/nowhere" ], 1, qr{/nowhere: answers with HTTP status 404: no}, 'no witness there');
script_says([ 'seoulchain-witness', "$url/liar" ], 1, qr{/liar: its answer was not taken}, 'one that lies');
script_says([ 'seoulchain-witness', "$url/confused" ], 1, qr{/confused: names a size that is none}, 'one that is confused');
script_says([ 'seoulchain-witness', "$url/ahead" ], 1, qr{old_size.*/ahead: holds 999999999 leaves, from which no request can be made}s, 'one that holds more than there is');
script_says([ 'seoulchain-witness', "$url/broken" ], 1, qr{/broken: answers with HTTP status 500: \[31mout of order ?x{50,190}\n}, 'one that is out of order, without what a terminal would act on');
script_says([ 'seoulchain-witness', "$url/elsewhere" ], 1, qr{/elsewhere: answers with HTTP status 302}, 'one that sends us elsewhere');
script_says([ 'seoulchain-witness', "$url/talker" ], 1, qr{/talker: cannot be reached, does not answer in time, or says too much}, 'one that says too much');
script_says([ 'seoulchain-witness', '-t', '1', $url =~ s{//}{//clerk:secret\@}r . '/sleeper' ], 1, qr{^(?!.*secret).*http://127[^ ]*/sleeper: cannot be reached, does not answer in time}s, 'one that does not answer in time, without the password in the URL');
script_says([ 'seoulchain-witness', 'file:///etc' ], 1, qr{cannot be reached}, 'no file');
script_says([ 'seoulchain-witness', '-t', '0', $url ], 2, qr/a timeout of 0/, 'no end of waiting');
is(sql('SELECT count(*) FROM seoulchain.cosignature'), '0', 'none of them left anything');
script_says([ 'seoulchain-witness', 'http://127.0.0.1:1' ], 1, qr{127.0.0.1:1: cannot be reached}, 'nobody listens');
$newest = sql('SELECT max(tree_size) FROM seoulchain.block');
script_says([ 'seoulchain-witness', "$url/witness" ], 0, qr{^main: $newest leaves cosigned by $url/witness$}, 'the script has the checkpoint cosigned');
ok(Seoulchain::LogReader->new(\&tile)->signed_by($key), 'the cosignature is in the published checkpoint');
script_says([ 'seoulchain-witness', '--chain', 'main', "$url/witness/" ], 0, qr/cosigned/, 'once more');
script_says([ 'seoulchain-witness' ], 2, qr/which witness/, 'without a witness');
script_says([ 'seoulchain-witness', '-c', q{x';}, $url ], 2, qr/not the name of a chain/, 'with a name that is none');
script_says([ 'seoulchain-witness', '--help' ], 0, qr/^Usage: /, 'its help');

# a log that changes its key is witnessed by both
my $next = sql(q{SELECT seoulchain.rotate_log_key('main')});
seal($node);
script_says([ 'seoulchain-witness', "$url/witness" ], 0, qr/cosigned/, 'the checkpoint that both keys sign');
sql(q{INSERT INTO car VALUES ('E 4', 4)});
seal($node);
script_says([ 'seoulchain-witness', "$url/witness" ], 1, qr/status 403/, 'one that only the new key signs');
sql("SELECT seoulchain.add_witnessed_log('$next')", $witness);
script_says([ 'seoulchain-witness', "$url/witness" ], 0, qr/cosigned/, 'once the witness knows it');

# a log that shows two histories: signed with its own key, both checkpoints are the proof
sub sign_as_log
{
	my $text = shift;
	my ($file) = glob("$keys/*/*+main.*.log.key");
	my ($name, $id, $secret) = slurp_file($file) =~ /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+(\S+)/ or die;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	PostgreSQL::Test::Utils::append_to_file("$dir/text", $text);
	open my $der, '>:raw', "$dir/key" or die;
	print $der pack('H*', '302e020100300506032b657004220420'), substr(decode_base64($secret), 1);
	close $der or die;
	system_or_bail('openssl', 'pkeyutl', '-sign', '-inkey', "$dir/key", '-keyform', 'DER', '-rawin', '-in', "$dir/text", '-out', "$dir/sig");
	return "$text\n\xe2\x80\x94 $name " . encode_base64(pack('H8', $id) . slurp_file("$dir/sig"), '') . "\n";
}
$newest = sql('SELECT max(tree_size) FROM seoulchain.block');
my $other_history = sign_as_log("seoul.go.kr/city-hall/main\n$newest\n" . encode_base64(pack('H*', 'ab' x 32), '') . "\n");
is((ask("old $newest\n\n$other_history"))[0], 409, 'another root for the size that was cosigned');
is(sql('SELECT origin, fault, proof FROM seoulchain.dispute', $witness), 'seoul.go.kr/city-hall/main|two roots|t', 'is a proof against the log');
my $evidence = PostgreSQL::Test::Utils::tempdir() . '/evidence';
PostgreSQL::Test::Utils::append_to_file($evidence, sql('SELECT evidence FROM seoulchain.dispute', $witness) . "\n");
like((run_script('seoulchain-verify', '--key', $next, $evidence))[1], qr/PROOF: two different histories/, 'that convinces a stranger');

# no more
sql(q{SELECT seoulchain.remove_witnessed_log('seoul.go.kr/city-hall/main')}, $witness);
is((ask(request($newest)))[0], 404, 'a log that was removed');
refused(q{SELECT seoulchain.remove_witnessed_log('seoul.go.kr/city-hall/main')}, qr/does not witness/, 'is removed once', $witness);
sql("SELECT seoulchain.add_witnessed_log('$next')", $witness);
is((ask(request(0)))[0], 409, 'added again, it goes on from where it was');

# approved algorithms only
my $strict = ledger_node('strict', 'seoulchain.seal_interval' => 0, 'seoulchain.sign_key_directory' => key_directory(), 'seoulchain.sign_profile' => 'kcmvp');
sql(q{SELECT seoulchain.create_node('daegu.go.kr/archive'); CREATE TABLE t (i int) USING ledger; INSERT INTO t VALUES (1)}, $strict);
seal($strict);
refused("SELECT seoulchain.add_witnessed_log('$next')", qr/profile "kcmvp" does not allow Ed25519/, 'a log with a key that is not approved', $strict);
my $approved = sql('SELECT seoulchain.verifier_key()', $strict);
like(sql("SELECT seoulchain.add_witnessed_log('$approved', 'ulsan.go.kr/log')", $strict), qr{^daegu.go.kr/archive/witness\+[0-9a-f]{8}\+AjBZ}, 'the witness\'s key is ECDSA then');
sql("SELECT seoulchain.add_witnessed_log('$approved')", $witness);
is((ask(sql(q{SELECT seoulchain.witness_request('main')}, $strict)))[0], 200, 'a log that signs with ECDSA is witnessed');

is_intact($witness, 'the witness is intact');
done_testing();
