"""The rows of endpoints: what processes and people find in them, and what each plane may read."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from traceback import format_exception
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone
from pytest_django import Settings
from solana.rpc.commitment import Finalized

from minting import tasks
from minting.chain.rpc import opening
from minting.chain.rpc.endpoint_rows import Note, forgive, read_endpoints, write_notes
from minting.chain.rpc.errors import NoEndpointError
from minting.chain.rpc.line import Client
from minting.chain.rpc.opening import open_endpoints
from minting.chain.rpc.operating import save_endpoint, switch_endpoints
from minting.chain.rpc.order import MOST_SLOTS_BEHIND
from minting.chain.rpc.pool import Endpoints
from minting.models import RpcEndpoint
from minting.revocations import Act
from tests.chain.devchains import Devchain
from tests.planes import acting_as, cut_own_connection
from tieback.health import CHECKS

pytestmark = [pytest.mark.plane("worker"), pytest.mark.django_db(transaction=True)]

KEYED = "https://rpc.example/v2/0123456789abcdef"
ACT = Act("user:1")


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Nothing is known in this process, and the settings name nobody."""
    monkeypatch.setattr(opening, "_known", {})
    settings.SOLANA_RPC_URLS = []
    settings.SOLANA_RPC_PER_SECOND = 0.0
    settings.SOLANA_RPC_TIMEOUT = 30.0


def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what this process knows, as a new one would."""
    monkeypatch.setattr(opening, "_known", {})


def add(url: str, name: str = "", **fields: Any) -> RpcEndpoint:
    return RpcEndpoint.objects.create(name=name or url.rsplit("/", 1)[-1], url=url, **fields)


def run(main: Callable[[Endpoints], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        async with open_endpoints() as rpc:
            return await main(rpc)

    return asyncio.run(opened())


async def height(client: Client) -> int:
    return (await client.get_block_height(Finalized)).value


def fail(times: int) -> Any:
    """Ask so often, in vain."""

    async def main(rpc: Endpoints) -> None:
        for _ in range(times):
            with pytest.raises(NoEndpointError):
                await rpc.ask(height)

    run(main)


def note(row: RpcEndpoint, **told: Any) -> Note:
    usual: dict[str, Any] = {
        "successes": 0,
        "failures": 0,
        "seconds_ago": 0.0,
        "success_seconds_ago": None,
        "failure_seconds_ago": None,
        "last_error": "",
        "status": "closed",
        "opened_times": 0,
        "rest": 0.0,
        "failure_rate": 0.0,
        "latency_ms": None,
        "slot": None,
        "slot_lag": None,
    }
    return Note(id=row.pk, **{**usual, **told})


OPENED = {"status": "open", "opened_times": 1, "rest": 60.0, "last_error": "HTTP 503"}


# The settings' own


def test_endpoints_of_the_settings_become_rows_in_their_order(settings: Settings):
    settings.SOLANA_RPC_URLS = [KEYED, "https://other.example", f"{KEYED}?second"]
    settings.SOLANA_RPC_PER_SECOND = 25.0
    rows = read_endpoints()
    assert [(row.name, row.position, row.per_second) for row in rows] == [
        ("rpc.example", 1, 25.0),
        ("other.example", 2, 25.0),
        ("rpc.example 2", 3, 25.0),
    ]
    assert read_endpoints() == rows
    assert not any("0123456789abcdef" in repr(row) for row in rows)


def test_an_endpoint_that_the_settings_no_longer_name_is_disabled_until_they_do(
    settings: Settings,
):
    settings.SOLANA_RPC_URLS = [KEYED, "https://other.example"]
    read_endpoints()
    settings.SOLANA_RPC_URLS = ["https://other.example"]
    (row,) = read_endpoints()
    assert (row.name, row.position) == ("other.example", 1)
    assert RpcEndpoint.objects.filter(url=KEYED, enabled=False, from_settings=False).exists()
    settings.SOLANA_RPC_URLS = ["https://other.example", KEYED]
    assert [row.name for row in read_endpoints()] == ["other.example", "rpc.example"]


def test_what_an_operator_has_disabled_stays_disabled(settings: Settings):
    settings.SOLANA_RPC_URLS = [KEYED, "https://other.example"]
    row, _ = read_endpoints()
    with acting_as("console"):
        assert switch_endpoints([row.id], enabled=False, act=ACT) == 1
    assert [row.name for row in read_endpoints()] == ["other.example"]


def test_an_operators_own_endpoint_stays_where_the_settings_say_nothing_of_it(settings: Settings):
    add("https://own.example", "own", position=5)
    settings.SOLANA_RPC_URLS = [KEYED]
    assert [row.name for row in read_endpoints()] == ["rpc.example", "own"]
    settings.SOLANA_RPC_URLS = []
    assert [row.name for row in read_endpoints()] == ["own"]


# Health in the database


def test_what_was_found_out_is_in_the_row_when_a_task_ends(devchain: Devchain):
    row = add(devchain.url("told"))
    began = timezone.now() - timedelta(seconds=1)

    async def main(rpc: Endpoints) -> None:
        for _ in range(3):
            await rpc.ask(height)
        await rpc.look()

    run(main)
    row.refresh_from_db()
    assert (row.status, row.success_count, row.failure_count) == ("closed", 4, 0)
    assert row.last_success_at is not None
    assert row.last_success_at > began
    assert row.last_failure_at is None
    assert row.average_latency_ms is not None
    assert row.average_latency_ms > 0
    assert row.slot is not None
    assert (row.slot > 0, row.slot_lag) == (True, 0)


def test_what_was_found_out_is_in_the_row_while_a_task_still_runs(devchain: Devchain):
    row = add(devchain.url("still-runs"))

    async def main(rpc: Endpoints) -> None:
        from asgiref.sync import sync_to_async

        await rpc.ask(height)
        while not await sync_to_async(RpcEndpoint.objects.get)(pk=row.pk, success_count__gte=1):
            await asyncio.sleep(0.05)

    async def patient(rpc: Endpoints) -> None:
        while True:
            try:
                return await main(rpc)
            except RpcEndpoint.DoesNotExist:
                await asyncio.sleep(0.05)

    run(patient)


def test_an_error_is_told_without_the_address(devchain: Devchain):
    row = add(devchain.faulty("key-0123456789abcdef", unavailable=1.0), "keyed")
    fail(1)
    row.refresh_from_db()
    assert (row.failure_count, row.last_error) == (1, "HTTP 503")
    assert row.last_failure_at is not None


def test_failures_of_several_short_tasks_open_the_breaker_together(devchain: Devchain):
    row = add(devchain.faulty("fails-always", unavailable=1.0))
    for _ in range(5):
        fail(1)
    row.refresh_from_db()
    assert (row.status, row.opened_times) == ("open", 1)
    assert row.rests_until is not None
    assert row.failure_rate > 0.3


def test_a_new_process_leaves_alone_what_another_has_found_to_be_down(
    devchain: Devchain, monkeypatch: pytest.MonkeyPatch
):
    row = add(devchain.url("down-elsewhere"))
    write_notes([note(row, **OPENED)])
    another_process(monkeypatch)

    async def main(rpc: Endpoints) -> float:
        with pytest.raises(NoEndpointError) as resting:
            await rpc.ask(height)
        assert resting.value.tried == ()
        return resting.value.seconds

    assert 50 < run(main) <= 60


def test_it_recovers_through_its_probes_and_that_is_written_down(
    devchain: Devchain, monkeypatch: pytest.MonkeyPatch
):
    row = add(devchain.url("recovers"))
    write_notes([note(row, **{**OPENED, "rest": 0.0})])

    async def main(rpc: Endpoints) -> None:
        # Whoever looks, the task or its keeper, has it back in the end.
        while next(iter(rpc)).health.state.value != "closed":
            await rpc.look()

    run(main)
    row.refresh_from_db()
    assert (row.status, row.opened_times, row.rests_until) == ("closed", 0, None)


def test_a_person_forgives_and_the_process_that_has_it_open_asks_again(devchain: Devchain):
    row = add(devchain.faulty("forgiven", unavailable=1.0))
    fail(5)
    devchain.faulty("forgiven")
    with acting_as("console"):
        assert forgive([row.pk]) == [row.pk]
        assert forgive([row.pk]) == []

    async def main(rpc: Endpoints) -> int:
        return await rpc.ask(height)

    assert run(main) > 0


def test_a_person_disables_one_and_a_running_task_asks_it_no_more(devchain: Devchain):
    row = add(devchain.url("disabled-meanwhile"))

    async def main(rpc: Endpoints) -> None:
        await rpc.ask(height)
        await asyncio.to_thread(_disable, row)
        while rpc.names:
            await rpc.ask(height)
            await asyncio.sleep(0.05)
        with pytest.raises(NoEndpointError):
            await rpc.ask(height)

    run(main)


def _disable(row: RpcEndpoint) -> None:
    RpcEndpoint.objects.filter(pk=row.pk).update(enabled=False)
    connection.close()


def test_counts_of_processes_are_added_and_the_later_word_holds():
    row = add("https://counted.example")
    (early,) = write_notes([note(row, successes=3, success_seconds_ago=0.0)])
    assert not early.is_others
    late = note(row, failures=2, failure_seconds_ago=5.0, seconds_ago=5.0, **OPENED)
    (told,) = write_notes([late])
    row.refresh_from_db()
    assert (row.success_count, row.failure_count) == (3, 2)
    assert (row.status, row.last_error, row.rests_until) == ("closed", "", None)
    assert (told.is_others, told.status, told.enabled) == (True, "closed", True)


def test_a_word_from_before_an_operator_forgave_opens_nothing():
    row = add("https://forgiven.example")
    write_notes([note(row, **OPENED)])
    forgive([row.pk])
    (told,) = write_notes([note(row, seconds_ago=1.0, **OPENED)])
    assert (told.is_others, told.status, told.rest) == (True, "closed", 0.0)


def test_several_are_written_at_once():
    rows = [add(f"https://n{number}.example") for number in range(3)]
    told = write_notes([note(row, successes=number) for number, row in enumerate(rows)])
    assert {one.id for one in told} == {row.pk for row in rows}
    assert [RpcEndpoint.objects.get(pk=row.pk).success_count for row in rows] == [0, 1, 2]


def test_a_lost_database_keeps_nobody_from_asking_and_loses_no_count(devchain: Devchain):
    row = add(devchain.url("no-database"))

    async def main(rpc: Endpoints) -> None:
        from asgiref.sync import sync_to_async

        for _ in range(3):
            assert await rpc.ask(height) > 0
            await sync_to_async(cut_own_connection)()
            await opening._write(rpc)

    run(main)
    row.refresh_from_db()
    assert row.success_count == 3


def test_what_an_endpoint_lags_is_known_to_the_next_process(
    devchain: Devchain, monkeypatch: pytest.MonkeyPatch
):
    devchain.wait_for_slot(3 * MOST_SLOTS_BEHIND)
    behind = add(devchain.faulty("lags-in-rows", lag=2 * MOST_SLOTS_BEHIND), position=1)
    add(devchain.url("keeps-up-in-rows"), position=2)
    asyncio.run(opening.look_at_all())
    behind.refresh_from_db()
    assert behind.slot_lag is not None
    assert behind.slot_lag > MOST_SLOTS_BEHIND
    another_process(monkeypatch)

    async def main(rpc: Endpoints) -> int:
        return next(one for one in rpc if one.id == behind.pk).health.slots_behind

    assert run(main) > MOST_SLOTS_BEHIND


def test_a_worker_looks_at_the_endpoints_now_and_then(devchain: Devchain):
    well = add(devchain.url("looked-at-now-and-then"))
    down = add(devchain.faulty("looked-at-and-down", unavailable=1.0))
    tasks.look_at_endpoints()
    well.refresh_from_db()
    down.refresh_from_db()
    assert (well.success_count, well.failure_count) == (1, 0)
    assert (down.success_count, down.failure_count) == (0, 1)


def test_looking_where_there_is_nobody_does_nothing():
    tasks.look_at_endpoints()
    assert not RpcEndpoint.objects.exists()


# What the database holds, and who may read it


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "ajar"},
        {"status": "open"},
        {"status": "open", "rests_until": timezone.now()},
        {"failure_rate": 1.5},
        {"per_second": -1},
        {"blockchain": "other"},
        {"url": "ftp://rpc.example"},
        {"name": "taken"},
        {"url": "https://taken.example"},
    ],
)
def test_a_row_that_makes_no_sense_is_refused(wrong: dict[str, Any]):
    add("https://taken.example", "taken")
    with pytest.raises(IntegrityError), transaction.atomic():
        add(**{"url": "https://new.example", "name": "new", **wrong})


def test_a_refused_row_is_told_without_its_address():
    add("https://taken.example", "taken")
    twin = RpcEndpoint(name="taken", url=KEYED)
    with pytest.raises(IntegrityError) as clash:
        save_endpoint(twin, url="", act=ACT)
    assert "minting_rpcendpoint_name" in str(clash.value)
    assert "0123456789abcdef" not in "".join(format_exception(clash.value))


@pytest.mark.parametrize("plane", ["worker", "console"])
def test_whoever_asks_or_operates_reads_all_of_it_and_deletes_nothing(plane: str):
    add("https://kept.example")
    with acting_as(plane):
        assert RpcEndpoint.objects.get().url == "https://kept.example"
        with pytest.raises(ProgrammingError, match="permission denied"):
            RpcEndpoint.objects.all().delete()


def test_the_web_plane_reads_health_and_no_address():
    add("https://health.example", "health")
    with acting_as("web"), connection.cursor() as cursor:
        cursor.execute("select name, status, failure_rate, slot_lag from minting_rpcendpoint")
        assert cursor.fetchall() == [("health", "closed", 0.0, None)]
        for column in ("url", "last_error"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                cursor.execute(f"select {column} from minting_rpcendpoint")  # noqa: S608
        with pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute("update minting_rpcendpoint set status = 'closed'")


def test_the_resolver_has_nothing_to_do_with_it():
    with (
        acting_as("resolver"),
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        cursor.execute("select name from minting_rpcendpoint")


@pytest.mark.parametrize("plane", ["web", "console"])
def test_readiness_says_whether_an_endpoint_answers(plane: str):
    with acting_as(plane):
        assert CHECKS["solana"]() == "off"
    first, second = add("https://one.example"), add("https://two.example")
    write_notes([note(first, **OPENED)])
    with acting_as(plane):
        assert CHECKS["solana"]() == "ok"
    write_notes([note(second, **OPENED)])
    with acting_as(plane):
        assert CHECKS["solana"]() == "no endpoint answers"
    RpcEndpoint.objects.update(enabled=False)
    with acting_as(plane):
        assert CHECKS["solana"]() == "off"
