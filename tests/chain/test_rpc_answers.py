"""Sending to several endpoints, their rates, and what providers answer that no node would."""

import asyncio
import json
import time
from typing import Any

import pytest
from solana.rpc.commitment import Confirmed, Finalized
from solders.pubkey import Pubkey
from solders.rpc.responses import GetBlockHeightResp

from minting.chain.rpc.breaker import State
from minting.chain.rpc.errors import NoEndpointError, RefusedError
from minting.chain.rpc.line import Client
from minting.chain.rpc.outcomes import Verdict
from minting.chain.rpc.pool import Sent
from tests.chain.devchains import Devchain, memo
from tests.chain.endpoints import (
    asking,
    endpoint,
    height,
    provider,
    run,
    where,
)

# Sending


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
