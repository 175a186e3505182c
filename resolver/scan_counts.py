"""Counts the events of scans by the hour, and their visitors by the day.

Nothing is ever added to a figure: hours and days that are not final are counted anew from their
events, so a count that dies, or runs twice, changes nothing. An hour is final once it ended more
than a minute ago and whoever wrote events then has ended. An event has the time at which its
transaction began; its statement lasts half a second at most (``database.STATEMENT_TIMEOUT_MS``),
but its commit may wait for a disk or a standby for as long as they like.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from resolver.traffic import TrafficClass

#: How long after its end an hour may still gain events; far longer than a scan can take.
SETTLES_AFTER = timedelta(minutes=1)
#: How long a count waits for those who write events, before it leaves the hour for the next count.
PATIENCE_SECONDS, PAUSE_SECONDS = 5.0, 0.05
#: A counter that was away catches up by steps of this length, each committed by itself.
LONGEST_STEP = timedelta(days=1)

# One key for whatever counts events, or takes them away: two would count what the other changes.
_TRY = "select pg_try_advisory_xact_lock(hashtextextended('tieback.scan_counts', 0))"
_WAIT = "select pg_advisory_xact_lock(hashtextextended('tieback.scan_counts', 0))"

#: Where whoever looks at events for the first time begins: with the first day that is there.
FIRST_DAY = """coalesce(
    (select min(to_date(right(c.relname, 8), 'YYYYMMDD'))::timestamp at time zone 'UTC'
       from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'resolver_scanevent'::regclass),
    date_trunc('hour', now(), 'UTC'))"""
_SPAN = f"""
select now(), coalesce((select counted_until from resolver_scanprogress), {FIRST_DAY})
"""  # noqa: S608 - constants only
# Everybody may read this; when their transactions began, nobody but a monitor.
_WRITERS = """
select coalesce(array_agg(distinct virtualtransaction), '{}')
  from pg_locks
 where mode = 'RowExclusiveLock' and granted and pid is distinct from pg_backend_pid()
   and database = (select oid from pg_database where datname = current_database())
   and relation in (select inhrelid from pg_inherits
                     where inhparent = 'resolver_scanevent'::regclass)
"""
_OF_BRANDS = "and (%(brands)s::uuid[] is null or brand_id = any(%(brands)s::uuid[]))"
# Figures without an event any more are taken out by the same statement: it sees them as they were,
# so none that it writes is among them. They are found by NOT IN, whose list the server always keeps
# as a hash: of an hour that is new its statistics know nothing, and for NOT EXISTS it would compare
# each figure with every other.
_HOURS = f"""
with fresh as (
    select brand_id, batch_id, date_trunc('hour', scanned_at, 'UTC') as hour, traffic, country,
           count(*) as scans, count(*) filter (where is_first) as first_scans
      from resolver_scanevent
     where scanned_at >= %(start)s and scanned_at < %(end)s and batch_id is not null {_OF_BRANDS}
     group by 1, 2, 3, 4, 5
), gone as (
    delete from resolver_scanhour as counted
     where hour >= %(start)s and hour < %(end)s {_OF_BRANDS}
       and (brand_id, hour, batch_id, traffic, country)
           not in (select brand_id, hour, batch_id, traffic, country from fresh)
)
insert into resolver_scanhour as counted
       (brand_id, batch_id, hour, traffic, country, scans, first_scans)
select brand_id, batch_id, hour, traffic, country, scans, first_scans from fresh
on conflict (brand_id, hour, batch_id, traffic, country) do update
   set scans = excluded.scans, first_scans = excluded.first_scans
 where (counted.scans, counted.first_scans) <> (excluded.scans, excluded.first_scans)
"""  # noqa: S608 - constants only
# A visitor is one of the whole brand once, however many of its products were scanned. Scans are the
# sum of the hours, whose events may be gone.
_DAYS = f"""
with people as (
    select event.brand_id, batch.product_id, (scanned_at at time zone 'UTC')::date as day,
           count(distinct visitor) as visitors, 0 as scans
      from resolver_scanevent as event
      join minting_mintbatch as batch on batch.id = event.batch_id
     where scanned_at >= %(start)s and scanned_at < %(end)s
       and traffic = %(person)s and visitor is not null
       {_OF_BRANDS.replace("brand_id", "event.brand_id")}
     group by grouping sets ((1, 3), (1, 3, 2))
), hours as (
    select counted.brand_id, batch.product_id, (hour at time zone 'UTC')::date as day,
           0 as visitors, sum(scans) as scans
      from resolver_scanhour as counted
      join minting_mintbatch as batch on batch.id = counted.batch_id
     where hour >= %(start)s and hour < %(end)s and traffic = %(person)s
       {_OF_BRANDS.replace("brand_id", "counted.brand_id")}
     group by grouping sets ((1, 3), (1, 3, 2))
), fresh as (
    select brand_id, product_id, day, sum(visitors) as visitors, sum(scans) as scans
      from (select * from people union all select * from hours) as of_day
     group by 1, 2, 3
), gone as (
    delete from resolver_scanday as counted
     where day >= %(start)s::date and day < %(end)s::date {_OF_BRANDS}
       and (brand_id, day, coalesce(product_id, %(no_product)s))
           not in (select brand_id, day, coalesce(product_id, %(no_product)s) from fresh)
)
insert into resolver_scanday as counted (brand_id, product_id, day, visitors, scans)
select brand_id, product_id, day, visitors, scans from fresh
on conflict (brand_id, day, product_id) do update
   set visitors = excluded.visitors, scans = excluded.scans
 where (counted.visitors, counted.scans) <> (excluded.visitors, excluded.scans)
"""  # noqa: S608 - constants only
_ADVANCE = """
insert into resolver_scanprogress as progress (id, counted_until, as_of)
values (1, %(until)s, %(now)s)
on conflict (id) do update
   set counted_until = greatest(progress.counted_until, excluded.counted_until),
       as_of = excluded.as_of
"""


@dataclass(frozen=True)
class Span:
    """From where on events are counted now, and what the database's clock says.

    ``is_quiet`` says that nobody writes any more who did so at that time.
    """

    start: datetime
    now: datetime
    is_quiet: bool = True

    @property
    def end(self) -> datetime:
        """Where this step's events end: now, or with their day where much is left to do."""
        behind = self.now - self.start > LONGEST_STEP
        return day_of(self.start) + LONGEST_STEP if behind else self.now

    @property
    def final_until(self) -> datetime:
        """Up to where the hours are final once this step is done."""
        settled = (self.now - SETTLES_AFTER).replace(minute=0, second=0, microsecond=0)
        return max(self.start, min(self.end, settled)) if self.is_quiet else self.start

    @property
    def advances(self) -> bool:
        """Whether any hour becomes final by this step."""
        return self.final_until > self.start


def day_of(moment: datetime) -> datetime:
    """Return the beginning of a moment's day; the database's moments are UTC here."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


@contextmanager
def nobody_else_counts() -> Iterator[None]:
    """Open a transaction, and wait for whoever counts or takes events away."""
    with transaction.atomic():
        _run(_WAIT)
        yield


def count_scans() -> bool:
    """Count every hour that is not final; False where another process is at it."""
    span = _count_step()
    while span and span.end < span.now:
        span = _count_step(span)
    return span is not None


def count_open_days() -> bool:
    """Count the days that are not final, visitors above all; False where another process counts."""
    with transaction.atomic():
        if not _run(_TRY)[0]:
            return False
        now, start = _run(_SPAN)
        count_days(day_of(start), day_of(now) + LONGEST_STEP)
    return True


def count_hours(start: datetime, end: datetime, brands: Sequence[UUID] | None = None) -> None:
    """Count whole hours anew, of all brands or of those named."""
    _run(_HOURS, start=start, end=end, brands=_listed(brands))


def count_days(start: datetime, end: datetime, brands: Sequence[UUID] | None = None) -> None:
    """Count whole days anew, after their hours, of all brands or of those named."""
    known = {"person": TrafficClass.PERSON.value, "no_product": UUID(int=0)}
    _run(_DAYS, start=start, end=end, brands=_listed(brands), **known)


def _count_step(before: Span | None = None) -> Span | None:
    with transaction.atomic():
        if not _run(_TRY)[0]:
            return None
        now, counted = _run(_SPAN)
        # Somebody writes who did so before: what follows is counted, and nothing of it is final.
        is_held = before is not None and not before.is_quiet
        span = Span(before.end if before and is_held else counted, now)
        if is_held or (span.advances and not _writers_end()):
            span = replace(span, is_quiet=False)
        count_hours(span.start, span.end)
        if day_of(span.final_until) > day_of(span.start):
            # Days that are over are final with their last hour.
            count_days(day_of(span.start), day_of(span.final_until))
        _run(_ADVANCE, until=span.final_until if span.is_quiet else counted, now=span.now)
    return span


def _writers_end() -> bool:
    """Wait for those who write events now; say whether all of them have ended.

    The next statement then sees whatever was written when this was called.
    """
    (writers,) = _run(_WRITERS)
    gives_up = time.monotonic() + PATIENCE_SECONDS
    while writers and time.monotonic() < gives_up:
        time.sleep(PAUSE_SECONDS)
        (present,) = _run(_WRITERS)
        writers = set(writers) & set(present)
    return not writers


def _listed(brands: Sequence[UUID] | None) -> list[UUID] | None:
    return None if brands is None else list(brands)


def _run(statement: str, **values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone() if cursor.description else None
