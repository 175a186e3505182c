"""Judges the agents of stored scans again, after the rules for agents have changed.

Only classes that an agent text has decided can change (``traffic.BY_AGENT``), to whatever its kind
means now. A machine stays one, and so does a prefetch: the method, the header or the ``Accept``
that may have decided it is not stored. For the same reason what was taken for a program before
becomes a person's, whatever answer it asked for. Judged is the reduced text, which is all there is.
Activations and signals stay as they were.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from resolver.agents import AgentKind, kind_of
from resolver.models import ScanAgent
from resolver.models.scans import RETENTION_DAYS
from resolver.scan_counts import count_days, count_hours, nobody_else_counts
from resolver.scan_days import days_of_events
from resolver.traffic import BY_AGENT, OF_KIND, TrafficClass

#: How many scans changed from one class to another.
Changes = Counter[tuple[TrafficClass, TrafficClass]]

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# A day that its brand keeps no longer may be half deleted. It cannot be counted again, so its
# classes stay as they are counted.
_WRONG = """
with judged as (
    select * from unnest(%(agents)s::bigint[], %(classes)s::smallint[]) as known (agent_id, becomes)
), wrong as (
    select event.ctid as place, event.brand_id, event.scanned_at, event.traffic as was, becomes
      from resolver_scanevent as event
      join judged using (agent_id)
      left join resolver_scanpolicy as policy on policy.brand_id = event.brand_id
     where event.scanned_at >= %(start)s and event.scanned_at < %(end)s
       and event.traffic = any(%(changeable)s) and event.traffic <> becomes
       and (%(brand)s::uuid is null or event.brand_id = %(brand)s::uuid)
       and event.scanned_at >= (now() at time zone 'UTC')::date
         - coalesce(policy.retention_days, %(usual)s)
)
"""
_BY_HOUR = f"""{_WRONG}
select date_trunc('hour', scanned_at, 'UTC'), was, becomes, count(*) from wrong
 group by 1, 2, 3 order by 1
"""  # noqa: S608 - constants only
# Within an hour, which is one day's, so that a row's place names one row.
_CHANGE = f"""{_WRONG}, changed as (
    update resolver_scanevent as event set traffic = becomes from wrong
     where event.ctid = place and event.scanned_at >= %(start)s and event.scanned_at < %(end)s
    returning wrong.brand_id, was, becomes
)
select brand_id, was, becomes, count(*) from changed group by 1, 2, 3
"""  # noqa: S608 - constants only


def reclassify(since: date, *, brand: UUID | None = None, dry_run: bool = False) -> Changes:
    """Give stored scans of ``since`` and later the class their agents have now; say what changed.

    Each hour is changed and counted anew in a transaction of its own: whatever interrupts it, the
    figures are those of the events, and the next run goes on.
    """
    known = _judged_agents(keeps=not dry_run) | {"brand": brand}
    found: Changes = Counter()
    for day in days_of_events():
        if day < since:
            continue
        start = datetime.combine(day, time(), UTC)
        rows = _all(_BY_HOUR, known, start, start + _DAY)
        if dry_run:
            found += _changes((was, becomes, count) for _, was, becomes, count in rows)
            continue
        for hour in dict.fromkeys(row[0] for row in rows):
            found += _change_hour(known, hour, start)
    return found


def _change_hour(known: dict[str, Any], hour: datetime, day: datetime) -> Changes:
    with nobody_else_counts():
        rows = _all(_CHANGE, known, hour, hour + _HOUR)
        brands = list({row[0] for row in rows})
        count_hours(hour, hour + _HOUR, brands)
        count_days(day, day + _DAY, brands)
    return _changes((was, becomes, count) for _, was, becomes, count in rows)


def _judged_agents(*, keeps: bool) -> dict[str, Any]:
    """Judge every agent of the dictionary, and keep the kinds that are new, unless told not to."""
    agents, classes = [], []
    for agent in ScanAgent.objects.order_by("id").iterator():
        kind = kind_of(agent.text)
        agents.append(agent.pk)
        classes.append(OF_KIND[kind].value)
        if keeps and kind is not AgentKind(agent.kind):
            ScanAgent.objects.filter(pk=agent.pk).update(kind=kind.value)
    return {"agents": agents, "classes": classes}


def _changes(rows: Iterator[tuple[int, int, int]]) -> Changes:
    found: Changes = Counter()
    for was, becomes, count in rows:
        found[TrafficClass(was), TrafficClass(becomes)] += count
    return found


def _all(statement: str, known: dict[str, Any], start: datetime, end: datetime) -> list[Any]:
    usual: dict[str, Any] = {
        "usual": RETENTION_DAYS,
        "changeable": [known.value for known in BY_AGENT],
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, usual | known | {"start": start, "end": end})
        return list(cursor.fetchall())
