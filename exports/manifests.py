"""What the files say: columns, the SQL that makes a pack's text, and ``manifest.json``. Pure.

The server writes the whole pack and sends it as one value. That is faster than ``COPY … TO
STDOUT``, which looks at every character of every cell and sends row by row: here only the cells
that could need quotes are looked at, and what is constant in a batch is written once into the
query.

The dialect is RFC 4180: commas, CRLF after every line, cells quoted where they hold a comma or a
quote, a header line. Each row is one physical line, whatever its cells hold: control characters
and line breaks of a text cell become spaces. A text cell that a spreadsheet would take for a
formula gets a leading apostrophe; ``token`` and ``resolver_url`` always stay exact.

The bytes depend on the rows and on one moment, ``as_of``, and on nothing else: a pack made again,
today or next month, by whomever, is the same pack.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from minting.resolver_urls import LOT_PATH, url_parts
from minting.states import UnitStatus

COLUMNS = (
    "ordinal",
    "token",
    "serial",
    "resolver_url",
    "gtin",
    "sku",
    "lot",
    "status",
    "activation_mode",
    "batch_id",
    "production_batch",
    "created_at",
)
LINE_END = "\r\n"
HEADER = (",".join(COLUMNS) + LINE_END).encode("ascii")
CSV_TYPE = "text/csv; charset=utf-8"
MANIFEST_TYPE = "application/json"
MANIFEST_NAME = "manifest.json"
MANIFEST_VERSION = 1

# Spaces that a spreadsheet trims before it looks for a formula, invisible ones included.
_BLANK = r"[ \u00a0\u1680\u180e\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff]"
# No text cell has a use for these: C0 and C1 controls and the line breaks of Unicode.
_CONTROL = r"[\u0001-\u001f\u007f-\u009f\u2028\u2029]"
# What begins a formula, in full-width too.
_FORMULA = r"[=+@\uff1d\uff0b\uff20\uff0d-]"


@dataclass(frozen=True)
class FrozenBatch:
    """What is the same in every row of a batch."""

    batch_id: UUID
    resolver_base: str
    url_rule: int
    gtin: str | None
    sku: str
    production_ref: str
    activation_mode: str
    has_lots: bool
    as_of: datetime


@dataclass(frozen=True)
class PackFile:
    """A finished pack, as the manifest tells of it."""

    number: int
    file: str
    first_ordinal: int
    rows: int
    size: int
    sha256: str


def _cell(value: str) -> str:
    """Return SQL for a text cell: inert, on one line, quoted if need be.

    The first branch is the cheap one that all but a few values take.
    """
    return rf"""
    case when {value} ~ '^[0-9A-Za-z][0-9A-Za-z ._/:-]*$' then {value}
         else (select case when inert ~ '[",]'
                           then '"' || replace(inert, '"', '""') || '"' else inert end
                 from (select case when {value} ~ '^{_BLANK}*({_FORMULA}|{_CONTROL})'
                                   then '''' else '' end
                              || regexp_replace({value}, '{_CONTROL}', ' ', 'g') as inert) as made)
    end"""  # noqa: S608 - ``value`` is a column or a placeholder


# A unit's state at ``as_of``, from the moments of its changes.
_STATUS = f"""
    case when unit.status = {UnitStatus.REVOKED.value}
              and coalesce(unit.revoked_at, '-infinity') <= %(as_of)s
         then '{UnitStatus.REVOKED.label}'
         when unit.activated_at <= %(as_of)s
              or unit.status = {UnitStatus.ACTIVE.value} and unit.activated_at is null
         then '{UnitStatus.ACTIVE.label}'
         else '{UnitStatus.MINTED.label}'
    end"""

# Whatever the session's time zone and date style: UTC, always six digits of the second.
_CREATED_AT = """
    to_char(unit.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""

_LOTS = f"""
with lots as materialized (
    select id, {_cell("lot_code")} as cell,
           {LOT_PATH} as path
      from minting_mintlot where batch_id = %(batch_id)s
)"""  # noqa: S608 - made of constants

# The parenthesised runs of constants are folded by the planner into one text each.
_PACK = """{lots}
select string_agg(
           unit.ordinal || ',' || unit.token || ','
           || case when unit.serial <> '' then {serial_cell} else unit.token end
           || (',' || %(url_start)s) || {lot_path} || %(url_middle)s
           || {url_name}
           || (%(url_end)s || ',' || coalesce(%(gtin)s, '') || ',' || {sku} || ',')
           || {lot_cell} || ',' || {status}
           || (',' || %(activation_mode)s || ',' || %(batch_id)s || ',' || {production_ref} || ',')
           || {created_at} || E'\\r\\n',
           '' order by unit.ordinal)
  from minting_mintunit as unit {join}
 where unit.batch_id = %(batch_id)s and unit.ordinal between %(first)s and %(last)s
"""


def _pack_sql(url_name: str, *, has_lots: bool, has_gtin: bool) -> str:
    return _PACK.format(
        lots=_LOTS if has_lots else "",
        join="left join lots on lots.id = unit.lot_id" if has_lots else "",
        lot_cell="coalesce(lots.cell, '')" if has_lots else "''",
        lot_path="coalesce(lots.path, '')" if has_lots and has_gtin else "''",
        serial_cell=_cell("unit.serial"),
        url_name=url_name,
        sku=_cell("%(sku)s"),
        production_ref=_cell("%(production_ref)s"),
        status=_STATUS,
        created_at=_CREATED_AT,
    )


def pack_query(batch: FrozenBatch, *, first: int, last: int) -> tuple[str, dict[str, Any]]:
    """Return the query of one pack's lines, as one text value, and its parameters.

    The query runs in the brand's scope. ``minting.serials.resolver_url`` is the same rule of the
    URL in Python; a test holds the two together.
    """
    url = url_parts(base=batch.resolver_base, gtin=batch.gtin, rule=batch.url_rule)
    start, end = url.start, ""
    if '"' in start or "," in start:
        start, end = '"' + start.replace('"', '""'), '"'
    has_gtin = batch.gtin is not None
    return _pack_sql(url.name, has_lots=batch.has_lots, has_gtin=has_gtin), {
        "batch_id": str(batch.batch_id),
        "url_start": start,
        "url_middle": url.middle,
        "url_end": end,
        "gtin": batch.gtin,
        "sku": batch.sku,
        "production_ref": batch.production_ref,
        "activation_mode": batch.activation_mode,
        "as_of": batch.as_of,
        "first": first,
        "last": last,
    }


def rows_in(content: bytes) -> int:
    """Count the rows of a pack. Cells hold no line breaks, so lines are rows and a header."""
    return content.count(LINE_END.encode("ascii")) - 1


def key_prefix(*, brand_id: UUID, batch_id: UUID, profile: str, file_format: str) -> str:
    """Return where the files of one build are kept."""
    return f"{brand_id}/{batch_id}/{profile}-{file_format}/"


def pack_name(number: int, file_format: str) -> str:
    """Return a pack's file name within its build."""
    return f"pack-{number:05d}.{file_format}"


def download_name(*, batch_id: UUID, sku: str, name: str) -> str:
    """Return the name a browser saves a file under: plain ASCII, telling which batch it is of."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", sku).strip("-")[:40] or "batch"
    return f"{plain}-{str(batch_id)[:8]}-{name}"


def manifest(
    *, batch: FrozenBatch, identity: Mapping[str, str], pack_size: int, packs: Iterable[PackFile]
) -> bytes:
    """Return ``manifest.json``: what was exported, and what each file must hash to.

    ``identity`` is what names the export (brand, product, profile, format), put first.
    """
    listed = list(packs)
    body: dict[str, Any] = {
        "manifest_version": MANIFEST_VERSION,
        **identity,
        "batch_id": str(batch.batch_id),
        "sku": batch.sku,
        "gtin": batch.gtin,
        "production_batch": batch.production_ref,
        "activation_mode": batch.activation_mode,
        "resolver_base": batch.resolver_base,
        "status_as_of": batch.as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "columns": list(COLUMNS),
        "dialect": {
            "encoding": "utf-8",
            "delimiter": ",",
            "quote": '"',
            "line_end": LINE_END,
            "header": True,
        },
        "pack_size": pack_size,
        "pack_count": len(listed),
        "rows": sum(pack.rows for pack in listed),
        "bytes": sum(pack.size for pack in listed),
        "packs": [
            {
                "number": pack.number,
                "file": pack.file,
                "first_ordinal": pack.first_ordinal,
                "last_ordinal": pack.first_ordinal + pack.rows - 1,
                "rows": pack.rows,
                "bytes": pack.size,
                "sha256": pack.sha256,
            }
            for pack in listed
        ],
    }
    return (json.dumps(body, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
