"""Which port each server listens on, the same from one start to the next where it is free."""

import contextlib
import json
import os
import random
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from tieback.devchain import PORT
from tieback.stack.errors import StackError

HOST = "127.0.0.1"
# Pages and printed addresses: fixed by the environment, first name that is set.
FIXED = {
    "web": (("TIEBACK_WEB_PORT", "MINTING_SERVICE_PORT"), 8000),
    "resolver": (("TIEBACK_RESOLVER_PORT",), 8001),
    "console": (("TIEBACK_CONSOLE_PORT",), 8002),
    "devchain": (("TIEBACK_DEVCHAIN_PORT",), PORT),
}
INNER = ("postgres", "valkey", "s3", "worker")
_HIGHEST = 65_535
# Below the range systems give to outgoing connections: a server that is restarted finds its port
# still free, and two processes that look for a port at once do not meet.
_FIRST, _LAST = 20_000, 29_999


def choose_ports(
    home: Path, *, free: bool, environ: Mapping[str, str], further: Iterable[str] = ()
) -> dict[str, int]:
    """Return a port for every server; with ``free`` none of them is a fixed one."""
    inner = (*INNER, *further)
    path = home / "ports.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    with contextlib.ExitStack() as held:
        ports = {name: _hold(held, kept.get(name)) for name in inner}
        for name in FIXED:
            ports[name] = _hold(held, None) if free else fixed_port(name, environ)
    path.write_text(json.dumps({name: ports[name] for name in inner}) + "\n")
    return ports


def free_ports(count: int) -> list[int]:
    """Return different ports of this host that nothing listens on."""
    with contextlib.ExitStack() as held:
        return [_hold(held, None) for _ in range(count)]


def fixed_port(name: str, environ: Mapping[str, str]) -> int:
    """Return the port the environment gives to a page server."""
    variables, default = FIXED[name]
    for variable in variables:
        if value := environ.get(variable):
            if not value.isdigit() or not 0 < int(value) <= _HIGHEST:
                message = f"{variable}={value} is not a port number"
                raise StackError(message)
            return int(value)
    return default


def require_free(ports: Mapping[str, int], names: Iterable[str]) -> None:
    """Refuse in one line when a wanted port is taken."""
    for name in names:
        with contextlib.ExitStack() as held:
            if name in ports and not _listen(held, ports[name]):
                variable = FIXED[name][0][0] if name in FIXED else ""
                hint = f": set {variable} to another one" if variable else ""
                message = f"port {ports[name]} for {name} is in use{hint}"
                raise StackError(message)


def _hold(held: contextlib.ExitStack, wanted: int | None) -> int:
    """Take a port until ``held`` closes, so that the next search cannot return it too."""
    if wanted and _listen(held, wanted):
        return wanted
    for _ in range(200):
        port = random.SystemRandom().randint(_FIRST, _LAST)
        if _listen(held, port):
            return port
    message = f"no free port between {_FIRST} and {_LAST} on {HOST}"
    raise StackError(message)


def _listen(held: contextlib.ExitStack, port: int) -> bool:
    probe = socket.socket()
    # A port in TIME_WAIT is free for a server; one that is listened on is refused all the same.
    if os.name == "posix":
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, port))
        probe.listen(1)
    except OSError:
        probe.close()
        return False
    held.enter_context(contextlib.closing(probe))
    return True
