"""What the leaves of a tree on the chain and the assets of the database come to. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from solders.pubkey import Pubkey

from minting.chain.bubblegum.leaves import EMPTY, Leaf
from minting.chain.bubblegum.metadata import Metadata, UnsoundMetadata
from minting.chain.bubblegum.programs import Version
from minting.chain.reconciliation.drifts import Drift
from minting.states import AssetStatus, DriftKind


@dataclass(frozen=True)
class TreeEvent:
    """One change of a tree: what stands at ``index`` since. Without a leaf nothing does."""

    signature: str
    sequence: int
    index: int
    hash: bytes
    leaf: Leaf | None
    is_mint: bool

    @property
    def is_creation(self) -> bool:
        """Whether it is the tree's own beginning, which puts nothing anywhere."""
        return self.sequence == 0 and self.hash == EMPTY


@dataclass(frozen=True)
class TreeRow:
    """A tree as the database has it."""

    id: UUID
    brand_id: UUID
    address: str
    authority: str
    creator: str
    delegate: str
    schema: int
    depth: int
    supply: int
    collection: str = ""


@dataclass(frozen=True)
class AssetRow:
    """An asset as the database has it."""

    id: int
    batch_id: UUID
    submission_id: UUID | None
    status: str
    leaf_index: int | None
    leaf_hash: bytes | None
    owner: str
    name: str
    uri: str

    def names(self, uri: str, tree: TreeRow, leaf: Leaf) -> bool:
        """Tell whether a leaf is this asset's with metadata at ``uri``."""
        collection = Pubkey.from_string(tree.collection) if tree.collection else None
        try:
            metadata = Metadata(name=self.name, uri=uri, collection=collection)
        except UnsoundMetadata:
            return False
        return metadata.data_hash(Version(tree.schema)) == leaf.data_hash


@dataclass(frozen=True)
class DocumentRow:
    """A metadata document that assets of a batch may name, and its address on a chain."""

    id: UUID
    uri: str


@dataclass(frozen=True)
class SentRow:
    """A transaction of ours in a tree's history; the sender still looks after a fresh one."""

    id: UUID
    submission_id: UUID
    is_fresh: bool


@dataclass(frozen=True)
class Page:
    """What the database knows of a page's events: by index, signature, submission and batch."""

    at: Mapping[int, AssetRow]
    sent: Mapping[str, SentRow]
    open: Mapping[UUID, Sequence[AssetRow]]
    documents: Mapping[UUID, Sequence[DocumentRow]]


def newest(events: Sequence[TreeEvent], touched: Collection[int]) -> dict[int, TreeEvent]:
    """Return the last event of each index, but for those that were changed later.

    ``touched``: indexes of which a later event was read before, going back in time.
    """
    found: dict[int, TreeEvent] = {}
    for event in sorted(events, key=lambda one: one.sequence):
        if not event.is_creation and event.index not in touched:
            found[event.index] = event
    return found


def gap_in(sequences: Collection[int], *, below: int | None) -> tuple[int, int] | None:
    """Return the first two numbers, going down, between which some are missing.

    ``below``: the lowest that was read before. A number comes up once for each change.
    """
    last = below
    for sequence in sorted(set(sequences), reverse=True):
        if last is not None and sequence < last - 1:
            return last, sequence
        last = sequence if last is None else min(last, sequence)
    return None


def leaf_id(tree: str, index: int) -> str:
    """Return what a leaf is called as the subject of a drift."""
    return f"{tree}:{index}"


def leaf_drift(tree: TreeRow, event: TreeEvent, page: Page) -> Drift | None:
    """Return in what a leaf and its asset differ, None where they do not or are still settled."""
    asset, sent = page.at.get(event.index), page.sent.get(event.signature)
    if sent is not None and sent.is_fresh:
        return None
    if asset is not None:
        return _of_asset(tree, event, asset, page.documents.get(asset.batch_id, ()))
    if event.leaf is None:
        return None
    ours = None if sent is None else _minted_as(tree, event.leaf, page.open[sent.submission_id])
    detail: dict[str, Any] = {"hash": event.hash.hex(), **_told(event.leaf)}
    if sent is None or ours is None:
        detail |= {"signature": event.signature}
        return _drift(DriftKind.UNKNOWN_LEAF, tree, event.index, detail)
    detail |= {"asset": ours.id, "transaction_id": str(sent.id)}
    return _drift(DriftKind.LEAF_UNRECORDED, tree, event.index, detail, ours.batch_id)


def _of_asset(
    tree: TreeRow, event: TreeEvent, asset: AssetRow, documents: Sequence[DocumentRow]
) -> Drift | None:
    is_missing = asset.status == AssetStatus.MISSING_ON_CHAIN
    detail: dict[str, Any] = {"asset": asset.id, "signature": event.signature}
    if event.leaf is None:
        kind = DriftKind.LEAF_MISSING
        return None if is_missing else _drift(kind, tree, event.index, detail, asset.batch_id)
    detail |= {"hash": event.hash.hex(), **_told(event.leaf)}
    told = _document_told(tree, event.leaf, asset, documents)
    if told is not None and not is_missing:
        detail |= {"document": str(told.id), "uri": told.uri, "expected_uri": asset.uri}
        return _drift(DriftKind.METADATA_STALE, tree, event.index, detail, asset.batch_id)
    if event.hash == asset.leaf_hash:
        kind = DriftKind.LEAF_UNRECORDED
        return _drift(kind, tree, event.index, detail, asset.batch_id) if is_missing else None
    has_moved = str(event.leaf.owner) != asset.owner
    kind = DriftKind.OWNER_DIFFERS if has_moved else DriftKind.LEAF_DIFFERS
    return _drift(kind, tree, event.index, {**detail, "was": asset.owner}, asset.batch_id)


def _document_told(
    tree: TreeRow, leaf: Leaf, asset: AssetRow, documents: Sequence[DocumentRow]
) -> DocumentRow | None:
    """Return the document that a leaf names where it is another one than the row says."""
    if asset.names(asset.uri, tree, leaf):
        return None
    return next((one for one in documents if asset.names(one.uri, tree, leaf)), None)


def _minted_as(tree: TreeRow, leaf: Leaf, assets: Sequence[AssetRow]) -> AssetRow | None:
    """Return the asset whose metadata a leaf has."""
    return next((asset for asset in assets if asset.names(asset.uri, tree, leaf)), None)


def _told(leaf: Leaf) -> dict[str, str]:
    return {"asset_id": str(leaf.id), "owner": str(leaf.owner), "delegate": str(leaf.delegate)}


def _drift(
    kind: DriftKind,
    tree: TreeRow,
    index: int,
    detail: Mapping[str, Any],
    batch_id: UUID | None = None,
) -> Drift:
    return Drift(
        kind=kind,
        subject_id=leaf_id(tree.address, index),
        brand_id=tree.brand_id,
        batch_id=batch_id,
        detail={"tree_id": str(tree.id), "index": index, **detail},
    )
