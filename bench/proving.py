"""How fast a batch's tree is built: its leaves read and hashed, beside SHA-256 alone.

Runs in a process of its own, as the worker's role and under the same row-level security; prints
the seconds of both. The root must be the one that the worker has signed.
"""

import json
import os
import subprocess
import sys
import time
from hashlib import sha256
from uuid import UUID

import django

from bench.system import PROJECT, BenchFailed, System

CYCLE = 20_000


def leaves_per_s(system: System, *, batch_id: UUID, units: int) -> tuple[float, float]:
    """Return how many leaves a second one core builds, and the share of SHA-256's own speed."""
    made = subprocess.run(
        [sys.executable, "-m", "bench.proving", system.brand_id, str(batch_id)],
        cwd=PROJECT,
        env=system.stack.environment("worker"),
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, bare, is_same = json.loads(made.stdout.strip().splitlines()[-1])
    if not is_same:
        raise BenchFailed(f"batch {batch_id}: the tree has another root than was signed")
    return units / seconds, bare / seconds


def main(brand_id: UUID, batch_id: UUID) -> None:
    """Build the tree of a signed batch anew, cycle by cycle; print seconds and what was found."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tieback.settings")
    django.setup()
    from minting.models import BatchProof
    from minting.proofs.merkle import CHUNK, chunk_roots, root_of
    from minting.proofs.trees import leaves_of
    from tieback.brands.scoping import brand_scope

    roots: list[bytes] = []
    began = time.perf_counter()
    with brand_scope(brand_id):
        proof = BatchProof.objects.select_related("batch").get(pk=batch_id)
    for done in range(0, proof.quantity, CYCLE):
        with brand_scope(brand_id):
            first, last = done // CHUNK * CHUNK + 1, min(done + CYCLE, proof.quantity)
            # The chunk that was not full is hashed again, as the worker does.
            del roots[first // CHUNK :]
            roots += chunk_roots(leaves_of(proof, first=first, last=last).hashes)
    root = root_of(roots).hex()
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps([seconds, _bare(proof.quantity), root == proof.root]) + "\n")


def _bare(leaves: int) -> float:
    """Return the seconds for as many hashes of as many bytes, one leaf and one node each."""
    leaf, node = bytes(130), bytes(65)
    began = time.perf_counter()
    for _ in range(leaves):
        sha256(leaf).digest()
        sha256(node).digest()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(UUID(sys.argv[1]), UUID(sys.argv[2]))
