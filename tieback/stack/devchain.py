"""The dev chain of the embedded stack: its server, and lamports for the payer to spend.

It is a chain of this home's own. The payer's key is made with the other secrets of the home, so it
goes when the chain goes, and is bound to no other.
"""

import functools
import http.client
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tieback.devchain import SLOT_MS, server_variables, server_words
from tieback.stack.errors import StackError
from tieback.stack.ports import HOST
from tieback.stack.supervisor import Service

NAME = "devchain"
#: Lamports: filled up to a thousand SOL wherever there are less than a hundred.
ENOUGH, FULL = 100 * 10**9, 1_000 * 10**9


def devchain_service(
    folder: Path, *, port: int, environ: Mapping[str, str], project: Path
) -> Service:
    """Return the server to start. ``environ`` may name program dumps and how long a slot is."""
    programs = environ.get("DEVCHAIN_PROGRAMS_DIR")
    if programs and not Path(programs).is_dir():
        message = f"DEVCHAIN_PROGRAMS_DIR={programs} is no folder"
        raise StackError(message)
    known = server_variables(
        folder,
        slot_ms=float(environ.get("DEVCHAIN_SLOT_MS") or SLOT_MS),
        programs=Path(programs) if programs else None,
    )
    return Service(
        name=NAME,
        argv=(sys.executable, *server_words(port)),
        env={"PATH": os.defpath, "PYTHONUNBUFFERED": "1", **known},
        cwd=project,
        ready=functools.partial(devchain_answers, port),
    )


def devchain_answers(port: int) -> bool:
    """Say whether the chain takes requests."""
    try:
        return bool(_ask(port, "getHealth") == "ok")
    except (OSError, http.client.HTTPException, ValueError, LookupError):
        return False


def ensure_funds(port: int, address: str) -> None:
    """Give the payer lamports where it has few; again and again is once."""
    try:
        held = _ask(port, "getBalance", address)["value"]
        if held < ENOUGH:
            _ask(port, "requestAirdrop", address, FULL - held)
    except (OSError, http.client.HTTPException, ValueError, LookupError) as error:
        message = f"the dev chain does not fund {address}: {type(error).__name__}"
        raise StackError(message) from error


def _ask(port: int, method: str, *params: object) -> Any:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    try:
        connection.request("POST", "/", json.dumps(asked), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())["result"]
    finally:
        connection.close()
