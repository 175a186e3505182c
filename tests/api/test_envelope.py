"""One shape for every answer, whatever went wrong and wherever; and nothing internal in any."""

import re
import uuid

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from tests.factories import make_product
from tests.platform.breaking import SECRET_OF_THE_CODE

pytestmark = pytest.mark.django_db

JOBS = "/api/v1/mint-jobs/"
SUBMIT = "/api/v1/mint-requests/preflight/"


@pytest.fixture
def breaking(settings) -> None:
    """Add views that break."""
    settings.ROOT_URLCONF = "tests.platform.breaking"


@pytest.fixture
def quiet(api):
    """A client that is answered where a test client would raise."""
    api.raise_request_exception = False
    return api


def check_error(response, status: int, code: str) -> dict:
    """Check the shape of an error answer and return the error."""
    body = response.json()
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert (body.keys(), body["ok"]) == ({"ok", "error", "meta"}, False)
    assert body["meta"] == {"request_id": response["X-Request-Id"]}
    assert body["error"].keys() == {"code", "message", "fields"}
    assert body["error"]["code"] == code
    assert body["error"]["message"].endswith(".")
    for fault in body["error"]["fields"]:
        assert (
            {"field", "code", "message"} <= fault.keys() <= {"field", "code", "message", "detail"}
        )
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*", fault["code"])
    return body["error"]


def test_a_good_answer_has_data_and_meta(api):
    response = api.get(JOBS)
    assert response.json() == {
        "ok": True,
        "data": [],
        "meta": {
            "request_id": response["X-Request-Id"],
            "next_cursor": None,
            "has_more": False,
        },
    }
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("given", ["a", "order-4711.step:2_b", "x" * 128])
def test_the_callers_request_id_is_echoed(api, given):
    response = api.get(JOBS, headers={"X-Request-Id": given})
    assert response["X-Request-Id"] == response.json()["meta"]["request_id"] == given


@pytest.mark.parametrize(
    "given", [None, "", " ", "x" * 129, "two words", "<script>", "caf\u00e9", "a;b", "a\tb"]
)
@pytest.mark.parametrize("path", [JOBS, "/api/v1/nowhere/", "/", "/health", "/nowhere"])
def test_a_missing_or_odd_request_id_is_replaced(api, given, path):
    headers = {} if given is None else {"X-Request-Id": given}
    response = api.get(path, headers=headers)
    assert str(uuid.UUID(response["X-Request-Id"])) == response["X-Request-Id"]


def test_not_authenticated_is_401(client):
    check_error(client.get(JOBS), 401, "UNAUTHENTICATED")


def test_an_unknown_path_is_404(api):
    check_error(api.get("/api/v1/nowhere/"), 404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_path_without_its_slash_is_404_and_says_so_instead_of_losing_the_body(api, method):
    error = check_error(getattr(api, method)("/api/v1/mint-jobs"), 404, "NOT_FOUND")
    assert "slash" in error["message"]


def test_an_unknown_object_is_404(api):
    check_error(api.get(f"{JOBS}{uuid.uuid4()}/"), 404, "NOT_FOUND")


def test_an_object_with_an_impossible_id_is_404(api):
    check_error(api.get(f"{JOBS}not-a-uuid/"), 404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "post"])
def test_a_method_not_offered_is_405(api, method):
    response = getattr(api, method)(JOBS)
    check_error(response, 405, "METHOD_NOT_ALLOWED")
    assert set(response["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_method_nobody_knows_is_405(api):
    check_error(api.generic("BREW", JOBS), 405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("accepted", ["text/html", "application/xml", "text/csv;q=0.9"])
def test_anything_but_json_wanted_is_406(api, accepted):
    check_error(api.get(JOBS, headers={"Accept": accepted}), 406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    "sent",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/vnd.api+json",
        "nonsense",
    ],
)
def test_anything_but_json_sent_is_415(api, sent):
    response = api.generic("POST", SUBMIT, b'{"quantity": 1}', content_type=sent)
    check_error(response, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_that_is_too_large_is_413(api, settings):
    body = b'{"chain_mode": "' + b"x" * settings.MAX_BODY_BYTES + b'"}'
    response = api.generic("POST", SUBMIT, body, content_type="application/json")
    check_error(response, 413, "BODY_TOO_LARGE")


def test_a_body_that_lies_about_its_length_is_413(api, settings):
    settings.MAX_BODY_BYTES = 1_000
    body = b'{"chain_mode": "' + b"x" * 2_000 + b'"}'
    response = api.generic(
        "POST", SUBMIT, body, content_type="application/json", CONTENT_LENGTH=len(body)
    )
    check_error(response, 413, "BODY_TOO_LARGE")


@pytest.mark.usefixtures("breaking")
@pytest.mark.parametrize("path", ["/api/v1/breaking/raises/", "/api/v1/breaking/sql/"])
def test_a_view_that_raises_is_500_and_tells_nothing(quiet, path):
    response = quiet.post(path)
    error = check_error(response, 500, "INTERNAL_ERROR")
    assert "quote the request id" in error["message"]
    told = response.content.decode().lower()
    for internal in (SECRET_OF_THE_CODE, "shadows", "select", "traceback", "error:", "/srv", ".py"):
        assert internal not in told


@pytest.mark.usefixtures("breaking")
def test_an_exception_outside_the_framework_is_500_in_the_envelope_too(quiet):
    response = quiet.get("/api/v1/crash/")
    check_error(response, 500, "INTERNAL_ERROR")
    assert SECRET_OF_THE_CODE not in response.content.decode()


@pytest.mark.usefixtures("breaking")
def test_a_page_that_breaks_is_a_page_and_tells_nothing(quiet):
    response = quiet.get("/crash/")
    assert response.status_code == 500
    assert response["Content-Type"].startswith("text/html")
    assert SECRET_OF_THE_CODE not in response.content.decode()


@pytest.mark.usefixtures("breaking")
def test_an_exception_is_logged_with_its_request_id(quiet, caplog):
    quiet.post("/api/v1/breaking/raises/", headers={"X-Request-Id": "find-me"})
    (record,) = [r for r in caplog.records if "unhandled" in str(r.msg)]
    assert "find-me" in str(record.msg)
    assert SECRET_OF_THE_CODE in str(record.msg)


@pytest.mark.usefixtures("breaking")
def test_an_error_answer_has_written_nothing(quiet, nordhav):
    from tieback.brands.models import AuditEntry
    from tieback.brands.scoping import brand_scope

    for how in ("refuses", "raises", "sql"):
        quiet.post(f"/api/v1/breaking/{how}/")
    quiet.post("/api/v1/breaking/nothing/")
    with brand_scope(nordhav.brand.id):
        assert list(AuditEntry.objects.values_list("action", flat=True)) == ["broken.nothing"]


def test_a_database_that_does_not_answer_is_503_with_a_time_to_come_back(client, monkeypatch):
    from django.db import OperationalError

    def lost(*_: object) -> None:
        raise OperationalError("connection to server at 10.0.0.7 failed")

    monkeypatch.setattr("tieback.api.authentication.find_credential", lost)
    response = client.get(JOBS, headers={"X-Api-Key": "mk_live_12345678.ms_live_0123456789abcdef"})
    check_error(response, 503, "UNAVAILABLE")
    assert response["Retry-After"] == "5"
    assert "10.0.0.7" not in response.content.decode()


@pytest.mark.parametrize(
    ("path", "kind"), [("/api/v1/me/", "application/json"), ("/", "text/html")]
)
def test_a_session_that_cannot_be_read_is_503_too(client, nordhav, monkeypatch, path, kind):
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import OperationalError

    def lost(*_: object) -> None:
        raise OperationalError("connection to server at 10.0.0.7 failed")

    person = next(iter(nordhav.people.values()))
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    client.raise_request_exception = False
    monkeypatch.setattr(SessionStore, "load", lost)
    response = client.get(path)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response["Content-Type"].startswith(kind)
    assert "10.0.0.7" not in response.content.decode()


def test_a_body_that_breaks_off_is_the_callers_fault(api, monkeypatch):
    from django.core.handlers.wsgi import WSGIRequest
    from django.http import UnreadablePostError

    def broken(*_: object) -> bytes:
        raise UnreadablePostError("Connection reset by peer")

    monkeypatch.setattr(WSGIRequest, "read", broken)
    check_error(api.post(SUBMIT, {"quantity": 1}), 400, "BAD_REQUEST")


@pytest.mark.usefixtures("breaking")
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "a b", "localhost:x"])
def test_a_host_that_is_not_ours_is_400(quiet, host):
    response = quiet.get("/", headers={"Host": host})
    assert response.status_code == 400
    assert host not in response.content.decode()


def test_the_fields_of_a_nested_fault_are_named_by_their_path(api, nordhav):
    body = {
        "product_id": str(make_product(nordhav).id),
        "quantity": 2,
        "identity_mode": "serial",
        "activation_mode": "first_scan",
        "lots": [{"lot_code": "A", "qty": 1}, {"lot_code": 7, "qty": "1", "color": "red"}],
    }
    error = check_error(api.post(SUBMIT, body), 400, "VALIDATION_ERROR")
    assert {fault["field"] for fault in error["fields"]} == {
        "lots[1].lot_code",
        "lots[1].qty",
        "lots[1].color",
    }


def test_the_test_database_is_still_usable_after_all_that():
    """A guard of this file: an aborted transaction would make later assertions vain."""
    assert not connection.needs_rollback
    with connection.cursor() as cursor:
        try:
            cursor.execute("select 1")
        except DatabaseError:
            pytest.fail("the transaction was left aborted")
        assert cursor.fetchone() == (1,)


def test_head_answers_like_get_without_a_body(api):
    response = api.head(JOBS)
    assert (response.status_code, response.content) == (200, b"")


def test_options_tells_the_methods_and_nothing_else(api):
    assert api.options(JOBS).json()["data"] == {"methods": ["GET", "HEAD", "OPTIONS"]}
    assert Client().options(JOBS).status_code == 401
