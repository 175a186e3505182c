"""docs/resolver.md says what requests for codes are answered."""

import pytest

from resolver.staff_scans import sign
from tests.docs.markdown import names_in, rows, section, text_of
from tests.factories import make_world
from tests.resolver.linking import add_link
from tests.resolver.scanning import scan
from tests.resolver.units import mint

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
ROWS = rows(section(text_of("resolver.md"), "Requests and answers"), "request")


def test_requests_are_answered_as_documented(settings):
    world = make_world("nordhav")
    minted = mint(world, serials=["S1"], lot="LOT7")
    add_link(world, "gs1:instructions", "https://nordhav-shop.example/{serial}")
    for number in range(2):
        add_link(world, "gs1:faqs", f"https://nordhav-shop.example/{number}")
    known = {
        "gtin": minted.gtin,
        "gtin13": minted.gtin.removeprefix("0"),
        "serial": "S1",
        "token": minted.tokens[0],
        "lot": "LOT7",
        "lot_id": minted.lot_id,
        "batch": minted.batch.id,
        "test": sign(minted.tokens[0], settings.TIEBACK_TEST_LINK_KEY, ends=2**33),
    }
    asked = [(names_in(row[0]), row) for row in ROWS if names_in(row[0])]
    assert len(asked) == len(ROWS) - 3
    for (request,), row in asked:
        _, status, says = row
        method, _, target = request.format(**known).partition(" ")
        path, _, query = target.partition("?")
        agent = {"user_agent": "WhatsApp/2.23.20.0"} if "preview" in row[0] else {}
        answer = scan(path, method, query, **agent)
        assert answer.status == int(status), request
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        pages = [name.format(**known) for name in names_in(says) if name.startswith("/p/")]
        assert not pages or answer.location.partition("?")[0] == pages[0], request
        if "passed on" in says:
            assert answer.page.endswith(f"?{query}")
        if "a link" in says:
            assert f'href="/01/{minted.gtin}/10/L1/21/S1"' in answer.body
        for header in names_in(says):
            name, _, value = header.partition(": ")
            assert not value or answer.headers[name] == value
