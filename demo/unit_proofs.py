"""Waits for the batch to be signed, and checks units' proofs with the command anyone may run."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

from demo.api_client import TIMEOUT, ApiClient
from demo.mint import PATIENCE_SECONDS
from demo.progress import Progress
from demo.report import Checks, DemoFailed
from demo.scans import Code

_POLL_SECONDS = 0.4
_ROOT = Path(__file__).parents[1]


def wait_until_signed(api: ApiClient, checks: Checks, batch_id: str, units: int) -> dict[str, Any]:
    """Show how far the batch's tree has come until its root is signed; return what was."""
    with Progress("proving", units) as progress:
        signed = _watch(api, batch_id, progress)
    heads = signed["heads"]
    checks.equal(
        f"the batch is signed: root {signed['root'][:16]}…, one root for each cycle: {len(heads)}",
        (signed["hashed_quantity"], heads[-1]["size"], heads[-1]["root"]),
        (units, units, signed["root"]),
    )
    return signed


def _watch(api: ApiClient, batch_id: str, progress: Progress) -> dict[str, Any]:
    done, moved = -1, time.monotonic()
    while True:
        proof: dict[str, Any] = api.get(f"/mint-batches/{batch_id}/proof/").require(200)
        if proof["status"] == "failed":
            message = f"the batch could not be signed: {proof['last_error']}"
            raise DemoFailed(message)
        if proof["hashed_quantity"] != done:
            done, moved = proof["hashed_quantity"], time.monotonic()
        progress.update(done, proof["status"])
        if proof["status"] == "signed":
            return proof
        if time.monotonic() - moved > PATIENCE_SECONDS:
            message = f"nothing was added to the batch's tree for {PATIENCE_SECONDS:.0f} s"
            raise DemoFailed(message)
        time.sleep(_POLL_SECONDS)


def check_proofs(checks: Checks, codes: list[Code]) -> None:
    """Fetch the proofs of some codes as a stranger does, and check them without the stack."""
    base = "{0.scheme}://{0.netloc}".format(urlsplit(codes[0].url))
    pool = urllib3.PoolManager(timeout=TIMEOUT)
    listed = pool.request("GET", f"{base}/.well-known/tieback-keys.json").json()["keys"]
    keys = [one["key"] for one in listed]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "proof.json"
        proofs = [pool.request("GET", f"{base}/p/{code.token}/proof.json").json() for code in codes]
        checks.check(
            f"{len(codes)} proofs, fetched by their codes alone, hold offline (tieback verify)",
            _faults(file, codes, proofs, keys),
        )
        changed = {**proofs[0], "leaf": {**proofs[0]["leaf"], "uri": codes[0].url + "0"}}
        checks.equal("a proof with another code in it fails", verified(file, changed, keys)[0], 1)


def _faults(
    file: Path, codes: list[Code], proofs: list[dict[str, Any]], keys: list[str]
) -> Iterator[str]:
    for code, proof in zip(codes, proofs, strict=True):
        if proof.get("leaf", {}).get("uri") != code.url:
            yield f"{code.token}: it is the proof of another code"
            continue
        status, said = verified(file, proof, keys)
        if status or "not checked" in said:
            yield f"{code.token}: {said}"


def verified(file: Path, proof: dict[str, Any], keys: list[str]) -> tuple[int, str]:
    """Run the command with nothing of the stack in its environment; return its code and words."""
    file.write_text(json.dumps(proof), encoding="utf-8")
    given = [word for key in keys for word in ("--key", key)]
    done = subprocess.run(
        [sys.executable, "-m", "tieback", "verify", str(file), *given],
        cwd=_ROOT,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
