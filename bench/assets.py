"""How fast compressed NFTs are minted: the whole sender, beside the dev chain's own limit.

A batch of mode ``cnft`` is minted; the worker proves, pins, groups, signs, stores, sends and looks
as it always does. What is measured is from the first signature to the last transaction that is
confirmed. The limit is what solana-py reaches with the same mints in transactions that are signed
already and need no row: into the same tree, as many at once, until each is confirmed. Needs
Bubblegum's programs in the dev chain: ``DEVCHAIN_PROGRAMS_DIR``.
"""

import asyncio
from typing import Any

import psycopg
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from bench.anchoring import confirmed_per_s
from bench.minting import finished, settle
from bench.system import System, wait_until
from minting.chain.bubblegum.instructions import Mint, mint_v1
from minting.chain.bubblegum.metadata import Metadata

UNITS = 12_000
_MOST_UNITS = 1_400_000
_SENT = """
select sum(mint_count), count(*), extract(epoch from max(confirmed_at) - min(created_at)), sum(fee)
  from minting_chaintransaction where batch_id = %s and kind = 'mint' and status = 'finalized'
"""
_COMPLETED = "select count(*) from minting_unitasset where batch_id = %s and status = 'completed'"
_PAYLOADS = """
select payload from minting_chainsubmission where batch_id = %s and kind = 'mint'
"""


def make_tree(system: System) -> None:
    """Have a tree made by minting one unit, and wait for that: it is no part of what is measured.

    Beat has to run, which rings again for what has waited for the tree.
    """
    system.stack.start("beat", env={"TIEBACK_SWEEP_SECONDS": "1"})
    with system.superuser() as superuser:
        _, batch = finished(superuser, system.submit(1, chain_mode="cnft")["mint_job_id"])
        wait_until("the first asset", lambda: _all_done(superuser, batch, 1))


def mints_per_s(system: System) -> tuple[float, float, float, list[dict[str, Any]]]:
    """Return assets minted a second, to a transaction, lamports for each, and what was sent."""
    with system.superuser() as superuser:
        settle(superuser)
        job = system.submit(UNITS, chain_mode="cnft")["mint_job_id"]
        _, batch = finished(superuser, job)
        wait_until("the assets to be minted", lambda: _all_done(superuser, batch, UNITS))
        (row,) = superuser.execute(_SENT, [batch]).fetchall()
        mints, transactions, seconds, lamports = (float(one) for one in row)
        payloads = [payload for (payload,) in superuser.execute(_PAYLOADS, [batch])]
    return mints / seconds, mints / transactions, lamports / mints, payloads


def _all_done(superuser: "psycopg.Connection[Any]", batch: object, count: int) -> bool | None:
    return True if superuser.execute(_COMPLETED, [batch]).fetchone() == (count,) else None


def limit_per_s(system: System, payloads: list[dict[str, Any]]) -> float:
    """Return how many of the same mints solana-py alone sends and sees confirmed a second."""
    payer = Keypair.from_base58_string(system.stack.environment("worker")["SOLANA_KEYPAIR"])
    return asyncio.run(_send_all(system.stack.url("devchain"), payer, payloads))


async def _send_all(url: str, payer: Keypair, payloads: list[dict[str, Any]]) -> float:
    async with AsyncClient(url, commitment=Confirmed) as client:
        blockhash = (await client.get_latest_blockhash()).value.blockhash
        signed = [_signed(payload, payer, blockhash) for payload in payloads]
        mints = sum(len(payload["mints"]) for payload in payloads)
        return await confirmed_per_s(client, signed) * mints / len(signed)


def _signed(payload: dict[str, Any], payer: Keypair, blockhash: Hash) -> VersionedTransaction:
    tree, owner = Pubkey.from_string(payload["tree"]), payer.pubkey()
    mint = Mint(tree=tree, payer=owner, delegate=owner, owner=owner)
    mints = [mint_v1(mint, Metadata(name=name, uri=payload["uri"])) for name, _ in payload["mints"]]
    whole = [set_compute_unit_limit(_MOST_UNITS), *mints]
    return VersionedTransaction(MessageV0.try_compile(owner, whole, [], blockhash), [payer])
