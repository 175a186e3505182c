"""What a look finds, and what is known of each kind of drift. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from minting.states import DriftDirection, DriftKind

Position = Mapping[str, Any]

TRANSACTION, SUBMISSION, ROOT = "transaction", "submission", "root"
DOCUMENT, TREE, LEAF = "document", "tree", "leaf"


class Nature(NamedTuple):
    """What holds for every drift of a kind."""

    direction: DriftDirection
    subject: str
    #: Put right by a run without asking anybody.
    is_repaired: bool = False
    #: Put right by a run where a person has asked for it.
    may_be_repaired: bool = False


_THERE = DriftDirection.CHAIN_TO_DB
_HERE = DriftDirection.DB_TO_CHAIN
_BOTH = DriftDirection.MISMATCH

NATURES: Mapping[DriftKind, Nature] = {
    DriftKind.TRANSACTION_MISSING: Nature(_HERE, TRANSACTION),
    DriftKind.TRANSACTION_IN_VAIN: Nature(_HERE, TRANSACTION),
    DriftKind.SUBMISSION_UNFOUNDED: Nature(_HERE, SUBMISSION),
    DriftKind.ANCHOR_MISSING: Nature(_HERE, ROOT, is_repaired=True),
    DriftKind.DOCUMENT_MISSING: Nature(_HERE, DOCUMENT, is_repaired=True),
    DriftKind.TREE_MISSING: Nature(_HERE, TREE),
    DriftKind.LEAF_MISSING: Nature(_HERE, LEAF),
    DriftKind.TRANSACTION_LANDED: Nature(_THERE, TRANSACTION, is_repaired=True),
    DriftKind.LANDED_TWICE: Nature(_THERE, TRANSACTION),
    DriftKind.ORPHAN_ANCHOR: Nature(_THERE, TRANSACTION),
    DriftKind.UNKNOWN_SPENDING: Nature(_THERE, TRANSACTION),
    DriftKind.LEAF_UNRECORDED: Nature(_THERE, LEAF, is_repaired=True),
    DriftKind.UNKNOWN_LEAF: Nature(_THERE, LEAF),
    DriftKind.MEMO_DIFFERS: Nature(_BOTH, TRANSACTION),
    DriftKind.DOCUMENT_DIFFERS: Nature(_BOTH, DOCUMENT, may_be_repaired=True),
    DriftKind.TREE_SUPPLY_DIFFERS: Nature(_BOTH, TREE, is_repaired=True),
    DriftKind.TREE_AUTHORITY_DIFFERS: Nature(_BOTH, TREE),
    DriftKind.OWNER_DIFFERS: Nature(_BOTH, LEAF, is_repaired=True),
    DriftKind.LEAF_DIFFERS: Nature(_BOTH, LEAF),
    DriftKind.METADATA_STALE: Nature(_BOTH, LEAF, is_repaired=True),
    DriftKind.SEQUENCE_GAP: Nature(_BOTH, TREE),
    DriftKind.ROOT_DIFFERS: Nature(_BOTH, TREE),
}


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Something that is not the same on both sides.

    ``detail`` is what a person needs to judge it, and is the same whenever the same is found.
    Without a brand it is nobody's but the operators'.
    """

    kind: DriftKind
    subject_id: str
    brand_id: UUID | None = None
    batch_id: UUID | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def nature(self) -> Nature:
        """What holds for its kind."""
        return NATURES[self.kind]

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other one."""
        return str(self.kind), self.subject_id


@dataclass(frozen=True)
class Round:
    """What a step is to look at: a brand or all, everything or what is new and due.

    ``again``: the subjects of drifts that were open before.
    """

    network: str
    brand_id: UUID | None
    is_full: bool
    at_most: int
    again: Sequence[str] = ()


@dataclass(frozen=True)
class Looked:
    """What a step has found.

    ``examined``: the subjects of which it is now known how they stand, those that are well too.
    ``position``: where the next step goes on. ``besides``: how many more were found well, as far
    as they were looked at.
    """

    examined: Sequence[str]
    drifts: Sequence[Drift]
    position: Position
    is_end: bool
    besides: int = 0
