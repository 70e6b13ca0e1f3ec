# Installing: what is refused without the library, one extension a database, dropping it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Seoulchain::Test;

my ($status, $out, $err);

# a server that does not preload the library
my $bare = ledger_node('bare', shared_preload_libraries => '', extension => 0);
($status, $out, $err) = $bare->psql('postgres', 'CREATE EXTENSION seoulchain');
isnt($status, 0, 'CREATE EXTENSION is refused without the preloaded library');
like($err, qr/shared_preload_libraries/, 'and says what to set');

my $node = ledger_node('node', extension => 0);
($status, $out, $err) = $node->psql('postgres', 'CREATE TABLE early (id int) USING ledger');
like($err, qr/access method "ledger" does not exist/, 'no extension, no access method');
$node->safe_psql('postgres', 'CREATE EXTENSION seoulchain');
is($node->safe_psql('postgres', 'SELECT extversion FROM pg_extension WHERE extname = $$seoulchain$$'),
	'0.1.0', 'the version that the control file names');
is($node->safe_psql('postgres', 'SELECT count(*) FROM seoulchain.block'), '0', 'no chain begins at CREATE EXTENSION');

# the extension goes only when no ledger table is left
$node->safe_psql('postgres', 'CREATE TABLE t (id int) USING ledger; INSERT INTO t VALUES (1)');
foreach my $drop ('DROP EXTENSION seoulchain', 'DROP EXTENSION seoulchain CASCADE', 'DROP SCHEMA seoulchain CASCADE',
	'DROP ACCESS METHOD ledger CASCADE')
{
	($status, $out, $err) = $node->psql('postgres', $drop);
	isnt($status, 0, "refused while a ledger table exists: $drop");
}
is($node->safe_psql('postgres', 'SELECT id FROM t'), '1', 'the table is as it was');
is_intact($node, 'and so is the ledger');

# a second database beside it
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION seoulchain');
$node->safe_psql('second', 'CREATE TABLE t (id int) USING ledger; INSERT INTO t SELECT generate_series(1, 10)');
seal($node, 'main', 'second');
is_sealed($node, 't', 10, 'a second database seals by a worker of its own', 'second');
is_intact($node, 'and it is intact', 'second');
($status, $out, $err) = $node->psql('postgres', 'CREATE DATABASE third TEMPLATE second');
is($status, 0, 'CREATE DATABASE ... TEMPLATE works while the worker is there') or diag($err);
($status, $out, $err) = $node->psql('postgres', 'DROP DATABASE second');
is($status, 0, 'DROP DATABASE too') or diag($err);

# empty of ledger tables, the extension can go, and come back
$node->safe_psql('postgres', 'CREATE DATABASE passing');
$node->safe_psql('passing', 'CREATE EXTENSION seoulchain');
($status, $out, $err) = $node->psql('passing', 'DROP EXTENSION seoulchain');
is($status, 0, 'DROP EXTENSION without ledger tables') or diag($err);
($status, $out, $err) = $node->psql('passing', 'CREATE EXTENSION seoulchain');
is($status, 0, 'and again') or diag($err);

# only UTF8 databases have one canonical text
$node->safe_psql('postgres', q{CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0});
($status, $out, $err) = $node->psql('latin', 'CREATE EXTENSION seoulchain; CREATE TABLE t (v text) USING ledger');
like($err, qr/UTF8/, 'a database of another encoding is refused');

# after a restart everything is as it was
$node->restart;
$node->safe_psql('postgres', 'INSERT INTO t VALUES (2)');
seal($node);
is_sealed($node, 't', 2, 'sealed after a restart');
is_intact($node, 'intact after a restart');

done_testing();
