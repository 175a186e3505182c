"""The schema files hold what the law lists, in shapes that are safe to store and to show."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

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


def test_the_textile_and_generic_minimum_stays_small() -> None:
    needed = Counter(
        category
        for (category, _), field in BY_NAME.items()
        if field.requirement == "mandatory" and not field.supplied
    )
    assert needed["textile"] == 11
    assert needed["generic"] == 7


# The 71 data points of the Commission's guidance for electric vehicle batteries, restated.
EV_NEVER = {16, 25, 62, 63, 64, 65, 66}
EV_PENDING = {17, 18, 19, 44}
EV_OPTIONAL = {5}
EV_CONDITIONAL = {35, 41, 57, 58, 68, 69, 70, 71}
EV_DYNAMIC = set(range(51, 72))
EV_RESTRICTED = {45, 46, 47, 48, 49} | EV_DYNAMIC
EV_AUTHORITIES = {50}

EV_POINTS = {f.data_point: f for f in fields("battery_ev") if f.data_point}


def test_every_data_point_is_a_field_or_is_not_to_be_filled() -> None:
    never = {e["data_point"] for e in raw("battery_ev")["x-tieback"]["not_applicable"]}
    assert never == EV_NEVER
    assert set(EV_POINTS) == set(range(1, 72)) - EV_NEVER
    assert len([f for f in fields("battery_ev") if f.data_point]) == len(EV_POINTS)


def test_data_points_not_to_be_filled_do_not_apply() -> None:
    names = {e["name"] for e in raw("battery_ev")["x-tieback"]["not_applicable"]}
    answers = {a.name: a.answer for a in assess("battery_ev", {}).fields}
    assert {answers[name] for name in names} == {Answer.NOT_APPLICABLE}
    assert [p.code for p in shape_errors("battery_ev", dict.fromkeys(names, 1))] == (
        ["UNKNOWN_FIELD"] * 7
    )


@pytest.mark.parametrize("number", sorted(EV_POINTS))
def test_a_data_point_has_the_status_the_guidance_gives_it(number: int) -> None:
    field = EV_POINTS[number]
    special = [
        ("pending", EV_PENDING),
        ("optional", EV_OPTIONAL),
        ("conditional", EV_CONDITIONAL),
    ]
    expected = next((status for status, numbers in special if number in numbers), "mandatory")
    assert field.requirement == expected
    assert field.lifecycle == ("dynamic" if number in EV_DYNAMIC else "static")
    restricted = "legitimate_interest" if number in EV_RESTRICTED else "public"
    assert field.access == ("authorities" if number in EV_AUTHORITIES else restricted)


def test_forty_one_static_data_points_are_mandatory() -> None:
    static = [f for f in EV_POINTS.values() if f.lifecycle == "static"]
    assert sum(f.requirement == "mandatory" for f in static) == 41
