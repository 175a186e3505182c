"""``make test-matrix``: run the suite in every lane, or in those that are named.

A lane whose part is missing fails and says how to get it; none is passed over in silence. Prints
a line for each lane and writes ``$TIEBACK_HOME/matrix.json``. Exit 0 only where every lane passed.
"""

import argparse
import json
import os
import signal
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from matrix.lanes import LANES, Result, inherited, run


def main(argv: list[str]) -> int:
    """Run the lanes; return the exit code."""
    known = {lane.name: lane for lane in LANES}
    parser = argparse.ArgumentParser(prog="python -m matrix", description=__doc__)
    parser.add_argument("lanes", nargs="*", metavar="lane", help=f"of {', '.join(known)}")
    parser.add_argument("--pytest", default="", help="further arguments of pytest")
    options = parser.parse_args(argv)
    unknown = sorted(set(options.lanes) - set(known))
    if unknown:
        parser.error(f"no such lane: {', '.join(unknown)}; there are {', '.join(known)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    root = Path(os.environ.get("TIEBACK_HOME") or ".tieback").resolve()
    home = root / "matrix"
    home.mkdir(parents=True, exist_ok=True)
    results = []
    for name in options.lanes or known:
        print(f"{name}: {known[name].about} …", flush=True)
        found = run(known[name], environ=inherited(), home=home, arguments=options.pytest.split())
        print(_line(found), flush=True)
        results.append(found)
    _write(root / "matrix.json", results)
    good = sum(found.outcome == "passed" for found in results)
    print("\n".join(["", *map(_line, results), f"{good} passed, {len(results) - good} failed"]))
    return 0 if good == len(results) else 1


def _line(found: Result) -> str:
    return f"{found.lane:14} {found.outcome:8} {found.seconds:6.0f} s  {found.said}"


def _write(target: Path, results: list[Result]) -> None:
    told = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "lanes": {found.lane: asdict(found) for found in results},
    }
    target.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
