"""Workers whose clocks are wrong: an hour slow, an hour fast, and jumping."""

import re
import time
from datetime import UTC, datetime

from bench.system import BenchFailed, wait_until
from chaos.clock import HINT, find_library, shifted, steered
from chaos.faults import kill_anywhere
from chaos.lab import LEASE_SECONDS, WORKERS, Lab
from chaos.record import NotRun
from chaos.scenarios.plan import Scenario

_STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", re.MULTILINE)
# On a crowded machine a task may outlive its hard limit, and is killed for it.
_OVERDUE = re.compile(r"Hard time limit \(")
_RECLAIMED = "select count(*) from minting_mintevent where type = 'job.reclaimed'"
HOUR = 3_600.0


def run(lab: Lab, count: int) -> None:
    """Work with one clock slow and one fast, then let one jump; kill now and then."""
    library = find_library()
    if library is None:
        raise NotRun(f"no libfaketime here: {HINT}")
    slow, fast = (shifted(library, offset) for offset in ("-1h", "+1h"))
    lab.configure(odd={"worker": slow, "second": fast})
    _see_offset(lab, "worker", -HOUR)
    _see_offset(lab, "second", HOUR)
    _work(lab, count, "clocks an hour slow and an hour fast")
    file = lab.stack.home / "clock"
    file.write_text("+0\n", encoding="utf-8")
    lab.configure(odd={"second": steered(library, file)})
    for number in range(count):
        offset = (2 * HOUR, -2 * HOUR)[number % 2]
        time.sleep(1.0)
        file.write_text(f"{offset:+.0f}\n", encoding="utf-8")
        _see_offset(lab, "second", offset)
        lab.record.count(f"clock jumped to {offset / HOUR:+.0f} h")
    _work(lab, count, "clock jumped")


def _work(lab: Lab, count: int, name: str) -> None:
    """Let the load run, and kill now and then: only jobs of the dead are ever taken over."""
    time.sleep(2.0 + count)
    for _ in range(count):
        lab.check_load()
        kill_anywhere(lab, whole=False)
    time.sleep(LEASE_SECONDS + 2.0)
    deaths = sum(number for name, number in lab.record.faults.items() if name.startswith("kill"))
    deaths += sum(len(_OVERDUE.findall(lab.log_of(alias))) for alias in WORKERS)
    robbed = int(lab.value(_RECLAIMED)) - deaths
    lab.record.expect(robbed <= 0, f"{name}: {robbed} jobs were taken from living workers")
    errors = lab.value("select count(*) from minting_mintevent where type = 'job.error'")
    lab.record.expect(not errors, f"{name}: {errors} errors were spent")


def _see_offset(lab: Lab, alias: str, offset: float) -> None:
    """Wait until the worker's own log shows the time that it was given."""

    def look() -> bool | None:
        stamps = _STAMP.findall(lab.log_of(alias))
        if not stamps:
            return None
        said = datetime.fromisoformat(stamps[-1]).replace(tzinfo=UTC).timestamp()
        return True if abs(said - time.time() - offset) < 120 else None

    if alias not in WORKERS:
        raise BenchFailed(f"{alias} is no worker")
    wait_until(f"the clock of {alias} to be off", look, seconds=60)


SCENARIOS = (
    Scenario(
        *("clocks", "12: no clock but the database's decides", run, 0, 2, 10),
        # An object store refuses what is signed an hour off: that attempt is lost, not the build.
        settings={"MAX_RETRIES": "50", "RETRY_BASE_DELAY": "300"},
        excused=frozenset({"I12"}),
    ),
)
