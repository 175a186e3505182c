"""Facts are shortened as far as there is room, those about safety last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.facts import Fact, Value
from resolver.markup import facts_html
from resolver.shortening import beginning, shortened, size_of

WHOLE = "whole=yes"
ADDRESS = f"https://a.example/{'b' * 60}"


def short(*facts: Fact, room: int) -> list[Fact]:
    return [fact for block in shortened(facts, room, WHOLE) for fact in block.facts]


def of(field: str, value: Value) -> Fact:
    return Fact(field.capitalize(), value, field)


def test_a_list_tells_how_many_entries_are_beyond_those_shown():
    entries = tuple(Value(f"entry {number}") for number in range(12))
    (fact,) = short(of("materials", Value(items=entries)), room=1000)
    assert fact.value.items == (*entries[:10], Value("2 more", href="?whole=yes#materials"))


def test_a_text_ends_with_a_word_and_a_sign_that_there_is_more():
    assert beginning("one two three", 13) == "one two three"
    assert beginning("one two three four", 15) == "one two three…"
    assert beginning("x" * 50, 10) == "x" * 9 + "…"


def test_a_link_leads_to_its_whole_address_or_is_none():
    row = short(of("test_reports", Value(ADDRESS, is_link=True)), room=400)
    assert facts_html(tuple(row)).count(ADDRESS) == 2
    tight = [of("test_reports", Value(ADDRESS, is_link=True))] * 2
    (first, _) = short(*tight, room=500)
    assert first.value == Value(f"{ADDRESS[:39]}…", is_link=True, href=ADDRESS)
    far = f"https://a.example/{'b' * 6000}"
    (fact,) = short(of("test_reports", Value(far, is_link=True)), room=2000)
    assert fact.value == Value(f"{far[:599]}…")


def test_what_is_about_safety_stays_whole_while_there_is_room():
    notes, use = of("safety_information", Value("s" * 900)), of("end_of_life", Value("e" * 900))
    assert short(use, notes, room=1300) == [
        of("end_of_life", Value(f"{'e' * 149}…")),
        notes,
    ]


def test_where_there_is_no_room_for_all_safety_comes_first():
    notes, use = of("safety_information", Value("s" * 900)), of("end_of_life", Value("e"))
    assert short(use, notes, room=1100) == [notes]
    (cut,) = short(use, notes, room=400)
    assert cut.value == Value(f"{'s' * 199}…")


@pytest.mark.parametrize("field", ["safety_information", "materials"])
@given(
    texts=st.lists(st.text("a '\n電<", min_size=1, max_size=300), max_size=40),
    room=st.integers(min_value=0, max_value=4000),
)
def test_no_facts_take_more_than_their_room(field, texts, room):
    facts = (
        of(field, Value(items=tuple(map(Value, texts)) or (Value("x"),))),
        *(of("size", Value(text)) for text in texts),
    )
    assert size_of(shortened(facts, room, WHOLE)) <= room
