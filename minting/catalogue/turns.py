"""One writer of a brand's catalogue at a time.

Unique SKUs, GTINs and references are promised by constraints, but writers that only met there
would wait for each other's rows in whatever order their files name them, and deadlock. A turn is
short: files are read and checked as far as possible before it is taken. Minting takes no turn.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from psycopg.errors import UniqueViolation

from tieback.errors import Conflict, FieldError, ValidationFailed


class CatalogueChanged(Conflict):
    """The catalogue changed while the file was imported. Nothing was written; send it again."""

    code = "CATALOGUE_CHANGED"
    retry_after = 1


def take_turn(brand_id: UUID) -> None:
    """Wait until no other transaction writes this brand's catalogue; held until the commit."""
    name = hashlib.sha256(f"catalogue:{brand_id}".encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(%s)", [int.from_bytes(name[:8], "big", signed=True)]
        )


@contextmanager
def refusing(faults: Mapping[str, FieldError]) -> Iterator[None]:
    """Turn the violation of a named constraint into the fault of a field.

    Turns keep the writers here apart; the constraint has the last word on any other.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        name = str(getattr(getattr(error.__cause__, "diag", None), "constraint_name", ""))
        if name not in faults:
            raise
        raise ValidationFailed(fields=(faults[name],)) from error


@contextmanager
def import_transaction() -> Iterator[None]:
    """Write a file's rows together, or none of them where another writer came in between."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        raise CatalogueChanged from error
