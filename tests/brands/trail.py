"""Writing to the audit trail, having it sealed, and tampering with it as only a superuser can."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.db import connection

from tests.planes import acting_as
from tieback.brands.audit import ActsFor, record
from tieback.brands.scoping import all_brands, brand_scope
from tieback.brands.sealing import seal_audit

#: An entry for no brand, as the operators' commands write them.
_OF_NOBODY = """
    insert into brands_auditentry (brand_id, actor, action, target_type, target_id, reason,
                                   before, after, request_id)
    values (null, 'system:test', 'test.nobody', 'user', '1', '', '{}', '{}', '')
    returning id
"""


def write(brand_id: UUID, count: int = 1, action: str = "test.done") -> None:
    """Write entries as the web plane does, each in a transaction of its own."""
    with acting_as("web"):
        for number in range(count):
            with brand_scope(brand_id):
                record(
                    ActsFor(brand_id, "user:1"),
                    action,
                    "thing",
                    number,
                    after={"n": number, "é": 1.50},
                )


def write_for_nobody() -> int:
    with acting_as("console"), all_brands(), connection.cursor() as cursor:
        cursor.execute(_OF_NOBODY)
        return int(cursor.fetchone()[0])


def seal(**options: int) -> int:
    """Seal as the worker does."""
    with acting_as("worker"):
        return seal_audit(**options)


def ids(brand_id: UUID) -> list[int]:
    with acting_as("console"), connection.cursor() as cursor:
        cursor.execute(
            "select id from brands_auditentry where brand_id = %s order by id", [brand_id]
        )
        return [row[0] for row in cursor.fetchall()]


def seals(brand_id: UUID | None) -> list[tuple[int, list[int], str]]:
    """Return number, entries and hash of a chain's seals."""
    with acting_as("console"), connection.cursor() as cursor:
        cursor.execute(
            "select sequence, entry_ids, encode(hash, 'hex') from brands_auditseal"
            " where brand_id is not distinct from %s order by sequence",
            [brand_id],
        )
        return list(cursor.fetchall())


@contextmanager
def tampering() -> Iterator[Any]:
    """Yield a cursor of whoever owns the tables, with row security and triggers out of the way."""
    tables = ("brands_auditentry", "brands_auditseal", "brands_unsealedentry")
    with acting_as("owner"), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"alter table {table} no force row level security")
            cursor.execute(f"alter table {table} disable trigger user")
        try:
            yield cursor
        finally:
            for table in tables:
                cursor.execute(f"alter table {table} enable trigger user")
            for table in tables[:2]:
                cursor.execute(f"alter table {table} force row level security")


def verify(**options: Any) -> tuple[int, dict[str, Any]]:
    """Run the command; return its exit code and its report."""
    out = io.StringIO()
    code = 0
    with acting_as("console"):
        try:
            call_command("verify_audit", json=True, stdout=out, **options)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, json.loads(out.getvalue())


def found(**options: Any) -> list[tuple[str, int | None, int | None]]:
    """Return kind, entry and seal of every finding."""
    code, report = verify(**options)
    findings = [(one["kind"], one["entry"], one["seal"]) for one in report["findings"]]
    assert code == (1 if findings else 0)
    assert report["ok"] == (not findings)
    return findings
