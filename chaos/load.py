"""A client that keeps the queue filled with jobs of mixed size and writes down what it was told."""

import json
import random
import threading
import time
from dataclasses import dataclass, field
from uuid import uuid4

import urllib3

from bench.system import System

SMALL, LARGE = 1, 30_000


@dataclass
class Client:
    """Submits until it is stopped; ``acknowledged`` maps each key to the job it was promised."""

    system: System
    seed: int
    waiting_at_most: int = 6
    acknowledged: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    failed: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to submit in the background."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop submitting."""
        self._stop.set()
        if self._thread:
            self._thread.join(60)

    @property
    def is_running(self) -> bool:
        """Whether the client still submits; a load that ended unseen would prove nothing."""
        return self._thread is not None and self._thread.is_alive() and not self.failed

    def _run(self) -> None:
        dice = random.Random(self.seed)
        while not self._stop.is_set():
            quantity = dice.choice((SMALL, 7, 999, dice.randint(1_000, 9_000), LARGE))
            self._submit_until_acknowledged(quantity)
            self._stop.wait(0.2)
            while not self._stop.is_set() and self._live() > self.waiting_at_most:
                self._stop.wait(0.2)

    def _submit_until_acknowledged(self, quantity: int) -> None:
        """Repeat one request under one key until it is answered, as a careful caller would."""
        key = str(uuid4())
        body = {
            "product_id": self.system.product_id,
            "quantity": quantity,
            "identity_mode": "serial",
            "activation_mode": "first_scan",
        }
        while not self._stop.is_set():
            try:
                response = self.system.http.request(
                    "POST",
                    self.system.stack.url("web") + "/api/v1/mint-requests/",
                    body=json.dumps(body).encode(),
                    headers={
                        "X-Api-Key": self.system.header,
                        "Content-Type": "application/json",
                        "Idempotency-Key": key,
                    },
                )
            except urllib3.exceptions.HTTPError:
                self.refused += 1
                time.sleep(0.2)
                continue
            if response.status in {200, 202}:
                self.acknowledged[key] = json.loads(response.data)["data"]["mint_job_id"]
                return
            self.refused += 1
            if response.status not in {409, 503}:
                self.failed = f"the API answered {response.status}: {response.data[:300]!r}"
                self._stop.set()
            time.sleep(0.2)

    def _live(self) -> int:
        try:
            figures = self.system.call("GET", "/api/v1/mint-kpis/")["jobs_by_status"]
        except Exception:  # noqa: BLE001 - a fault is being injected; look again later
            return self.waiting_at_most + 1
        return int(sum(figures[name] for name in ("QUEUED", "RESERVED", "PROCESSING")))
