"""The first scan wishes for a unit's asset where its batch says so: with the activation, or not."""

import pytest
from django.db import connection

from minting.models import UnitAsset
from tests.planes import acting_as
from tests.resolver.scanning import scan
from tests.resolver.units import mint, units_of
from tieback.brands.scoping import brand_scope

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
OWNER = "So11111111111111111111111111111111111111112"
ON_FIRST_SCAN = {
    "chain_mode": "cnft_on_first_scan",
    "chain_network": "devchain",
    "leaf_owner": OWNER,
}


def wishes(minted) -> list[tuple[str, str, str]]:
    with acting_as("worker"), brand_scope(minted.batch.brand_id):
        rows = UnitAsset.objects.filter(batch=minted.batch).order_by("unit__ordinal")
        return list(rows.values_list("unit__token", "owner", "status"))


def test_a_persons_first_scan_wishes_once_and_for_the_batchs_owner(nordhav):
    minted = mint(nordhav, 2, of_batch=ON_FIRST_SCAN)
    scan(minted.path(), user_agent=BOT)
    scan(minted.path(), method="HEAD")
    assert wishes(minted) == []
    assert scan(minted.path()).finding.is_first_scan
    scan(minted.path())
    assert wishes(minted) == [(minted.tokens[0], OWNER, "pending")]


@pytest.mark.parametrize("mode", ["none", "anchor", "cnft", "cnft_on_demand"])
def test_no_other_mode_does(nordhav, mode):
    minted = mint(nordhav, of_batch={**ON_FIRST_SCAN, "chain_mode": mode})
    assert scan(minted.path()).finding.is_first_scan
    assert wishes(minted) == []


def test_where_the_wish_cannot_be_written_the_unit_is_not_active_either(nordhav):
    minted = mint(nordhav, of_batch=ON_FIRST_SCAN)
    refuse = "alter table minting_unitasset add constraint refused check (false) not valid"
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute(refuse)
    try:
        assert scan(minted.path()).status == 307
        assert [unit.activated_at for unit in units_of(minted)] == [None]
        assert wishes(minted) == []
    finally:
        with acting_as("owner"), connection.cursor() as cursor:
            cursor.execute("alter table minting_unitasset drop constraint refused")
    assert scan(minted.path()).finding.is_first_scan
    assert wishes(minted) == [(minted.tokens[0], OWNER, "pending")]
