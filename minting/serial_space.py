"""What is taken of the serials of one product: minted, or promised to a batch or a list.

Serials live in a space: that of their product, and that of the GTIN which their code carries, since
GTIN and serial together name one unit whatever product the GTIN belonged to then. Four things take
serials there: sequences (by arithmetic, from the frozen rule), stored serials, tokens, and lists
that are not minted yet. A cancelled batch keeps what it minted; a failed one may be retried and
keeps all.

The product's row is locked by whoever promises serials (``docs/adr/0018-serials.md``), so two
that want the same ones are asked one after the other.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from minting.serial_rules import LARGEST_START, LONGEST_SERIAL, SerialRule, UsedSerials

_EXAMPLES = 10

#: Sequences of the space as text: ``first`` to ``last``, all of one length.
SEQUENCES = """
    select batch.id, batch.serial_prefix as prefix,
           (batch.serial_prefix || lpad(batch.serial_start::text, batch.serial_width, '0'))
               collate "C" as first,
           (batch.serial_prefix
               || lpad((batch.serial_start + held.count - 1)::text, batch.serial_width, '0'))
               collate "C" as last
      from minting_mintbatch as batch
      join minting_mintjob as job on job.batch_id = batch.id
      cross join lateral (
          select case job.status when 'CANCELLED' then job.generated_quantity
                                 else batch.requested_quantity end as count) as held
     where (batch.product_id = %(product)s or batch.gtin = %(gtin)s)
       and batch.serial_prefix is not null and held.count > 0
"""

#: Products whose units may share the space; the batch decides whether each unit does.
PRODUCTS = """
    select %(product)s::uuid
     union
    select product_id from minting_mintbatch where gtin = %(gtin)s
"""
IN_SPACE = "(batch.product_id = %(product)s or batch.gtin = %(gtin)s)"

#: Serials of lists that no minted unit stands for yet; ``%(own_list)s`` is left out.
PROMISED = r"""
    select list.id, item.serial collate "C" as serial
      from minting_seriallist as list
      left join minting_mintbatch as batch on batch.serial_list_id = list.id
      left join minting_mintjob as job on job.batch_id = batch.id
      join minting_seriallistchunk as chunk on chunk.list_id = list.id
      cross join lateral string_to_table(chunk.serials, E'\n') as item (serial)
     where (list.product_id = %(product)s or list.gtin = %(gtin)s)
       and list.id is distinct from %(own_list)s
       and (job.id is null or job.status not in ('COMPLETED', 'CANCELLED'))
"""

# Two sequences can meet only where one's prefix goes on in digits from the other's.
_MEETING = f"""
with sequence as ({SEQUENCES})
select id, greatest(first, %(first)s), least(last, %(last)s)
  from sequence
 where length(first) = %(length)s
   and first <= %(last)s and last >= %(first)s
   and (starts_with(%(prefix)s, prefix)
            and substr(%(prefix)s, length(prefix) + 1) ~ '^[0-9]*$'
        or starts_with(prefix, %(prefix)s)
            and substr(prefix, length(%(prefix)s) + 1) ~ '^[0-9]*$')
 order by first
"""  # noqa: S608 - made of constants

# Stored serials of sequences are counted above. The gates keep the larger scans from running
# where nothing can be found.
_TAKEN = f"""
with taken as (
    select unit.serial, 'mint_batch' as kind, unit.batch_id as id
      from minting_mintunit as unit
      join minting_mintbatch as batch on batch.id = unit.batch_id
     where (select exists (select from minting_mintbatch as batch
                            where {IN_SPACE} and batch.serial_list_id is not null))
       and unit.product_id in ({PRODUCTS}) and {IN_SPACE}
       and unit.serial between %(first)s and %(last)s
       and batch.serial_prefix is null
    union all
    select unit.token, 'mint_batch', unit.batch_id
      from minting_mintunit as unit
      join minting_mintbatch as batch on batch.id = unit.batch_id
     where (select %(length)s = {LONGEST_SERIAL})
       and unit.token between %(first)s and %(last)s and {IN_SPACE}
    union all
    select serial, 'serial_list', id from ({PROMISED}) as promised
     where serial between %(first)s and %(last)s
), met as (
    select distinct on (serial) serial, kind, id from taken
     where length(serial) = %(length)s
       and substr(serial, length(%(prefix)s) + 1) ~ '^[0-9]+$'
     order by serial, kind
)
select serial, kind, id, count(*) over (), max(serial) over () from met
 order by serial limit {_EXAMPLES}
"""  # noqa: S608 - made of constants


@dataclass(frozen=True)
class Space:
    """Where a serial must be unique: a product, and the GTIN its codes carry."""

    product_id: UUID
    gtin: str | None

    @property
    def names(self) -> dict[str, Any]:
        """Return the parameters of this module's SQL."""
        return {"product": self.product_id, "gtin": self.gtin}


@dataclass(frozen=True)
class _Met:
    """What a run of serials meets: how many, the first few, and the highest."""

    count: int
    examples: list[dict[str, Any]]
    highest: str | None


def used_of_rule(space: Space, rule: SerialRule, quantity: int) -> UsedSerials:
    """Return what of a sequence is taken, and the next start from which the rest is free."""
    met = _met(space, rule, rule.start, rule.last(quantity))
    if not met.count:
        return UsedSerials()
    highest = _met(space, rule, 0, rule.largest).highest
    following = rule.number(highest) + 1 if highest else rule.start
    fits = following <= LARGEST_START and following + quantity - 1 <= rule.largest
    return UsedSerials(met.count, tuple(met.examples), following if fits else None)


def _met(space: Space, rule: SerialRule, start: int, end: int) -> _Met:
    names = {
        **space.names,
        "own_list": None,
        "prefix": rule.prefix,
        "length": rule.length,
        "first": rule.serial(start),
        "last": rule.serial(end),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MEETING, names)
        runs = cursor.fetchall()
        cursor.execute(_TAKEN, names)
        singles = cursor.fetchall()
    in_runs = sum(rule.number(last) - rule.number(first) + 1 for _, first, last in runs)
    examples = [
        *(_run(id_, first, last) for id_, first, last in runs[:_EXAMPLES]),
        *(_single(serial, kind, id_) for serial, kind, id_, _, _ in singles),
    ]
    ends = [last for _, _, last in runs] + [highest for *_, highest in singles]
    count = in_runs + (singles[0][3] if singles else 0)
    return _Met(count, examples[:_EXAMPLES], max(ends, default=None))


def _run(batch_id: UUID, first: str, last: str) -> dict[str, Any]:
    return {"first": first, "last": last, "used_by": {"kind": "mint_batch", "id": str(batch_id)}}


def _single(serial: str, kind: str, id_: UUID) -> dict[str, Any]:
    return {"first": serial, "last": serial, "used_by": {"kind": kind, "id": str(id_)}}
