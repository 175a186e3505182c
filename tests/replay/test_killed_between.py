"""The web process dies after the commit and before the answer: the retry finds what was done.

Each kill is confirmed: by the line its process left, by the cut connection and by the row that was
committed all the same.
"""

import http.client
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from minting.crash_middleware import COMMITTED
from minting.models import MintJob, Product
from tests.reliability.scale import scaled
from tests.replay.server import Answer, Ask, Web, mint, new_product, running
from tests.replay.test_many_at_once import Caller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1_800)]

KILLS = scaled(4, 100)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that a dying process signs; while it exists nobody else dies."""
    path = tmp_path_factory.mktemp("witness") / "signed"
    path.write_text("not yet")
    return path


@pytest.fixture(scope="module")
def web(
    django_db_setup: None, witness: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    """One worker process, and the crash point armed."""
    home = tmp_path_factory.mktemp("web")
    point = f"{COMMITTED}:kill:1:{witness}"
    with running(home, workers=1, threads=2, crash_point=point) as web:
        yield web


def killed(web: Web, ask: Ask, witness: Path, *, api_key: str, key: str) -> None:
    """Send a request whose process dies before it can answer."""
    witness.unlink()
    with pytest.raises((OSError, http.client.HTTPException)):
        web.send(ask, api_key=api_key, key=key)
    name, pid, *_ = witness.read_text().split()
    assert name == COMMITTED
    assert web.has_ended()
    assert not psutil.pid_exists(int(pid))


def retried(web: Web, ask: Ask, *, api_key: str, key: str) -> Answer:
    """Send it again, as a client does, once somebody answers."""
    web.wait_until_alive()
    return web.send(ask, api_key=api_key, key=key)


def test_the_retry_after_a_kill_finds_the_same_job(web: Web, witness: Path, transactional_db):
    caller = Caller("nordhav")
    for _ in range(KILLS):
        before, key, ask = caller.made(MintJob), str(uuid4()), mint(caller.product)
        killed(web, ask, witness, api_key=caller.api_key, key=key)
        (job,) = caller.made(MintJob) - before
        answer = retried(web, ask, api_key=caller.api_key, key=key)
        assert (answer.status, answer.replayed, ask.id_in(answer)) == (200, True, job)
        assert caller.made(MintJob) - before == {job}


def test_the_retry_after_a_kill_is_given_the_answer_nobody_heard(
    web: Web, witness: Path, transactional_db
):
    caller = Caller("nordhav")
    for number in range(KILLS):
        before, key, ask = caller.made(Product), str(uuid4()), new_product(f"SKU {number}")
        killed(web, ask, witness, api_key=caller.api_key, key=key)
        (product,) = caller.made(Product) - before
        answer = retried(web, ask, api_key=caller.api_key, key=key)
        assert (answer.status, answer.replayed, ask.id_in(answer)) == (201, True, product)
        assert caller.made(Product) - before == {product}


def test_the_point_is_not_there_unless_it_is_armed():
    from django.conf import settings

    assert settings.TIEBACK_CRASH_POINT == ""
    assert not [name for name in settings.MIDDLEWARE if "crash" in name.lower()]
