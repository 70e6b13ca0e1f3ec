# Checks on copies: signatures and contracts are judged again by every follower; honest origins are not accused, others are named.
use strict;
use warnings;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Seoulchain::City;
use Seoulchain::Sign;
use Seoulchain::Test;
use Test::More;

my $city = Seoulchain::City->new(nodes => [qw(hall shop late)], settings => { 'seoulchain.seal_interval' => '100ms', max_prepared_transactions => 5 });
sub hall { return $city->sql('hall', shift) }

# one test: the follower has filed exactly these, and nothing is cosigned any more
sub disputed
{
	my ($node, $chain, $fault, $detail, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $origin = $city->origin('hall', $chain);
	$city->wait_for($node, "SELECT count(*) > 0 FROM seoulchain.dispute WHERE origin = '$origin'", "a dispute about $origin") or return 0;
	return like($city->sql($node, "SELECT fault || ': ' || detail FROM seoulchain.dispute WHERE origin = '$origin' ORDER BY ledger_seq"),
		qr/\A\Q$fault\E: $detail/, $what);
}

# a member's key, and a row that it signs
my %key = (kim => make_key('ed25519'), lee => make_key('p256'));
sub signed_row
{
	my ($table, $id, $member, $text) = @_;
	my $payload = hall(qq{SELECT seoulchain.signing_payload('$table', jsonb_populate_record(NULL::$table, '{"id":$id,"signer":"$member","v":"$text"}'))});
	return "INSERT INTO $table (id, v, signer, sig) VALUES ($id, '$text', '$member', '" . jws($key{$member}, $payload) . "')";
}

# a chain of hall's, with members, that shop follows from its beginning
sub make_chain
{
	my ($chain, @tables) = @_;
	hall("SELECT seoulchain.create_chain('$chain'); SELECT seoulchain.install_members('$chain', 'hall_${chain}_members')");
	foreach my $member (sort keys %key)
	{
		hall("INSERT INTO hall_${chain}_members.member (member, kind) VALUES ('$member', 'clerk')");
		hall("INSERT INTO hall_${chain}_members.key (member, key, public_key) VALUES ('$member', 'card', '\\x" . unpack('H*', public_der($key{$member})) . "')");
	}
	hall("SET seoulchain.default_chain = '$chain'; $_") foreach @tables;
	$city->follow('shop', 'hall', $chain);
	return;
}

sub contract
{
	my ($chain, $name, @tables) = @_;
	my @defs;
	while (my ($table, $rule, $parameters) = splice(@tables, 0, 3))
	{
		push @defs, qq({"table": "$table", "rules": [{"name": "$rule", "parameters": $parameters}]});
	}
	my $definition = qq({"contract": "$name", "ordinance": {"name": "Ordinance", "number": 1, "from": "2026-01-01"}, "tables": [) . join(', ', @defs) . ']}';
	hall("SELECT seoulchain.propose_contract('$definition', '$chain')");
	hall("SELECT seoulchain.activate_contract('$name', chain => '$chain', breaches => (SELECT count(*) FROM seoulchain.contract_breaches('$name', (SELECT max(version) FROM seoulchain.contract_versions WHERE contract = '$name'), '$chain')))");
	return;
}

hall('CREATE SCHEMA hall');
$city->add_peers('hall', 'shop');
my $steps = '[{"to": "registered"}, {"from": "registered", "to": "sold"}, {"from": "sold", "to": "registered"}]';
my @six = (
	'hall.vote' => one_per => '{"key": ["voter"]}',
	'hall.odometer' => monotonic => '{"key": ["car"], "value": "km"}',
	'hall.coin' => balance => '{"from": "payer", "to": "payee", "amount": "amount"}',
	'hall.ticket' => quota => '{"key": ["card"], "limit": 3}',
	'hall.car' => transition => qq({"key": ["car"], "state": "state", "steps": $steps}),
	'hall.poll' => window => '{"from": "2020-01-01T00:00:00Z", "until": "2120-01-01T00:00:00Z"}');

# --- an honest origin, over all six rules and signed rows ------------------------------------------
make_chain('honest',
	'CREATE TABLE hall.vote (voter text, choice text) USING ledger', 'CREATE TABLE hall.odometer (car text, km int) USING ledger',
	'CREATE TABLE hall.coin (payer text, payee text, amount numeric) USING ledger', 'CREATE TABLE hall.ticket (card text) USING ledger',
	'CREATE TABLE hall.car (car text, state text) USING ledger', 'CREATE TABLE hall.poll (answer text) USING ledger',
	'CREATE TABLE hall.deed (id int, v text, signer text, sig text) USING ledger');
hall("INSERT INTO hall.odometer VALUES ('old', 500), ('old', 400); INSERT INTO hall.vote VALUES ('early', 'a')");
hall("SELECT seoulchain.seal('honest')");
contract('honest', 'six', @six);
hall("SELECT seoulchain.require_signature('hall.deed', 'signer', 'sig')");
ok($city->wait_cosigned('hall', chain => 'honest'), 'members, tables, a contract and a signature rule are followed');

# everything that is allowed, in many transactions at once
foreach my $round (1 .. 3)
{
	hall(<<"SQL");
INSERT INTO hall.vote SELECT 'voter ' || g, 'a' FROM generate_series($round * 100, $round * 100 + 50) g;
INSERT INTO hall.odometer SELECT 'car ' || g % 5, $round * 1000 + g FROM generate_series(1, 50) g;
INSERT INTO hall.coin VALUES (NULL, 'bank', 1000);
INSERT INTO hall.coin SELECT 'bank', 'citizen ' || g, 1 FROM generate_series(1, 50) g;
INSERT INTO hall.coin SELECT 'citizen ' || g, 'bank', 1 FROM generate_series(1, 20) g;
INSERT INTO hall.ticket VALUES ('card');
INSERT INTO hall.car VALUES ('K $round', 'registered'), ('K $round', 'sold'), ('K $round', 'registered');
INSERT INTO hall.poll VALUES ('yes');
SQL
	hall(signed_row('hall.deed', 10 * $round, 'kim', 'x'));
	hall(signed_row('hall.deed', 10 * $round + 1, 'lee', 'x'));
	hall("SELECT seoulchain.seal('honest')");
}

# a transaction that commits after later numbers have been sealed
hall("BEGIN; INSERT INTO hall.coin VALUES ('bank', 'late', 7); PREPARE TRANSACTION 'late'");
hall("INSERT INTO hall.vote VALUES ('meanwhile', 'a'); INSERT INTO hall.coin VALUES (NULL, 'mint', 5)");
hall("SELECT seoulchain.seal('honest')");
hall("COMMIT PREPARED 'late'");
hall("INSERT INTO hall.coin VALUES ('late', 'bank', 7)");

# ended keys, other versions
hall("INSERT INTO hall_honest_members.status (member, key, action, reason) VALUES ('lee', 'card', 'revoke', 'lost')");
my @looser = @six;
$looser[11] = '{"key": ["card"], "limit": 4}';
contract('honest', 'six', @looser);
hall("INSERT INTO hall.ticket VALUES ('card'); INSERT INTO hall.vote VALUES ('second', 'a'); INSERT INTO hall.odometer VALUES ('new', 1); "
	  . "INSERT INTO hall.coin VALUES ('bank', 'late', 1); INSERT INTO hall.car VALUES ('second', 'registered'); INSERT INTO hall.poll VALUES ('no')");
ok($city->wait_cosigned('hall', chain => 'honest'), 'rows under six rules and signed rows are cosigned');
is($city->disputes('shop'), '', 'nobody is accused');
is($city->sql('shop', "SELECT count(*) FROM seoulchain.followed_rule"), '12', 'the follower keeps what rules keep');
is($city->sql('shop', q{SELECT count(*) FROM seoulchain.rule_state s JOIN seoulchain.contract_rule r USING (rule_id) WHERE rule = 'one_per' AND key = '["early"]'}), '2',
	'rows before the contract count');
my $kept = q{SELECT md5(string_agg(concat_ws(' ', version, ordinal, ledger_name, key, value), E'\n' ORDER BY version, ordinal, ledger_name, key COLLATE "C"))
	FROM (SELECT rule_id, key, CASE WHEN count(d.amount) = 0 THEN s.value ELSE (coalesce(s.value, '0')::numeric + sum(d.amount::numeric))::text END AS value
		FROM seoulchain.rule_state s FULL JOIN seoulchain.rule_delta d USING (rule_id, key) GROUP BY rule_id, key, s.value) s
	JOIN seoulchain.contract_rule r USING (rule_id) JOIN seoulchain.ledger USING (table_id) WHERE value IS NOT NULL AND r.version = 2};
is($city->sql('shop', $kept), hall($kept), 'exactly as the origin does');
is($city->sql('shop', q{SELECT count(*) FROM seoulchain.signed_payload}), hall(q{SELECT count(*) FROM seoulchain.signed_payload}), 'used payloads too');
is($city->sql('shop', 'SELECT count(*) FROM seoulchain.verify_signatures()'), '0', 'verify_signatures() on copies');
is($city->sql('shop', q{SELECT count(*) FROM seoulchain.contract_breaches('six', 2, 'city/hall/honest')}), hall(q{SELECT count(*) FROM seoulchain.contract_breaches('six', 2, 'honest')}), 'contract_breaches() on copies');
is_intact($city->node('shop'), 'verify() on the follower');

# state outlives the server, whatever way it went down
kill_server($city->node('shop'));
$city->node('shop')->start;
hall("INSERT INTO hall.odometer VALUES ('car 1', 900000); INSERT INTO hall.vote VALUES ('after', 'b')");
ok($city->wait_cosigned('hall', chain => 'honest'), 'after kill -9 of the follower it goes on');
is_intact($city->node('shop'), 'its state is whole');
is($city->sql('shop', $kept), hall($kept), 'and the same');

# rows that are moved here between their arrival and their block
hall('ALTER SYSTEM SET seoulchain.seal_interval = 0');
$city->node('hall')->reload;
$city->node('hall')->poll_query_until('postgres', q{SELECT current_setting('seoulchain.seal_interval') = '0'}) or die;
hall(q{INSERT INTO hall.vote SELECT 'moved ' || g, 'a' FROM generate_series(1, 300) g});
$city->wait_for('shop', q{SELECT count(*) = 300 FROM hall.vote WHERE voter LIKE 'moved %'});
$city->sql('shop', 'CREATE INDEX vote_backwards ON hall.vote (ledger_seq DESC)');
$city->sql('shop', 'CLUSTER hall.vote USING vote_backwards');
ok($city->wait_cosigned('hall', chain => 'honest', by => ['shop']), 'rows are judged wherever they stand by then');
is($city->sql('shop', $kept), hall($kept), 'and their state is the same');
hall('ALTER SYSTEM RESET seoulchain.seal_interval');
$city->node('hall')->reload;

# somebody who comes late judges the whole history
$city->add_peers('hall', 'late');
$city->follow('late', 'hall', 'honest');
ok($city->wait_cosigned('hall', chain => 'honest', by => ['late']), 'a late joiner cosigns');
is($city->disputes('late'), '', 'and accuses nobody');
is($city->sql('late', $kept), hall($kept), 'its state is the same');
is($city->sql('late', q{SELECT count(*) FROM seoulchain.signed_payload}), hall(q{SELECT count(*) FROM seoulchain.signed_payload}), 'and so are its used payloads');

# exit code and words of seoulchain-verify
sub judge
{
	my ($file, $key) = @_;
	my ($out, $err);
	IPC::Run::run([ 'seoulchain-verify', '--key', $key, $file ], '>', \$out, '2>', \$err);
	return (${^CHILD_ERROR_NATIVE} >> 8) . " $out$err";
}

# --- a superuser who breaks each of the rules -------------------------------------------------------
my @breaches = (
	[ one_per => '{"key": ["a"]}', "('x', 1, NULL)", "('x', 2, NULL)", qr/there is a row for/ ],
	[ monotonic => '{"key": ["a"], "value": "n"}', "('x', 10, NULL)", "('x', 9, NULL)", qr/rule "monotonic" refuses/ ],
	[ balance => '{"from": "a", "to": "b", "amount": "n"}', "(NULL, 10, 'y')", "('y', 11, 'z')", qr/rule "balance" refuses/ ],
	[ quota => '{"key": ["a"], "limit": 1}', "('x', 1, NULL)", "('x', 1, NULL)", qr/rule "quota" refuses/ ],
	[ transition => qq({"key": ["a"], "state": "b", "steps": $steps}), "('x', 1, 'registered')", "('x', 1, 'registered')", qr/rule "transition" refuses/ ],
	[ window => '{"until": "2020-01-01T00:00:00Z"}', undef, "('x', 1, NULL)", qr/rule "window" refuses/ ]);
foreach my $breach (@breaches)
{
	my ($rule, $parameters, $good, $bad, $why) = @$breach;
	my $chain = "break_$rule";
	make_chain($chain, "CREATE TABLE hall.$chain (a text, n int, b text) USING ledger");
	contract($chain, $rule, "hall.$chain", $rule, $parameters);
	hall("INSERT INTO hall.$chain VALUES $good") if defined $good;
	ok($city->wait_cosigned('hall', chain => $chain), "$rule: an honest row is cosigned");
	# a flood of complaints about rows takes the room of no complaint about a block
	$city->sql('shop', "INSERT INTO seoulchain.dispute (origin, ledger_seq, fault, proof, detail, evidence, found_at, filed_chain_id, filed_seq)
		SELECT 'city/hall/$chain', 1000000 + g, 'row no leaf', false, 'x', 'x', now(), 1, 1 FROM generate_series(1, 1000) g") if $rule eq 'one_per';
	like(($city->node('hall')->psql('postgres', "INSERT INTO hall.$chain VALUES $bad"))[2], qr/refuses the row/, "$rule: the origin refuses");

	# the superuser takes the rule away from his own insert path, and puts it back
	hall("CREATE TABLE public.kept AS SELECT * FROM seoulchain.contract_rule; DELETE FROM seoulchain.contract_rule; "
		  . "UPDATE pg_class SET reltuples = reltuples WHERE oid = 'hall.$chain'::regclass; ALTER TABLE hall.$chain SET (autovacuum_enabled = true)");
	my $seq = hall("INSERT INTO hall.$chain VALUES $bad RETURNING ledger_seq");
	hall('INSERT INTO seoulchain.contract_rule TABLE public.kept; DROP TABLE public.kept');
	hall("SELECT seoulchain.seal('$chain')");
	disputed('shop', $chain, 'broken rule', qr/row with ledger_seq $seq of "hall.$chain": contract "$rule", version 1, .*$why/, "$rule: the follower names the row");
	is($city->sql('shop', "SELECT count(*) FROM hall.$chain"), defined $good ? '2' : '1', "$rule: it has the row all the same");

	ok($city->wait_for('shop', "SELECT signing LIKE 'suspended: %' FROM seoulchain.seal_status WHERE chain = 'city/hall/$chain'"), "$rule: and cosigns no more");

	# what few rows can show is a proof for strangers
	my $file = $city->sql('shop', "SELECT seoulchain.rule_evidence('hall.$chain', $seq)");
	if ($rule eq 'balance' || $rule eq 'transition')
	{
		is($file, '', "$rule: no few rows can prove it");
		next;
	}
	my $key = hall("SELECT seoulchain.verifier_key('$chain')");
	my $path = PostgreSQL::Test::Utils::tempdir() . "/$rule";
	append_to_file($path, "$file\n");
	append_to_file("$path.cut", substr($file, 0, length($file) - 50) . "\n");
	append_to_file("$path.edited", ($file =~ s/.*\K([a-y])(?=.{300,}\z)/chr(ord($1) + 1)/esr) . "\n");
	like(judge($path, $key), qr/^0 .*PROOF: a row breaks its contract.*row number     $seq\n.*rule           $rule/s, "$rule: seoulchain-verify convicts the row");
	like(judge($path, $city->sql('shop', 'SELECT seoulchain.verifier_key()')), qr/^2 .*NOBODY VOUCHES/s, "$rule: of nobody else's chain");
	like(judge("$path.cut", $key), qr/^1 /, "$rule: cut short it proves nothing");
	like(judge("$path.edited", $key), qr/^1 /, "$rule: nor edited");
	is($city->sql('shop', "SELECT seoulchain.rule_evidence('hall.$chain', (SELECT min(ledger_seq) FROM hall.$chain)) IS NULL"), 't', "$rule: an honest row cannot be convicted") if defined $good;
}

# --- a rule that the follower has not, or not as it was activated ---------------------------------------
make_chain('unknown', 'CREATE TABLE hall.unknown (a text) USING ledger');
contract('unknown', 'unknown', 'hall.unknown', 'one_per', '{"key": ["a"]}');
ok($city->wait_cosigned('hall', chain => 'unknown'), 'unknown: followed');
my $rules = q{seoulchain.contract_rule SET rule_version = '%s' WHERE contract_id = (SELECT contract_id FROM seoulchain.contract WHERE name = 'unknown')};
my $version = $city->sql('shop', q{SELECT version FROM seoulchain.rules WHERE rule = 'one_per'});
$city->sql('shop', 'UPDATE ' . sprintf($rules, '99'));
hall("INSERT INTO hall.unknown VALUES ('x')");
my $unknown_size = $city->seal('hall', 'unknown');
$city->wait_for('shop', q{SELECT count(*) = 1 FROM hall.unknown});
is($city->sql('shop', q{SELECT judged FROM seoulchain.followed_rules WHERE contract = 'unknown'}), 'not here: blocks wait', 'unknown: the view says so');
is($city->sql('shop', "SELECT count(*) FROM seoulchain.cosignature WHERE origin = 'city/hall/unknown' AND tree_size >= $unknown_size"), '0', 'unknown: what cannot be judged is not cosigned');
is($city->sql('shop', "SELECT count(*) FROM seoulchain.dispute WHERE origin = 'city/hall/unknown'"), '0', 'unknown: and nobody is accused');
$city->sql('shop', 'UPDATE ' . sprintf($rules, $version));
ok($city->wait_cosigned('hall', chain => 'unknown'), 'unknown: with the rule there it goes on');

# the same version from other sources accepts, but does not accuse
my $digest = q{UPDATE seoulchain.contract_rule SET digest = %s WHERE contract_id = (SELECT contract_id FROM seoulchain.contract WHERE name = 'unknown')};
$city->sql('shop', sprintf $digest, q{sha256('another release')});
hall("INSERT INTO hall.unknown VALUES ('y')");
ok($city->wait_cosigned('hall', chain => 'unknown'), 'other sources: what they accept is cosigned');
is($city->sql('shop', q{SELECT judged, keeps_state FROM seoulchain.followed_rules WHERE contract = 'unknown'}), 'other sources: what they refuse waits|t', 'other sources: the view says so');
hall('CREATE TABLE public.kept AS SELECT * FROM seoulchain.contract_rule; DELETE FROM seoulchain.contract_rule; ALTER TABLE hall.unknown SET (autovacuum_enabled = true)');
hall("INSERT INTO hall.unknown VALUES ('y')");
hall('INSERT INTO seoulchain.contract_rule TABLE public.kept; DROP TABLE public.kept');
$unknown_size = $city->seal('hall', 'unknown');
$city->wait_for('shop', q{SELECT count(*) = 3 FROM hall.unknown});
is($city->sql('shop', "SELECT count(*) FROM seoulchain.dispute WHERE origin = 'city/hall/unknown'"), '0', 'other sources: what they refuse is not disputed');
is($city->sql('shop', "SELECT count(*) FROM seoulchain.cosignature WHERE origin = 'city/hall/unknown' AND tree_size >= $unknown_size"), '0', 'other sources: ... nor cosigned');
$city->sql('shop', sprintf $digest, q{decode((SELECT digest FROM seoulchain.rules WHERE rule = 'one_per'), 'hex')});
disputed('shop', 'unknown', 'broken rule', qr/.*there is a row for/, 'other sources: it is, once the rule is there');

# --- signatures -------------------------------------------------------------------------------------
my %unsigned = (
	'no signature' => [ sub { "INSERT INTO hall.$_[0] (id, v, signer, sig) VALUES (2, 'x', 'kim', NULL)" }, qr/signature|signed/ ],
	'another signature' => [ sub { my $s = signed_row("hall.$_[0]", 3, 'kim', 'x'); $s =~ s/VALUES \(3, 'x'/VALUES (3, 'y'/; $s }, qr/does not verify/ ],
	'another signer' => [ sub { my $s = signed_row("hall.$_[0]", 4, 'kim', 'x'); $s =~ s/'kim'/'lee'/; $s }, qr/verify|key/ ],
	'a payload again' => [ sub { signed_row("hall.$_[0]", 1, 'kim', 'x') }, qr/carries the same statement/ ]);
foreach my $what (sort keys %unsigned)
{
	my ($make, $why) = @{ $unsigned{$what} };
	my $chain = 'sign_' . $what =~ tr/ /_/r;
	make_chain($chain, "CREATE TABLE hall.$chain (id int, v text, signer text, sig text) USING ledger");
	hall("SELECT seoulchain.require_signature('hall.$chain', 'signer', 'sig')");
	hall(signed_row("hall.$chain", 1, 'kim', 'x'));
	ok($city->wait_cosigned('hall', chain => $chain), "$what: a signed row is cosigned");
	my $bad = $make->($chain);
	isnt(($city->node('hall')->psql('postgres', $bad))[0], 0, "$what: the origin refuses");
	hall("CREATE TABLE public.kept AS SELECT * FROM seoulchain.signature_rule; DELETE FROM seoulchain.signature_rule; "
		  . "ALTER TABLE hall.$chain DISABLE TRIGGER seoulchain_signature");
	my $seq = hall("$bad RETURNING ledger_seq");
	hall("INSERT INTO seoulchain.signature_rule TABLE public.kept; DROP TABLE public.kept; ALTER TABLE hall.$chain ENABLE ALWAYS TRIGGER seoulchain_signature");
	hall("SELECT seoulchain.seal('$chain')");
	disputed('shop', $chain, 'member signature', qr/row with ledger_seq $seq of "hall.$chain": .*$why/, "$what: the follower names the row");
}
is($city->sql('shop', q{SELECT count(*) FROM seoulchain.dispute WHERE origin !~ '/(break_|sign_|unknown)'}), '0', 'nothing else is disputed');
hall("INSERT INTO hall.vote VALUES ('in the end', 'a')");
ok($city->wait_cosigned('hall', chain => 'honest'), 'the honest chain goes on');
done_testing;
