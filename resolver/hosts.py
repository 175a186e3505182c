"""Which brand a request is for: its host says.

Hosts are few and change rarely, so each process remembers what it has looked up for some seconds.
"""

import time
from uuid import UUID

from resolver.database import fetch_one

#: How long an answer is remembered, and how many are.
REMEMBERED_SECONDS = 5.0
REMEMBERED_HOSTS = 4096
_LONGEST = 255

# A host that was printed with a port is held with it; a proxy may add one to any other.
_BRAND_OF = """
select brand_id from brands_resolverhost
 where host in (%s, %s) order by length(host) desc limit 1
"""

_known: dict[str, tuple[float, UUID | None]] = {}


def brand_of(host: str) -> UUID | None:
    """Return the brand whose codes a host answers, or None. Raises ``Unavailable``."""
    now = time.monotonic()
    known = _known.get(host)
    if known and known[0] > now:
        return known[1]
    if not 0 < len(host) <= _LONGEST:
        return None
    name = host.lower()
    row = fetch_one(_BRAND_OF, (name, name.rpartition(":")[0] or name))
    if len(_known) >= REMEMBERED_HOSTS:
        _known.clear()
    brand: UUID | None = row[0] if row else None
    _known[host] = now + REMEMBERED_SECONDS, brand
    return brand
