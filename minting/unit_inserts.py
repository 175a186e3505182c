"""The one statement that makes a cycle's units, in the form that the batch's identities need. Pure.

Tokens travel as one joined text. Whatever else tells units apart is made by the server: a
sequence from the batch's frozen rule, own serials from the chunks of their list, lots by ordinal.
A form that is not needed costs nothing, since each has a statement of its own.
"""

from functools import cache

from minting.states import SerialSource

_INSERT = """{with_}
insert into minting_mintunit
       (brand_id, product_id, batch_id, ordinal, token, status, activated_at, created_at{columns})
select batch.brand_id, batch.product_id, batch.id, %(generated)s + made.position, made.token,
       case batch.activation_mode when 'active_at_mint' then 1 else 0 end,
       case batch.activation_mode when 'active_at_mint' then now() end,
       now(){values}
  from minting_mintbatch as batch{sources},
       {made}
 where batch.id = %(batch)s{conditions}
"""
_TOKENS = "string_to_table(%(tokens)s, ',') with ordinality as made (token, position)"

# Found by bisection in two arrays: a join of units and lots would be 20,000 times 100 rows.
_LOTS = """lots as (
    select array_agg(id order by first_ordinal) as ids,
           array_agg(first_ordinal order by first_ordinal) as firsts
      from minting_mintlot where batch_id = %(batch)s
)"""
_LOT = "lots.ids[width_bucket((%(generated)s + made.position)::int, lots.firsts)]"

_SEQUENTIAL = """batch.serial_prefix || lpad(
           (batch.serial_start + %(generated)s + made.position - 1)::text,
           batch.serial_width, '0')"""

# The cycle's slice of the list, as one text in the order of the ordinals.
_SLICE = r"""slice as (
    select string_agg(item.serial, E'\n' order by chunk.first_ordinal, item.place) as serials,
           count(*) as count
      from minting_mintbatch as batch
      join minting_seriallistchunk as chunk
        on chunk.list_id = batch.serial_list_id
       and chunk.first_ordinal <= %(generated)s + %(count)s
       and chunk.first_ordinal + chunk.count > %(generated)s + 1
     cross join lateral string_to_table(chunk.serials, E'\n')
           with ordinality as item (serial, place)
     where batch.id = %(batch)s
       and chunk.first_ordinal + item.place - 1
           between %(generated)s + 1 and %(generated)s + %(count)s
)"""
_PAIRS = r"""rows from (string_to_table(%(tokens)s, ','), string_to_table(slice.serials, E'\n'))
       with ordinality as made (token, serial, position)"""


@cache
def insert_units(*, has_lots: bool, source: SerialSource) -> str:
    """Return the statement for units of such a batch.

    It inserts nothing where a lot or the list lacks what it must have.
    """
    expressions, values, sources, conditions = [], [], [], []
    columns = []
    if source == SerialSource.SEQUENTIAL:
        columns.append("serial")
        values.append(_SEQUENTIAL)
    elif source == SerialSource.OWN:
        expressions.append(_SLICE)
        sources.append("slice")
        columns.append("serial")
        values.append("made.serial")
        conditions.append("slice.count = %(count)s")
    if has_lots:
        expressions.append(_LOTS)
        sources.append("lots")
        columns.append("lot_id")
        values.append(_LOT)
        conditions.append("lots.ids is not null")
    return _INSERT.format(
        with_="with " + ", ".join(expressions) if expressions else "",
        columns="".join(f", {column}" for column in columns),
        values="".join(f",\n       {value}" for value in values),
        sources="".join(f", {name}" for name in sources),
        made=_PAIRS if source == SerialSource.OWN else _TOKENS,
        conditions="".join(f" and {condition}" for condition in conditions),
    )
