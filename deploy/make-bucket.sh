#!/bin/sh
# Makes the bucket unless it is there. Runs beside SeaweedFS, in its network.
set -eu

shell() {
    echo "$1" | timeout 60 weed shell
}

if shell s3.bucket.list | grep -qE "^[[:space:]]*${S3_BUCKET}[[:space:]]"; then
    echo "bucket $S3_BUCKET is there"
else
    shell "s3.bucket.create -name $S3_BUCKET"
fi
