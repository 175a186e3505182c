"""Cursor pagination that stays put while rows are added: time and id, or a list's own keys."""

import hashlib
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.db.models import Field, Model, Q, QuerySet

from tieback.errors import FieldError, ValidationFailed

DEFAULT_PAGE = 50
LARGEST_PAGE = 500
NEWEST_FIRST = ("-created_at", "-id")


class _Cursors:
    """Makes and reads the cursors of one list.

    The signature is the list's own, so that none is made up or taken elsewhere. What was asked for
    travels inside, hashed: a cursor of another ordering or of other filters is told from a wrong
    one.
    """

    def __init__(self, model: type[Model], name: str, asked: tuple[str, ...]) -> None:
        self._signer = Signer(sep=".", salt=f"tieback.cursor {model.__name__} {name}")
        told = "\n".join(asked).encode("utf-8", "surrogatepass")
        self._asked = hashlib.sha256(told).hexdigest()[:16]

    def make(self, values: list[str]) -> str:
        """Return the cursor that leads on behind a row with these values of the keys."""
        return self._signer.sign_object([self._asked, *values])

    def read(self, cursor: str, keys: tuple[str, ...]) -> list[str]:
        """Return the values of the keys; refuse what is not a cursor of this list, as asked."""
        try:
            told: list[str] = self._signer.unsign_object(cursor)
            asked, *values = told
        except (BadSignature, ValueError, TypeError) as error:
            raise _bad_cursor() from error
        if asked != self._asked or len(values) != len(keys):
            raise ValidationFailed(
                fields=(
                    FieldError(
                        "cursor",
                        "OTHER_QUERY",
                        "This cursor was given for another ordering or other filters: repeat those,"
                        " or begin again without a cursor.",
                    ),
                )
            )
        return values


def _bad_cursor() -> ValidationFailed:
    return ValidationFailed(
        fields=(
            FieldError(
                "cursor", "INVALID", "Send meta.next_cursor of the previous page unchanged."
            ),
        )
    )


def _after(model: type[Model], keys: tuple[str, ...], values: list[str]) -> Q:
    """Return the rows that come after those ``values`` in the order of ``keys``."""
    condition, equal, bound = Q(), Q(), Q()
    try:
        for key, text in zip(keys, values, strict=True):
            name = key.removeprefix("-")
            field = cast("Field[Any, Any]", model._meta.get_field(name))  # noqa: SLF001 - documented
            value = field.to_python(text)
            further = Q(**{f"{name}__{'lt' if key.startswith('-') else 'gt'}": value})
            condition |= equal & further
            # Implied by the rest, and what lets an index start where the page does.
            bound = bound or Q(**{f"{name}__{'lte' if key.startswith('-') else 'gte'}": value})
            equal &= Q(**{name: value})
    except (ValidationError, ValueError) as error:
        raise _bad_cursor() from error
    return bound & condition


def page_of(
    queryset: QuerySet[Any],
    *,
    keys: tuple[str, ...] = NEWEST_FIRST,
    cursor: str | None,
    size: int = DEFAULT_PAGE,
    name: str = "",
    asked: tuple[str, ...] = (),
) -> tuple[list[Any], dict[str, Any]]:
    """Return one page in the order of ``keys`` and its ``meta`` (``next_cursor``, ``has_more``).

    ``name`` is the list's, ``asked`` what the caller asked of it: a cursor leads on only where
    both are the same.
    """
    cursors = _Cursors(queryset.model, name, (*keys, *asked))
    ordered = queryset.order_by(*keys)
    if cursor:
        ordered = ordered.filter(_after(queryset.model, keys, cursors.read(cursor, keys)))
    rows = list(ordered[: size + 1])
    has_more = len(rows) > size
    rows = rows[:size]
    following = None
    if has_more:
        values = [str(getattr(rows[-1], key.removeprefix("-"))) for key in keys]
        following = cursors.make(values)
    return rows, {"next_cursor": following, "has_more": has_more}
