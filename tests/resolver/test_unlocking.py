"""What a grant opens, to whom it opens nothing, and that its refusal says why."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from minting.disclosure import Access
from resolver.grants import Wanted, issue_grant, revoke_grant
from resolver.models import AccessGrant
from tests.factories import BrandWorld
from tests.passports import ready_passport
from tests.planes import acting_as
from tests.resolver.scanning import scan
from tests.resolver.units import Minted, mint
from tieback.brands.audit import ActsFor
from tieback.brands.scoping import brand_scope

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
Ask = Callable[..., Any]
# Browsers ask for leave by name: "*" would not cover it.
GRANT_HEADER = "Authorization"


@pytest.fixture
def battery(nordhav: BrandWorld) -> Minted:
    """A unit whose passport holds something for every class."""
    dpp = ready_passport("battery_ev")
    assert {"safety_measures", "test_reports"} <= set(dpp)
    return mint(nordhav, category="battery_ev", dpp=dpp)


def grant(world: BrandWorld, access: Access, **values: Any) -> tuple[AccessGrant, str]:
    wanted = {"holder": "Customs", "expires_at": timezone.now() + timedelta(days=1), **values}
    with acting_as("web"), brand_scope(world.brand.id):
        return issue_grant(ActsFor(world.brand.id, "user:1"), Wanted(access=access, **wanted))


def ask(public: Client, minted: Minted, secret: str, accept: str = "application/json") -> Any:
    headers = {"accept": accept, "authorization": f"Bearer {secret}"}
    return public.get(f"/p/{minted.tokens[0]}", headers=headers)


def headers_allowed(headers: Mapping[str, str]) -> list[str]:
    return headers["Access-Control-Allow-Headers"].split(", ")


def test_a_grant_opens_the_fields_of_its_class_in_every_representation(nordhav, battery, public):
    plain = public.get(f"/p/{battery.tokens[0]}", headers={"accept": "application/json"}).json()
    assert not {"safety_measures", "test_reports"} & set(plain["data"])
    for access, opened in (
        (Access.LEGITIMATE_INTEREST, {"safety_measures"}),
        (Access.AUTHORITIES, {"safety_measures", "test_reports"}),
    ):
        _, secret = grant(nordhav, access)
        body = ask(public, battery, secret).json()
        assert body["access"] == access
        assert {"safety_measures", "test_reports"} & set(body["data"]) == opened
        assert set(plain["data"]) <= set(body["data"])
        linked = ask(public, battery, secret, "application/ld+json").json()
        assert {"safety_measures", "test_reports"} & set(linked) == opened
        page = ask(public, battery, secret, "text/html").text
        assert ("Test reports" in page) is ("test_reports" in opened)
        assert "Safety measures" in page


def test_a_page_of_another_site_may_send_a_grant_along(nordhav, battery, public, connections):
    code = scan(battery.path(), "OPTIONS")
    assert (code.status, GRANT_HEADER in headers_allowed(code.headers)) == (204, True)
    for path in (f"/p/{battery.tokens[0]}", f"/p/01/{battery.gtin}", "/p/no-such-token"):
        answer = public.options(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert answer["Access-Control-Allow-Methods"] == answer["Allow"] == "GET, HEAD, OPTIONS"
        assert GRANT_HEADER in headers_allowed(answer.headers)
    assert connections == []


def test_a_page_of_another_site_may_read_why_a_grant_is_refused(battery, public):
    refused = ask(public, battery, "unheard-of")
    assert refused.status_code == 401
    assert "WWW-Authenticate" in refused["Access-Control-Expose-Headers"]


def test_a_grant_for_a_product_or_a_batch_opens_nothing_else(nordhav, battery, public):
    other = mint(nordhav, category="battery_ev")
    for values in (
        {"product": battery.batch.product_id},
        {"batch": battery.batch.id},
    ):
        _, secret = grant(nordhav, Access.AUTHORITIES, **values)
        assert ask(public, battery, secret).status_code == 200
        refused = ask(public, other, secret)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "ACCESS_GRANT_OUT_OF_SCOPE"


def test_a_grant_opens_the_page_of_its_product_too(nordhav, battery, public):
    _, secret = grant(nordhav, Access.AUTHORITIES)
    headers = {"accept": "application/json", "authorization": f"bearer {secret}"}
    body = public.get(f"/p/01/{battery.gtin}", headers=headers).json()
    assert "test_reports" in body["data"]


def expire(made: AccessGrant) -> None:
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute("alter table resolver_accessgrant no force row level security")
        cursor.execute(
            "update resolver_accessgrant set created_at = now() - interval '2 days',"
            " expires_at = now() - interval '1 day' where id = %s",
            [made.id],
        )
        cursor.execute("alter table resolver_accessgrant force row level security")


def test_a_grant_that_has_ended_is_refused_and_says_so(nordhav, battery, public):
    expired, first = grant(nordhav, Access.AUTHORITIES)
    expire(expired)
    revoked, second = grant(nordhav, Access.AUTHORITIES)
    with acting_as("web"), brand_scope(nordhav.brand.id):
        revoke_grant(ActsFor(nordhav.brand.id, "user:1"), revoked.id)
    for secret, code in ((first, "ACCESS_GRANT_EXPIRED"), (second, "ACCESS_GRANT_REVOKED")):
        refused = ask(public, battery, secret)
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == code
        assert refused["WWW-Authenticate"] == 'Bearer realm="passport", error="invalid_token"'
        assert "test_reports" not in refused.text


@pytest.mark.parametrize(
    "header", ["Bearer ", "Bearer ag_live_wrong", "Bearer \xff", "Basic dTpw", "ag_live_wrong"]
)
def test_what_is_no_grant_is_refused(nordhav, battery, public, header):
    grant(nordhav, Access.AUTHORITIES)
    refused = public.get(f"/p/{battery.tokens[0]}", headers={"authorization": header})
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "ACCESS_GRANT_UNKNOWN"
    assert "Authorization" in refused["Vary"]


def test_another_brands_grant_is_unknown(nordhav, strangers, battery, public):
    _, secret = grant(strangers, Access.AUTHORITIES)
    refused = ask(public, battery, secret)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "ACCESS_GRANT_UNKNOWN")


def test_the_resolver_learns_of_a_grant_by_its_hash_alone(nordhav):
    _, secret = grant(nordhav, Access.AUTHORITIES)
    assert secret.startswith("ag_live_")
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from tieback_find_access_grant(sha256(%s), %s)",
            [secret.encode(), nordhav.brand.id],
        )
        assert cursor.fetchone() == (1,)
        cursor.execute(
            "select count(*) from tieback_find_access_grant(%s, %s)",
            [secret.encode(), nordhav.brand.id],
        )
        assert cursor.fetchone() == (0,)
