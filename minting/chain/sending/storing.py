"""Writing down what is signed before it is sent, and what has become of it.

Three things make "exactly once" of it. A signature is stored before its transaction is sent. The
next is stored only for a submission that is pending, and it is pending again only when the one
before can no longer land. And the database holds at most one that may. None of that depends on a
lease or on who holds it: what the chain has decided may be written down by anyone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from minting.chain.sending.claims import Flight, Signed
from minting.chain.sending.kinds import KINDS, Done
from minting.crashpoints import reach
from minting.events import tell
from minting.interruptions import LONGEST_ERROR, first_wait
from tieback.brands.scoping import brand_scope
from tieback.metrics import CHAIN_TRANSACTIONS

_STORE = """
with mine as (
    update minting_chainsubmission as submission
       set status = 'sent', attempts = submission.attempts + 1, last_error = ''
      from unnest(%(ids)s::uuid[], %(fences)s::bigint[]) as held(id, fence)
     where submission.id = held.id and submission.fence = held.fence
       and submission.status = 'pending'
    returning submission.id, brand_id, batch_id, kind, attempts, blockchain, network
)
insert into minting_chaintransaction
    (id, brand_id, batch_id, submission_id, kind, attempt, blockchain, network, payer, signature,
     signed_bytes, last_valid_block_height, mint_count, status, error)
select gen_random_uuid(), brand_id, batch_id, mine.id, kind, attempts, blockchain, network,
       %(payer)s, made.signature, made.raw, %(height)s, made.mints, 'sent', ''
  from mine
  join unnest(%(ids)s::uuid[], %(signatures)s::text[], %(raws)s::bytea[], %(mints)s::int[])
    as made(id, signature, raw, mints) on made.id = mine.id
returning submission_id, id
"""
_CONFIRMED = """
update minting_chaintransaction set confirmed_at = clock_timestamp()
 where id = any(%s) and status = 'sent' and confirmed_at is null
"""
_UNCONFIRMED = """
update minting_chaintransaction set confirmed_at = null where id = any(%s) and status = 'sent'
"""
_LANDED = """
update minting_chaintransaction as sent
   set status = case when seen.error = '' then 'finalized' else 'failed' end,
       error = seen.error, slot = seen.slot, fee = seen.fee, priority_fee = seen.priority_fee,
       spent_besides = seen.spent, compute_units = seen.units,
       confirmed_at = coalesce(confirmed_at, clock_timestamp()), settled_at = clock_timestamp()
  from unnest(%(ids)s::uuid[], %(slots)s::bigint[], %(fees)s::bigint[], %(priority_fees)s::bigint[],
              %(spent)s::bigint[], %(units)s::bigint[], %(errors)s::text[])
    as seen(id, slot, fee, priority_fee, spent, units, error)
 where sent.id = seen.id and sent.status = 'sent'
returning sent.submission_id, sent.status = 'finalized', sent.error
"""
_EXPIRED = """
update minting_chaintransaction set status = 'expired', settled_at = clock_timestamp()
 where id = any(%s) and status = 'sent'
returning submission_id
"""
_COMPLETED = """
update minting_chainsubmission
   set status = 'completed', completed_at = clock_timestamp(), lease_until = null,
       next_attempt_at = null, consecutive_errors = 0, last_error = ''
 where id = any(%s) and status = 'sent'
returning id
"""
_PENDING = """
update minting_chainsubmission set status = 'pending' where id = any(%s) and status = 'sent'
"""
# Of a submission that nothing is on its way for: a transaction that might land must not be left
# to nobody.
_RECORD_ERROR = """
update minting_chainsubmission
   set consecutive_errors = consecutive_errors + 1, last_error = %(error)s, lease_until = null,
       status = case when %(final)s or consecutive_errors + 1 >= %(allowed)s then 'failed'
           else status end,
       next_attempt_at = case when not %(final)s and consecutive_errors + 1 < %(allowed)s
           then clock_timestamp() + make_interval(secs => %(base)s * power(2, consecutive_errors))
           end
 where id = %(id)s and fence = %(fence)s and status = 'pending'
returning status
"""
_PUT_OFF = """
update minting_chainsubmission as submission
   set last_error = %(why)s, lease_until = null,
       next_attempt_at = clock_timestamp() + make_interval(secs => %(wait)s)
  from unnest(%(ids)s::uuid[], %(fences)s::bigint[]) as held(id, fence)
 where submission.id = held.id and submission.fence = held.fence
   and submission.status = 'pending'
"""


@dataclass(frozen=True)
class Landed:
    """What a transaction did that is in a finalized block. Amounts in lamports.

    ``spent_besides`` is what left the payer beside the fee. ``error`` is empty where it did what
    it was made for; the fee is paid either way. ``learnt`` is what its kind has read of it.
    """

    transaction_id: UUID
    slot: int
    fee: int
    priority_fee: int
    spent_besides: int
    compute_units: int
    error: str
    learnt: Any = None


@dataclass(frozen=True)
class Made:
    """A transaction that was signed, and not stored yet."""

    flight: Flight
    signature: str
    raw: bytes
    mints: int


@transaction.atomic
def store(made: Sequence[Made], *, payer: str, last_valid_block_height: int) -> None:
    """Store what was signed, and note on the flights what may now be sent.

    Whose submission somebody else has taken, or whose transaction may still land, is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE,
            {
                "ids": [one.flight.id for one in made],
                "fences": [one.flight.fence for one in made],
                "signatures": [one.signature for one in made],
                "raws": [one.raw for one in made],
                "mints": [one.mints for one in made],
                "payer": payer,
                "height": last_valid_block_height,
            },
        )
        stored = dict(cursor.fetchall())
    reach("chain.before_commit")
    for one in made:
        if one.flight.id in stored:
            one.flight.signed = Signed(
                stored[one.flight.id], one.signature, one.raw, last_valid_block_height
            )


def note_confirmed(confirmed: Sequence[UUID], undone: Sequence[UUID]) -> None:
    """Note which transactions a supermajority has voted for, and which of those it has left."""
    with connection.cursor() as cursor:
        if confirmed:
            cursor.execute(_CONFIRMED, [list(confirmed)])
        if undone:
            cursor.execute(_UNCONFIRMED, [list(undone)])


@transaction.atomic
def settle(flights: Sequence[Flight], landed: Sequence[Landed]) -> None:
    """Write down what finalized transactions did; what failed may be tried again, or has ended."""
    by_id = {flight.id: flight for flight in flights}
    with connection.cursor() as cursor:
        cursor.execute(
            _LANDED,
            {
                "ids": [one.transaction_id for one in landed],
                "slots": [one.slot for one in landed],
                "fees": [one.fee for one in landed],
                "priority_fees": [one.priority_fee for one in landed],
                "spent": [one.spent_besides for one in landed],
                "units": [one.compute_units for one in landed],
                "errors": [one.error[:LONGEST_ERROR] for one in landed],
            },
        )
        told = cursor.fetchall()
        cursor.execute(_COMPLETED, [[id_ for id_, worked, _ in told if worked]])
        completed = [by_id[id_] for (id_,) in cursor.fetchall()]
        failed = {id_: error for id_, worked, error in told if not worked}
        cursor.execute(_PENDING, [list(failed)])
    CHAIN_TRANSACTIONS.labels("finalized").inc(len(completed))
    CHAIN_TRANSACTIONS.labels("failed").inc(len(failed))
    _tell_completed(completed, {one.transaction_id: one for one in landed})
    for id_, error in failed.items():
        record_error(by_id[id_], error, final=KINDS[by_id[id_].kind].is_final(error))


def _tell_completed(completed: Sequence[Flight], landed: Mapping[UUID, Landed]) -> None:
    # By tree, as whoever chooses among trees holds them: nobody waits in a circle.
    for flight in sorted(completed, key=lambda one: str(one.payload.get("tree", ""))):
        if flight.signed is None:
            continue
        of_it = landed[flight.signed.id]
        with brand_scope(flight.brand_id):
            done = Done(flight, of_it.transaction_id, of_it.spent_besides, of_it.learnt)
            KINDS[flight.kind].completed(done)


@transaction.atomic
def expire(transactions: Sequence[UUID]) -> None:
    """Let submissions be signed anew whose transactions are proven never to land."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED, [list(transactions)])
        expired = [id_ for (id_,) in cursor.fetchall()]
        cursor.execute(_PENDING, [expired])
    CHAIN_TRANSACTIONS.labels("expired").inc(len(expired))


@transaction.atomic
def record_error(flight: Flight, error: str, *, final: bool = False) -> None:
    """Count one error in a row of what has nothing on its way; at last a person has to look."""
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD_ERROR,
            {
                "id": flight.id,
                "fence": flight.fence,
                "error": error[:LONGEST_ERROR],
                "final": final,
                "allowed": int(settings.MAX_RETRIES),
                "base": first_wait(),
            },
        )
        row = cursor.fetchone()
    if row and row[0] == "failed":
        with brand_scope(flight.brand_id):
            KINDS[flight.kind].failed(flight, error[:LONGEST_ERROR])
            # Events are a batch's story; a tree tells of itself.
            if flight.batch_id is not None:
                tell(
                    "submission.failed",
                    brand_id=flight.brand_id,
                    batch_id=flight.batch_id,
                    data={"kind": flight.kind, "error": error[:LONGEST_ERROR]},
                )


def put_off(flights: Sequence[Flight], why: str, *, wait: float) -> None:
    """Leave what nothing is on its way for until later; the reason is no error of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PUT_OFF,
            {
                "ids": [flight.id for flight in flights],
                "fences": [flight.fence for flight in flights],
                "why": why[:LONGEST_ERROR],
                "wait": wait,
            },
        )
