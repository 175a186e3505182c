"""Making links for test scans over HTTP."""

import secrets
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
from django.test import Client

from resolver.staff_scans import PARAMETER, check
from tests.factories import BrandWorld, make_world
from tests.resolver.units import Minted, mint
from tieback.brands.credentials import issue_credential
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def nordhav(transactional_db) -> BrandWorld:
    return make_world("nordhav")


def ask(world: BrandWorld, token: str, body: dict[str, object] | None = None):
    with brand_scope(world.brand.id):
        credential = issue_credential(brand_id=world.brand.id, name=secrets.token_hex(4))
    client = Client(headers={"X-Api-Key": credential.header})
    return client.post(f"/api/v1/mint-units/{token}/test-link/", body or {}, "application/json")


def signed_in(url: str) -> tuple[str, str]:
    address = urlsplit(url)
    return f"{address.scheme}://{address.netloc}{address.path}", address.query.partition("=")[2]


@pytest.mark.parametrize("serial", [None, "S/1"])
def test_a_link_is_the_units_code_with_a_signature(nordhav, settings, serial):
    minted: Minted = mint(nordhav, serials=[serial] if serial else None, lot="L1")
    answer = ask(nordhav, minted.tokens[0])
    assert answer.status_code == HTTPStatus.OK
    code, signature = signed_in(answer.json()["data"]["url"])
    named = "S%2F1" if serial else minted.tokens[0]
    assert code == f"https://nordhav.example/01/{minted.gtin}/10/L1/21/{named}"
    assert answer.json()["data"]["url"].partition("?")[2].startswith(f"{PARAMETER}=")
    check(minted.tokens[0], signature, settings.TIEBACK_TEST_LINK_PUBLIC_KEYS)


def test_every_link_is_audited_without_its_signature(nordhav):
    minted = mint(nordhav)
    answer = ask(nordhav, minted.tokens[0])
    with brand_scope(nordhav.brand.id):
        entry = AuditEntry.objects.get(action="mint_unit.test_link_made")
    assert entry.target_id == minted.tokens[0]
    assert signed_in(answer.json()["data"]["url"])[1] not in str(entry.after)


def test_what_the_request_does_not_know_is_refused_by_name(nordhav):
    minted = mint(nordhav)
    answer = ask(nordhav, minted.tokens[0], {"lasts_seconds": 60})
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    (fault,) = answer.json()["error"]["fields"]
    assert (fault["field"], fault["code"]) == ("lasts_seconds", "UNKNOWN_FIELD")


def test_a_unit_of_another_brand_is_not_there(nordhav):
    minted = mint(nordhav)
    assert ask(make_world("ateljen"), minted.tokens[0]).status_code == HTTPStatus.NOT_FOUND


def test_without_a_key_no_link_is_made_and_the_answer_says_why(nordhav, settings):
    minted = mint(nordhav)
    settings.TIEBACK_TEST_LINK_KEY = ""
    answer = ask(nordhav, minted.tokens[0])
    assert answer.status_code == HTTPStatus.CONFLICT
    assert answer.json()["error"]["code"] == "TEST_LINKS_OFF"
