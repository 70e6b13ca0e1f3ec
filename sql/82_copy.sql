
/*
 * Copies of other nodes' chains.
 */
CREATE FUNCTION seoulchain.drop_copy(origin text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_drop_copy' LANGUAGE C STRICT;
COMMENT ON FUNCTION seoulchain.drop_copy(text) IS
	'drops the tables, events and blocks of a copy that is not followed any more; as if it had never been followed';
