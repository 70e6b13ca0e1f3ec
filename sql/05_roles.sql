/*
 * Roles.  They belong to the cluster, not to one database: a second
 * database's CREATE EXTENSION finds them there, DROP EXTENSION leaves them.
 */
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'seoulchain_auditor') THEN
		CREATE ROLE seoulchain_auditor NOLOGIN;
		COMMENT ON ROLE seoulchain_auditor IS 'may run every read and proof function of seoulchain on everything';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'seoulchain_operator') THEN
		CREATE ROLE seoulchain_operator NOLOGIN;
		COMMENT ON ROLE seoulchain_operator IS 'may seal and manage chains, keys and nodes of seoulchain';
	END IF;
	/* rows of other nodes are applied as this role, by background workers; a connection limit of 0 keeps everybody else out */
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'seoulchain_apply') THEN
		CREATE ROLE seoulchain_apply LOGIN CONNECTION LIMIT 0;
		COMMENT ON ROLE seoulchain_apply IS 'applies what other nodes of seoulchain send; nobody can log in as it';
	END IF;
END
$$;

