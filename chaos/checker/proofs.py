"""I13: what a brand signed of a batch is what the database holds.

Written once more and in another way than by those who sign: the tree is built by merging equal
subtrees, salts are made one by one.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from chaos.checker.evidence import SHOWN, Evidence, check

_HEADS = """
    select head.* from minting_proofhead as head
      join minting_mintjob as job on job.batch_id = head.batch_id and {jobs}
"""
_SIGNED = """
    select proof.batch_id, proof.brand_id, batch.product_id, proof.passport_sha256,
           proof.salt_key, proof.quantity, proof.root, proof.key, proof.signature,
           proof.signed_at, batch.resolver_base, batch.gtin
      from minting_batchproof as proof
      join minting_mintbatch as batch on batch.id = proof.batch_id
      join minting_mintjob as job on job.batch_id = proof.batch_id and {jobs}
     where proof.status = 'signed'
"""
_UNITS = """
    select unit.ordinal, unit.token, unit.serial, coalesce(lot.lot_code, '')
      from minting_mintunit as unit
      left join minting_mintlot as lot on lot.id = unit.lot_id
     where unit.batch_id = %s and unit.ordinal <= %s order by unit.ordinal
"""
_NAMES = (
    *("batch_id", "brand_id", "product_id", "passport_sha256", "salt_key", "quantity", "root"),
    *("key", "signature", "signed_at", "base", "gtin"),
)


@check
def proofs_are_of_the_units(evidence: Evidence) -> list[str]:
    """I13: each cycle has its root, and a signed root is that of the batch's units in order."""
    return (
        evidence.problems(
            "completed, and nobody is to sign it (job)",
            "select job.id from minting_mintjob as job"
            "  left join minting_batchproof as proof on proof.batch_id = job.batch_id"
            " where {jobs} and job.status = 'COMPLETED' and proof.batch_id is null",
        )
        + evidence.problems(
            "a root is not that of a cycle's end (batch, number, size, cycle's end)",
            "select head.batch_id, head.number, head.size, cycle.first_ordinal + cycle.count - 1"
            f" from ({_HEADS}) as head"
            "  join minting_mintjob as its on its.batch_id = head.batch_id"
            "  left join minting_mintcycle as cycle"
            "    on cycle.job_id = its.id and cycle.number = head.number"
            " where cycle.first_ordinal + cycle.count - 1 is distinct from head.size",
        )
        + evidence.problems(
            "the tree is not as far as is said (batch, status, units, of, last root's)",
            "select proof.batch_id, proof.status, proof.hashed_quantity, proof.quantity, last.size"
            "  from minting_batchproof as proof"
            "  join minting_mintjob as job on job.batch_id = proof.batch_id and {jobs}"
            "  left join lateral (select size, root from minting_proofhead as head"
            "         where head.batch_id = proof.batch_id order by number desc limit 1"
            "       ) as last on true"
            " where proof.hashed_quantity <> coalesce(last.size, 0)"
            "    or proof.status = 'signed' and (proof.hashed_quantity <> proof.quantity"
            "       or proof.root is distinct from last.root)",
        )
        + list(_problems_of_signed(evidence))[:SHOWN]
    )


def _problems_of_signed(evidence: Evidence) -> Iterator[str]:
    for row in evidence.rows(_SIGNED):
        signed = dict(zip(_NAMES, row, strict=True))
        found = _root(evidence, signed)
        if found != signed["root"]:
            yield f"batch {signed['batch_id']}: signed {signed['root']}, its units give {found}"
        if not _is_signed(signed):
            yield f"batch {signed['batch_id']}: not signed by the key it names"


def _root(evidence: Evidence, signed: dict[str, Any]) -> str:
    """Return the root over a batch's units, holding one hash for each level of the tree."""
    aes = Cipher(AES(bytes(signed["salt_key"])), ECB()).encryptor()  # noqa: S305 - single blocks
    shared = b"\x01" + UUID(str(signed["product_id"])).bytes
    shared += bytes.fromhex(signed["passport_sha256"])
    tree: list[tuple[int, bytes]] = []
    units = evidence.database.execute(_UNITS, [signed["batch_id"], signed["quantity"]])
    for ordinal, token, serial, lot in units:
        uri = f"{signed['base']}{_path(signed['gtin'], token, serial, lot)}"
        salt = aes.update(int(ordinal).to_bytes(16, "big"))
        node = 0, _hash(b"\x00" + shared + salt + uri.encode())
        while tree and tree[-1][0] == node[0]:
            height, left = tree.pop()
            node = height + 1, _hash(b"\x01" + left + node[1])
        tree.append(node)
    if not tree:
        return "no root"
    root = tree.pop()[1]
    while tree:
        root = _hash(b"\x01" + tree.pop()[1] + root)
    return root.hex()


def _path(gtin: str | None, token: str, serial: str | None, lot: str) -> str:
    if gtin is None:
        return f"/mu/{token}"
    in_lot = f"/10/{quote(lot, safe='')}" if lot else ""
    return f"/01/{gtin}{in_lot}/21/{quote(serial or token, safe='')}"


def _is_signed(signed: dict[str, Any]) -> bool:
    at: datetime = signed["signed_at"]
    statement = {
        "batch_id": str(signed["batch_id"]),
        "brand_id": str(signed["brand_id"]),
        "passport_sha256": signed["passport_sha256"],
        "product_id": str(signed["product_id"]),
        "root": signed["root"],
        "signed_at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "size": signed["quantity"],
        "type": "tieback batch root",
        "version": 1,
    }
    text = json.dumps(statement, separators=(",", ":")).encode()
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed["key"]))
        key.verify(bytes.fromhex(signed["signature"]), text)
    except InvalidSignature:
        return False
    return True


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
