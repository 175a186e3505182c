"""Raw ASGI on asyncpg, without a framework: lookup and redirect, no scan recorded."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

# A process; measured with 2, 4 and 8: the more there are, the more answers one wake-up reads.
SESSIONS = 8
_UNIT = """
select unit.token, unit.status, batch.activation_mode
  from minting_mintunit as unit join minting_mintbatch as batch on batch.id = unit.batch_id
 where unit.token = $1
"""
_LINK = f"{_UNIT} and unit.serial is null and batch.gtin = $2"
_EMPTY = {"type": "http.response.body", "body": b""}

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class _Pool:
    sessions: Any = None


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer ``/01/{gtin}/21/{serial}`` and ``/mu/{token}``."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    parts = scope["path"].split("/")
    token = parts[-1]
    if parts[1] == "01":
        row = await _Pool.sessions.fetchrow(_LINK, token, parts[2])
    else:
        row = await _Pool.sessions.fetchrow(_UNIT, token)
    headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
    if row is not None:
        headers.append((b"location", f"/p/{row[0]}".encode()))
    status = 404 if row is None else 307
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send(_EMPTY)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            # The address and the password are libpq's variables.
            _Pool.sessions = await asyncpg.create_pool(min_size=SESSIONS, max_size=SESSIONS)
            await send({"type": "lifespan.startup.complete"})
        else:
            await _Pool.sessions.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
