"""A page of another site in Chromium, which reads passports with a grant from the real server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from minting.disclosure import Access
from tests.factories import make_world
from tests.metadata.serving import Asked, Fault, Service, served
from tests.passports import ready_passport
from tests.resolver.test_server import Server, running
from tests.resolver.test_unlocking import grant
from tests.resolver.units import mint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("resolver")]
_READ = """async ([address, secret]) => {
    const headers = {Accept: "application/json", Authorization: `Bearer ${secret}`};
    const answer = await fetch(address, {headers});
    return {
        status: answer.status,
        address: new URL(answer.url).pathname,
        access: (await answer.json()).access,
        refusal: answer.headers.get("WWW-Authenticate"),
    };
}"""


class RepairShop(Service):
    """A site whose pages are empty."""

    def answer(self, asked: Asked) -> Fault:
        return Fault(200, b"<!doctype html><title>Repairs</title>", {"Content-Type": "text/html"})


@pytest.fixture
def other_site() -> Iterator[str]:
    """The address of a page elsewhere."""
    shop = RepairShop()
    with served(shop):
        yield shop.url


@pytest.fixture
def server(db: None, tmp_path: Path) -> Iterator[Server]:
    """The resolver as it runs, on the test database."""
    with running(tmp_path / "resolver") as one:
        yield one


def test_it_reads_what_its_grant_opens(chromium: Browser, server: Server, other_site: str):
    host = f"codes.localhost:{server.port}"
    world = make_world("nordhav", resolver_host=host)
    minted = mint(world, category="battery_ev", dpp=ready_passport("battery_ev"))
    _, secret = grant(world, Access.AUTHORITIES)
    passport = f"/p/{minted.tokens[0]}"
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(other_site)

        def read(path: str, secret: str) -> Any:
            return page.evaluate(_READ, [f"http://{host}{path}", secret])

        for path in (passport, f"{minted.path()}?linkType=gs1:dpp"):
            found = read(path, secret)
            assert (found["status"], found["access"]) == (200, Access.AUTHORITIES)
            assert found["address"] == passport
        refused = read(passport, "unheard-of")
        assert refused["status"] == 401
        assert "invalid_token" in refused["refusal"]
