"""Workers killed around every step of sending, while endpoints drop, lose, lag and lie."""

from chaos.faults import kill_at
from chaos.lab import NODES, Lab
from chaos.scenarios.plan import Scenario
from minting.crash_orders import NAMES

POINTS = tuple(name for name in NAMES if name.startswith("chain."))
EXPIRED = "chain.expired"


def run(lab: Lab, count: int) -> None:
    """Kill at each point in turn; what is sent may be lost, and answers may be wrong."""
    for number in range(count):
        lab.check_load()
        point = POINTS[number % len(POINTS)]
        # Only what never lands expires.
        _make_faulty(lab, drop=1.0 if point == EXPIRED else 0.5)
        kill_at(lab, point, whole=number % 2 == 1)
    lab.mend_chain()


def _make_faulty(lab: Lab, *, drop: float) -> None:
    faults = {
        "flaky": {"drop": drop, "lost": 0.5},
        "sound": {"drop": drop},
        "behind": {"drop": drop, "lag": 20},
        "liar": {"drop": drop, "ahead": 10_000, "forgets": True},
    }
    for node in NODES:
        lab.chain("devchainSetFaults", [faults[node]], node=node)


SCENARIOS = (
    Scenario(
        *("chain", "9: what is sent lands once, and all of it in the end", run, 3, 24, 200),
    ),
)
