"""Waits for a batch's packs, fetches them by signed URL, and tries URLs that must not work."""

import hashlib
import json
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import urllib3

from demo.api_client import CONNECTIONS, TIMEOUT, ApiClient
from demo.mint import PATIENCE_SECONDS
from demo.progress import Progress
from demo.proof import Download
from demo.report import Checks, DemoFailed

# The sweep would have found a lost doorbell several times over by then.
_STARTS_WITHIN_SECONDS = 60.0
_POLL_SECONDS = 0.4
_CHUNK = 1 << 18
_SIGNATURE = re.compile(r"(X-Amz-Signature=[0-9a-f]*)([0-9a-f])")
# Amazon's answer is 403; rclone takes a URL without any signature for a malformed request.
_REFUSALS = {400, 401, 403}
_EXPIRY = re.compile(r"(X-Amz-Expires=)\d+")


@dataclass(frozen=True)
class Pack:
    """A finished pack as the API describes it."""

    id: str
    number: int
    filename: str
    described: tuple[int, int, str]
    completed_at: datetime

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> "Pack":
        """Take what the demo needs of a row of the list."""
        return cls(
            id=row["id"],
            number=row["number"],
            filename=row["filename"],
            described=(row["row_count"], row["byte_size"], row["sha256"]),
            completed_at=datetime.fromisoformat(row["completed_at"]),
        )


@dataclass(frozen=True)
class Delivery:
    """Everything that was downloaded of a batch."""

    manifest: dict[str, Any]
    downloads: list[Download]
    seconds: float


class Store:
    """Fetches signed URLs, with nothing but the URL to prove the right to."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, block=True, timeout=TIMEOUT)

    def fetch(self, url: str, path: Path) -> str:
        """Save what the URL gives and return its SHA-256."""
        answer = self._pool.request("GET", url, preload_content=False, redirect=False)
        digest = hashlib.sha256()
        try:
            if answer.status != 200:
                message = f"the object store answered {answer.status} for {path.name}"
                raise DemoFailed(message)
            with path.open("wb") as file:
                for chunk in answer.stream(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
        finally:
            answer.release_conn()
        return digest.hexdigest()

    def status(self, url: str) -> int:
        """Return what the store answers, whatever it is."""
        return self._pool.request("GET", url, redirect=False).status


def wait_for_packs(api: ApiClient, checks: Checks, batch_id: str, units: int) -> list[Pack]:
    """Show the packs' progress until all are complete; ask for them if nobody has begun."""
    path = f"/mint-batches/{batch_id}/packs/"
    asked = False
    with Progress("packs", units, unit="rows") as progress:
        began = moved = time.monotonic()
        done, state = -1, ""
        while state != "completed":
            answer = api.get(path, page_size=1)
            answer.require(200)
            build = answer.meta["build"] or {"packs_done": 0, "pack_size": 0, "status": "awaited"}
            now, state = time.monotonic(), build["status"]
            if state == "failed":
                message = f"the packs could not be built: {build['last_error']}"
                raise DemoFailed(message)
            if build["packs_done"] != done:
                done, moved = build["packs_done"], now
            progress.update(min(done * build["pack_size"], units), f"pack {done}, {state}")
            if state == "awaited" and not asked and now - began > _STARTS_WITHIN_SECONDS:
                api.post(path, {}).require(202)
                asked = True
            if now - moved > PATIENCE_SECONDS:
                message = f"the packs are {state} and none was finished for {now - moved:.0f} s"
                raise DemoFailed(message)
            if state != "completed":
                time.sleep(_POLL_SECONDS)
    found = [Pack.read(row) for row in api.rows(path)]
    checks.check(
        f"packs were built by themselves when the job had ended: {len(found)}",
        ["they had to be asked for"] if asked else [],
    )
    return found


def download_packs(
    api: ApiClient, checks: Checks, batch_id: str, packs: list[Pack], folder: Path
) -> Delivery:
    """Download the manifest and every pack, several at a time."""
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    store = Store()
    manifest = _manifest(api, checks, store, batch_id, folder)
    told = {
        entry["number"]: (entry["rows"], entry["bytes"], entry["sha256"])
        for entry in manifest["packs"]
    }
    checks.check(
        "manifest.json and the API say the same of each pack",
        [f"not of pack {pack.number}" for pack in packs if told.get(pack.number) != pack.described],
    )

    def download(pack: Pack) -> Download:
        path = folder / pack.filename
        store.fetch(signed_url(api, pack), path)
        return Download(pack.number, path)

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        downloads = list(threads.map(download, packs))
    return Delivery(manifest, downloads, time.monotonic() - began)


def signed_url(api: ApiClient, pack: Pack) -> str:
    """Ask for the URL of a pack."""
    return str(api.post(f"/packs/{pack.id}/download/", {}).require(200)["url"])


def check_refusals(api: ApiClient, checks: Checks, packs: list[Pack]) -> None:
    """Try what must not work: a signature that is gone, altered, or for something else."""
    store, url = Store(), signed_url(api, packs[0])
    answers = {name: store.status(bad) for name, bad in spoilt(url).items()}
    faults = [
        f"{name} it answers {status}" for name, status in answers.items() if status not in _REFUSALS
    ]
    if (status := store.status(url)) != 200:
        faults.append(f"as it was given it answers {status}")
    checks.check(f"the store refuses the pack's URL {', '.join(answers)}", faults)
    status = ApiClient(api.base).post(f"/packs/{packs[0].id}/download/", {}).status
    checks.equal("and without a credential the API gives out none", status, 401)


def spoilt(url: str) -> dict[str, str]:
    """Return the signed URL in forms that must be refused, each altered in nothing else."""
    address, _, query = url.partition("?")
    folder = address.rpartition("/")[0]
    altered = _SIGNATURE.sub(lambda found: found[1] + ("1" if found[2] == "0" else "0"), url)
    return {
        "unsigned": address,
        "with one character of its signature changed": altered,
        "with a later expiry": _EXPIRY.sub(r"\g<1>86400", url),
        "for the manifest beside it": f"{folder}/manifest.json?{query}",
    }


def _manifest(
    api: ApiClient, checks: Checks, store: Store, batch_id: str, folder: Path
) -> dict[str, Any]:
    answer = api.post(f"/mint-batches/{batch_id}/packs/manifest/", {}).require(200)
    path = folder / "manifest.json"
    digest = store.fetch(answer["url"], path)
    checks.equal("manifest.json has the SHA-256 that the API names", digest, answer["sha256"])
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    return manifest
