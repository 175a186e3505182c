"""Endpoints of the chain in the console: an address goes in and never comes out."""

from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from minting.models import RpcEndpoint
from tests.console.conftest import staff_with
from tests.console.rows import ago, make_endpoint
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")

LIST = "/admin/minting/rpcendpoint/"
ADD = f"{LIST}add/"
KEYED = "https://user:hush-user@keyed.example/v2/hush-path?api-key=hush-query"
OPENED = {"status": "open", "opened_times": 2, "last_error": "HTTP 503", "failure_rate": 0.6}


def page_of(endpoint: RpcEndpoint) -> str:
    return f"{LIST}{endpoint.pk}/change/"


def form(**given: Any) -> dict[str, Any]:
    return {"name": "keyed", "new_url": "", "position": "3", "per_second": "10", **given}


def act(client: Client, action: str, *endpoints: RpcEndpoint) -> list[str]:
    chosen = {"action": action, "_selected_action": [str(one.pk) for one in endpoints]}
    answer = client.post(LIST, chosen, follow=True)
    return [str(message) for message in answer.context["messages"]]


def trail(action: str) -> AuditEntry:
    with all_brands():
        return AuditEntry.objects.get(action=f"rpc_endpoint.{action}")


def test_an_operator_adds_an_endpoint_and_its_keys_are_never_shown(
    console: Client, operator: User
) -> None:
    answer = console.post(ADD, form(new_url=KEYED), follow=True)
    row = RpcEndpoint.objects.get(name="keyed")
    assert (row.url, row.position, row.per_second) == (KEYED, 3, 10.0)
    assert (row.enabled, row.from_settings) == (True, False)
    entry = trail("added")
    assert (entry.brand_id, entry.actor) == (None, f"user:{operator.pk}")
    assert entry.after["address"] == "https://keyed.example"
    pages = [answer, console.get(LIST), console.get(page_of(row))]
    for text in [*(page.content.decode() for page in pages), str(entry.after), str(entry.before)]:
        assert "hush" not in text
        assert "keyed" in text or text == "{}"


def test_an_endpoint_keeps_its_address_where_none_is_given(console: Client) -> None:
    row = make_endpoint()
    answer = console.post(page_of(row), form(name="renamed"))
    assert answer.status_code == HTTPStatus.FOUND
    was = row.url
    row.refresh_from_db()
    assert (row.name, row.url, row.position) == ("renamed", was, 3)
    entry = trail("changed")
    assert (entry.before["name"], entry.after["name"]) == ("rpc.example", "renamed")


def test_saving_nothing_new_says_nothing(console: Client) -> None:
    row = make_endpoint(position=3, per_second=10.0)
    console.post(page_of(row), form(name="rpc.example"))
    with all_brands():
        assert not AuditEntry.objects.filter(action__startswith="rpc_endpoint").exists()


def test_with_another_address_what_went_wrong_is_forgotten(console: Client) -> None:
    row = make_endpoint(**OPENED, rests_until=ago(minutes=-5))
    console.post(page_of(row), form(new_url=KEYED))
    row.refresh_from_db()
    assert (row.url, row.status, row.last_error, row.rests_until) == (KEYED, "closed", "", None)
    assert "hush" not in str(trail("changed").after)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"new_url": ""}, "Write the address."),
        ({"new_url": "ftp://hush-hush.example"}, "begins with https://"),
        ({"new_url": "hush-hush"}, "begins with https://"),
        (
            {"new_url": "https://rpc.example/v2/hush-hush-hush"},
            "Another endpoint has this address.",
        ),
        ({"new_url": KEYED, "name": "rpc.example"}, "already exists"),
        ({"new_url": KEYED, "per_second": "-1"}, "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_an_endpoint_is_refused_and_not_repeated(
    console: Client, given: dict[str, Any], said: str
) -> None:
    make_endpoint()
    answer = console.post(ADD, form(**given))
    assert answer.status_code == HTTPStatus.OK
    text = answer.content.decode()
    assert said in text
    assert "hush" not in text
    assert RpcEndpoint.objects.count() == 1


def test_what_the_settings_name_is_shown_and_not_changed(console: Client) -> None:
    row = make_endpoint(from_settings=True)
    assert console.get(page_of(row)).status_code == HTTPStatus.OK
    assert console.post(page_of(row), form(new_url=KEYED)).status_code == HTTPStatus.FORBIDDEN


def test_endpoints_are_disabled_and_enabled_once_and_that_is_audited(console: Client) -> None:
    first, second = make_endpoint("one.example"), make_endpoint("two.example", enabled=False)
    assert act(console, "disable", first, second) == ["1 disabled, 1 skipped (were so)"]
    assert act(console, "disable", first, second) == ["0 disabled, 2 skipped (were so)"]
    assert trail("disabled").target_id == str(first.pk)
    assert act(console, "enable", first) == ["1 enabled, 0 skipped (were so)"]
    assert trail("enabled").after == {"enabled": True}
    first.refresh_from_db()
    assert first.enabled


def test_what_went_wrong_is_forgotten_once_and_that_is_audited(console: Client) -> None:
    bad = make_endpoint("bad.example", **OPENED, rests_until=ago(minutes=-5), failure_count=7)
    good = make_endpoint("good.example")
    assert act(console, "forgive", bad, good) == ["1 forgiven, 1 skipped (nothing wrong)"]
    assert act(console, "forgive", bad, good) == ["0 forgiven, 2 skipped (nothing wrong)"]
    bad.refresh_from_db()
    assert (bad.status, bad.opened_times, bad.rests_until) == ("closed", 0, None)
    assert (bad.failure_rate, bad.last_error, bad.failure_count) == (0, "", 7)
    assert trail("forgiven").before == {"status": "open", "last_error": "HTTP 503"}


def test_each_act_has_its_permission() -> None:
    row = make_endpoint(**OPENED, rests_until=ago(minutes=-5))
    staff = staff_with("view_rpcendpoint")
    shown = staff.get(LIST).content.decode()
    for words in ("Enable", "Disable", "Forget what went wrong"):
        assert f">{words}</option>" not in shown
    for action in ("disable", "forgive"):
        act(staff, action, row)
    row.refresh_from_db()
    assert (row.enabled, row.status) == (True, "open")
    assert staff.get(ADD).status_code == HTTPStatus.FORBIDDEN
    assert staff.post(page_of(row), form()).status_code == HTTPStatus.FORBIDDEN
    assert "hush" not in staff.get(page_of(row)).content.decode()


def test_the_first_page_and_the_gauges_tell_where_no_endpoint_answers(console: Client) -> None:
    def gauges() -> dict[str, float]:
        text = console.get("/metrics/queue").content.decode()
        families = {one.name: one for one in text_string_to_metric_families(text)}
        samples = families["tieback_rpc_breaker_open"].samples
        return {sample.labels["endpoint"]: sample.value for sample in samples}

    assert gauges() == {}
    make_endpoint("bad.example", **OPENED, rests_until=ago(minutes=-5))
    make_endpoint("off.example", enabled=False)
    good = make_endpoint("good.example")
    assert gauges() == {"bad.example": 1.0, "good.example": 0.0}
    assert "none answers" not in console.get("/admin/").content.decode()
    act(console, "disable", good)
    assert gauges() == {"bad.example": 1.0}
    assert "none answers" in console.get("/admin/").content.decode()
    assert console.get("/admin/queue/stats").json()["endpoints_open"] == {"bad.example": 1}
