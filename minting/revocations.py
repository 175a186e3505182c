"""Revoking units: one act, one audit entry, whether it names one unit or a million.

Named units, and ranges of at most one step, are revoked in the transaction of the request. A
longer range is worked through by a worker in steps of 20,000 units: each step is one transaction
that revokes, counts into the batch and advances the act, so counters equal rows at every commit
and a crash costs one step at most. A step holds the act's row and no lease; whoever comes next
finds it free.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from minting import pipeline
from minting.events import tell
from minting.models import MintBatch, MintLot, MintRevocation
from minting.states import (
    LIVE_BATCHES,
    BatchStatus,
    PhysicalStatus,
    RevocationKind,
    RevocationReason,
    RevocationStatus,
)
from tieback.brands.audit import ActsFor, record
from tieback.brands.scoping import brand_scope
from tieback.errors import Conflict, FieldError, NotFound, ValidationFailed

REVOKE = "minting.revoke"
MOST_NAMED = 10_000

# A batch's counters, from the units that one statement has just revoked. Several batches are held
# in one order, so that two statements cannot wait for each other.
_COUNTED = """
, sums as (
    select batch_id, count(*) as units, count(activated_at) as active
      from done group by batch_id
), held as (
    select id from minting_mintbatch where id in (select batch_id from sums)
     order by id for no key update
), counted as (
    update minting_mintbatch as batch
       set revoked_quantity = batch.revoked_quantity + sums.units,
           revoked_active_quantity = batch.revoked_active_quantity + sums.active,
           voided_quantity = batch.voided_quantity
               + case when %(voided)s then sums.units else 0 end
      from sums join held on held.id = sums.batch_id
     where batch.id = held.id
    returning sums.units
)
select coalesce(sum(units), 0)::bigint from counted
"""

_REVOKE_RANGE = f"""
with done as (
    update minting_mintunit
       set status = 2, revoked_at = now(), revocation_id = %(act)s
     where batch_id = %(batch)s and ordinal between %(first)s and %(last)s and status < 2
    returning batch_id, activated_at
) {_COUNTED}
"""  # noqa: S608 - constants only

# Locked in one order, so that two acts on the same units cannot wait for each other.
_REVOKE_NAMED = f"""
with named as (
    select id from minting_mintunit
     where token = any(string_to_array(%(tokens)s, ',')) and status < 2
     order by id for no key update
), done as (
    update minting_mintunit as unit
       set status = 2, revoked_at = now(), revocation_id = %(act)s
      from named
     where unit.id = named.id
    returning unit.batch_id, unit.activated_at
) {_COUNTED}
"""  # noqa: S608 - constants only

_KNOWN = """
select token, batch_id from minting_mintunit
 where token = any(string_to_array(%(tokens)s, ','))
"""

_TAKE = """
select id, brand_id from minting_mintrevocation
 where status = 'pending'
 order by created_at, id
   for no key update skip locked
 limit 1
"""


_OLDEST = """
select id from minting_mintrevocation where status = 'pending' order by created_at, id limit 1
"""


@dataclass(frozen=True)
class Act:
    """Who does something, why, and in which request."""

    actor: str
    reason: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class Why:
    """Why units are revoked: the reason that is shown, and a note that is kept."""

    reason: RevocationReason
    note: str = ""


class BatchStillMinting(Conflict):
    """The batch may still gain units: cancel its job, let it end, or revoke by range."""

    code = "BATCH_STILL_MINTING"


def revoke_units(*, brand_id: UUID, tokens: Sequence[str], why: Why, act: Act) -> MintRevocation:
    """Revoke the named units now. Raises ``ValidationFailed`` if one is not known."""
    wanted = sorted(set(tokens))
    joined = ",".join(wanted)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_KNOWN, {"tokens": joined})
        batches = dict(cursor.fetchall())
        unknown = [at for at, token in enumerate(tokens) if token not in batches]
        if unknown:
            raise ValidationFailed(fields=tuple(_unknown(at) for at in unknown))
        revocation = MintRevocation.objects.create(
            brand_id=brand_id,
            kind=RevocationKind.UNITS,
            batch_id=next(iter(batches.values())) if len(set(batches.values())) == 1 else None,
            reason=why.reason,
            note=why.note,
            requested_quantity=len(wanted),
            actor=act.actor,
        )
        _hold(set(batches.values()))
        terms: dict[str, Any] = {"tokens": joined, "voided": _is_void(why.reason)}
        cursor.execute(_REVOKE_NAMED, {**terms, "act": revocation.id})
        (revoked,) = cursor.fetchone()
        _finish(revocation, revoked)
        for batch_id in sorted(set(batches.values())):
            _tell_began(revocation, batch_id, act)
        _record(revocation, act)
    return revocation


def revoke_range(*, batch_id: UUID, first: int, last: int, why: Why, act: Act) -> MintRevocation:
    """Revoke the units of a batch from one ordinal to another, both included."""
    with transaction.atomic():
        batch = _locked(batch_id)
        if not 1 <= first <= last <= batch.minted_quantity:
            raise ValidationFailed(fields=(_outside(batch, first),))
        return _begin(batch, RevocationKind.RANGE, first, last, why, act)


def revoke_lot(*, batch_id: UUID, lot_code: str, why: Why, act: Act) -> MintRevocation:
    """Revoke every unit of a lot."""
    with transaction.atomic():
        batch = _whole(batch_id)
        lot = MintLot.objects.filter(batch=batch, lot_code=lot_code).first()
        if lot is None:
            message = "The batch has no such lot."
            raise ValidationFailed(fields=(FieldError("lot", "NOT_FOUND", message),))
        first, last = lot.first_ordinal, min(lot.last_ordinal, batch.minted_quantity)
        if last < first:
            message = "No unit of this lot exists."
            raise ValidationFailed(fields=(FieldError("lot", "EMPTY", message),))
        return _begin(batch, RevocationKind.LOT, first, last, why, act, lot=lot)


def revoke_batch(*, batch_id: UUID, why: Why, act: Act) -> MintRevocation:
    """Revoke every unit of a batch; spoiled, its labels count as voided."""
    with transaction.atomic():
        batch = _whole(batch_id)
        if not batch.minted_quantity:
            message = "No unit of this batch exists."
            raise ValidationFailed(fields=(FieldError("batch", "EMPTY", message),))
        if _is_void(why.reason):
            MintBatch.objects.filter(pk=batch.pk).update(physical_status=PhysicalStatus.VOIDED)
        return _begin(batch, RevocationKind.BATCH, 1, batch.minted_quantity, why, act)


def void_batch(batch_id: UUID, act: Act) -> MintRevocation:
    """Void what a cancelled job made, in the transaction that cancels it."""
    batch = _locked(batch_id)
    why = Why(RevocationReason.SPOILED, act.reason)
    return _begin(batch, RevocationKind.BATCH, 1, batch.minted_quantity, why, act)


def work_next_step() -> UUID | None:
    """Do one step of the oldest unfinished act of any brand; return the act, or ``None``."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_TAKE)
            row = cursor.fetchone()
        if row is None:
            return None
        act_id, brand_id = row
        with brand_scope(brand_id):
            revocation = MintRevocation.objects.get(pk=act_id)
            if revocation.batch_id is not None:
                _hold({revocation.batch_id})
            _step(revocation)
    return UUID(str(act_id))


def oldest_unfinished() -> UUID | None:
    """Return the act that waits longest, of any brand."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        row = cursor.fetchone()
    return row[0] if row else None


def _begin(
    batch: MintBatch,
    kind: RevocationKind,
    first: int,
    last: int,
    why: Why,
    act: Act,
    lot: MintLot | None = None,
) -> MintRevocation:
    revocation = MintRevocation.objects.create(
        brand_id=batch.brand_id,
        kind=kind,
        batch=batch,
        lot=lot,
        first_ordinal=first,
        last_ordinal=last,
        next_ordinal=first,
        reason=why.reason,
        note=why.note,
        requested_quantity=last - first + 1,
        actor=act.actor,
    )
    _tell_began(revocation, batch.pk, act)
    _record(revocation, act)
    if revocation.requested_quantity <= _step_size():
        _step(revocation)
    else:
        transaction.on_commit(lambda: pipeline.ring_step(REVOKE, revocation.pk))
    return revocation


def _step(revocation: MintRevocation) -> None:
    """Revoke the next units of a range, count them, and advance the act."""
    first, end = revocation.next_ordinal or 0, revocation.last_ordinal or 0
    last = min(end, first + _step_size() - 1)
    terms = {
        "act": revocation.pk,
        "batch": revocation.batch_id,
        "first": first,
        "last": last,
        "voided": _is_void(revocation.reason),
    }
    with connection.cursor() as cursor:
        cursor.execute(_REVOKE_RANGE, terms)
        (revoked,) = cursor.fetchone()
    revocation.next_ordinal = last + 1
    revocation.revoked_quantity += revoked
    if last == end:
        _finish(revocation, revocation.revoked_quantity)
        if revocation.requested_quantity > _step_size():
            _tell_ended(revocation)
    else:
        done = {"next_ordinal": last + 1, "revoked_quantity": revocation.revoked_quantity}
        MintRevocation.objects.filter(pk=revocation.pk).update(**done)


def _finish(revocation: MintRevocation, revoked: int) -> None:
    MintRevocation.objects.filter(pk=revocation.pk).update(
        status=RevocationStatus.COMPLETED,
        next_ordinal=revocation.next_ordinal,
        revoked_quantity=revoked,
        already_revoked_quantity=revocation.requested_quantity - revoked,
        finished_at=Now(),
    )
    revocation.refresh_from_db()


def _hold(batch_ids: set[UUID]) -> None:
    """Lock batches before their units, in one order: so does whoever else takes both."""
    rows = MintBatch.objects.select_for_update(no_key=True).filter(pk__in=batch_ids)
    list(rows.order_by("pk").values_list("pk", flat=True))


def _locked(batch_id: UUID) -> MintBatch:
    batch = MintBatch.objects.select_for_update(no_key=True).filter(pk=batch_id).first()
    if batch is None:
        raise NotFound
    return batch


def _whole(batch_id: UUID) -> MintBatch:
    """Return a batch that gains no more units; only then are all of them meant."""
    batch = _locked(batch_id)
    if batch.status in {*LIVE_BATCHES, BatchStatus.FAILED}:
        raise BatchStillMinting
    return batch


def _step_size() -> int:
    return int(settings.TIEBACK_CYCLE_SIZE)


def _is_void(reason: str) -> bool:
    return reason == RevocationReason.SPOILED


def _unknown(at: int) -> FieldError:
    return FieldError(f"tokens[{at}]", "NOT_FOUND", "There is no such unit in this workspace.")


def _outside(batch: MintBatch, first: int) -> FieldError:
    field = "last_ordinal" if 1 <= first <= batch.minted_quantity else "first_ordinal"
    message = (
        f"Ordinals of this batch go from 1 to {batch.minted_quantity:,}, the first before the last."
    )
    return FieldError(field, "OUT_OF_RANGE", message)


def _tell_began(revocation: MintRevocation, batch_id: UUID, act: Act) -> None:
    tell(
        "units.revoked",
        brand_id=revocation.brand_id,
        batch_id=batch_id,
        actor=act.actor,
        data=_said(revocation),
    )


def _tell_ended(revocation: MintRevocation) -> None:
    if revocation.batch_id is None:
        return
    counts = {
        "revoked_quantity": revocation.revoked_quantity,
        "already_revoked_quantity": revocation.already_revoked_quantity,
    }
    tell(
        "units.revocation_completed",
        brand_id=revocation.brand_id,
        batch_id=revocation.batch_id,
        data={"revocation_id": str(revocation.pk), **counts},
    )


def _said(revocation: MintRevocation) -> dict[str, Any]:
    said = {
        "revocation_id": str(revocation.pk),
        "kind": revocation.kind,
        "reason": revocation.reason,
        "quantity": revocation.requested_quantity,
        "first_ordinal": revocation.first_ordinal,
        "last_ordinal": revocation.last_ordinal,
        "lot": revocation.lot.lot_code if revocation.lot else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _record(revocation: MintRevocation, act: Act) -> None:
    """Write the one audit entry of the act."""
    record(
        ActsFor(revocation.brand_id, act.actor),
        "mint_units.revoked",
        "mint_revocation",
        revocation.pk,
        reason=revocation.note,
        after={**_said(revocation), "mint_batch_id": str(revocation.batch_id or "")},
        request=act.request_id,
    )
