"""Finds what is wrong with one passport value and says it in the words of brand staff.

The validator's own messages quote schema internals and the whole value; here each finding becomes a
code for machines and one sentence that names the field, the entry and what would be right.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from jsonschema_rs import ValidationError

from minting.passport_schema import Field

_PROBLEMS_PER_FIELD = 5
_LONGEST_LISTING = 16
_LONGEST_QUOTE = 60

_TYPE_WORDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a group of named values",
}
_COMPLAINTS = {
    "type": ("INVALID_TYPE", "must be {}"),
    "enum": ("INVALID_CHOICE", "must be one of {}"),
    "pattern": ("INVALID_FORMAT", "must {}"),
    "format": ("INVALID_FORMAT", "must {}"),
    "minimum": ("MIN_VALUE", "must be at least {}"),
    "exclusiveMinimum": ("MIN_VALUE", "must be more than {}"),
    "maximum": ("MAX_VALUE", "must be at most {}"),
    "minLength": ("MIN_LENGTH", "must not be empty"),
    "maxLength": ("MAX_LENGTH", "must have at most {} characters"),
    "minItems": ("MIN_LENGTH", "must have at least {} entries"),
    "maxItems": ("MAX_LENGTH", "must have at most {} entries"),
    "minProperties": ("REQUIRED", "must state at least {} of its parts"),
    "uniqueItems": ("NOT_UNIQUE", "must not name the same thing twice"),
    "required": ("REQUIRED", "lacks its {}"),
    "additionalProperties": ("UNKNOWN_FIELD", "has no part called {}"),
}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with a value that was given."""

    field: str
    code: str
    message: str


def problems(field: Field, value: Any) -> Iterator[FieldProblem]:
    """Yield what is wrong with a value that is there, the first few findings only."""
    try:
        valid = field.validator.is_valid(value)  # several times faster than collecting nothing
        findings = () if valid else field.validator.iter_errors(value)
        errors = list(islice(findings, _PROBLEMS_PER_FIELD))
    except (ValueError, RecursionError):
        # Lone surrogates, numbers of thousands of digits, hundreds of levels: never data.
        message = f"{field.label} cannot be read: enter it again as plain text and numbers."
        yield FieldProblem(field.name, "UNREADABLE", message)
        return
    for error in errors:
        yield _explained(field, error)
    if valid and field.total:
        yield from _wrong_totals(field, field.total, value)


def unknown_field(name: object) -> FieldProblem:
    """Report a name the category does not know, cut short and safe to print."""
    # Half a surrogate pair is legal in JSON text and would break the answer that quotes it.
    shown = str(name)[:_LONGEST_QUOTE].encode("utf-8", "replace").decode()
    return FieldProblem(shown, "UNKNOWN_FIELD", f"There is no passport field {shown!r}.")


def read_only(field: Field) -> FieldProblem:
    """Report a value given for a field the system fills in itself."""
    message = f"{field.label} is filled in at minting: leave it out."
    return FieldProblem(field.name, "READ_ONLY", message)


def _wrong_totals(
    field: Field, total: Mapping[str, Any], entries: list[dict[str, Any]]
) -> Iterator[FieldProblem]:
    parts: defaultdict[str, list[float]] = defaultdict(list)
    for entry in entries:
        parts[entry.get(total["by"], "")].append(entry[total["of"]])
    for part, shares in parts.items():
        found = math.fsum(shares)
        # 1e-9 forgives the binary fractions of 99.9, not a missing share.
        if abs(found - total["equals"]) > total["tolerance"] + 1e-9:
            where = f"{field.label} of {part[:_LONGEST_QUOTE]!r}" if part else field.label
            message = f"{where} must add up to {total['equals']} %, not {found:.10g} %."
            yield FieldProblem(field.name, "INVALID_TOTAL", message)


def _explained(field: Field, error: ValidationError) -> FieldProblem:
    code, complaint = _COMPLAINTS.get(error.kind.name, ("INVALID", "is not acceptable"))
    steps = (
        f"entry {step + 1}" if isinstance(step, int) else step.replace("_", " ")
        for step in error.instance_path
    )
    where = ", ".join([field.label, *steps])
    message = f"{where} {complaint.format(_detail(field, error))}."
    return FieldProblem(field.name, code, message)


def _detail(field: Field, error: ValidationError) -> str:
    keyword, value = error.kind.name, error.kind.value
    if keyword == "type":
        return _TYPE_WORDS[value[0]]
    if keyword == "enum":
        return _choices(_shape_at(field, error))
    if keyword in {"pattern", "format"}:
        return _expected_form(_shape_at(field, error))
    if keyword == "additionalProperties":
        return repr(value[0][:_LONGEST_QUOTE])
    return str(value).replace("_", " ")


def _choices(shape: Mapping[str, Any]) -> str:
    choices = shape["enum"]
    if len(choices) <= _LONGEST_LISTING:
        return ", ".join(choices)
    return f"the {len(choices)} known values, for example {shape['examples'][0]!r}"


def _expected_form(shape: Mapping[str, Any]) -> str:
    if shape.get("format") == "uri":
        return "be a complete web address, for example https://nordhav.example/manual"
    if "examples" in shape:
        return f"look like {shape['examples'][0]}"
    return "hold visible text"


def _shape_at(field: Field, error: ValidationError) -> Mapping[str, Any]:
    shape: Any = field.shape
    for step in error.schema_path[:-1]:
        shape = shape[step]
    return dict(shape)
