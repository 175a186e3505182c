"""Says what may be changed of a passport after minting, and lists what may not. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from minting.catalogue.differences import differences
from minting.field_problems import FieldProblem
from minting.passport_schema import load
from minting.readiness import assess, stated


def merged(present: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return passport data with these fields in place of theirs; one that is null is taken away."""
    return stated({**present, **changed})


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the fields that differ, sorted."""
    return tuple(sorted({one.field for one in differences(before, after)}))


def immutable(category: str, names: tuple[str, ...]) -> Iterator[FieldProblem]:
    """Yield those fields that stay as they were at minting; what is unknown stays too."""
    fields = load(category).fields
    for name in names:
        field = fields.get(name)
        if field is None or not field.is_mutable:
            label = field.label if field else name
            message = f"{label} is fixed at minting: it cannot be changed afterwards."
            yield FieldProblem(name, "IMMUTABLE", message)


def newly_missing(
    category: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[FieldProblem]:
    """Yield fields that a mint needs and that the change would take away or spoil."""
    lacking = {answer.name for answer in assess(category, before).missing}
    for answer in assess(category, after).missing:
        if answer.name not in lacking:
            yield FieldProblem(answer.name, "MISSING", answer.problem)
