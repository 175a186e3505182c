"""The real engine in one process, made to stop, die or be overtaken at its named crash points.

A point's hook runs where the process would have been killed or paused: raising ``Crash`` there
leaves everything as a death would (the transaction is undone, the lease stays), and working a job
in it is another worker overtaking this one while it sleeps.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from pytest_django import Settings

from chaos.checker import Evidence, Status, Verdict, verify
from exports import packs, storage
from exports import worker as packer
from exports.models import PackBuild, PackStatus
from minting import cycles, finalize, gateway, idempotency, pipeline, retries, revocations, worker
from minting.gateway import MintRequest, Submitter, submit_mint_request
from minting.models import MintJob, MintUnit, Product
from minting.proofs import building
from minting.retries import NotRetryable
from minting.revocations import Act
from minting.states import LIVE_JOBS, JobStatus, RevocationReason
from minting.worker import Outcome
from resolver.activation import _ACTIVATE
from resolver.recording import NOTED
from resolver.rollup import count_activations
from tests.factories import BrandWorld, make_product, make_world
from tests.planes import acting_as
from tests.reliability.scratch import Scratch
from tieback.brands.scoping import all_brands, brand_scope

CYCLE = 4
PACK = 10
SETTINGS = {
    "TIEBACK_CYCLE_SIZE": CYCLE,
    "TIEBACK_PACK_SIZE": PACK,
    "RETRY_BASE_DELAY_MS": 1,
    # Roots are to be anchored; nothing is sent, but what a scenario says was.
    "SOLANA_NETWORK": "devchain",
}


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Engine:
    """The planes' functions, one brand with a product and another one, and a client's log."""

    scratch: Scratch
    patch: pytest.MonkeyPatch
    settings: Settings
    answers: list[tuple[str, str]] = field(default_factory=list)
    hooks: dict[str, list[Callable[[], None]]] = field(default_factory=dict)
    brands: list[tuple[BrandWorld, Product]] = field(default_factory=list)
    errors: int = 0

    def __post_init__(self) -> None:
        for name, value in SETTINGS.items():
            # Each override lies on the one before it, and machines start over thousands of times.
            if getattr(self.settings, name) != value:
                setattr(self.settings, name, value)
        self.patch.setattr(pipeline, "_send", lambda *_, **__: True)
        for module in (cycles, worker, finalize, packs, packer, building):
            self.patch.setattr(module, "reach", self._reach)
        with acting_as("web"):
            for slug in ("nordhav", "quillon"):
                world = make_world(slug)
                self.brands.append((world, make_product(world)))

    def _reach(self, name: str) -> None:
        waiting = self.hooks.get(name)
        if waiting:
            waiting.pop(0)()

    def at(self, point: str, *actions: Callable[[], None]) -> None:
        """Do the actions at the first visits of a crash point, one each."""
        self.hooks.setdefault(point, []).extend(actions)

    # The web plane

    def submit(
        self,
        quantity: int = 10,
        *,
        key: str | None = None,
        brand: int = 0,
        **more: Any,
    ) -> MintJob:
        """Submit, and note in the client's log what was answered after the commit."""
        world, product = self.brands[brand]
        key = key or str(uuid4())
        request = MintRequest(product.id, quantity, **more)
        with acting_as("web"), brand_scope(world.brand.id):
            submitter = Submitter("user:1")
            job = submit_mint_request(world.brand.id, request, key=key, submitter=submitter).job
        self.answers.append((key, str(job.id)))
        return job

    def submit_twice_at_once(self, key: str) -> None:
        """Submit while another request of the same key is between its look and its write."""
        looked, may_go_on = Event(), Event()
        real = idempotency.earlier_job

        def slow(*given: object) -> MintJob | None:
            found = real(*given)  # type: ignore[arg-type]
            if not looked.is_set():
                looked.set()
                assert may_go_on.wait(20)
            return found

        def first() -> None:
            try:
                self._submit_here(key)
            finally:
                connection.close()

        with (
            acting_as("web"),
            pytest.MonkeyPatch.context() as patch,
            ThreadPoolExecutor(1) as pool,
        ):
            patch.setattr(gateway.idempotency, "earlier_job", slow)
            waiting = pool.submit(first)
            assert looked.wait(20)
            with suppress(idempotency.RequestInFlight):
                self._submit_here(key)
            may_go_on.set()
            waiting.result(20)

    def _submit_here(self, key: str) -> None:
        world, product = self.brands[0]
        request = MintRequest(product.id, 3)
        with brand_scope(world.brand.id):
            submitter = Submitter("user:1")
            job = submit_mint_request(world.brand.id, request, key=key, submitter=submitter).job
        self.answers.append((key, str(job.id)))

    def retry(self, job: MintJob) -> None:
        """Send a job back as an operator does; a refusal is an answer."""
        with acting_as("web"), brand_scope(job.brand_id), suppress(NotRetryable):
            retries.retry_job(job=job, actor="user:1", reason="mended")

    def revoke(self, job: MintJob, first: int, last: int) -> None:
        """Revoke a range of a job's units; workers do the steps."""
        why = revocations.Why(RevocationReason.RECALLED)
        with acting_as("web"), brand_scope(job.brand_id):
            revocations.revoke_range(
                batch_id=job.batch_id, first=first, last=last, why=why, act=Act("user:1")
            )
        with acting_as("worker"):
            while revocations.work_next_step():
                pass

    # The worker plane

    def work(self) -> Outcome | None:
        """Visit the queue once; ``None`` where the process died."""
        outcome = None
        with acting_as("worker"), suppress(Crash):
            outcome = worker.work_next_job()[0]
        self.errors += outcome in {Outcome.RETRY, Outcome.FAILED}
        return outcome

    def work_for_one_cycle(self) -> None:
        """Visit the queue with a window that ends at once."""
        # An override of the fixture would stay until the test ends, under all later ones.
        with override_settings(TIEBACK_WINDOW_SECONDS=0):
            self.work()

    def finish(self) -> None:
        """Let time pass and workers come until no job is live."""
        for _ in range(400):
            self.let_time_pass()
            if self.work() is Outcome.NOTHING and not self._live():
                return
        pytest.fail("jobs stay live")

    def _live(self) -> bool:
        with acting_as("worker"), all_brands():
            return MintJob.objects.filter(status__in=LIVE_JOBS).exists()

    def let_time_pass(self) -> None:
        """End every lease and every wait."""
        past = timezone.now() - timedelta(seconds=1)
        with acting_as("worker"), all_brands():
            live = MintJob.objects.filter(status__in=LIVE_JOBS)
            live.exclude(lease_until=None).update(lease_until=past)
            live.update(next_attempt_at=None)
            PackBuild.objects.filter(status=PackStatus.GENERATING).update(lease_until=past)

    def export(self) -> None:
        """Build every pack that is asked for."""
        for _ in range(20):
            with acting_as("worker"):
                if packer.work_next_build()[0] is Outcome.NOTHING:
                    return
        pytest.fail("builds stay due")

    def prove(self) -> None:
        """Sign every batch that is minted; where a worker dies, the next one comes."""
        for _ in range(100):
            with acting_as("worker"), suppress(Crash):
                if building.work_next_step() is None:
                    return
        pytest.fail("proofs stay due")

    def roll_up(self) -> None:
        """Count what was scanned."""
        with acting_as("worker"):
            count_activations()

    @contextmanager
    def failing(self, *calls: int) -> Iterator[None]:
        """Make the given calls for tokens fail, counted from one."""
        real, seen = cycles.generate_tokens, iter(range(1, 10_000))

        def make(count: int) -> list[str]:
            if next(seen) in calls:
                raise ValueError("no entropy")
            return real(count)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cycles, "generate_tokens", make)
            yield

    # The resolver plane

    def scan(self, job: MintJob, count: int) -> None:
        """Scan the first units of a job."""
        with acting_as("worker"), brand_scope(job.brand_id):
            units = MintUnit.objects.filter(batch_id=job.batch_id).order_by("ordinal")
            ids = list(units.values_list("id", flat=True)[:count])
        with acting_as("resolver"), connection.cursor() as cursor:
            for unit_id in ids:
                said = {"unit": unit_id, "is_noted": False, "counted_only": []}
                cursor.execute(_ACTIVATE, {**said, **dict.fromkeys(NOTED)})

    # What is left

    def status(self, job: MintJob) -> JobStatus:
        """Return the job's state."""
        with acting_as("worker"), all_brands():
            return JobStatus(MintJob.objects.get(pk=job.pk).status)

    def verdicts(self, *, job: UUID | None = None) -> dict[str, Verdict]:
        """Ask the checker, as the operators' role, about everything or one job."""
        with self.scratch.connect("console") as database:
            evidence = Evidence(
                database, self.answers, read_object=storage.read, job=str(job) if job else None
            )
            return {verdict.invariant: verdict for verdict in verify(evidence)}

    def broken(self) -> dict[str, tuple[str, ...]]:
        """Return what the checker finds broken, with its rows."""
        return {
            name: verdict.problems
            for name, verdict in self.verdicts().items()
            if verdict.status is Status.BROKEN
        }
