"""Tells the visitors of one day apart, and those of two days not.

A visitor is a keyed hash of address and agent text. The key is random, one for each day of UTC,
shared by all processes through the database, and deleted once the day is counted; the numbers that
are left then say nothing to anybody, whoever holds the address.
"""

import secrets
import time
from hashlib import blake2b

from resolver.database import WAIT, Unavailable, fetch_one

_SECONDS = 86_400
_KEY_BYTES = 32

# Two processes may begin the day at the same moment: the first key stays, and the other process
# reads it with its next scan.
_KEY_OF_DAY = f"""
with made as (
    insert into resolver_visitorkey (day, key) values (%(day)s::date, %(key)s)
    on conflict do nothing returning key
)
select key, {WAIT} from made
 union all
select key, null from resolver_visitorkey where day = %(day)s::date
 limit 1
"""  # noqa: S608 - constants only


class _Key:
    """The key of the day, as this process knows it."""

    day = -1
    bytes = b""


def visitor_of(address: str, agent: str) -> int | None:
    """Return the number of a visitor, 64 bits signed; None where there is no key or no address."""
    day = int(time.time() // _SECONDS)
    if day != _Key.day:
        _learn(day)
    if not _Key.bytes or not address:
        return None
    text = f"{address}\n{agent}".encode(errors="replace")
    return int.from_bytes(blake2b(text, key=_Key.bytes, digest_size=8).digest(), signed=True)


def _learn(day: int) -> None:
    """Read the day's key, or make it. Without one, visitors are not counted; scans are."""
    _Key.bytes = b""
    date = time.strftime("%Y-%m-%d", time.gmtime(day * _SECONDS))
    try:
        found = fetch_one(_KEY_OF_DAY, {"day": date, "key": secrets.token_bytes(_KEY_BYTES)})
    except Unavailable:
        return
    if found:
        _Key.bytes, _Key.day = bytes(found[0]), day
