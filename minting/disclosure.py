"""Decides which passport data whom may be told. Pure.

Everybody may read what is public. Beyond that there are classes of access, each with its own
fields: persons with a legitimate interest, and authorities (Regulation (EU) 2023/1542, Article 77
(2)). The classes form a lattice, and ``OPENS`` is all of it. A field is told where its category's
schema gives it a class that is open and calls it fixed at manufacture; what the schema does not
know, at whatever depth, is told to nobody, so data can never leak by being stored.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db.models import TextChoices

from minting.passport_schema import Field, UnknownCategory, load
from minting.readiness import stated


class Access(TextChoices):
    """A class of access, named as the schemas name the class of a field."""

    PUBLIC = "public", "Public"
    LEGITIMATE_INTEREST = "legitimate_interest", "Legitimate interest"
    AUTHORITIES = "authorities", "Authorities"


#: The classes whose fields each class may read. Of what is for persons with a legitimate interest,
#: authorities read what is fixed at manufacture (Annex XIII, point 2), and that is all there is
#: here: the use of the single battery (point 4) is no static field.
OPENS: Mapping[Access, frozenset[Access]] = {
    Access.PUBLIC: frozenset({Access.PUBLIC}),
    Access.LEGITIMATE_INTEREST: frozenset({Access.PUBLIC, Access.LEGITIMATE_INTEREST}),
    Access.AUTHORITIES: frozenset(Access),
}


class Told(NamedTuple):
    """A field that may be told, with its value."""

    field: Field
    value: Any


def disclosed(category: str, dpp: Any, held: Access = Access.PUBLIC) -> tuple[Told, ...]:
    """Return what of the passport data the class may read, in the schema's reading order."""
    try:
        fields = load(category).fields
    except UnknownCategory:
        return ()
    given, opened = stated(dpp), OPENS[held]
    return tuple(
        Told(field, _known(given[name], field.shape))
        for name, field in fields.items()
        if name in given and field.access in opened and field.lifecycle == "static"
    )


def _known(value: Any, shape: Mapping[str, Any]) -> Any:
    """Leave out what the schema does not name."""
    if isinstance(value, Mapping):
        shapes = shape.get("properties", {})
        return {name: _known(value[name], shapes[name]) for name in shapes if name in value}
    if isinstance(value, list):
        return [_known(item, shape.get("items", {})) for item in value]
    return value
