"""The web plane as it runs, granian on loopback, and calling it over sockets."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from minting.models import Product
from tests.planes import database_url
from tieback.stack.ports import HOST, free_ports

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    """An answer read to its end."""

    status: int
    replayed: bool
    retry_after: str | None
    body: dict[str, Any]

    @property
    def code(self) -> str | None:
        """Return the code of an error."""
        return self.body.get("error", {}).get("code")


@dataclass(frozen=True)
class Ask:
    """A request that changes something, and which id in its answer names what it made."""

    path: str
    body: dict[str, Any]
    made: str

    def id_in(self, answer: Answer) -> UUID:
        """Return the id of what was made."""
        return UUID(answer.body["data"][self.made])


def mint(product: Product) -> Ask:
    """Ask for three units."""
    body = {
        "product_id": str(product.id),
        "quantity": 3,
        "identity_mode": "serial",
        "activation_mode": "first_scan",
    }
    return Ask("/api/v1/mint-requests/", body, "mint_job_id")


def new_product(sku: str) -> Ask:
    """Ask for a product."""
    return Ask("/api/v1/products/", {"sku": sku, "name": sku, "category": "generic"}, "id")


class Web:
    """The server; started again where it has ended, as a container's restart policy does."""

    def __init__(self, home: Path, *, workers: int, threads: int, crash_point: str) -> None:
        (self.port,) = free_ports(1)
        self.log = home / "log"
        self._environ = {
            **os.environ,
            "TIEBACK_PLANE": "web",
            "DATABASE_URL": database_url(),
            "PROMETHEUS_MULTIPROC_DIR": str(home / "metrics"),
            "TIEBACK_HOME": str(home),
            "TIEBACK_TLS": "false",
            "TIEBACK_CRASH_POINT": crash_point,
            "LOG_LEVEL": "warning",
        }
        self._command = [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", str(workers)),
            *("--blocking-threads", str(threads), "--backlog", "1024"),
            *("--host", HOST, "--port", str(self.port), "tieback.wsgi:application"),
        ]
        self._start()

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environ, stdout=log, stderr=log
            )

    def stop(self) -> None:
        """End the server and its workers."""
        self._server.terminate()
        self._server.wait(30)

    def has_ended(self, seconds: float = 30) -> bool:
        """Wait for the server to end by itself, as it does when it loses its worker."""
        try:
            self._server.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_until_alive(self, seconds: float = 60) -> None:
        """Wait for a worker to answer, of a new server where the last one has ended."""
        if self._server.poll() is not None:
            self._start()
        deadline = time.monotonic() + seconds
        while not self._is_alive():
            if time.monotonic() > deadline or self._server.poll() is not None:
                pytest.fail(f"the web plane does not answer:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def _is_alive(self) -> bool:
        client = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            client.request("GET", "/health/liveness")
            return client.getresponse().status == 200
        except OSError:
            return False
        finally:
            client.close()

    def send(self, ask: Ask, *, api_key: str, key: str, seconds: float = 60) -> Answer:
        """Send a request with a key; whatever cuts the connection raises."""
        client = http.client.HTTPConnection(HOST, self.port, timeout=seconds)
        headers = {
            "X-Api-Key": api_key,
            "Idempotency-Key": key,
            "Content-Type": "application/json",
        }
        try:
            client.request("POST", ask.path, json.dumps(ask.body), headers)
            response = client.getresponse()
            return Answer(
                response.status,
                response.headers["Idempotency-Replayed"] == "true",
                response.headers["Retry-After"],
                json.loads(response.read()),
            )
        finally:
            client.close()


@contextmanager
def running(home: Path, *, workers: int, threads: int, crash_point: str = "") -> Iterator[Web]:
    """Run the web plane on the test database."""
    web = Web(home, workers=workers, threads=threads, crash_point=crash_point)
    try:
        web.wait_until_alive()
        yield web
    finally:
        web.stop()
