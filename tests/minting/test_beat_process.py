"""Beat as a process of its own: what it needs to start, and what it does not."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings

from tests.planes import database_url

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("worker"),
    pytest.mark.timeout(90),
]
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def broker() -> Iterator["redis.Redis[bytes]"]:
    """A numbered database of the running broker that no worker listens to."""
    with redis.Redis.from_url(f"{settings.REDIS_URL.rsplit('/', 1)[0]}/15") as client:
        client.flushdb()
        yield client
        client.flushdb()


def test_beat_rings_whatever_an_earlier_one_left_behind(
    tmp_path: Path, broker: "redis.Redis[bytes]"
):
    """A beat that is killed while it writes its schedule leaves a torn file, if it writes one."""
    torn = tmp_path / "celerybeat-schedule.dir"
    torn.write_text("'entries', (0, 500)\n")
    torn.with_suffix(".dat").write_bytes(b"")
    environ = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "TIEBACK_PLANE": "worker",
        "DATABASE_URL": database_url(),
        "CELERY_BROKER_URL": f"{settings.REDIS_URL.rsplit('/', 1)[0]}/15",
        "TIEBACK_SWEEP_SECONDS": "0.5",
    }
    log = tmp_path / "log"
    with log.open("wb") as said:
        beat = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tieback", "beat", "--pidfile", ""],
            cwd=tmp_path,
            env=environ,
            stdout=said,
            stderr=said,
        )
        try:
            deadline = time.monotonic() + 60
            while not broker.llen("upkeep") and time.monotonic() < deadline:
                assert beat.poll() is None, log.read_text()[-3000:]
                time.sleep(0.2)
        finally:
            beat.terminate()
            beat.wait(30)
    assert broker.llen("upkeep"), log.read_text()[-3000:]
    assert torn.with_suffix(".dat").read_bytes() == b""
