# ledger_types.pl - the text of every allowed type in a leaf is PostgreSQL's own.
#
# Random and extreme values of every allowed type are put into ledger tables
# by sessions with hostile settings.  What a leaf says must be what the type's
# output function says under dump settings; the leaf expected is composed here,
# by other code than the encoder's.  The encoder alone (module row_text) and
# whole ledger tables are asked the same.
use strict;
use warnings;
use utf8;
use Digest::SHA qw(sha256_hex);
use Encode qw(encode_utf8 decode_utf8);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $ORIGIN;			# of the chain that the present source writes to
my $DB;				# where the present source lives

# settings under which the text of a value is what pg_dump would write
my $DUMP = join ' ', map { "-c $_" } qw(DateStyle=ISO TimeZone=UTC IntervalStyle=postgres
  extra_float_digits=3 bytea_output=hex search_path= client_encoding=UTF8);

# settings that spoil all of that
my @HOSTILE = (
	join(' ', map { "-c $_" } 'DateStyle=SQL,DMY', qw(TimeZone=Asia/Seoul IntervalStyle=sql_standard
		  extra_float_digits=-15 bytea_output=escape search_path=nonsense client_encoding=UTF8)),
	join(' ', map { "-c $_" } qw(DateStyle=German TimeZone=America/St_Johns IntervalStyle=iso_8601
		  extra_float_digits=0 bytea_output=escape quote_all_identifiers=on
		  search_path=seoulchain client_encoding=UTF8)),
	join(' ', map { "-c $_" } qw(DateStyle=Postgres TimeZone=<X>+03:30 IntervalStyle=postgres_verbose
		  extra_float_digits=-4 xmlbinary=hex search_path=pg_temp client_encoding=UTF8)));

# a JSON string as RFC 8785 writes it
my %ESCAPE = ("\b" => '\b', "\t" => '\t', "\n" => '\n', "\f" => '\f', "\r" => '\r', '"' => '\"', '\\' => '\\\\');

sub json_string
{
	my $text = shift;
	$text =~ s/([\x00-\x1f"\\])/$ESCAPE{$1} \/\/ sprintf('\u%04x', ord $1)/ge;
	return "\"$text\"";
}

# UTF-16 code units, big-endian; by hand, since Encode replaces noncharacters
sub utf16
{
	return join '', map { $_ < 0x10000 ? pack('n', $_) : pack('nn', 0xd7c0 + ($_ >> 10), 0xdc00 + ($_ & 0x3ff)) } unpack 'U*', shift;
}

# an object of members that are canonical already
sub json_object
{
	my %members = @_;
	my @keys = sort { utf16($a) cmp utf16($b) } keys %members;
	return '{' . join(',', map { json_string($_) . ':' . $members{$_} } @keys) . '}';
}

# the leaf of a row: $texts maps column names to texts or undef
sub expected_leaf
{
	my ($table, $seq, $texts) = @_;
	my (%columns, %digests);
	foreach my $name (keys %$texts)
	{
		my $text = $texts->{$name};
		next unless defined $text;
		my $bytes = encode_utf8($text);
		if (length($bytes) <= 1024)
		{
			$columns{$name} = json_string($text);
		}
		else
		{
			$digests{$name} = json_object(bytes => '"' . length($bytes) . '"', sha256 => '"' . sha256_hex($bytes) . '"');
		}
	}
	return json_object(
		chain => json_string($ORIGIN),
		columns => json_object(%columns),
		(%digests ? (digests => json_object(%digests)) : ()),
		seq => json_string($seq),
		table => json_string($table));
}

my $node = PostgreSQL::Test::Cluster->new('types');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'seoulchain'\nseoulchain.seal_interval = 100\nfsync = off\n");
$node->start;

# runs SQL in the present database under the given PGOPTIONS; dies on an error
sub sql
{
	my ($options, $sql) = @_;
	local $ENV{PGOPTIONS} = $options;
	return decode_utf8($node->safe_psql($DB, encode_utf8($sql)));
}

# the answer of a query as rows of decoded fields; undef for NULL
sub rows
{
	my ($options, @columns) = @_;
	my $from = pop @columns;
	my $fields = join ', ', map { "encode(convert_to(($_), 'UTF8'), 'hex')" } @columns;
	local $ENV{PGOPTIONS} = $options;
	my $out = $node->safe_psql($DB, encode_utf8("COPY (SELECT $fields FROM $from) TO STDOUT"));
	return map {
		[ map { $_ eq '\N' ? undef : decode_utf8(pack 'H*', $_) } split /\t/, $_, -1 ]
	} split /\n/, $out;
}

# --- the cases -------------------------------------------------------------

sub literals
{
	my $type = shift;
	return map { (my $v = $_) =~ s/'/''/g; "'$v'::$type" } @_;
}

my $ALL_CONTROLS = "(SELECT string_agg(chr(c), '') FROM generate_series(1, 159) c)";
my @DATES = ('infinity', '-infinity', '4714-11-24 BC', '0001-12-31 BC', '0001-01-01', '0045-03-15 BC', '1999-12-31',
	'2000-02-29', '1900-02-28', '2026-11-23', '9999-12-31', '10000-01-01');
my @TIMES = (@DATES, '294276-12-31 23:59:59.999999', '4714-11-24 00:00:00 BC', '4714-11-24 00:00:00.000001 BC',
	'0001-12-31 23:59:59.9 BC', '2000-01-01 00:00:00', '1999-12-31 23:59:59.999999', '1970-01-01 00:00:00.1',
	'2026-11-23 02:31:58.123456', '2026-11-23 02:31:58.120000', '2026-11-23 02:31:58.000010');
my @FLOATS = qw(-0 0 1 -1 0.1 NaN Infinity -Infinity 1e15 1e16 123456789012345680 1e-5 1e-4 0.00001234 3.4e37);
my @TEXTS = (
	"''", "' '", $ALL_CONTROLS, q{'"'}, q{'\\'}, q{'\\\\"\\u0041'}, q{E'\b\t\n\f\r\x01\x1f\x7f'}, q{'한글 서울'}, q{'😀👩‍👩‍👧'},
	q{U&'\2028\2029\FFFD\FFFF\+10FFFF\FEFF'}, "repeat('x', 1023)", "repeat('x', 1024)", "repeat('x', 1025)",
	"repeat('한', 341) || 'x'", "repeat('한', 342)", "repeat(chr(1), 1024)", "repeat('\"', 1024)", "repeat('y', 100000)",
	"(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3000) i)");
my @UUIDS = qw(00000000-0000-0000-0000-000000000000 ffffffff-ffff-ffff-ffff-ffffffffffff 01234567-89ab-cdef-fedc-ba9876543210);

my $RANDOM_TIMESTAMP = "timestamp '4714-11-24 BC' + make_interval(days => (random() * 107000000)::int, secs => round(random() * 86400e6) / 1e6)";
my $RANDOM_RECENT = "timestamptz '2026-01-01+00' + make_interval(secs => round(random() * 1e13) / 1e6)";
my $RANDOM_FLOAT = "(random() - 0.5) * power(10::float8, (random() * 600 - 300)::int)";
my $RANDOM_TEXT = "(SELECT string_agg(chr(CASE WHEN random() < 0.7 THEN 1 + (random() * 126)::int "
  . "WHEN random() < 0.7 THEN 128 + (random() * 50000)::int ELSE 65536 + (random() * 900000)::int END), '') "
  . "FROM generate_series(1, (random() * 60)::int + (i - i)::int))";

my $SETUP = <<'SQL';
SET search_path = public;
CREATE TYPE mood AS ENUM ('', 'happy', 'so "so"', E'back\\slash\nline', '슬픔', 'a,b{c}');
CREATE DOMAIN mood_domain AS mood;
CREATE DOMAIN moods AS mood_domain[];
CREATE DOMAIN stricter AS moods CHECK (cardinality(VALUE) < 100);
CREATE DOMAIN moment AS timestamptz;
CREATE DOMAIN short_text AS varchar(5000);
CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = float_multirange);
CREATE TYPE text_range AS RANGE (subtype = text);
CREATE TYPE moment_range AS RANGE (subtype = timestamptz);
CREATE TYPE span_range AS RANGE (subtype = interval);
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION hstore SCHEMA public;
CREATE EXTENSION cube SCHEMA public;
SQL

# type => [extreme values as SQL expressions], random value as an SQL expression of i
my @CASES = (
	[ 'boolean', [qw(true false)], 'random() < 0.5' ],
	[ 'smallint', [qw((-32768)::smallint 0 32767 -1)], '(random() * 65535 - 32768)::int::smallint' ],
	[ 'integer', [qw((-2147483648)::int 0 2147483647 -1 10 100 99)], '(random() * 4294967295 - 2147483648)::bigint::int' ],
	[
		'bigint', [ "'-9223372036854775808'::bigint", qw(0 9223372036854775807 -1 9999999999) ],
		'(random() * 18e18 - 9e18)::numeric::bigint >> (random() * 62)::int'
	],
	[ 'real', [ literals('real', @FLOATS, qw(3.4028235e38 1e-45 1.17549435e-38 16777216)) ], '((random() - 0.5) * power(10::float8, (random() * 70 - 36)::int))::real' ],
	[ 'double precision', [ literals('float8', @FLOATS, qw(1.7976931348623157e308 4.9e-324 2.2250738585072014e-308 9007199254740993)) ], $RANDOM_FLOAT ],
	[
		'numeric',
		[
			literals('numeric', qw(NaN Infinity -Infinity 0 0.000 -0.0001 1.10 10000 9999 10000.0001 1e20 -1e-20 100000000 0.00010000)),
			"('1' || repeat('0', 131071))::numeric", "(repeat('9', 131072) || '.' || repeat('9', 16383))::numeric",
			"('0.' || repeat('0', 16382) || '1')::numeric", "repeat('9', 1024)::numeric", "repeat('9', 1025)::numeric"
		],
		"((random() - 0.5) * 1e6)::numeric * power(10::numeric, (random() * 60 - 30)::int)"
	],
	[ 'numeric(12,2)', [qw(0 1.5 -9999999999.99)], '((random() - 0.5) * 1e10)::numeric(12,2)' ],
	[ 'text', \@TEXTS, $RANDOM_TEXT ],
	[ 'varchar(200000)', \@TEXTS, $RANDOM_TEXT ],
	[ 'char(10)', [ "''", "'ab'", "'한글'", q{'"\\'} ], "substr($RANDOM_TEXT, 1, 10)" ],
	[ 'char(1500)', [ "''", "'ab'", "repeat('한', 1500)" ], undef ],
	[ 'name', [ "''", "'ab'", "repeat('n', 63)", q{'"'} ], undef ],
	[ 'bytea', [ "''", q{'\x00'}, q{'\x5c22275c'}, "decode(repeat('ab', 511), 'hex')", "decode(repeat('ab', 512), 'hex')", "decode(repeat('00', 100000), 'hex')" ], "decode(repeat(md5(i::text), (random() * 20)::int), 'hex')" ],
	[ 'uuid', [ literals('uuid', @UUIDS) ], 'gen_random_uuid()' ],
	[ 'date', [ literals('date', @DATES, '5874897-12-31', '4714-11-25 BC') ], "date '4714-11-24 BC' + (random() * 2147483493::float8)::bigint::int" ],
	[ 'date', [], "date '1600-01-01' + i::int * 100 + (random() * 100)::int" ],
	[ 'timestamp', [ literals('timestamp', @TIMES) ], $RANDOM_TIMESTAMP ],
	[ 'timestamp(0)', [ literals('timestamp', '2026-11-23 02:31:58.9') ], $RANDOM_TIMESTAMP ],
	[ 'timestamptz', [ literals('timestamptz', @TIMES) ], "($RANDOM_TIMESTAMP) AT TIME ZONE 'UTC'" ],
	[ 'timestamptz', [], $RANDOM_RECENT ],
	[ 'time', [ literals('time', '00:00', '24:00', '23:59:59.999999', '01:02:03.4') ], "time '00:00' + make_interval(secs => random() * 86399)" ],
	[ 'timetz', [ literals('timetz', '00:00+15:59', '24:00-15:59:59', '12:34:56.789+05:30', '00:00:00.000001-09:30:11') ], undef ],
	[ 'interval', [ literals('interval', '0', '-1 day +02:03:04.5', '1 year -1 mon', '178000000 years', '-178000000 years', '1 mon -1 day', '-00:00:00.000001', '2147483647 days', '999999:59:59.999999') ],
		"make_interval(months => (random() * 1000 - 500)::int, days => (random() * 1000 - 500)::int, secs => (random() - 0.5) * 1e6)" ],
	[ 'bit(11)', [ "B'00000000000'", "B'10101010101'" ], undef ],
	[ 'varbit', [ "B''", "B'1'", "repeat('10', 600)::varbit" ], undef ],
	[ 'json', [ q{' { "a" :1 , "a":2.0e0 } '}, q{'"\\u0000\\ud83d\\ude00"'}, q{'null'}, q{'[]'}, q{('"' || repeat('j', 2000) || '"')::json} ], undef ],
	[ 'jsonb', [ q{'{"b": [1e400, 1.10, -0.0], "a": "\\u0001\\"", "": null}'}, q{'"😀"'}, q{'null'}, q{'{}'}, "to_jsonb(repeat('j', 2000))" ], 'jsonb_build_object(md5(i::text), random(), i::text, array[i, null])' ],
	[ 'inet', [ literals('inet', '192.168.0.1', '192.168.0.1/24', '::1', '2001:db8::ff00:42:8329/64', '::ffff:1.2.3.4', '0.0.0.0/0') ], undef ],
	[ 'cidr', [ literals('cidr', '10.0.0.0/8', '::/0', '2001:db8::/32') ], undef ],
	[ 'macaddr', [ literals('macaddr', '08:00:2b:01:02:03') ], undef ],
	[ 'macaddr8', [ literals('macaddr8', '08:00:2b:01:02:03:04:05') ], undef ],
	[ 'point', [ literals('point', '(0.1,-0)', '(NaN,Infinity)', '(1e300,4.9e-324)') ], "point($RANDOM_FLOAT, random())" ],
	[ 'lseg', [ literals('lseg', '[(0.1,0.2),(0.3,1e-300)]') ], undef ],
	[ 'line', [ literals('line', '{0.1,0.2,0.3}') ], undef ],
	[ 'box', [ literals('box', '(0.1,0.2),(0.3,0.7)') ], undef ],
	[ 'path', [ literals('path', '[(0.1,0.2),(0.3,0.7)]', '((0.1,0.2),(0.3,0.7))') ], undef ],
	[ 'polygon', [ literals('polygon', '((0.1,0.2),(0.3,0.7),(1e300,-0))') ], undef ],
	[ 'circle', [ literals('circle', '<(0.1,0.2),0.3>') ], undef ],
	[ 'tsvector', [ literals('tsvector', '', q{'a ''b' cat:3A fat:2B,4C "q" back\\\\slash}) ], undef ],
	[ 'tsquery', [ literals('tsquery', '', q{'a b' & !fat:ab | (c <2> d:*)}) ], undef ],
	[ 'pg_lsn', [ literals('pg_lsn', '0/0', 'FFFFFFFF/FFFFFFFF', '16/B374D848') ], undef ],
	[ 'public.mood', [ literals('public.mood', '', 'happy', 'so "so"', '슬픔', 'a,b{c}'), q{E'back\\\\slash\nline'} ], "(enum_range(NULL::public.mood))[1 + (random() * 5)::int]" ],
	[ 'public.mood_domain', [ "'happy'" ], undef ],
	[ 'public.stricter', [ q{'{}'}, q{ARRAY['happy', NULL, 'so "so"', '', 'a,b{c}']::public.mood[]} ], undef ],
	[ 'public.moment', [ literals('timestamptz', @TIMES) ], $RANDOM_RECENT ],
	[ 'public.moment[]', [ "ARRAY[NULL, timestamptz '2026-11-23 02:31:58.5+09', 'infinity', '0044-03-15 BC']" ], undef ],
	[ 'public.short_text', [ "''", "repeat('z', 1025)" ], $RANDOM_TEXT ],
	[ 'text[]', [ "'{}'", "ARRAY[NULL, 'NULL', '', ' ', '\"', E'\\\\', '{', ',', '한']", "ARRAY[[1,2],[3,4]]::text[]", "'[0:1][-1:0]={{a,b},{c,d}}'" ], "ARRAY[$RANDOM_TEXT, NULL, $RANDOM_TEXT]" ],
	[ 'float8[]', [ "'{0.1,NaN,-0,NULL,1e300}'" ], "ARRAY[$RANDOM_FLOAT, random()]" ],
	[ 'timestamptz[]', [ literals('timestamptz[]', '{2026-11-23 02:31:58+00,infinity,NULL,0044-03-15 00:00:00+00 BC}') ], "ARRAY[$RANDOM_RECENT]" ],
	[ 'date[][]', [ literals('date[]', '{{2026-11-23,0044-03-15 BC},{infinity,NULL}}') ], undef ],
	[ 'bytea[]', [ q{ARRAY['\x00ff'::bytea, NULL, '']} ], undef ],
	[ 'interval[]', [ literals('interval[]', '{"1 day -2 hours",NULL}') ], undef ],
	[ 'box[]', [ literals('box[]', '{(0.3,0.7),(0.1,0.2);(1,1),(0,0)}') ], undef ],
	[ 'numeric[]', [ literals('numeric[]', '{1.10,NaN,NULL}') ], undef ],
	[ 'int4range', [ literals('int4range', 'empty', '[1,3]', '(,5)', '(,)') ], undef ],
	[ 'int8range', [ literals('int8range', '[1,9223372036854775807)') ], undef ],
	[ 'numrange', [ literals('numrange', '[1.10,2.200)', '(,)') ], undef ],
	[ 'tsrange', [ literals('tsrange', '["2026-11-23 02:31:58.5","infinity"]', '["0044-03-15 BC",)') ], undef ],
	[ 'tstzrange', [ literals('tstzrange', '["2026-11-23 02:31:58.5+09",infinity)', '(,"0044-03-15 BC"]') ], "tstzrange($RANDOM_RECENT, 'infinity')" ],
	[ 'daterange', [ literals('daterange', '[2026-11-23,2026-12-24]', '[0044-03-15 BC,)') ], undef ],
	[ 'public.float_range', [ literals('public.float_range', '[0.1,0.30000000000000004)') ], undef ],
	[ 'public.text_range', [ q{public.text_range('a"b', E'c\\\\,d')} ], undef ],
	[ 'public.moment_range[]', [ q{ARRAY[public.moment_range('2026-11-23 02:31:58+00', NULL), NULL, 'empty']} ], undef ],
	[ 'public.span_range', [ q{public.span_range('-1 day', '1 year 2 mons')} ], undef ],
	[ 'int4multirange', [ literals('int4multirange', '{}', '{[1,3),[5,7)}') ], undef ],
	[ 'tstzmultirange', [ literals('tstzmultirange', '{["2026-11-23 02:31:58.5+09",infinity)}') ], undef ],
	[ 'datemultirange', [ literals('datemultirange', '{[2026-11-23,2026-12-24]}') ], undef ],
	[ 'public.float_multirange', [ literals('public.float_multirange', '{[0.1,0.3),(1e300,)}') ], undef ],
	[ 'nummultirange[]', [ literals('nummultirange[]', '{"{[1.10,2.2)}",NULL}') ], undef ],
	[ 'public.citext', [ "'MiXed \"case\"'" ], undef ],
	[ 'public.hstore', [ q{'b=>NULL, a=>"1 \"x\""'} ], undef ],
	[ 'public.cube', [ q{'(0.1,0.2),(0.3,1e300)'} ], undef ]);

# --- where the leaves come from ----------------------------------------------

my $encoder = {
	name => 'the encoder alone',
	db => 'encoder',
	setup => 'CREATE EXTENSION row_text',
	random_rows => 2000,
	using => '',
	seq_column => ', ledger_seq bigint GENERATED ALWAYS AS IDENTITY',
	leaf => sub { "row_text.leaf('$_[0]', t.*, t.ledger_seq)" },
};
my $ledger = {
	name => 'ledger tables',
	db => 'ledger',
	setup => 'CREATE EXTENSION seoulchain',
	random_rows => 200,
	using => 'USING ledger',
	seq_column => '',
	leaf => sub { "convert_from(seoulchain.leaf_data('$_[0]', t.ledger_seq), 'UTF8')" },
};

# compares every row of a table with the leaf expected; true when all agree
sub same_leaves
{
	my ($source, $table, $ledger_name, @names) = @_;
	my @quoted = map { my $n = $_; $n =~ s/"/""/g; qq{CASE WHEN t."$n" IS NOT NULL THEN format('%s', t."$n") END} } @names;
	my @texts = rows($DUMP, 't.ledger_seq::text', @quoted, "$table t");
	my $wrong = 0;
	my @leaves = map { { map { $_->[0] => $_->[1] } rows($_, 't.ledger_seq::text', $source->{leaf}->($table), "$table t") } } @HOSTILE, $DUMP;

	foreach my $row (@texts)
	{
		my ($seq, @values) = @$row;
		my %texts;
		@texts{@names} = @values;
		my $expected = expected_leaf($ledger_name, $seq, \%texts);
		foreach my $leaf (map { $_->{$seq} // 'nothing' } @leaves)
		{
			next if $leaf eq $expected;
			diag(encode_utf8("found    " . substr($leaf, 0, 500) . "\nexpected " . substr($expected, 0, 500))) if $wrong++ < 3;
		}
	}
	return ok(@texts > 0 && !$wrong, encode_utf8("$source->{name}: " . @texts . " rows of " . json_string($ledger_name) . ($wrong ? ", $wrong wrong" : '')));
}

# one table for each case: filled under dump settings, copied under hostile ones
sub test_types
{
	my $source = shift;
	my $n = 0;

	foreach my $case (@CASES)
	{
		my ($type, $extremes, $random) = @$case;
		my $options = $HOSTILE[ $n % @HOSTILE ];
		my $table = 'public.' . ($type =~ s/[^a-z0-9]+/_/gr) . "_$n";
		my @inserts = map { "INSERT INTO public.source VALUES ($_);" } @$extremes;

		push @inserts, "INSERT INTO public.source SELECT $random FROM generate_series(1, $source->{random_rows}) i;" if $random;
		sql("$DUMP", "CREATE TABLE public.source (v $type);\n@inserts\nCREATE TABLE $table (v $type $source->{seq_column}) $source->{using};");
		sql($options, "INSERT INTO $table (v) SELECT v FROM public.source; INSERT INTO $table (v) VALUES (NULL);");
		sql($DUMP, 'DROP TABLE public.source');
		same_leaves($source, $table, $table, 'v');
		$n++;
	}
	return;
}

# names whose order in UTF-16 is not that of UTF-8, and that need escapes
sub test_names
{
	my $source = shift;
	my @names = ('b', "\x{1F600}", "\x{FF61}", "\x{E000}", "\x{10FFFF}", 'A', 'a', '', 'a"b', 'back\\slash', "new\nline", '한글', 'a b', 'aa', "\x7f");
	@names = grep { $_ ne '' } @names;
	my $quoted = join ', ', map { my $n = $_; $n =~ s/"/""/g; qq{"$n" text} } @names;

	sql($DUMP, qq{CREATE SCHEMA "s""x"; CREATE TABLE "s""x"."t\x{1F600}\n\\" ($quoted $source->{seq_column}) $source->{using};});
	my $table = qq{"s""x"."t\x{1F600}\n\\"};
	foreach my $i (0 .. $#names)
	{
		my @values = map { $_ == $i || rand() < 0.5 ? "'v$_'" : 'NULL' } 0 .. $#names;
		$values[ int rand @values ] = "repeat('long', 300)";
		my $columns = join ', ', map { my $n = $_; $n =~ s/"/""/g; qq{"$n"} } @names;
		sql($HOSTILE[0], "INSERT INTO $table ($columns) VALUES (" . join(', ', @values) . ')');
	}
	same_leaves($source, $table, qq{s"x.t\x{1F600}\n\\}, @names);
	return;
}

# --- what only the encoder alone can be asked ---------------------------------

# the built-in types that may stand in a leaf: a new major's types are refused until somebody looks at them
sub test_builtin_types
{
	is( sql($DUMP, <<'SQL'),
SELECT string_agg(typname, ' ' ORDER BY typname) FROM pg_type
WHERE oid < 16384 AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A' AND row_text.type_is_allowed(oid)
SQL
		'bit bool box bpchar bytea cidr circle date datemultirange daterange float4 float8 inet int2 int4 '
		  . 'int4multirange int4range int8 int8multirange int8range interval json jsonb line lseg macaddr macaddr8 '
		  . 'name numeric nummultirange numrange path pg_lsn point polygon text time timestamp timestamptz timetz '
		  . 'tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector uuid varbit varchar',
		'built-in types');
	is(sql($DUMP, "SELECT count(*) FROM pg_type WHERE oid < 16384 AND typcategory = 'A' AND typtype = 'b' "
			  . "AND row_text.type_is_allowed(oid) <> (typelem <> 0 AND typname LIKE E'\\\\_%' AND row_text.type_is_allowed(typelem))"),
		'0', 'arrays are as their elements');
	is(sql($DUMP, "SELECT count(*) FROM pg_type WHERE typtype IN ('p', 'c') AND row_text.type_is_allowed(oid)"),
		'0', 'neither pseudo-types nor composites');
	return;
}

# the words of every kind of refusal
sub test_refusals
{
	my $operator = 'HINT:  Use text, or ask an operator to review the type: INSERT INTO seoulchain.allowed_type (type, reason) VALUES (%s, \'...\').';
	my @refusals = (
		[ 'money', -1, 'money', 'Its text depends on lc_monetary.', 'HINT:  Use numeric.' ],
		[ 'regclass[]', -1, 'regclass[]',
			'It is made of type regclass. It names an object of this database by a number that other databases do not know.',
			q{HINT:  Store the object's name in a column of type text.} ],
		[ 'public.pair', -1, 'public.pair', 'Its text changes when attributes are added to it.',
			'HINT:  Use a column for each of its attributes, or jsonb.' ],
		[ 'public.oid_range', -1, 'public.oid_range',
			'It is made of type oid. It names an object of this database by a number that other databases do not know.',
			q{HINT:  Use bigint, or store the object's name in a column of type text.} ],
		[ 'public.pair_domain', -1, 'public.pair_domain',
			'It is made of type public.pair. Its text changes when attributes are added to it.',
			'HINT:  Use a column for each of its attributes, or jsonb.' ],
		[ 'xml', -1, 'xml', 'Its text depends on how the server was built.', 'HINT:  Use text.' ],
		[ '"char"', -1, '"char"', 'Its text for bytes above 127 is no UTF-8 and changed in PostgreSQL 16.', 'HINT:  Use text or char(1).' ],
		[ 'public.ltree', -1, 'public.ltree', 'Nobody has reviewed yet that its text is fixed.', sprintf($operator, q{'public.ltree'}) ],
		[ 'public.moving', -1, 'public.moving', 'Its output function is not immutable.', 'HINT:  Use text.' ],
		[ 'refcursor', -1, 'refcursor', 'It is not on the list of types with one fixed text.', 'HINT:  Use text.' ]);

	sql($DUMP, <<'SQL');
CREATE TYPE public.pair AS (a int, b text);
CREATE DOMAIN public.pair_domain AS public.pair;
CREATE TYPE public.oid_range AS RANGE (subtype = oid);
CREATE EXTENSION ltree SCHEMA public;
CREATE TYPE public.moving;
CREATE FUNCTION public.moving_in(cstring) RETURNS public.moving STRICT STABLE LANGUAGE internal AS 'textin';
CREATE FUNCTION public.moving_out(public.moving) RETURNS cstring STRICT STABLE LANGUAGE internal AS 'textout';
CREATE TYPE public.moving (INPUT = public.moving_in, OUTPUT = public.moving_out, LIKE = text);
INSERT INTO seoulchain.allowed_type (type, reason) VALUES ('public.moving', 'a mistake');
SQL
	foreach my $refusal (@refusals)
	{
		my ($type, $typmod, $shown, $detail, $hint) = @$refusal;
		local $ENV{PGOPTIONS} = $DUMP;
		my ($status, $out, $err) = $node->psql($DB, "SELECT row_text.type_check('$type'::regtype, $typmod, 'c')");
		is($err, "psql:<stdin>:1: ERROR:  column \"c\" of type $shown cannot stand in a ledger table\nDETAIL:  $detail\n$hint", "$type is refused");
	}
	is(sql($DUMP, "SELECT row_text.type_is_allowed('public.citext[]'::regtype), row_text.type_is_allowed('public.hstore'::regtype)"),
		't|t', 'reviewed types and arrays of them are allowed');
	return;
}

# a leaf may have 65535 bytes and no more
sub test_limit
{
	my @names = map { "c$_" } 1 .. 65;
	my $columns = join ', ', map { "$_ text" } @names;
	my $insert = sub { "INSERT INTO public.wide VALUES (" . join(', ', ("repeat('x', 1005)") x 64, "repeat('y', $_[0])", '7') . ')' };

	sql($DUMP, "CREATE TABLE public.wide ($columns, ledger_seq bigint)");
	sql($DUMP, $insert->(0));
	my $rest = 65535 - sql($DUMP, "SELECT length(row_text.leaf('public.wide', w.*, 7)) FROM public.wide w");
	sql($DUMP, 'TRUNCATE public.wide; ' . $insert->($rest));
	is(sql($DUMP, "SELECT length(row_text.leaf('public.wide', w.*, 7)) FROM public.wide w"), '65535', 'a leaf of 65535 bytes');
	sql($DUMP, 'TRUNCATE public.wide; ' . $insert->($rest + 1));
	my ($status, $out, $err) = $node->psql($DB, "SELECT row_text.leaf('public.wide', w.*, 7) FROM public.wide w");
	is($err, 'psql:<stdin>:1: ERROR:  row of ledger table "public.wide" is too large' . "\n"
		  . 'DETAIL:  Its leaf would have 65536 bytes, the limit is 65535 bytes.' . "\n"
		  . 'HINT:  Use fewer or shorter columns; of a value over 1024 bytes a leaf holds only the digest.', 'one byte more is refused');
	return;
}

# columns that joined later, in the module's registry at 2000; generated columns
sub test_columns
{
	sql($DUMP, "CREATE TABLE public.grown (a int, later int DEFAULT 5, g int GENERATED ALWAYS AS (a + 1) STORED, ledger_seq bigint); "
		  . "INSERT INTO public.grown (a, ledger_seq) VALUES (1, 1)");
	my $leaf = sub { sql($DUMP, "SELECT row_text.leaf('public.grown', r.*, $_[0]) FROM public.grown r") };
	is($leaf->(2000), '{"chain":"seoul.go.kr/inspector/main","columns":{"a":"1"},"seq":"2000","table":"public.grown"}',
		'a row as old as the column');
	is($leaf->(2001), '{"chain":"seoul.go.kr/inspector/main","columns":{"a":"1","later":"5"},"seq":"2001","table":"public.grown"}',
		'a row younger than the column');

	# the module compares the cached format with a fresh one in every call
	is(sql($DUMP, <<'SQL'),
SELECT length(row_text.leaf('public.grown', r.*)) FROM public.grown r;
ALTER TABLE public.grown RENAME COLUMN a TO renamed;
SELECT row_text.leaf('public.grown', r.*) FROM public.grown r;
BEGIN;
ALTER TABLE public.grown ADD COLUMN b text DEFAULT 'x';
SELECT row_text.leaf('public.grown', r.*) FROM public.grown r;
ROLLBACK;
SELECT row_text.leaf('public.grown', r.*) FROM public.grown r;
SQL
		join("\n", 94,
			map { qq({"chain":"seoul.go.kr/inspector/main","columns":{$_"renamed":"1"},"seq":"1000","table":"public.grown"}) } '', '"b":"x",', ''),
		'the cached format follows ALTER TABLE and its rollback');
	return;
}

# the session's settings are back after a leaf, and after a leaf that failed
sub test_settings
{
	my $show = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings "
	  . "WHERE name IN ('DateStyle', 'TimeZone', 'IntervalStyle', 'extra_float_digits', 'bytea_output')";
	my $shown = sql($HOSTILE[0], $show);

	sql($DUMP, "CREATE TABLE public.spoilt (a tstzrange[], b interval, c bytea[], d float8[], "
		  . join('', map { "c$_ text, " } 1 .. 70) . "ledger_seq bigint); "
		  . "INSERT INTO public.spoilt (a, b, c, d) VALUES ('{\"[2026-11-23 00:00+00,infinity)\"}', '1 day -1 hour', ARRAY['\\x00ff'::bytea], '{0.1}')");
	my $out = sql($HOSTILE[0], "SELECT row_text.leaf('public.spoilt', s.*) FROM public.spoilt s;\n$show;");
	is($out, '{"chain":"seoul.go.kr/inspector/main","columns":{"a":"{\"[\\\\\"2026-11-23 00:00:00+00\\\\\",infinity)\"}",'
		  . '"b":"1 day -01:00:00","c":"{\"\\\\\\\\x00ff\"}","d":"{0.1}"},"seq":"1000","table":"public.spoilt"}' . "\n$shown",
		'settings are back after a leaf');
	sql($DUMP, 'UPDATE public.spoilt SET ' . join ', ', map { "c$_ = repeat('x', 1000)" } 1 .. 70);
	is(sql($HOSTILE[0], <<"SQL"), "\n$shown" =~ s/^\n//r, 'settings are back after a leaf that failed');
DO \$\$ BEGIN PERFORM row_text.leaf('public.spoilt', s.*) FROM public.spoilt s;
EXCEPTION WHEN program_limit_exceeded THEN NULL; END \$\$;
$show;
SQL
	return;
}

# --- what only ledger tables can be asked ------------------------------------

# verify() recomputes in a hostile session what other hostile sessions recorded
sub test_verify
{
	sql($DUMP, 'SELECT seoulchain.seal()');
	isnt(sql($DUMP, 'SELECT max(height) FROM seoulchain.block'), '', 'the rows are sealed');
	foreach my $options (@HOSTILE, $DUMP)
	{
		is(sql($options, 'SELECT relation, ledger_seq, fault FROM seoulchain.verify() LIMIT 10'), '', 'verify() has nothing to say');
	}
	return;
}

# types are asked when tables are made and columns added
sub test_guard
{
	my $refused = qr/column "c" of type money cannot stand in a ledger table\nDETAIL:  Its text depends on lc_monetary\.\nHINT:  Use numeric\./;
	my ($status, $out, $err) = $node->psql($DB, 'CREATE TABLE public.priced (a int, c money) USING ledger');
	like($err, $refused, 'CREATE TABLE refuses a type');
	sql($DUMP, 'CREATE TABLE public.priced (a int) USING ledger');
	($status, $out, $err) = $node->psql($DB, 'ALTER TABLE public.priced ADD COLUMN c money');
	like($err, $refused, 'ADD COLUMN refuses a type');
	($status, $out, $err) = $node->psql($DB, 'CREATE TABLE public.made USING ledger AS SELECT 1::money AS c');
	like($err, $refused, 'CREATE TABLE AS refuses a type');
	sql($DUMP, 'INSERT INTO public.priced VALUES (1); ALTER TABLE public.priced ADD COLUMN b text DEFAULT \'x\'; INSERT INTO public.priced VALUES (2)');
	is(join("\n", map { s/"seq":"\d+"/"seq":"N"/r }
			  split /\n/, sql($DUMP, "SELECT convert_from(seoulchain.leaf_data('public.priced', ledger_seq), 'UTF8') FROM public.priced ORDER BY a")),
		join("\n", map { qq({"chain":"$ORIGIN","columns":{$_},"seq":"N","table":"public.priced"}) } '"a":"1"', '"a":"2","b":"x"'),
		'a column added later is in later leaves only');
	return;
}

foreach my $source ($encoder, $ledger)
{
	$node->safe_psql('postgres', "CREATE DATABASE $source->{db}");
	$DB = $source->{db};
	sql($DUMP, "$source->{setup}; $SETUP");
	sql($DUMP, "INSERT INTO seoulchain.allowed_type (type, reason) VALUES "
		  . join ', ', map { "('public.$_', 'test')" } qw(citext hstore cube));
	$ORIGIN = 'seoul.go.kr/inspector/main';
	if ($source == $ledger)
	{
		sql($DUMP, "SELECT seoulchain.create_chain('main')");
		$ORIGIN = sql($DUMP, 'SELECT origin FROM seoulchain.chain');
	}
	test_types($source);
	test_names($source);
	if ($source == $encoder)
	{
		test_builtin_types();
		test_refusals();
		test_limit();
		test_columns();
		test_settings();
	}
	else
	{
		test_verify();
		test_guard();
	}
}

done_testing();
