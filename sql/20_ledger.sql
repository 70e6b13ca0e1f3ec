/*
 * The access method.
 */
CREATE FUNCTION seoulchain.ledger_handler(internal) RETURNS table_am_handler
	AS 'MODULE_PATHNAME', 'sc_ledger_handler' LANGUAGE C STRICT;
COMMENT ON FUNCTION seoulchain.ledger_handler(internal) IS 'handler of the table access method ledger';

CREATE ACCESS METHOD ledger TYPE TABLE HANDLER seoulchain.ledger_handler;
COMMENT ON ACCESS METHOD ledger IS 'append-only, hash-chained tables on top of heap';

