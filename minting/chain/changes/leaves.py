"""What a submission that changes leaves is made of, and what the chain told of each leaf.

Its payload names the tree and each leaf's place and name, which stay. Owner and present metadata
may change before it is signed, so they are read then; a leaf's place in the tree is proven by a
path that is as fresh.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from solders.pubkey import Pubkey

from minting.chain.bubblegum.changes import Place
from minting.chain.bubblegum.events import LeafTold
from minting.chain.bubblegum.leaves import Leaf, leaf_of
from minting.chain.bubblegum.metadata import Metadata
from minting.chain.bubblegum.programs import Version, asset_id
from minting.chain.sending.kinds import NotTold
from minting.chain.trees.shapes import Shape


@dataclass(frozen=True)
class Held:
    """A leaf as the rows have it: what it says now, and what stands in the tree for it."""

    index: int
    name: str
    uri: str
    owner: str
    hash: bytes


@dataclass(frozen=True)
class Told:
    """What the chain has told of the leaf at ``place`` of a submission."""

    place: int
    leaf: Leaf
    hash: bytes


def payload_of(
    *,
    tree: str,
    schema: int,
    shape: Shape,
    leaves: Sequence[tuple[int, str]],
    collection: str = "",
) -> dict[str, Any]:
    """Return what every change of leaves is made of; ``leaves`` are places and names."""
    told = {
        "tree": tree,
        "schema": schema,
        "depth": shape.depth,
        "buffer": shape.buffer,
        "canopy": shape.canopy,
        "leaves": [list(one) for one in leaves],
    }
    return told | ({"collection": collection} if collection else {})


def shape_in(payload: Mapping[str, Any]) -> Shape:
    """Return the shape of the tree that a payload names."""
    return Shape(payload["depth"], payload["buffer"], payload["canopy"])


def metadata_of(payload: Mapping[str, Any], name: str, uri: str) -> Metadata:
    """Return the metadata of an asset in the tree of a payload."""
    collection = payload.get("collection")
    return Metadata(
        name=name, uri=uri, collection=Pubkey.from_string(collection) if collection else None
    )


def present_leaf(payload: Mapping[str, Any], held: Held) -> Leaf:
    """Return the leaf as it stands; its owner is nobody else's delegate."""
    return leaf_of(
        Version(payload["schema"]),
        tree=Pubkey.from_string(payload["tree"]),
        nonce=held.index,
        owner=Pubkey.from_string(held.owner),
        metadata=metadata_of(payload, held.name, held.uri),
    )


def unproven_place(payload: Mapping[str, Any], index: int) -> Place:
    """Return a place whose path is as long as the real one, for measuring.

    Neighbours share as many nodes as they will.
    """
    nodes = [
        sha256(f"{height}:{index >> height ^ 1}".encode()).digest()
        for height in range(payload["depth"])
    ]
    tree = Pubkey.from_string(payload["tree"])
    return Place(
        tree=tree,
        root=bytes(32),
        index=index,
        path=nodes,
        canopy=payload["canopy"],
    )


def matched(
    payload: Mapping[str, Any],
    told: Sequence[LeafTold],
    is_done: Callable[[LeafTold, str], bool],
) -> list[Told]:
    """Return what was told of each leaf of a payload, in its order. Raises ``NotTold``.

    ``is_done`` tells of a leaf and its name whether it is as it was to become.
    """
    tree = Pubkey.from_string(payload["tree"])
    by_id = {one.leaf.id: one for one in told}
    found = []
    for place, (index, name) in enumerate(payload["leaves"]):
        one = by_id.get(asset_id(tree, index))
        if one is None or not is_done(one, name):
            raise NotTold(f"no event tells of the leaf at {index}")
        found.append(Told(place, one.leaf, one.hash))
    return found
