"""A worker that writes to a dev chain of quick slots, and batches that are to be anchored there."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from solders.keypair import Keypair

from minting.chain.sending import preparing
from minting.chain.sending.rounds import work_submissions
from minting.chain.wallets.given import GivenKey, Hidden
from minting.chain.wallets.payer import forget_signers
from minting.models import ChainSubmission, ChainTransaction, MintJob
from tests.chain.devchains import MEMO, Devchain
from tests.planes import acting_as
from tests.proofs.conftest import minted, nordhav, proven, small_cycles  # noqa: F401 - fixtures
from tieback.brands.scoping import brand_scope

PATIENCE_SECONDS = 60.0


class Sender:
    """The worker's side: what it pays with, and its turns of sending."""

    def __init__(self, chain: Devchain, settings: Any) -> None:
        self.chain = chain
        self.settings = settings
        self.keypair = chain.rich()

    @property
    def address(self) -> str:
        return str(self.keypair.pubkey())

    def pays_with(self, keypair: Keypair) -> None:
        """Use another key."""
        self.keypair = keypair
        key = Hidden(bytes(keypair))
        self.settings.SOLANA_PAYER = GivenKey("SOLANA_KEYPAIR", keypair=key)
        forget_signers()

    def turn(self, seconds: float = PATIENCE_SECONDS) -> float | None:
        """Send for one turn, as the task does."""
        with acting_as("worker"):
            until = time.monotonic() + seconds
            return async_to_sync(work_submissions)(until=until, stop=lambda: False)

    def finish(self, job: MintJob) -> list[ChainSubmission]:
        """Take turns until everything of a batch has come to an end; return it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.turn()
            rows = submissions(job)
            if {row.status for row in rows} <= {"completed", "failed"}:
                return rows
            assert time.monotonic() < deadline, [(row.status, row.last_error) for row in rows]
            time.sleep(0.02)

    def memos(self) -> list[dict[str, Any]]:
        """Return every memo of the payer that is on the chain and worked, oldest first."""
        told = self.chain.told("getSignaturesForAddress", self.address)
        found = []
        for line in reversed(told):
            if line["err"] is None:
                found += self._memos_in(line["signature"])
        return found

    def _memos_in(self, signature: str) -> list[dict[str, Any]]:
        config = {"encoding": "json", "maxSupportedTransactionVersion": 0}
        shown = self.chain.told("getTransaction", signature, config)
        if shown is None:
            # An airdrop, which is no transaction of anybody's.
            return []
        message = shown["transaction"]["message"]
        return [
            json.loads(_base58(one["data"]))
            for one in message["instructions"]
            if message["accountKeys"][one["programIdIndex"]] == str(MEMO)
        ]


def _base58(text: str) -> bytes:
    import base58

    return base58.b58decode(text)


def submissions(job: MintJob) -> list[ChainSubmission]:
    with brand_scope(job.brand_id):
        rows = ChainSubmission.objects.filter(batch=job.batch_id)
        return sorted(rows, key=lambda row: (row.kind, len(row.key), row.key))


def transactions(job: MintJob) -> list[ChainTransaction]:
    with brand_scope(job.brand_id):
        return list(ChainTransaction.objects.filter(batch=job.batch_id).order_by("created_at"))


def decoded(transaction: ChainTransaction) -> str:
    return base64.b64encode(bytes(transaction.signed_bytes)).decode()


@pytest.fixture
def sender(devchain: Devchain, settings: Any) -> Iterator[Sender]:
    settings.SOLANA_NETWORK = "devchain"
    settings.SOLANA_RPC_URLS = [devchain.url()]
    settings.TIEBACK_CHAIN_LOOK_SECONDS = 0.02
    preparing.forget_limits()
    found = Sender(devchain, settings)
    found.pays_with(found.keypair)
    yield found
    forget_signers()


@pytest.fixture
def anchored(sender: Sender, proven: Callable[..., MintJob]) -> Callable[..., MintJob]:  # noqa: F811
    """Mint and sign a batch whose roots are to be anchored, and nothing of it is sent yet."""

    def anchor(quantity: int = 5, **fields: Any) -> MintJob:
        return proven(quantity, chain_mode="anchor", **fields)

    return anchor
