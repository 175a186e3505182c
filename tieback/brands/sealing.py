"""Seals the audit trail into hash chains, one a brand and one for what belongs to no brand.

A seal covers entries by their ids and hashes and the seal before it by its hash. Entries wait in
``brands_unsealedentry`` from the statement on that writes them, so one that commits late is sealed
late and never passed over. The work is one SQL function: the worker may call it, and reads no
entry (docs/adr/0015-the-sealed-audit-trail.md).
"""

from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import connection, transaction

log = structlog.get_logger(__name__)

#: Entries sealed by one statement: what a seal's row may grow to, and what a kill can cost.
ENTRIES_AT_ONCE = 10_000

_SEAL = """
    select sealed_brand, sealed_sequence, sealed_count, sealed_hash
      from tieback_seal_audit(%(at_most)s)
"""


@dataclass(frozen=True)
class Seal:
    """A seal just made."""

    brand_id: UUID | None
    sequence: int
    count: int
    hash: bytes


def seal_audit(*, at_once: int = ENTRIES_AT_ONCE) -> int:
    """Seal every entry that waits; return how many. Each statement commits by itself.

    Each new seal's hash is logged: a log kept elsewhere then shows a chain cut off at its end.
    """
    total = 0
    while True:
        seals = _seal(at_once)
        for seal in seals:
            brand = str(seal.brand_id) if seal.brand_id else None
            log.info(
                "audit_sealed",
                brand=brand,
                sequence=seal.sequence,
                entries=seal.count,
                hash=seal.hash.hex(),
            )
        sealed = sum(seal.count for seal in seals)
        total += sealed
        if sealed < at_once:
            return total


def _seal(at_most: int) -> list[Seal]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SEAL, {"at_most": at_most})
        return [Seal(row[0], row[1], row[2], bytes(row[3])) for row in cursor.fetchall()]
