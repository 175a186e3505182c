"""Files as they come out of spreadsheets: what is tolerated, and what is refused by line."""

import codecs

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from minting.catalogue import csv_rows
from tests.catalogue.calls import (
    PRODUCT_IMPORT,
    PRODUCTION_BATCH_IMPORT,
    code,
    counts,
    data,
    faults,
    row_faults,
    stored,
    upload,
)
from tests.factories import BrandWorld
from tieback.brands.roles import Role

pytestmark = pytest.mark.django_db

HEAD = "sku,name,category\n"


def refusal(api: APIClient, file: str | bytes, path: str = PRODUCT_IMPORT) -> tuple[str, str, str]:
    """Return field, code and message of the only fault of a refused file."""
    response = upload(api, file, path=path)
    assert response.status_code == 400, response.content
    (fault,) = response.json()["error"]["fields"]
    return fault["field"], fault["code"], fault["message"]


@pytest.mark.parametrize(
    "file",
    [
        codecs.BOM_UTF8 + b"sku,name,category\nA,P,generic\n",
        b"sku,name,category\r\nA,P,generic\r\n",
        b"sku,name,category\rA,P,generic\r",
        b'"sku","name","category"\n"A","P","generic"',
        b" SKU , Name ,category\n A , P , generic \n",
        b"category,sku,name\ngeneric,A,P\n",
        b"sku,name,category\n\n,,\nA,P,generic\n , ,\n",
    ],
)
def test_what_spreadsheets_write_is_read(api: APIClient, nordhav: BrandWorld, file: bytes):
    assert counts(data(upload(api, file))) == {"inserted": 1}
    assert stored(nordhav, "A").name == "P"


def test_a_file_may_come_as_the_field_of_a_form(api: APIClient, nordhav: BrandWorld):
    file = SimpleUploadedFile("products.csv", f"{HEAD}A,P,generic\n".encode(), "text/csv")
    response = api.post(PRODUCT_IMPORT, {"file": file}, format="multipart")
    assert counts(data(response)) == {"inserted": 1}


def test_a_signed_in_person_may_send_the_form_with_a_csrf_token(nordhav: BrandWorld, settings):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(nordhav.people[Role.EDITOR])
    client.cookies[settings.CSRF_COOKIE_NAME] = token = "t" * 32
    broken = "multipart/form-data; boundary=x"

    def send(**headers: str):
        file = SimpleUploadedFile("products.csv", f"{HEAD}A,P,generic\n".encode(), "text/csv")
        return client.post(PRODUCT_IMPORT, {"file": file}, format="multipart", **headers)

    assert send().status_code == 403
    assert counts(data(send(HTTP_X_CSRFTOKEN=token))) == {"inserted": 1}
    refused = client.post(PRODUCT_IMPORT, b"?", content_type=broken, HTTP_X_CSRFTOKEN=token)
    assert refused.status_code == 400


def test_lines_are_counted_as_an_editor_shows_them(api: APIClient):
    report = data(upload(api, f'{HEAD}\nA,"P",generic\n"B\n",P,food\nC,P,food\n'))
    assert [row["line"] for row in report["rows"]] == [3, 4, 6]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("sku,name", {("category", "MISSING_COLUMN")}),
        ("name,gtin", {("sku", "MISSING_COLUMN"), ("category", "MISSING_COLUMN")}),
        ("sku,name,category,colour", {("colour", "UNKNOWN_COLUMN")}),
        ("sku,name,category,dpp.nonsense", {("dpp.nonsense", "UNKNOWN_COLUMN")}),
        ("sku,name,category,", {("file", "UNKNOWN_COLUMN")}),
        ("sku,name,category,sku", {("sku", "DUPLICATE_COLUMN")}),
        ("sku,name,category, SKU", {("sku", "DUPLICATE_COLUMN")}),
        ("sku;name;category", {("file", "SEPARATOR")}),
        ("sku\tname\tcategory", {("file", "SEPARATOR")}),
    ],
)
def test_a_header_is_refused_by_the_name_of_its_column(
    api: APIClient, header: str, expected: set[tuple[str, str]]
):
    response = upload(api, f"{header}\nA,P,generic\n")
    assert response.status_code == 400
    assert faults(response) == expected


@pytest.mark.parametrize(
    ("file", "code", "words"),
    [
        (f"{HEAD}A,P,generic\nB,J\u00f8rn,generic\n".encode("latin-1"), "ENCODING", "Line 3"),
        (f"{HEAD}A,P,generic\n".encode("utf-16"), "ENCODING", "UTF-16"),
        (b"\xff", "ENCODING", "Line 1"),
        ("   \n", "EMPTY", "empty"),
        (f'{HEAD}A,P,generic\nB,"never closed,generic\nC,P,generic\n', "MALFORMED", "line 3"),
        (f'{HEAD}A,"P" x,generic\n', "MALFORMED", "line 2"),
        (f'{HEAD}A,"{"x" * 140_000}",generic\n', "MALFORMED", "131,072"),
        (f"{','.join('abcdefgh' * 63)}\n", "TOO_MANY_COLUMNS", "500"),
    ],
)
def test_an_unreadable_file_is_refused_whole_and_says_where(
    api: APIClient, file: str | bytes, code: str, words: str
):
    field, found, message = refusal(api, file)
    assert (field, found) == ("file", code)
    assert words in message


def test_rows_with_too_many_or_too_few_cells_are_errors_of_their_own(api: APIClient):
    report = data(upload(api, f"{HEAD}A,P\nB,P,generic,more\nC,P,generic\n"))
    assert counts(report) == {"inserted": 1, "errors": 2}
    assert row_faults(report) == {2: {("row", "CELL_COUNT")}, 3: {("row", "CELL_COUNT")}}


def test_nul_and_control_characters_are_errors_of_their_row(api: APIClient):
    report = data(upload(api, f'{HEAD}A\x00,P,generic\nB,"P\nQ",generic\nC,P,generic\n'))
    assert counts(report) == {"inserted": 1, "errors": 2}
    assert row_faults(report) == {2: {("sku", "INVALID")}, 3: {("name", "INVALID")}}


@pytest.mark.parametrize(
    "cell",
    ['"{""manufacturer_name"": ""a\\u0000""}"', '"{""manufacturer_name"": ""\\ud800""}"'],
)
def test_escapes_that_cannot_be_stored_are_errors_of_their_row(api: APIClient, cell: str):
    report = data(upload(api, f"sku,name,category,dpp\nA,P,generic,{cell}\n"))
    assert "dpp.manufacturer_name" in {field for field, _ in row_faults(report)[2]}


@pytest.mark.parametrize("text", ["9.50E+12", "9,50E+12", "9.50600E+12"])
def test_a_gtin_rounded_by_a_spreadsheet_names_the_cause(api: APIClient, text: str):
    report = data(upload(api, f'sku,name,category,gtin\nA,P,generic,"{text}"\n'))
    (fault,) = report["rows"][0]["errors"]
    assert (fault["field"], fault["code"]) == ("gtin", "GTIN_INVALID")
    assert "spreadsheet" in fault["message"]


def test_a_gtin_may_lack_its_leading_zeros_or_carry_an_apostrophe(
    api: APIClient, nordhav: BrandWorld
):
    whole = code(1)
    file = f"sku,name,category,gtin\nA,P,generic,{whole.lstrip('0')}\n"
    assert counts(data(upload(api, file))) == {"inserted": 1}
    assert stored(nordhav, "A").gtin == whole
    again = f"sku,name,category,gtin\nA,P,generic,'{whole}\n"
    assert counts(data(upload(api, again))) == {"unchanged": 1}


@pytest.mark.parametrize("text", ["=1+1", "+45 1234", "-5 %", "@home"])
def test_the_apostrophe_of_a_formula_safe_export_is_taken_off(
    api: APIClient, nordhav: BrandWorld, text: str
):
    assert counts(data(upload(api, f"{HEAD}A,'{text},generic\n"))) == {"inserted": 1}
    assert stored(nordhav, "A").name == text


def test_an_apostrophe_that_means_itself_stays(api: APIClient, nordhav: BrandWorld):
    data(upload(api, f"{HEAD}A,'t Hof,generic\n"))
    assert stored(nordhav, "A").name == "'t Hof"


def test_a_file_without_rows_reports_nothing(api: APIClient):
    report = data(upload(api, HEAD))
    assert (report["total"], report["rows"]) == (0, [])


def test_too_many_rows_are_refused(api: APIClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(csv_rows, "MAX_ROWS", 2)
    rows = "".join(f"S-{n},P,generic\n" for n in range(3))
    assert refusal(api, HEAD + rows)[1] == "TOO_MANY_ROWS"
    assert counts(data(upload(api, HEAD + rows[: rows.rindex("S-2")]))) == {"inserted": 2}


def test_too_many_bytes_are_refused_before_they_are_read(api: APIClient, settings):
    settings.MAX_IMPORT_BYTES = 40
    assert upload(api, f"{HEAD}A,P,generic\n").status_code == 200
    refused = upload(api, f"{HEAD}A,Much too long,generic\n")
    assert refused.status_code == 413
    assert refused.json()["error"]["code"] == "BODY_TOO_LARGE"
    file = SimpleUploadedFile("products.csv", f"{HEAD}A,P,generic\n".encode(), "text/csv")
    form = api.post(PRODUCT_IMPORT, {"file": file}, format="multipart")
    assert form.status_code == 413


@pytest.mark.parametrize("path", [PRODUCT_IMPORT, PRODUCTION_BATCH_IMPORT])
def test_a_form_without_the_file_or_with_more_is_refused(api: APIClient, path: str):
    def file() -> SimpleUploadedFile:
        return SimpleUploadedFile("x.csv", HEAD.encode(), "text/csv")

    assert faults(api.post(path, {}, format="multipart")) == {("file", "REQUIRED")}
    assert faults(api.post(path, {"file": HEAD}, format="multipart")) == {("file", "REQUIRED")}
    two = api.post(path, {"file": [file(), file()]}, format="multipart")
    assert faults(two) == {("file", "REQUIRED")}
    more = api.post(path, {"file": file(), "mode": "fast"}, format="multipart")
    assert faults(more) == {("mode", "UNKNOWN_FIELD")}
    assert faults(api.post(path, b"", content_type="text/csv")) == {("file", "REQUIRED")}


def test_a_broken_form_is_refused(api: APIClient):
    for body in (b"nonsense", b"--x\r\nContent-Disposition: form-data\r\n\r\n"):
        response = api.post(PRODUCT_IMPORT, body, content_type="multipart/form-data; boundary=x")
        assert response.status_code == 400
    no_boundary = api.post(PRODUCT_IMPORT, b"x", content_type="multipart/form-data")
    assert no_boundary.status_code == 400


def test_a_file_of_another_type_is_refused(api: APIClient):
    for kind in ("application/json", "application/vnd.ms-excel", "text/plain"):
        assert api.post(PRODUCT_IMPORT, HEAD, content_type=kind).status_code == 415


def test_dry_run_is_true_or_false(api: APIClient):
    response = api.post(f"{PRODUCT_IMPORT}?dry_run=perhaps", HEAD, content_type="text/csv")
    assert response.status_code == 400
    assert faults(response) == {("dry_run", "INVALID")}
    unknown = api.post(f"{PRODUCT_IMPORT}?dryrun=true", HEAD, content_type="text/csv")
    assert faults(unknown) == {("dryrun", "UNKNOWN_FIELD")}


def test_an_import_answers_post_only(api: APIClient):
    assert api.get(PRODUCT_IMPORT).status_code == 405
    assert api.get(PRODUCTION_BATCH_IMPORT).status_code == 405
