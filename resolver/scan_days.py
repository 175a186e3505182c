"""Keeps the days of scans: made before they begin, taken away when no brand keeps them any more.

A day is a partition of the events. Making and dropping one needs a lock that scans hold for an
instant; whoever does not get it within 200 ms lets the scans pass and tries again, here a few
times, then with the next round.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.db import OperationalError, connection

from resolver.models.scans import RETENTION_DAYS
from resolver.scan_counts import nobody_else_counts

#: How many days lie ready behind today; ``tieback.figures`` warns where they run out.
DAYS_AHEAD = 14
#: Events taken away by one statement: what a kill can cost, and what others wait for.
EVENTS_AT_ONCE = 20_000
#: How often a lock is asked for before the next round's turn, and the pause in between.
ATTEMPTS, PAUSE_SECONDS = 5, 0.5

_MAKE = "select tieback_make_scan_days(%(ahead)s)"
_DROP = "select tieback_drop_scan_days(%(before)s)"
# What is not counted yet stays, however old; before the first count, everything.
_KEPT = """
select least((now() at time zone 'UTC')::date, (counted_until at time zone 'UTC')::date),
       greatest(%(usual)s, (select max(retention_days) from resolver_scanpolicy))
  from resolver_scanprogress
"""
_CHOSEN = "select brand_id, retention_days from resolver_scanpolicy"
_DAYS = """
select to_date(right(c.relname, 8), 'YYYYMMDD')
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'resolver_scanevent'::regclass order by 1
"""
# Within one day, so that a row's place names one row.
_DELETE = """
delete from resolver_scanevent
 where scanned_at >= %(day)s::date and scanned_at < %(day)s::date + 1
   and ctid = any(array(
       select ctid from resolver_scanevent
        where scanned_at >= %(day)s::date and scanned_at < %(day)s::date + 1
          and (brand_id = any(%(brands)s::uuid[])) = %(named)s
        limit %(at_most)s))
"""
# Yesterday's key may still be asked for by a resolver whose clock is behind.
_FORGET = """
delete from resolver_visitorkey where day < (now() at time zone 'UTC')::date - 1
"""

log = structlog.get_logger(__name__)
# Of which brands this process has emptied a day. Nothing is added to days that are over, and
# looking for a brand's events means going through the whole of them. None stands for every brand
# that has chosen no retention.
_emptied: dict[date, set[UUID | None]] = {}
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Kept:
    """What one round made and took away."""

    made: int
    dropped: int
    deleted: int


def keep_days() -> Kept:
    """Make the days ahead, forget old keys, and drop the days that no brand keeps."""
    made = _in_turns("make", lambda: _one(_MAKE, ahead=DAYS_AHEAD)) or 0
    _execute(_FORGET)
    kept = _all(_KEPT, usual=RETENTION_DAYS)
    if not kept:
        return Kept(made, 0, 0)
    ((until, longest),) = kept
    before = until - timedelta(days=longest)
    dropped = _in_turns("drop", lambda: _one(_DROP, before=before)) or 0
    return Kept(made, dropped, delete_outlived(until, longest))


def delete_outlived(until: date, longest: int, *, at_once: int = EVENTS_AT_ONCE) -> int:
    """Delete what brands with a shorter retention than ``longest`` keep no longer; say how much.

    A brand that keeps N days keeps the N whole days before ``until``; one that has not chosen, the
    usual number.
    """
    retentions: dict[UUID | None, int] = {None: RETENTION_DAYS, **dict(_all(_CHOSEN))}
    shorter = {brand: days for brand, days in retentions.items() if days < longest}
    deleted = 0
    for day in days_of_events():
        gone = {brand for brand, days in shorter.items() if day < until - timedelta(days=days)}
        if gone - _emptied.get(day, set()):
            # Who has not chosen is in no list: then whoever keeps the day is named.
            others = None in gone
            named = retentions.keys() - gone if others else gone
            brands = [brand for brand in named if brand]
            deleted += delete_events(day, brands, others=others, at_once=at_once)
            _emptied[day] = gone
    return deleted


def delete_events(
    day: date, brands: list[UUID], *, others: bool = False, at_once: int = EVENTS_AT_ONCE
) -> int:
    """Delete the events of a day that are of ``brands``, or of all others; return how many.

    In bounded statements.
    """
    total = 0
    while True:
        with nobody_else_counts():
            deleted = _execute(_DELETE, day=day, brands=brands, named=not others, at_most=at_once)
        total += deleted
        if deleted < at_once:
            return total


def days_of_events() -> list[date]:
    """Return the days that events can be of, oldest first."""
    return [day for (day,) in _all(_DAYS)]


def _in_turns(what: str, ask: Callable[[], _Answer]) -> _Answer | None:
    """Ask until the lock is had; ``None`` where scans, or a migration, were always there first."""
    for attempt in range(ATTEMPTS):
        try:
            return ask()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != "55P03":
                raise
            log.warning("scan_days_wait", what=what, attempt=attempt + 1)
            time.sleep(PAUSE_SECONDS)
    return None


def _execute(statement: str, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _all(statement: str, **values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _one(statement: str, **values: Any) -> int:
    return int(_all(statement, **values)[0][0])
