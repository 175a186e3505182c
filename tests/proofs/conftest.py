"""Minted batches whose proofs are due, as the worker leaves them."""

from collections.abc import Callable
from typing import Any

import pytest

from minting.models import BatchProof, MintJob
from minting.proofs.building import work_next_step
from minting.worker import Outcome, work_next_job
from tests.factories import BrandWorld, make_world
from tests.minting.requests import queued_job
from tests.planes import acting_as
from tieback.brands.scoping import brand_scope


@pytest.fixture
def nordhav(transactional_db: None) -> BrandWorld:
    """The brand whose batches are proven."""
    with acting_as("web"):
        return make_world("nordhav")


@pytest.fixture(autouse=True)
def small_cycles(settings: Any) -> None:
    """Let a chunk of a tree span cycles, and a cycle span chunks."""
    settings.TIEBACK_CYCLE_SIZE = 700
    settings.RETRY_BASE_DELAY_MS = 1


@pytest.fixture
def minted(nordhav: BrandWorld) -> Callable[..., MintJob]:
    """Mint a batch as the planes do; its proof is due then."""

    def mint(quantity: int = 5, **fields: Any) -> MintJob:
        job = queued_job(nordhav, quantity, **fields)
        with acting_as("worker"):
            assert work_next_job()[0] is Outcome.COMPLETED
        return job

    return mint


@pytest.fixture
def proven(minted: Callable[..., MintJob]) -> Callable[..., MintJob]:
    """Mint a batch and sign it."""

    def prove(quantity: int = 5, **fields: Any) -> MintJob:
        job = minted(quantity, **fields)
        with acting_as("worker"):
            while work_next_step():
                pass
        return job

    return prove


def proof_row(job: MintJob) -> BatchProof:
    """Return the proof of a job's batch as it stands."""
    with brand_scope(job.brand_id):
        return BatchProof.objects.select_related("batch__passport_version").get(batch=job.batch_id)
