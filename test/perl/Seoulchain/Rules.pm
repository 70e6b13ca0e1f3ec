# Seoulchain::Rules - contracts put on tables by writing their registry rows.
#
# The life cycle (propose, approve, activate) has tests of its own; these tests
# are about rules at work, with parameters and times that the life cycle would
# not let through as well.
package Seoulchain::Rules;
use strict;
use warnings;
use Exporter 'import';
use Test::More;

our @EXPORT = qw(rules_begin put_rule accepts refuses);

# rules_begin(NODE): makes the SQL function that put_rule calls
sub rules_begin
{
	my ($node) = @_;
	$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA test;
CREATE FUNCTION test.put_rule(relation regclass, contract_name text, rule_name text, params text, from_time timestamptz, until_time timestamptz)
	RETURNS int LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	known seoulchain.ledger;
	new_contract int;
	new_rule int;
BEGIN
	SELECT * INTO known FROM seoulchain.ledger l WHERE l.relation = $1;
	IF known.time_seq IS NULL THEN
		PERFORM seoulchain.add_ledger_time($1);
	END IF;
	INSERT INTO seoulchain.contract SELECT coalesce(max(contract_id), 0) + 1, known.chain_id, contract_name FROM seoulchain.contract
		ON CONFLICT (chain_id, name) DO NOTHING;
	SELECT contract_id INTO new_contract FROM seoulchain.contract WHERE name = contract_name;
	INSERT INTO seoulchain.contract_rule
		SELECT (SELECT coalesce(max(rule_id), 0) + 1 FROM seoulchain.contract_rule), new_contract, 1, known.table_id,
			(SELECT count(*) + 1 FROM seoulchain.contract_rule WHERE table_id = known.table_id),
			rule, version, decode(digest, 'hex'), params, from_time, until_time
		FROM seoulchain.rules WHERE rule = rule_name
		RETURNING rule_id INTO new_rule;
	-- what activation does with CacheInvalidateRelcache
	EXECUTE format('GRANT SELECT ON %s TO pg_monitor', $1);
	RETURN new_rule;
END
$$;
SQL
	return;
}

# put_rule(NODE, TABLE, CONTRACT, RULE, PARAMETERS[, FROM, UNTIL]): its rule_id
sub put_rule
{
	my ($node, $table, $contract, $rule, $parameters, $from, $until) = @_;
	$from //= '-infinity';
	$until = defined $until ? "'$until'" : 'NULL';
	return $node->safe_psql('postgres', "SELECT test.put_rule('$table', '$contract', '$rule', '$parameters', '$from', $until)");
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
