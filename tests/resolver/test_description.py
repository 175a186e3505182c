"""A resolver says at a well-known address what it is, host by host."""

import pytest
from django.test import Client

from resolver import database
from tests.factories import BrandWorld
from tests.resolver.gs1_schemas import DESCRIPTION, faults_in
from tieback import settings as configured

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
PATH = "/.well-known/gs1resolver"


@pytest.fixture
def public(settings) -> Client:
    """A visitor of the resolver plane."""
    settings.ROOT_URLCONF = "tieback.urls.resolver"
    settings.ALLOWED_HOSTS = ["*"]
    settings.TIEBACK_RESOLVER_SCHEME = "https"
    settings.MIDDLEWARE = [
        name
        for name in (*configured._FIRST, *configured._PUBLIC, *configured._LAST)
        if "whitenoise" not in name
    ]
    return Client()


def ask(public: Client, host: str, method: str = "GET"):
    return public.generic(method, PATH, headers={"host": host})


def test_each_host_describes_the_resolver_of_its_brand(public, nordhav, strangers: BrandWorld):
    for world in (nordhav, strangers):
        answer = ask(public, world.brand.resolver_host.upper())
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
        assert answer["Access-Control-Allow-Origin"] == "*"
        told = answer.json()
        assert faults_in(told, DESCRIPTION) == []
        assert told["resolverRoot"] == f"https://{world.brand.resolver_host}"
        assert (told["name"], told["contact"]) == (world.brand.name, {"fn": world.brand.name})
        assert told["supportedPrimaryKeys"] == ["01"]
        assert told["supportedLinkType"] == [
            {"namespace": "https://ref.gs1.org/voc/", "prefix": "gs1:"}
        ]
        assert told["linkTypeDefaultCanBeLinkset"] is False


def test_an_unsound_description_would_be_noticed():
    assert faults_in({"resolverRoot": "x", "supportedPrimaryKeys": ["02"]}, DESCRIPTION)
    assert faults_in({"supportedPrimaryKeys": ["01"]}, DESCRIPTION)


def test_a_host_without_a_brand_has_none(public, nordhav):
    answer = ask(public, "nobody.example")
    assert (answer.status_code, "Unknown address" in answer.text) == (404, True)


def test_it_can_be_asked_for_its_head_and_not_changed(public, nordhav):
    assert ask(public, "nordhav.example", "HEAD").status_code == 200
    assert ask(public, "nordhav.example", "POST").status_code == 405


def test_a_page_of_another_site_may_ask_for_it(public, nordhav):
    answer = ask(public, "nordhav.example", "OPTIONS")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert (answer.status_code, answer["Cache-Control"]) == (204, "no-store")


def test_without_a_database_it_is_unavailable(public, nordhav, monkeypatch):
    monkeypatch.setattr(database._Rest, "until", float("inf"))
    answer = ask(public, "nordhav.example")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
