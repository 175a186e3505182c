"""Batches whose units have assets, and a tree that they go into.

What needs no chain is tested without one: the tree is a row then, and what the chain would tell is
made of the same pure parts that read it.
"""

import base64
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import base58
import pytest
from django.db.models.functions import Now
from solders.compute_budget import set_compute_unit_limit
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountWithSeedParams, create_account_with_seed
from solders.transaction import VersionedTransaction

from minting.chain.assets.grouping import Grouped, group_waiting
from minting.chain.bubblegum.accounts import tree_bytes
from minting.chain.bubblegum.events import LeafTold, read_event
from minting.chain.bubblegum.instructions import create_tree
from minting.chain.bubblegum.programs import BESIDE, Version, config_of
from minting.metadata.composing import compose, put_into
from minting.models import ChainTree, MetadataDocument, MintJob, UnitAsset
from minting.states import MetadataStatus
from tests.chain.devchains import Devchain
from tests.chain.sending.conftest import Sender, sender  # noqa: F401 - a fixture
from tests.chain.trees.rows import make_tree
from tests.factories import BrandWorld
from tests.planes import acting_as
from tests.proofs.conftest import minted, nordhav, proven, small_cycles  # noqa: F401 - fixtures
from tieback.brands.scoping import brand_scope

DEPTH, BUFFER, SEED = 14, 64, "tree"


@pytest.fixture(scope="session")
def chain_of_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devchain]:
    """A dev chain with Bubblegum in it."""
    programs = Path(os.environ["DEVCHAIN_PROGRAMS_DIR"])
    chain = Devchain(tmp_path_factory.mktemp("assets"), programs=programs)
    chain.start()
    yield chain
    chain.kill()


@pytest.fixture
def devchain(request: pytest.FixtureRequest) -> Devchain:
    """The chain of this test: one with programs where the test is marked so."""
    has_programs = request.node.get_closest_marker("programs")
    name = "chain_of_programs" if has_programs else "plain_devchain"
    return request.getfixturevalue(name)


@pytest.fixture(scope="session")
def plain_devchain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devchain]:
    """A dev chain without Bubblegum."""
    chain = Devchain(tmp_path_factory.mktemp("plain"))
    chain.start()
    yield chain
    chain.kill()


@pytest.fixture
def network(settings: Any) -> None:
    """Have a network, and a payer that signs nothing here."""
    from minting.chain.wallets.given import GivenKey, Hidden
    from minting.chain.wallets.payer import forget_signers

    settings.SOLANA_NETWORK = "devchain"
    key = Hidden(bytes(Keypair()))
    settings.SOLANA_PAYER = GivenKey("SOLANA_KEYPAIR", keypair=key)
    forget_signers()
    yield
    forget_signers()


def pin(job: MintJob) -> MetadataDocument:
    """Have the document of a batch pinned."""
    return pin_document(job, job.batch.passport_version_id)


def pin_document(job: MintJob, version_id: UUID) -> MetadataDocument:
    """Have the document of a passport version pinned."""
    with acting_as("worker"), brand_scope(job.brand_id):
        document = MetadataDocument.objects.select_related("passport_version__product").get(
            passport_version=version_id
        )
        put_into(document, compose(document.passport_version, document.number))
        document.status, document.driver, document.pinned_at = (
            MetadataStatus.PINNED,
            "embedded",
            Now(),
        )
        document.save()
    return document


@pytest.fixture
def wished(proven: Callable[..., MintJob]) -> Callable[..., MintJob]:  # noqa: F811
    """Mint, prove and pin a batch; in mode ``cnft`` its assets wait then."""

    def wish(quantity: int = 5, chain_mode: str = "cnft", **fields: Any) -> MintJob:
        job = proven(quantity, chain_mode=chain_mode, **fields)
        pin(job)
        return job

    return wish


def planted(
    sender: Sender,  # noqa: F811
    world: BrandWorld,
    version: Version = Version.V1,
    collection: str = "",
) -> ChainTree:
    """Return a tree that is on the chain, made by the payer, and written down."""
    payer, beside = sender.keypair, BESIDE[version]
    address = Pubkey.create_with_seed(payer.pubkey(), SEED, beside.compression)
    size = tree_bytes(DEPTH, BUFFER)
    account = create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=payer.pubkey(),
            to_pubkey=address,
            base=payer.pubkey(),
            seed=SEED,
            lamports=sender.chain.told("getMinimumBalanceForRentExemption", size),
            space=size,
            owner=beside.compression,
        )
    )
    creation = create_tree(
        version, tree=address, creator=payer.pubkey(), depth=DEPTH, buffer=BUFFER
    )
    sender.chain.told("requestAirdrop", sender.address, 10**11)
    whole = [set_compute_unit_limit(1_400_000), account, creation]
    message = MessageV0.try_compile(payer.pubkey(), whole, [], sender.chain.blockhash())
    raw = base64.b64encode(bytes(VersionedTransaction(message, [payer]))).decode()
    sender.chain.told("sendTransaction", raw, {"encoding": "base64"})
    with acting_as("worker"):
        return make_tree(
            world,
            depth=DEPTH,
            max_buffer_size=BUFFER,
            address=str(address),
            authority_address=str(config_of(address)),
            key=sender.address,
            schema=int(version),
            core_collection=collection,
        )


def group(*, seconds: float = 60.0) -> Grouped:
    """Hand what waits to the sender, as the task does."""
    with acting_as("worker"):
        return group_waiting(until=time.monotonic() + seconds, stop=lambda: False)


def assets(job: MintJob) -> list[UnitAsset]:
    """Return a batch's assets in the order of their units."""
    with acting_as("worker"), brand_scope(job.brand_id):
        rows = UnitAsset.objects.select_related("unit", "tree", "submission", "transaction")
        return list(rows.filter(batch=job.batch_id).order_by("unit__ordinal"))


def leaves_on(chain: Devchain, tree: str) -> list[LeafTold]:
    """Return every leaf that the chain tells of a tree, by its index."""
    found: list[LeafTold] = []
    for line in chain.told("getSignaturesForAddress", tree):
        if line["err"] is not None:
            continue
        shown = chain.told(
            "getTransaction", line["signature"], {"maxSupportedTransactionVersion": 0}
        )
        for inner in shown["meta"]["innerInstructions"]:
            for one in inner["instructions"]:
                event = read_event(base58.b58decode(one["data"]))
                if isinstance(event, LeafTold):
                    found.append(event)
    return sorted(found, key=lambda told: told.leaf.nonce)
