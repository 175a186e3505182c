"""Minted batches whose documents are due, a bucket, and stand-ins for what is far away."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from exports import storage
from minting.metadata.pinning import Step, work_next_step
from minting.models import MetadataDocument, MintJob, Product
from minting.worker import Outcome, work_next_job
from tests.factories import BrandWorld, make_product, make_world
from tests.metadata.kubo_node import KuboNode
from tests.metadata.pinata_account import PinataAccount
from tests.metadata.serving import served
from tests.minting.requests import request_for, submit
from tests.planes import acting_as
from tieback.brands.scoping import brand_scope


@pytest.fixture(scope="session")
def _bucket_of_the_run() -> Iterator[str]:
    from django.test import override_settings

    # Whoever imports this fixture has another of it, in the same process.
    name = f"test-metadata-{uuid4().hex}"
    # Not while the session goes on: others have buckets of their own.
    with override_settings(S3_BUCKET=name):
        storage.ensure_bucket()
    yield name
    with override_settings(S3_BUCKET=name):
        bucket = storage.PackStorage().bucket
        bucket.objects.all().delete()
        bucket.delete()


@pytest.fixture
def bucket(_bucket_of_the_run: str, settings: Any) -> None:
    """Put this test's blocks into the bucket of the run."""
    settings.S3_BUCKET = _bucket_of_the_run


@pytest.fixture
def node() -> Iterator[KuboNode]:
    """A node of IPFS."""
    with served(node := KuboNode()):
        yield node


@pytest.fixture
def account() -> Iterator[PinataAccount]:
    """An account at Pinata."""
    with served(account := PinataAccount()):
        yield account


@pytest.fixture
def nordhav(transactional_db: None, settings: Any) -> BrandWorld:
    """The brand whose passports are told of."""
    settings.RETRY_BASE_DELAY_MS = 1
    with acting_as("web"):
        return make_world("nordhav")


@pytest.fixture
def product(nordhav: BrandWorld) -> Product:
    """A product of the brand that can be minted."""
    with acting_as("web"):
        return make_product(nordhav, name="Fjell jacket")


@pytest.fixture
def minted(nordhav: BrandWorld, product: Product) -> Callable[..., MintJob]:
    """Mint a batch as the planes do; the document of its passport version is due then."""

    def mint(of: Product = product, quantity: int = 2, **fields: Any) -> MintJob:
        with acting_as("web"):
            job = submit(nordhav, request_for(of, quantity, **fields))
        with acting_as("worker"):
            assert work_next_job()[0] is Outcome.COMPLETED
        return job

    return mint


@pytest.fixture
def pinned(minted: Callable[..., MintJob], bucket: None) -> Callable[..., MetadataDocument]:
    """Mint a batch and pin its document in the embedded store."""

    def pin(**fields: Any) -> MetadataDocument:
        job = minted(**fields)
        with acting_as("worker"):
            assert work_next_step() is Step.PINNED
        return documents(job)[-1]

    return pin


def documents(of: MintJob | Product) -> list[MetadataDocument]:
    """Return the documents of a product, or of a job's, by their numbers."""
    with acting_as("worker"), brand_scope(of.brand_id):
        product = of.pk if isinstance(of, Product) else of.batch.product_id
        rows = MetadataDocument.objects.select_related("passport_version", "replaces")
        return list(rows.filter(product=product).order_by("number"))
