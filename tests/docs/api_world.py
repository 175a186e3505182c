"""The brand that the examples of docs/api.md are told of, and what happens to it in between."""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

from asgiref.sync import async_to_sync
from django.conf import settings
from django.test import override_settings

from exports import storage
from exports.worker import work_next_build
from minting import worker
from minting.chain import anchoring
from minting.chain.reconciliation.running import work_runs
from minting.chain.sending.rounds import work_submissions
from minting.chain.wallets.given import GivenKey, Hidden
from minting.chain.wallets.payer import forget_signers
from minting.metadata.drivers.embedded import key_of
from minting.metadata.pinning import Step
from minting.metadata.pinning import work_next_step as pin_next
from minting.models import (
    BatchProof,
    ChainSubmission,
    MetadataDocument,
    MintBatch,
    MintUnit,
    ProofHead,
)
from minting.proofs.building import work_next_step
from minting.states import ChainMode, MetadataStatus, SubmissionStatus
from minting.worker import Outcome, work_next_job
from resolver import database, hosts, recording
from resolver.remembering import Remembered
from resolver.tasks import count_scans, count_visitors
from tests.chain.devchains import Devchain
from tests.planes import acting_as
from tests.resolver.scanning import scan
from tieback.brands.credentials import issue_credential
from tieback.brands.models import Brand, Membership, User
from tieback.brands.roles import Role, Scope
from tieback.brands.scoping import all_brands, brand_scope

#: Written in the document wherever a request needs a credential.
WRITTEN_KEY = "mk_live_8Qd2VxT0ZbLr.mJ0v…"
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class ApiWorld:
    """The brand, and the credential its requests carry."""

    brand: Brand
    api_key: str


def make_api_world() -> ApiWorld:
    """Make the brand of the document: one owner, one credential."""
    brand_id = uuid4()
    with acting_as("web"), brand_scope(brand_id):
        brand = Brand.objects.create(
            id=brand_id,
            slug="nordhav",
            name="Nordhav",
            resolver_host="id.nordhav.example",
            gs1_prefixes=["9506000"],
        )
        owner = User.objects.create_user("ines@nordhav.example", PASSWORD)
        Membership.objects.create(brand=brand, user=owner, role=Role.OWNER)
        issued = issue_credential(brand_id=brand_id, name="plant 7", scopes=tuple(Scope.values))
    return ApiWorld(brand, issued.header)


def _mint() -> None:
    with acting_as("worker"):
        work_next_job()


def _build() -> None:
    with acting_as("worker"):
        work_next_build()


def _prove() -> None:
    with acting_as("worker"):
        while work_next_step():
            pass


def _anchor() -> None:
    """Send the roots of what is signed to a chain that lives as long as it takes."""
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        chain = Devchain(Path(home))
        chain.start()
        stack.callback(chain.kill)
        payer = chain.rich()
        stack.enter_context(
            override_settings(
                SOLANA_NETWORK="devchain",
                SOLANA_RPC_URLS=[chain.url()],
                SOLANA_PAYER=GivenKey("SOLANA_KEYPAIR", keypair=Hidden(bytes(payer))),
                TIEBACK_CHAIN_LOOK_SECONDS=0.02,
            )
        )
        stack.callback(forget_signers)
        forget_signers()
        with acting_as("worker"):
            _queue_anchors()
            while _unsent():
                async_to_sync(work_submissions)(until=time.monotonic() + 30, stop=lambda: False)


def _queue_anchors() -> None:
    with all_brands():
        proofs = list(BatchProof.objects.select_related("batch__job").exclude(signed_at=None))
    for proof in proofs:
        # The brand of the document was there before its installation had a chain.
        proof.batch.chain_mode, proof.batch.chain_network = ChainMode.ANCHOR, "devchain"
        with brand_scope(proof.brand_id):
            head = ProofHead.objects.filter(batch=proof.batch_id).latest("size")
            anchoring.queue_for(proof, head)


def _unsent() -> bool:
    with all_brands():
        return ChainSubmission.objects.exclude(status=SubmissionStatus.COMPLETED).exists()


def _fail() -> None:
    """Let the job that waits meet errors until it has failed."""

    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    with (
        acting_as("worker"),
        override_settings(RETRY_BASE_DELAY_MS=1),
        patch.object(worker, "run_cycles", breaks),
    ):
        for _ in range(200):
            if work_next_job()[0] is Outcome.FAILED:
                return
            time.sleep(0.01)
    raise AssertionError("no job has failed")


def _scan() -> None:
    """Let a phone scan the first unit of all, which activates it, and the one after it."""
    with acting_as("worker"):
        with all_brands():
            batch = MintBatch.objects.earliest("created_at")
        with brand_scope(batch.brand_id):
            units = MintUnit.objects.filter(batch=batch).order_by("ordinal")
            tokens = list(units.values_list("token", flat=True)[:2])
    with (
        acting_as("resolver"),
        patch.object(database._Sessions, "free", database._places()),
        patch.object(recording, "_told", set()),
        patch.object(hosts, "_known", Remembered(hosts.REMEMBERED_HOSTS)),
    ):
        for token in tokens:
            answer = scan(f"/01/{batch.gtin}/21/{token}", host="id.nordhav.example")
            assert answer.status == HTTPStatus.TEMPORARY_REDIRECT, answer
        database.close()


def _count() -> None:
    with acting_as("worker"):
        count_scans()
        count_visitors()


def _compare() -> None:
    """Lose the bytes of a document that is pinned, and work on the run that is asked for."""
    with acting_as("worker"), all_brands():
        lost = MetadataDocument.objects.filter(status=MetadataStatus.PINNED).earliest("created_at")
        storage.PackStorage().bucket.Object(key_of(str(lost.cid))).delete()
        async_to_sync(work_runs)(until=time.monotonic() + 30, stop=lambda: False)


def _pin() -> None:
    with acting_as("worker"):
        while pin_next() is not Step.NOTHING:
            pass


def _set_network() -> None:
    """Let the installation write to a chain; whoever runs the document takes it back."""
    settings.SOLANA_NETWORK = "devchain"


def _mint_there() -> None:
    """Let the batches of the document be ones that were minted while there was a network."""
    with acting_as("worker"), all_brands():
        batch = MintBatch.objects.earliest("created_at")
    with acting_as("owner"), brand_scope(batch.brand_id):
        MintBatch.objects.update(
            chain_mode=ChainMode.CNFT_ON_DEMAND, chain_network=settings.SOLANA_NETWORK
        )


#: What ``<!-- then: … -->`` may say in the document.
EVENTS: dict[str, Callable[[], None]] = {
    "a worker mints the units": _mint,
    "a worker builds the packs": _build,
    "a worker signs the batches": _prove,
    "a worker anchors the roots": _anchor,
    "a worker pins the documents": _pin,
    "the operator sets a network": _set_network,
    "a pinned document is lost, and a worker compares": _compare,
    "the batches are minted there": _mint_there,
    "a worker meets three errors in a row": _fail,
    "somebody scans the first unit and a stolen one": _scan,
    "a worker counts the scans": _count,
}
