"""Finds the unit behind a code, among those of the brand whose host was asked.

What a code says is compared with what its batch froze when it was minted, never with the product's
present GTIN. A lot or a variant in the code is not compared: GTIN and serial name one unit alone.
"""

from typing import Any, NamedTuple
from uuid import UUID

from minting.states import ActivationMode, UnitStatus
from resolver.database import fetch_one
from resolver.digital_link import Code, DigitalLink, GroupLink, UnitLink, is_token

_SELECT = """
select unit.id, unit.token, unit.status, batch.activation_mode
  from minting_mintunit as unit
  join minting_mintbatch as batch on batch.id = unit.batch_id
"""
_BY_PUBLIC_ID = f"{_SELECT} where unit.token = %s and unit.brand_id = %s"
_BY_TOKEN_AS_SERIAL = f"""{_SELECT}
 where unit.token = %s and unit.brand_id = %s and unit.serial is null and batch.gtin = %s
"""
# By product, as the unique index on stored serials goes.
_BY_STORED_SERIAL = f"""{_SELECT}
 where unit.serial = %(serial)s and unit.brand_id = %(brand)s and batch.gtin = %(gtin)s
   and unit.product_id in (
       select product_id from minting_mintbatch where gtin = %(gtin)s and brand_id = %(brand)s
   )
"""  # noqa: S608 - constants only
# What is printed on no item is not public: a product is found once a unit of it exists.
_IS_PUBLIC = "exists (select from minting_mintunit as unit where unit.batch_id = batch.id)"
_FIND_GROUP = {
    "gtin": f"""
select batch.id, null from minting_mintbatch as batch
 where batch.brand_id = %s and batch.gtin = %s and {_IS_PUBLIC}
 order by batch.created_at desc, batch.id limit 1
""",  # noqa: S608 - constants only
    "lot": f"""
select batch.id, lot.lot_code
  from minting_mintlot as lot join minting_mintbatch as batch on batch.id = lot.batch_id
 where lot.brand_id = %s and batch.gtin = %s and lot.lot_code = %s and {_IS_PUBLIC}
 order by batch.created_at desc, batch.id limit 1
""",  # noqa: S608 - constants only
    "mb": f"""
select batch.id, null from minting_mintbatch as batch
 where batch.brand_id = %s and batch.id = %s and {_IS_PUBLIC}
""",  # noqa: S608 - constants only
    "ml": f"""
select batch.id, lot.lot_code
  from minting_mintlot as lot join minting_mintbatch as batch on batch.id = lot.batch_id
 where lot.brand_id = %s and lot.id = %s and {_IS_PUBLIC}
""",  # noqa: S608 - constants only
}
_NAMES = """
select product.name, brand.name
  from minting_mintunit as unit
  join minting_product as product on product.id = unit.product_id
  join brands_brand as brand on brand.id = unit.brand_id
 where unit.id = %s
"""


class ScannedUnit(NamedTuple):
    """What the redirect needs to know of a unit."""

    id: int
    token: str
    status: int
    activation_mode: str

    @property
    def awaits_first_scan(self) -> bool:
        """Tell whether a scan makes this unit active."""
        return (
            self.status == UnitStatus.MINTED and self.activation_mode == ActivationMode.FIRST_SCAN
        )


class FoundGroup(NamedTuple):
    """A batch, and the lot of it that was asked for, if any."""

    batch_id: UUID
    lot: str | None


def find_unit(brand: UUID, code: Code) -> ScannedUnit | None:
    """Return the unit of this brand that a code names, or None. Raises ``Unavailable``."""
    if isinstance(code, UnitLink):
        row = fetch_one(_BY_PUBLIC_ID, (code.token, brand))
    elif isinstance(code, GroupLink) or code.serial is None:
        return None
    else:
        row = _by_serial(brand, code.serial, code.gtin)
    return ScannedUnit._make(row) if row else None


def find_group(brand: UUID, code: Code) -> FoundGroup | None:
    """Return the batch whose passport shows what a code without a serial number names.

    A GTIN leads to the newest batch printed with it; so does a lot that is not known, as the
    standard asks of a qualifier. Raises ``Unavailable``.
    """
    if isinstance(code, GroupLink):
        row = fetch_one(_FIND_GROUP[code.kind], (brand, code.id))
    elif isinstance(code, DigitalLink) and code.serial is None:
        row = None
        if code.lot:
            row = fetch_one(_FIND_GROUP["lot"], (brand, code.gtin, code.lot))
        row = row or fetch_one(_FIND_GROUP["gtin"], (brand, code.gtin))
    else:
        return None
    return FoundGroup._make(row) if row else None


def names_of(unit_id: int) -> tuple[str, str]:
    """Return the names of an issued unit's product and brand. Raises ``Unavailable``."""
    product, brand = fetch_one(_NAMES, (unit_id,)) or ("", "")
    return product, brand


def _by_serial(brand: UUID, serial: str, gtin: str) -> tuple[Any, ...] | None:
    """A unit's serial is the stored one, else its token: one statement, as a rule.

    Only a serial that has the shape of a token and is none is looked for twice.
    """
    if is_token(serial) and (row := fetch_one(_BY_TOKEN_AS_SERIAL, (serial, brand, gtin))):
        return row
    return fetch_one(_BY_STORED_SERIAL, {"serial": serial, "brand": brand, "gtin": gtin})
