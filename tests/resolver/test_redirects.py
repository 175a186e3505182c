"""A scan is answered with the way to its passport, or with a page that says why not."""

import os
import socket

import pytest
from django.conf import settings as live_settings

from minting.states import UnitStatus
from resolver import database, hosts
from resolver.gathering import Question
from resolver.lookup import Lookup
from resolver.recording import NOTED
from tests.factories import BrandWorld, gtin
from tests.planes import acting_as
from tests.resolver.scanning import counted, scan, scan_printed
from tests.resolver.units import Minted, mint, units_of
from tieback.brands.models import Brand
from tieback.brands.scoping import all_brands, brand_scope
from tieback.startup import open_session

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
NEVER_ISSUED = "ABCDEFGHJKLMNPQRSTUV"


@pytest.fixture
def minted(nordhav: BrandWorld) -> Minted:
    return mint(nordhav, status=UnitStatus.ACTIVE)


def test_a_scan_is_sent_to_the_passport_on_the_same_host(minted):
    answer = scan(minted.path())
    assert (answer.status, answer.body) == (307, "")
    assert answer.headers == {
        "Location": f"/p/{minted.tokens[0]}",
        "Content-Length": "0",
        "Link": '<?linkType=linkset>; rel="linkset"; type="application/linkset+json"',
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Link, Location, Retry-After",
    }


def test_the_public_id_leads_to_the_passport_too(minted):
    assert scan(f"/mu/{minted.tokens[0]}").location == f"/p/{minted.tokens[0]}"


def test_a_slash_at_the_end_changes_nothing(minted):
    assert scan(minted.path() + "/").location == f"/p/{minted.tokens[0]}"


def test_a_serial_that_is_only_a_slash_is_looked_up_as_such(minted):
    assert scan_printed(f"/01/{minted.gtin}/21/%2F").status == 404
    assert scan(f"/01/{minted.gtin}/21//").status == 400


def test_behind_tls_browsers_are_told_to_stay_there(minted, settings):
    assert "Strict-Transport-Security" not in scan(minted.path()).headers
    settings.SECURE_HSTS_SECONDS = 60
    assert scan(minted.path()).headers["Strict-Transport-Security"] == "max-age=60"


def test_the_query_is_passed_on_as_it_came(minted):
    query = "utm_source=EF%2B+1&uid=94&17=271231&q=a'b"
    assert scan(minted.path(), query=query).location == f"/p/{minted.tokens[0]}?{query}"


def test_a_query_cannot_break_out_of_its_header(minted):
    location = scan(minted.path(), query="a=1\r\nSet-Cookie: x=1 \xe9").location
    assert location == f"/p/{minted.tokens[0]}?a=1%0D%0ASet-Cookie:%20x=1%20%E9"


def test_variant_and_lot_in_the_code_do_not_decide_which_unit_it_is(nordhav):
    minted = mint(nordhav, lot="LOT/7")
    token = minted.tokens[0]
    assert scan(f"/01/{minted.gtin}/10/LOT/7/21/{token}").status == 307
    assert scan(f"/01/{minted.gtin}/22/2A/21/{token}").status == 307


def test_a_stored_serial_is_found_under_its_gtin(nordhav):
    serials = ["S-1", "a/%b", "c/", NEVER_ISSUED]
    minted = mint(nordhav, 4, serials=serials)
    for at, serial in enumerate(serials):
        answer = scan(f"/01/{minted.gtin}/21/{serial}")
        assert answer.page == f"/p/{minted.tokens[at]}"
    assert scan(f"/01/{minted.gtin}/21/S-1/").page == f"/p/{minted.tokens[0]}"


def test_brands_may_use_the_same_gtin_and_serial_and_the_host_tells_which(nordhav, strangers):
    ours = mint(nordhav, serials=["7"])
    theirs = mint(strangers, serials=["7"], gtin=ours.gtin)
    their_host = strangers.brand.resolver_host
    assert scan(f"/01/{ours.gtin}/21/7").page == f"/p/{ours.tokens[0]}"
    theirs_on_theirs = scan(f"/01/{ours.gtin}/21/7", host=their_host)
    assert theirs_on_theirs.page == f"/p/{theirs.tokens[0]}"
    for path in (f"/mu/{theirs.tokens[0]}", theirs.path()):
        assert scan(path).status == 404
        assert scan(f"/mu/{theirs.tokens[0]}", host=their_host).status == 307


def test_a_host_is_read_as_hosts_are(minted):
    for host in ("NORDHAV.example", "nordhav.example:443", "nordhav.example:8443"):
        assert scan(minted.path(), host=host).status == 307
    for host in ("", "nordhav.example.evil", "x" * 300, ":80", "[::1]:80"):
        answer = scan(minted.path(), host=host)
        assert (answer.status, "Unknown address" in answer.body) == (404, True)


def test_every_host_a_brand_has_had_goes_on_answering(nordhav, minted):
    with acting_as("console"), all_brands():
        Brand.objects.filter(id=nordhav.brand.id).update(resolver_host="new.example")
    for host in ("nordhav.example", "new.example"):
        assert scan(minted.path(), host=host).status == 307


def test_an_answer_about_a_host_is_remembered_for_some_seconds(minted, monkeypatch):
    asked = []
    monkeypatch.setattr(hosts, "fetch_one", lambda *given: asked.append(given))
    for _ in range(3):
        assert scan(minted.path(), host="nobody.example").status == 404
    assert len(asked) == 1
    monkeypatch.setattr(hosts._known, "most", 1)
    for number in range(3):
        scan(minted.path(), host=f"nobody-{number}.example")
    assert len(hosts._known) <= 2


def test_where_a_serial_is_stored_the_token_is_not_the_serial(nordhav):
    minted = mint(nordhav, serials=["S-1"])
    assert scan(minted.path()).status == 404
    assert scan(f"/mu/{minted.tokens[0]}").status == 307


def test_a_stored_serial_is_found_only_under_the_gtin_it_was_printed_with(nordhav):
    old = mint(nordhav, serials=["S-1"])
    product = old.batch.product
    with acting_as("web"), brand_scope(nordhav.brand.id):
        product.gtin = gtin(99_999)
        product.save()
    new = mint(nordhav, of=product, serials=["S-2"])
    assert scan(f"/01/{old.gtin}/21/S-1").status == 307
    assert scan(f"/01/{new.gtin}/21/S-2").status == 307
    assert scan(f"/01/{new.gtin}/21/S-1").status == 404


def test_a_unit_without_gtin_is_found_by_its_public_id_only(nordhav):
    minted = mint(nordhav, gtin=None)
    assert scan(f"/mu/{minted.tokens[0]}").status == 307
    assert scan(f"/01/09506000134352/21/{minted.tokens[0]}").status == 404


def test_a_code_goes_on_working_when_its_product_gets_another_gtin(nordhav, minted):
    with acting_as("web"), brand_scope(nordhav.brand.id):
        product = minted.batch.product
        product.gtin = None
        product.save()
    assert scan(minted.path()).status == 307


def test_a_code_that_was_never_issued_is_unknown(nordhav):
    for path in (f"/mu/{NEVER_ISSUED}", f"/01/09506000134352/21/{NEVER_ISSUED}"):
        answer = scan(path)
        assert (answer.status, "Unknown code" in answer.body) == (404, True)
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_under_another_gtin_is_unknown(nordhav, minted):
    other = mint(nordhav)
    assert scan(f"/01/{other.gtin}/21/{minted.tokens[0]}").status == 404


def test_a_code_without_serial_leads_to_its_product_or_lot(nordhav):
    minted = mint(nordhav, lot="LOT/7")
    gtin = minted.gtin
    for path, page in (
        (f"/01/{gtin}", f"/p/01/{gtin}"),
        (f"/01/{gtin}/", f"/p/01/{gtin}"),
        (f"/01/{gtin}/10/LOT/7", f"/p/01/{gtin}/10/LOT%2F7"),
        (f"/01/{gtin}/22/2A", f"/p/01/{gtin}/22/2A"),
        (f"/01/{gtin}/235/TPX-1", f"/p/01/{gtin}/235/TPX-1"),
        (f"/mb/{minted.batch.id}", f"/p/mb/{minted.batch.id}"),
        (f"/ml/{minted.lot_id}", f"/p/ml/{minted.lot_id}"),
    ):
        answer = scan(path, query="a=1")
        assert (answer.status, answer.location) == (307, f"{page}?a=1")


def test_an_unknown_lot_leads_up_to_its_product(minted):
    answer = scan(f"/01/{minted.gtin}/10/KL8G")
    assert (answer.status, answer.location) == (307, f"/p/01/{minted.gtin}/10/KL8G")


def test_a_slash_is_part_of_a_lot_where_the_lot_is_known(nordhav):
    minted = mint(nordhav, lot="A/B")
    gtin = minted.gtin
    assert scan(f"/01/{gtin}/10/A/B").location == f"/p/01/{gtin}/10/A%2FB"
    assert scan(f"/01/{gtin}/10/A/B/").location == f"/p/01/{gtin}/10/A%2FB"
    assert scan(f"/01/{gtin}/10/C/").location == f"/p/01/{gtin}/10/C"
    for path in (f"/01/{gtin}/10/C/foo", f"/01/{gtin}/10/C/22/V", f"/01/{gtin}/foo"):
        assert scan(path).status == 400


def test_what_is_printed_on_no_item_is_not_public(nordhav, strangers):
    planned, theirs = mint(nordhav, 0, lot="L1"), mint(strangers, lot="L1")
    mint(nordhav)
    for minted in (planned, theirs):
        for path in (f"/01/{minted.gtin}", f"/01/{minted.gtin}/10/L1", f"/mb/{minted.batch.id}"):
            assert scan(path).status == 404
        assert scan(f"/ml/{minted.lot_id}").status == 404
    assert scan("/mb/00000000-0000-4000-8000-000000000000").status == 404


def test_a_retired_gtin_goes_on_leading_to_what_was_printed_with_it(nordhav, minted):
    with acting_as("web"), brand_scope(nordhav.brand.id):
        product = minted.batch.product
        product.gtin = gtin(77_777)
        product.save()
    assert scan(f"/01/{minted.gtin}").status == 307
    assert scan(f"/01/{gtin(77_777)}").status == 404


def test_a_malformed_code_is_refused_without_asking_the_database(connections):
    answer = scan("/01/123/21/<script>")
    assert (answer.status, "14 digits" in answer.body) == (400, True)
    assert "<script>" not in answer.body
    assert connections == []


def test_a_code_can_only_be_read(minted):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = scan(minted.path(), method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_a_page_of_another_site_may_ask_and_read(minted):
    answer = scan(minted.path(), "OPTIONS")
    assert (answer.status, answer.body) == (204, "")
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert "Content-Length" not in answer.headers
    assert scan("/mu/x").headers["Access-Control-Allow-Origin"] == "*"


def test_head_is_answered_like_get_without_a_body(minted):
    assert scan(minted.path(), "HEAD").page == f"/p/{minted.tokens[0]}"
    answer = scan("/mu/x", "HEAD")
    assert (answer.status, answer.body) == (400, "")
    assert int(answer.headers["Content-Length"]) > 0


def test_paths_that_are_no_codes_go_on_to_django():
    for path in ("/", "/p/ABC", "/health", "/metrics", "/01", "/admin/"):
        assert scan(path, "POST").body == "django"


def test_answers_are_counted_by_outcome(nordhav):
    for path, outcome in (("/mu/x", "malformed"), (f"/mu/{NEVER_ISSUED}", "unknown")):
        before = counted(outcome)
        scan(path)
        assert counted(outcome) == before + 1


def test_without_a_database_the_answer_is_503_and_soon_right_again(minted, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setitem(live_settings.DATABASES["default"], "PORT", "1")
        answer = scan(minted.path())
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert "Location" not in answer.headers
        assert "psycopg" not in answer.body
    assert scan(minted.path()).status == 503  # nobody asks again at once
    monkeypatch.setattr(database._Rest, "until", 0.0)
    assert scan(minted.path()).status == 307


def test_a_connection_that_broke_while_idle_is_replaced_unnoticed(minted, connections):
    scan(minted.path())
    with socket.socket(fileno=os.dup(connections[0].fileno())) as its_socket:
        its_socket.shutdown(socket.SHUT_RDWR)
    assert scan(minted.path()).status == 307
    assert connections[0].closed


def test_a_statement_the_server_rejects_is_a_503_not_a_traceback(minted, monkeypatch):
    wrong = Question(["brand", "token", "gtin", "activates", *NOTED], "select no_such_column")
    monkeypatch.setattr("resolver.lookup._BY_TOKEN", Lookup(wrong, wrong, wrong))
    assert scan(minted.path()).status == 503


def test_a_lookup_that_takes_too_long_is_given_up(minted):
    with acting_as("owner"):
        owner = open_session()
    with owner, owner.transaction():
        owner.execute("lock table minting_mintunit")
        assert scan(minted.path()).status == 503
    assert scan(minted.path()).status == 307


def test_a_connection_limits_its_statements_where_the_role_does_not(connections):
    with database.connect() as session:
        (limit,) = session.execute("show statement_timeout").fetchone() or ()
    assert limit == "500ms"


def test_a_gtin_of_thirteen_digits_leads_to_the_code_as_it_is_printed_today(nordhav):
    minted = mint(nordhav)
    short = minted.gtin.lstrip("0")
    answer = scan(f"/01/{short}/21/{minted.tokens[0]}", query="17=271231")
    assert (answer.status, answer.location) == (307, f"{minted.path()}?17=271231")
    assert scan(answer.location.partition("?")[0]).status == 307


def test_a_short_gtin_changes_nothing_about_method_and_host(nordhav):
    minted = mint(nordhav)
    path = f"/01/{minted.gtin.lstrip('0')}/21/{minted.tokens[0]}"
    assert scan(path, "OPTIONS").status == 204
    assert scan(path, "POST").status == 405
    assert scan(path, host="nobody.example").status == 404


@pytest.mark.parametrize("port", [":8443", ":"])
def test_a_port_that_was_not_printed_makes_no_difference(minted, port):
    assert scan(minted.path(), host=f"Nordhav.example{port}").status == 307


@pytest.mark.parametrize("more", [":x", ":@evil.example", ':"><svg>', ":123456", ":1:2"])
def test_what_is_no_port_is_no_part_of_a_host(minted, more):
    answer = scan(minted.path(), host=f"nordhav.example{more}")
    assert answer.status == 404
    assert more not in str(answer.headers)


def test_parts_in_the_wrong_order_are_refused_with_a_link_to_the_right_one(nordhav):
    minted = mint(nordhav, serials=["S/1"], lot="L&7")
    for wrong in (f"/01/{minted.gtin}/10/L&7/22/V", f"/01/{minted.gtin}/21/S/10/L&7"):
        answer = scan(wrong, query="a=1")
        assert answer.status == 400
        assert "order" in answer.body
    assert f'href="/01/{minted.gtin}/10/L%267/21/S?a=1"' in answer.body
    # What merely looks like a key inside a serial number is still found first.
    assert scan(f"/01/{minted.gtin}/21/S/1").status == 307


def test_what_follows_a_code_without_being_part_of_it_is_refused(nordhav, minted):
    for more in ("/foo", "/99/x", "/foo/bar"):
        assert scan(minted.path() + more).status == 400
    short = mint(nordhav, serials=["S1"])
    answer = scan(f"/01/{short.gtin}/21/S1/foo")
    assert (answer.status, "%2F" in answer.body) == (400, True)


def test_unsound_attributes_are_refused_and_others_passed_on(minted):
    for query, word in (
        ("17=271331", "17"),
        ("8008=99999999", "8008"),
        ("8008=2401011260", "8008"),
        ("7250=20249999", "7250"),
        ("7251=209902301200", "7251"),
        ("89=1", "89"),
        ("21=S", "serial number"),
    ):
        answer = scan(minted.path(), query=query)
        assert (answer.status, word in answer.body) == (400, True)
    assert scan(minted.path(), query="17=271200&x=1&3103=001500").status == 307


def test_a_link_preview_gets_a_page_about_the_product_and_activates_nothing(nordhav):
    minted = mint(nordhav, name="Chair <Nord>")
    answer = scan(minted.path(), user_agent="WhatsApp/2.23.20.0")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert '<meta property="og:title" content="Chair &lt;Nord&gt;">' in answer.body
    assert f'<meta property="og:site_name" content="{nordhav.brand.name}">' in answer.body
    assert minted.tokens[0] not in answer.body
    assert units_of(minted)[0].status == UnitStatus.MINTED
    assert scan(f"/mu/{NEVER_ISSUED}", user_agent="WhatsApp/2.23.20.0").status == 404
