# insert.pm - the single-row commits that several lines run.
package insert;
use strict;
use warnings;
use Bench;

# a pgbench script: one row of six columns, one transaction
sub one_row
{
	my $table = shift;
	return <<"SCRIPT";
\\set id random(1, 1000000000)
\\set amount random(-5000, 5000)
INSERT INTO $table (id, device, amount, kind, memo, at) VALUES (:id, gen_random_uuid(), :amount, :client_id, 'mileage of device ' || :id, now());
SCRIPT
}

# the table by which a DBA without us would chain rows: every insert locks
# the chain's head, hashes it with the row, stores both and moves the head
sub create_trigger_table
{
	my $columns = columns();
	sql('CREATE EXTENSION pgcrypto',
		"CREATE TABLE chained ($columns, prev_hash bytea, row_hash bytea)",
		'CREATE TABLE chained_head (id int PRIMARY KEY, hash bytea NOT NULL) WITH (fillfactor = 20)',
		q{INSERT INTO chained_head VALUES (1, digest('', 'sha256'))},
		<<'SQL',
CREATE FUNCTION chain_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	SELECT hash INTO NEW.prev_hash FROM chained_head WHERE id = 1 FOR UPDATE;
	NEW.row_hash := digest(NEW.prev_hash || convert_to(
		ROW(NEW.id, NEW.device, NEW.amount, NEW.kind, NEW.memo, NEW.at)::text, 'UTF8'), 'sha256');
	UPDATE chained_head SET hash = NEW.row_hash WHERE id = 1;
	RETURN NEW;
END
$$
SQL
		'CREATE TRIGGER chain_row BEFORE INSERT ON chained FOR EACH ROW EXECUTE FUNCTION chain_row()');
	return;
}

# runs one variant: its rate; CPU and WAL a row, sealing included, go into %$costs
sub run
{
	my ($table, $costs, $options) = @_;
	my $before = cost();
	my ($tps, $count) = pgbench(one_row($table), options => $options);
	sql('SELECT seoulchain.seal()') if $table eq 'ledgered';
	my $used = cost_since($before);
	push @{ $costs->{$table}{cpu} }, $used->{cpu} * 1e6 / $count;
	push @{ $costs->{$table}{wal} }, $used->{wal} / $count;
	return $tps;
}

# the three tables side by side; options are for the clients' sessions, reaches
# the ratios to heap and to the trigger that are asked for
sub compare
{
	my ($title, $options, @reach) = @_;
	my (%costs, $heap, $ledger, $trigger);
	my $columns = columns();
	database('bench_commit');
	sql("CREATE TABLE plain ($columns)", "CREATE TABLE ledgered ($columns) USING ledger");
	create_trigger_table();
	my $results = alternate(rounds(),
		plain    => sub { run('plain',    \%costs, $options) },
		ledgered => sub { run('ledgered', \%costs, $options) },
		chained  => sub { run('chained',  \%costs, $options) });
	($heap, $ledger, $trigger) = map { $results->{$_} } qw(plain ledgered chained);
	line_begin($title, 'table', 'commits a second, median (least to most)', 'ledger against it', 'CPU µs a row', 'WAL bytes a row');
	row('heap', spread($heap), ratio(paired($ledger, $heap), $reach[0]), cells(\%costs, 'plain'));
	row('PL/pgSQL trigger, SHA-256 chain', spread($trigger), ratio(paired($ledger, $trigger), $reach[1]), cells(\%costs, 'chained'));
	row('ledger, sealing included', spread($ledger), '', cells(\%costs, 'ledgered'));
	return;
}

sub cells
{
	my ($costs, $table) = @_;
	return map { number(median($costs->{$table}{$_})) } qw(cpu wal);
}

1;
