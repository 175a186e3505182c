"""The database takes every step that docs/states.md names, and refuses every other one.

Asked in plain SQL, as the owner of the tables, so that nothing but triggers stands in the way.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import psycopg
import pytest

from exports.models import PackBuild, PackStatus, PayloadPack
from minting.models import (
    BatchProof,
    ChainDrift,
    ChainSubmission,
    ChainTransaction,
    ChainTree,
    MetadataDocument,
    MintUnit,
    UnitAsset,
)
from minting.states import (
    FINISHED_JOBS,
    STANDING_DRIFTS,
    DriftDirection,
    DriftKind,
    DriftStatus,
    JobStatus,
    LeafSchema,
    RunStatus,
    SubmissionKind,
)
from tests.docs.test_states import MACHINES, PRODUCTION_BATCH
from tests.planes import acting_as
from tests.platform.conftest import TwoBrands, two_brands
from tests.platform.furnishing import Furnished
from tests.platform.test_row_security import session
from tieback.brands.scoping import brand_scope

__all__ = ("two_brands",)
pytestmark = pytest.mark.django_db

REFUSALS = "Invalid transition|Cannot update rows"


@dataclass(frozen=True)
class Place:
    """Where a machine's state is stored, and what other columns a new state needs."""

    table: str
    row: Callable[["Rows"], object]
    first: object
    also: Callable[[Any], str] = lambda _: ""
    column: str = "status"
    key: str = "id"


@dataclass(frozen=True)
class Rows:
    """One row of each kind, and the brand they belong to."""

    brand: Furnished
    build: PackBuild
    pack: PayloadPack
    submission: ChainSubmission
    transaction: ChainTransaction
    document: MetadataDocument
    tree: ChainTree
    asset: UnitAsset
    drift: ChainDrift


def _of_job(state: Any) -> str:
    finished = "now()" if state in FINISHED_JOBS else "null"
    generated = ", generated_quantity = requested_quantity" if state == JobStatus.COMPLETED else ""
    return f", finished_at = {finished}{generated}"


#: Everything a finished batch, build and pack has; a state that does not need it minds it not.
_MINTED = ", minted_quantity = requested_quantity, minted_at = now()"
_BUILT = ", manifest_key = 'manifest.json', manifest_sha256 = repeat('0', 64), finished_at = now()"
_SIGNED = """, hashed_quantity = quantity, salt_key = 'x', passport_sha256 = repeat('0', 64),
    root = repeat('0', 64), key = repeat('0', 64), signature = repeat('0', 128),
    signed_at = now()"""
_COMPLETED = ", completed_at = now()"
_FINALIZED = ", slot = 1, fee = 5000, settled_at = now()"
_ACTIVATED = ", activated_at = now()"
_PINNED = f""", cid = 'b' || repeat('a', 58), short_id = repeat('a', 8), content = 'x', size = 1,
    sha256 = '{hashlib.sha256(b"x").hexdigest()}', driver = 'embedded', pinned_at = now()"""
_STORED = ", sha256 = repeat('0', 64), byte_size = 1, completed_at = now()"


def _run_of(rows: "Rows") -> object:
    assert rows.brand.run
    return rows.brand.run.id


def _finished(state: Any) -> str:
    return f", finished_at = {'null' if state == RunStatus.PENDING else 'now()'}"


def _closed(state: Any) -> str:
    return f", closed_at = {'null' if state in STANDING_DRIFTS else 'now()'}"


PLACES: dict[str, Place] = {
    "Mint job": Place("minting_mintjob", lambda r: r.brand.failed.id, "FAILED", _of_job),
    "Mint batch": Place(
        "minting_mintbatch", lambda r: r.brand.failed.batch_id, "failed", lambda _: _MINTED
    ),
    PRODUCTION_BATCH: Place(
        "minting_productionbatch", lambda r: r.brand.production_batch.id, "READY"
    ),
    "Labels of a batch": Place(
        "minting_mintbatch",
        lambda r: r.brand.failed.batch_id,
        "minted",
        column="physical_status",
    ),
    "Unit": Place("minting_mintunit", lambda r: r.brand.tokens[-1], 0, key="token"),
    "Proof": Place(
        "minting_batchproof",
        lambda r: r.brand.failed.batch_id,
        "pending",
        lambda _: _SIGNED,
        key="batch_id",
    ),
    "Submission to a chain": Place(
        "minting_chainsubmission", lambda r: r.submission.id, "pending", lambda _: _COMPLETED
    ),
    "Transaction": Place(
        "minting_chaintransaction", lambda r: r.transaction.id, "sent", lambda _: _FINALIZED
    ),
    "Tree": Place("minting_chaintree", lambda r: r.tree.id, "creating", lambda _: _ACTIVATED),
    "Asset": Place("minting_unitasset", lambda r: r.asset.id, "pending"),
    "Reconciliation": Place("minting_reconciliationrun", _run_of, "pending", _finished),
    "Drift": Place("minting_chaindrift", lambda r: r.drift.id, "left", _closed),
    "Metadata document": Place(
        "minting_metadatadocument", lambda r: r.document.id, "pending", lambda _: _PINNED
    ),
    "Pack build": Place("exports_packbuild", lambda r: r.build.id, "pending", lambda _: _BUILT),
    "Pack": Place("exports_payloadpack", lambda r: r.pack.id, "pending", lambda _: _STORED),
}


@pytest.fixture(scope="module")
def found(two_brands: TwoBrands, django_db_blocker: object) -> Rows:
    """A furnished brand, and packs that wait."""
    own = two_brands.own
    of_all: dict[str, Any] = {"brand": own.world.brand, "batch_id": own.failed.batch_id}
    with (
        django_db_blocker.unblock(),  # type: ignore[attr-defined]
        acting_as("worker"),
        brand_scope(own.world.brand.id),
    ):
        BatchProof.objects.create(**of_all, quantity=1)
        submission = ChainSubmission.objects.create(
            **of_all, kind=SubmissionKind.ANCHOR, key="anchor:1", network="devchain", payload={}
        )
        transaction = ChainTransaction.objects.create(
            **of_all,
            submission=submission,
            kind=SubmissionKind.ANCHOR,
            attempt=1,
            network="devchain",
            payer="1" * 32,
            signature="1" * 64,
            signed_bytes=b"\x01",
            last_valid_block_height=1,
        )
        tree = ChainTree.objects.create(
            brand=own.world.brand,
            **dict.fromkeys(("address", "authority_address", "creator", "delegate"), "1" * 32),
            network="devchain",
            schema=LeafSchema.V1,
            max_depth=14,
            max_buffer_size=64,
            canopy=0,
            max_supply=2**14,
        )
        unit = MintUnit.objects.get(token=own.tokens[-1])
        asset = UnitAsset.objects.create(
            brand=own.world.brand,
            unit=unit,
            batch_id=unit.batch_id,
            network="devchain",
            tree=tree,
            submission=submission,
            place=0,
            transaction=transaction,
            asset_id="1" * 44,
            leaf_index=0,
            leaf_hash=b"x",
        )
        document = MetadataDocument.objects.create(
            brand=own.world.brand,
            product=own.product,
            passport_version=own.product.versions.first(),
            number=100,
        )
        drift = ChainDrift.objects.create(
            **of_all,
            kind=DriftKind.TRANSACTION_MISSING,
            direction=DriftDirection.DB_TO_CHAIN,
            subject_type="transaction",
            subject_id="1" * 64,
            status=DriftStatus.LEFT,
        )
        build = PackBuild.objects.create(
            **of_all, status=PackStatus.PENDING, pack_size=1, pack_count=1
        )
        pack = PayloadPack.objects.create(
            **of_all,
            build=build,
            number=1,
            first_ordinal=1,
            row_count=1,
            status=PackStatus.PENDING,
            storage_key=f"{own.slug}/waits.csv",
        )
    return Rows(own, build, pack, submission, transaction, document, tree, asset, drift)


def move(connection: psycopg.Connection, place: Place, row: object, state: Any) -> None:
    """Give the row another state."""
    assign = f"{place.column} = %s{place.also(state)}"
    statement = f"update {place.table} set {assign} where {place.key} = %s"  # noqa: S608 - ours
    changed = connection.execute(statement, [state.value, row])
    assert changed.rowcount == 1


def path_to(goal: Any, start: Any, steps: Any) -> list[Any]:
    """Return the states from ``start`` to ``goal``, the first left out, by steps that are named."""
    paths = [[start]]
    seen = {start}
    for path in paths:
        if path[-1] == goal:
            return path[1:]
        for end in steps[path[-1]]:
            if end not in seen:
                seen.add(end)
                paths.append([*path, end])
    raise AssertionError(f"no step leads to {goal}")


def matrix() -> list[Any]:
    """Return every pair of different states of every machine."""
    return [
        pytest.param(title, start, end, id=f"{title}: {start} to {end}")
        for title, (states, _) in MACHINES.items()
        if title in PLACES
        for start, end in product(states, repeat=2)
        if start != end
    ]


@pytest.mark.parametrize(("title", "start", "end"), matrix())
def test_the_database_takes_a_named_step_and_refuses_any_other(
    title: str, start: Any, end: Any, found: Rows
) -> None:
    place = PLACES[title]
    states, steps = MACHINES[title]
    row, first = place.row(found), states(place.first)
    with session("owner", brand=found.brand) as connection:
        for state in path_to(start, first, steps):
            move(connection, place, row, state)
        if end in steps[start]:
            move(connection, place, row, end)
        else:
            with pytest.raises(psycopg.errors.RaiseException, match=REFUSALS):
                move(connection, place, row, end)


def test_every_machine_of_the_document_is_tried() -> None:
    # A revocation is guarded by its constraints alone: a finished one has its end and its counts.
    assert set(PLACES) == set(MACHINES) - {"Revocation"}
