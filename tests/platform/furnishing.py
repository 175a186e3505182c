"""A brand with a row in every table, each carrying something that tells whose it is.

The rows are committed, so that every plane's role can be asked what it sees of them. Whoever
furnishes clears up with ``clear_everything``.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.apps import apps
from django.db import connection, models

from exports.models import PackBuild, PackStatus, PayloadPack
from minting.models import (
    ChainBudget,
    ChainTree,
    MintBatch,
    MintCycle,
    MintEvent,
    MintJob,
    MintLot,
    MintPause,
    MintRevocation,
    MintUnit,
    PassportChange,
    Product,
    ProductionBatch,
    ReconciliationRun,
    SerialList,
    SerialListChunk,
)
from minting.proofs.building import queue_for, work_next_step
from minting.serials import generate_tokens
from minting.states import (
    BatchStatus,
    JobStatus,
    UnitStatus,
)
from resolver.models import (
    AccessGrant,
    Link,
    ScanDay,
    ScanHour,
    ScanPolicy,
    ScanSignal,
    Tag,
)
from tests.emptying import empty_tables
from tests.factories import BrandWorld, make_product, make_production_batch, make_world
from tests.planes import acting_as
from tests.platform.possessions import (
    make_asset,
    make_document,
    make_grant,
    make_invitation,
    make_link,
    make_run,
    make_sent,
)
from tests.resolver.logos import put_logo
from tieback.api.models import KeptAnswer
from tieback.brands.credentials import IssuedCredential, issue_credential
from tieback.brands.models import AuditEntry, Invitation, Membership
from tieback.brands.roles import PERMITTED_ROLES, Role, Scope
from tieback.brands.scoping import brand_scope
from tieback.brands.sealing import seal_audit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
UNITS = 3
#: What an admin has, and so may hand on.
MANAGED = [scope.value for scope, roles in PERMITTED_ROLES.items() if Role.ADMIN in roles]
# A furnished brand has this many: minted, failed, waiting and paused.
BATCHES = 4

# The resolver may write activations and scans and not read them, so no RETURNING.
_SCAN = """
    with noted as (
        insert into resolver_scanevent (brand_id, batch_id, unit_id, status, traffic)
        select brand_id, batch_id, id, status, 1 from minting_mintunit where token = %(token)s
    )
    insert into resolver_activation (brand_id, batch_id, unit_id)
    select brand_id, batch_id, id from minting_mintunit where token = %(token)s
"""


@dataclass
class Furnished:
    """A brand, one of everything it can own, and the texts that nobody else may read."""

    world: BrandWorld
    product: Product
    production_batch: ProductionBatch
    lot: MintLot
    serial_list: SerialList
    minted: MintJob
    failed: MintJob
    waiting: MintJob
    paused: MintJob
    revocation: MintRevocation
    credential: IssuedCredential
    all_scopes: IssuedCredential
    no_scopes: IssuedCredential
    member: Membership
    invitation: Invitation
    link: Link
    grant: AccessGrant
    tokens: list[str] = field(default_factory=list)
    pack: PayloadPack | None = None
    run: ReconciliationRun | None = None
    tags: list[str] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    trees: list[UUID] = field(default_factory=list)

    @property
    def slug(self) -> str:
        """Return the word that every name of this brand contains."""
        return self.world.brand.slug

    @property
    def marks(self) -> set[str]:
        """Return texts of this brand, at least one of which is part of anything it owns."""
        return {
            self.slug.partition("-")[0],
            str(self.world.brand.id),
            str(self.product.id),
            str(self.product.gtin),
            str(self.production_batch.id),
            str(self.minted.id),
            str(self.minted.batch_id),
            str(self.failed.id),
            str(self.failed.batch_id),
            str(self.waiting.id),
            str(self.waiting.batch_id),
            str(self.paused.id),
            str(self.paused.batch_id),
            str(self.revocation.id),
            str(self.lot.id),
            str(self.serial_list.id),
            str(self.pack.id if self.pack else self.minted.id),
            str(self.run.id if self.run else self.minted.id),
            self.credential.id,
            self.all_scopes.id,
            self.no_scopes.id,
            str(self.member.id),
            str(self.invitation.id),
            str(self.link.id),
            str(self.grant.id),
            *self.tokens,
            *self.tags,
            *self.signatures,
            *map(str, self.trees),
        }


def furnish(name: str, *, units: int = UNITS, packs: int = 1) -> Furnished:
    """Make a brand with one of everything; ``name`` is a word found nowhere else."""
    with acting_as("web"):
        brand = _as_web(name, units)
    with acting_as("worker"):
        _as_worker(brand, packs)
    with acting_as("web"):
        put_tag(brand, brand.tokens[0])
    put_logo(brand.world)
    with acting_as("resolver"), connection.cursor() as cursor:
        cursor.execute(_SCAN, {"token": brand.tokens[0]})
    return brand


def _as_web(name: str, units: int) -> Furnished:
    world = make_world(name)
    product = make_product(world, sku=f"{name}-sku", name=f"{name} article", mpn=f"{name}-mpn")
    run = make_production_batch(world, product, external_ref=f"{name}-run")
    with brand_scope(world.brand.id):
        minted = completed_job(world, product, run, units)
        failed = _job(world, product, run, JobStatus.FAILED, BatchStatus.FAILED, units)
        waiting, paused = (
            _job(world, product, None, JobStatus.QUEUED, BatchStatus.QUEUED, units)
            for _ in range(2)
        )
        MintPause.objects.create(
            brand=world.brand, job=paused, reason=f"{name} pause", actor=f"user:{name}"
        )
        revocation = MintRevocation.objects.create(
            brand=world.brand,
            kind="units",
            reason="stolen",
            note=f"{name} note",
            status="completed",
            requested_quantity=0,
            actor=f"user:{name}",
            finished_at=NOW,
        )
        lot = MintLot.objects.create(
            brand=world.brand,
            batch_id=minted.batch_id,
            lot_code=f"{name}-lot",
            quantity=units,
            first_ordinal=1,
            last_ordinal=units,
        )
        serial_list = SerialList.objects.create(
            brand=world.brand,
            product=product,
            gtin=product.gtin,
            source=SerialList.Source.UPLOAD,
            count=1,
            sha256="0" * 64,
            created_by=f"user:{name}",
        )
        SerialListChunk.objects.create(
            brand=world.brand,
            list=serial_list,
            first_ordinal=1,
            count=1,
            serials=f"{name}-serial"[:20],
        )
        MintEvent.objects.create(
            brand=world.brand,
            batch_id=minted.batch_id,
            type="job.completed",
            actor=f"user:{name}",
            data={"note": f"{name} event"},
        )
        leave_change(minted.batch, 1, f"{name} reason")
        AuditEntry.objects.create(
            brand=world.brand,
            actor=f"user:{name}",
            action="test.made",
            target_type="brand",
            target_id=str(world.brand.id),
        )
        KeptAnswer.objects.create(
            brand=world.brand,
            principal=f"user:{name}",
            operation=f"POST {name}",
            key_sha256=bytes(32),
            fingerprint=bytes(32),
            status=200,
            content_type="application/json",
            answer=f"{name} answer".encode(),
            expires_at=NOW + timedelta(days=36_500),
        )
        credentials = [
            issue_credential(brand_id=world.brand.id, name=f"{name} {title}", scopes=scopes)
            for title, scopes in (("one", MANAGED), ("all", Scope.values), ("none", ()))
        ]
        ScanPolicy.objects.create(brand=world.brand, aggregate_only=["textile"])
        ChainBudget.objects.create(brand=world.brand, lamports_per_day=10**12)
        member = Membership.objects.get(user=world.people[Role.VIEWER])
        invitation = make_invitation(world, f"guest@{name}.example")
        link = make_link(product, f"https://{name}-help.example/faqs")
        grant = make_grant(world, product)
    jobs = (minted, failed, waiting, paused)
    return Furnished(
        world,
        product,
        run,
        lot,
        serial_list,
        *jobs,
        revocation,
        *credentials,
        member,
        invitation,
        link,
        grant,
    )


def leave_change(batch: MintBatch, number: int, reason: str) -> None:
    """Leave a change of what a batch's passports show."""
    version = batch.passport_version
    PassportChange.objects.create(
        brand=batch.brand,
        batch=batch,
        number=number,
        from_version=version,
        to_version=version,
        fields=["manufacturer_contact"],
        reason=reason,
        actor="user:1",
    )
    MintBatch.objects.filter(pk=batch.pk).update(passport_changes=number)


def completed_job(world: BrandWorld, product: Product, run: ProductionBatch, units: int) -> MintJob:
    return _job(world, product, run, JobStatus.COMPLETED, BatchStatus.MINTED, units)


def _job(
    world: BrandWorld,
    product: Product,
    run: ProductionBatch | None,
    status: JobStatus,
    batch_status: BatchStatus,
    units: int,
) -> MintJob:
    """Make a job that has come to its end, or waits, and its batch."""
    done = units if status == JobStatus.COMPLETED else 0
    batch = MintBatch.objects.create(
        brand=world.brand,
        product=product,
        passport_version=product.versions.get(),
        production_batch=run,
        identity_mode="serial",
        activation_mode="first_scan",
        resolver_base=f"https://{world.brand.resolver_host}",
        gtin=product.gtin,
        sku=product.sku,
        production_ref=run.external_ref if run else "",
        status=batch_status,
        requested_quantity=units,
        minted_quantity=done,
        minted_at=NOW if done else None,
    )
    return MintJob.objects.create(
        brand=world.brand,
        batch=batch,
        status=status,
        requested_quantity=units,
        generated_quantity=done,
        last_error="" if status != JobStatus.FAILED else f"{world.brand.slug} error",
        idempotency_key=f"{world.brand.slug}-{uuid4()}",
        idempotency_fingerprint=bytes(32),
        submitted_by=world.people[Role.OWNER],
        started_at=None if status == JobStatus.QUEUED else NOW,
        finished_at=None if status == JobStatus.QUEUED else NOW,
    )


def _as_worker(brand: Furnished, packs: int) -> None:
    owner, batch_id = brand.world.brand, brand.minted.batch_id
    brand.tokens = generate_tokens(brand.minted.requested_quantity)
    with brand_scope(owner.id):
        MintUnit.objects.bulk_create(
            MintUnit(
                brand=owner,
                product_id=brand.product.id,
                batch_id=batch_id,
                ordinal=ordinal,
                token=token,
                status=UnitStatus.MINTED,
            )
            for ordinal, token in enumerate(brand.tokens, start=1)
        )
        MintCycle.objects.create(
            brand=owner,
            job=brand.minted,
            number=1,
            first_ordinal=1,
            count=len(brand.tokens),
            fence=1,
            started_at=NOW,
            committed_at=NOW,
        )
        queue_for(brand_id=owner.id, batch_id=batch_id, quantity=len(brand.tokens))
        brand.signatures = [make_sent(brand.world, batch_id, number) for number in range(packs)]
        make_asset(brand.world, brand.tokens[0])
        brand.trees = list(ChainTree.objects.values_list("id", flat=True))
        brand.run = make_run(brand.world, batch_id, brand.signatures)
        make_document(brand.world, brand.product)
        ScanHour.objects.create(
            brand=owner, batch_id=batch_id, hour=NOW, traffic=1, scans=1, first_scans=1
        )
        ScanDay.objects.create(brand=owner, product_id=brand.product.id, day=NOW, visitors=1)
        ScanSignal.objects.bulk_create(
            ScanSignal(
                brand=owner,
                rule="never_issued",
                day=NOW,
                subject=f"/01/{brand.slug}/{number}",
                scans=1,
                first_at=NOW,
                last_at=NOW,
            )
            for number in range(len(brand.tokens))
        )
    while work_next_step():
        pass
    _packs(brand, packs)
    seal_audit()


def new_uid() -> str:
    """Return the UID of a tag that nobody has."""
    return f"04{uuid4().hex[:12]}".upper()


def put_tag(brand: Furnished, token: str) -> None:
    with brand_scope(brand.world.brand.id):
        unit = MintUnit.objects.get(token=token)
        brand.tags.append(Tag.objects.create(brand=brand.world.brand, unit=unit, uid=new_uid()).uid)


def _packs(brand: Furnished, count: int) -> None:
    """Make packs of one unit each."""
    owner, batch_id = brand.world.brand, brand.minted.batch_id
    with brand_scope(owner.id):
        build = PackBuild.objects.create(
            brand=owner,
            batch_id=batch_id,
            status=PackStatus.COMPLETED,
            pack_size=1,
            pack_count=count,
            manifest_key=f"{brand.slug}/manifest.json",
            manifest_sha256="0" * 64,
            finished_at=NOW,
        )
        for number in range(1, count + 1):
            brand.pack = PayloadPack.objects.create(
                brand=owner,
                batch_id=batch_id,
                build=build,
                number=number,
                first_ordinal=number,
                row_count=1,
                status=PackStatus.COMPLETED,
                storage_key=f"{brand.slug}/pack-{number}.csv",
                byte_size=1,
                sha256="0" * 64,
                completed_at=NOW,
            )


def brand_tables() -> list[str]:
    """Return every table of ours whose rows belong to a brand, the brands themselves included."""
    return sorted(
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.label == "brands.Brand"
        or any(
            isinstance(column, models.ForeignKey) and column.name == "brand"
            for column in model._meta.get_fields()
        )
    )


def clear_everything() -> None:
    """Empty every table of a brand, and the people with them."""
    with acting_as("web"):
        empty_tables()
