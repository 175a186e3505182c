"""Health answers, given before sessions, hosts or brands are looked at.

Liveness touches nothing, so a dead database never restarts a live process. Readiness asks every
dependency, each bounded by ``HEALTH_CHECK_TIMEOUT``: the database and its migrations decide
between ready and not ready; anything else that is down only degrades, since a mint request is
accepted without it.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import psycopg
import redis
import structlog
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse

from tieback.metrics import metrics
from tieback.startup import open_session

SERVICE = "tieback"
QUEUE_WARNS_ABOVE = 500
log = structlog.get_logger(__name__)
_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="health")
_running: dict[str, Future[str]] = {}
_starting = threading.Lock()


def _seconds() -> float:
    return float(settings.HEALTH_CHECK_TIMEOUT_MS) / 1000


def _session() -> AbstractContextManager["psycopg.Connection[Any]"]:
    return open_session(timeout=max(2, int(_seconds())))


def _database() -> str:
    with _session() as session:
        session.execute("select 1")
    return "ok"


@cache
def _migrations_of_this_code() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


def _migrations() -> str:
    with _session() as session:
        applied = set(session.execute("select app, name from django_migrations").fetchall())
    pending = _migrations_of_this_code() - applied
    return f"{len(pending)} pending" if pending else "ok"


def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_connect_timeout=_seconds(), socket_timeout=_seconds(), retry=None
    )


def _answers(url: str) -> str:
    if not url:
        return "off"
    with _redis(url) as client:
        client.ping()
    return "ok"


def _queue() -> str:
    with _redis(settings.CELERY_BROKER_URL) as client:
        waiting = client.llen("mint")
    return "ok" if int(waiting) <= QUEUE_WARNS_ABOVE else f"{waiting} waiting"


def _storage() -> str:
    from exports.storage import bucket_answers

    bucket_answers(timeout=_seconds())
    return "ok"


def _solana() -> str:
    with _session() as session:
        row = session.execute(
            "select count(*), count(*) filter (where status <> 'open')"
            "  from minting_rpcendpoint where enabled"
        ).fetchone()
    enabled, answering = row or (0, 0)
    if not enabled:
        return "off"
    return "ok" if answering else "no endpoint answers"


def _off() -> str:
    return "off"


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "redis": lambda: _answers(settings.REDIS_URL),
    "broker": lambda: _answers(settings.CELERY_BROKER_URL),
    "storage": _storage,
    "solana": _solana,
    "queue": _queue,
    "outbox": _off,
}
_VITAL = ("database", "migrations")
_NEEDED_BY_RESOLVER = ("database", "migrations")


def _start(name: str) -> Future[str]:
    """Start a check, or join the one under way: a check that hangs takes one thread, not all."""
    with _starting:
        running = _running.get(name)
        if running is None or running.done():
            running = _running[name] = _pool.submit(CHECKS[name])
        return running


def run_checks(names: tuple[str, ...]) -> dict[str, str]:
    """Run the named checks side by side and return one word for each, all in bounded time."""
    deadline = time.monotonic() + _seconds()
    started = {name: _start(name) for name in names}
    results = {}
    for name, future in started.items():
        try:
            results[name] = future.result(timeout=max(0.0, deadline - time.monotonic()))
        except Exception as error:  # noqa: BLE001 - a check may fail in any way
            log.warning("health_check_failed", check=name, error=type(error).__name__)
            results[name] = "error"
    return results


def _health() -> JsonResponse:
    now = datetime.now(UTC).isoformat()
    return JsonResponse({"status": "healthy", "service": SERVICE, "timestamp": now})


def _health_db() -> JsonResponse:
    if run_checks(("database",))["database"] == "ok":
        return JsonResponse({"status": "ok", "database": "connected", "service": SERVICE})
    body: dict[str, Any] = {
        "status": "error",
        "database": "disconnected",
        "error": "The database does not answer.",
        "service": SERVICE,
    }
    return JsonResponse(body, status=503)


def _liveness() -> JsonResponse:
    return JsonResponse({"status": "alive"})


def _readiness() -> JsonResponse:
    resolver = settings.TIEBACK_PLANE == "resolver"
    checks = run_checks(_NEEDED_BY_RESOLVER if resolver else tuple(CHECKS))
    if any(checks[name] != "ok" for name in _VITAL):
        return JsonResponse({"status": "not ready", "checks": checks}, status=503)
    healthy = all(word in {"ok", "off"} for word in checks.values())
    return JsonResponse({"status": "ready" if healthy else "degraded", "checks": checks})


_ANSWERS: dict[str, Callable[[], HttpResponse]] = {
    "/health": _health,
    "/health/db": _health_db,
    "/health/liveness": _liveness,
    "/health/readiness": _readiness,
}


class HealthMiddleware:
    """Answer health and metrics here; everything else goes on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path.rstrip("/")
        if path not in _ANSWERS and path != "/metrics":
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        response = metrics(request) if path == "/metrics" else _ANSWERS[path]()
        response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response
