"""Updates: leaves that are to name another metadata document, as many as fit a transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.transaction_status import EncodedConfirmedTransactionWithStatusMeta

from minting.chain.assets.minting import leaves_told
from minting.chain.bubblegum.changes import Change, Place, update_metadata
from minting.chain.bubblegum.events import LeafTold
from minting.chain.bubblegum.programs import Version
from minting.chain.changes.changing import Changing
from minting.chain.changes.leaves import Held, Told, matched, metadata_of, present_leaf
from minting.chain.changes.settling import write_down
from minting.chain.sending.kinds import Done, Keys


def update_payload(change: Mapping[str, Any], *, uri: str, document_id: object) -> dict[str, Any]:
    """Return what an update is made of: ``change`` is ``payload_of`` of its leaves."""
    return {**change, "uri": uri, "document": str(document_id)}


def updates_of(
    payload: Mapping[str, Any], held: Sequence[Held], places: Sequence[Place], authority: Pubkey
) -> list[Instruction]:
    """Return the updates of a payload, in its order; ``held`` are its leaves as they stand."""
    return [
        update_metadata(
            present_leaf(payload, one),
            place,
            metadata_of(payload, one.name, one.uri),
            Change(uri=payload["uri"]),
            authority=authority,
        )
        for one, place in zip(held, places, strict=True)
    ]


class _Update(Changing):
    """See ``minting.chain.sending.kinds.Kind``."""

    def instructions(self, payload: Mapping[str, Any], keys: Keys) -> Sequence[Instruction]:
        """Return the updates; the payer is the tree's delegate."""
        return updates_of(payload, payload["held"], payload["places"], keys.payer)

    def learn(
        self, payload: Mapping[str, Any], landed: EncodedConfirmedTransactionWithStatusMeta
    ) -> list[Told]:
        """Return each leaf as it is since. Raises ``NotTold`` where an event is missing."""
        version = Version(payload["schema"])

        def is_done(told: LeafTold, name: str) -> bool:
            wanted = metadata_of(payload, name, payload["uri"]).data_hash(version)
            return told.leaf.data_hash == wanted

        return matched(payload, leaves_told(landed), is_done)

    def completed(self, done: Done) -> None:
        """Write down what the leaves name now."""
        payload = done.flight.payload
        write_down(done, done.learnt, document=payload["document"], uri=payload["uri"])


UPDATE = _Update()
