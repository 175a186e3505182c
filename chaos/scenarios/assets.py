"""Workers killed at every step from a unit to its leaf, while endpoints drop, lose, lag and lie.

One worker makes leaves of version 1 and the other of version 2, in trees so small that new ones are
made all the time; sessions of the database end between the kills. Bubblegum itself runs in the dev
chain, so this needs the dumps of its programs.
"""

import os

from bench.system import wait_until
from chaos.faults import end_backend, kill_at
from chaos.lab import NODES, Lab
from chaos.record import NotRun
from chaos.scenarios.plan import Scenario
from minting.crash_orders import NAMES

PROGRAMS = "DEVCHAIN_PROGRAMS_DIR"
EXPIRED = "chain.expired"
POINTS = tuple(name for kind in ("assets.", "chain.") for name in NAMES if name.startswith(kind))
#: After so many kills a session of the database is ended.
_KILLS_TO_A_SESSION = 5
_QUANTITIES = (1, 7, 20)
#: Units that wait for their leaves while more are asked for.
_MOST_OPEN = 100
_OPEN = """
select count(*) from minting_unitasset where status in ('pending', 'processing')
"""
_ALL_HAVE = """
select count(*) = %s from minting_unitasset where status = 'completed'
"""
_TREES = "select count(*) from minting_chaintree where status <> 'creating'"
_ASSETS = "select count(*) from minting_unitasset where status = 'completed'"


def run(lab: Lab, count: int) -> None:
    """Kill at each point in turn, and end a session of the database now and then."""
    if not os.environ.get(PROGRAMS):
        raise NotRun(f"{PROGRAMS} names no folder with the dumps of Bubblegum's programs")
    _begin(lab)
    for number in range(count):
        _make_faulty(lab, drop=0.97)
        _ask_for_more(lab)
        if number % (_KILLS_TO_A_SESSION + 1) == _KILLS_TO_A_SESSION:
            end_backend(lab)
            continue
        point = POINTS[(number - number // (_KILLS_TO_A_SESSION + 1)) % len(POINTS)]
        if point == EXPIRED:
            # Only what never lands expires.
            _make_faulty(lab, drop=1.0)
        kill_at(lab, point, whole=number % 2 == 1)
    lab.mend_chain()
    lab.wait_rest()
    lab.record.figure("assets", float(lab.value(_ASSETS)), at_least=1)
    lab.record.figure("trees", float(lab.value(_TREES)), at_least=2)


def _begin(lab: Lab) -> None:
    """Have each brand's document pinned and its first tree made before anything breaks.

    A worker that dies while it pins holds the document for five minutes.
    """
    for client in lab.clients:
        client.submit(1, chain_mode="cnft")
    lab.wait_for("the first assets", _ALL_HAVE, [len(lab.clients)])


def _ask_for_more(lab: Lab) -> None:
    wait_until(
        "assets to be minted",
        lambda: True if lab.value(_OPEN) < _MOST_OPEN else None,
        seconds=300,
    )
    lab.dice.choice(lab.clients).submit(lab.dice.choice(_QUANTITIES), chain_mode="cnft")


def _make_faulty(lab: Lab, *, drop: float) -> None:
    # Where every endpoint fails every other time, all of them are rested more than they are asked.
    faults = {
        "flaky": {"drop": drop, "lost": 0.5},
        "sound": {"drop": drop},
        "behind": {"drop": drop, "lag": 20},
        "liar": {"drop": drop, "lost": 0.5, "ahead": 10_000, "forgets": True},
    }
    for node in NODES:
        lab.chain("devchainSetFaults", [faults[node]], node=node)


SCENARIOS = (
    Scenario(
        *("chain_assets", "9: each unit becomes one leaf, and all of them do", run, 3, 24, 240),
        settings={
            "SOLANA_TREE_DEPTH": "5",
            "SOLANA_TREE_BUFFER": "8",
            "SOLANA_TREE_CANOPY": "0",
        },
        odd={"second": {"SOLANA_TREE_SCHEMA": "2"}},
        has_load=False,
    ),
)
