"""How long an endpoint takes to answer, and after how long another is asked beside it. Pure.

Average and deviation are those with which TCP finds its time-outs (RFC 6298, section 2): the
average and four deviations more are seldom exceeded by an endpoint that is as it was.
"""

from dataclasses import dataclass

#: Another is asked no sooner and no later, and so soon where nothing is known: seconds.
SOONEST_HEDGE, LATEST_HEDGE, FIRST_HEDGE = 0.05, 2.0, 0.5
_AVERAGE_WEIGHT, _DEVIATION_WEIGHT, _DEVIATIONS = 1 / 8, 1 / 4, 4


@dataclass
class Latency:
    """Of one endpoint, in seconds; no average where it has never answered."""

    average: float | None = None
    deviation: float = 0.0

    def note(self, seconds: float) -> None:
        """Note how long an answer took."""
        if self.average is None:
            self.average, self.deviation = seconds, seconds / 2
            return
        self.deviation += _DEVIATION_WEIGHT * (abs(self.average - seconds) - self.deviation)
        self.average += _AVERAGE_WEIGHT * (seconds - self.average)

    def note_at_least(self, seconds: float) -> None:
        """Note that an answer was given up after a time: it says something where that is long."""
        if self.average is None or seconds > self.average:
            self.note(seconds)

    def resume(self, average: float | None) -> None:
        """Take over an average that another process has found."""
        if average is not None:
            self.average, self.deviation = average, self.deviation or average / 2

    @property
    def hedge_after(self) -> float:
        """How long to wait for an answer before another endpoint is asked, too."""
        if self.average is None:
            return FIRST_HEDGE
        usual = self.average + _DEVIATIONS * self.deviation
        return min(LATEST_HEDGE, max(SOONEST_HEDGE, usual))
