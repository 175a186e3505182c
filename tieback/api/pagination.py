"""Cursor pagination that stays put while rows are added: time and id, or a list's own keys."""

from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.db.models import Field, Model, Q, QuerySet

from tieback.errors import FieldError, ValidationFailed

DEFAULT_PAGE = 50
LARGEST_PAGE = 500


def _signer(model: type[Model], keys: tuple[str, ...]) -> Signer:
    """Return what signs the cursors of one list, so that none is made up or taken elsewhere."""
    return Signer(sep=".", salt=f"tieback.cursor {model.__name__} {' '.join(keys)}")


def _bad_cursor() -> ValidationFailed:
    return ValidationFailed(
        fields=(
            FieldError(
                "cursor", "INVALID", "Send meta.next_cursor of the previous page unchanged."
            ),
        )
    )


def _after(model: type[Model], keys: tuple[str, ...], cursor: str) -> Q:
    """Return the rows that come after ``cursor`` in the order of ``keys``."""
    condition, equal, bound = Q(), Q(), Q()
    try:
        values = _signer(model, keys).unsign_object(cursor)
        for key, text in zip(keys, values, strict=True):
            name = key.removeprefix("-")
            field = cast("Field[Any, Any]", model._meta.get_field(name))  # noqa: SLF001 - documented
            value = field.to_python(text)
            further = Q(**{f"{name}__{'lt' if key.startswith('-') else 'gt'}": value})
            condition |= equal & further
            # Implied by the rest, and what lets an index start where the page does.
            bound = bound or Q(**{f"{name}__{'lte' if key.startswith('-') else 'gte'}": value})
            equal &= Q(**{name: value})
    except (BadSignature, ValidationError, ValueError) as error:
        raise _bad_cursor() from error
    return bound & condition


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
        ordered = ordered.filter(_after(queryset.model, keys, cursor))
    rows = list(ordered[: size + 1])
    has_more = len(rows) > size
    rows = rows[:size]
    following = None
    if has_more:
        values = [str(getattr(rows[-1], key.removeprefix("-"))) for key in keys]
        following = _signer(queryset.model, keys).sign_object(values)
    return rows, {"next_cursor": following, "has_more": has_more}
