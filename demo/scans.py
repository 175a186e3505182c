"""Scans codes as a buyer's phone does, and looks at what became of the units."""

import csv
import html
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from demo.api_client import TIMEOUT, ApiClient
from demo.proof import COLUMNS, Download
from demo.report import Checks, DemoFailed

SCANS = 10
# First scans are counted into the figures by a step that runs every few seconds.
_COUNTED_WITHIN_SECONDS = 60.0
_PHONE = {
    "User-Agent": (
        "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/142.0.0.0 Mobile Safari/537.36"
    ),
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "en",
}


@dataclass(frozen=True)
class Code:
    """A unit's code as it was printed."""

    token: str
    url: str


@dataclass(frozen=True)
class Scan:
    """What a phone got for a code: the resolver's answer, and the page it led to."""

    status: int
    location: str = ""
    page_status: int = 0
    page: str = ""

    def faults(self, *, names: str, host: str) -> Iterator[str]:
        """Yield what keeps this from being a good scan."""
        if self.status != 307:
            yield f"it answered {self.status} instead of 307"
        elif urlsplit(self.location).netloc != host:
            yield f"it leads to another host: {self.location}"
        elif self.page_status != 200:
            yield f"{self.location} answered {self.page_status}"
        elif names not in html.unescape(self.page):
            yield f"{self.location} does not name {names}"


class Phone:
    """Follows printed codes."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(headers=_PHONE, timeout=TIMEOUT)

    def scan(self, url: str) -> Scan:
        """Ask the resolver, and read the page it redirects to."""
        answer = self._pool.request("GET", url, redirect=False)
        if answer.status not in {301, 302, 303, 307, 308}:
            return Scan(answer.status, page=answer.data.decode(errors="replace"))
        location = urljoin(url, answer.headers.get("Location", ""))
        page = self._pool.request("GET", location, redirect=False)
        return Scan(answer.status, location, page.status, page.data.decode(errors="replace"))


def pick_codes(downloads: Iterable[Download], count: int) -> list[Code]:
    """Return codes of random rows of random packs, no unit twice."""
    chance = random.SystemRandom()
    shuffled = list(downloads)
    chance.shuffle(shuffled)
    picked: dict[str, Code] = {}
    per_pack = -(-count // len(shuffled))
    for download in shuffled:
        with download.path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, COLUMNS))[1:]
        for row in chance.sample(rows, min(per_pack, len(rows))):
            picked[row["token"]] = Code(row["token"], row["resolver_url"])
        if len(picked) >= count:
            break
    return list(picked.values())[:count]


def scan_codes(api: ApiClient, checks: Checks, codes: list[Code], product_name: str) -> list[float]:
    """Scan every code twice; return the milliseconds of each first answer with its page."""
    phone = Phone()
    times: list[float] = []
    faults: list[str] = []
    for code in codes:
        before = _unit(api, code)
        if (before["status"], before["activated_at"]) != ("minted", None):
            faults.append(f"{code.token} was {before['status']} before its first scan")
        began = time.monotonic()
        scan = phone.scan(code.url)
        times.append((time.monotonic() - began) * 1000)
        host = urlsplit(code.url).netloc
        faults += [f"{code.url}: {fault}" for fault in scan.faults(names=product_name, host=host)]
    checks.check(f"{len(codes)} codes answer 307 and lead to a page naming {product_name}", faults)
    checks.note(f"for instance {codes[0].url}")
    _check_activation(api, checks, phone, codes)
    _check_unknown(checks, phone, codes[0])
    return times


def show_kpis(api: ApiClient, checks: Checks, *, units: int, scanned: int, packs: int) -> None:
    """Read the brand's figures, once the scans are counted in."""
    deadline = time.monotonic() + _COUNTED_WITHIN_SECONDS
    kpis = api.get("/mint-kpis/").require(200)
    while kpis["active"] < scanned and time.monotonic() < deadline:
        time.sleep(0.5)
        kpis = api.get("/mint-kpis/").require(200)
    found = (
        *(kpis["requested"], kpis["minted"], kpis["active"]),
        *(kpis["jobs_by_status"].get("COMPLETED"), kpis["packs_by_status"].get("completed")),
    )
    checks.equal(
        f"KPIs: {units:,} requested and minted, {scanned} active, 1 job done, packs done: {packs}",
        found,
        (units, units, scanned, 1, packs),
    )


def _check_activation(api: ApiClient, checks: Checks, phone: Phone, codes: list[Code]) -> None:
    after_first = {code.token: _unit(api, code) for code in codes}
    checks.check(
        "the first scan has activated each unit",
        [
            f"{token} is {unit['status']}, activated at {unit['activated_at']}"
            for token, unit in after_first.items()
            if unit["status"] != "active" or not unit["activated_at"]
        ],
    )
    again = [phone.scan(code.url) for code in codes]
    after_second = {code.token: _unit(api, code) for code in codes}
    checks.check(
        "a second scan answers the same and changes nothing",
        [
            *(f"it answered {scan.status}" for scan in again if scan.status != 307),
            *(t for t in after_first if after_first[t] != after_second[t]),
        ],
    )


def _check_unknown(checks: Checks, phone: Phone, code: Code) -> None:
    stranger = "".join(random.SystemRandom().choices("23456789ABCDEFGHJKLMNPQRSTUVWXYZ", k=20))
    scan = phone.scan(code.url.replace(code.token, stranger))
    checks.equal(f"a code that was never minted ({stranger}) is answered 404", scan.status, 404)


def _unit(api: ApiClient, code: Code) -> dict[str, Any]:
    found: list[dict[str, Any]] = api.get("/mint-units/", token=code.token).require(200)
    if len(found) != 1:
        message = f"the API finds {len(found)} units with the token {code.token}"
        raise DemoFailed(message)
    return found[0]
