/*
 * Peers, sharing and following: wishes, which the network worker carries out.
 */
CREATE FUNCTION seoulchain.add_peer(name text, conninfo text, cosigner_key text, role name DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_add_peer' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.add_peer(text, text, text, name) IS 'another node to exchange chains and cosignatures with: how to reach it, its cosigner key, and the role under which it reaches us';

CREATE FUNCTION seoulchain.remove_peer(name text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_remove_peer' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.remove_peer(text) IS 'ends the relation with a node; what it sent stays';

CREATE FUNCTION seoulchain.share(chain text, node text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_share' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.share(text, text) IS 'lets a peer follow a chain of this node; it must be one that may read the whole database';

CREATE FUNCTION seoulchain.unshare(chain text, node text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_unshare' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.unshare(text, text) IS 'sends nothing more of a chain to a node';

CREATE FUNCTION seoulchain.follow(origin text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_follow' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.follow(text) IS 'keeps a copy of a peer''s chain, checks its blocks and cosigns them';

CREATE FUNCTION seoulchain.unfollow(origin text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_unfollow' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.unfollow(text) IS 'ends following a chain; the copy stays as it is';

CREATE FUNCTION seoulchain.open_network() RETURNS void
	AS 'MODULE_PATHNAME', 'sc_open_network' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.open_network() IS 'makes a restored or copied database take up its peers: the original must be gone';

CREATE FUNCTION seoulchain.accept_message() RETURNS trigger
	AS 'MODULE_PATHNAME', 'sc_accept_message' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION seoulchain.accept_message() IS 'takes messages from their senders only; called by replication';
CREATE TRIGGER accept BEFORE INSERT ON seoulchain.message
	FOR EACH ROW EXECUTE FUNCTION seoulchain.accept_message();
ALTER TABLE seoulchain.message ENABLE ALWAYS TRIGGER accept;
