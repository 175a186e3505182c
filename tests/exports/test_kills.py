"""A builder that is really killed, from outside its own code."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from exports.models import PackStatus
from exports.worker import work_next_build
from minting.worker import Outcome
from tests.exports.batches import (
    build_of,
    end_lease,
    expected_packs,
    files_of,
    minted_batch,
    packs_of,
    queued_build,
)
from tests.planes import database_url

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("worker"),
    pytest.mark.usefixtures("small_packs"),
]

ROOT = Path(__file__).parents[2]
_WORK = "import django; django.setup(); from exports.worker import work_next_build as w; w()"


def work_until_killed(point: str, settings) -> int:
    """Build in another process until it kills itself at the point; return how it ended."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tieback.settings",
        "TIEBACK_PLANE": "worker",
        "DATABASE_URL": database_url(),
        "TIEBACK_CRASH_POINT": point,
        "TIEBACK_PACK_SIZE": str(settings.TIEBACK_PACK_SIZE),
        "S3_BUCKET": settings.S3_BUCKET,
    }
    done = subprocess.run(
        [sys.executable, "-c", _WORK], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    return done.returncode


@pytest.mark.parametrize("point", ["exports.after_put", "exports.before_manifest"])
def test_a_killed_builders_work_is_finished_by_the_next(brand, settings, point):
    batch = minted_batch(brand, 25)
    queued_build(batch)
    assert work_until_killed(point, settings) == -signal.SIGKILL
    connection.close()
    abandoned = build_of(batch)
    assert abandoned.owner
    end_lease(batch)
    assert work_next_build()[0] is Outcome.COMPLETED
    build = build_of(batch)
    assert (build.fence, build.consecutive_errors) == (2, 0)
    assert files_of(batch).packs == expected_packs(batch)
    assert {pack.status for pack in packs_of(batch)} == {PackStatus.COMPLETED}
