"""A circuit breaker: an endpoint that fails is left alone, then tried with care. Pure.

Closed, it lets everything pass and counts. Where enough of the last requests failed it opens, and
lets nothing pass for a while that doubles each time. Then it is half open and lets a few probes
pass at once: where all of them succeed it closes, where one fails it opens again. Source: M.
Nygard, "Release It!"; the names are those in general use.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum


class State(Enum):
    """Whether an endpoint is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True)
class Terms:
    """When a breaker opens and closes. Times are in seconds.

    It opens where ``share`` of the last ``window`` requests failed, at least ``least`` of them.
    """

    window: int = 20
    least: int = 5
    share: float = 0.5
    first_rest: float = 1.0
    longest_rest: float = 60.0
    probes: int = 2


@dataclass
class Breaker:
    """One endpoint's. ``now`` is any clock that goes forward, in seconds."""

    terms: Terms = field(default_factory=Terms)
    state: State = State.CLOSED
    opened_times: int = 0
    _until: float = 0.0
    _asked: int = 0
    _succeeded: int = 0
    _last: deque[bool] = field(default_factory=deque)

    def admits(self, now: float) -> bool:
        """Tell whether a request may pass, and count it where it is a probe."""
        if self.state is State.OPEN and now >= self._until:
            self.state, self._asked, self._succeeded = State.HALF_OPEN, 0, 0
        if self.state is State.CLOSED:
            return True
        if self.state is State.HALF_OPEN and self._asked < self.terms.probes:
            self._asked += 1
            return True
        return False

    def might_admit(self, now: float) -> bool:
        """Tell the same without counting anything."""
        if self.state is State.OPEN:
            return now >= self._until
        return self.state is State.CLOSED or self._asked < self.terms.probes

    def succeeded(self) -> None:
        """Note an answer."""
        if self.state is State.HALF_OPEN:
            self._succeeded += 1
            if self._succeeded >= self.terms.probes:
                self.state, self.opened_times = State.CLOSED, 0
                self._last.clear()
            return
        self._note(failed=False)

    def failed(self, now: float) -> None:
        """Note a failure of the endpoint's own."""
        if self.state is State.HALF_OPEN:
            self._open(now)
            return
        self._note(failed=True)
        if self.state is State.CLOSED and self._has_failed_enough():
            self._open(now)

    def rest(self, now: float) -> float:
        """Return for how many seconds more nothing may pass; 0 where something may."""
        return max(0.0, self._until - now) if self.state is State.OPEN else 0.0

    def resume(self, state: State, now: float, *, rest: float, opened_times: int) -> None:
        """Take over what another process has found out.

        What it was trying with care is tried here from the first probe.
        """
        if state is State.CLOSED:
            if self.state is not State.CLOSED:
                self._last.clear()
            self.state, self.opened_times = state, 0
            return
        self.state, self.opened_times = State.OPEN, max(1, opened_times)
        self._until = now + (rest if state is State.OPEN else 0.0)

    def left_unsaid(self) -> None:
        """Give back a probe whose answer says nothing of the endpoint."""
        if self.state is State.HALF_OPEN:
            self._asked = max(self._succeeded, self._asked - 1)

    def _has_failed_enough(self) -> bool:
        asked = len(self._last)
        return asked >= self.terms.least and sum(self._last) >= self.terms.share * asked

    def _note(self, *, failed: bool) -> None:
        self._last.append(failed)
        while len(self._last) > self.terms.window:
            self._last.popleft()

    def _open(self, now: float) -> None:
        rest = min(self.terms.longest_rest, self.terms.first_rest * 2**self.opened_times)
        self.opened_times += 1
        self.state, self._until = State.OPEN, now + rest
        self._last.clear()
