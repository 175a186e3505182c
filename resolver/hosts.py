"""Which brand a request is for, and what that brand keeps of scans: its host says.

Hosts are few and change rarely, so each process remembers what it has looked up for some seconds.
"""

import re
from typing import NamedTuple
from uuid import UUID

from resolver.database import fetch_one
from resolver.remembering import Remembered

#: How many hosts are remembered.
REMEMBERED_HOSTS = 4096
_LONGEST = 255
_PORT = re.compile(r":[0-9]{0,5}\Z")

# A host that was printed with a port is held with it; a proxy may add one to any other.
_KNOWN = """
select host.brand_id, coalesce(policy.aggregate_only, '{}')
  from brands_resolverhost as host
  left join resolver_scanpolicy as policy on policy.brand_id = host.brand_id
 where host.host in (%s, %s) order by length(host.host) desc limit 1
"""


class KnownHost(NamedTuple):
    """A host's brand, and the passport categories of which it keeps only counts of scans."""

    brand: UUID
    counted_only: list[str]


_known: Remembered[str, KnownHost | None] = Remembered(REMEMBERED_HOSTS)


def known_host(host: str) -> KnownHost | None:
    """Return what is known of a host, or None where no brand has it. Raises ``Unavailable``."""
    if not 0 < len(host) <= _LONGEST:
        return None
    return _known.get(host, lambda: _ask(host.lower()))


def brand_of(host: str) -> UUID | None:
    """Return the brand whose codes a host answers, or None. Raises ``Unavailable``."""
    known = known_host(host)
    return known.brand if known else None


def _ask(host: str) -> KnownHost | None:
    # What is said to be a port is written into addresses: it has to be one.
    row = fetch_one(_KNOWN, (host, _PORT.sub("", host)))
    return KnownHost._make(row) if row else None
