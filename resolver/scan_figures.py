"""A brand's figures of scans, from what is counted and never from the events.

Every function reads the brand in scope, by one query or two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncDay

from minting.models import Product
from resolver.models import ScanDay, ScanHour, ScanProgress
from resolver.traffic import TrafficClass

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOP_PRODUCTS = 10


@dataclass(frozen=True)
class Asked:
    """Which scans: from a full hour up to another, of a product or of a batch."""

    start: datetime
    end: datetime
    product: UUID | None = None
    batch: UUID | None = None

    @property
    def hours(self) -> QuerySet[ScanHour]:
        """The hourly figures."""
        chosen = Q(hour__gte=self.start, hour__lt=self.end)
        if self.product:
            chosen &= Q(batch__product_id=self.product)
        if self.batch:
            chosen &= Q(batch_id=self.batch)
        return ScanHour.objects.filter(chosen).order_by()

    @property
    def of_people(self) -> QuerySet[ScanHour]:
        """The hourly figures of people."""
        return self.hours.filter(traffic=TrafficClass.PERSON)

    @property
    def days(self) -> Iterator[datetime]:
        """The days that the span touches."""
        yield from _steps(_day_of(self.start), self.end, DAY)


def by_class(asked: Asked) -> tuple[dict[str, int], int]:
    """Return how many scans there were of each class, and how many were a unit's first."""
    rows = asked.hours.values_list("traffic").annotate(Sum("scans"), Sum("first_scans"))
    found = {traffic: (scans, firsts) for traffic, scans, firsts in rows}
    scans = {known.name.lower(): found.get(known.value, (0, 0))[0] for known in TrafficClass}
    return scans, sum(firsts for _, firsts in found.values())


def by_country(asked: Asked) -> list[dict[str, Any]]:
    """Return people's scans by country, most first; null where it is not known."""
    rows = asked.of_people.values_list("country").annotate(scans=Sum("scans"))
    return [
        {"country": country or None, "scans": scans}
        for country, scans in rows.order_by("-scans", "country")
    ]


def series(asked: Asked, step: timedelta) -> list[dict[str, Any]]:
    """Return people's scans and first scans by hour or by day of UTC, also where there are none."""
    rows = asked.hours
    if step == DAY:
        rows = rows.annotate(at=TruncDay("hour")).values_list("at")  # type: ignore[assignment]
    else:
        rows = rows.values_list("hour")  # type: ignore[assignment]
    # A first scan stays one, whatever its agent was taken for later.
    of_people = Sum("scans", filter=Q(traffic=TrafficClass.PERSON), default=0)
    counted: Any = rows.annotate(total=of_people, firsts=Sum("first_scans"))
    found = {at: (scans, firsts) for at, scans, firsts in counted}
    first = _day_of(asked.start) if step == DAY else asked.start
    return [
        {"at": at, "scans": found.get(at, (0, 0))[0], "first_scans": found.get(at, (0, 0))[1]}
        for at in _steps(first, asked.end, step)
    ]


def top_products(asked: Asked) -> list[dict[str, Any]]:
    """Return the products that people scanned most, with their scans."""
    # Their names are read of those that are told: within each row they cost more than the sum.
    rows = asked.of_people.values_list("batch__product_id").annotate(total=Sum("scans"))
    most = dict(rows.order_by("-total", "batch__product_id")[:TOP_PRODUCTS])
    known = Product.objects.only("sku", "name").in_bulk(list(most))
    return [
        {"product_id": key, "sku": known[key].sku, "name": known[key].name, "scans": scans}
        for key, scans in most.items()
    ]


def visitors(asked: Asked) -> list[dict[str, Any]] | None:
    """Return the visitors of each whole day the span touches; null for a batch, of which none are.

    Who comes on two days is two visitors, so days cannot be added up.
    """
    if asked.batch:
        return None
    days = list(asked.days)
    rows = ScanDay.objects.filter(day__gte=days[0].date(), day__lte=days[-1].date())
    rows = rows.filter(product_id=asked.product) if asked.product else rows.filter(product=None)
    found = dict(rows.values_list("day", "visitors"))
    return [{"day": day.date(), "visitors": found.get(day.date(), 0)} for day in days]


def counted_as_of() -> datetime | None:
    """Return the moment up to which scans are counted; None before the first count."""
    return ScanProgress.objects.values_list("as_of", flat=True).first()


def _day_of(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _steps(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    # Rounded up, and never past the end, behind which there may be no calendar.
    for passed in range(-((start - end) // step)):
        yield start + passed * step
