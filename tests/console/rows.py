"""Rows for the console's tests, each made by the plane that makes it in production."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from exports.models import PackBuild, PackStatus, PayloadPack
from minting.canonical_json import canonical
from minting.chain.kept_prices import keep_price
from minting.chain.prices import Congestion, Price
from minting.disclosure import Access
from minting.events import tell
from minting.metadata.addresses import short_ids
from minting.metadata.cid import cid_of
from minting.models import (
    BatchProof,
    ChainBudget,
    ChainDrift,
    ChainSubmission,
    ChainTransaction,
    ChainTree,
    ChainWallet,
    MetadataDocument,
    MintBatch,
    MintCycle,
    MintJob,
    MintPause,
    MintRevocation,
    MintUnit,
    PassportChange,
    PassportVersion,
    Product,
    ReconciliationRun,
    RpcEndpoint,
    UnitAsset,
)
from minting.serials import generate_tokens
from minting.states import (
    FINISHED_JOBS,
    ActivationMode,
    BatchStatus,
    DriftKind,
    IdentityMode,
    JobStatus,
    SubmissionKind,
)
from resolver.models import AccessGrant, Link, ScanPolicy, ScanSignal
from tests.chain.trees.rows import make_tree as tree_row
from tests.factories import BrandWorld, make_product, make_world
from tests.planes import acting_as
from tieback.brands.scoping import all_brands, brand_scope

_BATCH_OF = {
    JobStatus.QUEUED: BatchStatus.QUEUED,
    JobStatus.RESERVED: BatchStatus.QUEUED,
    JobStatus.PROCESSING: BatchStatus.PROCESSING,
    JobStatus.COMPLETED: BatchStatus.MINTED,
    JobStatus.FAILED: BatchStatus.FAILED,
    JobStatus.CANCELLED: BatchStatus.CANCELLED,
}

# As the resolver does it, who may write these rows but not read them.
_ACTIVATION = "insert into resolver_activation (brand_id, batch_id, unit_id) values (%s, %s, %s)"


@dataclass
class Shop:
    """A brand with one product, to hang jobs on."""

    world: BrandWorld
    product: Product

    @property
    def brand_id(self) -> UUID:
        """The brand's id."""
        return self.world.brand.id


def open_shop(slug: str = "nordhav") -> Shop:
    """Make a brand with a product."""
    with acting_as("web"):
        world = make_world(slug)
        return Shop(world, make_product(world))


def ago(**length: float) -> datetime:
    """Return the moment that long ago."""
    return timezone.now() - timedelta(**length)


def make_jobs(shop: Shop, count: int = 1, **fields: Any) -> list[MintJob]:
    """Make jobs of one status with their batches, and a first event each."""
    values: dict[str, Any] = {"status": JobStatus.QUEUED, "requested_quantity": 100, **fields}
    status = values["status"]
    if status in FINISHED_JOBS:
        values.setdefault("finished_at", timezone.now())
    if status == JobStatus.COMPLETED:
        values["generated_quantity"] = values["requested_quantity"]
    with acting_as("web"), brand_scope(shop.brand_id):
        version = PassportVersion.objects.get(product=shop.product)
        return [_make_job(shop, version, values) for _ in range(count)]


def _make_job(shop: Shop, version: PassportVersion, values: dict[str, Any]) -> MintJob:
    minted = values["status"] == JobStatus.COMPLETED
    batch = MintBatch.objects.create(
        brand=shop.world.brand,
        product=shop.product,
        passport_version=version,
        identity_mode=IdentityMode.SERIAL,
        activation_mode=ActivationMode.FIRST_SCAN,
        resolver_base="https://id.nordhav.example",
        gtin=shop.product.gtin,
        sku=shop.product.sku,
        status=_BATCH_OF[values["status"]],
        requested_quantity=values["requested_quantity"],
        minted_quantity=values.get("generated_quantity", 0),
        minted_at=timezone.now() if minted else None,
    )
    job = MintJob.objects.create(
        brand=shop.world.brand,
        batch=batch,
        idempotency_key=f"key-{shop.world.next_number()}",
        idempotency_fingerprint=bytes(32),
        **values,
    )
    tell("job.queued", brand_id=shop.brand_id, batch_id=batch.id, actor="user:1")
    return job


def make_cycles(shop: Shop, job: MintJob, count: int) -> None:
    """Give a job this many cycles of one unit, and say so on the job."""
    now = timezone.now()
    with acting_as("worker"), brand_scope(shop.brand_id):
        MintCycle.objects.bulk_create(
            MintCycle(
                brand=shop.world.brand,
                job=job,
                number=number,
                first_ordinal=number,
                count=1,
                fence=1,
                started_at=now - timedelta(seconds=1),
                committed_at=now,
            )
            for number in range(1, count + 1)
        )
        MintJob.objects.filter(pk=job.pk).update(cycles=count)


def make_unit(shop: Shop, job: MintJob) -> MintUnit:
    """Make the first unit of a job's batch."""
    (token,) = generate_tokens(1)
    with acting_as("worker"), brand_scope(shop.brand_id):
        return MintUnit.objects.create(
            brand=shop.world.brand,
            product=shop.product,
            batch_id=job.batch_id,
            ordinal=1,
            token=token,
        )


def make_build(shop: Shop, job: MintJob, **fields: Any) -> PackBuild:
    """Make a build of a job's packs."""
    values: dict[str, Any] = {"pack_size": 10_000, "pack_count": 1, **fields}
    with acting_as("web"), brand_scope(shop.brand_id):
        return PackBuild.objects.create(brand=shop.world.brand, batch_id=job.batch_id, **values)


def make_pack(shop: Shop, build: PackBuild) -> PayloadPack:
    """Make the one pack of a build."""
    with acting_as("worker"), brand_scope(shop.brand_id):
        return PayloadPack.objects.create(
            brand=shop.world.brand,
            batch_id=build.batch_id,
            build=build,
            number=1,
            first_ordinal=1,
            row_count=100,
            storage_key=f"{shop.brand_id}/{build.pk}/1.csv",
            status=PackStatus.PENDING,
        )


def make_proof(shop: Shop, job: MintJob, **fields: Any) -> BatchProof:
    """Make the proof of a job's batch, as far as ``fields`` say it has come."""
    values: dict[str, Any] = {"quantity": job.requested_quantity, **fields}
    with acting_as("worker"), brand_scope(shop.brand_id):
        return BatchProof.objects.create(brand=shop.world.brand, batch_id=job.batch_id, **values)


def make_transaction(shop: Shop, job: MintJob, **fields: Any) -> ChainTransaction:
    """Make a submission of a job's batch, as far as ``fields`` say it has come, and an attempt."""
    of_all: dict[str, Any] = {
        "brand": shop.world.brand,
        "batch_id": job.batch_id,
        "kind": SubmissionKind.ANCHOR,
        "network": "devchain",
    }
    with acting_as("worker"), brand_scope(shop.brand_id):
        values = {"key": "anchor:1", "payload": {"memo": "{}"}, **fields}
        submission = ChainSubmission.objects.create(**of_all, **values)
        return ChainTransaction.objects.create(
            **of_all,
            submission=submission,
            attempt=1,
            payer="1" * 32,
            signature="1" * 64,
            signed_bytes=b"\x01",
            last_valid_block_height=150,
        )


def make_document(shop: Shop, **fields: Any) -> MetadataDocument:
    """Make a metadata document of the shop's product, composed, as ``fields`` say it stands."""
    content = canonical({"name": shop.product.name, "metadataVersion": 1})
    cid = cid_of(content)
    values: dict[str, Any] = {
        "number": 1,
        "cid": cid,
        "short_id": next(short_ids(cid)),
        "content": content,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        **fields,
    }
    with acting_as("worker"), brand_scope(shop.brand_id):
        return MetadataDocument.objects.create(
            brand=shop.world.brand,
            product=shop.product,
            passport_version=shop.product.versions.first(),
            **values,
        )


def make_tree(shop: Shop, **fields: Any) -> ChainTree:
    """Make a tree, as a worker leaves it."""
    with acting_as("worker"):
        return tree_row(shop.world, **fields)


def make_asset(shop: Shop, unit: MintUnit, **fields: Any) -> UnitAsset:
    """Wish for the asset of a unit, as a worker does."""
    values = {"network": "devchain", **fields}
    with acting_as("worker"), brand_scope(shop.brand_id):
        return UnitAsset.objects.create(
            brand_id=shop.brand_id, unit=unit, batch_id=unit.batch_id, **values
        )


def make_activation(shop: Shop, unit: MintUnit) -> None:
    """Leave a first scan that is not counted yet."""
    with acting_as("resolver"), brand_scope(shop.brand_id), connection.cursor() as cursor:
        cursor.execute(_ACTIVATION, [shop.brand_id, unit.batch_id, unit.pk])


def make_pause(shop: Shop, job: MintJob) -> MintPause:
    """Pause a job, as the web plane does."""
    with acting_as("web"), brand_scope(shop.brand_id):
        return MintPause.objects.create(
            brand_id=shop.brand_id, job=job, reason="printer on fire", actor="user:1"
        )


def make_passport_change(shop: Shop, job: MintJob) -> PassportChange:
    """Make a change of what the passports of a job's batch show."""
    with acting_as("web"), brand_scope(shop.brand_id):
        version = job.batch.passport_version
        return PassportChange.objects.create(
            brand=shop.world.brand,
            batch_id=job.batch_id,
            number=1,
            from_version=version,
            to_version=version,
            fields=["repair_information"],
            reason="moved",
            actor="user:1",
        )


def make_revocation(shop: Shop, job: MintJob) -> MintRevocation:
    """Begin to revoke the first ten units of a job's batch."""
    with acting_as("web"), brand_scope(shop.brand_id):
        return MintRevocation.objects.create(
            brand_id=shop.brand_id,
            kind="range",
            batch_id=job.batch_id,
            first_ordinal=1,
            last_ordinal=10,
            next_ordinal=5,
            reason="stolen",
            requested_quantity=10,
            actor="user:1",
        )


def make_scan_signal(shop: Shop, job: MintJob) -> ScanSignal:
    """Tell of a network that scanned many units of a job's batch."""
    now = timezone.now()
    with acting_as("worker"), brand_scope(shop.brand_id):
        return ScanSignal.objects.create(
            brand_id=shop.brand_id,
            rule="burst",
            day=now,
            subject=f"203.0.113.0/24 {job.batch_id} 9",
            batch_id=job.batch_id,
            scans=60,
            first_at=now,
            last_at=now,
            detail={"network": "203.0.113.0/24", "units": 60},
        )


def make_scan_policy(shop: Shop) -> ScanPolicy:
    """Choose what the brand keeps of its scans."""
    with acting_as("web"), brand_scope(shop.brand_id):
        return ScanPolicy.objects.create(brand_id=shop.brand_id, retention_days=30)


def make_budget(shop: Shop) -> ChainBudget:
    """Cap what the brand may spend in a day."""
    with acting_as("web"), brand_scope(shop.brand_id):
        return ChainBudget.objects.create(brand_id=shop.brand_id, lamports_per_day=20_000)


def make_price() -> None:
    """Note what a busy chain asks for, as a worker does."""
    with acting_as("worker"):
        keep_price("devchain", Price(90_000, Congestion.HIGH, "above the cap"))


def make_link(shop: Shop, target: str = "https://help.example/faqs", **fields: Any) -> Link:
    """Link a brand's product, as its staff do."""
    values = {"product": shop.product, "link_type": "gs1:faqs", "title": "Questions", **fields}
    with acting_as("web"), brand_scope(shop.brand_id):
        return Link.objects.create(brand_id=shop.brand_id, target=target, **values)


def make_endpoint(name: str = "rpc.example", **fields: Any) -> RpcEndpoint:
    """Make an endpoint of the chain, as a worker does for those of its settings."""
    values: dict[str, Any] = {"url": f"https://{name}/v2/hush-hush-hush", **fields}
    with acting_as("worker"):
        return RpcEndpoint.objects.create(name=name, **values)


def make_grant(shop: Shop) -> AccessGrant:
    """Let somebody read more of the shop's passports, as the web plane does."""
    with acting_as("web"), brand_scope(shop.brand_id):
        return AccessGrant.objects.create(
            brand_id=shop.brand_id,
            access=Access.AUTHORITIES,
            holder="Customs",
            secret_sha256=bytes(32),
            granted_by="user:1",
            expires_at=timezone.now() + timedelta(days=30),
        )


def make_drift(shop: Shop | None, **fields: Any) -> ChainDrift:
    """Find that chain and database differ in something of a brand's, or of nobody's."""
    values: dict[str, Any] = {
        "kind": DriftKind.TRANSACTION_MISSING,
        "direction": "db_to_chain",
        "subject_type": "transaction",
        "subject_id": "1" * 64,
        "status": "quarantined",
        "network": "devchain",
        **fields,
    }
    with acting_as("worker"), all_brands():
        return ChainDrift.objects.create(brand_id=shop.brand_id if shop else None, **values)


def make_run() -> ReconciliationRun:
    """Ask for the scheduled comparison with the chain."""
    with acting_as("worker"), all_brands():
        return ReconciliationRun.objects.create(type="incremental", network="devchain")


def make_wallet() -> ChainWallet:
    """Note the first use of a wallet, as a worker does."""
    with acting_as("worker"):
        return ChainWallet.objects.create(
            address="7Np41oeYqPefeNQEHSv1UDhYrehxin3NStELsSKCT4K2",
            role="payer",
            network="devchain",
            genesis_hash="9sHcv6xwn9YkB8nxTUGKDwPwNnmqVp5oAXxU8Fdkm4J6",
        )
