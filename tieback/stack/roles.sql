-- The five login roles of tieback, its database, and the limits of each role. Safe to run again:
-- it then sets the passwords and limits anew.
--
-- For a cluster of your own (PostgreSQL 15 or later, psql 15 or later), as a superuser or as a
-- role with CREATEROLE and CREATEDB:
--
--   psql -X -f tieback/stack/roles.sql "host=db.example user=postgres dbname=postgres"
--
-- The passwords come from the environment, so that they show in no process list:
--   TIEBACK_OWNER_PASSWORD TIEBACK_APP_PASSWORD TIEBACK_WORKER_PASSWORD
--   TIEBACK_RESOLVER_PASSWORD TIEBACK_OPS_PASSWORD
-- each in plain, or as a SCRAM-SHA-256 verifier so that the server never sees it either.
--
-- Variables, all optional (--set=name=value):
--   database           name of the database; default tieback
--   owner_createdb     CREATEDB lets tieback_owner make databases, which test runs need;
--                      default NOCREATEDB
--   resolver_connections  connection limit of tieback_resolver; default 48

\set ON_ERROR_STOP on
\set QUIET on
\getenv owner_password TIEBACK_OWNER_PASSWORD
\getenv app_password TIEBACK_APP_PASSWORD
\getenv worker_password TIEBACK_WORKER_PASSWORD
\getenv resolver_password TIEBACK_RESOLVER_PASSWORD
\getenv ops_password TIEBACK_OPS_PASSWORD

\if :{?database}
\else
  \set database tieback
\endif
\if :{?owner_createdb}
\else
  \set owner_createdb NOCREATEDB
\endif
\if :{?resolver_connections}
\else
  \set resolver_connections 48
\endif

SELECT :{?owner_password} AND :{?app_password} AND :{?worker_password}
   AND :{?resolver_password} AND :{?ops_password} AS complete \gset
\if :complete
\else
  DO $$ BEGIN
    RAISE 'set TIEBACK_OWNER_PASSWORD, TIEBACK_APP_PASSWORD, TIEBACK_WORKER_PASSWORD, TIEBACK_RESOLVER_PASSWORD and TIEBACK_OPS_PASSWORD';
  END $$;
\endif

-- From PostgreSQL 16 on, a creator who is no superuser may hand the database to a role it has
-- made only with this setting.
SELECT set_config('createrole_self_grant', 'set, inherit', false)
 WHERE current_setting('server_version_num')::int >= 160000 \g /dev/null

SELECT format('CREATE ROLE %I LOGIN', name)
  FROM unnest(ARRAY['tieback_owner', 'tieback_app', 'tieback_worker', 'tieback_resolver',
                    'tieback_ops']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

-- Row-level security binds a role only without these. Named only where they are wrong, because
-- only a superuser may name them.
SELECT format('ALTER ROLE %I NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION', rolname)
  FROM pg_roles
 WHERE rolname IN ('tieback_owner', 'tieback_app', 'tieback_worker', 'tieback_resolver',
                   'tieback_ops')
   AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication)
\gexec

ALTER ROLE tieback_owner LOGIN :owner_createdb PASSWORD :'owner_password';
ALTER ROLE tieback_app LOGIN NOCREATEDB PASSWORD :'app_password';
ALTER ROLE tieback_worker LOGIN NOCREATEDB PASSWORD :'worker_password';
ALTER ROLE tieback_resolver LOGIN NOCREATEDB CONNECTION LIMIT :resolver_connections
  PASSWORD :'resolver_password';
ALTER ROLE tieback_ops LOGIN NOCREATEDB PASSWORD :'ops_password';

-- A process that stops in the middle of a transaction must not hold its locks for ever.
ALTER ROLE tieback_app SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE tieback_worker SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE tieback_ops SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE tieback_resolver SET statement_timeout = '500ms';
ALTER ROLE tieback_app SET statement_timeout = '30s';
ALTER ROLE tieback_ops SET statement_timeout = '60s';
ALTER ROLE tieback_app SET lock_timeout = '5s';
ALTER ROLE tieback_ops SET lock_timeout = '5s';

SELECT format('CREATE DATABASE %I OWNER tieback_owner ENCODING ''UTF8'' TEMPLATE template0', name)
  FROM (SELECT :'database'::text AS name) AS wanted
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database"
   TO tieback_app, tieback_worker, tieback_resolver, tieback_ops;
