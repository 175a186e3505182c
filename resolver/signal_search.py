"""Looks through the events of scans for what does not look right: one statement a rule.

Each look goes through whole days and finds the same signals again, so it may die or run twice. A
day is looked through until its last hour is final; see ``scan_counts`` why nothing comes later.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from minting.states import PhysicalStatus, UnitStatus
from resolver.scan_counts import FIRST_DAY, LONGEST_STEP, day_of
from resolver.signals import (
    BURST_UNITS,
    FAR_KM,
    FAR_WITHIN,
    KM_FOR_A_RADIAN,
    PATHS_A_DAY,
    Rule,
)
from resolver.traffic import TrafficClass

_TRY = "select pg_try_advisory_xact_lock(hashtextextended('tieback.signal_search', 0))"
_WAIT = "select pg_advisory_xact_lock(hashtextextended('tieback.signal_search', 0))"
_SPAN = f"""
select now(), counted_until, coalesce(searched_until, {FIRST_DAY}) from resolver_scanprogress
"""  # noqa: S608 - constants only
_DONE = """
update resolver_scanprogress set searched_until = greatest(searched_until, %(until)s)
"""
_DAY = "(scanned_at at time zone 'UTC')::date"
_IN_SPAN = "scanned_at >= %(start)s and scanned_at < %(end)s"
# What a scan says of its own unit alone can have changed only for units that were scanned again.
_SINCE = "scanned_at >= %(since)s and scanned_at < %(end)s"
_WRITE = """
insert into resolver_scansignal as known
       (brand_id, rule, day, subject, batch_id, unit_id, scans, first_at, last_at, detail)
select brand_id, %(rule)s, day, subject, batch_id, unit_id, scans, first_at, last_at, detail
  from found
on conflict (brand_id, day, rule, subject) do update
   set scans = excluded.scans, first_at = excluded.first_at, last_at = excluded.last_at,
       detail = excluded.detail
 where (known.scans, known.first_at, known.last_at, known.detail)
    is distinct from (excluded.scans, excluded.first_at, excluded.last_at, excluded.detail)
"""
# The paths scanned most, of each brand and day: made-up ones are without end.
_NEVER_ISSUED = f"""
with counted as (
    select brand_id, {_DAY} as day, path as subject, count(*) as scans,
           min(scanned_at) as first_at, max(scanned_at) as last_at
      from resolver_scanevent
     where {_IN_SPAN} and traffic = %(person)s and batch_id is null and path <> ''
     group by 1, 2, 3
), ranked as (
    select *, row_number() over (partition by brand_id, day order by scans desc, subject) as place
      from counted
), found as (
    select *, null::uuid as batch_id, null::bigint as unit_id, '{{}}'::jsonb as detail
      from ranked where place <= %(paths)s
), crowded_out as (
    delete from resolver_scansignal as known using ranked
     where known.rule = %(rule)s and place > %(paths)s
       and (known.brand_id, known.day, known.subject)
         = (ranked.brand_id, ranked.day, ranked.subject)
)
{_WRITE}"""  # noqa: S608 - constants only
_OF_UNITS = f"""
    select event.brand_id, {_DAY} as day, event.unit_id::text as subject, event.batch_id,
           event.unit_id, count(*) as scans, min(scanned_at) as first_at,
           max(scanned_at) as last_at, '{{}}'::jsonb as detail
      from resolver_scanevent as event"""  # noqa: S608 - constants only
_REVOKED = f"""
with again as (
    select distinct unit_id from resolver_scanevent
     where {_SINCE} and traffic = %(person)s and status = %(revoked)s
), found as ({_OF_UNITS}
     where {_IN_SPAN} and traffic = %(person)s and event.status = %(revoked)s
       and event.unit_id in (select unit_id from again)
     group by 1, 2, 4, 5
)
{_WRITE}"""  # noqa: S608 - constants only
_BEFORE_SHIPPING = f"""
with following as (
    select distinct brand_id from minting_mintbatch where physical_status = %(applied)s
), found as ({_OF_UNITS}
      join minting_mintbatch as batch on batch.id = event.batch_id
     where {_IN_SPAN} and traffic = %(person)s and event.unit_id is not null
       and batch.physical_status = any(%(before)s)
       and event.brand_id in (select brand_id from following)
     group by 1, 2, 4, 5
)
{_WRITE}"""  # noqa: S608 - constants only
# Only scans that follow each other are compared: the cost grows with the scans and not with their
# square, and whoever was at two ends of a journey was somewhere in between as well.
_FAR_PLACES = f"""
with again as (
    select distinct unit_id from resolver_scanevent
     where {_SINCE} and traffic = %(person)s and unit_id is not null and latitude is not null
), placed as (
    select brand_id, batch_id, unit_id, scanned_at, latitude, longitude, country,
           lag(scanned_at) over journey as was_at, lag(latitude) over journey as was_latitude,
           lag(longitude) over journey as was_longitude, lag(country) over journey as was_country
      from resolver_scanevent
     where scanned_at >= %(start)s - %(within)s and scanned_at < %(end)s and traffic = %(person)s
       and unit_id in (select unit_id from again)
       and latitude is not null and longitude is not null
    window journey as (partition by unit_id order by scanned_at, id)
), moved as (
    select *, 2 * %(radius)s * asin(sqrt(least(1,
               power(sind((latitude - was_latitude) / 2.0), 2)
             + cosd(latitude) * cosd(was_latitude)
             * power(sind((longitude - was_longitude) / 2.0), 2)))) as km
      from placed
     where was_at is not null and scanned_at - was_at <= %(within)s
), found as (
    select brand_id, {_DAY} as day, unit_id::text as subject, batch_id, unit_id,
           count(*) as scans, min(scanned_at) as first_at, max(scanned_at) as last_at,
           (array_agg(jsonb_build_object(
               'km', round(km), 'minutes', round(extract(epoch from scanned_at - was_at) / 60),
               'from', jsonb_build_object('latitude', was_latitude, 'longitude', was_longitude,
                                          'country', was_country),
               'to', jsonb_build_object('latitude', latitude, 'longitude', longitude,
                                        'country', country)
           ) order by km desc, scanned_at))[1] as detail
      from moved where km >= %(far)s and {_IN_SPAN}
     group by 1, 2, 4, 5
)
{_WRITE}"""  # noqa: S608 - constants only
# Telling units apart is what costs: only hours that may have gained scans are gone through again.
_BURST = f"""
with found as (
    select brand_id, {_DAY} as day, batch_id, null::bigint as unit_id, count(*) as scans,
           concat_ws(' ', network, batch_id, date_part('hour', min(scanned_at))) as subject,
           min(scanned_at) as first_at, max(scanned_at) as last_at,
           jsonb_build_object('network', network, 'units', count(distinct unit_id)) as detail
      from resolver_scanevent
     where {_SINCE}
       and unit_id is not null and network <> '' and traffic = any(%(nobodys)s)
     group by brand_id, day, network, batch_id, date_trunc('hour', scanned_at, 'UTC')
    having count(distinct unit_id) >= %(units)s
)
{_WRITE}"""  # noqa: S608 - constants only

_STATEMENTS = {
    Rule.NEVER_ISSUED: _NEVER_ISSUED,
    Rule.REVOKED: _REVOKED,
    Rule.BEFORE_SHIPPING: _BEFORE_SHIPPING,
    Rule.FAR_PLACES: _FAR_PLACES,
    Rule.BURST: _BURST,
}
_KNOWN: dict[str, Any] = {
    "person": TrafficClass.PERSON.value,
    # Link previews, crawlers and scanners say who they are, and fetch whatever is shown to them.
    "nobodys": [
        known.value for known in (TrafficClass.PERSON, TrafficClass.MACHINE, TrafficClass.UNKNOWN)
    ],
    "revoked": UnitStatus.REVOKED.value,
    "applied": PhysicalStatus.APPLIED.value,
    "before": [PhysicalStatus.EXPORTED.value, PhysicalStatus.PRINTED.value],
    "paths": PATHS_A_DAY,
    "far": FAR_KM,
    "within": FAR_WITHIN,
    "radius": KM_FOR_A_RADIAN,
    "units": BURST_UNITS,
}


@contextmanager
def nobody_else_searches() -> Iterator[None]:
    """Open a transaction, and wait for a look that is under way to have written what it found."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_WAIT)
        yield


def search_signals() -> bool:
    """Look through the days that may still gain events.

    False where another process does, and before anything was counted.
    """
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_TRY)
            if not cursor.fetchone()[0]:
                return False
            cursor.execute(_SPAN)
            span = cursor.fetchone()
            if span is None:
                return False
            now, counted, searched = span
            start = day_of(searched)
            end = min(start + LONGEST_STEP, now)
            look(cursor, start, end, since=searched)
            until = min(end, counted)
            cursor.execute(_DONE, {"until": until})
        if end == now or until < end:
            return True


def look(cursor: Any, start: datetime, end: datetime, *, since: datetime) -> None:
    """Find the signals of the events from the beginning of a day to ``end``.

    ``since`` is up to where they were looked through before.
    """
    hour = since.replace(minute=0, second=0, microsecond=0)
    span = {"start": start, "end": end, "since": hour}
    for rule, statement in _STATEMENTS.items():
        cursor.execute(statement, {**_KNOWN, **span, "rule": rule.value})
