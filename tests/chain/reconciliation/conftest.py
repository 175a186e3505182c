"""A dev chain with an anchored batch, two endpoints of it, and a worker that compares."""

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from minting.chain.reconciliation.asking import ask_for_all, begin_scheduled
from minting.chain.reconciliation.running import work_runs
from minting.models import ChainDrift, MintJob, ReconciliationRun
from minting.revocations import Act
from minting.states import RunScope
from tests.chain.devchains import PATIENCE_SECONDS, memo
from tests.chain.sending.conftest import (  # noqa: F401 - fixtures
    Sender,
    anchored,
    minted,
    nordhav,
    proven,
    sender,
    small_cycles,
)
from tests.metadata.conftest import _bucket_of_the_run, bucket  # noqa: F401 - fixtures
from tests.planes import acting_as
from tieback.brands.scoping import all_brands


class Reconciler:
    """The worker's side: asking for runs and working on them."""

    def scheduled(self) -> ReconciliationRun:
        """Work on a scheduled run to its end."""
        with acting_as("worker"):
            begun = begin_scheduled()
        self.work()
        return self.run(begun)

    def full(self, **wanted: Any) -> ReconciliationRun:
        """Work on a run over everything to its end, however often it has to wait."""
        begun, deadline = self.asked(**wanted), time.monotonic() + PATIENCE_SECONDS
        while True:
            self.work()
            run = self.run(begun.pk)
            if run.status != "pending":
                return run
            assert time.monotonic() < deadline, run.last_error
            self.let_go_on()

    def let_go_on(self) -> None:
        """Let whatever waits or is held be taken now."""
        with acting_as("worker"), all_brands():
            waiting = ReconciliationRun.objects.filter(status="pending")
            waiting.update(lease_until=None, next_attempt_at=None)

    def asked(self, *, scope: RunScope = RunScope.ALL, read_only: bool = False) -> Any:
        """Ask for a run over everything, as an operator does."""
        with acting_as("console"), all_brands():
            return ask_for_all(Act("user:1"), scope=scope, read_only=read_only)

    def work(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Take a turn, as the task does."""
        with acting_as("worker"):
            until = time.monotonic() + seconds
            return async_to_sync(work_runs)(until=until, stop=lambda: False)

    def run(self, run_id: object) -> ReconciliationRun:
        with acting_as("worker"), all_brands():
            return ReconciliationRun.objects.get(pk=run_id)

    def drifts(self) -> list[ChainDrift]:
        """Return every drift that was ever found, oldest first."""
        with acting_as("worker"), all_brands():
            return list(ChainDrift.objects.order_by("found_at", "id"))


@pytest.fixture
def reconciler(sender: Sender, bucket: None) -> Reconciler:  # noqa: F811
    """A worker with two endpoints."""
    sender.settings.SOLANA_RPC_URLS = [sender.chain.url(), sender.chain.url("second")]
    return Reconciler()


@pytest.fixture
def settled(sender: Sender, anchored: Callable[..., MintJob]) -> MintJob:  # noqa: F811
    """A batch whose two roots are on the chain, the last one final."""
    job = anchored(1_000)
    sender.finish(job)
    return job


@contextmanager
def without_rules(*tables: str) -> Iterator[Any]:
    """Let the owner write what triggers and policies forbid."""
    with acting_as("owner"), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"alter table {table} disable trigger user")
            cursor.execute(f"alter table {table} no force row level security")
        try:
            yield cursor
        finally:
            for table in tables:
                cursor.execute(f"alter table {table} enable trigger user")
                cursor.execute(f"alter table {table} force row level security")


def forge(statement: str, *values: object) -> int:
    """Change the past of submissions and transactions; return how many rows."""
    with without_rules("minting_chaintransaction", "minting_chainsubmission") as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def say(sender: Sender, text: str) -> str:  # noqa: F811
    """Have the payer say something on the chain beside the sender; return the signature."""
    transaction = memo(sender.keypair, sender.chain.blockhash(), text)
    return land(sender, transaction)


def land(sender: Sender, transaction: VersionedTransaction) -> str:  # noqa: F811
    """Send a transaction and wait until it is in a finalized block."""
    raw = base64.b64encode(bytes(transaction)).decode()
    given = {"encoding": "base64", "skipPreflight": True}
    signature = str(sender.chain.told("sendTransaction", raw, given))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        (status,) = sender.chain.told("getSignatureStatuses", [signature])["value"]
        if status and status["confirmationStatus"] == "finalized":
            return signature
        assert time.monotonic() < deadline, "it never lands"
        time.sleep(0.02)


def somebody() -> Pubkey:
    """Return an address that nobody knows."""
    return Keypair().pubkey()


def contents() -> dict[str, list[Any]]:
    """Return everything that a run might change, but for what it says of itself."""
    tables = {
        "minting_chaintransaction": "id, status, settled_at",
        "minting_chainsubmission": "id, status, fence, next_attempt_at, lease_until",
        "minting_metadatadocument": "id, status, cid",
        "minting_chaintree": "id, status, current_supply, reserved, trouble",
        "minting_unitasset": "id, status, owner, leaf_index, leaf_hash",
        "minting_reconciliationcursor": "network, stage, position",
    }
    found = {}
    with acting_as("worker"), connection.cursor() as cursor:
        for table, columns in tables.items():
            cursor.execute(f"select {columns} from {table} order by 1")  # noqa: S608 - ours
            found[table] = cursor.fetchall()
    return found
