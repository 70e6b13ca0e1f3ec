# Rules on the insert path: every path asks them, what they keep follows the transaction.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Rules;
use Seoulchain::Test;

my $node = ledger_node('rules');

# one_per: the plain ways in
$node->safe_psql('postgres', 'CREATE TABLE ballot (voter text, election text, choice text) USING ledger');
put_rule($node, 'ballot', 'vote', 'one_per', '{"key":["voter","election"]}');
accepts($node, q{INSERT INTO ballot VALUES ('kim', '2026', 'a'), ('lee', '2026', 'b')}, 'two votes of two voters');
refuses($node, q{INSERT INTO ballot VALUES ('kim', '2026', 'b')}, qr/contract "vote" refuses the row: there is a row for \["kim","2026"\] already/,
	'a second vote');
refuses($node, q{INSERT INTO ballot VALUES ('kim', '2026', 'b')}, qr/Rule "one_per" on ledger table "ballot", contract version 1, reason taken/,
	'the error names the rule');
refuses($node, q{INSERT INTO ballot VALUES ('park', '2026', 'b'), ('park', '2026', 'c')}, qr/refuses the row/, 'two votes in one statement');
refuses($node, q{INSERT INTO ballot SELECT 'n' || g % 500, '2026', 'a' FROM generate_series(1, 501) g}, qr/refuses the row/, 'INSERT ... SELECT');
refuses($node, "COPY ballot (voter, election, choice) FROM stdin;\npark\t2026\ta\nkim\t2026\ta\n\\.\n", qr/refuses the row/, 'COPY');
accepts($node, "COPY ballot (voter, election, choice) FROM stdin;\npark\t2026\ta\nchoi\t2026\ta\n\\.\n", 'COPY of new voters');
refuses($node, q{MERGE INTO ballot b USING (VALUES ('kim')) v(voter) ON false WHEN NOT MATCHED THEN INSERT (voter, election) VALUES (v.voter, '2026')},
	qr/refuses the row/, 'MERGE');
refuses($node, q{WITH new AS (INSERT INTO ballot VALUES ('kim', '2026', 'x') RETURNING *) SELECT * FROM new}, qr/refuses the row/, 'a data-modifying CTE');
refuses($node, q{SET session_replication_role = replica; INSERT INTO ballot VALUES ('kim', '2026', 'x')}, qr/refuses the row/,
	'with triggers switched off by the superuser');
refuses($node, q{INSERT INTO ballot VALUES (NULL, '2026', 'x')}, qr/column "voter" is null/, 'a vote of nobody');
is($node->safe_psql('postgres', 'SELECT count(*) FROM ballot'), '4', 'what was refused left nothing');

# every row of a big COPY has its key: no lock table overflows
accepts($node, q{COPY (SELECT 'm' || g, '2027', 'a' FROM generate_series(1, 30000) g) TO '} . $node->basedir . q{/votes'; COPY ballot (voter, election, choice) FROM '}
	  . $node->basedir . q{/votes'}, 'COPY of 30,000 votes in one transaction');
is($node->safe_psql('postgres', 'SELECT count(*) FROM seoulchain.rule_state WHERE value IS NOT NULL'), '30004', 'a key for each');

# savepoints: the state goes back with the row
accepts($node, <<'SQL', 'a vote that a savepoint took back does not count');
BEGIN;
SAVEPOINT a;
INSERT INTO ballot VALUES ('jung', '2026', 'a');
ROLLBACK TO a;
INSERT INTO ballot VALUES ('jung', '2026', 'b');
SAVEPOINT b;
INSERT INTO ballot VALUES ('kang', '2026', 'b');
RELEASE b;
COMMIT;
SQL
is($node->safe_psql('postgres', q{SELECT string_agg(voter || choice, ' ' ORDER BY voter) FROM ballot WHERE voter IN ('jung', 'kang')}), 'jungb kangb',
	'what the savepoints kept');
refuses($node, <<'SQL', qr/refuses the row/, 'a vote that a released savepoint kept counts');
BEGIN;
SAVEPOINT a;
INSERT INTO ballot VALUES ('yoon', '2026', 'a');
RELEASE a;
INSERT INTO ballot VALUES ('yoon', '2026', 'b');
SQL

# an exception block in PL/pgSQL is a savepoint too
accepts($node, <<'SQL', 'a refusal can be caught');
DO $$
BEGIN
	BEGIN
		INSERT INTO ballot VALUES ('kim', '2026', 'again');
	EXCEPTION WHEN check_violation THEN
		INSERT INTO ballot VALUES ('shin', '2026', 'a');
	END;
END
$$;
SQL

# prepared transactions hold their keys
$node->safe_psql('postgres', q{BEGIN; INSERT INTO ballot VALUES ('han', '2026', 'a'); PREPARE TRANSACTION 'vote'});
refuses($node, q{SET lock_timeout = '200ms'; INSERT INTO ballot VALUES ('han', '2026', 'b')}, qr/lock timeout/, 'a key that a prepared transaction holds');
$node->restart;
refuses($node, q{SET lock_timeout = '200ms'; INSERT INTO ballot VALUES ('han', '2026', 'b')}, qr/lock timeout/, 'also after a restart');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'vote'});
accepts($node, q{INSERT INTO ballot VALUES ('han', '2026', 'b')}, 'which is free once that is rolled back');
$node->safe_psql('postgres', q{BEGIN; INSERT INTO ballot VALUES ('oh', '2026', 'a'); PREPARE TRANSACTION 'vote'});
$node->safe_psql('postgres', q{COMMIT PREPARED 'vote'});
refuses($node, q{INSERT INTO ballot VALUES ('oh', '2026', 'b')}, qr/refuses the row/, 'and taken once one is committed');

# ON CONFLICT: a conflict is none of the rule's business, a row that goes in is
$node->safe_psql('postgres', 'CREATE TABLE trip (id int PRIMARY KEY, car text, km numeric) USING ledger');
put_rule($node, 'trip', 'odometer', 'monotonic', '{"key":["car"],"value":"km"}');
accepts($node, q{INSERT INTO trip VALUES (1, 'a', 100)}, 'a first reading');
accepts($node, q{INSERT INTO trip VALUES (1, 'a', 50) ON CONFLICT DO NOTHING}, 'a row that is not inserted is not judged');
refuses($node, q{INSERT INTO trip VALUES (2, 'a', 50) ON CONFLICT DO NOTHING}, qr/"km" would go from 100 to 50/, 'one that is is judged');
accepts($node, q{INSERT INTO trip VALUES (2, 'a', 100), (3, 'a', 100.5), (3, 'a', 7) ON CONFLICT DO NOTHING}, 'a reading that is no smaller');
refuses($node, q{INSERT INTO trip VALUES (4, 'a', 100.4)}, qr/A value of at least 100.5 is accepted/, 'the hint says what would be accepted');

# partitions: each has its own rules, routed rows meet them
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE wage (day date, worker text, hours numeric, ledger_seq bigint, ledger_time timestamptz) PARTITION BY RANGE (day);
CREATE TABLE wage_2026 PARTITION OF wage FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') USING ledger;
SQL
put_rule($node, 'wage_2026', 'wage', 'one_per', '{"key":["worker","day"]}');
accepts($node, q{INSERT INTO wage (day, worker, hours) VALUES ('2026-03-01', 'kim', 4)}, 'a routed row');
refuses($node, q{INSERT INTO wage (day, worker, hours) VALUES ('2026-03-01', 'kim', 5)}, qr/\["kim","2026-03-01"\]/, 'a routed row that breaks the rule');

# transition, with roles
$node->safe_psql('postgres', 'CREATE TABLE car (id text, state text, who text) USING ledger');
put_rule($node, 'car', 'cars', 'transition', '{"actor":"who","key":["id"],"roles":[{"actor":"han","role":"dealer"}],"state":"state",'
	. '"steps":[{"by":"dealer","to":"held"},{"from":"held","to":"sold"},{"from":"sold","to":"held"}]}');
accepts($node, q{INSERT INTO car VALUES ('1', 'held', 'han'), ('1', 'sold', 'kim'), ('1', 'held', NULL)}, 'steps of one statement see each other');
refuses($node, q{INSERT INTO car VALUES ('2', 'held', 'kim')}, qr/"kim" may not take the step from nothing to "held"/, 'a role that the actor has not');
refuses($node, q{INSERT INTO car VALUES ('1', 'held', 'han')}, qr/no step leads from "held" to "held".*Accepted from there: "sold"/s, 'a step that there is not');

# balance
$node->safe_psql('postgres', 'CREATE TABLE coin (payer text, payee text, amount numeric) USING ledger');
my $coin = put_rule($node, 'coin', 'coins', 'balance', '{"amount":"amount","from":"payer","to":"payee"}');
accepts($node, q{INSERT INTO coin VALUES (NULL, 'kim', 10)}, 'coins are issued');
refuses($node, q{INSERT INTO coin VALUES ('kim', 'lee', 10.01)}, qr/account "kim" cannot pay 10.01.*The balance is 10; 0.01 is missing/s, 'more than there is');
accepts($node, q{INSERT INTO coin VALUES ('kim', 'lee', 4), ('lee', 'kim', 1), ('kim', 'city', 7), ('lee', NULL, 1)}, 'rows of one statement see each other');
refuses($node, q{INSERT INTO coin VALUES ('kim', 'city', 0.001)}, qr/The account has to be paid first/, 'an empty account');
refuses($node, q{INSERT INTO coin VALUES ('lee', 'kim', 2), ('kim', 'lee', 2.5)}, qr/balance is 2; 0.5 is missing/, 'a statement that fails late');
is($node->safe_psql('postgres', <<SQL), "city|7\nkim|0\nlee|2", 'balances, with what was paid and not merged yet');
SELECT key::json ->> 0, sum(n) FROM (SELECT key, value::numeric AS n FROM seoulchain.rule_state WHERE rule_id = $coin
	UNION ALL SELECT key, amount::numeric FROM seoulchain.rule_delta WHERE rule_id = $coin) s GROUP BY key HAVING sum(n) IS NOT NULL ORDER BY key
SQL

# quota
$node->safe_psql('postgres', 'CREATE TABLE pass (id text, granted int, until timestamptz) USING ledger');
put_rule($node, 'pass', 'passes', 'quota', '{"expires":"until","grant":"granted","key":["id"]}');
accepts($node, q{INSERT INTO pass VALUES ('a', 2, 'infinity'), ('a', NULL, NULL), ('a', NULL, NULL)}, 'a pass for two uses');
refuses($node, q{INSERT INTO pass VALUES ('a')}, qr/the right \["a"\] is used up/, 'a third use');
accepts($node, q{INSERT INTO pass VALUES ('b', 2, clock_timestamp() - interval '1 s')}, 'a pass that is over');
refuses($node, q{INSERT INTO pass VALUES ('b')}, qr/is not good any more/, 'its use');

# window: an interval to come, and one that has gone
$node->safe_psql('postgres', 'CREATE TABLE poll (choice text) USING ledger');
put_rule($node, 'poll', 'polls', 'window', '{"from":"2000-01-01T00:00Z","until":"2001-01-01T00:00Z"}');
refuses($node, q{INSERT INTO poll VALUES ('a')}, qr/the time for such rows is over.*from 2000-01-01 00:00:00\+00 on and before 2001/s, 'outside of the window');

# a rule that is activated for later takes effects, but does not judge; one that has ended does neither
$node->safe_psql('postgres', 'CREATE TABLE later (id text) USING ledger');
put_rule($node, 'later', 'later', 'one_per', '{"key":["id"]}', '2222-01-01');
put_rule($node, 'later', 'before', 'one_per', '{"key":["id"]}');
$node->safe_psql('postgres', q{SELECT seoulchain.retire_contract('before', 'over')});
accepts($node, q{INSERT INTO later VALUES ('x'), ('x')}, 'not in force yet, or any more');
is($node->safe_psql('postgres', q{SELECT count(*) FROM seoulchain.rule_state s JOIN seoulchain.contract_rules USING (rule_id) WHERE contract IN ('later', 'before')}), '1',
	'the one to come has its state');

# nobody writes the state by hand
$node->safe_psql('postgres', 'CREATE ROLE clerk LOGIN; GRANT INSERT ON ballot TO clerk');
refuses($node, q{SET ROLE clerk; UPDATE seoulchain.rule_state SET value = NULL}, qr/permission denied/, 'the state is not for users');
accepts($node, q{SET ROLE clerk; INSERT INTO ballot VALUES ('noh', '2026', 'a')}, 'who may insert needs no rights on it');
refuses($node, q{SET ROLE clerk; INSERT INTO ballot VALUES ('noh', '2026', 'b')}, qr/refuses the row/, 'and is judged');

# the state is what the rows say: verify() compares it, rebuild_state() makes it anew
my $state = q{SELECT rule_id, key, sum(value::numeric) FROM (SELECT * FROM seoulchain.rule_state UNION ALL SELECT * FROM seoulchain.rule_delta) s
	WHERE rule_id <> (SELECT rule_id FROM seoulchain.contract_rules WHERE contract = 'cars') AND key NOT LIKE 'expires%' AND value IS NOT NULL
	GROUP BY rule_id, key ORDER BY rule_id, key};
my $before = $node->safe_psql('postgres', $state);
is_intact($node, 'state and rows agree');
$node->safe_psql('postgres', <<SQL);
UPDATE seoulchain.rule_state SET value = 1000000 WHERE rule_id = $coin AND key = '["kim"]';
INSERT INTO seoulchain.rule_delta VALUES ($coin, '["lee"]', 5), ($coin, '["choi"]', 1);
DELETE FROM seoulchain.rule_state WHERE key = '["kim","2026"]';
INSERT INTO seoulchain.rule_state SELECT rule_id, '["nobody","2026"]', 7 FROM seoulchain.contract_rules WHERE contract = 'vote';
SQL
my $kim = $node->safe_psql('postgres', q{SELECT ledger_seq FROM ballot WHERE voter = 'kim'});
is($node->safe_psql('postgres', q{SELECT relation, fault, convert_from(expected, 'UTF8'), convert_from(found, 'UTF8') FROM seoulchain.verify() ORDER BY 1, 3, 4}),
	<<"TXT" =~ s/\n$//r, 'verify() names each key that differs');
ballot|rule state differs|vote one_per ["kim","2026"] $kim|
ballot|rule state differs||vote one_per ["nobody","2026"] 7
coin|rule state differs|coins balance ["kim"] 0|coins balance ["kim"] 1000000
coin|rule state differs|coins balance ["lee"] 2|coins balance ["lee"] 7
coin|rule state differs||coins balance ["choi"] 1
TXT
is($node->safe_psql('postgres', q{SELECT seoulchain.rebuild_state('coin'), seoulchain.rebuild_state('ballot')}), '5|30010', 'rebuilt from rows');
is($node->safe_psql('postgres', $state), $before, 'as it was');
is_intact($node, 'verify() has nothing to say');
refuses($node, q{INSERT INTO ballot VALUES ('kim', '2026', 'x')}, qr/refuses the row/, 'a vote that was forgotten for a while');
$node->safe_psql('postgres', 'TRUNCATE seoulchain.rule_state, seoulchain.rule_delta');
$node->safe_psql('postgres', "SELECT seoulchain.rebuild_state(r) FROM unnest(ARRAY['coin', 'ballot', 'trip', 'wage_2026', 'car', 'pass', 'poll', 'later']::regclass[]) r");
is($node->safe_psql('postgres', $state), $before, 'from nothing, for every table');
is_intact($node, 'and verify() agrees');
refuses($node, q{SET ROLE clerk; SELECT seoulchain.rebuild_state('coin')}, qr/permission denied/, 'which is not for everybody');

seal($node);
is_intact($node, 'every row that was accepted is sealed, and none that was not');

# eight clients, few coins: nobody goes below zero, nothing is lost, and the rows replayed say the same
$node->safe_psql('postgres', 'CREATE TABLE mile (payer int, payee int, amount int) USING ledger');
my $mile = put_rule($node, 'mile', 'miles', 'balance', '{"amount":"amount","from":"payer","to":"payee"}');
$node->safe_psql('postgres', 'INSERT INTO mile SELECT NULL, g, 3 FROM generate_series(1, 6) g');
my $script = $node->basedir . '/miles.sql';
append_to_file($script, <<'SQL');
DO $$
BEGIN
	INSERT INTO mile SELECT 1 + (random() * 5)::int, 1 + (random() * 5)::int, 1 + (random() * 2)::int;
EXCEPTION WHEN check_violation THEN
	NULL;
END
$$;
SQL
command_ok([ $node->installed_command('pgbench'), '-n', '-c', '8', '-t', '300', '-f', $script, $node->connstr('postgres') ], 'transfers side by side');
is($node->safe_psql('postgres', <<SQL), '18|t|t|6', 'the sum is what was issued, nobody is below zero');
SELECT sum(n), min(n) >= 0, (SELECT count(*) > 100 FROM mile), count(*) FROM (SELECT key, sum(value::numeric) AS n
	FROM (SELECT * FROM seoulchain.rule_state UNION ALL SELECT * FROM seoulchain.rule_delta) s WHERE rule_id = $mile GROUP BY key) b
SQL
is($node->safe_psql('postgres', q{SELECT * FROM seoulchain.verify('mile')}), '', 'state and rows agree');
is($node->safe_psql('postgres', q{SELECT seoulchain.seal() IS NULL; SELECT count(*) FROM seoulchain.replay('miles') WHERE answer = 'refused'}) =~ s/^[tf]\n//r,
	'0', 'a replay in leaf order refuses none of the rows');

# a dump takes the state along
$node->safe_psql('postgres', 'CREATE DATABASE copy');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ $node->installed_command('pg_dump'), '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('copy', 'SET seoulchain.restore = on; \\i ' . $dump);
is($node->safe_psql('copy', "SELECT seoulchain.open_chain('main'); SELECT * FROM seoulchain.verify()"), '', 'restored: state and rows agree');
like(($node->psql('copy', q{INSERT INTO ballot VALUES ('kim', '2026', 'x')}))[2], qr/refuses the row/, 'and the rules go on where they were');

# rules of other sources, versions, or unknown: no row goes in
$node->safe_psql('postgres', 'CREATE TABLE odd (id text) USING ledger');
my $odd = put_rule($node, 'odd', 'odd', 'one_per', '{"key":["id"]}');
$node->safe_psql('postgres', qq{UPDATE seoulchain.contract_rule SET digest = sha256('other') WHERE rule_id = $odd});
refuses($node, q{INSERT INTO odd VALUES ('x')}, qr/rule "one_per" of this node is not the one that was activated.*sources d9298a10d1b0735837dc/s, 'other sources');
$node->safe_psql('postgres', qq{UPDATE seoulchain.contract_rule SET rule = 'none' WHERE rule_id = $odd});
refuses($node, q{INSERT INTO odd VALUES ('x')}, qr/rule "none" does not exist on this node.*seoulchain\.rules/s, 'an unknown rule');
$node->append_conf('postgresql.conf', "seoulchain.rule_libraries = 'no_such_rules'");
$node->reload;
refuses($node, q{SELECT pg_sleep(0.5); INSERT INTO odd VALUES ('x')}, qr/a rule library cannot be loaded.*no_such_rules/s, 'a library that is missing');
accepts($node, q{INSERT INTO ballot VALUES ('min', '2026', 'x')}, 'tables with built-in rules go on');
like(($node->psql('postgres', 'SELECT rule FROM seoulchain.rules'))[2], qr/WARNING:.*no_such_rules/, 'and the list of rules says so');
$node->stop;
done_testing();
