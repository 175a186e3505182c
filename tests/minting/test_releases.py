"""Releasing a batch: frozen into it when it is asked for, once, audited, never taken back."""

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from minting.models import MintBatch, MintEvent
from minting.releases import BatchNotReleasable, release_batch
from minting.revocations import Act
from minting.states import ActivationMode, BatchStatus, PhysicalStatus
from minting.worker import work_next_job
from tests.factories import BrandWorld, make_world
from tests.minting.requests import queued_job
from tests.planes import acting_as
from tieback.brands.models import AuditEntry, Brand
from tieback.brands.scoping import all_brands, brand_scope
from tieback.errors import NotFound

pytestmark = pytest.mark.django_db(transaction=True)

ACT = Act("user:7", "counted and packed", "req-1")
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def nordhav(transactional_db) -> BrandWorld:
    return make_world("nordhav", activates_after_release=True)


def batch_of(world: BrandWorld, *, is_minted: bool = True, **request: object) -> MintBatch:
    job = queued_job(world, 3, **request)
    if is_minted:
        with acting_as("worker"):
            work_next_job()
    return reread(job.batch)


def reread(batch: MintBatch) -> MintBatch:
    with brand_scope(batch.brand_id):
        return MintBatch.objects.get(id=batch.id)


def release(world: BrandWorld, batch: MintBatch) -> bool:
    with brand_scope(world.brand.id):
        return release_batch(batch_id=batch.id, act=ACT)


def test_a_batch_keeps_what_its_brand_asked_for_when_it_was_asked_for(nordhav):
    before = batch_of(nordhav)
    with acting_as("console"), all_brands():
        Brand.objects.filter(id=nordhav.brand.id).update(activates_after_release=False)
    after = batch_of(nordhav)
    assert (before.needs_release, after.needs_release) == (True, False)
    assert reread(before).needs_release


def test_units_that_are_active_at_mint_wait_for_no_release(nordhav):
    batch = batch_of(nordhav, activation_mode=ActivationMode.ACTIVE_AT_MINT)
    assert not batch.needs_release


def test_a_release_is_told_and_audited(nordhav):
    batch = batch_of(nordhav)
    assert release(nordhav, batch)
    assert reread(batch).released_at
    with brand_scope(nordhav.brand.id):
        event = MintEvent.objects.get(type="batch.released")
        entry = AuditEntry.objects.get(action="mint_batch.released")
    assert (event.batch_id, event.actor) == (batch.id, "user:7")
    assert event.data == {"note": "counted and packed", "needs_release": True}
    assert (entry.target_id, entry.reason, entry.request_id) == (
        str(batch.id),
        "counted and packed",
        "req-1",
    )


def test_a_second_release_changes_nothing_and_says_so(nordhav):
    batch = batch_of(nordhav)
    release(nordhav, batch)
    when = reread(batch).released_at
    assert not release(nordhav, batch)
    assert reread(batch).released_at == when
    with brand_scope(nordhav.brand.id):
        assert AuditEntry.objects.filter(action="mint_batch.released").count() == 1


def test_a_batch_whose_units_do_not_all_exist_is_not_released(nordhav):
    batch = batch_of(nordhav, is_minted=False)
    with pytest.raises(BatchNotReleasable, match="queued"):
        release(nordhav, batch)
    assert reread(batch).released_at is None


def test_a_batch_with_voided_labels_is_not_released(nordhav):
    batch = batch_of(nordhav)
    with acting_as("worker"), brand_scope(nordhav.brand.id):
        MintBatch.objects.filter(id=batch.id).update(physical_status=PhysicalStatus.VOIDED)
    with pytest.raises(BatchNotReleasable, match="voided"):
        release(nordhav, batch)


def test_a_batch_of_another_brand_is_not_there(nordhav):
    batch = batch_of(nordhav)
    stranger = make_world("ateljen")
    with pytest.raises(NotFound):
        release(stranger, batch)
    with pytest.raises(NotFound), brand_scope(nordhav.brand.id):
        release_batch(batch_id=NOWHERE, act=ACT)


def test_no_statement_takes_a_release_back(nordhav):
    batch = batch_of(nordhav)
    release(nordhav, batch)
    with (
        pytest.raises(DatabaseError, match="released_once"),
        brand_scope(nordhav.brand.id),
        transaction.atomic(),
    ):
        MintBatch.objects.filter(id=batch.id).update(released_at=None)


def test_no_statement_releases_what_is_not_minted(nordhav):
    batch = batch_of(nordhav, is_minted=False)
    assert batch.status == BatchStatus.QUEUED
    with (
        pytest.raises(IntegrityError, match="minting_batch_released_when_minted"),
        brand_scope(nordhav.brand.id),
        transaction.atomic(),
    ):
        MintBatch.objects.filter(id=batch.id).update(released_at="2026-01-01T00:00Z")
