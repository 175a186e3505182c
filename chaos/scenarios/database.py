"""PostgreSQL restarted, sessions ended, connections cut, slowed down and swallowed."""

import time

from bench.system import wait_until
from chaos.faults import end_backend, restart_database
from chaos.lab import LEASE_SECONDS, Lab
from chaos.proxy import Trap
from chaos.scenarios.plan import Scenario

_AROUND_COMMIT = {
    Trap.BEFORE: "cut before COMMIT",
    Trap.SENT: "cut when COMMIT was sent",
    Trap.ANSWERED: "cut after COMMIT took effect, unanswered",
}


def restarts(lab: Lab, count: int) -> None:
    """Restart the server, every other time without letting it shut down."""
    for number in range(count):
        time.sleep(lab.dice.uniform(0.5, 2.0))
        restart_database(lab, immediate=number % 2 == 0)


def backends(lab: Lab, count: int) -> None:
    """End sessions in the middle of transactions."""
    for _ in range(count):
        time.sleep(lab.dice.uniform(0.0, 0.3))
        end_backend(lab)


def commits(lab: Lab, count: int) -> None:
    """Cut the connection of a cycle around its COMMIT: its outcome is unknown to the worker."""
    for number in range(count):
        trap = list(_AROUND_COMMIT)[number % len(_AROUND_COMMIT)]
        before = lab.database.sprung[trap]
        lab.database.arm(trap)
        _wait_sprung(lab, trap, before)
        lab.record.count(_AROUND_COMMIT[trap])


def _wait_sprung(lab: Lab, trap: Trap, before: int) -> None:
    def look() -> bool | None:
        lab.check_load()
        return True if lab.database.sprung[trap] > before else None

    wait_until("a cycle to commit through the proxy", look, seconds=60)


def network(lab: Lab, count: int) -> None:
    """Reset, cut in the middle of a message, slow down and swallow, in turns."""
    faults = (_reset, _cut_in_a_message, _slow, _swallow)
    for number in range(count):
        lab.check_load()
        time.sleep(lab.dice.uniform(0.5, 1.5))
        faults[number % len(faults)](lab)


def _reset(lab: Lab) -> None:
    if lab.database.cut_all():
        lab.record.count("all database connections reset")


def _cut_in_a_message(lab: Lab) -> None:
    before = lab.database.resets
    lab.database.cut_after(lab.dice.randrange(100, 60_000))
    wait_until(
        "a connection to be cut",
        lambda: True if lab.database.resets > before else None,
        seconds=30,
    )
    lab.record.count("database connection cut after some bytes")


def _slow(lab: Lab) -> None:
    """Tens of milliseconds each way and two megabytes a second, for some seconds."""
    lab.database.latency, lab.database.bandwidth = 0.02, 2_000_000.0
    began, passed = time.perf_counter(), lab.database.passed
    time.sleep(4)
    lab.database.latency = lab.database.bandwidth = 0.0
    rate = (lab.database.passed - passed) / (time.perf_counter() - began)
    lab.record.count("database slow for 4 s", working=rate > 0)


def _swallow(lab: Lab) -> None:
    """Take everything and answer nothing, past the lease."""
    lab.database.fall_silent()
    time.sleep(0.2)
    passed = lab.database.passed
    time.sleep(LEASE_SECONDS + 1)
    silent = lab.database.passed == passed
    lab.database.speak_again()
    if silent:
        lab.record.count("database swallowed everything past the lease")


SCENARIOS = (
    Scenario("database_restarts", "6: a restart tears no cycle", restarts, 1, 6, 100),
    Scenario("database_sessions", "6: an ended session tears no cycle", backends, 2, 7, 200),
    Scenario("commit_unknown", "7: a commit of unknown outcome", commits, 3, 9, 200),
    Scenario("database_network", "6, 7: a bad line to the database", network, 0, 8, 60),
)
