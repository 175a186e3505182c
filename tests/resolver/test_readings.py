"""A path that can be read in several ways: which one is meant, and what is counted of it."""

import pytest

from minting.states import UnitStatus
from resolver.traffic import TrafficClass
from tests.factories import BrandWorld
from tests.resolver.scan_rows import events
from tests.resolver.scanning import scan, scan_printed
from tests.resolver.units import Minted, mint, units_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]


@pytest.fixture
def minted(nordhav: BrandWorld) -> Minted:
    return mint(nordhav, 2, serials=["tail", "tail/"], lot="A/B")


@pytest.mark.parametrize(
    "before",
    ["/10/L1/22/V", "/10/L1/10/L2", "/22/V/22/W", "/22/V/235/T", "/10/L1/11/240101", "/10/a/b/c"],
)
def test_a_known_serial_number_makes_no_code_of_a_path_that_is_none(minted, before):
    answer = scan(f"/01/{minted.gtin}{before}/21/tail")
    assert answer.status == 400
    assert {unit.status for unit in units_of(minted)} == {UnitStatus.MINTED}
    assert events() == []


def test_a_decoded_slash_is_part_of_a_lot_that_is_the_units_own(minted):
    answer = scan(f"/01/{minted.gtin}/10/A/B/21/tail")
    assert (answer.status, answer.page) == (307, f"/p/{minted.tokens[0]}")
    assert scan(f"/01/{minted.gtin}/10/A/C/21/tail").status == 400
    assert [event.unit_id for event in events()] == [units_of(minted)[0].id]


def test_an_encoded_slash_is_part_of_its_value_whatever_it_names(minted):
    gtin = minted.gtin
    for path, page in (
        (f"/01/{gtin}/10/no%2Fsuch", f"/p/01/{gtin}/10/no%2Fsuch"),
        (f"/01/{gtin}/22/a%2Fb", f"/p/01/{gtin}/22/a%2Fb"),
        (f"/01/{gtin}/235/a%2Fb", f"/p/01/{gtin}/235/a%2Fb"),
        (f"/01/{gtin}/10/no%2Fsuch/21/tail", f"/p/{minted.tokens[0]}"),
    ):
        answer = scan_printed(path)
        assert (answer.status, answer.page) == (307, page)
    assert scan_printed(f"/01/{gtin}/21/fake%2F1").status == 404


def test_a_slash_at_the_end_is_of_the_serial_only_where_no_other_has_it(minted):
    first, second = minted.tokens
    gtin = minted.gtin
    assert scan_printed(f"/01/{gtin}/21/tail%2F").page == f"/p/{second}"
    assert scan(f"/01/{gtin}/21/tail/").page == f"/p/{first}"
    assert scan(f"/01/{gtin}/21/tail").page == f"/p/{first}"


def test_a_proxy_that_decodes_slashes_keeps_nobody_from_the_unit(nordhav):
    minted = mint(nordhav, 3, serials=["a/b", "c/", "/21/x"], gtin="09506000134369")
    for serial, token in zip(("a/b", "c/", "/21/x"), minted.tokens, strict=True):
        assert scan(f"/01/{minted.gtin}/21/{serial}").page == f"/p/{token}"


def test_a_code_that_is_not_known_is_counted_as_such_and_once(minted):
    for _ in range(2):
        assert scan_printed(f"/01/{minted.gtin}/21/fake%2F1").status == 404
        assert scan(f"/01/{minted.gtin}/10/NO/PE/").status == 400
    assert [(event.batch_id, event.traffic) for event in events()] == [
        (None, TrafficClass.PERSON.value)
    ] * 2
