"""Working on runs, a step after another: look, decide, put right, write down.

Nothing is held between two steps but a lease: whoever is killed loses one step's look.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection

from minting.chain.own_thread import in_own_thread
from minting.chain.reconciliation import recording
from minting.chain.reconciliation.claims import (
    Claim,
    LostError,
    claim_run,
    finish,
    let_go,
    record_error,
)
from minting.chain.reconciliation.disposing import Disposition, disposition
from minting.chain.reconciliation.drifts import Drift, Looked, Round
from minting.chain.reconciliation.recording import Outcome, Step
from minting.chain.reconciliation.repairing import note, repair
from minting.chain.reconciliation.stages import Stage, stages_of
from minting.chain.reconciliation.witnesses import Chain, open_chain
from minting.chain.rpc.errors import NoEndpointError, RefusedError
from minting.chain.rpc.opening import open_endpoints
from minting.crashpoints import reach
from minting.interruptions import describe, is_interruption
from minting.states import DriftStatus
from tieback.errors import PermanentError, TransientError

log = structlog.get_logger(__name__)

_USED = "select exists (select from minting_chainwallet where network = %s)"
_OUTAGES = (NoEndpointError, RefusedError, TransientError)
_AT, _POSITION, _STEPS = "stage", "position", "steps"


async def work_runs(*, until: float, stop: Callable[[], bool]) -> bool:
    """Work on runs that are due until ``until`` (monotonic) or ``stop``; tell if any is left."""
    while True:
        claim = await in_own_thread(claim_run)
        if claim is None:
            return False
        if not await _Run(claim).work(until, stop):
            return True


class _Run:
    """A run in this worker's hands."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._cursor: Mapping[str, Any] = claim.cursor
        self._stages = stages_of(claim.scope, is_of_brand=claim.brand_id is not None)
        self._chain: Chain | None = None

    async def work(self, until: float, stop: Callable[[], bool]) -> bool:
        """Take steps until the run has ended, one at least; return False where it has not."""
        try:
            return await self._steps(until, stop)
        except LostError:
            log.info("reconciliation_lost", run_id=str(self._claim.id))
        except SoftTimeLimitExceeded:
            raise
        except _OUTAGES as error:
            log.warning("reconciliation_put_off", error=str(error))
            await in_own_thread(record_error, self._claim, str(error), is_outage=True)
        except Exception as error:
            if is_interruption(error):
                raise
            log.exception("reconciliation_failed", run_id=str(self._claim.id))
            said = str(error) if isinstance(error, PermanentError) else describe(error)
            await in_own_thread(record_error, self._claim, said, is_outage=False)
        return True

    async def _steps(self, until: float, stop: Callable[[], bool]) -> bool:
        async with open_endpoints() as rpc:
            has_chain = await in_own_thread(_was_used, self._claim.network)
            while stage := self._stage(has_chain=has_chain):
                if stage.asks_chain and self._chain is None:
                    self._chain = await open_chain(rpc)
                await self._step(stage)
                if time.monotonic() >= until or await in_own_thread(stop):
                    await in_own_thread(let_go, self._claim)
                    return False
        await in_own_thread(finish, self._claim)
        return True

    def _stage(self, *, has_chain: bool) -> Stage | None:
        """Return the stage that the run is at; without a chain those that need one are left out."""
        stages = [one for one in self._stages if has_chain or not one.asks_chain]
        names = [stage.name for stage in stages]
        at = self._cursor.get(_AT)
        if at is None:
            return stages[0] if stages else None
        following = names.index(at) + bool(self._cursor.get("is_done")) if at in names else 0
        return stages[following] if following < len(stages) else None

    async def _step(self, stage: Stage) -> None:
        network = self._claim.network if stage.asks_chain else ""
        goes_on = self._cursor.get(_AT) == stage.name and not self._cursor.get("is_done")
        position = self._cursor.get(_POSITION, {}) if goes_on else {}
        steps = self._cursor.get(_STEPS, 0) if goes_on else 0
        if not goes_on and not self._claim.is_full:
            position = await in_own_thread(recording.position_of, network, stage.name)
        again: Sequence[str] = ()
        if not steps:
            again = await in_own_thread(
                recording.open_subjects, stage, network, self._claim.brand_id
            )
        at_most = stage.at_most
        if not self._claim.is_full:
            at_most = stage.by_schedule or at_most
        of = Round(network, self._claim.brand_id, self._claim.is_full, at_most, again)
        looked = await stage.look(self._chain, of, position)
        reach("reconciliation.looked")
        outcomes = await in_own_thread(_outcomes, self._claim, network, looked.drifts)
        cursor = self._next(stage, looked, steps + 1)
        step = Step(
            stage=stage,
            network=network,
            examined=looked.examined,
            outcomes=outcomes,
            cursor=cursor,
            position=None if self._claim.is_full else looked.position,
            besides=looked.besides,
        )
        await in_own_thread(recording.record_step, self._claim, step)
        self._cursor = cursor
        reach("reconciliation.committed")

    def _next(self, stage: Stage, looked: Looked, steps: int) -> dict[str, Any]:
        """Return where the run goes on: a scheduled one takes no more steps than are due."""
        is_enough = not self._claim.is_full and steps >= stage.steps
        return {
            _AT: stage.name,
            _POSITION: dict(looked.position),
            _STEPS: steps,
            "is_done": looked.is_end or is_enough,
        }


def _outcomes(claim: Claim, network: str, drifts: Sequence[Drift]) -> list[Outcome]:
    """Do what is to be done about each drift; return what came of it."""
    if claim.brand_id is not None:
        drifts = [drift for drift in drifts if drift.brand_id == claim.brand_id]
    known = recording.before(network, drifts)
    found = []
    for drift in {drift.key: drift for drift in drifts}.values():
        standing = known.standing.get(drift.key)
        wanted = disposition(
            drift,
            standing,
            read_only=claim.read_only,
            times_repaired=known.repaired.get(drift.key, 0),
        )
        found.append(Outcome(drift, standing, _became(drift, wanted)))
    return found


def _became(drift: Drift, wanted: Disposition) -> DriftStatus | None:
    if wanted is Disposition.REPAIR:
        return DriftStatus.REPAIRED if repair(drift) else DriftStatus.QUARANTINED
    if wanted is Disposition.QUARANTINE:
        note(drift)
        return DriftStatus.QUARANTINED
    return DriftStatus.LEFT if wanted is Disposition.LEAVE else None


def _was_used(network: str) -> bool:
    """Tell whether a wallet was used on this network: before that nothing is on its chain."""
    if not network or network != settings.SOLANA_NETWORK:
        return False
    with connection.cursor() as cursor:
        cursor.execute(_USED, [network])
        (found,) = cursor.fetchone()
    return bool(found)
