"""The Celery application. A message is a doorbell: ids only, safe to lose, safe to repeat."""

import os
import signal
from typing import Any

from celery import Celery, current_task
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import (
    beat_init,
    setup_logging,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutting_down,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tieback.settings")
os.environ.setdefault("TIEBACK_PLANE", "worker")

from django.conf import settings
from kombu import Exchange, Queue

from tieback.broker import use_for_redis

# Minting, exporting, writing to a chain, and upkeep; each can have workers of its own.
QUEUES = ("mint", "exports", "chain", "upkeep")
# When periodic work is too old to matter. The clock of the worker decides, and a busy worker comes
# late: this is also how far clocks may differ and how long a worker may be busy.
PERIODIC_EXPIRES_SECONDS = 300.0
KEEP_SCAN_DAYS = "resolver.keep_scan_days"
PROVE_MISSED = "minting.prove_missed"
PIN_MISSED = "minting.pin_missed"


def _every(seconds: float, task: str) -> dict[str, Any]:
    """Return an entry of beat's schedule."""
    return {"task": task, "schedule": seconds, "options": {"expires": PERIODIC_EXPIRES_SECONDS}}


use_for_redis()
app = Celery("tieback")
# "Current" is a thread's own; the default is every thread's, granian's too.
app.set_default()
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": settings.BROKER_VISIBILITY_TIMEOUT,
        # A dead broker must cost a request next to nothing: the job row is the truth.
        "socket_connect_timeout": 0.2,
        "socket_timeout": 5.0 if settings.TIEBACK_PLANE == "worker" else 0.5,
        "max_retries": 0 if settings.TIEBACK_PLANE != "worker" else None,
    },
    task_publish_retry=False,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_acks_late=True,
    task_reject_on_worker_lost=False,
    task_soft_time_limit=settings.TASK_SOFT_TIME_LIMIT,
    task_time_limit=settings.TASK_TIME_LIMIT,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    task_default_queue="upkeep",
    task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
    task_routes={
        "minting.generate": {"queue": "mint"},
        "minting.revoke": {"queue": "mint"},
        "exports.build": {"queue": "exports"},
        "minting.prove": {"queue": "exports"},
        "chain.group": {"queue": "chain"},
        "chain.submit": {"queue": "chain"},
        "chain.create_trees": {"queue": "chain"},
        "minting.watch_trees": {"queue": "chain"},
        "chain.reconcile": {"queue": "chain"},
        "minting.pin": {"queue": "exports"},
    },
    timezone="UTC",
    # Kept in memory: all of it is due within a minute and harmless to repeat, and a file that beat
    # was killed over while it wrote keeps the next one from starting.
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        "sweep-mint-jobs": _every(settings.TIEBACK_SWEEP_SECONDS, "minting.sweep"),
        # What an older release has minted; there is nothing to be found as a rule.
        "prove-missed": _every(3600.0, PROVE_MISSED),
        "pin-missed": _every(3600.0, PIN_MISSED),
        "sweep-pack-builds": _every(settings.TIEBACK_SWEEP_SECONDS, "exports.sweep"),
        "count-activations": _every(5.0, "resolver.count_activations"),
        "count-scans": _every(60.0, "resolver.count_scans"),
        # Every visitor of the day is looked at anew, which costs more than the hour's scans.
        "count-visitors": _every(600.0, "resolver.count_visitors"),
        "keep-scan-days": _every(3600.0, KEEP_SCAN_DAYS),
        "seal-audit": _every(60.0, "brands.seal_audit"),
        # Who rests is tried again, and who is behind is known, while nobody asks for anything.
        "look-at-endpoints": _every(30.0, "minting.look_at_endpoints"),
        # What it asks for is told to people, and a payer that runs dry to operators, likewise.
        "watch-chain": _every(30.0, "minting.watch_chain"),
        "watch-trees": _every(60.0, "minting.watch_trees"),
        "begin-reconciliation": _every(
            settings.RECONCILIATION_INTERVAL_MS / 1000, "minting.begin_reconciliation"
        ),
        "forget-reports": _every(3600.0, "minting.forget_reports"),
        "delete-expired-answers": _every(60.0, "api.delete_expired_answers"),
    },
)
app.autodiscover_tasks(["tieback.brands", "tieback.api", "minting", "exports", "resolver"])


@setup_logging.connect
def _use_our_logging(**_: Any) -> None:
    """Keep Celery from replacing the logging that Django has configured."""


@worker_init.connect
@beat_init.connect
def _wait_for_dependencies(**_: Any) -> None:
    from tieback.startup import wait_for_database

    wait_for_database()


@worker_ready.connect
@beat_init.connect
def _serve_metrics(**_: Any) -> None:
    from tieback.metrics import serve_in_background

    serve_in_background(settings.PROMETHEUS_PORT)


@worker_process_init.connect
def _begin_own_metrics(**_: Any) -> None:
    """Here no soft time limit interrupts anything: there is no task yet."""
    from tieback.metrics import begin_own_files

    begin_own_files()


@worker_ready.connect
def _keep_scan_days(**_: Any) -> None:
    """Make the days of scans now: an installation that stood still for weeks may have none left."""
    app.send_task(KEEP_SCAN_DAYS, expires=PERIODIC_EXPIRES_SECONDS)


@worker_ready.connect
def _prove_missed(**_: Any) -> None:
    """Ask for proofs of what an older release has minted, as soon as a newer one runs."""
    app.send_task(PROVE_MISSED, expires=PERIODIC_EXPIRES_SECONDS)


@worker_ready.connect
def _pin_missed(**_: Any) -> None:
    """Ask for documents of what an older release has minted, likewise."""
    app.send_task(PIN_MISSED, expires=PERIODIC_EXPIRES_SECONDS)


@worker_shutting_down.connect
def _tell_pool_children(**_: Any) -> None:
    from minting.stopping import request_stop

    request_stop()


@task_prerun.connect
def _end_tasks_only(**_: Any) -> None:
    """Let the soft time limit reach nothing but a task.

    A worker that was paused, or held up by a silent broker, finds its limits overdue and signals a
    pool child that may be between two tasks. Raised there, the exception tears a message in the
    child's pipe, and the whole worker stands still for good.
    """
    signal.signal(signal.SIGUSR1, _raise_in_task)


def _raise_in_task(signum: int, frame: object) -> None:
    if current_task:
        raise SoftTimeLimitExceeded
