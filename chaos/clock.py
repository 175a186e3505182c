"""Where libfaketime is: it gives a process another clock, from outside.

It comes with the tools of development (the ``libfaketime`` wheel holds the library), or from the
system: ``apt-get install faketime`` on Debian and Ubuntu. ``CHAOS_LIBFAKETIME`` names another one.
"""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HINT = "install the wheel libfaketime, or: apt-get install faketime"
_SYSTEM = ("/usr/lib", "/usr/local/lib", "/lib")
_PRINT_TIME = "import time; print(time.time())"


def find_library() -> Path | None:
    """Return a libfaketime that works here, or ``None``."""
    return next((path for path in _candidates() if _works(path)), None)


def shifted(library: Path, offset: str) -> dict[str, str]:
    """Return the variables that give a process a clock shifted by ``offset`` (``-1h``)."""
    return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def steered(library: Path, file: Path) -> dict[str, str]:
    """Return the variables that give a process the clock that ``file`` names at each look."""
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _candidates() -> Iterator[Path]:
    if named := os.environ.get("CHAOS_LIBFAKETIME"):
        yield Path(named)
    found = importlib.util.find_spec("libfaketime")
    if found and found.origin:
        yield from Path(found.origin).parent.rglob("libfaketime.so.1")
    for folder in _SYSTEM:
        yield from Path(folder).glob("**/faketime/libfaketime.so.1")


def _works(library: Path) -> bool:
    """Start a process an hour ahead, and ask it what time it is."""
    done = subprocess.run(
        [sys.executable, "-c", _PRINT_TIME],
        env={**os.environ, **shifted(library, "+1h")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0 and 3_500 < float(done.stdout) - time.time() < 3_700
