"""A tap on a tag: what its message shows of the item, once, and what it never does."""

from collections import Counter
from uuid import UUID

import pytest

from minting.revocations import Act
from minting.states import UnitStatus
from resolver.finding import TagVerdict
from resolver.models import Tag
from resolver.tag_registry import register_tags
from tests.factories import BrandWorld, make_world
from tests.planes import acting_as
from tests.resolver.linking import add_link
from tests.resolver.ntag424 import SoftTag
from tests.resolver.scanning import Answer, at_once, scan
from tests.resolver.units import Minted, mint, units_of, waiting_activations
from tieback.brands.scoping import brand_scope
from tieback.tag_keys import KeySet

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
KEYS = KeySet(bytes(range(16)), b"nordhav shop", bytes(range(16, 32)))
BAD = [verdict for verdict in TagVerdict if not verdict.lets_activate]


def put_on(minted: Minted, tag: SoftTag, at: int = 0) -> None:
    pair = (tag.uid.hex().upper(), minted.tokens[at])
    with acting_as("web"), brand_scope(minted.batch.brand_id):
        register_tags(brand_id=minted.batch.brand_id, tags=[pair], move=True, act=Act("user:1"))


@pytest.fixture
def keys(settings) -> dict[UUID, tuple[KeySet, ...]]:
    settings.TIEBACK_TAG_KEYS = {}
    return settings.TIEBACK_TAG_KEYS


@pytest.fixture
def minted(nordhav: BrandWorld, keys) -> Minted:
    keys[nordhav.brand.id] = (KEYS,)
    return mint(nordhav, 2)


@pytest.fixture
def tag(minted: Minted) -> SoftTag:
    tag = SoftTag(KEYS)
    put_on(minted, tag)
    return tag


def row_of(minted: Minted) -> Tag:
    with acting_as("web"), brand_scope(minted.batch.brand_id):
        return Tag.objects.get()


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_a_tap_shows_that_the_tag_is_genuine_and_activates(minted, is_encrypted):
    tag = SoftTag(KEYS, is_encrypted=is_encrypted)
    put_on(minted, tag)
    answer = scan(minted.path(), query=tag.tap(1))
    assert answer.finding.tag is TagVerdict.GENUINE
    assert answer.finding.is_first_scan
    assert row_of(minted).last_counter == 1
    assert row_of(minted).last_tap_at


def test_each_tap_is_genuine_and_its_message_is_so_once(minted, tag):
    for counter in (1, 2, 9):
        query = tag.tap(counter)
        assert scan(minted.path(), query=query).finding.tag is TagVerdict.GENUINE
        assert scan(minted.path(), query=query).finding.tag is TagVerdict.REPLAYED
    assert scan(minted.path(), query=tag.tap(8)).finding.tag is TagVerdict.REPLAYED
    assert row_of(minted).last_counter == 9


def test_of_many_scans_with_one_message_one_is_genuine(minted, tag):
    query = tag.tap(5)
    answers = at_once(12, lambda _: scan(minted.path(), query=query))
    assert Counter(answer.finding.tag for answer in answers) == {
        TagVerdict.GENUINE: 1,
        TagVerdict.REPLAYED: 11,
    }
    assert [answer.finding.is_first_scan for answer in answers].count(True) == 1


def forged(minted: Minted, tag: SoftTag) -> Answer:
    query = tag.tap(1)
    return scan(minted.path(), query=query[:-1] + ("0" if query[-1] != "0" else "1"))


def replayed(minted: Minted, tag: SoftTag) -> Answer:
    scan(minted.path(), query=tag.tap(4), user_agent="Lagerpistole 3")
    return scan(minted.path(), query=tag.tap(4))


def of_another_unit(minted: Minted, tag: SoftTag) -> Answer:
    put_on(minted, tag, at=1)
    return scan(minted.path(), query=tag.tap(1))


def of_no_unit(minted: Minted, _: SoftTag) -> Answer:
    return scan(minted.path(), query=SoftTag(KEYS, bytes(7)).tap(1))


def unreadable(minted: Minted, tag: SoftTag) -> Answer:
    return scan(minted.path(), query=tag.tap(1).replace("cmac", "nothing"))


WRONG = {
    TagVerdict.FORGED: forged,
    TagVerdict.REPLAYED: replayed,
    TagVerdict.OTHER_UNIT: of_another_unit,
    TagVerdict.UNKNOWN_TAG: of_no_unit,
    TagVerdict.UNREADABLE: unreadable,
}


def test_every_wrong_verdict_is_tried():
    assert set(WRONG) == set(BAD)


@pytest.mark.parametrize("verdict", BAD)
def test_a_message_that_is_wrong_is_told_and_never_activates(minted, tag, verdict):
    answer = WRONG[verdict](minted, tag)
    assert answer.status == 307
    assert answer.finding.tag is verdict
    assert not answer.finding.is_first_scan
    assert {unit.status for unit in units_of(minted)} == {UnitStatus.MINTED}
    assert waiting_activations() == 0


def test_a_message_about_another_unit_is_not_used_up_there(minted, tag):
    assert scan(minted.path(1), query=tag.tap(1)).finding.tag is TagVerdict.OTHER_UNIT
    assert scan(minted.path(0), query=tag.tap(1)).finding.tag is TagVerdict.GENUINE


def test_a_tag_of_another_brand_is_unknown_here(minted, tag, keys):
    with acting_as("web"):
        other = make_world("ateljen")
    keys[other.brand.id] = (KEYS,)
    theirs = mint(other)
    answer = scan(theirs.path(), query=tag.tap(1), host=theirs.host)
    assert answer.finding.tag is TagVerdict.UNKNOWN_TAG


def test_keys_of_another_brand_make_nothing_genuine(minted, tag, keys):
    keys[minted.batch.brand_id] = (KEYS._replace(file_read=bytes(16)),)
    assert scan(minted.path(), query=tag.tap(1)).finding.tag is TagVerdict.FORGED


def test_earlier_keys_hold_beside_new_ones(minted, tag, keys):
    keys[minted.batch.brand_id] = (KEYS._replace(file_read=bytes(16)), KEYS)
    assert scan(minted.path(), query=tag.tap(1)).finding.tag is TagVerdict.GENUINE


def test_without_keys_a_scan_is_an_ordinary_one_and_says_so(minted, tag, keys):
    keys.clear()
    answer = scan(minted.path(), query=tag.tap(1))
    assert answer.finding.tag is TagVerdict.UNCHECKED
    assert answer.finding.is_first_scan
    assert row_of(minted).last_counter is None


@pytest.mark.parametrize(
    "headers", [{"sec_purpose": "prefetch"}, {"user_agent": "WhatsApp/2.23.20.0"}]
)
def test_what_loads_ahead_does_not_use_up_the_message_of_a_tap(minted, tag, headers):
    query = tag.tap(1)
    assert scan(minted.path(), query=query, **headers).status in {200, 307}
    assert scan(minted.path(), "HEAD", query=query).status == 307
    assert scan(minted.path(), query=query).finding.tag is TagVerdict.GENUINE


def test_what_the_tag_wrote_goes_no_further(minted, tag):
    written = {**dict(pair.split("=") for pair in tag.tap(1).split("&"))}
    query = f"a=1&{tag.tap(1)}&17=271231"
    gtin13 = minted.gtin.removeprefix("0")
    asked = [
        (minted.path(), query),
        (f"/01/{gtin13}/21/{minted.tokens[0]}", query),
        (f"/01/{minted.gtin}", query),
        (f"/01/{minted.gtin}/21/NEVER-ISSUED", query),
        (f"/01/{minted.gtin}/21/{minted.tokens[0]}/10/L1", query),
        (minted.path(), f"{tag.tap(1)}&17=999999"),
        ("/01/1", query),
    ]
    for path, asked_with in asked:
        answer = scan(path, query=asked_with)
        said = f"{answer.headers} {answer.body}"
        for name, value in written.items():
            assert name not in said, path
            assert value not in said, path
    assert scan(minted.path(), query=f"a=1&{tag.tap(2)}&b=%20").page.endswith("?a=1&b=%20")


def test_what_the_tag_wrote_is_not_seen_by_what_comes_after(minted, tag):
    seen = {}

    def django(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return [b""]

    from resolver.redirects import in_front_of

    in_front_of(django)(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/health",
            "QUERY_STRING": f"a=1&{tag.tap(1)}",
            "HTTP_HOST": minted.host,
        },
        lambda *_: None,
    )
    assert seen["QUERY_STRING"] == "a=1"


def test_a_code_with_a_short_gtin_is_judged_where_it_is_asked(minted, tag):
    """A redirect would have to carry what the tag wrote, or would lose it."""
    path = f"/01/{minted.gtin.removeprefix('0')}/21/{minted.tokens[0]}"
    assert scan(path, query=tag.tap(1)).finding.tag is TagVerdict.GENUINE
    assert scan(path, query=tag.tap(1)).finding.tag is TagVerdict.REPLAYED


def test_a_tap_while_the_database_is_away_can_be_repeated(minted, tag, monkeypatch):
    from resolver import tags
    from resolver.database import Unavailable

    def away(*_):
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(tags, "fetch_one", away)
        assert scan(minted.path(), query=tag.tap(1)).status == 503
    assert scan(minted.path(), query=tag.tap(1)).finding.tag is TagVerdict.GENUINE


def test_a_tap_that_proves_nothing_is_told_wherever_the_brand_leads(nordhav, minted, tag):
    add_link(nordhav, "gs1:pip", "https://shop.example/", is_default=True)
    assert scan(minted.path(), query=tag.tap(1)).location == "https://shop.example/"
    replayed = scan(minted.path(), query=tag.tap(1))
    assert replayed.page == f"/p/{minted.tokens[0]}"
    assert replayed.finding.tag is TagVerdict.REPLAYED
