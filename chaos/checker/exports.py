"""I10: what was exported is what the database holds, byte for byte as it was recorded."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from urllib.parse import quote

from chaos.checker.evidence import SHOWN, Evidence, check

Reader = Callable[[str], bytes]

_PACKS = """
    select pack.* from exports_payloadpack as pack
      join minting_mintjob as job on job.batch_id = pack.batch_id and {jobs}
"""
_ROWS = """
    select unit.ordinal::text, unit.token, coalesce(unit.serial, unit.token),
           coalesce(lot.lot_code, ''), batch.resolver_base, batch.gtin
      from minting_mintunit as unit join minting_mintbatch as batch on batch.id = unit.batch_id
      left join minting_mintlot as lot on lot.id = unit.lot_id
     where unit.batch_id = %s and unit.ordinal between %s and %s order by unit.ordinal
"""


# The first of them are never changed to keep a spreadsheet from taking them for a formula.
_COMPARED = ("ordinal", "token", "resolver_url", "serial", "lot")
_EXACT = 3


@dataclass(frozen=True)
class _Pack:
    batch_id: Any
    build_id: Any
    key: str
    sha256: str
    size: int
    first: int
    rows: int


@check
def exports_equal_the_database(evidence: Evidence) -> list[str]:
    """I10: packs cover their batch exactly, and the stored bytes are its units, hash by hash."""
    found = (
        evidence.problems(
            "a completed build is not its batch (batch, minted, rows, packs, done, completed)",
            "select build.batch_id, batch.minted_quantity, sum(pack.row_count), build.pack_count,"
            "       build.packs_done, count(*) filter (where pack.status = 'completed')"
            "  from exports_packbuild as build"
            "  join minting_mintjob as job on job.batch_id = build.batch_id and {jobs}"
            "  join minting_mintbatch as batch on batch.id = build.batch_id"
            f" left join ({_PACKS}) as pack on pack.build_id = build.id"
            " where build.status = 'completed'"
            " group by build.id, batch.minted_quantity"
            " having sum(pack.row_count) is distinct from batch.minted_quantity"
            "     or count(*) filter (where pack.status = 'completed') <> build.pack_count"
            "     or build.packs_done <> build.pack_count",
        )
        + evidence.problems(
            "a pack does not follow the one before it (batch, number, first ordinal, due)",
            "select batch_id, number, first_ordinal, due from (select batch_id, number,"
            "         first_ordinal, 1 + sum(row_count) over of_build - row_count as due,"
            "         row_number() over of_build as place"
            f"   from ({_PACKS}) as pack"
            "  window of_build as (partition by build_id order by number)) as pack"
            " where first_ordinal <> due or number <> place",
        )
        + evidence.problems(
            "packs done are not the packs completed (build, done, completed)",
            "select build.id, build.packs_done, count(pack.id) from exports_packbuild as build"
            "  join minting_mintjob as job on job.batch_id = build.batch_id and {jobs}"
            f" left join ({_PACKS}) as pack"
            "    on pack.build_id = build.id and pack.status = 'completed'"
            " group by build.id having build.packs_done <> count(pack.id)",
        )
    )
    if evidence.read_object is None:
        return found
    return found + list(_problems_in_storage(evidence, evidence.read_object))[:SHOWN]


def _problems_in_storage(evidence: Evidence, read: Reader) -> Iterator[str]:
    listed = evidence.rows(
        "select batch_id, build_id, storage_key, sha256, byte_size, first_ordinal, row_count"
        f"  from ({_PACKS}) as pack where status = 'completed' order by build_id, number"
    )
    packs = [_Pack(*row) for row in listed]
    for pack in packs:
        yield from _problems_of_pack(evidence, read, pack)
    builds = evidence.rows(
        "select build.id, build.manifest_key, build.manifest_sha256"
        "  from exports_packbuild as build"
        "  join minting_mintjob as job on job.batch_id = build.batch_id and {jobs}"
        " where build.status = 'completed'"
    )
    for build_id, key, sha256 in builds:
        recorded = [pack for pack in packs if pack.build_id == build_id]
        yield from _problems_of_manifest(read, key, sha256, recorded)


def _read(read: Reader, key: str) -> bytes | str:
    """Return an object, or why it cannot be had: whatever the store raises is an answer."""
    try:
        return read(key)
    except Exception as error:  # noqa: BLE001 - stores and clients differ in what they raise
        return f"{key}: recorded as stored, and cannot be read ({type(error).__name__})"


def _problems_of_pack(evidence: Evidence, read: Reader, pack: _Pack) -> Iterator[str]:
    body = _read(read, pack.key)
    if isinstance(body, str):
        yield body
        return
    if hashlib.sha256(body).hexdigest() != pack.sha256 or len(body) != pack.size:
        yield f"{pack.key}: the stored bytes are not those that were recorded"
        return
    last = pack.first + pack.rows - 1
    units = map(_cells, evidence.database.execute(_ROWS, [pack.batch_id, pack.first, last]))
    lines = csv.DictReader(io.StringIO(body.decode("utf-8"), newline=""))
    printed = (tuple(line[column] for column in _COMPARED) for line in lines)
    for line, unit in zip_longest(printed, units):
        if line != unit and not _is_guarded(line, unit):
            yield f"{pack.key}: the file says {line}, the database {unit}"
            return


def _cells(row: tuple[Any, ...]) -> tuple[str, ...]:
    """Return what a line must say: the unit's own columns, and the URL that they make."""
    ordinal, token, serial, lot, base, gtin = row
    path = f"/mu/{token}"
    if gtin is not None:
        in_lot = f"/10/{quote(lot, safe='')}" if lot else ""
        path = f"/01/{gtin}{in_lot}/21/{quote(serial, safe='')}"
    return ordinal, token, f"{base}{path}", serial, lot


def _is_guarded(line: tuple[str, ...] | None, unit: tuple[str, ...] | None) -> bool:
    """Whether the cells are the unit's but for the apostrophe that keeps a formula inert."""
    if line is None or unit is None:
        return False
    return line[:_EXACT] == unit[:_EXACT] and all(
        cell in {value, f"'{value}"}
        for cell, value in zip(line[_EXACT:], unit[_EXACT:], strict=True)
    )


def _problems_of_manifest(read: Reader, key: str, sha256: str, packs: list[_Pack]) -> Iterator[str]:
    body = _read(read, key)
    if isinstance(body, str):
        yield body
        return
    if hashlib.sha256(body).hexdigest() != sha256:
        yield f"{key}: the stored bytes are not those that were recorded"
        return
    listed = [
        (entry["first_ordinal"], entry["rows"], entry["bytes"], entry["sha256"])
        for entry in json.loads(body)["packs"]
    ]
    if listed != [(pack.first, pack.rows, pack.size, pack.sha256) for pack in packs]:
        yield f"{key}: the packs it lists are not those that were recorded"
