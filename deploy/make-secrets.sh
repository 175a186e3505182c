#!/bin/sh
# Makes what docker-compose.yml mounts as secrets, into ./secrets. Keeps every file that exists, so
# it may run again; to change a secret, see "Changing a secret" in docs/operations.md.
set -eu
cd "$(dirname "$0")/.."

# The folder keeps other users of this host out. The files inside are readable, because Compose
# mounts them with the owner and mode they have here, and the containers run as other users.
umask 077
mkdir -p secrets

random_hex() {
    head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

keep() {
    [ -s "secrets/$1" ] && return
    cat > "secrets/$1.new"
    chmod 0444 "secrets/$1.new"
    mv -f "secrets/$1.new" "secrets/$1"
    echo "made secrets/$1"
}

for name in \
    postgres_password tieback_owner_password tieback_app_password tieback_worker_password \
    tieback_resolver_password tieback_ops_password redis_password s3_secret_access_key \
    metrics_token owner_secret_key web_secret_key console_secret_key worker_secret_key \
    resolver_secret_key test_link_key proof_secret
do
    random_hex 32 | keep "$name"
done
printf 'TB%s' "$(random_hex 9 | tr a-f A-F)" | keep s3_access_key_id
