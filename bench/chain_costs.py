"""What a unit costs on a chain by mode, from the transactions of whole batches, beside the floor.

The floor is the least that the chain's own rules leave, however it is written: one memo for the
batch, one account of the certificate's size.
"""

import psycopg

from bench.minting import finished, settle
from bench.system import System, wait_until
from minting.chain.estimates import certificate_rent
from minting.chain.prices import LAMPORTS_PER_SIGNATURE

MODES = ("anchor", "certificate")
_PAID = """
select sum(fee + spent_besides) from minting_chaintransaction
 where batch_id = %s and status in ('finalized', 'failed')
"""
_UNDONE = """
select count(*) filter (where asked.status <> 'completed'), count(*)
  from minting_batchproof as proof
  join minting_chainsubmission as asked on asked.batch_id = proof.batch_id
 where proof.batch_id = %s and proof.status = 'signed'
"""


def lamports_per_unit(system: System, mode: str, *, units: int) -> float:
    """Return what a batch of so many units has cost on the dev chain, for each of them."""
    with system.superuser() as superuser:
        settle(superuser)
        job = system.submit(units, chain_mode=mode)["mint_job_id"]
        _, batch = finished(superuser, job)
        wait_until(f"{mode} to be final", lambda: _all_done(superuser, batch))
        (paid,) = superuser.execute(_PAID, [batch]).fetchone() or (0,)
    return float(paid) / units


def floor(mode: str, *, units: int) -> float:
    """Return the least that a unit of so many could cost."""
    rent = certificate_rent(units) if mode == "certificate" else 0
    return (LAMPORTS_PER_SIGNATURE + rent) / units


def _all_done(superuser: "psycopg.Connection[tuple[object, ...]]", batch: object) -> bool | None:
    undone, asked = superuser.execute(_UNDONE, [batch]).fetchone() or (1, 0)
    return True if asked and not undone else None
