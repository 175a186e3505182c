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
_LETTERS, _MOST_DEGREES = 2, 180
#: Public addresses, of which a sound file may know a place and may not.
_TRIED = ("8.8.8.8", "2001:4860:4860::8888")
# The last is an IPv6 address that a file without IPv6 is asked for.
_FAULTS = (OSError, maxminddb.InvalidDatabaseError, ValueError)

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


def warm_up() -> None:
    """Open the database of places, so that a fault is told when a process starts."""
    _database()


def why_unreadable(path: str) -> str:
    """Return why a database of places cannot be asked for IPv4 or IPv6; empty where it can."""
    try:
        with maxminddb.open_database(path) as database:
            for address in _TRIED:
                database.get(address)
    except _FAULTS as error:
        return _words(error)
    return ""


@lru_cache(maxsize=1)
def _database() -> maxminddb.Reader | None:
    path: str = settings.TIEBACK_GEOIP_DATABASE
    if not path:
        return None
    try:
        return maxminddb.open_database(path)
    except _FAULTS as error:
        # Remembered as well: a scan must not wait for a file that is not there.
        _tell_once(_words(error))
        return None


def _located(address: str) -> tuple[str, int | None, int | None]:
    database = _database()
    try:
        found = database.get(address) if database else None
    except _FAULTS as error:
        _tell_once(_words(error))
        found = None
    if not isinstance(found, dict):
        return "", None, None
    country, location = found.get("country"), found.get("location")
    code = country.get("iso_code") if isinstance(country, dict) else None
    point = location if isinstance(location, dict) else {}
    return _country(code), _degree(point.get("latitude")), _degree(point.get("longitude"))


@lru_cache(maxsize=8)
def _tell_once(fault: str) -> None:
    log.warning("places_unreadable", error=fault)


def _words(fault: Exception) -> str:
    """Return what is wrong, without the path. Asked for IPv6 it has none of, a file is at fault."""
    return "no IPv6" if type(fault) is ValueError else type(fault).__name__


# Of a damaged file anything may be read, and the database takes neither NUL nor a million degrees.
def _country(code: object) -> str:
    known = isinstance(code, str) and len(code) == _LETTERS and code.isascii() and code.isalpha()
    return str(code) if known else ""


def _degree(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value) if abs(value) <= _MOST_DEGREES else None
