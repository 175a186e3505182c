"""The resolver as it runs: granian, its own settings, its own role."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from minting.states import UnitStatus
from resolver.finding import read
from tests.factories import BrandWorld, make_world
from tests.planes import database_url
from tests.reliability.scale import scaled
from tests.resolver.scanning import IPHONE
from tests.resolver.units import mint, units_of, waiting_activations
from tieback.stack.ports import HOST, free_ports
from tieback.stack.processes import PROCESSES

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
ROOT = Path(__file__).parents[2]
_numbers = count(1)


class _Asked:
    """The host of the brand that the present test scans, and what the server logs."""

    host = "localhost"
    log = Path()


@pytest.fixture
def nordhav(db: None) -> BrandWorld:
    """A brand on a host that these processes have not been asked about yet."""
    _Asked.host = f"codes-{next(_numbers)}.example"
    return make_world("nordhav", resolver_host=_Asked.host)


@pytest.fixture(scope="module")
def port(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Two worker processes of the resolver, on the test database."""
    (port,) = free_ports(1)
    home = tmp_path_factory.mktemp("resolver")
    environ = {
        **os.environ,
        "TIEBACK_PLANE": "resolver",
        "DATABASE_URL": database_url(),
        "PROMETHEUS_MULTIPROC_DIR": str(home / "metrics"),
        "TIEBACK_HOME": str(home),
        "TIEBACK_TLS": "false",
    }
    environ.pop("ALLOWED_HOSTS", None)
    (process,) = (process for process in PROCESSES if process.name == "resolver")
    words = [word.format(host=HOST, port=port) for word in process.argv]
    command = [sys.executable, "-m", *words]
    _Asked.log = home / "log"
    with _Asked.log.open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        try:
            _wait_until_ready(server, port, home / "log")
            yield port
        finally:
            server.terminate()
            server.wait(30)


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if ask(port, "/health/readiness")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the resolver did not start:\n{log.read_text()[-3000:]}")


def ask(
    port: int, path: str, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, str]:
    client = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        always = {"Host": _Asked.host, "User-Agent": IPHONE}
        client.request(method, path, headers={**always, **headers})
        response = client.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        client.close()


def test_a_scan_ends_on_the_passport_of_the_same_host(nordhav: BrandWorld, port: int):
    minted = mint(nordhav)
    status, headers, _ = ask(port, minted.path() + "?a=%20b")
    page, _, found = headers["Location"].rpartition("&scan=")
    assert (status, page) == (307, f"/p/{minted.tokens[0]}?a=%20b")
    assert read(minted.tokens[0], found).is_first_scan
    status, headers, page = ask(port, headers["Location"])
    assert status == 200
    assert "<strong>Genuine and first scanned now.</strong>" in page
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Set-Cookie"] is None
    assert "Cookie" not in headers["Vary"]


def test_an_encoded_serial_is_read_through_the_server(nordhav, port):
    minted = mint(nordhav, 2, serials=["a/b%2F", "x+y"])
    assert ask(port, f"/01/{minted.gtin}/21/a%2Fb%252F")[1]["Location"].startswith(
        f"/p/{minted.tokens[0]}"
    )
    assert ask(port, f"/01/{minted.gtin}/21/x+y")[1]["Location"].startswith(
        f"/p/{minted.tokens[1]}"
    )
    assert ask(port, f"/01/{minted.gtin}/21/x%00y")[0] == 400


def test_of_phones_that_scan_a_unit_at_the_same_moment_one_is_told_that_it_was_first(nordhav, port):
    units, phones = scaled(20, 200), scaled(10, 100)
    minted = mint(nordhav, units)
    paths = [minted.path(at) for at in range(units) for _ in range(phones)]
    with ThreadPoolExecutor(phones) as pool:
        answers = list(pool.map(lambda path: ask(port, path), paths))
    assert Counter(status for status, _, _ in answers) == {307: units * phones}
    told = Counter(
        path
        for path, (_, headers, _) in zip(paths, answers, strict=True)
        if "scan=first" in headers["Location"]
    )
    assert told == {minted.path(at): 1 for at in range(units)}
    assert waiting_activations() == units
    assert {unit.status for unit in units_of(minted)} == {UnitStatus.ACTIVE}


def test_the_log_tells_of_a_page_and_nothing_of_its_reader(nordhav, port):
    (token,) = mint(nordhav).tokens
    assert ask(port, f"/p/{token}?lang=de&secret=77")[0] == 200
    assert ask(port, f"/nothing-{token}?secret=77")[0] == 404
    lines = [line for line in _Asked.log.read_text().splitlines() if token in line]
    assert any("request_finished" in line for line in lines)
    for line in lines:
        assert not [word for word in ("secret", "127.0.0.1", "iPhone", "Safari") if word in line]


def test_other_paths_are_djangos(port):
    assert ask(port, "/health/liveness")[2] == '{"status": "alive"}'
    assert ask(port, "/nothing-here")[0] == 404
    assert ask(port, "/accounts/login/")[0] == 404


def test_scans_are_in_the_metrics_of_all_processes_together(port):
    for _ in range(8):
        ask(port, "/mu/malformed")
    page = ask(port, "/metrics")[2]
    counted = next(line for line in page.splitlines() if 'outcome="malformed"' in line)
    assert float(counted.split()[-1]) >= 8


def test_the_body_of_a_request_is_left_alone(nordhav, port):
    minted = mint(nordhav, status=UnitStatus.ACTIVE)
    client = http.client.HTTPConnection(HOST, port, timeout=10)
    always = {"Host": _Asked.host, "User-Agent": IPHONE}
    try:
        client.request("POST", minted.path(), body=b"x" * 100_000, headers=always)
        answer = client.getresponse()
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
        answer.read()
    finally:
        client.close()
    assert ask(port, minted.path())[0] == 307


def test_head_says_what_get_would_without_its_body(nordhav, port):
    (token,) = mint(nordhav).tokens
    for path in (f"/mu/{token}", f"/p/{token}", "/mu/malformed"):
        status, headers, body = ask(port, path, "HEAD")
        assert (status, body) == (ask(port, path)[0], "")
        assert headers["Content-Length"] is not None


def test_who_hangs_up_leaves_nothing_behind(nordhav, port):
    (token,) = mint(nordhav, status=UnitStatus.ACTIVE).tokens
    request = f"GET /p/{token} HTTP/1.1\r\nHost: {_Asked.host}\r\n\r\n".encode()
    for _ in range(6):
        with socket.create_connection((HOST, port), timeout=10) as one:
            one.sendall(request)
    assert ask(port, f"/p/{token}")[0] == 200
    assert "Traceback" not in _Asked.log.read_text()
