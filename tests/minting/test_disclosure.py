"""No field reaches a class of reader that it is not open to, whatever is stored."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minting.disclosure import OPENS, Access, disclosed
from minting.passport_schema import CATEGORIES, load
from resolver.facts import facts_of
from tests.passports import ready_passport


@st.composite
def stored(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A category and data under its fields' names, its neighbours' and nobody's, shaped anyhow."""
    category = draw(st.sampled_from(CATEGORIES))
    names = st.sampled_from(sorted({*load(category).fields, *load("battery_ev").fields, "cost"}))
    inner = st.sampled_from(["name", "city", "country", "role", "report", "document", "secret"])
    shapes = st.recursive(
        st.none(),
        lambda below: st.lists(below, max_size=2) | st.dictionaries(inner, below, max_size=2),
        max_leaves=4,
    )
    drawn = draw(st.dictionaries(names, shapes, max_size=6))
    return category, marked(drawn, count())


def marked(value: Any, numbers: Iterator[int]) -> Any:
    """Put a word at every end that belongs to this place and to no other."""
    if isinstance(value, dict):
        return {name: marked(inner, numbers) for name, inner in value.items()}
    if isinstance(value, list):
        return [marked(inner, numbers) for inner in value]
    return f"<mark {next(numbers)}>"


def marks_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {mark for inner in value.values() for mark in marks_in(inner)}
    if isinstance(value, list):
        return {mark for inner in value for mark in marks_in(inner)}
    return {value}


@given(stored(), st.sampled_from(Access))
def test_nothing_of_a_class_that_is_not_open_is_told(data: tuple[str, dict[str, Any]], held):
    category, dpp = data
    fields = load(category).fields
    closed = {
        mark
        for name, value in dpp.items()
        if name not in fields
        or fields[name].access not in OPENS[held]
        or fields[name].lifecycle != "static"
        for mark in marks_in(value)
    }
    told = disclosed(category, dpp, held)
    text = json.dumps([value for _, value in told]) + repr(facts_of(told))
    assert not [mark for mark in closed if mark in text]


@given(stored(), st.sampled_from(Access))
def test_no_key_that_the_schema_does_not_know_is_told(data: tuple[str, dict[str, Any]], held):
    for field, value in disclosed(*data, held):
        assert keys_in(value) <= keys_of(field.shape)


def keys_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {*value, *(key for inner in value.values() for key in keys_in(inner))}
    return {key for inner in value for key in keys_in(inner)} if isinstance(value, list) else set()


def keys_of(shape: dict[str, Any]) -> set[str]:
    parts = shape.get("properties", {})
    below = [*parts.values(), *([shape["items"]] if "items" in shape else [])]
    return {*parts, *(key for inner in below for key in keys_of(inner))}


@given(stored())
def test_more_access_never_tells_less(data: tuple[str, dict[str, Any]]):
    told = {held: {field.name for field, _ in disclosed(*data, held)} for held in Access}
    for held, opened in OPENS.items():
        for lower in opened:
            assert told[lower] <= told[held]


def test_the_classes_form_a_lattice_over_those_of_the_schemas():
    known = {f.access for category in CATEGORIES for f in load(category).fields.values()}
    assert known == set(Access)
    for held, opened in OPENS.items():
        assert {Access.PUBLIC, held} <= opened
        assert all(OPENS[lower] <= opened for lower in opened), "what opens a class opens its own"


@pytest.mark.parametrize("category", ["battery_ev", "battery_lmt", "battery_industrial"])
def test_each_class_is_told_what_the_regulation_gives_it(category):
    """Static points: 1 for all, 2 for both other classes, 3 for authorities; Annex XIII."""
    fields = load(category).fields.values()
    static = {f.name: f.source for f in fields if f.lifecycle == "static"}
    told = {
        held: {field.name for field, _ in disclosed(category, dict.fromkeys(static, "x"), held)}
        for held in Access
    }
    second = {name for name, source in static.items() if "Annex XIII 2" in source}
    third = {name for name, source in static.items() if source.endswith("Annex XIII 3")}
    assert second
    assert third
    assert told[Access.LEGITIMATE_INTEREST] - told[Access.PUBLIC] == second
    assert told[Access.AUTHORITIES] - told[Access.PUBLIC] == second | third


def test_an_unknown_category_or_no_data_tells_nothing():
    for held in Access:
        assert disclosed("no-such", {"a": 1}, held) == ()
        assert disclosed("generic", None, held) == ()


def test_values_are_told_as_they_were_given():
    passport = ready_passport("battery_ev")
    for field, value in disclosed("battery_ev", passport, Access.AUTHORITIES):
        assert value == passport[field.name]
