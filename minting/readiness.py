"""Answers whether a product's passport data is complete enough to mint, and what is wrong if not.

Preflight and the product pages call `assess`; saving a draft calls `shape_errors`, which minds only
what is there; the CSV import turns its cells into values with `coerce` first. Nothing here knows
Django, Celery or DRF, so page, API, import and worker get the same answer.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, NoReturn

from minting.field_problems import FieldProblem, problems, read_only, unknown_field
from minting.passport_schema import CATEGORIES, Field, UnknownCategory, load

__all__ = [
    "CATEGORIES",
    "Answer",
    "Field",
    "FieldAnswer",
    "FieldProblem",
    "Readiness",
    "UnknownCategory",
    "assess",
    "coerce",
    "fields",
    "shape_errors",
    "stated",
]


class Answer(StrEnum):
    """What can be said of a field; only MISSING keeps a product from being minted."""

    FILLED = "filled"
    MISSING = "missing"
    NOT_APPLICABLE = "not_applicable"
    NOT_YET_REQUIRED = "not_yet_required"


@dataclass(frozen=True, slots=True)
class FieldAnswer:
    """The answer for one field; `problem` is one sentence where there is something to do."""

    name: str
    label: str
    answer: Answer
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer for every field of a category, under the schema version that was asked."""

    schema_id: str
    schema_version: int
    fields: tuple[FieldAnswer, ...]
    missing: tuple[FieldAnswer, ...]

    @property
    def ready(self) -> bool:
        """Tell whether nothing is missing."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class _Answers:
    """The answers of a field that do not depend on its value, made once."""

    filled: FieldAnswer
    demanded: FieldAnswer
    absent: FieldAnswer


def assess(category: str, dpp: Any) -> Readiness:
    """Answer every field of the category; anything but a JSON object counts as no data at all.

    An optional field left empty is not applicable: the brand has nothing to state. A wrong value
    blocks whatever the field, unless it is one a mint does not wait for, because a passport must
    not publish it.
    """
    schema = load(category)
    ready_made = _ready_made(category)
    given = stated(dpp)
    answers = [_answer(field, ready_made[name], given) for name, field in schema.fields.items()]
    answers += _never_filled(category)
    missing = tuple(a for a in answers if a.answer is Answer.MISSING)
    return Readiness(schema.id, schema.version, tuple(answers), missing)


def shape_errors(category: str, dpp: Any) -> list[FieldProblem]:
    """List what is wrong with the values given; a draft may leave out whatever it likes."""
    schema = load(category)
    if not isinstance(dpp, Mapping):
        return [FieldProblem("dpp", "INVALID_TYPE", "Passport data must be a JSON object.")]
    found: list[FieldProblem] = []
    for name, value in dpp.items():
        field = schema.fields.get(name)
        if field is None:
            found.append(unknown_field(name))
        elif not _is_blank(value):
            found.extend([read_only(field)] if field.supplied else problems(field, value))
    return found


def coerce(
    category: str, cells: Mapping[str, str | None]
) -> tuple[dict[str, Any], list[FieldProblem]]:
    """Turn text cells into values of the types the schema asks for; blank cells say nothing.

    Keys may carry the column prefix `dpp.`. A cell that cannot be read is left out and reported;
    whether a value that was read is right is for `shape_errors` to say.
    """
    schema = load(category)
    dpp: dict[str, Any] = {}
    found: list[FieldProblem] = []
    for column, text in cells.items():
        if text is None or not text.strip():
            continue
        name = column.removeprefix("dpp.")
        field = schema.fields.get(name)
        if field is None:
            found.append(unknown_field(name))
        elif field.supplied:
            found.append(read_only(field))
        else:
            try:
                dpp[name] = _READERS[field.kind](text.strip(), field)
            except (ValueError, RecursionError):
                message = f"{field.label} must be {_cell_words(field)}."
                found.append(FieldProblem(name, "INVALID_TYPE", message))
    return dpp, found


def fields(category: str) -> tuple[Field, ...]:
    """Describe the fields of a category in the order in which people should see them."""
    return tuple(load(category).fields.values())


def stated(dpp: Any) -> dict[str, Any]:
    """Return the fields that say something: without null, blank text and empty groups."""
    if not isinstance(dpp, Mapping):
        return {}
    return {name: value for name, value in dpp.items() if not _is_blank(value)}


def _is_blank(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | dict) and not value)


@cache
def _ready_made(category: str) -> dict[str, _Answers]:
    return {name: _answers(field) for name, field in load(category).fields.items()}


@cache
def _never_filled(category: str) -> tuple[FieldAnswer, ...]:
    schema = load(category)
    return tuple(FieldAnswer(n, t, Answer.NOT_APPLICABLE) for n, t in schema.never_filled.items())


def _answers(field: Field) -> _Answers:
    reason = f"is needed because {field.when}" if field.when else "is not filled in"
    nothing = Answer.NOT_APPLICABLE if field.can_block else Answer.NOT_YET_REQUIRED
    return _Answers(
        filled=FieldAnswer(field.name, field.label, Answer.FILLED),
        demanded=FieldAnswer(field.name, field.label, Answer.MISSING, f"{field.label} {reason}."),
        absent=FieldAnswer(field.name, field.label, nothing),
    )


def _answer(field: Field, answers: _Answers, given: Mapping[str, Any]) -> FieldAnswer:
    if field.supplied:
        return answers.filled
    if field.name not in given:
        return answers.demanded if field.is_demanded(given) else answers.absent
    problem = next(problems(field, given[field.name]), None)
    if problem is None:
        return answers.filled
    answer = Answer.MISSING if field.can_block else Answer.NOT_YET_REQUIRED
    return FieldAnswer(field.name, field.label, answer, problem.message)


_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?\Z")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _takes_text_list(field: Field) -> bool:
    return field.kind == "array" and field.shape["items"]["type"] == "string"


def _text_cell(text: str, _field: Field) -> str:
    return text


def _number_cell(text: str, _field: Field) -> int | float:
    if not _NUMBER.match(text):
        raise ValueError(text)
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _integer_cell(text: str, field: Field) -> int:
    value = _number_cell(text, field)
    if value != int(value):  # 12.0 is how a spreadsheet may write 12
        raise ValueError(text)
    return int(value)


def _boolean_cell(text: str, _field: Field) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError(text)
    return _BOOLEANS[text.lower()]


def _array_cell(text: str, field: Field) -> list[Any]:
    if _takes_text_list(field) and not text.startswith("["):
        return [part.strip() for part in text.split(";") if part.strip()]
    value = _json_cell(text)
    if not isinstance(value, list):
        raise ValueError(text)  # noqa: TRY004 - every unreadable cell is one kind of problem
    return value


def _object_cell(text: str, _field: Field) -> dict[str, Any]:
    value = _json_cell(text)
    if not isinstance(value, dict):
        raise ValueError(text)  # noqa: TRY004
    return value


def _json_cell(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity, which Python reads and PostgreSQL refuses


_READERS: dict[str, Callable[[str, Field], Any]] = {
    "string": _text_cell,
    "number": _number_cell,
    "integer": _integer_cell,
    "boolean": _boolean_cell,
    "array": _array_cell,
    "object": _object_cell,
}


def _cell_words(field: Field) -> str:
    if _takes_text_list(field):
        return "a list separated by semicolons, or a JSON array"
    return {
        "number": "a number with a decimal point, such as 1.5",
        "integer": "a whole number, such as 12",
        "boolean": "true or false",
        "array": "a JSON array",
        "object": "a JSON object",
    }[field.kind]
