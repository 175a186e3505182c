"""Before a batch is minted and, where its brand asks for it, released, no scan activates."""

import pytest

from minting.models import MintBatch
from minting.releases import release_batch
from minting.revocations import Act
from minting.states import BatchStatus, UnitStatus
from resolver import redirects
from tests.factories import BrandWorld
from tests.planes import acting_as
from tests.resolver.scanning import at_once, counted, scan
from tests.resolver.units import WHEN, Minted, mint, units_of, waiting_activations
from tieback.brands.scoping import brand_scope

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
UNFINISHED = {"minted_at": None, "requested_quantity": 5}


def change(minted: Minted, **columns: object) -> None:
    with acting_as("worker"), brand_scope(minted.batch.brand_id):
        MintBatch.objects.filter(id=minted.batch.id).update(**columns)


def release(minted: Minted) -> None:
    with acting_as("web"), brand_scope(minted.batch.brand_id):
        assert release_batch(batch_id=minted.batch.id, act=Act("user:1"))


@pytest.mark.parametrize(
    "status",
    [BatchStatus.QUEUED, BatchStatus.PROCESSING, BatchStatus.FAILED, BatchStatus.CANCELLED],
)
def test_a_unit_of_a_batch_that_is_not_minted_is_shown_and_not_activated(
    nordhav: BrandWorld, status: BatchStatus
):
    minted = mint(nordhav, of_batch={**UNFINISHED, "status": status})
    answer = scan(minted.path())
    assert answer.status == 307
    assert not answer.finding.is_first_scan
    assert units_of(minted)[0].status == UnitStatus.MINTED
    assert waiting_activations() == 0


def test_the_first_scan_after_the_batch_is_minted_activates(nordhav):
    minted = mint(nordhav, 5, of_batch={**UNFINISHED, "status": BatchStatus.PROCESSING})
    scan(minted.path())
    change(minted, status=BatchStatus.MINTED, minted_at=WHEN)
    assert scan(minted.path()).finding.is_first_scan


def test_a_unit_that_waits_for_a_release_is_activated_by_the_first_scan_after_it(nordhav):
    minted = mint(nordhav, 2, of_batch={"needs_release": True})
    before = counted("redirected")
    assert not scan(minted.path()).finding.is_first_scan
    assert counted("redirected") == before + 1
    release(minted)
    assert scan(minted.path()).finding.is_first_scan
    assert [unit.status for unit in units_of(minted)] == [UnitStatus.ACTIVE, UnitStatus.MINTED]


def test_a_batch_that_needs_no_release_activates_without_one(nordhav):
    assert scan(mint(nordhav).path()).finding.is_first_scan


@pytest.mark.parametrize(
    "columns", [{"needs_release": True}, {**UNFINISHED, "status": BatchStatus.PROCESSING}]
)
def test_the_statement_that_activates_asks_the_batch_itself(nordhav, columns, monkeypatch):
    """A scan that took the unit for ready, for whatever reason, activates nothing."""
    minted = mint(nordhav, of_batch=columns)
    looked_up = redirects.find_unit

    def taken_for_ready(*asked):
        found = looked_up(*asked)
        return found and found._replace(awaits_first_scan=True)

    monkeypatch.setattr(redirects, "find_unit", taken_for_ready)
    assert not scan(minted.path()).finding.is_first_scan
    assert units_of(minted)[0].status == UnitStatus.MINTED
    assert waiting_activations() == 0


def test_of_many_scans_after_a_release_one_activates(nordhav):
    minted = mint(nordhav, of_batch={"needs_release": True})
    release(minted)
    told = at_once(8, lambda _: scan(minted.path()).finding.is_first_scan)
    assert sorted(told) == [False] * 7 + [True]
    assert waiting_activations() == 1


def test_a_revoked_unit_of_a_released_batch_stays_revoked(nordhav):
    minted = mint(nordhav, status=UnitStatus.REVOKED, of_batch={"needs_release": True})
    release(minted)
    assert not scan(minted.path()).finding.is_first_scan
    assert units_of(minted)[0].status == UnitStatus.REVOKED
