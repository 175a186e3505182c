"""What operators do with endpoints: name them, disable them, forgive them. Each act is audited.

No entry of the audit trail has an address: of it there is scheme and host.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from minting.chain.rpc.endpoint_rows import forgive, told_without_values
from minting.models import RpcEndpoint
from minting.revocations import Act
from tieback.brands.audit import ActsForSystem, record

CHANGEABLE = ("name", "position", "per_second")


@transaction.atomic
def save_endpoint(endpoint: RpcEndpoint, *, url: str, act: Act) -> None:
    """Add an endpoint, or change one; ``url`` is empty where its address stays.

    With another address it is another endpoint: what the one before has done is forgotten.
    """
    was = RpcEndpoint.objects.filter(pk=endpoint.pk).first() if endpoint.pk else None
    endpoint.url = url or endpoint.url
    before, after = _told(was) if was else {}, _told(endpoint)
    with told_without_values():
        if was is None:
            endpoint.save(force_insert=True)
        else:
            endpoint.save(update_fields=[*CHANGEABLE, "url"])
    if was is not None and was.url != endpoint.url:
        after["address"] = "replaced"
        forgive([endpoint.pk])
    if before != after:
        _record("changed" if was else "added", endpoint, act, before, after)


@transaction.atomic
def switch_endpoints(ids: Sequence[int], *, enabled: bool, act: Act) -> int:
    """Enable or disable endpoints; return how many were not so before."""
    rows = RpcEndpoint.objects.select_for_update().filter(pk__in=ids).exclude(enabled=enabled)
    changed = list(rows.order_by("id"))
    RpcEndpoint.objects.filter(pk__in=[row.pk for row in changed]).update(enabled=enabled)
    for row in changed:
        word = "enabled" if enabled else "disabled"
        _record(word, row, act, {"enabled": not enabled}, {"enabled": enabled})
    return len(changed)


@transaction.atomic
def forgive_endpoints(ids: Sequence[int], *, act: Act) -> int:
    """Close the breakers of endpoints; return how many had something to be forgiven."""
    rows = RpcEndpoint.objects.select_for_update().filter(pk__in=ids).order_by("id")
    before = {row.pk: (row, row.status, row.last_error) for row in rows}
    forgiven = forgive(list(before))
    for pk in forgiven:
        row, status, last_error = before[pk]
        told = {"status": status, "last_error": last_error}
        _record("forgiven", row, act, told, {"status": "closed"})
    return len(forgiven)


def _told(endpoint: RpcEndpoint) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(endpoint, name) for name in CHANGEABLE}
    return {**told, "address": endpoint.shown_url}


def _record(
    what: str, row: RpcEndpoint, act: Act, before: dict[str, Any], after: dict[str, Any]
) -> None:
    record(
        ActsForSystem(act.actor),
        f"rpc_endpoint.{what}",
        "rpc_endpoint",
        row.pk,
        before=before,
        after=after,
        reason=act.reason,
        request=act.request_id,
    )
