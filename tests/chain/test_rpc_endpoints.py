"""Several endpoints asked as one: the dev chain's own nodes, in every state a node can be in."""

import asyncio
from typing import Any, TypeVar

import pytest
from solana.rpc.jsonrpc import JsonRpcRequest
from solders.signature import Signature

from minting.chain.networks import GENESIS_HASHES, Promise
from minting.chain.rpc.breaker import State, Terms
from minting.chain.rpc.errors import NoEndpointError, RefusedError
from minting.chain.rpc.line import Client
from minting.chain.rpc.order import MOST_SLOTS_BEHIND
from minting.chain.rpc.outcomes import Verdict
from tests.chain.devchains import Devchain, memo
from tests.chain.endpoints import (
    asking,
    base64_of,
    black_hole,
    broken,
    endpoint,
    height,
    nobody_there,
    provider,
    run,
    where,
)

T = TypeVar("T")
SOON = Terms(least=2, first_rest=0.05, probes=2)


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


def test_one_of_another_chain_answers_nothing(devchain: Devchain):
    ours = devchain.told("getGenesisHash")
    elsewhere = GENESIS_HASHES["devnet"]
    promises = {
        "devnet": Promise("devnet"),
        "another": Promise("devchain", elsewhere),
        "ours": Promise("devchain", ours),
        "unbound": Promise("devchain"),
    }

    async def main() -> None:
        ones = {
            name: endpoint(devchain.url(name), position=place, promise=promise)
            for place, (name, promise) in enumerate(promises.items())
        }
        async with asking(*ones.values()) as rpc:
            assert await rpc.ask(where) == "ours"
            assert await rpc.ask(where) == "ours"
        async with asking(ones["unbound"]) as rpc:
            assert await rpc.ask(where) == "unbound"
        assert "SOLANA_RPC_URLS to endpoints of devnet" in ones["devnet"].health.last_error
        assert elsewhere in ones["another"].health.last_error
        assert ones["ours"].health.last_error == ""

    run(main)


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
        "sendTransaction", base64_of(transaction), {"encoding": "base64", "skipPreflight": True}
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
