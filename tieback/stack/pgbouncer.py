"""PgBouncer in transaction mode in front of PostgreSQL, where ``TIEBACK_PGBOUNCER`` names it.

It is no part of the default stack: it is there to run tieback as behind somebody's pooler.
"""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import psycopg

from tieback.planes import PLANES, WEB
from tieback.stack.environment import DATABASE
from tieback.stack.errors import StackError
from tieback.stack.ports import HOST
from tieback.stack.secrets import write_private
from tieback.stack.supervisor import Service
from tieback.stack.unprivileged import choose_identity

# Sessions that nobody uses go after two seconds: a database with sessions cannot be dropped.
_SETTINGS = """\
[databases]
* = host={host} port={postgres}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
max_client_conn = 500
default_pool_size = 18
server_idle_timeout = 2
server_tls_sslmode = disable
log_connections = 0
log_disconnections = 0
log_stats = 0
"""


def pgbouncer_service(
    binary: Path, folder: Path, *, ports: Mapping[str, int], kept: Mapping[str, str]
) -> Service:
    """Write its settings and return the server to start."""
    if not os.access(binary, os.X_OK):
        message = f"TIEBACK_PGBOUNCER={binary} cannot be run (Debian: apt install pgbouncer)"
        raise StackError(message)
    users, settings = folder / "users.txt", folder / "pgbouncer.ini"
    passwords = {plane.role: kept[plane.password_variable] for plane in PLANES.values()}
    write_private(users, "".join(f'"{role}" "{word}"\n' for role, word in passwords.items()))
    write_private(
        settings,
        _SETTINGS.format(
            host=HOST, postgres=ports["postgres"], port=ports["pgbouncer"], users=users
        ),
    )
    # It refuses root, as PostgreSQL does.
    identity = choose_identity(binary, folder)
    for path in (users, settings):
        if identity.uid is not None and identity.gid is not None:
            os.chown(path, identity.uid, identity.gid)
    return Service(
        name="pgbouncer",
        argv=(str(binary), str(settings)),
        env={"PATH": os.defpath, "LC_ALL": "C"},
        cwd=Path("/"),
        ready=lambda: _answers(ports["pgbouncer"], passwords[WEB.role]),
        # Ends once no transaction is under way.
        stop_signal=signal.SIGINT,
        identity=identity,
    )


def _answers(port: int, password: str) -> bool:
    try:
        psycopg.connect(
            host=HOST,
            port=port,
            user=WEB.role,
            password=password,
            dbname=DATABASE,
            sslmode="disable",
            connect_timeout=2,
        ).close()
    except psycopg.OperationalError:
        return False
    return True
