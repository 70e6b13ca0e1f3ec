# A superuser at the origin writes events and rows by hand: nothing of it runs, touches or stops anything at its followers.
use strict;
use warnings;
use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::City;
use Seoulchain::Test;

my $city = Seoulchain::City->new(nodes => [qw(hall shop)]);
my $origin = $city->origin('hall');
$city->sql('hall', q{CREATE SCHEMA hall; CREATE TABLE hall.t (a int, b text) USING ledger; INSERT INTO hall.t VALUES (1, 'x')});
$city->sql('shop', q{CREATE TABLE public.mine (a int); INSERT INTO public.mine VALUES (1); CREATE ROLE clerk LOGIN; CREATE VIEW public.seen AS SELECT 1 AS a});
$city->add_peers('hall', 'shop');
$city->follow('shop', 'hall');
ok($city->wait_cosigned('hall'), 'an honest beginning');
my $before = $city->sql('shop', q{SELECT string_agg(oid::regclass::text, ' ' ORDER BY oid) FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'v', 'S')});
my $schemas = $city->sql('shop', q{SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace});
my $next = 1_000_000;

# a message as the origin's own code would send it, but with any text
sub send_event
{
	my ($number, $body, %how) = @_;
	my $sender = $how{sender} // 'city/hall';
	my $recipient = $how{recipient} // 'city/shop';
	my $chain = $how{origin} // $origin;
	$city->sql('hall', "INSERT INTO seoulchain.message VALUES ('$sender', '$recipient', 'event', '$chain', $number, \$body\$$body\$body\$)");
	return;
}

# an event's leaf, with the next number
sub leaf
{
	my ($event, $table, $number, $chain) = @_;
	$number //= ++$next;
	return ($number, sprintf '{"chain":"%s","event":%s,"seq":"%s"%s}', $chain // $origin, $event, $number, defined $table ? qq{,"table":"$table"} : '');
}

sub join_event { my ($table, @columns) = @_; return leaf('{"columns":[' . join(',', @columns) . '],"type":"join"}', $table) }

# one test: the event is not applied, and this is why; then it is taken away, as the follower's operator might
sub refused
{
	my ($what, $why, $number, $body, %how) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $offset = -s $city->node('shop')->logfile;
	send_event($number, $body, %how);
	my $told = wait_for_log_line($city->node('shop'), $why, $offset);
	$city->sql('shop', "DELETE FROM seoulchain.message WHERE kind = 'event' AND number = $number");
	return ok($told, "$what: refused, and said why");
}

my $int = '{"name":"a","type":"integer"}';
my $long = 'n' x 64;
refused('no JSON', qr/no canonical JSON/, ++$next, 'DROP TABLE public.mine');
refused('JSON that is not canonical', qr/no canonical JSON/, ++$next, '{ "chain": "x" }');
refused('a huge body', qr/no canonical JSON/, leaf('{"type":"' . 'x' x 70_000 . '"}'));
refused('another chain in the leaf', qr/names another chain/, leaf('{"type":"drop"}', 'hall.t', undef, 'city/shop/main'));
refused('another number in the leaf', qr/has another number/, ++$next, (leaf('{"type":"open"}', undef, 7))[1]);
refused('a number beyond all', qr/has another number/, leaf('{"type":"open"}', undef, '9223372036854775807'));
refused('a second beginning', qr/has begun already/, leaf('{"format":"1","id":"00","key":"k","type":"genesis"}'));
refused('a table without a schema', qr/is no schema and table/, join_event('mine', $int));
refused('a name that is too long', qr/can be no name/, join_event("hall.$long", $int));
refused('a schema name that is too long', qr/can be no name/, join_event("$long.t", $int));
refused('an empty name', qr/can be no name/, join_event('hall.', $int));
refused('a table that another relation is in the way of', qr/there is another relation "public.mine"/, join_event('public.mine', $int));
refused('a view in the way', qr/there is another relation "public.seen"/, join_event('public.seen', $int));
refused('a second table of the same name', qr/has joined before/, join_event('hall.t', $int));
refused('the same table under another ledger name', qr/there is another relation "hall.t"/, leaf('{"columns":[],"name":"t","schema":"hall","type":"join"}', 'hall.t#2'));
refused('pg_catalog', qr/not for tables of other nodes/, join_event('pg_catalog.evil', $int));
refused('information_schema', qr/not for tables of other nodes/, join_event('information_schema.evil', $int));
refused('our own schema', qr/not for tables of other nodes/, join_event('seoulchain.evil', $int));
refused('the schema of a role', qr/A role has this name/, join_event('clerk.accounts', $int));
refused('columns twice', qr/specified more than once/, join_event('hall.twice', $int, $int));
refused('a system column', qr/conflicts with a system column/, join_event('hall.sys', '{"name":"ctid","type":"integer"}'));
refused('a column ledger_seq', qr/cannot be named/, join_event('hall.seq', '{"name":"ledger_seq","type":"integer"}'));
refused('an empty column', qr/can be no name/, join_event('hall.empty', '{"name":"","type":"integer"}'));
refused('1,700 columns', qr/too many columns|at most 1600 columns/, join_event('hall.wide', map { qq({"name":"c$_","type":"integer"}) } 1 .. 1700));
refused('columns that are none', qr/has no text "type"/, join_event('hall.x', '"a"'));
refused('no columns', qr/has no array "columns"/, leaf('{"type":"join"}', 'hall.x'));
refused('a column of no table', qr/has not joined/, leaf("{\"columns\":[$int],\"type\":\"column\"}", 'hall.unknown'));
refused('renaming to what is there', qr/there is another relation "public.mine"/, leaf('{"new":"public.mine","old":"hall.t","type":"rename"}', 'hall.t'));
refused('renaming from another name', qr/has another name here/, leaf('{"new":"hall.u","old":"public.mine","type":"rename"}', 'hall.t'));
refused('renaming a column to ledger_time', qr/cannot be named/, leaf('{"column":"a","new":"ledger_time","old":"a","type":"rename"}', 'hall.t'));
refused('a key by nobody', qr/no change of key/, leaf('{"new":"a","old":"b","type":"key"}'));
refused('members in tables that are not there', qr/has not joined/, leaf('{"tables":{"authority":"public.mine","crl":"public.mine","delegation":"public.mine","key":"public.mine","member":"public.mine","status":"public.mine"},"type":"members"}'));
refused('a contract with a rule in SQL', qr/rules in SQL/, leaf('{"action":"propose","contract":"c","definition":"' .
	'{\"contract\":\"c\",\"ordinance\":{\"from\":\"2026-01-01\",\"name\":\"n\",\"number\":\"1\"},\"tables\":[{\"rules\":[{\"name\":\"sql\",\"parameters\":{\"function\":\"pg_reload_conf\"},\"version\":\"1\"}],\"table\":\"hall.t\"}],\"version\":\"1\"}' .
	'","rules":[],"type":"contract","version":"1"}'));
refused('a contract that is none', qr/contract definition/, leaf('{"action":"propose","contract":"c","definition":"x","rules":[],"type":"contract","version":"1"}'));
refused('a version that was never proposed', qr/has not been proposed/, leaf('{"action":"activate","contract":"c","from":"2026-01-01 00:00:00+00","libraries":[],"rules":[],"type":"contract","version":"1"}'));
refused('a version that is no number', qr/is no number/, leaf('{"action":"activate","contract":"c","type":"contract","version":"1; DROP"}'));

# what has no say is dropped before it is looked at
send_event(++$next, '{}', sender => 'city/other');
send_event(++$next, '{}', origin => 'city/shop/main');
send_event(++$next, '{}', origin => 'city/hall/other');
is($city->sql('shop', q{SELECT string_agg(oid::regclass::text, ' ' ORDER BY oid) FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'v', 'S')}), $before, 'no relation has come or gone');
is($city->sql('shop', q{SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace}), $schemas, 'and no schema');
is($city->sql('shop', q{SELECT a FROM public.mine}), 1, 'what was there is untouched');

# names and types are only names: they end up quoted, types that are not known as text
my ($number, $body) = leaf('{"columns":[{"name":"x\"; DROP TABLE public.mine; --","type":"int); DROP TABLE public.mine; --"},' .
	'{"base":"nonsense","name":"y","type":"integer"},{"name":"z","type":"regclass"}],"name":"a\"; DROP TABLE public.mine; --","schema":"hall","type":"join"}',
	'hall.a\"; DROP TABLE public.mine; --');
send_event($number, $body);
ok($city->node('shop')->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'a"; DROP TABLE public.mine; --')}), 'SQL in a name is a name');
is($city->sql('shop', q{SELECT string_agg(attname || ':' || format_type(atttypid, NULL), ', ' ORDER BY attnum) FROM pg_attribute
	WHERE attnum > 0 AND attrelid = (SELECT oid FROM pg_class WHERE relname = 'a"; DROP TABLE public.mine; --')}),
	'x"; DROP TABLE public.mine; --:text, y:text, z:text, ledger_seq:bigint', 'SQL in a type is nothing');
is($city->sql('shop', q{SELECT a FROM public.mine}), 1, 'and none of it has run');

# an event of a kind that nobody knows is a leaf, once; another one under its number is disputed, and the first stays
($number, $body) = leaf('{"type":"from the future"}');
send_event($number, $body);
send_event($number, $body);
send_event($number, (leaf('{"type":"another future"}', undef, $number))[1]);
ok($city->node('shop')->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM seoulchain.dispute WHERE fault = 'two events' AND ledger_seq = $number AND NOT proof)"),
	'two events under one number are disputed');
is($city->sql('shop', "SELECT leaf FROM seoulchain.event WHERE ledger_seq = $number"), $body, 'the first one stays');
is($city->sql('shop', "SELECT count(*) FROM seoulchain.message WHERE kind = 'event'"), 0, 'nothing waits');

# what waits under one number waits once, and only a few that differ do
($number, $body) = leaf('{"type":"drop"}', 'hall.nothing');
$city->sql('hall', "INSERT INTO seoulchain.message SELECT 'city/hall', 'city/shop', 'event', '$origin', $number, '$body' FROM generate_series(1, 5);
	INSERT INTO seoulchain.message SELECT 'city/hall', 'city/shop', 'block', '$origin', 2000000, 'block ' || g FROM generate_series(1, 50) g");
$city->wait_for('shop', q{SELECT dropped_why LIKE '%wait already' FROM seoulchain.network_state('city/hall')});
is($city->sql('shop', "SELECT string_agg(kind || ' ' || n, ', ' ORDER BY kind) FROM (SELECT kind, count(*) AS n FROM seoulchain.message WHERE number IN ($number, 2000000) GROUP BY kind) m"),
	'block 8, event 1', 'a flood under one number does not wait here');
$city->sql('shop', "DELETE FROM seoulchain.message WHERE number IN ($number, 2000000)");

# rows by hand, written below the ledger: without a number, with one that does not count, with too large a leaf
$city->sql('hall', q{UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = 'hall.t'::regclass});
$city->sql('hall', q{INSERT INTO hall.t (a, b, ledger_seq) VALUES (2, 'no number', NULL), (3, 'minus', -5), (4, 'huge', 9223372036854775807)});
$city->sql('hall', q{UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger') WHERE oid = 'hall.t'::regclass});
ok($city->node('shop')->poll_query_until('postgres', q{SELECT count(*) = 4 FROM hall.t}), 'rows that can be no leaves are stored');
is($city->sql('shop', q{SELECT string_agg(DISTINCT fault, ', ') FROM seoulchain.dispute WHERE fault = 'row no leaf'}), 'row no leaf', 'and disputed');
like($city->sql('shop', q{SELECT DISTINCT fault FROM seoulchain.verify('hall.t') WHERE relation IS NOT NULL}), qr/row/, 'verify() tells them from leaves');
$city->sql('hall', q{INSERT INTO hall.t VALUES (5, 'honest')});
ok($city->node('shop')->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM hall.t WHERE a = 5)}), 'replication goes on');

# what else a publication can carry: tables that are not the chain's, ours among them, and other witnesses' cosignatures
my $publication = $city->sql('hall', 'SELECT pubname FROM pg_publication');
my $words = $city->sql('shop', 'SELECT count(*) FROM seoulchain.alarm');
$city->sql('hall', 'CREATE TABLE public.mine (a int); CREATE TABLE seoulchain.extra (a int)');
$city->sql('shop', 'GRANT INSERT ON public.mine TO PUBLIC');
$city->sql('hall', "ALTER PUBLICATION $publication ADD TABLE public.mine, seoulchain.alarm, seoulchain.journal_copy, seoulchain.peer");
$city->sql('hall', q{INSERT INTO public.mine VALUES (666); INSERT INTO seoulchain.alarm VALUES ('forged', 'x', now(), now(), 1, 'x', 'x');
	INSERT INTO seoulchain.journal_copy VALUES (1, '\x00'), (2, '\x00');
	BEGIN; INSERT INTO seoulchain.peer (name, conninfo, cosigner_key, added_at, system_identifier, database) SELECT 'city/evil', conninfo, cosigner_key, now(), 0, 0 FROM seoulchain.peer; DELETE FROM seoulchain.peer WHERE name = 'city/evil'; COMMIT});
my $line = $city->sql('hall', q{SELECT line FROM seoulchain.cosignature WHERE witness = 'city/shop' LIMIT 1});
$line =~ s/\n*\z/\n/;
# the body of a line with another key ID: em dash, name, base64 of ID and signature
sub line_of
{
	my ($name, $id) = @_;
	my ($body) = $line =~ / (\S+)\n\z/ or die "no line: $line";
	my $bytes = decode_base64($body);
	substr($bytes, 0, 4) = pack 'N', $id;
	return "\x{e2}\x{80}\x{94} $name " . encode_base64($bytes, '') . "\n";
}
$city->sql('hall', "ALTER PUBLICATION $publication DROP TABLE seoulchain.cosignature; ALTER PUBLICATION $publication ADD TABLE seoulchain.cosignature");
$city->sql('hall', "INSERT INTO seoulchain.cosignature VALUES ('city/shop/main', 77, '$_->[0]', \$l\$" . line_of($_->[1], $_->[2]) . '$l$)')
  foreach [ 'city/third', 'city/third', 1 ], [ 'city/shop', 'city/shop', 2 ], [ 'city/hall', 'city/shop', 3 ], [ 'city/hall', 'city/hall', 4 ],
  map { [ 'city/hall', 'city/hall', $_ ] } 4 .. 20;
$city->sql('hall', q{INSERT INTO hall.t VALUES (6, 'honest')});
ok($city->node('shop')->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM hall.t WHERE a = 6)}), 'replication goes on beside what is not for us');
is($city->sql('shop', q{SELECT string_agg(a::text, ' ') FROM public.mine}), 1, 'no row gets into a table that is no copy');
is($city->sql('shop', "SELECT count(*) - $words FROM seoulchain.alarm WHERE kind <> 'row not sealed'"), 0, 'nor into one of ours');
is($city->sql('shop', q{SELECT (SELECT count(*) FROM seoulchain.peer) || ' ' || (SELECT count(*) FROM seoulchain.journal_copy WHERE entries = '\x00')}), '1 0', 'nor into others of ours');
is($city->sql('shop', q{SELECT string_agg(DISTINCT witness, ' ') || ' ' || count(*) FROM seoulchain.cosignature WHERE tree_size = 77}), 'city/hall 4',
	'nobody fills the place of another witness, nor the table');
like($city->sql('shop', q{SELECT dropped_why FROM seoulchain.network_state('city/hall')}), qr/cosignature: /, 'and that is told');
$city->sql('hall', "ALTER PUBLICATION $publication DROP TABLE public.mine, seoulchain.alarm, seoulchain.journal_copy, seoulchain.peer, seoulchain.cosignature;
	ALTER PUBLICATION $publication ADD TABLE seoulchain.cosignature WHERE (witness = 'city/hall')");

# what a copy cannot take stops the link: nothing of it is done, the city says so, and the follower's DBA can pass it over
my $link = $city->sql('shop', 'SELECT subname FROM pg_subscription');
my $more = 10;
foreach my $case ([ 'update', q{UPDATE hall.t SET b = 'changed' WHERE a = 6} ], [ 'delete', 'DELETE FROM hall.t WHERE a = 6' ], [ 'truncate', 'TRUNCATE hall.t' ],
	[ 'unknown', 'INSERT INTO public.ghost VALUES (1)' ])
{
	my ($what, $statement) = @$case;
	my $contents = q{SELECT md5(string_agg(t::text, ',' ORDER BY ctid)) FROM hall.t t};
	my $rows = $city->sql('shop', $contents);
	my $log = $city->node('shop')->logfile;
	my $offset = -s $log;
	$city->sql('hall', $what eq 'unknown' ? "CREATE TABLE public.ghost (a int); ALTER PUBLICATION $publication ADD TABLE public.ghost" :
		"ALTER PUBLICATION $publication SET (publish = 'insert, $what')");
	$city->sql('hall', qq{BEGIN; UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap'), relreplident = 'f' WHERE oid = 'hall.t'::regclass;
		$statement;
		UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger'), relreplident = 'd' WHERE oid = 'hall.t'::regclass; COMMIT});
	$city->sql('hall', $what eq 'unknown' ? "ALTER PUBLICATION $publication DROP TABLE public.ghost" : "ALTER PUBLICATION $publication SET (publish = 'insert')");
	ok(wait_for_log_line($city->node('shop'), qr/ERROR:.*(table "?t\b|hall\.t|public\.ghost)/, $offset), "$what: refused");
	ok($city->node('shop')->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM seoulchain.city_problems WHERE what ~ 'nothing arrives: ')}), "$what: the city says that nothing arrives");
	is($city->sql('shop', $contents), $rows, "$what: the rows are here");
	ok(wait_for_log_line($city->node('shop'), qr/ ERROR: [^\n]*\n[^\n]*finished at /, $offset), "$what: the log names the transaction");
	my ($lsn) = (slurp_file($log, $offset) =~ / ERROR: [^\n]*\n[^\n]*finished at ([0-9A-F\/]+)/) or last;
	$city->sql('shop', "ALTER SUBSCRIPTION $link SKIP (lsn = '$lsn')");
	$city->sql('hall', "INSERT INTO hall.t VALUES (@{[++$more]}, 'honest')");
	ok($city->node('shop')->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM hall.t WHERE a = $more)"), "$what: passed over, replication goes on");
}
ok($city->wait_for('shop', q{SELECT NOT EXISTS (SELECT FROM seoulchain.city_problems WHERE what ~ 'nothing arrives: ')}), 'and the city no longer says that nothing arrives');
done_testing();
