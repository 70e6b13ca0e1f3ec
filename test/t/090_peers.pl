# Peers: publications, slots and subscriptions come about by themselves, whatever the order of wishes; they go again, with or without the other node.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::City;
use Seoulchain::Test;

my $city = Seoulchain::City->new(nodes => [qw(hall inspector)], settings => { restart_after_crash => 'on' });
my $ready = q{SELECT count(*) = 2 FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid WHERE srsubstate = 'r'};

# each side says what it wants; nothing else is needed
$city->add_peers(qw(hall inspector));
foreach my $name ($city->names)
{
	$city->wait_for($name, $ready, 'the subscription comes about');
	ok(1, "$name: the subscription comes about");
	is($city->sql($name, q{SELECT count(*), bool_and(subenabled), bool_and(NOT rolsuper), bool_and(rolname = 'seoulchain_apply') FROM pg_subscription JOIN pg_roles r ON r.oid = subowner}),
		'1|t|t|t', 'it belongs to a role without superuser');
}

# a table that was there before anybody followed, and one that comes later
$city->sql('hall', 'CREATE SCHEMA hall; CREATE TABLE hall.car (plate text, km int) USING ledger; INSERT INTO hall.car SELECT g::text, g FROM generate_series(1, 1000) g');
$city->follow('inspector', 'hall');
$city->wait_for('inspector', q{SELECT count(*) = 1 FROM pg_subscription_rel r JOIN pg_class c ON c.oid = srrelid WHERE relname = 'car' AND srsubstate = 'r'}, 'the table is followed');
$city->wait_cosigned('hall');
$city->same_everywhere('hall', 'hall.car', 'a table that was there is copied');
$city->sql('hall', 'CREATE TABLE hall.owner (plate text, name text) USING ledger');
$city->sql('hall', q{INSERT INTO hall.owner SELECT g::text, 'Kim' FROM generate_series(1, 500) g; INSERT INTO hall.car VALUES ('1001', 7)});
$city->wait_cosigned('hall');
$city->same_everywhere('hall', 'hall.owner', 'a new table is copied');
$city->same_everywhere('hall', 'hall.car', 'rows go on travelling');
is($city->sql($_, 'SELECT count(*) FROM seoulchain.message'), '0', "$_: no message is left over") foreach $city->names;
is($city->sql($_, q{SELECT string_agg(DISTINCT state, ',') FROM seoulchain.network_status}), 'ok', "$_: the status says that all is well") foreach $city->names;
$city->no_dispute('nothing is wrong');

# what calls refuse
sub refused
{
	my ($name, $sql, $pattern, $what) = @_;
	my ($status, $out, $err) = $city->node($name)->psql('postgres', $sql);
	return like($err, $pattern, $what);
}
my $key = $city->key('inspector');
my $hall = $city->key('hall');
refused('hall', "SELECT seoulchain.add_peer('hall', 'dbname=x', '$key')", qr/"hall" is no name for a node/, 'a name that is none');
refused('hall', "SELECT seoulchain.add_peer('city/hall', 'dbname=x', '$key')", qr/this node itself/, 'itself');
refused('hall', "SELECT seoulchain.add_peer('city/other', 'dbname=x', '$key')", qr/is that of "city\/inspector"/, 'a key of somebody else');
refused('hall', "SELECT seoulchain.add_peer('city/inspector', 'dbname=x', 'rubbish')", qr/is no verifier key/, 'a key that is none');
refused('hall', q{SELECT seoulchain.add_peer('city/hall/main', 'dbname=x', seoulchain.verifier_key('main'))}, qr/is no name for a node/, 'a chain');
refused('hall', "SELECT seoulchain.add_peer('city/inspector', 'host=x', '$key')", qr/names no database/, 'a connection string without a database');
refused('hall', "SELECT seoulchain.add_peer('city/inspector', 'nonsense', '$key')", qr/cannot be read/, 'a connection string that is none');
refused('hall', "SELECT seoulchain.add_peer('city/inspector', 'dbname=x', '$key', 'nobody')", qr/role "nobody" does not exist/, 'a role that is not there');
refused('hall', q{SELECT seoulchain.share('main', 'city/nobody')}, qr/is not a peer/, 'sharing with a stranger');
refused('hall', q{SELECT seoulchain.share('none', 'city/inspector')}, qr/chain "none" does not exist/, 'sharing a chain that is not there');
refused('inspector', q{SELECT seoulchain.share('city/hall/main', 'city/hall')}, qr/is a copy of another node's/, 'sharing a copy');
refused('hall', q{SELECT seoulchain.follow('city/hall/main')}, qr/chain of this node itself/, 'following oneself');
refused('hall', q{SELECT seoulchain.follow('city/nobody/main')}, qr/is not a peer/, 'following a stranger');
refused('hall', q{SELECT seoulchain.follow('main')}, qr/is no origin/, 'following what is no origin');
refused('hall', q{SELECT seoulchain.unfollow('city/inspector/main')}, qr/is not followed/, 'unfollowing what is not followed');
refused('hall', 'DROP EXTENSION seoulchain', qr/while there are ledger tables/, 'dropping the extension');
$city->sql('hall', q{CREATE ROLE poor LOGIN REPLICATION; SELECT seoulchain.create_chain('secret')});
my $where = $city->conninfo('hall', 'inspector');
$city->sql('hall', "SELECT seoulchain.add_peer('city/inspector', '$where', '$key', 'poor')");
refused('hall', q{SELECT seoulchain.share('secret', 'city/inspector')}, qr/may not read the whole database: role "poor".*no member of pg_read_all_data.*no fence/s, 'sharing with a node that may not read everything');
$city->sql('hall', "SELECT seoulchain.add_peer('city/inspector', '$where', '$key', 'peer_inspector')");
refused('hall', "SET ROLE poor; SELECT seoulchain.remove_peer('city/inspector')", qr/permission denied/, 'a wish of somebody who is no operator');
$city->sql('hall', 'GRANT seoulchain_auditor TO poor');
refused('hall', 'SET ROLE poor; SELECT conninfo FROM seoulchain.peer', qr/permission denied/, 'connection strings are for nobody');
like($city->sql('hall', 'SET ROLE poor; SELECT name FROM seoulchain.peer; SELECT count(*) > 2 FROM seoulchain.network_status'), qr/inspector.*t$/s, 'an auditor reads the rest');
refused('hall', 'SET ROLE poor; INSERT INTO seoulchain.message VALUES ($$city/hall$$, $$city/inspector$$, $$event$$, $$city/hall/main$$, 1)', qr/permission denied/, 'messages are written by nobody');
my ($status, $out, $err) = $city->node('hall')->psql('postgres', 'SELECT 1', connstr => $city->node('hall')->connstr('postgres') . ' user=seoulchain_apply');
like($err, qr/too many connections for role "seoulchain_apply"/, 'nobody logs in as the role that applies');

# in another's name: a superuser of the inspector sends what is not his to say
my $log = -s $city->node('hall')->logfile;
$city->sql('inspector', q{INSERT INTO seoulchain.message VALUES
	('city/inspector', 'city/hall', 'event', 'city/hall/main', 77, '{}'), ('city/inspector', 'city/hall', 'block', 'city/insurer/main', 77, '{}'),
	('city/inspector', 'city/hall', 'request', 'city/inspector/main', 77, '{}'), ('city/inspector', 'city/hall', 'rubbish', 'city/inspector/main', 77, '{}');
	INSERT INTO seoulchain.cosignature VALUES ('city/hall/main', 1, 'city/insurer', 'x')});
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.network_status WHERE state = 'alarm' AND problem LIKE '4 of its messages were dropped%'}, 'the alarm');
is($city->sql('hall', 'SELECT count(*) FROM seoulchain.message'), '0', 'what is not its own to say is dropped, and told');
is($city->sql('hall', q{SELECT count(*) FROM seoulchain.cosignature WHERE witness = 'city/insurer'}), '0', 'so are cosignatures of others');
$city->sql('inspector', 'DELETE FROM seoulchain.message');

# a prepared transaction counts when it is committed
$city->sql('inspector', q{CREATE SCHEMA inspector; CREATE TABLE inspector.inspection (plate text) USING ledger; INSERT INTO inspector.inspection VALUES ('1')});
$city->sql('inspector', q{BEGIN; SELECT seoulchain.share('main', 'city/hall'); PREPARE TRANSACTION 'share'});
$city->sql('hall', q{SELECT seoulchain.follow('city/inspector/main')});
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.network_status WHERE chain = 'city/inspector/main' AND state = 'waiting' AND problem LIKE 'asked for%' AND hint LIKE '%share(''main'', ''city/hall'')%'}, 'the wait for a share');
$city->sql('inspector', q{COMMIT PREPARED 'share'});
$city->wait_cosigned('inspector', by => ['hall']);
$city->same_everywhere('inspector', 'inspector.inspection', 'a share that was prepared is carried out', 'hall');

# confirmations and requests that are lost on their way are said again
$city->sql('hall', q{CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER lose BEFORE INSERT ON seoulchain.message FOR EACH ROW WHEN (NEW.kind IN ('request', 'confirmation')) EXECUTE FUNCTION lose();
	ALTER TABLE seoulchain.message ENABLE ALWAYS TRIGGER lose});
$city->sql('hall', q{CREATE TABLE hall.lost (plate text) USING ledger});
$city->wait_for('inspector', q{SELECT count(*) = 1 FROM seoulchain.network_status WHERE chain = 'city/hall/main' AND state = 'waiting' AND problem LIKE '%hall.lost'}, 'a table that is not sent');
$city->sql('hall', q{SELECT seoulchain.create_chain('second')});
$city->sql('hall', q{SET seoulchain.default_chain = 'second'; CREATE TABLE hall.second (plate text) USING ledger; INSERT INTO hall.second VALUES ('1')});
$city->sql('hall', q{SELECT seoulchain.share('second', 'city/inspector')});
$city->sql('inspector', q{SELECT seoulchain.follow('city/hall/second')});
$city->wait_for('inspector', q{SELECT asked_at IS NOT NULL FROM seoulchain.follow WHERE origin = 'city/hall/second'}, 'the question');
# pauses grow with the age of a wish: a young one keeps the test short
$city->sql('inspector', 'UPDATE seoulchain.follow SET since = clock_timestamp()');
$city->sql('hall', q{DROP TRIGGER lose ON seoulchain.message});
$city->sql('hall', q{INSERT INTO hall.lost VALUES ('1')});
$city->wait_cosigned('hall');
$city->same_everywhere('hall', 'hall.lost', 'a confirmation that was lost comes again');
$city->wait_cosigned('hall', chain => 'second', by => ['inspector']);
$city->same_everywhere('hall', 'hall.second', 'so does a request', 'inspector');

# a chain that is shared no more, and then again: its followers are told, and begin anew
$city->sql('hall', q{SELECT seoulchain.unshare('second', 'city/inspector')});
$city->wait_for('inspector', q{SELECT count(*) = 1 FROM seoulchain.network_status WHERE chain = 'city/hall/second' AND state = 'failing' AND problem LIKE 'its node has ended sharing it%'}, 'the word that it has ended');
is($city->sql('inspector', q{SELECT state FROM seoulchain.city}), 'apart', 'which the city shows');
$city->wait_for('hall', q{SELECT count(*) = 0 FROM pg_publication_tables WHERE tablename = 'second'}, 'nothing more is sent');
$city->sql('hall', q{INSERT INTO hall.second VALUES ('2')});
$city->sql('hall', q{SELECT seoulchain.share('second', 'city/inspector')});
$city->sql('inspector', q{SELECT seoulchain.unfollow('city/hall/second')});
$city->sql('inspector', q{SELECT seoulchain.drop_copy('city/hall/second')});
$city->sql('inspector', q{SELECT seoulchain.follow('city/hall/second')});
$city->sql('hall', q{INSERT INTO hall.second VALUES ('3')});
$city->wait_cosigned('hall', chain => 'second', by => ['inspector']);
$city->same_everywhere('hall', 'hall.second', 'shared again and followed again it has every row once', 'inspector');

# the way to a peer changes
my $way = $city->conninfo('inspector', 'hall');
$city->sql('inspector', "SELECT seoulchain.add_peer('city/hall', 'host=/nowhere dbname=postgres', '$hall', 'peer_hall')");
$city->wait_for('inspector', q{SELECT count(*) = 1 FROM seoulchain.network_status WHERE direction = 'from' AND chain IS NULL AND state = 'failing' AND problem LIKE 'nothing arrives:%/nowhere%'}, 'a wrong way');
$city->sql('inspector', "SELECT seoulchain.add_peer('city/hall', '$way application_name=changed', '$hall', 'peer_hall')");
$city->sql('hall', q{INSERT INTO hall.lost VALUES ('2')});
$city->wait_cosigned('hall');
is($city->sql('hall', q{SELECT count(*) > 0 FROM pg_stat_replication WHERE application_name = 'changed'}), 't', 'another connection string is used');

# a peer that is connected and takes nothing: the log that is kept for it fills the disk
my $apply = $city->sql('inspector', q{SELECT pid FROM pg_stat_subscription WHERE relid IS NULL});
kill 'STOP', $apply;
$city->sql('hall', q{ALTER SYSTEM SET max_wal_size = '32MB'});
$city->sql('hall', q{SELECT pg_reload_conf()});
$city->sql('hall', q{INSERT INTO hall.lost VALUES ('3'); SELECT pg_switch_wal()}) foreach 1 .. 4;
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.network_status WHERE direction = 'to' AND chain IS NULL AND state = 'failing' AND problem ~ 'does not keep up: [0-9]+ MB of WAL' AND hint ~ 'max_slot_wal_keep_size'}, 'the log that is kept');
is($city->sql('hall', q{SELECT state, about FROM seoulchain.city_problems WHERE what LIKE '%does not keep up%'}), 'apart|city/inspector', 'the log that is kept for a peer is a problem of the city');
kill 'CONT', $apply;
$city->sql('hall', q{ALTER SYSTEM RESET max_wal_size});
$city->sql('hall', q{SELECT pg_reload_conf()});
$city->wait_cosigned('hall');

# a peer that may not read everything any more: it is told, and nothing begins that would lack rows
$city->sql('hall', q{ALTER TABLE hall.car ENABLE ROW LEVEL SECURITY});
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.network_status WHERE direction = 'to' AND chain = 'main' AND state = 'failing' AND problem LIKE '%BYPASSRLS%' AND hint LIKE 'ALTER ROLE peer_inspector BYPASSRLS%'}, 'row security is told');
$city->sql('hall', q{CREATE TABLE hall.guarded (plate text) USING ledger});
$city->sql('hall', q{INSERT INTO hall.guarded VALUES ('1')});
$city->wait_for('inspector', q{SELECT count(*) = 1 FROM seoulchain.network_status WHERE chain = 'city/hall/main' AND problem LIKE '%hall.guarded'}, 'a table that is not sent');
is($city->sql('hall', q{SELECT count(*) FROM pg_publication_tables WHERE tablename = 'guarded'}), '0', 'nothing new is published for it');
$city->sql('hall', 'ALTER ROLE peer_inspector BYPASSRLS');
# wakes the worker; a minute later it would look by itself
$city->sql('hall', "SELECT seoulchain.add_peer('city/inspector', '$where', '$key', 'peer_inspector')");
$city->wait_cosigned('hall');
$city->same_everywhere('hall', 'hall.guarded', 'with the right to read everything it goes on');
$city->sql('hall', 'REVOKE pg_read_all_data FROM peer_inspector');
$city->wait_for('hall', q{SELECT count(*) = 2 FROM seoulchain.network_status WHERE direction = 'to' AND state = 'failing' AND problem LIKE '%no member of pg_read_all_data'}, 'a grant that was revoked is told');
$city->sql('hall', 'GRANT pg_read_all_data TO peer_inspector');
foreach my $name ($city->names)
{
	$city->wait_for($name, q{SELECT string_agg(DISTINCT state, ',') FROM seoulchain.network_status WHERE state <> 'alarm'}, 'a good state', 'ok') and ok(1, "$name: all is well again");
}

# a hostile peer: enormous messages, texts that are none; the replication goes on, and the status can be read
$city->sql('inspector', q{CREATE CAST (bytea AS text) WITHOUT FUNCTION;
	INSERT INTO seoulchain.message VALUES ('city/inspector', 'city/hall', 'block', 'city/inspector/main', 7, repeat('x', 20000000)),
	('city/inspector', 'city/hall', repeat('y', 100000), 'city/inspector/main', 7, 'x'),
	('city/inspector', 'city/hall', '\xff27e2'::bytea::text, 'city/inspector/main', 7, 'x'),
	('city/inspector', 'city/hall', 'confirmation', 'city/hall/main', 7, '\xff27'::bytea::text),
	('city/inspector', 'city/hall', 'confirmation', 'city/hall/main', -7, $$x'"; DROP TABLE hall.car$$),
	('city/inspector', 'city/hall', 'published', 'city/inspector/main', 7, $$'"\$$)});
$city->wait_for('hall', q{SELECT count(*) = 1 FROM seoulchain.network_status WHERE state = 'alarm' AND problem LIKE '7 of its messages were dropped; the last: message: its kind is "?''?"'}, 'they are dropped and told');
$city->sql('inspector', 'DELETE FROM seoulchain.message');
$city->sql('inspector', q{INSERT INTO inspector.inspection VALUES ('1a')});
$city->wait_cosigned('inspector', by => ['hall']);
$city->same_everywhere('inspector', 'inspector.inspection', 'what it says honestly arrives', 'hall');
refused('hall', qq{SELECT seoulchain.add_peer(\$\$city/o'"x\$\$, 'dbname=x', '$key')}, qr/is no name for a node/, 'a name with quotes');

# the worker is killed: it comes again
foreach my $signal (qw(TERM KILL))
{
	my $query = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'seoulchain network'};
	my $pid = $city->sql('hall', $query);
	kill $signal, $pid;
	$city->wait_for('hall', "SELECT count(*) = 1 FROM ($query AND pid <> $pid) p", 'another worker') if $signal eq 'TERM';
	$city->node('hall')->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($query AND pid <> $pid) p") if $signal eq 'KILL';
	ok(1, "after SIG$signal there is another worker");
}
$city->sql('hall', q{CREATE TABLE hall.later (plate text) USING ledger});
$city->sql('hall', q{INSERT INTO hall.later VALUES ('1')});
$city->wait_cosigned('hall');
$city->same_everywhere('hall', 'hall.later', 'and it works');

# a peer that accepts connections and is silent holds nothing up, however long it is waited for
my $silent = IO::Socket::UNIX->new(Type => SOCK_STREAM(), Local => PostgreSQL::Test::Utils::tempdir_short() . '/.s.PGSQL.1', Listen => 8) or die $!;
my $deaf = $silent->hostpath =~ s{/[^/]*$}{}r;
$city->sql('hall', q{CREATE DATABASE silent});
my $silent_key = $city->node('hall')->safe_psql('silent', q{CREATE EXTENSION seoulchain; SELECT seoulchain.create_node('city/silent')});
$city->sql('hall', q{ALTER SYSTEM SET seoulchain.network_timeout = '10min'});
$city->sql('hall', q{SELECT pg_reload_conf()});
$city->sql('hall', "SELECT seoulchain.add_peer('city/silent', 'host=$deaf port=1 dbname=postgres', '$silent_key', 'peer_inspector')");
$silent->accept or die $!;
$city->sql('hall', q{CREATE TABLE hall.meanwhile (plate text) USING ledger});
$city->sql('hall', q{INSERT INTO hall.meanwhile VALUES ('1')});
$city->wait_cosigned('hall');
$city->same_everywhere('hall', 'hall.meanwhile', 'a table comes about while a silent peer is waited for');
$city->sql('hall', q{SELECT seoulchain.remove_peer('city/silent')});
close $silent;
$city->sql('hall', q{ALTER SYSTEM RESET seoulchain.network_timeout});
$city->sql('hall', q{SELECT pg_reload_conf()});
$city->wait_for('hall', q{SELECT count(*) = 0 FROM pg_publication WHERE pubname = seoulchain.link_name('city/hall', 'city/silent')}, 'the end of the silent peer');
$city->sql('hall', 'DROP DATABASE silent');

# commands that want the database for themselves: the workers leave
$city->sql('hall', 'CREATE DATABASE elsewhere');
$city->node('hall')->safe_psql('elsewhere', 'CREATE EXTENSION seoulchain');
$city->node('hall')->safe_psql('elsewhere', qq{SELECT seoulchain.create_node('city/elsewhere');
	SELECT seoulchain.add_peer('city/inspector', 'host=/nowhere dbname=postgres', '$key', 'peer_inspector')});
$city->wait_for('hall', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'seoulchain network' AND datname = 'elsewhere'}, 'its worker');
$city->node('hall')->poll_query_until('elsewhere', q{SELECT count(*) = 1 FROM seoulchain.network_status WHERE direction = 'from' AND state = 'failing' AND problem LIKE 'node "city/inspector" cannot be reached:%'})
  or fail('a peer that cannot be reached is told');
refused('hall', 'CREATE DATABASE again TEMPLATE elsewhere', qr/^$/, 'CREATE DATABASE ... TEMPLATE');
is($city->node('hall')->safe_psql('again', q{SELECT string_agg(DISTINCT state, ',') FROM seoulchain.network_status WHERE peer IS NOT NULL}), 'closed', 'the copy leaves the network alone');
($status, $out, $err) = $city->node('hall')->psql('elsewhere', 'DROP EXTENSION seoulchain');
like($err, qr/while this node has peers.*remove_peer/s, 'the extension stays as long as there are peers');
$city->node('hall')->safe_psql('elsewhere', q{SELECT seoulchain.remove_peer('city/inspector')});
$city->node('hall')->poll_query_until('elsewhere', q{SELECT count(*) = 0 FROM pg_publication});
refused('hall', 'DROP DATABASE again', qr/^$/, 'DROP DATABASE');
$city->wait_for('hall', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'seoulchain network' AND datname = 'elsewhere'}, 'its end');
$city->node('hall')->safe_psql('elsewhere', 'DROP EXTENSION seoulchain');
ok(1, 'without peers it goes');

# a chain that was given up is followed again from its beginning
# a row that comes when its table is gone would stop replication: the copy stays until its node has said that none comes
my $other = $city->sql('inspector', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'seoulchain network'});
kill 'STOP', $other;
$city->sql('hall', q{SELECT seoulchain.unfollow('city/inspector/main')});
refused('hall', q{SELECT seoulchain.follow('city/inspector/main')}, qr/was given up.*drop_copy/s, 'a copy that missed rows does not go on');
my $dropper = $city->node('hall')->background_psql('postgres');
$dropper->query_until(qr/asked/, "\\echo asked\nSELECT seoulchain.drop_copy('city/inspector/main');\n");
$city->wait_for('hall', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT seoulchain.drop_copy%'}, 'drop_copy() begins');
$city->sql('inspector', q{INSERT INTO inspector.inspection VALUES ('2')});
kill 'CONT', $other;
$dropper->query_safe('SELECT 1');
$dropper->quit;
is($city->sql('hall', q{SELECT count(*) FROM seoulchain.chain WHERE origin = 'city/inspector/main'}), '0', 'dropped when nothing more can come');
$city->sql('hall', q{SELECT seoulchain.follow('city/inspector/main')});
$city->sql('inspector', q{INSERT INTO inspector.inspection VALUES ('3')});
$city->wait_cosigned('inspector', by => ['hall']);
$city->same_everywhere('inspector', 'inspector.inspection', 'followed again, it has every row once', 'hall');

# dumped and restored elsewhere: it leaves the network alone until somebody says that it is the node now
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
system_or_bail('pg_dump', '-Fc', '--no-subscriptions', '--no-publications', '-d', $city->node('inspector')->connstr('postgres'), '-f', $dump);
my $copied = $city->rows_digest('inspector', 'hall.car');
my $restored = ledger_node('restored', Seoulchain::City::settings(1), 'seoulchain.sign_key_directory' => $city->keys_of('inspector'));
$restored->safe_psql('postgres', 'CREATE ROLE peer_hall LOGIN REPLICATION; GRANT pg_read_all_data TO peer_hall; CREATE DATABASE city');
{
	local $ENV{PGOPTIONS} = '-c seoulchain.restore=on';
	system_or_bail('pg_restore', '-d', $restored->connstr('city'), $dump);
}
is($restored->safe_psql('city', q{SELECT string_agg(DISTINCT state, ',') FROM seoulchain.network_status WHERE chain IS NULL}), 'closed', 'a restored dump is closed');
is($restored->safe_psql('city', 'SELECT state FROM seoulchain.city'), 'apart', 'which the city shows');
is($restored->safe_psql('city', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'seoulchain network'}), '0', 'nobody connects anywhere from it');
$city->node('inspector')->stop;
my ($old) = glob($city->keys_of('inspector') . '/*');
my $its = dirname($old) . '/' . $restored->safe_psql('city', 'SELECT oid FROM pg_database WHERE datname = current_database()');
system_or_bail('cp', '-a', $old, $its);
$restored->safe_psql('city', "SELECT seoulchain.open_chain('$_')") foreach qw(main city/hall/main city/hall/second);
$restored->safe_psql('city', 'SELECT seoulchain.open_network()');
ok($restored->poll_query_until('city', q{SELECT count(*) = 1 FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database()}), 'opened, it takes up its peers');
ok($restored->poll_query_until('city', q{SELECT signing = 'on' FROM seoulchain.seal_status WHERE chain = 'main'}), 'and signs on when they have been asked');
is($restored->safe_psql('city', q{SELECT count(*), md5(string_agg(to_jsonb(t)::text, E'\n' ORDER BY ledger_seq)) FROM hall.car t}), $copied, 'its copies have no row twice');

# each setting that is too low is named, with the value that it has to have
$restored->append_conf('postgresql.conf', join("\n", 'wal_level = replica', 'max_wal_senders = 3', 'max_replication_slots = 3', 'max_logical_replication_workers = 2',
	'max_worker_processes = 6', 'max_sync_workers_per_subscription = 0'));
$restored->restart;
is($restored->safe_psql('city', q{SELECT string_agg(problem || ': ' || hint, E'\n' ORDER BY problem) FROM seoulchain.network_status WHERE direction = 'server' AND problem LIKE '%has to be%'}),
	join("\n", map { my ($name, $is, $least, $value) = @$_; "$name is $is, but has to be $least$value: ALTER SYSTEM SET $name = '$value'; and restart the server" }
		['max_logical_replication_workers', 2, 'at least ', 3], ['max_replication_slots', 3, 'at least ', 4], ['max_sync_workers_per_subscription', 0, 'at least ', 1],
		['max_wal_senders', 3, 'at least ', 4], ['max_worker_processes', 6, 'at least ', 7], ['wal_level', 'replica', '', 'logical']), 'settings that are too low');
$restored->append_conf('postgresql.conf', join("\n", '', map { "$_ = " . { Seoulchain::City::settings(1) }->{$_} } qw(wal_level max_wal_senders max_replication_slots max_logical_replication_workers max_worker_processes)) . "\nmax_sync_workers_per_subscription = 2\n");
$restored->restart;

# the others find it by another way, and notice that it is another server; what it follows begins anew
$city->sql('hall', sprintf q{SELECT seoulchain.add_peer('city/inspector', 'host=%s port=%s dbname=city user=peer_hall', '%s', 'peer_inspector')}, $restored->host, $restored->port, $key);
foreach my $origin (qw(city/hall/main city/hall/second))
{
	$restored->safe_psql('city', "SELECT seoulchain.unfollow('$origin')");
	$restored->safe_psql('city', "SELECT seoulchain.drop_copy('$origin')");
	$restored->safe_psql('city', "SELECT seoulchain.follow('$origin')");
}
$restored->safe_psql('city', q{INSERT INTO inspector.inspection VALUES ('after')});
$city->sql('hall', q{INSERT INTO hall.car VALUES ('after', 1)});
ok($restored->poll_query_until('city', q{SELECT count(*) = 1 FROM seoulchain.network_status WHERE chain = 'city/hall/main' AND state = 'ok'}), 'it begins anew what it follows');
ok($restored->poll_query_until('city', q{SELECT count(*) = 1 FROM hall.car WHERE plate = 'after'}), 'it gets what is new');
ok($city->wait_for('hall', q{SELECT count(*) = 1 FROM inspector.inspection WHERE plate = 'after'}, 'what is new'), 'and sends what is new');
is($restored->safe_psql('city', q{SELECT count(*), md5(string_agg(to_jsonb(t)::text, E'\n' ORDER BY ledger_seq)) FROM hall.car t}), $city->rows_digest('hall', 'hall.car'), 'every row once');
is($city->sql('hall', q{SELECT origin, fault, detail FROM seoulchain.dispute}), '', 'nobody disputes anything');

# an end: each side removes what is its own, and the other notices
$city->sql('hall', q{SELECT seoulchain.remove_peer('city/inspector')});
$city->wait_for('hall', q{SELECT (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_subscription) + (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_replication_origin) = 0}, 'nothing left');
ok(1, 'what connected the two is gone here');
ok($restored->poll_query_until('city', q{SELECT count(*) = 0 FROM pg_replication_slots WHERE slot_name = seoulchain.link_name('city/inspector', 'city/hall')}), 'and the slot there');
is($city->sql('hall', 'SELECT count(*) FROM inspector.inspection'), '5', 'the copy stays');
$city->node('hall')->stop;
$restored->safe_psql('city', q{SELECT seoulchain.remove_peer('city/hall')});
ok($restored->poll_query_until('city', q{SELECT (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_subscription) + (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_replication_origin) = 0}),
	'a node that is away keeps nothing from being removed');
ok($restored->poll_query_until('city', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'seoulchain network'}), 'without peers there is no worker');
done_testing();
