"""The database refuses every step that the tables of states do not list, and takes the others."""

import itertools

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from minting.models import MintBatch, MintJob
from minting.states import (
    BATCH_TRANSITIONS,
    FINISHED_JOBS,
    JOB_TRANSITIONS,
    BatchStatus,
    JobStatus,
)
from tests.console.rows import make_jobs, open_shop
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]

# Which state of a job comes with which of its batch, so that a batch can be made in any.
_JOB_OF = {
    BatchStatus.QUEUED: JobStatus.QUEUED,
    BatchStatus.PROCESSING: JobStatus.PROCESSING,
    BatchStatus.MINTED: JobStatus.COMPLETED,
    BatchStatus.FAILED: JobStatus.FAILED,
    BatchStatus.CANCELLED: JobStatus.CANCELLED,
}


def tried(rows: object, **fields: object) -> bool:
    """Try an update and undo it; return whether it was taken, and fail for any other reason."""
    try:
        with transaction.atomic():
            assert rows.update(**fields) == 1  # type: ignore[attr-defined]
            transaction.set_rollback(True)
    except DatabaseError as error:
        if "Invalid transition" not in str(error):
            raise
        return False
    return True


def test_a_job_takes_exactly_the_listed_steps(transactional_db: None) -> None:
    shop, taken = open_shop(), {}
    for start, end in itertools.product(JobStatus, repeat=2):
        if start == end:
            continue
        (job,) = make_jobs(shop, status=start, requested_quantity=5, generated_quantity=5)
        with all_brands():
            finished = timezone.now() if end in FINISHED_JOBS else None
            rows = MintJob.objects.filter(pk=job.pk)
            taken[start, end] = tried(rows, status=end, finished_at=finished)
    listed = {(start, end) for start, ends in JOB_TRANSITIONS.items() for end in ends}
    assert len(taken) == 30
    assert {pair for pair, was_taken in taken.items() if was_taken} == listed


def test_a_batch_takes_exactly_the_listed_steps(transactional_db: None) -> None:
    shop, taken = open_shop(), {}
    for start, end in itertools.product(BatchStatus, repeat=2):
        if start == end:
            continue
        (job,) = make_jobs(shop, status=_JOB_OF[start], requested_quantity=5, generated_quantity=5)
        with brand_scope(shop.brand_id):
            rows = MintBatch.objects.filter(pk=job.batch_id)
            taken[start, end] = tried(rows, status=end, minted_at=timezone.now())
    listed = {(start, end) for start, ends in BATCH_TRANSITIONS.items() for end in ends}
    assert len(taken) == 20
    assert {pair for pair, was_taken in taken.items() if was_taken} == listed
