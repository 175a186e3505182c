"""Clients that keep the queue filled with jobs of mixed size and write down what they were told."""

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import urllib3

from bench.system import BenchFailed, System

MIXED = (1, 7, 999, 3_000, 6_000, 20_001)
# The states in which an answer promises nothing and the caller asks again.
_AGAIN = {409, 429, 502, 503, 504}
_ACCEPTED = {200, 202}


@dataclass(frozen=True)
class Answer:
    """One request as its caller saw it; status 0 is a connection that gave none."""

    at: float
    seconds: float
    status: int


@dataclass
class Client:
    """Submits for one brand; ``acknowledged`` maps each key to the job it was promised."""

    system: System
    urls: Callable[[], Sequence[str]]
    seed: int
    waiting_at_most: int = 4
    acknowledged: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    failed: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self, quantities: Sequence[int] = MIXED, *, pause: float = 0.3) -> None:
        """Begin to submit in the background, never more than a few live jobs at a time."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(quantities, pause), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop submitting."""
        self._stop.set()
        if self._thread:
            self._thread.join(90)
            self._thread = None

    def check(self) -> None:
        """Raise if the load has ended by itself; a load that ended unseen would prove nothing."""
        if self.failed or (self._thread and not self._thread.is_alive()):
            raise BenchFailed(f"the load has ended: {self.failed or 'its thread died'}")

    @property
    def refused(self) -> int:
        """How many requests were refused or cut, and repeated."""
        return sum(answer.status not in _ACCEPTED for answer in self.answers)

    def submit(self, quantity: int, **more: str) -> str:
        """Repeat one request under one key until it is answered; return the job's id.

        ``more`` are further fields of it.
        """
        key = str(uuid4())
        body = {
            "product_id": self.system.product_id,
            "quantity": quantity,
            "identity_mode": "serial",
            "activation_mode": "first_scan",
            **more,
        }
        for attempt in range(600):
            status, data = self.post("/api/v1/mint-requests/", body, key=key, turn=attempt)
            if status in _ACCEPTED:
                job = str(json.loads(data)["data"]["mint_job_id"])
                self.acknowledged[key] = job
                return job
            if status and status not in _AGAIN:
                self.failed = f"the API answered {status}: {data[:300]!r}"
                break
            # Asked to stop or not: a request of unknown outcome is repeated until it is known.
            time.sleep(0.2)
        raise BenchFailed(self.failed or f"no answer to a request of {quantity} units")

    def post(self, path: str, body: object, *, key: str = "", turn: int = 0) -> tuple[int, bytes]:
        """Send one request to one of the web processes and write down how it went."""
        urls = self.urls()
        began, at = time.perf_counter(), time.time()
        headers = {"X-Api-Key": self.system.header, "Content-Type": "application/json"}
        try:
            response = self.system.http.request(
                "POST",
                urls[(turn + len(self.answers)) % len(urls)] + path,
                body=json.dumps(body).encode(),
                headers={**headers, "Idempotency-Key": key or str(uuid4())},
            )
            status, data = response.status, response.data
        except urllib3.exceptions.HTTPError:
            status, data = 0, b""
        self.answers.append(Answer(at, time.perf_counter() - began, status))
        return status, data

    def live(self) -> int:
        """Return how many jobs of the brand wait or run; more than allowed while nobody says."""
        try:
            response = self.system.http.request(
                "GET",
                self.urls()[0] + "/api/v1/mint-kpis/",
                headers={"X-Api-Key": self.system.header},
            )
            figures = json.loads(response.data)["data"]["jobs_by_status"]
        except (urllib3.exceptions.HTTPError, ValueError, KeyError):
            return self.waiting_at_most + 1
        return int(sum(figures[name] for name in ("QUEUED", "RESERVED", "PROCESSING")))

    def _run(self, quantities: Sequence[int], pause: float) -> None:
        dice = random.Random(self.seed)
        while not self._stop.is_set():
            try:
                self.submit(dice.choice(quantities))
            except BenchFailed:
                return
            self._stop.wait(pause)
            while not self._stop.is_set() and self.live() >= self.waiting_at_most:
                self._stop.wait(0.2)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of them lie, the largest one for few of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
