"""Which chain modes an installation has, and which one a request gets that names none.

Where a network is set there are all of them: its trees are made when they are needed, and metadata
documents are pinned wherever there is a chain.
"""

from typing import TypedDict

from django.conf import settings

from minting.states import ChainMode


class ChainColumns(TypedDict):
    """What a batch keeps of how it is written to a chain, and where."""

    chain_mode: str
    chain_network: str
    leaf_owner: str


def available_modes() -> tuple[str, ...]:
    """Return the modes that may be asked for; without a network nothing is written anywhere."""
    return tuple(ChainMode.values) if settings.SOLANA_NETWORK else (ChainMode.NONE.value,)


def default_mode() -> str:
    """Return the mode of a request that names none: an anchor costs next to nothing."""
    return ChainMode.ANCHOR.value if settings.SOLANA_NETWORK else ChainMode.NONE.value


def chain_columns(asked_for: str | None, leaf_owner: str) -> ChainColumns:
    """Return a new batch's columns; the network stays the one that it was accepted on."""
    mode = asked_for or default_mode()
    network = "" if mode == ChainMode.NONE else settings.SOLANA_NETWORK
    return {"chain_mode": mode, "chain_network": network, "leaf_owner": leaf_owner}
