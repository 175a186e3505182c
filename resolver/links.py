"""Looks up what brands have linked to their codes, and what is known of the thing a code names.

Brands change their links rarely, so each process remembers them for some seconds. What is
remembered first is only whether a brand has a default link at all: without one a scan needs
nothing else from here.
"""

from typing import Any
from uuid import UUID

from resolver.database import Parameters, fetch_one
from resolver.linkset import Item, StoredLink
from resolver.lookup import FoundGroup
from resolver.remembering import Remembered

#: How many answers are remembered.
REMEMBERED_BRANDS = 4096
REMEMBERED_PRODUCTS = 4096

_IN_FORCE = """
link.brand_id = %(brand)s
   and (link.active_from is null or link.active_from <= now())
   and (link.active_until is null or link.active_until > now())
"""
_HAS_DEFAULTS = f"""
select exists (select from resolver_link as link where link.is_default and {_IN_FORCE})
"""  # noqa: S608 - constants only
_LINKS = f"""
select coalesce(jsonb_agg(jsonb_build_array(
           link.link_type, link.target, link.title, link.language, link.media_type,
           link.is_default, link.product_id is not null
       ) order by link.link_type, link.created_at, link.id), '[]')
  from resolver_link as link
 where {_IN_FORCE} and (link.product_id = %(product)s or link.product_id is null)
"""  # noqa: S608 - constants only
_OF_UNIT = """
select unit.product_id, unit.batch_id, product.name, batch.gtin, lot.id, lot.lot_code, unit.token,
       coalesce(unit.serial, unit.token)
  from minting_mintunit as unit
  join minting_mintbatch as batch on batch.id = unit.batch_id
  join minting_product as product on product.id = unit.product_id
  left join minting_mintlot as lot on lot.id = unit.lot_id
 where unit.id = %s
"""
_OF_GROUP = """
select batch.product_id, batch.id, product.name, batch.gtin, lot.id, lot.lot_code, null, null
  from minting_mintbatch as batch
  join minting_product as product on product.id = batch.product_id
  left join minting_mintlot as lot on lot.batch_id = batch.id and lot.lot_code = %s
 where batch.id = %s
"""
_NAME_OF_BRAND = "select name from brands_brand where id = %s"

_brands_with_defaults: Remembered[UUID, bool] = Remembered(REMEMBERED_BRANDS)
_books: Remembered[tuple[UUID, UUID], list[StoredLink]] = Remembered(REMEMBERED_PRODUCTS)


def has_defaults(brand: UUID) -> bool:
    """Tell whether any code of a brand may lead elsewhere than here. Raises ``Unavailable``."""
    return _brands_with_defaults.get(brand, lambda: bool(_one(_HAS_DEFAULTS, {"brand": brand})[0]))


def links_of(brand: UUID, product: UUID) -> list[StoredLink]:
    """Return a product's links in force, and its brand's for all products. Raises ``Unavailable``.

    By type, the oldest first.
    """
    return _books.get((brand, product), lambda: _ask_links(brand, product))


def item_of_unit(unit_id: int) -> Item:
    """Return what is known of an issued unit. Raises ``Unavailable``."""
    return Item._make(_one(_OF_UNIT, (unit_id,)))


def item_of_group(group: FoundGroup) -> Item:
    """Return what is known of a batch, and of the lot of it that was named. ``Unavailable``."""
    return Item._make(_one(_OF_GROUP, (group.lot, group.batch_id)))


def name_of_brand(brand: UUID) -> str:
    """Return a brand's name. Raises ``Unavailable``."""
    return str(_one(_NAME_OF_BRAND, (brand,))[0])


def _ask_links(brand: UUID, product: UUID) -> list[StoredLink]:
    rows = _one(_LINKS, {"brand": brand, "product": product})[0]
    return [StoredLink._make(row) for row in rows]


def _one(query: str, parameters: Parameters) -> tuple[Any, ...]:
    row = fetch_one(query, parameters)
    if row is None:
        raise LookupError(query)
    return row
