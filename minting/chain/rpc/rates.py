"""How often an endpoint may be asked: so many requests a second, some of them at once. Pure.

A bucket that fills with time; each request takes one from it (token bucket).
"""

from dataclasses import dataclass


@dataclass
class Bucket:
    """``per_second`` requests in the long run, ``burst`` at once. 0 a second is no limit."""

    per_second: float
    burst: int = 1
    _filled_to: float = 0.0
    _at: float | None = None

    def seconds_to_wait(self, now: float, requests: int = 1) -> float:
        """Take requests from the bucket; return how long to wait before they are sent."""
        wait = self.would_wait(now, requests)
        if self.per_second:
            self._filled_to, self._at = self._filled(now) - requests, now
        return wait

    def would_wait(self, now: float, requests: int = 1) -> float:
        """Tell the same and take nothing."""
        if not self.per_second:
            return 0.0
        return max(0.0, (requests - self._filled(now)) / self.per_second)

    def _filled(self, now: float) -> float:
        if self._at is None:
            return float(self.burst)
        return min(float(self.burst), self._filled_to + (now - self._at) * self.per_second)
