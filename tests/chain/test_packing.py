"""How many mints are put into one transaction, next to what was measured with the programs."""

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from minting.chain.bubblegum.instructions import Mint, mint_v1, mint_v2
from minting.chain.bubblegum.metadata import Metadata
from minting.chain.bubblegum.packing import most_at_once, packed
from minting.chain.bubblegum.programs import Version
from minting.chain.transactions import TooLargeError

PAYER, TREE = Pubkey.new_unique(), Pubkey.new_unique()
BUILD = {Version.V1: mint_v1, Version.V2: mint_v2}


def mints(version: Version, count: int, *, name: int, uri: int, owners: int = 0):
    """Return mints for the payer, or for as many owners in turn."""
    others = [Pubkey.new_unique() for _ in range(owners)] or [PAYER]
    return [
        BUILD[version](
            Mint(tree=TREE, payer=PAYER, delegate=PAYER, owner=others[place % len(others)]),
            Metadata(name="n" * name, uri="u" * uri),
        )
        for place in range(count)
    ]


@pytest.mark.parametrize(
    ("version", "name", "uri", "fit"),
    [
        (Version.V1, 3, 20, 12),
        (Version.V1, 12, 34, 9),
        (Version.V1, 32, 100, 4),
        (Version.V2, 3, 20, 11),
        (Version.V2, 12, 34, 8),
        (Version.V2, 32, 100, 4),
    ],
)
def test_as_many_mints_fit_as_the_programs_took(version, name, uri, fit):
    made = mints(version, 2 * fit + 1, name=name, uri=uri)
    assert packed(made, PAYER, version=version, depth=20) == [fit, fit, 1]


def test_mints_for_many_owners_need_more_room():
    made = mints(Version.V1, 9, name=12, uri=34, owners=9)
    sizes = packed(made, PAYER, version=Version.V1, depth=20)
    assert sum(sizes) == 9
    assert sizes[0] < 9


def test_the_trace_and_compute_units_end_a_transaction_too():
    assert most_at_once(Version.V2, depth=20) == 12
    assert most_at_once(Version.V1, depth=30) == 14


def test_a_mint_that_fits_nowhere_is_told():
    made = mints(Version.V1, 1, name=32, uri=200)
    wide = [made[0].__class__(one.program_id, bytes(one.data) * 5, one.accounts) for one in made]
    with pytest.raises(TooLargeError, match="shorten its name"):
        packed(wide, PAYER, version=Version.V1, depth=20)


def test_nothing_is_packed_into_nothing():
    assert packed([], Keypair().pubkey(), version=Version.V1, depth=20) == []
