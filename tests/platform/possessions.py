"""What a furnished brand owns beside its units: links, invitations, grants, what it has pinned and
sent to a chain.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from solders.pubkey import Pubkey
from solders.signature import Signature

from minting.canonical_json import canonical
from minting.disclosure import Access
from minting.metadata.addresses import short_ids
from minting.metadata.cid import cid_of
from minting.models import (
    ChainDrift,
    ChainSubmission,
    ChainTransaction,
    ChainTree,
    MetadataDocument,
    MintUnit,
    Product,
    ReconciliationRun,
    UnitAsset,
)
from minting.states import (
    DriftDirection,
    DriftKind,
    DriftStatus,
    LeafSchema,
    MetadataStatus,
    RunStatus,
    RunType,
    SubmissionKind,
    SubmissionStatus,
)
from resolver.models import AccessGrant, Link
from tests.factories import BrandWorld
from tieback.brands.models import Invitation
from tieback.brands.roles import Role

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def make_link(product: Product, target: str) -> Link:
    return Link.objects.create(
        brand=product.brand, product=product, link_type="gs1:faqs", target=target, title=target
    )


def make_invitation(world: BrandWorld, email: str) -> Invitation:
    return Invitation.objects.create(
        brand=world.brand,
        email=email,
        role=Role.VIEWER,
        token_sha256=uuid4().bytes * 2,
        invited_by=f"user:{world.people[Role.OWNER].pk}",
        expires_at=timezone.now() + timedelta(days=7),
    )


def make_grant(world: BrandWorld, product: Product) -> AccessGrant:
    return AccessGrant.objects.create(
        brand=world.brand,
        access=Access.AUTHORITIES,
        holder=f"customs of {world.brand.slug}",
        product=product,
        secret_sha256=uuid4().bytes * 2,
        granted_by=f"user:{world.people[Role.OWNER].pk}",
        expires_at=timezone.now() + timedelta(days=300),
    )


def make_document(brand: BrandWorld, product: Product) -> None:
    """Keep a document that says no more than whose it is, and that no worker will take."""
    content = canonical({"name": brand.brand.slug})
    cid = cid_of(content)
    MetadataDocument.objects.create(
        brand=brand.brand,
        product=product,
        passport_version=product.versions.get(),
        number=1,
        cid=cid,
        short_id=next(short_ids(cid)),
        content=content,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        status=MetadataStatus.FAILED,
        last_error=f"{brand.brand.slug} error",
        reason=f"{brand.brand.slug} reason",
    )


def make_sent(brand: BrandWorld, batch_id: UUID, number: int) -> str:
    """Leave something on its way to a chain; return its signature."""
    of_all: dict[str, Any] = {
        "brand": brand.brand,
        "batch_id": batch_id,
        "kind": SubmissionKind.ANCHOR,
        "network": "devchain",
    }
    payload = {"memo": f"{brand.brand.slug} memo"}
    submission = ChainSubmission.objects.create(
        **of_all, key=f"anchor:{number}", payload=payload, status=SubmissionStatus.SENT, attempts=1
    )
    signature = str(Signature(secrets.token_bytes(Signature.LENGTH)))
    ChainTransaction.objects.create(
        **of_all,
        submission=submission,
        attempt=1,
        payer="1" * 32,
        signature=signature,
        signed_bytes=b"\x01",
        last_valid_block_height=150,
    )
    return signature


def make_asset(world: BrandWorld, token: str) -> UnitAsset:
    """Leave a wish for a unit's asset, and a tree that it may go into."""
    key = str(Pubkey(secrets.token_bytes(Pubkey.LENGTH)))
    ChainTree.objects.create(
        brand=world.brand,
        name=f"{world.brand.slug} tree",
        seed=uuid4().hex,
        **dict.fromkeys(("address", "authority_address", "creator", "delegate"), key),
        network="devchain",
        schema=LeafSchema.V1,
        max_depth=14,
        max_buffer_size=64,
        canopy=0,
        max_supply=2**14,
    )
    unit = MintUnit.objects.get(token=token)
    return UnitAsset.objects.create(
        brand=world.brand,
        unit=unit,
        batch_id=unit.batch_id,
        network="devchain",
        error_message=f"{world.brand.slug} error",
    )


def make_finished_run(world: BrandWorld) -> ReconciliationRun:
    """Leave a run that is done."""
    return ReconciliationRun.objects.create(
        brand=world.brand,
        network="devchain",
        type=RunType.FULL,
        status=RunStatus.COMPLETED,
        finished_at=timezone.now(),
    )


def make_run(world: BrandWorld, batch_id: UUID, signatures: list[str]) -> ReconciliationRun:
    """Leave a run that is under way, one that is done, and what they have found."""
    of_all: dict[str, Any] = {"brand": world.brand, "network": "devchain", "type": RunType.FULL}
    make_finished_run(world)
    run = ReconciliationRun.objects.create(**of_all, last_error=f"{world.brand.slug} error")
    for signature in signatures:
        ChainDrift.objects.create(
            brand=world.brand,
            batch_id=batch_id,
            network="devchain",
            kind=DriftKind.TRANSACTION_MISSING,
            direction=DriftDirection.DB_TO_CHAIN,
            subject_type="transaction",
            subject_id=signature,
            status=DriftStatus.QUARANTINED,
            run_id=run.pk,
            reason=f"{world.brand.slug} reason",
        )
    return run
