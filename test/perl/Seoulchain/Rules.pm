# Seoulchain::Rules - contracts of one rule, put on a table in one call.
package Seoulchain::Rules;
use strict;
use warnings;
use Exporter 'import';
use Test::More;

our @EXPORT = qw(put_rule accepts refuses);

# put_rule(NODE, TABLE, CONTRACT, RULE, PARAMETERS[, ACTIVE_FROM]): its rule_id
sub put_rule
{
	my ($node, $table, $contract, $rule, $parameters, $from) = @_;
	$from = defined $from ? "'$from'" : 'NULL';
	$node->safe_psql('postgres', <<SQL);
SELECT seoulchain.propose_contract(jsonb_build_object('contract', '$contract', 'ordinance', jsonb '{"name": "Ordinance", "number": 1, "from": "2026-01-01"}',
	'tables', jsonb_build_array(jsonb_build_object('table', (SELECT ledger_name FROM seoulchain.ledger WHERE relation = '$table'::regclass),
		'rules', jsonb_build_array(jsonb_build_object('name', '$rule', 'parameters', jsonb '$parameters'))))));
SELECT seoulchain.activate_contract('$contract', active_from => $from);
SQL
	return $node->safe_psql('postgres', "SELECT rule_id FROM seoulchain.contract_rules WHERE contract = '$contract'");
}

# one test: the statement goes through
sub accepts
{
	my ($node, $sql, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out, $err) = $node->psql('postgres', $sql);
	return ok($status == 0, $what) || diag($err);
}

# one test: the statement is refused and the message says so
sub refuses
{
	my ($node, $sql, $pattern, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out, $err) = $node->psql('postgres', $sql);
	return like($err, $pattern, $what) && isnt($status, 0, "$what: an error");
}

1;
