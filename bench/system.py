"""The system under measurement: the embedded stack, a brand, a product, and its HTTP API."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
import urllib3

from tests.passports import ready_passport
from tieback.stack import Stack

PROJECT = Path(__file__).resolve().parents[1]
GTIN = "09524010999990"
PATIENCE_SECONDS = 900.0
T = TypeVar("T")


class BenchFailed(Exception):
    """Something that was measured did not do its work; no figure can be trusted."""


@dataclass
class System:
    """A running stack and the credential of its brand."""

    stack: Stack
    http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, maxsize=4, timeout=60.0)
    )
    header: str = ""
    brand_id: str = ""
    product_id: str = ""
    host: str = ""

    def prepare(self, slug: str = "bench") -> None:
        """Make the brand and a product that is ready to mint."""
        self.host = f"{slug}.example"
        made = subprocess.run(
            [
                *(sys.executable, "manage.py", "create_brand", "--slug", slug),
                *("--name", slug.title(), "--resolver-host", self.host),
                *("--owner-email", f"owner@{self.host}", "--json"),
            ],
            cwd=PROJECT,
            env={**self.stack.environment("console"), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        answer = json.loads(made.stdout)
        self.brand_id = answer["brand_id"]
        self.header = answer["credential"]["header"]
        product = {
            "sku": "BENCH-1",
            "name": "Bench product",
            "gtin": GTIN,
            "category": "generic",
            "commercial_status": "active",
            "dpp": ready_passport("generic"),
        }
        self.product_id = self.call("POST", "/api/v1/products/", product)["id"]

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Call the API and return ``data``; anything but a success ends the run."""
        response = self.http.request(
            method,
            self.stack.url("web") + path,
            body=None if body is None else json.dumps(body).encode(),
            headers={
                "X-Api-Key": self.header,
                "Content-Type": "application/json",
                "Accept": "application/json",
                **headers,
            },
        )
        if response.status >= 300:
            raise BenchFailed(f"{method} {path}: {response.status} {response.data[:500]!r}")
        return json.loads(response.data)["data"]

    def submit(
        self, quantity: int, *, activation_mode: str = "first_scan", **more: str
    ) -> dict[str, Any]:
        """Submit a mint request, with ``more`` of its fields, and return its answer."""
        body: dict[str, Any] = {
            "product_id": self.product_id,
            "quantity": quantity,
            "identity_mode": "serial",
            "activation_mode": activation_mode,
            **more,
        }
        key = {"Idempotency-Key": str(uuid4())}
        answer: dict[str, Any] = self.call("POST", "/api/v1/mint-requests/", body, **key)
        return answer

    def superuser(self) -> "psycopg.Connection[Any]":
        """Connect to the database past row-level security."""
        connection = self.stack.postgres.connect("tieback")
        connection.autocommit = True
        return connection


def wait_until(what: str, look: Callable[[], T | None], *, seconds: float = PATIENCE_SECONDS) -> T:
    """Return the first answer of ``look`` that is not ``None``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    raise BenchFailed(f"gave up waiting for {what}")
