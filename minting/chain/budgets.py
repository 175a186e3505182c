"""How much a brand may spend on chains in a day of UTC: asked before something is begun.

Spent is what the day's finalized transactions have cost, those that failed included, and what all
that is still to be paid will take. So whoever begins something asks in the transaction that makes
its submissions: the next one who asks waits for it, and counts them. Assets ask, what changes them,
and the rent of trees, which is the most that is ever spent at once. Anchors do not ask, since one
costs 5,000 lamports and is what a batch's proof rests on, nor do certificates, one account a batch
that its request names. What they cost is counted.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from minting.chain.commitments import committed_by
from minting.events import tell
from minting.models import ChainBudget, MintEvent
from tieback.brands.audit import Actor, record
from tieback.metrics import CHAIN_HELD_BACK

DAY = timedelta(days=1)
HELD_BACK = "batch.held_back"
_PAID = """
select coalesce(sum(fee + spent_besides), 0)::bigint
  from minting_chaintransaction
 where brand_id = %s and created_at >= %s and status in ('finalized', 'failed')
"""


@dataclass(frozen=True)
class Budget:
    """A brand's cap and how much of it is used; ``lamports_per_day`` is None where it has none."""

    lamports_per_day: int | None
    spent_today: int
    resets_at: datetime
    held_back_at: datetime | None

    @property
    def left_today(self) -> int | None:
        """What may still be begun today; None where there is no cap."""
        if self.lamports_per_day is None:
            return None
        return max(0, self.lamports_per_day - self.spent_today)

    @property
    def holds_back(self) -> bool:
        """Whether the cap has kept something from being begun today."""
        return self.held_back_at is not None and self.held_back_at >= self.resets_at - DAY


def budget_of(brand_id: UUID) -> Budget:
    """Return how a brand stands, in its scope."""
    row = ChainBudget.objects.filter(brand_id=brand_id).first() or ChainBudget()
    return Budget(row.lamports_per_day, spent_today(brand_id), _today() + DAY, row.held_back_at)


def spent_today(brand_id: UUID) -> int:
    """Return the lamports that a brand has spent today and will for what it has asked for."""
    with connection.cursor() as cursor:
        cursor.execute(_PAID, [brand_id, _today()])
        paid: int = cursor.fetchone()[0]
    return paid + committed_by(brand_id)


def left_to_spend(brand_id: UUID) -> int | None:
    """Return the lamports that what a brand begins now may take, in its scope; None: no cap.

    Holds the brand's budget until the transaction ends in which the submissions are made. Costs a
    look at one row where there is no cap.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("what is begun must be made in the transaction that asks")
    held = ChainBudget.objects.select_for_update(no_key=True)
    cap = held.filter(brand_id=brand_id).values_list("lamports_per_day", flat=True).first()
    return None if cap is None else max(0, cap - spent_today(brand_id))


def hold_back(brand_id: UUID, batch_id: UUID, lamports: int) -> None:
    """Say that the cap keeps something of a batch from being begun, in the brand's scope.

    ``lamports`` is the least that would have to be left for it to go on. The story of the batch
    tells it once a day.
    """
    note_held_back(brand_id)
    told = MintEvent.objects.filter(batch=batch_id, type=HELD_BACK, created_at__gte=_today())
    if not told.exists():
        budget = budget_of(brand_id)
        data = {
            "lamports_per_day": budget.lamports_per_day,
            "spent_today": budget.spent_today,
            "needed": lamports,
        }
        tell(HELD_BACK, brand_id=brand_id, batch_id=batch_id, data=data)


def note_held_back(brand_id: UUID) -> None:
    """Note that the cap keeps something of a brand from being begun, in its scope."""
    CHAIN_HELD_BACK.inc()
    ChainBudget.objects.filter(brand_id=brand_id).update(held_back_at=timezone.now())


@transaction.atomic
def set_budget(author: Actor, *, lamports_per_day: int | None, request: Any = None) -> None:
    """Set or lift a brand's cap, and say so in the audit trail; nothing where nothing changes."""
    row = ChainBudget.objects.filter(brand_id=author.brand_id).first()
    before = row and row.lamports_per_day
    if before == lamports_per_day:
        return
    chosen = {"lamports_per_day": lamports_per_day, "updated_at": timezone.now()}
    rows = ChainBudget.objects.filter(brand_id=author.brand_id)
    if not rows.update(**chosen):
        ChainBudget.objects.create(brand_id=author.brand_id, **chosen)
    record(
        author,
        "chain_budget.updated",
        "chain_budget",
        author.brand_id,
        before={"lamports_per_day": before},
        after={"lamports_per_day": lamports_per_day},
        request=request,
    )


def _today() -> datetime:
    return timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
