#!/bin/sh
# Starts Valkey. Its settings come by standard input, so that the password is in no process list.
# Every message is a doorbell that a sweep rings again, but eviction would lose them in silence.
set -eu
exec valkey-server - <<SETTINGS
port 6379
dir /data
appendonly yes
save ""
maxmemory-policy noeviction
requirepass $(cat "${SECRETS:-/run/secrets}/redis_password")
SETTINGS
