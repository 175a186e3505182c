"""What is seeded between trees on the chain and assets in the database is found and acted upon.

With the real programs: needs ``DEVCHAIN_PROGRAMS_DIR``.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from minting.chain.bubblegum.changes import Change, Place, transfer, update_metadata
from minting.chain.bubblegum.instructions import Mint, mint_v1, set_tree_delegate
from minting.chain.bubblegum.leaves import Leaf, leaf_of
from minting.chain.bubblegum.metadata import Metadata
from minting.chain.bubblegum.mirror import Mirror
from minting.chain.bubblegum.programs import Version, config_of
from minting.chain.trees.watching import watch
from minting.chain.wallets.binding import bind
from minting.metadata.cid import cid_of
from minting.models import (
    ChainSubmission,
    ChainTransaction,
    ChainTree,
    MetadataDocument,
    MintJob,
    MintUnit,
    UnitAsset,
)
from minting.states import DriftKind, DriftStatus, RunScope, WalletRole
from tests.chain.devchains import Devchain
from tests.chain.endpoints import lying
from tests.chain.reconciliation.conftest import Reconciler, contents, somebody, without_rules
from tests.chain.sending.conftest import Sender
from tests.chain.test_real_programs import DEPTH, make_tree, send
from tests.planes import acting_as
from tieback.brands.scoping import brand_scope

PROGRAMS = os.environ.get("DEVCHAIN_PROGRAMS_DIR", "")
pytestmark = [pytest.mark.programs, pytest.mark.django_db(transaction=True)]
URI = "https://id.nordhav.example/m/s3NpHcjl"
MINTED = 3


@pytest.fixture(scope="module")
def devchain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devchain]:
    """A dev chain with the programs, in place of the one of the other tests."""
    made = Devchain(tmp_path_factory.mktemp("trees"), programs=Path(PROGRAMS))
    made.start()
    yield made
    made.kill()


@dataclass
class Grove:
    """A tree of a brand with three assets in it, on the chain and in the rows."""

    sender: Sender
    job: MintJob
    tree: ChainTree
    leaves: list[Leaf] = field(default_factory=list)

    @property
    def chain(self) -> Devchain:
        return self.sender.chain

    @property
    def address(self) -> Pubkey:
        return Pubkey.from_string(self.tree.address)

    @property
    def payer(self) -> Pubkey:
        return self.sender.keypair.pubkey()

    def metadata(self, number: int) -> Metadata:
        return Metadata(name=f"#{number}", uri=URI)

    def mint(self, *numbers: int) -> str:
        """Mint on the chain alone; return the signature."""
        mint = Mint(tree=self.address, payer=self.payer, delegate=self.payer, owner=self.payer)
        each = [self.metadata(number) for number in numbers]
        signature = send(self.chain, self.sender.keypair, *(mint_v1(mint, one) for one in each))
        for metadata in each:
            leaf = leaf_of(
                Version.V1,
                tree=self.address,
                nonce=len(self.leaves),
                owner=self.payer,
                metadata=metadata,
            )
            self.leaves.append(leaf)
        return signature

    def place(self, index: int) -> Place:
        mirror = Mirror(DEPTH, [leaf.hash for leaf in self.leaves])
        return Place(tree=self.address, root=mirror.root, index=index, path=mirror.path(index))

    def settle(self) -> None:
        """Wait until everything is in a finalized block."""
        self.chain.wait_for_slot(self.chain.status()["slot"] + 34)

    def asset(self, index: int) -> UnitAsset:
        with acting_as("worker"), brand_scope(self.job.brand_id):
            return UnitAsset.objects.filter(tree=self.tree).order_by("id")[index]

    def change(self, index: int, **fields: Any) -> None:
        """Change the row of an asset, whatever the rules say."""
        row = self.asset(index)
        with without_rules("minting_unitasset") as cursor:
            assigned = ", ".join(f"{name} = %s" for name in fields)
            statement = f"update minting_unitasset set {assigned} where id = %s"  # noqa: S608
            cursor.execute(statement, [*fields.values(), row.pk])


@pytest.fixture
def grove(reconciler: Reconciler, sender: Sender, proven: Callable[..., MintJob]) -> Grove:
    """Make the tree, mint three assets, and write them down as the flow does."""
    job = proven(5, chain_mode="none")
    sender.chain.told("requestAirdrop", sender.address, 10**12)
    address = make_tree(sender.chain, sender.keypair, Version.V1)
    with acting_as("worker"), brand_scope(job.brand_id):
        genesis = sender.chain.told("getGenesisHash")
        bind(sender.keypair.pubkey(), WalletRole.PAYER, genesis)
        tree = _tree(job, address, sender.address, current_supply=MINTED)
    grove = Grove(sender, job, tree)
    signature = grove.mint(*range(MINTED))
    with acting_as("worker"), brand_scope(job.brand_id):
        _written_down(grove, signature)
    grove.settle()
    return grove


def _tree(job: MintJob, address: Pubkey, payer: str, **fields: Any) -> ChainTree:
    return ChainTree.objects.create(
        brand_id=job.brand_id,
        name=str(address)[:32],
        seed=str(address)[:32],
        address=str(address),
        authority_address=str(config_of(address)),
        creator=payer,
        delegate=payer,
        schema=1,
        max_depth=DEPTH,
        max_buffer_size=64,
        canopy=0,
        max_supply=1 << DEPTH,
        network="devchain",
        status="active",
        activated_at="2026-01-01T00:00Z",
        **fields,
    )


def _written_down(grove: Grove, signature: str) -> None:
    of_all: dict[str, Any] = {
        "brand_id": grove.job.brand_id,
        "batch_id": grove.job.batch_id,
        "kind": "mint",
        "network": "devchain",
    }
    submission = ChainSubmission.objects.create(
        **of_all, key="mint:1", payload={}, status="completed", completed_at="2026-01-01T00:00Z"
    )
    sent = ChainTransaction.objects.create(
        **of_all,
        submission=submission,
        attempt=1,
        payer=grove.sender.address,
        signature=signature,
        signed_bytes=b"\x01",
        last_valid_block_height=1,
        status="finalized",
        slot=1,
        fee=5_000,
        settled_at="2026-01-01T00:00Z",
    )
    units = MintUnit.objects.filter(batch=grove.job.batch_id).order_by("ordinal")
    UnitAsset.objects.bulk_create(
        UnitAsset(
            brand_id=grove.job.brand_id,
            unit=unit,
            batch_id=grove.job.batch_id,
            tree=grove.tree,
            submission=submission,
            place=index,
            transaction=sent,
            asset_id=str(leaf.id),
            leaf_index=index,
            leaf_hash=leaf.hash,
            owner=str(leaf.owner),
            name=f"#{index}",
            metadata_uri=URI,
            schema=1,
            network="devchain",
            status="completed",
        )
        for index, (unit, leaf) in enumerate(zip(units, grove.leaves, strict=False))
    )


def no_such_tree(grove: Grove) -> None:
    with acting_as("worker"), brand_scope(grove.job.brand_id):
        _tree(grove.job, somebody(), grove.sender.address)


def never_minted(grove: Grove) -> None:
    """Say of an asset that it is at a place that the tree has not come to."""
    grove.change(2, leaf_index=99)


def unrecorded(grove: Grove) -> None:
    grove.change(2, status="processing", leaf_index=None, leaf_hash=None, asset_id=None)
    with without_rules("minting_chaintree") as cursor:
        cursor.execute("update minting_chaintree set current_supply = 2, reserved = 1")


def found_again(grove: Grove) -> None:
    grove.change(2, status="missing_on_chain")


def unauthorised(grove: Grove) -> None:
    grove.mint(MINTED)
    grove.settle()


def miscounted(grove: Grove) -> None:
    with without_rules("minting_chaintree") as cursor:
        cursor.execute("update minting_chaintree set current_supply = 7")


def taken_over(grove: Grove) -> None:
    assigned = set_tree_delegate(tree=grove.address, creator=grove.payer, delegate=somebody())
    send(grove.chain, grove.sender.keypair, assigned)
    grove.settle()


def given_away(grove: Grove) -> None:
    buyer = somebody()
    send(grove.chain, grove.sender.keypair, transfer(grove.leaves[1], grove.place(1), to=buyer))
    grove.settle()


def renamed(grove: Grove) -> None:
    update = update_metadata(
        grove.leaves[1],
        grove.place(1),
        grove.metadata(1),
        Change(name="else"),
        authority=grove.payer,
    )
    send(grove.chain, grove.sender.keypair, update)
    grove.settle()


def altered(grove: Grove) -> None:
    grove.change(1, leaf_hash=b"\x01" * 32)


def stale(grove: Grove) -> None:
    """Say of an asset that it was updated, while its leaf names the document of before."""
    base, _, short_id = URI.partition("/m/")
    with without_rules("minting_mintbatch") as cursor:
        cursor.execute("update minting_mintbatch set resolver_base = %s", [base])
    with acting_as("worker"), brand_scope(grove.job.brand_id):
        batch = grove.job.batch
        of_all: dict[str, Any] = {
            "brand_id": batch.brand_id,
            "product_id": batch.product_id,
            "passport_version_id": batch.passport_version_id,
        }
        content = b"{}"
        for number, name in ((8, short_id), (9, "NEWER567")):
            content += b" "
            MetadataDocument.objects.create(
                **of_all,
                number=number,
                cid=cid_of(content),
                short_id=name,
                content=content,
                size=len(content),
                sha256=sha256(content).hexdigest(),
                status="pinned",
                driver="embedded",
                pinned_at="2026-01-01T00:00Z",
            )
    grove.change(1, metadata_uri=f"{base}/m/{name}")


def lost(grove: Grove) -> None:
    """Have the chain's history lose the mint between two others, as a node may."""
    between = grove.mint(MINTED)
    grove.mint(MINTED + 1)
    grove.settle()
    with sqlite3.connect(grove.chain.home / "ledger.sqlite3") as ledger:
        ledger.execute(
            "delete from part where sequence ="
            " (select sequence from transfer_log where signature = ?)",
            [between],
        )


Seed = tuple[Callable[[Grove], None], dict[DriftKind, DriftStatus]]
REPAIRED, QUARANTINED = DriftStatus.REPAIRED, DriftStatus.QUARANTINED
SEEDS: list[Seed] = [
    (no_such_tree, {DriftKind.TREE_MISSING: QUARANTINED}),
    (never_minted, {DriftKind.LEAF_MISSING: QUARANTINED, DriftKind.UNKNOWN_LEAF: QUARANTINED}),
    (unrecorded, {DriftKind.LEAF_UNRECORDED: REPAIRED}),
    (found_again, {DriftKind.LEAF_UNRECORDED: REPAIRED}),
    (
        unauthorised,
        {DriftKind.UNKNOWN_LEAF: QUARANTINED, DriftKind.TREE_SUPPLY_DIFFERS: REPAIRED},
    ),
    (miscounted, {DriftKind.TREE_SUPPLY_DIFFERS: REPAIRED}),
    (taken_over, {DriftKind.TREE_AUTHORITY_DIFFERS: QUARANTINED}),
    (given_away, {DriftKind.OWNER_DIFFERS: REPAIRED}),
    (renamed, {DriftKind.LEAF_DIFFERS: QUARANTINED, DriftKind.ROOT_DIFFERS: QUARANTINED}),
    (stale, {DriftKind.METADATA_STALE: REPAIRED}),
    (altered, {DriftKind.LEAF_DIFFERS: QUARANTINED, DriftKind.ROOT_DIFFERS: QUARANTINED}),
]


def test_a_sound_tree_has_nothing_to_be_found(grove: Grove, reconciler: Reconciler) -> None:
    # The leaves, the accounts, the root, and that no change is missing.
    all_of_it = MINTED + 3
    for run in (reconciler.full(scope=RunScope.TREES), reconciler.full(scope=RunScope.TREES)):
        assert (run.status, run.last_error, run.successes) == ("completed", "", all_of_it)
    assert reconciler.drifts() == []


@pytest.mark.parametrize(("seed", "expected"), SEEDS, ids=[seed.__name__ for seed, _ in SEEDS])
def test_what_is_seeded_in_a_tree_is_found_once_and_acted_upon(
    grove: Grove,
    reconciler: Reconciler,
    seed: Callable[[Grove], None],
    expected: dict[DriftKind, DriftStatus],
) -> None:
    seed(grove)
    before = contents()
    looked = reconciler.full(scope=RunScope.TREES, read_only=True)
    assert (contents(), looked.last_error) == (before, "")
    left = {DriftKind(one.kind): one.status for one in reconciler.drifts()}
    # What a repair of a leaf mends besides is not there to be found after it.
    assert set(expected) <= set(left)
    assert set(left.values()) == {DriftStatus.LEFT}
    run = reconciler.full(scope=RunScope.TREES)
    assert run.last_error == ""
    became = {DriftKind(one.kind): one.status for one in reconciler.drifts()}
    assert {kind: became[kind] for kind in expected} == expected
    known = len(reconciler.drifts())
    again = reconciler.full(scope=RunScope.TREES)
    assert (again.status, again.last_error) == ("completed", "")
    assert len(reconciler.drifts()) == known
    issues = again.db_to_chain_issues + again.chain_to_db_issues + again.mismatches
    assert (issues, again.repaired, again.quarantined) == (0, 0, 0)
    became = {DriftKind(one.kind): one.status for one in reconciler.drifts()}
    assert set(became.items()) - set(expected.items()) <= {
        (kind, DriftStatus.GONE) for kind in became
    }


def test_what_one_of_two_endpoints_says_of_a_tree_is_neither_written_nor_acted_upon(
    grove: Grove, reconciler: Reconciler
) -> None:
    def gone(told: Any) -> Any:
        return {**told, "value": [None for _ in told["value"]]}

    with lying(grove.chain.url(), "getMultipleAccounts", gone) as liar:
        grove.sender.settings.SOLANA_RPC_URLS = [liar, grove.chain.url()]
        run = reconciler.full(scope=RunScope.TREES)
        assert (run.status, run.last_error, reconciler.drifts()) == ("completed", "", [])
        with acting_as("worker"):
            asyncio.run(watch())
        with brand_scope(grove.job.brand_id):
            assert ChainTree.objects.get(pk=grove.tree.pk).trouble == ""
        # Where nobody contradicts, it is believed.
        grove.sender.settings.SOLANA_RPC_URLS = [liar]
        reconciler.full(scope=RunScope.TREES)
    assert {one.kind for one in reconciler.drifts()} == {DriftKind.TREE_MISSING}


def test_what_was_repaired_is_as_the_chain_says(grove: Grove, reconciler: Reconciler) -> None:
    unrecorded(grove)
    given_away(grove)
    reconciler.full(scope=RunScope.TREES)
    assert {one.status for one in reconciler.drifts()} <= {REPAIRED, DriftStatus.GONE}
    third = grove.asset(2)
    leaf = grove.leaves[2]
    assert (third.status, third.leaf_index, bytes(third.leaf_hash or b"")) == (
        "completed",
        2,
        leaf.hash,
    )
    assert (third.asset_id, third.owner) == (str(leaf.id), str(leaf.owner))
    second = grove.asset(1)
    assert second.owner != str(grove.leaves[1].owner)
    stale(grove)
    reconciler.full(scope=RunScope.TREES)
    second = grove.asset(1)
    assert (second.metadata_uri, second.document_id is None) == (URI, False)
    with acting_as("worker"), brand_scope(grove.job.brand_id):
        tree = ChainTree.objects.get(pk=grove.tree.pk)
    assert (tree.current_supply, tree.reserved) == (MINTED, 0)


def test_a_tree_is_read_on_from_where_the_last_run_was(
    grove: Grove, reconciler: Reconciler
) -> None:
    reconciler.scheduled()
    unauthorised(grove)
    reconciler.scheduled()
    found = [one for one in reconciler.drifts() if one.subject_type in ("tree", "leaf")]
    assert {one.kind for one in found} == {"unknown_leaf", "tree_supply_differs"}
    (unknown,) = (one for one in found if one.kind == "unknown_leaf")
    assert (unknown.status, unknown.subject_id) == (QUARANTINED, f"{grove.tree.address}:{MINTED}")


def test_changes_that_are_nowhere_to_be_had_are_told_of(
    grove: Grove, reconciler: Reconciler
) -> None:
    lost(grove)
    run = reconciler.full(scope=RunScope.TREES)
    assert run.last_error == ""
    gaps = [one for one in reconciler.drifts() if one.kind == "sequence_gap"]
    assert [(one.status, one.detail["after"], one.detail["before"]) for one in gaps] == [
        (QUARANTINED, MINTED, MINTED + 2)
    ]
