"""Named places where fault injection may end or stop a process. Off unless a setting names one.

``TIEBACK_CRASH_POINT`` is ``name[:action[:odds[:limit_file]]]``: ``kill`` (SIGKILL, the default),
``stop`` (SIGSTOP) or ``kill-parent`` (the whole worker); ``odds`` is one in how many visits
fires; each firing appends a line to the file, and the point is spent after its first line.
``check --deploy`` refuses the setting.
"""

import os
import random
import signal
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse

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
    "web.committed",
)
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def reach(name: str) -> None:
    """Do what the setting asks for at this place; nothing, in production."""
    armed = settings.TIEBACK_CRASH_POINT
    if armed:
        _maybe_fire(name, armed)


class CommittedMiddleware:
    """The place between a request's commit and its answer; installed only where it is armed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Reach the place once a request that changes something has done so."""
        response = self.get_response(request)
        if request.method in _UNSAFE and response.status_code < HTTPStatus.BAD_REQUEST:
            reach("web.committed")
        return response


def _maybe_fire(name: str, armed: str) -> None:
    wanted, action, odds, witness = [*armed.split(":", 3), "", "", ""][:4]
    if wanted != name or random.randrange(int(odds or 1)):  # noqa: S311 - no secret
        return
    if witness and not _first_to_sign(Path(witness), name):
        return
    if action == "kill-parent":
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGSTOP if action == "stop" else signal.SIGKILL)


def _first_to_sign(witness: Path, name: str) -> bool:
    """Create the witness file; whoever comes second leaves the process alone."""
    try:
        with witness.open("x", encoding="utf-8") as line:
            line.write(f"{name} {os.getpid()}\n")
    except FileExistsError:
        return False
    return True
