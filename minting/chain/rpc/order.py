"""Which of several endpoints is asked first, and how far each is behind the others. Pure."""

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Protocol, TypeVar

from minting.chain.rpc.breaker import State
from minting.chain.rpc.health import Health

#: Who is further behind is asked last, and not believed where it knows of nothing: slots. A
#: blockhash lives for 150 blocks; of one that such an endpoint gives a third is left.
MOST_SLOTS_BEHIND = 100
#: For how long a slot tells something of its endpoint: seconds.
SLOT_HOLDS = 60.0
#: Who fails more often, or takes longer than this and this many times as long as the fastest, is
#: asked after the others: share, seconds, times.
_POOR_FAILURE_RATE, _SLOW_SECONDS, _SLOW_TIMES = 0.25, 0.5, 4.0
#: From so many on one that is ahead of all others is not taken for the chain's end.
_ENOUGH_TO_DOUBT = 3


class Tier(IntEnum):
    """How good an endpoint is, the best first."""

    GOOD = 0
    POOR = 1
    TRIED = 2
    BEHIND = 3


class Ranked(Protocol):
    """What an endpoint is ranked by; who has the lower ``position`` is preferred."""

    @property
    def position(self) -> int: ...  # noqa: D102

    @property
    def health(self) -> Health: ...  # noqa: D102


R = TypeVar("R", bound=Ranked)


def tier_of(health: Health, fastest: float) -> Tier:
    """Return how good an endpoint is; ``fastest`` is the shortest average of all, in seconds."""
    if health.slots_behind > MOST_SLOTS_BEHIND:
        return Tier.BEHIND
    if health.state is not State.CLOSED:
        return Tier.TRIED
    average = health.latency.average or 0.0
    is_slow = average > max(_SLOW_SECONDS, _SLOW_TIMES * fastest)
    return Tier.POOR if is_slow or health.failure_rate > _POOR_FAILURE_RATE else Tier.GOOD


def in_order(endpoints: Iterable[R], wait: Callable[[R], float] = lambda _: 0.0) -> list[R]:
    """Return the endpoints, the one to ask first at the head.

    Of those that are as good, one that may be asked sooner comes first: ``wait`` is in seconds.
    """
    listed = list(endpoints)
    known = (one.health.latency.average for one in listed if one.health.state is State.CLOSED)
    fastest = min((average for average in known if average is not None), default=0.0)

    def rank(one: R) -> tuple[Tier, float, int, float]:
        tier = tier_of(one.health, fastest)
        return tier, wait(one), one.position, one.health.latency.average or 0.0

    return sorted(listed, key=rank)


def is_well(health: Health) -> bool:
    """Tell whether an endpoint is neither being tried nor behind."""
    return tier_of(health, 0.0) <= Tier.POOR


def is_believed(health: Health, now: float) -> bool:
    """Tell whether an endpoint is believed where it knows of nothing: it is known to keep up."""
    return slot_age(health, now) <= SLOT_HOLDS and health.slots_behind <= MOST_SLOTS_BEHIND


def slot_age(health: Health, now: float) -> float:
    """Return for how many seconds it is known how far its chain is; endless where it is not."""
    return float("inf") if health.slot_at is None else now - health.slot_at


def slots_behind(slots: Sequence[int | None]) -> list[int | None]:
    """Return for each endpoint how many slots it is behind; None where its slot is not known.

    Of three and more, the furthest one is not believed alone.
    """
    known = sorted(slot for slot in slots if slot is not None)
    if not known:
        return [None for _ in slots]
    furthest = known[-2] if len(known) >= _ENOUGH_TO_DOUBT else known[-1]
    return [None if slot is None else max(0, furthest - slot) for slot in slots]
