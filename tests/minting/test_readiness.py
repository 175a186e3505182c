"""What keeps a passport from being minted, asked field by field."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minting.readiness import (
    CATEGORIES,
    Answer,
    FieldAnswer,
    UnknownCategory,
    assess,
    coerce,
    fields,
    shape_errors,
)
from tests.passports import ready_passport

BY_NAME = {(category, f.name): f for category in CATEGORIES for f in fields(category)}


def named(*, can_block: bool, requirement: str | None = None) -> list[tuple[str, str]]:
    return [
        key
        for key, field in BY_NAME.items()
        if field.can_block == can_block
        and not field.supplied
        and requirement in {None, field.requirement}
    ]


def answer_for(category: str, dpp: Any, name: str) -> FieldAnswer:
    return next(a for a in assess(category, dpp).fields if a.name == name)


def missing_names(category: str, dpp: Any) -> list[str]:
    return [a.name for a in assess(category, dpp).missing]


def messages(category: str, **values: Any) -> list[str]:
    return [problem.message for problem in shape_errors(category, values)]


# A value that fits each field, for those that the ready examples leave out.
FITTING = {
    "responsible_operator": {"name": "Nordhav ApS", "role": "importer"},
    "substances_of_concern": [{"name": "Lead", "cas_number": "7439-92-1", "percentage": 0.2}],
    "recycled_content_evidence": "GRS certificate 1",
    "warranty_months": 96,
    "heavy_metal_symbols": ["Pb"],
    "expected_cycles": 6000,
    "cycle_life_reference_test": "IEC 62620",
    "cycle_test_c_rate": 0.5,
    "round_trip_efficiency_percent": 95,
    "round_trip_efficiency_half_life_percent": 90.5,
    "battery_replacement": "end_user",
    "energy_class": "B",
    "energy_register_number": "1234567",
}


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_complete_passport_is_ready(category: str) -> None:
    readiness = assess(category, ready_passport(category))
    assert readiness.ready
    assert readiness.missing == ()
    assert readiness.schema_id == f"urn:tieback:schema:{category}:1"
    assert readiness.schema_version == 1


@pytest.mark.parametrize(("category", "name"), named(can_block=True, requirement="mandatory"))
def test_a_mandatory_field_left_out_is_missing_and_nothing_else_is(
    category: str, name: str
) -> None:
    dpp = ready_passport(category)
    del dpp[name]
    readiness = assess(category, dpp)
    assert not readiness.ready
    assert [a.name for a in readiness.missing] == [name]
    assert readiness.missing[0].problem == f"{BY_NAME[category, name].label} is not filled in."


@pytest.mark.parametrize("nothing", [None, "", " \t\n", "\u2003", [], {}])
@pytest.mark.parametrize("category", CATEGORIES)
def test_a_blank_value_counts_as_left_out(category: str, nothing: Any) -> None:
    dpp = ready_passport(category) | {"manufacturer_name": nothing}
    assert missing_names(category, dpp) == ["manufacturer_name"]
    assert shape_errors(category, dpp) == []


@pytest.mark.parametrize("answered", [False, 0])
def test_no_and_zero_are_answers(answered: Any) -> None:
    name = "recycled_lead_percent" if answered is not False else "contains_cadmium_or_lead"
    dpp = ready_passport("battery_ev") | {name: answered}
    assert assess("battery_ev", dpp).ready


@pytest.mark.parametrize(("category", "name"), named(can_block=False))
def test_dynamic_and_pending_fields_are_not_required_yet(category: str, name: str) -> None:
    dpp = ready_passport(category)
    dpp.pop(name, None)
    assert answer_for(category, dpp, name).answer is Answer.NOT_YET_REQUIRED
    assert assess(category, dpp).ready


@pytest.mark.parametrize(("category", "name"), named(can_block=False))
def test_a_wrong_dynamic_or_pending_value_is_named_but_does_not_block(
    category: str, name: str
) -> None:
    dpp = ready_passport(category) | {name: {"no": "such shape"}}
    answer = answer_for(category, dpp, name)
    assert answer.answer is Answer.NOT_YET_REQUIRED
    assert answer.problem
    assert assess(category, dpp).ready


@pytest.mark.parametrize(("category", "name"), named(can_block=True, requirement="optional"))
def test_an_optional_field_left_out_does_not_apply(category: str, name: str) -> None:
    dpp = ready_passport(category)
    dpp.pop(name, None)
    assert answer_for(category, dpp, name).answer is Answer.NOT_APPLICABLE
    assert assess(category, dpp).ready


@pytest.mark.parametrize(("category", "name"), named(can_block=True))
def test_a_wrong_value_is_missing_and_says_why(category: str, name: str) -> None:
    dpp = ready_passport(category) | {name: {"no": "such shape"}}
    answer = answer_for(category, dpp, name)
    assert answer in assess(category, dpp).missing
    assert answer.problem.startswith(BY_NAME[category, name].label)
    assert answer.problem.endswith(".")
    assert "such shape" not in answer.problem


BATTERIES = ("battery_ev", "battery_lmt", "battery_industrial")
WITHOUT_AN_ACT = ("textile", "electronics", "generic")
CONDITIONS = [
    *(
        (category, "substances_of_concern", {"contains_substances_of_concern": True})
        for category in WITHOUT_AN_ACT
    ),
    *((category, "warranty_months", {"commercial_warranty": True}) for category in BATTERIES),
    *(
        (category, "heavy_metal_symbols", {"contains_cadmium_or_lead": True})
        for category in BATTERIES
    ),
    *(
        ("battery_industrial", name, {"lifetime_in_cycles": True})
        for name in ("expected_cycles", "cycle_life_reference_test", "cycle_test_c_rate")
    ),
    *(
        ("battery_industrial", name, {"round_trip_efficiency_applies": True})
        for name in (
            "round_trip_efficiency_percent",
            "round_trip_efficiency_half_life_percent",
        )
    ),
    ("electronics", "battery_replacement", {"contains_battery": True}),
    (
        "electronics",
        "energy_class",
        {"energy_label": True, "energy_register_number": "1234567"},
    ),
    ("electronics", "energy_register_number", {"energy_label": True, "energy_class": "B"}),
    *(
        (
            category,
            "responsible_operator",
            {
                "manufacturer_address": {
                    "street": "14 Loom Road",
                    "city": "Bengaluru",
                    "country": "IN",
                }
            },
        )
        for category in WITHOUT_AN_ACT
    ),
    (
        "textile",
        "recycled_content_evidence",
        {
            "fibre_composition": [
                {"fibre": "cotton", "percentage": 50},
                {"fibre": "polyester", "percentage": 50, "recycled_percentage": 30},
            ]
        },
    ),
]


def test_every_static_condition_has_a_case_here() -> None:
    conditional = set(named(can_block=True, requirement="conditional"))
    assert conditional == {(category, name) for category, name, _ in CONDITIONS}


@pytest.mark.parametrize(("category", "name", "cause"), CONDITIONS)
def test_a_conditional_field_is_needed_only_with_its_cause(
    category: str, name: str, cause: dict[str, Any]
) -> None:
    without = {k: v for k, v in ready_passport(category).items() if k != name}
    without |= {k: False for k in cause if isinstance(cause[k], bool)}
    assert answer_for(category, without, name).answer is Answer.NOT_APPLICABLE

    asked = answer_for(category, without | cause, name)
    assert asked.answer is Answer.MISSING
    assert f"{asked.label} is needed because" in asked.problem
    assert missing_names(category, without | cause) == [name]

    assert assess(category, without | cause | {name: FITTING[name]}).ready


def test_every_gap_is_listed_at_once() -> None:
    mandatory = [name for _, name in named(can_block=True, requirement="mandatory")]
    expected = [f.name for f in fields("battery_ev") if f.name in mandatory and f.can_block]
    blocking = [name for name in expected if BY_NAME["battery_ev", name].requirement == "mandatory"]
    assert missing_names("battery_ev", {}) == blocking


@pytest.mark.parametrize("nonsense", [None, [], "text", 7, True])
def test_anything_but_an_object_is_no_passport_data(nonsense: Any) -> None:
    assert assess("generic", nonsense) == assess("generic", {})
    assert [p.code for p in shape_errors("generic", nonsense)] == ["INVALID_TYPE"]


def test_what_tieback_supplies_is_filled_and_cannot_be_set() -> None:
    supplied = [f.name for f in fields("battery_ev") if f.supplied]
    assert supplied == ["unique_identifier", "model_identification"]
    for name in supplied:
        assert answer_for("battery_ev", {}, name).answer is Answer.FILLED
        assert [p.code for p in shape_errors("battery_ev", {name: "mine"})] == ["READ_ONLY"]


def test_an_unknown_category_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownCategory, match=", ".join(CATEGORIES)):
        assess("../textile", {})


COTTON = {"fibre": "cotton", "percentage": 60}


def test_fibre_shares_must_make_a_hundred() -> None:
    short = [COTTON, {"fibre": "linen", "percentage": 37}]
    assert messages("textile", fibre_composition=short) == [
        "Fibre composition must add up to 100 %, not 97 %."
    ]


def test_thirds_rounded_to_one_decimal_make_a_hundred() -> None:
    thirds = [{"fibre": fibre, "percentage": 33.3} for fibre in ("cotton", "linen", "hemp")]
    assert messages("textile", fibre_composition=thirds) == []


def test_each_component_makes_its_own_hundred() -> None:
    shell = {"fibre": "wool", "percentage": 100, "component": "shell"}
    lining = {"fibre": "silk", "percentage": 90, "component": "lining"}
    assert messages("textile", fibre_composition=[shell, lining]) == [
        "Fibre composition of 'lining' must add up to 100 %, not 90 %."
    ]


@pytest.mark.parametrize(
    ("category", "values", "message"),
    [
        ("textile", {"size": 7}, "Size must be text."),
        ("textile", {"size": "\0"}, "Size must hold visible text."),
        ("textile", {"size": "x" * 201}, "Size must have at most 200 characters."),
        (
            "textile",
            {"fabric_construction": "felt"},
            "Fabric construction must be one of knitted, denim, woven, nonwoven.",
        ),
        (
            "textile",
            {"country_of_manufacture": "UK"},
            "Country of manufacture must be one of the 249 known values, for example 'DK'.",
        ),
        (
            "textile",
            {"fibre_composition": [COTTON, {"fibre": "linen"}]},
            "Fibre composition, entry 2 lacks its percentage.",
        ),
        (
            "textile",
            {"fibre_composition": [{"fibre": "cotton", "percentage": 0}]},
            "Fibre composition, entry 1, percentage must be more than 0.",
        ),
        (
            "textile",
            {"fibre_composition": [{"fibre": "cotton", "percentage": 101}]},
            "Fibre composition, entry 1, percentage must be at most 100.",
        ),
        (
            "textile",
            {"certifications": ["GOTS", "GOTS"]},
            "Certifications must not name the same thing twice.",
        ),
        ("textile", {"commodity_code": "6109"}, "Commodity code must look like 61091000."),
        (
            "generic",
            {"manufacturer_contact": {"fax": "1"}},
            "Manufacturer's contact has no part called 'fax'.",
        ),
        (
            "generic",
            {"manufacturer_contact": {"website": "javascript:alert(1)"}},
            (
                "Manufacturer's contact, website must be a complete web address, "
                "for example https://nordhav.example/manual."
            ),
        ),
        (
            "battery_ev",
            {"manufacturing_month": "2026-13"},
            "Month of manufacture must look like 2026-09.",
        ),
        ("battery_ev", {"expected_cycles": 0}, "Expected lifetime in cycles must be at least 1."),
        (
            "battery_ev",
            {"expected_cycles": 1.5},
            "Expected lifetime in cycles must be a whole number.",
        ),
        (
            "battery_ev",
            {"commercial_warranty": "yes"},
            "Commercial warranty offered must be true or false.",
        ),
        (
            "battery_ev",
            {"negative_events": [{"date": "2026-02-30", "event": "fall"}]},
            "Negative events, entry 1, date must look like 2026-09-30.",
        ),
    ],
)
def test_a_wrong_value_is_explained_in_one_sentence(
    category: str, values: dict[str, Any], message: str
) -> None:
    assert messages(category, **values) == [message]


def test_a_draft_may_leave_everything_out_but_not_invent_fields() -> None:
    assert shape_errors("textile", {}) == []
    problems = shape_errors("textile", {"fiber_composition": []})
    assert [(p.field, p.code) for p in problems] == [("fiber_composition", "UNKNOWN_FIELD")]


@pytest.mark.parametrize("name", ["\ud800", "x" * 10_000, "\0"])
def test_an_unknown_name_can_be_quoted_back_whatever_it_holds(name: str) -> None:
    (problem,) = shape_errors("generic", {name: 1})
    assert len(json.dumps([problem.field, problem.message], ensure_ascii=False).encode()) < 400


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    "hostile",
    [nested(300), nested(100_000), {"name": nested(900)}, [nested(900)], "\ud800", ["\udfff"]],
)
@pytest.mark.parametrize("category", CATEGORIES)
def test_hostile_values_are_refused_everywhere_and_break_nothing(
    category: str, hostile: Any
) -> None:
    names = [f.name for f in fields(category) if not f.supplied]
    dpp = dict.fromkeys(names, hostile)
    assert {p.field for p in shape_errors(category, dpp)} == set(names)
    assert not assess(category, dpp).ready


@pytest.mark.parametrize("number", [10**400, -(10**5000), 1e308, math.inf, -math.inf], ids=range(5))
def test_numbers_beyond_reason_are_refused(number: float) -> None:
    assert {p.field for p in shape_errors("battery_ev", {"weight_kg": number})} == {"weight_kg"}


def test_a_condition_over_unreadable_data_asks_for_the_field() -> None:
    address = ready_passport("textile")["manufacturer_address"] | {"country": "\ud800"}
    dpp = ready_passport("textile") | {"manufacturer_address": address}
    assert missing_names("textile", dpp) == ["manufacturer_address", "responsible_operator"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CATEGORIES), st.data())
def test_any_json_gets_an_answer_for_every_field(category: str, data: st.DataObject) -> None:
    names = st.sampled_from([f.name for f in fields(category)]) | st.text()
    dpp = data.draw(st.dictionaries(names, json_values, max_size=8))
    readiness = assess(category, dpp)
    assert [a.name for a in readiness.fields][: len(fields(category))] == [
        f.name for f in fields(category)
    ]
    assert readiness.ready == (Answer.MISSING not in {a.answer for a in readiness.fields})
    wrong = {p.field for p in shape_errors(category, dpp)}
    for answer in readiness.fields:
        if answer.answer is Answer.FILLED and not BY_NAME[category, answer.name].supplied:
            assert answer.name in dpp
            assert answer.name not in wrong
    json.dumps([p.message for p in shape_errors(category, dpp)], ensure_ascii=False).encode()


@pytest.mark.parametrize("category", CATEGORIES)
def test_cells_written_from_a_passport_read_back_the_same(category: str) -> None:
    dpp = ready_passport(category)
    cells = {
        f"dpp.{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in dpp.items()
    }
    assert coerce(category, cells) == (dpp, [])


@pytest.mark.parametrize(
    ("cell", "text", "value"),
    [
        ("weight_kg", " 412.5 ", 412.5),
        ("weight_kg", "412", 412),
        ("expected_cycles", "3500.0", 3500),
        ("expected_cycles", "1e3", 1000),
        ("commercial_warranty", "TRUE", True),
        ("commercial_warranty", "no", False),
        ("extinguishing_agents", "Water; CO2 ;", ["Water", "CO2"]),
        ("extinguishing_agents", '["Water; much of it"]', ["Water; much of it"]),
        ("internal_resistance", '{"cell_ohm": 0.1}', {"cell_ohm": 0.1}),
        ("manufacturing_month", "2026-10", "2026-10"),
        ("chemistry", "123", "123"),
    ],
)
def test_a_cell_becomes_what_the_schema_asks_for(cell: str, text: str, value: Any) -> None:
    dpp, problems = coerce("battery_ev", {f"dpp.{cell}": text})
    assert (dpp, problems) == ({cell: value}, [])
    assert type(dpp[cell]) is type(value)


@pytest.mark.parametrize(
    ("cell", "text", "wanted"),
    [
        ("weight_kg", "412,5", "a number with a decimal point, such as 1.5"),
        ("weight_kg", "NaN", "a number with a decimal point, such as 1.5"),
        ("weight_kg", "1_000", "a number with a decimal point, such as 1.5"),
        ("weight_kg", "9" * 5000, "a number with a decimal point, such as 1.5"),
        ("expected_cycles", "1.5", "a whole number, such as 12"),
        ("commercial_warranty", "maybe", "true or false"),
        ("power_limits", "600 W", "a JSON array"),
        ("power_limits", "{}", "a JSON array"),
        ("power_limits", "[NaN]", "a JSON array"),
        ("power_limits", "[" * 100_000, "a JSON array"),
        ("extinguishing_agents", "[1", "a list separated by semicolons, or a JSON array"),
        ("internal_resistance", "[1]", "a JSON object"),
    ],
)
def test_an_unreadable_cell_is_reported_and_left_out(cell: str, text: str, wanted: str) -> None:
    dpp, problems = coerce("battery_ev", {cell: text})
    assert dpp == {}
    label = BY_NAME["battery_ev", cell].label
    assert [(p.field, p.message) for p in problems] == [(cell, f"{label} must be {wanted}.")]


def test_blank_cells_say_nothing_even_under_unknown_columns() -> None:
    cells = {"dpp.size": "  ", "dpp.colour": None, "dpp.nonsense": ""}
    assert coerce("textile", cells) == ({}, [])


def test_cells_for_unknown_and_supplied_fields_are_reported() -> None:
    dpp, problems = coerce("battery_ev", {"dpp.nonsense": "1", "dpp.unique_identifier": "1"})
    assert dpp == {}
    assert [p.code for p in problems] == ["UNKNOWN_FIELD", "READ_ONLY"]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(BY_NAME)), st.text())
def test_any_text_in_any_cell_is_read_or_reported(key: tuple[str, str], text: str) -> None:
    category, name = key
    dpp, problems = coerce(category, {name: text})
    assert len(dpp) + len(problems) == bool(text.strip())
    shape_errors(category, dpp)
