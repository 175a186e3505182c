"""Closed-loop load by wrk: 32 connections that each send the next scan when the last is answered.

wrk is written in C and takes little of the processors that the measured server needs too. Codes
are drawn at random; the same seed sends every server the same ones. One answer that is not the
redirect ends the run.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers.places import Places
from bench.system import BenchFailed
from tieback.stack.ports import HOST

CONNECTIONS = 32
_SCRIPT = Path(__file__).with_name("scans.lua")


@dataclass(frozen=True)
class Scans:
    """What is asked for: codes in a file, one a line with its agent text, on a brand's host."""

    file: Path
    host: str
    paths: Sequence[str]
    agents: Sequence[str]

    def write(self) -> None:
        """Write the file, the agents in turn."""
        agents = self.agents
        self.file.write_text(
            "".join(f"{path}\t{agents[at % len(agents)]}\n" for at, path in enumerate(self.paths)),
            encoding="ascii",
        )


@dataclass(frozen=True)
class Wrk:
    """The load generator, and where it is."""

    program: Path
    environment: dict[str, str]
    scans: Scans

    def redirects_per_s(self, port: int, *, seconds: float, seed: int) -> float:
        """Scan at a server for some seconds; return how many redirects it gave in each."""
        done = subprocess.run(
            [
                *(str(self.program), "--threads", "1", "--connections", str(CONNECTIONS)),
                *("--duration", f"{seconds:.0f}s", "--timeout", "5s", "--script", str(_SCRIPT)),
                f"http://{HOST}:{port}",
            ],
            env={
                **self.environment,
                "SCANS": str(self.scans.file),
                "SCAN_HOST": self.scans.host,
                "SCAN_SEED": str(seed),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchFailed(f"wrk: {done.stderr.strip() or done.stdout.strip()}")
        return rate_of(done.stdout)


def rate_of(output: str) -> float:
    """Return redirects a second from the last line that ``scans.lua`` writes."""
    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    if found["wrong"] or found["lost"] or not found["answered"]:
        raise BenchFailed(f"scans that were not redirected: {found}")
    return float(found["answered"] / (found["microseconds"] / 1e6))


def find_wrk(places: Places, scans: Scans) -> Wrk | None:
    """Return the load generator, or None where it is not installed."""
    program = places.debian_program("wrk")
    return Wrk(program, places.debian_environment(), scans) if program else None
