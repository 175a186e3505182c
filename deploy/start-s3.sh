#!/bin/sh
# Starts SeaweedFS with one identity, which may read and write one bucket and do nothing else.
# Everything but the S3 port listens inside the container only: those servers ask for no password.
set -eu
secrets=${SECRETS:-/run/secrets}
identities=${IDENTITIES:-/run/s3/identities.json}

umask 077
cat > "$identities" <<JSON
{"identities": [{
  "name": "tieback",
  "credentials": [{
    "accessKey": "$(cat "$secrets/s3_access_key_id")",
    "secretKey": "$(cat "$secrets/s3_secret_access_key")"
  }],
  "actions": ["Read:$S3_BUCKET", "Write:$S3_BUCKET", "List:$S3_BUCKET", "Tagging:$S3_BUCKET"]
}]}
JSON

exec weed -logtostderr server "-dir=${DATA:-/data}" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
    -filer -s3 "-s3.ip.bind=${S3_LISTEN:-0.0.0.0}" -s3.port=8333 "-s3.config=$identities" \
    -s3.port.iceberg=0 -s3.port.lance=0 \
    -master.telemetry=false -master.electionTimeout=1s \
    -master.volumeSizeLimitMB=1024 -volume.max=0
