"""What a brand keeps of its scans: how long, and of which categories nothing but counts."""

from typing import Any
from uuid import UUID

from django.db import connection, transaction

from resolver.models import ScanPolicy
from tieback.brands.audit import Actor, record

# One choice at a time a brand: what the trail says was before is what was.
_HOLD = "select pg_advisory_xact_lock(hashtextextended('tieback.scan_policy:' || %s, 0))"


def policy_of(brand_id: UUID) -> ScanPolicy:
    """Return the brand's policy, or the defaults where it has chosen none."""
    found = ScanPolicy.objects.filter(brand_id=brand_id).first()
    return found or ScanPolicy(brand_id=brand_id)


def told(policy: ScanPolicy) -> dict[str, Any]:
    """Return a policy as the audit trail tells of it."""
    return {"retention_days": policy.retention_days, "aggregate_only": policy.aggregate_only}


@transaction.atomic
def change_policy(
    author: Actor, *, retention_days: int, aggregate_only: list[str], request: Any = None
) -> ScanPolicy:
    """Keep a policy and say so in the audit trail; nothing where nothing changes.

    It holds for scans from then on, within seconds; what is older than the new retention is deleted
    by the worker's next round.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [str(author.brand_id)])
    before = policy_of(author.brand_id)
    policy = ScanPolicy(
        brand_id=author.brand_id,
        retention_days=retention_days,
        aggregate_only=sorted(set(aggregate_only)),
    )
    if told(before) == told(policy):
        return policy
    ScanPolicy.objects.update_or_create(brand_id=author.brand_id, defaults=told(policy))
    record(
        author,
        "scan_policy.updated",
        "scan_policy",
        author.brand_id,
        before=told(before),
        after=told(policy),
        request=request,
    )
    return policy
