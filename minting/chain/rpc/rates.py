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

    def seconds_to_wait(self, now: float) -> float:
        """Take one request from the bucket; return how long to wait before it is sent."""
        if not self.per_second:
            return 0.0
        if self._at is None:
            self._filled_to = float(self.burst)
        else:
            filled = self._filled_to + (now - self._at) * self.per_second
            self._filled_to = min(float(self.burst), filled)
        self._at = now
        self._filled_to -= 1
        return max(0.0, -self._filled_to / self.per_second)
