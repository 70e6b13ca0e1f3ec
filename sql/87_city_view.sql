/*
 * Shared tables: one view over the tables of one name of all agencies.
 */
CREATE TABLE seoulchain.city_view (
	name text COLLATE "C" PRIMARY KEY,
	query text NOT NULL,
	problem text,
	changed_at timestamptz NOT NULL
);
COMMENT ON TABLE seoulchain.city_view IS 'views of schema city that are kept up to date';
COMMENT ON COLUMN seoulchain.city_view.name IS 'name of the view, and of the agencies'' tables';
COMMENT ON COLUMN seoulchain.city_view.query IS 'the query that it was made of';
COMMENT ON COLUMN seoulchain.city_view.problem IS 'why it is not what the tables are now';
COMMENT ON COLUMN seoulchain.city_view.changed_at IS 'when it was made or looked at last with another result';

SELECT pg_catalog.pg_extension_config_dump('seoulchain.city_view', '');

CREATE VIEW seoulchain.city_views AS SELECT name, problem, changed_at FROM seoulchain.city_view;
COMMENT ON VIEW seoulchain.city_views IS 'the views of schema city, each over the tables of one name of all agencies';
COMMENT ON COLUMN seoulchain.city_views.name IS 'name of the view in schema city';
COMMENT ON COLUMN seoulchain.city_views.problem IS 'why it does not show all tables as they are now; NULL when it does';
COMMENT ON COLUMN seoulchain.city_views.changed_at IS 'when it changed last';

CREATE FUNCTION seoulchain.city_view(name text) RETURNS regclass
	AS 'MODULE_PATHNAME', 'sc_city_view' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.city_view(text) IS 'makes and keeps the view city.<name> over the tables of that name of all agencies';

CREATE FUNCTION seoulchain.drop_city_view(name text) RETURNS void
	AS 'MODULE_PATHNAME', 'sc_drop_city_view' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION seoulchain.drop_city_view(text) IS 'drops such a view and keeps it no more';

