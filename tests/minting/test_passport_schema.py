"""The schema files hold what the law lists, in shapes that are safe to store and to show."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import jsonschema_rs
import pytest

from minting import passport_schema
from minting.passport_schema import Field
from minting.readiness import CATEGORIES, Answer, assess, fields, shape_errors
from tests.passports import ready_passport

BY_NAME = {(category, f.name): f for category in CATEGORIES for f in fields(category)}


def raw(name: str) -> dict[str, Any]:
    path = passport_schema._SCHEMAS / f"{name}.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def shapes_in(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "type" in node and isinstance(node["type"], str):
            yield node
        for value in node.values():
            yield from shapes_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from shapes_in(value)


EVERY_SHAPE = [shape for field in BY_NAME.values() for shape in shapes_in(dict(field.shape))]


@pytest.mark.parametrize("name", [*CATEGORIES, "definitions"])
def test_a_schema_file_is_valid_2020_12_and_names_itself(name: str) -> None:
    schema = raw(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["$id"] == f"urn:tieback:schema:{name}:1"


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_version_is_the_one_in_the_id(category: str) -> None:
    schema = raw(category)
    assert schema["$id"].endswith(f":{schema['x-tieback']['version']}")
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("field", BY_NAME.values(), ids=[":".join(key) for key in BY_NAME])
def test_a_field_is_described_in_known_words(field: Field) -> None:
    assert field.requirement in {"mandatory", "optional", "conditional", "pending"}
    assert field.lifecycle in {"static", "dynamic"}
    assert field.access in {"public", "legitimate_interest", "authorities"}
    assert field.label
    assert field.description.endswith(".")
    assert field.source
    static_condition = field.requirement == "conditional" and field.lifecycle == "static"
    assert bool(field.condition) == static_condition == bool(field.when)


def test_text_is_bounded_visible_and_free_of_nul() -> None:
    for shape in EVERY_SHAPE:
        if shape["type"] == "string" and "enum" not in shape and not shape.get("readOnly"):
            assert "maxLength" in shape
            check = passport_schema._validator(shape)
            assert not check.is_valid("")
            assert not check.is_valid(" \n")
            for example in shape.get("examples", ["text"]):
                assert check.is_valid(example)
                assert not check.is_valid(f"{example}\0")


def test_numbers_lists_and_objects_are_bounded() -> None:
    for shape in EVERY_SHAPE:
        if shape["type"] in {"number", "integer"}:
            assert "maximum" in shape
            assert "minimum" in shape or "exclusiveMinimum" in shape
        elif shape["type"] == "array":
            assert shape["maxItems"] <= 1000
        elif shape["type"] == "object":
            assert shape["additionalProperties"] is False
            assert set(shape.get("required", ())) <= set(shape["properties"])


def test_another_validator_can_use_the_files_as_they_are() -> None:
    definitions = raw("definitions")
    registry = jsonschema_rs.Registry([(definitions["$id"], definitions)])
    for category in CATEGORIES:
        validator = jsonschema_rs.Draft202012Validator(raw(category), registry=registry)
        assert validator.is_valid(ready_passport(category))
        assert not validator.is_valid({"nonsense": 1})


def test_the_minimum_without_an_act_stays_small() -> None:
    needed = Counter(
        category
        for (category, _), field in BY_NAME.items()
        if field.requirement == "mandatory" and not field.supplied
    )
    assert needed["textile"] == 11
    assert needed["electronics"] == 12
    assert needed["generic"] == 7


# The 71 data points of the Commission's guidance 1.0 by battery category, restated.
STATIC, DYNAMIC = set(range(1, 51)), set(range(51, 72))
PENDING, OPTIONAL = {17, 18, 19, 44}, {5}
RESTRICTED = {45, 46, 47, 48, 49} | DYNAMIC
AUTHORITIES = {50}
WHERE_APPLICABLE = {57, 58, 68, 69, 70, 71}


class Battery(NamedTuple):
    """What sets a battery category apart."""

    never: set[int]
    conditional: set[int]
    static_mandatory: int


BATTERIES = {
    "battery_ev": Battery({16, 25, 62, 63, 64, 65, 66}, {35, 41} | WHERE_APPLICABLE, 41),
    "battery_lmt": Battery({16, 25, 33, 61}, {35, 41} | WHERE_APPLICABLE, 40),
    "battery_industrial": Battery(
        {16, 25, 33, 61},
        {31, 32, 35, 36, 37, 39, 41} | DYNAMIC - {61, 67},
        35,
    ),
}
POINTS = {
    (category, number): next((f for f in fields(category) if f.data_point == number), None)
    for category in BATTERIES
    for number in range(1, 72)
}
each_battery = pytest.mark.parametrize("category", BATTERIES)


@each_battery
def test_every_data_point_is_one_field_or_is_not_to_be_filled(category: str) -> None:
    never = raw(category)["x-tieback"]["not_applicable"]
    asked = Counter(f.data_point for f in fields(category) if f.data_point)
    assert {entry["data_point"] for entry in never} == BATTERIES[category].never
    assert set(asked) == (STATIC | DYNAMIC) - BATTERIES[category].never
    assert set(asked.values()) == {1}
    assert all(entry["source"] and entry["title"] for entry in never)


@each_battery
def test_data_points_not_to_be_filled_do_not_apply(category: str) -> None:
    names = {e["name"] for e in raw(category)["x-tieback"]["not_applicable"]}
    answers = {a.name: a.answer for a in assess(category, {}).fields}
    assert {answers[name] for name in names} == {Answer.NOT_APPLICABLE}
    assert {p.code for p in shape_errors(category, dict.fromkeys(names, 1))} == {"UNKNOWN_FIELD"}


@pytest.mark.parametrize(
    ("category", "number"), [key for key, field in POINTS.items() if field is not None]
)
def test_a_data_point_has_the_status_the_guidance_gives_it(category: str, number: int) -> None:
    field = POINTS[category, number]
    assert field is not None
    special = [
        ("pending", PENDING),
        ("optional", OPTIONAL),
        ("conditional", BATTERIES[category].conditional),
    ]
    expected = next((status for status, numbers in special if number in numbers), "mandatory")
    assert field.requirement == expected
    assert field.lifecycle == ("dynamic" if number in DYNAMIC else "static")
    restricted = "legitimate_interest" if number in RESTRICTED else "public"
    assert field.access == ("authorities" if number in AUTHORITIES else restricted)
    assert field.source.startswith("Regulation (EU) 2023/1542 ")


@each_battery
def test_the_static_mandatory_data_points_block_and_no_dynamic_or_pending_one_does(
    category: str,
) -> None:
    lacking = {answer.name for answer in assess(category, {}).missing}
    by_name = {field.name: field for field in fields(category)}
    points = {by_name[name].data_point for name in lacking} - {None}
    mandatory = {
        f.data_point
        for f in fields(category)
        if f.data_point and f.lifecycle == "static" and f.requirement == "mandatory"
    }
    assert len(mandatory) == BATTERIES[category].static_mandatory
    assert points == mandatory - {f.data_point for f in fields(category) if f.supplied}
    assert not points & (DYNAMIC | PENDING | OPTIONAL)


def test_the_mandatory_data_points_differ_by_category() -> None:
    def asked(category: str) -> set[int | None]:
        empty = assess(category, {})
        by_name = {field.name: field.data_point for field in fields(category)}
        return {by_name[answer.name] for answer in empty.missing} - {None}

    assert asked("battery_ev") - asked("battery_lmt") == {33}
    assert asked("battery_lmt") - asked("battery_industrial") == {31, 32, 36, 37, 39}
    assert asked("battery_industrial") < asked("battery_lmt") < asked("battery_ev")


@each_battery
def test_a_battery_of_another_category_is_told(category: str) -> None:
    others = {ready_passport(other)["battery_category"] for other in BATTERIES} - {
        ready_passport(category)["battery_category"]
    }
    for other in others:
        (problem,) = shape_errors(category, {"battery_category": other})
        assert problem.field == "battery_category"
