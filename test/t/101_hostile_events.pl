# A superuser at the origin writes events and rows by hand: nothing of it runs, touches or stops anything at its followers.
use strict;
use warnings;
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

# rows by hand, written below the ledger: without a number, with one that does not count, with too large a leaf
$city->sql('hall', q{UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = 'hall.t'::regclass});
$city->sql('hall', q{INSERT INTO hall.t (a, b, ledger_seq) VALUES (2, 'no number', NULL), (3, 'minus', -5), (4, 'huge', 9223372036854775807)});
$city->sql('hall', q{UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger') WHERE oid = 'hall.t'::regclass});
ok($city->node('shop')->poll_query_until('postgres', q{SELECT count(*) = 4 FROM hall.t}), 'rows that can be no leaves are stored');
is($city->sql('shop', q{SELECT string_agg(DISTINCT fault, ', ') FROM seoulchain.dispute WHERE fault = 'row no leaf'}), 'row no leaf', 'and disputed');
like($city->sql('shop', q{SELECT DISTINCT fault FROM seoulchain.verify('hall.t') WHERE relation IS NOT NULL}), qr/row/, 'verify() tells them from leaves');
$city->sql('hall', q{INSERT INTO hall.t VALUES (5, 'honest')});
ok($city->node('shop')->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM hall.t WHERE a = 5)}), 'replication goes on');

# what a copy cannot take stops the link with our refusal, until the origin's superuser takes it back
my $offset = -s $city->node('shop')->logfile;
my $publication = $city->sql('hall', 'SELECT pubname FROM pg_publication');
$city->sql('hall', "ALTER PUBLICATION $publication SET (publish = 'insert, truncate')");
$city->sql('hall', q{UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = 'hall.t'::regclass});
$city->sql('hall', 'TRUNCATE hall.t');
ok(wait_for_log_line($city->node('shop'), qr/ERROR:.*(ledger table "t" is append-only|permission denied for table t)/, $offset), 'a TRUNCATE by the origin is refused');
ok($city->sql('shop', 'SELECT count(*) FROM hall.t') >= 5, 'and the rows are here');
done_testing();
