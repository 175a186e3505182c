"""Forgetting reports, and drifts that were closed, after the days that they are kept for."""

from django.conf import settings
from django.db import connection, transaction

AT_ONCE = 1_000
_REPORTS = """
with due as materialized (
    select id from minting_reconciliationrun
     where finished_at is not null
       and created_at < clock_timestamp() - make_interval(days => %(days)s)
     order by created_at, id
     limit %(limit)s
       for update skip locked
)
delete from minting_reconciliationrun as run using due where run.id = due.id
"""
_DRIFTS = """
with due as materialized (
    select id from minting_chaindrift
     where closed_at < clock_timestamp() - make_interval(days => %(days)s)
     order by closed_at
     limit %(limit)s
       for update skip locked
)
delete from minting_chaindrift as drift using due where drift.id = due.id
"""


def forget_some(at_most: int = AT_ONCE) -> int:
    """Delete the oldest reports and closed drifts that are due; return how many.

    What still stands stays, however old it is.
    """
    asked = {"days": int(settings.RECONCILIATION_REPORT_DAYS), "limit": at_most}
    gone = 0
    for statement in (_REPORTS, _DRIFTS):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, asked)
            gone += cursor.rowcount
    return gone
