"""The audit trail: written in the transaction of the change it tells of."""

from typing import Any, Protocol
from uuid import UUID

from tieback.brands.models import AuditEntry


class Actor(Protocol):
    """Whoever does something inside a brand."""

    @property
    def brand_id(self) -> UUID:
        """The brand acted in."""

    @property
    def actor(self) -> str:
        """``user:<id>``, ``credential:<id>`` or ``system:<what>``."""


def record(
    principal: Actor,
    action: str,
    target_type: str,
    target_id: object,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    request: Any = None,
) -> None:
    """Write one audit entry for an act of ``principal``."""
    AuditEntry.objects.create(
        brand_id=principal.brand_id,
        actor=principal.actor,
        action=action,
        target_type=target_type,
        target_id=str(target_id),
        reason=reason,
        before=before or {},
        after=after or {},
        request_id=request.META.get("HTTP_X_REQUEST_ID", "") if request is not None else "",
    )
