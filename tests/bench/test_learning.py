"""The bare callable asks the database exactly what the resolver asks."""

import pytest

from bench.peers.learning import NothingLearnt, Statement, learn
from minting.states import UnitStatus
from resolver.database import fetch_one
from tests.resolver.conftest import connections  # noqa: F401 - a fixture
from tests.resolver.scanning import scan
from tests.resolver.units import mint


@pytest.mark.django_db(transaction=True)
@pytest.mark.plane("resolver")
@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("start", ["/01/{gtin}/21/", "/mu/"])
def test_the_statement_of_one_code_finds_the_unit_of_another(nordhav, start):
    minted = mint(nordhav, 2, status=UnitStatus.ACTIVE)
    asked, other = minted.tokens
    path = start.format(gtin=minted.gtin) + asked
    statement = learn(lambda: scan(path), asked)
    found = fetch_one(statement.query, statement.for_token()(other))
    assert found is not None
    assert other in found


def test_a_scan_that_asks_nothing_of_the_code_teaches_nothing():
    with pytest.raises(NothingLearnt, match="0 statements"):
        learn(lambda: None, "ABCDEFGHJKLMNPQRSTUV")


def test_only_the_token_changes():
    named = Statement("select", {"serial": "A", "brand": 7, "token": "A"}, "A")
    assert named.for_token()("B") == {"serial": "B", "brand": 7, "token": "B"}
    placed = Statement("select", (7, "A", "Phone"), "A")
    assert placed.for_token()("B") == (7, "B", "Phone")
