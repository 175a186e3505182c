"""Whose address counts behind proxies, and how much of it is kept."""

import pytest

from resolver.networks import NOWHERE, address_of, place_of

PROXY = "10.0.0.9"


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
