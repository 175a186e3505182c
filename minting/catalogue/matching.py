"""SKUs and references match whatever their case, as the unique indexes on ``lower()`` see it.

The database folds the case, never Python: the two disagree on letters outside ASCII, and the
disagreement would surface as a violated constraint.
"""

from collections.abc import Iterable

from django.db import connection
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact


def same_text(column: str, text: str) -> Q:
    """Return the condition that a column holds this text, whatever the case."""
    return Q(Exact(Lower(column), Lower(Value(text))))


def folded(texts: Iterable[str]) -> dict[str, str]:
    """Return each text with the form in which the database compares it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select given, lower(given) from unnest(%s::text[]) as given", [list(set(texts))]
        )
        return dict(cursor.fetchall())
