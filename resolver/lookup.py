"""Finds the unit behind a code, among those of the brand whose host was asked.

What a code says is compared with what its batch froze when it was minted, never with the product's
present GTIN. A lot or a variant in the code is not compared: GTIN and serial name one unit alone.
"""

from typing import NamedTuple
from uuid import UUID

from resolver.database import DO_NOT_WAIT, NotWritten, Unavailable, fetch_one
from resolver.digital_link import Code, DigitalLink, GroupLink, UnitLink, is_token
from resolver.gathering import Question, Row, Values, array_of
from resolver.recording import NOTED, Scan, unrecorded, writing
from resolver.traffic import TrafficClass

_COUNTED_ONLY = """(
    select version.category = any(asked.categories::text[])
      from minting_passportversion as version where version.id = batch.passport_version_id
)"""


class Lookup(NamedTuple):
    """A question in three forms: only asked; written down as well; and for brands with policies."""

    plain: Question
    noted: Question
    counted: Question


def _lookup(answers: str, columns: str, rest: str, *, names: str) -> Lookup:
    """Return the forms of a question about a scan's values of ``names``, a row of ``asked``.

    ``columns from rest`` finds one row or none; ``answers`` names those columns that are returned.
    """
    known = names.split()
    plain = _found(columns, rest)
    counted = _found(f"{columns}, {_COUNTED_ONLY} as counted_only", rest)
    return Lookup(
        Question(known, f" select place, {_columns_of('answer', answers)} {plain}"),
        Question([*known, *NOTED], _noted(answers, plain, writing(counted_only=False))),
        Question(
            [*known, *NOTED, "categories"], _noted(answers, counted, writing(counted_only=True))
        ),
    )


def _columns_of(source: str, names: str) -> str:
    return ", ".join(f"{source}.{name}" for name in names.split())


def _found(columns: str, rest: str) -> str:
    # With a limit the question stays one of its own for each scan: an index, whatever is planned.
    return f"""from asked cross join lateral (
    select {columns} {rest} limit 1
) as answer"""


def _noted(answers: str, found: str, insert: str) -> str:
    return f""", found as (
    select place, {", ".join(NOTED)}, answer.* {found}
), noted as ({insert}
)
select place, {_columns_of("found", answers)}, {DO_NOT_WAIT} from found"""  # noqa: S608 - constants only


#: When first scans activate the units of a batch; every statement that reads it joins ``batch``.
IS_OPEN = """batch.activation_mode = 'first_scan' and batch.status = 'minted'
   and (not batch.needs_release or batch.released_at is not null)"""
# A scan that may activate is written down by what activates, so that both are done or neither.
_UNIT = """unit.id as unit_id, unit.token, unit.status, awaits_first_scan,
    unit.brand_id, unit.batch_id,
    not (awaits_first_scan and asked.activates::boolean) as is_noted"""
_ANSWERS_OF_UNIT = "unit_id token status awaits_first_scan"
_OF_UNIT = f"""
  from minting_mintunit as unit
  join minting_mintbatch as batch on batch.id = unit.batch_id
 cross join lateral (select unit.status = 0 and {IS_OPEN} as awaits_first_scan) as activation
"""
# A token that stands as the serial number of a Digital Link comes with a GTIN, any other without.
_BY_TOKEN = _lookup(
    _ANSWERS_OF_UNIT,
    _UNIT,
    f"""{_OF_UNIT}
 where unit.token = asked.token and unit.brand_id = asked.brand::uuid
   and (asked.gtin is null or unit.serial is null and batch.gtin = asked.gtin)
""",
    names="brand token gtin activates",
)
# By product, as the unique index on stored serials goes.
_BY_STORED_SERIAL = _lookup(
    _ANSWERS_OF_UNIT,
    _UNIT,
    f"""{_OF_UNIT}
 where unit.serial = asked.serial and unit.brand_id = asked.brand::uuid
   and batch.gtin = asked.gtin
   and unit.product_id in (
       select product_id from minting_mintbatch
        where gtin = asked.gtin and brand_id = asked.brand::uuid
   )
""",  # noqa: S608 - constants only
    names="brand serial gtin activates",
)
# What is printed on no item is not public: a product is found once a unit of it exists.
_ANSWERS_OF_GROUP = "batch_id lot"
_GROUP = """batch.id as batch_id, {lot} as lot, batch.brand_id, null::bigint as unit_id,
    null::smallint as status, true as is_noted"""
_PRODUCT, _LOT = _GROUP.format(lot="null"), _GROUP.format(lot="lot.lot_code")
_IS_PUBLIC = "exists (select from minting_mintunit as unit where unit.batch_id = batch.id)"
_OF_LOT = "from minting_mintlot as lot join minting_mintbatch as batch on batch.id = lot.batch_id"
_NEWEST = "order by batch.created_at desc, batch.id"
_BY_GTIN = _lookup(
    _ANSWERS_OF_GROUP,
    _PRODUCT,
    f"""
  from minting_mintbatch as batch
 where batch.brand_id = asked.brand::uuid and batch.gtin = asked.gtin and {_IS_PUBLIC} {_NEWEST}
""",
    names="brand gtin",
)
_BY_LOT = _lookup(
    _ANSWERS_OF_GROUP,
    _LOT,
    f"""
  {_OF_LOT}
 where lot.brand_id = asked.brand::uuid and batch.gtin = asked.gtin and lot.lot_code = asked.lot
   and {_IS_PUBLIC} {_NEWEST}
""",
    names="brand gtin lot",
)
_BY_ID = {
    "mb": _lookup(
        _ANSWERS_OF_GROUP,
        _PRODUCT,
        f"""
  from minting_mintbatch as batch
 where batch.brand_id = asked.brand::uuid and batch.id = asked.id::uuid and {_IS_PUBLIC}
""",
        names="brand id",
    ),
    "ml": _lookup(
        _ANSWERS_OF_GROUP,
        _LOT,
        f"""
  {_OF_LOT}
 where lot.brand_id = asked.brand::uuid and lot.id = asked.id::uuid and {_IS_PUBLIC}
""",
        names="brand id",
    ),
}
_SAID = {True: "true", False: "false"}
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
    activates = scan is not None and scan.traffic is TrafficClass.PERSON
    if isinstance(code, UnitLink):
        row = _by_token(brand, code.token, None, scan, activates=activates)
    elif isinstance(code, GroupLink) or code.serial is None:
        return None
    else:
        row = _by_serial(brand, code.serial, code.gtin, scan, activates=activates)
    return ScannedUnit._make(row[:4]) if row else None


def note_unit(brand: UUID, unit: ScannedUnit, scan: Scan) -> None:
    """Write down a scan that could have activated and did not; where that cannot be, let it be."""
    try:
        _by_token(brand, unit.token, None, scan, activates=False)
    except Unavailable:
        unrecorded.inc()


def find_group(brand: UUID, code: Code, scan: Scan | None = None) -> FoundGroup | None:
    """Return the batch whose passport shows what a code without a serial number names.

    A GTIN leads to the newest batch printed with it; so does a lot that is not known, as the
    standard asks of a qualifier. Raises ``Unavailable``.
    """
    known = str(brand)
    if isinstance(code, GroupLink):
        row = _ask(_BY_ID[code.kind], (known, str(code.id)), scan)
    elif isinstance(code, DigitalLink) and code.serial is None:
        row = None
        if code.lot:
            row = _ask(_BY_LOT, (known, code.gtin, code.lot), scan)
        row = row or _ask(_BY_GTIN, (known, code.gtin), scan)
    else:
        return None
    return FoundGroup._make(row[:2]) if row else None


def names_of(unit_id: int) -> tuple[str, str]:
    """Return the names of an issued unit's product and brand. Raises ``Unavailable``."""
    product, brand = fetch_one(_NAMES, (unit_id,)) or ("", "")
    return product, brand


def _by_serial(
    brand: UUID, serial: str, gtin: str, scan: Scan | None, *, activates: bool
) -> Row | None:
    """A unit's serial is the stored one, else its token: one statement, as a rule.

    Only a serial that has the shape of a token and is none is looked for twice.
    """
    if is_token(serial) and (row := _by_token(brand, serial, gtin, scan, activates=activates)):
        return row
    return _ask(_BY_STORED_SERIAL, (str(brand), serial, gtin, _SAID[activates]), scan)


def _by_token(
    brand: UUID, token: str, gtin: str | None, scan: Scan | None, *, activates: bool
) -> Row | None:
    return _ask(_BY_TOKEN, (str(brand), token, gtin, _SAID[activates]), scan)


def _ask(lookup: Lookup, known: Values, scan: Scan | None) -> Row | None:
    """Ask, and write down what is found; where that cannot be, only ask. Raises ``Unavailable``."""
    if scan and scan.is_recorded:
        try:
            if scan.counted_only:
                return lookup.counted.ask((*known, *scan.note, array_of(scan.counted_only)))
            return lookup.noted.ask((*known, *scan.note))
        except NotWritten:
            unrecorded.inc()
    return lookup.plain.ask(known)
