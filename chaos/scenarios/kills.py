"""kill -9 of pool children and whole workers, at each crash point and anywhere."""

from chaos.faults import kill_anywhere, kill_at
from chaos.lab import Lab
from chaos.scenarios.plan import Scenario
from minting.crash_orders import NAMES

REAL_CYCLE = 20_000
# Those around sending and assets have scenarios of their own, in which endpoints fail as well. A
# document is pinned once a passport version, so that hardly any worker would come by there.
_POINTS = tuple(name for name in NAMES if not name.startswith(("chain.", "assets.", "metadata.")))


def run(lab: Lab, count: int) -> None:
    """Kill at each point in turn and, one time in three, anywhere; half of them whole workers."""
    named = [_POINTS[i % len(_POINTS)] for i in range(count - count // 3)]
    points: list[str] = [*named, *[""] * (count // 3)]
    lab.dice.shuffle(points)
    for number, point in enumerate(points):
        lab.check_load()
        if point:
            kill_at(lab, point, whole=number % 2 == 1)
        else:
            kill_anywhere(lab, whole=number % 2 == 1)


def run_real(lab: Lab, count: int) -> None:
    """The same with cycles of the size that production has."""
    for client in lab.clients:
        client.submit(5 * REAL_CYCLE + 1)
        client.start((REAL_CYCLE, 2 * REAL_CYCLE + 1))
    for number in range(count):
        point = ("mint.inserted", "mint.counted", "")[number % 3]
        if point:
            kill_at(lab, point, whole=False)
        else:
            kill_anywhere(lab, whole=number % 2 == 1)


SCENARIOS = (
    Scenario("kills", "1, 2, 18: a job survives the death of its worker", run, 4, 60, 500),
    Scenario(
        *("kills_real_cycle", "1, 36: the same with cycles of 20,000", run_real, 0, 4, 30),
        settings={"TIEBACK_CYCLE_SIZE": str(REAL_CYCLE), "TIEBACK_PACK_SIZE": "10000"},
        has_load=False,
        cycle_size=REAL_CYCLE,
    ),
)
