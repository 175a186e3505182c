"""Row-level security and grants as migration operations, so each table's policy stands beside it.

Roles belong to the cluster and are made by the launcher or the operator
(``tieback/stack/roles.sql``); migrations only refer to them.
"""

from typing import Any

from django.db.migrations import RunSQL

BRAND = "nullif(current_setting('tieback.brand_id', true), '')::uuid"
USER = "nullif(current_setting('tieback.user_id', true), '')::bigint"


def isolate(
    table: str,
    *,
    brand: str = "brand_id",
    also: str | None = None,
    open_to: tuple[str, ...] = (),
    readable_by: tuple[str, ...] = (),
) -> RunSQL:
    """Force row-level security on ``table``: rows of the brand in force, nothing else.

    ``also`` is a further condition for reading only; ``open_to`` names roles that see and write
    every row, ``readable_by`` roles that see every row. The operators' role sees all.
    """
    own = f"{brand} = {BRAND}"
    forward: list[Any] = [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy brand_only on {table} using ({own}) with check ({own})",
    ]
    if also:
        forward.append(f"create policy own_rows on {table} for select using ({also})")
    forward += [
        f"create policy open_{role} on {table} to {role} using (true) with check (true)"
        for role in ("tieback_ops", *open_to)
    ]
    forward += [
        f"create policy read_{role} on {table} for select to {role} using (true)"
        for role in readable_by
    ]
    names = ["brand_only", *(["own_rows"] if also else [])]
    names += [f"open_{role}" for role in ("tieback_ops", *open_to)]
    names += [f"read_{role}" for role in readable_by]
    backward: list[Any] = [f"drop policy {name} on {table}" for name in names]
    backward += [
        f"alter table {table} no force row level security",
        f"alter table {table} disable row level security",
    ]
    return RunSQL(forward, backward)


def look_up_brand_once(table: str) -> RunSQL:
    """Let a statement look up the brand in force once, and not for each row it reads or writes.

    For tables that are written by thousands of rows: a tenth of the cost of their INSERT. The
    planner no longer sees which brand it is, so where plans depend on that the policy that
    ``isolate`` makes serves better.
    """
    own, once = f"brand_id = {BRAND}", f"brand_id = (select {BRAND})"
    return RunSQL(
        f"alter policy brand_only on {table} using ({once}) with check ({once})",
        f"alter policy brand_only on {table} using ({own}) with check ({own})",
    )


def grant(role: str, privileges: str, *tables: str) -> RunSQL:
    """Give a role privileges on tables, for instance ``"select, update (status)"``."""
    listed = ", ".join(tables)
    return RunSQL(
        f"grant {privileges} on {listed} to {role}",
        f"revoke {privileges} on {listed} from {role}",
    )


def brand_key(table: str) -> RunSQL:
    """Let children name a row of ``table`` together with its brand."""
    name = f"{table}_brand_key"
    return RunSQL(
        f"alter table {table} add constraint {name} unique (brand_id, id)",
        f"alter table {table} drop constraint {name}",
    )


def same_brand(table: str, column: str, parent: str) -> RunSQL:
    """Make a row's parent one of its own brand."""
    name = f"{table}_{column}_same_brand"
    return RunSQL(
        f"alter table {table} add constraint {name} foreign key (brand_id, {column})"
        f" references {parent} (brand_id, id)",
        f"alter table {table} drop constraint {name}",
    )
