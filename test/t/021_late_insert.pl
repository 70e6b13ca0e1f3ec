# An insert made by another extension's commit callback, before or after ours has run.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

# commit callbacks run in the reverse order of loading
foreach my $libraries ('late_insert, seoulchain', 'seoulchain, late_insert')
{
	(my $name = $libraries) =~ s/, /_/;
	my $node = ledger_node($name, shared_preload_libraries => $libraries);
	$node->safe_psql('postgres', <<'SQL');
CREATE TABLE late (id int GENERATED ALWAYS AS IDENTITY, v text) USING ledger;
CREATE TABLE early (id int) USING ledger;
SQL
	my $late = q{SET late_insert.statement = $$INSERT INTO late (v) VALUES ('from a callback')$$};
	$node->safe_psql('postgres', "$late; BEGIN; INSERT INTO early VALUES (1); COMMIT");
	$node->safe_psql('postgres', "$late; BEGIN; INSERT INTO early VALUES (2); SAVEPOINT a; INSERT INTO early VALUES (3); ROLLBACK TO a; COMMIT");
	# the callback's row is the transaction's only one
	$node->safe_psql('postgres', "$late; BEGIN; CREATE TEMP TABLE x (id int); COMMIT");
	$node->safe_psql('postgres', "$late; BEGIN; INSERT INTO early VALUES (4); PREPARE TRANSACTION 'late'");
	seal($node);
	$node->safe_psql('postgres', "COMMIT PREPARED 'late'");
	$node->safe_psql('postgres', "$late; BEGIN; INSERT INTO early VALUES (-5); ROLLBACK");
	seal($node);
	# SET and COMMIT PREPARED are transactions as well, in which the callback had its turn
	my $rows = $node->safe_psql('postgres', 'SELECT count(*) FROM late');
	cmp_ok($rows, '>=', 4, "$libraries: the callback inserted");
	is_sealed($node, 'late', $rows, "$libraries: its rows are sealed");
	is_sealed($node, 'early', 3, "$libraries: and the transaction's own");
	is_intact($node, "$libraries: intact");
	$node->stop;
}

done_testing();
