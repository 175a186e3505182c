"""The second belt: a query made outside a brand raises, and few modules may leave the scope."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django_scopes import ScopeError, scopes_disabled

from tests.factories import BrandWorld
from tests.platform.furnishing import brand_tables
from tieback.brands.models import Membership
from tieback.brands.roles import Role
from tieback.brands.scoping import brand_scope, memberships_of, user_scope

PACKAGES = ("tieback", "minting", "exports", "resolver")

#: Modules that may leave the brand's scope, and for what.
MAY_LEAVE_THE_SCOPE = {
    "tieback/brands/onboarding.py": "a slug must be new among all brands",
    "tieback/brands/management/commands/create_operator.py": "an operator belongs to no brand",
    "tieback/brands/management/commands/verify_audit.py": "a slug names a brand among all",
    "minting/management/commands/refresh_readiness.py": "a new schema concerns every brand",
    "minting/management/commands/verify_jobs.py": "a job is named without its brand",
    "tieback/console.py": "operators see every brand",
    "resolver/items.py": "a token names a unit and not its brand",
    "resolver/metadata.py": "a host names a brand",
    "resolver/proofs.py": "a token names a unit and not its brand",
    "resolver/rollup.py": "a worker asks which brands have scans to count",
}
#: Modules that may speak to the database's side of a scope: the doors themselves.
MAY_SET_THE_BRAND = {"tieback/brands/scoping.py", "tieback/brands/rls.py"}


def brand_models() -> list[type[models.Model]]:
    """Return the models whose rows belong to a brand. Brands are reached by row security alone."""
    return [
        model
        for model in apps.get_models()
        if model._meta.db_table in brand_tables() and model._meta.db_table != "brands_brand"
    ]


def sources() -> dict[str, str]:
    """Return the text of every module of ours, by its path."""
    root = Path(settings.BASE_DIR)
    return {
        str(path.relative_to(root)): path.read_text(encoding="utf-8")
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    }


def calls(source: str) -> set[str]:
    """Return the names of the functions a module calls."""
    names = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {getattr(name, "id", getattr(name, "attr", "")) for name in names}


@pytest.mark.django_db
@pytest.mark.parametrize("model", brand_models(), ids=lambda model: model._meta.label)
@pytest.mark.parametrize(
    "query",
    [
        lambda rows: list(rows.all()),
        lambda rows: rows.count(),
        lambda rows: rows.filter(pk=None).exists(),
        lambda rows: rows.filter(pk=None).update(pk=None),
        lambda rows: rows.first(),
    ],
    ids=["list", "count", "exists", "update", "first"],
)
def test_a_query_outside_a_brand_raises(model, query):
    with pytest.raises(ScopeError):
        query(model.objects)
    with pytest.raises(ScopeError):
        query(model._default_manager)


@pytest.mark.django_db
def test_a_scope_of_one_brand_sees_one_brand_even_where_the_database_would_show_more(
    nordhav: BrandWorld, strangers: BrandWorld
):
    person = next(iter(nordhav.people.values()))
    with user_scope(person.pk), brand_scope(strangers.brand.id):
        assert set(Membership.objects.values_list("brand_id", flat=True)) == {strangers.brand.id}
        with scopes_disabled():
            assert Membership.objects.filter(user=person).exists()


@pytest.mark.django_db(transaction=True)
def test_a_scope_of_its_own_asks_once_and_leaves_nothing_behind(
    nordhav: BrandWorld, django_assert_num_queries
):
    with django_assert_num_queries(3), brand_scope(nordhav.brand.id):
        pass  # begin, set, commit
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('tieback.brand_id', true)")
        assert cursor.fetchone() == ("",)


@pytest.mark.django_db
def test_a_scope_within_another_puts_that_one_back(nordhav: BrandWorld, strangers: BrandWorld):
    with brand_scope(nordhav.brand.id):
        with brand_scope(strangers.brand.id):
            pass
        with connection.cursor() as cursor:
            cursor.execute("select current_setting('tieback.brand_id')")
            assert cursor.fetchone() == (str(nordhav.brand.id),)


@pytest.mark.django_db(transaction=True)
def test_a_persons_brands_are_found_in_one_trip_that_leaves_nothing_behind(
    nordhav: BrandWorld, strangers: BrandWorld, django_assert_num_queries
):
    person, other = nordhav.people[Role.EDITOR], strangers.people[Role.OWNER]
    with brand_scope(strangers.brand.id):
        Membership.objects.create(brand=strangers.brand, user=person, role=Role.VIEWER)
    with django_assert_num_queries(1):
        found = memberships_of(person.pk, most=2)
    both = [(nordhav.brand.id, Role.EDITOR), (strangers.brand.id, Role.VIEWER)]
    assert found == both
    assert memberships_of(person.pk, most=1) == both[:1]
    assert memberships_of(person.pk, brand_id=strangers.brand.id, most=2) == both[1:]
    assert memberships_of(other.pk, brand_id=nordhav.brand.id, most=2) == []
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('tieback.user_id', true)")
        assert cursor.fetchone() == ("",)
        cursor.execute("select count(*) from brands_membership")
        assert cursor.fetchone() == (0,)


def test_only_the_named_modules_leave_the_scope():
    leaving = {path for path, text in sources().items() if "all_brands" in calls(text)}
    assert leaving == set(MAY_LEAVE_THE_SCOPE), "each way out of the scope needs its reason here"


def test_only_the_doors_disable_the_scopes_or_set_the_brand():
    disabling = {path for path, text in sources().items() if "scopes_disabled" in calls(text)}
    assert disabling == {"tieback/brands/scoping.py"}
    naming = {
        path
        for path, text in sources().items()
        if "tieback.brand_id" in text or "tieback.user_id" in text
    }
    assert naming == MAY_SET_THE_BRAND


def test_no_process_has_a_second_way_to_the_database():
    assert set(settings.DATABASES) == {"default"}
    assert not settings.DATABASE_ROUTERS
    for path, text in sources().items():
        assert "set role" not in text.lower(), path
        assert "session authorization" not in text.lower(), path
