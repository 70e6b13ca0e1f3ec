# Seoulchain::City - several agencies on this machine, each a cluster of its own, that follow each other.
#
#	my $city = Seoulchain::City->new(nodes => [qw(hall inspector insurer)]);
#	$city->sql('hall', 'CREATE SCHEMA hall; CREATE TABLE hall.car (plate text) USING ledger');
#	$city->mesh;                              # everybody is everybody's peer and follows everybody's chain main
#	$city->sql('hall', "INSERT INTO hall.car VALUES ('A 1')");
#	$city->settle;                            # every row is sealed, copied and cosigned by all
#	$city->same_everywhere('hall', 'hall.car', 'every node has the car');
#
# A node's name in the network is city/<name>, its database postgres, its chain
# city/<name>/main.  With links => 1 every pair has a wire for each direction
# that can be cut.  Everything waits by asking again, never by sleeping.
package Seoulchain::City;
use strict;
use warnings;
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::Link;
use Seoulchain::Test qw(ledger_node key_directory kill_server);
use Test::More;
use Time::HiRes ();

# settings that a node with so many peers needs (docs/network.md)
sub settings
{
	my $peers = shift;
	return (
		wal_level                       => 'logical',
		max_wal_senders                 => 4 * $peers + 4,
		max_replication_slots           => 4 * $peers + 4,
		max_logical_replication_workers => $peers + 4,
		max_worker_processes            => $peers + 16,
		max_connections                 => 4 * $peers + 40,
		wal_retrieve_retry_interval     => '200ms');
}

# new(nodes => [names], links => 1, settings => { name => value }): nodes that run, each with its key and its chain main, no peers yet
sub new
{
	my ($class, %how) = @_;
	my @names = @{ $how{nodes} };
	my $self = bless { names => [@names], node => {}, key => {}, keys => {}, link => {}, settings => $how{settings} // {}, links => $how{links} }, $class;
	$self->{peers} = ($how{most} // @names) - 1;
	$self->add_node($_) foreach @names;
	return $self;
}

# one more node, which is nobody's peer yet
sub add_node
{
	my ($self, $name) = @_;
	my $keys = key_directory();
	my $node = ledger_node($name, settings($self->{peers}), %{ $self->{settings} }, 'seoulchain.sign_key_directory' => $keys);
	$self->{node}{$name} = $node;
	$self->{keys}{$name} = $keys;
	push @{ $self->{names} }, $name if !grep { $_ eq $name } @{ $self->{names} };
	$self->{key}{$name} = $node->safe_psql('postgres', "SELECT seoulchain.create_node('city/$name')");
	$node->safe_psql('postgres', "SELECT seoulchain.create_chain('main')");
	return $node;
}

sub names  { return @{ $_[0]{names} } }
sub others { my ($self, $name) = @_; return grep { $_ ne $name } $self->names }
sub node   { my ($self, $name) = @_; return $self->{node}{$name} // die "no node $name" }
sub key    { my ($self, $name) = @_; return $self->{key}{$name} }
sub keys_of { my ($self, $name) = @_; return $self->{keys}{$name} }
sub origin { my ($self, $name, $chain) = @_; return "city/$name/" . ($chain // 'main') }

# one or more statements on a node; what psql prints, dies on an error
sub sql { my ($self, $name, $sql) = @_; return $self->node($name)->safe_psql('postgres', $sql) }

# waits until a query on a node gives 't' (or what is said); a failed test and false if it does not
sub wait_for
{
	my ($self, $name, $sql, $what, $expected) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return 1 if $self->node($name)->poll_query_until('postgres', $sql, $expected // 't');
	fail("$name: waited in vain for: " . ($what // $sql));
	$self->tell;
	return 0;
}

# the wire by which one node reaches another, made when it is first asked for
sub link
{
	my ($self, $from, $to) = @_;
	return $self->{link}{"$from $to"} //= Seoulchain::Link->new($self->node($to));
}

# cut, freeze and heal the wires between two nodes, both ways
sub cut    { my ($self, @pair) = @_; $_->cut foreach $self->_both(@pair); return }
sub freeze { my ($self, @pair) = @_; $_->freeze foreach $self->_both(@pair); return }
sub heal   { my ($self, @pair) = @_; $_->heal foreach $self->_both(@pair); return }
sub _both  { my ($self, $a, $b) = @_; return ($self->link($a, $b), $self->link($b, $a)) }

# where one node reaches another
sub conninfo
{
	my ($self, $from, $to) = @_;
	my $node = $self->node($to);
	my $address = $self->{links} ? $self->link($from, $to)->address : 'host=' . $node->host . ' port=' . $node->port;
	return "$address dbname=postgres user=peer_$from";
}

# add_peers(A, B): each knows the other, under a role of its own
sub add_peers
{
	my ($self, @pair) = @_;
	foreach my $way ([@pair], [ reverse @pair ])
	{
		my ($here, $there) = @$way;
		$self->sql($here, qq{CREATE ROLE "peer_$there" LOGIN REPLICATION; GRANT pg_read_all_data TO "peer_$there"});
	}
	foreach my $way ([@pair], [ reverse @pair ])
	{
		my ($here, $there) = @$way;
		$self->sql($here, sprintf q{SELECT seoulchain.add_peer('city/%s', '%s', '%s', 'peer_%s')},
			$there, $self->conninfo($here, $there), $self->key($there), $there);
	}
	return;
}

# follow(FOLLOWER, ORIGIN'S NODE, CHAIN)
sub follow
{
	my ($self, $follower, $name, $chain) = @_;
	$chain //= 'main';
	$self->sql($name, "SELECT seoulchain.share('$chain', 'city/$follower')");
	$self->sql($follower, sprintf q{SELECT seoulchain.follow('%s')}, $self->origin($name, $chain));
	push @{ $self->{followers}{"$name $chain"} }, $follower if !grep { $_ eq $follower } $self->followers($name, $chain);
	return;
}

# nodes that follow a node's chain (main)
sub followers { my ($self, $name, $chain) = @_; $chain //= 'main'; return @{ $self->{followers}{"$name $chain"} // [] } }

# follow_table(NAME, CHAIN, COLUMNS, FOLLOWERS): one more chain of a node with one table, <name>.<chain>, which these follow
sub follow_table
{
	my ($self, $name, $chain, $columns, @followers) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$self->sql($name, "SELECT seoulchain.create_chain('$chain')");
	$self->sql($name, "CREATE SCHEMA IF NOT EXISTS $name");
	$self->sql($name, "SET seoulchain.default_chain = '$chain'; CREATE TABLE $name.$chain ($columns) USING ledger");
	$self->follow($_, $name, $chain) foreach @followers;
	return $self->wait_cosigned($name, chain => $chain);
}

# joins a node with others: peers, and each follows the other's chain main
sub join_with
{
	my ($self, $name, @others) = @_;
	foreach my $other (@others)
	{
		$self->add_peers($name, $other);
		$self->follow($name, $other);
		$self->follow($other, $name);
	}
	return;
}

# everybody with everybody
sub mesh
{
	my $self = shift;
	my @names = $self->names;
	foreach my $i (1 .. $#names) { $self->join_with($names[$i], @names[ 0 .. $i - 1 ]) }
	return;
}

# seals a node's chain (main); the size of its newest checkpoint
sub seal
{
	my ($self, $name, $chain) = @_;
	$chain //= 'main';
	$self->sql($name, "SELECT seoulchain.seal('$chain')");
	return $self->sql($name, "SELECT max(tree_size) FROM seoulchain.block WHERE chain = '$chain'");
}

# wait_cosigned(NAME, chain => main, where => [nodes], by => [nodes]): everything committed at a node until now is in a
# block that its followers (or those named) cosigned, and that is known at the origin (or where it is said)
sub wait_cosigned
{
	my ($self, $name, %how) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $size = $self->seal($name, $how{chain});
	my $origin = $self->origin($name, $how{chain});
	my @by = @{ $how{by} // [ $self->followers($name, $how{chain}) ] };
	my $names = join(', ', map { "'city/$_'" } @by);
	foreach my $where (@{ $how{where} // [$name] })
	{
		$self->wait_for($where, "SELECT count(DISTINCT witness) = " . @by
			  . " FROM seoulchain.cosignature WHERE origin = '$origin' AND tree_size >= $size AND witness IN ($names)",
			"cosignatures of $origin, size $size, by @by") or return 0;
	}
	return 1;
}

# settle(NAMES): everything that was committed on these nodes (all) until now is copied and cosigned by their followers
sub settle
{
	my ($self, @names) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $good = 1;
	$good &= $self->wait_cosigned($_) foreach grep { $self->followers($_) } @names ? @names : $self->names;
	return $good;
}

# set_policy(NAME, chain => main, witnesses => [nodes]): final is what all of these (the others) have cosigned; waits until that is in force
sub set_policy
{
	my ($self, $name, %how) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $chain = $how{chain} // 'main';
	my @witnesses = @{ $how{witnesses} // [ $self->others($name) ] };
	$self->sql($name, "SELECT seoulchain.set_policy('$chain', '" . join("\n", 'log ' . $self->sql($name, "SELECT seoulchain.verifier_key('$chain')"),
			(map { "witness $_ " . $self->key($_) } @witnesses), "group every all @witnesses", 'quorum every', '') . "')");
	return $self->wait_for($name, "SELECT bool_or(in_force) FROM seoulchain.policies WHERE chain = '$chain'", "a policy of $chain in force");
}

# note_final(): every node's newest final checkpoint of every chain main that has a policy is remembered
sub note_final
{
	my ($self, @names) = @_;
	foreach my $here (@names ? @names : $self->names)
	{
		foreach my $name ($self->names)
		{
			my $note = $self->sql($here, sprintf q{SELECT seoulchain.checkpoint('%s', final => true)}, $here eq $name ? 'main' : $self->origin($name));
			my (undef, $size, $root) = split /\n/, $note;
			$self->{final}{"$name $size $root"} = 1;
		}
	}
	return;
}

# one test: every checkpoint that was ever noted as final is a beginning of its chain, on every node
sub final_kept
{
	my ($self, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @lost;
	foreach my $noted (sort keys %{ $self->{final} })
	{
		my ($name, $size, $root) = split / /, $noted;
		foreach my $here ($name, $self->followers($name))
		{
			my ($status, $out, $err) = $self->node($here)->psql('postgres', sprintf q{SELECT encode(seoulchain.root_hash('%s', %s), 'base64')},
				$here eq $name ? 'main' : $self->origin($name), $size);
			push @lost, "$here: $noted, $out $err" if $out ne $root;
		}
	}
	return ok(%{ $self->{final} } && !@lost, $what) || diag(join "\n", @lost);
}

# a table's rows as one number; copies may have other types for the same values
sub rows_digest
{
	my ($self, $name, $table) = @_;
	return $self->sql($name, "SELECT count(*), md5(string_agg(to_jsonb(t)::text, E'\\n' ORDER BY ledger_seq)) FROM $table t");
}

# one test: the followers of a node (or those named) have the rows of its table
sub same_everywhere
{
	my ($self, $name, $table, $what, @where) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $expected = $self->rows_digest($name, $table);
	my @differ = grep { $self->rows_digest($_, $table) ne $expected } @where ? @where : $self->followers($name);
	return ok(!@differ, $what) || diag("$table differs from $name on: @differ; ", join(', ', map { $self->rows_digest($_, $table) } $name, @differ));
}

# disputes of a node: "city/x/main fault proof", one a line
sub disputes
{
	my ($self, $name) = @_;
	return $self->sql($name, 'SELECT origin, fault, proof FROM seoulchain.dispute ORDER BY found_at, origin');
}

# one test: nobody (or none of those named) disputes anything
sub no_dispute
{
	my ($self, $what, @names) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(join('', map { my $d = $self->disputes($_); $d eq '' ? '' : "$_: $d\n" } @names ? @names : $self->names), '', $what);
}

# one test: verify() has nothing to say on any node, its copies included
sub all_intact
{
	my ($self, $what, @names) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $query = q{SELECT chain, relation, ledger_seq, height, fault FROM seoulchain.verify() LIMIT 20};
	return is(join('', map { my $f = $self->sql($_, $query); $f eq '' ? '' : "$_: $f\n" } @names ? @names : $self->names), '', $what);
}

# forge(NAME, TABLE, SEQ, CHANGE, RESEND): its superuser rewrites a row, has it sealed and signed again (tools/forge.sql),
# and with RESEND shows that to his followers
sub forge
{
	my ($self, $name, $table, $seq, $change, $resend) = @_;
	my ($script) = grep { -e } map { "$_/forge.sql" } 'tools', dirname(__FILE__) . '/../../../tools';
	PostgreSQL::Test::Utils::system_or_bail('psql', '-Xq', '-d', $self->node($name)->connstr('postgres'), '-v', "relation=$table", '-v', "seq=$seq",
		'-v', "change=$change", '-v', 'resend=' . ($resend ? 't' : 'f'), '-f', $script);
	return;
}

# kill -9 of every process of a node, and its start
sub kill_node  { my ($self, $name) = @_; kill_server($self->node($name)); return }
sub start_node { my ($self, $name) = @_; $self->node($name)->start; return }

# for the log of a test that failed: what each node has to say
sub tell
{
	my $self = shift;
	foreach my $name ($self->names)
	{
		my ($status, $out, $err) = $self->node($name)->psql('postgres', <<'SQL');
SELECT 'status', s FROM seoulchain.network_status s;
SELECT 'block', chain, max(height), max(tree_size) FROM seoulchain.block GROUP BY chain;
SELECT 'cosigned', origin, witness, max(tree_size) FROM seoulchain.cosignature GROUP BY origin, witness;
SELECT 'message', sender, recipient, kind, origin, count(*), min(number), max(number) FROM seoulchain.message GROUP BY sender, recipient, kind, origin;
SELECT 'dispute', origin, height, ledger_seq, fault, proof, detail FROM seoulchain.dispute;
SELECT 'seal', s FROM seoulchain.seal_status s;
SQL
		diag("--- $name\n$out\n$err");
	}
	return;
}

1;
