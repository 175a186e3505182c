"""A person decides what becomes of a drift: audited, and done once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from minting import pipeline
from minting.chain.reconciliation.asking import RECONCILE
from minting.chain.reconciliation.drifts import NATURES
from minting.models import ChainDrift
from minting.revocations import Act
from minting.states import OPEN_DRIFTS, DriftKind, DriftStatus
from tieback.brands.audit import ActsFor, ActsForSystem, record

TARGET = "chain_drift"


@dataclass(frozen=True)
class Decision:
    """What is decided, of drifts in which states, and what the audit trail calls it."""

    action: str
    among: tuple[DriftStatus, ...]
    becomes: Mapping[str, Any]


ACCEPT = Decision(
    "drift.accepted",
    (*OPEN_DRIFTS, DriftStatus.UNAUTHORISED),
    {"status": DriftStatus.ACCEPTED},
)
UNAUTHORISED = Decision("drift.unauthorised", OPEN_DRIFTS, {"status": DriftStatus.UNAUTHORISED})
REPAIR = Decision(
    "drift.repair_asked", OPEN_DRIFTS, {"status": DriftStatus.LEFT, "wants_repair": True}
)


@transaction.atomic
def decide(*, drift_id: UUID, decision: Decision, act: Act) -> bool:
    """Decide of a drift; return False where it is not there any more, or that does not fit it.

    What is to be repaired is repaired by a run, which looks first whether it is still so.
    """
    rows = ChainDrift.objects.select_for_update(no_key=True)
    drift = rows.filter(pk=drift_id, status__in=decision.among).first()
    if drift is None or (decision is REPAIR and not is_repairable(drift)):
        return False
    ChainDrift.objects.filter(pk=drift_id).update(
        **decision.becomes, decided_by=act.actor, decided_at=Now(), reason=act.reason
    )
    record(
        ActsFor(drift.brand_id, act.actor) if drift.brand_id else ActsForSystem(act.actor),
        decision.action,
        TARGET,
        drift_id,
        before={"status": drift.status, "kind": drift.kind, "subject": drift.subject_id},
        after={"status": str(decision.becomes["status"])},
        reason=act.reason,
        request=act.request_id,
    )
    if decision is REPAIR:
        transaction.on_commit(lambda: pipeline.ring_step(RECONCILE, drift_id))
    return True


def is_repairable(drift: ChainDrift) -> bool:
    """Tell whether a run can put a drift of this kind right."""
    nature = NATURES[DriftKind(drift.kind)]
    return drift.brand_id is not None and (nature.is_repaired or nature.may_be_repaired)
