"""Events of scans at chosen moments, written by the role that writes them; days of the past."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from minting.models import MintUnit
from resolver.models import ScanDay, ScanEvent, ScanHour
from resolver.traffic import TrafficClass
from tests.planes import acting_as
from tests.resolver.units import Minted
from tieback.brands.scoping import all_brands, brand_scope

_INSERT = "insert into resolver_scanevent ({columns}) values ({values})"
_MAKE_DAY = """
do $$ begin
    if to_regclass('public.{name}') is null then
        create table {name} partition of resolver_scanevent
            for values from ('{day} 00:00+00') to ('{after} 00:00+00');
        alter table {name} enable row level security;
        alter table {name} force row level security;
    end if;
end $$
"""


def this_hour() -> datetime:
    """Return the beginning of the hour."""
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def day_ago(days: int) -> datetime:
    """Return the beginning of the day so many days before today."""
    return this_hour().replace(hour=0) - timedelta(days=days)


def make_day(moment: datetime) -> None:
    """Make the day of the past in which a moment lies; migrations make none before yesterday."""
    day = moment.astimezone(UTC).date()
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute(
            _MAKE_DAY.format(
                name=f"resolver_scanevent_{day:%Y%m%d}", day=day, after=day + timedelta(days=1)
            )
        )


def write_scans(*scans: dict[str, Any]) -> None:
    """Write events with the given columns: people's scans of now, unless said otherwise."""
    with acting_as("resolver"), connection.cursor() as cursor:
        for scan in scans:
            row = {"traffic": TrafficClass.PERSON.value, **scan}
            cursor.execute(
                _INSERT.format(
                    columns=", ".join(row), values=", ".join(f"%({name})s" for name in row)
                ),
                row,
            )


def hours() -> list[tuple[Any, ...]]:
    """Return the hourly figures of all brands."""
    columns = ("brand_id", "batch_id", "hour", "traffic", "country", "scans", "first_scans")
    with acting_as("worker"), all_brands():
        return sorted(ScanHour.objects.values_list(*columns))


def days() -> dict[tuple[UUID, UUID | None, date], int]:
    """Return the daily visitors by brand, product and day, where there were any."""
    with acting_as("worker"), all_brands():
        rows = ScanDay.objects.filter(visitors__gt=0)
        rows = rows.values_list("brand_id", "product_id", "day", "visitors")
        return {row[:3]: row[3] for row in rows}


def units_of(minted: Minted) -> list[MintUnit]:
    """Return the batch's units as they stand, whichever plane asks."""
    with acting_as("web"), brand_scope(minted.batch.brand_id):
        return list(MintUnit.objects.filter(batch=minted.batch).order_by("ordinal"))


def events() -> list[ScanEvent]:
    """Return every event of every brand, oldest first."""
    with acting_as("worker"), all_brands():
        return list(ScanEvent.objects.order_by("scanned_at", "id"))
