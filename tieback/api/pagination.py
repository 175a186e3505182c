"""Cursor pagination that stays put while rows are added: time and id, or a list's own keys."""

import base64
import binascii
import json
from typing import Any

from django.db.models import Model, Q, QuerySet

from tieback.errors import FieldError, ValidationFailed

DEFAULT_PAGE = 50
LARGEST_PAGE = 500


def _encode(values: list[Any]) -> str:
    text = json.dumps([str(value) for value in values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _bad_cursor() -> ValidationFailed:
    return ValidationFailed(
        fields=(
            FieldError("cursor", "INVALID", "Send meta.next_cursor of the previous page unchanged."),
        )
    )


def _decode(cursor: str, width: int) -> list[str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error, UnicodeError, RecursionError) as error:
        raise _bad_cursor() from error
    well_formed = (
        isinstance(values, list)
        and len(values) == width
        and all(isinstance(value, str) and "\x00" not in value for value in values)
    )
    if not well_formed:
        raise _bad_cursor()
    return values


def _after(model: type[Model], keys: tuple[str, ...], values: list[str]) -> Q:
    """Return the rows that come after ``values`` in the order of ``keys``."""
    condition, equal = Q(), Q()
    for key, text in zip(keys, values, strict=True):
        name = key.removeprefix("-")
        try:
            value = model._meta.get_field(name).to_python(text)
        except Exception as error:
            raise _bad_cursor() from error
        further = Q(**{f"{name}__{'lt' if key.startswith('-') else 'gt'}": value})
        condition |= equal & further
        equal &= Q(**{name: value})
    return condition


def page_of(
    queryset: QuerySet[Any],
    *,
    keys: tuple[str, ...] = ("-created_at", "-id"),
    cursor: str | None,
    size: int = DEFAULT_PAGE,
) -> tuple[list[Any], dict[str, Any]]:
    """Return one page in the order of ``keys`` and its ``meta`` (``next_cursor``, ``has_more``)."""
    ordered = queryset.order_by(*keys)
    if cursor:
        ordered = ordered.filter(_after(queryset.model, keys, _decode(cursor, len(keys))))
    rows = list(ordered[: size + 1])
    has_more = len(rows) > size
    rows = rows[:size]
    following = (
        _encode([getattr(rows[-1], key.removeprefix("-")) for key in keys]) if has_more else None
    )
    return rows, {"next_cursor": following, "has_more": has_more}
