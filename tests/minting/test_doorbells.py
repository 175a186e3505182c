"""Doorbells: they go to the right queue from any thread, and none is needed."""

import threading

import pytest
import redis
from celery import Celery, current_app
from django.conf import settings

from minting import pipeline
from minting.models import MintJob
from minting.tasks import sweep
from tests.factories import make_product, make_world
from tests.minting.requests import queued_job, request_for, submit
from tests.planes import acting_as
from tieback.metrics import DOORBELLS_LOST


@pytest.fixture
def mint_queue(monkeypatch):
    """The queue of minting in a numbered database that no other test uses."""
    url = f"{settings.REDIS_URL.rsplit('/', 1)[0]}/14"
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    app = Celery("bell", broker=url, set_as_current=False)
    app.conf.update(
        task_queues=current_app.conf.task_queues, task_routes=current_app.conf.task_routes
    )
    monkeypatch.setattr(pipeline, "current_app", app)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def dead_broker(monkeypatch):
    # Celery lets the variable win over what the app is given.
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    app = Celery("bell", broker="redis://127.0.0.1:1/0", set_as_current=False)
    app.conf.update(
        task_publish_retry=False,
        broker_transport_options=current_app.conf.broker_transport_options,
    )
    monkeypatch.setattr(pipeline, "current_app", app)


def test_every_thread_rings_through_our_app():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(current_app.main))
    thread.start()
    thread.join()
    assert seen == ["tieback"]


def test_a_doorbell_lands_in_the_queue_of_minting_alone(mint_queue):
    assert pipeline.ring("some-job")
    assert mint_queue.llen("mint") == 1
    assert mint_queue.llen("exports") == mint_queue.llen("upkeep") == 0


def test_a_flushed_broker_takes_the_next_doorbell(mint_queue):
    pipeline.ring("some-job")
    mint_queue.flushdb()
    pipeline.ring("some-job")
    assert mint_queue.llen("mint") == 1


def test_the_chain_names_every_step_by_name():
    steps = (pipeline.GENERATE, *pipeline.LATER_STEPS)
    assert steps == (
        "minting.generate",
        "exports.build",
        "minting.prove",
        "minting.pin",
        "chain.group",
        "chain.submit",
    )
    current_app.loader.import_default_modules()
    assert {pipeline.GENERATE, *pipeline.LATER_STEPS} <= set(current_app.tasks)


def test_a_dead_broker_is_counted_and_swallowed(dead_broker):
    before = DOORBELLS_LOST._value.get()
    assert not pipeline.ring("some-job")
    assert DOORBELLS_LOST._value.get() == before + 1


@pytest.mark.django_db(transaction=True)
def test_a_request_is_accepted_while_the_broker_is_dead(dead_broker):
    world = make_world("nordhav")
    job = submit(world, request_for(make_product(world)))
    assert isinstance(job, MintJob)


@pytest.mark.django_db(transaction=True)
@pytest.mark.plane("worker")
def test_the_sweep_rings_for_what_waits(mint_queue):
    with acting_as("web"):
        world = make_world("nordhav")
    queued_job(world)
    mint_queue.flushdb()
    sweep()
    assert mint_queue.llen("mint") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.plane("worker")
def test_the_sweep_is_silent_when_nothing_waits(mint_queue):
    sweep()
    assert mint_queue.llen("mint") == 0
