"""Writes the rows of an import in one statement for each thousands of rows.

Each statement takes its rows as one JSON parameter. The ORM's own bulk methods spend several times
as long on making and reading SQL with a placeholder for every value as the database on the rows.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection

from minting.catalogue.changes import plain
from minting.models import Product, ProductionBatch
from minting.passport_schema import CATEGORIES, load
from tieback.brands.audit import Actor

_ROWS_A_STATEMENT = 5_000

# New rows are inserted and known ones, by id, brought to the same state.
_STORE_PRODUCTS = """
    insert into minting_product
           (id, brand_id, sku, name, gtin, mpn, category, commercial_status, dpp, dpp_version,
            updated_at)
    select id, brand_id, sku, name, gtin, mpn, category, commercial_status, dpp, dpp_version,
           statement_timestamp()
      from jsonb_to_recordset(%(rows)s::jsonb) as given
           (id uuid, brand_id uuid, sku text, name text, gtin text, mpn text, category text,
            commercial_status text, dpp jsonb, dpp_version integer)
    on conflict (id) do update
       set name = excluded.name, gtin = excluded.gtin, mpn = excluded.mpn,
           category = excluded.category, commercial_status = excluded.commercial_status,
           dpp = excluded.dpp, dpp_version = excluded.dpp_version,
           updated_at = excluded.updated_at
"""
_PRODUCT_COLUMNS = (
    "id",
    "brand_id",
    "sku",
    "name",
    "gtin",
    "mpn",
    "category",
    "commercial_status",
    "dpp",
    "dpp_version",
)

# The passport data are copied where they are, rather than sent a second time.
_KEEP_VERSIONS = """
    insert into minting_passportversion
           (id, brand_id, product_id, number, category, schema_version, dpp, actor)
    select gen_random_uuid(), brand_id, id, dpp_version, category,
           (%(schemas)s::jsonb ->> category)::integer, dpp, %(actor)s
      from minting_product
     where id = any(%(ids)s)
"""

# New rows are inserted and known ones, by id, brought to the same state.
_STORE_PRODUCTION_BATCHES = """
    insert into minting_productionbatch
           (id, brand_id, product_id, external_ref, status, quantity, updated_at)
    select id, brand_id, product_id, external_ref, status, quantity, statement_timestamp()
      from jsonb_to_recordset(%(rows)s::jsonb) as given
           (id uuid, brand_id uuid, product_id uuid, external_ref text, status text,
            quantity bigint)
    on conflict (id) do update
       set product_id = excluded.product_id, status = excluded.status,
           quantity = excluded.quantity, updated_at = excluded.updated_at
"""
_PRODUCTION_BATCH_COLUMNS = ("id", "brand_id", "product_id", "external_ref", "status", "quantity")


def store_products(products: Iterable[Product]) -> None:
    """Insert new products and update known ones; a SKU stays as it is."""
    _store(_STORE_PRODUCTS, products, _PRODUCT_COLUMNS)


def store_production_batches(batches: Iterable[ProductionBatch]) -> None:
    """Insert new production batches and update known ones; a reference stays as it is."""
    _store(_STORE_PRODUCTION_BATCHES, batches, _PRODUCTION_BATCH_COLUMNS)


def keep_versions(products: Iterable[Product], actor: Actor) -> None:
    """Write a passport version for each of the products, which are stored."""
    schema_versions = {category: load(category).version for category in CATEGORIES}
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP_VERSIONS,
            {
                "ids": [product.id for product in products],
                "schemas": json.dumps(schema_versions),
                "actor": actor.actor,
            },
        )


def _store(statement: str, rows: Iterable[Any], columns: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for part in _parts(rows):
            given = [{name: plain(getattr(row, name)) for name in columns} for row in part]
            cursor.execute(statement, {"rows": json.dumps(given)})


def _parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(rows)
    while part := list(islice(remaining, _ROWS_A_STATEMENT)):
        yield part
