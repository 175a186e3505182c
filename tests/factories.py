"""Rows for tests, made through the models in the brand's scope."""

import itertools
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from minting.models import PassportVersion, Product, ProductionBatch
from minting.states import CommercialStatus, ProductionBatchStatus
from tieback.brands.models import Brand, Membership, User
from tieback.brands.roles import Role
from tieback.brands.scoping import brand_scope

PREFIX = "0950600"
_numbers = itertools.count(1)


@dataclass
class BrandWorld:
    """A brand and its people."""

    brand: Brand
    people: dict[Role, User] = field(default_factory=dict)

    @staticmethod
    def next_number() -> int:
        """Return a number not given before."""
        return next(_numbers)


def make_world(slug: str, **fields: Any) -> BrandWorld:
    """Make a brand with one person for each role."""
    values: dict[str, Any] = {
        "name": slug.title(),
        "resolver_host": f"{slug}.example",
        "gs1_prefixes": [PREFIX],
    }
    brand_id = uuid4()
    with brand_scope(brand_id):
        brand = Brand.objects.create(
            id=brand_id, slug=f"{slug}-{next(_numbers)}", **{**values, **fields}
        )
        world = BrandWorld(brand)
        for role in Role:
            person = User.objects.create_user(f"{role}-{next(_numbers)}@{slug}.example")
            Membership.objects.create(brand=brand, user=person, role=role)
            world.people[role] = person
    return world


def gtin(number: int) -> str:
    """Return a valid GTIN-14 of the test prefix."""
    digits = f"0{PREFIX}{number:05d}"
    weighted = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return digits + str(-weighted % 10)


def make_product(world: BrandWorld, **fields: Any) -> Product:
    """Make an active, mint-ready generic product with its first passport version."""
    from minting.catalogue.assessments import assessed, store_assessments
    from tests.passports import ready_passport

    number = next(_numbers)
    values: dict[str, Any] = {
        "sku": f"SKU-{number}",
        "name": f"Product {number}",
        "gtin": gtin(number),
        "category": "generic",
        "commercial_status": CommercialStatus.ACTIVE,
    }
    values |= fields
    values.setdefault("dpp", ready_passport(values["category"]))
    with brand_scope(world.brand.id):
        product = Product.objects.create(brand=world.brand, **values)
        PassportVersion.objects.create(
            brand=world.brand,
            product=product,
            number=product.dpp_version,
            category=product.category,
            schema_version=1,
            dpp=product.dpp,
        )
        store_assessments([assessed(product)])
    return product


def make_production_batch(
    world: BrandWorld, product: Product, *, quantity: int | None = 1000, **fields: Any
) -> ProductionBatch:
    """Make a READY production batch."""
    values: dict[str, Any] = {"external_ref": f"PO-{next(_numbers)}"}
    values |= {"status": ProductionBatchStatus.READY, **fields}
    with brand_scope(world.brand.id):
        return ProductionBatch.objects.create(
            brand=world.brand, product=product, quantity=quantity, **values
        )


def nobody() -> UUID:
    """Return an id that belongs to no row."""
    return uuid4()
