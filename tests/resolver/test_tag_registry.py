"""Putting tags on units: all or none, by the brand's own staff, with counters that only rise."""

import pytest
from django.db import DatabaseError, connection, transaction

from minting.revocations import Act
from resolver.models import Tag
from resolver.tag_registry import Registered, register_tags
from tests.factories import BrandWorld, make_world
from tests.planes import acting_as
from tests.resolver.scanning import at_once
from tests.resolver.units import Minted, mint, units_of
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import brand_scope
from tieback.errors import ValidationFailed

pytestmark = pytest.mark.django_db(transaction=True)

ACT = Act("user:7", request_id="req-1")
UIDS = ("04A1B2C3D4E5F6", "04A1B2C3D4E5F7", "04A1B2C3D4E5F8")


@pytest.fixture
def nordhav(transactional_db) -> BrandWorld:
    return make_world("nordhav")


@pytest.fixture
def minted(nordhav) -> Minted:
    return mint(nordhav, 3)


def register(world: BrandWorld, *tags: tuple[str, str], move: bool = False) -> Registered:
    with brand_scope(world.brand.id):
        return register_tags(brand_id=world.brand.id, tags=tags, move=move, act=ACT)


def tags_of(world: BrandWorld) -> dict[str, str]:
    with brand_scope(world.brand.id):
        return dict(Tag.objects.values_list("uid", "unit__token"))


def faults(error: pytest.ExceptionInfo[ValidationFailed]) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in error.value.fields]


def test_tags_are_put_on_their_units_and_again_without_effect(nordhav, minted):
    pairs = list(zip(UIDS, minted.tokens, strict=True))
    assert register(nordhav, *pairs) == Registered(3, 0, 0)
    assert tags_of(nordhav) == dict(pairs)
    assert register(nordhav, *pairs) == Registered(0, 0, 3)
    with brand_scope(nordhav.brand.id):
        entry = AuditEntry.objects.get(action="tags.registered")
    assert (entry.actor, entry.request_id) == ("user:7", "req-1")
    assert entry.after["registered"] == 3


def test_a_unit_may_have_several_tags(nordhav, minted):
    pairs = [(uid, minted.tokens[0]) for uid in UIDS]
    assert register(nordhav, *pairs) == Registered(3, 0, 0)


def test_a_tag_on_another_unit_is_moved_only_where_that_is_asked_for(nordhav, minted):
    register(nordhav, (UIDS[0], minted.tokens[0]))
    with pytest.raises(ValidationFailed) as refused:
        register(nordhav, (UIDS[1], minted.tokens[1]), (UIDS[0], minted.tokens[1]))
    assert faults(refused) == [("tags[1].uid", "TAKEN")]
    assert tags_of(nordhav) == {UIDS[0]: minted.tokens[0]}
    assert register(nordhav, (UIDS[0], minted.tokens[1]), move=True) == Registered(0, 1, 0)
    assert tags_of(nordhav) == {UIDS[0]: minted.tokens[1]}
    with brand_scope(nordhav.brand.id):
        entry = AuditEntry.objects.filter(action="tags.registered").latest("id")
    assert entry.after["moved_tags"] == [UIDS[0]]


def test_every_fault_is_told_and_nothing_is_written(nordhav, minted):
    with pytest.raises(ValidationFailed) as refused:
        register(
            nordhav,
            (UIDS[0], minted.tokens[0]),
            (UIDS[1], "2" * 20),
            (UIDS[0], minted.tokens[1]),
        )
    assert faults(refused) == [("tags[1].token", "NOT_FOUND"), ("tags[2].uid", "NOT_UNIQUE")]
    assert tags_of(nordhav) == {}


def test_a_unit_of_another_brand_is_not_there_and_its_tags_are_not_in_the_way(nordhav, minted):
    other = make_world("ateljen")
    theirs = mint(other)
    register(other, (UIDS[0], theirs.tokens[0]))
    with pytest.raises(ValidationFailed) as refused:
        register(nordhav, (UIDS[0], theirs.tokens[0]))
    assert faults(refused) == [("tags[0].token", "NOT_FOUND")]
    assert register(nordhav, (UIDS[0], minted.tokens[0])) == Registered(1, 0, 0)
    assert tags_of(other) == {UIDS[0]: theirs.tokens[0]}


def test_of_two_registrations_of_a_tag_at_once_one_is_refused(nordhav, minted):
    told = at_once(2, lambda at: register(nordhav, (UIDS[0], minted.tokens[at])))
    assert sorted(type(one).__name__ for one in told) == ["Registered", "ValidationFailed"]


def test_no_statement_puts_a_tag_on_a_unit_of_another_brand(nordhav):
    theirs = mint(make_world("ateljen"))
    (unit,) = (unit for unit in _units(theirs))
    with (
        pytest.raises(DatabaseError, match="a unit of its own brand"),
        brand_scope(nordhav.brand.id),
        transaction.atomic(),
    ):
        Tag.objects.create(brand=nordhav.brand, unit_id=unit.id, uid=UIDS[0])


def _units(minted: Minted):
    with acting_as("resolver"):
        return units_of(minted)


@pytest.mark.parametrize("counter", [None, 4, -1, 2**24])
def test_no_statement_takes_a_counter_back_or_beyond_what_a_tag_counts(nordhav, minted, counter):
    register(nordhav, (UIDS[0], minted.tokens[0]))
    with acting_as("resolver"):
        with connection.cursor() as cursor:
            cursor.execute("update resolver_tag set last_counter = 5")
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("update resolver_tag set last_counter = %s", [counter])
        with connection.cursor() as cursor:
            cursor.execute("select last_counter from resolver_tag")
            assert cursor.fetchone() == (5,)


def test_a_moved_tag_keeps_its_counter(nordhav, minted):
    register(nordhav, (UIDS[0], minted.tokens[0]))
    with acting_as("resolver"), connection.cursor() as cursor:
        cursor.execute("update resolver_tag set last_counter = 5")
    register(nordhav, (UIDS[0], minted.tokens[1]), move=True)
    with brand_scope(nordhav.brand.id):
        assert Tag.objects.get().last_counter == 5
