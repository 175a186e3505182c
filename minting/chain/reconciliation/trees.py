"""Stage: whether trees are what the rows say, change by change, and by their roots.

A tree has its turn as a whole: its history is paged from the newest change back to what was read
before, then its accounts are read. The changes of a tree are numbered, so what is missing shows;
and where the root over the leaves that the database knows is the one in the account, every leaf
is as it should be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from solana.rpc.commitment import Finalized
from solders.pubkey import Pubkey

from minting.chain.bubblegum.accounts import NoTree, Tree, TreeConfig
from minting.chain.bubblegum.mirror import Mirror
from minting.chain.bubblegum.programs import config_of
from minting.chain.own_thread import in_own_thread
from minting.chain.reconciliation import tree_rows
from minting.chain.reconciliation.at_once import asked_at_once
from minting.chain.reconciliation.drifts import Drift, Looked, Position, Round
from minting.chain.reconciliation.leaves import (
    TreeEvent,
    TreeRow,
    gap_in,
    leaf_drift,
    leaf_id,
    newest,
)
from minting.chain.reconciliation.reading import events_in, read_signature
from minting.chain.reconciliation.witnesses import Chain
from minting.chain.rpc.line import Client
from minting.states import DriftKind

PAGE = 100
#: A scheduled run compares the roots of trees of so many leaves at most, a full one of all.
MOST_LEAVES_BY_SCHEDULE = 1 << 16
_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"

KINDS = frozenset(
    {
        DriftKind.TREE_MISSING,
        DriftKind.LEAF_MISSING,
        DriftKind.LEAF_UNRECORDED,
        DriftKind.UNKNOWN_LEAF,
        DriftKind.TREE_SUPPLY_DIFFERS,
        DriftKind.TREE_AUTHORITY_DIFFERS,
        DriftKind.OWNER_DIFFERS,
        DriftKind.LEAF_DIFFERS,
        DriftKind.METADATA_STALE,
        DriftKind.SEQUENCE_GAP,
        DriftKind.ROOT_DIFFERS,
    }
)

Place = Mapping[str, Any]


@dataclass(frozen=True)
class Accounts:
    """A tree's two accounts; None where there is none, or it is no such account."""

    tree: Tree | None
    config: TreeConfig | None


@dataclass(frozen=True)
class Expected:
    """What the accounts are to say; the root is None where it is not to be compared now."""

    leaves: int
    root: bytes | None
    is_under_way: bool


async def look(chain: Chain, of: Round, position: Position) -> Looked:
    """Read a page of the history of the tree that has its turn, or its accounts at the end."""
    after = position.get("after", _BEFORE_ALL)
    tree = await in_own_thread(tree_rows.next_tree, of.network, of.brand_id, after)
    if tree is None:
        return Looked([], [], {**position, "after": _BEFORE_ALL}, is_end=True)
    places = position.get("at", {})
    place: Place = places.get(str(tree.id), {})
    if not place.get("is_read"):
        examined, drifts, place = await _history(chain, tree, place)
    else:
        examined, drifts = await _accounts(chain, of, tree, place)
        keeps = ("until", "sequence")
        place = {name: place[name] for name in keeps if name in place}
        after = str(tree.id)
    then = {**position, "after": after, "at": {**places, str(tree.id): place}}
    return Looked(examined, drifts, then, is_end=False)


async def _history(
    chain: Chain, tree: TreeRow, place: Place
) -> tuple[list[str], list[Drift], Place]:
    """Compare the changes of a page, leaf by leaf."""
    question = _Page(tree, place)
    signatures, is_end = await chain.ask(question)
    events = await _events(chain, tree, signatures)
    missing = _gap(events, place, is_end=is_end)
    if missing:
        # One endpoint may have lost what another has.
        heard = await chain.words(question)
        signatures = max((one for one, _ in heard), key=len)
        events = await _events(chain, tree, signatures, anew=True)
        missing = _gap(events, place, is_end=is_end)
    last = newest(events, set(place.get("touched", ())))
    page = await in_own_thread(tree_rows.page_of, tree, list(last), signatures)
    found = [(event, leaf_drift(tree, event, page)) for event in last.values()]
    drifts = await _sworn(chain, tree, [(event, drift) for event, drift in found if drift])
    if missing:
        after, before = missing[1], missing[0]
        gap = _of_tree(DriftKind.SEQUENCE_GAP, tree, after=after, before=before)
        drifts.append(replace(gap, subject_id=_gap_id(tree)))
    examined = [leaf_id(tree.address, index) for index in last]
    return (
        examined,
        drifts,
        _further(place, signatures, events, is_end=is_end, is_whole=not missing),
    )


def _gap(events: Sequence[TreeEvent], place: Place, *, is_end: bool) -> tuple[int, int] | None:
    """Return between which changes some are missing: in the page, or down to what was read."""
    sequences = {event.sequence for event in events}
    if is_end and (sequences or "low" in place):
        sequences |= {place.get("sequence", 0)}
    return gap_in(sequences, below=place.get("low"))


def _further(
    place: Place,
    signatures: Sequence[str],
    events: Sequence[TreeEvent],
    *,
    is_end: bool,
    is_whole: bool,
) -> Place:
    """Return where a tree's history goes on. One with a gap is read again from where it was."""
    sequences = [event.sequence for event in events]
    top = max([*sequences, place.get("top", 0), place.get("sequence", 0)])
    has_gap = not is_whole or place.get("has_gap", False)
    kept = {"until": place.get("until"), "sequence": place.get("sequence", 0)}
    head = place.get("head") or (signatures[0] if signatures else None)
    if is_end and has_gap:
        return {**kept, "has_gap": True, "is_read": True}
    if is_end:
        return {"until": head or kept["until"], "sequence": top, "is_read": True}
    touched = {event.index for event in events if not event.is_mint and not event.is_creation}
    return {
        **kept,
        "head": head,
        "before": signatures[-1],
        "top": top,
        "low": min([*sequences, place.get("low", top)]),
        "touched": sorted({*place.get("touched", ()), *touched}),
        "has_gap": has_gap,
    }


async def _accounts(
    chain: Chain, of: Round, tree: TreeRow, place: Place
) -> tuple[list[str], list[Drift]]:
    """Compare the accounts; of a tree whose every change was read, the leaves' root too."""
    question = _Accounts(tree)
    told = await chain.ask(question)
    expected = await in_own_thread(_expected, tree, of, told, place)
    drifts = _differences(tree, told, expected)
    if drifts:
        heard = [_differences(tree, one, expected) for one in await chain.words(question)]
        drifts = [drift for drift in heard[0] if all(drift in others for others in heard)]
    examined = _settled(tree, expected, drifts)
    return examined, [*drifts, *(await _missing(chain, tree, told, of.at_most))]


def _settled(tree: TreeRow, expected: Expected, drifts: Sequence[Drift]) -> list[str]:
    """Return what it is now known of how it stands; a root that is right leaves room for no gap."""
    root_differs = any(drift.kind == DriftKind.ROOT_DIFFERS for drift in drifts)
    settled = [] if expected.is_under_way else [tree.address]
    if expected.root is not None:
        settled += [_root_id(tree)] if root_differs else [_root_id(tree), _gap_id(tree)]
    return settled


def _expected(tree: TreeRow, of: Round, told: Accounts, place: Place) -> Expected:
    under_way = tree_rows.is_under_way(tree)
    account = told.tree
    is_current = account is not None and account.sequence == place.get("sequence", 0)
    if account is None or not is_current or place.get("has_gap"):
        return Expected(0, None, is_under_way=True)
    is_large = not of.is_full and account.leaves > MOST_LEAVES_BY_SCHEDULE
    if is_large or tree_rows.is_changing(tree, of.network):
        return Expected(account.leaves, None, under_way)
    leaves = tree_rows.leaves_of(tree, of.network, account.leaves)
    root = None if leaves is None else Mirror(tree.depth, leaves).root
    return Expected(account.leaves, root, under_way)


def _differences(tree: TreeRow, told: Accounts, expected: Expected) -> list[Drift]:
    """Return in what a tree's accounts and its row differ."""
    account, config = told.tree, told.config
    if account is None or config is None:
        return [_of_tree(DriftKind.TREE_MISSING, tree)]
    found = []
    there = (str(account.authority), str(config.creator), str(config.delegate))
    if there != (tree.authority, tree.creator, tree.delegate):
        names = ("authority", "creator", "delegate")
        said = dict(zip(names, there, strict=True))
        found.append(_of_tree(DriftKind.TREE_AUTHORITY_DIFFERS, tree, found=said))
    if not expected.is_under_way and config.minted != tree.supply:
        detail = {"minted": config.minted, "supply": tree.supply}
        found.append(_of_tree(DriftKind.TREE_SUPPLY_DIFFERS, tree, **detail))
    is_same_tree = account.leaves == expected.leaves
    if expected.root is not None and is_same_tree and account.root != expected.root:
        roots = {"root": account.root.hex(), "expected": expected.root.hex()}
        differs = _of_tree(DriftKind.ROOT_DIFFERS, tree, **roots)
        found.append(replace(differs, subject_id=_root_id(tree)))
    return found


async def _missing(chain: Chain, tree: TreeRow, told: Accounts, limit: int) -> list[Drift]:
    """Return the assets that are completed where the tree has no leaf."""
    if told.tree is None:
        return []
    rows = await in_own_thread(tree_rows.beyond, tree, told.tree.leaves, limit)
    if not rows:
        return []
    heard = await chain.words(_Accounts(tree))
    most = max((one.tree.leaves for one in heard if one.tree), default=None)
    return [
        Drift(
            kind=DriftKind.LEAF_MISSING,
            subject_id=leaf_id(tree.address, row.leaf_index),
            brand_id=tree.brand_id,
            batch_id=row.batch_id,
            detail={"tree_id": str(tree.id), "index": row.leaf_index, "asset": row.id},
        )
        for row in rows
        if most is not None and row.leaf_index is not None and row.leaf_index >= most
    ]


async def _events(
    chain: Chain, tree: TreeRow, signatures: Sequence[str], *, anew: bool = False
) -> list[TreeEvent]:
    """Return the changes of these transactions; ``anew``: as any of the witnesses tells them."""

    async def one(signature: str) -> tuple[TreeEvent, ...]:
        question = _Events(tree, signature)
        if not anew:
            return await chain.ask(question) or ()
        return max((told or () for told in await chain.words(question)), key=len)

    found = await asked_at_once(one, signatures)
    return [event for events in found for event in events]


async def _sworn(
    chain: Chain, tree: TreeRow, found: Sequence[tuple[TreeEvent, Drift]]
) -> list[Drift]:
    """Return those drifts whose changes all witnesses tell of."""

    async def one(signature: str) -> set[TreeEvent]:
        heard = await chain.words(_Events(tree, signature))
        return set.intersection(*(set(events or ()) for events in heard))

    signatures = {event.signature for event, _ in found}
    told = set().union(*await asked_at_once(one, signatures))
    return [drift for event, drift in found if event in told]


def _root_id(tree: TreeRow) -> str:
    return f"{tree.address}:root"


def _gap_id(tree: TreeRow) -> str:
    return f"{tree.address}:gap"


def _of_tree(kind: DriftKind, tree: TreeRow, **detail: Any) -> Drift:
    told = {"tree_id": str(tree.id), **detail}
    return Drift(kind=kind, subject_id=tree.address, brand_id=tree.brand_id, detail=told)


class _Page:
    """The question for the next page of a tree's history: signatures, and whether it is the last.

    Whatever failed has changed nothing and is left out.
    """

    def __init__(self, tree: TreeRow, place: Place) -> None:
        self._address = Pubkey.from_string(tree.address)
        self._place = place

    async def __call__(self, client: Client) -> tuple[list[str], bool]:
        before, until = self._place.get("before"), self._place.get("until")
        told = await client.get_signatures_for_address(
            self._address,
            before=read_signature(before) if before else None,
            until=read_signature(until) if until else None,
            limit=PAGE,
            commitment=Finalized,
        )
        lines = told.value
        is_end = len(lines) < PAGE
        worked = [str(one.signature) for one in lines if one.err is None]
        # The page goes on where it ended, whatever became of its last transaction.
        return worked if is_end or not lines else _ending(worked, str(lines[-1].signature)), is_end


def _ending(signatures: list[str], last: str) -> list[str]:
    return signatures if signatures and signatures[-1] == last else [*signatures, last]


class _Events:
    """The question what a transaction has changed in a tree; None where it is not shown."""

    def __init__(self, tree: TreeRow, signature: str) -> None:
        self._tree = Pubkey.from_string(tree.address)
        self._signature = signature

    async def __call__(self, client: Client) -> tuple[TreeEvent, ...] | None:
        told = await client.get_transaction(
            read_signature(self._signature),
            encoding="base64",
            commitment=Finalized,
            max_supported_transaction_version=0,
        )
        meta = None if told.value is None else told.value.transaction.meta
        if told.value is None or meta is None or meta.inner_instructions is None:
            return None
        if meta.err is not None:
            return ()
        return events_in(self._signature, told.value, tree=self._tree)


class _Accounts:
    """The question for the two accounts of a tree."""

    def __init__(self, tree: TreeRow) -> None:
        address = Pubkey.from_string(tree.address)
        self._addresses = [address, config_of(address)]

    async def __call__(self, client: Client) -> Accounts:
        told = await client.get_multiple_accounts(self._addresses, Finalized)
        tree, config = (None if one is None else bytes(one.data) for one in told.value)
        return Accounts(_tree_in(tree), _config_in(config))


def _tree_in(data: bytes | None) -> Tree | None:
    try:
        return None if data is None else Tree.read(data)
    except NoTree:
        return None


def _config_in(data: bytes | None) -> TreeConfig | None:
    try:
        return None if data is None else TreeConfig.read(data)
    except NoTree:
        return None
