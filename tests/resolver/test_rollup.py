"""Counting first scans into batches: exact, however often and at whatever moment it runs."""

import pytest
from django.db import connection, transaction

from minting.models import MintBatch
from resolver import tasks
from resolver.rollup import ActivationsLost, count_activations
from tests.factories import BrandWorld
from tests.planes import acting_as
from tests.resolver.scanning import at_once, scan
from tests.resolver.units import Minted, mint, waiting_activations
from tieback.brands.scoping import brand_scope

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("worker"),
    pytest.mark.usefixtures("connections"),
]


def scan_some(minted: Minted, count: int) -> None:
    with acting_as("resolver"):
        for at in range(count):
            assert scan(minted.path(at), host=minted.host).status == 307


def activated(minted: Minted) -> int:
    with brand_scope(minted.batch.brand_id):
        return MintBatch.objects.get(pk=minted.batch.pk).activated_quantity


def test_activations_of_several_brands_are_counted_into_their_batches(
    nordhav: BrandWorld, strangers: BrandWorld
):
    first, second, theirs = mint(nordhav, 5), mint(nordhav, 5), mint(strangers, 5)
    for minted, count in ((first, 4), (second, 2), (theirs, 3)):
        scan_some(minted, count)
    assert count_activations() == 9
    assert [activated(minted) for minted in (first, second, theirs)] == [4, 2, 3]
    assert waiting_activations() == 0


def test_counting_twice_adds_nothing(nordhav):
    minted = mint(nordhav, 3)
    scan_some(minted, 3)
    tasks.count_activations()
    tasks.count_activations()
    assert activated(minted) == 3


def test_what_is_scanned_later_is_added(nordhav):
    minted = mint(nordhav, 3)
    scan_some(minted, 1)
    count_activations()
    scan_some(minted, 3)
    assert count_activations() == 2
    assert activated(minted) == 3


def test_a_roll_up_that_dies_leaves_everything_to_the_next(nordhav):
    minted = mint(nordhav, 3)
    scan_some(minted, 3)
    with transaction.atomic():
        assert count_activations() == 3
        transaction.set_rollback(True)
    assert (activated(minted), waiting_activations()) == (0, 3)
    count_activations()
    assert activated(minted) == 3


def test_roll_ups_at_the_same_moment_count_each_activation_once(nordhav, strangers):
    ours, theirs = mint(nordhav, 30), mint(strangers, 30)
    scan_some(ours, 30)
    scan_some(theirs, 30)
    results = at_once(6, lambda _: count_activations())
    assert sum(results) + count_activations() == 60
    assert (activated(ours), activated(theirs)) == (30, 30)


def test_an_activation_that_fits_no_batch_of_its_brand_is_kept_and_reported(nordhav, strangers):
    theirs = mint(strangers)
    with acting_as("resolver"), connection.cursor() as cursor:
        cursor.execute(
            "insert into resolver_activation (brand_id, batch_id, unit_id) values (%s, %s, 1)",
            (nordhav.brand.id, theirs.batch.id),
        )
    with pytest.raises(ActivationsLost):
        count_activations()
    assert (activated(theirs), waiting_activations()) == (0, 1)
