# contract.pl - inserts under rules, 8 clients, durable: against the same inserts without a contract,
# against the trigger by which a DBA without us would keep balances, and rebuilding against GROUP BY.
use strict;
use warnings;
use Bench;

# a contract of one rule on a table, in force from now on
sub put_rule
{
	my ($table, $rule, $parameters) = @_;
	sql(<<"SQL", "SELECT seoulchain.activate_contract('$table')");
SELECT seoulchain.propose_contract('{"contract": "$table", "ordinance": {"name": "Ordinance", "number": 1, "from": "2026-01-01"},
	"tables": [{"table": "public.$table", "rules": [{"name": "$rule", "parameters": $parameters}]}]}')
SQL
	return;
}

# locks both accounts in one order, so that it never deadlocks, and nobody goes below zero
sub create_trigger
{
	sql('CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 70)',
		'INSERT INTO account SELECT g, 1000000 FROM generate_series(1, 100000) g',
		'CREATE TABLE triggered (payer int, payee int, amount int) USING ledger',
		<<'SQL',
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM 1 FROM account WHERE id IN (NEW.payer, NEW.payee) ORDER BY id FOR NO KEY UPDATE;
	UPDATE account SET balance = balance - NEW.amount WHERE id = NEW.payer AND balance >= NEW.amount;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'account % cannot pay %', NEW.payer, NEW.amount;
	END IF;
	UPDATE account SET balance = balance + NEW.amount WHERE id = NEW.payee;
	RETURN NEW;
END
$$
SQL
		'CREATE TRIGGER move BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION move()', 'VACUUM ANALYZE account');
	return;
}

sub compare_rules
{
	database('bench_rules');
	sql('CREATE SEQUENCE step', map { "CREATE TABLE $_ (car int, km bigint, state text, PRIMARY KEY (km)) USING ledger" }
		  qw(none monotonic transition one_per));
	put_rule('monotonic', 'monotonic', '{"key": ["car"], "value": "km"}');
	put_rule('transition', 'transition', '{"key": ["car"], "state": "state", "steps": [{"to": "held"}, {"from": "held", "to": "held"}]}');
	put_rule('one_per', 'one_per', '{"key": ["car", "km"]}');
	my $results = alternate(rounds(), map { my $table = $_;
		($table => sub { (pgbench("\\set car random(1, 1000)\nINSERT INTO $table VALUES (:car + 1000 * :client_id, nextval('step'), 'held');\n"))[0] }) }
		  qw(none monotonic transition one_per));
	line_begin('Inserts under a rule into a keyed table, 8 clients, durable', 'rule', 'commits a second, median (least to most)', 'against none');
	row('none', spread($results->{none}), '');
	row("`$_`", spread($results->{$_}), ratio(paired($results->{$_}, $results->{none}), 0.75)) foreach qw(monotonic transition one_per);
	return;
}

sub compare_balance
{
	database('bench_balance');
	sql('CREATE TABLE ruled (payer int, payee int, amount int) USING ledger',
		'INSERT INTO ruled SELECT NULL, g, 1000000 FROM generate_series(1, 100000) g');
	put_rule('ruled', 'balance', '{"from": "payer", "to": "payee", "amount": "amount"}');
	sql('CREATE TABLE unruled (payer int, payee int, amount int) USING ledger');
	create_trigger();
	foreach my $payee ('random(1, 100000)', '1')
	{
		compare_payments($payee, $_) foreach qw(on off);
	}
	return;
}

# what inserts reach without any balances is the most that a rule can: its ratio bounds the rule's
sub compare_payments
{
	my ($payee, $commit) = @_;
	my $results = alternate(rounds(), map { my $table = $_;
		($table => sub { (pgbench("\\set payer random(2, 100000)\n\\set payee $payee\nINSERT INTO $table VALUES (:payer, :payee, 1);\n",
			options => "-c synchronous_commit=$commit"))[0] }) }
		  qw(triggered ruled unruled));
	line_begin(($payee eq '1' ? 'Everybody pays one account' : 'Transfers between 100,000 accounts') . ', 8 clients, ' .
		($commit eq 'on' ? 'durable' : 'synchronous_commit off'),
		'by', 'commits a second, median (least to most)', 'against the trigger');
	row('PL/pgSQL trigger, account table', spread($results->{triggered}), '');
	row('`balance`', spread($results->{ruled}), ratio(paired($results->{ruled}, $results->{triggered}), 2.5));
	row('neither', spread($results->{unruled}), ratio(paired($results->{unruled}, $results->{triggered})));
	return;
}

sub compare_rebuild
{
	my $n = rows();
	database('bench_rebuild');
	sql('CREATE TABLE moved (payer int, payee int, amount int) USING ledger',
		"INSERT INTO moved SELECT nullif(1 + g % 100001, 100001), 1 + g * 7 % 100000, 1 FROM generate_series(1, $n) g");
	sql(<<'SQL', "SELECT seoulchain.activate_contract('moved', breaches => (SELECT count(*) FROM seoulchain.contract_breaches('moved', 1)))");
SELECT seoulchain.propose_contract('{"contract": "moved", "ordinance": {"name": "Ordinance", "number": 1, "from": "2026-01-01"},
	"tables": [{"table": "public.moved", "rules": [{"name": "balance", "parameters": {"from": "payer", "to": "payee", "amount": "amount"}}]}]}')
SQL
	my $results = alternate(rounds(),
		group => sub { timed('SELECT count(*) FROM (SELECT account, sum(n) FROM (SELECT payer AS account, -amount AS n FROM moved
			UNION ALL SELECT payee, amount FROM moved) m WHERE account IS NOT NULL GROUP BY account) b') },
		rebuild => sub { sql('TRUNCATE seoulchain.rule_state, seoulchain.rule_delta'); timed(q{SELECT seoulchain.rebuild_state('moved')}) });
	line_begin('Rebuilding balances of ' . number($n) . ' rows', 'how', 'seconds, median (least to most)', 'against GROUP BY');
	row('GROUP BY', spread($results->{group}), '');
	row('rebuild_state()', spread($results->{rebuild}), ratio(paired($results->{rebuild}, $results->{group}), 2, 1));
	return;
}

compare_rules();
compare_balance();
compare_rebuild();
1;
