"""Real Celery workers, as processes of their own, on a real broker and the test database."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import redis
from celery import current_app
from django.conf import settings

from minting import pipeline
from minting.models import MintJob, MintUnit
from minting.states import JobStatus
from tests.factories import BrandWorld, make_world
from tests.minting.requests import queued_job, reread
from tests.planes import acting_as, database_url
from tieback.brands.scoping import brand_scope
from tieback.stack.ports import free_ports
from tieback.stack.valkey import valkey_service

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("worker"),
    pytest.mark.timeout(180),
]
PROJECT = Path(__file__).resolve().parents[2]
# A paused child stays one for the whole of a test.
PATIENCE = {
    "TASK_SOFT_TIME_LIMIT": "20",
    "TASK_TIME_LIMIT": "25",
    "TIEBACK_LEASE_SECONDS": "30",
    "BROKER_VISIBILITY_TIMEOUT": "60",
}


@pytest.fixture
def nordhav(transactional_db) -> BrandWorld:
    with acting_as("web"):
        return make_world("nordhav")


@pytest.fixture
def broker() -> Iterator[str]:
    """A broker of this test process alone: a numbered database of the running server."""
    number = 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    url = f"{settings.REDIS_URL.rsplit('/', 1)[0]}/{number}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture
def environment(broker: str) -> dict[str, str]:
    """Short leases, in the order the system check asks for."""
    return {
        **os.environ,
        "TIEBACK_PLANE": "worker",
        "DATABASE_URL": database_url(),
        "TIEBACK_CYCLE_SIZE": "100",
        "TIEBACK_WINDOW_SECONDS": "1",
        "TASK_SOFT_TIME_LIMIT": "2",
        "TASK_TIME_LIMIT": "3",
        "TIEBACK_LEASE_SECONDS": "4",
        "BROKER_VISIBILITY_TIMEOUT": "20",
        "CELERY_BROKER_URL": broker,
    }


@pytest.fixture
def start_worker(
    environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Return a function that starts a worker; all of them are gone after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*, children: int = 1, **armed: str) -> "subprocess.Popen[bytes]":
        log = (tmp_path / f"worker-{len(started)}.log").open("wb")
        worker = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "tieback", "worker"),
                *("-c", str(children)),
                *("-Q", "mint", "--without-gossip", "--without-mingle"),
                *("--hostname", f"{len(started)}@test"),
            ],
            cwd=PROJECT,
            env={**environment, **armed},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


@pytest.fixture
def ring(broker: str) -> Callable[[], None]:
    """Return a function that rings for a job as the sweep would, through the test's own broker."""
    return ringing(broker)


def ringing(broker: str) -> Callable[[], None]:
    def send() -> None:
        with current_app.connection_for_write(broker) as connection:
            current_app.send_task(pipeline.GENERATE, args=("any",), connection=connection)

    return send


def until(what: str, look: Callable[[], bool], *, ring: Callable[[], None], seconds: int = 90):
    """Ring once a second until ``look`` says yes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ring()
        for _ in range(10):
            if look():
                return
            time.sleep(0.1)
    pytest.fail(f"gave up waiting for {what}")


def is_completed(job: MintJob) -> Callable[[], bool]:
    return lambda: reread(job).status == JobStatus.COMPLETED


def assert_whole(job: MintJob) -> None:
    done = reread(job)
    with brand_scope(job.brand_id):
        ordinals = MintUnit.objects.filter(batch_id=job.batch_id).order_by("ordinal")
        found = list(ordinals.values_list("ordinal", flat=True))
    assert found == list(range(1, job.requested_quantity + 1))
    assert done.generated_quantity == done.batch.minted_quantity == job.requested_quantity
    assert (done.consecutive_errors, done.last_error) == (0, "")


def test_a_worker_mints_what_the_bell_rang_for(nordhav, start_worker, ring):
    job = queued_job(nordhav, 1_000)
    start_worker()
    until("the job", is_completed(job), ring=ring)
    assert_whole(job)


@pytest.mark.parametrize("point", ["mint.inserted", "mint.committed", "mint.before_finalize"])
def test_a_killed_child_costs_neither_a_unit_nor_an_error(
    nordhav, start_worker, ring, tmp_path, point
):
    witness = tmp_path / "witness"
    job = queued_job(nordhav, 1_000)
    start_worker(TIEBACK_CRASH_POINT=f"{point}:kill:1:{witness}")
    until("the crash", witness.exists, ring=ring)
    until("the job", is_completed(job), ring=ring)
    assert_whole(job)
    assert reread(job).fence >= 2


def test_a_killed_worker_is_replaced_by_another(nordhav, start_worker, ring, tmp_path):
    witness = tmp_path / "witness"
    job = queued_job(nordhav, 1_000)
    first = start_worker(TIEBACK_CRASH_POINT=f"mint.counted:kill-parent:1:{witness}")
    until("the crash", witness.exists, ring=ring)
    first.wait(10)
    start_worker()
    until("the job", is_completed(job), ring=ring)
    assert_whole(job)


def test_a_worker_that_slept_past_its_lease_wakes_fenced(nordhav, start_worker, ring, tmp_path):
    witness = tmp_path / "witness"
    job = queued_job(nordhav, 2_000)
    sleeper = start_worker(TIEBACK_CRASH_POINT=f"mint.committed:stop:1:{witness}")
    until("the pause", witness.exists, ring=ring)
    for process in (psutil.Process(sleeper.pid), *psutil.Process(sleeper.pid).children()):
        process.suspend()
    start_worker()
    until("the job", is_completed(job), ring=ring)
    for process in (psutil.Process(sleeper.pid), *psutil.Process(sleeper.pid).children()):
        process.resume()
    time.sleep(1)
    assert_whole(job)


def test_a_polite_stop_lets_go_within_seconds(nordhav, start_worker, ring):
    job = queued_job(nordhav, 1_000_000)
    worker = start_worker(TIEBACK_CYCLE_SIZE="2000", TIEBACK_WINDOW_SECONDS="1")
    until("progress", lambda: reread(job).generated_quantity > 0, ring=ring)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    left = reread(job)
    assert left.owner == ""
    assert left.consecutive_errors == left.crashes_without_progress == 0
    with brand_scope(job.brand_id):
        assert MintUnit.objects.filter(batch_id=job.batch_id).count() == left.generated_quantity


class OwnBroker:
    """A broker to ill-treat: a server of this test alone."""

    def __init__(self, folder: Path) -> None:
        self.port, self.password = free_ports(1)[0], secrets.token_hex()
        self.service = valkey_service(folder, port=self.port, password=self.password)
        self.server = subprocess.Popen(
            self.service.argv, env=self.service.env, cwd=self.service.cwd
        )

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 20
        while not self.service.ready():
            assert time.monotonic() < deadline, "the broker does not start"
            time.sleep(0.05)

    def cut_off(self, seconds: float) -> None:
        """Drop all its clients, those that listen to a channel first, and let none in again."""
        with redis.Redis.from_url(self.url) as client:
            client.config_set("requirepass", secrets.token_hex())
            client.client_kill_filter(_type="pubsub")
            client.client_kill_filter(_type="normal", skipme=True)
            time.sleep(seconds)
            client.config_set("requirepass", self.password)

    def fall_silent(self) -> None:
        """Answer nobody, and close no connection either, until it speaks again."""
        self.server.send_signal(signal.SIGSTOP)

    def speak_again(self) -> None:
        self.server.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.server.kill()
        self.server.wait()


@pytest.fixture
def own_broker(tmp_path) -> Iterator[OwnBroker]:
    broker = OwnBroker(tmp_path)
    try:
        broker.wait_ready()
        yield broker
    finally:
        broker.end()


def until_told(words: str, folder: Path, *, seconds: int = 30) -> None:
    """Wait until the worker's log has the words: the fault has landed."""
    deadline = time.monotonic() + seconds
    while words not in (folder / "worker-0.log").read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, f"the log never said: {words}"
        time.sleep(0.1)


def test_a_worker_outlives_its_broker(nordhav, start_worker, own_broker, tmp_path):
    witness = tmp_path / "witness"
    job = queued_job(nordhav, 1_000)
    worker = start_worker(
        children=2,
        CELERY_BROKER_URL=own_broker.url,
        TIEBACK_CRASH_POINT=f"mint.committed:stop:1:{witness}",
        **PATIENCE,
    )
    ring = ringing(own_broker.url)
    # One child holds a message that is not acknowledged, and the worker polls for the other's.
    until("the pause", witness.exists, ring=ring)
    own_broker.cut_off(1.0)
    until_told("Connection to broker lost", tmp_path)
    for child in psutil.Process(worker.pid).children():
        child.resume()
    until("the job", is_completed(job), ring=ring)
    assert worker.poll() is None
    assert_whole(job)


def test_a_message_that_could_not_be_acknowledged_costs_the_worker_no_place(
    nordhav, start_worker, own_broker, tmp_path
):
    witness = tmp_path / "witness"
    first = queued_job(nordhav, 1_000)
    worker = start_worker(
        CELERY_BROKER_URL=own_broker.url,
        TIEBACK_CRASH_POINT=f"mint.committed:stop:1:{witness}",
        **PATIENCE,
    )
    ring = ringing(own_broker.url)
    until("the pause", witness.exists, ring=ring)
    own_broker.fall_silent()
    for child in psutil.Process(worker.pid).children():
        child.resume()
    # The worker waits for two answers first: to its own bell, and to the acknowledgement.
    until_told("Couldn't ack", tmp_path, seconds=120)
    own_broker.speak_again()
    second = queued_job(nordhav, 1_000)
    until("the second job", is_completed(second), ring=ring)
    assert worker.poll() is None
    assert_whole(second)
    until("the first job", is_completed(first), ring=ring)
    assert_whole(first)
