"""Callers that mint and read without a pause, through whichever web processes there are.

Once ``has_modes`` is set they ask for lots, sequences and own serials too: what an old worker does
not know may be asked for when the last of them is gone.
"""

import itertools
import json
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import urllib3

SIZES = (1, 7, 300, 2_500)
WAITING_AT_MOST = 8


@dataclass
class Load:
    """What is asked, by whom and where; ``jobs`` were promised, ``errors`` are what went wrong."""

    header: str
    product_id: str
    webs: list[str]
    seed: int
    jobs: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    reads: int = 0
    has_modes: bool = False
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, maxsize=8, timeout=30.0)
    )

    def start(self, callers: int = 2) -> None:
        """Begin."""
        for number in range(callers):
            thread = threading.Thread(target=self._run, args=(self.seed + number,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End, once each caller has its answer."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, seed: int) -> None:
        dice = random.Random(seed)
        while not self._stop.is_set():
            try:
                self._mint(dice)
                self._read(dice)
            except Exception as error:  # noqa: BLE001 - any error at all is a finding
                self.errors.append(f"{time.strftime('%X')} {error!r}")
            self._stop.wait(0.05)

    def _mint(self, dice: random.Random) -> None:
        if self._waiting(dice) >= WAITING_AT_MOST:
            return
        quantity = dice.choice(SIZES)
        body = {
            "product_id": self.product_id,
            "quantity": quantity,
            "identity_mode": "serial",
            "activation_mode": "first_scan",
            **(self._mode(dice, quantity) if self.has_modes else {}),
        }
        made = self.call(dice, "POST", "/api/v1/mint-requests/", body)
        self.jobs[made["mint_job_id"]] = quantity

    def _mode(self, dice: random.Random, quantity: int) -> dict[str, Any]:
        """Return how the units of a request are told apart: one of every way there is."""
        number = next(self._numbers)
        lots = [{"lot_code": "A", "qty": 1}, {"lot_code": "B", "qty": quantity - 1}]
        sequence = {"type": "sequential", "prefix": f"R{number}-", "width": 6, "start": 1}
        modes: list[dict[str, Any]] = [
            {},
            {"identity_mode": "batch", "lots": lots[: min(quantity, 2)]},
            {"serial_rule": sequence},
            {"serials": [f"own-{number}-{place}" for place in range(quantity)]},
        ]
        return dice.choice(modes)

    def _read(self, dice: random.Random) -> None:
        """Read a job, its batch and its units: whoever made them, whoever answers."""
        if not self.jobs:
            return
        job = self.call(dice, "GET", f"/api/v1/mint-jobs/{dice.choice(list(self.jobs))}/")
        batch = job["mint_batch_id"]
        self.call(dice, "GET", f"/api/v1/mint-batches/{batch}/")
        self.call(dice, "GET", f"/api/v1/mint-units/?batch={batch}")
        self.call(dice, "GET", "/api/v1/products/")
        self.reads += 4

    def _waiting(self, dice: random.Random) -> int:
        figures = self.call(dice, "GET", "/api/v1/mint-kpis/")["jobs_by_status"]
        return int(sum(figures[name] for name in ("QUEUED", "RESERVED", "PROCESSING")))

    def call(self, dice: random.Random, method: str, path: str, body: object = None) -> Any:
        """Call one of the web processes and return ``data``; anything but a success is raised."""
        web = dice.choice(self.webs)
        response = self._http.request(
            method,
            web + path,
            body=None if body is None else json.dumps(body).encode(),
            headers={
                "X-Api-Key": self.header,
                "Content-Type": "application/json",
                "Idempotency-Key": str(uuid4()),
            },
        )
        if response.status >= 300:
            raise RuntimeError(f"{method} {web}{path}: {response.status} {response.data[:300]!r}")
        return json.loads(response.data)["data"]
