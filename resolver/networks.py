"""From where a request comes, no closer than its network, and the place that a local database has.

Addresses are cut as data protection authorities ask of statistics: IPv4 to 24 bits, IPv6 to 48. The
whole address is never stored nor logged.
"""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import maxminddb
import structlog
from django.conf import settings

_KEPT_BITS = {4: 24, 6: 48}

log = structlog.get_logger(__name__)


class Place(NamedTuple):
    """A network, as text, and where it is: an ISO 3166 country, whole degrees; empty or None."""

    network: str = ""
    country: str = ""
    latitude: int | None = None
    longitude: int | None = None


NOWHERE = Place()


def address_of(environ: Mapping[str, object]) -> str:
    """Return the address of whoever asks.

    Behind ``TIEBACK_TRUSTED_PROXIES`` proxies it is what the outermost of them has seen: the entry
    of ``X-Forwarded-For`` so many places from the end. What stands before it anyone can write.
    """
    proxies: int = settings.TIEBACK_TRUSTED_PROXIES
    forwarded = environ.get("HTTP_X_FORWARDED_FOR")
    if proxies and forwarded:
        seen = str(forwarded).split(",")
        if len(seen) >= proxies:
            return _without_port(seen[-proxies].strip())
    return str(environ.get("REMOTE_ADDR", ""))


def _without_port(address: str) -> str:
    """Return an address that a proxy has written with its port."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


@lru_cache(maxsize=65_536)
def place_of(address: str) -> Place:
    """Return the network of an address and where it is; ``NOWHERE`` where it is no address."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return NOWHERE
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped:
        known = known.ipv4_mapped
    network = ipaddress.ip_network((known, _KEPT_BITS[known.version]), strict=False)
    return Place(str(network), *_located(str(network.network_address)))


@lru_cache(maxsize=1)
def _database() -> maxminddb.Reader | None:
    path: str = settings.TIEBACK_GEOIP_DATABASE
    if not path:
        return None
    return maxminddb.open_database(path)


def _located(address: str) -> tuple[str, int | None, int | None]:
    database = _database()
    found = database.get(address) if database else None
    if not isinstance(found, dict):
        return "", None, None
    country, location = found.get("country"), found.get("location")
    code = country.get("iso_code") if isinstance(country, dict) else None
    point = location if isinstance(location, dict) else {}
    return str(code or "")[:2], _degree(point.get("latitude")), _degree(point.get("longitude"))


def _degree(value: object) -> int | None:
    return round(value) if isinstance(value, int | float) else None
