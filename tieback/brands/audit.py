"""The audit trail: written in the transaction of the change it tells of."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from django.db import connection

from tieback.brands.models import AuditEntry

# Thousands of entries as one parameter: a placeholder for each value takes several times longer.
_RECORD_ALL = """
    insert into brands_auditentry
           (brand_id, actor, action, target_type, target_id, reason, before, after, request_id)
    select %(brand_id)s, %(actor)s, action, target_type, target_id, '', before, after,
           %(request_id)s
      from jsonb_to_recordset(%(acts)s::jsonb) as act
           (action text, target_type text, target_id text, before jsonb, after jsonb)
"""


class Author(Protocol):
    """Whoever an audit entry names; without a brand where the act is of the whole system."""

    @property
    def brand_id(self) -> UUID | None:
        """The brand whose trail tells of the act."""

    @property
    def actor(self) -> str:
        """``user:<id>``, ``credential:<id>`` or ``system:<what>``."""


class Actor(Author, Protocol):
    """Whoever does something inside a brand."""

    @property
    def brand_id(self) -> UUID:
        """The brand acted in."""


@dataclass(frozen=True)
class ActsFor:
    """Who acts, and for which brand, where no caller of the API does."""

    brand_id: UUID
    actor: str


@dataclass(frozen=True)
class ActsForSystem:
    """Who acts for no brand, or for all of them: an operator."""

    actor: str
    brand_id: None = None


@dataclass(frozen=True)
class Act:
    """One of many acts that are recorded together."""

    action: str
    target_type: str
    target_id: object
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def record(
    author: Author,
    action: str,
    target_type: str,
    target_id: object,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    request: Any = None,
) -> None:
    """Write one audit entry for an act of ``author`` in ``request``, which may be its id."""
    AuditEntry.objects.create(
        brand_id=author.brand_id,
        actor=author.actor,
        action=action,
        target_type=target_type,
        target_id=str(target_id),
        reason=reason,
        before=before or {},
        after=after or {},
        request_id=_request_id(request),
    )


def record_all(principal: Actor, acts: Iterable[Act], *, request: Any = None) -> None:
    """Write one audit entry for each act, in one statement."""
    rows = [
        {
            "action": act.action,
            "target_type": act.target_type,
            "target_id": str(act.target_id),
            "before": act.before,
            "after": act.after,
        }
        for act in acts
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD_ALL,
            {
                "brand_id": principal.brand_id,
                "actor": principal.actor,
                "request_id": _request_id(request),
                "acts": json.dumps(rows),
            },
        )


def _request_id(request: Any) -> str:
    if isinstance(request, str):
        return request
    return str(request.META.get("HTTP_X_REQUEST_ID", "")) if request is not None else ""
