"""The dev chain: what solana-py is told by it, and that it dies and lags as a real node would."""

import asyncio
import base64
import os
from pathlib import Path
from typing import Any

import base58
import pytest
import urllib3
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized
from solana.rpc.core import RPCException
from solana.rpc.models import TxOpts
from solders.keypair import Keypair
from solders.message import Message
from solders.signature import Signature
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from solders.transaction import Transaction, VersionedTransaction

from minting.chain.devchain.slots import BLOCKS_VALID, FINALIZED_AFTER, Slots, height_of
from tests.chain.devchains import MEMO, Devchain, memo

UNCHECKED = TxOpts(skip_preflight=True, max_retries=0)
BASE64 = {"encoding": "base64"}


def encoded(transaction: VersionedTransaction | Transaction) -> str:
    return base64.b64encode(bytes(transaction)).decode()


def refused(chain: Devchain, method: str, *params: Any, node: str = "") -> tuple[int, str]:
    error = chain.ask(method, *params, node=node)["error"]
    return error["code"], error["message"]


def test_solana_pys_client_sends_and_finds_a_transaction(devchain: Devchain):
    async def run() -> None:
        payer = Keypair()
        async with devchain.client() as client:
            await client.request_airdrop(payer.pubkey(), 10**9)
            newest = (await client.get_latest_blockhash()).value
            transaction = memo(payer, newest.blockhash, "a root")
            simulated = (await client.simulate_transaction(transaction)).value
            assert simulated.err is None
            sent = await client.send_raw_transaction(bytes(transaction), UNCHECKED)
            assert sent.value == transaction.signatures[0]
            status = (await client.get_signature_statuses([sent.value])).value[0]
            assert status is not None
            assert status.err is None
            devchain.wait_for_slot(status.slot + FINALIZED_AFTER)
            (listed, given) = (await client.get_signatures_for_address(payer.pubkey())).value
            assert (listed.signature, listed.err) == (sent.value, None)
            assert given.signature != sent.value
            found = (
                await client.get_transaction(sent.value, max_supported_transaction_version=0)
            ).value
            assert found is not None
            meta = found.transaction.meta
            assert meta is not None
            assert (meta.fee, meta.compute_units_consumed) == (5_000, simulated.units_consumed)
            assert (await client.get_balance(payer.pubkey())).value == 10**9 - 5_000
            (said,) = found.transaction.transaction.message.instructions
            assert base58.b58decode(said.data) == b"a root"

    asyncio.run(run())


def test_a_transaction_is_confirmed_step_by_step(devchain: Devchain):
    payer = devchain.rich()
    transaction = memo(payer, devchain.blockhash())
    signature = devchain.told("sendTransaction", encoded(transaction), BASE64)
    seen = []
    while "finalized" not in seen:
        (status,) = devchain.told("getSignatureStatuses", [signature])["value"]
        if status["confirmationStatus"] not in seen:
            seen.append(status["confirmationStatus"])
        finalized = status["confirmationStatus"] == "finalized"
        assert (status["confirmations"] is None) is finalized
        if not finalized:
            config = {"commitment": "finalized", "maxSupportedTransactionVersion": 0}
            early = devchain.told("getTransaction", signature, config)
            now = devchain.told("getSignatureStatuses", [signature])["value"][0]
            assert early is None or now["confirmationStatus"] == "finalized"
    assert seen[-2:] == ["confirmed", "finalized"]


def test_the_same_bytes_land_once(devchain: Devchain):
    payer = devchain.rich()
    transaction = memo(payer, devchain.blockhash())
    first = devchain.told("sendTransaction", encoded(transaction), BASE64)
    again = {**BASE64, "skipPreflight": True}
    assert devchain.told("sendTransaction", encoded(transaction), again) == first
    code, said = refused(devchain, "sendTransaction", encoded(transaction), BASE64)
    assert (code, said.partition(": ")[2]) == (
        -32002,
        "This transaction has already been processed",
    )
    assert devchain.told("getBalance", str(payer.pubkey()))["value"] == 10**9 - 5_000


def test_a_blockhash_lives_for_150_blocks_and_then_nothing_lands_by_it(devchain: Devchain):
    payer = devchain.rich()
    newest = devchain.told("getLatestBlockhash", {"commitment": "processed"})["value"]
    last = newest["lastValidBlockHeight"]
    height = devchain.told("getBlockHeight", {"commitment": "processed"})
    assert height <= last <= height + BLOCKS_VALID
    late = memo(payer, devchain.blockhash(), "too late")
    while devchain.told("getBlockHeight", {"commitment": "processed"}) <= last + 2:
        devchain.wait_for_slot(devchain.status()["slot"] + 5)
    blockhash = str(late.message.recent_blockhash)
    assert devchain.told("isBlockhashValid", blockhash)["value"] is False
    error = devchain.ask("sendTransaction", encoded(late), BASE64)["error"]
    assert (error["code"], error["data"]["err"]) == (-32002, "BlockhashNotFound")
    # Without preflight it is accepted, and gone.
    silent = {**BASE64, "skipPreflight": True}
    signature = devchain.told("sendTransaction", encoded(late), silent)
    assert devchain.told("getSignatureStatuses", [signature])["value"] == [None]


def test_blocks_are_fewer_than_slots_and_a_hash_ends_with_its_last_block():
    at = [0.0]
    slots = Slots(1_000, 400.0, now=lambda: at[0])
    newest = slots.newest("processed")
    assert slots.is_valid(newest.text)
    while height_of(slots.slot) < newest.last_valid_height:
        at[0] += 0.4
        slots.tick()
        assert slots.is_valid(newest.text)
    while height_of(slots.slot) == newest.last_valid_height:
        at[0] += 0.4
        slots.tick()
    assert not slots.is_valid(newest.text)
    assert slots.slot - 1_000 > BLOCKS_VALID


def test_a_newer_commitment_names_a_newer_block():
    at = [0.0]
    slots = Slots(1_000, 400.0, now=lambda: at[0])
    at[0] += 100
    slots.tick()
    heights = [
        slots.newest(name).last_valid_height for name in ("finalized", "confirmed", "processed")
    ]
    assert heights == sorted(heights)
    assert heights[0] < heights[1]
    assert slots.at("finalized") == slots.slot - FINALIZED_AFTER


def test_what_no_packet_holds_is_refused(devchain: Devchain):
    payer = devchain.rich()
    large = memo(payer, devchain.blockhash(), "x" * 1_200)
    assert len(bytes(large)) > 1_232
    code, said = refused(devchain, "sendTransaction", encoded(large), BASE64)
    assert code == -32602
    assert said.startswith("VersionedTransaction too large")


def test_a_forged_signature_is_refused(devchain: Devchain):
    sound = memo(devchain.rich(), devchain.blockhash())
    forged = VersionedTransaction.populate(sound.message, [Signature.new_unique()])
    code, _ = refused(devchain, "sendTransaction", encoded(forged), BASE64)
    assert code == -32003


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (["!!", BASE64], -32602),
        (["AAAA", BASE64], -32602),
        ([5, BASE64], -32602),
        ([], -32602),
        (["a", {}, "too", "many"], -32602),
    ],
)
def test_what_is_no_transaction_is_refused(devchain: Devchain, params: list[Any], code: int):
    assert refused(devchain, "sendTransaction", *params)[0] == code


def test_a_transaction_that_fails_says_why_and_costs_its_fee(devchain: Devchain):
    payer = devchain.rich()
    too_much = transfer(
        TransferParams(from_pubkey=payer.pubkey(), to_pubkey=Keypair().pubkey(), lamports=10**12)
    )
    message = Message.new_with_blockhash([too_much], payer.pubkey(), devchain.blockhash())
    transaction = Transaction([payer], message, message.recent_blockhash)
    error = devchain.ask("sendTransaction", encoded(transaction), BASE64)["error"]
    assert error["code"] == -32002
    assert error["data"]["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert any("insufficient lamports" in line for line in error["data"]["logs"])
    assert devchain.told("getBalance", str(payer.pubkey()))["value"] == 10**9
    signature = devchain.told(
        "sendTransaction", encoded(transaction), {**BASE64, "skipPreflight": True}
    )
    (status,) = devchain.told("getSignatureStatuses", [signature])["value"]
    assert status["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert devchain.told("getBalance", str(payer.pubkey()))["value"] == 10**9 - 5_000


def test_who_has_nothing_pays_nothing(devchain: Devchain):
    poor = memo(Keypair(), devchain.blockhash())
    signature = devchain.told("sendTransaction", encoded(poor), {**BASE64, "skipPreflight": True})
    assert devchain.told("getSignatureStatuses", [signature])["value"] == [None]


def test_a_versioned_transaction_is_shown_to_who_knows_of_versions(devchain: Devchain):
    transaction = memo(devchain.rich(), devchain.blockhash())
    signature = devchain.told("sendTransaction", encoded(transaction), BASE64)
    seen = {"commitment": "processed"}
    devchain.wait_for_slot(devchain.status()["slot"] + 1)
    code, _ = refused(devchain, "getTransaction", signature, seen)
    assert code == -32015
    found = devchain.told(
        "getTransaction",
        signature,
        {**seen, **BASE64, "maxSupportedTransactionVersion": 0},
    )
    assert base64.b64decode(found["transaction"][0]) == bytes(transaction)
    assert found["version"] == 0


def test_history_is_paged_newest_first(devchain: Devchain):
    payer = devchain.rich()
    sent = [
        devchain.told(
            "sendTransaction", encoded(memo(payer, devchain.blockhash(), f"n {n}")), BASE64
        )
        for n in range(5)
    ]
    newest = {"commitment": "processed"}
    address = str(payer.pubkey())

    def page(**more: Any) -> list[str]:
        rows = devchain.told("getSignaturesForAddress", address, {**newest, **more})
        return [row["signature"] for row in rows]

    assert page()[:5] == sent[::-1]
    assert page(limit=2) == sent[:2:-1]
    assert page(before=sent[2], limit=2) == [sent[1], sent[0]]
    assert page(until=sent[2]) == [sent[4], sent[3]]
    assert refused(devchain, "getSignaturesForAddress", address, {"limit": 1_001})[0] == -32602


def test_recent_fees_are_those_of_the_accounts_asked_for(devchain: Devchain):
    payer, other = devchain.rich(), devchain.rich()
    devchain.told(
        "sendTransaction", encoded(memo(payer, devchain.blockhash(), price=50_000)), BASE64
    )
    fees = devchain.told("getRecentPrioritizationFees", [str(payer.pubkey())])
    assert max(fee["prioritizationFee"] for fee in fees) > 0
    others = devchain.told("getRecentPrioritizationFees", [str(other.pubkey())])
    assert max(fee["prioritizationFee"] for fee in others) == 0
    assert len(fees) <= 150


def test_accounts_are_told_whole_or_in_part(devchain: Devchain):
    owner, account = devchain.rich(), Keypair()
    rent = devchain.told("getMinimumBalanceForRentExemption", 100)
    made = create_account(
        CreateAccountParams(
            from_pubkey=owner.pubkey(),
            to_pubkey=account.pubkey(),
            lamports=rent,
            space=100,
            owner=MEMO,
        )
    )
    message = Message.new_with_blockhash([made], owner.pubkey(), devchain.blockhash())
    transaction = Transaction([owner, account], message, message.recent_blockhash)
    devchain.told("sendTransaction", encoded(transaction), BASE64)
    address = str(account.pubkey())
    whole = devchain.told("getAccountInfo", address, BASE64)["value"]
    assert (whole["lamports"], whole["owner"], whole["space"]) == (rent, str(MEMO), 100)
    cut = {**BASE64, "dataSlice": {"offset": 10, "length": 5}}
    part, nothing = devchain.told("getMultipleAccounts", [address, str(Keypair().pubkey())], cut)[
        "value"
    ]
    assert base64.b64decode(part["data"][0]) == bytes(5)
    assert nothing is None
    assert refused(devchain, "getMultipleAccounts", [address] * 101)[0] == -32602
    assert refused(devchain, "getAccountInfo", "no key")[0] == -32602


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"5", -32600),
        (b'{"jsonrpc": "2.0", "id": 1}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "getBlock"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "_seen"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "getSlot", "params": {}}', -32602),
        (
            b'{"jsonrpc": "2.0", "id": 1, "method": "getSlot", "params": [{"commitment": "x"}]}',
            -32602,
        ),
    ],
)
def test_what_is_no_request_is_answered_as_json_rpc_says(
    devchain: Devchain, body: bytes, code: int
):
    answer = devchain.pool.request("POST", devchain.url(), body=body).json()
    assert answer["error"]["code"] == code


def test_several_requests_are_answered_in_one(devchain: Devchain):
    asked = [{"jsonrpc": "2.0", "id": n, "method": "getHealth"} for n in range(3)]
    answers = devchain.pool.request("POST", devchain.url(), json=asked).json()
    assert [(one["id"], one["result"]) for one in answers] == [(n, "ok") for n in range(3)]


def test_it_says_that_it_is_no_public_chain(devchain: Devchain):
    status = devchain.status()
    assert status["public"] is False
    folder = os.environ.get("DEVCHAIN_PROGRAMS_DIR")
    dumps = Path(folder).glob("*.so") if folder else ()
    assert sorted(status["programs"]) == sorted(dump.stem for dump in dumps)
    assert status["genesis"] == devchain.told("getGenesisHash")


# Faults


def test_a_dropped_transaction_is_accepted_and_never_lands(devchain: Devchain):
    devchain.faulty("dropping", drop=1.0)
    transaction = memo(devchain.rich(), devchain.blockhash())
    signature = devchain.told("sendTransaction", encoded(transaction), BASE64, node="dropping")
    assert devchain.told("getSignatureStatuses", [signature])["value"] == [None]
    assert devchain.told("sendTransaction", encoded(transaction), BASE64) == signature
    assert devchain.told("getSignatureStatuses", [signature])["value"] != [None]


def test_a_lost_answer_hides_that_the_transaction_landed(devchain: Devchain):
    devchain.faulty("losing", lost=1.0)
    transaction = memo(devchain.rich(), devchain.blockhash())
    assert (
        refused(devchain, "sendTransaction", encoded(transaction), BASE64, node="losing")[0]
        == -32603
    )
    signature = str(transaction.signatures[0])
    assert devchain.told("getSignatureStatuses", [signature])["value"] != [None]


def test_a_node_that_lags_sees_the_chain_as_it_was(devchain: Devchain):
    devchain.faulty("lagging", lag=40)
    transaction = memo(devchain.rich(), devchain.blockhash())
    signature = devchain.told("sendTransaction", encoded(transaction), BASE64)
    assert devchain.told("getSignatureStatuses", [signature], node="lagging")["value"] == [None]
    behind = devchain.told("getSlot", {"commitment": "processed"}, node="lagging")
    assert devchain.told("getSlot", {"commitment": "processed"}) - behind >= 38
    assert refused(devchain, "getHealth", node="lagging")[0] == -32005
    least = {"commitment": "processed", "minContextSlot": devchain.status()["slot"]}
    assert refused(devchain, "getSlot", least, node="lagging")[0] == -32016


def test_a_node_may_lie_about_what_it_knows(devchain: Devchain):
    devchain.faulty("lying", forgets=True, ahead=1_000)
    transaction = memo(devchain.rich(), devchain.blockhash())
    signature = devchain.told("sendTransaction", encoded(transaction), BASE64, node="lying")
    assert devchain.told("getSignatureStatuses", [signature], node="lying")["value"] == [None]
    assert devchain.told("getBlockHeight", node="lying") > devchain.told("getBlockHeight") + 900


def test_a_node_may_be_throttled_away_or_slow_and_is_mended_again(devchain: Devchain):
    url = devchain.faulty("busy", throttled=1.0)
    asked = {"jsonrpc": "2.0", "id": 1, "method": "getHealth"}
    throttled = devchain.pool.request("POST", url, json=asked)
    assert (throttled.status, throttled.headers["Retry-After"]) == (429, "1")
    devchain.faulty("busy", unavailable=1.0)
    assert devchain.pool.request("POST", url, json=asked).status == 503
    devchain.faulty("busy", slow_ms=400)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        devchain.pool.request("POST", url, json=asked, timeout=0.1)
    devchain.faulty("busy")
    assert devchain.told("getHealth", node="busy") == "ok"
    assert refused(devchain, "devchainSetFaults", {"explodes": 1}, node="busy")[0] == -32602
    assert refused(devchain, "devchainSetFaults", {"drop": -1}, node="busy")[0] == -32602


def test_solana_pys_client_meets_the_errors_that_it_knows(devchain: Devchain):
    async def run() -> None:
        payer = devchain.rich()
        transaction = memo(payer, devchain.blockhash())
        async with AsyncClient(devchain.url(), commitment=Confirmed) as client:
            await client.send_raw_transaction(bytes(transaction))
            with pytest.raises(RPCException, match="already been processed"):
                await client.send_raw_transaction(bytes(transaction))
            assert (await client.get_block_height(Finalized)).value > 0

    asyncio.run(run())


# Starting and stopping


def test_it_remembers_over_a_kill(tmp_path: Path):
    chain = Devchain(tmp_path)
    chain.start()
    payer = chain.rich()
    transaction = memo(payer, chain.blockhash())
    signature = chain.told("sendTransaction", encoded(transaction), BASE64)
    before = chain.status()
    chain.kill()
    chain.start()
    try:
        after = chain.status()
        assert after["genesis"] == before["genesis"]
        assert after["slot"] > before["slot"]
        assert after["transactions"] == before["transactions"]
        assert chain.told("getBalance", str(payer.pubkey()))["value"] == 10**9 - 5_000
        (status,) = chain.told("getSignatureStatuses", [signature])["value"]
        assert status["err"] is None
        # The hashes of before are gone, as after any hash's 150 blocks.
        blockhash = str(transaction.message.recent_blockhash)
        assert chain.told("isBlockhashValid", blockhash)["value"] is False
        again = memo(payer, chain.blockhash(), "after the kill")
        assert chain.told("sendTransaction", encoded(again), BASE64)
    finally:
        chain.kill()


def test_two_homes_are_two_chains(devchain: Devchain, tmp_path: Path):
    other = Devchain(tmp_path)
    other.start()
    try:
        assert other.status()["genesis"] != devchain.status()["genesis"]
    finally:
        other.kill()
