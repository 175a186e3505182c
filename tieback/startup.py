"""Start-up of a process: wait for what it needs, say for what, then go."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.core.wsgi import get_wsgi_application

log = structlog.get_logger(__name__)


def wait_for(what: str, ready: Callable[[], object], *, seconds: float) -> None:
    """Call ``ready`` until it stops raising; give up after ``seconds`` with its last error."""
    deadline, pause = time.monotonic() + seconds, 0.1
    while True:
        try:
            ready()
        except Exception as error:
            if time.monotonic() + pause > deadline:
                raise
            log.warning("waiting", waiting_for=what, error=type(error).__name__)
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
        else:
            return


def open_session(*, timeout: int = 2) -> "psycopg.Connection[Any]":
    """Connect with this plane's role, apart from Django; ``timeout`` in seconds.

    It bounds the connecting, and how long a peer that went silent is waited for.
    """
    database: dict[str, Any] = settings.DATABASES["default"]
    return psycopg.connect(
        host=database["HOST"],
        port=database["PORT"],
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        autocommit=True,
        **{
            **database["OPTIONS"],
            "connect_timeout": timeout,
            "tcp_user_timeout": timeout * 1000,
        },
    )


def database_answers() -> None:
    """Open a connection with this plane's role, and close it."""
    open_session().close()


def wait_for_database() -> None:
    """Block until the database takes this plane's role."""
    wait_for("database", database_answers, seconds=settings.TIEBACK_STARTUP_WAIT_SECONDS)


def serve() -> Callable[..., object]:
    """Return Django's WSGI application once the database answers."""
    metrics_directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if metrics_directory:
        Path(metrics_directory).mkdir(parents=True, exist_ok=True)
    application = get_wsgi_application()
    wait_for_database()
    return application
