"""Links over HTTP: made, found, changed and deleted, with every fault told by its field."""

from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from resolver import link_changes
from resolver.link_changes import TooManyLinks
from resolver.link_values import LONGEST_LANGUAGE, LONGEST_MEDIA_TYPE, LONGEST_TARGET
from resolver.models import Link
from tests.catalogue.calls import audited, data, faults
from tests.factories import BrandWorld, make_product
from tieback.brands.roles import Scope
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db

LINKS = "/api/v1/links/"
FAQS = {"link_type": "gs1:faqs", "target": "https://a.example/{gtin}", "title": "Questions"}


def create(api: APIClient, **fields: Any):
    body = {name: value for name, value in {**FAQS, **fields}.items() if value is not ...}
    return api.post(LINKS, body)


def change(api: APIClient, link: dict[str, Any], **fields: Any):
    return api.patch(f"{LINKS}{link['id']}/", fields)


def test_a_link_is_made_for_a_product_or_for_all(api: APIClient, nordhav: BrandWorld):
    product = make_product(nordhav)
    one = data(create(api, product_id=str(product.id), link_type="https://gs1.org/voc/faqs"), 201)
    assert one["product_id"] == str(product.id)
    assert (one["link_type"], one["language"], one["media_type"]) == ("gs1:faqs", "", "text/html")
    assert (one["is_default"], one["active_from"], one["active_until"]) == (False, None, None)
    assert datetime.fromisoformat(one["created_at"])
    every = data(create(api, language="PT-br", media_type="Application/PDF", is_default=True), 201)
    assert (every["product_id"], every["language"]) == (None, "pt-BR")
    assert (every["media_type"], every["is_default"]) == ("application/pdf", True)
    assert data(api.get(f"{LINKS}{every['id']}/")) == every


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("link_type", ..., "REQUIRED"),
        ("link_type", "gs1:nosuchlt", "INVALID_CHOICE"),
        ("link_type", "gs1:defaultLink", "INVALID_CHOICE"),
        ("link_type", 7, "INVALID"),
        ("link_type", None, "NULL"),
        ("target", ..., "REQUIRED"),
        ("target", "", "BLANK"),
        ("target", "javascript:alert(1)", "INVALID"),
        ("target", "https://{serial}.example/", "INVALID"),
        ("target", "https://a.example/{sku}", "INVALID"),
        ("target", "https://a.example/a\tb", "INVALID"),
        ("target", "https://a.example/" + "x" * LONGEST_TARGET, "MAX_LENGTH"),
        ("target", "https://nordhav.example/01/{gtin}", "OWN_HOST"),
        ("target", "https://NORDHAV.example:8443/x", "OWN_HOST"),
        ("title", ..., "REQUIRED"),
        ("title", " ", "BLANK"),
        ("title", "a\nb", "INVALID"),
        ("title", "x" * 201, "MAX_LENGTH"),
        ("language", "german", "INVALID"),
        ("language", "x" * 36, "INVALID"),
        ("media_type", "pdf", "INVALID"),
        ("is_default", "true", "INVALID"),
        ("is_default", None, "NULL"),
        ("active_from", "yesterday", "INVALID"),
        ("product_id", 7, "INVALID"),
        ("product_id", "5b0f6c1e-7d3a-4c55-8f0e-1f2a3b4c5d99", "NOT_FOUND"),
        ("context", "DE", "UNKNOWN_FIELD"),
    ],
)
def test_each_unsound_field_is_told_and_nothing_is_written(api, nordhav, field, value, code):
    response = create(api, **{field: value})
    assert (response.status_code, faults(response)) == (400, {(field, code)})
    assert audited(nordhav) == []
    with brand_scope(nordhav.brand.id):
        assert not Link.objects.exists()


def test_all_unsound_fields_are_told_at_once(api: APIClient):
    response = create(api, link_type="x", target="ftp://a.example", language="?")
    assert {field for field, _ in faults(response)} == {"link_type", "target", "language"}


def test_a_product_of_another_brand_is_not_there(api, strangers: BrandWorld):
    theirs = make_product(strangers)
    assert faults(create(api, product_id=str(theirs.id))) == {("product_id", "NOT_FOUND")}


def test_the_passport_in_html_is_the_page_here(api: APIClient):
    assert faults(create(api, link_type="gs1:dpp")) == {("media_type", "RESERVED")}
    made = data(create(api, link_type="gs1:dpp", media_type="application/vc+jwt"), 201)
    assert faults(change(api, made, media_type="")) == {("media_type", "RESERVED")}


def test_a_period_ends_after_it_begins(api: APIClient):
    late, early = "2026-12-01T00:00:00Z", "2026-11-01T00:00:00Z"
    period = {"active_from": late, "active_until": early}
    assert faults(create(api, **period)) == {("active_until", "INVALID")}
    made = data(create(api, active_from=early, active_until=late), 201)
    assert (made["active_from"], made["active_until"]) == (early, late)
    assert faults(change(api, made, active_until=early)) == {("active_until", "INVALID")}
    assert data(change(api, made, active_from=None))["active_from"] is None


def test_the_same_link_is_not_made_twice(api: APIClient, nordhav: BrandWorld):
    product = str(make_product(nordhav).id)
    for of in ({}, {"product_id": product}):
        data(create(api, **of), 201)
        assert faults(create(api, title="other words", **of)) == {("target", "TAKEN")}
        other = data(create(api, language="de", **of), 201)
        assert faults(change(api, other, language="")) == {("target", "TAKEN")}
        # Another target is a further choice.
        data(create(api, target="https://b.example/", **of), 201)


def test_there_is_one_default_by_product_language_and_format(api, nordhav: BrandWorld):
    product = str(make_product(nordhav).id)
    for of in ({}, {"product_id": product}):
        data(create(api, is_default=True, **of), 201)
        again = {"target": "https://b.example/", "link_type": "gs1:pip", **of}
        assert faults(create(api, is_default=True, **again)) == {("is_default", "TAKEN")}
        data(create(api, is_default=True, language="de", **of), 201)
        other = data(create(api, **again), 201)
        assert faults(change(api, other, is_default=True)) == {("is_default", "TAKEN")}


def test_the_database_refuses_what_no_check_caught(api, nordhav: BrandWorld):
    product = make_product(nordhav)
    values = {"brand": nordhav.brand, **FAQS}
    bad = (
        {"target": "javascript:alert(1)"},
        {"target": "https://a@b.example/"},
        {"target": "https://{lot}.example/"},
        {"link_type": "pip"},
        {"link_type": "gs1:dpp"},
        {"media_type": ""},
        {"active_from": "2026-12-01T00:00Z", "active_until": "2026-12-01T00:00Z"},
    )
    with brand_scope(nordhav.brand.id):
        for of in (None, product):
            Link.objects.create(**values, product=of, is_default=True)
            for twice in ({}, {"is_default": True, "target": "https://b.example/"}):
                with pytest.raises(IntegrityError), transaction.atomic():
                    Link.objects.create(**{**values, **twice}, product=of)
        for fields in bad:
            with pytest.raises(IntegrityError), transaction.atomic():
                Link.objects.create(**{**values, "language": "de", **fields})


def test_the_longest_link_can_be_kept(api, nordhav: BrandWorld):
    made = create(
        api,
        product_id=str(make_product(nordhav).id),
        target="https://a.example/" + "x" * (LONGEST_TARGET - 18),
        link_type="gs1:purchaseSuppliesOrAccessories",
        title="é" * 200,
        language="sl-Latn-IT-" + "-".join(["nedis1"] * 3)[: LONGEST_LANGUAGE - 11],
        media_type="application/" + "x" * 63,
    )
    assert len(data(made, 201)["target"]) == LONGEST_TARGET
    assert len(data(made, 201)["media_type"]) <= LONGEST_MEDIA_TYPE


def test_a_product_has_so_many_links_and_no_more(api, nordhav, monkeypatch):
    monkeypatch.setattr(link_changes, "MOST_LINKS", 2)
    product = str(make_product(nordhav).id)
    for of in ({}, {"product_id": product}):
        for number in range(2):
            data(create(api, target=f"https://a.example/{number}", **of), 201)
        response = create(api, **of)
        assert (response.status_code, response.json()["error"]["code"]) == (409, TooManyLinks.code)


def test_a_change_is_made_and_audited_with_what_was_before(api, nordhav: BrandWorld):
    made = data(create(api), 201)
    changed = data(change(api, made, target="https://b.example/{lot}", is_default=True))
    assert (changed["target"], changed["is_default"]) == ("https://b.example/{lot}", True)
    assert changed["updated_at"] > made["updated_at"]
    assert data(change(api, made, is_default=True)) == changed
    created, updated = audited(nordhav)
    assert (created.action, created.target_id) == ("link.created", made["id"])
    assert created.after["target"] == FAQS["target"]
    assert updated.action == "link.updated"
    assert updated.before == {"target": FAQS["target"], "is_default": False}
    assert updated.after == {"target": "https://b.example/{lot}", "is_default": True}


def test_a_link_stays_with_its_product(api, nordhav: BrandWorld):
    made = data(create(api), 201)
    response = change(api, made, product_id=str(make_product(nordhav).id))
    assert faults(response) == {("product_id", "UNKNOWN_FIELD")}


def test_a_deleted_link_is_gone_and_the_audit_trail_knows_it(api, nordhav: BrandWorld):
    made = data(create(api), 201)
    path = f"{LINKS}{made['id']}/"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == api.delete(path).status_code == 404
    assert api.patch(path, {"title": "x"}).status_code == 404
    deleted = audited(nordhav)[-1]
    assert (deleted.action, deleted.before["target"]) == ("link.deleted", FAQS["target"])


def test_links_are_found_by_each_filter(api, nordhav: BrandWorld):
    product = make_product(nordhav)
    every = data(create(api, is_default=True), 201)
    one = data(create(api, product_id=str(product.id), language="de"), 201)
    other = data(create(api, link_type="gs1:pip"), 201)
    for query, found in (
        ("", [other, one, every]),
        (f"product={product.id}", [one]),
        ("for_all_products=true", [other, every]),
        ("for_all_products=false", [one]),
        ("link_type=gs1:pip", [other]),
        ("language=DE", [one]),
        ("is_default=true", [every]),
        ("is_default=false&for_all_products=true", [other]),
        ("ordering=created_at", [every, one, other]),
        ("ordering=updated_at", [every, one, other]),
    ):
        assert data(api.get(f"{LINKS}?{query}")) == found, query
    assert faults(api.get(f"{LINKS}?link_type=pip")) == {("link_type", "INVALID_CHOICE")}
    assert faults(api.get(f"{LINKS}?language=german")) == {("language", "INVALID")}


def test_a_credential_that_only_reads_changes_nothing(api, nordhav, client_of):
    made = data(create(api), 201)
    reader = client_of(nordhav, (Scope.PRODUCTS_READ.value,))
    assert data(reader.get(LINKS)) == [made]
    assert create(reader).status_code == change(reader, made, title="x").status_code == 403
    assert reader.delete(f"{LINKS}{made['id']}/").status_code == 403


def test_another_brands_link_is_not_there(api, strangers, client_of):
    made = data(create(api), 201)
    theirs = client_of(strangers)
    path = f"{LINKS}{made['id']}/"
    assert data(theirs.get(LINKS)) == []
    assert [call(path).status_code for call in (theirs.get, theirs.delete)] == [404, 404]
    assert theirs.patch(path, {"title": "x"}).status_code == 404
