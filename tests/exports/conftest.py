"""A bucket of their own for the tests of exports, and object stores to try signed URLs on."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from exports import storage
from minting.models import MintBatch
from tests.exports.batches import minted_batch, queued_build
from tests.factories import BrandWorld, make_world
from tests.planes import acting_as
from tieback.errors import PermanentError, TransientError
from tieback.stack.logs import FileLogs
from tieback.stack.ports import free_ports
from tieback.stack.s3 import s3_ports, s3_service
from tieback.stack.supervisor import Supervisor

BUCKET = f"test-exports-{os.getpid()}"


@pytest.fixture(scope="session")
def _bucket_of_the_run() -> Iterator[None]:
    from django.test import override_settings

    # Not while the session goes on: others have buckets of their own.
    with override_settings(S3_BUCKET=BUCKET):
        storage.ensure_bucket()
    yield
    with override_settings(S3_BUCKET=BUCKET):
        bucket = storage.PackStorage().bucket
        bucket.objects.all().delete()
        bucket.delete()


@pytest.fixture(autouse=True)
def bucket(_bucket_of_the_run: None, settings) -> None:
    """Put this test's objects into the bucket of the run."""
    settings.S3_BUCKET = BUCKET


@pytest.fixture
def small_packs(settings) -> None:
    """Make packs of ten rows, and wait next to nothing after an error."""
    settings.TIEBACK_PACK_SIZE = 10
    settings.RETRY_BASE_DELAY_MS = 1


@pytest.fixture
def brand(transactional_db) -> BrandWorld:
    """A brand whose rows are committed, so that every plane can see them."""
    with acting_as("web"):
        return make_world("nordhav")


@pytest.fixture
def batch(brand) -> MintBatch:
    """A batch of 25 units, hence of three packs, with a build that is due."""
    batch = minted_batch(brand, 25)
    queued_build(batch)
    return batch


@pytest.fixture
def puts(monkeypatch) -> list[str]:
    """The keys that were put, in order, last part only."""
    real, seen = storage.put, []

    def put(key, content, **options):
        seen.append(key.rpartition("/")[2])
        real(key, content, **options)

    monkeypatch.setattr(storage, "put", put)
    return seen


@pytest.fixture
def fail_put(monkeypatch):
    """Return a function that makes the puts of one file fail, the first few times."""
    real = storage.put

    def arm(name: str, error: Exception, times: int = 1_000) -> None:
        left = iter(range(times))

        def put(key, content, **options):
            if key.endswith(name) and next(left, None) is not None:
                raise error
            real(key, content, **options)

        monkeypatch.setattr(storage, "put", put)

    return arm


@dataclass(frozen=True)
class ObjectStore:
    """A running S3 server."""

    name: str
    endpoint: str
    key_id: str
    secret: str
    verifies_sha256: bool


@pytest.fixture(scope="session")
def light_store() -> ObjectStore:
    """The store that all tests use."""
    from django.conf import settings

    return ObjectStore(
        "rclone",
        settings.S3_ENDPOINT_URL,
        settings.S3_ACCESS_KEY_ID,
        settings.S3_SECRET_ACCESS_KEY,
        verifies_sha256=False,
    )


@pytest.fixture(scope="session")
def faithful_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """SeaweedFS, which verifies what it is sent."""
    folder = tmp_path_factory.mktemp("seaweedfs")
    names = ("s3", *s3_ports("seaweedfs"))
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    key_id, secret = "contract", "contract-secret"
    supervisor = Supervisor(FileLogs(folder))
    try:
        supervisor.start(s3_service("seaweedfs", folder, ports=ports, key_id=key_id, secret=secret))
        supervisor.wait_ready("s3")
        endpoint = f"http://127.0.0.1:{ports['s3']}"
        yield ObjectStore("seaweedfs", endpoint, key_id, secret, verifies_sha256=True)
    finally:
        supervisor.stop(*supervisor.names, seconds=0.5)
        supervisor.close()


@pytest.fixture(params=["light_store", "faithful_store"])
def store(request: pytest.FixtureRequest, settings) -> Iterator[ObjectStore]:
    """Each object store in turn, with the bucket made, as the one that settings name."""
    chosen: ObjectStore = request.getfixturevalue(request.param)
    settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = chosen.endpoint
    settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = chosen.key_id, chosen.secret
    storage.forget_clients()
    for attempt in range(40):
        try:
            storage.ensure_bucket()
            break
        except (PermanentError, TransientError):
            # A store may answer before it can store anything.
            assert attempt < 39
            time.sleep(0.25)
    yield chosen
    storage.forget_clients()
