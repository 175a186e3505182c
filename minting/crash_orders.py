"""What fault injection may order a process to do at a named place, and who carries it out.

Actions are ``kill`` (SIGKILL, the default), ``kill-parent`` (the whole worker), ``stop`` (SIGSTOP)
and ``error`` (raise). Each firing signs a file of its own beside ``witness``; after ``times`` of
them the order is spent, in however many processes it was met.
"""

import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

NAMES = (
    "mint.claimed",
    "mint.started",
    "mint.fenced",
    "mint.inserted",
    "mint.counted",
    "mint.committed",
    "mint.before_finalize",
    "mint.finalized",
    "exports.claimed",
    "exports.before_put",
    "exports.after_put",
    "exports.after_pack_commit",
    "exports.before_manifest",
    "exports.after_manifest",
    "proofs.before_commit",
    "proofs.committed",
    "chain.made",
    "chain.before_commit",
    "chain.signed",
    "chain.before_send",
    "chain.sent",
    "chain.looked",
    "chain.settled",
    "chain.expired",
    "assets.before_commit",
    "assets.grouped",
    "assets.before_completed",
    "changes.before_commit",
    "changes.grouped",
    "metadata.pinned",
    "metadata.recorded",
    "reconciliation.looked",
    "reconciliation.before_commit",
    "reconciliation.committed",
)


class InjectedError(Exception):
    """Raised on purpose, by an order whose action is ``error``."""


@dataclass(frozen=True)
class Order:
    """What to do where. Without a witness it is never spent; 0 times is without end."""

    point: str
    action: str = "kill"
    odds: int = 1
    times: int = 1
    job: str = ""
    cycle: int = 0
    witness: str = ""

    def concerns(self, name: str) -> bool:
        """Say whether this visit is the one that is meant."""
        return (
            name == self.point
            and self.cycle in {0, _bound("cycle")}
            and self.job in {"", _bound("mint_job_id")}
            and not random.randrange(self.odds)  # noqa: S311 - no secret
        )

    def is_taken(self, name: str) -> bool:
        """Sign one of the files; whoever finds all of them signed leaves the process alone."""
        if not self.witness:
            return True
        number = 0
        while not self.times or number < self.times:
            path = Path(f"{self.witness}.{number}" if number else self.witness)
            number += 1
            try:
                with path.open("x", encoding="utf-8") as line:
                    line.write(
                        f"{name} {os.getpid()} {time.time():.3f} {_bound('mint_job_id') or '-'}\n"
                    )
            except FileExistsError:
                continue
            return True
        return False

    def carry_out(self) -> None:
        """Do what was ordered."""
        if self.action == "error":
            raise InjectedError(self.point)
        if self.action == "kill-parent":
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGSTOP if self.action == "stop" else signal.SIGKILL)


def _bound(name: str) -> object:
    """Return what the work at hand has bound to its log lines."""
    return structlog.contextvars.get_contextvars().get(name)
