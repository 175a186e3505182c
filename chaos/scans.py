"""Phones that scan the units of a batch, each a few times, and write down what they were told."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import urllib3

_PHONE = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_2 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.3.1 Mobile/15E148 Safari/604.1",
}
_AGAIN_SECONDS = 0.05
# What the answer to a first scan adds to the address of its page.
_FIRST = "scan=first"


@dataclass
class Phones:
    """Scans ``codes`` in their order, each ``times`` times and by several phones at once.

    ``answered`` counts the scans that were answered with a redirect; ``first`` holds, for each
    code, how often somebody was told that it was the first. A scan that gave no answer, or 503, is
    tried again by its phone, as people do.
    """

    url: str
    host: str
    codes: Sequence[str]
    times: int = 3
    phones: int = 8
    answered: int = 0
    first: Counter[str] = field(default_factory=Counter)
    odd: Counter[int] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to scan in the background."""
        turns = itertools.chain.from_iterable([code] * self.times for code in self.codes)
        self._threads = [
            threading.Thread(target=self._run, args=(turns,), daemon=True)
            for _ in range(self.phones)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every phone get its answer, and stop."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    @property
    def is_done(self) -> bool:
        """Whether every code has been scanned as often as wanted."""
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, turns: Iterator[str]) -> None:
        headers = {**_PHONE, "Host": self.host}
        with urllib3.PoolManager(headers=headers, retries=False, timeout=5) as http:
            while not self._stop.is_set():
                with self._lock:
                    code = next(turns, None)
                if code is None:
                    return
                while not self._scan(http, code) and not self._stop.is_set():
                    time.sleep(_AGAIN_SECONDS)

    def _scan(self, http: urllib3.PoolManager, code: str) -> bool:
        try:
            answer = http.request("GET", self.url + code, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            with self._lock:
                self.failed[type(error).__name__] += 1
            return False
        with self._lock:
            if answer.status == 307:
                self.answered += 1
                self.first[code] += _FIRST in answer.headers["Location"]
            else:
                self.odd[answer.status] += 1
        return answer.status != 503
