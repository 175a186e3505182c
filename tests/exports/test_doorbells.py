"""The bells around a build: after a mint, a yield or an error, and those of the sweep."""

import pytest
from kombu.exceptions import OperationalError

from exports import tasks
from exports.builds import BUILD
from exports.models import PackStatus
from minting import pipeline
from minting.worker import Outcome, work_next_job
from tests.exports.batches import build_of, files_of, minted_batch, queued_build
from tests.minting.requests import queued_job
from tieback.celery import app
from tieback.metrics import DOORBELLS_LOST, PACK_BYTES, PACKS_BUILT

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("worker"),
    pytest.mark.usefixtures("small_packs"),
]


@pytest.fixture
def bells(monkeypatch) -> list[tuple]:
    """The bells that were rung: name, hint, options."""
    rung = []

    def ring_step(name, hint, **options):
        rung.append((name, str(hint), options))
        return True

    monkeypatch.setattr(pipeline, "ring_step", ring_step)
    return rung


def test_a_mint_that_completes_leaves_a_due_build(brand):
    job = queued_job(brand, 25)
    assert work_next_job()[0] is Outcome.COMPLETED
    build = build_of(job.batch)
    assert (build.status, build.pack_size, build.pack_count) == (PackStatus.PENDING, 10, 3)


def test_the_task_builds_what_is_due_whatever_its_hint_says(brand, bells):
    batch = minted_batch(brand, 25)
    queued_build(batch)
    tasks.build("no id at all")
    assert build_of(batch).status == PackStatus.COMPLETED
    assert bells == []
    tasks.build("again")


def test_a_yield_rings_again(brand, bells, settings):
    settings.TIEBACK_WINDOW_SECONDS = 0
    batch = minted_batch(brand, 25)
    build = queued_build(batch)
    tasks.build("")
    assert bells == [(BUILD, str(build.pk), {})]


def test_an_error_rings_again_when_its_wait_ends(brand, bells, monkeypatch, settings):
    settings.RETRY_BASE_DELAY_MS = 10_000
    build = queued_build(minted_batch(brand, 5))

    def broken(*_, **__):
        raise RuntimeError("no")

    monkeypatch.setattr("exports.storage.put", broken)
    tasks.build("")
    ((name, hint, options),) = bells
    assert (name, hint) == (BUILD, str(build.pk))
    assert 7 <= options["countdown"] <= 13


def test_the_sweep_rings_once_for_each_due_build(brand, bells):
    due = [queued_build(minted_batch(brand, 1)) for _ in range(3)]
    tasks.sweep()
    assert [hint for _, hint, _ in bells] == [str(build.pk) for build in due]
    assert all(options == {"expires": pipeline.SWEPT_BELL_SECONDS} for *_, options in bells)


def test_a_dead_broker_costs_a_build_nothing(brand, monkeypatch, settings):
    settings.TIEBACK_WINDOW_SECONDS = 0
    batch = minted_batch(brand, 15)
    queued_build(batch)

    def dead(*_, **__):
        raise OperationalError("away")

    monkeypatch.setattr("celery.canvas.Signature.apply_async", dead)
    before = DOORBELLS_LOST._value.get()
    tasks.build("")
    tasks.build("")
    assert DOORBELLS_LOST._value.get() == before + 1
    assert build_of(batch).status == PackStatus.COMPLETED


def test_the_worker_knows_both_tasks_and_their_queues():
    app.loader.import_default_modules()
    assert {BUILD, "exports.sweep"} <= set(app.tasks)
    assert app.amqp.router.route({}, BUILD)["queue"].name == "exports"


def test_packs_and_bytes_are_counted(brand):
    batch = minted_batch(brand, 25)
    queued_build(batch)
    packs, size = PACKS_BUILT._value.get(), PACK_BYTES._value.get()
    tasks.build("")
    assert PACKS_BUILT._value.get() == packs + 3
    assert PACK_BYTES._value.get() == size + sum(map(len, files_of(batch).packs))
