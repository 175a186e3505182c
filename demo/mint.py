"""Submits the mint request, shows that repeating it mints nothing twice, and follows the job."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from demo.api_client import ApiClient
from demo.catalogue import PRODUCTION_BATCHES, PRODUCTS
from demo.progress import Progress
from demo.report import Checks, DemoFailed

SKU = "NH-TEE-001"
PRODUCTION_REF = "PO-2026-1001"
# A job without progress for this long, on however slow a machine, has nobody who works it:
# a dead worker's job is taken over after its lease of three minutes.
PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 0.4
_STORY = {"job.queued", "job.reserved", "job.processing", "job.completed"}


@dataclass(frozen=True)
class Submitted:
    """An accepted mint request."""

    job_id: str
    batch_id: str
    product: dict[str, Any]
    began: float
    answer_seconds: float


@dataclass(frozen=True)
class Minted:
    """A finished job; the times are the server's, but for ``wall_seconds``, which is ours."""

    batch: dict[str, Any]
    waited_seconds: float
    seconds: float
    wall_seconds: float
    finished_at: datetime
    cycles: int
    peak_units_per_second: float


def submit(api: ApiClient, checks: Checks, units: int) -> Submitted:
    """Submit the request under an idempotency key, then three times more in other ways."""
    product = api.one(PRODUCTS.path, sku=SKU)
    production_batch = api.one(PRODUCTION_BATCHES.path, external_ref=PRODUCTION_REF)
    wanted = {
        "product_id": product["id"],
        "production_batch_id": production_batch["id"],
        "quantity": units,
        "identity_mode": "serial",
        "activation_mode": "first_scan",
    }
    preflight = api.post("/mint-requests/preflight/", wanted).require(200)
    checks.check(
        f"preflight: {units:,} units of {SKU} {product['name']} may be minted",
        [reason["message"] for reason in preflight["blocking_reasons"]],
    )
    key, began = f"demo-{uuid.uuid4()}", time.monotonic()
    answer = api.post("/mint-requests/", wanted, idempotency_key=key)
    seconds = time.monotonic() - began
    job = answer.require(202)
    checks.equal(
        f"submitted in {seconds * 1000:.0f} ms: job {job['mint_job_id']} is QUEUED",
        (job["status"], job["is_duplicate"]),
        ("QUEUED", False),
    )
    _repeat(api, checks, wanted, key, job)
    found = api.get(f"{PRODUCTION_BATCHES.path}{production_batch['id']}/").require(200)
    checks.equal(
        f"{PRODUCTION_REF}: {found['remaining_quantity']:,} units of its"
        f" {found['quantity']:,} are left",
        found["remaining_quantity"],
        production_batch["remaining_quantity"] - units,
    )
    return Submitted(job["mint_job_id"], job["mint_batch_id"], product, began, seconds)


def _repeat(
    api: ApiClient, checks: Checks, wanted: dict[str, Any], key: str, job: dict[str, Any]
) -> None:
    again = api.post("/mint-requests/", wanted, idempotency_key=key)
    same = ("mint_job_id", "mint_batch_id")
    checks.equal(
        "the same key and body again answer 200, is_duplicate and the same job",
        (again.status, *((again.data or {}).get(name) for name in ("is_duplicate", *same))),
        (200, True, *(job[name] for name in same)),
    )
    other = api.post(
        "/mint-requests/", {**wanted, "quantity": wanted["quantity"] + 1}, idempotency_key=key
    )
    checks.equal(
        "the same key with another body is refused",
        (other.status, other.error.get("code")),
        (422, "IDEMPOTENCY_KEY_REUSED"),
    )


def follow(api: ApiClient, checks: Checks, submitted: Submitted, units: int) -> Minted:
    """Show the job's progress until it is COMPLETED."""
    with Progress("minting", units) as progress:
        job = _watch(api, submitted.job_id, progress)
        wall = time.monotonic() - submitted.began
    queued, started, finished = (
        datetime.fromisoformat(job[name]) for name in ("queued_at", "started_at", "finished_at")
    )
    batch = api.get(f"/mint-batches/{submitted.batch_id}/").require(200)
    checks.check(
        f"COMPLETED: {units:,} units, cycles: {job['cycles']}", _count_faults(job, batch, units)
    )
    events = {event["type"] for event in api.rows("/mint-events/", batch=submitted.batch_id)}
    checks.check(
        "its events tell the story from job.queued to job.completed",
        [f"{name} is missing" for name in sorted(_STORY - events)],
    )
    return Minted(
        batch=batch,
        waited_seconds=(started - queued).total_seconds(),
        seconds=(finished - started).total_seconds(),
        wall_seconds=wall,
        finished_at=finished,
        cycles=job["cycles"],
        peak_units_per_second=progress.speed.peak,
    )


def _watch(api: ApiClient, job_id: str, progress: Progress) -> dict[str, Any]:
    done, moved = -1, time.monotonic()
    while True:
        job: dict[str, Any] = api.get(f"/mint-jobs/{job_id}/").require(200)
        if job["status"] in {"FAILED", "CANCELLED"}:
            message = f"the job ended {job['status']}: {job['last_error'] or 'no error is told'}"
            raise DemoFailed(message)
        if job["generated_quantity"] != done:
            done, moved = job["generated_quantity"], time.monotonic()
        progress.update(done, _state(job))
        if job["status"] == "COMPLETED":
            return job
        if time.monotonic() - moved > PATIENCE_SECONDS:
            message = (
                f"the job is {job['status']} and has made no unit for {PATIENCE_SECONDS:.0f} s;"
                f" its last error: {job['last_error'] or 'none'}"
            )
            raise DemoFailed(message)
        time.sleep(_POLL_SECONDS)


def _state(job: dict[str, Any]) -> str:
    if job["consecutive_errors"]:
        return f"attempt {job['consecutive_errors'] + 1} after: {job['last_error']}"
    return f"cycle {job['cycles']}" if job["cycles"] else str(job["status"]).lower()


def _count_faults(job: dict[str, Any], batch: dict[str, Any], units: int) -> Iterator[str]:
    if job["generated_quantity"] != units:
        yield f"the job counts {job['generated_quantity']:,}"
    if (batch["status"], batch["minted_quantity"]) != ("minted", units):
        yield f"the batch is {batch['status']} with {batch['minted_quantity']:,} units"
