#!/bin/sh
# Runs tieback/stack/roles.sql against the database server, with the passwords of /run/secrets.
set -eu
secrets=${SECRETS:-/run/secrets}

for role in owner app worker resolver ops; do
    name=TIEBACK_$(echo "$role" | tr '[:lower:]' '[:upper:]')_PASSWORD
    export "$name=$(cat "$secrets/tieback_${role}_password")"
done
PGPASSWORD=$(cat "$secrets/postgres_password")
export PGPASSWORD

# The server logs the text of a statement that fails, and these carry passwords.
export PGOPTIONS="-c log_statement=none -c log_min_error_statement=panic -c log_min_duration_statement=-1"

exec psql -X -q --no-password --set="resolver_connections=${RESOLVER_CONNECTIONS:-48}" \
    -f "${ROLES:-/deploy/roles.sql}"
