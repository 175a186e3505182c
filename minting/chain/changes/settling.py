"""Writing down what a change of leaves has come to."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from minting.chain.changes.leaves import Told
from minting.chain.sending.claims import Flight
from minting.chain.sending.kinds import Done
from minting.interruptions import LONGEST_ERROR

# Whatever a change was for, the leaf is what the chain has told, and its owner with it.
_COMPLETED = """
update minting_unitasset as asset
   set leaf_hash = told.leaf_hash, owner = told.owner,
       document_id = coalesce(%(document)s, asset.document_id),
       metadata_uri = coalesce(%(uri)s, asset.metadata_uri),
       transfer_to = case when told.owner = asset.transfer_to then '' else asset.transfer_to end,
       changed_in_id = %(transaction)s, changed_at = clock_timestamp(),
       change_submission_id = null, change_place = null, change_error = '',
       updated_at = clock_timestamp()
  from unnest(%(places)s::int[], %(hashes)s::bytea[], %(owners)s::text[])
    as told (place, leaf_hash, owner)
 where asset.change_submission_id = %(submission)s and asset.change_place = told.place
"""
_FAILED = """
update minting_unitasset set change_error = %s, updated_at = clock_timestamp()
 where change_submission_id = %s
"""


def write_down(
    done: Done, told: Sequence[Told], *, document: str | None = None, uri: str | None = None
) -> int:
    """Write down the leaves that a submission has changed; return how many.

    ``document`` and ``uri`` are what they name since, None where that stays.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _COMPLETED,
            {
                "places": [one.place for one in told],
                "hashes": [one.hash for one in told],
                "owners": [str(one.leaf.owner) for one in told],
                "document": document,
                "uri": uri,
                "transaction": done.transaction_id,
                "submission": done.flight.id,
            },
        )
        return int(cursor.rowcount)


def note_failed(flight: Flight, error: str) -> None:
    """Say of each leaf why its change has failed; it stays with its submission."""
    _note(flight.id, error[:LONGEST_ERROR])


def note_retried(submission_id: UUID) -> None:
    """Take back that a change has failed."""
    _note(submission_id, "")


def _note(submission_id: UUID, error: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, [error, submission_id])
