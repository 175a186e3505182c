"""The payer pays for what it can, and what it lacks is told for as long as it lacks."""

import pytest

from minting.chain.prices import RENT_EXEMPT
from minting.chain.sending.purse import WAIT_SECONDS, Lack, affordable
from tieback.metrics import CHAIN_LACKING_LAMPORTS


@pytest.mark.parametrize(
    ("balance", "paid"),
    [
        (RENT_EXEMPT + 110, ["tree", "memo", "other"]),
        (RENT_EXEMPT + 109, ["tree", "memo"]),
        (RENT_EXEMPT + 99, ["memo", "other"]),
        (RENT_EXEMPT + 4, []),
        (0, []),
    ],
)
def test_what_costs_much_keeps_nothing_from_being_paid_that_costs_little(balance, paid):
    costs = [("tree", 100), ("memo", 5), ("other", 5)]
    found, rest = affordable(costs, balance)
    assert found == paid
    assert sorted(found + rest) == ["memo", "other", "tree"]


def test_what_lacks_is_told_until_it_was_not_asked_for_again(monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr("minting.chain.sending.purse.time.monotonic", lambda: now[0])
    CHAIN_LACKING_LAMPORTS.set(0)
    lack = Lack()
    lack.note(7)
    now[0] += WAIT_SECONDS
    # Others are paid for meanwhile.
    lack.note(0)
    assert CHAIN_LACKING_LAMPORTS._value.get() == 7
    now[0] += 2 * WAIT_SECONDS
    lack.note(0)
    assert CHAIN_LACKING_LAMPORTS._value.get() == 0
