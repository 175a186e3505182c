"""Batches whose units have assets on a chain that runs Bubblegum, and passports that change."""

import time
from typing import Any

from minting.chain.assets.grouping import Grouped
from minting.chain.changes.grouping import change_waiting
from minting.models import MetadataDocument, MintBatch, MintJob, UnitAsset
from minting.passport_changes import Wanted, change_passport
from minting.revocations import Act
from tests.chain.assets.conftest import (  # noqa: F401 - fixtures
    assets,
    chain_of_programs,
    devchain,
    group,
    minted,
    nordhav,
    pin_document,
    plain_devchain,
    planted,
    proven,
    sender,
    small_cycles,
    wished,
)
from tests.chain.sending.conftest import PATIENCE_SECONDS, Sender, submissions
from tests.planes import acting_as
from tieback.brands.scoping import brand_scope

ACT = Act("user:1", "We have moved.")
MOVED = {"manufacturer_contact": {"website": "https://nordhav.example/moved"}}


def change(job: MintJob, fields: dict[str, Any] | None = None) -> MetadataDocument:
    """Change what the passports of a batch show, and have the new document pinned."""
    with acting_as("web"), brand_scope(job.brand_id):
        change_passport(batch_id=job.batch_id, wanted=Wanted(fields or MOVED), act=ACT)
        shown = MintBatch.objects.get(pk=job.batch_id).shown_id
    return pin_document(job, shown)


def group_changes() -> Grouped:
    """Hand changes that are due to the sender, as the task does."""
    with acting_as("worker"):
        return change_waiting(until=time.monotonic() + PATIENCE_SECONDS, stop=lambda: False)


def finish(sender: Sender, job: MintJob) -> list[UnitAsset]:  # noqa: F811
    """Take turns until nothing of a batch's assets is to be done or under way; return them."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        group()
        group_changes()
        sender.turn()
        rows = assets(job)
        if all(is_settled(row) for row in rows):
            return rows
        told = [(row.kind, row.status, row.last_error) for row in submissions(job)]
        assert time.monotonic() < deadline, told
        time.sleep(0.02)


def is_settled(row: UnitAsset) -> bool:
    with brand_scope(row.brand_id):
        wanted = MintBatch.objects.values_list("leaf_document", flat=True).get(pk=row.batch_id)
    is_named = wanted is None or row.document_id == wanted
    is_at_rest = row.change_submission_id is None and not row.transfer_to
    return row.status == "completed" and is_named and is_at_rest
