"""What is wrong with a tree, from what is known of it and what the chain says. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from minting.chain.bubblegum.accounts import NoTree, TreeConfig, TreeHeader
from minting.chain.trees.shapes import Shape


@dataclass(frozen=True)
class Known:
    """What is known of a tree. ``landed``: mints known to be in it when the chain was asked.

    ``at_most``: how many more mints than none could be in it once the chain has answered.
    """

    address: str
    authority: str
    creator: str
    delegate: str
    shape: Shape
    program: str
    landed: int
    at_most: int


@dataclass(frozen=True)
class Account:
    """The beginning of an account, and whose it is."""

    owner: str
    lamports: int
    data: bytes


@dataclass(frozen=True)
class Seen:
    """A tree's two accounts, each None where there is none."""

    tree: Account | None
    config: Account | None


def troubles(known: Known, seen: Seen, *, payer: str) -> list[str]:
    """Return what is wrong, in sentences; nothing where all is well. ``payer``: who mints now."""
    if seen.tree is None:
        return [f"There is no account at {known.address}."]
    if seen.config is None:
        return [f"There is no account at {known.authority}, its authority."]
    try:
        header, config = TreeHeader.read(seen.tree.data), TreeConfig.read(seen.config.data)
    except NoTree as error:
        return [f"Its accounts hold something else: {error}."]
    return [
        *_of_the_account(known, seen.tree, header),
        *_of_the_config(known, config, payer=payer),
    ]


def minted(seen: Seen) -> int:
    """Return how many mints the chain counts. Raises ``NoTree``."""
    if seen.config is None:
        raise NoTree("no configuration of a tree")
    return TreeConfig.read(seen.config.data).minted


def _of_the_account(known: Known, account: Account, header: TreeHeader) -> Iterator[str]:
    if account.owner != known.program:
        yield f"Its account is {account.owner}'s, and should be {known.program}'s."
    if str(header.authority) != known.authority:
        yield f"Its authority is {header.authority}, and should be {known.authority}."
    if (header.depth, header.buffer) != (known.shape.depth, known.shape.buffer):
        yield f"It is {header.depth} deep with a buffer of {header.buffer}."
    if account.lamports < known.shape.account_rent:
        yield (
            f"It holds {account.lamports:,} lamports, and {known.shape.account_rent:,} keep it"
            " alive: send it what lacks."
        )


def _of_the_config(known: Known, config: TreeConfig, *, payer: str) -> Iterator[str]:
    if str(config.creator) != known.creator:
        yield f"Its creator is {config.creator}, and should be {known.creator}."
    if str(config.delegate) != known.delegate:
        yield f"Its delegate is {config.delegate}, and was {known.delegate}."
    if payer not in {str(config.delegate), str(config.creator)}:
        yield (
            f"The payer {payer} may not mint into it: let its creator make the payer its delegate."
        )
    if config.is_public:
        yield "Anybody may mint into it."
    if config.capacity != known.shape.leaves:
        yield f"It has {config.capacity:,} leaves, and should have {known.shape.leaves:,}."
    if config.minted < known.landed:
        yield f"The chain counts {config.minted:,} mints, and {known.landed:,} are known to be in."
    if config.minted > known.at_most:
        yield (
            f"The chain counts {config.minted:,} mints, and {known.at_most:,} are known of:"
            " something else has minted into it."
        )
