"""Workers whose clocks are wrong: an hour slow, an hour fast, and jumping."""

import re
import time
from datetime import UTC, datetime

from bench.system import BenchFailed, wait_until
from chaos.clock import HINT, find_library, shifted, steered
from chaos.faults import kill_anywhere
from chaos.lab import WORKERS, Lab
from chaos.record import NotRun
from chaos.scenarios.plan import Scenario

_STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", re.MULTILINE)
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
    """Let the load run; nothing is taken over while nobody dies, and all of it after a kill."""
    reclaimed = "select count(*) from minting_mintevent where type = 'job.reclaimed'"
    before = lab.value(reclaimed)
    time.sleep(2.0 + count)
    lab.record.expect(lab.value(reclaimed) == before, f"{name}: a living worker was robbed")
    for _ in range(count):
        lab.check_load()
        kill_anywhere(lab, whole=False)


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


SCENARIOS = (Scenario("clocks", "12: no clock but the database's decides", run, 0, 2, 10),)
