"""Writing down what a step has found, together with how far its run has come.

What a step writes commits with its position, and names the run's fence: a worker that died, or lost
its run to another, has written nothing of a step, or all of it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from minting.chain.reconciliation.claims import Claim, LostError
from minting.chain.reconciliation.disposing import Standing
from minting.chain.reconciliation.drifts import Drift, Position
from minting.chain.reconciliation.stages import Stage
from minting.crashpoints import reach
from minting.events import tell
from minting.states import DriftDirection, DriftStatus
from tieback.brands.scoping import brand_scope

#: A report names no more findings than these; all of them are drifts of their own.
MOST_DETAILS = 100
#: A drift that was put right is told from one that keeps coming back for so long: hours.
_LATELY = 24

_STANDING = """
select kind, subject_id, id, status, detail, wants_repair from minting_chaindrift
 where network = %(network)s and subject_id = any(%(subjects)s) and closed_at is null
"""
_REPAIRED = f"""
select kind, subject_id, count(*) from minting_chaindrift
 where network = %(network)s and subject_id = any(%(subjects)s) and status = 'repaired'
   and closed_at > clock_timestamp() - interval '{_LATELY} hours'
 group by kind, subject_id
"""  # noqa: S608 - constants only
_OPEN = """
select subject_id from minting_chaindrift
 where network = %(network)s and kind = any(%(kinds)s) and closed_at is null
   and (%(brand)s::uuid is null or brand_id = %(brand)s)
 order by seen_at limit %(limit)s
"""
_INSERT = """
insert into minting_chaindrift
    (id, brand_id, batch_id, network, kind, direction, subject_type, subject_id, detail, status,
     wants_repair, run_id, times_seen, decided_by, reason, closed_at)
values (gen_random_uuid(), %(brand)s, %(batch)s, %(network)s, %(kind)s, %(direction)s,
        %(subject_type)s, %(subject)s, %(detail)s, %(status)s, false, %(run)s, 1, '', '',
        case when %(status)s = 'repaired' then clock_timestamp() end)
on conflict do nothing
"""
_UPDATE = """
update minting_chaindrift
   set status = %(status)s, detail = %(detail)s, times_seen = times_seen + 1, wants_repair = false,
       seen_at = clock_timestamp(),
       closed_at = case when %(status)s = 'repaired' then clock_timestamp() end
 where id = %(id)s and closed_at is null
"""
_SEEN = """
update minting_chaindrift
   set seen_at = clock_timestamp(), times_seen = times_seen + 1,
       detail = case when status in ('left', 'quarantined') then %(detail)s else detail end
 where id = %(id)s and closed_at is null
"""
_GONE = """
update minting_chaindrift as drift set status = 'gone', closed_at = clock_timestamp()
 where network = %(network)s and kind = any(%(kinds)s) and closed_at is null
   and subject_id = any(%(examined)s)
   and not exists (select from unnest(%(found_kinds)s::text[], %(found)s::text[])
                       as there(kind, subject_id)
                    where there.kind = drift.kind and there.subject_id = drift.subject_id)
"""
_COUNT = """
update minting_reconciliationrun
   set cursor = %(cursor)s,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
       consecutive_errors = 0, last_error = '',
       db_to_chain_issues = db_to_chain_issues + %(db_to_chain)s,
       chain_to_db_issues = chain_to_db_issues + %(chain_to_db)s,
       mismatches = mismatches + %(mismatch)s, successes = successes + %(successes)s,
       repaired = repaired + %(repaired)s, quarantined = quarantined + %(quarantined)s,
       known = known + %(known)s,
       details = case when jsonb_array_length(details) < %(most)s
           then details || %(details)s::jsonb else details end
 where id = %(id)s and fence = %(fence)s and status = 'pending'
"""
_ADVANCE = """
insert into minting_reconciliationcursor (network, stage, position)
values (%(network)s, %(stage)s, %(position)s)
on conflict (network, stage) do update
   set position = excluded.position, updated_at = clock_timestamp()
"""
_POSITION = "select position from minting_reconciliationcursor where network = %s and stage = %s"


@dataclass(frozen=True)
class Outcome:
    """What a step has done about one drift; ``status`` is None where everything stays as it is."""

    drift: Drift
    standing: Standing | None
    status: DriftStatus | None

    @property
    def is_new(self) -> bool:
        """Whether this run is the first to find it."""
        return self.standing is None


@dataclass(frozen=True)
class Step:
    """What a step comes to. ``cursor`` is where its run goes on, ``position`` where the next
    scheduled one does, None where that is no affair of this run.
    """

    stage: Stage
    network: str
    examined: Sequence[str]
    outcomes: Sequence[Outcome]
    cursor: Mapping[str, Any]
    position: Position | None = None
    besides: int = 0


@dataclass(frozen=True)
class Before:
    """What is known of drifts from earlier runs, by kind and subject."""

    standing: Mapping[tuple[str, str], Standing]
    repaired: Mapping[tuple[str, str], int]


def before(network: str, drifts: Sequence[Drift]) -> Before:
    """Return what is known of these drifts already."""
    if not drifts:
        return Before({}, {})
    asked: dict[str, Any] = {"network": network, "subjects": [drift.subject_id for drift in drifts]}
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, asked)
        standing = {
            (kind, subject): Standing(id_, status, json.loads(detail), wants)
            for kind, subject, id_, status, detail, wants in cursor.fetchall()
        }
        cursor.execute(_REPAIRED, asked)
        repaired = {(kind, subject): count for kind, subject, count in cursor.fetchall()}
    return Before(standing, repaired)


def open_subjects(stage: Stage, network: str, brand_id: UUID | None) -> list[str]:
    """Return the subjects of drifts that a stage has found and that stand, the longest unseen."""
    with connection.cursor() as cursor:
        cursor.execute(
            _OPEN,
            {
                "network": network,
                "kinds": [str(kind) for kind in stage.kinds],
                "brand": brand_id,
                "limit": stage.at_most,
            },
        )
        return list(dict.fromkeys(subject for (subject,) in cursor.fetchall()))


def position_of(network: str, stage: str) -> Position:
    """Return where the scheduled runs go on with a stage."""
    with connection.cursor() as cursor:
        cursor.execute(_POSITION, [network, stage])
        row = cursor.fetchone()
    return json.loads(row[0]) if row else {}


@transaction.atomic
def record_step(claim: Claim, step: Step) -> None:
    """Write down a step. Raises ``LostError``, having written nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _counted(claim, step))
        if not cursor.rowcount:
            raise LostError
        for outcome in step.outcomes:
            _write(cursor, claim, step, outcome)
        if not claim.read_only:
            cursor.execute(_GONE, _told_gone(step))
            if step.position is not None:
                position = {"network": step.network, "stage": step.stage.name}
                cursor.execute(_ADVANCE, {**position, "position": json.dumps(step.position)})
    for outcome in step.outcomes:
        _tell(outcome)
    reach("reconciliation.before_commit")


def _write(cursor: Any, claim: Claim, step: Step, outcome: Outcome) -> None:
    drift, nature = outcome.drift, outcome.drift.nature
    told = {"status": str(outcome.status), "detail": json.dumps(dict(drift.detail))}
    if outcome.standing is not None:
        statement = _SEEN if outcome.status is None else _UPDATE
        if not claim.read_only:
            cursor.execute(statement, {**told, "id": outcome.standing.id})
        return
    cursor.execute(
        _INSERT,
        {
            **told,
            "brand": drift.brand_id,
            "batch": drift.batch_id,
            "network": step.network,
            "kind": str(drift.kind),
            "direction": str(nature.direction),
            "subject_type": nature.subject,
            "subject": drift.subject_id,
            "run": claim.id,
        },
    )


def _tell(outcome: Outcome) -> None:
    """Add what a person has to decide to the story of its batch, once."""
    drift = outcome.drift
    is_news = outcome.status == DriftStatus.QUARANTINED and (
        outcome.standing is None or outcome.standing.status != DriftStatus.QUARANTINED
    )
    if is_news and drift.brand_id is not None and drift.batch_id is not None:
        with brand_scope(drift.brand_id):
            tell(
                "reconciliation.discrepancy",
                brand_id=drift.brand_id,
                batch_id=drift.batch_id,
                data={"kind": str(drift.kind), "subject": drift.subject_id},
            )


def _told_gone(step: Step) -> dict[str, Any]:
    found = [outcome.drift for outcome in step.outcomes]
    return {
        "network": step.network,
        "kinds": [str(kind) for kind in step.stage.kinds],
        "examined": list(step.examined),
        "found_kinds": [str(drift.kind) for drift in found],
        "found": [drift.subject_id for drift in found],
    }


def _counted(claim: Claim, step: Step) -> dict[str, Any]:
    new = [outcome for outcome in step.outcomes if outcome.is_new]
    issues = dict.fromkeys(DriftDirection, 0)
    for outcome in new:
        issues[outcome.drift.nature.direction] += 1
    became = [outcome.status for outcome in step.outcomes]
    drifting = {outcome.drift.subject_id for outcome in step.outcomes}
    return {
        "id": claim.id,
        "fence": claim.fence,
        "cursor": json.dumps(dict(step.cursor)),
        "lease": float(settings.TIEBACK_LEASE_SECONDS),
        **{str(direction): count for direction, count in issues.items()},
        "successes": len(set(step.examined) - drifting) + step.besides,
        "repaired": became.count(DriftStatus.REPAIRED),
        "quarantined": became.count(DriftStatus.QUARANTINED),
        # What another stage looks after, that one counts.
        "known": sum(
            not outcome.is_new and outcome.drift.kind in step.stage.kinds
            for outcome in step.outcomes
        ),
        "most": MOST_DETAILS,
        "details": json.dumps([_line(outcome) for outcome in new[:MOST_DETAILS]]),
    }


def _line(outcome: Outcome) -> dict[str, str]:
    return {
        "kind": str(outcome.drift.kind),
        "subject_type": outcome.drift.nature.subject,
        "subject_id": outcome.drift.subject_id,
        "became": str(outcome.status),
    }
