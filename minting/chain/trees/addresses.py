"""The addresses of a tree, which follow from the payer and a seed. Pure.

So the account needs no key of its own, and a transaction that died is signed again for the same
address. Nobody but the payer can make an account there. Source: the system program,
``CreateAccountWithSeed``.
"""

from typing import NamedTuple

from solders.pubkey import Pubkey

from minting.chain.bubblegum.programs import BESIDE, Version, config_of


class Addresses(NamedTuple):
    """Of a tree's account, and of what Bubblegum keeps of it, which is the tree's authority."""

    tree: Pubkey
    authority: Pubkey


def addresses_of(payer: Pubkey, seed: str, version: Version) -> Addresses:
    """Return where the tree of a seed is. ``seed``: 32 bytes of ASCII at most."""
    tree = Pubkey.create_with_seed(payer, seed, BESIDE[version].compression)
    return Addresses(tree, config_of(tree))
