/*
 * The access method.
 */
CREATE FUNCTION seoulchain.check_encoding() RETURNS void
	AS 'MODULE_PATHNAME', 'sc_check_encoding' LANGUAGE C;
SELECT seoulchain.check_encoding();
DROP FUNCTION seoulchain.check_encoding();

CREATE FUNCTION seoulchain.ledger_handler(internal) RETURNS table_am_handler
	AS 'MODULE_PATHNAME', 'sc_ledger_handler' LANGUAGE C STRICT;
COMMENT ON FUNCTION seoulchain.ledger_handler(internal) IS 'handler of the table access method ledger';

CREATE ACCESS METHOD ledger TYPE TABLE HANDLER seoulchain.ledger_handler;
COMMENT ON ACCESS METHOD ledger IS 'append-only, hash-chained tables on top of heap';

CREATE FUNCTION seoulchain.add_ledger_seq(parent regclass) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_add_ledger_seq' LANGUAGE C STRICT;
COMMENT ON FUNCTION seoulchain.add_ledger_seq(regclass) IS
	'gives a partitioned table the column ledger_seq, so that it can have ledger partitions; for its owner';

CREATE FUNCTION seoulchain.add_ledger_time(relation regclass) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_add_ledger_time' LANGUAGE C STRICT;
COMMENT ON FUNCTION seoulchain.add_ledger_time(regclass) IS
	'rows of a ledger table, or of all partitions of a tree, record when they were accepted from now on; for its owner';
