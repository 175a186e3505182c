"""More of everything that a brand lists, all of one moment: what pages are tested with."""

from uuid import uuid4

from minting.models import (
    MetadataDocument,
    MintEvent,
    MintRevocation,
    PassportChange,
    PassportVersion,
    Product,
    SerialList,
)
from minting.states import MetadataStatus
from tests.chain.trees.rows import make_tree
from tests.factories import make_product, make_production_batch
from tests.platform.furnishing import NOW, UNITS, Furnished, completed_job, leave_change, put_tag
from tests.platform.possessions import make_finished_run, make_grant, make_invitation, make_link
from tieback.brands.credentials import issue_credential
from tieback.brands.models import AuditEntry, Membership, User
from tieback.brands.roles import Role
from tieback.brands.scoping import brand_scope


def crowd(brand: Furnished, count: int) -> None:
    """Add ``count`` more of everything that is listed, all at the same moment."""
    world = brand.world
    with brand_scope(world.brand.id):
        for _ in range(count):
            product = make_product(world)
            job = completed_job(world, product, make_production_batch(world, product), UNITS)
            MintEvent.objects.create(brand=world.brand, batch_id=job.batch_id, type="job.completed")
            issue_credential(brand_id=world.brand.id, name=job.idempotency_key, scopes=())
            MintRevocation.objects.create(
                brand=world.brand,
                kind="units",
                reason="stolen",
                status="completed",
                requested_quantity=0,
                actor="user:1",
                finished_at=NOW,
            )
            person = User.objects.create_user(f"{uuid4().hex}@{brand.slug}.example")
            Membership.objects.create(brand=world.brand, user=person, role=Role.VIEWER)
            make_invitation(world, person.email)
            make_grant(world, product)
            AuditEntry.objects.create(brand=world.brand, actor="system:test", action="test.made")
            make_product(world, dpp={})
            SerialList.objects.create(
                brand=world.brand,
                product=product,
                source=SerialList.Source.UPLOAD,
                count=1,
                sha256="0" * 64,
                created_by="user:1",
            )
            make_link(product, "https://crowd.example/faqs")
            make_tree(world)
            make_finished_run(world)
            put_tag(brand, brand.tokens[0])
        _crowd_the_past(brand.product, count)
        changed = PassportChange.objects.filter(batch=brand.minted.batch_id).count()
        for number in range(changed + 1, changed + count + 1):
            leave_change(brand.minted.batch, number, "another number")


def _crowd_the_past(product: Product, count: int) -> None:
    """Give a product more versions, more documents and more identifiers it had."""
    known = MetadataDocument.objects.filter(product=product).count()
    for number in range(known + 1, known + count + 1):
        MetadataDocument.objects.create(
            brand=product.brand,
            product=product,
            passport_version=product.versions.earliest("number"),
            number=number,
            status=MetadataStatus.FAILED,
        )
        latest = product.versions.order_by("-number").first()
        assert latest is not None
        PassportVersion.objects.create(
            brand=product.brand,
            product=product,
            number=latest.number + 1,
            category=latest.category,
            schema_version=latest.schema_version,
            dpp=latest.dpp,
        )
        Product.objects.filter(id=product.id).update(mpn=f"{product.mpn} {latest.number}")
