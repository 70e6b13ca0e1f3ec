# Rules of libraries: the worked example, and one that does everything wrong.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use File::Basename;
use IPC::Run;
use Test::More;
use Seoulchain::Rules;
use Seoulchain::Test;

my $node = ledger_node('libraries', 'seoulchain.rule_libraries' => 'bad_rules');
$node->safe_psql('postgres', 'CREATE TABLE bad (how text) USING ledger; CREATE TABLE note (t text)');
is($node->safe_psql('postgres', q{SELECT library, digest, parameters FROM seoulchain.rules WHERE library IS NOT NULL}),
	'bad_rules|' . '0' x 64 . '|how: column, required', 'a library\'s rule is shown');
put_rule($node, 'bad', 'bad', 'bad', '{"how": "how"}');
accepts($node, q{INSERT INTO bad VALUES ('well')}, 'it accepts');

# whatever it does wrong ends the statement, and leaves nothing
foreach my $case (
	[ 'throw in lock', qr/ERROR:  thrown in lock\nCONTEXT:  rule "bad" of contract "bad", version 1/ ],
	[ 'throw', qr/ERROR:  thrown in check\nCONTEXT:  rule "bad" of contract "bad", version 1/ ],
	[ 'throw in effect', qr/ERROR:  thrown in effect\nCONTEXT:  rule "bad" of contract "bad", version 1/ ],
	[ 'refuse silently', qr/does what a rule may not do/ ],
	[ 'write early', qr/does what a rule may not do/ ],
	[ 'add', qr/does what a rule may not do/ ],
	[ 'get', qr/uses a key that it has not locked/ ],
	[ 'insert', qr/a rule cannot insert rows/ ])
{
	my ($how, $pattern) = @$case;
	refuses($node, "INSERT INTO bad VALUES ('$how')", $pattern, $how);
	accepts($node, <<SQL, "$how: caught, the transaction goes on");
DO \$\$
BEGIN
	BEGIN
		INSERT INTO bad VALUES ('before'), ('$how');
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO note VALUES ('$how');
	END;
END
\$\$;
SQL
}
is($node->safe_psql('postgres', 'SELECT count(*), min(how) FROM bad'), '1|well', 'no row of those came in');
is($node->safe_psql('postgres', 'SELECT key, value FROM seoulchain.rule_state'), '["well"]|1', 'and no state');
is($node->safe_psql('postgres', 'SELECT count(*) FROM note'), '8', 'each was caught once');

# a rule that runs too long
refuses($node, q{SET statement_timeout = '300ms'; INSERT INTO bad VALUES ('loop')}, qr/statement timeout/, 'statement_timeout ends it');
my $loop = $node->background_psql('postgres', on_error_stop => 0);
$loop->query_until(qr/started/, "\\echo started\nINSERT INTO bad VALUES ('loop');\n");
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'INSERT INTO bad%' AND state = 'active'});
is($node->safe_psql('postgres', q{SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO bad%' AND state = 'active'}),
	'1', 'pg_cancel_backend');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE query LIKE 'INSERT INTO bad%' AND state = 'active'}), 'ends it too');
$loop->quit;
seal($node);
is_intact($node, 'rows and state agree');

# the library is gone at the next start: its tables take no rows, the others do, and verify() says what is wrong
$node->adjust_conf('postgresql.conf', 'seoulchain.rule_libraries', q{'gone_rules'});
$node->restart;
refuses($node, q{INSERT INTO bad VALUES ('well again')}, qr/rule "bad" is not available: a rule library cannot be loaded.*Library "gone_rules"/s, 'a missing library');
accepts($node, q{CREATE TABLE plain (id int) USING ledger; INSERT INTO plain VALUES (1)}, 'other tables');
like($node->safe_psql('postgres', q{SELECT relation, fault, convert_from(found, 'UTF8') FROM seoulchain.verify()}),
	qr/^bad\|rule state differs\|rule "bad" is not available/, 'verify() says so and goes on');
$node->adjust_conf('postgresql.conf', 'seoulchain.rule_libraries', q{''});
$node->reload;
refuses($node, q{SELECT pg_sleep(0.3); INSERT INTO bad VALUES ('well again')}, qr/rule "bad" does not exist on this node/, 'a library that nobody names');
$node->adjust_conf('postgresql.conf', 'seoulchain.rule_libraries', q{'bad_rules'});
$node->reload;
accepts($node, q{SELECT pg_sleep(0.3); INSERT INTO bad VALUES ('well again')}, 'back again');
refuses($node, q{SET seoulchain.rule_libraries = 'x'}, qr/cannot be changed now/, 'which is the configuration\'s to say');

# the worked example, as its own `make installcheck` runs it
$node->adjust_conf('postgresql.conf', 'seoulchain.rule_libraries', q{'rule_hours'});
$node->restart;
$node->safe_psql('postgres', 'CREATE DATABASE example');
my $example = dirname(__FILE__) . '/../../examples/rule_hours';
my $output = '';
IPC::Run::run([ $node->installed_command('psql'), '-X', '-a', '-q', '-d', $node->connstr('example') ],
	'<', "$example/sql/rule_hours.sql", '>&', \$output);
is($output, slurp_file("$example/expected/rule_hours.out"), 'examples/rule_hours');
$node->stop;
done_testing();
