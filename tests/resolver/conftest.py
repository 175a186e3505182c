"""The resolver's own connections, closed after each test."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from resolver import database, hosts, links
from tests.planes import act_as


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
    monkeypatch.setattr(database, "_mine", threading.local())
    monkeypatch.setattr(hosts, "_known", {})
    monkeypatch.setattr(links, "_brands_with_defaults", {})
    monkeypatch.setattr(links, "_books", {})
    monkeypatch.setattr(database._Rest, "until", 0.0)
    yield opened
    for connection in opened:
        connection.close()
    # Emptying the tables may take longer than the resolver's role is allowed.
    act_as("web")
