"""Products of a release that kept no history: the migration fills in what is known of them."""

import importlib
from collections.abc import Iterator

import pytest
from django.db import connection

from minting.models import PassportVersion, ProductIdentifier
from tests.catalogue.calls import code
from tests.emptying import empty_tables
from tests.factories import BrandWorld, make_product, make_world
from tests.planes import acting_as
from tests.platform.furnishing import clear_everything
from tieback.brands.audit import record
from tieback.brands.onboarding import ActsFor
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db(transaction=True)

MIGRATION = importlib.import_module("minting.migrations.0005_catalogue_history")


@pytest.fixture
def earlier() -> Iterator[BrandWorld]:
    """A brand whose products were made before, and changed once, as the audit trail tells."""
    world = make_world("earlier")
    product = make_product(world, sku="New", gtin=code(2))
    actor = ActsFor(world.brand.id, "user:7")
    with brand_scope(world.brand.id):
        after = {"sku": "Old", "gtin": code(1), "dpp_version": 1}
        record(actor, "product.created", "product", product.id, after=after)
        record(
            actor,
            "product.updated",
            "product",
            product.id,
            before={"sku": "Old", "gtin": code(1)},
            after={"sku": "New", "gtin": code(2)},
        )
        empty_tables("minting_productidentifier")
    yield world
    clear_everything()


def test_identifiers_and_authors_are_filled_in(earlier: BrandWorld):
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute("begin")
        for statement in MIGRATION.FILL_IN:
            cursor.execute(statement)
        cursor.execute("commit")
        cursor.execute("select count(*) from pg_policies where policyname = 'filling_in'")
        assert cursor.fetchone() == (0,)
    with brand_scope(earlier.brand.id):
        rows = ProductIdentifier.objects.values_list("type", "value", "status")
        assert set(rows) == {
            ("sku", "New", "active"),
            ("sku", "Old", "retired"),
            ("gtin", code(2), "active"),
            ("gtin", code(1), "retired"),
        }
        assert PassportVersion.objects.get().actor == "user:7"
