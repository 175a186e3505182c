"""Whose address counts behind proxies, how much of it is kept, and databases that went bad."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import maxminddb
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from resolver import networks
from resolver.networks import NOWHERE, Place, address_of, place_of, why_unreadable

PROXY = "10.0.0.9"
OSLO = {"country": {"iso_code": "NO"}, "location": {"latitude": 59.91, "longitude": 10.75}}
V4, V6 = "203.0.113.77", "2001:db8:1234::1"


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    def forget() -> None:
        for memory in (networks._database, networks._tell_once, place_of):
            memory.cache_clear()

    forget()
    yield
    forget()


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    """Where the database of places is looked for; nothing is there."""
    settings.TIEBACK_GEOIP_DATABASE = str(tmp_path / "places.mmdb")
    return tmp_path / "places.mmdb"


def write(file: Path, found: Any = OSLO, *, version: int = 6) -> None:
    writer = MMDBWriter(version, "Test", ipv4_compatible=version == 6)
    writer.insert_network(IPSet(["203.0.113.0/24"]), found)
    if version == 6:
        writer.insert_network(IPSet(["2001:db8:1234::/48"]), found)
    writer.to_db_file(str(file))


def spoil(file: Path) -> None:
    """Let the file open, and what it says of places be of a type that there is not."""
    whole = file.read_bytes()
    metadata = whole.rindex(b"\xab\xcd\xefMaxMind.com")
    data = whole.index(bytes(16)) + 16
    file.write_bytes(whole[:data] + b"\xff" * (metadata - data) + whole[metadata:])


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    lines = [record.msg for record in caplog.records]
    return [(line["event"], line["error"]) for line in lines if isinstance(line, dict)]


def seen(forwarded: str | None = None, remote: str = PROXY) -> str:
    environ: dict[str, object] = {"REMOTE_ADDR": remote}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    return address_of(environ)


def test_without_proxies_the_header_is_not_read(settings):
    settings.TIEBACK_TRUSTED_PROXIES = 0
    assert seen("198.51.100.7", remote="203.0.113.77") == "203.0.113.77"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        (1, "6.6.6.6,198.51.100.7 ", "198.51.100.7"),
        (2, "198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (2, "6.6.6.6, 7.7.7.7, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
        # Fewer entries than proxies: the request has come past one of them.
        (2, "6.6.6.6", PROXY),
        (1, None, PROXY),
    ],
)
def test_what_stands_left_of_the_trusted_proxies_is_ignored(
    settings, proxies: int, forwarded: str | None, address: str
):
    settings.TIEBACK_TRUSTED_PROXIES = proxies
    assert seen(forwarded) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1234:5678:9abc:def0:1234:5678", "2001:db8:1234::/48"),
        ("fe80::1%eth0", "fe80::/48"),
    ],
)
def test_of_an_address_the_network_is_kept(address: str, network: str):
    assert place_of(address).network == network


@pytest.mark.parametrize("address", ["", "unix:", "x" * 500, "203.0.113.77:443", "203.0.113"])
def test_what_is_no_address_is_nowhere(address: str):
    assert place_of(address) == NOWHERE


def test_a_network_is_where_the_database_says(file: Path):
    write(file)
    assert place_of(V4) == Place("203.0.113.0/24", "NO", 60, 11)
    assert place_of(V6) == Place("2001:db8:1234::/48", "NO", 60, 11)
    assert why_unreadable(str(file)) == ""


@pytest.mark.parametrize(
    ("content", "error"), [(None, "FileNotFoundError"), (b"", "InvalidDatabaseError")]
)
def test_a_database_that_cannot_be_opened_leaves_places_empty_is_told_once_and_tried_once(
    file: Path, caplog, monkeypatch, content: bytes | None, error: str
):
    if content is not None:
        file.write_bytes(content)
    opened = []
    really = maxminddb.open_database

    def counted(path: str) -> maxminddb.Reader:
        opened.append(path)
        return really(path)

    monkeypatch.setattr(maxminddb, "open_database", counted)
    assert place_of(V4) == Place("203.0.113.0/24")
    assert place_of(V6) == Place("2001:db8:1234::/48")
    assert opened == [str(file)]
    assert told(caplog) == [("places_unreadable", error)]


def test_a_database_that_is_damaged_within_leaves_places_empty_and_is_told_once(file: Path, caplog):
    write(file)
    spoil(file)
    assert place_of(V4) == Place("203.0.113.0/24")
    assert place_of(V6) == Place("2001:db8:1234::/48")
    assert told(caplog) == [("places_unreadable", "InvalidDatabaseError")]


def test_a_database_without_ipv6_still_tells_where_ipv4_is(file: Path, caplog):
    write(file, version=4)
    assert place_of(V6) == Place("2001:db8:1234::/48")
    assert place_of("2001:db8:4321::1") == Place("2001:db8:4321::/48")
    assert place_of(V4).country == "NO"
    assert told(caplog) == [("places_unreadable", "no IPv6")]


@pytest.mark.parametrize(
    ("country", "degree"), [("N\0", float("nan")), ("N", float("inf")), (47, 1e9), ("", True)]
)
def test_what_is_no_country_and_no_degree_is_left_out(file: Path, country: Any, degree: Any):
    write(file, {"country": {"iso_code": country}, "location": {"latitude": degree}})
    assert place_of(V4) == Place("203.0.113.0/24")


def test_a_process_that_starts_tells_that_the_database_cannot_be_read(file: Path, caplog):
    networks.warm_up()
    assert told(caplog) == [("places_unreadable", "FileNotFoundError")]
