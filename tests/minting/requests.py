"""Submitting mint requests in tests, as the web plane does."""

from typing import Any
from uuid import uuid4

from minting.gateway import MintRequest, Submitter, submit_mint_request
from minting.models import MintJob, Product
from tests.factories import BrandWorld, make_product
from tests.planes import acting_as
from tieback.brands.scoping import brand_scope

SUBMITTER = Submitter("user:1")


def request_for(product: Product, quantity: int = 10, **fields: Any) -> MintRequest:
    """Return a well-formed request."""
    return MintRequest(product_id=product.id, quantity=quantity, **fields)


def submit(world: BrandWorld, request: MintRequest, key: str | None = None) -> MintJob:
    """Submit in the brand's scope and return the job."""
    with brand_scope(world.brand.id):
        return submit_mint_request(
            world.brand.id, request, key=key or str(uuid4()), submitter=SUBMITTER
        ).job


def queued_job(world: BrandWorld, quantity: int = 10, **fields: Any) -> MintJob:
    """Make a product, and a committed job for it, as the web plane."""
    with acting_as("web"):
        return submit(world, request_for(make_product(world), quantity, **fields))


def reread(job: MintJob) -> MintJob:
    """Return the job as it stands."""
    with brand_scope(job.brand_id):
        return MintJob.objects.select_related("batch").get(pk=job.pk)
