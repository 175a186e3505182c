"""Every host that was printed before hosts were held is held by the migration that begins it."""

from importlib import import_module

import pytest
from django.db import DatabaseError, connection

from tests.factories import BrandWorld, make_world
from tests.planes import acting_as
from tests.resolver.units import mint
from tieback.brands.models import Brand, ResolverHost
from tieback.brands.scoping import all_brands

migration = import_module("tieback.brands.migrations.0006_hold_resolver_hosts")

pytestmark = pytest.mark.django_db(transaction=True)


def hold_again() -> None:
    """Forget every host and hold them anew, as the owner does when it migrates."""
    statements = [
        *[f"alter table {table} no force row level security" for table in migration.READ],
        "delete from brands_resolverhost",
        migration.HOLD_KNOWN_HOSTS,
        *[f"alter table {table} force row level security" for table in migration.READ],
    ]
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute("begin")
        try:
            for statement in statements:
                cursor.execute(statement)
        except DatabaseError:
            cursor.execute("rollback")
            raise
        cursor.execute("commit")


def held() -> dict[str, str]:
    with acting_as("console"), all_brands():
        return {host.host: str(host.brand_id) for host in ResolverHost.objects.all()}


def test_present_hosts_and_those_of_batches_are_held(nordhav: BrandWorld, strangers: BrandWorld):
    mint(nordhav)
    make_world("hostless", resolver_host="")
    with acting_as("console"), all_brands():
        Brand.objects.filter(pk=nordhav.brand.pk).update(resolver_host="new.example")
    before = held()
    hold_again()
    assert held() == before
    assert before == {
        "nordhav.example": str(nordhav.brand.pk),
        "new.example": str(nordhav.brand.pk),
        "strangers.example": str(strangers.brand.pk),
    }


def test_a_host_that_two_brands_print_stops_the_migration_and_is_named(nordhav: BrandWorld):
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute("alter table brands_brand disable trigger hold_resolver_host")
    try:
        make_world("twin", resolver_host=nordhav.brand.resolver_host)
        before = held()
        with pytest.raises(DatabaseError, match=r"prints codes with nordhav\.example"):
            hold_again()
        assert held() == before
    finally:
        with acting_as("owner"), connection.cursor() as cursor:
            cursor.execute("alter table brands_brand enable trigger hold_resolver_host")
