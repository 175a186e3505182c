"""What one endpoint has done lately, and so whether it is asked. Pure.

``now`` is any clock that goes forward, in seconds, the same for all calls.
"""

from dataclasses import dataclass, field

from minting.chain.networks import Promise
from minting.chain.rpc.breaker import Breaker, State
from minting.chain.rpc.latency import Latency
from minting.chain.rpc.outcomes import Outcome, Verdict

#: How much the last answer weighs in the failure rate.
_FAILURE_WEIGHT = 0.1
#: Who is told "too many" without a time waits so long, and twice as long each further time.
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0


@dataclass
class Unsaved:
    """What happened since it was last written down. ``at`` are moments of the clock."""

    successes: int = 0
    failures: int = 0
    succeeded_at: float | None = None
    failed_at: float | None = None
    noted_at: float | None = None


@dataclass
class Health:
    """Of one endpoint. ``failure_rate`` is from 0 to 1, the recent more than the past."""

    breaker: Breaker = field(default_factory=Breaker)
    latency: Latency = field(default_factory=Latency)
    failure_rate: float = 0.0
    slot: int | None = None
    slot_at: float | None = None
    slots_behind: int = 0
    last_error: str = ""
    # What it has shown to be a node of.
    kept_promise: Promise | None = None
    unsaved: Unsaved = field(default_factory=Unsaved)
    _left_alone_until: float = 0.0
    _throttled_times: int = 0

    @property
    def state(self) -> State:
        """The breaker's."""
        return self.breaker.state

    def rest(self, now: float) -> float:
        """Return for how many seconds more it is not asked."""
        return max(0.0, self._left_alone_until - now, self.breaker.rest(now))

    def might_admit(self, now: float) -> bool:
        """Tell whether a request may pass, without counting it."""
        return now >= self._left_alone_until and self.breaker.might_admit(now)

    def admits(self, now: float) -> bool:
        """Tell whether a request may pass, and count it where it is a probe."""
        return now >= self._left_alone_until and self.breaker.admits(now)

    def note(self, outcome: Outcome, now: float, *, seconds: float, said: str = "") -> None:
        """Note an answer and how long it took; ``said`` is short and without secrets."""
        if outcome.verdict is Verdict.ANSWERED:
            self._succeeded(now, seconds)
        elif outcome.verdict is Verdict.FAILED:
            self._failed(now, said)
        else:
            # Neither a refusal nor "too many" says whether it works.
            self.breaker.left_unsaid()
        wait = outcome.wait
        if outcome.verdict is Verdict.THROTTLED:
            wait = wait or self._usual_wait(now)
            self.last_error = said
        self._left_alone_until = max(self._left_alone_until, now + wait)
        self.unsaved.noted_at = now

    def gave_up(self, seconds: float | None) -> None:
        """Note that its answer was no longer waited for, after so many seconds; None: not asked."""
        self.breaker.left_unsaid()
        if seconds is not None:
            self.latency.note_at_least(seconds)

    def note_slot(self, slot: int, now: float) -> None:
        """Note how far its chain is."""
        self.slot, self.slot_at = slot, now
        self.unsaved.noted_at = now

    def resume(self, state: State, now: float, *, rest: float, opened_times: int) -> None:
        """Take over what another process, or a person, has made of it."""
        self.breaker.resume(state, now, rest=rest, opened_times=opened_times)
        self._left_alone_until = now + rest if state is State.CLOSED else 0.0

    @property
    def is_unsaved(self) -> bool:
        """Whether there is something to be written down."""
        return self.unsaved.noted_at is not None

    def take_unsaved(self) -> Unsaved:
        """Return what is to be written down, and begin anew."""
        taken, self.unsaved = self.unsaved, Unsaved()
        return taken

    def give_back(self, taken: Unsaved) -> None:
        """Keep for later what could not be written down."""
        since = self.unsaved
        self.unsaved = Unsaved(
            since.successes + taken.successes,
            since.failures + taken.failures,
            since.succeeded_at or taken.succeeded_at,
            since.failed_at or taken.failed_at,
            since.noted_at or taken.noted_at,
        )

    def _usual_wait(self, now: float) -> float:
        """Return how long to wait where nothing is asked for; many told at once are told once."""
        if now >= self._left_alone_until:
            self._throttled_times += 1
        doublings = min(10, max(0, self._throttled_times - 1))
        return min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**doublings)

    def _succeeded(self, now: float, seconds: float) -> None:
        self.breaker.succeeded()
        self.latency.note(seconds)
        self.failure_rate *= 1 - _FAILURE_WEIGHT
        self._throttled_times = 0
        self.unsaved.successes += 1
        self.unsaved.succeeded_at = now

    def _failed(self, now: float, said: str) -> None:
        self.breaker.failed(now)
        self.failure_rate += _FAILURE_WEIGHT * (1 - self.failure_rate)
        self.last_error = said
        self.unsaved.failures += 1
        self.unsaved.failed_at = now
