"""The resolver as it runs: its own processes, settings and role."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil
import pytest

from chaos.scenarios.scans import serving
from minting.states import UnitStatus
from resolver.finding import read
from resolver.server import LIFE_SIGN_SECONDS
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


@dataclass
class Server:
    """The processes of a resolver, and where they listen."""

    port: int
    parent: "subprocess.Popen[bytes]"
    log: Path

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer."""
        return serving(psutil.Process(self.parent.pid))


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """Run two worker processes of the resolver, on the test database."""
    (port,) = free_ports(1)
    home.mkdir(exist_ok=True)
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
    _, *words = (word.format(host=HOST, port=port) for word in process.argv)
    command = [sys.executable, *words]
    with (home / "log").open("wb") as log:
        parent = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        try:
            _wait_until_ready(parent, port, home / "log")
            server = Server(port, parent, home / "log")
            # It is ready once one of them is.
            _until(lambda: _all_listen(server))
            yield server
        finally:
            parent.terminate()
            parent.wait(30)


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The resolver that these tests ask."""
    with running(tmp_path_factory.mktemp("resolver")) as one:
        _Asked.log = one.log
        yield one


@pytest.fixture
def port(server: Server) -> int:
    """Where it listens."""
    return server.port


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


def test_connections_are_dealt_out_to_all_processes(server: Server):
    with ExitStack() as open_ones:
        for _ in range(64):
            one = socket.create_connection((HOST, server.port), timeout=10)
            open_ones.enter_context(one)
            one.sendall(b"GET /health/liveness HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(12) == b"HTTP/1.1 200"
        held = [_connections(worker, server.port) for worker in server.workers()]
    assert len(held) == 2
    # One of two would get fewer than eight of 64 once in a hundred million times.
    assert min(held) >= 8


def _connections(worker: psutil.Process, port: int) -> int:
    return sum(
        one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port
        for one in worker.net_connections("tcp")
    )


def test_a_process_that_dies_is_replaced_and_the_other_answers(nordhav: BrandWorld, tmp_path: Path):
    minted = mint(nordhav, status=UnitStatus.ACTIVE)
    with running(tmp_path / "resolver") as server:
        killed, left = server.workers()
        killed.kill()
        # The kernel may still have dealt a connection to the one that died.
        _until(lambda: _answers(server.port, minted.path()))
        _until(lambda: killed.pid not in _pids(server))
        assert left.pid in _pids(server)
        _until(lambda: _all_listen(server))
        assert ask(server.port, minted.path())[0] == 307


def test_a_process_that_dies_while_its_sign_of_life_is_waited_for_is_replaced_at_once(
    django_db_setup: None, tmp_path: Path
):
    with running(tmp_path / "resolver") as server:
        killed, _ = server.workers()
        killed.suspend()
        # It is asked every half second, and cannot answer.
        time.sleep(2)
        killed.kill()
        _until(lambda: len(_pids(server) - {killed.pid}) == 2, seconds=LIFE_SIGN_SECONDS / 2)
        _until(lambda: _all_listen(server))


def test_a_stop_ends_all_processes_and_lets_nobody_who_asked_go_unanswered(
    nordhav: BrandWorld, tmp_path: Path
):
    path = mint(nordhav, status=UnitStatus.ACTIVE).path()
    with running(tmp_path / "resolver") as server, ThreadPoolExecutor(4) as pool:
        workers = server.workers()
        asked = [pool.submit(_scan_until_closed, server.port, path) for _ in range(4)]
        _until(lambda: any(_connections(worker, server.port) for worker in workers))
        server.parent.terminate()
        # Nobody heard half of an answer, or none and yet the way to another request.
        assert [one.result(60) for one in asked] == ["closed"] * 4
        assert server.parent.wait(30) == 0
        assert not any(worker.is_running() for worker in workers)
        assert "Traceback" not in server.log.read_text()


def _scan_until_closed(port: int, path: str) -> str:
    """Scan on one connection until the server says that it closes, or has while nobody asked."""
    client = http.client.HTTPConnection(HOST, port, timeout=30)
    client.connect()
    while client.sock:
        try:
            client.request("GET", path, headers={"Host": _Asked.host, "User-Agent": IPHONE})
            answer = client.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            break
        answer.read()
        assert answer.status == 307
    return "closed"


@pytest.mark.parametrize("shares", [False, True])
def test_an_address_that_is_taken_is_said_to_be(shares: bool):
    with socket.create_server((HOST, 0), reuse_port=shares) as other:
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", "resolver.server", "--host", HOST, "--port", port]
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 1
    assert f"cannot listen at {HOST}:{port}: Address already in use" in ended.stderr


def _pids(server: Server) -> set[int]:
    return {worker.pid for worker in server.workers()}


def _all_listen(server: Server) -> bool:
    """Tell whether two processes answer, or could."""
    return (
        sum(
            one.status == psutil.CONN_LISTEN and one.laddr.port == server.port
            for worker in server.workers()
            for one in worker.net_connections("tcp")
        )
        == 2
    )


def _answers(port: int, path: str) -> bool:
    try:
        return ask(port, path)[0] == 307
    except OSError:
        return False


def _until(is_so: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
