"""Lists of own serials over HTTP: checked in full by line, promised, used once, deleted unused."""

from io import StringIO
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client

from minting import serial_staging
from minting.models import Product, SerialList, SerialListChunk
from tests.factories import gtin, make_product, make_production_batch
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import brand_scope

URL = "/api/v1/serial-lists/"
MINT = "/api/v1/mint-requests/"

pytestmark = pytest.mark.django_db


def upload(api, product, content: bytes, name: str = "serials.csv", kind: str = "text/csv"):
    file = SimpleUploadedFile(name, content, kind)
    return api.post(URL, {"product_id": str(product.id), "file": file}, format="multipart")


def kept(api, product, content: bytes, **how: str) -> dict:
    response = upload(api, product, content, **how)
    assert response.status_code == 201, response.content
    return response.json()["data"]


def refused(api, product, content: bytes, **how: str) -> dict[str, dict]:
    response = upload(api, product, content, **how)
    assert response.status_code == 422, response.content
    assert response.json()["error"]["code"] == "SERIAL_LIST_REFUSED"
    return {field["code"]: field for field in response.json()["error"]["fields"]}


def serials_of(world, list_id: str) -> list[str]:
    with brand_scope(world.brand.id):
        rows = SerialListChunk.objects.filter(list_id=list_id).order_by("first_ordinal")
        return [serial for chunk in rows for serial in chunk.serials.split("\n")]


def mint(api, product, quantity: int, **fields):
    body = {
        "product_id": str(product.id),
        "quantity": quantity,
        "identity_mode": "serial",
        "activation_mode": "first_scan",
        **fields,
    }
    foreseen = api.post(f"{MINT}preflight/", body).json()["data"]
    response = api.post(MINT, body, HTTP_IDEMPOTENCY_KEY=str(uuid4()))
    assert foreseen["ready"] == (response.status_code == 202)
    return response


def codes(response) -> list[str]:
    return [field["code"] for field in response.json()["error"]["fields"]]


@pytest.mark.parametrize(
    ("content", "how", "expected"),
    [
        (b"serial\nA\nB\n", {}, ["A", "B"]),
        (b"A\r\nB\r\n", {}, ["A", "B"]),
        (b"A\rB", {}, ["A", "B"]),
        (b"\xef\xbb\xbfSerial_Number\r\nA", {}, ["A"]),
        (b'"serial"\n"a,b"\n"x""y"\n', {}, ["a,b", 'x"y']),
        (b'a,b\n"q"\n', {"kind": "text/plain"}, ["a,b", '"q"']),
        (b'a,b\n"q"\n', {"name": "list.TXT"}, ["a,b", '"q"']),
        (b"serials", {"name": "x.csv"}, None),
    ],
)
def test_a_file_is_read_as_what_it_says_it_is(api, nordhav, content, how, expected):
    product = make_product(nordhav)
    if expected is None:
        assert "SERIALS_INVALID" in refused(api, product, content, **how)
        return
    shown = kept(api, product, content, **how)
    assert serials_of(nordhav, shown["id"]) == expected
    assert (shown["count"], shown["status"], shown["gtin"]) == (
        len(expected),
        "unused",
        product.gtin,
    )


def test_every_fault_is_reported_by_line_and_nothing_is_written(api, nordhav):
    product = make_product(nordhav)
    kept(api, product, b"taken\n")
    lines = [
        *("serial", "ok", "", "two words", "x" * 21, "a,b", '"open', '"a""b"', "ok", ".."),
        *("tak\u00e9n", "taken", "back\\slash", "tab\there", "last"),
    ]
    found = refused(api, product, "\n".join(lines).encode() + b"\n\xff\xfe\n\x00\n\n")
    assert [
        (fault["line"], fault["problem"]) for fault in found["SERIALS_INVALID"]["detail"]["faults"]
    ] == [
        (3, "BLANK"),
        (4, "CHARACTERS"),
        (5, "TOO_LONG"),
        (6, "QUOTING"),
        (7, "QUOTING"),
        (10, "DOT_SEGMENT"),
        (11, "CHARACTERS"),
        (13, "CHARACTERS"),
        (14, "CHARACTERS"),
        (16, "CHARACTERS"),
        (17, "CHARACTERS"),
        (18, "BLANK"),
    ]
    (double,) = found["SERIALS_DUPLICATE"]["detail"]["faults"]
    assert (double["line"], double["first_line"], double["serial"]) == (9, 2, "ok")
    (used,) = found["SERIALS_ALREADY_USED"]["detail"]["faults"]
    assert (used["line"], used["used_by"]["kind"]) == (12, "serial_list")
    with brand_scope(nordhav.brand.id):
        assert SerialList.objects.count() == 1


def test_the_count_is_complete_where_not_every_fault_is_listed(api, nordhav, monkeypatch):
    monkeypatch.setattr(serial_staging, "MOST_FAULTS_LISTED", 3)
    detail = refused(api, make_product(nordhav), b"a b\n" * 10)["SERIALS_INVALID"]["detail"]
    assert (detail["count"], detail["omitted"], len(detail["faults"])) == (10, 7, 3)


def test_a_file_of_any_length_keeps_its_order_in_chunks(api, nordhav, monkeypatch):
    monkeypatch.setattr(serial_staging, "_CHUNK", 7)
    monkeypatch.setattr(serial_staging, "_BLOCK", 64)
    expected = [f"S-{n * 7919 % 1000:03}" for n in range(1000)]
    shown = kept(api, make_product(nordhav), "\n".join(["serial", *expected]).encode())
    assert serials_of(nordhav, shown["id"]) == expected


def test_a_list_has_an_end(api, nordhav, monkeypatch):
    monkeypatch.setattr(serial_staging, "LONGEST_LIST", 3)
    product = make_product(nordhav)
    assert "SERIALS_INVALID" in refused(api, product, b"a\nb\nc\nd")
    assert kept(api, product, b"serial\na\nb\nc")["count"] == 3


def test_an_empty_file_is_refused(api, nordhav):
    assert "SERIALS_INVALID" in refused(api, make_product(nordhav), b"serial\n")


@pytest.mark.parametrize("sent", [{}, {"product_id": "x"}, {"product_id": None, "more": "1"}])
def test_a_form_without_its_fields_is_400(api, nordhav, sent):
    if "more" in sent:
        sent = {"product_id": str(make_product(nordhav).id), "more": "1", "file": StringIO("a")}
    response = api.post(URL, sent, format="multipart")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "VALIDATION_ERROR"


def test_another_brands_product_does_not_exist_here(api, strangers):
    assert "PRODUCT_NOT_FOUND" in refused(api, make_product(strangers), b"a\n")


def test_a_list_is_used_once(api, nordhav):
    product = make_product(nordhav)
    listed = kept(api, product, b"a\nb\n")["id"]
    assert mint(api, product, 2, serial_list_id=listed).status_code == 202
    shown = api.get(f"{URL}{listed}/").json()["data"]
    assert shown["status"] == "used"
    assert shown["mint_batch_id"]
    assert codes(mint(api, product, 2, serial_list_id=listed)) == ["SERIALS_ALREADY_USED"]


def test_a_list_that_does_not_fit_is_refused(api, nordhav):
    product = make_product(nordhav)
    listed = kept(api, product, b"a\nb\n")["id"]
    for other, quantity, list_id in (
        (product, 3, listed),
        (make_product(nordhav), 2, listed),
        (product, 2, str(uuid4())),
    ):
        assert codes(mint(api, other, quantity, serial_list_id=list_id)) == ["SERIALS_INVALID"]


def test_what_an_unused_list_holds_is_promised_until_it_is_deleted(api, nordhav):
    product = make_product(nordhav)
    listed = kept(api, product, b"A01\nB\n")["id"]
    rule = {"type": "sequential", "prefix": "A", "width": 2, "start": 1}
    blocked = ["SERIALS_ALREADY_USED"]
    assert codes(mint(api, product, 1, serials=["B"])) == blocked
    assert codes(mint(api, product, 1, serial_rule=rule)) == blocked
    assert api.delete(f"{URL}{listed}/").status_code == 200
    assert api.get(f"{URL}{listed}/").status_code == 404
    assert mint(api, product, 1, serials=["B"]).status_code == 202
    assert mint(api, product, 1, serial_rule=rule).status_code == 202
    with brand_scope(nordhav.brand.id):
        acts = AuditEntry.objects.filter(target_type="serial_list").values_list("action", flat=True)
        assert sorted(acts) == ["serial_list.deleted", "serial_list.uploaded"]


def test_a_used_list_stays(api, nordhav):
    product = make_product(nordhav)
    listed = kept(api, product, b"a\n")["id"]
    mint(api, product, 1, serial_list_id=listed)
    response = api.delete(f"{URL}{listed}/")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "SERIAL_LIST_USED")


def test_a_gtin_under_which_serials_were_used_never_comes_to_a_list_of_another_product(
    api, nordhav
):
    first, second = make_product(nordhav), make_product(nordhav, gtin=None)
    listed = kept(api, second, b"a\nb\n")["id"]
    assert mint(api, first, 1, serials=["b"]).status_code == 202
    with brand_scope(nordhav.brand.id):
        moved = first.gtin
        Product.objects.filter(id=first.id).update(gtin=gtin(99_998))
        with pytest.raises(IntegrityError), transaction.atomic():
            Product.objects.filter(id=second.id).update(gtin=moved)
    assert mint(api, second, 2, serial_list_id=listed).status_code == 202


def test_lists_are_listed_by_product_and_status(api, nordhav):
    product, other = make_product(nordhav), make_product(nordhav)
    used, unused = kept(api, product, b"a\n")["id"], kept(api, product, b"b\n")["id"]
    kept(api, other, b"a\n")
    mint(api, product, 1, serial_list_id=used)

    def listed(query: str) -> list[str]:
        return [row["id"] for row in api.get(f"{URL}?{query}").json()["data"]]

    assert listed(f"product={product.id}") == [unused, used]
    assert listed(f"product={product.id}&status=used") == [used]
    assert len(listed("status=unused")) == 2


def test_a_credential_that_may_only_read_uploads_nothing(client_of, nordhav):
    reader = client_of(nordhav, ("mints:read",))
    assert upload(reader, make_product(nordhav), b"a\n").status_code == 403
    assert reader.get(URL).status_code == 200
    assert Client().get(URL).status_code == 401


def test_a_production_batch_is_still_obeyed(api, nordhav):
    product = make_product(nordhav)
    run = make_production_batch(nordhav, product, quantity=1)
    response = mint(api, product, 2, serials=["a", "a"], production_batch_id=str(run.id))
    assert codes(response) == ["PRODUCTION_BATCH_QUANTITY_EXCEEDED", "SERIALS_DUPLICATE"]
