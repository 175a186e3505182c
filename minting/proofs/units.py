"""Reads the texts of units' codes, in the order of their ordinals, in one statement."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from minting.models import MintBatch
from minting.resolver_urls import LOT_PATH, UrlParts, url_parts
from tieback.errors import PermanentError

_URIS = """{lots}
select string_agg(%(start)s || {lot_path} || %(middle)s || {name}, E'\\n' order by unit.ordinal),
       count(*), coalesce(max(unit.ordinal) - min(unit.ordinal) + 1, 0)
  from minting_mintunit as unit {join}
 where unit.batch_id = %(batch_id)s and {which}
"""
_IN_A_ROW = "unit.ordinal between %(first)s and %(last)s"
_BY_ORDINAL = "unit.ordinal = any(%(ordinals)s)"
_LOTS = f"""
with lots as materialized (
    select id, {LOT_PATH} as path from minting_mintlot where batch_id = %(batch_id)s
)"""  # noqa: S608 - made of constants


class UnitsMissing(PermanentError):
    """A range of a minted batch has gaps; a proof over the rest would hide it."""


def uris_of(batch: MintBatch, *, first: int, last: int) -> list[bytes]:
    """Return the texts of the codes of some of a batch's units, both ends included, in UTF-8.

    Runs in the scope of the batch's brand. Raises ``UnitsMissing``.
    """
    text, count, span = _asked(batch, _IN_A_ROW, {"first": first, "last": last})
    if not count == span == last - first + 1:
        raise UnitsMissing(f"There are {count} units from {first} to {last}.")
    return text.encode().split(b"\n")


def uris_at(batch: MintBatch, ordinals: Sequence[int]) -> list[bytes]:
    """Return the texts of the codes of units by ordinal, the lowest first, in UTF-8.

    ``ordinals`` has each one once. Runs in the scope of the batch's brand. Raises ``UnitsMissing``.
    """
    text, count, _ = _asked(batch, _BY_ORDINAL, {"ordinals": list(ordinals)})
    if count != len(ordinals):
        raise UnitsMissing(f"There are {count} of {len(ordinals)} units.")
    return text.encode().split(b"\n") if count else []


def _asked(batch: MintBatch, which: str, terms: dict[str, Any]) -> tuple[str, int, int]:
    """Return the texts of units by line, how many there are, and how far they reach."""
    parts = url_parts(base=batch.resolver_base, gtin=batch.gtin, rule=batch.url_rule)
    names_lots = batch.gtin is not None and batch.lots.exists()
    with connection.cursor() as cursor:
        cursor.execute(
            _query(parts, which, names_lots=names_lots),
            {"start": parts.start, "middle": parts.middle, "batch_id": batch.id, **terms},
        )
        text, count, span = cursor.fetchone()
    return text or "", count, span


def _query(parts: UrlParts, which: str, *, names_lots: bool) -> str:
    return _URIS.format(
        which=which,
        lots=_LOTS if names_lots else "",
        lot_path="coalesce(lots.path, '')" if names_lots else "''",
        name=parts.name,
        join="left join lots on lots.id = unit.lot_id" if names_lots else "",
    )
