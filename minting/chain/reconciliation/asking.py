"""Asking for runs: the schedule, a brand's managers, an operator. One of each kind at a time."""

from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from minting import pipeline
from minting.models import ReconciliationRun
from minting.revocations import Act
from minting.states import RunScope, RunType
from tieback.brands.audit import Actor, ActsForSystem, Author, record
from tieback.errors import Conflict

RECONCILE = "chain.reconcile"
TARGET = "reconciliation_run"

_SCHEDULED = """
insert into minting_reconciliationrun
    (id, brand_id, type, scope, status, read_only, network, actor, cursor, db_to_chain_issues,
     chain_to_db_issues, mismatches, successes, repaired, quarantined, known, details, fence,
     consecutive_errors, last_error)
values (gen_random_uuid(), null, 'incremental', 'all', 'pending', false, %s, '', '{}', 0, 0, 0, 0,
        0, 0, 0, '[]', 0, 0, '')
on conflict do nothing
returning id
"""


class ReconciliationUnderWay(Conflict):
    """A reconciliation is under way. Read its report; ask again when it has finished."""

    code = "RECONCILIATION_UNDER_WAY"


def begin_scheduled() -> UUID | None:
    """Ask for the scheduled run; None where the one before has not finished."""
    with connection.cursor() as cursor:
        cursor.execute(_SCHEDULED, [settings.SOLANA_NETWORK])
        row = cursor.fetchone()
    return row[0] if row else None


def ask_for(
    author: Actor, *, scope: RunScope, read_only: bool, request: object
) -> ReconciliationRun:
    """Ask for a run over everything of a brand, in its scope. Raises ``ReconciliationUnderWay``."""
    run = ReconciliationRun(brand_id=author.brand_id, scope=scope, read_only=read_only)
    return _asked(run, author, request)


def ask_for_all(act: Act, *, scope: RunScope, read_only: bool) -> ReconciliationRun:
    """Ask for a run over everything of everybody. Raises ``ReconciliationUnderWay``."""
    run = ReconciliationRun(brand_id=None, scope=scope, read_only=read_only)
    return _asked(run, ActsForSystem(act.actor), act.request_id)


def _asked(run: ReconciliationRun, author: Author, request: object) -> ReconciliationRun:
    run.type, run.actor, run.network = RunType.FULL, author.actor, settings.SOLANA_NETWORK
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        raise ReconciliationUnderWay from None
    record(
        author,
        "reconciliation.asked",
        TARGET,
        run.pk,
        after={"scope": str(run.scope), "read_only": run.read_only},
        request=request,
    )
    transaction.on_commit(lambda: pipeline.ring_step(RECONCILE, run.pk))
    return run
