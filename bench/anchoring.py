"""How fast roots are anchored: whole submissions a second, beside the dev chain's own limit.

One job is minted in small cycles, so that it has a thousand roots. The worker makes them, signs,
stores, sends and looks for them as it always does, from the first signature to the last one that
is confirmed. The limit is what solana-py reaches with transactions that are signed already and
need no row: the same memos, as many at once, until each is confirmed.
"""

import asyncio
from typing import Any

import psycopg
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solana.rpc.models import TxOpts
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from bench.minting import finished, settle
from bench.system import System, wait_until

ROOTS = 1_000
CYCLE = 50
AT_ONCE = 16
_STATUSES = 256
_MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
_CONFIRMED = """
select count(*), extract(epoch from max(confirmed_at) - min(created_at)), sum(fee)
  from minting_chaintransaction where batch_id = %s and status = 'finalized'
"""
_UNDONE = """
select count(*) filter (where status <> 'completed') from minting_chainsubmission
 where batch_id = %s
"""


def anchors_per_s(system: System) -> tuple[float, float, list[str]]:
    """Return roots anchored a second, lamports for each, and the texts of their memos."""
    with system.superuser() as superuser:
        settle(superuser)
        _, batch = finished(superuser, system.submit(ROOTS * CYCLE)["mint_job_id"])
        wait_until("the roots to be anchored", lambda: _all_done(superuser, batch))
        (row,) = superuser.execute(_CONFIRMED, [batch]).fetchall()
        count, seconds, lamports = row
        memos = superuser.execute(
            "select payload ->> 'memo' from minting_chainsubmission where batch_id = %s", [batch]
        ).fetchall()
    return count / float(seconds), float(lamports) / count, [memo for (memo,) in memos]


def _all_done(superuser: "psycopg.Connection[Any]", batch: object) -> bool | None:
    row = superuser.execute(_UNDONE, [batch]).fetchone()
    roots = superuser.execute(
        "select count(*) from minting_chainsubmission where batch_id = %s", [batch]
    ).fetchone()
    return True if row == (0,) and roots == (ROOTS,) else None


def limit_per_s(system: System, memos: list[str]) -> float:
    """Return how many of the same memos solana-py alone sends and sees confirmed a second."""
    payer = Keypair.from_base58_string(system.stack.environment("worker")["SOLANA_KEYPAIR"])
    return asyncio.run(_send_all(system.stack.url("devchain"), payer, memos))


async def _send_all(url: str, payer: Keypair, memos: list[str]) -> float:
    async with AsyncClient(url, commitment=Confirmed) as client:
        blockhash = (await client.get_latest_blockhash()).value.blockhash
        signed = []
        for memo in memos:
            said = Instruction(
                _MEMO,
                b"x" + memo.encode(),
                [AccountMeta(payer.pubkey(), is_signer=True, is_writable=False)],
            )
            message = MessageV0.try_compile(payer.pubkey(), [said], [], blockhash)
            signed.append(VersionedTransaction(message, [payer]))
        return await confirmed_per_s(client, signed)


async def confirmed_per_s(client: AsyncClient, signed: list[VersionedTransaction]) -> float:
    """Send transactions, some at once; return how many a second until the last is confirmed."""
    began = asyncio.get_running_loop().time()
    at_once = asyncio.Semaphore(AT_ONCE)

    async def send(one: VersionedTransaction) -> None:
        async with at_once:
            await client.send_raw_transaction(bytes(one), TxOpts(skip_preflight=True))

    await asyncio.gather(*map(send, signed))
    left = [one.signatures[0] for one in signed]
    while left:
        left = await _unconfirmed(client, left)
    return len(signed) / (asyncio.get_running_loop().time() - began)


async def _unconfirmed(client: AsyncClient, signatures: list[Signature]) -> list[Signature]:
    left: list[Signature] = []
    for at in range(0, len(signatures), _STATUSES):
        part = signatures[at : at + _STATUSES]
        told = (await client.get_signature_statuses(part)).value
        left += [
            one
            for one, status in zip(part, told, strict=True)
            if status is None or not int(status.confirmation_status or 0)
        ]
    return left
