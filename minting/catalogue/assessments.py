"""Keeps what readiness answers for each product, so that lists and reports need not ask again.

An answer holds for one passport version under one schema version. Whoever writes a product writes
its answer with it; what a new schema leaves behind is renewed by the command `refresh_readiness`.
"""

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet

from minting.models import Product, ProductReadiness
from minting.passport_schema import CATEGORIES, load
from minting.readiness import Answer, assess

_ROWS_A_STATEMENT = 5_000
_PRODUCTS_A_STEP = 1_000
_FIRST = UUID(int=0)

# A writer who is late, with an older version of the passport, changes nothing.
_STORE = """
    insert into minting_productreadiness
           (product_id, brand_id, category, dpp_version, schema_version, ready, filled, missing,
            not_applicable, not_yet_required, missing_fields)
    select product_id, brand_id, category, dpp_version, schema_version, ready, filled, missing,
           not_applicable, not_yet_required, missing_fields
      from jsonb_to_recordset(%(rows)s::jsonb) as given
           (product_id uuid, brand_id uuid, category text, dpp_version integer,
            schema_version integer, ready boolean, filled integer, missing integer,
            not_applicable integer, not_yet_required integer, missing_fields text[])
    on conflict (product_id) do update
       set category = excluded.category, dpp_version = excluded.dpp_version,
           schema_version = excluded.schema_version, ready = excluded.ready,
           filled = excluded.filled, missing = excluded.missing,
           not_applicable = excluded.not_applicable,
           not_yet_required = excluded.not_yet_required,
           missing_fields = excluded.missing_fields, assessed_at = statement_timestamp()
     where minting_productreadiness.dpp_version <= excluded.dpp_version
"""

_COLUMNS = (
    *("product_id", "brand_id", "category", "dpp_version", "schema_version", "ready"),
    *("filled", "missing", "not_applicable", "not_yet_required", "missing_fields"),
)


def assessed(product: Product) -> ProductReadiness:
    """Return the answer for a product as it is in memory."""
    readiness = assess(product.category, product.dpp)
    counts = dict.fromkeys(Answer, 0)
    for answer in readiness.fields:
        counts[answer.answer] += 1
    return ProductReadiness(
        product_id=product.id,
        brand_id=product.brand_id,
        category=product.category,
        dpp_version=product.dpp_version,
        schema_version=readiness.schema_version,
        ready=readiness.ready,
        missing_fields=[answer.name for answer in readiness.missing],
        **{answer.value: count for answer, count in counts.items()},
    )


def store_assessments(answers: Iterable[ProductReadiness]) -> None:
    """Write the answers, thousands in one statement."""
    remaining = iter(answers)
    with connection.cursor() as cursor:
        while part := [_columns(answer) for answer in islice(remaining, _ROWS_A_STATEMENT)]:
            cursor.execute(_STORE, {"rows": json.dumps(part)})


def is_ready(product: Product) -> bool:
    """Say whether a product may be minted: by its kept answer while that holds, else anew."""
    kept: ProductReadiness | None = getattr(product, "readiness", None)
    if kept is not None and _holds(kept, product):
        return kept.ready
    return assess(product.category, product.dpp).ready


def outdated(products: QuerySet[Product]) -> QuerySet[Product]:
    """Return the products without an answer that holds."""
    current = Q()
    for category in CATEGORIES:
        version = load(category).version
        current |= Q(readiness__category=category, readiness__schema_version=version)
    of_this_version = Q(readiness__dpp_version=F("dpp_version"), readiness__category=F("category"))
    return products.exclude(current & of_this_version)


def refresh(*, after: UUID = _FIRST) -> tuple[int, UUID]:
    """Answer the next outdated products anew; return how many, and the last one's id."""
    rows = outdated(Product.objects.filter(id__gt=after))
    products = list(rows.order_by("id")[:_PRODUCTS_A_STEP])
    store_assessments(assessed(product) for product in products)
    return len(products), products[-1].id if products else after


def _holds(kept: ProductReadiness, product: Product) -> bool:
    return (kept.dpp_version, kept.category, kept.schema_version) == (
        product.dpp_version,
        product.category,
        load(product.category).version,
    )


def _columns(answer: ProductReadiness) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value := getattr(answer, name), UUID) else value
        for name in _COLUMNS
    }
