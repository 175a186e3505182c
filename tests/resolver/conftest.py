"""The resolver's own connections, closed after each test."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings as configuration
from django.test import Client

from resolver import database, faces, hosts, links
from tests.planes import act_as
from tieback import settings as configured


@pytest.fixture
def past_the_pooler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have sessions of one's own, where others would go through a pooler: these are looked into."""
    if direct := os.environ.get("DATABASE_DIRECT_URL"):
        server = configuration.DATABASES["default"]
        address = urlsplit(direct)
        monkeypatch.setitem(server, "HOST", address.hostname)
        monkeypatch.setitem(server, "PORT", str(address.port))
        monkeypatch.delitem(server["OPTIONS"], "prepare_threshold")


@pytest.fixture
def connections(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[psycopg.Connection]]:
    """Give the test fresh connections, list them as they open, and close them at its end."""
    opened: list[psycopg.Connection] = []
    connect = database.connect

    def connect_and_list() -> psycopg.Connection:
        opened.append(connect())
        return opened[-1]

    monkeypatch.setattr(database, "connect", connect_and_list)
    monkeypatch.setattr(database._Sessions, "free", database._places())
    for memory in (hosts._known, links._brands_with_defaults, links._books, faces._known):
        memory.clear()
    monkeypatch.setattr(database._Rest, "until", 0.0)
    yield opened
    for connection in opened:
        connection.close()
    # Emptying the tables may take longer than the resolver's role is allowed.
    act_as("web")


@pytest.fixture
def public(settings) -> Client:
    """A visitor of the resolver plane."""
    settings.ROOT_URLCONF = "tieback.urls.resolver"
    settings.ALLOWED_HOSTS = ["*"]
    settings.MIDDLEWARE = [
        name
        for name in (*configured._FIRST, *configured._PUBLIC, *configured._LAST)
        if "whitenoise" not in name
    ]
    return Client(headers={"host": "nordhav.example"})
