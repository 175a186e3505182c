"""Counts first scans into their batches, so that no scan ever waits for a batch row.

Rows are taken out and added up in one statement: whatever interrupts it, each row is counted
once. No cursor over ids is kept, since rows may commit out of the order of their ids.
"""

from uuid import UUID

from django.db import connection

from resolver.models import Activation
from tieback.brands.scoping import all_brands, brand_scope

# Batches are held in one order: a revocation counts into several of them too.
# One roll-up at a time a brand: two would only wait for each other's rows.
_ALONE = "select pg_try_advisory_xact_lock(hashtextextended('count_activations:' || %(brand)s, 0))"

_COUNT = """
with taken as (
    delete from resolver_activation where brand_id = %(brand)s returning batch_id
), sums as (
    select batch_id, count(*) as activated from taken group by batch_id
), held as (
    select id from minting_mintbatch where id in (select batch_id from sums)
     order by id for no key update
), counted as (
    update minting_mintbatch as batch
       set activated_quantity = batch.activated_quantity + sums.activated
      from sums join held on held.id = sums.batch_id
     where batch.id = held.id
    returning sums.activated
)
select (select coalesce(sum(activated), 0) from sums)::bigint,
       (select coalesce(sum(activated), 0) from counted)::bigint
"""


class ActivationsLost(RuntimeError):
    """Rows were taken out whose batch could not be changed; nothing is committed."""


def count_activations() -> int:
    """Add every waiting activation to its batch; return how many there were."""
    with all_brands():
        waiting = list(Activation.objects.order_by().values_list("brand_id", flat=True).distinct())
    return sum(_count_brand(brand_id) for brand_id in waiting)


def _count_brand(brand_id: UUID) -> int:
    wanted = {"brand": str(brand_id)}
    with brand_scope(brand_id), connection.cursor() as cursor:
        cursor.execute(_ALONE, wanted)
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_COUNT, wanted)
        taken, counted = cursor.fetchone()
        if taken != counted:
            raise ActivationsLost(f"{taken} activations taken, {counted} counted")
    return int(taken)
