"""A worker that makes trees on a dev chain with the real programs."""

import asyncio
import base64
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from minting import pipeline
from minting.chain.bubblegum.accounts import TreeConfig
from minting.chain.bubblegum.instructions import Mint, mint_v1, mint_v2
from minting.chain.bubblegum.metadata import Metadata
from minting.chain.bubblegum.programs import Version, config_of
from minting.chain.sending import preparing
from minting.chain.trees.asking import Wish, ask_for_tree
from minting.chain.trees.creating import begin_next
from minting.chain.trees.shapes import Shape, sound
from minting.chain.trees.watching import watch
from minting.chain.wallets.given import GivenKey, Hidden
from minting.chain.wallets.payer import forget_signers
from minting.models import ChainSubmission, ChainTransaction, ChainTree
from minting.states import LeafSchema
from tests.chain.devchains import PATIENCE_SECONDS, Devchain
from tests.chain.sending.conftest import Sender
from tests.factories import BrandWorld, make_world
from tests.planes import acting_as
from tieback.brands.audit import ActsFor
from tieback.brands.scoping import all_brands, brand_scope

BASE64 = {"encoding": "base64"}


class Forester(Sender):
    """The worker's side of trees: begins, sends, watches."""

    world: BrandWorld
    # Two mints alike under one blockhash would be one transaction, which lands once.
    numbers: "itertools.count[int]"

    def creates_with(self, keypair: Keypair) -> None:
        """Use another key for trees than the payer's."""
        key = Hidden(bytes(keypair))
        self.settings.SOLANA_TREE_CREATOR = GivenKey("SOLANA_TREE_CREATOR_KEYPAIR", keypair=key)
        forget_signers()

    def ask(self, name: str = "Oak", shape: Shape | None = None, **wish: Any) -> ChainTree:
        """Ask for a tree as somebody of the brand does."""
        wanted = Wish(name=name, shape=shape or sound(3), **wish)
        with acting_as("web"), brand_scope(self.world.brand.id):
            return ask_for_tree(ActsFor(self.world.brand.id, "user:7"), wanted)

    def begin(self) -> None:
        """Begin what was asked for, as the task does."""
        with acting_as("worker"):
            while begin_next():
                pass

    def made(self, tree: ChainTree) -> ChainTree:
        """Begin and send until the tree is there, or is not to be; return it."""
        self.begin()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.now(tree).status == "creating":
            assert time.monotonic() < deadline, submission_of(self.now(tree)).last_error
            self.turn(seconds=1.0)
            time.sleep(0.02)
        return self.now(tree)

    def now(self, tree: ChainTree) -> ChainTree:
        """Return the tree as it stands."""
        with brand_scope(tree.brand_id):
            return ChainTree.objects.select_related("submission").get(pk=tree.pk)

    def watch(self) -> None:
        """Compare trees with the chain, as the task does."""
        with acting_as("worker"):
            asyncio.run(watch())

    def mint(self, tree: ChainTree, count: int = 1) -> None:
        """Mint into a tree with the payer's key, past all that is known here."""
        address, payer = Pubkey.from_string(str(tree.address)), self.keypair.pubkey()
        mint = Mint(tree=address, payer=payer, delegate=payer, owner=payer)
        minting: Any = mint_v1 if tree.schema == LeafSchema.V1 else mint_v2
        each = itertools.islice(self.numbers, count)
        metadata = [Metadata(name="DPP", uri=f"https://d.example/{number}") for number in each]
        self.do(*(minting(mint, one) for one in metadata))

    def do(self, *instructions: Instruction, also: tuple[Keypair, ...] = ()) -> None:
        """Have the payer do something on the chain, and wait until it is final."""
        payer, blockhash = self.keypair.pubkey(), self.chain.blockhash()
        message = MessageV0.try_compile(payer, list(instructions), [], blockhash)
        raw = bytes(VersionedTransaction(message, [self.keypair, *also]))
        self.chain.told("sendTransaction", base64.b64encode(raw).decode(), BASE64)

    def config(self, tree: ChainTree) -> TreeConfig:
        """Return what Bubblegum keeps of a tree."""
        address = config_of(Pubkey.from_string(str(tree.address)))
        account = self.chain.told("getAccountInfo", str(address), BASE64)["value"]
        return TreeConfig.read(base64.b64decode(account["data"][0]))

    def lamports(self, address: str) -> int:
        """Return what an account holds."""
        return int(self.chain.told("getBalance", address)["value"])


def submission_of(tree: ChainTree) -> ChainSubmission:
    """Return what makes a tree."""
    assert tree.submission is not None
    return tree.submission


def attempts_at(tree: ChainTree) -> list[ChainTransaction]:
    """Return the transactions that tried to make a tree."""
    with brand_scope(tree.brand_id):
        rows = ChainTransaction.objects.filter(submission=tree.submission)
        return list(rows.order_by("attempt"))


def due_now() -> None:
    """Let whoever comes next take all submissions."""
    with acting_as("worker"), all_brands():
        waiting = ChainSubmission.objects.filter(status__in=("pending", "sent"))
        waiting.update(next_attempt_at=None, lease_until=None)


@pytest.fixture
def forester(
    transactional_db: None,
    programs_chain: Devchain,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Forester]:
    """A worker with a payer that has lamports, and a brand."""
    settings.SOLANA_NETWORK = "devchain"
    settings.SOLANA_RPC_URLS = [programs_chain.url()]
    settings.SOLANA_TREE_CREATOR = None
    settings.TIEBACK_CHAIN_LOOK_SECONDS = 0.02
    settings.RETRY_BASE_DELAY_MS = 1
    monkeypatch.setattr(pipeline, "ring_step", lambda *_, **__: True)
    preparing.forget_limits()
    found = Forester(programs_chain, settings)
    found.numbers = itertools.count()
    found.pays_with(programs_chain.rich(10**12))
    with acting_as("web"):
        found.world = make_world("nordhav")
    yield found
    forget_signers()


def version_of(tree: ChainTree) -> Version:
    """Return the version of a tree's leaves."""
    return Version(tree.schema)
