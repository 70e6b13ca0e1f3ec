/*
 * Proofs.  Row functions work for whoever may SELECT the row, row security
 * applied, and for members of seoulchain_auditor; the check is inside.
 */
CREATE FUNCTION seoulchain.leaf_index(relation regclass, ledger_seq int8) RETURNS int8
	AS 'MODULE_PATHNAME', 'sc_leaf_index' LANGUAGE C STABLE STRICT COST 1000 PARALLEL RESTRICTED;
COMMENT ON FUNCTION seoulchain.leaf_index(regclass, int8) IS 'place of a row in its chain''s tree; NULL while not sealed';

CREATE FUNCTION seoulchain.leaf_data(relation regclass, ledger_seq int8) RETURNS bytea
	AS 'MODULE_PATHNAME', 'sc_leaf_data' LANGUAGE C STABLE STRICT COST 1000 PARALLEL RESTRICTED;
COMMENT ON FUNCTION seoulchain.leaf_data(regclass, int8) IS 'the leaf of a row: canonical JSON of the row as it is stored now';

CREATE FUNCTION seoulchain.leaf_hash(relation regclass, ledger_seq int8) RETURNS bytea
	AS 'MODULE_PATHNAME', 'sc_leaf_hash' LANGUAGE C STABLE STRICT COST 1000 PARALLEL RESTRICTED;
COMMENT ON FUNCTION seoulchain.leaf_hash(regclass, int8) IS 'SHA256(0x00 || leaf_data), the row''s leaf hash';

CREATE FUNCTION seoulchain.inclusion_proof(relation regclass, ledger_seq int8,
	OUT chain text, OUT leaf_index int8, INOUT tree_size int8 DEFAULT NULL,
	OUT leaf_hash bytea, OUT path bytea[], OUT root_hash bytea)
	AS 'MODULE_PATHNAME', 'sc_inclusion_proof' LANGUAGE C STABLE COST 1000 PARALLEL RESTRICTED;
COMMENT ON FUNCTION seoulchain.inclusion_proof(regclass, int8, int8) IS 'proves that a row is in the tree of tree_size leaves; NULL is checkpoint()''s size';

CREATE FUNCTION seoulchain.consistency_proof(chain text, from_size int8, to_size int8 DEFAULT NULL) RETURNS bytea[]
	AS 'MODULE_PATHNAME', 'sc_consistency_proof' LANGUAGE C STABLE COST 1000 PARALLEL RESTRICTED;
COMMENT ON FUNCTION seoulchain.consistency_proof(text, int8, int8) IS 'proves that the tree of to_size leaves extends the one of from_size; NULL is checkpoint()''s size';

CREATE FUNCTION seoulchain.verify_inclusion(leaf_hash bytea, leaf_index int8, tree_size int8, path bytea[], root_hash bytea)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'sc_verify_inclusion' LANGUAGE C IMMUTABLE STRICT COST 100 PARALLEL SAFE;
COMMENT ON FUNCTION seoulchain.verify_inclusion(bytea, int8, int8, bytea[], bytea) IS 'does the path prove the leaf in that tree? (RFC 9162 section 2.1.3.2)';

CREATE FUNCTION seoulchain.verify_consistency(from_size int8, from_root bytea, to_size int8, to_root bytea, path bytea[])
	RETURNS bool
	AS 'MODULE_PATHNAME', 'sc_verify_consistency' LANGUAGE C IMMUTABLE STRICT COST 100 PARALLEL SAFE;
COMMENT ON FUNCTION seoulchain.verify_consistency(int8, bytea, int8, bytea, bytea[]) IS 'does the path prove that one tree extends the other? (RFC 9162 section 2.1.4.2)';

CREATE FUNCTION seoulchain.receipt(relation regclass, ledger_seq int8, tree_size int8 DEFAULT NULL, final boolean DEFAULT false) RETURNS text
	AS 'MODULE_PATHNAME', 'sc_receipt' LANGUAGE C STABLE COST 1000 PARALLEL RESTRICTED;
COMMENT ON FUNCTION seoulchain.receipt(regclass, int8, int8, boolean) IS 'a file that proves a row to someone with no database at hand (C2SP tlog-proof), in the checkpoint of tree_size leaves, final if asked; NULL is checkpoint()''s size';

CREATE FUNCTION seoulchain.wait_for_seal(relation regclass, ledger_seq int8, timeout interval DEFAULT '10 s',
	OUT receipt text, OUT timestamps bytea[])
	AS 'MODULE_PATHNAME', 'sc_wait_for_seal' LANGUAGE C VOLATILE STRICT COST 1000 PARALLEL UNSAFE;
COMMENT ON FUNCTION seoulchain.wait_for_seal(regclass, int8, interval) IS 'waits until a committed row is sealed and signed; its receipt, and timestamp tokens over the receipt''s checkpoint; NULLs when the time is over';

CREATE FUNCTION seoulchain.key_rotations(chain text DEFAULT 'main', OUT ledger_seq bigint, OUT height bigint,
		OUT old_key text, OUT new_key text, OUT receipt text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'sc_key_rotations' LANGUAGE C STRICT STABLE;
COMMENT ON FUNCTION seoulchain.key_rotations(text) IS 'the changes of a chain''s log key and of its node''s cosigner key, each with the receipt that shows it';
