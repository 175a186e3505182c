"""What goes wrong around the engine: each is harmless, unless something of it is missing."""

import pytest

from minting import cycles, worker
from minting.lots import Lot
from minting.serial_rules import SerialRule
from minting.states import ActivationMode, ChainMode, IdentityMode, JobStatus
from tests.reliability.engine import Crash, Engine
from tests.reliability.minting_assets import group, land, plant


def die() -> None:
    raise Crash


def nothing_special(engine: Engine) -> None:
    """Two brands' jobs are minted in turn, scanned and exported."""
    jobs = [engine.submit(25), engine.submit(9, brand=1)]
    engine.submit(3, activation_mode=ActivationMode.ACTIVE_AT_MINT)
    engine.finish()
    engine.export()
    engine.scan(jobs[0], 2)


def signed_with_a_death_at_each_step(engine: Engine) -> None:
    """Batches of several cycles are signed, one with serials in lots; workers die meanwhile."""
    lots = (Lot("L-1", 5), Lot("L+2", 6))
    engine.submit(11, identity_mode=IdentityMode.BATCH, lots=lots)
    engine.submit(9, serials=tuple(f"own/{place:02}" for place in range(9, 0, -1)))
    engine.submit(6, brand=1)
    engine.finish()
    engine.at("proofs.before_commit", die, die)
    engine.at("proofs.committed", die, die)
    engine.prove()


def anchored(engine: Engine) -> None:
    """The roots of batches of each mode are on a chain, but of the one that asked for none."""
    for brand, mode in enumerate(ChainMode.values):
        engine.submit(5, brand=brand % 2, chain_mode=mode)
    engine.finish()
    engine.prove()
    land()


def minted_as_assets(engine: Engine) -> None:
    """Each unit of two batches is a leaf of its brand's tree, or is to be one."""
    job, _ = (engine.submit(quantity, chain_mode="cnft") for quantity in (9, 6))
    engine.finish()
    engine.prove()
    plant(engine.brands[0][0], job, engine.settings)
    group()
    land()
    group()


def numbered_in_sequence(engine: Engine) -> None:
    """A job with serials in sequence and one with a list are made over several cycles."""
    engine.submit(10, serial_rule=SerialRule("NH-", 6, 41))
    engine.submit(9, serials=tuple(f"own-{place:02}" for place in range(9, 0, -1)))
    engine.finish()
    engine.export()


def revoked_twice(engine: Engine) -> None:
    """Some units of a batch are revoked, and then a range that holds them too."""
    job = engine.submit(12)
    engine.finish()
    engine.revoke(job, 3, 4)
    engine.revoke(job, 1, 9)


def scanned_and_counted_twice(engine: Engine) -> None:
    """The roll-up of scans runs, and runs again."""
    job = engine.submit(6)
    engine.finish()
    engine.scan(job, 3)
    engine.roll_up()
    engine.roll_up()


def the_same_tokens_come_again(engine: Engine) -> None:
    """The source of randomness repeats itself between two cycles."""
    engine.submit(12)
    real, kept = cycles.generate_tokens, {}

    def stuck(count: int) -> list[str]:
        return kept.setdefault(count, real(count))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cycles, "generate_tokens", stuck)
        engine.finish()


def overtaken_by_one_cycle(engine: Engine) -> None:
    """A worker sleeps past its lease after a cycle, and another one makes the next."""
    engine.submit(20)

    def sleep() -> None:
        engine.let_time_pass()
        engine.work_for_one_cycle()

    engine.at("mint.committed", sleep)
    engine.work()
    engine.finish()


def overtaken_before_anything_is_made(engine: Engine) -> None:
    """A worker sleeps past its lease; another one claims the job and dies at once."""
    engine.submit(20)

    def sleep() -> None:
        engine.let_time_pass()
        engine.at("mint.started", die)
        assert engine.work() is None

    engine.at("mint.committed", sleep)
    engine.work()
    engine.finish()


def counts_more_than_it_made(engine: Engine) -> None:
    """A worker believes after one cycle that it has made every unit."""
    engine.submit(12)
    real = worker.run_cycles

    def too_sure(claim, *, stop):
        real(claim, stop=lambda: True)
        claim.generated = claim.requested

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "run_cycles", too_sure)
        engine.work()
    engine.finish()


def dies_inside_a_cycle(engine: Engine) -> None:
    """A worker dies in the middle of its second cycle."""
    engine.submit(12)
    engine.at("mint.fenced", lambda: None, die)
    assert engine.work() is None
    engine.finish()


def dies_after_a_cycle(engine: Engine) -> None:
    """A worker dies just after a cycle was committed."""
    engine.submit(12)
    engine.at("mint.committed", die)
    assert engine.work() is None
    engine.finish()


def asked_twice_at_once(engine: Engine) -> None:
    """Two requests with one key meet."""
    engine.submit_twice_at_once("one key")
    engine.finish()


def asked_again_later(engine: Engine) -> None:
    """A client that did not hear the answer asks again, after another request."""
    engine.submit(5, key="first")
    engine.submit(5, key="second")
    engine.submit(5, key="first")
    engine.finish()


def fails_and_is_sent_back(engine: Engine) -> None:
    """Three errors in a row end a job; an operator sends it back."""
    job = engine.submit(12)
    with engine.failing(2, 3, 4):
        while engine.status(job) is not JobStatus.FAILED:
            engine.let_time_pass()
            engine.work()
    engine.retry(job)
    engine.finish()


def sent_back_after_its_end(engine: Engine) -> None:
    """An operator sends a completed job back, and a worker looks for it."""
    job = engine.submit(6)
    engine.finish()
    engine.retry(job)
    engine.work()


def errors_with_progress_between(engine: Engine) -> None:
    """Every second attempt meets an error, and a cycle is committed in between."""
    engine.submit(20)
    # A visit that goes well asks for tokens twice: for its cycle and, in vain, for the next one.
    with engine.failing(1, 4, 7, 10):
        for _ in range(8):
            engine.let_time_pass()
            engine.work_for_one_cycle()
    assert engine.errors >= 3
    engine.finish()


def errors_in_a_row(engine: Engine) -> None:
    """More errors in a row than are allowed."""
    engine.submit(8)
    with engine.failing(*range(1, 5)):
        for _ in range(4):
            engine.let_time_pass()
            engine.work()
    assert engine.errors >= 3
