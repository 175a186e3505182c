"""Scanning without a server: one call of the resolver's WSGI callable."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.db import connection
from prometheus_client import REGISTRY

from resolver.digital_link import RAW_PATH
from resolver.finding import PARAMETER, Finding, read
from resolver.redirects import in_front_of

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_2 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.3.1 Mobile/15E148 Safari/604.1"
)


@dataclass(frozen=True)
class Answer:
    """What the callable said."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def page(self) -> str:
        """The location without what the scan found."""
        return re.sub(rf"[?&]{PARAMETER}=[^&]*$", "", self.location)

    @property
    def finding(self) -> Finding:
        """What the scan found, as the page it leads to reads it."""
        address = urlsplit(self.location)
        said = parse_qs(address.query).get(PARAMETER, [""])
        return read(address.path.removeprefix("/p/"), said[-1])


def _django(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("299 Django", [])
    return [b"django"]


def public_application() -> Any:
    """Return the callable, in front of something that only says it is Django."""
    return in_front_of(_django)


def scan_printed(path: str, **more: str) -> Answer:
    """Ask for a path as it is printed, by a server that hands over both forms of it."""
    return scan(unquote(path), raw=path if "%2F" in path else None, **more)


def scan(
    path: str,
    method: str = "GET",
    query: str = "",
    remote: str = "203.0.113.77",
    raw: str | None = None,
    **headers: str,
) -> Answer:
    """Ask for a path, percent-decoded as servers hand it over; with a phone, unless said."""
    said: list[Any] = []
    environ = {
        **({RAW_PATH: raw} if raw else {}),
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": remote,
        "HTTP_HOST": "nordhav.example",
        "HTTP_USER_AGENT": IPHONE,
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }
    body = b"".join(public_application()(environ, lambda *given: said.extend(given)))
    status, pairs = said
    assert len({name for name, _ in pairs}) == len(pairs)
    return Answer(int(status.split()[0]), dict(pairs), body.decode())


def at_once(count: int, work: Callable[[int], object]) -> list[Any]:
    """Run ``work`` in ``count`` threads that start together; return results and errors."""
    barrier = Barrier(count)

    def run(index: int) -> object:
        barrier.wait()
        try:
            return work(index)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def counted(outcome: str) -> float:
    """Return how many answers of a kind this process has given."""
    return REGISTRY.get_sample_value("tieback_scans_total", {"outcome": outcome}) or 0.0
