"""The checker is itself proven: it passes what is sound and names what each seeded bug breaks."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from pytest_django import Settings

from chaos.checker import CHECKS, NOT_APPLICABLE, Evidence, NothingSeen, Status, verify
from tests.planes import act_as
from tests.reliability import scenarios
from tests.reliability.engine import Engine
from tests.reliability.mutations import MUTANTS, Mutant
from tests.reliability.scratch import Scratch, emptied, scratch_database

RUNS = [
    run
    for name, run in vars(scenarios).items()
    if callable(run) and getattr(run, "__module__", "") == scenarios.__name__ and name != "die"
]


@pytest.fixture(scope="module")
def scratch(django_db_setup: None, django_db_blocker: object) -> Iterator[Scratch]:
    """Give a database that may be broken."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        act_as("worker")
        with scratch_database() as made:
            yield made


@pytest.fixture
def engine(
    scratch: Scratch,
    django_db_blocker: object,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> Iterator[Engine]:
    """Give the engine on an empty database."""
    settings.S3_BUCKET = bucket
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        emptied(scratch)
        yield Engine(scratch, monkeypatch, settings)


@pytest.mark.plane("worker")
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
def test_the_sound_engine_passes_whatever_happens_around_it(
    run: Callable[[Engine], None], engine: Engine
) -> None:
    run(engine)
    assert engine.broken() == {}
    assert not any(engine.hooks.values()), "a fault did not land"


@pytest.mark.plane("worker")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_seeded_bug_is_found_under_its_name(mutant: Mutant, engine: Engine) -> None:
    with engine.scratch.without(*mutant.drops):
        mutant.mutate(engine)
        mutant.run(engine)
        found = engine.broken()
    assert mutant.breaks in found, found


def test_every_invariant_that_applies_has_a_bug_that_breaks_it() -> None:
    assert {mutant.breaks for mutant in MUTANTS} == set(CHECKS)
    assert len(MUTANTS) >= 12


@pytest.mark.plane("worker")
def test_all_fourteen_have_a_verdict_and_none_that_was_not_looked_at_is_ok(engine: Engine) -> None:
    job = engine.submit(5)
    engine.finish()
    verdicts = engine.verdicts(job=job.id)
    assert list(verdicts) == [f"I{number}" for number in range(1, 15)]
    not_ok = {name for name, verdict in verdicts.items() if verdict.status is not Status.OK}
    assert not_ok == set(NOT_APPLICABLE) == set()


@pytest.mark.plane("worker")
def test_a_role_that_may_not_see_the_jobs_is_told_so_and_not_that_all_is_well(
    engine: Engine,
) -> None:
    job = engine.submit(5)
    for plane, chosen in (("web", None), ("console", str(uuid4()))):
        with engine.scratch.connect(plane) as database, pytest.raises(NothingSeen):
            verify(Evidence(database, job=chosen))
    with engine.scratch.connect("console") as database:
        assert verify(Evidence(database, job=str(job.id)))


@pytest.mark.plane("worker")
def test_a_look_at_one_job_or_brand_does_not_blame_it_for_another(engine: Engine) -> None:
    sound = engine.submit(5)
    broken = engine.submit(5, brand=1)
    engine.finish()
    with engine.scratch.connect("worker") as database:
        database.execute("select set_config('tieback.brand_id', %s, false)", [str(broken.brand_id)])
        statement = (
            "update minting_mintbatch set minted_quantity = 4, status = 'minted' where id = %s"
        )
        with engine.scratch.without("minting_batch_minted_in_full"):
            database.execute(statement, [broken.batch_id])
            assert blamed(engine, job=str(sound.id)) == blamed(engine, brand=str(sound.brand_id))
            assert blamed(engine, job=str(sound.id)) == set()
            assert blamed(engine, job=str(broken.id)) == {"I4"}
            assert blamed(engine, brand=str(broken.brand_id)) == {"I4"}
            assert blamed(engine) == {"I4"}


def blamed(engine: Engine, **scope: str) -> set[str]:
    with engine.scratch.connect("console") as database:
        verdicts = verify(Evidence(database, **scope))  # type: ignore[arg-type]
    return {verdict.invariant for verdict in verdicts if verdict.problems}
