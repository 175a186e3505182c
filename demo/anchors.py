"""Waits until the batch's roots are on the chain, and finds the last of them there by signature."""

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import base58
import urllib3

from demo.api_client import TIMEOUT, ApiClient
from demo.mint import PATIENCE_SECONDS
from demo.progress import Progress
from demo.report import Checks, DemoFailed
from demo.scans import Code
from demo.unit_proofs import verified

_POLL_SECONDS = 0.4
MEMO_PROGRAM = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
LAMPORTS_PER_SOL = 10**9


@dataclass(frozen=True)
class Anchored:
    """The roots of a batch on a chain: how many, for how many lamports, in how many seconds."""

    roots: int
    lamports: int
    seconds: float


def wait_until_anchored(api: ApiClient, checks: Checks, batch_id: str, roots: int) -> Anchored:
    """Show how many roots are in finalized blocks until all are; return what it has cost."""
    path, began = f"/mint-batches/{batch_id}/submissions/", time.monotonic()
    with Progress("anchoring", roots, unit="roots") as progress:
        rows = _watch(api, path, roots, progress)
    landed = [one for row in rows for one in row["transactions"] if one["status"] == "finalized"]
    lamports = sum(one["fee"] for one in landed)
    checks.equal(
        f"{roots} roots are on the dev chain, each once, for {lamports:,} lamports"
        f" ({lamports / LAMPORTS_PER_SOL:.6f} SOL)",
        (len(rows), len(landed), len({one["signature"] for one in landed})),
        (roots, roots, roots),
    )
    return Anchored(roots, lamports, time.monotonic() - began)


def _watch(api: ApiClient, path: str, roots: int, progress: Progress) -> list[dict[str, Any]]:
    done, moved = -1, time.monotonic()
    while True:
        rows = list(api.rows(path))
        failed = [row["last_error"] for row in rows if row["status"] == "failed"]
        if failed:
            message = f"a root could not be anchored: {failed[0]}"
            raise DemoFailed(message)
        completed = sum(row["status"] == "completed" for row in rows)
        if completed != done:
            done, moved = completed, time.monotonic()
        progress.update(done, "anchored" if done == roots else "sending")
        if done == roots:
            return rows
        if time.monotonic() - moved > PATIENCE_SECONDS:
            waits = next((row["last_error"] for row in rows if row["last_error"]), "no reason told")
            message = f"no root was anchored for {PATIENCE_SECONDS:.0f} s: {waits}"
            raise DemoFailed(message)
        time.sleep(_POLL_SECONDS)


def check_anchor(checks: Checks, code: Code, *, rpc_url: str, batch_id: str, root: str) -> None:
    """Fetch a unit's proof as a stranger, check it offline, and find its transaction."""
    base = "{0.scheme}://{0.netloc}".format(urlsplit(code.url))
    pool = urllib3.PoolManager(timeout=TIMEOUT)
    listed = pool.request("GET", f"{base}/.well-known/tieback-keys.json").json()["keys"]
    proof = pool.request("GET", f"{base}/p/{code.token}/proof.json").json()
    with tempfile.TemporaryDirectory() as folder:
        status, said = verified(Path(folder) / "proof.json", proof, [one["key"] for one in listed])
    signature = proof.get("anchor", {}).get("signature", "")
    checks.equal(f"a unit's proof holds offline and names transaction {signature[:12]}…", status, 0)
    config = {"commitment": "finalized", "maxSupportedTransactionVersion": 0}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "getTransaction", "params": [signature, config]}
    found = pool.request("POST", rpc_url, json=asked).json().get("result")
    memo = next(_memos(found), {}) if found else {}
    checks.equal(
        f"the chain finds it by its signature: batch {batch_id[:8]}…, root {root[:16]}…",
        (memo.get("batch"), memo.get("root"), memo.get("sig")),
        (batch_id, root, proof["signature"]["value"]),
    )
    if status:
        print(said)


def _memos(transaction: dict[str, Any]) -> Iterator[dict[str, Any]]:
    message = transaction["transaction"]["message"]
    for one in message["instructions"]:
        if message["accountKeys"][one["programIdIndex"]] == MEMO_PROGRAM:
            yield json.loads(base58.b58decode(one["data"]))
