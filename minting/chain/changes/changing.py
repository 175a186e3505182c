"""What both kinds of changes of leaves have in common."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from minting.chain.changes.settling import note_failed, note_retried
from minting.chain.sending.claims import Flight
from minting.chain.sending.kinds import Plain

# As with mints: the address of an asset is searched for by trying, at 1,500 units a try.
_MORE_UNITS = 20 * 1_500
# A proof that is too old, since its root is not remembered any more or the leaf is another, has the
# compression programs run out of their stack (measured) before they say ConcurrentMerkleTreeError,
# 6001.
_PASSING = ("ProgramFailedToComplete", "ComputationalBudgetExceeded", "6001")


class Changing(Plain):
    """See ``minting.chain.sending.kinds.Kind``."""

    def changes_tree(self, payload: Mapping[str, Any]) -> str:
        """Return the tree's address."""
        return str(payload["tree"])

    def shape(self, payload: Mapping[str, Any]) -> str:
        """Depend on how long the proofs are that are sent."""
        return f"{payload['schema']}:{payload['depth']}:{payload['canopy']}"

    def spends(self, payload: Mapping[str, Any]) -> int:
        """Return what Bubblegum takes, in lamports."""
        return int(payload.get("lamports", 0))

    def more_units(self, payload: Mapping[str, Any]) -> int:
        """Allow for addresses that are found late."""
        return _MORE_UNITS

    def is_final(self, error: str) -> bool:
        """Let a proof that was too old be made anew, and what ran out of units be tried again."""
        return super().is_final(error) and not any(one in error for one in _PASSING)

    def failed(self, flight: Flight, error: str) -> None:
        """Say why on each asset; nothing else may change these leaves until a person has looked."""
        note_failed(flight, error)

    def retried(self, submission_id: UUID) -> None:
        """Let the assets go on with their submission."""
        note_retried(submission_id)
