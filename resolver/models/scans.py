"""What scans leave behind: events by day, and what is counted of them.

Nothing here tells who scanned. An event holds the class of the request, the network cut to /24 or
/48, an agent without versions and models, and a number that tells visitors of one day apart as
long as that day's key is kept. ADR 26.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

from minting.models import MintBatch, Product
from minting.states import UnitStatus
from resolver.agents import AgentKind
from resolver.signals import Rule
from resolver.traffic import TrafficClass
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager

#: How long events are kept, in days: unless a brand says otherwise, and at most.
RETENTION_DAYS, LONGEST_RETENTION_DAYS = 90, 366

_TRAFFIC = [(known.value, known.name.lower()) for known in TrafficClass]
_KINDS = [(known.value, known.name.lower()) for known in AgentKind]


class ScanEvent(models.Model):
    """One request for a code, whoever made it. Only ever added to, and dropped by the day.

    Partitioned by day of UTC; ``id`` orders the events of a unit and has no index of its own. A
    request for what no item has holds the path that was asked for, and neither unit nor batch.
    """

    id = models.BigAutoField(primary_key=True)
    scanned_at = models.DateTimeField(db_default=Now())
    brand = models.ForeignKey(
        Brand, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    batch = models.ForeignKey(
        MintBatch, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    unit_id = models.BigIntegerField(null=True)
    visitor = models.BigIntegerField(null=True)
    agent_id = models.BigIntegerField(null=True)
    network = models.CharField(max_length=43, db_default="")
    traffic = models.SmallIntegerField(choices=_TRAFFIC)
    status = models.SmallIntegerField(choices=UnitStatus.choices, null=True)
    latitude = models.SmallIntegerField(null=True)
    longitude = models.SmallIntegerField(null=True)
    is_first = models.BooleanField(db_default=False)
    country = models.CharField(max_length=2, db_default="")
    path = models.CharField(max_length=100, db_default="")

    objects = BrandManager()

    def __str__(self) -> str:
        return f"{self.unit_id or self.path or self.batch_id} at {self.scanned_at}"


class ScanAgent(models.Model):
    """A program that scans, without versions, models or languages; of no brand.

    ``id`` is made of the text, so an event names it without having looked it up.
    """

    id = models.BigIntegerField(primary_key=True)
    text = models.CharField(max_length=512)
    kind = models.SmallIntegerField(choices=_KINDS)
    first_seen_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.text


class VisitorKey(models.Model):
    """The key under which visitors of one day are told apart; deleted when the day is counted."""

    day = models.DateField(primary_key=True)
    key = models.BinaryField()

    def __str__(self) -> str:
        return str(self.day)


class ScanPolicy(models.Model):
    """What a brand keeps of its scans; without a row, the defaults."""

    brand = models.OneToOneField(Brand, primary_key=True, on_delete=models.DO_NOTHING)
    retention_days = models.PositiveSmallIntegerField(
        default=RETENTION_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_RETENTION_DAYS)],
        help_text="Events are deleted after so many days; what was counted of them stays.",
    )
    aggregate_only = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="Passport categories of which scans are counted, and nothing else is kept.",
    )

    objects = BrandManager()

    class Meta:
        verbose_name_plural = "scan policies"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(retention_days__range=(1, LONGEST_RETENTION_DAYS)),
                name="resolver_policy_retention",
            ),
        )

    def __str__(self) -> str:
        return f"{self.retention_days} days"


class ScanHour(models.Model):
    """Scans of a batch in an hour of UTC, by class and country; ``""`` where that is not known."""

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(
        Brand, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    batch = models.ForeignKey(
        MintBatch, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    hour = models.DateTimeField()
    traffic = models.SmallIntegerField(choices=_TRAFFIC)
    country = models.CharField(max_length=2, db_default="")
    scans = models.PositiveIntegerField()
    first_scans = models.PositiveIntegerField()

    objects = BrandManager()

    class Meta:
        constraints = (
            # By brand and time, as the figures are asked for.
            models.UniqueConstraint(
                fields=("brand", "hour", "batch", "traffic", "country"),
                name="resolver_scanhour_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.scans} at {self.hour}"


class ScanDay(models.Model):
    """How many people scanned a product in a day of UTC; without a product, the whole brand.

    ``scans`` are theirs, the sum of the day's hours.
    """

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(
        Brand, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    product = models.ForeignKey(
        Product, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    day = models.DateField()
    visitors = models.PositiveIntegerField()
    scans = models.PositiveIntegerField(db_default=0)

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("brand", "day", "product"),
                nulls_distinct=False,
                name="resolver_scanday_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.visitors} on {self.day}"


class ScanProgress(models.Model):
    """How far events are counted, in one row: what is older is final.

    ``searched_until`` is the same for signals; null until events were first looked through.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    counted_until = models.DateTimeField()
    as_of = models.DateTimeField()
    searched_until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(id=1), name="resolver_one_progress"),
        )

    def __str__(self) -> str:
        return str(self.counted_until)


class ScanSignal(models.Model):
    """Something about the scans of a day that does not look right, and the rule that says so.

    ``subject`` is what it is about, in words that tell it apart from others of its rule and day: a
    unit's id, a path that no item has, a network with batch and hour.
    """

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(
        Brand, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    rule = models.CharField(max_length=32, choices=Rule.choices)
    day = models.DateField()
    subject = models.CharField(max_length=100)
    batch = models.ForeignKey(
        MintBatch, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    unit_id = models.BigIntegerField(null=True)
    scans = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    objects = BrandManager()

    class Meta:
        ordering: ClassVar = ["-last_at", "-id"]
        constraints = (
            models.UniqueConstraint(
                fields=("brand", "day", "rule", "subject"), name="resolver_scansignal_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject}"
