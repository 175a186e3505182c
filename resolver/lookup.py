"""Finds the unit behind a code, among those of the brand whose host was asked.

What a code says is compared with what its batch froze when it was minted, never with the product's
present GTIN. A lot or a variant in the code is not compared: GTIN and serial name one unit alone.
"""

from typing import Any, NamedTuple
from uuid import UUID

from resolver.database import DO_NOT_WAIT, Unavailable, fetch_one
from resolver.digital_link import Code, DigitalLink, GroupLink, UnitLink, is_token
from resolver.recording import Scan, look_up, unrecorded, writing
from resolver.traffic import TrafficClass

_NOT_COUNTED_ONLY = "false"
_COUNTED_ONLY = """(
    select version.category = any(%(counted_only)s) from minting_passportversion as version
     where version.id = batch.passport_version_id
)"""


class Lookup(NamedTuple):
    """A question in three forms: only asked; written down as well; and for brands with policies."""

    plain: str
    noted: str
    counted: str


def _lookup(columns: str, rest: str) -> Lookup:
    """Return the forms of a question; ``columns`` are what is answered, the last one ``is_noted``.

    A question's answer comes first in its row, so whatever else the row holds can be left.
    """
    plain = f"select {columns}, {_NOT_COUNTED_ONLY} as counted_only {rest}"
    counted = f"select {columns}, {_COUNTED_ONLY} as counted_only {rest}"
    return Lookup(
        plain,
        _noted(plain, writing(counted_only=False)),
        _noted(counted, writing(counted_only=True)),
    )


def _noted(found: str, insert: str) -> str:
    return f"with found as ({found}), noted as ({insert}\n)\nselect *, {DO_NOT_WAIT} from found"


#: When first scans activate the units of a batch; every statement that reads it joins ``batch``.
IS_OPEN = """batch.activation_mode = 'first_scan' and batch.status = 'minted'
   and (not batch.needs_release or batch.released_at is not null)"""
# A scan that may activate is written down by what activates, so that both are done or neither.
_UNIT = """unit.id as unit_id, unit.token, unit.status, awaits_first_scan,
    unit.brand_id, unit.batch_id, not (awaits_first_scan and %(activates)s) as is_noted"""
_OF_UNIT = f"""
  from minting_mintunit as unit
  join minting_mintbatch as batch on batch.id = unit.batch_id
 cross join lateral (select unit.status = 0 and {IS_OPEN} as awaits_first_scan) as activation
"""
_BY_PUBLIC_ID = _lookup(
    _UNIT, f"{_OF_UNIT} where unit.token = %(token)s and unit.brand_id = %(brand)s"
)
_BY_TOKEN_AS_SERIAL = _lookup(
    _UNIT,
    f"""{_OF_UNIT}
 where unit.token = %(token)s and unit.brand_id = %(brand)s and unit.serial is null
   and batch.gtin = %(gtin)s
""",
)
# By product, as the unique index on stored serials goes.
_BY_STORED_SERIAL = _lookup(
    _UNIT,
    f"""{_OF_UNIT}
 where unit.serial = %(token)s and unit.brand_id = %(brand)s and batch.gtin = %(gtin)s
   and unit.product_id in (
       select product_id from minting_mintbatch where gtin = %(gtin)s and brand_id = %(brand)s
   )
""",  # noqa: S608 - constants only
)
# What is printed on no item is not public: a product is found once a unit of it exists.
_GROUP = """batch.id as batch_id, {lot} as lot, batch.brand_id, null::bigint as unit_id,
    null::smallint as status, true as is_noted"""
_PRODUCT, _LOT = _GROUP.format(lot="null"), _GROUP.format(lot="lot.lot_code")
_IS_PUBLIC = "exists (select from minting_mintunit as unit where unit.batch_id = batch.id)"
_OF_LOT = "from minting_mintlot as lot join minting_mintbatch as batch on batch.id = lot.batch_id"
_NEWEST = "order by batch.created_at desc, batch.id limit 1"
_FIND_GROUP = {
    "gtin": _lookup(
        _PRODUCT,
        f"""
  from minting_mintbatch as batch
 where batch.brand_id = %(brand)s and batch.gtin = %(gtin)s and {_IS_PUBLIC} {_NEWEST}
""",
    ),
    "lot": _lookup(
        _LOT,
        f"""
  {_OF_LOT}
 where lot.brand_id = %(brand)s and batch.gtin = %(gtin)s and lot.lot_code = %(lot)s
   and {_IS_PUBLIC} {_NEWEST}
""",
    ),
    "mb": _lookup(
        _PRODUCT,
        f"""
  from minting_mintbatch as batch
 where batch.brand_id = %(brand)s and batch.id = %(id)s and {_IS_PUBLIC}
""",
    ),
    "ml": _lookup(
        _LOT,
        f"""
  {_OF_LOT}
 where lot.brand_id = %(brand)s and lot.id = %(id)s and {_IS_PUBLIC}
""",
    ),
}
_NAMES = """
select product.name, brand.name
  from minting_mintunit as unit
  join minting_product as product on product.id = unit.product_id
  join brands_brand as brand on brand.id = unit.brand_id
 where unit.id = %s
"""


class ScannedUnit(NamedTuple):
    """What the redirect needs to know of a unit.

    ``awaits_first_scan`` tells whether a scan makes it active; ``activate`` asks once more.
    """

    id: int
    token: str
    status: int
    awaits_first_scan: bool


class FoundGroup(NamedTuple):
    """A batch, and the lot of it that was asked for, if any."""

    batch_id: UUID
    lot: str | None


def find_unit(brand: UUID, code: Code, scan: Scan | None = None) -> ScannedUnit | None:
    """Return the unit of this brand that a code names, or None, and write the scan down.

    Only a person's scan of a unit that awaits its first one is left to ``activation`` to write.
    Raises ``Unavailable``.
    """
    if isinstance(code, UnitLink):
        row = _ask(_BY_PUBLIC_ID, {"token": code.token, "brand": brand}, scan)
    elif isinstance(code, GroupLink) or code.serial is None:
        return None
    else:
        row = _by_serial(brand, code.serial, code.gtin, scan)
    return ScannedUnit._make(row[:4]) if row else None


def note_unit(brand: UUID, unit: ScannedUnit, scan: Scan) -> None:
    """Write down a scan that could have activated and did not; where that cannot be, let it be."""
    try:
        _ask(_BY_PUBLIC_ID, {"token": unit.token, "brand": brand}, scan, activates=False)
    except Unavailable:
        unrecorded.inc()


def find_group(brand: UUID, code: Code, scan: Scan | None = None) -> FoundGroup | None:
    """Return the batch whose passport shows what a code without a serial number names.

    A GTIN leads to the newest batch printed with it; so does a lot that is not known, as the
    standard asks of a qualifier. Raises ``Unavailable``.
    """
    if isinstance(code, GroupLink):
        row = _ask(_FIND_GROUP[code.kind], {"brand": brand, "id": code.id}, scan)
    elif isinstance(code, DigitalLink) and code.serial is None:
        known = {"brand": brand, "gtin": code.gtin}
        row = None
        if code.lot:
            row = _ask(_FIND_GROUP["lot"], {**known, "lot": code.lot}, scan)
        row = row or _ask(_FIND_GROUP["gtin"], known, scan)
    else:
        return None
    return FoundGroup._make(row[:2]) if row else None


def names_of(unit_id: int) -> tuple[str, str]:
    """Return the names of an issued unit's product and brand. Raises ``Unavailable``."""
    product, brand = fetch_one(_NAMES, (unit_id,)) or ("", "")
    return product, brand


def _by_serial(brand: UUID, serial: str, gtin: str, scan: Scan | None) -> tuple[Any, ...] | None:
    """A unit's serial is the stored one, else its token: one statement, as a rule.

    Only a serial that has the shape of a token and is none is looked for twice.
    """
    known = {"token": serial, "brand": brand, "gtin": gtin}
    if is_token(serial) and (row := _ask(_BY_TOKEN_AS_SERIAL, known, scan)):
        return row
    return _ask(_BY_STORED_SERIAL, known, scan)


def _ask(
    lookup: Lookup, parameters: dict[str, Any], scan: Scan | None, *, activates: bool = True
) -> tuple[Any, ...] | None:
    parameters["activates"] = activates and scan is not None and scan.traffic is TrafficClass.PERSON
    noted = lookup.counted if scan and scan.counted_only else lookup.noted
    return look_up(noted, lookup.plain, parameters, scan)
