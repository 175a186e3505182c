"""Celery entry points of minting: thin, ids only, safe to run twice."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from celery import Task, shared_task
from django.conf import settings

from minting import pipeline, revocations
from minting.chain.assets import wishing
from minting.chain.assets.waiting import any_waiting
from minting.chain.changes.due import any_due as any_change_due
from minting.chain.reconciliation import keeping
from minting.chain.reconciliation.asking import RECONCILE, begin_scheduled
from minting.chain.reconciliation.claims import oldest_due as oldest_run
from minting.chain.sending import retrying
from minting.chain.sending.claims import oldest_due
from minting.chain.trees import asking as trees
from minting.chain.wallets.payer import chain_is_on
from minting.fairness import job_waits, next_of_brand
from minting.leases import due_jobs
from minting.metadata import asking, pinning
from minting.proofs import building
from minting.stopping import stop_requested
from minting.worker import Outcome, work_next_job

SWEEP_RINGS_AT_MOST = 20
SUBMIT = retrying.SUBMIT
# One turn of sending: a process of the worker is taken for so long at most.
SENDS_FOR_SECONDS = 20.0
# Batches that were minted before there were proofs or documents: so many are asked for at once.
MISSED_AT_MOST = 1_000


@shared_task(bind=True, name="minting.generate")
def generate(self: "Task[Any, Any]", job_id: str) -> None:
    """Work the first claimable job; ``job_id`` only tells why the bell rang.

    The rest of the chain carries the bell to the next step. It is dropped where the job is not
    done, since the bell then rings anew.
    """
    outcome, claim, wait = work_next_job()
    if claim is None:
        return
    if outcome is not Outcome.YIELDED:
        _ring_next_of(claim.brand_id)
    if outcome is Outcome.COMPLETED:
        return
    self.request.chain = None
    if outcome is Outcome.YIELDED:
        pipeline.ring(claim.job_id)
    elif outcome is Outcome.RETRY and wait is not None:
        pipeline.ring(claim.job_id, countdown=max(0.0, wait))


def _ring_next_of(brand_id: UUID) -> None:
    """Ring for the brand's next job: its own bell found the brand at its cap."""
    waiting = next_of_brand(brand_id)
    if waiting is not None:
        pipeline.ring(waiting)


@shared_task(name="minting.revoke")
def revoke(revocation_id: str) -> None:
    """Work through unfinished revocations; ``revocation_id`` only tells why the bell rang."""
    deadline = time.monotonic() + float(settings.TIEBACK_WINDOW_SECONDS)
    while not stop_requested() and time.monotonic() < deadline:
        if revocations.work_next_step() is None:
            return
    pipeline.ring_step(revocations.REVOKE, revocation_id)


@shared_task(name=building.PROVE)
def prove(hint: str = "") -> None:
    """Build the trees of minted batches for one window; ``hint`` only tells why the bell rang.

    Somebody waits for each job, and nobody for a proof: jobs that wait come first.
    """
    deadline = time.monotonic() + float(settings.TIEBACK_WINDOW_SECONDS)
    worked = building.work_next_step()
    while worked and not stop_requested() and time.monotonic() < deadline and not job_waits():
        worked = building.work_next_step()
    if worked:
        pipeline.ring_step(building.PROVE, worked)


@shared_task(name=SUBMIT)
def submit(hint: str = "") -> None:
    """Have due submissions happen on their chain; ``hint`` only tells why the bell rang.

    Most of it is waiting, so it is done in short turns, and makes room for jobs between them.
    """
    # Half a second of libraries, which no other plane that knows of this task needs.
    from minting.chain.sending.rounds import work_submissions

    until = time.monotonic() + min(SENDS_FOR_SECONDS, float(settings.TIEBACK_WINDOW_SECONDS))
    wait = async_to_sync(work_submissions)(
        until=until, stop=lambda: stop_requested() or job_waits()
    )
    if wait is not None:
        pipeline.ring_step(SUBMIT, hint, countdown=wait or None)


@shared_task(name=wishing.GROUP)
def group(hint: str = "") -> None:
    """Hand assets that wait, and leaves that are to change, to the sender.

    ``hint`` only tells why the bell rang. Where enough waits to be sent this ends, and the sweep
    rings again.
    """
    if not chain_is_on():
        return
    # As above.
    from minting.chain.assets.grouping import group_waiting
    from minting.chain.changes.grouping import change_waiting

    until = time.monotonic() + float(settings.TIEBACK_WINDOW_SECONDS)
    steps = (group_waiting, change_waiting)
    done = [step(until=until, stop=lambda: stop_requested() or job_waits()) for step in steps]
    if any(one.assets for one in done):
        pipeline.ring_step(SUBMIT, hint)
    if any(one.is_more for one in done):
        pipeline.ring_step(wishing.GROUP, hint)


@shared_task(name=trees.CREATE)
def create_trees(hint: str = "") -> None:
    """Begin trees that were asked for; ``hint`` only tells why the bell rang."""
    if not chain_is_on():
        return
    # As above.
    from minting.chain.trees.creating import begin_next

    begun = submission = begin_next()
    while submission is not None and not stop_requested():
        submission = begin_next()
    if begun is not None:
        pipeline.ring_step(SUBMIT, begun)


@shared_task(name="minting.watch_trees")
def watch_trees() -> None:
    """Compare trees with what the chain says of them."""
    if not chain_is_on():
        return
    # As above.
    from minting.chain.trees.watching import watch

    asyncio.run(watch())


@shared_task(name=RECONCILE)
def reconcile(hint: str = "") -> None:
    """Compare with the chain for one turn; ``hint`` only tells why the bell rang."""
    # Libraries of the chain, which no other plane that knows of this task needs.
    from minting.chain.reconciliation.running import work_runs

    until = time.monotonic() + min(SENDS_FOR_SECONDS, float(settings.TIEBACK_WINDOW_SECONDS))
    if async_to_sync(work_runs)(until=until, stop=lambda: stop_requested() or job_waits()):
        pipeline.ring_step(RECONCILE, hint)


@shared_task(name="minting.begin_reconciliation")
def begin_reconciliation() -> None:
    """Ask for the scheduled reconciliation, unless the one before is not done."""
    begun = begin_scheduled()
    if begun is not None:
        pipeline.ring_step(RECONCILE, begun, expires=pipeline.SWEPT_BELL_SECONDS)


@shared_task(name="minting.forget_reports")
def forget_reports() -> None:
    """Delete reports of reconciliations that have been kept for long enough, in steps."""
    deadline = time.monotonic() + float(settings.TIEBACK_WINDOW_SECONDS)
    while keeping.forget_some() and not stop_requested() and time.monotonic() < deadline:
        pass


@shared_task(name="minting.prove_missed")
def prove_missed() -> None:
    """Ask for the proofs of batches that were minted before there were any."""
    if building.queue_missed(MISSED_AT_MOST):
        pipeline.ring_step(building.PROVE, "missed")


@shared_task(name="minting.look_at_endpoints")
def look_at_endpoints() -> None:
    """Ask the endpoints of the chain how far they are, so that their health is known at rest."""
    # As above.
    from minting.chain.rpc.opening import look_at_all

    asyncio.run(look_at_all())


@shared_task(name="minting.watch_chain")
def watch_chain() -> None:
    """Have the chain's price and the payer's balance known while nothing is sent."""
    # As above.
    from minting.chain.sending import watching

    async_to_sync(watching.watch_chain)()


@shared_task(name=asking.PIN)
def pin(hint: str = "") -> None:
    """Pin documents that wait, for one window; ``hint`` only tells why the bell rang.

    Where the place is away the window ends: packs wait for this worker too, and the sweep rings.
    """
    deadline = time.monotonic() + float(settings.TIEBACK_WINDOW_SECONDS)
    going_on = (pinning.Step.PINNED, pinning.Step.FAILED)
    step = pinning.work_next_step()
    while (
        step in going_on
        and not stop_requested()
        and time.monotonic() < deadline
        and not job_waits()
    ):
        step = pinning.work_next_step()
    if step in going_on:
        pipeline.ring_step(asking.PIN, hint)


@shared_task(name="minting.pin_missed")
def pin_missed() -> None:
    """Ask for documents of passport versions that were minted before there were any."""
    found = asking.queue_missed(MISSED_AT_MOST)
    if found:
        pipeline.ring_step(asking.PIN, "missed")
    while found:
        found = asking.queue_missed(MISSED_AT_MOST)


def _ring_where_due(due: Mapping[str, Callable[[], object]]) -> None:
    """Ring for each step that something waits for; each function returns what, or None."""
    for step, oldest in due.items():
        waiting = oldest()
        if waiting is not None:
            pipeline.ring_step(step, waiting, expires=pipeline.SWEPT_BELL_SECONDS)


@shared_task(name="minting.sweep")
def sweep() -> None:
    """Ring again for work that waits: lost messages, dead workers, ended waits."""
    if chain_is_on():
        _ring_where_due(
            {
                wishing.GROUP: lambda: any_waiting() or any_change_due(),
                SUBMIT: oldest_due,
                trees.CREATE: trees.oldest_unbegun,
            }
        )
    _ring_where_due(
        {
            RECONCILE: oldest_run,
            revocations.REVOKE: revocations.oldest_unfinished,
            building.PROVE: building.oldest_unfinished,
            asking.PIN: pinning.oldest_unfinished,
        }
    )
    for job_id in due_jobs(SWEEP_RINGS_AT_MOST):
        pipeline.ring(job_id, expires=pipeline.SWEPT_BELL_SECONDS)
