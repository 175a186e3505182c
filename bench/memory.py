"""Peak memory of the worker's processes, reset before each measurement (Linux)."""

from contextlib import suppress
from pathlib import Path

import psutil

from bench.minting import finished, settle
from bench.system import System


def worker_peak_mb(system: System, *, units: int) -> float:
    """Mint and export ``units`` and return the largest resident size of any worker process."""
    with system.superuser() as superuser:
        settle(superuser)
        family = _family(system.stack.pid("worker"))
        for process in family:
            with suppress(OSError):
                Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")
        finished(superuser, system.submit(units)["mint_job_id"])
        settle(superuser)
        return max(_peak_kb(process.pid) for process in _family(system.stack.pid("worker"))) / 1024


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _peak_kb(pid: int) -> int:
    with suppress(OSError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0
