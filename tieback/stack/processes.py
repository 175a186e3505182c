"""tieback's own processes: what runs, as which plane, with which command.

The one table behind the embedded stack; the container files are tested against it.
``{port}`` and ``{home}`` are filled in by whoever starts the process.
"""

from dataclasses import dataclass

from tieback.planes import CONSOLE, OWNER, RESOLVER, WEB, WORKER, Plane

OPERATOR_EMAIL = "operator@tieback.localhost"
QUEUES = ("mint", "exports", "chain", "upkeep")


@dataclass(frozen=True)
class Process:
    """One long-running process of tieback.

    ``ready`` is the path that answers once the process works, on the process's own port.
    """

    name: str
    plane: Plane
    argv: tuple[str, ...]
    ready: str = ""


@dataclass(frozen=True)
class Step:
    """One command that runs to its end before the processes start."""

    name: str
    plane: Plane
    argv: tuple[str, ...]


_ADDRESS = ("--host", "{host}", "--port", "{port}")


def _granian(target: str, *, workers: int) -> tuple[str, ...]:
    return (
        *("granian", "--interface", "wsgi", "--blocking-threads", "4", "--workers", str(workers)),
        # One process that dies must not end those beside it.
        "--respawn-failed-workers",
        # A worker told to stop while it starts misses it; a stop must not take longer than 30 s.
        *("--workers-kill-timeout", "20", *_ADDRESS, target),
    )


STEPS = (
    Step("migrate", OWNER, ("python", "manage.py", "migrate", "--no-input", "--verbosity", "0")),
    Step(
        "create_operator",
        CONSOLE,
        (
            *("python", "manage.py", "create_operator", "--email", OPERATOR_EMAIL),
            *("--password-env", "TIEBACK_OPERATOR_PASSWORD"),
        ),
    ),
)

PROCESSES = (
    Process("web", WEB, _granian("tieback.wsgi:application", workers=2), ready="/health/liveness"),
    Process(
        "console",
        CONSOLE,
        _granian("tieback.wsgi:application", workers=1),
        ready="/health/liveness",
    ),
    Process(
        "resolver",
        RESOLVER,
        ("python", "-m", "resolver.server", "--workers", "2", *_ADDRESS),
        ready="/health/liveness",
    ),
    Process(
        "worker",
        WORKER,
        (
            *("celery", "-A", "tieback", "worker", "-Q", ",".join(QUEUES), "-c", "4"),
            *("--without-gossip", "--without-mingle", "--hostname", "{name}@%h"),
        ),
        ready="/metrics",
    ),
    Process(
        "beat",
        WORKER,
        ("celery", "-A", "tieback", "beat", "--pidfile", ""),
        ready="/metrics",
    ),
)
