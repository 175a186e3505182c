"""Several endpoints asked as one: the dev chain's own nodes, in every state a node can be in."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from solana.rpc.commitment import Confirmed, Finalized
from solana.rpc.jsonrpc import JsonRpcRequest
from solders.pubkey import Pubkey
from solders.rpc.responses import GetBlockHeightResp
from solders.signature import Signature

from minting.chain.rpc.breaker import State, Terms
from minting.chain.rpc.errors import NoEndpointError, RefusedError
from minting.chain.rpc.line import Client
from minting.chain.rpc.order import MOST_SLOTS_BEHIND
from minting.chain.rpc.outcomes import Verdict
from minting.chain.rpc.pool import Sent
from tests.chain.devchains import Devchain, memo
from tests.chain.endpoints import (
    asking,
    black_hole,
    broken,
    endpoint,
    nobody_there,
    provider,
)

T = TypeVar("T")
SOON = Terms(least=2, first_rest=0.05, probes=2)


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(main())


async def height(client: Client) -> int:
    return (await client.get_block_height(Finalized)).value


async def where(client: Client) -> str:
    """Say which endpoint was asked."""
    await client.get_version()
    return str(client._provider.endpoint_uri).rsplit("/", 1)[-1]


def test_the_first_in_order_answers(devchain: Devchain):
    async def main() -> str:
        ones = [endpoint(devchain.url(f"first{n}"), position=n) for n in (2, 1)]
        async with asking(*ones) as rpc:
            assert await rpc.ask(height) > 0
            return await rpc.ask(where)

    assert run(main) == "first1"


@pytest.mark.parametrize("fault", ["unavailable", "throttled"])
def test_another_answers_for_one_that_cannot(devchain: Devchain, fault: str):
    bad = devchain.faulty(f"over-{fault}", **{fault: 1.0})

    async def main() -> None:
        first, second = endpoint(bad), endpoint(devchain.url(f"well-{fault}"), position=2)
        async with asking(first, second) as rpc:
            assert await rpc.ask(where) == f"well-{fault}"
        assert first.health.unsaved.failures == (fault == "unavailable")
        assert second.health.unsaved.successes == 1

    run(main)


def test_another_answers_for_one_that_is_not_there_or_never_says_a_word(devchain: Devchain):
    async def main(hole: str) -> None:
        gone = endpoint(nobody_there(), "gone", position=1)
        silent = endpoint(hole, "silent", position=2, patience=0.2)
        well = endpoint(devchain.url("well"), position=3)
        async with asking(gone, silent, well) as rpc:
            assert await rpc.ask(where) == "well"
        assert (gone.health.last_error, silent.health.last_error) == (
            "ConnectError",
            "no answer within 0.2 s",
        )

    with black_hole() as hole:
        run(lambda: main(hole))


def test_too_many_is_taken_at_its_word_and_opens_no_breaker(devchain: Devchain):
    """The dev chain says so with ``Retry-After: 1``."""
    bad = devchain.faulty("busy-endpoint", throttled=1.0)

    async def main() -> None:
        one = endpoint(bad)
        async with asking(one) as rpc:
            with pytest.raises(NoEndpointError) as first:
                await rpc.ask(height)
            assert 0.5 < first.value.seconds <= 1.0
            assert first.value.tried == ("busy-endpoint: HTTP 429",)
            # It is not even asked again.
            with pytest.raises(NoEndpointError) as second:
                await rpc.ask(height)
            assert second.value.tried == ()
            devchain.faulty("busy-endpoint")
            await asyncio.sleep(one.wait())
            assert await rpc.ask(height) > 0
        assert one.health.state is State.CLOSED
        assert one.health.failure_rate == 0

    run(main)


def test_our_own_bad_request_is_raised_at_once_and_opens_nothing(devchain: Devchain):
    async def main() -> None:
        first, second = (endpoint(devchain.url(f"wrong{n}"), position=n) for n in (1, 2))
        async with asking(first, second) as rpc:

            async def wrong(client: Client) -> Any:
                params = ["no address at all"]
                request = JsonRpcRequest(method="getBalance", params=params)
                return await client.send_rpc_request(request, int)

            for _ in range(20):
                with pytest.raises(RefusedError) as refused:
                    await rpc.ask(wrong)
            assert (refused.value.code, refused.value.endpoint) == (-32602, "wrong1")
        assert first.health.state is State.CLOSED
        assert (first.health.unsaved.failures, first.health.failure_rate) == (0, 0)
        assert second.health.unsaved.noted_at is None

    run(main)


def test_what_one_has_not_got_another_is_asked_for_and_all_of_them_refuse_it(devchain: Devchain):
    async def unknown(client: Client) -> Any:
        return await client.send_rpc_request(JsonRpcRequest(method="getAsset"), dict[str, Any])

    async def main() -> None:
        with provider() as front:
            front.tells({"id": "an asset"})
            plain = endpoint(devchain.url("plain"))
            indexer = endpoint(front.url, "indexer", position=2)
            async with asking(plain, indexer) as rpc:
                assert await rpc.ask(unknown) == {"id": "an asset"}
        async with asking(endpoint(devchain.url("plain"))) as rpc:
            with pytest.raises(RefusedError, match=r"Method not found \(-32601\)"):
                await rpc.ask(unknown)

    run(main)


def test_an_error_of_the_callers_own_is_the_callers(devchain: Devchain):
    async def mistaken(client: Client) -> int:
        raise KeyError("a bug")

    async def main() -> None:
        one = endpoint(devchain.url("innocent"))
        async with asking(one) as rpc:
            for hedged in (False, True):
                with pytest.raises(KeyError):
                    await rpc.ask(mistaken, hedged=hedged)
            assert await rpc.ask(height) > 0
        assert one.health.unsaved.failures == 0

    run(main)


def test_where_everybody_is_down_it_is_said_when_to_ask_again(devchain: Devchain):
    down = devchain.faulty("down", unavailable=1.0)

    async def main() -> None:
        terms = Terms(least=2, first_rest=40.0)
        ones = [
            endpoint(down, "down", terms=terms),
            endpoint(nobody_there(), "gone", position=2, terms=terms),
        ]
        async with asking(*ones) as rpc:
            for _ in range(2):
                with pytest.raises(NoEndpointError) as failed:
                    await rpc.ask(height)
                assert failed.value.tried == ("down: HTTP 503", "gone: ConnectError")
            with pytest.raises(NoEndpointError) as resting:
                await rpc.ask(height)
            assert resting.value.tried == ()
            assert "gone: rests for" in str(resting.value)
            assert "after ConnectError" in str(resting.value)
            assert 30 < resting.value.seconds <= 40
            assert all(one.health.state is State.OPEN for one in ones)
            assert not (await rpc.send(b"whatever")).is_taken

    run(main)


def test_where_there_is_no_endpoint_nobody_is_asked():
    async def main() -> None:
        async with asking() as rpc:
            for asked in (rpc.ask(height), rpc.ask(height, hedged=True), rpc.ask_each(height)):
                with pytest.raises(NoEndpointError) as nobody:
                    await asked
                assert nobody.value.seconds >= 60
            assert (await rpc.send(b"x")).verdict is Verdict.THROTTLED
            await rpc.look()

    run(main)


def test_an_endpoint_that_works_again_is_trusted_after_its_probes(devchain: Devchain):
    url = devchain.faulty("mended", unavailable=1.0)

    async def main() -> None:
        one = endpoint(url, terms=SOON)
        async with asking(one) as rpc:
            for _ in range(2):
                with pytest.raises(NoEndpointError):
                    await rpc.ask(height)
            assert one.health.state is State.OPEN
            devchain.faulty("mended")
            await asyncio.sleep(one.wait())
            assert await rpc.ask(height) > 0
            assert one.health.state is State.HALF_OPEN
            assert await rpc.ask(height) > 0
            assert one.health.state is State.CLOSED

    run(main)


def test_looking_tries_one_that_rested_so_that_no_request_has_to(devchain: Devchain):
    url = devchain.faulty("looked-at", unavailable=1.0)

    async def main() -> None:
        first, second = endpoint(url, terms=SOON), endpoint(devchain.url("spare"), position=2)
        async with asking(first, second) as rpc:
            while first.health.state is State.CLOSED:
                assert await rpc.ask(where) == "spare"
            devchain.faulty("looked-at")
            await asyncio.sleep(first.wait())
            assert await rpc.ask(where) == "spare", (
                "the one being tried comes after those that are well"
            )
            await rpc.look()
            assert first.health.state is State.CLOSED

    run(main)


# Hedging


def test_a_hedged_read_does_not_wait_for_a_slow_endpoint(devchain: Devchain):
    url = devchain.faulty("slow", slow_ms=20_000)

    async def main() -> None:
        slow, quick = endpoint(url), endpoint(devchain.url("quick"), position=2)
        slow.health.latency.note(0.02)
        async with asking(slow, quick) as rpc:
            assert await rpc.ask(where, hedged=True) == "quick"
        assert slow.health.unsaved.failures == 0, "it was given up, and has not failed"
        assert slow.health.latency.average > 0.02
        assert quick.health.unsaved.successes == 1

    # Had it been waited for, the test's own time limit would not be enough for many such reads.
    run(main)


def test_a_hedged_read_asks_one_endpoint_where_that_answers_in_time(devchain: Devchain):
    async def main() -> None:
        first, second = (endpoint(devchain.url(f"timely{n}"), position=n) for n in (1, 2))
        first.health.latency.note(60.0)
        async with asking(first, second) as rpc:
            assert await rpc.ask(where, hedged=True) == "timely1"
        assert not second.health.is_unsaved

    run(main)


def test_a_hedged_read_fails_over_as_any_other(devchain: Devchain):
    bad = devchain.faulty("hedged-down", unavailable=1.0)

    async def main() -> None:
        ones = [
            endpoint(bad),
            endpoint(nobody_there(), position=2),
            endpoint(devchain.url("hedged-well"), position=3),
        ]
        async with asking(*ones) as rpc:
            assert await rpc.ask(where, hedged=True) == "hedged-well"
        async with asking(*ones[:2]) as rpc:
            with pytest.raises(NoEndpointError):
                await rpc.ask(where, hedged=True)

    run(main)


def test_nobody_who_is_behind_or_being_tried_is_asked_beside_a_slow_one(devchain: Devchain):
    url = devchain.faulty("slow-alone", slow_ms=300)

    async def main() -> None:
        slow = endpoint(url)
        slow.health.latency.note(0.02)
        behind = endpoint(devchain.url("quick-behind"), position=2)
        behind.health.slots_behind = MOST_SLOTS_BEHIND + 1
        tried = broken(
            endpoint(devchain.url("quick-tried"), position=3, terms=Terms(least=1, first_rest=0.0))
        )
        async with asking(slow, behind, tried) as rpc:
            assert await rpc.ask(where, hedged=True) == "slow-alone"

    run(main)


def test_a_probe_that_is_given_up_is_given_back():
    async def main(hole: str) -> None:
        one = broken(endpoint(hole, terms=Terms(least=1, first_rest=0.0, probes=1)))
        async with asking(one) as rpc:
            asked = asyncio.create_task(rpc.ask(height))
            while one.health.might_admit(one.clock()):
                await asyncio.sleep(0.01)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            assert one.health.state is State.HALF_OPEN
            assert one.health.might_admit(one.clock())

    with black_hole() as hole:
        run(lambda: main(hole))


# Answers of several


def test_each_of_several_endpoints_is_heard(devchain: Devchain):
    async def main() -> None:
        ones = [endpoint(devchain.url(f"each{n}"), position=n) for n in (1, 2, 3)]
        async with asking(*ones) as rpc:
            heard = await rpc.ask_each(where, at_least=2)
        assert sorted(heard) == [("each1", "each1"), ("each2", "each2")]

    run(main)


def test_who_cannot_answer_is_replaced_by_another_and_too_few_are_refused(devchain: Devchain):
    bad = devchain.faulty("each-down", unavailable=1.0)

    async def main() -> None:
        ones = [
            endpoint(bad),
            endpoint(devchain.url("each-a"), position=2),
            endpoint(devchain.url("each-b"), position=3),
        ]
        async with asking(*ones) as rpc:
            heard = await rpc.ask_each(height)
            assert sorted(one.endpoint for one in heard) == ["each-a", "each-b"]
        async with asking(*ones[:2]) as rpc:
            with pytest.raises(NoEndpointError, match="each-down: not known to keep up"):
                await rpc.ask_each(height)

    run(main)


def test_where_only_one_endpoint_is_there_it_is_heard_alone(devchain: Devchain):
    async def main() -> None:
        async with asking(endpoint(devchain.url("alone"))) as rpc:
            (heard,) = await rpc.ask_each(height, at_least=2)
            assert (heard.endpoint, heard.answer > 0) == ("alone", True)

    run(main)


def test_who_is_far_behind_is_asked_last_and_never_believed(devchain: Devchain):
    devchain.wait_for_slot(3 * MOST_SLOTS_BEHIND)
    url = devchain.faulty("behind", lag=2 * MOST_SLOTS_BEHIND)
    payer = devchain.rich()
    transaction = memo(payer, devchain.blockhash(), "seen by who keeps up")
    signature = devchain.told(
        "sendTransaction", _base64(transaction), {"encoding": "base64", "skipPreflight": True}
    )

    async def known(client: Client) -> bool:
        statuses = await client.get_signature_statuses([Signature.from_string(signature)])
        return statuses.value[0] is not None

    async def main() -> None:
        behind = endpoint(url)
        ones = [endpoint(devchain.url(f"near{n}"), position=n) for n in (2, 3)]
        async with asking(behind, *ones) as rpc:
            heard = await rpc.ask_each(known)
            assert sorted(heard) == [("near2", True), ("near3", True)]
            assert behind.health.slots_behind > MOST_SLOTS_BEHIND
            assert await rpc.ask(where) == "near2"
        async with asking(behind, broken(ones[0]), broken(ones[1])) as rpc:
            assert await rpc.ask(where) == "behind", "better than nobody, for who asks for no more"
            with pytest.raises(NoEndpointError):
                await rpc.ask_each(known)

    run(main)


def test_who_does_not_say_how_far_it_is_is_not_believed(devchain: Devchain):
    async def main() -> None:
        with provider() as front:
            front.refuses(-32601, "Method not found")
            silent = endpoint(front.url, "silent")
            async with asking(silent, endpoint(devchain.url("says"), position=2)) as rpc:
                await rpc.look()
                front.tells(10**9)
                assert await rpc.ask(height) == 10**9
                with pytest.raises(NoEndpointError):
                    await rpc.ask_each(height)

    run(main)


def test_a_bad_request_to_several_is_raised(devchain: Devchain):
    async def wrong(client: Client) -> Any:
        request = JsonRpcRequest(method="getBalance", params=["no address"])
        return await client.send_rpc_request(request, int)

    async def main() -> None:
        ones = [endpoint(devchain.url(f"each-wrong{n}"), position=n) for n in (1, 2)]
        async with asking(*ones) as rpc:
            with pytest.raises(RefusedError):
                await rpc.ask_each(wrong)

    run(main)


# Sending


def _base64(transaction: Any) -> str:
    import base64

    return base64.b64encode(bytes(transaction)).decode()


def lands(devchain: Devchain, transaction: Any) -> bool:
    signature = str(transaction.signatures[0])
    return devchain.told("getSignatureStatuses", [signature])["value"] != [None]


def sent(devchain: Devchain, transaction: Any, *nodes: str, **options: Any) -> Sent:
    async def main() -> Sent:
        ones = [endpoint(devchain.url(node), position=n) for n, node in enumerate(nodes, 1)]
        async with asking(*ones) as rpc:
            return await rpc.send(bytes(transaction), **options)

    return run(main)


def test_a_transaction_is_sent_to_the_first_and_lands(devchain: Devchain):
    transaction = memo(devchain.rich(), devchain.blockhash(), "sent")
    told = sent(devchain, transaction, "sends1", "sends2")
    assert (told.verdict, told.endpoints, told.tried) == (Verdict.ANSWERED, ("sends1",), ())
    assert lands(devchain, transaction)


def test_the_bytes_are_sent_elsewhere_where_one_fails_and_land_once(devchain: Devchain):
    devchain.faulty("loses", lost=1.0)
    payer = devchain.rich()
    transaction = memo(payer, devchain.blockhash(), "twice, and once")
    told = sent(devchain, transaction, "loses", "takes")
    assert (told.is_taken, told.endpoints) == (True, ("takes",))
    assert told.tried == ("loses: -32603 Internal error",)
    assert devchain.told("getBalance", str(payer.pubkey()))["value"] == 10**9 - 5_000


def test_copies_go_to_different_endpoints(devchain: Devchain):
    transaction = memo(devchain.rich(), devchain.blockhash(), "copies")
    told = sent(devchain, transaction, "copy1", "copy2", "copy3", copies=2)
    assert sorted(told.endpoints) == ["copy1", "copy2"]
    told = sent(devchain, transaction, "copy1", "copy2", copies=5)
    assert sorted(told.endpoints) == ["copy1", "copy2"]


def test_a_transaction_that_no_packet_holds_is_refused_and_raises_nothing(devchain: Devchain):
    large = memo(devchain.rich(), devchain.blockhash(), "x" * 1_200)
    told = sent(devchain, large, "refuses1", "refuses2")
    assert told.verdict is Verdict.REFUSED
    assert told.refusal is not None
    assert told.refusal.code == -32602
    assert not lands(devchain, large)


def test_nothing_of_the_networks_is_raised_by_sending(devchain: Devchain):
    devchain.faulty("sends-nothing", unavailable=1.0)
    transaction = memo(devchain.rich(), devchain.blockhash(), "never")
    told = sent(devchain, transaction, "sends-nothing")
    assert (told.verdict, told.is_taken) == (Verdict.FAILED, False)
    assert told.seconds >= 1.0
    assert told.tried == ("sends-nothing: HTTP 503",)


def test_a_transaction_is_sent_without_preflight_and_without_the_nodes_own_retries():
    async def main(url: str) -> None:
        async with asking(endpoint(url)) as rpc:
            await rpc.send(b"signed bytes")

    with provider() as front:
        run(lambda: main(front.url))
        (asked,) = front.asked
    assert asked["method"] == "sendTransaction"
    assert asked["params"][1]["skipPreflight"] is True
    assert asked["params"][1]["maxRetries"] == 0


# Rates


def test_an_endpoint_is_asked_no_more_often_than_its_rate_allows(devchain: Devchain):
    async def main() -> None:
        one = endpoint(devchain.url("limited"), per_second=20)
        async with asking(one) as rpc:
            began = time.monotonic()
            await asyncio.gather(*(rpc.ask(height) for _ in range(11)))
            # Ten of them waited for the bucket to fill: that long at least, whatever the machine.
            assert time.monotonic() - began >= 0.5
        assert one.health.unsaved.successes == 11

    run(main)


def test_what_is_too_much_for_one_goes_to_the_other(devchain: Devchain):
    async def main() -> None:
        ones = [endpoint(devchain.url(f"shared{n}"), position=n, per_second=0.001) for n in (1, 2)]
        async with asking(*ones) as rpc:
            assert [await rpc.ask(where) for _ in range(2)] == ["shared1", "shared2"]
            with pytest.raises(NoEndpointError) as limited:
                await rpc.ask(where)
            assert limited.value.seconds > 900
            assert "shared2: its rate is used up for" in str(limited.value)

    run(main)


def test_who_is_behind_is_known_also_while_rates_are_used_up(devchain: Devchain):
    async def main() -> None:
        ones = [endpoint(devchain.url(f"used{n}"), position=n, per_second=10) for n in (1, 2)]
        for one in ones:
            one.bucket.seconds_to_wait(one.clock(), 3)
        async with asking(*ones) as rpc:
            assert len(await rpc.ask_each(height)) == 2

    run(main)


def test_a_call_of_several_requests_counts_as_so_many(devchain: Devchain):
    async def both(client: Client) -> tuple[int, int]:
        balance = await client.get_balance(Pubkey.default(), Confirmed)
        return await height(client), balance.value

    async def main() -> None:
        one = endpoint(devchain.url("counted"), per_second=0.001)
        one.bucket.burst = 2
        async with asking(one) as rpc:
            assert await rpc.ask(both, requests=2)
            with pytest.raises(NoEndpointError):
                await rpc.ask(height)

    run(main)


# What providers say


def heard_from(front: Any, *, times: int = 1) -> Any:
    """Ask a provider; return the health that is left of it."""

    async def main() -> Any:
        one = endpoint(front.url, "provider")
        async with asking(one) as rpc:
            errors = []
            for _ in range(times):
                try:
                    await rpc.ask(lambda client: client.get_block_height(Finalized))
                except (NoEndpointError, RefusedError) as error:
                    errors.append(error)
            return one.health, errors

    return run(main)


@pytest.mark.parametrize(
    "body",
    [
        *("", "<html>", "null", "[]", "7", '{"result": 1}', '{"jsonrpc": "2.0", "id": 0}'),
        '{"jsonrpc": "2.0", "id": 0, "result": "high"}',
        '{"jsonrpc": "2.0", "id": 0, "result": -1}',
        '{"jsonrpc": "2.0", "id": 0, "error": {"message": "no number"}}',
        # Over these three solders would bring the process down, and take the fourth for a height.
        '{"jsonrpc": "2.0", "id": 0, "error": {"code": -32005, "message": "behind"}}',
        '{"jsonrpc": "2.0", "id": 0, "error": {"code": -32016, "message": "behind"}}',
        '{"jsonrpc": "2.0", "id": 0, "error": {"code": -32000, "message": "odd"}}',
        "[" * 100_000,
    ],
)
def test_an_answer_that_is_none_is_the_endpoints_failure(body: str):
    with provider() as front:
        front.says(body)
        health, (error,) = heard_from(front)
    assert isinstance(error, NoEndpointError)
    assert health.unsaved.failures == 1


def test_a_simulation_error_without_its_data_is_a_refusal():
    with provider() as front:
        front.refuses(-32002, "simulation failed")
        health, (error,) = heard_from(front)
    assert (type(error), error.code, health.unsaved.failures) == (RefusedError, -32002, 0)


def test_the_data_of_a_refusal_is_kept():
    with provider() as front:
        front.refuses(-32002, "simulation failed", data={"err": "BlockhashNotFound"})
        _, (error,) = heard_from(front)
    assert error.data == {"err": "BlockhashNotFound"}


@pytest.mark.parametrize("status", [301, 401, 403, 404, 410])
def test_an_address_that_leads_nowhere_is_the_endpoints_failure(status: int):
    with provider() as front:
        front.says("Must be authenticated!", status)
        health, (error,) = heard_from(front)
    assert error.tried == (f"provider: HTTP {status}",)
    assert health.unsaved.failures == 1


def test_a_bad_request_in_an_http_error_is_a_bad_request_still():
    with provider() as front:
        for status in (400, 500):
            front.refuses(-32602, "invalid params", status)
            health, (error,) = heard_from(front)
            assert (type(error), health.unsaved.failures) == (RefusedError, 0)
        front.says("bad", 400)
        _, (error,) = heard_from(front)
        assert (type(error), error.code) == (RefusedError, None)


def test_too_many_in_json_and_the_header_beside_it_are_read():
    with provider() as front:
        body = {"jsonrpc": "2.0", "id": 0, "error": {"code": 429, "message": "slow down"}}
        front.says(body, 200, Retry_After="7")
        health, (error,) = heard_from(front)
    assert health.unsaved.failures == 0
    assert 6 < error.seconds <= 7


def test_a_server_error_with_retry_after_is_left_alone_as_long():
    with provider() as front:
        front.says("", 503, Retry_After="9")
        health, (first, second) = heard_from(front, times=2)
    assert len(front.asked) == 1
    assert 8 < first.seconds <= 9
    assert second.tried == ()
    assert (health.state, health.unsaved.failures) == (State.CLOSED, 1)


def test_no_error_and_no_log_has_a_key_in_it(caplog: pytest.LogCaptureFixture):
    secrets = ("key-0123456789abcdef", "hush-hush-hush")
    caplog.set_level("INFO")
    with provider() as front:
        said = f"bad key key-0123456789abcdef at {front.url}"
        front.refuses(-32600, said)
        health, (refused,) = heard_from(front)
        front.refuses(-32000, said, 503)
        _, (failed,) = heard_from(front)
        front.tells(5)
        heard_from(front)
    told = json.dumps([str(refused), repr(refused), str(failed), failed.tried, health.last_error])
    assert "bad key" in told
    for text in (told, caplog.text, repr(endpoint(front.url, "named"))):
        assert not any(secret in text for secret in secrets), text


def test_solders_alone_would_take_an_unknown_error_for_an_answer():
    """Why errors are looked for before its parser sees the text."""
    text = json.dumps({"jsonrpc": "2.0", "id": 0, "error": {"code": -1, "message": "odd"}})
    assert GetBlockHeightResp.from_json(text) == -1
