"""Prints the table of docs/measurements.md anew, with the figures of a run.

``python -m bench.rows`` reads ``$TIEBACK_HOME/bench.json``; another report is named as argument. A
figure that the run does not have keeps its row as it is; one that the table does not have yet
follows at the end.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.figures import LIMITS, TARGETS
from bench.system import PROJECT

_ROW = re.compile(r"\| `([a-z0-9_.]+)` \| *([^|]*?) *\| *([^|]*?) *\| *(.*?) *\|")


def rows(table: str, figures: Mapping[str, float]) -> Iterator[str]:
    """Yield the rows of a table in Markdown with their new values."""
    left = dict(figures)
    for line in table.splitlines():
        if found := _ROW.fullmatch(line):
            name, value, target, beside = found.groups()
            value = _text(left.pop(name)) if name in left else value
            yield f"| `{name}` | {value} | {target or _target(name)} | {beside} |"
    for name, number in left.items():
        yield f"| `{name}` | {_text(number)} | {_target(name)} |  |"


def _text(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def _target(name: str) -> str:
    if name in TARGETS:
        return f"≥ {TARGETS[name]:g}"
    return f"≤ {LIMITS[name]:g}" if name in LIMITS else ""


def main(arguments: list[str]) -> None:
    """Print the rows."""
    home = Path(os.environ.get("TIEBACK_HOME") or ".tieback")
    report = Path(arguments[0]) if arguments else home / "bench.json"
    figures = json.loads(report.read_text(encoding="utf-8"))["figures"]
    table = (PROJECT / "docs/measurements.md").read_text(encoding="utf-8")
    print("\n".join(rows(table, figures)))


if __name__ == "__main__":
    main(sys.argv[1:])
