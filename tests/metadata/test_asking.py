"""Documents are asked for by the first mint of a passport version, and by people, each once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, IntegrityError

from minting import pipeline
from minting.metadata import asking
from minting.metadata.asking import MetadataInvalid, ask_for, queue_for, queue_missed
from minting.metadata.giving import document_for, uri_of
from minting.metadata.pinning import Step, oldest_unfinished, work_next_step
from minting.models import MetadataDocument, MintBatch, PassportVersion, Product
from minting.states import MetadataStatus
from minting.tasks import pin_missed
from tests.catalogue.test_catalogue_races import wait_for_lock_waiters
from tests.factories import BrandWorld, make_product
from tests.metadata.conftest import documents
from tests.planes import acting_as
from tests.resolver.logos import put_logo
from tieback.brands.audit import ActsFor
from tieback.brands.models import AuditEntry, Brand
from tieback.brands.scoping import all_brands, brand_scope
from tieback.errors import NotFound, ValidationFailed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bells that are rung for one step."""
    bells: list[Any] = []
    monkeypatch.setattr(pipeline, "ring_step", lambda *args, **_: bells.append(args))
    return bells


def ask(product: Product, reason: str = "new name", **given: Any) -> MetadataDocument:
    values = {"number": None, "request": "req-1", **given}
    with acting_as("web"), brand_scope(product.brand_id):
        return ask_for(ActsFor(product.brand_id, "user:7"), product.pk, reason=reason, **values)


def rename(product: Product, name: str) -> None:
    with acting_as("web"), brand_scope(product.brand_id):
        Product.objects.filter(pk=product.pk).update(name=name)


def new_version(product: Product, **dpp: Any) -> PassportVersion:
    """Give the product other passport data, as its next version."""
    with acting_as("web"), brand_scope(product.brand_id):
        product.refresh_from_db()
        product.dpp_version += 1
        product.dpp = {**product.dpp, **dpp}
        product.save()
        return PassportVersion.objects.create(
            brand_id=product.brand_id,
            product=product,
            number=product.dpp_version,
            category=product.category,
            schema_version=1,
            dpp=product.dpp,
        )


def unminted_batch(product: Product, version: PassportVersion | None) -> MintBatch:
    with acting_as("web"), brand_scope(product.brand_id):
        return MintBatch.objects.create(
            brand_id=product.brand_id,
            product=product,
            passport_version=version,
            identity_mode="serial",
            activation_mode="first_scan",
            resolver_base="https://nordhav.example",
            sku=product.sku,
            requested_quantity=1,
        )


def test_the_first_mint_of_a_version_asks_for_its_document_and_the_second_does_not(minted, product):
    minted()
    minted()
    (document,) = documents(product)
    assert (document.number, document.passport_version.number) == (1, 1)
    assert (document.status, document.cid, document.actor) == ("pending", None, "")
    assert oldest_unfinished() == document.pk


def test_another_version_gets_the_next_number_of_its_product(minted, product):
    minted()
    new_version(product, end_of_life="Bring it back.")
    minted()
    assert [(one.number, one.passport_version.number) for one in documents(product)] == [
        (1, 1),
        (2, 2),
    ]
    assert documents(product)[1].replaces is None


def test_asking_twice_for_a_batch_changes_nothing(minted, product):
    job = minted()
    with brand_scope(job.brand_id):
        queue_for(brand_id=job.brand_id, batch_id=job.batch_id, quantity=2)
    assert len(documents(product)) == 1


def test_two_versions_that_are_minted_at_once_take_two_numbers(product):
    """The one that comes second waits for the number, finds it taken, and takes the next."""
    with brand_scope(product.brand_id):
        version = product.versions.get()
    first = unminted_batch(product, version)
    second = unminted_batch(product, new_version(product, end_of_life="Bring it back."))

    def complete_second() -> None:
        try:
            with brand_scope(product.brand_id):
                queue_for(brand_id=product.brand_id, batch_id=second.pk, quantity=1)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with brand_scope(product.brand_id):
            queue_for(brand_id=product.brand_id, batch_id=first.pk, quantity=1)
            waiting = pool.submit(complete_second)
            wait_for_lock_waiters(1)
        waiting.result(30)
    assert [(one.number, one.passport_version.number) for one in documents(product)] == [
        (1, 1),
        (2, 2),
    ]


def test_batches_of_before_are_found_a_version_a_product_at_a_time(
    nordhav: BrandWorld, minted, product, rung, monkeypatch
):
    monkeypatch.setattr(asking, "queue_shown", lambda _: None)
    minted()
    new_version(product, end_of_life="Bring it back.")
    minted()
    with acting_as("web"):
        second = make_product(nordhav)
    minted(second)
    assert documents(product) == documents(second) == []
    assert queue_missed(10) == 2
    rung.clear()
    pin_missed()
    assert rung == [(asking.PIN, "missed")]
    assert [one.number for one in documents(product)] == [1, 2]
    assert [one.number for one in documents(second)] == [1]
    rung.clear()
    pin_missed()
    assert rung == []


# By people


def test_a_person_makes_the_document_of_a_product_that_was_never_minted(product, rung):
    document = ask(product, "for the shop")
    assert (document.number, document.status, document.actor) == (1, "pending", "user:7")
    assert document.cid is not None
    assert document.reason == "for the shop"
    assert rung == [(asking.PIN, document.pk)]
    with all_brands(), acting_as("web"), brand_scope(product.brand_id):
        entry = AuditEntry.objects.get(action="metadata_document.asked")
    assert (entry.actor, entry.reason, entry.target_id) == (
        "user:7",
        "for the shop",
        str(document.pk),
    )
    assert entry.after == {
        "product_id": str(product.pk),
        "passport_version": 1,
        "number": 1,
        "cid": document.cid,
    }


def test_a_changed_product_gets_a_new_document_and_keeps_the_old(pinned, product):
    first = pinned()
    rename(product, "Fjell coat")
    second = ask(product)
    assert work_next_step() is Step.PINNED
    old, new = documents(product)
    assert (old.pk, new.pk) == (first.pk, second.pk)
    assert (old.cid, new.replaces, old.status) == (first.cid, old, MetadataStatus.PINNED)
    assert new.cid != old.cid
    with brand_scope(product.brand_id):
        held = document_for(first.passport_version_id)
    assert held is not None
    assert held.pk == new.pk


def test_a_name_that_comes_back_makes_a_third_document(pinned, product):
    pinned()
    for name in ("Fjell coat", "Fjell jacket"):
        rename(product, name)
        ask(product)
        assert work_next_step() is Step.PINNED
    assert len({one.cid for one in documents(product)}) == 3
    assert [one.replaces and one.replaces.number for one in documents(product)] == [None, 1, 2]


def test_what_says_the_same_is_no_new_document_and_rings_no_bell(pinned, product, rung):
    first = pinned()
    rung.clear()
    assert ask(product).pk == first.pk
    assert rung == []
    assert len(documents(product)) == 1
    with acting_as("web"), brand_scope(product.brand_id):
        assert not AuditEntry.objects.filter(action="metadata_document.asked").exists()


def test_a_logo_that_is_changed_makes_another_document(nordhav, pinned, product):
    first = pinned()
    put_logo(nordhav)
    assert ask(product).cid != first.cid


def test_a_document_of_a_mint_that_waits_is_composed_and_not_doubled(minted, product):
    minted()
    document = ask(product)
    assert (document.number, document.cid is not None) == (1, True)
    assert len(documents(product)) == 1


def test_a_failed_document_goes_on_when_it_is_asked_for(minted, product, rung):
    minted()
    with all_brands():
        MetadataDocument.objects.update(
            status=MetadataStatus.FAILED, consecutive_errors=3, last_error="no"
        )
    rung.clear()
    document = ask(product)
    assert (document.status, document.consecutive_errors) == (MetadataStatus.PENDING, 0)
    assert rung == [(asking.PIN, document.pk)]


def test_an_earlier_version_can_be_asked_for(pinned, product):
    first = pinned()
    new_version(product, end_of_life="Bring it back.")
    rename(product, "Fjell coat")
    second, third = ask(product, number=1), ask(product)
    assert [second.number, third.number] == [2, 3]
    assert (second.passport_version_id, second.replaces_id) == (first.passport_version_id, first.pk)
    assert third.replaces is None


def test_what_is_unsound_is_refused_with_every_fault_and_nothing_is_written(nordhav, product, rung):
    with acting_as("console"), all_brands():
        Brand.objects.filter(pk=nordhav.brand.pk).update(resolver_host="")
    with pytest.raises(MetadataInvalid) as caught:
        ask(product)
    assert {fault.field for fault in caught.value.fields} == {"external_url", "properties"}
    assert all("host of the brand's resolver" in fault.message for fault in caught.value.fields)
    assert (documents(product), rung) == ([], [])


def test_another_brands_product_and_a_version_that_is_none_are_refused(product, strangers):
    with pytest.raises(ValidationFailed) as caught:
        ask(product, number=9)
    assert caught.value.fields[0].message == "The product's passport has no version 9."
    with (
        acting_as("web"),
        brand_scope(strangers.brand.id),
        pytest.raises(NotFound),
    ):
        ask_for(
            ActsFor(strangers.brand.id, "user:7"), product.pk, number=None, reason="x", request=""
        )


# What the database holds


@pytest.mark.parametrize(
    "change",
    [
        "content = 'other', size = 5, sha256 = encode(sha256('other'), 'hex')",
        "cid = 'b' || repeat('a', 58)",
        "short_id = 'aaaaaaaa'",
        "cid = null, short_id = null, content = null, size = null, sha256 = ''",
        "number = 9",
        "product_id = gen_random_uuid()",
        "passport_version_id = gen_random_uuid()",
    ],
)
def test_what_names_a_document_and_whose_it_is_never_change(minted, product, change):
    minted()
    ask(product)
    with (
        pytest.raises(DatabaseError, match="Cannot update rows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"update minting_metadatadocument set {change}")  # noqa: S608 - ours


def test_nothing_of_a_pinned_document_changes(pinned):
    pinned()
    with (
        pytest.raises(DatabaseError, match="Cannot update rows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("update minting_metadatadocument set last_error = 'x'")


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"sha256": "0" * 64}, "minting_metadata_composed_whole"),
        ({"size": 4}, "minting_metadata_composed_whole"),
        ({"short_id": None}, "minting_metadata_composed_whole"),
        ({"cid": "Qm"}, "minting_metadata_composed_whole"),
        ({"status": "pinned"}, "minting_metadata_pinned_whole"),
        ({"number": 1}, "minting_metadata_number"),
    ],
)
def test_what_does_not_fit_together_is_refused(minted, product, columns, rule):
    minted()
    ready = ask(product)
    whole = {name: getattr(ready, name) for name in asking.COMPOSED}
    values = {**whole, "cid": "b" + "a" * 58, "short_id": "a" * 8, "number": 2, **columns}
    with (
        brand_scope(product.brand_id),
        pytest.raises(IntegrityError, match=rule),
        transaction.atomic(),
    ):
        MetadataDocument.objects.create(
            brand_id=product.brand_id,
            product=product,
            passport_version_id=ready.passport_version_id,
            **values,
        )


def test_no_role_takes_a_document_away(pinned):
    pinned()
    for plane in ("web", "worker", "resolver", "console"):
        with (
            acting_as(plane),
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("delete from minting_metadatadocument")


def test_two_documents_that_begin_alike_have_short_ids_of_their_own(nordhav, minted, product):
    minted()
    ready = ask(product)
    with acting_as("web"):
        second = make_product(nordhav)
    with pytest.MonkeyPatch.context() as patch:
        taken = [ready.short_id, "longer-than-that"]
        patch.setattr("minting.metadata.composing.short_ids", lambda cid: iter(taken))
        assert ask(second).short_id == "longer-than-that"


def test_the_short_address_is_of_the_base_that_is_given(pinned):
    document = pinned()
    assert uri_of(document, "https://a.example") == f"https://a.example/m/{document.short_id}"
    with pytest.raises(ValueError, match="is not composed"):
        uri_of(MetadataDocument(), "https://a.example")
