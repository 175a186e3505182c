"""I1 to I3: no unit twice, none missing, and none outside a committed cycle."""

from chaos.checker.evidence import Evidence, check

_UNITS = """
    minting_mintunit as unit
      join minting_mintjob as job on job.batch_id = unit.batch_id and {jobs}
"""
_PER_JOB = """
    select job.id, job.status, job.batch_id, job.requested_quantity, job.generated_quantity,
           job.cycles, coalesce(made.units, 0) as units, made.first, made.last
      from minting_mintjob as job
      left join lateral (
           select count(*) as units, min(ordinal) as first, max(ordinal) as last
             from minting_mintunit as unit where unit.batch_id = job.batch_id) as made on true
     where {jobs}
"""
# Under one GTIN, or one product without a GTIN, an identifier names one unit.
_IDENTIFIERS = f"""
    select job.brand_id, coalesce(batch.gtin, batch.product_id::text) as named_under,
           coalesce(unit.serial, unit.token) as identifier, count(*)
      from {_UNITS} join minting_mintbatch as batch on batch.id = unit.batch_id
     where batch.product_id = any(%(products)s)
     group by 1, 2, 3 having count(*) > 1
"""
# Elsewhere the token is the identifier, and looked at by itself.
_WITH_SERIALS = """
    select distinct batch.product_id from minting_mintbatch as batch
      join minting_mintjob as job on job.batch_id = batch.id and {jobs}
     where exists (select from minting_mintunit as unit
                    where unit.product_id = batch.product_id and unit.serial is not null)
"""
# What a narrowed look does not group: the same token, or identifier, outside of it. While a
# unique index stands the planner takes it for proof and does not look; so then neither do we.
_NONE_TWICE = """
    select from pg_index join pg_class as index on index.oid = indexrelid
     where indrelid = 'minting_mintunit'::regclass and indisunique and indisvalid
       and indpred is null and pg_get_indexdef(indexrelid) like '%%(token)%%'
"""
_TOKENS_ELSEWHERE = f"""
    select unit.token, unit.batch_id, other.batch_id from {_UNITS}
      join minting_mintunit as other on other.token = unit.token and other.id <> unit.id
"""
_SERIALS_ELSEWHERE = f"""
    select unit.product_id, unit.serial, unit.batch_id, other.batch_id from {_UNITS}
      join minting_mintunit as other on other.product_id = unit.product_id
       and (other.serial = unit.serial or other.serial is null and other.token = unit.serial)
     where unit.serial is not null and other.id <> unit.id
"""

_OF_SEQUENCES = """
    select unit.batch_id, unit.ordinal, unit.serial,
           batch.serial_prefix || lpad((batch.serial_start + unit.ordinal - 1)::text,
                                       batch.serial_width, '0') as due
      from minting_mintbatch as batch join minting_mintunit as unit on unit.batch_id = batch.id
     where batch.id = any(%(batches)s)
"""
_OF_LISTS = r"""
    with due as (
        select batch.id as batch_id, chunk.first_ordinal + item.place - 1 as ordinal, item.serial
          from minting_mintbatch as batch
          join minting_seriallistchunk as chunk on chunk.list_id = batch.serial_list_id
         cross join lateral string_to_table(chunk.serials, E'\n')
               with ordinality as item (serial, place)
         where batch.id = any(%(batches)s)
    )
    select unit.batch_id, unit.ordinal, unit.serial, due.serial as due
      from minting_mintunit as unit
      left join due on due.batch_id = unit.batch_id and due.ordinal = unit.ordinal
     where unit.batch_id = any(%(batches)s)
"""


@check
def no_duplicates(evidence: Evidence) -> list[str]:
    """I1: as many ordinals, tokens and identifiers under a GTIN as units."""
    found = evidence.problems(
        "one ordinal, several units (batch, ordinal, units)",
        f"select unit.batch_id, unit.ordinal, count(*) from {_UNITS}"
        " group by 1, 2 having count(*) > 1",
    )
    found += evidence.problems(
        "one token, several units (token, units)",
        f"select unit.token, count(*) from {_UNITS} group by 1 having count(*) > 1",
    )
    if evidence.is_narrowed and not evidence.rows(_NONE_TWICE):
        found += evidence.problems(
            "a token is in another batch too (token, batches)", _TOKENS_ELSEWHERE
        )
    return found + _problems_of_serials(evidence)


def _problems_of_serials(evidence: Evidence) -> list[str]:
    products = [product for (product,) in evidence.rows(_WITH_SERIALS)]
    if not products:
        return []
    found = evidence.problems(
        "one identifier, several units (brand, under, identifier, units)",
        _IDENTIFIERS,
        products=products,
    )
    if evidence.is_narrowed:
        found += evidence.problems(
            "a serial names another unit too (product, serial, batches)", _SERIALS_ELSEWHERE
        )
    return found


@check
def no_gaps(evidence: Evidence) -> list[str]:
    """I2: ordinals and serials run on without a gap; a completed job has all, a lot its own."""
    found = evidence.problems(
        "ordinals with a gap, too many of them, or too few of a completed job"
        " (job, status, requested, units, first, last)",
        f"select id, status, requested_quantity, units, first, last from ({_PER_JOB}) as made"
        " where units > 0 and (first <> 1 or last <> units) or units > requested_quantity"
        "    or status = 'COMPLETED' and units <> requested_quantity",
    )
    return found + _problems_of_lots(evidence) + _problems_of_order(evidence)


def _problems_of_lots(evidence: Evidence) -> list[str]:
    """Lots share the batch out; the units of each follow one another."""
    some = "select from minting_mintlot as lot join minting_mintjob as job using (batch_id)"
    if not evidence.rows(f"{some} where {{jobs}} limit 1"):
        return []
    return evidence.problems(
        "lots do not add up to their batch (job, requested, in lots)",
        "select job.id, job.requested_quantity, sum(lot.quantity)"
        "  from minting_mintlot as lot join minting_mintjob as job"
        "    on job.batch_id = lot.batch_id and {jobs}"
        " group by 1, 2 having sum(lot.quantity) <> job.requested_quantity",
    ) + evidence.problems(
        "units of a lot are not its share (lot, quantity, units, first, last)",
        "select lot.id, lot.quantity, made.units, made.first, made.last"
        "  from minting_mintlot as lot"
        "  join minting_mintjob as job on job.batch_id = lot.batch_id and {jobs}"
        "  join (select unit.lot_id, count(*) as units, min(ordinal) as first,"
        f"              max(ordinal) as last from {_UNITS} where unit.lot_id is not null"
        "         group by 1) as made on made.lot_id = lot.id"
        " where made.units > lot.quantity or made.last - made.first + 1 <> made.units"
        "    or job.status = 'COMPLETED' and made.units <> lot.quantity"
        # Where a lot says which ordinals are its own.
        "    or made.first <> (to_jsonb(lot) ->> 'first_ordinal')::int"
        "    or made.last > (to_jsonb(lot) ->> 'last_ordinal')::int",
    )


def _problems_of_order(evidence: Evidence) -> list[str]:
    """Serials of a sequence or a list are given to the ordinals in their order."""
    chosen = evidence.rows(
        "select batch.id, batch.serial_list_id is not null from minting_mintbatch as batch"
        "  join minting_mintjob as job on job.batch_id = batch.id and {jobs}"
        " where batch.serial_prefix is not null or batch.serial_list_id is not null"
    )
    return evidence.problems(
        "a serial is not the one of its ordinal in the sequence (batch, ordinal, serial, due)",
        f"select * from ({_OF_SEQUENCES}) as unit where serial is distinct from due",
        batches=[batch for batch, is_list in chosen if not is_list],
    ) + evidence.problems(
        "a serial is not the one of its ordinal in the list (batch, ordinal, serial, due)",
        f"select * from ({_OF_LISTS}) as unit where serial is distinct from due",
        batches=[batch for batch, is_list in chosen if is_list],
    )


@check
def cycles_are_whole(evidence: Evidence) -> list[str]:
    """I3: the units are those of the committed cycles, each whole and after the one before it."""
    return (
        evidence.problems(
            "units are not the sum of the cycles (job, units, in cycles, cycles, counted)",
            "select made.id, units, coalesce(sum(cycle.count), 0), count(cycle.id), made.cycles"
            f" from ({_PER_JOB}) as made"
            "  left join minting_mintcycle as cycle on cycle.job_id = made.id"
            " group by made.id, units, made.cycles having units <> coalesce(sum(cycle.count), 0)"
            "     or made.cycles <> count(cycle.id)"
            "     or made.cycles <> coalesce(max(cycle.number), 0)",
        )
        + evidence.problems(
            "a cycle does not follow the one before it (job, number, first ordinal, due)",
            "select job_id, number, first_ordinal, due from ("
            "  select job_id, number, first_ordinal,"
            "         row_number() over of_job as place,"
            "         1 + sum(count) over of_job - count as due"
            "    from minting_mintcycle as cycle"
            "    join minting_mintjob as job on job.id = cycle.job_id and {jobs}"
            "  window of_job as (partition by job_id order by number)) as cycle"
            " where first_ordinal <> due or number <> place",
        )
        + _problems_of_chunks(evidence)
    )


def _problems_of_chunks(evidence: Evidence) -> list[str]:
    """A cycle's units came in one transaction, hence at one moment."""
    found = evidence.problems(
        "a cycle is not one transaction's units (job, number, count, units, moments)",
        "select cycle.job_id, cycle.number, cycle.count, made.units, made.moments"
        "  from minting_mintcycle as cycle"
        "  join minting_mintjob as job on job.id = cycle.job_id and {jobs}"
        "  cross join lateral (select count(*) as units,"
        "       case when min(created_at) = max(created_at) then 1 else 2 end as moments"
        "    from minting_mintunit as unit where unit.batch_id = job.batch_id"
        "     and ordinal between first_ordinal and first_ordinal + cycle.count - 1) as made"
        " where made.units <> cycle.count or made.moments <> 1",
    )
    if evidence.cycle_size:
        found += evidence.problems(
            "a cycle before the last is short (job, number, count)",
            "select cycle.job_id, cycle.number, cycle.count from minting_mintcycle as cycle"
            "  join minting_mintjob as job on job.id = cycle.job_id and {jobs}"
            " where cycle.count <> %(size)s"
            "   and cycle.first_ordinal + cycle.count - 1 <> job.requested_quantity",
            size=evidence.cycle_size,
        )
    return found
