-- Proofs: leaves, inclusion, consistency, receipts, and every kind of bad input.
CREATE EXTENSION IF NOT EXISTS seoulchain;
SET client_min_messages = warning;
-- in one transaction, so in one block, whenever the worker seals
BEGIN;
SELECT seoulchain.create_chain('proofs') IS NOT NULL AS made;
SET seoulchain.default_chain = 'proofs';
CREATE TABLE proven (id int, memo text, secret text) USING ledger;
CREATE TABLE plain (id int);
INSERT INTO proven SELECT i, 'memo ' || i, 'secret ' || i FROM generate_series(1, 700) i;
COMMIT;
SELECT count(seoulchain.seal('proofs')) < 2 AS sealed;
CREATE TEMP TABLE seqs AS SELECT id, ledger_seq AS seq FROM proven;

-- a row's leaf
SELECT seoulchain.leaf_index('proven', seq) - (SELECT seoulchain.leaf_index('proven', seq) FROM seqs WHERE id = 1) AS behind_the_first
	FROM seqs WHERE id IN (1, 2, 700) ORDER BY id;
SELECT convert_from(seoulchain.leaf_data('proven', seq), 'UTF8')::jsonb -> 'columns' AS columns FROM seqs WHERE id IN (7, 8) ORDER BY id;
SELECT seoulchain.leaf_hash('proven', seq) = sha256('\x00'::bytea || seoulchain.leaf_data('proven', seq)) AS agrees FROM seqs WHERE id IN (7, 8);
SELECT seoulchain.leaf_index(NULL, 1) IS NULL AND seoulchain.leaf_index('proven', NULL) IS NULL AS nothing_from_nothing;

-- inclusion: every row, at the checkpoint's size and at others
SELECT count(*) AS proven, bool_and(p.chain = 'proofs' AND p.leaf_index = seoulchain.leaf_index('proven', seq)
		AND p.leaf_hash = seoulchain.leaf_hash('proven', seq) AND p.root_hash = seoulchain.root_hash('proofs', p.tree_size)
		AND seoulchain.verify_inclusion(p.leaf_hash, p.leaf_index, p.tree_size, p.path, p.root_hash)) AS all_hold
	FROM seqs, seoulchain.inclusion_proof('proven', seq) p;
SELECT count(*) AS sizes, bool_and(p.tree_size = size AND p.root_hash = seoulchain.root_hash('proofs', size)
		AND seoulchain.verify_inclusion(p.leaf_hash, p.leaf_index, p.tree_size, p.path, p.root_hash)) AS all_hold
	FROM seqs, generate_series(seoulchain.leaf_index('proven', seq) + 1, 700, 7) size, seoulchain.inclusion_proof('proven', seq, size) p
	WHERE id IN (1, 2, 255, 256, 257, 512);
-- no other leaf, size, path or root passes
SELECT seoulchain.verify_inclusion(leaf_hash, leaf_index + 1, tree_size, path, root_hash) AS other_index,
	seoulchain.verify_inclusion(leaf_hash, leaf_index, tree_size * 4, path, root_hash) AS other_size,
	seoulchain.verify_inclusion(set_byte(leaf_hash, 0, 255 - get_byte(leaf_hash, 0)), leaf_index, tree_size, path, root_hash) AS other_leaf,
	seoulchain.verify_inclusion(leaf_hash, leaf_index, tree_size, path[2:], root_hash) AS shorter,
	seoulchain.verify_inclusion(leaf_hash, leaf_index, tree_size, path || root_hash, root_hash) AS longer,
	seoulchain.verify_inclusion(leaf_hash, leaf_index, tree_size, path, leaf_hash) AS other_root
	FROM seqs, seoulchain.inclusion_proof('proven', seq) WHERE id = 300;

-- what cannot be proven
BEGIN;
INSERT INTO proven VALUES (701, 'not sealed', NULL) RETURNING seoulchain.leaf_index('proven', ledger_seq), ledger_seq AS own \gset
SELECT convert_from(seoulchain.leaf_data('proven', :own), 'UTF8')::jsonb -> 'columns' AS columns;
SAVEPOINT s;
SELECT seoulchain.inclusion_proof('proven', :own);
ROLLBACK TO s;
SELECT seoulchain.receipt('proven', :own);
ROLLBACK;
SELECT seoulchain.inclusion_proof('proven', 999999999);
SELECT seoulchain.leaf_index('proven', -5) IS NULL AND seoulchain.leaf_index('proven', 999999999) IS NULL AS not_sealed;
SELECT seoulchain.leaf_data('proven', -5);
SELECT seoulchain.leaf_index('proven', 1);
SELECT seoulchain.inclusion_proof('plain', 1);
SELECT seoulchain.leaf_data('plain', 1);
SELECT seoulchain.leaf_hash('pg_class', 1);
SELECT seoulchain.receipt(0, 1);
SELECT seoulchain.inclusion_proof('proven', seq, 0) FROM seqs WHERE id = 1;
SELECT seoulchain.inclusion_proof('proven', seq, -1) FROM seqs WHERE id = 1;
SELECT seoulchain.inclusion_proof('proven', seq, 9223372036854775807) FROM seqs WHERE id = 1;

-- consistency: sizes of every kind
SELECT count(*) AS pairs, bool_and(seoulchain.verify_consistency(m, seoulchain.root_hash('proofs', m), n, seoulchain.root_hash('proofs', n),
		seoulchain.consistency_proof('proofs', m, n))) AS all_hold
	FROM generate_series(1, 700, 11) m, generate_series(m, 700, 37) n;
SELECT cardinality(seoulchain.consistency_proof('proofs', 0, 5)) AS from_nothing, cardinality(seoulchain.consistency_proof('proofs', 5, 5)) AS to_itself,
	seoulchain.consistency_proof('proofs', 3) = seoulchain.consistency_proof('proofs', 3, (SELECT max(tree_size) FROM seoulchain.block WHERE chain = 'proofs')) AS to_the_checkpoint;
SELECT seoulchain.verify_consistency(3, seoulchain.root_hash('proofs', 3), 10, seoulchain.root_hash('proofs', 11), seoulchain.consistency_proof('proofs', 3, 10)) AS other_root,
	seoulchain.verify_consistency(4, seoulchain.root_hash('proofs', 3), 10, seoulchain.root_hash('proofs', 10), seoulchain.consistency_proof('proofs', 3, 10)) AS other_size,
	seoulchain.verify_consistency(10, seoulchain.root_hash('proofs', 10), 3, seoulchain.root_hash('proofs', 3), seoulchain.consistency_proof('proofs', 3, 10)) AS backwards;
SELECT seoulchain.consistency_proof('proofs', 10, 3);
SELECT seoulchain.consistency_proof('proofs', -1);
SELECT seoulchain.consistency_proof('proofs', 1, 9223372036854775807);
SELECT seoulchain.consistency_proof('no such chain', 1);
SELECT seoulchain.consistency_proof(NULL, 1) IS NULL AS nothing_from_nothing;

-- malformed proofs are false, whatever they are
SELECT seoulchain.verify_inclusion(h, 0, 1, '{}', h) AS a_tree_of_one,
	seoulchain.verify_inclusion(h, -1, 1, '{}', h) AS below, seoulchain.verify_inclusion(h, 1, 1, '{}', h) AS beyond,
	seoulchain.verify_inclusion(h, 0, 0, '{}', h) AS empty, seoulchain.verify_inclusion(h, 9223372036854775806, 9223372036854775807, '{}', h) AS far,
	seoulchain.verify_inclusion('\x00', 0, 1, '{}', h) AS short_leaf, seoulchain.verify_inclusion(h || h, 0, 1, '{}', h) AS long_leaf,
	seoulchain.verify_inclusion(h, 0, 1, '{}', '') AS short_root, seoulchain.verify_inclusion(h, 0, 2, ARRAY[NULL::bytea], h) AS null_hash,
	seoulchain.verify_inclusion(h, 0, 2, ARRAY['\x01'::bytea], h) AS short_hash, seoulchain.verify_inclusion(h, 0, 2, ARRAY[[h, h]], h) AS two_dimensions,
	seoulchain.verify_inclusion(h, 0, 2, array_fill(h, ARRAY[100000]), h) AS endless
	FROM sha256('x') h;
SELECT seoulchain.verify_consistency(0, h, 0, h, '{}') AS nothing_twice, seoulchain.verify_consistency(1, h, 1, h, '{}') AS same,
	seoulchain.verify_consistency(1, h, 2, h, '{}') AS no_proof, seoulchain.verify_consistency(-1, h, 2, h, '{}') AS below,
	seoulchain.verify_consistency(1, '', 1, '', '{}') AS no_roots, seoulchain.verify_consistency(1, h, 2, h, ARRAY[h, NULL]) AS null_hash,
	seoulchain.verify_consistency(1, h, 9223372036854775807, h, array_fill(h, ARRAY[64])) AS far
	FROM sha256('x') h;
SELECT seoulchain.verify_inclusion(NULL, 0, 1, '{}', NULL) IS NULL AS nothing_from_nothing;

-- a receipt: form, leaf, checkpoint
SELECT split_part(r, E'\n', 1) AS form, convert_from(decode(substring(r FROM 'extra (\S+)'), 'base64'), 'UTF8') = convert_from(seoulchain.leaf_data('proven', seq), 'UTF8') AS leaf,
	substring(r FROM 'index (\d+)')::bigint = seoulchain.leaf_index('proven', seq) AS index,
	split_part(r, E'\n\n', 2) || E'\n\n' = split_part(seoulchain.checkpoint('proofs'), E'\n\n', 1) || E'\n\n' AS checkpoint
	FROM seqs, seoulchain.receipt('proven', seq) r WHERE id = 42;

-- rows that moved are found all the same, with an index and without
VACUUM FULL proven;
SELECT count(seoulchain.leaf_data('proven', seq)) FROM seqs WHERE id % 100 = 0;
CREATE INDEX ON proven (ledger_seq);
CLUSTER proven USING proven_ledger_seq_idx;
SELECT count(seoulchain.leaf_data('proven', seq)) FROM seqs WHERE id % 100 = 0;
-- whoever may SELECT the row, and nobody else
CREATE ROLE regress_reader;
CREATE ROLE regress_auditor IN ROLE seoulchain_auditor;
GRANT SELECT ON seqs TO regress_reader, regress_auditor;
SET ROLE regress_reader;
SELECT seoulchain.leaf_data('proven', seq) FROM seqs WHERE id = 7;
SELECT seoulchain.inclusion_proof('proven', seq) FROM seqs WHERE id = 7;
RESET ROLE;
GRANT SELECT (id, memo) ON proven TO regress_reader;
SET ROLE regress_reader;
SELECT seoulchain.receipt('proven', seq) FROM seqs WHERE id = 7;
RESET ROLE;
GRANT SELECT ON proven TO regress_reader;
SET ROLE regress_reader;
SELECT length(seoulchain.leaf_data('proven', seq)) > 0 AS shown FROM seqs WHERE id = 7;
RESET ROLE;
ALTER TABLE proven ENABLE ROW LEVEL SECURITY;
-- a policy's function may count on the caller's search_path
CREATE FUNCTION public.is_odd(int) RETURNS bool LANGUAGE sql AS 'SELECT $1 % 2 = 1';
CREATE FUNCTION public.odd(int) RETURNS bool LANGUAGE sql AS 'SELECT is_odd($1)';
CREATE POLICY odd ON proven FOR SELECT TO regress_reader USING (public.odd(id));
SET ROLE regress_reader;
SELECT length(seoulchain.leaf_data('proven', seq)) > 0 AS shown FROM seqs WHERE id = 7;
SELECT seoulchain.leaf_index('proven', seq) FROM seqs WHERE id = 8;
SELECT seoulchain.leaf_data('proven', seq) FROM seqs WHERE id = 8;
SELECT seoulchain.verify('proven');
SELECT seoulchain.verify_indexes('proven');
SELECT count(*) FROM seoulchain.verify_progress;
SET ROLE regress_auditor;
SELECT length(seoulchain.leaf_data('proven', seq)) > 0 AS shown FROM seqs WHERE id IN (7, 8);
SELECT * FROM seoulchain.verify('proven');
SELECT * FROM seoulchain.verify_indexes('proven');
SELECT count(*) FROM seoulchain.verify_progress;
RESET ROLE;

-- verify() and bad input
SELECT * FROM seoulchain.verify();
SELECT * FROM seoulchain.verify('proven', seoulchain.checkpoint('proofs'));
SELECT * FROM seoulchain.verify('plain');
SELECT * FROM seoulchain.verify(NULL, '');
SELECT * FROM seoulchain.verify(NULL, 'nonsense');
SELECT * FROM seoulchain.verify(NULL, E'seoul.go.kr/x/main\n-1\nAAAA\n\n');
SELECT chain, fault FROM seoulchain.verify(NULL, E'seoul.go.kr/x/main\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n');
SELECT * FROM seoulchain.verify_indexes('plain');
SELECT * FROM seoulchain.verify_indexes(NULL);

DROP TABLE proven, plain;
DROP FUNCTION public.odd, public.is_odd;
DROP OWNED BY regress_reader, regress_auditor;
DROP ROLE regress_reader, regress_auditor;
