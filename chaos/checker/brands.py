"""I11: a row has the brand of the row it belongs to, in every table that has a brand.

Which rows belong to which is read from the database's own foreign keys, so that a table added
later takes part by itself; the references that are kept without a key are named here.
"""

from psycopg import sql

from chaos.checker.evidence import SHOWN, Evidence, check

# Units and scans are too many for a key to be checked row by row.
_KEYLESS = (
    ("minting_mintunit", "batch_id", "minting_mintbatch"),
    ("minting_mintunit", "lot_id", "minting_mintlot"),
    ("minting_mintunit", "product_id", "minting_product"),
    ("resolver_activation", "batch_id", "minting_mintbatch"),
    ("resolver_activation", "unit_id", "minting_mintunit"),
)
_KEYS = """
    select child.relname, attribute.attname, parent.relname
      from pg_constraint as reference
      join pg_class as child on child.oid = reference.conrelid
      join pg_class as parent on parent.oid = reference.confrelid
      join pg_attribute as attribute
        on attribute.attrelid = child.oid and attribute.attnum = reference.conkey[1]
     where reference.contype = 'f' and cardinality(reference.conkey) = 1
       and child.relnamespace = 'public'::regnamespace
       and exists (select from pg_attribute as own where own.attrelid = child.oid
                      and own.attname = 'brand_id' and not own.attisdropped)
       and exists (select from pg_attribute as own where own.attrelid = parent.oid
                      and own.attname = 'brand_id' and not own.attisdropped)
     order by 1, 2
"""
# Whom a narrowed look at jobs leaves out: rows that belong to no one job.
_OF_A_JOB = {"batch_id": "job.batch_id", "job_id": "job.id"}
_COLUMNS = """
    select attname from pg_attribute
     where attrelid = %(table)s::regclass and attname in ('batch_id', 'job_id')
       and not attisdropped
"""


@check
def children_have_their_parents_brand(evidence: Evidence) -> list[str]:
    """I11: whatever belongs to something has its brand."""
    references = {*_KEYLESS, *evidence.rows(_KEYS)}
    found = []
    for child, column, parent in sorted(references):
        found += _problems_between(evidence, child, column, parent)
    return found


def _problems_between(evidence: Evidence, child: str, column: str, parent: str) -> list[str]:
    statement = sql.SQL(
        "with fault as materialized ("
        "select coalesce(to_jsonb(child) ->> 'id', child.ctid::text), child.brand_id::text,"
        "       parent.brand_id::text as other"
        "  from {child} as child join {parent} as parent on parent.id = child.{column}"
        " where child.brand_id <> parent.brand_id {only}) select * from fault limit {shown}"
    ).format(
        child=sql.Identifier(child),
        parent=sql.Identifier(parent),
        column=sql.Identifier(column),
        only=_only(evidence, child),
        shown=sql.Literal(SHOWN),
    )
    names = {"job": evidence.job, "brand": evidence.brand}
    return [
        f"{child} {row} is of brand {own}, its {parent} of {other}"
        for row, own, other in evidence.database.execute(statement, names).fetchall()
    ]


def _only(evidence: Evidence, child: str) -> sql.Composable:
    if evidence.job is None:
        both = "and %(brand)s::uuid in (child.brand_id, parent.brand_id)"
        return sql.SQL(both if evidence.brand else "")
    columns = [name for (name,) in evidence.rows(_COLUMNS, table=child)]
    if child == "minting_mintjob":
        return sql.SQL("and child.id = %(job)s")
    if not columns:
        return sql.SQL("and false")
    of_job = _OF_A_JOB[columns[0]]
    condition = f"and child.{columns[0]} = (select {of_job} from minting_mintjob as job where "
    return sql.SQL(condition + evidence.jobs() + ")")
